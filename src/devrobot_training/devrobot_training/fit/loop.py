"""
The training loop: one step after the other, until a rule says stop.

What is decided depends on samples, losses and seeds, never on the clock (but for a time budget):
a run that was interrupted and resumed gives the same losses as one that was not.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import math
from typing import Any

from devrobot_training.data.balance import draw_summary
from devrobot_training.data.canvases import CanvasSet
from devrobot_training.data.loader import BatchLoader, Loaded
from devrobot_training.data.sampling import make_sampler, Sampler
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.ema import WeightAverage
from devrobot_training.fit.events import (
    CHECKPOINT,
    Happened,
    Listener,
    StepDone,
    Validated,
    Validating,
)
from devrobot_training.fit.gradients import gradient_norms
from devrobot_training.fit.progress import Clock, Progress
from devrobot_training.fit.stopping import Stop, StoppingRules
from devrobot_training.fit.stopwatch import Stopwatch
from devrobot_training.fit.team import Team
from devrobot_training.fit.validation import Validator
from devrobot_world_model.learning.imagined import with_imagined_history
from devrobot_world_model.learning.step import Learner, NonFiniteLossError, StepResult
import torch

NEAR_ENOUGH = 0.95


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a loop works with."""

    learner: Learner
    train: CanvasSet
    validation: CanvasSet


