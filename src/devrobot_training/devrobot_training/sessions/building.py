"""Build what a session needs from a bag: one pass, constant memory."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from devrobot_interfaces_py.actions import Phase
from devrobot_interfaces_py.bags import Bag, BagError, BagFrame
from devrobot_training.sessions.faults import Fault, FaultFinder
from devrobot_training.sessions.frame_file import FrameFile
from devrobot_training.sessions.session import SessionError, TRANSITION_DTYPE
from devrobot_world_model.canvas.history import Chain, Frame, History
import numpy as np

Progress = Callable[[int, int], None]
FRAME_BUFFER = 64
PROGRESS_EVERY = 256
CROSSING = 'another event between its frames'


@dataclass(frozen=True, kw_only=True)
class Built:
    """What was found; the frames are in their file."""

    shape: tuple[int, int, int]
    frame_stamps: np.ndarray
    transitions: np.ndarray
    unpaired: dict[str, int]
    observed_frames: int
    notes: tuple[str, ...]


def build(
    bag: Bag, frames: Path, *, skip_faulty: bool = False, progress: Progress | None = None
) -> Built:
    """
    Pair the frames and events of a bag; write the frames that are used to ``frames``.

    :param progress: called with the messages read and their number, now and then.
    :raises SessionError: at the first fault, unless ``skip_faulty``.
    :raises BagError: if the bag is damaged.
    """
    with FrameFile(frames) as file:
        builder = _Builder(bag, file, skip_faulty)
        total = bag.frame_count + bag.event_count
        for number, item in enumerate(bag.items()):
            builder.add(item)
            if progress is not None and number % PROGRESS_EVERY == 0:
                progress(number, total)
        built = builder.finish()
    if progress is not None:
        progress(total, total)
    return built


class _Builder:
    """Feeds the pairing rule and keeps the transitions that come out of it."""

    def __init__(self, bag: Bag, file: FrameFile, skip_faulty: bool) -> None:
        self._bag = bag
        self._file = file
        self._skip = skip_faulty
        self._faults = FaultFinder(str(bag.path), skip=skip_faulty)
        self._history = History(
            action_count=len(bag.action_space), chain_length=2, frame_buffer=FRAME_BUFFER
        )
        self._rows: list[tuple[int, ...]] = []
        self._stamps: list[int] = []
        self._chain = -1
        self._last: tuple[Any, int] | None = None  # the frame written last, and its index
        self._observed = 0
        self._happened: list[int] = []

    def add(self, item: Any) -> None:
        """Take a frame or an event."""
        if isinstance(item, BagFrame):
            self._observed += 1
            if self._faults.frame_is_late(item.stamp_ns):
                self._history.clear()
                self._chain_ends()
                return
            # The pairing rule only looks at the time: pixels are decoded where they are used.
            chains = self._history.add_frame(Frame(stamp_ns=item.stamp_ns, image=cast(Any, item)))
        else:
            if self._faults.event_is_faulty(item):
                self._history.clear()
                self._chain_ends()
            if item.phase != Phase.ACCEPTED:
                self._happened.append(item.stamp_ns)
            chains = self._history.add_event(item)
        for chain in chains:
            self._take(chain)

    def finish(self) -> Built:
        """Return what was found."""
        self._history.end()
        unpaired = {reason.value: n for reason, n in self._history.unpaired.items() if n}
        transitions, crossing = self._checked()
        if crossing:
            unpaired[CROSSING] = crossing
        unpaired |= {fault.value: n for fault, n in self._faults.counts.items()}
        notes = []
        if self._bag.dropped_moments:
            notes.append(f'{self._bag.dropped_moments} moments lacked a camera and were left out')
        if self._file.shape is None:
            raise SessionError(
                f'{self._bag.path}: no action has a frame before and after it, nothing to learn '
                f'from: {_summary(unpaired)}'
            )
        return Built(
            shape=self._file.shape,
            frame_stamps=np.array(self._stamps, np.int64),
            transitions=transitions,
            unpaired=unpaired,
            observed_frames=self._observed,
            notes=tuple(notes),
        )

    def _checked(self) -> tuple[np.ndarray, int]:
        """
        Return the transitions between whose frames nothing else happened, and how many others.

        A frame that overtook an event on its way into the bag may have been taken for the end of
        an action, though another one had begun.
        """
        rows = np.array(self._rows, TRANSITION_DTYPE)
        stamps, happened = np.array(self._stamps, np.int64), np.sort(self._happened)
        before, after = stamps[rows['before']], stamps[rows['after']]
        inside = np.searchsorted(happened, after, 'left') - np.searchsorted(
            happened, before, 'right'
        )
        own = (rows['start_ns'] > before).astype(int) + (rows['finish_ns'] < after)
        good = inside <= own
        rows['chain'] += np.cumsum(~good).astype(np.uint32)
        return rows[good], int((~good).sum())

    def _take(self, chain: Chain) -> None:
        transition = chain[-1]
        before, after = (
            self._write(cast(BagFrame, frame.image))
            for frame in (transition.before, transition.after)
        )
        if before is None or after is None:
            self._chain_ends()
            return
        if len(chain) == 1 or self._broken:
            self._chain += 1
            self._broken = False
        self._rows.append(
            (
                transition.sequence,
                transition.action,
                transition.start_ns,
                transition.finish_ns,
                before,
                after,
                self._chain,
            )
        )

    _broken = False

    def _chain_ends(self) -> None:
        self._broken = True

    def _write(self, frame: BagFrame) -> int | None:
        """Return the index of a frame, written now unless it was the last; None for a bad one."""
        if self._last is not None and self._last[0] is frame:
            return self._last[1]
        try:
            image = frame.image()
        except BagError as error:
            self._faults.report(Fault.UNREADABLE, str(error))
            return None
        if not self._file.fits(image):
            height, width, _ = self._file.shape or image.shape
            self._faults.report(
                Fault.SIZE,
                f'the image of {frame.stamp_ns} ns is {image.shape[0]}x{image.shape[1]} pixels, '
                f'those before it {height}x{width}',
            )
            return None
        index = self._file.append(image)
        self._stamps.append(frame.stamp_ns)
        self._last = (frame, index)
        return index


def _summary(unpaired: dict[str, int]) -> str:
    return ', '.join(f'{count} {reason}' for reason, count in unpaired.items()) or 'no action'
