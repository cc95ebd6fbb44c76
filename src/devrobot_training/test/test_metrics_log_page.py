"""The page about metrics knows every number that is written, and its examples are true."""

from collections.abc import Iterable, Mapping
import json
from pathlib import Path
import re
from typing import Any

from devrobot_interfaces_py.parameter_tables import markdown_table
from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.evaluation.result import BASELINES
from devrobot_training.fit import stopping
from devrobot_training.fit.finish import summarise
from devrobot_training.fit.stopping import StoppingConfig
from devrobot_training.logs.recording import MetricsRecorder
from devrobot_world_model.config import LossConfig
from devrobot_world_model.model.losses import compute_losses, constant_baselines
from fit_worlds import dot_session, limited, open_small, train_small
import numpy as np
import pytest
from recorded_events import Kept, STEP, VALIDATED
import torch

PAGE = Path(__file__).parents[3] / 'docs' / 'metrics.md'
TEXT = PAGE.read_text(encoding='utf-8')
CODE = set(re.findall(r'`([^`\n]+)`', TEXT))
COLUMNS = ('unit', 'good', 'bad')
SUFFIXES = tuple(f'_{name}' for name in BASELINES)
# What a row or a file is about: explained in words, and no metrics.
ABOUT_ROWS = {'kind', 'rows', 'step', 'samples'}
ABOUT_SUMMARY = {
    'run', 'report', 'checkpoint', 'best_step', 'seed', 'train', 'validation', 'digests',
    'train_canvases', 'validation_canvases', 'stop_reason', 'stop_message', 'steps', 'samples',
}  # fmt: skip
ABOUT_EVALUATION = {
    'session', 'count', 'stride', 'mean_frame_from', 'statistics', 'histogram', 'over_time',
    'by_action',
}  # fmt: skip


def metric_tables() -> dict[str, dict[str, str]]:
    """Return the cells of each metric's row by the head of their column."""
    found: dict[str, dict[str, str]] = {}
    heads: list[str] = []
    for line in TEXT.splitlines():
        cells = [cell.strip() for cell in line.split('|')[1:-1]]
        if not cells:
            heads = []
        elif not heads:
            heads = cells
        elif heads[0] == 'key':
            row = dict(zip(heads, cells, strict=True))
            found |= dict.fromkeys(re.findall(r'`([^`]+)`', row['key']), row)
    return found


METRICS = metric_tables()


def unexplained(names: Iterable[str]) -> list[str]:
    """Return the names that have no row of their own, nor of their stem and suffix."""
    stems = {name: next((s for s in SUFFIXES if name.endswith(s)), '') for name in names}
    return sorted(
        name
        for name, suffix in stems.items()
        if name not in METRICS and not (suffix in CODE and name.removesuffix(suffix) in METRICS)
    )


def test_every_metric_has_its_formula_unit_good_and_bad_values():
    assert len(METRICS) > 35
    for name, row in METRICS.items():
        formula = row.get('formula') or row.get('is')
        cells = [formula, *(row[column] for column in COLUMNS)]
        assert all(cells), f'{name}: write – where there is nothing to say'


def flat(values: Mapping[str, Any], prefix: str = '') -> set[str]:
    """Return dotted names."""
    found = set()
    for name, value in values.items():
        inside = isinstance(value, Mapping)
        found |= flat(value, f'{prefix}{name}.') if inside else {prefix + name}
    return found


def test_every_number_of_the_log_is_explained():
    kept = Kept()
    recorder = MetricsRecorder(kept)
    for event in (STEP, VALIDATED):
        recorder(event)
    names = set().union(*map(flat, kept.rows)) - ABOUT_ROWS
    names = {name.removeprefix('validation.') for name in names}
    parts = {name for name in names if name.startswith('gradient_norms.')}
    assert len(names) > 20 and parts
    assert unexplained(names - parts | {'gradient_norms'}) == []
    words = {name.removeprefix('gradient_norms.') for name in parts} | {'step', 'samples'}
    assert sorted(words - CODE) == []


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    """Return the folder of a short run with its summary."""
    folder = tmp_path_factory.mktemp('run')
    data = open_small(dot_session(folder / 'bag', steps=50, reset_every=25))
    _, training = train_small(folder / 'run', data, limited(20))
    stop = training.fitter.ended
    assert stop is not None
    summarise(training, stop, EvaluationConfig())
    return folder / 'run'


def test_every_figure_of_a_summary_is_explained(run):
    names = set(json.loads((run / 'summary.json').read_text()))
    assert names >= ABOUT_SUMMARY and len(names) > 50
    assert unexplained(names - ABOUT_SUMMARY) == []
    assert sorted(ABOUT_SUMMARY - CODE) == []


def test_every_figure_of_an_evaluation_is_explained(run):
    data = json.loads((run / 'evaluation.json').read_text())
    assert data.keys() >= ABOUT_EVALUATION
    figures = {name: data[name] for name in data.keys() - ABOUT_EVALUATION - {'divergence'}}
    names = flat(figures) | {f'divergence.{name}' for name in data['divergence'][0]}
    places = {'divergence.first', 'divergence.second', 'divergence.count'}
    places |= {'rollouts.count', 'rollouts.steps'}
    assert names >= places
    assert unexplained(names - places) == []
    for action in data['by_action'].values():
        assert unexplained(action.keys() - {'count'}) == []
    words = {name for part in ('histogram', 'over_time') for name in data[part]}
    words |= set(data['statistics']['hybrid']) | ABOUT_EVALUATION | {'first', 'second'}
    assert sorted(words - CODE) == []
    measures = data['statistics'].keys()
    assert unexplained(measures - {'dot_error'}) == []


def test_every_reason_to_stop_is_explained():
    reasons = [value for name, value in vars(stopping).items() if name.isupper()]
    assert len(reasons) == 6
    assert [reason for reason in reasons if f'\n| `{reason}` |' not in TEXT] == []


def test_the_table_of_stopping_rules_is_up_to_date():
    table = markdown_table(StoppingConfig)
    assert table in TEXT, f'paste into docs/metrics.md:\n{table}'


def disc(size: int, radius: int) -> torch.Tensor:
    """Return (1, 1, D) values of a white dot on black, D = size x size x 3."""
    y, x = np.mgrid[:size, :size] - size // 2
    frame = (x * x + y * y <= radius * radius).astype(np.float32)
    return torch.from_numpy(frame).reshape(1, 1, -1).repeat(1, 1, 3)


@pytest.mark.parametrize(('size', 'radius'), [(64, 3), (224, 5)])
def test_a_grey_frame_beats_black_by_the_hybrid_loss_as_the_page_says(size, radius):
    truth = disc(size, radius)
    found = constant_baselines(truth, LossConfig())
    black, grey = (float(found[name].hybrid.mean()) for name in ('black', 'grey'))
    assert f' {black:.3g} ' in TEXT and f' {grey:.3g}' in TEXT
    assert grey < black / 3
    nothing = compute_losses(torch.zeros_like(truth), truth, LossConfig())
    if size == 64:
        assert f'{float(nothing.plain.mean()):.3f}' in TEXT  # "black scores 0.007"
