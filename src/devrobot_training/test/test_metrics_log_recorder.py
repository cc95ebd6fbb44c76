"""What happens in a training becomes rows, each value in its place."""

from dataclasses import replace
import json
import math

from devrobot_training.logs.metrics_log import MetricsLog, read_rows
from devrobot_training.logs.recording import MetricsRecorder
import pytest
from recorded_events import EVENTS, HAPPENED, Kept, STEP, VALIDATED


def recorded(*events, **settings):
    log = Kept()
    recorder = MetricsRecorder(log, **settings)
    for event in events:
        recorder(event)
    return log.rows


def test_a_step_gives_the_means_of_its_losses_and_its_canvases():
    (row,) = recorded(STEP)
    assert (row['plain'], row['focal'], row['hybrid']) == pytest.approx((0.2, 0.4, 0.6))
    assert {name: row[name] for name in row if name not in ('plain', 'focal', 'hybrid')} == {
        'kind': 'batch',
        'step': 7,
        'samples': 14,
        'loss': 0.55,
        'learning_rate': 3e-4,
        'gradient_norm': 1.25,
        'seconds': 0.05,
        'rows': [31, 4],
    }


def test_a_validation_gives_an_interval():
    (row,) = recorded(VALIDATED)
    assert row == {
        'kind': 'interval',
        'step': 7,
        'samples': 14,
        'cpu_seconds': 3.5,
        'wall_seconds': 4.5,
        'train_loss': 0.51,
        'validation': {'plain': 0.11, 'focal': 0.21, 'hybrid': 0.31, 'within_2px': 0.75},
        'best_validation': 0.29,
        'learning_rate': 3e-4,
        'gradient_norms': dict(VALIDATED.gradient_norms),
        'samples_per_second': 20.5,
        'draw_counts': dict(VALIDATED.draw_counts),
    }


def test_anything_else_gives_an_event_and_a_line_for_people(tmp_path):
    path = tmp_path / 'events.log'
    rows = recorded(STEP, HAPPENED, replace(HAPPENED, event='resumed', message='é'), events=path)
    assert rows[1] == {
        'kind': 'event',
        'step': 7,
        'samples': 14,
        'event': 'stopped',
        'message': 'time: used up',
    }
    assert path.read_text(encoding='utf-8').splitlines() == [
        'step 7 (14 samples) stopped: time: used up',
        'step 7 (14 samples) resumed: é',
    ]


def test_writers_get_every_row_and_are_closed():
    log, one, other = Kept(), Kept(), Kept()
    recorder = MetricsRecorder(log, writers=[one, other])
    for event in EVENTS:
        recorder(event)
    assert len(log.rows) == 3 and log.rows == one.rows == other.rows
    recorder.close()
    assert (log.closed, one.closed, other.closed) == (1, 1, 1)


def test_rows_come_back_from_the_file_and_what_is_not_finite_as_null(tmp_path):
    path = tmp_path / 'metrics.jsonl'
    recorder = MetricsRecorder(MetricsLog(path))
    odd = replace(VALIDATED, within_2px=math.nan, best=math.inf)
    for event in (STEP, odd, HAPPENED):
        recorder(event)
    recorder.close()
    step, interval, event = read_rows(path)
    assert [step, event] == json.loads(json.dumps(recorded(STEP, HAPPENED)))
    assert interval['validation']['within_2px'] is None and interval['best_validation'] is None
    assert interval['draw_counts'] == VALIDATED.draw_counts
