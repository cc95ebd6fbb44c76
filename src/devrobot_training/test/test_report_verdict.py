"""Verdict, tiles and alerts say what the figures say, checked against figures by hand."""

from dataclasses import replace

from devrobot_training.report.alerts import all_alerts
from devrobot_training.report.previous import find_previous, Previous
from devrobot_training.report.rendering import render
from devrobot_training.report.stage_records import Stage, TrivialLosses
from devrobot_training.report.summary import Alert, Choice, save_summary
from devrobot_training.report.tables import sweep_words
from devrobot_training.report.verdict import tiles, verdict
from page_checks import check_page
import pytest
import report_worlds as worlds


@pytest.fixture(scope='module')
def full(tmp_path_factory):
    return worlds.full(tmp_path_factory.mktemp('run'))


def two_stages(first: float | None, second: float | None, **changes):
    stages = tuple(
        Stage(
            number=n,
            state='complete',
            original_loss=loss,
            samples=1000,
            original_trivial=TrivialLosses(copy_last=0.04, grey=0.05),
        )
        for n, loss in ((1, first), (2, second))
    )
    made = replace(worlds.EMPTY, stages=stages)
    return replace(made, header=replace(made.header, **{'status': 'complete', **changes}))


def messages(summary) -> dict[str, str]:
    return {alert.message: alert.severity for alert in all_alerts(summary)}


def test_a_complete_run_says_best_gain_baseline_and_sweep(full):
    assert verdict(full) == (
        'Stage 4 of 4 is best: hybrid loss 0.00640, 84.1 % below copying the last frame. '
        'That is 25.9 % below training the same stage from fresh weights. '
        'The sweep in stage 2 changed the rate from 2e-4 to 3e-4.'
    )


@pytest.mark.parametrize(
    ('changes', 'changed'),
    [
        ({}, True),
        ({'adopted': True, 'loss_after': 0.02}, True),
        ({'adopted': False}, False),
        ({'loss_after': 0.02}, False),
        ({'loss_after': None}, True),
        ({'rate_after': 2e-4}, False),
    ],
)
def test_a_sweep_changed_the_rate_only_if_training_went_on_with_it(changes, changed, full):
    stage = replace(full.stages[1], sweeps=(worlds.sweep(**changes),))
    told = verdict(replace(full, stages=(stage,), choice=None))
    assert ('The sweep in stage 2 changed the rate from 2e-4 to 3e-4.' in told) == changed
    assert ('1 sweep found no better rate.' in told) == (not changed)
    sentence = sweep_words(stage, stage.sweeps[0])
    assert ('rate 2e-4 → 3e-4' in sentence) == changed
    assert ('the rate stays 2e-4' in sentence) == (not changed)


def test_a_sweep_that_gained_little_hands_on_its_weights_without_its_rate(full):
    changes = {'adopted': False, 'loss_before': 0.0202, 'loss_after': 0.0201}
    told = sweep_words(full.stages[1], worlds.sweep(**changes))
    assert 'rate stays 2e-4, the best other one was 3e-4, whose weights were kept, v' in told
    told = sweep_words(full.stages[1], worlds.sweep(adopted=False, loss_after=0.5))
    assert 'the best other one was 3e-4, validation loss' in told


def test_where_all_trials_failed_the_configured_rate_is_told_and_not_that_of_before(full):
    fallen = worlds.sweep(fallback=True, adopted=None, rate_before=6e-4, rate_after=3e-4)
    stage = replace(full.stages[1], sweeps=(fallen,))
    told = verdict(replace(full, stages=(stage,), choice=None))
    assert 'sweep in stage 2 failed: on at the configured rate, 3e-4.' in told
    assert 'no better rate' not in told
    sentence = sweep_words(stage, fallen)
    assert 'rate 6e-4 → 3e-4' in sentence and 'went on at the configured rate' in sentence
    assert 'stays' not in sentence


@pytest.mark.parametrize('state', ['running', 'interrupted'])
def test_a_sweep_that_has_not_ended_has_found_nothing_yet(full, state):
    cut = worlds.sweep(state=state, rate_after=None, loss_after=None)
    stage = replace(full.stages[1], sweeps=(cut,))
    assert 'no better rate' not in verdict(replace(full, stages=(stage,), choice=None))


def test_a_stage_that_was_picked_out_is_not_called_one_of_fewer():
    alone = two_stages(None, 0.02, planned_stages=1)
    alone = replace(alone, stages=alone.stages[1:])
    assert verdict(alone).startswith('So far stage 2 is best')
    running = replace(alone, header=replace(alone.header, status='running'))
    assert verdict(running).startswith('Still running: stage 2. ')


