"""The hardware of a real JetBot as one robot of several: tests on one machine need not wait."""

from pathlib import Path

from devrobot_robots.jetbot.server.jetbot_hardware import open_camera, open_motors

__all__ = ['open_camera', 'open_motors', 'robot_name']


def robot_name(option: str) -> str:
    return str(Path(option).resolve())
