"""A real viewer against the real server: topics, services and the node graph over real DDS."""

import logging

import pytest

pytest.importorskip('rclpy')

from devrobot_bringup.foxglove.sdk_log import UNKNOWN_CHANNEL
import rclpy
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image
from std_msgs.msg import String
from std_srvs.srv import SetBool, Trigger

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
BEST_EFFORT = QoSProfile(depth=5, reliability=ReliabilityPolicy.BEST_EFFORT)


@pytest.fixture
def deaf_robot(graph):
    """A node with a service that nobody spins: it never answers."""
    node = rclpy.create_node('deaf', namespace='/bot', context=graph.context)
    node.create_service(Trigger, 'hang', lambda request, response: response)
    yield node
    node.destroy_node()


def picture() -> Image:
    return Image(height=2, width=3, encoding='rgb8', step=9, data=bytes(range(18)))


def test_image_arrives_as_raw_cdr_with_its_schema(graph, serve, connect):
    robot = graph.node('robot')
    publisher = robot.create_publisher(Image, 'image', 5)
    viewer = connect(serve())
    viewer.subscribe('/bot/image')
    viewer.wait_for(publisher.get_subscription_count, 'the subscription')
    publisher.publish(picture())
    data = viewer.wait_for_message('/bot/image')
    assert deserialize_message(data, Image) == picture()
    channel = viewer.channels['/bot/image']
    assert (channel['encoding'], channel['schemaEncoding']) == ('cdr', 'ros2msg')
    assert channel['schemaName'] == 'sensor_msgs/msg/Image'
    assert 'MSG: std_msgs/Header' in channel['schema']
    assert viewer.subprotocol == 'foxglove.sdk.v1'


def test_topic_is_subscribed_only_while_somebody_looks(graph, serve, connect):
    robot = graph.node('robot')
    publisher = robot.create_publisher(Image, 'image', 5)
    server = serve()
    first, second = connect(server), connect(server)
    first.wait_for(lambda: '/bot/image' in first.channels, 'the channel')
    assert publisher.get_subscription_count() == 0
    robot.create_timer(0.02, lambda: publisher.publish(picture()))
    for viewer in (first, second):
        viewer.subscribe('/bot/image')
        viewer.wait_for_message('/bot/image')
    first.unsubscribe('/bot/image')
    second.wait_for_message('/bot/image', len(second.messages['/bot/image']) + 3)
    second.close()
    first.wait_for(lambda: publisher.get_subscription_count() == 0, 'the end of the subscription')


def test_latched_value_reaches_a_late_viewer(graph, serve, connect):
    robot = graph.node('robot')
    publisher = robot.create_publisher(String, 'state', LATCHED)
    publisher.publish(String(data='old'))
    publisher.publish(String(data='ready'))
    server = serve()
    for viewer in (connect(server), connect(server)):
        viewer.subscribe('/bot/state')
        data = viewer.wait_for_message('/bot/state')
        assert deserialize_message(data, String).data == 'ready'


def test_subscription_that_the_sdk_dropped_is_made_again(graph, serve, connect):
    robot = graph.node('robot')
    publisher = robot.create_publisher(String, 'state', 1)
    robot.create_timer(0.02, lambda: publisher.publish(String(data='tick')))
    viewer = connect(serve())
    channel = viewer.wait_for(lambda: viewer.channels.get('/bot/state'), 'the channel')['id']
    viewer.messages['/bot/state'] = []
    line = f'Client 127.0.0.1:1 attempted to subscribe to unknown channel: {channel}'
    logging.getLogger('foxglove.websocket.connected_client').error(line)
    viewer.wait_for_message('/bot/state')
    assert viewer.channels['/bot/state']['id'] != channel


def test_sdk_logs_a_dropped_subscription_in_the_words_that_are_looked_for(
    graph, serve, connect, caplog
):
    viewer = connect(serve())
    viewer.send('subscribe', subscriptions=[{'id': 1, 'channelId': 4711}])
    viewer.wait_for(lambda: viewer.statuses, 'the refusal')
    found = [UNKNOWN_CHANNEL.search(record.getMessage()) for record in caplog.records]
    assert [match.group(1) for match in found if match] == ['4711']


def test_many_topics_at_once_do_not_throw_a_viewer_out(graph, serve, connect):
    viewer = connect(serve())
    robot = graph.node('robot')
    for index in range(40):
        robot.create_publisher(String, f'state{index}', 1)
        robot.create_service(Trigger, f'act{index}', lambda request, response: response)
    viewer.wait_for(lambda: len(viewer.channels) >= 40, 'the channels')
    viewer.wait_for(lambda: len(viewer.services) >= 40, 'the services')


def test_best_effort_publisher_is_heard(graph, serve, connect):
    robot = graph.node('robot')
    publisher = robot.create_publisher(String, 'state', BEST_EFFORT)
    robot.create_timer(0.05, lambda: publisher.publish(String(data='tick')))
    viewer = connect(serve())
    viewer.subscribe('/bot/state')
    viewer.wait_for_message('/bot/state')


def test_publisher_with_weaker_promises_is_heard_when_it_joins(graph, serve, connect):
    robot = graph.node('robot')
    robot.create_publisher(String, 'state', LATCHED)
    viewer = connect(serve())
    viewer.subscribe('/bot/state')
    other = graph.node('other')
    publisher = other.create_publisher(String, 'state', BEST_EFFORT)
    other.create_timer(0.05, lambda: publisher.publish(String(data='tick')))
    viewer.wait_for_message('/bot/state')


