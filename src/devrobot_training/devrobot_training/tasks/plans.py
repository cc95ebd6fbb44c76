"""From the names of a request for a training to what is going to be done."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from devrobot_interfaces_py.configs import ConfigError, load_config
from devrobot_training.fit.config import DEFAULT_PRESET, train_preset, TrainConfig
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.resuming import check_changes
from devrobot_training.fit.run_folder import check_run_id, CONFIG, INPUTS, new_run_id, RunFolder
from devrobot_training.fit.training import Inputs, read_run
from devrobot_training.tasks.names import find, UnusableNameError
from devrobot_training.tasks.outcome import Problem, told_as
from devrobot_training.tasks.places import ServerConfig
from devrobot_world_model.model.factory import resolve_device

PRESET, STAGED = 'preset', 'staged'
#: What only a training in stages has beside the fields of a goal, given as overrides.
ORIGINAL, SPLITS, STAGE, NAMESPACE = 'original_session', 'splits', 'stage', 'namespace'
STAGED_WORDS = (ORIGINAL, SPLITS, STAGE, NAMESPACE)
ConfigT = TypeVar('ConfigT')


@dataclass(frozen=True, kw_only=True)
class TrainingRequest:
    """
    What somebody asks for: the fields of the goal of Train.

    ``run_id`` without any session is that of a run that goes on.
    """

    root_session: str = ''
    train_session: str = ''
    validation_session: str = ''
    config_path: str = ''
    checkpoint: str = ''
    run_id: str = ''
    overrides: tuple[str, ...] = ()

    @property
    def staged(self) -> bool:
        """
        Whether the override ``staged=true`` asks for growing stages.

        :raises ConfigError: if it says neither true nor false.
        """
        word = self.value(STAGED).lower()
        if word not in ('', 'true', 'false'):
            raise ConfigError(f'{STAGED} is {word!r}, must be true or false')
        return word == 'true'

    def value(self, name: str) -> str:
        """
        Return what the last override called ``name`` says; '' if there is none.

        :raises ConfigError: if it says nothing.
        """
        silent = [o for o in self.overrides if _name(o) == name and '=' not in o]
        if silent:
            raise ConfigError(f'override {silent[0]!r} must look like {name}=VALUE')
        values = [o.partition('=')[2].strip() for o in self.overrides if _name(o) == name]
        return values[-1] if values else ''

    @property
    def settings(self) -> tuple[str, ...]:
        """The overrides that are settings."""
        return tuple(o for o in self.overrides if _name(o) != STAGED)

    @property
    def goes_on(self) -> bool:
        """Whether it is about a run that there is already."""
        named = [self.root_session, self.train_session, self.validation_session]
        if self.staged:
            named.append(self.value(SPLITS))
        return bool(self.run_id) and not any(named)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a training does; ``folder`` is that of a run that goes on, None for a new one."""

    config: TrainConfig
    inputs: Inputs
    run_id: str
    folder: RunFolder | None = None
    #: In words, what is another in the settings of a run that goes on.
    changes: str = ''


def make_plan(request: TrainingRequest, places: ServerConfig) -> Plan:
    """
    Check everything that can be checked at once.

    :raises TaskError: if something that was asked for cannot be.
    """
    plan = _resumed(request, places) if request.goes_on else _new(request, places)
    with told_as(Problem.INVALID_CONFIG, ConfigError):
        resolve_device(plan.config.device)
    return plan


def _new(request: TrainingRequest, places: ServerConfig) -> Plan:
    with told_as(Problem.INVALID_CONFIG, ConfigError, RunError, UnusableNameError):
        config = settings_of(request, places.configs_dir, TrainConfig, train_preset)
        run_id = new_id(request, places)
    with told_as(Problem.INVALID_SESSION, UnusableNameError):
        train, validation = sessions_of(request, places)
    inputs = Inputs(
        train=train,
        validation=validation,
        start=start_of(request, places),
        skip_faulty=places.skip_faulty,
    )
    return Plan(config=config, inputs=inputs, run_id=run_id)


def _resumed(request: TrainingRequest, places: ServerConfig) -> Plan:
    with told_as(Problem.INVALID_CONFIG, ConfigError, RunError, UnusableNameError):
        folder = RunFolder(run_path(request.run_id, places.runs_dir))
        refuse_with_a_run(request, 'config_path', 'checkpoint', PRESET)
        before, inputs = read_run(folder)
        config = load_config(TrainConfig, None, request.overrides, base=before)
        changes = check_changes(before, config)
    return Plan(
        config=config, inputs=inputs, run_id=folder.path.name, folder=folder, changes=changes
    )


