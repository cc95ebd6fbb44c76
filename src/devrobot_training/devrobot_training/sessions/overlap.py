"""
Drop validation transitions that training has seen: the same picture, followed by the same action.

A deterministic robot repeats itself; a validation that shares its moments with training measures
memory. What is dropped leaves a gap, and the pieces around it stay apart.
"""

from dataclasses import dataclass

from devrobot_training.sessions.building import Progress
from devrobot_training.sessions.session import check_same_action_space, Session
from devrobot_training.sessions.splits import Range, runs
import numpy as np
import xxhash

Moment = tuple[bytes, int]
PROGRESS_EVERY = 64


@dataclass(frozen=True, kw_only=True)
class Filtered:
    """What is left of a validation: ranges of its transitions, and how many were dropped."""

    kept: tuple[Range, ...]
    dropped: int


def moments(session: Session, progress: Progress | None = None) -> list[Moment]:
    """
    Return per transition the digest of the frame before it, and the action taken there.

    The action is the last one on the canvas that predicts the frame after it.
    """
    rows = session.transitions
    frames = np.unique(rows['before'])
    digests = {}
    for number, index in enumerate(frames.tolist()):
        # Equal bytes are another picture if the sides are others.
        digest = xxhash.xxh3_128(repr(session.frames.shape[1:]).encode())
        digest.update(np.ascontiguousarray(session.frames[index]).data)
        digests[index] = digest.digest()
        if progress is not None and number % PROGRESS_EVERY == 0:
            progress(number, len(frames))
    return [
        (digests[before], action)
        for before, action in zip(rows['before'].tolist(), rows['action'].tolist(), strict=True)
    ]


def filter_overlap(
    training: Session, validation: Session, progress: Progress | None = None
) -> Filtered:
    """
    Return the parts of ``validation`` of which no transition occurs in ``training``.

    :param progress: called with the frames of each session that were looked at, and their number.
    :raises SessionError: if their robots can do different things.
    """
    check_same_action_space([training, validation])
    seen = set(moments(training, progress))
    keep = [moment not in seen for moment in moments(validation, progress)]
    return Filtered(kept=tuple(runs(keep)), dropped=keep.count(False))
