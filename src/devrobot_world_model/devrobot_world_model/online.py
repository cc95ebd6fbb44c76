"""
The online loop: frames and events in, predictions, scores and training steps out.

No ROS and no threads inside. One thread feeds frames and events, one (the same or another) calls
``learn``. Live use, replay of a recording and tests feed the same loop, so that their losses are
equal. Shapes: see ``results`` and ``model.mae``.
"""

from collections.abc import Sequence
import threading

from devrobot_interfaces_py.actions import ActionEvent, ActionSpace, Phase
from devrobot_interfaces_py.configs import config_to_dict
from devrobot_interfaces_py.images import resize
from devrobot_world_model.canvas.history import Chain, Frame, History
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.canvas.tensors import FramePatcher
from devrobot_world_model.config import WorldModelConfig
from devrobot_world_model.imagination import Imagination
from devrobot_world_model.learning.acting import Actor
from devrobot_world_model.learning.experience import check_rng_state, Experience
from devrobot_world_model.learning.scoring import score_prediction
from devrobot_world_model.learning.state import learner_state, restore_learner
from devrobot_world_model.learning.step import Learner, StepResult
from devrobot_world_model.model.factory import build_model
from devrobot_world_model.results import (
    LoopState,
    NotReadyError,
    OnlineStats,
    Prediction,
    Score,
    Update,
)
import numpy as np
import torch
from torch import Tensor


