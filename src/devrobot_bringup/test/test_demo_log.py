"""When the nodes of the demo end, the line with the reason is shown."""

from devrobot_bringup.demo.processes import tail_of

REASON = '[driver-1] [ERROR] [17.2] [toroidal_dot.driver]: another driver is at work'
LOG = [
    '[INFO] [driver-1]: process started with pid [1]',
    '[driver-1] [INFO] [17.1] [toroidal_dot.driver]: configured',
    REASON,
    '[ERROR] [driver-1]: process has died [pid 1, exit code 1]',
    *(f'[world_model-3]   line {number} of its last words' for number in range(20)),
]


def test_an_error_of_a_node_comes_before_the_last_lines():
    shown = tail_of('\n'.join(LOG), 4).splitlines()
    assert shown == [REASON, *LOG[-4:]]


def test_an_error_among_the_last_lines_is_shown_once():
    assert tail_of('\n'.join(LOG[:4]), 4).splitlines() == LOG[:4]
    assert tail_of('', 4) == ''
