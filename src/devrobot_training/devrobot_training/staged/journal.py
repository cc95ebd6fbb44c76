"""
What a staged training decided, each thing once: as data and, in ``events.log``, in words.

A run that is resumed goes through its decisions again, with the same results; what stands in the
journal already keeps its time.
"""

from collections.abc import Callable, Sequence
from datetime import datetime, UTC
import json
from pathlib import Path
import re

from devrobot_training.fit.run_folder import EVENTS
from devrobot_training.report.stage_records import FAILED, INTERRUPTED, RunEvent

JOURNAL = 'journal.jsonl'
#: Kinds of events that say how a run goes or ends as a whole.
CHOICE, RESUMED = 'choice', 'resumed'
ENDINGS = (CHOICE, RESUMED, FAILED, INTERRUPTED)
STAGE = re.compile(r'stage_(\d+)/')


def utc_now() -> str:
    """Return the time as ISO 8601 in UTC."""
    return datetime.now(UTC).isoformat(timespec='seconds')


class Journal:
    """Appends to the journal of a run; several processes may, each about its own things."""

    def __init__(self, folder: Path, say: Callable[[str], None] = lambda text: None) -> None:
        """Read what is there; ``say`` is told of everything new."""
        self._folder = folder
        self._say = say
        self._known = {key for key, _ in _rows(folder / JOURNAL)}

    def note(self, key: str, kind: str, message: str, samples: int | None = None) -> bool:
        """
        Write down that something happened, unless that was done before under this key.

        Return whether it is new.
        """
        if key in self._known:
            return False
        self._known.add(key)
        now = utc_now()
        row = {'key': key, 'time': now, 'kind': kind, 'message': message, 'samples': samples}
        _append(self._folder / JOURNAL, json.dumps(row))
        _append(self._folder / EVENTS, f'{now} {kind}: {message}')
        self._say(f'{kind}: {message}')
        return True

    def always(self, kind: str, message: str) -> None:
        """Write down what may happen again and again."""
        self.note(f'{kind} {len(self._known)} {utc_now()}', kind, message)


def read_events(folder: Path, stage: int | None = None) -> tuple[RunEvent, ...]:
    """Return what is in the journal, all or that of a stage."""
    return tuple(
        event for key, event in _rows(folder / JOURNAL) if stage is None or _stage(key) == stage
    )


def last_ending(events: Sequence[RunEvent]) -> RunEvent | None:
    """Return the event that says how a run goes or ended; None of one that was never cut off."""
    return next((event for event in reversed(events) if event.kind in ENDINGS), None)


def _stage(key: str) -> int:
    found = STAGE.search(key)
    return int(found[1]) if found else 0


def _append(path: Path, line: str) -> None:
    """Append a line; one that a crash had cut short is ended first."""
    with path.open('a+b') as file:
        end = file.seek(0, 2)
        file.seek(max(0, end - 1))
        torn = end > 0 and file.read(1) != b'\n'
        file.write((b'\n' if torn else b'') + line.encode() + b'\n')


def _rows(path: Path) -> list[tuple[str, RunEvent]]:
    """Return the keys and events; a line that a crash tore is left out."""
    if not path.exists():
        return []
    found = []
    for line in path.read_text(encoding='utf-8', errors='replace').splitlines():
        try:
            row = json.loads(line)
            key = str(row.pop('key'))
            found.append((key, RunEvent(**row)))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    return found
