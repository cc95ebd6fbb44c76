"""The launch file runs for real, and a viewer finds everything that the layout names."""

import json
import signal
import socket

from devrobot_bringup.layout.pages import layout_text
from launched_robot import DEADLINE_S
import pytest

pytest.importorskip('rclpy')


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


def named_in(layout: dict) -> tuple[set[str], set[str]]:
    """Return the topics and the services that a layout names."""
    topics, services = set(), set()
    for config in layout['configById'].values():
        paths = [path['value'] for path in config.get('paths', [])]
        paths.append(config.get('imageMode', {}).get('imageTopic', ''))
        paths += [config.get(key, '') for key in ('topicPath', 'topicToRender')]
        topics |= {path.split('.')[0] for path in paths if path}
        services |= {config['serviceName']} if 'serviceName' in config else set()
    return topics, services


def test_viewer_finds_all_that_the_layout_names_and_sees_images(launch, connect, tmp_path):
    port = free_port()
    run = launch(
        *('namespace:=dot', f'foxglove_port:={port}', 'seed:=3'),
        *('training:=true', f'runs_dir:={tmp_path}'),
    )
    run.wait_for_line(f'open ws://localhost:{port}')
    run.wait_for_line(f'is ready: runs go to {tmp_path}')
    viewer = connect(port)
    topics, services = named_in(json.loads(layout_text('dot')))
    viewer.wait_for(lambda: topics <= set(viewer.channels), 'the topics')
    viewer.wait_for(lambda: services <= set(viewer.services), 'the services')
    images = [t for t in topics if viewer.channels[t]['schemaName'] == 'sensor_msgs/msg/Image']
    assert len(images) >= 9
    for topic in images:
        viewer.subscribe(topic)
    for topic in images:
        viewer.wait_for_message(topic)

    def asked() -> bool:
        viewer.send('getParameters', parameterNames=['/dot/driver.robot.width'], id='width')
        return '/dot/driver.robot.width' in viewer.parameters

    viewer.wait_for(asked, 'a parameter')
    assert viewer.parameters['/dot/driver.robot.width'] == 64
    viewer.close()
    assert run.stop() in (0, -signal.SIGTERM, 128 + signal.SIGTERM), run.log.read_text()
    assert 'Traceback' not in run.log.read_text()


def test_wrong_preset_is_refused_with_the_choices(launch):
    run = launch('preset:=huge')
    assert run.process.wait(DEADLINE_S) != 0
    output = run.log.read_text()
    assert 'huge' in output
    assert 'reference' in output
    assert 'process started' not in output
