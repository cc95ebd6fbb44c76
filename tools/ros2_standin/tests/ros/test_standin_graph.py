"""The graph verbs against a real node in another process, in the formats of the real tool."""

from collections.abc import Iterator
import os
from pathlib import Path
import re
import signal
import subprocess
import sys

import pytest

pytest.importorskip('rclpy')

from standin_processes import HANG, STANDIN

NODE = """
import rclpy
from rcl_interfaces.msg import FloatingPointRange, ParameterDescriptor
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Float32MultiArray, Header, String
from std_srvs.srv import SetBool

rclpy.init()
node = Node('probe', namespace='/robot')
node.declare_parameter('gain', 0.5, ParameterDescriptor(
    description='how strong', floating_point_range=[FloatingPointRange(to_value=1.0)]))
node.declare_parameter('camera.names', ['left', 'right'])
node.declare_parameter('fixed', 3, ParameterDescriptor(read_only=True))
latched = node.create_publisher(
    Header, 'latched', QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL))
latched.publish(Header(frame_id='camera'))
ticks = node.create_publisher(Float32MultiArray, 'ticks', 10)
message = Float32MultiArray(data=[float(i) for i in range(200)])
node.create_timer(0.05, lambda: ticks.publish(message))
node.create_subscription(String, 'words', lambda _: None, 10)


def answer(request, response):
    response.success, response.message = request.data, 'as you like'
    return response


node.create_service(SetBool, '~/switch', answer)
print('ready', flush=True)
try:
    rclpy.spin(node)
except (KeyboardInterrupt, ExternalShutdownException):
    pass
"""


@pytest.fixture(scope='module')
def environment() -> dict[str, str]:
    """Give an environment with a domain of its own, so that runs do not meet."""
    source = str(Path(__file__).resolve().parents[2])
    return {
        **os.environ,
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'ROS_DOMAIN_ID': os.environ.get('ROS_DOMAIN_ID', str(1 + os.getpid() % 100)),
        'PYTHONPATH': os.pathsep.join(filter(None, (source, os.environ.get('PYTHONPATH')))),
    }


