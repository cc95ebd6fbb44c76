"""Rules of the command line: the topics of a session, and flags that every ros2 knows."""

from dataclasses import replace
from pathlib import Path

from devrobot_interfaces_py.actions import SessionInfo
from devrobot_robots.recording.command import (
    choose_topics,
    CommandError,
    find_ros2,
    record_command,
)
from devrobot_robots.recording.config import RecorderConfig
import pytest

SESSION = SessionInfo(
    session_id='arm_1',
    robot_name='arm',
    robot_type='so101',
    action_space_digest='0' * 16,
    image_topics=('/arm/base/image_raw', '/arm/wrist/image_raw'),
)
FACTS = ('/arm/action_space', '/arm/action_events', '/arm/session_info')
INFOS = ('/arm/base/camera_info', '/arm/wrist/camera_info')


def topics(images: str = 'raw', extra: tuple[str, ...] = ()):
    return choose_topics(SESSION, namespace='/arm', images=images, extra_topics=extra)


def test_raw_cameras_events_and_facts_are_recorded():
    assert topics().needed == (*SESSION.image_topics, *FACTS)
    assert topics().other == INFOS


def test_compressed_cameras_are_recorded_instead_or_as_well():
    compressed = tuple(f'{topic}/compressed' for topic in SESSION.image_topics)
    assert topics('compressed').needed == (*compressed, *FACTS)
    assert set(topics('both').needed) == {*SESSION.image_topics, *compressed, *FACTS}


def test_further_topics_are_recorded_once():
    assert topics(extra=('/tf', '/arm/action_space')).all == (
        *SESSION.image_topics,
        *FACTS,
        *INFOS,
        '/tf',
    )


def test_a_robot_without_a_namespace_is_recorded():
    session = replace(SESSION, image_topics=('/image_raw',))
    chosen = choose_topics(session, namespace='/', images='raw', extra_topics=())
    assert chosen.all == (
        '/image_raw',
        '/action_space',
        '/action_events',
        '/session_info',
        '/camera_info',
    )


def test_a_session_without_cameras_is_refused():
    with pytest.raises(ValueError, match='session_info of arm names no image topics'):
        choose_topics(
            replace(SESSION, image_topics=()), namespace='/arm', images='raw', extra_topics=()
        )


def command(**settings) -> list[str]:
    config = RecorderConfig(**settings)
    return record_command('ros2', Path('s/arm_1'), topics(), config, node_name='bag_arm')


def test_the_command_is_the_one_of_the_documentation():
    assert command() == [
        'ros2', 'bag', 'record',
        '--output', 's/arm_1',
        '--storage', 'mcap',
        '--storage-preset-profile', 'zstd_fast',
        '--node-name', 'bag_arm',
        '--custom-data', 'session_id=arm_1',
        '--topics', *SESSION.image_topics, *FACTS, *INFOS,
    ]  # fmt: skip


def test_a_preset_of_mcap_is_not_given_to_sqlite3():
    assert '--storage-preset-profile' not in command(storage='sqlite3')


def test_simulation_time_is_handed_on():
    config = RecorderConfig()
    argv = record_command('ros2', Path('x'), topics(), config, node_name='n', use_sim_time=True)
    assert argv[argv.index('--topics') - 1] == '--use-sim-time'


def test_without_ros2_the_way_out_is_named(monkeypatch):
    monkeypatch.setenv('PATH', '/nowhere')
    with pytest.raises(CommandError, match='no ros2 command: source ROS 2, or use ./devrobot'):
        find_ros2()
