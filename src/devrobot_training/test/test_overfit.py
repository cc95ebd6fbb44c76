"""Memorising a few canvases: success and failure are told apart."""

from dataclasses import replace
import json

from devrobot_interfaces_py.configs import config_to_dict, ConfigError
from devrobot_training.cli import overfit as command
from devrobot_training.fit.overfit import overfit, OverfitConfig, verdict
from fit_worlds import dot_session, open_small, small
import numpy as np
import pytest
import yaml

LEARNS = {'optimizer__learning_rate': 3e-3, 'model__decoder_width': 64}


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    return dot_session(tmp_path_factory.mktemp('session') / 'walk')


@pytest.fixture(scope='module')
def data(bag):
    return open_small(bag)


def test_a_model_that_learns_memorises(data):
    wanted = OverfitConfig(sizes=(1,), max_steps=400, target=0.05)
    found = overfit(small(**LEARNS), data.train, wanted)
    assert [result.size for result in found] == [1]
    assert all(result.success for result in found), [result.loss for result in found]
    for result in found:
        assert len(result.losses) == result.steps
        assert result.loss < 0.1 * result.trivial_loss
        error = np.abs(result.prediction.astype(int) - result.truth)
        assert error.mean() < 10
    assert 'memorises 1 canvases' in verdict(found)


def test_a_canvas_on_which_nothing_moves_is_no_exception(data):
    still = int(np.flatnonzero((data.train.actions == 0).all(axis=1))[0])
    alone = replace(
        data.train, frames=data.train.frames[still:], actions=data.train.actions[still:]
    )
    (found,) = overfit(small(), alone, OverfitConfig(sizes=(1,), max_steps=1))
    assert found.rows.tolist() == [0] and np.array_equal(found.history[0, -1], found.truth[0])
    assert found.trivial_loss > 0.01


def test_a_model_that_cannot_learn_is_found_out(data):
    wanted = OverfitConfig(sizes=(2,), max_steps=5)
    found = overfit(small(optimizer__learning_rate=0.0), data.train, wanted)
    assert not found[0].success and found[0].steps == 5
    assert 'does NOT memorise 2 canvases in 5 steps' in verdict(found)


def test_more_canvases_than_there_are_is_refused(data):
    with pytest.raises(ConfigError, match='sizes asks for 4000 canvases'):
        overfit(small(), data.train, OverfitConfig(sizes=(4000,)))
    with pytest.raises(ConfigError, match='give numbers from 1 on'):
        OverfitConfig(sizes=(0,))


def test_it_stops_when_it_is_told(data):
    found = overfit(small(), data.train, OverfitConfig(sizes=(1, 2, 3)), should_stop=lambda: True)
    assert [result.steps for result in found] == [1]


def test_the_command_draws_and_tells(bag, tmp_path, capsys):
    config = tmp_path / 'small.yaml'
    config.write_text(yaml.safe_dump(config_to_dict(small())))
    words = [
        bag,
        '--config',
        config,
        '--sizes',
        '1,2',
        '--max-steps',
        5,
        '--picture',
        tmp_path / 'a.png',
    ]
    with pytest.raises(SystemExit) as end:
        command.main([*map(str, words), '--json', str(tmp_path / 'a.json')])
    assert end.value.code == 0
    data = json.loads((tmp_path / 'a.json').read_text())
    assert [result['size'] for result in data['results']] == [1, 2]
    assert data['success'] is False and 'NOT memorise' in data['verdict']
    assert (tmp_path / 'a.png').read_bytes().startswith(b'\x89PNG')
    assert 'NOT memorised' in capsys.readouterr().out
