"""Declare the node's parameters from the configuration classes, and check them."""

from collections.abc import Sequence
from dataclasses import dataclass

from devrobot_interfaces_py.configs import ConfigError
from devrobot_interfaces_py.params import declare_config
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.config import preset, WorldModelConfig
from devrobot_world_model.model.factory import resolve_device
from devrobot_world_model.nodes.settings import NodeConfig, StartConfig
from rclpy.node import Node


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """Everything the parameters say."""

    preset: str
    model: WorldModelConfig
    node: NodeConfig


def declare(node: Node) -> Configuration:
    """
    Declare all parameters and return what they say, checked as far as it goes without a robot.

    :raises ConfigError: with the parameter, its value and what is allowed.
    """
    name = declare_config(node, StartConfig()).preset
    model = declare_config(node, preset(name))
    settings = declare_config(node, NodeConfig())
    try:
        CanvasLayout.from_config(model)
    except ValueError as error:
        raise ConfigError(str(error)) from error
    resolve_device(model.device)
    _check_topics(node, settings.image_topics)
    return Configuration(preset=name, model=model, node=settings)


def _check_topics(node: Node, names: Sequence[str]) -> None:
    """Refuse names that ROS refuses: the transition would fail without a word."""
    for name in names:
        try:
            node.resolve_topic_name(name)
        except RuntimeError as error:
            reason = str(error).removeprefix('failed to resolve name: ').split(', at ')[0]
            raise ConfigError(
                f'parameter image_topics names {name!r}, which is no topic: {reason}'
            ) from error
