"""What holds for every launch file: both kinds of machine read it, and its programs are there."""

import re

from launch_files import arguments, choices, LAUNCH, NAMES, read, SRC
import pytest

# What the front end of Jazzy and the launcher for machines without ROS both know.
SUBSTITUTIONS = {'var', 'find-pkg-share', 'equals'}

pytestmark = pytest.mark.parametrize('name', NAMES)


def test_these_are_all(name):
    files = {path.name for path in LAUNCH.glob('*.launch.*')}
    assert files == {f'{name}.launch.{kind}' for name in NAMES for kind in ('py', 'xml')}


def test_every_argument_has_a_description_and_a_default_among_its_choices(name):
    for argument, arg in arguments(read(name)).items():
        assert arg.get('description'), argument
        if (name, argument) != ('replay', 'bag'):
            assert arg.get('default') is not None, argument
            assert not choices(arg) or arg.get('default') in choices(arg), argument


def test_only_plain_substitutions_of_what_was_declared_before_are_used(name):
    declared = set()
    used = set()
    for part in read(name).iter():
        for text in part.attrib.values():
            assert set(re.findall(r'\$\(([\w-]+)', text)) <= SUBSTITUTIONS
            used |= set(re.findall(r'\$\(var (\w+)\)', text))
        assert used <= declared | {'use_sim_time'}, part.attrib
        if part.tag in ('arg', 'let'):
            declared.add(part.get('name'))
    assert used - {'use_sim_time'} == declared - {'use_sim_time'}


def test_nothing_is_declared_or_started_twice(name):
    root = read(name)
    names = [arg.get('name') for arg in root.iter('arg')]
    assert len(names) == len(set(names))
    nodes = [node.get('name') for node in root.iter('node') if node.get('name') != 'replay']
    assert len(nodes) == len(set(nodes))


def test_the_python_launch_file_includes_the_xml_and_nothing_else(name):
    text = (LAUNCH / f'{name}.launch.py').read_text()
    assert text.count(f'{name}.launch.xml') == 2
    assert 'Node(' not in text
    compile(text, f'{name}.launch.py', 'exec')


def test_its_programs_are_there(name):
    root = read(name)
    started = {(node.get('pkg'), node.get('exec')) for node in root.iter('node')}
    for command in root.iter('executable'):
        run, verb, package, program = command.get('cmd').split()[:4]
        assert (run, verb) == ('ros2', 'run')
        started.add((package, program))
    for package, program in started - {('foxglove_bridge', 'foxglove_bridge')}:
        text = (SRC / package / 'setup.py').read_text()
        assert re.findall(rf"'{program} = .+'", text), f'{package} has no {program}'
