"""The driver node with a simulated JetBot behind real RPyC."""

from devrobot_interfaces.msg import ActionEvent as ActionEventMsg
from devrobot_interfaces_py import conversions, qos, topics
from devrobot_interfaces_py.actions import Phase
from devrobot_interfaces_py.images import decode_compressed
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import Twist
from jetbot_worlds import FAR, LONG, make_bench
import numpy as np
import pytest
from robots_graph import Observer, wait
from sensor_msgs.msg import CompressedImage


@pytest.fixture
def bench(tmp_path):
    with make_bench(tmp_path) as bench:
        yield bench


@pytest.fixture
def server(bench):
    return bench.server()


@pytest.fixture
def driven(graph):
    """Start a driver without the settings of the dot; return what a learner sees."""

    def start(port, **settings):
        observer = Observer(graph)
        values = {
            'robot': 'jetbot',
            'discovery_time': 0.0,
            'frame_rate': 10.0,
            'robot__host': '127.0.0.1',
            'robot__port': port,
            'robot__retry_first': 0.05,
            'robot__max_motion_error': 10.0,  # on a loaded machine, too
            **settings,
        }
        node = graph.start_driver(values)
        observer.wait_for_images(1)
        return node, observer

    return start


def test_actions_run_and_pictures_are_passed_on_as_they_came(graph, server, driven):
    compressed = graph.subscribe(CompressedImage, 'image_raw/compressed', qos.IMAGES)
    _, observer = driven(server.port)
    graph.execute(1)
    sequence = observer.wait_for_start()
    observer.wait_for(Phase.FINISHED, sequence)
    assert server.state.now().heading > 0.1
    wait(lambda: compressed, 'a compressed image')
    stamp = conversions.stamp_to_ns(compressed[-1].header.stamp)
    wait(lambda: stamp in observer.frame_stamps, 'the raw one')
    raw = observer.images[observer.frame_stamps.index(stamp)]
    pixels = decode_compressed(bytes(compressed[-1].data), compressed[-1].format)
    # Decoding what is published gives what is published raw: it was not encoded again.
    np.testing.assert_array_equal(pixels, conversions.image_from_msg(raw))


def watch_connection(graph):
    """Return a function: is the connection at this level in the diagnostics now?"""
    arrays = graph.subscribe(DiagnosticArray, topics.DIAGNOSTICS, 10)

    def at(level) -> bool:
        status = arrays[-1].status if arrays else []
        return any(s.name == '/bot/driver: connection' and s.level == level for s in status)

    return at


@pytest.mark.parametrize('fault', ['the server is killed', 'the network is cut'])
def test_a_robot_that_is_lost_and_found_shows_in_diagnostics_and_actions(
    graph, bench, server, driven, fault
):
    connection = watch_connection(graph)
    cable = bench.cable(server.port)
    _, observer = driven(cable.port, robot__actions=LONG, robot__call_timeout=0.5)
    wait(lambda: connection(DiagnosticStatus.OK), 'a connection')
    sequence = graph.execute(FAR).sequence
    wait(server.turns, 'motion')
    if fault == 'the server is killed':
        server.process.kill()
        server.process.wait()
    else:
        cable.is_cut = True
    wait(lambda: not server.turns(), 'the motors to stop')
    observer.wait_for(Phase.ABORTED, sequence)
    wait(lambda: connection(DiagnosticStatus.ERROR), 'the loss')
    sequence = graph.execute(1).sequence
    assert 'no connection to 127.0.0.1' in observer.wait_for(Phase.ABORTED, sequence).message
    if fault == 'the server is killed':
        server.start()
    else:
        cable.is_cut = False
    wait(lambda: connection(DiagnosticStatus.OK), 'the return')
    sequence = graph.execute(1).sequence
    observer.wait_for(Phase.FINISHED, sequence)
    frames = len(observer.images)
    wait(lambda: len(observer.images) > frames, 'pictures')


def test_a_server_without_a_dead_man_timer_is_a_warning_in_diagnostics(graph, bench, driven):
    connection = watch_connection(graph)
    driven(bench.legacy()[0])
    wait(lambda: connection(DiagnosticStatus.WARN), 'the warning')


def test_it_follows_cmd_vel_only_where_that_is_allowed(graph, server, driven):
    driven(server.port, cmd_vel=True, robot__top_speed=0.5)
    events = graph.subscribe(ActionEventMsg, topics.ACTION_EVENTS, qos.EVENTS)
    publisher = graph.probe.create_publisher(Twist, topics.CMD_VEL, qos.COMMANDS)
    twist = Twist()
    twist.linear.x = 0.05

    def moves() -> bool:
        publisher.publish(twist)
        return server.turns()

    wait(moves, 'motion')
    pose = server.state.read()[0]
    assert pose.left == pose.right == pytest.approx(0.1)
    wait(lambda: not server.turns(), 'the end')
    wait(lambda: [e for e in events if e.phase == ActionEventMsg.PHASE_RESET], 'a reset')


def test_cmd_vel_is_refused_while_an_action_runs(graph, server, driven, capfd):
    driven(server.port, cmd_vel=True, robot__actions=LONG)
    publisher = graph.probe.create_publisher(Twist, topics.CMD_VEL, qos.COMMANDS)
    graph.execute(FAR)
    wait(server.turns, 'motion')
    told = ''

    def refused() -> bool:
        nonlocal told
        publisher.publish(Twist())
        told += capfd.readouterr().err
        return f'cmd_vel is refused: action {FAR} is not over' in told

    wait(refused, 'the refusal')
    assert server.turns()
    assert graph.trigger(topics.DRIVER_STOP).success
    wait(lambda: not server.turns(), 'the end')


def test_without_the_parameter_there_is_no_cmd_vel(graph, server, driven):
    driven(server.port)
    assert graph.probe.count_subscribers('/bot/cmd_vel') == 0


def test_nobody_there_is_one_line_and_exit_code_1(graph, capfd):
    node = graph.start_driver({'robot': 'jetbot', 'robot__host': '127.0.0.1', 'robot__port': 1})
    wait(lambda: node._end.exit_code, 'the end')
    lines = capfd.readouterr().err.splitlines()
    told = [line for line in lines if 'cannot configure: cannot connect to 127.0.0.1:1' in line]
    assert len(told) == 1 and len(lines) == 1
