"""Run commands in this process, and read what they said."""

import importlib

import pytest


def run(name: str, *arguments) -> int:
    """Run a command in this process; return its exit code."""
    module = importlib.import_module(f'devrobot_training.cli.{name}')
    with pytest.raises(SystemExit) as end:
        module.main([str(argument) for argument in arguments])
    return end.value.code


def error_of(capsys) -> str:
    """Return the one line that was said about an error."""
    error = capsys.readouterr().err
    assert error.startswith('error: ') and error.count('\n') == 1, error
    return error
