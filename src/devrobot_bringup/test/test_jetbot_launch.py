"""The launch file of the JetBot, its configurations, and that it matches that of the dot."""

from pathlib import Path
import re
from xml.etree import ElementTree

import pytest
import yaml

PACKAGE = Path(__file__).parents[1]
CONFIG = PACKAGE / 'config' / 'jetbot'
OWN = ['host', 'port', 'tls', 'sim', 'cmd_vel']


def root(name: str) -> ElementTree.Element:
    return ElementTree.parse(PACKAGE / 'launch' / f'{name}.launch.xml').getroot()


ROOT = root('jetbot')
ARGUMENTS = {arg.get('name'): arg for arg in ROOT.iter('arg')}
PRESETS = [choice.get('value') for choice in ARGUMENTS['preset'].iter('choice')]


def test_its_arguments_are_its_own_and_those_of_the_dot():
    assert list(ARGUMENTS) == OWN + [arg.get('name') for arg in root('toroidal_dot').iter('arg')]


def test_every_argument_has_a_description_and_a_default_among_its_choices():
    for name, arg in ARGUMENTS.items():
        assert arg.get('description') and arg.get('default') is not None, name
        choices = [choice.get('value') for choice in arg.iter('choice')]
        assert not choices or arg.get('default') in choices, name


def nodes(name: str) -> dict[str, str]:
    """Return every node but the driver as text, with the folder of the configuration left out."""
    return {
        node.get('name'): ElementTree.tostring(node, encoding='unicode').strip()
        for node in root(name).iter('node')
        if node.get('name') != 'driver'
    }


def test_all_nodes_but_the_driver_are_wired_as_for_the_dot():
    assert nodes('jetbot') == nodes('toroidal_dot')


def test_only_plain_substitutions_of_what_is_declared_are_used():
    text = (PACKAGE / 'launch' / 'jetbot.launch.xml').read_text()
    assert set(re.findall(r'\$\(([\w-]+)', text)) <= {'var', 'find-pkg-share', 'equals'}
    declared = {*ARGUMENTS, *(let.get('name') for let in ROOT.iter('let'))}
    assert set(re.findall(r'\$\(var (\w+)\)', text)) == declared


def test_the_simulation_is_driven_on_this_computer_and_nothing_else_is():
    lets = {let.get('value'): (let.get('if'), let.get('unless')) for let in ROOT.iter('let')}
    assert lets == {'127.0.0.1': ('$(var sim)', None), '$(var host)': (None, '$(var sim)')}
    (simulation,) = ROOT.iter('executable')
    assert simulation.get('if') == '$(var sim)'


def test_every_preset_configures_the_same_nodes_and_names_its_command():
    assert sorted(path.name for path in CONFIG.iterdir()) == sorted(PRESETS)
    for preset in PRESETS:
        files = sorted(path.name for path in (CONFIG / preset).iterdir())
        assert files == ['driver.yaml', 'selector.yaml', 'world_model.yaml']
        for file in files:
            text = (CONFIG / preset / file).read_text()
            assert f'jetbot.launch.py preset:={preset}' in text


@pytest.mark.parametrize('preset', PRESETS)
def test_the_drivers_are_equal_and_have_the_actions_of_the_reference(preset):
    content = yaml.safe_load((CONFIG / preset / 'driver.yaml').read_text())
    values = content['/**']['ros__parameters']
    assert values['robot'] == 'jetbot'
    assert values['robot.actions'] == ['stay 0 0', 'turn 0 0.12']
    assert isinstance(values['robot.wait_for_robot'], float)


def test_python_launch_file_includes_the_xml_and_nothing_else():
    text = (PACKAGE / 'launch' / 'jetbot.launch.py').read_text()
    assert text.count('jetbot.launch.xml') == 2
    assert 'Node(' not in text
    compile(text, 'jetbot.launch.py', 'exec')
