"""Driver and selector as processes: signals, exit codes, command line."""

import os
import signal
import socket
import subprocess
import sys
import threading

from devrobot_interfaces_py import topics
from devrobot_interfaces_py.actions import Phase
import pytest
from robots_graph import NAMESPACE, Observer, wait
from std_srvs.srv import SetBool

DEADLINE_S = 20.0
MAIN = 'from devrobot_robots.nodes.{0}_node import main; main()'


@pytest.fixture
def start(monkeypatch):
    """Start a node as a process; the command line is ``NAME [ROS arguments…]``."""
    processes = []

    def run(name: str, *ros_arguments: str, plain: tuple[str, ...] = ()) -> subprocess.Popen:
        arguments = ['--ros-args', '-r', f'__ns:={NAMESPACE}', *ros_arguments]
        command = [sys.executable, '-c', MAIN.format(name), *plain, *arguments]
        environment = {**os.environ, 'ROS_DOMAIN_ID': os.environ.get('ROS_DOMAIN_ID', '43')}
        process = subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        if process.poll() is None:
            process.kill()
        for output in process.communicate():
            print(output)  # for who looks for the cause of a failure


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_a_signal_aborts_the_action_and_ends_cleanly(graph, start, number):
    observer = Observer(graph)
    driver = start('driver', '-p', 'robot.action_delay:=20.0', '-p', 'frame_rate:=50.0')
    observer.wait_for_images(1)
    graph.execute(1)
    sequence = observer.wait_for_start()
    driver.send_signal(number)
    _, errors = driver.communicate(timeout=DEADLINE_S)
    assert driver.returncode == 0
    assert 'Traceback' not in errors
    assert observer.wait_for(Phase.ABORTED, sequence).message == 'the driver is stopping'


LISTENER = """
from contextlib import suppress
from devrobot_interfaces.msg import ActionEvent
from devrobot_interfaces_py import qos, topics
import rclpy
from rclpy.executors import ExternalShutdownException
rclpy.init()
node = rclpy.create_node('listener', namespace='/bot')
node.create_subscription(
    ActionEvent, topics.ACTION_EVENTS, lambda event: print(event.message, flush=True), qos.EVENTS
)
with suppress(ExternalShutdownException):
    rclpy.spin(node)
"""


@pytest.mark.parametrize('attempt', range(3))
def test_the_last_event_of_a_driver_reaches_a_listener_that_is_slow(
    graph, start, tmp_path, attempt
):
    """
    The event goes with its publisher if that ends first: it lies in memory that both share.

    Without waiting for listeners it was lost in one of three attempts.
    """
    observer = Observer(graph)
    heard = tmp_path / 'heard'
    with heard.open('wb') as output:
        listener = subprocess.Popen(
            [sys.executable, '-c', LISTENER],
            stdout=output,
            env={**os.environ, 'ROS_DOMAIN_ID': os.environ.get('ROS_DOMAIN_ID', '43')},
        )
    try:
        driver = start('driver', '-p', 'robot.action_delay:=60.0')
        # Only what it hears tells that the driver knows of it: the graph knows it earlier.
        wait(lambda: acted_once(graph) and heard.read_text(), 'the listener to hear an action')
        sequence = wait(lambda: graph.execute(1).sequence, 'the last action to be accepted')
        observer.wait_for(Phase.STARTED, sequence)
        listener.send_signal(signal.SIGSTOP)
        waking = threading.Timer(1.0, listener.send_signal, [signal.SIGCONT])
        waking.start()
        driver.send_signal(signal.SIGINT)
        assert driver.wait(DEADLINE_S) == 0
        waking.join()
        wait(lambda: 'the driver is stopping' in heard.read_text(), 'the last event')
    finally:
        listener.terminate()
        listener.wait()


def acted_once(graph) -> bool:
    return bool(graph.execute(1).sequence and graph.trigger(topics.DRIVER_STOP).success)


