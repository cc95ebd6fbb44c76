"""What the node publishes: results always, pictures only when somebody looks."""

from array import array
from collections.abc import Callable
import math

from devrobot_interfaces.msg import DiscreteAction, PredictionError, TrainingMetrics
from devrobot_interfaces.msg import Prediction as PredictionMsg
from devrobot_interfaces_py import qos, topics
from devrobot_interfaces_py.conversions import duration_to_msg, image_to_msg, ns_to_stamp
from devrobot_interfaces_py.images import resize
from devrobot_world_model.canvas.builder import build_canvas
from devrobot_world_model.nodes.progress import Progress, StepReport
from devrobot_world_model.online import OnlineLoop
from devrobot_world_model.results import NotReadyError, OnlineStats, Prediction, Score
from devrobot_world_model.views import panels
import numpy as np
from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
from sensor_msgs.msg import Image
from std_msgs.msg import Float32, Float32MultiArray, Header

VIEWS = (
    topics.WORLD_MODEL_CANVAS,
    topics.WORLD_MODEL_CANVAS_MASKED,
    topics.WORLD_MODEL_INPAINTED,
    topics.WORLD_MODEL_COMPOSITE,
    topics.WORLD_MODEL_CURRENT_FRAME,
    topics.WORLD_MODEL_ERROR_IMAGE,
    topics.WORLD_MODEL_ROLLOUT,
)
PREDICTED = (topics.WORLD_MODEL_PREDICTED_IMAGE, topics.WORLD_MODEL_COUNTERFACTUALS)


def prediction_to_msg(prediction: Prediction, frame_id: str, checkpoint: str) -> PredictionMsg:
    """Return the message for ``prediction``, stamped with the start of its action."""
    return PredictionMsg(
        header=Header(stamp=ns_to_stamp(prediction.stamp_ns), frame_id=frame_id),
        sequence=prediction.sequence,
        action=DiscreteAction(index=prediction.action),
        checkpoint_name=checkpoint,
        inference_time=duration_to_msg(prediction.seconds),
    )


class ResultPublishers:
    """Predictions, their errors and the numbers of training."""

    def __init__(self, node: LifecycleNode, run_id: str) -> None:
        """Create the publishers; they stay silent until the node is active."""
        self._run_id = run_id

        def make(kind: type, name: str, profile: object = qos.RESULTS) -> LifecyclePublisher:
            return node.create_lifecycle_publisher(kind, topics.private(name), profile)

        self._prediction = make(PredictionMsg, topics.WORLD_MODEL_PREDICTION)
        self._error = make(PredictionError, topics.WORLD_MODEL_PREDICTION_ERROR)
        self._metrics = make(TrainingMetrics, topics.WORLD_MODEL_TRAINING_METRICS)
        self._loss = make(Float32, topics.WORLD_MODEL_LOSS)
        self._rate = make(Float32, topics.WORLD_MODEL_LEARNING_RATE)
        self._seconds = make(Float32, topics.WORLD_MODEL_ITERATION_TIME)
        self._history = make(Float32MultiArray, topics.WORLD_MODEL_LOSS_HISTORY, qos.LATCHED)
        self._all = [
            self._prediction, self._error, self._metrics, self._loss, self._rate, self._seconds,
            self._history,
        ]  # fmt: skip

    def destroy(self, node: LifecycleNode) -> None:
        """Take the publishers down."""
        for publisher in self._all:
            node.destroy_lifecycle_publisher(publisher)

    def on_prediction(self, prediction: Prediction, frame_id: str, checkpoint: str) -> None:
        """Tell that a prediction was made."""
        self._prediction.publish(prediction_to_msg(prediction, frame_id, checkpoint))

    def on_score(self, score: Score, frame_id: str) -> None:
        """Tell how good a prediction was."""
        message = PredictionError(
            header=Header(stamp=ns_to_stamp(score.stamp_ns), frame_id=frame_id),
            sequence=score.sequence,
            mse=score.mse,
            hybrid_loss=score.hybrid,
            baseline_hybrid_loss=score.hybrid_copy_last,
        )
        self._error.publish(message)

    def on_step(
        self, report: StepReport, progress: Progress, stats: OnlineStats, now_ns: int
    ) -> None:
        """Tell what a training step did."""
        message = TrainingMetrics(
            header=Header(stamp=ns_to_stamp(now_ns)),
            run_id=self._run_id,
            mode=TrainingMetrics.MODE_ONLINE,
            optimizer_step=report.optimizer_step,
            samples_seen=stats.samples_seen,
            train_loss=report.loss,
            validation_loss=progress.prediction_loss,
            best_validation_loss=progress.best_prediction_loss,
            learning_rate=report.learning_rate,
            gradient_norm=report.gradient_norm,
            samples_per_second=report.samples / report.seconds if report.seconds else math.nan,
        )
        self._metrics.publish(message)
        self._loss.publish(Float32(data=report.loss))
        self._rate.publish(Float32(data=report.learning_rate))
        self._seconds.publish(Float32(data=report.seconds))
        self._history.publish(Float32MultiArray(data=array('f', progress.losses)))


