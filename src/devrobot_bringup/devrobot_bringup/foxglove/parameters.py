"""Parameters of all nodes: fetched once, then kept up to date from /parameter_events."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
import threading
import time

from devrobot_bringup.foxglove import values
from devrobot_bringup.foxglove.calls import SEARCH_STEP_S, ServiceCaller, ServiceCallError
from devrobot_bringup.foxglove.jobs import JobQueue
from devrobot_bringup.foxglove.names import parameter_name, split_parameter_name, Whitelist
import foxglove
from rcl_interfaces.msg import Parameter as RosParameter
from rcl_interfaces.msg import ParameterEvent, ParameterType, ParameterValue
from rcl_interfaces.srv import GetParameters, ListParameters, SetParameters
from rclpy.node import Node
from rclpy.qos import qos_profile_parameter_events

FETCH_TIMEOUT_S = 5.0
# Changes in quick succession are pushed together: each push waits in every viewer's short queue.
PUSH_PERIOD_S = 0.1
SERVICE_NAMES = {
    ListParameters: 'list_parameters',
    GetParameters: 'get_parameters',
    SetParameters: 'set_parameters',
}
Push = Callable[[list[str]], None]
Warn = Callable[[str], None]


@dataclass(kw_only=True)
class _RemoteNode:
    """What is known of one node's parameters."""

    values: dict[str, ParameterValue] = field(default_factory=dict)
    callers: dict[type, ServiceCaller] = field(default_factory=dict)
    fetched: bool = False
    asked_at: float | None = None


