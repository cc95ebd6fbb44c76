"""The README's tables, commands and code are those of the package."""

from pathlib import Path
import re

from devrobot_interfaces_py.parameter_tables import BLOCK, with_fresh_tables
from devrobot_training.readme import TABLES
from drawn_sessions import moments, walk
import pytest

PACKAGE = Path(__file__).parents[1]
TEXT = (PACKAGE / 'README.md').read_text(encoding='utf-8')


def test_tables_of_settings_are_up_to_date():
    command = 'python -m devrobot_training.readme src/devrobot_training/README.md'
    assert with_fresh_tables(TEXT, TABLES) == TEXT, f'run ./devrobot shell -c "{command}"'


def test_every_table_is_shown_once_in_the_section_of_its_command():
    sections = re.split(r'^### (\w+)\n', TEXT, flags=re.MULTILINE)[1:]
    shown = {
        command: BLOCK.findall(section)
        for command, section in zip(sections[::2], sections[1::2], strict=True)
    }
    assert {command: names for command, names in shown.items() if names} == {
        name: [name] for name in TABLES
    }


def test_a_setting_that_changed_is_written_anew_and_nothing_else():
    stale = TEXT.replace('| `train_ratio` | float | `0.7` |', '| `train_ratio` | float | `0.6` |')
    assert stale != TEXT and with_fresh_tables(stale, TABLES) == TEXT
    with pytest.raises(KeyError, match='unknown'):
        with_fresh_tables('<!-- parameters: unknown -->\n<!-- end -->', TABLES)


def test_every_command_is_in_the_list():
    setup = (PACKAGE / 'setup.py').read_text(encoding='utf-8')
    commands = re.findall(r"f'(\w+) = \{NAME\}\.programs:\1'", setup)
    assert commands
    assert [name for name in commands if f'\n| `{name}` |' not in TEXT] == []


def test_every_module_of_the_library_table_exists():
    modules = re.findall(r'^\| `([\w.]+)` \|', TEXT.partition('## Library')[2], re.MULTILINE)
    files = [PACKAGE / 'devrobot_training' / f'{name.replace(".", "/")}.py' for name in modules]
    assert modules
    assert [str(file) for file in files if not file.exists()] == []


def test_the_example_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    walk([1, 1, 0, 1, 1] * 6, ring=21).write(tmp_path / 'saved/sessions/toroidal_dot/monday')
    (example,) = re.findall(r'```python\n(.*?)```', TEXT, re.DOTALL)
    names: dict = {}
    exec(example, names)
    assert not set(moments(names['left'])) & set(moments(names['training']))
    assert names['frames'].shape == (2, 4, 6, 3)
