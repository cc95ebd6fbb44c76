"""The launch file and its configurations fit together."""

import re

from launch_files import arguments, choices, PACKAGE, read
import pytest
import yaml

CONFIG = PACKAGE / 'config' / 'toroidal_dot'
ROOT = read('toroidal_dot')
ARGUMENTS = arguments(ROOT)
PRESETS = choices(ARGUMENTS['preset'])


def parameters(preset: str, node: str) -> dict:
    content = yaml.safe_load((CONFIG / preset / f'{node}.yaml').read_text())
    assert list(content) == ['/**']
    assert list(content['/**']) == ['ros__parameters']
    return content['/**']['ros__parameters']


def test_arguments_are_those_documented():
    assert list(ARGUMENTS) == [
        'namespace',
        'preset',
        'config',
        'seed',
        'selector',
        'selector_bag',
        'record',
        'sessions_dir',
        'session_id',
        'record_images',
        'disk_budget_gb',
        'training',
        'runs_dir',
        'foxglove',
        'foxglove_port',
        'log_level',
        'use_sim_time',
    ]


def test_every_node_of_the_robot_has_a_configuration_in_every_preset():
    wanted = [
        re.search(r'/(\w+\.yaml)$', param.get('from')).group(1)
        for param in ROOT.iter('param')
        if param.get('from')
    ]
    assert sorted(wanted) == ['driver.yaml', 'selector.yaml', 'world_model.yaml']
    for preset in PRESETS:
        assert sorted(path.name for path in (CONFIG / preset).iterdir()) == sorted(wanted)


def test_presets_in_the_folder_are_those_of_the_argument():
    assert sorted(path.name for path in CONFIG.iterdir()) == sorted(PRESETS)


@pytest.mark.parametrize('preset', PRESETS)
def test_preset_names_its_own_model_and_command(preset):
    assert parameters(preset, 'world_model')['preset'] == preset
    for path in (CONFIG / preset).iterdir():
        assert f'preset:={preset}' in path.read_text()


@pytest.mark.parametrize('preset', PRESETS)
def test_parameters_have_the_type_that_ros_expects(preset):
    driver = parameters(preset, 'driver')
    assert isinstance(driver['robot.action_delay'], float)
    assert isinstance(parameters(preset, 'selector')['period'], float)


def test_tiny_world_is_small():
    driver = parameters('tiny', 'driver')
    size = [driver[f'robot.{name}'] for name in ('width', 'height', 'radius', 'step')]
    assert size == [64, 64, 3, 13]


def test_server_for_viewers_is_ours_or_the_bridge_or_none():
    conditions = {node.get('name'): node.get('if') for node in ROOT.iter('node')}
    assert conditions['foxglove_server'] == '$(equals $(var foxglove) true)'
    assert conditions['foxglove_bridge'] == '$(equals $(var foxglove) bridge)'
    bridge = next(n for n in ROOT.iter('node') if n.get('name') == 'foxglove_bridge')
    addresses = [p.get('value') for p in bridge.iter('param') if p.get('name') == 'address']
    assert addresses == ['127.0.0.1']


def test_sessions_are_recorded_only_on_request():
    assert ARGUMENTS['record'].get('default') == 'false'
    (recorder,) = (node for node in ROOT.iter('node') if node.get('name') == 'recorder')
    assert recorder.get('unless') == '$(equals $(var record) false)'
    values = {param.get('name'): param.get('value') for param in recorder.iter('param')}
    assert values['autostart'] == '$(equals $(var record) true)'


def test_the_training_server_runs_only_on_request_and_finds_the_recorded_sessions():
    assert ARGUMENTS['training'].get('default') == 'false'
    (server,) = (n for n in ROOT.iter('node') if n.get('exec') == 'training_server')
    assert server.get('if') == '$(var training)'
    values = {param.get('name'): param.get('value') for param in server.iter('param')}
    assert values['sessions_dir'] == '$(var sessions_dir)'
