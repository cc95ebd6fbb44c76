"""What viewers ask for, passed on from the threads of the web socket server."""

from collections.abc import Callable

from devrobot_bringup.foxglove.jobs import JobQueue
from devrobot_bringup.foxglove.parameters import ParameterBridge
from devrobot_bringup.foxglove.topics import TopicRegistry
import foxglove
from foxglove.websocket import ChannelView, Client, ServerListener


class ViewerListener(ServerListener):
    """Hands requests to the executor's thread; only parameters are answered on the spot."""

    def __init__(
        self,
        jobs: JobQueue,
        topics: TopicRegistry,
        parameters: ParameterBridge,
        *,
        on_graph_wanted: Callable[[bool], None],
    ) -> None:
        self._jobs = jobs
        self._topics = topics
        self._parameters = parameters
        self._on_graph_wanted = on_graph_wanted

    def on_subscribe(self, client: Client, channel: ChannelView) -> None:
        """Start to forward a topic."""
        viewer, topic = client.id, channel.topic
        self._jobs.post(lambda: self._topics.viewer_joined(topic, viewer))

    def on_unsubscribe(self, client: Client, channel: ChannelView) -> None:
        """Stop to forward a topic when nobody looks any more."""
        viewer, topic = client.id, channel.topic
        self._jobs.post(lambda: self._topics.viewer_left(topic, viewer))

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
        """Set parameters and return what they are now."""
        return self._parameters.write(parameters)

    def on_connection_graph_subscribe(self) -> None:
        """Begin to follow who is connected with whom."""
        self._jobs.post(lambda: self._on_graph_wanted(True))

    def on_connection_graph_unsubscribe(self) -> None:
        """Stop to follow the connections."""
        self._jobs.post(lambda: self._on_graph_wanted(False))
