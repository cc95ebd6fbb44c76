"""The world model as a lifecycle node: it watches a robot, predicts, and learns."""

from collections.abc import Callable
from functools import partial
import sys
from typing import Any
import uuid

from devrobot_interfaces_py import topics
from devrobot_interfaces_py.actions import ActionEvent, ActionSpace, UnknownActionError
from devrobot_interfaces_py.configs import ConfigError
from devrobot_interfaces_py.params import declare_config, live_config_callback
from devrobot_world_model.checkpoints import CheckpointError, CheckpointInfo
from devrobot_world_model.config import WorldModelConfig
from devrobot_world_model.learning.processor import prepare_processor
from devrobot_world_model.model.factory import resolve_device
from devrobot_world_model.nodes import health
from devrobot_world_model.nodes.inputs import Inputs, THROTTLE_S
from devrobot_world_model.nodes.parameters import Configuration, declare
from devrobot_world_model.nodes.process import ManagedNode, run
from devrobot_world_model.nodes.progress import StepReport
from devrobot_world_model.nodes.publishers import ResultPublishers, ViewPublishers
from devrobot_world_model.nodes.services import Services, UnavailableError
from devrobot_world_model.nodes.session import Session
from devrobot_world_model.nodes.settings import StartConfig
from devrobot_world_model.results import OnlineStats, Update
import numpy as np
from rclpy.exceptions import ParameterException
from rclpy.lifecycle import LifecycleState, TransitionCallbackReturn

