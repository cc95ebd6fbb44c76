"""The driver over real topics and services."""

from devrobot_interfaces.msg import ActionSpace, SessionInfo
from devrobot_interfaces.srv import ExecuteAction
from devrobot_interfaces_py import conversions, qos, topics
from devrobot_interfaces_py.actions import Phase
from devrobot_interfaces_py.images import decode_compressed
from devrobot_robots.nodes.driver_node import DriverNode
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
import numpy as np
import pytest
from robots_graph import Observer, wait
from sensor_msgs.msg import CameraInfo, CompressedImage

STAY, MOVE = 0, 1


def state_of(driver: DriverNode) -> str:
    return driver._state_machine.current_state[1]


def change_state(graph, transition: int) -> bool:
    request = ChangeState.Request(transition=Transition(id=transition))
    return graph.call(ChangeState, 'driver/change_state', request).success


@pytest.fixture
def observed(graph):
    """Return a driver that waits for its learner before it becomes active, and the learner."""

    def start(**settings):
        observer = Observer(graph)
        driver = graph.driver(autostart=False, **settings)
        assert change_state(graph, Transition.TRANSITION_CONFIGURE)
        wait(lambda: observer.is_heard_by(driver), 'discovery')
        assert change_state(graph, Transition.TRANSITION_ACTIVATE)
        observer.wait_for_images(1)
        return driver, observer

    return start


def test_it_brings_itself_up(graph):
    driver = graph.driver()
    wait(lambda: state_of(driver) == 'active', 'the driver')


def test_without_autostart_it_waits_to_be_told(graph):
    driver = graph.driver(autostart=False)
    assert graph.probe.get_name() == 'probe'
    wait(lambda: driver._autostart_timer.is_canceled(), 'the timer')
    assert state_of(driver) == 'unconfigured'


def test_frames_tell_before_from_after_for_every_action(observed, graph):
    driver, observer = observed()
    assert driver is not None
    for sequence in range(1, 6):
        response = graph.execute(MOVE)
        assert response.result == ExecuteAction.Response.RESULT_ACCEPTED
        assert response.sequence == sequence
        observer.wait_for_images(sequence + 1)
        observer.wait_for(Phase.FINISHED, sequence)
    for sequence in range(1, 6):
        start = observer.wait_for(Phase.STARTED, sequence).stamp_ns
        end = observer.wait_for(Phase.FINISHED, sequence).stamp_ns
        before = max(stamp for stamp in observer.frame_stamps if stamp <= start)
        after = min(stamp for stamp in observer.frame_stamps if stamp >= end)
        assert observer.frame_stamps.index(before) == sequence - 1
        assert observer.frame_stamps.index(after) == sequence
        columns = [column_of(observer.images[i]) for i in (sequence - 1, sequence)]
        assert columns[1] == (columns[0] + 27) % 40


def column_of(message) -> int:
    """Return the dot's column: where the white column is tallest."""
    white = (conversions.image_from_msg(message) == 255).all(axis=2)
    return int(np.argmax(white.sum(axis=0)))


def test_the_three_phases_come_in_order_with_source_and_action(observed, graph):
    _, observer = observed()
    graph.execute(MOVE, 'me')
    observer.wait_for(Phase.FINISHED, 1)
    assert [event.phase for event in observer.events] == [
        Phase.ACCEPTED,
        Phase.STARTED,
        Phase.FINISHED,
    ]
    assert {(event.action, event.source) for event in observer.events} == {(MOVE, 'me')}


def test_an_unknown_action_is_refused(observed, graph):
    _, observer = observed()
    response = graph.execute(9)
    assert response.result == ExecuteAction.Response.RESULT_UNKNOWN_ACTION
    assert 'action 9 is not in the action space of bot: 0 (stay), 1 (move)' in response.message
    assert observer.events == []


def test_it_is_busy_while_an_action_runs_and_a_stop_aborts_it(observed, graph):
    _, observer = observed(robot__action_delay=60.0, max_action_duration=100.0)
    graph.execute(MOVE)
    observer.wait_for(Phase.STARTED, 1)
    assert graph.execute(MOVE).result == ExecuteAction.Response.RESULT_BUSY
    response = graph.trigger(topics.DRIVER_STOP)
    assert (response.success, response.message) == (True, 'motors stopped; action 1 is aborted')
    assert observer.wait_for(Phase.ABORTED, 1).message == 'stopped by request'
    observer.wait_for_images(2)
    assert graph.execute(STAY).result == ExecuteAction.Response.RESULT_ACCEPTED


