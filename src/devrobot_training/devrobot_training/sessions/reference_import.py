"""
Write sessions of the format with one JPEG per observation as bags.

Nothing is guessed: an image that cannot be read is left out and counted, and the pairing rule then
drops the actions that it belonged to. Where steps are missing the bag tells a reset, which no
transition crosses.
"""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
import re

from devrobot_interfaces_py.actions import ActionEvent, Phase, SessionInfo, STAY
from devrobot_interfaces_py.bags import BagWriter
from devrobot_interfaces_py.images import decode_compressed, ImageError
from devrobot_training.sessions.building import Progress
from devrobot_training.sessions.reference_format import (
    DEFAULT_DURATION_S,
    DURATION,
    LEAST_NS,
    numbers,
    OBSERVATION,
    read_steps,
    Source,
    Step,
)
from devrobot_training.sessions.session import SessionError

SOURCE = 'imported'


@dataclass
class Imported:
    """What became of a session: counts, and by reason what was left out or odd."""

    frames: int = 0
    actions: int = 0
    gaps: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    odd: Counter[str] = field(default_factory=Counter)


def import_session(source: Source, path: Path, progress: Progress | None = None) -> Imported:
    """
    Write a session as the bag ``path``; JPEG files go in as they are.

    :raises SessionError: if an event cannot be understood, or names a file outside the session.
    :raises BagError: if the bag exists.
    """
    steps = read_steps(source)
    info = SessionInfo(
        session_id=source.name,
        robot_name=source.robot_type,
        robot_type=source.robot_type,
        action_space_digest=source.action_space.digest,
        image_topics=(),
        selector=SOURCE,
    )
    with BagWriter(
        path,
        action_space=source.action_space,
        session_info=info,
        namespace=_namespace(source.robot_type),
        image_format='jpeg',
    ) as bag:
        writer = _Writer(bag, source)
        for number, step in enumerate(steps.items):
            following = steps.items[number + 1] if number + 1 < len(steps.items) else None
            writer.add(step, following)
            if progress is not None:
                progress(number + 1, len(steps.items))
    writer.done.odd.update(steps.odd)
    return writer.done


class _Writer:
    """Turns steps into the frames and events of a bag."""

    def __init__(self, bag: BagWriter, source: Source) -> None:
        self._bag = bag
        self._source = source
        self._folder = source.folder.resolve()
        self._sequence = 0
        self._shape: tuple[int, ...] | None = None
        self.done = Imported()

    def add(self, step: Step, following: Step | None) -> None:
        if not step.follows:
            self.done.gaps += 1
            # Behind the end of an action before it, see below.
            self._sequence += 1
            self._event(Phase.RESET, step.stamp_ns - LEAST_NS // 4, message='steps are missing')
        if step.kind == OBSERVATION:
            self._observe(step)
        else:
            self._act(step, following)

    def _observe(self, step: Step) -> None:
        path = self._inside(step)
        try:
            # Anything but a file, such as a pipe, may not end.
            data = path.read_bytes() if path.is_file() else None
            image = None if data is None else decode_compressed(data, 'jpeg')
        except OSError:
            data = None
        except ImageError:
            self.done.left_out['unreadable image'] += 1
            return
        if data is None or image is None:
            self.done.left_out['missing image'] += 1
            return
        self._shape = self._shape or image.shape
        if image.shape != self._shape:
            self.done.left_out['image of another size'] += 1
            return
        self._bag.frame(step.stamp_ns, data)
        self.done.frames += 1

    def _inside(self, step: Step) -> Path:
        """Return the path of the image, which must not lead out of the session."""
        name = str(step.data.get('frame_path', ''))
        try:
            path = (self._folder / name).resolve()
        except (OSError, ValueError, RuntimeError) as error:
            raise SessionError(f'{self._place(step)} names {name!r}: {error}') from None
        if not path.is_relative_to(self._folder):
            raise SessionError(f'{self._place(step)} names {name!r}, outside of it')
        return path

    def _act(self, step: Step, following: Step | None) -> None:
        try:
            index = self._source.actions.index(numbers(step.data))
        except (AttributeError, OverflowError, TypeError, ValueError):
            raise SessionError(
                f'{self._place(step)}: action {dict(step.data)} is not in the action_space of its '
                'session_meta.json'
            ) from None
        duration_s = self._source.actions[index].get(DURATION, DEFAULT_DURATION_S)
        end_ns = step.stamp_ns + round(duration_s * 1e9)
        if following is not None:
            end_ns = min(end_ns, following.stamp_ns - LEAST_NS // 2)
        self._sequence += 1
        self._event(Phase.STARTED, step.stamp_ns, index)
        self._event(Phase.FINISHED, end_ns, index)
        self.done.actions += 1

    def _event(self, phase: Phase, stamp_ns: int, action: int = STAY, message: str = '') -> None:
        self._bag.event(
            ActionEvent(
                stamp_ns=stamp_ns,
                sequence=self._sequence,
                phase=phase,
                action=action,
                source=SOURCE,
                message=message,
            )
        )

    def _place(self, step: Step) -> str:
        return f'{self._source.folder}: {step.place}'


def _namespace(robot_type: str) -> str:
    """Return a name that ROS takes for topics."""
    name = re.sub(r'[\W_]+', '_', robot_type, flags=re.ASCII)
    return f'robot_{name}' if name[0].isdigit() else name
