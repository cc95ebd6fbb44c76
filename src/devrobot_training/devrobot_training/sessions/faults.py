"""What can be wrong with the items of a bag, found before they reach the pairing rule."""

from collections import Counter
from enum import StrEnum

from devrobot_interfaces_py.actions import ActionEvent, Phase
from devrobot_training.sessions.session import SessionError


class Fault(StrEnum):
    """Why something of a bag cannot be used."""

    FRAME_STAMP = 'frame stamp goes back'
    EVENT_STAMP = 'event stamp goes back'
    SEQUENCE = 'sequence number repeats'
    SIZE = 'image of another size'
    UNREADABLE = 'unreadable image'


HINT = 'skip_faulty (--skip-faulty) leaves out what it touches'


class FaultFinder:
    """
    Watches frames and events in the order of the recording.

    Strict, it raises at the first fault; otherwise it counts them, and the caller leaves out what
    they touch.
    """

    def __init__(self, name: str, *, skip: bool) -> None:
        self._name = name
        self._skip = skip
        self._frame_ns: int | None = None
        self._event_ns: int | None = None
        self._started = -1
        self._frames = 0
        self.counts: Counter[Fault] = Counter()

    def frame_is_late(self, stamp_ns: int) -> bool:
        """
        Return whether a frame is stamped before the one ahead of it.

        :raises SessionError: if it is, and nothing is to be skipped.
        """
        last, self._frame_ns = self._frame_ns, stamp_ns
        self._frames += 1
        if last is None or stamp_ns >= last:
            return False
        self.report(
            Fault.FRAME_STAMP,
            f'frame {self._frames - 1} is stamped {stamp_ns} ns, {(last - stamp_ns) / 1e9:.3f} s '
            'before the frame ahead of it: out of order, or the clock was set back',
        )
        return True

    def event_is_faulty(self, event: ActionEvent) -> bool:
        """
        Return whether an event goes back in time, or starts an action number again.

        :raises SessionError: if it does, and nothing is to be skipped.
        """
        last, self._event_ns = self._event_ns, event.stamp_ns
        if last is not None and event.stamp_ns < last:
            self.report(
                Fault.EVENT_STAMP,
                f'{event.phase.name} of action {event.sequence} is stamped '
                f'{(last - event.stamp_ns) / 1e9:.3f} s before the event ahead of it: '
                'out of order, or the clock was set back',
            )
            return True
        if event.phase == Phase.STARTED:
            last_started, self._started = self._started, event.sequence
            if event.sequence <= last_started:
                self.report(
                    Fault.SEQUENCE,
                    f'action number {event.sequence} starts after {last_started}: numbers '
                    'repeat, as when the driver is started anew during a recording',
                )
                return True
        return False

    def report(self, fault: Fault, text: str) -> None:
        """
        Count a fault.

        :raises SessionError: if nothing is to be skipped.
        """
        if not self._skip:
            raise SessionError(f'{self._name}: {text}; {HINT}')
        self.counts[fault] += 1
