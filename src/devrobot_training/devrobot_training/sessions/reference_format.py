"""
Read sessions of the format with one JPEG per observation.

A session is a folder with ``session_meta.json`` (``robot_type``, ``action_space`` as a list of
dictionaries, ``session_name``, ``start_time``), ``events_shard_NNN.jsonl`` (per line ``step``,
``type`` observation or action, ``data``, ``timestamp`` in seconds) and ``frames/*.jpg``, which
observations name in ``data.frame_path``. Observations and actions alternate; where they do not,
or where steps are missing, what comes after does not follow what was before.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, UTC
import json
from pathlib import Path
import re
from typing import Any

from devrobot_interfaces_py.actions import ActionDefinition, ActionSpace, default_separator_color
from devrobot_training.sessions.session import SessionError

META = 'session_meta.json'
SHARD = re.compile(r'events_shard_(\d+)\.jsonl')
OBSERVATION, ACTION = 'observation', 'action'
DURATION = 'duration'
DEFAULT_DURATION_S = 0.2
STEP_NS = 500_000_000  # between steps that have no time
LEAST_NS = 1_000  # between any two stamps
END_NS = 2**31 * 10**9  # of the time in ROS messages
LONGEST_NAME = 100
# What reading JSON that is none, or another one than expected, may raise.
WRONG_DATA = (
    AttributeError,
    KeyError,
    OSError,
    OverflowError,
    RecursionError,
    TypeError,
    ValueError,
)


@dataclass(frozen=True, kw_only=True)
class Source:
    """What the metadata says of a session; ``actions`` are in the order of the action space."""

    folder: Path
    name: str
    robot_type: str
    actions: tuple[Mapping[str, float], ...]
    action_space: ActionSpace
    start_ns: int
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the events; ``follows`` says whether nothing is missing before it."""

    place: str
    number: int | None
    kind: str
    data: Mapping[str, Any]
    stamp_ns: int
    follows: bool


@dataclass(frozen=True, kw_only=True)
class Steps:
    """All steps of a session with rising stamps, and what was odd about them, by reason."""

    items: tuple[Step, ...]
    odd: Mapping[str, int]


def read_source(folder: Path) -> Source:
    """
    Read the metadata.

    :raises SessionError: if it is none of this format.
    """
    path = folder / META
    try:
        meta = json.loads(path.read_bytes())
        actions = [numbers(action) for action in meta['action_space']]
        still = [index for index, action in enumerate(actions) if _does_nothing(action)]
        order = sorted(range(len(actions)), key=lambda index: (index not in still[:1], index))
        ordered = tuple(actions[index] for index in order)
        robot_type = plain_name(str(meta.get('robot_type') or 'unknown'))
        space = ActionSpace(
            robot_name=robot_type, robot_type=robot_type, actions=_definitions(ordered)
        )
    except FileNotFoundError:
        raise SessionError(f'{folder}: no session: {META} is missing') from None
    except WRONG_DATA as error:
        raise SessionError(
            f'{path}: cannot be read: {type(error).__name__} {error}; it needs action_space, a '
            'list of different dictionaries of numbers'
        ) from error
    return Source(
        folder=folder,
        name=plain_name(str(meta.get('session_name') or folder.name)),
        robot_type=robot_type,
        actions=ordered,
        action_space=space,
        start_ns=_start_ns(meta.get('start_time')),
        notes=() if still else ('no action does nothing: action 0 is taken as the first one',),
    )


def read_steps(source: Source) -> Steps:
    """
    Read all steps; a line that was cut off at the end of a file is counted and left out.

    :raises SessionError: if there is none, or one cannot be understood.
    """
    items: list[Step] = []
    odd: Counter[str] = Counter()
    gap = False
    for path, skipped in _shards(source.folder):
        gap = gap or skipped
        lines = path.read_bytes().split(b'\n')
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                last = items[-1] if items else None
                step = _step(line, f'{path.name}:{number}', last, source.start_ns, odd)
            except WRONG_DATA as error:
                if number < len(lines):
                    raise SessionError(
                        f'{path}:{number}: cannot be read: {type(error).__name__} {error}'
                    ) from error
                odd['line cut off'] += 1  # as when the recorder was killed
                gap = True
                break
            items.append(replace(step, follows=False) if gap else step)
            gap = False
    if not items:
        raise SessionError(f'{source.folder}: no events in events_shard_NNN.jsonl')
    return Steps(items=tuple(items), odd=odd)