def refuse_with_a_run(request: TrainingRequest, *names: str) -> None:
    """
    Refuse fields and overrides that a request to go on with a run cannot have.

    :raises UnusableNameError: naming those that are there.
    """
    given = [name for name in names if getattr(request, name, '') or request.value(name)]
    if given:
        raise UnusableNameError(
            f'run_id {request.run_id!r} without a session goes on with that run, which has '
            f'its own {" and ".join(given)}: leave that empty, or name a session'
        )


def run_path(name: str, runs: Path) -> Path:
    """Return the folder of a run that is called by its id, or by SESSION/RUN_ID."""
    found = [name]
    if '/' not in name:
        wanted = check_run_id(name)
        found = sorted(f'{p.parent.parent.name}/{name}' for p in runs.glob(f'*/{wanted}/{INPUTS}'))
    if len(found) > 1:
        raise UnusableNameError(
            f'run_id {name!r} is that of several runs: say which, {" or ".join(found)}'
        )
    path = find(found[0], [runs], 'run_id') if found else runs / name
    if not (path / CONFIG).is_file():
        raise UnusableNameError(
            f'run_id {name!r} is of no run in {runs} that could go on; for a new run name '
            'root_session, or train_session and validation_session'
        )
    return path


def settings_of(
    request: TrainingRequest,
    configs: Path,
    cls: type[ConfigT],
    recipe: Callable[[str], ConfigT],
    others: Sequence[str] = (),
) -> ConfigT:
    """
    Return the settings: a file or a preset, and the overrides over it.

    :param recipe: makes the settings of a preset.
    :param others: overrides that are no settings, beside those that every training knows.
    :raises ConfigError: if one is wrong.
    """
    words = (PRESET, STAGED, *others)
    preset = request.value(PRESET)
    overrides = [o for o in request.overrides if _name(o) not in words]
    if not request.config_path:
        base = recipe(preset or DEFAULT_PRESET)
        return load_config(cls, None, overrides, base=base)
    if preset:
        raise ConfigError(f'preset={preset} and config_path exclude each other: leave one')
    return load_config(cls, find(request.config_path, [configs], 'config_path'), overrides)


def _name(override: str) -> str:
    return override.partition('=')[0].strip()


def sessions_of(request: TrainingRequest, places: ServerConfig) -> tuple[Path, Path | None]:
    """Return what trains and what validates; None = the first is split in time."""
    pair: Sequence[str] = (request.train_session, request.validation_session)
    if request.root_session:
        if any(pair):
            raise UnusableNameError(
                'root_session excludes train_session and validation_session: leave one of them'
            )
        return find(request.root_session, places.session_folders, 'root_session'), None
    if not all(pair):
        raise UnusableNameError('name root_session, or train_session and validation_session')
    train, validation = (
        find(name, places.session_folders, what)
        for name, what in zip(pair, ('train_session', 'validation_session'), strict=True)
    )
    return train, validation


def start_of(request: TrainingRequest, places: ServerConfig) -> str:
    """
    Return the checkpoint whose weights are the beginning; '' if none is named.

    :raises TaskError: if there is no such checkpoint.
    """
    if not request.checkpoint:
        return ''
    with told_as(Problem.INCOMPATIBLE_CHECKPOINT, UnusableNameError):
        return str(find(request.checkpoint, places.checkpoint_folders, 'checkpoint'))


def new_id(request: TrainingRequest, places: ServerConfig) -> str:
    """
    Return the name of a new run, which no session has a run of: of the time, if none is given.

    :raises RunError: if it is no plain name.
    :raises UnusableNameError: if it is taken.
    """
    if request.run_id:
        taken = sorted(places.runs_dir.glob(f'*/{check_run_id(request.run_id)}'))
        if taken:
            raise UnusableNameError(
                f'run_id {request.run_id!r} is taken by {taken[0]}: give another one, or none; '
                'without a session it goes on with that run'
            )
        return request.run_id
    wanted, number = new_run_id(), 1
    name = wanted
    while any(places.runs_dir.glob(f'*/{name}')):
        number += 1
        name = f'{wanted}_{number}'
    return name
