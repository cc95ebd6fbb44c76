"""A run whose summary is gone or damaged: everything else tells what it was."""

from dataclasses import replace
import json
from pathlib import Path
import shutil

from command_runs import error_of, run
from devrobot_training.fit.lock import only_one
from devrobot_training.report.stage_records import COMPLETE, FAILED, INTERRUPTED, RunEvent
from devrobot_training.report.summary import Header, load_summary, RunSummary
from devrobot_training.staged import engine
from devrobot_training.staged.begin import read_begun
from devrobot_training.staged.past import seconds_of
from devrobot_training.staged.runner import StagedTraining
from fit_worlds import dot_session
import pytest
from staged_worlds import run_staged, staged

LOST = {'gone': None, 'torn': '{"header": {"run_', 'of something else': '{"hybrid": 0.1}'}


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    return dot_session(tmp_path_factory.mktemp('session') / 'walk')


@pytest.fixture(scope='module')
def made(bag, tmp_path_factory) -> Path:
    config = staged(stopping__max_samples=160, splits__first_size=30)
    return run_staged(bag, tmp_path_factory.mktemp('runs'), config)[0]


@pytest.fixture(scope='module')
def cut(bag, tmp_path_factory) -> Path:
    """Return a run that was stopped in its second stage."""
    asked = []

    class Stopping(engine.View):
        def event(self, event) -> None:
            if (folder / 'stages/stage_02').exists() and getattr(event, 'samples', 0) >= 60:
                asked.append(True)

    root = tmp_path_factory.mktemp('runs')
    folder = root / 'walk' / 'monday'
    config = staged(sweep__when='off', baseline=False, stopping__max_samples=80)
    run_staged(bag, root, config, view=Stopping(), should_stop=lambda: bool(asked))
    return folder


def lose(folder: Path, how: str) -> RunSummary:
    """Damage the summary of a run and take its page away; return what it was."""
    before = load_summary(folder)
    (folder / 'report.html').unlink()
    (folder / 'summary.json').unlink()
    if LOST[how] is not None:
        (folder / 'summary.json').write_text(LOST[how])
    return before


def lasting(header: Header) -> Header:
    """Return what does not depend on the second in which something was written down."""
    return replace(header, updated='', finished=None, seconds=None, process_id=None, host='')


@pytest.mark.parametrize('how', LOST)
def test_a_report_makes_the_summary_of_a_whole_run_anew(made, capsys, how):
    before = lose(made, how)
    assert run('report', made) == 0
    said = capsys.readouterr()
    assert 'it was made anew from the other files of the run' in said.err
    after = load_summary(made)
    assert after.header.status == COMPLETE and (made / 'report.html').exists()
    assert lasting(after.header) == lasting(before.header)
    # The journal has whole seconds, and ends before the last page is written.
    assert after.header.seconds == pytest.approx(before.header.seconds, abs=3.0)
    assert replace(after, header=before.header) == before


def test_a_comparison_makes_a_summary_anew_as_well(made, cut, capsys):
    lose(made, 'gone')
    assert run('report', '--compare', made, cut, '--output', made / 'page.html') == 0
    assert load_summary(made).header.status == COMPLETE


def test_of_a_run_that_was_stopped_the_end_and_the_times_are_known(cut, tmp_path):
    before = lose(cut, 'torn')
    assert run('report', cut) == 0
    after = load_summary(cut)
    assert (after.header.status, after.header.status_message) == (
        INTERRUPTED,
        'stopped on request',
    )
    assert after.header.started == before.header.started
    assert [stage.state for stage in after.stages] == [COMPLETE, INTERRUPTED]
    assert after.stages[1].runs == before.stages[1].runs and after.leader == before.leader


def test_a_run_that_goes_on_without_its_summary_keeps_its_beginning(cut, tmp_path):
    shutil.copytree(cut, tmp_path / 'kept', symlinks=True)
    before = lose(cut, 'gone')
    ending = StagedTraining(read_begun(cut)).run()
    after = ending.summary.header
    assert (after.started, after.commit) == (before.header.started, before.header.commit)
    told = [event.message for event in ending.summary.events if event.kind == 'resumed']
    assert 'stopped on request, without the summary, which is gone or damaged' in told[-1]
    shutil.rmtree(cut)
    shutil.copytree(tmp_path / 'kept', cut, symlinks=True)


def test_the_end_of_a_run_that_failed_is_known(bag, tmp_path, monkeypatch, capsys):
    def full(folder, *more, **settings):
        raise OSError(28, 'No space left on device', str(folder))

    with monkeypatch.context() as patch, pytest.raises(OSError, match='No space'):
        patch.setattr(engine, 'train_once', full)
        run_staged(bag, tmp_path, staged(baseline=False))
    folder = tmp_path / 'walk/monday'
    lose(folder, 'gone')
    assert run('report', folder) == 0
    header = load_summary(folder).header
    assert header.status == FAILED and 'No space left' in header.status_message


def test_a_run_that_is_worked_on_writes_its_own_summary(made, capsys):
    (made / 'summary.json').rename(made / 'other.json')
    with only_one(made):
        assert run('report', made) == 1
    assert 'is being worked on by another process' in error_of(capsys)
    (made / 'other.json').rename(made / 'summary.json')


def test_a_whole_run_that_failed_when_it_went_on_and_ended_again_is_whole(made, capsys):
    place = made / 'stages/stage_01/run_1/result.json'
    whole = place.read_text()
    place.write_text('{')
    assert run('staged', '--resume', made, '--quiet') == 1
    place.write_text(whole)
    for _ in range(2):
        assert run('staged', '--resume', made, '--quiet') == 0
    events = lose(made, 'gone').events
    assert [event.kind for event in events][-3:] == ['choice', 'failed', 'choice']
    assert run('report', made) == 0
    assert load_summary(made).header.status == COMPLETE


def event(kind: str, second: int) -> RunEvent:
    return RunEvent(time=f'2026-01-02T03:00:{second:02}+00:00', kind=kind, message='')


def test_the_time_between_two_parts_of_a_run_is_not_counted():
    parts = [event('stage', 2), event('interrupted', 10), event('resumed', 40), event('stage', 55)]
    assert seconds_of('2026-01-02T03:00:01+00:00', parts) == 9 + 15
    parts = [event('stage', 2), event('resumed', 40), event('choice', 45), event('failed', 59)]
    assert seconds_of('2026-01-02T03:00:01+00:00', parts) == 1 + 5
    assert seconds_of('no time', parts[:1]) == 0


def test_the_beginning_is_in_the_inputs_of_a_run(made):
    began = json.loads((made / 'inputs.json').read_text())['began']
    header = load_summary(made).header
    assert (began['started'], began['commit']) == (header.started, header.commit)
