"""What the recorder says about itself once a second."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from devrobot_robots.recording.config import GIGABYTE
from devrobot_robots.recording.recorder import RecorderStatus
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue


def recorder_diagnostics(
    node_name: str, status: RecorderStatus, *, hardware_id: str, stamp: Time
) -> DiagnosticArray:
    """Return the message about the recording that runs, or about the last one."""
    level, message = DiagnosticStatus.OK, 'recording' if status.recording else 'not recording'
    if status.problem:
        level, message = DiagnosticStatus.ERROR, status.problem
    values = {
        'recording': str(status.recording).lower(),
        'bag': str(status.bag or ''),
        'seconds': f'{status.seconds:.1f}',
        'bytes': str(status.size_bytes),
        'free [GB]': f'{status.free_bytes / GIGABYTE:.2f}',
    }
    array = DiagnosticArray()
    array.header.stamp = stamp
    array.status = [
        DiagnosticStatus(
            level=level,
            name=f'{node_name}: recording',
            message=message,
            hardware_id=hardware_id,
            values=[KeyValue(key=key, value=value) for key, value in values.items()],
        )
    ]
    return array
