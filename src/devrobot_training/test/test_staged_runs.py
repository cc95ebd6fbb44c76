"""Whole staged trainings in this process: what they leave, and what they survive."""

from dataclasses import replace
import json
from pathlib import Path

from devrobot_training.fit.lock import only_one
from devrobot_training.fit.once import train_once
from devrobot_training.fit.problems import RunError
from devrobot_training.report.stage_records import COMPLETE, FAILED, INTERRUPTED, RUNNING, SKIPPED
from devrobot_training.report.summary import load_summary
from devrobot_training.report.writing import write_report
from devrobot_training.staged import engine, reporting, runner
from devrobot_training.staged.begin import read_begun
from devrobot_training.staged.choice import best_of, Candidate, final_choice, keep_best
from devrobot_training.staged.collecting import collect_stage
from devrobot_training.staged.run_files import RunResult
from devrobot_training.staged.runner import StagedTraining
from devrobot_training.sweeps.executors.local import LocalExecutor
from devrobot_world_model.checkpoints import load_checkpoint
from fit_worlds import dot_session
from hanging_work import Failing
import pytest
from staged_worlds import essence, run_staged, staged


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    return dot_session(tmp_path_factory.mktemp('session') / 'walk')


@pytest.fixture(scope='module')
def made(bag, tmp_path_factory):
    """One whole run with sweeps and a baseline, which several tests look at."""
    return run_staged(bag, tmp_path_factory.mktemp('runs'), staged())


def resumed(folder: Path, **settings) -> runner.Ending:
    return StagedTraining(read_begun(folder), **settings).run()


def quick(**changes):
    """Settings without sweeps and baselines, for what needs none."""
    return staged(sweep__when='off', baseline=False, **{'stopping__max_samples': 80, **changes})


def test_a_run_leaves_what_was_promised(made, bag):
    folder, ending = made
    assert ending.status == COMPLETE and ending.report == folder / 'report.html'
    names = {path.name for path in folder.iterdir()}
    assert names >= {
        'config.yaml', 'inputs.json', 'plan.json', 'journal.jsonl', 'events.log', 'summary.json',
        'report.html', 'checkpoints', 'stages', 'splits',
    }  # fmt: skip
    summary = load_summary(folder)
    assert [stage.state for stage in summary.stages] == [COMPLETE, COMPLETE]
    assert summary == ending.summary
    assert load_checkpoint(folder / 'checkpoints', 'best').tensors


def test_each_stage_swept_at_its_plateau_and_the_second_has_a_baseline(made):
    _, ending = made
    first, second = ending.summary.stages
    for stage in (first, second):
        assert [sweep.trigger for sweep in stage.sweeps] == ['plateau']
        (sweep,) = stage.sweeps
        assert [(p.name, len(p.trials)) for p in sweep.phases] == [('A', 2), ('B', 2)]
        assert sweep.rate_before and sweep.loss_before and sweep.samples
    assert first.baseline_runs == () and len(second.baseline_runs) == 1
    assert second.overlap is not None and second.original_trivial.copy_last is not None


def test_the_choice_has_the_lowest_loss_on_the_original_session(made):
    folder, ending = made
    trainings = [
        run.original_loss
        for stage in ending.summary.stages
        for run in (*stage.runs, *stage.baseline_runs)
    ]
    choice = ending.summary.choice
    assert choice.original_loss == min(trainings)
    assert (folder / 'checkpoints' / 'best').readlink() == Path(choice.checkpoint).relative_to(
        'checkpoints'
    )


def test_curves_of_parts_and_sweeps_follow_each_other(made):
    _, ending = made
    for stage in ending.summary.stages:
        (run,) = stage.runs
        assert list(run.validation.samples) == sorted(run.validation.samples)
        assert run.samples >= max(run.validation.samples)
        (sweep,) = stage.sweeps
        assert all(samples > sweep.samples for samples in run.restarts)


def test_a_finished_run_does_nothing_when_it_is_resumed(made, monkeypatch):
    folder, ending = made
    monkeypatch.setattr(engine, 'train_once', None)
    monkeypatch.setattr(engine, 'run_sweep', None)
    again = resumed(folder)
    assert essence(again.summary.to_dict()) == essence(ending.summary.to_dict())
    assert again.summary.events == ending.summary.events


def test_only_the_best_checkpoints_are_left(made, bag, tmp_path):
    folder, _ = made
    left = [p for p in folder.rglob('tensors.safetensors') if not p.parent.is_symlink()]
    assert {path.parent.parent for path in left} == {folder / 'checkpoints'}
    folder, ending = run_staged(bag, tmp_path, quick(keep_checkpoints=1, splits__first_size=15))
    assert len(ending.summary.stages) == 3
    kept = {path.name for path in (folder / 'checkpoints').iterdir() if not path.is_symlink()}
    assert len(kept) <= 2 and Path(ending.summary.choice.checkpoint).name in kept


