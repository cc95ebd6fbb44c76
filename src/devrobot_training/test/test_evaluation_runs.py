"""Evaluations of models whose behaviour is known."""

from dataclasses import replace
import json
import math
from pathlib import Path

from devrobot_interfaces_py.configs import config_to_dict
from devrobot_training.cli import evaluate as command
from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.evaluation.evaluate import (
    evaluate,
    EvaluationStoppedError,
    predict_all_actions,
    worst_of,
)
from devrobot_training.evaluation.files import write_evaluation
from devrobot_training.evaluation.page import render_page, verdict
from devrobot_training.evaluation.result import key_figures, to_dict
from devrobot_training.evaluation.subject import usual_folder
from devrobot_training.pages.numbers import number
from devrobot_world_model.checkpoints import save_checkpoint
from devrobot_world_model.model.factory import build_model
from devrobot_world_model.model.patches import patchify, to_unit, unpatchify
from fit_worlds import dot_session, open_small, SMALL
import numpy as np
from page_checks import check_page, links
import pytest
import torch
from torch import nn

CONFIG = EvaluationConfig(rollout_steps=10, batch_size=5)


class Believer(nn.Module):
    """Believes that a colour moves the dot by so many px, and nothing else."""

    def __init__(self, steps: dict[tuple[int, ...], int], layout) -> None:
        super().__init__()
        self.layout = layout
        self.weight = nn.Parameter(torch.zeros(1))
        self._steps = steps

    def forward(self, batch, mask=None, need_weights=False):
        frames = batch.frames if batch.index is None else batch.frames[batch.index]
        return self._moved(frames[:, -2], batch.colors[:, -1]), []

    def history_codes(self, batch):
        frames = batch.frames if batch.index is None else batch.frames[batch.index]
        return frames[:, :-1]

    def encode_colors(self, colors):
        return colors[:, None]

    def memory(self, codes, bars):
        return codes, bars

    def decode(self, memory):
        codes, bars = memory
        return self._moved(codes[:, -1], bars[:, -1, 0]), []

    def _moved(self, patches, colors):
        size = (self.layout.rows, self.layout.columns, self.layout.patch_size)
        pictures = unpatchify(patches, *size)
        moved = [
            torch.roll(picture, self._steps[tuple(color.tolist())], dims=1)
            for picture, color in zip(pictures, colors, strict=True)
        ]
        return to_unit(patchify(torch.stack(moved), self.layout.patch_size))


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    return dot_session(tmp_path_factory.mktemp('session') / 'walk', steps=90, reset_every=30)


@pytest.fixture(scope='module')
def data(bag):
    return open_small(bag)


def believer(data, stay: int, move: int) -> Believer:
    red, green = (tuple(color) for color in data.train.colors.tolist())
    return Believer({red: stay, green: move}, data.train.layout)


def test_who_knows_the_world_is_right_in_everything(data):
    found = evaluate(believer(data, 0, 4), data.validation, CONFIG, loss=SMALL.loss)
    figures = key_figures(found)
    for name in (
        'within_2px',
        'counterfactual_within_2px',
        'rollout5_within_2px',
        'rollout10_within_2px',
    ):
        assert figures[name] == 1.0, name
    assert figures['plain'] == 0.0 and figures['ssim'] == pytest.approx(1.0, abs=1e-5)
    assert figures['hybrid_copy_last'] > 0 and figures['hybrid_wrong_action'] > 0
    assert figures['psnr'] is None, 'infinite, and not averaged'
    assert figures['exact'] == len(found.rows), 'but counted'
    assert (found.rollouts.dot_error == 0).all()


def test_who_believes_that_nothing_moves_is_right_about_staying_only(data):
    found = evaluate(believer(data, 0, 0), data.validation, CONFIG, loss=SMALL.loss)
    actions = to_dict(found)['by_action']
    assert (actions['stay']['within_2px'], actions['move']['within_2px']) == (1.0, 0.0)
    assert actions['move']['counterfactual_within_2px'] == 0.0
    assert actions['stay']['counterfactual_within_2px'] == 1.0
    assert np.allclose(found.values['hybrid'], found.values['hybrid_copy_last'])
    # The same predictions as those of copying: exact where the dot stayed, and only there.
    stayed = actions['stay']['count']
    figures = key_figures(found)
    assert 0 < stayed == figures['exact'] == figures['exact_copy_last'] < len(found.rows)
    assert figures['exact_black'] == figures['exact_grey'] == 0
    assert (actions['stay']['exact'], actions['move']['exact']) == (stayed, 0)
    assert (actions['stay']['psnr'], figures['psnr']) == (None, actions['move']['psnr'])
    assert [pair.maximum for pair in found.divergence] == [0.0]
    moves = [found.canvases.actions[run, -1].sum() > 0 for run in found.rollouts.rows]
    assert ((found.rollouts.dot_error[:, -1] > 2) <= np.array(moves)).all()