class ViewPublishers:
    """Pictures; each is only made when its topic has a subscriber."""

    def __init__(self, node: LifecycleNode) -> None:
        """Create the publishers; they stay silent until the node is active."""
        self._publishers = {
            name: node.create_lifecycle_publisher(Image, topics.private(name), profile)
            for names, profile in ((VIEWS, qos.VIEWS), (PREDICTED, qos.PREDICTED_IMAGES))
            for name in names
        }

    def destroy(self, node: LifecycleNode) -> None:
        """Take the publishers down."""
        for publisher in self._publishers.values():
            node.destroy_lifecycle_publisher(publisher)

    def on_frame(self, loop: OnlineLoop, image: np.ndarray, stamp_ns: int, frame_id: str) -> None:
        """Show the newest frame in the size in which the model sees it."""
        layout = loop.layout
        self._show(
            topics.WORLD_MODEL_CURRENT_FRAME, stamp_ns, frame_id,
            lambda: resize(image, layout.frame_height, layout.frame_width),
        )  # fmt: skip

    def on_prediction(
        self, loop: OnlineLoop, prediction: Prediction, frame_id: str, rollout_steps: int
    ) -> None:
        """Show what the model saw and what it expects."""
        stamp_ns, layout = prediction.stamp_ns, loop.layout
        colors = [loop.colors[action] for action in prediction.actions]
        bar = layout.separator_width

        def show(name: str, make: Callable[[], np.ndarray]) -> None:
            self._show(name, stamp_ns, frame_id, make)

        def seen() -> np.ndarray:
            return build_canvas(layout, prediction.history, colors)

        def mask() -> np.ndarray:
            return panels.column_mask(
                layout.height, layout.width, layout.slot_start(-1), layout.width
            )

        def painted() -> np.ndarray:
            nothing = np.zeros((layout.height, layout.width, 3), np.uint8)
            return panels.paste(nothing, prediction.image, layout.slot_start(-1))

        show(
            topics.WORLD_MODEL_CANVAS_MASKED,
            lambda: panels.masked_overlay(seen(), mask(), layout.patch_size),
        )
        show(topics.WORLD_MODEL_INPAINTED, painted)
        show(topics.WORLD_MODEL_COMPOSITE, lambda: panels.composite(seen(), painted(), mask()))
        show(topics.WORLD_MODEL_PREDICTED_IMAGE, lambda: prediction.image)
        show(
            topics.WORLD_MODEL_COUNTERFACTUALS,
            lambda: panels.counterfactual_strip(list(prediction.frames), loop.colors, bar),
        )
        show(topics.WORLD_MODEL_ROLLOUT, lambda: _rollout(loop, prediction, rollout_steps))

    def on_score(self, loop: OnlineLoop, score: Score, frame_id: str) -> None:
        """Show what really came, and how far off the prediction was."""
        prediction, stamp_ns = score.prediction, score.stamp_ns
        colors = [loop.colors[action] for action in prediction.actions]
        self._show(
            topics.WORLD_MODEL_CANVAS, stamp_ns, frame_id,
            lambda: build_canvas(loop.layout, [*prediction.history, score.truth], colors),
        )  # fmt: skip
        self._show(
            topics.WORLD_MODEL_ERROR_IMAGE, stamp_ns, frame_id,
            lambda: panels.error_image(prediction.image, score.truth),
        )  # fmt: skip

    def _show(
        self, name: str, stamp_ns: int, frame_id: str, make: Callable[[], np.ndarray]
    ) -> None:
        publisher = self._publishers[name]
        if publisher.get_subscription_count() == 0:
            return
        try:
            image = make()
        except NotReadyError:  # an imagined rollout without enough history
            return
        publisher.publish(image_to_msg(image, stamp_ns, frame_id))


def _rollout(loop: OnlineLoop, prediction: Prediction, steps: int) -> np.ndarray:
    """Return where it leads to go on with the action that was just started."""
    actions = [prediction.action] * steps
    frames = loop.rollout(actions)
    colors = [loop.colors[action] for action in actions]
    return panels.rollout_strip(
        prediction.history[-1], frames, colors, loop.layout.separator_width
    )
