"""Items of a bag in their order, when they are due, again and again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_interfaces_py.bags import BagItem

SEAM_NS = 1_000_000_000
SOURCE = 'replay'


@dataclass(frozen=True, kw_only=True)
class Due:
    """An item as it is to be published, and when: seconds after the beginning."""

    item: BagItem
    seconds: float


def timeline(items: Iterable[BagItem]) -> Iterator[Due]:
    """
    Yield the items in their order, each due when it is stamped, and never before the last one.

    Stamps, not the times of the recording: those are of another clock where time is simulated.
    """
    first: int | None = None
    seconds = 0.0
    for item in items:
        first = item.stamp_ns if first is None else first
        seconds = max(seconds, (item.stamp_ns - first) / 1e9)
        yield Due(item=item, seconds=seconds)


class Loops:
    """
    The items again and again, with stamps and sequence numbers that go on rising.

    A reset is told between two rounds, so that nothing pairs across the seam.
    """

    def __init__(self, items: Callable[[], Iterable[BagItem]], *, loop: bool) -> None:
        """``items`` begins anew each time it is called."""
        self._items = items
        self._loop = loop

    def __iter__(self) -> Iterator[Due]:
        shift_ns = sequences = 0
        begin = 0.0
        while True:
            stamps: tuple[int, int] | None = None
            last_sequence = sequences
            seconds = begin
            for due in timeline(self._items()):
                item = shifted(due.item, shift_ns, sequences)
                low, high = stamps or (item.stamp_ns, item.stamp_ns)
                stamps = min(low, item.stamp_ns), max(high, item.stamp_ns)
                if isinstance(item, ActionEvent):
                    last_sequence = max(last_sequence, item.sequence)
                seconds = begin + due.seconds
                yield Due(item=item, seconds=seconds)
            if not self._loop or stamps is None:
                return
            seam = ActionEvent(
                stamp_ns=stamps[1] + SEAM_NS // 2,
                sequence=last_sequence + 1,
                phase=Phase.RESET,
                source=SOURCE,
            )
            yield Due(item=seam, seconds=seconds + SEAM_NS / 2e9)
            shift_ns += stamps[1] - stamps[0] + SEAM_NS
            sequences = last_sequence + 2
            begin = seconds + SEAM_NS / 1e9


def shifted(item: BagItem, shift_ns: int, sequences: int) -> BagItem:
    """Return the item with later stamps and higher sequence numbers."""
    if not shift_ns and not sequences:
        return item
    if isinstance(item, ActionEvent):
        return replace(item, stamp_ns=item.stamp_ns + shift_ns, sequence=item.sequence + sequences)
    return replace(item, stamp_ns=item.stamp_ns + shift_ns)