class ParameterBridge:
    """
    Cache of all parameters, and the way to set them.

    ``read`` may be called from any thread and never waits; ``write`` waits for the nodes and must
    not be called on the executor's thread; the rest belongs to the executor's thread.

    :param push: has the parameters of these names read and sent to the viewers.
    :param warn: shows one line to all viewers.
    """

    def __init__(
        self,
        node: Node,
        jobs: JobQueue,
        whitelist: Whitelist,
        *,
        push: Push,
        warn: Warn,
        timeout_s: float = FETCH_TIMEOUT_S,
    ) -> None:
        self._node = node
        self._jobs = jobs
        self._whitelist = whitelist
        self._push = push
        self._warn = warn
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._remotes: dict[str, _RemoteNode] = {}
        self._changed: set[str] = set()
        self._subscription = node.create_subscription(
            ParameterEvent, '/parameter_events', self._on_event, qos_profile_parameter_events
        )

    def update(self, nodes: Iterable[str]) -> None:
        """Follow exactly ``nodes``; ask those that have not answered yet."""
        wanted = set(nodes)
        for name in [n for n in self._remotes if n not in wanted]:
            self._forget(name)
        for name in wanted:
            with self._lock:
                remote = self._remotes.setdefault(name, _RemoteNode())
            if not remote.fetched:
                self._fetch(name, remote)

    def close(self) -> None:
        """Let go of every node."""
        self.update(())

    def read(self, names: Iterable[str]) -> list[foxglove.Parameter]:
        """Return the cached parameters called ``names``; all of them if there are none."""
        asked = set(names)
        with self._lock:
            known = [
                (parameter_name(node, name), value)
                for node, remote in self._remotes.items()
                for name, value in remote.values.items()
            ]
        return [_shown(name, value) for name, value in known if not asked or name in asked]

    def write(self, parameters: list[foxglove.Parameter]) -> list[foxglove.Parameter]:
        """Set ``parameters``; return what they are afterwards, which may be the old values."""
        requests: dict[str, list[RosParameter]] = {}
        for parameter in parameters:
            try:
                node, request = self._request(parameter)
            except ValueError as error:
                self._warn(f'{parameter.name} was not set: {error}')
            else:
                requests.setdefault(node, []).append(request)
        for node, node_requests in requests.items():
            self._write_node(node, node_requests)
        names = [parameter.name for parameter in parameters]
        return self.read(names) if names else []

    def _request(self, parameter: foxglove.Parameter) -> tuple[str, RosParameter]:
        node, name = split_parameter_name(parameter.name)
        with self._lock:
            remote = self._remotes.get(node)
            known = None if remote is None else remote.values.get(name)
        if known is None:
            raise ValueError('there is no such parameter')
        content = parameter.get_value()
        if content is None:
            raise ValueError('it cannot be removed')
        return node, RosParameter(name=name, value=values.from_python(content, known.type))

    def _write_node(self, node: str, requests: list[RosParameter]) -> None:
        with self._lock:
            remote = self._remotes.get(node)
        try:
            if remote is None:
                raise ServiceCallError('the node is gone')
            caller = self._caller(node, remote, SetParameters)
            response = caller.call(SetParameters.Request(parameters=requests), self._timeout_s)
        except ServiceCallError as error:
            self._warn(f'the parameters of {node} were not set: {error}')
            return
        for parameter, result in zip(requests, response.results, strict=False):
            if result.successful:
                with self._lock:
                    remote.values[parameter.name] = parameter.value
            else:
                self._warn(
                    f'{parameter_name(node, parameter.name)} was not set to '
                    f'{values.to_python(parameter.value)!r}: '
                    f'{result.reason or "the node gave no reason"}'
                )

    def _fetch(self, node: str, remote: _RemoteNode) -> None:
        now = time.monotonic()
        if remote.asked_at is not None and now - remote.asked_at < self._timeout_s:
            return
        if remote.asked_at is not None:
            self._close_callers(remote, ListParameters, GetParameters)
        caller = self._caller(node, remote, ListParameters)
        if caller.send(
            ListParameters.Request(),
            lambda response: self._on_names(node, remote, list(response.result.names)),
        ):
            remote.asked_at = now

    def _on_names(self, node: str, remote: _RemoteNode, names: list[str]) -> None:
        if self._remotes.get(node) is not remote:
            return
        names = [n for n in names if self._whitelist.allows(parameter_name(node, n))]
        caller = self._caller(node, remote, GetParameters)
        if not names:
            self._store(node, remote, {})
        elif not caller.send(
            GetParameters.Request(names=names),
            lambda response: self._store(
                node, remote, dict(zip(names, response.values, strict=False))
            ),
        ):
            self._jobs.post_later(SEARCH_STEP_S, lambda: self._on_names(node, remote, names))

    def _store(self, node: str, remote: _RemoteNode, found: dict[str, ParameterValue]) -> None:
        if self._remotes.get(node) is not remote:
            return
        with self._lock:
            remote.values.update({n: v for n, v in found.items() if _is_set(v)})
            remote.fetched = True
        self._jobs.post(lambda: self._close_callers(remote, ListParameters, GetParameters))
        self._push_soon([parameter_name(node, name) for name in remote.values])

    def _caller(self, node: str, remote: _RemoteNode, service: type) -> ServiceCaller:
        if service not in remote.callers:
            remote.callers[service] = ServiceCaller(
                self._node, self._jobs, service, f'{node}/{SERVICE_NAMES[service]}'
            )
        return remote.callers[service]

    def _close_callers(self, remote: _RemoteNode, *services: type) -> None:
        for service in services:
            caller = remote.callers.pop(service, None)
            if caller is not None:
                caller.close()

    def _on_event(self, event: ParameterEvent) -> None:
        remote = self._remotes.get(event.node)
        if remote is None:
            return
        changed = {
            parameter.name: parameter.value
            for parameter in [*event.new_parameters, *event.changed_parameters]
            if _is_set(parameter.value)
            and self._whitelist.allows(parameter_name(event.node, parameter.name))
        }
        with self._lock:
            remote.values.update(changed)
            for parameter in event.deleted_parameters:
                remote.values.pop(parameter.name, None)
        if changed:
            self._push_soon([parameter_name(event.node, name) for name in changed])

    def _push_soon(self, names: list[str]) -> None:
        if not self._changed:
            self._jobs.post_later(PUSH_PERIOD_S, self._push_changed)
        self._changed.update(names)

    def _push_changed(self) -> None:
        names = sorted(self._changed)
        self._changed.clear()
        self._push(names)

    def _forget(self, node: str) -> None:
        with self._lock:
            remote = self._remotes.pop(node)
        self._close_callers(remote, *SERVICE_NAMES)


def _is_set(value: ParameterValue) -> bool:
    return value.type != ParameterType.PARAMETER_NOT_SET


def _shown(name: str, value: ParameterValue) -> foxglove.Parameter:
    return foxglove.Parameter(name, value=values.to_python(value))
