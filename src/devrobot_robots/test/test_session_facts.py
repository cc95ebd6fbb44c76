"""What a driver tells about its session."""

from datetime import datetime, UTC

from devrobot_robots.driver_config import DriverConfig
from devrobot_robots.session import make_session_info
from devrobot_robots.toroidal_dot.config import ToroidalDotConfig
from robots_fakes import ACTIONS

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def info(**settings):
    return make_session_info(
        DriverConfig(**settings),
        action_space=ACTIONS,
        robot_config=ToroidalDotConfig(step=13),
        image_topics=('/a/image_raw',),
        now=NOW,
    )


def test_the_id_is_name_and_time_unless_given():
    assert info().session_id == 'fake_20260102_030405'
    assert info(session_id='monday').session_id == 'monday'


def test_it_carries_the_settings_of_the_robot_and_the_digest():
    facts = info(selector='alternate')
    assert dict(facts.parameters)['step'] == '13'
    assert facts.action_space_digest == ACTIONS.digest
    assert (facts.selector, facts.image_topics) == ('alternate', ('/a/image_raw',))
    assert facts.software_version
