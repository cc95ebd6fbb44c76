"""The shipped layout is fresh, importable, and names only things that exist."""

import json
from pathlib import Path
import re

from devrobot_bringup.layout import panels
from devrobot_bringup.layout.cli import main
from devrobot_bringup.layout.pages import layout_text
from devrobot_interfaces_py import topics
import pytest

SHIPPED = Path(__file__).parents[1] / 'foxglove' / 'devrobot.json'
NAMESPACE = '/toroidal_dot/'
GLOBAL_TOPICS = {'/rosout', '/diagnostics'}
PANEL_KINDS = {
    'CallService',
    'DiagnosticSummary',
    'Image',
    'Parameters',
    'Plot',
    'RawMessages',
    'RosOut',
    'StateTransitions',
    'Tab',
    'TopicGraph',
}


def known_names() -> set[str]:
    return {value for name, value in vars(topics).items() if name.isupper()}


def configs(kind: str) -> list[dict]:
    by_id = json.loads(SHIPPED.read_text())['configById']
    return [config for panel_id, config in by_id.items() if panel_id.startswith(f'{kind}!')]


def shown_paths() -> list[str]:
    paths = [config['imageMode']['imageTopic'] for config in configs('Image')]
    paths += [config['topicPath'] for config in configs('RawMessages')]
    for config in configs('Plot') + configs('StateTransitions'):
        paths += [path['value'] for path in config['paths']]
    return paths


def panel_ids(tree) -> list[str]:
    if isinstance(tree, str):
        return [tree]
    return panel_ids(tree['first']) + panel_ids(tree['second'])


def test_shipped_layout_is_what_the_generator_makes():
    message = 'run: ros2 run devrobot_bringup make_layout --output foxglove/devrobot.json'
    assert SHIPPED.read_text() == layout_text(), message


def test_every_topic_in_the_layout_is_a_known_name():
    for path in shown_paths():
        topic = path.split('.')[0]
        assert topic.startswith(NAMESPACE), path
        assert topic.removeprefix(NAMESPACE) in known_names(), path


def test_every_service_in_the_layout_is_a_known_name_and_its_request_is_json():
    assert configs('CallService')
    for config in configs('CallService'):
        assert config['serviceName'].removeprefix(NAMESPACE) in known_names()
        assert isinstance(json.loads(config['requestPayload']), dict)


def test_global_topics_are_those_of_ros():
    shown = {c['topicToRender'] for c in configs('RosOut') + configs('DiagnosticSummary')}
    assert shown == GLOBAL_TOPICS


def test_every_panel_is_placed_once_and_has_both_titles():
    layout = json.loads(SHIPPED.read_text())
    placed = panel_ids(layout['layout'])
    for tab in configs('Tab'):
        for page in tab['tabs']:
            placed += panel_ids(page['layout'])
    assert sorted(placed) == sorted(layout['configById'])
    for panel_id, config in layout['configById'].items():
        assert panel_id.split('!')[0] in PANEL_KINDS
        assert config['foxglovePanelTitle'] == config['lichtblickPanelTitle'] != ''


def test_first_screen_shows_camera_prediction_counterfactuals_and_error():
    (tab,) = configs('Tab')
    by_id = json.loads(SHIPPED.read_text())['configById']
    first = [by_id[panel_id] for panel_id in panel_ids(tab['tabs'][0]['layout'])]
    images = {c['imageMode']['imageTopic'] for c in first if 'imageMode' in c}
    assert {
        NAMESPACE + topics.IMAGE_RAW,
        NAMESPACE + topics.WORLD_MODEL_PREDICTED_IMAGE,
        NAMESPACE + topics.WORLD_MODEL_COUNTERFACTUALS,
    } <= images
    plotted = [path['value'] for c in first for path in c.get('paths', [])]
    assert f'{NAMESPACE}{topics.WORLD_MODEL_PREDICTION_ERROR}.hybrid_loss' in plotted


def test_layout_has_the_classic_export_form():
    assert set(json.loads(SHIPPED.read_text())) == {
        'configById',
        'layout',
        'globalVariables',
        'userNodes',
        'playbackConfig',
    }


def test_other_namespace_changes_every_name():
    text = layout_text('/arms/so101/')
    assert 'toroidal_dot' not in text
    assert '"/arms/so101/image_raw"' in text


@pytest.mark.parametrize('namespace', ['', 'a b', '1robot', 'a//b', 'ä'])
def test_bad_namespace_is_refused(namespace):
    with pytest.raises(ValueError, match=re.escape(repr(namespace))):
        layout_text(namespace)


def test_command_writes_the_file(tmp_path, capsys):
    target = tmp_path / 'jetbot.json'
    assert main(['--namespace', 'jetbot', '--output', str(target)]) == 0
    assert target.read_text() == layout_text('jetbot')
    assert str(target) in capsys.readouterr().out


def test_command_with_a_bad_namespace_says_so_in_one_line(capsys):
    assert main(['--namespace', 'no way']) == 1
    error = capsys.readouterr().err
    assert error.count('\n') == 1
    assert "'no way'" in error


def test_shares_become_nested_percentages():
    a, b, c = (panels.image(title, '/t') for title in 'abc')
    split = panels.row(a, b, c, shares=(2, 1, 1))
    assert split.tree() == {
        'direction': 'row',
        'first': 'Image!a',
        'second': {
            'direction': 'row',
            'first': 'Image!b',
            'second': 'Image!c',
            'splitPercentage': 50.0,
        },
        'splitPercentage': 50.0,
    }


def test_two_panels_with_one_title_are_refused():
    pair = panels.row(panels.image('same', '/a'), panels.image('same', '/b'))
    with pytest.raises(ValueError, match='Image!same'):
        panels.export(pair)
