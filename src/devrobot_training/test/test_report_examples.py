"""The pictures that a stage leaves are those of its evaluation."""

from devrobot_interfaces_py.images import decode_compressed
from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.evaluation.evaluate import evaluate
from devrobot_training.report.examples import (
    history_strip,
    overlay,
    save_attention,
    save_examples,
)
from devrobot_training.report.pictures import Album
from devrobot_world_model.model.factory import build_model
from fit_worlds import dot_session, HEIGHT, open_small, SMALL, WIDTH
import numpy as np
import pytest
import torch


@pytest.fixture(scope='module')
def measured(tmp_path_factory):
    bag = dot_session(tmp_path_factory.mktemp('session') / 'walk', steps=90, reset_every=30)
    data = open_small(bag)
    torch.manual_seed(0)
    model = build_model(SMALL.world_model())
    torch.nn.init.normal_(model.decoder.head.weight, std=0.2)  # else every prediction is alike
    config = EvaluationConfig(rollout_steps=0)
    return model, evaluate(model, data.validation, config, loss=SMALL.loss)


def read(folder, path):
    return decode_compressed((folder / path).read_bytes(), 'png')


def test_six_even_canvases_and_three_worst_are_saved_as_they_are(measured, tmp_path):
    _, evaluation = measured
    even, worst = save_examples(evaluation, tmp_path, 'stages/stage_01')
    assert (len(even), len(worst)) == (6, 3)
    assert [example.word for example in worst] == ['worst'] * 3
    shown, hybrid = evaluation.shown, evaluation.values['hybrid']
    for number, example in enumerate([*even, *worst]):
        position = shown.positions[number]
        row = evaluation.rows[position]
        assert example.transition == evaluation.canvases.transition[row]
        assert example.hybrid == pytest.approx(hybrid[position])
        action = shown.actions[number, -1]
        assert example.action == evaluation.canvases.action_labels[action]
        assert np.array_equal(read(tmp_path, example.truth), shown.truth[number])
        prediction = read(tmp_path, example.prediction)
        assert np.array_equal(prediction, shown.predictions[number, action])
        strip = read(tmp_path, example.canvas)
        assert strip.shape == (HEIGHT, 2 * (WIDTH + 4), 3)
        assert np.array_equal(strip[:, :WIDTH], shown.history[number, 0])
        assert Album(tmp_path).show(example.canvas, 'x').source
    assert worst[0].hybrid == pytest.approx(hybrid.max())


def test_the_bars_of_a_strip_have_the_colours_of_the_actions():
    history = np.zeros((2, 4, 6, 3), np.uint8)
    strip = history_strip(history, np.array([[9, 8, 7], [1, 2, 3]], np.uint8), 2)
    assert strip.shape == (4, 16, 3)
    assert (strip[:, 6:8] == (9, 8, 7)).all() and (strip[:, 14:] == (1, 2, 3)).all()
    assert not strip[:, :6].any() and not strip[:, 8:14].any()


def test_the_attention_picture_covers_the_canvas(measured, tmp_path):
    model, evaluation = measured
    attention = save_attention(model, evaluation, tmp_path, 'stages/stage_01')
    picture = read(tmp_path, attention.picture)
    assert picture.shape == (HEIGHT, 3 * WIDTH + 2 * 4, 3)
    assert 'Transition ' in attention.caption


def test_warmth_is_where_the_heat_is():
    heat = np.array([[0.0, 1.0]])
    picture = overlay(np.zeros((4, 8, 3), np.uint8), heat, 4)
    assert not picture[:, :4].any() and picture[:, 4:, 0].min() > 150
