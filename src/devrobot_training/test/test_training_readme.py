"""The README's tables, commands and code are those of the package."""

from pathlib import Path
import re

from devrobot_interfaces_py.configs import markdown_table
from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.overfit import OverfitConfig
from devrobot_training.sessions.contact_sheet import SheetConfig
from devrobot_training.sessions.splits import CanvasConfig, PartConfig, SplitConfig
from drawn_sessions import moments, walk
import pytest

PACKAGE = Path(__file__).parents[1]
TEXT = (PACKAGE / 'README.md').read_text(encoding='utf-8')
TABLES = {
    'session_info': SheetConfig,
    'split_session': PartConfig,
    'make_splits': SplitConfig,
    'filter_overlap': CanvasConfig,
    'train': TrainConfig,
    'evaluate': EvaluationConfig,
    'overfit': OverfitConfig,
}


@pytest.mark.parametrize('name', TABLES)
def test_tables_of_settings_are_up_to_date(name):
    section = TEXT.partition(f'### {name}\n')[2].partition('\n#')[0]
    table = markdown_table(TABLES[name])
    assert table in section, f'paste into the section {name} of README.md:\n{table}'


def test_every_command_is_in_the_list():
    setup = (PACKAGE / 'setup.py').read_text(encoding='utf-8')
    commands = re.findall(r"f'(\w+) = \{NAME\}\.cli\.", setup)
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
