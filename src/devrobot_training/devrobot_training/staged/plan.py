"""The stages that are going to be trained, as session files; made once per run."""

from collections.abc import Callable
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.atomic import write_json
from devrobot_interfaces_py.configs import ConfigError
from devrobot_interfaces_py.session_files import SUFFIX
from devrobot_training.fit.problems import RunError
from devrobot_training.records import read_record, to_plain
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.overlap import filter_overlap
from devrobot_training.sessions.parts import write_part
from devrobot_training.sessions.session import check_same_action_space, Session, SessionError
from devrobot_training.sessions.splits import count_canvases, make_stages
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.inputs import StagedInputs

PLAN, SPLITS, TABLE = 'plan.json', 'splits', 'splits.json'
Opened = Callable[[Path], Session]


@dataclass(frozen=True, kw_only=True)
class PlannedStage:
    """
    One stage; sizes are transitions.

    ``overlap`` counts validation transitions whose picture and action occur in training;
    ``problem`` says why the stage is skipped.
    """

    number: int
    train: str
    validation: str
    train_size: int
    validation_size: int
    train_canvases: int
    validation_canvases: int
    overlap: int = 0
    problem: str = ''


@dataclass(frozen=True, kw_only=True)
class PlannedSession:
    """A session that the run reads."""

    role: str
    name: str
    path: str
    digest: str
    transitions: int


@dataclass(frozen=True, kw_only=True)
class Plan:
    """All stages, and the session that the final choice is made on."""

    name: str
    original: str
    stages: tuple[PlannedStage, ...]
    sessions: tuple[PlannedSession, ...]

    @property
    def usable(self) -> tuple[PlannedStage, ...]:
        """The stages that can be trained."""
        return tuple(stage for stage in self.stages if not stage.problem)


def make_plan(
    inputs: StagedInputs,
    config: StagedConfig,
    folder: Path,
    reading: Callable[[int, int], None] | None = None,
) -> Plan:
    """
    Plan the stages; their session files go to ``splits`` in ``folder``, or are those given.

    :raises SessionError: if a session cannot be used, or no stage is left.
    :raises ConfigError: if a stage is asked for that there is not.
    """

    def opened(path: Path) -> Session:
        return open_session(
            path, namespace=inputs.namespace, skip_faulty=inputs.skip_faulty, progress=reading
        )

    if inputs.train is not None and inputs.validation is not None:
        plan = _direct(inputs, inputs.train, inputs.validation, config, opened)
    elif inputs.splits is not None:
        plan = _given(inputs, inputs.splits, config, opened)
    else:
        assert inputs.root is not None
        plan = _grown(inputs, inputs.root, config, folder, opened)
    return _checked(plan, inputs.stage)


def session_name(inputs: StagedInputs, reading: Callable[[int, int], None] | None = None) -> str:
    """
    Return the name of the bag that a run is called after.

    :raises SessionError: if it cannot be used.
    """
    path = inputs.train or inputs.root
    if path is None:
        assert inputs.splits is not None
        path = _table(inputs.splits)[1]
    session = open_session(
        path, namespace=inputs.namespace, skip_faulty=inputs.skip_faulty, progress=reading
    )
    return session.bag.name


def plan_of(folder: Path) -> Plan | None:
    """
    Return the plan that a run wrote down; None if it has not come that far.

    :raises RunError: if it is damaged.
    """
    return read_record(Plan, folder / PLAN)


def write_plan(plan: Plan, folder: Path) -> None:
    """Write the plan of a run down."""
    write_json(folder / PLAN, to_plain(plan))


def same_sessions(plan: Plan, inputs: StagedInputs) -> None:
    """
    Refuse to go on with other recordings than those planned with.

    :raises RunError: naming the session that changed.
    """
    for planned in plan.sessions:
        session = open_session(
            planned.path, namespace=inputs.namespace, skip_faulty=inputs.skip_faulty
        )
        if session.digest != planned.digest:
            raise RunError(
                f'{planned.name} has changed since the run began (digest {session.digest}, then '
                f'{planned.digest}): start a new run'
            )


