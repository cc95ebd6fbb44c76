"""Quality of service of every topic: who must not miss a message, who may join late."""

from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    LivelinessPolicy,
    QoSProfile,
    ReliabilityPolicy,
)


def _reliable(depth: int, *, latched: bool = False) -> QoSProfile:
    """Return a reliable profile that keeps the last ``depth`` messages."""
    return QoSProfile(
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE,
        history=HistoryPolicy.KEEP_LAST,
        depth=depth,
        liveliness=LivelinessPolicy.AUTOMATIC,
    )


IMAGES = _reliable(30)
"""Camera images: none is lost by a reader that falls behind by less than a second."""

EVENTS = _reliable(100)
"""Action events: a missing one would break the pairing of frames."""

LATCHED = _reliable(1, latched=True)
"""Facts that hold until replaced: action space, session info."""

COMMANDS = _reliable(1)
"""Velocities: only the newest counts."""

RESULTS = _reliable(100)
"""Predictions, errors and metrics."""

PREDICTED_IMAGES = _reliable(10)
"""Predicted frames: as many as errors may still be computed for."""

VIEWS = _reliable(1, latched=True)
"""Pictures for people: only the newest counts, also for those who join late."""

DIAGNOSTICS = _reliable(10)
"""Health of a node."""