NO_ACTION_SPACE = 'no action_space received yet: start a driver in the same namespace'
SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class WorldModelNode(ManagedNode):
    """
    Predicts the next frame whenever an action starts, and learns from what came.

    It never commands a robot. The model is built when the action space arrives. Everything but
    training runs in the executor's thread; see README.md for topics, services and parameters.
    """

    def __init__(self, **node_arguments: Any) -> None:
        """Declare what is needed before configuring; nothing else happens here."""
        super().__init__(topics.WORLD_MODEL_NODE, **node_arguments)
        self._run_id = uuid.uuid4().hex[:8]
        self._config: Configuration  # from the first configure on
        self._live: WorldModelConfig
        self._declared = False
        self.session: Session | None = None
        self._wanted_learning: bool | None = None
        self._last_stats: OnlineStats | None = None
        self._active = False
        self._foreign = ''
        self._frame_id = ''
        self._release_steps: list[Callable[[], object]] = []
        self.autostart = declare_config(self, StartConfig()).autostart

    def bring_up(self) -> bool:
        """Configure and activate; return whether both succeeded."""
        return self.trigger_configure() == SUCCESS and self.trigger_activate() == SUCCESS

    def close(self) -> None:
        """Save if wanted, then end the learner."""
        if self._active:
            self._active = False
            self._save_at_end()
        if self.session is not None:
            self.session.stop()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Read the parameters, then create the interfaces; the model waits for the robot."""
        try:
            if not self._declared:
                self._config = declare(self)
                self._live = self._config.model
                live_config_callback(self, self._config.model, self._on_live_change)
                self._declared = True
        except (ConfigError, ParameterException) as error:
            self.get_logger().error(f'cannot configure: {" ".join(str(error).split())}')
            return FAILURE
        prepare_processor(self._config.node.threads)
        self._create_interfaces()
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to predict and learn; what happened while inactive is not guessed."""
        if self.session is not None:
            self.session.loop.reset_history()
        self._active = True
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop to predict and learn; the model stays."""
        self._active = False
        self._save_at_end()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back but the parameters."""
        self._release()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Save if wanted and give everything back."""
        self.close()
        self._release()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Give everything back, so that the node can be configured again."""
        self._active = False
        self._release()
        return SUCCESS

    def _create_interfaces(self) -> None:
        settings = self._config.node
        self._results = ResultPublishers(self, self._run_id)
        self._views = ViewPublishers(self)
        services = Services(self, self._require_session, self._set_learning)
        inputs = Inputs(
            self,
            settings.image_topics,
            wanted=lambda: self._active and self.session is not None and not self._foreign,
            on_action_space=self._on_action_space,
            on_frame=self._on_frame,
            on_event=self._on_event,
        )
        self._reports = self.create_guard_condition(self._on_reports)
        reporter = health.HealthReporter(self, self._examine)
        self._release_steps = [
            reporter.destroy,
            inputs.destroy,
            services.destroy,
            partial(self._results.destroy, self),
            partial(self._views.destroy, self),
            partial(self.destroy_guard_condition, self._reports),
        ]

    def _release(self) -> None:
        if self.session is not None:
            self.session.stop()
        self.session, self._last_stats, self._foreign = None, None, ''
        while self._release_steps:
            self._release_steps.pop(0)()

    def _on_action_space(self, action_space: ActionSpace) -> None:
        if self.session is None:
            self._build(action_space)
            return
        new, own = action_space.digest, self.session.action_space.digest
        self._foreign = ''
        if new != own:
            self._foreign = (
                f'the action space is now {new} of {action_space.robot_type}, the model was '
                f'built for {own}: frames are ignored; cleanup and configure to begin anew'
            )
        self.session.loop.reset_history()
        if self._foreign:
            self.get_logger().error(self._foreign)

    def _build(self, action_space: ActionSpace) -> None:
        try:
            session = Session(
                self._live,
                self._config.node,
                action_space,
                run_id=self._run_id,
                now_ns=lambda: self.get_clock().now().nanoseconds,
                notify=self._notify,
            )
        except (ConfigError, CheckpointError) as error:
            self.get_logger().error(f'cannot build the model: {error}')
            return
        self.session = session
        if self._wanted_learning is not None:
            session.loop.set_learning(self._wanted_learning)
        self._load_first()
        session.start()
        self.get_logger().info(
            f'model for {action_space.robot_name} is ready: {len(action_space)} actions, '
            f'canvas {session.loop.layout.height}x{session.loop.layout.width}'
        )

    def _load_first(self) -> None:
        name = self._config.node.checkpoint
        if not name:
            return
        try:
            info = self._require_session().load(name)
        except CheckpointError as error:
            self.get_logger().error(f'{error}; going on with random weights')
            return
        self.get_logger().info(f'loaded checkpoint {info.path}')

    def _on_frame(self, stamp_ns: int, image: np.ndarray, frame_id: str) -> None:
        self._frame_id = frame_id
        loop = self._require_session().loop
        update = loop.on_frame(stamp_ns, image)
        self._views.on_frame(loop, image, stamp_ns, frame_id)
        self._follow(update)

    def _on_event(self, event: ActionEvent, waited_s: float) -> None:
        session = self._require_session()
        try:
            session.action_space.check(event.action)
        except UnknownActionError as error:
            # It still goes to the loop: nothing may be learned across it.
            self.get_logger().warning(
                f'{topics.ACTION_EVENTS} {event.sequence}: {error}',
                throttle_duration_sec=THROTTLE_S,
            )
        in_time = waited_s <= self._config.node.prediction_deadline
        self._follow(session.loop.on_event(event, predict=in_time))

    def _follow(self, update: Update) -> None:
        session, frame_id = self._require_session(), self._frame_id
        session.follow_up(update)
        for score in update.scores:
            self._results.on_score(score, frame_id)
            self._views.on_score(session.loop, score, frame_id)
        for prediction in update.predictions:
            self._results.on_prediction(prediction, frame_id, session.checkpoint_name)
            self._views.on_prediction(
                session.loop, prediction, frame_id, self._live.online.rollout_steps
            )

    def _notify(self) -> None:
        """Wake the executor; called in the learner thread."""
        if self.context.ok():
            self._reports.trigger()

    def _on_reports(self) -> None:
        if (session := self.session) is None:
            return
        for report in session.take_reports():
            if isinstance(report, StepReport):
                now_ns = self.get_clock().now().nanoseconds
                self._results.on_step(report, session.progress, session.loop.stats, now_ns)
            elif isinstance(report, CheckpointInfo):
                self.get_logger().info(f'saved checkpoint {report.path}')
            else:
                self.get_logger().error(
                    f'learning: {str(report) or type(report).__name__}',
                    throttle_duration_sec=THROTTLE_S,
                )

    def _on_live_change(self, config: WorldModelConfig) -> None:
        self._live = config
        if self.session is not None:
            self.session.loop.quality_gate = config.online.quality_gate

    def _set_learning(self, enabled: bool) -> None:
        self._wanted_learning = enabled
        if self.session is not None:
            self.session.loop.set_learning(enabled)

    def _require_session(self) -> Session:
        if self.session is None:
            raise UnavailableError(NO_ACTION_SPACE)
        return self.session

    def _save_at_end(self) -> None:
        if self.session is None or not self._config.node.checkpoint_on_deactivate:
            return
        try:
            info = self.session.save(note='saved at the end')
            self.get_logger().info(f'saved checkpoint {info.path}')
        except CheckpointError as error:
            self.get_logger().error(str(error))

    def _examine(self) -> list[health.Health]:
        config, session = self._config, self.session
        device = str(resolve_device(config.model.device))
        parts = [health.device_health(device, config.node.threads, config.preset)]
        if session is None or self._foreign:
            return [*parts, health.waiting_health(self._foreign or NO_ACTION_SPACE)]
        stats, before = session.loop.stats, self._last_stats
        self._last_stats = stats
        pairing = health.pairing_health(stats, before)
        return [*parts, pairing, health.learning_health(stats, session.progress)]


def main(args: list[str] | None = None) -> int:
    """Run the node until it is interrupted."""
    return run(WorldModelNode, args)


if __name__ == '__main__':
    sys.exit(main())