def numbers(action: Mapping[str, Any]) -> dict[str, float]:
    """Return the values of an action, in the order of its entries."""
    # Half a character, which JSON can have, could not be written into a bag.
    return {str(name).encode().decode(): float(value) for name, value in action.items()}


def plain_name(name: str) -> str:
    """Return a name that can be a folder of its own: not hidden, not an option, not a path."""
    return re.sub(r'[^\w.@+-]', '_', name)[:LONGEST_NAME].lstrip('.@+-') or 'session'


def _shards(folder: Path) -> Iterator[tuple[Path, bool]]:
    """Yield the files of events in order, and whether one is missing before each."""
    matches = ((path, SHARD.fullmatch(path.name)) for path in folder.iterdir())
    found = sorted((int(match[1]), path) for path, match in matches if match is not None)
    last: int | None = None
    for number, path in found:
        yield path, last is not None and number != last + 1
        last = number


def _step(line: bytes, place: str, last: Step | None, start_ns: int, odd: Counter[str]) -> Step:
    """Return one line as a step, stamped after the last one."""
    value = json.loads(line)
    kind, data = value['type'], dict(value['data'])
    if kind not in (OBSERVATION, ACTION):
        raise ValueError(f'type {kind!r} is neither {OBSERVATION} nor {ACTION}')
    number = None if value.get('step') is None else int(value['step'])
    told = value.get('timestamp')
    if told is None:
        odd['step without time'] += 1
        stamp_ns = start_ns if last is None else last.stamp_ns + STEP_NS
    else:
        stamp_ns = _nanoseconds(told)
    if last is not None and stamp_ns < last.stamp_ns:
        odd['step whose time goes back'] += 1
    if last is not None:
        stamp_ns = max(stamp_ns, last.stamp_ns + LEAST_NS)
    follows = last is None or (_counts_on(last.number, number) and last.kind != kind)
    return Step(
        place=place, number=number, kind=kind, data=data, stamp_ns=stamp_ns, follows=follows
    )


def _counts_on(last: int | None, number: int | None) -> bool:
    """Return whether no step is missing; an observation and its action may share a number."""
    return last is None or number is None or last <= number <= last + 1


def _nanoseconds(told: Any) -> int:
    """Return a time in seconds, or in ISO format, as nanoseconds since 1970."""
    try:
        seconds = float(told)
    except ValueError:
        moment = datetime.fromisoformat(told)
        # Without a zone it is read as UTC: any machine gives the same bag.
        seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    stamp_ns = round(seconds * 1e9)
    if not 0 <= stamp_ns < END_NS:
        raise ValueError(f'{told!r} is no time in seconds from 1970 to 2038')
    return stamp_ns


def _start_ns(told: Any) -> int:
    """Return when the session began, for steps without a time."""
    try:
        return _nanoseconds(told)
    except WRONG_DATA:
        return STEP_NS


def _does_nothing(action: Mapping[str, float]) -> bool:
    return all(value == 0 for name, value in action.items() if name != DURATION)


def _definitions(actions: Sequence[Mapping[str, float]]) -> tuple[ActionDefinition, ...]:
    labels = [_label(index, action) for index, action in enumerate(actions)]
    return tuple(
        ActionDefinition(
            # Some robots have one motion with several durations.
            label=label if labels.count(label) == 1 else _label(index, action, duration=True),
            duration_s=action.get(DURATION, DEFAULT_DURATION_S),
            separator_color=default_separator_color(index),
            parameters=tuple((name, value) for name, value in action.items() if name != DURATION),
        )
        for index, (label, action) in enumerate(zip(labels, actions, strict=True))
    )


def _label(index: int, action: Mapping[str, float], *, duration: bool = False) -> str:
    if index == 0 and _does_nothing(action):
        return 'stay'
    values = [
        f'{name}={value:g}' for name, value in action.items() if duration or name != DURATION
    ]
    return ' '.join(values) or str(index)
