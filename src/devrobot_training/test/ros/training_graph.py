"""A training server in a thread, and a client that is another participant of DDS."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
import os
import threading
import time
from typing import Any

from devrobot_training.nodes.training_server import TrainingServer
import pytest
import rclpy
from rclpy.action import ActionClient
from rclpy.executors import ExternalShutdownException, ShutdownException, SingleThreadedExecutor
from rclpy.parameter import Parameter

NAMESPACE = '/bot'
DEADLINE_S = 60.0
# A training that no rule ends.
ENDLESS = ['stopping.plateau=false', 'stopping.divergence=false']


def make_context() -> Any:
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=int(os.environ.get('ROS_DOMAIN_ID', '47')))
    return context


class Server:
    """The server under test, spinning until it is closed."""

    def __init__(self, **settings: Any) -> None:
        self._context = make_context()
        self.node = TrainingServer(
            namespace=NAMESPACE,
            context=self._context,
            parameter_overrides=[Parameter(name, value=value) for name, value in settings.items()],
        )
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = threading.Thread(target=self._spin)
        self._thread.start()

    def close(self) -> None:
        """End it as its process would."""
        self.node.stop_working()
        self._executor.shutdown()
        self._thread.join(DEADLINE_S)
        self.node.destroy_node()
        self._context.try_shutdown()

    def _spin(self) -> None:
        with suppress(ExternalShutdownException, ShutdownException):
            self._executor.spin()


@dataclass
class Goal:
    """What a client knows of a goal; ``handle`` is None if it was rejected."""

    handle: Any
    feedback: list[Any] = field(default_factory=list)


class Client:
    """Sends goals and requests, and waits for what comes of them."""

    def __init__(self) -> None:
        self._context = make_context()
        self.node = rclpy.create_node('panel', namespace=NAMESPACE, context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._clients: dict[str, Any] = {}

    def wait(self, condition: Callable[[], Any], what: str) -> Any:
        """Spin until ``condition`` returns something true, and return that."""
        end = time.monotonic() + DEADLINE_S
        while not (result := condition()):
            if time.monotonic() > end:
                pytest.fail(f'waited {DEADLINE_S} s for {what}')
            self._executor.spin_once(timeout_sec=0.02)
        return result

    def call(self, kind: Any, name: str, **request: Any) -> Any:
        """Return the response of a service."""
        if name not in self._clients:
            self._clients[name] = self.node.create_client(kind, name)
        client = self._clients[name]
        self.wait(client.service_is_ready, f'service {name}')
        future = client.call_async(kind.Request(**request))
        self.wait(future.done, f'the response of {name}')
        return future.result()

    def send(self, kind: Any, name: str, **goal: Any) -> Goal:
        """Send a goal and wait for whether it is accepted."""
        if name not in self._clients:
            self._clients[name] = ActionClient(self.node, kind, name)
        client = self._clients[name]
        self.wait(client.server_is_ready, f'action {name}')
        sent = Goal(None)
        future = client.send_goal_async(
            kind.Goal(**goal), lambda message: sent.feedback.append(message.feedback)
        )
        self.wait(future.done, f'an answer of {name}')
        sent.handle = future.result() if future.result().accepted else None
        return sent

    def result(self, goal: Goal) -> tuple[int, Any]:
        """Wait until a goal has ended; return its state and its result."""
        future = goal.handle.get_result_async()
        self.wait(future.done, 'a result')
        return future.result().status, future.result().result

    def cancel(self, goal: Goal) -> bool:
        """Return whether the goal is being cancelled."""
        future = goal.handle.cancel_goal_async()
        self.wait(future.done, 'an answer to the cancel')
        return bool(future.result().goals_canceling)

    def listen(self, kind: Any, name: str, profile: Any) -> list[Any]:
        """Return a list that fills with what arrives."""
        arrived: list[Any] = []
        self.node.create_subscription(kind, name, arrived.append, profile)
        self.wait(lambda: self.node.count_publishers(name) > 0, f'a publisher of {name}')
        return arrived

    def wait_for_steps(self, goal: Goal) -> None:
        """Wait until a training that somebody follows has made a step."""
        self.wait(
            lambda: any(f.metrics.optimizer_step for f in goal.feedback), 'a step of the training'
        )

    def close(self) -> None:
        for client in self._clients.values():
            client.destroy()
        self._executor.shutdown()
        self.node.destroy_node()
        self._context.try_shutdown()