def test_a_rollout_adds_its_errors_up(data):
    """Moving 1 px too far each time is 1 px off after one move, 5 px after five."""
    found = evaluate(believer(data, 1, 5), data.validation, CONFIG, loss=SMALL.loss)
    assert np.allclose(found.values['dot_error'], 1.0, atol=1e-6)
    assert np.allclose(np.median(found.rollouts.dot_error, axis=0), np.arange(1, 11), atol=1e-6)


def test_wrong_actions_are_measured_with_the_best_of_them(data):
    found = evaluate(believer(data, 0, 4), data.validation, CONFIG, loss=SMALL.loss)
    assert (found.values['hybrid_wrong'] > 0.1).all()


def trained_like(data):
    model = build_model(SMALL.world_model())
    with torch.no_grad():
        model.decoder.head.weight.normal_(std=0.1, generator=torch.Generator().manual_seed(2))
    return model.eval()


def test_all_actions_at_once_are_the_predictions_of_single_canvases(data):
    model = trained_like(data)
    batch = data.train.batch(np.arange(6))
    found = predict_all_actions(model, batch, data.train.colors, 'fp32')
    taken = data.train.actions[:6, -1]
    with torch.no_grad():
        alone, _ = model(batch)
    assert torch.allclose(found[taken, np.arange(6)], alone, atol=1e-5)
    assert not torch.allclose(found[0], found[1])


def test_values_of_a_canvas_do_not_depend_on_the_batch(data):
    model = trained_like(data)
    one, other = (
        evaluate(
            model,
            data.validation,
            replace(CONFIG, batch_size=size, rollout_steps=0),
            loss=SMALL.loss,
            precision='fp32',
        )
        for size in (3, 64)
    )
    for name, values in one.values.items():
        assert np.allclose(values, other.values[name], rtol=1e-4, atol=1e-6, equal_nan=True), name


def test_a_stride_measures_every_so_many(data):
    found = evaluate(
        believer(data, 0, 4), data.validation, replace(CONFIG, stride=3), loss=SMALL.loss
    )
    assert found.rows.tolist() == list(range(0, len(data.validation), 3))
    written = to_dict(found)
    assert written['count'] == len(found.rows)
    session = data.validation.sessions[0]
    expected = session.transitions['finish_ns'][data.validation.transition[found.rows]]
    assert written['over_time']['stamp_ns'] == expected.tolist()


def test_it_stops_when_it_is_told(data):
    with pytest.raises(EvaluationStoppedError):
        evaluate(
            believer(data, 0, 4),
            data.validation,
            CONFIG,
            loss=SMALL.loss,
            should_stop=lambda: True,
        )


def test_without_a_simulator_there_are_no_dots(data):
    session = data.validation.sessions[0]
    info = replace(session.info, robot_type='jetbot')
    canvases = replace(data.validation, sessions=(replace(session, info=info),))
    figures = key_figures(evaluate(believer(data, 0, 4), canvases, CONFIG, loss=SMALL.loss))
    for name in (
        'within_2px',
        'counterfactual_within_2px',
        'rollout5_within_2px',
        'median_dot_error',
    ):
        assert figures[name] is None
    assert figures['hybrid'] == 0.0


def test_rollouts_are_as_long_as_the_session_allows(data):
    config = replace(CONFIG, rollout_steps=500)
    found = evaluate(believer(data, 0, 4), data.validation, config, loss=SMALL.loss)
    runs = found.rollouts.rows
    assert runs.shape == (1, 26)
    assert data.validation.follows[runs[0, 1:]].all() and len(data.validation.runs(27)) == 0
    assert key_figures(found)['rollout10_within_2px'] == 1.0
    assert to_dict(found)['rollouts']['steps'] == 26


def test_rollouts_too_short_for_a_key_figure_leave_it_out(data):
    config = replace(CONFIG, rollout_steps=7)
    figures = key_figures(evaluate(believer(data, 0, 4), data.validation, config, loss=SMALL.loss))
    assert (figures['rollout5_within_2px'], figures['rollout10_within_2px']) == (1.0, None)


