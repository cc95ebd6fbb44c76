"""
Drop validation transitions that training has seen: the same picture, followed by the same action.

A deterministic robot repeats itself; a validation that shares its moments with training measures
memory. What is dropped leaves a gap, and the pieces around it stay apart.
"""

from dataclasses import dataclass

from devrobot_training.sessions.session import check_same_action_space, Session
from devrobot_training.sessions.splits import Range, runs
import numpy as np
import xxhash

Moment = tuple[bytes, int]


@dataclass(frozen=True, kw_only=True)
class Filtered:
    """What is left of a validation: ranges of its transitions, and how many were dropped."""

    kept: tuple[Range, ...]
    dropped: int


def moments(session: Session) -> list[Moment]:
    """Return per transition the digest of the frame before it, and the action taken there."""
    rows = session.transitions
    digests = {
        int(index): xxhash.xxh3_128(np.ascontiguousarray(session.frames[index])).digest()
        for index in np.unique(rows['before'])
    }
    return [(digests[int(row['before'])], int(row['action'])) for row in rows]


def filter_overlap(training: Session, validation: Session) -> Filtered:
    """
    Return the parts of ``validation`` of which no transition occurs in ``training``.

    :raises SessionError: if their robots can do different things.
    """
    check_same_action_space([training, validation])
    seen = set(moments(training))
    keep = [moment not in seen for moment in moments(validation)]
    return Filtered(kept=tuple(runs(keep)), dropped=keep.count(False))
