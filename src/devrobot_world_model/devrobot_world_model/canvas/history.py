"""
Pair frames and action events into transitions: the one rule for online and offline use.

The rule: *before* is the newest frame stamped at or before the start of an action, *after* the
first frame stamped at or after its end. Whatever does not pair is counted by its reason and never
guessed. Transitions are chained when their sequence numbers follow each other and the robot was
not set anew between them; only chained transitions share a canvas.
"""

from collections import Counter, deque
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from devrobot_interfaces_py.actions import ActionEvent, Phase
import numpy as np


class Unpaired(StrEnum):
    """Why an action gave no transition."""

    ABORTED = 'aborted'
    NO_START = 'no start event'
    NO_FINISH = 'no finish event'
    NO_BEFORE = 'no frame between the previous action and the start'
    NO_AFTER = 'no frame between the end and the next action'
    RESET = 'robot reset'
    UNKNOWN_ACTION = 'unknown action'


@dataclass(frozen=True, kw_only=True)
class Frame:
    """A camera image (H, W, 3) uint8 RGB and its acquisition time."""

    stamp_ns: int
    image: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Transition:
    """One action with the frame before and the frame after it."""

    sequence: int
    action: int
    start_ns: int
    finish_ns: int
    before: Frame
    after: Frame


Chain: TypeAlias = tuple[Transition, ...]


@dataclass
class _Pending:
    sequence: int
    action: int
    start_ns: int
    barrier_ns: int
    finish_ns: int | None = None
    before: Frame | None = None
    limit_ns: int | None = None  # when something else happened to the robot


