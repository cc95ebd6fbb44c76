"""The page about metrics knows every number that is written, and its examples are true."""

from pathlib import Path
import re

from devrobot_interfaces_py.configs import markdown_table
from devrobot_training.evaluation.result import BASELINES, MEASURES, NEAR_PX, NEARLY_PX
from devrobot_training.fit import stopping
from devrobot_training.fit.stopping import StoppingConfig
from devrobot_training.logs.recording import MetricsRecorder
from devrobot_world_model.config import LossConfig
from devrobot_world_model.model.losses import compute_losses, constant_baselines
import numpy as np
import pytest
from recorded_events import Kept, STEP, VALIDATED
import torch

PAGE = Path(__file__).parents[3] / 'docs' / 'metrics.md'
TEXT = PAGE.read_text(encoding='utf-8')
CODE = set(re.findall(r'`([^`\n]+)`', TEXT))
NAMES = {'kind', 'rows'}  # what a row is, and which canvases it is about: no metrics


def written() -> list:
    kept = Kept()
    recorder = MetricsRecorder(kept)
    for event in (STEP, VALIDATED):
        recorder(event)
    return kept.rows


def names(row: dict) -> set[str]:
    found = set()
    for name, value in row.items():
        found.add(name)
        if isinstance(value, dict):
            found |= names(value)
    return found - NAMES - {'validation'}


def test_every_number_of_the_log_is_explained():
    found = set().union(*map(names, written()))
    assert len(found) > 20
    assert sorted(name for name in found if name not in CODE) == []


def test_every_figure_of_an_evaluation_is_explained():
    figures = [f'{kind}_within_{px:.0f}px' for kind in ('counterfactual',) for px in (2, 3)]
    figures += [f'within_{NEAR_PX:.0f}px', f'within_{NEARLY_PX:.0f}px', *MEASURES]
    figures += ['rollout5_within_2px', 'rollout10_within_2px', 'median_dot_error']
    figures += ['hybrid_wrong_action', 'cpu_seconds_to_95']
    figures += [f'_{name}' for name in BASELINES]
    assert [name for name in figures if name not in CODE] == []


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