def test_without_rollouts_there_are_none(data):
    config = replace(CONFIG, rollout_steps=0)
    found = to_dict(evaluate(believer(data, 0, 4), data.validation, config, loss=SMALL.loss))
    assert found['rollouts'] is None
    assert 'No rollouts' in render_page(found, {}, title='x', facts={})


def test_pictures_of_rollouts_are_spread_and_begin_before_the_first_step(data):
    found = evaluate(believer(data, 0, 4), data.validation, CONFIG, loss=SMALL.loss)
    pictures, rows = found.rollouts.pictures, found.rollouts.rows
    few = rows[[0, round((len(rows) - 1) / 2), -1]]
    assert np.array_equal(pictures.actions, data.validation.actions[few, -1])
    assert np.array_equal(pictures.imagined, pictures.observed)
    stays = pictures.actions[:, 0] == 0
    same = (pictures.start == pictures.observed[:, 0]).all(axis=(1, 2, 3))
    assert (same == stays).all()


def test_the_worst_are_different_scenes_and_what_is_no_number_is_worse():
    losses = np.array([0.1, 0.5, 0.5, 0.5, math.nan, 0.3, 0.50001, math.nan])
    assert worst_of(losses, 3) == [4, 6, 5]
    assert worst_of(np.zeros(4), 3) == [0]


def test_progress_counts_canvases_and_rollouts_and_ends_at_its_total(data):
    told = []
    found = evaluate(
        believer(data, 0, 4),
        data.validation,
        CONFIG,
        loss=SMALL.loss,
        progress=lambda done, total: told.append((done, total)),
    )
    total = len(found.rows) + len(found.rollouts)
    assert told[-1] == (total, total) and sorted(told) == told


def test_it_stops_within_the_rollouts_too(data):
    told = []
    with pytest.raises(EvaluationStoppedError):
        evaluate(
            believer(data, 0, 4),
            data.validation,
            CONFIG,
            loss=SMALL.loss,
            progress=lambda done, total: told.append(done),
            should_stop=lambda: bool(told) and told[-1] > len(data.validation),
        )
    assert told[-1] == len(data.validation) + CONFIG.batch_size


def test_predictions_that_are_no_numbers_still_give_a_page(data, tmp_path):
    model = trained_like(data)
    with torch.no_grad():
        model.decoder.head.bias.fill_(math.nan)
    found = evaluate(model, data.validation, CONFIG, loss=SMALL.loss)
    page = write_evaluation(found, tmp_path, title='broken', facts={})
    assert 'Nothing could be measured' in page.read_text()
    text = (tmp_path / 'evaluation.json').read_text()
    assert 'NaN' not in text and json.loads(text)['hybrid'] is None


def test_names_of_actions_are_drawn_as_they_are(data, tmp_path):
    session = data.validation.sessions[0]
    stay, move = session.action_space.actions
    space = replace(session.action_space, actions=(stay, replace(move, label='$<b> & \\frac$')))
    canvases = replace(data.validation, sessions=(replace(session, action_space=space),))
    found = evaluate(believer(data, 0, 4), canvases, CONFIG, loss=SMALL.loss)
    text = write_evaluation(found, tmp_path, title='x', facts={}).read_text()
    assert '$&lt;b&gt; &amp; \\frac$' in text and '<b> &' not in text


@pytest.mark.parametrize(
    ('value', 'text'),
    [
        (210.3, '210'), (0.00413, '0.00413'), (12345.6, '12346'), (0.27, '0.270'), (0.0, '0'),
        (-1.5, '-1.50'), (1.234e-7, '1.23e-07'), (None, 'not measured'),
    ],
)  # fmt: skip
def test_numbers_are_readable(value, text):
    assert number(value) == text


def test_the_page_stands_alone_and_escapes_what_it_prints(data, tmp_path):
    found = evaluate(
        believer(data, 0, 4), data.validation, CONFIG, loss=SMALL.loss, train=data.train
    )
    page = write_evaluation(found, tmp_path, title='<b>bag & run</b>', facts={'x<y': '"z"'})
    text = page.read_text()
    checker = check_page(text)
    assert checker.alts == 4 and links(checker) == [] and '<script' not in text
    assert {'losses', 'dots'} <= set(checker.ids)
    assert '&lt;b&gt;bag &amp; run&lt;/b&gt;' in text and 'x&lt;y' in text
    assert page.stat().st_size < 10_000_000
    assert json.loads((tmp_path / 'evaluation.json').read_text())['mean_frame_from'] == 'training'
    assert {path.name for path in tmp_path.iterdir()} == {
        'evaluation.json', 'report.html', 'examples.png', 'loss.png', 'rollouts.png',
        'rollout_error.png',
    }  # fmt: skip


