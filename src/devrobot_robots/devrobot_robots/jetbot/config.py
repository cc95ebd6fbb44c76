"""Settings of a JetBot."""

from __future__ import annotations

from dataclasses import dataclass

from devrobot_interfaces_py.configs import check_ranges, ConfigError, param
from devrobot_robots.jetbot.actions import LONGEST_S, MotorAction, parse_actions, SHORTEST_S
from devrobot_robots.jetbot.ramp import make_ramp, Ramp

REFRESH_S = 0.1
"""How often a held speed is told again; well below any dead-man time."""


@dataclass(frozen=True, kw_only=True)
class JetBotConfig:
    """Where the robot is, what it can do, and when something counts as broken."""

    host: str = param('jetbot.local', 'name or address of the robot')
    port: int = param(18861, 'TCP port of its server', minimum=1, maximum=65535)
    tls: str = param(
        '', 'folder with client.crt, client.key and ca.crt; empty = the server has no TLS'
    )
    actions: tuple[str, ...] = param(
        ('stay 0 0', 'turn 0 0.12'),
        'the actions: `LABEL LEFT RIGHT [SECONDS]`, motor speeds from -1 to 1, '
        f'{SHORTEST_S:g} to {LONGEST_S:g} s; the first rests',
    )
    duration: float = param(
        0.2,
        'how long an action lasts, without the way down [s]',
        minimum=SHORTEST_S,
        maximum=LONGEST_S,
    )
    ramp_steps: int = param(4, 'steps from zero to full speed and back', minimum=0, maximum=100)
    ramp_step_time: float = param(0.015, 'length of such a step [s]', minimum=0.001, maximum=1.0)
    max_speed: float = param(0.5, 'largest motor speed of any action', minimum=0.01, maximum=1.0)
    left_trim: float = param(
        0.0, 'the left motor turns by this share faster', minimum=-0.5, maximum=0.5
    )
    right_trim: float = param(
        0.0, 'the right motor turns by this share faster', minimum=-0.5, maximum=0.5
    )
    wheel_distance: float = param(
        0.12, 'between the wheels, for `cmd_vel` [m]', minimum=0.01, maximum=2.0
    )
    top_speed: float = param(
        0.5, 'speed at motor speed 1, for `cmd_vel` [m/s]', minimum=0.01, maximum=10.0
    )
    wait_for_robot: float = param(
        0.0,
        'how long the start may wait for the server, or for another driver to leave [s]',
        minimum=0.0,
        maximum=600.0,
    )
    connect_timeout: float = param(
        3.0, 'how long connecting may take [s]', minimum=0.1, maximum=60.0
    )
    call_timeout: float = param(
        1.5, 'how long the robot may take to answer [s]', minimum=0.1, maximum=60.0
    )
    max_lateness: float = param(
        0.25,
        'an action is aborted when the robot has a motor speed so much later than its ramp says '
        '[s]; at least 0.15 s less than the dead-man time of the server',
        minimum=0.02,
        maximum=4.0,
    )
    max_motion_error: float = param(
        0.25,
        'an action is aborted when the robot moved by more than this share further, or less far, '
        'than its ramp says',
        minimum=0.01,
        maximum=10.0,
    )
    retry_first: float = param(
        0.5, 'pause before the first new try to connect, doubled each time [s]', minimum=0.05
    )
    retry_most: float = param(10.0, 'longest such pause [s]', minimum=0.05, maximum=600.0)
    camera_delay: float = param(
        0.1,
        'age of the newest picture of a server that does not tell it [s]',
        minimum=0.0,
        maximum=2.0,
    )
    frozen_after: float = param(
        2.0, 'the camera is frozen if its picture stays the same so long [s]', minimum=0.1
    )

    def __post_init__(self) -> None:
        """Check each value, then how they fit together."""
        check_ranges(self)
        self._check_host()
        if self.retry_first > self.retry_most:
            raise ConfigError(
                f'retry_first {self.retry_first:g} is more than retry_most {self.retry_most:g}'
            )
        for action in self.motor_actions():
            for speed in self.trimmed(action.left, action.right):
                if abs(speed) > self.max_speed:
                    raise ConfigError(
                        f'actions: {action.label!r} turns a motor at {speed:g} (with its trim), '
                        f'more than max_speed {self.max_speed:g}'
                    )
            try:
                self.ramp(action)
            except ValueError as error:
                raise ConfigError(f'actions: {action.label!r}: {error}') from error

    def _check_host(self) -> None:
        try:
            name = self.host.encode('idna')
        except UnicodeError:  # such as a..b: looking it up would raise that, too
            name = b''
        if not name:
            raise ConfigError(
                f"host is {self.host!r}, must be a name such as 'jetbot.local' or an address"
            )

    def motor_actions(self) -> tuple[MotorAction, ...]:
        """
        Return the declared actions.

        :raises ConfigError: if they are wrong.
        """
        return parse_actions(self.actions, duration_s=self.duration)

    def trimmed(self, left: float, right: float) -> tuple[float, float]:
        """Return the speeds that go to the motors."""
        return left * (1.0 + self.left_trim), right * (1.0 + self.right_trim)

    def ramp(self, action: MotorAction) -> Ramp:
        """Return the profile of an action."""
        left, right = self.trimmed(action.left, action.right)
        return make_ramp(
            left,
            right,
            duration_s=action.duration_s,
            steps=self.ramp_steps,
            step_s=self.ramp_step_time,
            refresh_s=REFRESH_S,
        )
