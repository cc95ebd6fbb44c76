"""Quality of service for subscriptions: what the publishers offer, or what the user asks for."""

from __future__ import annotations

import argparse

from rclpy.node import Node
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSPresetProfiles,
    QoSProfile,
    ReliabilityPolicy,
)

PROFILES = (
    'unknown',
    'default',
    'system_default',
    'sensor_data',
    'services_default',
    'parameters',
    'parameter_events',
)
DEFAULT_DEPTH = 10


def add_quality_options(parser: argparse.ArgumentParser) -> None:
    """Add the ``--qos-…`` options of the real tool."""
    parser.add_argument('--qos-profile', choices=PROFILES, help='a preset to begin with')
    parser.add_argument('--qos-depth', type=int, metavar='N')
    parser.add_argument('--qos-history', choices=('keep_last', 'keep_all', 'system_default'))
    parser.add_argument('--qos-reliability', choices=('reliable', 'best_effort', 'system_default'))
    parser.add_argument(
        '--qos-durability', choices=('volatile', 'transient_local', 'system_default')
    )


def choose(node: Node, topic: str, arguments: argparse.Namespace) -> QoSProfile:
    """Return a profile that matches all publishers, unless the options say otherwise."""
    endpoints = node.get_publishers_info_by_topic(topic)
    if arguments.qos_profile:
        preset = QoSPresetProfiles.get_from_short_key(arguments.qos_profile)
        profile = QoSProfile(
            depth=preset.depth,
            history=preset.history,
            reliability=preset.reliability,
            durability=preset.durability,
        )
    else:
        reliable = bool(endpoints) and all(
            endpoint.qos_profile.reliability == ReliabilityPolicy.RELIABLE
            for endpoint in endpoints
        )
        latched = bool(endpoints) and all(
            endpoint.qos_profile.durability == DurabilityPolicy.TRANSIENT_LOCAL
            for endpoint in endpoints
        )
        profile = QoSProfile(
            depth=DEFAULT_DEPTH,
            reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
            durability=(
                DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
            ),
        )
    if arguments.qos_depth is not None:
        profile.depth = arguments.qos_depth
    if arguments.qos_history:
        profile.history = HistoryPolicy.get_from_short_key(arguments.qos_history)
    if arguments.qos_reliability:
        profile.reliability = ReliabilityPolicy.get_from_short_key(arguments.qos_reliability)
    if arguments.qos_durability:
        profile.durability = DurabilityPolicy.get_from_short_key(arguments.qos_durability)
    return profile