def test_topic_and_service_go_away_with_their_node(graph, serve, connect):
    robot = graph.node('robot')
    robot.create_publisher(String, 'state', 1)
    robot.create_service(Trigger, 'stop', lambda request, response: response)
    viewer = connect(serve())
    viewer.wait_for(lambda: '/bot/state' in viewer.channels, 'the channel')
    viewer.wait_for(lambda: '/bot/stop' in viewer.services, 'the service')
    graph.remove(robot)
    viewer.wait_for(lambda: '/bot/state' not in viewer.channels, 'the end of the channel')
    viewer.wait_for(lambda: '/bot/stop' not in viewer.services, 'the end of the service')


def test_service_call_returns_the_response(graph, serve, connect):
    def set_flag(request, response):
        response.success = request.data
        response.message = 'done'
        return response

    graph.node('robot').create_service(SetBool, 'flag', set_flag)
    viewer = connect(serve())
    call = viewer.call('/bot/flag', serialize_message(SetBool.Request(data=True)))
    response = deserialize_message(viewer.wait_for_response(call), SetBool.Response)
    assert (response.success, response.message) == (True, 'done')
    info = viewer.services['/bot/flag']
    assert info['type'] == 'std_srvs/srv/SetBool'
    assert info['request']['schemaName'] == 'std_srvs/srv/SetBool_Request'
    assert info['response']['schemaName'] == 'std_srvs/srv/SetBool_Response'


def test_calls_overlap_and_each_gets_its_own_answer(graph, serve, connect):
    robot = graph.node('robot')
    robot.create_service(
        SetBool, 'flag', lambda q, r: SetBool.Response(success=q.data, message=str(q.data))
    )
    viewer = connect(serve())
    wanted = [index % 3 == 0 for index in range(12)]
    calls = [viewer.call('/bot/flag', serialize_message(SetBool.Request(data=w))) for w in wanted]
    answers = [deserialize_message(viewer.wait_for_response(c), SetBool.Response) for c in calls]
    assert [answer.success for answer in answers] == wanted


def test_silent_service_ends_in_a_time_out(graph, serve, connect, deaf_robot):
    viewer = connect(serve(service_timeout=0.3))
    call = viewer.call('/bot/hang', serialize_message(Trigger.Request()))
    assert '/bot/hang: no answer within 0.3 s' in viewer.wait_for_failure(call)


def test_silence_to_some_calls_does_not_block_later_ones(graph, serve, connect, deaf_robot):
    viewer = connect(serve(service_timeout=0.3))
    calls = [viewer.call('/bot/hang', serialize_message(Trigger.Request())) for _ in range(9)]
    for call in calls:
        assert 'no answer within' in viewer.wait_for_failure(call)


def test_call_under_way_is_answered_when_the_service_vanishes(graph, serve, connect, deaf_robot):
    viewer = connect(serve())
    call = viewer.call('/bot/hang', serialize_message(Trigger.Request()))
    viewer.wait_for(lambda: deaf_robot.count_clients('/bot/hang') == 1, 'the call')
    deaf_robot.destroy_node()
    assert '/bot/hang: the service is gone' in viewer.wait_for_failure(call)


def test_unreadable_request_is_refused(graph, serve, connect):
    graph.node('robot').create_service(SetBool, 'flag', lambda request, response: response)
    viewer = connect(serve())
    call = viewer.call('/bot/flag', b'\x00')
    assert '/bot/flag: the request cannot be read' in viewer.wait_for_failure(call)


def test_whitelists_hide_the_rest(graph, serve, connect):
    robot = graph.node('robot')
    robot.create_publisher(String, 'state', 1)
    robot.create_publisher(String, 'secret', 1)
    robot.create_service(Trigger, 'stop', lambda request, response: response)
    robot.create_service(Trigger, 'shutdown', lambda request, response: response)
    robot.declare_parameter('speed', 1.0)
    viewer = connect(
        serve(
            topic_whitelist=['/bot/state'],
            service_whitelist=['/bot/st.*'],
            param_whitelist=['/bot/robot[.]speed'],
        )
    )
    viewer.wait_for(lambda: viewer.channels and viewer.services, 'channels and services')

    def asked() -> bool:
        viewer.send('getParameters', parameterNames=[], id='all')
        return bool(viewer.parameters)

    viewer.wait_for(asked, 'parameters')
    assert list(viewer.channels) == ['/bot/state']
    assert list(viewer.services) == ['/bot/stop']
    assert viewer.parameters == {'/bot/robot.speed': 1.0}


def test_graph_panel_learns_who_talks_to_whom(graph, serve, connect):
    robot, eye = graph.node('robot'), graph.node('eye')
    robot.create_publisher(String, 'state', 1)
    robot.create_service(Trigger, 'stop', lambda request, response: response)
    eye.create_subscription(String, 'state', lambda message: None, 1)
    viewer = connect(serve())
    viewer.send('subscribeConnectionGraph')

    def seen(kind: str, ids: str) -> dict:
        return {e['name']: e[ids] for update in viewer.graph for e in update[kind]}

    viewer.wait_for(
        lambda: (
            seen('publishedTopics', 'publisherIds').get('/bot/state') == ['/bot/robot']
            and seen('subscribedTopics', 'subscriberIds').get('/bot/state') == ['/bot/eye']
            and seen('advertisedServices', 'providerIds').get('/bot/stop') == ['/bot/robot']
        ),
        'the connections',
    )
