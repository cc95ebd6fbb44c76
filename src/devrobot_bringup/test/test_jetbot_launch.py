"""The launch file of the JetBot, its configurations, and that it matches that of the dot."""

from launch_files import arguments, choices, PACKAGE, read
import pytest
import yaml

CONFIG = PACKAGE / 'config' / 'jetbot'
OWN = ['host', 'port', 'tls', 'sim', 'cmd_vel']
ROOT = read('jetbot')
ARGUMENTS = arguments(ROOT)
PRESETS = choices(ARGUMENTS['preset'])


def test_its_arguments_are_its_own_and_those_of_the_dot():
    assert list(ARGUMENTS) == OWN + list(arguments(read('toroidal_dot')))


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
