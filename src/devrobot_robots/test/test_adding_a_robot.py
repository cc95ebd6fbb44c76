"""The robot of docs/adding_a_robot.md is a real one: installed, found, driven."""

from pathlib import Path
import re
import subprocess
import sys

from devrobot_interfaces_py.actions import Phase
from devrobot_interfaces_py.configs import ConfigError
from devrobot_robots.registry import load_robot_class
import pytest
from robots_fakes import FakeClock, make_executor, Record

PAGE = Path(__file__).parents[3] / 'docs' / 'adding_a_robot.md'


def blocks(language: str) -> list[str]:
    text = PAGE.read_text(encoding='utf-8')
    return re.findall(rf'```{language}\n(.*?)```', text, re.DOTALL)


@pytest.fixture(scope='module')
def installed(tmp_path_factory) -> Path:
    """Install the package of the page into a folder, with pip."""
    source = tmp_path_factory.mktemp('source')
    target = tmp_path_factory.mktemp('target')
    (source / 'pyproject.toml').write_text(blocks('toml')[0], encoding='utf-8')
    (source / 'lamp_robot.py').write_text(blocks('python')[0], encoding='utf-8')
    pip = [sys.executable, '-m', 'pip', 'install', '--quiet', '--disable-pip-version-check']
    offline = ['--no-index', '--no-deps', '--no-build-isolation']
    result = subprocess.run(
        [*pip, *offline, '--target', target, source], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    return target


@pytest.fixture
def lamp_class(installed, monkeypatch):
    monkeypatch.syspath_prepend(str(installed))
    yield load_robot_class('lamp')
    sys.modules.pop('lamp_robot', None)


def test_the_example_is_driven_like_any_robot(lamp_class):
    clock, record = FakeClock(), Record()
    robot = lamp_class.from_config(lamp_class.config_class(size=8), clock=clock, name='lamp_1')
    executor = make_executor(robot, record, clock)
    robot.connect()
    executor.start()
    for number, action in enumerate((1, 1, 2), start=1):
        assert executor.submit(action).sequence == number
        record.wait_for_phase(Phase.FINISHED, number)
    record.wait(lambda: len(record.stamps) == 4)
    assert executor.shutdown()
    assert robot.observe()[''].shape == (8, 8, 3)
    assert robot.observe()[''].max() == 110
    assert robot.action_space.robot_name == 'lamp_1'
    assert record.problems == []


def test_the_example_stops_and_resets(lamp_class):
    robot = lamp_class.from_config(lamp_class.config_class(), clock=FakeClock(), name='lamp')
    robot.execute(1, should_stop=lambda: True)
    assert robot.observe()[''].max() == 100
    robot.execute(1, should_stop=lambda: False)
    robot.reset()
    assert robot.observe()[''].max() == 100


def test_the_example_checks_its_settings(lamp_class):
    with pytest.raises(ConfigError, match='size is 2'):
        lamp_class.config_class(size=2)


def test_the_check_at_the_end_of_the_page_holds(lamp_class):
    exec(blocks('python')[1], {})
