"""What the driver says about itself once a second."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from builtin_interfaces.msg import Time
from devrobot_robots.outcomes import ExecutionHealth
from devrobot_robots.robot import PartHealth
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue


class DriverDiagnostics:
    """Turns the executor's health into statuses; remembers the last frame count for the rate."""

    def __init__(self, node_name: str, robot_name: str) -> None:
        self._node_name = node_name
        self._robot_name = robot_name
        self._last: tuple[int, float] | None = None  # frames, time [s]

    def build(
        self,
        health: ExecutionHealth,
        parts: Sequence[PartHealth] = (),
        *,
        now_s: float,
        stamp: Time,
    ) -> DiagnosticArray:
        """
        Return the message.

        :param parts: what the robot itself tells.
        :param now_s: the time of a steady clock.
        """
        array = DiagnosticArray(status=[self._execution(health), self._camera(health, now_s)])
        array.status += [
            self._status(part.part, bytes([part.level]), part.message, part.values)
            for part in parts
        ]
        array.header.stamp = stamp
        return array

    def _execution(self, health: ExecutionHealth) -> DiagnosticStatus:
        if health.overdue:
            level, message = DiagnosticStatus.ERROR, 'an action goes on although it was stopped'
        elif not health.active:
            level, message = DiagnosticStatus.OK, 'inactive'
        else:
            level, message = DiagnosticStatus.OK, 'busy' if health.busy_for_s else 'idle'
        values = {
            'finished': str(health.finished),
            'aborted': str(health.aborted),
            'busy for [s]': f'{health.busy_for_s:.2f}',
            'last abort': health.last_abort,
        }
        return self._status('execution', level, message, values)

    def _camera(self, health: ExecutionHealth, now_s: float) -> DiagnosticStatus:
        rate = 0.0
        if self._last is not None and now_s > self._last[1]:
            rate = (health.frames - self._last[0]) / (now_s - self._last[1])
        self._last = (health.frames, now_s)
        values = {'frames': str(health.frames), 'frequency [Hz]': f'{rate:.2f}'}
        if health.camera_problem:
            return self._status('camera', DiagnosticStatus.ERROR, health.camera_problem, values)
        return self._status('camera', DiagnosticStatus.OK, 'frames arrive', values)

    def _status(
        self, component: str, level: bytes, message: str, values: Mapping[str, str]
    ) -> DiagnosticStatus:
        return DiagnosticStatus(
            level=level,
            name=f'{self._node_name}: {component}',
            message=message,
            hardware_id=self._robot_name,
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