@pytest.fixture(scope='module', autouse=True)
def probe(environment) -> Iterator[None]:
    """Run the node while the tests of this module run."""
    process = subprocess.Popen(
        [sys.executable, '-c', NODE], env=environment, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == 'ready\n'
    yield
    process.send_signal(signal.SIGTERM)
    process.wait(20.0)
    process.stdout.close()


class Started:
    """A verb in another process."""

    def __init__(
        self, environment: dict[str, str], arguments: tuple[str, ...], before: str = ''
    ) -> None:
        self.process = subprocess.Popen(
            [sys.executable, '-c', before + STANDIN, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
        )

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Wait for the end and return what was printed."""
        out, err = self.process.communicate(timeout=60.0)
        return subprocess.CompletedProcess([], self.process.returncode, out, err)


@pytest.fixture(scope='module')
def ros2(environment):
    """Run one verb to its end."""
    return lambda *arguments: Started(environment, arguments).finish()


LISTINGS = {
    'topics': ('topic', 'list', '-t'),
    'services': ('service', 'list', '-t'),
    'nodes': ('node', 'list'),
    'node': ('node', 'info', '/robot/probe'),
    'topic': ('topic', 'info', '/robot/ticks'),
    'endpoints': ('topic', 'info', '-v', 'robot/ticks'),
    'unknown topic': ('topic', 'type', '/robot/tick'),
    'unknown node': ('node', 'info', '/robot/prob'),
}


@pytest.fixture(scope='module')
def listed(environment) -> dict[str, subprocess.CompletedProcess[str]]:
    """Run the verbs that wait for discovery side by side."""
    started = {name: Started(environment, words) for name, words in LISTINGS.items()}
    return {name: item.finish() for name, item in started.items()}


def test_topics_are_listed_with_types(listed):
    lines = listed['topics'].stdout.splitlines()
    assert '/robot/latched [std_msgs/msg/Header]' in lines
    assert '/robot/words [std_msgs/msg/String]' in lines
    assert lines == sorted(lines)


def test_a_topic_is_described(ros2, listed):
    assert ros2('topic', 'type', '/robot/ticks').stdout == 'std_msgs/msg/Float32MultiArray\n'
    assert listed['topic'].stdout == (
        'Type: std_msgs/msg/Float32MultiArray\nPublisher count: 1\nSubscription count: 0\n'
    )
    verbose = listed['endpoints'].stdout
    assert 'Node name: probe\nNode namespace: /robot\n' in verbose


def test_an_unknown_topic_is_named_with_the_nearest(listed):
    done = listed['unknown topic']
    assert done.returncode == 1
    assert done.stderr == "ros2: Unknown topic '/robot/tick'; did you mean '/robot/ticks'?\n"


def test_echo_prints_a_latched_message_as_yaml(ros2):
    assert ros2('topic', 'echo', '--once', '/robot/latched').stdout == (
        'stamp:\n  sec: 0\n  nanosec: 0\nframe_id: camera\n---\n'
    )
    done = ros2('topic', 'echo', '--once', '/robot/latched', '--field', 'stamp.sec')
    assert done.stdout == '0\n---\n'


def test_echo_shortens_arrays_as_asked(ros2):
    echo = ('topic', 'echo', '--once', '/robot/ticks', '--flow-style')
    assert 'data: [0.0, 1.0, 2.0, ' in (text := ros2(*echo).stdout) and "127.0, '...']" in text
    assert '3.0, ...' in ros2(*echo, '-l', '4').stdout.replace("'", '')
    assert '199.0]' in ros2(*echo, '-f').stdout
    assert "data: '<sequence type: float, length: 200>'\n" in ros2(*echo[:-1], '--no-arr').stdout


def test_echo_names_a_field_that_does_not_exist(ros2):
    done = ros2('topic', 'echo', '--once', '/robot/latched', '--field', 'stmp')
    assert (done.returncode, done.stderr) == (1, "ros2: there is no field 'stmp' in Header\n")


def test_hz_prints_the_rate_until_interrupted(environment):
    process = Started(environment, ('topic', 'hz', '/robot/ticks')).process
    assert process.stdout is not None
    text = process.stdout.readline() + process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=20.0)
    assert re.fullmatch(
        r'average rate: \d+\.\d{3}\n'
        r'\tmin: \d+\.\d{3}s max: \d+\.\d{3}s std dev: \d+\.\d{5}s window: \d+\n',
        text,
    )
    assert (process.returncode, errors) == (signal.SIGINT, '')


def test_a_service_is_called(ros2):
    done = ros2('service', 'call', '/robot/probe/switch', 'std_srvs/srv/SetBool', '{data: true}')
    assert done.returncode == 0
    assert done.stdout.removeprefix('waiting for service to become available...\n') == (
        'requester: making request: std_srvs.srv.SetBool_Request(data=True)\n\n'
        "response:\nstd_srvs.srv.SetBool_Response(success=True, message='as you like')\n\n"
    )


@pytest.mark.parametrize(
    'kind, values, message',
    [
        ('std_srvs/srv/SetBool', '{date: true}', "there is no 'date'; did you mean 'data'?"),
        ('std_srvs/srv/SetBool', '{data: 1}', "1 does not fit 'data', which is boolean"),
        ('std_srvs/srv/SetBool', 'data', 'needs to be a dictionary in YAML format'),
        ('std_srvs/srv/SetBol', '{}', "does not exist in std_srvs; did you mean 'SetBool'?"),
        ('gone_srvs/srv/X', '{}', 'is the workspace sourced?'),
    ],
)
def test_a_wrong_request_is_one_clear_line(ros2, kind, values, message):
    done = ros2('service', 'call', '/robot/probe/switch', kind, values)
    assert done.returncode == 1 and message in done.stderr and done.stderr.count('\n') == 1


def test_services_are_listed(listed):
    lines = listed['services'].stdout.splitlines()
    assert '/robot/probe/switch [std_srvs/srv/SetBool]' in lines


def test_the_type_of_a_service_is_shown(ros2):
    assert ros2('service', 'type', '/robot/probe/switch').stdout == 'std_srvs/srv/SetBool\n'


def test_nodes_are_listed_and_described(listed):
    assert '/robot/probe' in listed['nodes'].stdout.splitlines()
    text = listed['node'].stdout
    assert text.startswith('/robot/probe\n  Subscribers:\n    /robot/words: std_msgs/msg/String\n')
    assert '  Publishers:\n    /parameter_events: rcl_interfaces/msg/ParameterEvent\n' in text
    done = listed['unknown node']
    assert done.returncode == 1 and "did you mean '/robot/probe'?" in done.stderr


@pytest.mark.parametrize('name', ['nodes', 'node', 'unknown node', 'endpoints', 'services'])
def test_a_verb_that_cannot_leave_ros_says_the_same_and_ends_as_always(environment, listed, name):
    hanging = Started(environment, LISTINGS[name], before=HANG).finish()
    assert hanging.returncode == listed[name].returncode
    lines = [
        [line for line in text.splitlines() if '_ros2cli' not in line]
        for done in (hanging, listed[name])
        for text in (done.stdout, done.stderr)
    ]
    assert lines[:2] == lines[2:] and any(lines)


def test_parameters_are_read(ros2):
    assert '  gain\n' in ros2('param', 'list', '/robot/probe').stdout
    assert ros2('param', 'get', '/robot/probe', 'gain').stdout == 'Double value is: 0.5\n'
    assert ros2('param', 'get', '--hide-type', '/robot/probe', 'fixed').stdout == '3\n'
    assert ros2('param', 'get', '/robot/probe', 'camera.names').stdout == (
        "String values are: ['left', 'right']\n"
    )
    done = ros2('param', 'get', '/robot/probe', 'gian')
    assert done.returncode == 1 and "'gian' of /robot/probe; did you mean 'gain'?" in done.stderr


def test_parameters_are_set_or_refused_with_the_reason(ros2):
    assert ros2('param', 'set', '/robot/probe', 'gain', '0.5').stdout == (
        'Set parameter successful\n'
    )
    done = ros2('param', 'set', '/robot/probe', 'fixed', '4')
    assert done.returncode == 1 and done.stdout.startswith('Setting parameter failed: ')


def test_parameters_are_described_and_dumped(ros2):
    assert ros2('param', 'describe', '/robot/probe', 'gain').stdout == (
        'Parameter name: gain\n  Type: double\n  Description: how strong\n  Constraints:\n'
        '    Min value: 0.0\n    Max value: 1.0\n'
    )
    assert (
        '/robot/probe:\n  ros__parameters:\n    camera:\n      names:\n      - left\n'
        '      - right\n    fixed: 3\n    gain: 0.5\n'
    ) in ros2('param', 'dump', '/robot/probe').stdout


def test_launched_nodes_get_names_namespaces_and_parameters(ros2, environment, tmp_path):
    (tmp_path / 'node.py').write_text(NODE)
    (tmp_path / 'given.yaml').write_text('/**:\n  ros__parameters:\n    gain: 0.25\n')
    path = tmp_path / 'test.launch.xml'
    path.write_text(
        f'<launch><executable output="screen" cmd="{sys.executable} {tmp_path}/node.py --ros-args '
        f'-r __node:=other -r __ns:=/launched --params-file {tmp_path}/given.yaml"/></launch>'
    )
    launch = Started({**environment, 'ROS_LOG_DIR': str(tmp_path)}, ('launch', str(path))).process
    assert launch.stdout is not None
    try:
        assert any('ready' in line for line in launch.stdout)
        assert ros2('param', 'get', '/launched/other', 'gain').stdout == 'Double value is: 0.25\n'
    finally:
        launch.send_signal(signal.SIGINT)
        rest, _ = launch.communicate(timeout=30.0)
    assert launch.returncode == 0
    assert 'process has finished cleanly' in rest
