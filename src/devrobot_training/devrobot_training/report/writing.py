"""The files of a report: made of what a run left behind, whatever became of the run."""

from collections.abc import Sequence
import os
from pathlib import Path

from devrobot_interfaces_py.atomic import write_text
from devrobot_training.report.collecting import read_run
from devrobot_training.report.comparison import Compared, gather
from devrobot_training.report.previous import find_previous
from devrobot_training.report.rendering import (
    render,
    render_baseline,
    render_comparison,
    render_stage,
)
from devrobot_training.report.summary import RunSummary
from devrobot_training.report.tables import BASELINE_PAGE

PAGE = 'report.html'


def write_report(run_folder: Path) -> Path:
    """
    Write ``report.html`` of a run, and a page per stage and per baseline; return the first.

    :raises RunError: if the folder has no summary, or a damaged one.
    :raises OSError: if the disk refuses; the earlier pages are still there.
    """
    summary = read_run(run_folder)
    _write_stages(summary, run_folder)
    path = run_folder / PAGE
    write_text(path, render(summary, run_folder, find_previous(summary, run_folder)))
    return path


def write_comparison(run_folders: Sequence[Path], path: Path) -> list[Compared]:
    """
    Write a page that compares runs to ``path``; return what was compared.

    :raises RunError: if a folder has no readable summary, or there are too few of them.
    :raises OSError: if the disk refuses.
    """
    runs = gather([(folder, read_run(folder)) for folder in run_folders])
    here = path.absolute().parent
    links = {
        run.name: os.path.relpath((run.folder / PAGE).absolute(), here)
        for run in runs
        if (run.folder / PAGE).exists()
    }
    write_text(path, render_comparison(runs, links))
    return runs


def _write_stages(summary: RunSummary, run_folder: Path) -> None:
    root = run_folder.resolve()
    for stage in summary.stages:
        folder = run_folder / stage.folder
        if not stage.folder or not folder.is_dir() or root not in folder.resolve().parents:
            continue
        write_text(folder / PAGE, render_stage(summary, stage, run_folder))
        if stage.baseline_runs:
            write_text(folder / BASELINE_PAGE, render_baseline(summary, stage, run_folder))
