"""
Read sessions of the format with one JPEG per observation, and write them as bags.

A session is a folder with ``session_meta.json`` (``robot_type``, ``action_space`` as a list of
dictionaries, ``session_name``, ``start_time``), ``events_shard_NNN.jsonl`` (per line ``step``,
``type`` observation or action, ``data``, ``timestamp`` in seconds) and ``frames/*.jpg``, which
observations name in ``data.frame_path``. Nothing is guessed: an image that cannot be read is left
out, and the pairing rule then drops the actions that it belonged to.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
import json
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.actions import (
    ActionDefinition,
    ActionEvent,
    ActionSpace,
    default_separator_color,
    Phase,
    SessionInfo,
)
from devrobot_interfaces_py.bags import BagWriter
from devrobot_interfaces_py.images import decode_compressed, ImageError
from devrobot_training.sessions.building import Progress
from devrobot_training.sessions.session import SessionError

META = 'session_meta.json'
SHARDS = 'events_shard_*.jsonl'
DURATION = 'duration'
DEFAULT_DURATION_S = 0.2
STEP_NS = 500_000_000  # between steps that have no time
LEAST_NS = 1_000  # between any two stamps


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the events."""

    number: int
    kind: str
    data: Mapping[str, Any]
    stamp_ns: int


@dataclass(frozen=True, kw_only=True)
class Source:
    """What the metadata says of a session."""

    folder: Path
    name: str
    robot_type: str
    actions: tuple[Mapping[str, float], ...]
    notes: tuple[str, ...]

    @property
    def action_space(self) -> ActionSpace:
        """The actions with the one that does nothing first."""
        return ActionSpace(
            robot_name=self.robot_type,
            robot_type=self.robot_type,
            actions=tuple(_definition(i, action) for i, action in enumerate(self.actions)),
        )


@dataclass
class Imported:
    """What became of a session."""

    frames: int = 0
    actions: int = 0
    left_out: Counter[str] = field(default_factory=Counter)


def read_source(folder: Path) -> Source:
    """
    Read the metadata.

    :raises SessionError: if it is none of this format.
    """
    path = folder / META
    try:
        meta = json.loads(path.read_text(encoding='utf-8'))
        actions = [_numbers(action) for action in meta['action_space']]
    except FileNotFoundError:
        raise SessionError(f'{folder}: no session: {META} is missing') from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SessionError(
            f'{path}: cannot be read: {type(error).__name__} {error}; it needs action_space, a '
            'list of dictionaries of numbers'
        ) from error
    if not actions:
        raise SessionError(f'{path}: action_space is empty')
    still = [index for index, action in enumerate(actions) if _does_nothing(action)]
    notes = [] if still else ['no action does nothing: action 0 is taken as the first one']
    order = sorted(range(len(actions)), key=lambda index: (index not in still[:1], index))
    return Source(
        folder=folder,
        name=_safe(str(meta.get('session_name') or folder.name)),
        robot_type=_safe(str(meta.get('robot_type') or 'unknown')),
        actions=tuple(actions[index] for index in order),
        notes=tuple(notes),
    )


def import_session(source: Source, path: Path, progress: Progress | None = None) -> Imported:
    """
    Write a session as the bag ``path``; JPEG files go in as they are.

    :raises SessionError: if an event cannot be understood.
    :raises BagError: if the bag exists.
    """
    steps = list(_steps(source.folder))
    if not steps:
        raise SessionError(f'{source.folder}: no events in {SHARDS}')
    space = source.action_space
    done = Imported()
    info = SessionInfo(
        session_id=source.name,
        robot_name=source.robot_type,
        robot_type=source.robot_type,
        action_space_digest=space.digest,
        image_topics=(),
        selector='imported',
    )
    with BagWriter(path, action_space=space, session_info=info, image_format='jpeg') as writer:
        for number, step in enumerate(steps):
            if step.kind == 'observation':
                _observe(writer, source, step, done)
            else:
                following = steps[number + 1].stamp_ns if number + 1 < len(steps) else None
                _act(writer, source, step, following, done)
            if progress is not None:
                progress(number + 1, len(steps))
    return done


