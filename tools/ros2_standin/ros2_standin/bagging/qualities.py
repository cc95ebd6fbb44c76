"""Quality of service of publishers, as bags write it down and as rclpy takes it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rclpy.duration import Duration, Infinite
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    LivelinessPolicy,
    QoSProfile,
    ReliabilityPolicy,
)
from rosbags.interfaces import (
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)

LEAST_DEPTH = 200
LEAST_OFFERED_DEPTH = 10
_NS = 1_000_000_000
_FOR_EVER = QosTime(9223372036, 854775807)


def offered(profile: QoSProfile) -> Qos:
    """Return a publisher's profile as a bag writes it down."""
    return Qos(
        history=_named(QosHistory, profile.history, QosHistory.UNKNOWN),
        depth=profile.depth,
        reliability=_named(QosReliability, profile.reliability, QosReliability.UNKNOWN),
        durability=_named(QosDurability, profile.durability, QosDurability.UNKNOWN),
        deadline=_time(profile.deadline),
        lifespan=_time(profile.lifespan),
        liveliness=_named(QosLiveliness, profile.liveliness, QosLiveliness.UNKNOWN),
        liveliness_lease_duration=_time(profile.liveliness_lease_duration),
        avoid_ros_namespace_conventions=profile.avoid_ros_namespace_conventions,
    )


def for_recording(profiles: Sequence[QoSProfile]) -> QoSProfile:
    """Return a subscription that all these publishers serve, with room for a slow moment."""
    reliable = all(p.reliability == ReliabilityPolicy.RELIABLE for p in profiles)
    latched = all(p.durability == DurabilityPolicy.TRANSIENT_LOCAL for p in profiles)
    return QoSProfile(
        depth=max([LEAST_DEPTH, *(p.depth for p in profiles)]),
        history=HistoryPolicy.KEEP_LAST,
        reliability=ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
    )


def for_playing(profiles: Sequence[Qos]) -> QoSProfile:
    """
    Return what a player offers in place of these publishers; the default where they differ.

    The depth is at least that of the default: one player stands for all publishers of a topic,
    and each of them may have latched a message.
    """
    if not profiles or not all(_same(profile, profiles[0]) for profile in profiles):
        return QoSProfile(depth=LEAST_OFFERED_DEPTH)
    first = profiles[0]
    keep_all = any(profile.history == QosHistory.KEEP_ALL for profile in profiles)
    return QoSProfile(
        depth=max([LEAST_OFFERED_DEPTH, *(profile.depth for profile in profiles)]),
        history=HistoryPolicy.KEEP_ALL if keep_all else HistoryPolicy.KEEP_LAST,
        reliability=(
            ReliabilityPolicy.BEST_EFFORT
            if first.reliability == QosReliability.BEST_EFFORT
            else ReliabilityPolicy.RELIABLE
        ),
        durability=(
            DurabilityPolicy.TRANSIENT_LOCAL
            if first.durability == QosDurability.TRANSIENT_LOCAL
            else DurabilityPolicy.VOLATILE
        ),
        liveliness=LivelinessPolicy.AUTOMATIC,
    )


def _same(one: Qos, other: Qos) -> bool:
    return (one.reliability, one.durability) == (other.reliability, other.durability)


def _named(kind: Any, value: Any, default: Any) -> Any:
    return kind.__members__.get(value.name, default)


def _time(value: Duration) -> QosTime:
    if value == Infinite or value.nanoseconds >= Infinite.nanoseconds:
        return _FOR_EVER
    seconds, nanoseconds = divmod(value.nanoseconds, _NS)
    return QosTime(seconds, nanoseconds)