def test_a_driver_that_waits_for_its_robot_ends_at_once(start):
    with socket.create_server(('127.0.0.1', 0)) as listener:
        port = listener.getsockname()[1]
        driver = start(
            *('driver', '-p', 'robot:=jetbot', '-p', 'robot.host:=127.0.0.1'),
            *('-p', f'robot.port:={port}', '-p', 'robot.wait_for_robot:=600.0'),
        )
        for _ in range(3):
            listener.accept()[0].close()
    driver.send_signal(signal.SIGINT)
    _, errors = driver.communicate(timeout=DEADLINE_S)
    assert driver.returncode == 0
    (line,) = errors.splitlines()  # once, however often it asks
    assert line.startswith('[WARN]') and line.endswith('; it is waited for, up to 600 s')


@pytest.mark.parametrize('number', [signal.SIGTERM, signal.SIGINT])
def test_the_selector_ends_cleanly_while_it_waits(start, number):
    selector = start('selector', '-p', 'driver_timeout:=0.0', '--log-level', 'selector:=debug')
    wait_for_ready(selector)
    selector.send_signal(number)
    _, errors = selector.communicate(timeout=DEADLINE_S)
    assert (selector.returncode, 'Traceback' in errors) == (0, False)


def test_many_signals_at_once_end_it_as_one_does(graph, start):
    for _ in range(3):
        selector = start('selector', '-p', 'driver_timeout:=0.0')
        graph.call(SetBool, topics.SELECTOR_SET_RUNNING, SetBool.Request(data=False))
        for number in 20 * [signal.SIGTERM, signal.SIGINT]:
            selector.send_signal(number)
        _, errors = selector.communicate(timeout=DEADLINE_S)
        assert (selector.returncode, 'Traceback' in errors) == (0, False)
        wait(lambda: not graph.offers(topics.SELECTOR_SET_RUNNING), 'the service to be gone')


def wait_for_ready(process: subprocess.Popen) -> None:
    """Wait until the process has its signal handlers."""
    path = f'/proc/{process.pid}/status'

    def catches() -> bool:
        with open(path) as status:  # noqa: PTH123 - not a real file
            mask = next(line for line in status if line.startswith('SigCgt'))
        return bool(int(mask.split()[1], 16) & 1 << signal.SIGTERM - 1)

    wait(catches, 'signal handlers')


def test_a_driver_that_cannot_come_up_ends_with_1_and_one_line(start):
    driver = start('driver', '-p', 'robot:=jetbott')
    _, errors = driver.communicate(timeout=DEADLINE_S)
    assert driver.returncode == 1
    assert len(errors.splitlines()) == 1
    assert "robot 'jetbott' is unknown (did you mean 'jetbot'?); known robots: jetbot, " in errors


def test_a_selector_with_a_wrong_setting_ends_with_1_and_one_line(start):
    selector = start('selector', '-p', 'min_duration:=0')
    _, errors = selector.communicate(timeout=DEADLINE_S)
    assert selector.returncode == 1
    assert len(errors.splitlines()) == 1
    assert 'parameter min_duration is 0, must be' in errors


@pytest.mark.parametrize('name', ['driver', 'selector'])
def test_help_lists_the_parameters_and_a_wrong_argument_is_refused(start, name):
    output, _ = start(name, plain=('--help',)).communicate(timeout=DEADLINE_S)
    assert 'autostart = True' in output
    wrong = start(name, plain=('wrong',))
    _, errors = wrong.communicate(timeout=DEADLINE_S)
    assert wrong.returncode == 2
    assert 'unrecognized arguments: wrong' in errors


@pytest.mark.parametrize('arguments', ['--wrong', '--params-file nowhere'])
def test_wrong_ros_arguments_are_refused_in_one_line(start, arguments):
    selector = start('selector', *arguments.split())
    _, errors = selector.communicate(timeout=DEADLINE_S)
    assert (selector.returncode, len(errors.splitlines())) == (2, 1)
    assert arguments in errors


def test_two_drivers_started_together_leave_one(graph, start):
    drivers = [start('driver', '-p', 'frame_rate:=0.0') for _ in range(2)]
    wait(lambda: [d for d in drivers if d.poll() is not None], 'one of them to give way')
    loser = next(d for d in drivers if d.poll() is not None)
    _, errors = loser.communicate()
    assert loser.returncode == 1
    assert 'another driver /bot/driver is at work' in errors
    assert graph.trigger(topics.DRIVER_STOP).success
    assert [d.poll() for d in drivers].count(None) == 1
