"""Memorising a few canvases: success and failure are told apart."""

from dataclasses import replace
import json
import signal
import subprocess
import sys

from command_runs import error_of, run
from devrobot_interfaces_py.configs import ConfigError, flatten, is_among
from devrobot_training.cli import overfit as command
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.overfit import overfit, OverfitConfig, USED, verdict
from devrobot_world_model.learning.step import Learner, NonFiniteLossError
from fit_worlds import dot_session, open_small, small, write_config
import numpy as np
import pytest
from team_runs import environment

LEARNS = {'optimizer__learning_rate': 3e-3, 'model__decoder_width': 64}


@pytest.fixture(scope='module')
def bag(tmp_path_factory):
    return dot_session(tmp_path_factory.mktemp('session') / 'walk')


@pytest.fixture(scope='module')
def data(bag):
    return open_small(bag)


def test_a_model_that_learns_memorises(data):
    wanted = OverfitConfig(max_steps=1500, target=0.05)
    found = overfit(small(**LEARNS), data.train, wanted)
    assert [result.size for result in found] == [1, 4, 16]
    assert [len(result.truth) for result in found] == [1, 4, 16]
    assert all(result.success for result in found), [result.loss for result in found]
    for result in found:
        assert len(result.losses) == result.steps
        assert result.loss < 0.1 * result.trivial_loss
        error = np.abs(result.prediction.astype(int) - result.truth)
        assert error.mean() < 10
    assert 'memorises 1, 4 and 16 canvases: ' in verdict(found)
    assert 'memorises 1 canvas: ' in verdict(found[:1])


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


def test_what_was_tried_before_a_stop_is_kept(data):
    steps = iter(range(100))
    found = overfit(
        small(optimizer__learning_rate=0.0),
        data.train,
        OverfitConfig(sizes=(1, 2, 3), max_steps=5),
        should_stop=lambda: next(steps) > 6,
    )
    assert [(result.size, result.steps) for result in found] == [(1, 5)]


def test_a_loss_that_is_no_number_is_a_verdict(data, monkeypatch):
    train_step = Learner.train_step

    def breaking(learner, batch):
        if learner.step == 3:
            raise NonFiniteLossError('loss nan with gradient norm nan at step 3; lower the rate')
        return train_step(learner, batch)

    monkeypatch.setattr(Learner, 'train_step', breaking)
    found = overfit(small(), data.train, OverfitConfig(sizes=(2,), max_steps=9))
    assert (found[0].steps, found[0].success) == (3, False)
    assert verdict(found) == (
        'The model does NOT memorise 2 canvases: loss nan with gradient norm nan at step 3; '
        'lower the rate.'
    )


def test_the_command_draws_and_tells(bag, tmp_path, capsys):
    config = write_config(tmp_path / 'small.yaml', small())
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
    assert end.value.code == 1  # nothing is memorised in five steps
    data = json.loads((tmp_path / 'a.json').read_text())
    assert [result['size'] for result in data['results']] == [1, 2]
    assert data['success'] is False and 'NOT memorise' in data['verdict']
    assert (tmp_path / 'a.png').read_bytes().startswith(b'\x89PNG')
    assert 'NOT memorised' in capsys.readouterr().out


@pytest.mark.parametrize(
    ('words', 'text'),
    [
        (('--sizes', '1,,2'), "--sizes[1] is '', must be a whole number"),
        (('--preset', 'tiny'), 'are both whole recipes: leave one out'),
        (('--picture', 'FOLDER/a.png'), 'which is a folder: name a file'),
        (('--picture', 'a.jpg'), '--picture is a.jpg: name a file that ends in .png'),
    ],
)
def test_mistakes_end_in_one_line_before_anything_is_tried(bag, tmp_path, capsys, words, text):
    config = write_config(tmp_path / 'small.yaml', small())
    (tmp_path / 'a.png').mkdir()
    given = [word.replace('FOLDER', str(tmp_path)) for word in words]
    assert run('overfit', bag, '--config', config, *given) == 1
    assert text in error_of(capsys)


def test_it_offers_only_settings_that_count(bag, capsys):
    for setting in ('--stopping.max-samples', '--sampler.kind', '--fit.ema', '--fit.batch-size'):
        assert run('overfit', bag, setting, 1) == 2
        assert f'unrecognized arguments: {setting}' in capsys.readouterr().err
    offered = {info.name for info in flatten(TrainConfig) if is_among(info.name, USED)}
    assert {name.partition('.')[0] for name in offered} == {n.partition('.')[0] for n in USED}


def test_a_model_that_breaks_is_a_failure_of_the_command(bag, tmp_path, monkeypatch):
    def breaking(learner, batch):
        raise NonFiniteLossError('loss nan')

    monkeypatch.setattr(Learner, 'train_step', breaking)
    config = write_config(tmp_path / 'small.yaml', small())
    words = ('--config', config, '--picture', tmp_path / 'a.png', '--json', tmp_path / 'a.json')
    assert run('overfit', bag, '--sizes', 1, *words) == 1
    assert json.loads((tmp_path / 'a.json').read_text())['results'][0]['problem'] == 'loss nan'
    assert (tmp_path / 'a.png').exists()


def test_an_interrupt_keeps_the_numbers_that_were_done(bag, tmp_path):
    config = write_config(tmp_path / 'small.yaml', small(optimizer__learning_rate=0.0))
    words = [
        *(sys.executable, '-c', WAITING, str(bag), '--config', str(config), '--sizes', '1,2'),
        *('--max-steps', '1000000', '--target', '0', '--picture', str(tmp_path / 'a.png')),
        *('--json', str(tmp_path / 'a.json')),
    ]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=environment())
    try:
        assert process.stdout.readline() == 'at work\n'
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, output
    assert 'stopping after this step' in output
    found = json.loads((tmp_path / 'a.json').read_text())
    assert [result['size'] for result in found['results']] == [1]
    assert found['stopped'] is True and found['success'] is False
    assert (tmp_path / 'a.png').exists()


#: Gives up the first number after ten steps, as if these were all it may make.
WAITING = """
from devrobot_training.cli import overfit as command
from devrobot_world_model.learning.step import Learner, NonFiniteLossError

train_step, steps = Learner.train_step, []


def counted(learner, batch):
    steps.append(len(batch))
    if len(batch) == 1 and len(steps) > 10:
        raise NonFiniteLossError('enough')
    if steps.count(2) == 5:
        print('at work', flush=True)
    return train_step(learner, batch)


Learner.train_step = counted
command.main()
"""
