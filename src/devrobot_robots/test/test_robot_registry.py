"""Robots are found by name, wherever they are installed; what cannot be used says why."""

from importlib.metadata import EntryPoint
import sys

from devrobot_robots.registry import (
    ENTRY_POINT_GROUP,
    load_robot_class,
    robot_names,
    RobotLoadError,
    UnknownRobotError,
)
import pytest


def point(name: str, value: str) -> EntryPoint:
    return EntryPoint(name=name, value=value, group=ENTRY_POINT_GROUP)


@pytest.fixture
def third_party(tmp_path, monkeypatch):
    """Install a distribution with a robot of its own, as pip would."""
    (tmp_path / 'crawler.py').write_text(
        'class Crawler:\n    config_class = object\n    from_config = None\n'
    )
    metadata = tmp_path / 'crawler-1.0.dist-info'
    metadata.mkdir()
    (metadata / 'METADATA').write_text('Metadata-Version: 2.1\nName: crawler\nVersion: 1.0\n')
    (metadata / 'entry_points.txt').write_text('[devrobot.robots]\ncrawler = crawler:Crawler\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    yield 'crawler'
    sys.modules.pop('crawler', None)


def test_another_package_can_add_a_robot(third_party):
    assert load_robot_class(third_party).__name__ == 'Crawler'


def test_an_unknown_name_lists_the_known_ones():
    points = [point('jetbot', 'a:A'), point('toroidal_dot', 'b:B')]
    with pytest.raises(UnknownRobotError) as caught:
        load_robot_class('jetbott', points)
    assert str(caught.value) == (
        "robot 'jetbott' is unknown (did you mean 'jetbot'?); known robots: jetbot, toroidal_dot"
    )


def test_with_no_robots_at_all_the_line_says_what_to_check():
    with pytest.raises(UnknownRobotError, match='known robots: none: is the package'):
        load_robot_class('jetbot', [])


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        ('no_such_module_anywhere:Robot', 'ModuleNotFoundError: No module named'),
        ('devrobot_robots.robot:NoSuchClass', 'AttributeError'),
    ],
)
def test_code_that_cannot_be_imported_is_named(value, text):
    with pytest.raises(RobotLoadError) as caught:
        load_robot_class('broken', [point('broken', value)])
    assert f"robot 'broken' ({value}) cannot be imported: {text}" in str(caught.value)
    assert '\n' not in str(caught.value)


def test_a_module_that_raises_anything_is_told_in_one_line(tmp_path, monkeypatch):
    (tmp_path / 'exploding_robot.py').write_text('raise OSError("no such bus\\nat all")\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(RobotLoadError, match='OSError: no such bus at all') as caught:
        load_robot_class('x', [point('x', 'exploding_robot:Robot')])
    assert '\n' not in str(caught.value)


def test_something_that_is_no_robot_is_refused():
    with pytest.raises(RobotLoadError, match='has no config_class and no from_config'):
        load_robot_class('x', [point('x', 'collections:OrderedDict')])


def test_a_name_claimed_by_two_packages_is_refused_with_both():
    points = [point('x', 'b:B'), point('x', 'a:A')]
    with pytest.raises(RobotLoadError, match='more than once: a:A, b:B'):
        load_robot_class('x', points)


def test_the_same_robot_found_twice_on_the_path_is_one_robot():
    points = [point('x', 'robots_fakes:FakeClock')] * 2
    assert robot_names(points) == ('x',)
    with pytest.raises(RobotLoadError, match='has no config_class'):
        load_robot_class('x', points)