class History:
    """
    Frames and events in, transitions out, in the order in which the actions happened.

    A result is the chain that ends in the new transition (oldest first, at most ``chain_length``).

    Each kind must arrive in its own order. Frames may be later than events stamped after them;
    that loses transitions, and never makes a wrong one. Lives as long as one robot session.
    """

    def __init__(self, *, action_count: int, chain_length: int, frame_buffer: int = 256) -> None:
        """Keep ``chain_length`` chained transitions; accept actions 0..``action_count`` - 1."""
        if action_count < 1 or chain_length < 1 or frame_buffer < 2:
            raise ValueError(
                f'need action_count and chain_length >= 1 and frame_buffer >= 2, got '
                f'{action_count}, {chain_length}, {frame_buffer}'
            )
        self._action_count = action_count
        self._frames: deque[Frame] = deque()
        self._frame_buffer = frame_buffer
        self._forgotten_ns = -1
        self._pending: deque[_Pending] = deque()
        self._chain: deque[Transition] = deque(maxlen=chain_length)
        self._barrier_ns = -1
        self.unpaired: Counter[Unpaired] = Counter()
        self.paired = 0

    @property
    def newest_frame(self) -> Frame | None:
        """The newest frame, or None."""
        return self._frames[-1] if self._frames else None

    @property
    def chain(self) -> Chain:
        """The newest chained transitions, oldest first."""
        return tuple(self._chain)

    def clear(self) -> None:
        """Forget frames, open actions and the chain; counts stay."""
        self._frames.clear()
        self._pending.clear()
        self._chain.clear()
        self._barrier_ns = -1
        self._forgotten_ns = -1

    def end(self) -> None:
        """Count the actions that are still open: nothing more will come."""
        for pending in self._pending:
            open_end = pending.finish_ns is None
            self.unpaired[Unpaired.NO_FINISH if open_end else Unpaired.NO_AFTER] += 1
        self._pending.clear()

    def add_frame(self, frame: Frame) -> list[Chain]:
        """Take a frame; return the chains of the transitions that it completes."""
        if self._frames and frame.stamp_ns < self._frames[-1].stamp_ns:
            self.clear()
        self._frames.append(frame)
        if len(self._frames) > self._frame_buffer:
            self._forget(self._frames.popleft())
        return self._resolve()

    def add_event(self, event: ActionEvent) -> list[Chain]:
        """Take an event; return the chains of the transitions that it completes."""
        if event.phase == Phase.RESET:
            done = self._resolve(until_ns=event.stamp_ns)
            self._break(Unpaired.RESET, event.stamp_ns)
            return done
        if event.phase != Phase.ACCEPTED:
            self._limit(event)
        if event.phase == Phase.STARTED:
            return self._on_started(event)
        if event.phase == Phase.FINISHED:
            return self._on_finished(event)
        if event.phase == Phase.ABORTED:
            self._on_aborted(event)
        return []

    def context(self, sequence: int) -> tuple[list[Frame], list[int]] | None:
        """
        Return the frames and actions that lead up to the open action ``sequence``.

        The frames are the before-frames of the chained transitions and, last, the newest frame
        stamped at or before the start; the actions those of the chained transitions. None while
        the frame after the previous action is still missing, or if ``sequence`` is not open.
        """
        open_actions = [pending for pending in self._pending if pending.sequence == sequence]
        if not open_actions or self._pending[0] is not open_actions[0]:
            return None
        pending = open_actions[0]
        current = self._before(pending)
        if current is None:
            return None
        chain = self._chain_before(sequence)
        return [*(t.before for t in chain), current], [t.action for t in chain]

    def _chain_before(self, sequence: int) -> list[Transition]:
        if self._chain and self._chain[-1].sequence == sequence - 1:
            return list(self._chain)
        return []

    def _limit(self, event: ActionEvent) -> None:
        """Let no other action reach for a frame behind this event."""
        for pending in self._pending:
            if pending.sequence != event.sequence and pending.limit_ns is None:
                pending.limit_ns = event.stamp_ns

    def _on_started(self, event: ActionEvent) -> list[Chain]:
        if not 0 <= event.action < self._action_count:
            self.end()
            self._break(Unpaired.UNKNOWN_ACTION, event.stamp_ns)
            return []
        done = self._resolve(until_ns=event.stamp_ns)
        while self._pending and self._pending[-1].finish_ns is None:
            self._pending.pop()
            self.unpaired[Unpaired.NO_FINISH] += 1
            self._chain.clear()
        self._pending.append(
            _Pending(event.sequence, event.action, event.stamp_ns, self._barrier_ns)
        )
        self._barrier_ns = event.stamp_ns
        return done

    def _on_finished(self, event: ActionEvent) -> list[Chain]:
        for pending in self._pending:
            if pending.sequence == event.sequence and pending.finish_ns is None:
                pending.finish_ns = event.stamp_ns
                self._barrier_ns = event.stamp_ns
                return self._resolve()
        self.unpaired[Unpaired.NO_START] += 1
        self._chain.clear()
        self._barrier_ns = event.stamp_ns
        return []

    def _on_aborted(self, event: ActionEvent) -> None:
        self._pending = deque(p for p in self._pending if p.sequence != event.sequence)
        self.unpaired[Unpaired.ABORTED] += 1
        self._chain.clear()
        self._barrier_ns = event.stamp_ns

    def _break(self, reason: Unpaired, stamp_ns: int) -> None:
        """End the chain: nothing that comes later belongs to what came before."""
        self.unpaired[reason] += len(self._pending) + int(reason is Unpaired.UNKNOWN_ACTION)
        self._pending.clear()
        self._chain.clear()
        self._barrier_ns = stamp_ns

    def _forget(self, frame: Frame) -> None:
        """Let go of a frame, except where a long action still needs it as its before-frame."""
        self._forgotten_ns = frame.stamp_ns
        for pending in self._pending:
            if frame.stamp_ns <= pending.start_ns:
                pending.before = frame

    def _before(self, pending: _Pending) -> Frame | None:
        for frame in reversed(self._frames):
            if frame.stamp_ns <= pending.start_ns:
                return frame if frame.stamp_ns >= pending.barrier_ns else None
        kept = pending.before
        return kept if kept is not None and kept.stamp_ns >= pending.barrier_ns else None

    def _after(self, finish_ns: int) -> Frame | None:
        after = None
        for frame in reversed(self._frames):
            if frame.stamp_ns < finish_ns:
                break
            after = frame
        return after

    def _resolve(self, until_ns: int | None = None) -> list[Chain]:
        """Turn finished actions whose after-frame is there into transitions."""
        done: list[Chain] = []
        while self._pending:
            pending = self._pending[0]
            finish_ns = pending.finish_ns
            after = None if finish_ns is None else self._after(finish_ns)
            if finish_ns is None or after is None:
                break
            limit = pending.limit_ns or until_ns
            self._pending.popleft()
            before = self._before(pending)
            late = self._forgotten_ns >= finish_ns  # the first frame after it is gone
            if before is None or late or (limit is not None and after.stamp_ns > limit):
                reason = Unpaired.NO_BEFORE if before is None else Unpaired.NO_AFTER
                self.unpaired[reason] += 1
                self._chain.clear()
                continue
            done.append(self._make(pending, before, after))
        return done

    def _make(self, pending: _Pending, before: Frame, after: Frame) -> Chain:
        transition = Transition(
            sequence=pending.sequence,
            action=pending.action,
            start_ns=pending.start_ns,
            finish_ns=pending.finish_ns or 0,
            before=before,
            after=after,
        )
        if self._chain and self._chain[-1].sequence != pending.sequence - 1:
            self._chain.clear()
        self._chain.append(transition)
        self.paired += 1
        return tuple(self._chain)
