"""Services: a call from a viewer always gets an answer, the reply or the reason why not."""

from collections.abc import Mapping
from typing import Any

from devrobot_bringup.foxglove.calls import ServiceCaller, ServiceCallError
from devrobot_bringup.foxglove.jobs import JobQueue
from devrobot_bringup.foxglove.schemas import SchemaError, SchemaLibrary, TypeSchema
from devrobot_bringup.foxglove.types import interface_class, UnknownTypeError
import foxglove
from foxglove.websocket import WebSocketServer
from rclpy.node import Node
from rclpy.serialization import deserialize_message, serialize_message


class ServiceBridge:
    """
    One service. Calling it with a viewer's request returns the serialised response.

    Calls come from threads of the web socket server, several at a time.
    """

    def __init__(self, name: str, service_class: Any, caller: ServiceCaller, timeout_s: float):
        self._name = name
        self._service_class = service_class
        self._caller = caller
        self._timeout_s = timeout_s

    def __call__(self, request: foxglove.ServiceRequest) -> bytes:
        """Call the service; a failure is an exception, which the viewer shows."""
        try:
            message = deserialize_message(request.payload, self._service_class.Request)
        except Exception as error:
            raise ServiceCallError(f'{self._name}: the request cannot be read: {error}') from None
        try:
            return serialize_message(self._caller.call(message, self._timeout_s))
        except ServiceCallError as error:
            raise ServiceCallError(f'{self._name}: {error}') from None

    def close(self) -> None:
        """Answer what is pending; on the executor's thread."""
        self._caller.close()


class ServiceRegistry:
    """All services on offer, kept equal to the ROS graph; belongs to the executor's thread."""

    def __init__(
        self,
        node: Node,
        jobs: JobQueue,
        schemas: SchemaLibrary,
        server: WebSocketServer,
        *,
        timeout_s: float,
    ) -> None:
        self._node = node
        self._jobs = jobs
        self._schemas = schemas
        self._server = server
        self._timeout_s = timeout_s
        self._types: dict[str, str] = {}
        self._bridges: dict[str, ServiceBridge] = {}

    def update(self, services: Mapping[str, str]) -> None:
        """Offer ``services`` (name → type) and withdraw others."""
        gone = [s for s, type_name in self._types.items() if services.get(s) != type_name]
        offered = [name for name in gone if name in self._bridges]
        if offered:
            self._server.remove_services(offered)
        for name in gone:
            del self._types[name]
            if name in self._bridges:
                self._bridges.pop(name).close()
        new = {name: services[name] for name in services if name not in self._types}
        self._types |= new
        # All in one announcement: each waits in a viewer's queue, which is short.
        made = [self._make(name, type_name) for name, type_name in new.items()]
        self._server.add_services([service for service in made if service is not None])

    def close(self) -> None:
        """Withdraw every service and answer every pending call."""
        self.update({})

    def _make(self, name: str, type_name: str) -> foxglove.Service | None:
        try:
            request, response = self._schemas.service(type_name)
            service_class = interface_class(type_name)
        except (SchemaError, UnknownTypeError) as error:
            self._node.get_logger().warning(f'cannot offer service {name}: {error}')
            return None
        caller = ServiceCaller(self._node, self._jobs, service_class, name)
        bridge = ServiceBridge(name, service_class, caller, self._timeout_s)
        schema = foxglove.ServiceSchema(
            type_name, request=_message_schema(request), response=_message_schema(response)
        )
        self._bridges[name] = bridge
        return foxglove.Service(name, schema=schema, handler=bridge)


def _message_schema(schema: TypeSchema) -> foxglove.MessageSchema:
    return foxglove.MessageSchema(
        encoding='cdr',
        schema=foxglove.Schema(name=schema.name, encoding='ros2msg', data=schema.text.encode()),
    )
