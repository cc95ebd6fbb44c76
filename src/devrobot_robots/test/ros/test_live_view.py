"""The live view shows what a driver publishes."""

from urllib.request import urlopen

from devrobot_robots.nodes import live_view_node
from devrobot_robots.nodes.live_view_node import LiveViewNode
import pytest
from rclpy.parameter import Parameter
from robots_graph import NAMESPACE, wait


def view(graph, **settings):
    parameters = [Parameter(name, value=value) for name, value in settings.items()]
    return graph.add(
        LiveViewNode(namespace=NAMESPACE, context=graph.context, parameter_overrides=parameters)
    )


@pytest.mark.parametrize('compressed', [False, True])
def test_the_terminal_shows_pictures_and_what_they_are(graph, capsys, compressed):
    view(graph, compressed=compressed, columns=20)
    graph.driver(frame_rate=20.0)
    told = ''

    def shown() -> bool:
        nonlocal told
        told += capsys.readouterr().out
        return '40x24  picture 2' in told

    wait(shown, 'two pictures')
    assert '\x1b[38;2;' in told
    assert '/bot/image_raw' in told


@pytest.mark.parametrize('compressed', [False, True])
def test_the_browser_is_opened_on_a_page_with_pictures(graph, monkeypatch, compressed):
    opened = []
    monkeypatch.setattr(live_view_node.webbrowser, 'open', opened.append)
    view(graph, show='browser', compressed=compressed)
    graph.driver(frame_rate=20.0)
    (address,) = opened
    with urlopen(f'{address}stream', timeout=10) as stream:
        assert b'\xff\xd8' in stream.read(300)
