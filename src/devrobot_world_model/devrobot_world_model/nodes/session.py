"""A loop with its learning thread and its checkpoints, for one action space; no ROS."""

from collections import deque
from collections.abc import Callable
from pathlib import Path
import time

from devrobot_interfaces_py.actions import ActionSpace, STAY
from devrobot_world_model.checkpoints import CheckpointError, CheckpointInfo
from devrobot_world_model.config import WorldModelConfig
from devrobot_world_model.learning.step import NonFiniteLossError, StepResult
from devrobot_world_model.nodes.learner import LearnerThread
from devrobot_world_model.nodes.progress import Progress, StepReport
from devrobot_world_model.nodes.settings import NodeConfig
from devrobot_world_model.nodes.store import CheckpointStore
from devrobot_world_model.online import OnlineLoop
from devrobot_world_model.results import Update

Report = StepReport | CheckpointInfo | Exception


class Session:
    """
    Everything that exists once the action space is known.

    One thread calls the methods; the learner thread only appends to the reports, which the
    first thread takes with ``take_reports`` after ``notify`` was called.
    """

    def __init__(
        self,
        config: WorldModelConfig,
        settings: NodeConfig,
        action_space: ActionSpace,
        *,
        run_id: str,
        now_ns: Callable[[], int],
        notify: Callable[[], None],
    ) -> None:
        """
        Build the model; ``start`` lets it learn.

        :param notify: called in the learner thread when a report is there.
        :raises ConfigError: if the configuration asks for what is not there, as a device.
        :raises CheckpointError: if the robot type cannot be the name of a folder.
        """
        self.settings = settings
        self.action_space = action_space
        self.store = CheckpointStore(
            Path(settings.checkpoint_dir), action_space.robot_type, run_id=run_id, now_ns=now_ns
        )
        self.loop = OnlineLoop(config, action_space, concurrent=True)
        self.progress = Progress(settings.loss_history)
        self.checkpoint_name = ''
        self.last_action = STAY
        self._notify = notify
        self._reports: deque[Report] = deque()
        self._unsaved_samples = 0
        self._learner = LearnerThread(self._work, self._report)

    def start(self) -> None:
        """Start the learner thread."""
        self._learner.start()

    def stop(self) -> None:
        """Stop and join the learner thread; the model stays usable."""
        self._learner.stop()

    @property
    def alive(self) -> bool:
        """Whether the learner thread is running."""
        return self._learner.alive

    def wait_idle(self, timeout_s: float) -> bool:
        """Return whether the learner had nothing to do within the time."""
        return self._learner.wait_idle(timeout_s)

    def follow_up(self, update: Update) -> None:
        """Count the scores of ``update``, and wake the learner if it brings a new sample."""
        for prediction in update.predictions:
            self.last_action = prediction.action
        for score in update.scores:
            self.progress.add_score(score.hybrid)
        if update.learn and not self._learner.wake():
            self.loop.count_skipped()

    def take_reports(self) -> list[Report]:
        """Return what the learner thread did since the last call, oldest first."""
        reports = []
        while self._reports:
            report = self._reports.popleft()
            reports.append(report)
            if isinstance(report, StepReport):
                self.progress.add_step(report)
            elif isinstance(report, CheckpointInfo):
                self.checkpoint_name = report.name
            elif isinstance(report, NonFiniteLossError):
                self.progress.non_finite += 1
        return reports

    def save(self, name: str = '', note: str = '') -> CheckpointInfo:
        """
        Save a checkpoint.

        :raises CheckpointError: with the reason; nothing was written.
        """
        info = self._save(name, note)
        self.checkpoint_name = info.name
        return info

    def load(self, name: str, *, restore_optimizer: bool = True) -> CheckpointInfo:
        """
        Load a checkpoint, '' the newest.

        :raises CheckpointError: with the reason; the model is as before.
        """
        info = self.store.load(self.loop, name, restore_optimizer=restore_optimizer)
        self.checkpoint_name = info.name
        return info

    def _save(self, name: str, note: str) -> CheckpointInfo:
        return self.store.save(self.loop, name=name, note=note, loss=self.progress.prediction_loss)

    def _work(self) -> None:
        """Make one training step; runs in the learner thread."""
        begin = time.perf_counter()
        result = self.loop.learn()
        if result is None:
            return
        self._report(_report_of(result, time.perf_counter() - begin))
        self._unsaved_samples += result.samples
        if 0 < self.settings.checkpoint_every <= self._unsaved_samples:
            self._unsaved_samples = 0
            self._save_by_itself()

    def _save_by_itself(self) -> None:
        try:
            self._report(self._save('', 'saved while learning'))
            if self.settings.keep_checkpoints:
                self.store.thin_out(self.settings.keep_checkpoints)
        except CheckpointError as error:
            self._report(error)

    def _report(self, report: Report) -> None:
        self._reports.append(report)
        self._notify()


def _report_of(result: StepResult, seconds: float) -> StepReport:
    return StepReport(
        loss=float(result.loss),
        gradient_norm=float(result.gradient_norm),
        learning_rate=result.learning_rate,
        optimizer_step=result.step + 1,
        samples=result.samples,
        seconds=seconds,
    )