def test_the_verdict_tells_success_from_failure(data):
    good = to_dict(evaluate(believer(data, 0, 4), data.validation, CONFIG, loss=SMALL.loss))
    bad = to_dict(evaluate(believer(data, 7, 11), data.validation, CONFIG, loss=SMALL.loss))
    assert '100 % below' in verdict(good).replace('.0 %', ' %')
    assert 'no better than' in verdict(bad) and 'predicts nothing yet' in verdict(bad)
    assert 'not measured' in render_page(
        {**good, 'rollout10_within_2px': None}, {}, title='x', facts={}
    )


def checkpoint(folder, **changes):
    model = build_model(SMALL.world_model())
    save_checkpoint(
        folder,
        'best',
        tensors={f'model.{name}': value for name, value in model.state_dict().items()},
        config={**config_to_dict(SMALL.world_model()), **changes},
        metrics={},
        counters={'optimizer_step': 3, 'samples_seen': 12},
    )
    return folder / 'best'


def run(*words) -> int:
    with pytest.raises(SystemExit) as end:
        command.main([str(word) for word in words])
    return end.value.code


def test_the_command_writes_and_prints_what_it_measured(bag, tmp_path, capsys):
    path = checkpoint(tmp_path / 'checkpoints')
    out = tmp_path / 'out'
    words = (bag, '--checkpoint', path, '--output-dir', out, '--stride', 4)
    assert run(*words, '--json', tmp_path / 'e.json') == 0
    data = json.loads((tmp_path / 'e.json').read_text())
    assert data['count'] > 5 and data['checkpoint'] == str(path)
    assert (out / 'report.html').exists()
    output = capsys.readouterr().out
    assert 'copy last frame' in output and f'report: {out / "report.html"}' in output


@pytest.mark.parametrize(
    ('checkpoint', 'folder'),
    [
        ('runs/a/monday/checkpoints/best', 'runs/a/monday/evaluations/best/walk'),
        ('runs/a/tuesday/checkpoints/best', 'runs/a/tuesday/evaluations/best/walk'),
        ('saved/checkpoints/jetbot/mine', 'saved/evaluations/jetbot/mine/walk'),
        ('models/mine', 'evaluations/models/mine/walk'),
        ('mine', '../evaluations/HERE/mine/walk'),
    ],
)
def test_evaluations_of_different_runs_never_share_a_folder(
    tmp_path, monkeypatch, checkpoint, folder
):
    here = tmp_path / 'HERE'
    here.mkdir()
    monkeypatch.chdir(here)
    found = usual_folder(Path(checkpoint), 'walk')
    assert (here / found).resolve() == (here / folder).resolve()
    assert usual_folder(here / checkpoint, 'walk') == here / found
    assert found.is_absolute() == folder.startswith('..')


@pytest.mark.parametrize(
    ('words', 'text'),
    [
        (('BAG', '--checkpoint', 'none/best'), "there is no checkpoint 'best'"),
        (('none', '--checkpoint', 'GOOD'), 'there is no such bag'),
        (('BAG', '--checkpoint', 'ODD'), 'was made by software that knew other settings'),
        (('BAG', '--checkpoint', 'OTHER'), 'does not fit its own settings'),
        (('BAG', '--checkpoint', 'GOOD', '--device', 'cuda:3'), "device 'cuda:3' was asked for"),
        (('BAG', '--checkpoint', 'GOOD', '--threads', '0'), '--threads is 0, must be at least 1'),
        *(
            (('BAG', '--checkpoint', 'GOOD', f'--memory-gb={value}'), '--memory-gb is ')
            for value in ('nan', '.nan', 'inf', '.inf', '-1', '1e300')
        ),
        (('BAG', '--checkpoint', 'GOOD', '--stride', '0'), '--stride'),
        (('BAG', '--checkpoint', 'GOOD', '--output-dir', __file__), 'is a file: name another'),
    ],
)
def test_mistakes_of_an_evaluation_are_one_line(bag, tmp_path, capsys, words, text):
    places = {
        'BAG': bag,
        'GOOD': checkpoint(tmp_path / 'good'),
        'ODD': checkpoint(tmp_path / 'odd', surprise=1),
        'OTHER': checkpoint(
            tmp_path / 'other',
            model={**config_to_dict(SMALL.world_model())['model'], 'encoder_width': 64},
        ),
    }
    assert run(*(places.get(word, word) for word in words), '--quiet') == 1
    error = capsys.readouterr().err
    assert text in error and error.count('\n') == 1