def test_the_same_seed_gives_the_same_choice_and_another_one_does_not(bag, tmp_path):
    one, two, three = (
        essence(run_staged(bag, tmp_path, quick(seed=seed), run_id=name)[1].summary.to_dict())
        for seed, name in ((0, 'a'), (0, 'b'), (1, 'c'))
    )
    assert one == two
    assert one['choice']['original_loss'] != three['choice']['original_loss']


def test_runs_in_parallel_are_the_same_as_one_after_the_other(bag, tmp_path):
    config = quick(runs_per_stage=2, splits__first_size=100)
    one = run_staged(bag, tmp_path, config, run_id='serial')[1]
    two = run_staged(bag, tmp_path, replace(config, parallel_runs=2), run_id='parallel')[1]
    assert essence(one.summary.to_dict()) == essence(two.summary.to_dict())
    (stage,) = one.summary.stages
    losses = [run.original_loss for run in stage.runs]
    assert len(set(losses)) == 2 and stage.chosen_run == losses.index(min(losses)) + 1


def test_a_stage_begins_with_the_best_weights_of_the_one_before(bag, tmp_path, monkeypatch):
    starts = []

    def watched(folder, config, data, *, start='', **settings):
        starts.append((folder.parts[-2], Path(start).name))
        return train_once(folder, config, data, start=start, **settings)

    monkeypatch.setattr(engine, 'train_once', watched)
    run_staged(bag, tmp_path, replace(quick(), baseline=True))
    assert starts == [('run_1', ''), ('run_1', 'stage_01_run_1'), ('baseline_1', '')]


@pytest.mark.extra('tensorboard')
def test_every_training_of_a_stage_is_logged_where_it_is_asked_to(bag, tmp_path):
    config = staged(sweep__when='off', stopping__max_samples=80, log_to=('tensorboard',))
    folder, _ = run_staged(bag, tmp_path, config)
    logged = {path.parents[1] for path in folder.glob('**/events.out.tfevents.*')}
    assert sorted(str(path.relative_to(folder)) for path in logged) == [
        'stages/stage_01/run_1/part_1',
        'stages/stage_02/baseline_1/part_1',
        'stages/stage_02/run_1/part_1',
    ]


def test_a_stage_too_small_to_validate_is_said_and_skipped(bag, tmp_path):
    _, ending = run_staged(bag, tmp_path, quick(splits__first_size=4))
    states = [stage.state for stage in ending.summary.stages]
    assert states[0] == SKIPPED and states[-1] == COMPLETE
    assert 'has no whole canvas' in ending.summary.stages[0].reason
    assert any(event.kind == 'skipped' for event in ending.summary.events)


def test_if_all_trials_fail_the_configured_rate_stays_and_the_run_goes_on(
    bag, tmp_path, monkeypatch
):
    monkeypatch.setattr(
        engine, 'make_executor', lambda config, workers: LocalExecutor(1, work=Failing)
    )
    config = staged(sweep__when='initial', baseline=False, splits__first_size=100)
    _, ending = run_staged(bag, tmp_path, config)
    (stage,) = ending.summary.stages
    (sweep,) = stage.sweeps
    assert (sweep.state, sweep.fallback) == (FAILED, True)
    assert sweep.rate_after == config.optimizer.learning_rate == stage.learning_rate
    assert {trial.reason for trial in sweep.phases[0].trials} == {'RuntimeError: no luck'}
    assert ending.status == COMPLETE and ending.choice is not None


def test_the_pages_are_written_once_between_two_stages_and_tell_both(bag, tmp_path, monkeypatch):
    told = []

    def watched(folder):
        told.append([stage.state for stage in load_summary(folder).stages])
        return write_report(folder)

    monkeypatch.setattr(reporting, 'write_report', watched)
    _, ending = run_staged(bag, tmp_path, quick())
    assert told == [[], [RUNNING], [COMPLETE, RUNNING], [COMPLETE, COMPLETE]]
    page = ending.report.read_text()
    assert all(f'stage {number} ended' in page for number in (1, 2))


def test_a_report_that_breaks_ends_nothing(bag, tmp_path, monkeypatch):
    def broken(folder):
        raise ZeroDivisionError('a figure')

    monkeypatch.setattr(reporting, 'write_report', broken)
    _, ending = run_staged(bag, tmp_path, quick())
    assert ending.status == COMPLETE and ending.report is None


def test_a_summary_that_cannot_be_made_in_the_middle_of_a_run_ends_nothing(
    bag, tmp_path, monkeypatch
):
    def broken(planned, run_folder, config, *, status, trivial):
        if status == RUNNING and not (run_folder / 'stages/stage_02/run_1/result.json').exists():
            raise ZeroDivisionError('a curve')
        return collect_stage(planned, run_folder, config, status=status, trivial=trivial)

    said = []
    view = engine.View()
    view.say = said.append
    monkeypatch.setattr(reporting, 'collect_stage', broken)
    _, ending = run_staged(bag, tmp_path, quick(), view=view)
    assert ending.status == COMPLETE and len(ending.summary.stages) == 2
    assert 'no summary could be made: ZeroDivisionError: a curve' in said


