"""What a checkpoint is worth on the original session, measured once and written down."""

from collections.abc import Callable
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.atomic import write_json
from devrobot_training.data.canvases import CanvasSet
from devrobot_training.evaluation.evaluate import evaluate
from devrobot_training.evaluation.measures import make_baselines
from devrobot_training.evaluation.result import BASELINES, to_dict
from devrobot_training.fit.training import canvases_of, Reading
from devrobot_training.records import from_plain, to_plain
from devrobot_training.report.examples import save_attention, save_examples
from devrobot_training.report.stage_records import Example, TrivialLosses
from devrobot_training.report.summary import Attention
from devrobot_training.sessions.opening import open_session
from devrobot_training.staged.config import StagedConfig
from devrobot_world_model.config import LossConfig
from devrobot_world_model.learning.restoring import load_model
from devrobot_world_model.model.losses import compute_losses
from devrobot_world_model.model.patches import to_unit
import numpy as np
import torch

FILE, PICTURES = 'assessment.json', 'examples'
BATCH = 64


@dataclass(frozen=True, kw_only=True)
class Assessment:
    """What was measured of one checkpoint; ``evaluation`` is ``evaluation.result.to_dict``."""

    original_loss: float | None
    evaluation: dict[str, Any]
    examples: tuple[Example, ...]
    worst: tuple[Example, ...]
    attention: Attention | None

    @property
    def trivial(self) -> TrivialLosses:
        """What predictions without a model score on the same canvases."""
        return TrivialLosses(**{name: self.evaluation.get(f'hybrid_{name}') for name in BASELINES})


def opened_canvases(
    path: Path,
    config: StagedConfig,
    *,
    namespace: str,
    skip_faulty: bool,
    reading: Reading | None = None,
) -> CanvasSet:
    """
    Return the canvases of a session.

    :param reading: called with how much is done of reading a bag, or the frames of the session.
    :raises SessionError: if it cannot be used.
    """
    session = open_session(path, namespace=namespace, skip_faulty=skip_faulty, progress=reading)
    return canvases_of(session, config, reading)


def assess(
    checkpoint: Path,
    folder: Path,
    run_folder: Path,
    config: StagedConfig,
    original: Callable[[], CanvasSet],
    *,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Assessment:
    """
    Measure a checkpoint unless that was done; figures and pictures go to ``folder``.

    :raises EvaluationStoppedError: if ``should_stop`` said so.
    """
    done = read_assessment(folder)
    if done is not None:
        return done
    model, _ = load_model(checkpoint.parent, checkpoint.name, config.device)
    evaluation = evaluate(
        model,
        original(),
        config.evaluation,
        loss=config.loss,
        precision=config.optimizer.precision,
        progress=progress,
        should_stop=should_stop,
    )
    data = to_dict(evaluation)
    place = str((folder / PICTURES).relative_to(run_folder))
    examples, worst = save_examples(evaluation, run_folder, place)
    made = Assessment(
        original_loss=data['hybrid'],
        evaluation=data,
        examples=examples,
        worst=worst,
        attention=save_attention(model, evaluation, run_folder, place),
    )
    write_json(folder / FILE, to_plain(made))
    return made


def read_assessment(folder: Path) -> Assessment | None:
    """Return what was measured before; None if nothing was, or it cannot be read."""
    try:
        text = (folder / FILE).read_text(encoding='utf-8')
        return from_plain(Assessment, json.loads(text))
    except (OSError, ValueError):
        return None


@torch.no_grad()
def trivial_losses(canvases: CanvasSet, train: CanvasSet, loss: LossConfig) -> TrivialLosses:
    """Return the mean hybrid losses of the predictions that need no model."""
    baselines = make_baselines(train, loss, from_training=True)
    sums = dict.fromkeys(BASELINES, 0.0)
    for begin in range(0, len(canvases), BATCH):
        batch = canvases.batch(np.arange(begin, min(begin + BATCH, len(canvases))))
        truth = to_unit(batch.targets.cpu())
        whole = batch.frames if batch.index is None else batch.frames[batch.index]
        guesses = {
            'copy_last': to_unit(whole[:, -2].cpu()),
            'black': torch.zeros_like(truth),
            'mean_frame': baselines.mean_frame.expand_as(truth),
            'grey': torch.full_like(truth, baselines.grey),
        }
        for name, guess in guesses.items():
            sums[name] += float(compute_losses(guess, truth, loss).hybrid.double().sum())
    return TrivialLosses(**{name: total / len(canvases) for name, total in sums.items()})
