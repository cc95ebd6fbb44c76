"""What viewers ask for, passed on from the threads of the web socket server."""

from collections.abc import Callable

from devrobot_bringup.foxglove.jobs import JobQueue
from devrobot_bringup.foxglove.parameters import ParameterBridge
from devrobot_bringup.foxglove.topics import TopicRegistry
import foxglove
from foxglove.websocket import ChannelView, Client, ServerListener


class ViewerListener(ServerListener):
    """
    Hands requests to the executor's thread; only parameters are answered on the spot.

    :param on_graph_subscribed: told whether anybody is subscribed to the graph, see ``OwnViewer``.
    """

    def __init__(
        self,
        jobs: JobQueue,
        topics: TopicRegistry,
        parameters: ParameterBridge,
        *,
        on_graph_subscribed: Callable[[bool], None],
    ) -> None:
        self._jobs = jobs
        self._topics = topics
        self._parameters = parameters
        self._on_graph_subscribed = on_graph_subscribed
        self._own_token: str | None = None

    def expect_own_viewer(self, token: str) -> None:
        """Answer requests with ``token`` by what the parameters are, without setting them."""
        self._own_token = token

    def on_subscribe(self, client: Client, channel: ChannelView) -> None:
        """Start to forward a topic."""
        viewer, number = client.id, channel.id
        self._jobs.post(lambda: self._topics.viewer_joined(number, viewer))

    def on_unsubscribe(self, client: Client, channel: ChannelView) -> None:
        """Stop to forward a topic when nobody looks any more."""
        viewer, number = client.id, channel.id
        self._jobs.post(lambda: self._topics.viewer_left(number, viewer))

    def on_get_parameters(
        self, client: Client, param_names: list[str], request_id: str | None = None
    ) -> list[foxglove.Parameter]:
        """Answer from the cache; viewers ask for everything every few seconds."""
        return self._parameters.read(param_names)

    def on_set_parameters(
        self,
        client: Client,
        parameters: list[foxglove.Parameter],
        request_id: str | None = None,
    ) -> list[foxglove.Parameter]:
        """Set parameters and return what they are now; the SDK tells the other viewers."""
        if request_id is not None and request_id == self._own_token:
            return self._parameters.read([parameter.name for parameter in parameters])
        return self._parameters.write(parameters)

    def on_connection_graph_subscribe(self) -> None:
        """Note that the graph can be published."""
        self._jobs.post(lambda: self._on_graph_subscribed(True))

    def on_connection_graph_unsubscribe(self) -> None:
        """Note that the graph must not be published."""
        self._jobs.post(lambda: self._on_graph_subscribed(False))
