"""What /diagnostics says about the world model, once a second."""

from collections.abc import Callable
from dataclasses import dataclass, field
import math

from devrobot_interfaces_py import qos, topics
from devrobot_world_model.nodes.progress import Progress
from devrobot_world_model.results import OnlineStats
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.clock import Clock
from rclpy.clock_type import ClockType
from rclpy.node import Node

PERIOD_S = 1.0
OK, WARN, ERROR = DiagnosticStatus.OK, DiagnosticStatus.WARN, DiagnosticStatus.ERROR


@dataclass(frozen=True, kw_only=True)
class Health:
    """The state of one part: a level, one sentence for people, and numbers."""

    part: str
    level: bytes
    message: str
    values: dict[str, str] = field(default_factory=dict)


def pairing_health(stats: OnlineStats, before: OnlineStats | None) -> Health:
    """Judge how well frames and actions find each other since the last look."""
    lost = sum(stats.unpaired.values())
    lost_before = sum(before.unpaired.values()) if before else 0
    values = {
        'frames': str(stats.frames),
        'transitions': str(stats.transitions),
        'predictions': str(stats.predictions),
        'predictions missed': str(stats.predictions_missed),
    }
    values |= {f'unpaired: {reason}': str(count) for reason, count in stats.unpaired.items()}
    if lost > lost_before:
        message = (
            f'{lost - lost_before} action(s) without a transition, {lost} in all; if this goes '
            'on, the robot acts faster than this computer follows: give it a longer period'
        )
        return Health(part='pairing', level=WARN, message=message, values=values)
    if not stats.frames:
        return Health(part='pairing', level=WARN, message='no camera frame yet', values=values)
    message = f'{stats.transitions} transitions paired'
    return Health(part='pairing', level=OK, message=message, values=values)


def learning_health(stats: OnlineStats, progress: Progress) -> Health:
    """Judge whether the model learns, and whether its loss falls."""
    last = progress.last
    values = {
        'learning': str(stats.learning),
        'optimizer step': str(stats.optimizer_step),
        'samples seen': str(stats.samples_seen),
        'steps skipped (busy)': str(stats.steps_skipped),
        'steps skipped (good enough)': str(stats.steps_gated),
        'non-finite steps': str(progress.non_finite),
        'loss': f'{last.loss:.4g}' if last else 'none yet',
        'prediction loss': f'{progress.prediction_loss:.4g}',
        'loss trend': f'{progress.trend:.3f}',
    }
    level, message = _judge(stats, progress)
    return Health(part='learning', level=level, message=message, values=values)


def waiting_health(message: str) -> Health:
    """Say what is missing before anything can be learned."""
    return Health(part='pairing', level=WARN, message=message)


def device_health(device: str, threads: int, preset: str) -> Health:
    """Say where the model computes."""
    values = {'device': device, 'threads': str(threads), 'preset': preset}
    return Health(part='device', level=OK, message=f'model runs on {device}', values=values)


def to_status(health: Health, node_name: str) -> DiagnosticStatus:
    """Return the message for ``health``; its name is ``node: part``."""
    return DiagnosticStatus(
        level=health.level,
        name=f'{node_name}: {health.part}',
        message=health.message,
        hardware_id=node_name,
        values=[KeyValue(key=key, value=value) for key, value in health.values.items()],
    )


def _judge(stats: OnlineStats, progress: Progress) -> tuple[bytes, str]:
    if progress.non_finite:
        return ERROR, (
            f'{progress.non_finite} training step(s) gave no finite loss: lower the learning rate'
        )
    if not stats.learning:
        return OK, 'learning is paused'
    if progress.last is None:
        return OK, 'no training step yet'
    if not math.isnan(progress.trend) and progress.trend > 1.5:
        return WARN, f'the loss rises: {progress.trend:.2f} times the earlier mean'
    return OK, f'step {stats.optimizer_step}, loss {progress.last.loss:.4g}'


class HealthReporter:
    """Publishes what it is told on /diagnostics, once a second of real time."""

    def __init__(self, node: Node, examine: Callable[[], list[Health]]) -> None:
        """Start to report what ``examine`` returns."""
        self._node = node
        self._examine = examine
        self._publisher = node.create_publisher(
            DiagnosticArray, topics.DIAGNOSTICS, qos.DIAGNOSTICS
        )
        # Steady time: health is also told while a simulation stands still.
        self._timer = node.create_timer(
            PERIOD_S, self._report, clock=Clock(clock_type=ClockType.STEADY_TIME)
        )

    def destroy(self) -> None:
        """Stop reporting."""
        self._node.destroy_timer(self._timer)
        self._node.destroy_publisher(self._publisher)

    def _report(self) -> None:
        name = self._node.get_fully_qualified_name()
        message = DiagnosticArray(status=[to_status(part, name) for part in self._examine()])
        message.header.stamp = self._node.get_clock().now().to_msg()
        self._publisher.publish(message)