def test_an_action_that_takes_too_long_is_aborted(observed, graph):
    _, observer = observed(robot__action_delay=60.0, max_action_duration=0.05)
    graph.execute(MOVE)
    assert observer.wait_for(Phase.ABORTED, 1).message == 'took longer than 0.05 s'


def test_a_reset_is_an_event_of_its_own_and_a_frame(observed, graph):
    _, observer = observed(robot__initial_x=-1)
    graph.execute(MOVE)
    observer.wait_for_images(2)
    assert graph.trigger(topics.DRIVER_RESET).success
    reset = observer.wait_for(Phase.RESET, 2)
    observer.wait_for_images(3)
    assert reset.stamp_ns < observer.frame_stamps[2]
    assert graph.execute(MOVE).sequence == 3


def test_a_reset_aborts_a_running_action(observed, graph):
    _, observer = observed(robot__action_delay=60.0, max_action_duration=100.0)
    graph.execute(MOVE)
    observer.wait_for(Phase.STARTED, 1)
    assert graph.trigger(topics.DRIVER_RESET).success
    assert observer.wait_for(Phase.ABORTED, 1).message == 'reset'
    observer.wait_for(Phase.RESET, 2)


def test_deactivating_aborts_and_refuses_and_cleanup_withdraws(observed, graph):
    driver, observer = observed(robot__action_delay=60.0, max_action_duration=100.0)
    graph.execute(MOVE)
    observer.wait_for(Phase.STARTED, 1)
    assert change_state(graph, Transition.TRANSITION_DEACTIVATE)
    assert observer.wait_for(Phase.ABORTED, 1).message == 'deactivated'
    assert graph.execute(MOVE).result == ExecuteAction.Response.RESULT_INACTIVE
    assert change_state(graph, Transition.TRANSITION_CLEANUP)
    assert not [p for p in driver.publishers if p.topic_name.startswith('/bot/image')]
    assert change_state(graph, Transition.TRANSITION_CONFIGURE)
    assert change_state(graph, Transition.TRANSITION_ACTIVATE)


def test_frames_come_while_idle(observed):
    _, observer = observed(frame_rate=100.0)
    observer.wait_for_images(4)
    assert observer.events == []


def test_what_it_is_and_can_is_latched(graph):
    driver = graph.driver(robot__step=13, session_id='monday', selector='alternate')
    wait(lambda: state_of(driver) == 'active', 'the driver')
    spaces = graph.subscribe(ActionSpace, topics.ACTION_SPACE, qos.LATCHED)
    sessions = graph.subscribe(SessionInfo, topics.SESSION_INFO, qos.LATCHED)
    wait(lambda: spaces and sessions, 'latched messages')
    space = conversions.action_space_from_msg(spaces[0])
    assert (space.robot_name, space.robot_type) == ('bot', 'toroidal_dot')
    assert space.actions[1].parameter('step_px') == 13.0
    session = conversions.session_info_from_msg(sessions[0])
    assert (session.session_id, session.selector) == ('monday', 'alternate')
    assert session.image_topics == ('/bot/image_raw',)
    assert session.action_space_digest == space.digest
    assert dict(session.parameters)['step'] == '13'


def test_camera_info_and_jpeg_share_stamp_and_frame_with_the_image(graph):
    observer = Observer(graph)
    infos = graph.subscribe(CameraInfo, topics.CAMERA_INFO, qos.IMAGES)
    jpegs = graph.subscribe(
        CompressedImage, topics.IMAGE_RAW + topics.COMPRESSED_SUFFIX, qos.IMAGES
    )
    graph.driver(frame_rate=50.0)

    def same() -> list[tuple]:
        found = {i.header.stamp.nanosec: (i,) for i in observer.images}
        for messages in (infos, jpegs):
            for message in messages:
                key = message.header.stamp.nanosec
                found[key] = (*found.get(key, ()), message)
        return [group for group in found.values() if len(group) == 3]

    image, info, jpeg = wait(same, 'three messages of one stamp')[0]
    frame_ids = {message.header.frame_id for message in (image, info, jpeg)}
    assert frame_ids == {'camera_optical_frame'}
    assert (image.width, image.height, image.encoding) == (40, 24, 'rgb8')
    assert (info.width, info.height) == (40, 24)
    assert not info.k.any()
    assert jpeg.format == 'rgb8; jpeg compressed bgr8'
    decoded = decode_compressed(jpeg.data.tobytes(), jpeg.format).astype(int)
    assert np.abs(decoded - conversions.image_from_msg(image)).mean() < 8


