"""summary.json of a run made anew, from everything else in its folder."""

from pathlib import Path

from devrobot_training.fit.kept_settings import read_settings
from devrobot_training.fit.lock import only_one
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import RunFolder
from devrobot_training.report.summary import load_summary, RunSummary, save_summary
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.plan import plan_of
from devrobot_training.staged.reporting import Reporter
from devrobot_training.staged.view import View


def mend_summary(folder: Path) -> str:
    """
    Make the summary of a run anew if it is gone or damaged; return why, '' if it was not needed.

    :raises RunError: if this is no staged run, or a process is at work on it.
    :raises OSError: if the disk refuses.
    """
    try:
        load_summary(folder)
    except RunError as error:
        made = _rebuilt(folder)
        if made is None:
            raise
        save_summary(made, folder)
        return str(error)
    return ''


def _rebuilt(folder: Path) -> RunSummary | None:
    """Return the summary; None of what is no staged run, or of one that has not begun."""
    run = RunFolder(folder)
    try:
        facts, plan = run.read_inputs(), plan_of(folder)
    except RunError:
        return None
    if plan is None or 'mode' not in facts:
        return None
    with only_one(folder):
        config = read_settings(run, StagedConfig)
        return Reporter(folder.resolve(), config, plan, facts, view=View(), device='').rebuilt()
