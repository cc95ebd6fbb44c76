"""An evaluation as plain data: what evaluation.json, summaries and messages are made of."""

from collections.abc import Mapping
from dataclasses import asdict
import math
from typing import Any

from devrobot_training.evaluation.evaluate import Evaluation
from devrobot_training.evaluation.statistics import describe, histogram, percentile
import numpy as np

NEAR_PX, NEARLY_PX = 2.0, 3.0
ROLLOUT_KEYS = (5, 10)
MEASURES = ('plain', 'focal', 'hybrid', 'psnr', 'ssim')
BASELINES = ('copy_last', 'black', 'mean_frame', 'grey')


def share_within(errors: np.ndarray | None, limit: float) -> float | None:
    """Return the share of errors up to ``limit`` px; NaN errors do not count, None without any."""
    if errors is None:
        return None
    counted = errors[~np.isnan(errors)]
    return float((counted <= limit).mean()) if len(counted) else None


def median_of(errors: np.ndarray | None) -> float | None:
    """Return the median of all errors but NaN; None without any, and where it is infinite."""
    middle = math.nan if errors is None else percentile(errors, 50)
    return middle if math.isfinite(middle) else None


def key_figures(evaluation: Evaluation) -> dict[str, float | None]:
    """Return the few numbers that summaries and tables show."""
    values = evaluation.values
    own, others = values.get('dot_error'), evaluation.other_dot_error
    figures: dict[str, float | None] = {
        'within_2px': share_within(own, NEAR_PX),
        'within_3px': share_within(own, NEARLY_PX),
        'counterfactual_within_2px': share_within(others, NEAR_PX),
        'counterfactual_within_3px': share_within(others, NEARLY_PX),
        'median_dot_error': median_of(own),
        'counterfactual_median_dot_error': median_of(others),
    }
    for step in ROLLOUT_KEYS:
        figures[f'rollout{step}_within_2px'] = _rollout_share(evaluation, step)
    for name in MEASURES:
        figures[name] = _mean(values[name])
        for baseline in BASELINES:
            figures[f'{name}_{baseline}'] = _mean(values[f'{name}_{baseline}'])
    for suffix in ('', *(f'_{baseline}' for baseline in BASELINES)):
        figures[f'exact{suffix}'] = _exact(values[f'psnr{suffix}'])
    figures['hybrid_wrong_action'] = _mean(values['hybrid_wrong'])
    return figures


def to_dict(evaluation: Evaluation) -> dict[str, Any]:
    """Return everything as data that JSON can hold; what is not finite is None."""
    canvases, values = evaluation.canvases, evaluation.values
    labels = canvases.action_labels
    measured = {name: asdict(describe(values[name])) for name in sorted(values)}
    return plain(
        {
            'session': canvases.name,
            'count': len(evaluation.rows),
            'stride': evaluation.config.stride,
            **key_figures(evaluation),
            'mean_frame_from': 'training' if evaluation.baselines.from_training else 'itself',
            'statistics': measured,
            'histogram': asdict(histogram(values['hybrid'])),
            'over_time': {
                'stamp_ns': _stamps(evaluation).tolist(),
                'transition': canvases.transition[evaluation.rows].tolist(),
                'action': evaluation.actions.tolist(),
                'hybrid': values['hybrid'].tolist(),
            },
            'by_action': {
                label: _of_action(evaluation, number) for number, label in enumerate(labels)
            },
            'divergence': [
                {**asdict(pair), 'first': labels[pair.first], 'second': labels[pair.second]}
                for pair in evaluation.divergence
            ],
            'rollouts': _rollouts(evaluation),
        }
    )


def _stamps(evaluation: Evaluation) -> np.ndarray:
    """Return the (V,) ends of the last actions [ns]."""
    canvases, rows = evaluation.canvases, evaluation.rows
    stamps = np.empty(len(rows), np.int64)
    for number, session in enumerate(canvases.sessions):
        own = canvases.session[rows] == number
        stamps[own] = session.transitions['finish_ns'][canvases.transition[rows[own]]]
    return stamps


def plain(value: Any) -> Any:
    """Return a copy in which numbers that are not finite are None, and keys are text."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def _of_action(evaluation: Evaluation, action: int) -> dict[str, Any]:
    """Return the figures of the canvases whose last action this was."""
    own = evaluation.actions == action
    values = evaluation.values
    found: dict[str, Any] = {'count': int(own.sum())}
    for name in ('plain', 'hybrid', 'hybrid_copy_last', 'hybrid_wrong', 'psnr', 'ssim'):
        found[name] = _mean(values[name][own])
    found['exact'] = _exact(values['psnr'][own])
    if 'dot_error' in values and evaluation.other_dot_error is not None:
        found |= _dots('', values['dot_error'][own])
        # As the action that was not taken: how right is what the model expects of it.
        found |= _dots('counterfactual_', evaluation.other_dot_error[:, action])
    return found


def _dots(prefix: str, errors: np.ndarray) -> dict[str, float | None]:
    return {
        f'{prefix}within_2px': share_within(errors, NEAR_PX),
        f'{prefix}within_3px': share_within(errors, NEARLY_PX),
        f'{prefix}median_dot_error': median_of(errors),
    }


def _rollouts(evaluation: Evaluation) -> dict[str, Any] | None:
    rollouts = evaluation.rollouts
    if rollouts is None:
        return None
    found: dict[str, Any] = {
        'count': len(rollouts),
        'steps': rollouts.rows.shape[1],
        'plain': rollouts.plain.mean(axis=0).tolist(),
        'hybrid': rollouts.hybrid.mean(axis=0).tolist(),
        'hybrid_copy_first': rollouts.hybrid_copy_first.mean(axis=0).tolist(),
    }
    if rollouts.dot_error is not None:
        found['within_2px'] = [share_within(e, NEAR_PX) for e in rollouts.dot_error.T]
        found['median_dot_error'] = [median_of(e) for e in rollouts.dot_error.T]
    return found


def _rollout_share(evaluation: Evaluation, step: int) -> float | None:
    rollouts = evaluation.rollouts
    if rollouts is None or rollouts.dot_error is None or rollouts.dot_error.shape[1] < step:
        return None
    return share_within(rollouts.dot_error[:, step - 1], NEAR_PX)


def _exact(psnr: np.ndarray) -> int:
    """Return how many predictions have no error at all, which a mean PSNR leaves out."""
    return int(np.isposinf(psnr).sum())


def _mean(values: np.ndarray) -> float | None:
    """Return the mean of the finite values, None without any."""
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else None
