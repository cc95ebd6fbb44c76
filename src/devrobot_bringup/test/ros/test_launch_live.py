"""The launch file runs for real, and a viewer finds everything that the layout names."""

from collections.abc import Iterator
import json
import os
from pathlib import Path
import shutil
import signal
import socket
import subprocess
import time

from devrobot_bringup.layout.pages import layout_text
import pytest

pytest.importorskip('rclpy')

DEADLINE_S = 60.0


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(('127.0.0.1', 0))
        return listener.getsockname()[1]


class Launch:
    """The launched robot; the first failure shows its output."""

    def __init__(self, domain_id: int, log: Path, *arguments: str) -> None:
        self.log = log
        with log.open('wb') as output:
            self.process = subprocess.Popen(
                ['ros2', 'launch', 'devrobot_bringup', 'toroidal_dot.launch.py', *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={
                    **os.environ,
                    'ROS_DOMAIN_ID': str(domain_id),
                    'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
                },
            )

    def wait_for_line(self, text: str) -> None:
        end = time.monotonic() + DEADLINE_S
        while text not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def stop(self) -> int:
        """End it as a supervisor would, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(DEADLINE_S)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)


@pytest.fixture
def launch(domain_id, tmp_path) -> Iterator:
    """Launch with arguments; whatever still runs at the end is stopped."""
    from ament_index_python.packages import get_package_prefix, PackageNotFoundError

    if shutil.which('ros2') is None:
        pytest.skip('there is no ros2 command here')
    try:
        get_package_prefix('devrobot_bringup')
    except PackageNotFoundError:
        pytest.skip('the workspace is not built or not sourced')
    started = []

    def start(*arguments: str) -> Launch:
        started.append(Launch(domain_id, tmp_path / f'launch{len(started)}.log', *arguments))
        return started[-1]

    yield start
    for run in started:
        if run.process.poll() is None:
            run.stop()


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


def test_viewer_finds_all_that_the_layout_names_and_sees_images(launch, connect):
    port = free_port()
    run = launch('namespace:=dot', f'foxglove_port:={port}', 'seed:=3')
    run.wait_for_line(f'open ws://localhost:{port}')
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
