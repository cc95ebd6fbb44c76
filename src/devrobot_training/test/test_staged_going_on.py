"""Parts of a staged training that are done anew, as its own messages tell people to."""

from pathlib import Path
import re
import shutil

from devrobot_training.fit.problems import RunError
from devrobot_training.report.stage_records import COMPLETE
from devrobot_training.staged.begin import read_begun
from devrobot_training.staged.run_files import copy_linked, RESULT
from devrobot_training.staged.runner import Ending, StagedTraining
from devrobot_world_model.checkpoints import load_checkpoint
from fit_worlds import dot_session
import pytest
from staged_worlds import essence, run_staged, staged


@pytest.fixture(scope='module')
def made(tmp_path_factory) -> tuple[Path, Ending]:
    """Return a run of three stages, of which only the best and newest checkpoint is kept."""
    folder = tmp_path_factory.mktemp('runs')
    config = staged(
        baseline=False, stopping__max_samples=240, keep_checkpoints=1, splits__first_size=15
    )
    return run_staged(dot_session(folder / 'walk'), folder, config)


@pytest.fixture
def run(made, tmp_path) -> Path:
    """Return the run, for a test to damage; its paths are absolute, so it stays where it is."""
    folder, _ = made
    shutil.copytree(folder, tmp_path / 'kept', symlinks=True)
    yield folder
    shutil.rmtree(folder)
    shutil.copytree(tmp_path / 'kept', folder, symlinks=True)


def resumed(folder: Path) -> Ending:
    return StagedTraining(read_begun(folder)).run()


def checkpoints(folder: Path) -> set[str]:
    return {path.name for path in (folder / 'checkpoints').iterdir() if not path.is_symlink()}


def test_a_training_whose_weights_are_gone_is_made_anew(made, run, monkeypatch):
    before = essence(made[1].summary.to_dict())
    first = run / 'stages/stage_01/run_1'
    assert 'stage_01_run_1' not in checkpoints(run), 'it has been thinned out'
    result = (first / RESULT).read_text()
    (first / RESULT).unlink()
    monkeypatch.chdir(run.parent)  # a copy of the path '' would be one of this folder
    ending = resumed(run)
    assert ending.status == COMPLETE and essence(ending.summary.to_dict()) == before
    assert (first / RESULT).read_text().split('"seconds"')[0] == result.split('"seconds"')[0]
    assert any('stage 1 run 1 is made anew' in event.message for event in ending.summary.events)
    for name in checkpoints(run):
        assert load_checkpoint(run / 'checkpoints', name).tensors


def test_where_its_first_weights_are_gone_the_way_to_make_them_is_told_and_works(made, run):
    assert not (run / 'checkpoints/stage_01_run_1').exists()
    (run / 'stages/stage_02/run_1' / RESULT).unlink()
    with pytest.raises(RunError, match='has to be trained, but the weights') as told:
        resumed(run)
    name = str(told.value).partition(': delete ')[2].partition(', too')[0]
    assert name == str(run / 'stages/stage_01/run_1' / RESULT)
    Path(name).unlink()
    ending = resumed(run)
    assert essence(ending.summary.to_dict()) == essence(made[1].summary.to_dict())


def test_best_weights_that_were_deleted_are_missed_and_can_be_made_anew(made, run):
    name = Path(made[1].summary.choice.checkpoint).name
    shutil.rmtree(run / 'checkpoints' / name)
    with pytest.raises(RunError, match='the best weights, is gone: put it back, or') as told:
        resumed(run)
    told, ending = str(told.value), None
    while ending is None:  # the weights that it begins with may be gone, too, and theirs
        Path(re.search(r' delete (\S+?),? ', told)[1]).unlink()
        try:
            ending = resumed(run)
        except RunError as error:
            told = str(error)
    assert essence(ending.summary.to_dict()) == essence(made[1].summary.to_dict())
    assert load_checkpoint(run / 'checkpoints', 'best').tensors


def test_a_result_that_is_deleted_while_its_checkpoint_is_there_trains_nothing(made, run):
    place = run / made[1].summary.choice.checkpoint
    name = place.name
    parts = {p: p.stat().st_mtime_ns for p in run.glob('stages/stage_*/run_1/part_*/*')}
    (run / 'stages' / name[:8] / 'run_1' / RESULT).unlink()
    ending = resumed(run)
    assert essence(ending.summary.to_dict()) == essence(made[1].summary.to_dict())
    assert parts == {p: p.stat().st_mtime_ns for p in run.glob('stages/stage_*/run_1/part_*/*')}


def test_nothing_is_copied_from_an_empty_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for nothing in ('', '.', 'gone'):
        with pytest.raises(RunError, match='there is no checkpoint'):
            copy_linked(Path(nothing), tmp_path / 'checkpoints' / 'one')
    assert not list(tmp_path.iterdir())
