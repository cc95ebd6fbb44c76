"""Every program that a launch file starts can be interrupted while it loads."""

from pathlib import Path
import re
from xml.etree import ElementTree

import pytest

SRC = Path(__file__).parents[2]
LAUNCH = sorted((SRC / 'devrobot_bringup' / 'launch').rglob('*.xml'))


def started_by(path: Path) -> set[tuple[str, str]]:
    """Return package and program of every process."""
    root = ElementTree.parse(path).getroot()
    nodes = {(node.get('pkg'), node.get('exec')) for node in root.iter('node')}
    commands = [command.get('cmd').split() for command in root.iter('executable')]
    assert all(words[:2] == ['ros2', 'run'] for words in commands)
    return nodes | {(words[2], words[3]) for words in commands}


@pytest.mark.parametrize('path', LAUNCH, ids=lambda path: path.name)
def test_its_entry_point_takes_signals_before_it_imports(path):
    for package, program in started_by(path) - {('foxglove_bridge', 'foxglove_bridge')}:
        text = (SRC / package / 'setup.py').read_text()
        assert re.findall(rf"'{program} = (.+)'", text) == [f'{{NAME}}.programs:{program}']
