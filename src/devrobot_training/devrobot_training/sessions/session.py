"""
A session in memory: frames and the transitions between them.

Shapes: N frames of height H and width W; T transitions. A chain is a run of transitions that
followed each other without a gap; only frames of one chain may share a canvas.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from devrobot_interfaces_py.actions import ActionSpace, SessionInfo
import numpy as np

TRANSITION_DTYPE = np.dtype(
    [
        ('sequence', '<u8'),
        ('action', '<u2'),
        ('start_ns', '<i8'),
        ('finish_ns', '<i8'),
        ('before', '<u4'),
        ('after', '<u4'),
        ('chain', '<u4'),
    ]
)


class SessionError(ValueError):
    """A session cannot be opened or used: one line with the reason and the way out."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """
    What a robot saw and did, from one bag or a part of one.

    ``frames`` is (N, H, W, 3) uint8 RGB, read-only, usually a memory map; it holds every frame
    that a transition of the bag uses, once, in order of time. ``frame_stamps`` is (N,) int64 [ns].
    ``transitions`` is (T,) of ``TRANSITION_DTYPE``, in order of time: ``before`` and ``after`` are
    indices into ``frames``, and neighbours of equal ``chain`` followed each other.
    ``unpaired`` counts by reason the actions that gave no transition.
    """

    name: str
    bag: Path
    digest: str
    info: SessionInfo
    action_space: ActionSpace
    frames: np.ndarray
    frame_stamps: np.ndarray
    transitions: np.ndarray
    unpaired: Mapping[str, int] = field(default_factory=dict)
    observed_frames: int = 0
    start_ns: int = 0
    end_ns: int = 0
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        """Return the number of transitions."""
        return len(self.transitions)

    @property
    def duration_s(self) -> float:
        """Time from the first to the last message; of a part from its first to its last frame."""
        return (self.end_ns - self.start_ns) / 1e9

    @property
    def used_frames(self) -> int:
        """Number of different frames of the transitions."""
        return len(np.union1d(self.transitions['before'], self.transitions['after']))

    @property
    def action_counts(self) -> dict[str, int]:
        """How often each action was finished, by label."""
        counts = np.bincount(self.transitions['action'], minlength=len(self.action_space))
        return {
            action.label: int(count)
            for action, count in zip(self.action_space.actions, counts, strict=True)
        }

    @property
    def chain_count(self) -> int:
        """Number of runs without a gap."""
        return len(np.unique(self.transitions['chain']))

    def windows(self, length: int) -> np.ndarray:
        """
        Return (M, length) indices of transitions; each row is a run within one chain.

        :raises ValueError: if ``length`` is below 1.
        """
        if length < 1:
            raise ValueError(f'a window has at least 1 transition, not {length}')
        chain = self.transitions['chain']
        starts = np.flatnonzero(chain[: max(0, len(chain) - length + 1)] == chain[length - 1 :])
        return starts[:, None] + np.arange(length)

    def select(self, ranges: Sequence[tuple[int, int]], *, name: str = '') -> 'Session':
        """
        Return the transitions of these half-open ranges; pieces are never joined.

        Frames stay shared with this session; counts and times are those of the part.

        :raises SessionError: if there is no range, or one is empty, goes back, or ends behind the
            last transition.
        """
        last, parts, chains = 0, [], 0
        for begin, end in ranges:
            if not last <= begin < end <= len(self):
                raise SessionError(
                    f'{self.name}: transitions {begin} to {end} are not a part of 0 to '
                    f'{len(self)} that comes after {last}'
                )
            part = self.transitions[begin:end].copy()
            _, numbers = np.unique(part['chain'], return_inverse=True)
            part['chain'] = numbers + chains
            chains += int(numbers.max()) + 1
            parts.append(part)
            last = end
        if not parts:
            raise SessionError(f'{self.name}: a part needs at least one range of transitions')
        part = np.concatenate(parts)
        return replace(
            self,
            name=name or self.name,
            transitions=part,
            unpaired={},
            observed_frames=len(np.union1d(part['before'], part['after'])),
            start_ns=int(self.frame_stamps[part['before'][0]]),
            end_ns=int(self.frame_stamps[part['after'][-1]]),
        )


def check_same_action_space(sessions: Iterable[Session]) -> None:
    """
    Refuse to mix sessions of robots that can do different things.

    :raises SessionError: naming two that differ, and where.
    """
    first: Session | None = None
    for session in sessions:
        first = first or session
        if session.action_space.digest != first.action_space.digest:
            raise SessionError(
                f'{session.name} ({session.action_space.digest}) and {first.name} '
                f'({first.action_space.digest}) have different action spaces: '
                f'{_first_difference(first.action_space, session.action_space)}; '
                'train on sessions of one robot configuration'
            )


def _first_difference(one: ActionSpace, other: ActionSpace) -> str:
    if one.robot_type != other.robot_type:
        return f'robots {one.robot_type} and {other.robot_type}'
    if len(one) != len(other):
        return f'{len(one)} and {len(other)} actions'
    pairs = enumerate(zip(one.actions, other.actions, strict=True))
    index, (ours, theirs) = next((i, pair) for i, pair in pairs if pair[0] != pair[1])
    return f'action {index} is {ours} in one and {theirs} in the other'