@pytest.mark.parametrize('kind', [RuntimeError, MemoryError, ValueError, KeyError, TypeError])
def test_a_training_that_breaks_is_a_failed_one_and_the_others_go_on(
    bag, tmp_path, monkeypatch, kind
):
    def breaking(folder, *more, **settings):
        if 'stage_01' in str(folder):
            raise kind('out of memory')
        return train_once(folder, *more, **settings)

    monkeypatch.setattr(engine, 'train_once', breaking)
    _, ending = run_staged(bag, tmp_path, quick())
    first, second = ending.summary.stages
    assert (first.state, second.state) == (FAILED, COMPLETE)
    assert 'out of memory' in first.reason and ending.choice.stage == 2
    assert any('out of memory' in alert.message for alert in ending.summary.alerts)


def test_a_stop_leaves_a_partial_summary_and_the_rest_gives_the_same_choice(bag, tmp_path):
    expected = run_staged(bag, tmp_path, quick(), run_id='whole')[1]
    asked = []

    class Stopping(engine.View):
        def event(self, event) -> None:
            if getattr(event, 'samples', 0) >= 60 and (folder / 'stages/stage_02').exists():
                asked.append(True)

    folder = tmp_path / 'walk' / 'cut'
    _, ending = run_staged(
        bag, tmp_path, quick(), run_id='cut', view=Stopping(), should_stop=lambda: bool(asked)
    )
    assert ending.status == INTERRUPTED and ending.choice is None
    saved = load_summary(folder)
    assert [stage.state for stage in saved.stages] == [COMPLETE, INTERRUPTED]
    assert saved.stages[1].runs[0].samples and (folder / 'report.html').exists()
    assert essence(resumed(folder).summary.to_dict()) == essence(expected.summary.to_dict())


def test_a_full_disk_is_told_and_can_be_gone_on_with(bag, tmp_path, monkeypatch):
    expected = run_staged(bag, tmp_path, quick(), run_id='whole')[1]

    def full(folder, *more, **settings):
        if 'stage_02' in str(folder):
            raise OSError(28, 'No space left on device', str(folder / 'metrics.jsonl'))
        return train_once(folder, *more, **settings)

    with monkeypatch.context() as patch, pytest.raises(OSError, match='No space left'):
        patch.setattr(engine, 'train_once', full)
        run_staged(bag, tmp_path, quick(), run_id='full')
    folder = tmp_path / 'walk' / 'full'
    header = load_summary(folder).header
    assert header.status == FAILED and 'No space left' in header.status_message
    assert essence(resumed(folder).summary.to_dict()) == essence(expected.summary.to_dict())


def test_two_runs_on_one_session_share_no_file(bag, tmp_path):
    one = run_staged(bag, tmp_path, quick(), run_id='one')[0]
    before = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in one.rglob('*') if p.is_file()}
    run_staged(bag, tmp_path, quick(seed=1), run_id='two')
    after = {p: (p.stat().st_mtime_ns, p.stat().st_ino) for p in one.rglob('*') if p.is_file()}
    assert before == after


def test_one_process_at_a_time_works_on_a_run(tmp_path):
    with only_one(tmp_path), pytest.raises(RunError, match='by another'), only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def result(original: float | None, best: float = 0.5, checkpoint: str = 'c') -> RunResult:
    return RunResult(
        stop_reason='samples', stop_message='', learning_rate=1e-3, samples=1, seconds=1.0,
        original_loss=original, best_validation=best, checkpoint=checkpoint,
    )  # fmt: skip


def test_the_original_session_decides_and_not_the_validation():
    assert best_of([result(0.3, best=0.1), result(0.2, best=0.9)]) == 1
    assert best_of([result(0.2), result(0.2)]) == 0
    assert best_of([result(None), result(0.9)]) == 1
    assert best_of([result(0.1, checkpoint='')]) is None
    candidates = [
        Candidate(stage=n, number=1, baseline=n == 3, result=result(loss))
        for n, loss in ((1, 0.5), (2, 0.2), (3, 0.1))
    ]
    assert final_choice(candidates).stage == 3
    assert final_choice([]) is None


def test_the_worst_checkpoints_go_and_what_is_needed_stays(tmp_path):
    results = {name: result(loss) for name, loss in zip('abcd', (0.1, 0.4, 0.2, 0.3), strict=True)}
    for name in results:
        (tmp_path / 'checkpoints' / name).mkdir(parents=True)
    keep_best(tmp_path, results, 2, ['b'])
    assert sorted(path.name for path in (tmp_path / 'checkpoints').iterdir()) == ['a', 'b', 'c']


def test_the_summary_is_json_without_numbers_that_are_not_finite(made):
    folder, _ = made
    text = (folder / 'summary.json').read_text()
    json.loads(text, parse_constant=lambda name: pytest.fail(name))
