"""Rules of messages: there and back is the same; real (de)serialisation in between."""

from devrobot_interfaces.msg import ActionEvent as ActionEventMsg
from devrobot_interfaces.msg import ActionSpace as ActionSpaceMsg
from devrobot_interfaces_py import conversions
from devrobot_interfaces_py.actions import (
    ActionDefinition,
    ActionEvent,
    ActionSpace,
    default_separator_color,
    Phase,
    SessionInfo,
)
from devrobot_interfaces_py.images import ImageError
import numpy as np
import pytest
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image as ImageMsg

STAMP_NS = 1_733_000_000_123_456_789


def over_the_wire(message):
    return deserialize_message(serialize_message(message), type(message))


def action_space():
    actions = tuple(
        ActionDefinition(
            label=f'action{index}',
            duration_s=duration_s,
            separator_color=color,
            parameters=(('step_px', 27.0), ('speed', 0.1)),
        )
        for index, (duration_s, color) in enumerate(
            [(0.0, default_separator_color(0)), (0.1, (204, 51, 0)), (1 / 3, (1, 127, 254))]
        )
    )
    return ActionSpace(robot_name='bob', robot_type='dot', actions=actions)


def test_action_space_keeps_its_digest_over_the_wire():
    space = action_space()
    message = over_the_wire(conversions.action_space_to_msg(space, STAMP_NS))
    result = conversions.action_space_from_msg(message)
    assert result.digest == space.digest == message.digest
    assert [a.separator_color for a in result.actions] == [
        a.separator_color for a in space.actions
    ]
    assert result.actions[1] == space.actions[1]
    assert conversions.stamp_to_ns(message.header.stamp) == STAMP_NS


def test_every_color_survives():
    for value in range(256):
        action = ActionDefinition(label='a', separator_color=(value, 255 - value, 0))
        space = ActionSpace(robot_name='b', robot_type='c', actions=(action,))
        message = over_the_wire(conversions.action_space_to_msg(space))
        assert conversions.action_space_from_msg(message) == space


def test_action_space_with_a_foreign_digest_is_refused():
    message = conversions.action_space_to_msg(action_space())
    message.actions[1].label = 'changed'
    with pytest.raises(ValueError, match='says digest'):
        conversions.action_space_from_msg(message)


def test_empty_action_space_message_is_refused():
    with pytest.raises(ValueError, match='is empty'):
        conversions.action_space_from_msg(ActionSpaceMsg(robot_name='bob'))


@pytest.mark.parametrize('phase', list(Phase))
def test_action_event_survives(phase):
    event = ActionEvent(
        stamp_ns=STAMP_NS, sequence=2**40, phase=phase, action=3, source='s', message='m'
    )
    message = over_the_wire(conversions.action_event_to_msg(event))
    assert conversions.action_event_from_msg(message) == event
    assert message.phase == getattr(ActionEventMsg, f'PHASE_{phase.name}')


def test_unknown_phase_is_refused():
    with pytest.raises(ValueError, match='9 is not a valid Phase'):
        conversions.action_event_from_msg(ActionEventMsg(phase=9))


def test_session_info_survives():
    info = SessionInfo(
        session_id='s1',
        robot_name='bob',
        robot_type='dot',
        action_space_digest='abc',
        image_topics=('front/image_raw', 'wrist/image_raw'),
        selector='alternate',
        software_version='0.1.0',
        parameters=(('width', '64'), ('height', '48')),
    )
    message = over_the_wire(conversions.session_info_to_msg(info, STAMP_NS))
    assert conversions.session_info_from_msg(message) == info


def test_image_survives_also_when_it_is_a_view():
    wide = np.random.default_rng(0).integers(0, 256, (4, 12, 3), np.uint8)
    image = wide[:, ::2]
    message = over_the_wire(conversions.image_to_msg(image, STAMP_NS, 'camera'))
    assert (message.height, message.width, message.step) == (4, 6, 18)
    assert (message.encoding, message.header.frame_id) == ('rgb8', 'camera')
    assert np.array_equal(conversions.image_from_msg(message), image)


def test_image_from_msg_does_not_copy():
    message = conversions.image_to_msg(np.zeros((4, 6, 3), np.uint8), STAMP_NS)
    view = conversions.image_from_msg(message)
    message.data[0] = 7
    assert view[0, 0, 0] == 7


def test_wrong_images_are_refused():
    with pytest.raises(ImageError, match='float32'):
        conversions.image_to_msg(np.zeros((4, 6, 3), np.float32), STAMP_NS)
    with pytest.raises(ImageError, match='32FC1'):
        conversions.image_from_msg(ImageMsg(height=1, width=1, step=4, encoding='32FC1'))


def test_compressed_image_survives():
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), np.uint8)
    message = over_the_wire(conversions.compressed_to_msg(image, STAMP_NS, format='png'))
    assert np.array_equal(conversions.compressed_from_msg(message), image)
    assert conversions.compressed_to_msg(image, STAMP_NS).format == 'jpeg'
    with pytest.raises(ImageError, match='gif'):
        conversions.compressed_to_msg(image, STAMP_NS, format='gif')


@pytest.mark.parametrize('stamp_ns', [0, 1, 999_999_999, 1_000_000_000, STAMP_NS])
def test_stamps_survive(stamp_ns):
    assert conversions.stamp_to_ns(conversions.ns_to_stamp(stamp_ns)) == stamp_ns


def test_durations_survive():
    for duration_s in (0.0, 0.1, 2.5, 86400.25):
        assert conversions.duration_to_s(conversions.duration_to_msg(duration_s)) == duration_s
