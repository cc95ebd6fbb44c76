"""The selector keeps a real driver busy, and gets over its restart."""

from devrobot_interfaces_py.actions import Phase
from devrobot_interfaces_py.topics import SELECTOR_SET_RUNNING
from devrobot_robots.nodes.selector_node import SelectorNode
from devrobot_robots.selectors.pacing import State
from devrobot_robots.toroidal_dot.robot import toroidal_dot_actions
import pytest
from recorded_worlds import write_bag
from robots_graph import Observer, wait
from std_srvs.srv import SetBool


def actions_of(observer: Observer) -> list[int]:
    return [event.action for event in observer.events if event.phase is Phase.FINISHED]


@pytest.fixture
def running(graph):
    """Return an observer of a driver and a selector that are at work."""

    def start(**settings):
        observer = Observer(graph)
        driver = graph.driver()
        wait(lambda: observer.is_heard_by(driver), 'discovery')
        return graph.selector(**settings), observer

    return start


def test_it_chooses_one_action_after_the_other(running):
    _, observer = running(selector='double_move')
    actions = wait(lambda: actions_of(observer)[:9][8:] and actions_of(observer), '9 actions')
    assert actions[:9] == [1, 1, 0, 1, 1, 0, 1, 1, 0]
    sequences = [e.sequence for e in observer.events if e.phase is Phase.ACCEPTED]
    assert sequences[:9] == list(range(1, 10))
    assert {event.source for event in observer.events} == {'selector:double_move'}


def test_every_action_gets_its_frame(running):
    _, observer = running(selector='always_move', period=0.02)
    wait(lambda: len(actions_of(observer)) >= 10, '10 actions')
    ends = [event.stamp_ns for event in observer.events if event.phase is Phase.FINISHED]
    starts = [event.stamp_ns for event in observer.events if event.phase is Phase.STARTED]
    observer.wait_for_images(11)
    for end, start in zip(ends[:9], starts[1:10], strict=True):
        assert [stamp for stamp in observer.frame_stamps if end <= stamp <= start]


def test_it_can_be_paused_and_resumed(running, graph):
    selector, observer = running(selector='always_move', autostart=False)
    wait(lambda: selector._execute.service_is_ready(), 'the service')
    assert actions_of(observer) == []
    for running_now in (True, False, True):
        response = graph.call(SetBool, SELECTOR_SET_RUNNING, SetBool.Request(data=running_now))
        assert response.success
        count = selector.completed
        if running_now:
            wait(lambda count=count: selector.completed > count + 2, 'actions')
    assert selector.completed > 4


def test_it_resets_the_robot_every_so_many_actions(running):
    _, observer = running(selector='always_move', reset_every=3)

    def resets() -> list[int]:
        return [event.sequence for event in observer.events if event.phase is Phase.RESET]

    wait(lambda: len(resets()) >= 2, 'two resets')
    assert resets()[:2] == [4, 8]


def test_it_goes_on_with_a_restarted_driver(graph):
    first = graph.driver()
    selector = graph.selector(selector='always_move')
    wait(lambda: selector.completed >= 3, 'actions')
    graph.remove(first)
    count = selector.completed
    graph.driver()
    wait(lambda: selector.completed >= count + 3, 'actions with the new driver')


def test_another_client_does_not_bring_it_out_of_step(running, graph):
    selector, observer = running(selector='alternate')
    for _ in range(5):
        graph.execute(0, 'intruder')
    wait(lambda: selector.completed >= 20, 'actions')
    own = [
        event.action
        for event in observer.events
        if event.source == 'selector:alternate' and event.phase is Phase.ACCEPTED
    ]
    assert own[:20] == [0, 1] * 10


def test_it_says_what_it_waits_for_and_gives_up(graph, capfd):
    selector = graph.selector(driver_timeout=0.2)
    wait(lambda: selector._end.exit_code, 'the end')
    assert selector._end.exit_code == 1
    text = capfd.readouterr().err
    assert 'missing is service /bot/execute_action and topic /bot/action_space' in text


def test_an_action_that_the_robot_does_not_have_ends_it_with_one_line(graph, capfd):
    graph.driver()
    selector = graph.selector(selector='constant', action=5)
    wait(lambda: selector._end.exit_code, 'the end')
    error = capfd.readouterr().err
    assert 'selector constant: action 5 is not in the action space of bot' in error


@pytest.mark.parametrize('hears', [True, False])
def test_recorded_actions_are_repeated_once_and_then_it_rests(
    running, graph, tmp_path, capfd, monkeypatch, hears
):
    """Also when the events of the driver are not connected yet, as on a busy computer."""
    if not hears:
        monkeypatch.setattr(SelectorNode, '_on_event', lambda self, message: None)
    space = toroidal_dot_actions(27, robot_name='recorded')
    bag = write_bag(tmp_path / 'session', [1, 1, 0, 1], space=space)
    selector, observer = running(selector='recorded', bag=str(bag))
    wait(lambda: selector._pacer and selector._pacer.state is State.ENDED, 'the end')
    wait(lambda: len(actions_of(observer)) == 4, '4 actions')
    assert actions_of(observer) == [1, 1, 0, 1]
    assert not selector._end.asked
    # Answered after what it is doing now. Read once: what is written meanwhile would be lost.
    graph.call(SetBool, SELECTOR_SET_RUNNING, SetBool.Request(data=False))
    assert 'recorded is at its end after 4 actions' in capfd.readouterr().err


def test_recorded_actions_of_another_robot_end_it_with_one_line(graph, tmp_path, capfd):
    graph.driver()
    bag = write_bag(tmp_path / 'session', [1])
    selector = graph.selector(selector='recorded', bag=str(bag))
    wait(lambda: selector._end.exit_code, 'the end')
    error = capfd.readouterr().err
    assert 'set any_action_space to repeat them' in error
    assert 'Traceback' not in error
