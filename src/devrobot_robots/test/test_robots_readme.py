"""The README's tables and its code are those of the package."""

from pathlib import Path
import re

from devrobot_interfaces_py.parameter_tables import BLOCK, with_fresh_tables
from devrobot_robots.readme import TABLES
import numpy as np

README = Path(__file__).parents[1] / 'README.md'
TEXT = README.read_text(encoding='utf-8')


def test_parameter_tables_are_up_to_date():
    command = 'python -m devrobot_robots.readme src/devrobot_robots/README.md'
    assert with_fresh_tables(TEXT, TABLES) == TEXT, f'run ./devrobot shell -c "{command}"'


def test_every_table_is_shown():
    assert sorted(BLOCK.findall(TEXT)) == sorted(TABLES)


def test_the_example_runs():
    (example,) = re.findall(r'```python\n(.*?)```', TEXT, re.DOTALL)
    names: dict = {}
    exec(example, names)
    assert names['image'].shape == (224, 224, 3)
    assert np.count_nonzero(names['image']) == 3 * 81


def test_every_module_of_the_library_table_exists():
    library = TEXT.partition('## Library')[2]
    modules = re.findall(r'^\| `(\w+)` \|', library, re.MULTILINE)
    package = README.parent / 'devrobot_robots'
    assert modules
    assert [
        m for m in modules if not ((package / m).is_dir() or (package / f'{m}.py').exists())
    ] == []