def test_what_each_side_of_the_comparison_has_seen_is_told(full):
    told = 'The weights handed on to stage 4 have seen 8\u202f000 samples, those of its baseline '
    told += '3\u202f200.'
    assert messages(full)[told] == 'note'


def test_that_stages_are_compared_on_what_they_trained_on_is_told(full):
    (told,) = [text for text in messages(full) if text.startswith('Stages are compared on')]
    assert 'a session of 640 transitions, of which stage 4 trained on 640: ' in told
    assert messages(full)[told] == 'note'
    other = replace(full.reproduction.sessions[0], role='original')
    sessions = (*full.reproduction.sessions, other)
    apart = replace(full, reproduction=replace(full.reproduction, sessions=sessions))
    assert not [text for text in messages(apart) if text.startswith('Stages are compared on')]


def test_the_choice_of_the_run_is_told_even_where_another_figure_is_lower():
    summary = replace(
        two_stages(0.02, 0.01), choice=Choice(stage=1, run=1, original_loss=0.02, reason='x')
    )
    assert verdict(summary).startswith('Stage 1 of 2 is best: hybrid loss 0.0200, 50.0 % below')


def test_a_baseline_that_is_chosen_is_called_one():
    summary = replace(
        two_stages(0.02, 0.01), choice=Choice(stage=2, run=1, original_loss=0.01, baseline=True)
    )
    assert verdict(summary).startswith('The baseline of stage 2 of 2 is best')


def test_a_model_that_predicts_nothing_is_not_praised():
    told = verdict(two_stages(0.08, 0.06))
    assert '50.0 % above copying the last frame' in told
    assert 'no better than the best constant grey (0.0500)' in told


def test_without_anything_measured_the_verdict_says_so():
    assert verdict(worlds.EMPTY) == 'Nothing has been measured yet.'
    ended = replace(worlds.EMPTY, header=replace(worlds.HEADER, status='failed'))
    assert 'Nothing was measured' in verdict(ended)


def test_a_run_that_goes_on_says_how_far_it_is(tmp_path):
    told = verdict(worlds.partial(tmp_path))
    assert told.startswith('Still running: stage 2 of 4. So far stage 1 of 4 is best')


def test_an_interrupted_run_says_where_and_why():
    told = verdict(two_stages(0.02, None, status='interrupted', status_message='Ctrl-C'))
    assert told.startswith('Interrupted in stage 2: Ctrl-C. So far stage 1 of 2 is best')


def test_the_four_tiles_compare_with_copying_baseline_and_the_run_before(full):
    best, baseline, before, samples = tiles(full, Previous(run_id='first', loss=0.008))
    assert (best.value, best.tone) == ('0.00640', 'good') and '0.0402' in best.detail
    assert (baseline.value, baseline.tone) == ('−25.9 %', 'good')
    assert (before.value, before.detail) == ('−20 %', 'first: 0.00800')
    assert samples.value == '24\u202f000'
    worse = tiles(full, Previous(run_id='first', loss=0.0032))[2]
    assert (worse.value, worse.tone) == ('+100 %', 'bad')


def test_a_loss_below_copying_and_above_a_grey_frame_is_not_good():
    stage = Stage(
        number=1, original_loss=0.06, original_trivial=TrivialLosses(copy_last=0.3, grey=0.05)
    )
    (best, *_) = tiles(replace(worlds.EMPTY, stages=(stage,)), Previous())
    assert best.tone == 'bad'


def test_tiles_without_a_figure_say_why():
    best, baseline, before, samples = tiles(worlds.EMPTY, Previous())
    assert {tile.value for tile in (best, baseline, before, samples)} == {'–'}
    assert before.detail == 'no other run of this session'
    assert baseline.detail == 'no baseline was trained'


def test_a_stage_that_ended_with_its_run_has_no_alert_of_its_own():
    failed = two_stages(0.02, None, status='failed', status_message='the disk is full')
    stages = (failed.stages[0], replace(failed.stages[1], state='failed'))
    told = messages(replace(failed, stages=stages))
    assert told['The run failed: the disk is full.'] == 'error'
    assert not [text for text in told if text.startswith('Stage 2 failed')]


