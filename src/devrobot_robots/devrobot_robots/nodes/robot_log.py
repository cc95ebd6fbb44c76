"""Carry what robots log in plain Python into the log of ROS."""

from __future__ import annotations

import logging
from typing import Any

ROBOT_LOGGER = 'devrobot_robots'


class RobotLog(logging.Handler):
    """Between ``open()`` and ``close()``, hands warnings and errors of robots to a node's log."""

    def __init__(self, node_log: Any) -> None:
        super().__init__(logging.WARNING)
        self._node_log = node_log

    def open(self) -> None:
        """Begin to listen."""
        logging.getLogger(ROBOT_LOGGER).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Hand one line on."""
        say = self._node_log.error if record.levelno >= logging.ERROR else self._node_log.warning
        say(record.getMessage())

    def close(self) -> None:
        """Listen no more."""
        logging.getLogger(ROBOT_LOGGER).removeHandler(self)
        super().close()