class OnlineLoop:
    """
    A world model that predicts at the start of every action and learns from its outcome.

    Lives as long as one configured node or one replayed session.
    """

    def __init__(
        self, config: WorldModelConfig, action_space: ActionSpace, *, concurrent: bool = False
    ) -> None:
        """
        Build the model for ``action_space``.

        :param concurrent: let ``learn`` run in another thread than everything else.
        """
        self.config = config
        self.action_space = action_space
        self.layout = CanvasLayout.from_config(config)
        self.colors = [action.separator_color for action in action_space.actions]
        model = build_model(config)
        generator = torch.Generator(next(model.parameters()).device).manual_seed(config.seed)
        self._learner = Learner(
            model, loss=config.loss, optimizer=config.optimizer, generator=generator
        )
        self._actor = Actor(model, precision=config.optimizer.precision, concurrent=concurrent)
        self._imagination = Imagination(self.layout, self.colors, self._actor)
        self._history = History(
            action_count=len(action_space), chain_length=config.canvas.frames - 1
        )
        self._experience = Experience(
            self.layout, self.colors, capacity=config.online.replay_frames, seed=config.seed
        )
        self._patcher = FramePatcher(self.layout)
        self._waiting: ActionEvent | None = None
        self._open: Prediction | None = None
        self._counts = dict.fromkeys(('frames', 'made', 'missed', 'skipped', 'gated'), 0)
        self._last_loss = float('nan')
        self._learn_lock = threading.Lock()
        self.learning = config.online.learning
        self.quality_gate = config.online.quality_gate

    def on_frame(self, stamp_ns: int, image: np.ndarray) -> Update:
        """Take an (H', W', 3) uint8 RGB image; it is resized to the canvas where it differs."""
        self._counts['frames'] += 1
        frame = resize(image, self.layout.frame_height, self.layout.frame_width)
        chains = self._history.add_frame(Frame(stamp_ns=stamp_ns, image=frame))
        return self._update(chains)

    def on_event(self, event: ActionEvent, *, predict: bool = True) -> Update:
        """
        Take an action event; a started action is predicted as soon as its history is there.

        :param predict: False lets the prediction out and counts it as missed, to catch up.
        """
        chains = self._history.add_event(event)
        if event.phase == Phase.STARTED:
            self._expect(event)
            if not predict:
                self._expect(None)
        elif event.phase in (Phase.ABORTED, Phase.RESET):
            self._expect(None)
            self._open = None
        return self._update(chains)

    def learn(self) -> StepResult | None:
        """
        Make one training step on the newest and on replayed samples.

        Returns None if no new sample wants one, or learning is off.

        :raises NonFiniteLossError: the weights are as before.
        """
        batch = self._experience.batch(self.config.online.batch_size) if self.learning else None
        if batch is None:
            return None
        with self._learn_lock:
            result = self._learner.train_step(batch)
            self._actor.refresh()
        return result

    def count_skipped(self) -> None:
        """Note that a sample came while the learner was busy."""
        self._counts['skipped'] += 1

    def set_learning(self, enabled: bool) -> None:
        """Switch learning on or off; predictions go on."""
        self.learning = enabled

    def reset_history(self) -> None:
        """Forget the recent frames and actions; the model and its memory stay."""
        self._history.clear()
        self._expect(None)
        self._open = None

    def predict(self, action: int) -> Prediction:
        """
        Return what ``action`` would do now; the outcome is not scored.

        :raises UnknownActionError: if the action does not exist.
        :raises NotReadyError: without enough chained frames.
        """
        self.action_space.check(action)
        frames, actions = self._recent()
        return self._imagination.predict(
            frames, [*actions, action], sequence=0, stamp_ns=frames[-1].stamp_ns
        )

    def rollout(self, actions: Sequence[int]) -> list[np.ndarray]:
        """
        Return the imagined frames after each of ``actions``.

        :raises NotReadyError: without enough chained frames.
        """
        for action in actions:
            self.action_space.check(action)
        frames, past = self._recent()
        return self._imagination.rollout(frames, past, actions)

    def attention_weights(self, action: int) -> list[Tensor]:
        """
        Return per decoder layer the (heads, N, M + N) weights of predicting ``action`` now.

        :raises NotReadyError: without enough chained frames.
        """
        self.action_space.check(action)
        frames, past = self._recent()
        return self._imagination.attention(frames, [*past, action])

    @property
    def stats(self) -> OnlineStats:
        """Counters since the loop was made."""
        return OnlineStats(
            frames=self._counts['frames'],
            transitions=self._history.paired,
            unpaired={reason.value: n for reason, n in self._history.unpaired.items() if n},
            predictions=self._counts['made'],
            predictions_missed=self._counts['missed'],
            samples_seen=self._learner.samples_seen,
            optimizer_step=self._learner.step,
            steps_skipped=self._counts['skipped'],
            steps_gated=self._counts['gated'],
            learning=self.learning,
        )

    def state(self) -> LoopState:
        """Return everything that a checkpoint holds, as copies."""
        with self._learn_lock:
            tensors, counters, state = learner_state(self._learner)
        state['replay_rng'] = self._experience.rng_state()
        return LoopState(
            tensors=tensors,
            config=config_to_dict(self.config),
            metrics={'validation_loss': self._last_loss},
            counters=counters,
            state=state,
        )

    def load_state(self, saved: LoopState, restore_optimizer: bool = True) -> None:
        """
        Take over a saved state; everything is checked before anything is changed.

        :raises IncompatibleCheckpointError: with what does not fit.
        """
        configs = (saved.config, config_to_dict(self.config))
        replay_rng = saved.state.get('replay_rng') if restore_optimizer else None
        if replay_rng is not None:
            check_rng_state(replay_rng)
        with self._learn_lock:
            restore_learner(
                self._learner,
                saved.tensors,
                configs,
                saved.counters,
                saved.state,
                restore_optimizer,
            )
            self._actor.refresh()
        if replay_rng is not None:
            self._experience.restore_rng(replay_rng)

    def _expect(self, event: ActionEvent | None) -> None:
        if self._waiting is not None:
            self._counts['missed'] += 1
        self._waiting = event

    def _update(self, chains: list[Chain]) -> Update:
        scores, learn = [], False
        for chain in chains:
            if self._waiting is not None and self._waiting.sequence == chain[-1].sequence:
                self._expect(None)
            score = self._score(chain)
            if score is not None:
                scores.append(score)
            learn = self._remember(chain, score) or learn
        prediction = self._predict_waiting()
        return Update(
            predictions=() if prediction is None else (prediction,),
            scores=tuple(scores),
            learn=learn,
        )

    def _predict_waiting(self) -> Prediction | None:
        event = self._waiting
        context = event and self._history.context(event.sequence)
        if not event or not context or len(context[0]) < self.layout.frames - 1:
            return None
        self._waiting = None
        frames, actions = self._trim(*context)
        self._open = self._imagination.predict(
            frames, [*actions, event.action], sequence=event.sequence, stamp_ns=event.stamp_ns
        )
        self._counts['made'] += 1
        return self._open

    def _trim(self, frames: list[Frame], actions: list[int]) -> tuple[list[Frame], list[int]]:
        count = self.layout.frames - 1
        return frames[-count:], actions[len(actions) - (count - 1) :]

    def _recent(self) -> tuple[list[Frame], list[int]]:
        chain = self._history.chain
        needed = self.layout.frames - 2
        newest = self._history.newest_frame
        if len(chain) < needed or newest is None:
            raise NotReadyError(
                f'{needed} finished action(s) with frames are needed for a prediction, there are '
                f'{len(chain)}: let the robot act first'
            )
        past = chain[len(chain) - needed :]
        return [*(t.before for t in past), newest], [t.action for t in past]

    def _score(self, chain: Chain) -> Score | None:
        transition, prediction = chain[-1], self._open
        if prediction is None or prediction.sequence != transition.sequence:
            return None
        self._open = None
        figures = score_prediction(
            prediction.patches[prediction.action],
            self._patcher.patches(transition.after.image),
            self._patcher.patches(transition.before.image),
            self.config.loss,
        )
        self._last_loss = figures['hybrid']
        return Score(
            sequence=transition.sequence,
            action=transition.action,
            stamp_ns=prediction.stamp_ns,
            prediction=prediction,
            truth=transition.after.image,
            **figures,
        )

    def _remember(self, chain: Chain, score: Score | None) -> bool:
        """Keep the newest canvas; return whether it wants a training step."""
        gated = score is not None and score.hybrid < self.quality_gate
        wanted = self.learning and not gated
        if not self._experience.remember(chain, wanted):
            return False
        self._counts['gated'] += int(self.learning and gated)
        return wanted
