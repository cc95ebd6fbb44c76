"""The services of the node: every refusal is one line in the response."""

from collections.abc import Callable
from typing import Any, TypeVar

from devrobot_interfaces.msg import CheckpointInfo as CheckpointMsg
from devrobot_interfaces.srv import (
    ComputeAttention,
    ListCheckpoints,
    LoadCheckpoint,
    Predict,
    SaveCheckpoint,
)
from devrobot_interfaces_py import topics
from devrobot_interfaces_py.actions import UnknownActionError
from devrobot_interfaces_py.conversions import image_to_msg, ns_to_stamp
from devrobot_world_model.attention.maps import AttentionError
from devrobot_world_model.checkpoints import CheckpointError, CheckpointInfo
from devrobot_world_model.nodes.attention import compute_attention
from devrobot_world_model.nodes.publishers import prediction_to_msg
from devrobot_world_model.nodes.session import Session
from devrobot_world_model.results import NotReadyError
from rclpy.lifecycle import LifecycleNode
from std_srvs.srv import SetBool, Trigger

ResponseT = TypeVar('ResponseT')


class UnavailableError(RuntimeError):
    """The node cannot do this now; the message says why."""


REFUSALS = (AttentionError, CheckpointError, NotReadyError, UnavailableError, UnknownActionError)


def checkpoint_to_msg(info: CheckpointInfo) -> CheckpointMsg:
    """Return the message for ``info``."""
    return CheckpointMsg(
        name=info.name,
        path=info.path,
        run_id=info.run_id,
        config_digest=info.config_digest,
        software_version=info.software_version,
        created=ns_to_stamp(info.created_ns),
        optimizer_step=info.optimizer_step,
        samples_seen=info.samples_seen,
        validation_loss=info.validation_loss,
    )


class Services:
    """Creates the services; each works on the session there is at the time of the call."""

    def __init__(
        self,
        node: LifecycleNode,
        session: Callable[[], Session],
        set_learning: Callable[[bool], None],
    ) -> None:
        """
        Create the services on ``node``.

        :param session: returns the session or raises UnavailableError.
        """
        self._node = node
        self._session = session
        self._set_learning = set_learning
        handlers = {
            topics.WORLD_MODEL_SET_LEARNING: (SetBool, self._on_set_learning),
            topics.WORLD_MODEL_RESET_HISTORY: (Trigger, self._on_reset_history),
            topics.WORLD_MODEL_PREDICT: (Predict, self._on_predict),
            topics.WORLD_MODEL_SAVE_CHECKPOINT: (SaveCheckpoint, self._on_save),
            topics.WORLD_MODEL_LOAD_CHECKPOINT: (LoadCheckpoint, self._on_load),
            topics.WORLD_MODEL_LIST_CHECKPOINTS: (ListCheckpoints, self._on_list),
            topics.WORLD_MODEL_COMPUTE_ATTENTION: (ComputeAttention, self._on_attention),
        }
        self._services = [
            node.create_service(kind, topics.private(name), self._guarded(name, handler))
            for name, (kind, handler) in handlers.items()
        ]

    def destroy(self) -> None:
        """Take the services down."""
        for service in self._services:
            self._node.destroy_service(service)

    def _guarded(
        self, name: str, handler: Callable[[Any, ResponseT], ResponseT]
    ) -> Callable[[Any, ResponseT], ResponseT]:
        """Turn refusals into ``success`` false and one line, also in the log."""

        def handle(request: Any, response: ResponseT) -> ResponseT:
            try:
                return handler(request, response)
            except REFUSALS as error:
                self._node.get_logger().warning(f'{topics.private(name)}: {error}')
                if hasattr(response, 'success'):
                    response.success = False
                    response.message = str(error)  # type: ignore[attr-defined]
                return response

        return handle

    def _on_set_learning(
        self, request: SetBool.Request, response: SetBool.Response
    ) -> SetBool.Response:
        self._set_learning(request.data)
        response.success = True
        response.message = 'learning is on' if request.data else 'learning is paused'
        return response

    def _on_reset_history(
        self, _: Trigger.Request, response: Trigger.Response
    ) -> Trigger.Response:
        self._session().loop.reset_history()
        response.success, response.message = True, 'history is empty, the model is as before'
        return response

    def _on_predict(self, request: Predict.Request, response: Predict.Response) -> Any:
        session = self._session()
        prediction = session.loop.predict(request.action.index)
        response.prediction = prediction_to_msg(prediction, '', session.checkpoint_name)
        response.predicted_image = image_to_msg(prediction.image, prediction.stamp_ns, '')
        response.success = True
        return response

    def _on_save(self, request: SaveCheckpoint.Request, response: SaveCheckpoint.Response) -> Any:
        info = self._session().save(request.name, request.note)
        self._node.get_logger().info(f'saved checkpoint {info.path}')
        response.success, response.checkpoint = True, checkpoint_to_msg(info)
        return response

    def _on_load(self, request: LoadCheckpoint.Request, response: LoadCheckpoint.Response) -> Any:
        info = self._session().load(request.name, restore_optimizer=request.restore_optimizer)
        self._node.get_logger().info(f'loaded checkpoint {info.path}')
        response.success, response.checkpoint = True, checkpoint_to_msg(info)
        return response

    def _on_list(
        self, _: ListCheckpoints.Request, response: ListCheckpoints.Response
    ) -> ListCheckpoints.Response:
        listing = self._session().store.list()
        for reason in listing.skipped:
            self._node.get_logger().warning(f'not listed: {reason}', throttle_duration_sec=5.0)
        response.checkpoints = [checkpoint_to_msg(info) for info in listing.checkpoints]
        return response

    def _on_attention(
        self, request: ComputeAttention.Request, response: ComputeAttention.Response
    ) -> ComputeAttention.Response:
        session = self._session()
        response.attention = compute_attention(session.loop, session.last_action, request)
        response.success = True
        return response