def test_everything_that_went_wrong_is_told_worst_first(tmp_path):
    summary = worlds.failed(tmp_path)
    found = all_alerts(summary)
    order = [('error', 'warning', 'note').index(alert.severity) for alert in found]
    assert order == sorted(order)
    told = messages(summary)
    for text, severity in (
        ('The run failed: the disk is full: 0 bytes left.', 'error'),
        ('Every trial of sweep 1 of stage 2 failed: on at the configured rate, 2e-4.', 'error'),
        ('Stage 3 stopped on numbers that are not finite: loss is nan.', 'error'),
        ('Stage 3 failed: no run gave weights.', 'error'),
        ('Stage 1 was skipped: 4 transitions are too few to validate.', 'warning'),
        ('Stage 2 stopped on divergence: twice the training loss.', 'warning'),
        ('Stage 2: 12 validation transitions occur in training as well.', 'warning'),
    ):
        assert told[text] == severity, text
    assert any('no better than copying the last frame' in text for text in told)


def test_a_run_without_fault_has_no_alert():
    assert all_alerts(two_stages(0.02, 0.01)) == ()


def test_an_early_stage_that_predicts_nothing_is_a_note_the_best_an_error():
    early = messages(two_stages(0.045, 0.01))
    assert list(early.values()) == ['note']
    best = messages(two_stages(0.045, 0.042))
    assert sorted(best.values()) == ['error', 'note']


def test_what_several_stages_have_in_common_is_one_alert(full):
    four = [replace(stage, original_loss=0.045) for stage in full.stages]
    told = messages(replace(full, stages=tuple(four), choice=None))
    common = 'Stages 2, 3 and 4 are no better than copying the last frame on the original session.'
    assert told[common] == 'note'
    assert [text for text in told if 'Stage 1 is no better' in text and '0.0450' in text]
    assert 'Stages 1, 2, 3 and 4 are worse than their baselines with fresh weights.' in told


def test_a_baseline_that_won_is_compared_with_what_was_handed_on(tmp_path):
    summary = worlds.won_by_a_baseline(tmp_path)
    assert 'The weights handed on to that stage reach 0.0900.' in verdict(summary)
    tile = tiles(summary, Previous())[1]
    assert tile.tone == 'bad' and tile.value.startswith('+') and 'staged: 0.0900' in tile.detail


def test_a_later_stage_that_is_worse_is_told_and_a_trifle_is_not():
    worse = messages(two_stages(0.01, 0.02))
    assert 'Stage 2 is worse than stage 1 on the original session: 0.0200 against 0.0100.' in worse
    assert messages(two_stages(0.01, 0.0105)) == {}


def test_the_engine_and_the_figures_say_the_same_thing_once():
    summary = two_stages(0.01, 0.02)
    (own,) = all_alerts(summary)
    again = Alert(severity='error', message=own.message, section='events')
    assert all_alerts(replace(summary, alerts=(again,))) == (again,)


def test_every_section_that_an_alert_names_is_one_of_the_page(tmp_path):
    summary = worlds.failed(tmp_path)
    assert {alert.section for alert in all_alerts(summary)} <= set(
        check_page(render(summary, tmp_path)).ids
    )


def test_the_previous_run_is_the_latest_earlier_one_of_the_same_data(full, tmp_path):
    def place(name: str, started: str, loss: float, summary=full):
        choice = replace(full.choice, original_loss=loss)
        header = replace(full.header, run_id=name, started=started)
        save_summary(replace(summary, header=header, choice=choice), tmp_path / name)

    def found():
        return find_previous(full, tmp_path / 'own')

    for name in ('own', 'older', 'old', 'later', 'other', 'damaged', 'another_measure'):
        (tmp_path / name).mkdir()
    place('own', full.header.started, 0.0064)
    assert found() == Previous()
    place('later', '2027-01-01T00:00:00', 0.001)
    assert 'are later, unfinished, of other data, or measure losses otherwise' in found().why
    place('older', '2025-12-01T00:00:00', 0.02)
    place('old', '2025-12-24T00:00:00', 0.01)
    other = replace(full.reproduction.sessions[0], digest='xxh64:0')
    place(
        'other',
        '2025-12-30T00:00:00',
        0.003,
        replace(full, reproduction=replace(full.reproduction, sessions=(other,))),
    )
    (tmp_path / 'damaged/summary.json').write_text('{')
    config = {**full.reproduction.config, 'loss': {'alpha': 0.9}}
    place(
        'another_measure',
        '2025-12-31T00:00:00',
        0.004,
        replace(full, reproduction=replace(full.reproduction, config=config)),
    )
    assert found() == Previous(run_id='old', loss=0.01, why='')
