"""The plan of stages: from a root session, from given splits, or from a pair of sessions."""

from pathlib import Path

from command_runs import run
from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.problems import RunError
from devrobot_training.sessions.session import SessionError
from devrobot_training.staged.begin import begin, read_begun
from devrobot_training.staged.inputs import StagedInputs
from devrobot_training.staged.journal import Journal, read_events
from devrobot_training.staged.plan import make_plan
from fit_worlds import dot_session
import pytest
from staged_worlds import staged


@pytest.fixture
def bag(tmp_path) -> Path:
    return dot_session(tmp_path / 'walk')


def planned(inputs: StagedInputs, folder: Path, **changes):
    return make_plan(inputs, staged(**changes), folder)


def test_a_root_session_grows_and_ends_with_all_of_it(bag, tmp_path):
    plan = planned(StagedInputs(root=bag), tmp_path / 'run', splits__first_size=10)
    assert [s.train_size + s.validation_size for s in plan.stages] == [10, 20, 40, 60]
    assert [stage.train_size for stage in plan.stages] == [7, 14, 28, 42]
    assert plan.original == str(bag) and plan.name == 'walk'
    assert all(Path(stage.train).exists() for stage in plan.stages)
    assert not list((tmp_path / 'run').rglob('*.mcap'))  # no frame is copied


def test_a_stage_too_small_to_validate_is_planned_as_skipped(bag, tmp_path):
    plan = planned(StagedInputs(root=bag), tmp_path, splits__first_size=2)
    assert plan.stages[0].problem == 'too small: its training has no whole canvas'
    assert not plan.stages[-1].problem and len(plan.usable) < len(plan.stages)


def test_nothing_to_train_is_refused(bag, tmp_path):
    with pytest.raises(SessionError, match='no stage can be trained, too small'):
        planned(StagedInputs(root=bag, stage=1), tmp_path, splits__first_size=2)


def test_one_stage_can_be_asked_for(bag, tmp_path):
    plan = planned(StagedInputs(root=bag, stage=2), tmp_path, splits__first_size=10)
    assert [stage.number for stage in plan.stages] == [2]
    with pytest.raises(ConfigError, match='--stage is 9, but there are stages 1 to 4'):
        planned(StagedInputs(root=bag, stage=9), tmp_path, splits__first_size=10)


def test_splits_that_were_made_before_are_the_same_stages(bag, tmp_path, capsys):
    folder = tmp_path / 'splits'
    assert run('make_splits', bag, '--output-dir', folder, '--first-size', 10) == 0
    given = planned(StagedInputs(splits=folder), tmp_path / 'given')
    grown = planned(StagedInputs(root=bag), tmp_path / 'grown', splits__first_size=10)
    sizes = [(s.number, s.train_size, s.validation_canvases, s.overlap) for s in grown.stages]
    found = [(s.number, s.train_size, s.validation_canvases, s.overlap) for s in given.stages]
    assert found == sizes
    assert Path(given.original).resolve() == bag.resolve()


def test_two_sessions_are_one_stage_and_the_validation_decides(bag, tmp_path):
    other = dot_session(tmp_path / 'other', steps=20, seed=1)
    plan = planned(StagedInputs(train=bag, validation=other), tmp_path)
    (stage,) = plan.stages
    assert (stage.train_size, stage.validation_size) == (60, 20)
    assert plan.original == str(other)
    third = planned(StagedInputs(train=bag, validation=other, original=bag), tmp_path)
    assert third.original == str(bag)
    assert [session.role for session in third.sessions] == ['train', 'validation', 'original']


@pytest.mark.parametrize(
    'wrong', [{}, {'train': Path('a')}, {'validation': Path('a')},
              {'root': Path('a'), 'train': Path('b'), 'validation': Path('c')}],
)  # fmt: skip
def test_sessions_are_a_root_or_a_pair(wrong):
    with pytest.raises(ConfigError, match='root-session'):
        StagedInputs(**wrong)


def test_a_run_that_cannot_be_planned_leaves_nothing(bag, tmp_path):
    with pytest.raises(ConfigError):
        begin(StagedInputs(root=bag, stage=9), staged(), tmp_path / 'runs', run_id='x')
    assert not (tmp_path / 'runs' / 'walk' / 'x').exists()


def test_two_runs_of_one_name_are_refused(bag, tmp_path):
    begin(StagedInputs(root=bag), staged(), tmp_path / 'runs', run_id='x')
    with pytest.raises(RunError, match='exists already'):
        begin(StagedInputs(root=bag), staged(), tmp_path / 'runs', run_id='x')


def test_a_session_that_changed_is_refused(bag, tmp_path):
    begun = begin(StagedInputs(root=bag), staged(), tmp_path / 'runs', run_id='x')
    assert read_begun(begun.folder).plan == begun.plan
    text = (begun.folder / 'plan.json').read_text()
    digest = begun.plan.sessions[0].digest
    (begun.folder / 'plan.json').write_text(text.replace(digest, '0' * len(digest)))
    with pytest.raises(RunError, match='walk has changed since the run began'):
        read_begun(begun.folder)


def test_a_run_that_died_before_its_plan_makes_it_again(bag, tmp_path):
    begun = begin(StagedInputs(root=bag), staged(), tmp_path / 'runs', run_id='x')
    (begun.folder / 'plan.json').unlink()
    assert read_begun(begun.folder).plan == begun.plan


def test_the_journal_tells_each_thing_once_also_after_a_torn_line(tmp_path):
    said: list[str] = []
    first = Journal(tmp_path, said.append)
    first.note('stages/stage_01/begun', 'stage', 'one')
    first.note('stages/stage_01/begun', 'stage', 'one')
    with (tmp_path / 'journal.jsonl').open('a') as file:
        file.write('{"key": "stages/stage_01/en')
    second = Journal(tmp_path, said.append)
    second.note('stages/stage_01/begun', 'stage', 'one')
    second.note('stages/stage_02/begun', 'stage', 'two', 40)
    assert said == ['stage: one', 'stage: two']
    assert [event.message for event in read_events(tmp_path)] == ['one', 'two']
    assert [event.samples for event in read_events(tmp_path, stage=2)] == [40]
    assert (tmp_path / 'events.log').read_text().count('stage: one') == 1
