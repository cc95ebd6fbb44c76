"""The linters of CONTRIBUTING.md find nothing."""

from pathlib import Path
import subprocess
import sys

import pytest

ROOT = Path(__file__).resolve().parents[1]
SHELL_SCRIPTS = ['devrobot', '.ci/run', 'tools/setup/shellrc.bash']


@pytest.mark.parametrize(
    'command',
    [
        ['ruff', 'check', '--no-cache', '--output-format', 'concise', '.'],
        ['ruff', 'format', '--no-cache', '--check', '--output-format', 'concise', '.'],
        ['codespell'],
        ['shellcheck', '-x', '-a', *SHELL_SCRIPTS],
    ],
    ids=' '.join,
)
def test_linter_finds_nothing(command):
    program = Path(sys.prefix) / 'bin' / command[0]
    result = subprocess.run(
        [program, *command[1:]], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
