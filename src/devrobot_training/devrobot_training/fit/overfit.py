"""
Can a model memorise a few canvases? If it cannot, nothing else needs to be tried.

Shapes: n canvases, N patches, D values per patch.
"""

from collections.abc import Callable
from dataclasses import dataclass

from devrobot_interfaces_py.configs import check_ranges, ConfigError, param
from devrobot_training.data.canvases import CanvasSet
from devrobot_training.fit.config import TrainConfig
from devrobot_world_model.config import LossConfig
from devrobot_world_model.learning.step import Learner, NonFiniteLossError
from devrobot_world_model.model.factory import build_model
from devrobot_world_model.model.losses import compute_losses, constant_baselines
from devrobot_world_model.model.mae import Batch
from devrobot_world_model.model.patches import to_bytes, to_unit, unpatchify
import numpy as np
import torch
from torch import Tensor

#: Settings of a training, or groups of them, that count here.
USED = (
    *('canvas', 'model', 'loss', 'optimizer', 'seed', 'device', 'threads', 'attention'),
    *('fit.store', 'fit.memory_gb'),
)


@dataclass(frozen=True, kw_only=True)
class OverfitConfig:
    """How hard a model tries."""

    sizes: tuple[int, ...] = param((1, 4, 16), 'numbers of canvases to memorise, one by one')
    max_steps: int = param(600, 'training steps for each number', minimum=1, maximum=10_000_000)
    target: float = param(
        0.01,
        'training ends at this share of the loss of the best constant frame; memorised is up to '
        'twice that, measured afterwards',
        minimum=0.0,
        maximum=1.0,
    )

    def __post_init__(self) -> None:
        check_ranges(self)
        if not self.sizes or min(self.sizes) < 1:
            raise ConfigError(f'sizes are {list(self.sizes)}: give numbers from 1 on, like 1,4,16')


@dataclass(frozen=True, kw_only=True)
class Memorised:
    """
    What came of one number of canvases.

    ``truth`` and ``prediction`` are (n, H, W, 3) uint8; ``losses`` has one value per step.
    ``problem`` says in words what ended it before its time.
    """

    size: int
    steps: int
    loss: float
    trivial_loss: float
    trivial: str
    success: bool
    losses: tuple[float, ...]
    rows: np.ndarray
    history: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    problem: str = ''


def overfit(
    config: TrainConfig,
    canvases: CanvasSet,
    wanted: OverfitConfig,
    *,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> list[Memorised]:
    """
    Train a fresh model on each number of canvases until it has memorised them, or gives up.

    :param should_stop: ends it; what is unfinished then has no result.
    :raises ConfigError: if there are fewer canvases than asked for.
    """
    if max(wanted.sizes) > len(canvases):
        raise ConfigError(
            f'sizes asks for {max(wanted.sizes)} canvases, {canvases.name} has {len(canvases)}'
        )
    results: list[Memorised] = []
    total = wanted.max_steps * len(wanted.sizes)
    for number, size in enumerate(wanted.sizes):
        done = number * wanted.max_steps

        def tell(step: int, done: int = done) -> None:
            if progress is not None:
                progress(done + step, total)

        result = _memorise(config, canvases, size, wanted, tell, should_stop)
        if result is None:
            return results
        results.append(result)
    if progress is not None:
        progress(total, total)
    return results


def verdict(results: list[Memorised]) -> str:
    """Return in a sentence or two whether the model can memorise what it tried."""
    failed = [result for result in results if not result.success]
    if not failed:
        sizes = ', '.join(str(result.size) for result in results[:-1])
        tried = f'{sizes} and ' * bool(sizes) + counted(results[-1].size)
        return f'The model memorises {tried}: data, loss and optimiser fit together.'
    first = failed[0]
    if first.problem:
        return f'The model does NOT memorise {counted(first.size)}: {first.problem}.'
    return (
        f'The model does NOT memorise {counted(first.size)} in {first.steps} steps: its loss is '
        f'{first.loss:.4f}, {first.trivial} gives {first.trivial_loss:.4f}. '
        'Try another --optimizer.learning-rate, more --max-steps, or a larger model.'
    )


def counted(size: int) -> str:
    """Return a number of canvases in words."""
    return f'{size} canvas{"es" * (size != 1)}'


def _memorise(
    config: TrainConfig,
    canvases: CanvasSet,
    size: int,
    wanted: OverfitConfig,
    tell: Callable[[int], None],
    should_stop: Callable[[], bool],
) -> Memorised | None:
    """Try one number of canvases; None if it was to stop before the end."""
    rows = np.unique(np.linspace(0, len(canvases) - 1, size).round().astype(np.int64))
    batch = canvases.batch(rows)
    model = build_model(config.world_model())
    learner = Learner(model, loss=config.loss, optimizer=config.optimizer)
    trivial, trivial_loss = _best_trivial(batch, config.loss)
    losses: list[float] = []
    problem = ''
    while len(losses) < wanted.max_steps:
        try:
            losses.append(float(learner.train_step(batch).losses.of_kind(config.loss.kind).mean()))
        except NonFiniteLossError as error:
            problem = str(error)
            break
        tell(len(losses))
        if losses[-1] <= wanted.target * trivial_loss:
            break
        if should_stop():
            return None
    prediction, loss = _predict(learner, batch, config)
    layout = model.layout
    shape = (layout.rows, layout.columns, layout.patch_size)
    whole = batch.frames if batch.index is None else batch.frames[batch.index]
    return Memorised(
        size=size,
        steps=len(losses),
        loss=loss,
        trivial=trivial,
        trivial_loss=trivial_loss,
        success=not problem and loss <= 2 * wanted.target * trivial_loss,
        problem=problem,
        losses=tuple(losses),
        rows=rows,
        history=unpatchify(whole[:, :-1], *shape).numpy(),
        truth=unpatchify(batch.targets, *shape).numpy(),
        prediction=unpatchify(to_bytes(prediction), *shape).cpu().numpy(),
    )


def _best_trivial(batch: Batch, config: LossConfig) -> tuple[str, float]:
    """
    Return the name and loss of the best constant frame.

    Not of copying the last frame: of a canvas on which nothing moves that is perfect.
    """
    named = constant_baselines(to_unit(batch.targets), config)
    means = {name: float(losses.of_kind(config.kind).mean()) for name, losses in named.items()}
    best = min(means, key=means.__getitem__)
    return f'a frame that is all {best}', means[best]


@torch.no_grad()
def _predict(learner: Learner, batch: Batch, config: TrainConfig) -> tuple[Tensor, float]:
    """Return the (n, N, D) predictions and their mean loss."""
    model = learner.model.eval()
    device = next(model.parameters()).device
    prediction, _ = model(batch.to(device))
    losses = compute_losses(prediction, to_unit(batch.targets).to(device), config.loss)
    return prediction, float(losses.of_kind(config.loss.kind).mean())