def _observe(writer: BagWriter, source: Source, step: Step, done: Imported) -> None:
    name = str(step.data.get('frame_path', ''))
    path = (source.folder / name).resolve()
    if not path.is_relative_to(source.folder.resolve()):
        raise SessionError(f'{source.folder}: step {step.number} names {name!r}, outside of it')
    try:
        data = path.read_bytes()
        decode_compressed(data, 'jpeg')
    except OSError:
        done.left_out['missing image'] += 1
        return
    except ImageError:
        done.left_out['unreadable image'] += 1
        return
    writer.frame(step.stamp_ns, data)
    done.frames += 1


def _act(
    writer: BagWriter, source: Source, step: Step, following: int | None, done: Imported
) -> None:
    try:
        index = source.actions.index(_numbers(step.data))
    except (ValueError, TypeError, AttributeError):
        raise SessionError(
            f'{source.folder}: action {dict(step.data)} of step {step.number} is not in the '
            'action_space of its session_meta.json'
        ) from None
    done.actions += 1
    wanted = step.stamp_ns + round(source.actions[index].get(DURATION, DEFAULT_DURATION_S) * 1e9)
    end = min(wanted, following - LEAST_NS // 2) if following is not None else wanted
    for phase, stamp in ((Phase.STARTED, step.stamp_ns), (Phase.FINISHED, end)):
        writer.event(
            ActionEvent(
                stamp_ns=stamp,
                sequence=done.actions,
                phase=phase,
                action=index,
                source='imported',
            )
        )


def _steps(folder: Path) -> Iterator[Step]:
    """Yield all steps, with stamps that rise."""
    last = _start_ns(folder) - STEP_NS
    for path in sorted(folder.glob(SHARDS)):
        for number, line in enumerate(path.read_text(encoding='utf-8').splitlines(), start=1):
            if not line.strip():
                continue
            try:
                value = json.loads(line)
                kind, data, stamp = value['type'], dict(value['data']), value.get('timestamp')
                stamp_ns = last + STEP_NS if stamp is None else round(float(stamp) * 1e9)
                if kind not in ('observation', 'action'):
                    raise ValueError(f'type {kind!r} is neither observation nor action')
            except (ValueError, KeyError, TypeError) as error:
                raise SessionError(
                    f'{path}:{number}: cannot be read: {type(error).__name__} {error}'
                ) from error
            last = max(stamp_ns, last + LEAST_NS)
            yield Step(number=int(value.get('step', number)), kind=kind, data=data, stamp_ns=last)


def _start_ns(folder: Path) -> int:
    """Return when the session began, for steps without a time."""
    try:
        text = json.loads((folder / META).read_text(encoding='utf-8'))['start_time']
        return round(datetime.fromisoformat(text).timestamp() * 1e9)
    except (OSError, ValueError, KeyError, TypeError):
        return STEP_NS


def _numbers(action: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in action.items()}


def _does_nothing(action: Mapping[str, float]) -> bool:
    return all(value == 0 for name, value in action.items() if name != DURATION)


def _definition(index: int, action: Mapping[str, float]) -> ActionDefinition:
    values = [f'{name}={value:g}' for name, value in action.items() if name != DURATION]
    label = 'stay' if index == 0 and _does_nothing(action) else ' '.join(values) or f'{index}'
    return ActionDefinition(
        label=label,
        duration_s=action.get(DURATION, DEFAULT_DURATION_S),
        separator_color=default_separator_color(index),
        parameters=tuple((name, value) for name, value in action.items() if name != DURATION),
    )


def _safe(name: str) -> str:
    """Return a name that can be a folder of its own."""
    kept = ''.join(letter if letter.isalnum() or letter in '-_.' else '_' for letter in name)
    return kept.strip('.') or 'session'