def test_diagnostics_tell_of_execution_and_camera(graph):
    arrays = graph.subscribe(DiagnosticArray, topics.DIAGNOSTICS, 10)
    graph.driver()
    array = wait(lambda: arrays, 'diagnostics')[0]
    assert [s.name for s in array.status] == ['/bot/driver: execution', '/bot/driver: camera']
    assert {s.level for s in array.status} == {DiagnosticStatus.OK}
    assert {s.hardware_id for s in array.status} == {'bot'}


def test_image_qos_can_be_overridden(graph):
    driver = graph.driver(**{'qos_overrides./bot/image_raw.publisher.reliability': 'best_effort'})
    wait(lambda: state_of(driver) == 'active', 'the driver')
    infos = graph.probe.get_publishers_info_by_topic('/bot/image_raw')
    assert [info.qos_profile.reliability.name for info in infos] == ['BEST_EFFORT']
    others = graph.probe.get_publishers_info_by_topic('/bot/image_raw/compressed')
    assert [info.qos_profile.reliability.name for info in others] == ['RELIABLE']
    assert qos.IMAGES.reliability.name == 'RELIABLE'


@pytest.mark.parametrize(
    ('settings', 'text'),
    [
        ({'frame_rate': -1.0}, 'parameter frame_rate is -1.0, must be between 0.0 and 240.0'),
        ({'robot__radius': 2000}, 'parameter robot.radius is 2000, must be between 0 and 1024'),
        ({'robot__initial_x': 40}, 'initial_x 40 is outside the world: use 0 to 39'),
        ({'robot__widht': 3}, 'parameter robot.widht is unknown; known are: robot.width'),
        ({'robot': 'jetbott'}, "robot 'jetbott' is unknown"),
    ],
)
def test_what_cannot_be_configured_is_one_line_and_exit_code_1(graph, capfd, settings, text):
    driver = graph.driver(**settings)
    wait(lambda: driver._end.exit_code, 'the end')
    assert driver._end.exit_code == 1
    assert state_of(driver) == 'unconfigured'
    lines = capfd.readouterr().err.splitlines()
    assert len([line for line in lines if f'cannot configure: {text}' in line]) == 1
    assert not [line for line in lines if 'Traceback' in line]


def test_a_failure_can_leave_the_process_running(graph):
    driver = graph.driver(robot='jetbott', exit_on_failure=False)
    wait(lambda: driver._autostart_timer.is_canceled(), 'the timer')
    assert not change_state(graph, Transition.TRANSITION_CONFIGURE)
    assert driver._end.exit_code == 0


def test_a_second_driver_of_the_same_name_refuses(graph, more_graphs, capfd):
    first = graph.driver()
    wait(lambda: state_of(first) == 'active', 'the first driver')
    second = more_graphs().driver(discovery_time=10.0)
    wait(lambda: second._end.exit_code, 'the end of the second')
    assert 'another driver /bot/driver is at work' in capfd.readouterr().err
    assert (state_of(first), state_of(second)) == ('active', 'unconfigured')


def test_a_driver_that_finds_an_older_one_late_gives_way(graph, more_graphs):
    first = graph.driver()
    wait(lambda: state_of(first) == 'active', 'the first driver')
    second = more_graphs().driver(discovery_time=0.0, exit_on_failure=False)
    wait(lambda: state_of(second) == 'active' or second._interface is None, 'the second driver')
    wait(lambda: state_of(second) == 'unconfigured', 'the second driver to give way')
    assert state_of(first) == 'active'


def test_a_new_driver_is_welcome_once_the_old_one_is_gone(graph, more_graphs):
    first = graph.driver()
    wait(lambda: state_of(first) == 'active', 'the first driver')
    graph.remove(first)
    second = more_graphs().driver(discovery_time=0.2)
    wait(lambda: state_of(second) == 'active', 'the second driver')
