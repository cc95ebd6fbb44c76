"""What the options of ``train`` mean: settings, sessions, and the folder of the run."""

import argparse
from pathlib import Path

from devrobot_interfaces_py.configs import config_from_args, ConfigError, load_config
from devrobot_training.cli.recipes import recipe_of, refuse_beside_resume
from devrobot_training.fit.config import train_preset, TrainConfig
from devrobot_training.fit.resuming import check_changes
from devrobot_training.fit.run_folder import RunFolder
from devrobot_training.fit.training import Data, Inputs, read_run, same_data

#: What a run that goes on has already.
OWN = (
    *('session', 'validation', 'preset', 'config', 'checkpoint', 'runs_dir', 'run_id'),
    *('namespace', 'skip_faulty'),
)


def chosen(arguments: argparse.Namespace) -> tuple[TrainConfig, Inputs, str]:
    """
    Return settings, inputs, and in words what is another in a run that goes on.

    :raises ConfigError: if an option is wrong, or does not go with another.
    :raises RunError: if the run cannot be resumed.
    """
    if arguments.resume is None:
        if arguments.session is None:
            raise ConfigError('name a session to train on, or a run with --resume')
        inputs = Inputs(
            train=arguments.session,
            validation=arguments.validation,
            start='' if arguments.checkpoint is None else str(arguments.checkpoint),
            namespace=arguments.namespace or '',
            skip_faulty=bool(arguments.skip_faulty),
        )
        return config_from_args(TrainConfig, arguments, base=base_of(arguments)), inputs, ''
    refuse_beside_resume(arguments, OWN)
    before, inputs = read_run(RunFolder(arguments.resume))
    config = config_from_args(TrainConfig, arguments, base=before)
    return config, inputs, check_changes(before, config)


def base_of(arguments: argparse.Namespace) -> TrainConfig:
    """
    Return what the options change.

    :raises ConfigError: if a file and a preset are named.
    """
    return recipe_of(arguments, train_preset, lambda path: load_config(TrainConfig, path))


def folder_to_resume(path: Path, data: Data) -> RunFolder:
    """
    Return the folder of a run that goes on.

    :raises RunError: if its recordings have changed since.
    """
    folder = RunFolder(path)
    same_data(folder, data)
    return folder
