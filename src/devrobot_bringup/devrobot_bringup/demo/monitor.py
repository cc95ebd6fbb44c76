"""
Compare predictions with what the camera showed, from images and events alone.

No ROS here: the node hands over messages as arrays and numbers. Shapes: images are (H, W, 3)
uint8 of the model's frame size; A actions; a counterfactual image is (H, A*(S+W), 3), per action
a bar of S px and the predicted frame.
"""

from collections import deque, OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
import math

from devrobot_interfaces_py.actions import ActionEvent, ActionSpace
from devrobot_interfaces_py.images import resize
from devrobot_world_model.canvas.history import Chain, Frame, History, Transition
from devrobot_world_model.measures.dots import dot_distance, dot_position
import numpy as np

STEP_PARAMETER = 'step_px'
KEPT = 500


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One prediction beside the frame that came; errors in px and in squared pixel values."""

    sequence: int
    action: int
    seconds: float
    on_time: bool
    dot_error: float
    counterfactual_errors: tuple[float, ...]
    mse: float
    mse_copy_last: float
    mse_black: float


@dataclass(frozen=True, kw_only=True)
class Example:
    """The images of one outcome, for the picture."""

    outcome: Outcome
    history: tuple[np.ndarray, ...]
    actions: tuple[int, ...]
    truth: np.ndarray
    predictions: tuple[np.ndarray, ...]


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    """A transition whose prediction has not arrived."""

    chain: Chain
    seconds: float
    frame_published_ns: int


class DemoMonitor:
    """
    Pairs frames with actions, and predictions with frames.

    A prediction counts as made in time only if it was published before the frame was.
    """

    def __init__(self, space: ActionSpace, frames_per_canvas: int = 3) -> None:
        """``space`` tells how far each action moves the dot, where the robot is one."""
        self.space = space
        self.steps_px = dot_steps(space)
        self._history_length = frames_per_canvas - 1
        self._history = History(action_count=len(space), chain_length=self._history_length)
        self._published_ns: OrderedDict[int, int] = OrderedDict()
        self._predictions: OrderedDict[int, tuple[np.ndarray, int]] = OrderedDict()
        self._open: deque[_Waiting] = deque(maxlen=KEPT)
        self.outcomes: list[Outcome] = []
        self.example: Example | None = None
        self.actions_seen = 0
        self.predictable = 0

    def on_event(self, event: ActionEvent, now: float) -> list[Outcome]:
        """Take an action event that was received at ``now`` (s); return new outcomes."""
        return self._settle(self._history.add_event(event), now)

    def on_frame(
        self, stamp_ns: int, image: np.ndarray, published_ns: int, now: float
    ) -> list[Outcome]:
        """Take a camera image and the time at which it was published."""
        _remember(self._published_ns, stamp_ns, published_ns)
        chains = self._history.add_frame(Frame(stamp_ns=stamp_ns, image=image))
        return self._settle(chains, now)

    def on_counterfactuals(
        self, stamp_ns: int, image: np.ndarray, published_ns: int, now: float
    ) -> list[Outcome]:
        """Take the predictions for all actions, stamped with the start of the action taken."""
        _remember(self._predictions, stamp_ns, (image, published_ns))
        return self._settle([], now)

    def _settle(self, chains: list[Chain], now: float) -> list[Outcome]:
        """Pair what has come; frames wait for predictions that are still on their way."""
        self.actions_seen += len(chains)
        self.predictable += sum(len(chain) >= self._history_length for chain in chains)
        self._open.extend(
            _Waiting(
                chain=chain,
                seconds=now,
                frame_published_ns=self._published_ns[chain[-1].after.stamp_ns],
            )
            for chain in chains
        )
        done = []
        waiting: deque[_Waiting] = deque(maxlen=KEPT)
        for item in self._open:
            found = self._predictions.pop(item.chain[-1].start_ns, None)
            if found is None:
                waiting.append(item)
            else:
                done.append(self._compare(item, *found))
        self._open = waiting
        self.outcomes.extend(done)
        return done

    def _compare(self, item: _Waiting, image: np.ndarray, published_ns: int) -> Outcome:
        chain, transition = item.chain, item.chain[-1]
        # A model that listened earlier can predict where the history here is still short.
        self.predictable += int(len(chain) < self._history_length)
        predicted = split_counterfactuals(image, len(self.space))
        height, width = predicted[0].shape[:2]
        truth = resize(transition.after.image, height, width)
        last = resize(transition.before.image, height, width)
        own = predicted[transition.action]
        outcome = Outcome(
            sequence=transition.sequence,
            action=transition.action,
            seconds=item.seconds,
            on_time=published_ns < item.frame_published_ns,
            dot_error=self._dot_error(own, truth),
            counterfactual_errors=self._counterfactual_errors(predicted, last, transition),
            mse=_mse(own, truth),
            mse_copy_last=_mse(last, truth),
            mse_black=_mse(np.zeros_like(truth), truth),
        )
        self.example = Example(
            outcome=outcome,
            history=tuple(resize(t.before.image, height, width) for t in chain),
            actions=tuple(t.action for t in chain),
            truth=truth,
            predictions=predicted,
        )
        return outcome

    def _dot_error(self, predicted: np.ndarray, truth: np.ndarray) -> float:
        if not self.steps_px:
            return math.nan
        height, width = truth.shape[:2]
        return dot_distance(dot_position(predicted), dot_position(truth), height, width)

    def _counterfactual_errors(
        self, predicted: Sequence[np.ndarray], last: np.ndarray, transition: Transition
    ) -> tuple[float, ...]:
        """Return how far off the predictions of the actions are that were not taken."""
        before, camera_width = dot_position(last), transition.before.image.shape[1]
        return tuple(
            self._counterfactual_error(predicted[action], before, step_px / camera_width)
            for action, step_px in enumerate(self.steps_px)
            if action != transition.action
        )

    def _counterfactual_error(
        self, predicted: np.ndarray, before: tuple[float, float] | None, step: float
    ) -> float:
        height, width = predicted.shape[:2]
        if before is None:
            return math.inf
        shift = step * width
        expected = ((before[0] + shift) % width, before[1])
        return dot_distance(dot_position(predicted), expected, height, width)


def dot_steps(space: ActionSpace) -> list[float]:
    """Return how far each action moves the dot [px]; nothing for a robot that is no dot."""
    known = [dict(action.parameters).get(STEP_PARAMETER) for action in space.actions]
    return [] if None in known else [step for step in known if step is not None]


def split_counterfactuals(image: np.ndarray, actions: int) -> tuple[np.ndarray, ...]:
    """
    Return the ``actions`` predicted frames of a counterfactual image, bars cut away.

    Shapes: (H, A*(S+W), 3) gives A times (H, W, 3). The bar is the run of columns at the left
    edge that have the colour of the first pixel.

    :raises ValueError: if the width is no multiple of ``actions``.
    """
    block, rest = divmod(image.shape[1], actions)
    if rest:
        raise ValueError(f'{image.shape[1]} px do not hold {actions} equal predictions')
    bar = _bar_width(image)
    return tuple(image[:, i * block + bar : (i + 1) * block] for i in range(actions))


def _bar_width(image: np.ndarray) -> int:
    color = image[0, 0]
    same = (image == color).all(axis=(0, 2))
    return int(np.argmin(same))


def _mse(a: np.ndarray, b: np.ndarray) -> float:
    return float(np.mean(np.square((a.astype(np.float32) - b.astype(np.float32)) / 255.0)))


def _remember(store: OrderedDict, key: int, value: object) -> None:
    store[key] = value
    while len(store) > KEPT:
        store.popitem(last=False)
