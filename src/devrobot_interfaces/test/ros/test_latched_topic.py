"""Rules of QoS, on real topics."""

import time

from devrobot_interfaces.msg import ActionSpace
from devrobot_interfaces_py import qos, topics
import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import qos_check_compatible, QoSCompatibility


@pytest.fixture
def executor(context):
    own = SingleThreadedExecutor(context=context)
    yield own
    own.shutdown()


def test_late_subscriber_gets_the_latched_message(context, executor):
    node = rclpy.create_node('latch', context=context, namespace='robot')
    executor.add_node(node)
    publisher = node.create_publisher(ActionSpace, topics.ACTION_SPACE, qos.LATCHED)
    publisher.publish(ActionSpace(robot_name='old'))
    publisher.publish(ActionSpace(robot_name='new'))
    seen = []
    node.create_subscription(ActionSpace, topics.ACTION_SPACE, seen.append, qos.LATCHED)
    deadline = time.monotonic() + 20
    while not seen and time.monotonic() < deadline:
        executor.spin_once(timeout_sec=0.1)
    node.destroy_node()
    assert [message.robot_name for message in seen] == ['new']


@pytest.mark.parametrize(
    'name', ['IMAGES', 'EVENTS', 'LATCHED', 'RESULTS', 'PREDICTED_IMAGES', 'VIEWS', 'DIAGNOSTICS']
)
def test_every_profile_fits_itself(name):
    profile = getattr(qos, name)
    assert qos_check_compatible(profile, profile)[0] == QoSCompatibility.OK
