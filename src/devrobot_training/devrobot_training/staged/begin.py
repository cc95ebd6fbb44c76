"""The folder of a staged training: made for a new run, read for one that goes on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devrobot_training.fit.kept_settings import begin_settings, read_settings
from devrobot_training.fit.run_folder import RunFolder, taken_away_on_failure
from devrobot_training.fit.starting import check_start
from devrobot_training.logs.writers import check_writers
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.engine import check_executor
from devrobot_training.staged.inputs import StagedInputs
from devrobot_training.staged.past import BEGAN, beginning
from devrobot_training.staged.plan import (
    make_plan,
    Plan,
    plan_of,
    same_sessions,
    session_name,
    write_plan,
)
from devrobot_world_model.model.factory import resolve_device

Reading = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A run folder with what it is made of; ``facts`` are those of inputs.json."""

    folder: Path
    config: StagedConfig
    inputs: StagedInputs
    plan: Plan
    facts: dict[str, Any]


def begin(
    inputs: StagedInputs,
    config: StagedConfig,
    runs: Path,
    *,
    run_id: str = '',
    command: Sequence[str] = (),
    config_file: str = '',
    reading: Reading | None = None,
) -> Begun:
    """
    Make the folder of a new run; of one that cannot be planned nothing is left.

    :raises SessionError: if the sessions cannot be used.
    :raises CheckpointError: if the weights to begin with cannot be used.
    :raises ConfigError: if the device, or the package of ``sweep.executor``, is missing.
    :raises RunError: if there is such a run, or a package for ``log_to`` is missing.
    """
    check_writers(config.log_to)
    check_executor(config)
    check_start(inputs.checkpoint, config)
    name = session_name(inputs, reading)
    run = RunFolder.create(runs, name, run_id)
    facts = {
        'inputs': inputs.to_dict(),
        'mode': inputs.mode,
        BEGAN: beginning(str(resolve_device(config.device))),
        'command': list(command),
        'config_file': config_file and str(Path(config_file).resolve()),
    }
    with taken_away_on_failure(run, new=True):
        begin_settings(run, config, facts)
        plan = make_plan(inputs, config, run.path, reading)
        write_plan(plan, run.path)
    return Begun(folder=run.path, config=config, inputs=inputs, plan=plan, facts=facts)


def read_begun(folder: Path, reading: Reading | None = None) -> Begun:
    """
    Return a run that is to be gone on with.

    :raises RunError: if this is no run of this kind, or its sessions or settings have changed.
    """
    run = RunFolder(folder)
    facts = run.read_inputs()
    inputs = StagedInputs.from_dict(facts.get('inputs', {}))
    config = read_settings(run, StagedConfig)
    plan = plan_of(folder)
    if plan is None:
        plan = make_plan(inputs, config, folder, reading)
        write_plan(plan, folder)
    same_sessions(plan, inputs)
    return Begun(folder=folder, config=config, inputs=inputs, plan=plan, facts=facts)