def _grown(
    inputs: StagedInputs, root: Path, config: StagedConfig, folder: Path, opened: Opened
) -> Plan:
    session = opened(root)
    facts = {
        'command': 'staged', 'skip_faulty': inputs.skip_faulty, 'namespace': inputs.namespace,
    }  # fmt: skip
    stages = []
    for stage in make_stages(session, config.split()):
        paths = {}
        for part, span in (('train', stage.train), ('validation', stage.validation)):
            paths[part] = folder / SPLITS / f'stage_{stage.number:02}_{part}{SUFFIX}'
            write_part(paths[part], root, session, [span], {**facts, 'stage': stage.number})
        problem = stage.problem
        stages.append(
            PlannedStage(
                number=stage.number,
                train=str(paths['train'].resolve()),
                validation=str(paths['validation'].resolve()),
                train_size=stage.train[1] - stage.train[0],
                validation_size=stage.validation[1] - stage.validation[0],
                train_canvases=stage.train_canvases,
                validation_canvases=stage.validation_canvases,
                overlap=0
                if problem
                else _overlap(opened(paths['train']), opened(paths['validation'])),
                problem=problem,
            )
        )
    original = inputs.original or root
    return _plan(session.bag.name, original, stages, [('root', root, session)], inputs, opened)


def _given(inputs: StagedInputs, splits: Path, config: StagedConfig, opened: Opened) -> Plan:
    """Return the plan of a table that ``make_splits`` wrote."""
    rows, bag, folder = _table(splits)
    stages = []
    for number, files, problem in rows:
        if problem:
            stages.append(_skipped(number, problem))
            continue
        pair = [folder / files[part] for part in ('train', 'validation')]
        stages.append(_of_pair(number, pair, config, opened))
    root = inputs.root or bag
    session = opened(root)
    original = inputs.original or root
    return _plan(session.bag.name, original, stages, [('root', root, session)], inputs, opened)


def _table(splits: Path) -> tuple[list[tuple[int, dict[str, str], str]], Path, Path]:
    """Return number, files and problem of each stage, the bag, and the folder of the files."""
    path = splits / TABLE if splits.is_dir() else splits
    try:
        table = json.loads(path.read_text(encoding='utf-8'))
        rows = [(int(r['number']), dict(r['files']), str(r['problem'])) for r in table['stages']]
        return rows, Path(table['bag']), path.parent
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SessionError(f'{path} is no table of make_splits: {error}') from error


def _direct(
    inputs: StagedInputs, train: Path, validation: Path, config: StagedConfig, opened: Opened
) -> Plan:
    stage = _of_pair(1, [train, validation], config, opened)
    used = [('train', train, opened(train)), ('validation', validation, opened(validation))]
    name = used[0][2].bag.name
    return _plan(name, inputs.original or validation, [stage], used, inputs, opened)


def _of_pair(number: int, pair: list[Path], config: StagedConfig, opened: Opened) -> PlannedStage:
    sessions = [opened(path) for path in pair]
    check_same_action_space(sessions)
    counts = [count_canvases(s, [(0, len(s))], config.split()) for s in sessions]
    problem = ''
    for name, count in zip(('training', 'validation'), counts, strict=True):
        if not count:
            problem = problem or f'too small: its {name} has no whole canvas'
    return PlannedStage(
        number=number,
        train=str(pair[0].resolve()),
        validation=str(pair[1].resolve()),
        train_size=len(sessions[0]),
        validation_size=len(sessions[1]),
        train_canvases=counts[0],
        validation_canvases=counts[1],
        overlap=0 if problem else _overlap(*sessions),
        problem=problem,
    )


def _plan(
    name: str,
    original: Path,
    stages: list[PlannedStage],
    used: list[tuple[str, Path, Session]],
    inputs: StagedInputs,
    opened: Opened,
) -> Plan:
    if inputs.original is not None:
        used.append(('original', inputs.original, opened(inputs.original)))
        check_same_action_space([session for _, _, session in used])
    return Plan(
        name=name,
        original=str(original.resolve()),
        stages=tuple(stages),
        sessions=tuple(
            PlannedSession(
                role=role,
                name=session.name,
                path=str(path.resolve()),
                digest=session.digest,
                transitions=len(session),
            )
            for role, path, session in used
        ),
    )


def _checked(plan: Plan, only: int) -> Plan:
    """Leave the stage that is asked for; refuse a plan of nothing."""
    stages = plan.stages
    if only:
        stages = tuple(stage for stage in stages if stage.number == only)
        if not stages:
            raise ConfigError(f'--stage is {only}, but there are stages 1 to {len(plan.stages)}')
    made = Plan(name=plan.name, original=plan.original, stages=stages, sessions=plan.sessions)
    if not made.usable:
        raise SessionError(
            f'{plan.name}: no stage can be trained, {stages[-1].problem}; record more'
        )
    return made


def _skipped(number: int, problem: str) -> PlannedStage:
    nothing: dict[str, Any] = dict.fromkeys(
        ('train_size', 'validation_size', 'train_canvases', 'validation_canvases'), 0
    )
    return PlannedStage(number=number, train='', validation='', problem=problem, **nothing)


def _overlap(train: Session, validation: Session) -> int:
    return filter_overlap(train, validation).dropped
