"""The robots that can act in the demo."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from devrobot_bringup.demo.config import DOT, JETBOT
from devrobot_bringup.demo.processes import free_port

JETBOT_PORT = 18861


@dataclass(frozen=True, kw_only=True)
class DemoRobot:
    """Which launch file runs it, under which names."""

    namespace: str
    launch_file: str
    layout: str
    first_port: int = 0

    def arguments(self) -> list[str]:
        """Return what its launch file needs to be told."""
        if not self.first_port:
            return []
        port = free_port(self.first_port, way_out='end the programs that hold them')
        return ['sim:=true', f'port:={port}']


ROBOTS: Mapping[str, DemoRobot] = MappingProxyType(
    {
        DOT: DemoRobot(
            namespace='/toroidal_dot',
            launch_file='toroidal_dot.launch.xml',
            layout='devrobot.json',
        ),
        JETBOT: DemoRobot(
            namespace='/jetbot',
            launch_file='jetbot.launch.xml',
            layout='jetbot.json',
            first_port=JETBOT_PORT,
        ),
    }
)
