"""The summary of a run survives the disk as it was, and nothing else is taken for one."""

from dataclasses import replace
import json
import math

from devrobot_training.fit.problems import RunError
from devrobot_training.records import RecordError
from devrobot_training.report.stage_records import Curve, Stage, StageRun
from devrobot_training.report.summary import Header, load_summary, RunSummary, save_summary
import pytest
import report_worlds as worlds

WORLDS = [lambda _: worlds.EMPTY, worlds.partial, worlds.failed, worlds.full]


@pytest.mark.parametrize('make', WORLDS, ids=['empty', 'partial', 'failed', 'full'])
def test_what_is_saved_is_loaded(make, tmp_path):
    summary = make(tmp_path)
    assert save_summary(summary, tmp_path) == tmp_path / 'summary.json'
    assert load_summary(tmp_path) == summary


def test_numbers_that_are_not_finite_are_saved_as_none(tmp_path):
    run = StageRun(
        number=1,
        seed=0,
        best_validation=math.inf,
        train=Curve(samples=(1, 2, 3), values=(0.5, math.nan, 0.25)),
    )
    summary = replace(worlds.EMPTY, stages=(Stage(number=1, runs=(run,)),))
    save_summary(summary, tmp_path)
    assert 'NaN' not in (tmp_path / 'summary.json').read_text()
    (loaded,) = load_summary(tmp_path).stages[0].runs
    assert loaded.best_validation is None
    assert loaded.train.values == (0.5, None, 0.25)


@pytest.mark.parametrize(
    ('place', 'value', 'message'),
    [
        (('colour',), 'red', "summary has 'colour', which is unknown"),
        (('stagse',), [], "summary has 'stagse', which is unknown, did you mean 'stages'?"),
        (('header', 'seconds'), 'long', "summary.header.seconds is 'long', must be float"),
        (('header', 'dirty'), 1, 'summary.header.dirty is 1, must be bool'),
        (('header', 'process_id'), True, 'summary.header.process_id is True, must be int'),
        (('header', 'status'), 'done', "status is 'done', must be one of running, complete"),
        (('header', 'command'), 'train', "summary.header.command is 'train', must be a list"),
        (('missing',), {'choise': 'x'}, "tells of 'choise', .* did you mean 'choice'?"),
        (('stages',), [{'state': 'complete'}], r'summary.stages\[0\].number is missing'),
        (('stages',), [7], r'summary.stages\[0\] is 7, must be names with values'),
        (('format',), 9, 'format is 9, this release reads 1'),
    ],
)
def test_anything_else_is_refused_with_its_place(place, value, message):
    data = worlds.EMPTY.to_dict()
    inner = data
    for name in place[:-1]:
        inner = inner[name]
    inner[place[-1]] = value
    with pytest.raises(RecordError, match=message.replace('?', r'\?')):
        RunSummary.from_dict(data)


def test_a_curve_needs_a_value_for_every_sample():
    with pytest.raises(RecordError, match='a curve has 2 samples and 1 values'):
        Curve(samples=(1, 2), values=(0.5,))


def test_whole_numbers_are_good_for_real_ones():
    data = worlds.EMPTY.to_dict()
    data['header']['seconds'] = 5
    assert RunSummary.from_dict(data).header.seconds == 5.0


def test_why_something_is_missing_has_an_answer_always():
    header = Header(run_id='a', session='b', missing={'commit': 'no git repository'})
    assert header.why('commit') == 'no git repository'
    assert header.why('device') == 'not recorded'


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        (None, 'cannot read .*summary.json: No such file'),
        ('{"header": ', 'is not the summary of a staged training'),
        ('[1]', 'summary is .1., must be names with values'),
        (json.dumps({'run': 'x', 'hybrid': 0.1}), "has 'run', which is unknown"),
    ],
)
def test_a_folder_without_a_summary_is_told_in_one_line(text, message, tmp_path):
    if text is not None:
        (tmp_path / 'summary.json').write_text(text)
    with pytest.raises(RunError, match=message) as error:
        load_summary(tmp_path)
    assert '\n' not in str(error.value)
