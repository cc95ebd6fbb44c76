"""The end of a run: its best weights, evaluated; summary, pictures and page."""

from collections.abc import Callable
from typing import Any

from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.evaluation.evaluate import evaluate
from devrobot_training.evaluation.files import write_evaluation
from devrobot_training.evaluation.result import key_figures, plain
from devrobot_training.fit.run_folder import BEST, LAST
from devrobot_training.fit.stopping import Stop
from devrobot_training.fit.training import Training
from devrobot_world_model.learning.restoring import load_model


def summarise(
    training: Training,
    stop: Stop,
    config: EvaluationConfig,
    *,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """
    Evaluate the best weights of a run and write what came out; return the summary.

    :raises CheckpointError: if the checkpoint cannot be read.
    :raises OSError: if the disk refuses.
    """
    folder, data = training.folder, training.data
    link = BEST if folder.target(BEST) else LAST
    device = str(next(training.learner.model.parameters()).device)
    model, loaded = load_model(folder.checkpoints, link, device)
    evaluation = evaluate(
        model,
        data.validation,
        config,
        loss=training.config.loss,
        precision=training.config.optimizer.precision,
        train=data.train,
        progress=progress,
    )
    facts = {
        'run': str(folder.path),
        'trained on': data.train.name,
        'evaluated on': data.validation.name,
        'checkpoint': f'{link}, step {loaded.counters["optimizer_step"]}',
        'stopped': f'{stop.reason}: {stop.message}',
    }
    page = write_evaluation(evaluation, folder.path, title=folder.path.name, facts=facts)
    done = training.fitter.progress
    summary = plain(
        {
            'run': str(folder.path),
            'report': str(page),
            'checkpoint': str(folder.checkpoints / link),
            'best_step': loaded.counters['optimizer_step'],
            'seed': training.config.seed,
            'train': data.train.name,
            'validation': data.validation.name,
            'digests': dict(data.digests),
            'train_canvases': len(data.train),
            'validation_canvases': len(data.validation),
            'stop_reason': stop.reason,
            'stop_message': stop.message,
            'steps': training.learner.step,
            'samples': training.fitter.samples,
            'cpu_seconds': done.cpu_seconds,
            'wall_seconds': done.wall_seconds,
            'cpu_seconds_to_95': done.cpu_seconds_to_95,
            'best_validation_loss': done.best,
            **key_figures(evaluation),
        }
    )
    folder.write_summary(summary)
    return summary