class Fitter:
    """One training, from its first step or from a saved state to its end."""

    def __init__(
        self,
        config: TrainConfig,
        parts: Parts,
        *,
        save: Callable[[bool], None],
        listeners: tuple[Listener, ...] = (),
        team: Team | None = None,
        clock: Clock | None = None,
    ) -> None:
        """
        Prepare; nothing is drawn or trained yet.

        :param save: writes a checkpoint of ``state()``; True if it is the best so far.
        :param listeners: called with every event.
        """
        self.config = config
        self.progress = Progress()
        self._team = team or Team()
        self._watch = Stopwatch(self.progress, self._team, clock or Clock())
        self._save = save
        self._listeners = listeners
        self.learner = parts.learner
        self._device = next(parts.learner.model.parameters()).device
        self.sampler: Sampler = make_sampler(config.sampler, parts.train, config.seed)
        self._loader = BatchLoader(
            parts.train,
            self.sampler,
            batch_size=config.fit.batch_size,
            depth=config.fit.prefetch,
            device=self._device,
            rank=self._team.rank,
            processes=self._team.size,
            imagined_share=config.fit.imagined_share,
        )
        self._validator = Validator(
            parts.validation,
            size=config.fit.validation_size,
            loss=config.loss,
            precision=config.optimizer.precision,
            team=self._team,
            hear=self._tell_validating,
        )
        self._rules = StoppingRules(config.stopping)
        ema = config.fit.ema
        self.average = WeightAverage(parts.learner.model, ema) if ema else None
        self._saved_step = -1
        #: Why the training has ended, also of one whose last state was restored.
        self.ended: Stop | None = None

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> Stop:
        """
        Train until a rule or ``should_stop`` ends it; the last state is saved.

        A restored training that had ended has no step left, unless its rules are others now.

        :raises TeamError: if another process of the team is gone.
        """
        self._watch.start(self.samples)
        try:
            stop = self.ended = self._ended_before()
            while stop is None:
                if self._team.any(should_stop()):
                    stop = Stop('interrupted', 'stopped on request')
                    break
                stop = self._step()
            self._watch.read()
            self._checkpoint(best=False)
            self.tell('stopped', f'{stop.reason}: {stop.message}')
            return stop
        finally:
            self._loader.close()

    def state(self) -> dict[str, Any]:
        """Return all that a resumed run needs beside the learner's own state."""
        return {
            'loader': self._loader.state(),
            'rules': self._rules.state(),
            'ended': self.ended and [self.ended.reason, self.ended.message],
            'progress': self.progress.state(),
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after ``state``; the learner was restored by its owner before."""
        self._saved_step = self.learner.step
        self._loader.restore(state['loader'])
        self._rules.restore(state['rules'])
        self.ended = Stop(*state['ended']) if state.get('ended') else None
        self.progress.restore(state['progress'])

    def tell(self, event: str, message: str) -> None:
        """Tell the listeners of something in words."""
        self._emit(
            Happened(
                step=self.learner.step,
                samples=self.samples,
                event=event,
                message=message,
            )
        )

    def _ended_before(self) -> Stop | None:
        """Return why the training had ended before it was restored, where that still holds."""
        seconds = self._elapsed()
        holds = self.ended is not None and self._rules.holds(
            self.ended, samples=self.samples, elapsed_s=seconds
        )
        return self.ended if holds else None

    def _step(self) -> Stop | None:
        """Make one step with all that is due after it; return why to stop, if so."""
        config, learner = self.config.fit, self.learner
        before = self.samples
        begin = self._watch.clock.wall()
        loaded = self._loader.next()
        try:
            result = self._team.step(lambda: learner.train_step(self._imagined(loaded)))
        except NonFiniteLossError as error:
            return Stop('non_finite', str(error))
        if self.average is not None:
            self.average.update(learner.step)
        self._note(loaded, result, self._watch.clock.wall() - begin)
        self._watch.read()
        self.ended = self._rules.after_step(samples=self.samples, elapsed_s=self._elapsed())
        if _crossed(before, self.samples, config.validate_every):
            self._validate()
        elif _crossed(before, self.samples, config.checkpoint_every):
            self._checkpoint(best=False)
        return self.ended

    def _checkpoint(self, *, best: bool) -> None:
        """
        Save; the listeners hear of it first, and write down what they have.

        A log that lags behind the newest checkpoint would have a gap after a crash.
        """
        if self._team.leads and self._saved_step != self.learner.step:
            self._saved_step = self.learner.step
            self.tell(CHECKPOINT, f'step {self.learner.step}{", the best so far" if best else ""}')
            self._save(best)

    @property
    def samples(self) -> int:
        """Samples of all processes."""
        return self.learner.samples_seen

    def _elapsed(self) -> float:
        """Return the wall time; where rules go by it, all processes have the same."""
        if self.config.stopping.uses_time:
            return self._watch.agreed()
        return self.progress.wall_seconds

    def _imagined(self, loaded: Loaded) -> Any:
        if loaded.before is None or loaded.imagined is None:
            return loaded.batch
        return with_imagined_history(
            self.learner.model,
            loaded.batch.to(self._device),
            loaded.before.to(self._device),
            torch.from_numpy(loaded.imagined).to(self._device),
            self.config.optimizer.precision,
        )

    def _note(self, loaded: Loaded, result: StepResult, seconds: float) -> None:
        """Let the sampler, the average and the listeners know of a step."""
        losses = result.losses
        own = torch.stack([losses.plain, losses.focal, losses.hybrid], dim=1).cpu().numpy()
        values = self._team.interleave(own)
        kind = ('plain', 'focal', 'hybrid').index(self.config.loss.kind)
        self.sampler.observe(loaded.rows, values[:, kind])
        loss = float(values[:, kind].mean())
        last = self.progress.train_loss
        weight = self.config.stopping.train_loss_weight
        self.progress.train_loss = loss if math.isnan(last) else last + weight * (loss - last)
        self._emit(
            StepDone(
                step=self.learner.step,
                samples=self.samples,
                rows=loaded.rows,
                plain=values[:, 0],
                focal=values[:, 1],
                hybrid=values[:, 2],
                loss=loss,
                learning_rate=result.learning_rate,
                gradient_norm=float(result.gradient_norm),
                seconds=seconds,
            )
        )

    def _validate(self) -> None:
        norms = gradient_norms(self.learner.model)
        if self.average is None:
            found = self._validator(self.learner.model)
        else:
            with self.average.applied():
                found = self._validator(self.learner.model)
        progress = self.progress
        progress.validations += 1
        value = getattr(found, self.config.loss.kind)
        improved = value < progress.best
        if improved:
            progress.best, progress.best_step = value, self.learner.step
        progress.within_2px = found.within_2px
        self._watch.read()
        if progress.cpu_seconds_to_95 is None and found.within_2px >= NEAR_ENOUGH:
            progress.cpu_seconds_to_95 = progress.cpu_seconds
        stop = self._rules.after_validation(train_ema=progress.train_loss, validation=value)
        self.ended = stop or self.ended
        self._emit(
            Validated(
                step=self.learner.step,
                samples=self.samples,
                cpu_seconds=progress.cpu_seconds,
                wall_seconds=progress.wall_seconds,
                train_loss=progress.train_loss,
                plain=found.plain,
                focal=found.focal,
                hybrid=found.hybrid,
                within_2px=found.within_2px,
                best=progress.best,
                improved=improved,
                learning_rate=self.learner.optimizer.param_groups[0]['lr'],
                gradient_norms=norms,
                samples_per_second=self._watch.rate(self.samples),
                draw_counts=draw_summary(self.sampler),
            )
        )
        if improved:
            self._checkpoint(best=True)

    def _tell_validating(self) -> None:
        self._emit(Validating(step=self.learner.step, samples=self.samples))

    def _emit(self, event: Any) -> None:
        for listener in self._listeners:
            listener(event)


def _crossed(before: int, after: int, period: int) -> bool:
    """Return whether a multiple of ``period`` lies in (before, after]."""
    return after // period > before // period
