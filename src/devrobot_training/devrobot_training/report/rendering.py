"""The pages of a report, from a summary and the pictures of its run folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from devrobot_training.pages.charts import Chart
from devrobot_training.pages.curves import draw_chart
from devrobot_training.pages.drawing import draw
from devrobot_training.pages.numbers import duration
from devrobot_training.report import comparison
from devrobot_training.report.alerts import all_alerts
from devrobot_training.report.comparison import Compared
from devrobot_training.report.pictures import Album, baseline_rows, progress_rows, stage_rows
from devrobot_training.report.plots import by_stage, loss_chart, rate_chart, spread_chart, timeline
from devrobot_training.report.previous import Previous
from devrobot_training.report.ranking import Best, best_of, find_stage
from devrobot_training.report.reproducing import all_settings, command_of, reproduction
from devrobot_training.report.sections import measures, stage_view, StageView, sweep_view
from devrobot_training.report.stage_records import FAILED, Stage
from devrobot_training.report.summary import RunSummary
from devrobot_training.report.tables import (
    baseline_sweep_table,
    baseline_table,
    event_table,
    run_table,
    spread_table,
    stage_table,
)
from devrobot_training.report.verdict import tiles, verdict
from markupsafe import Markup

HERE = Path(__file__).parent
FOLDERS = (HERE / 'templates',)
STYLES, SCRIPTS = (HERE / 'report.css',), (HERE / 'report.js',)
NARROW = 400
ICONS: Mapping[str, str] = {
    'running': '▶',
    'complete': '✓',
    'interrupted': '‖',
    'failed': '✕',
    'skipped': '↷',
}


def render(summary: RunSummary, folder: Path, previous: Previous | None = None) -> str:
    """Return the page of a run; ``folder`` is where its pictures are."""
    album = Album(folder)
    best = best_of(summary)
    values = {
        'title': f'{summary.header.session}: {summary.header.run_id}',
        'header': summary.header,
        'facts': header_facts(summary),
        'command': command_of(summary.reproduction, folder),
        'no_command': summary.reproduction.why('arguments'),
        'verdict': verdict(summary),
        'tiles': tiles(summary, previous or Previous()),
        'overview': by_stage(summary),
        'alerts': all_alerts(summary),
        'stages': stage_table(summary),
        **_best_values(summary, best, album),
        'timeline': timeline(summary),
        'views': _views(summary, best, album),
        'pages': {stage.number: stage.folder for stage in summary.stages if stage.folder},
        'baseline': baseline_table(summary, with_links=True),
        'baseline_sweeps': baseline_sweep_table(summary.stages),
        'spread': spread_table(summary),
        'spread_chart': spread_chart(summary),
        'events': event_table(summary.events),
        'reproduction': reproduction(summary.reproduction, summary.header, folder),
        'settings': all_settings(summary.reproduction),
        'no_settings': summary.reproduction.why('config'),
    }
    return _page('report.html', values)


def _best_values(summary: RunSummary, best: Best | None, album: Album) -> dict[str, Any]:
    """Return what is told about the best weights."""
    attention = summary.attention
    return {
        'best': best,
        'progress': progress_rows(album, summary.stages, best) if best else [],
        'worst': stage_rows(album, best.worst) if best else [],
        'no_pictures': _no_pictures(best),
        'measures': measures(
            best.evaluation if best else None,
            best.stage.why('evaluation') if best else 'no stage was measured',
        ),
        'attention': attention
        and album.show(attention.picture, attention.caption, attention.caption),
        'no_attention': f'No picture: {summary.why("attention")}.',
    }


def _views(summary: RunSummary, best: Best | None, album: Album) -> list[StageView]:
    """Return every stage, unfolded if it is the last one or failed."""
    shown = best.stage if best and not best.baseline else None
    return [
        stage_view(
            stage,
            album,
            is_open=stage is summary.stages[-1] or stage.state == FAILED,
            worst_elsewhere=stage is shown,
        )
        for stage in summary.stages
    ]


def render_stage(summary: RunSummary, stage: Stage, folder: Path) -> str:
    """Return the page of one stage, with all its runs and canvases."""
    best = best_of(summary)
    values = {
        'title': f'{summary.header.session}: stage {stage.number}',
        'header': summary.header,
        'stage': stage_view(stage, Album(folder), is_open=True, everything=True),
        'is_best': best is not None and best.stage is stage and not best.baseline,
        'measures': measures(stage.evaluation, stage.why('evaluation')),
        'up': way_up(stage),
        'has_baseline': bool(stage.baseline_runs),
    }
    return _page('stage.html', values)


def render_baseline(summary: RunSummary, stage: Stage, folder: Path) -> str:
    """Return the page of the trainings of a stage that began with fresh weights."""
    charts = []
    for run in stage.baseline_runs:
        charts += [
            loss_chart(stage, run, f'Loss of run {run.number}'),
            rate_chart(run, f'Learning rate of run {run.number}'),
        ]
    values = {
        'title': f'{summary.header.session}: baseline of stage {stage.number}',
        'header': summary.header,
        'number': stage.number,
        'comparison': baseline_table(_only(summary, stage)),
        'runs': run_table(stage.baseline_runs),
        'charts': charts,
        'sweeps': [sweep_view(stage, sweep) for sweep in stage.baseline_sweeps],
        'no_sweep': 'No sweep: none was needed, or baseline_sweeps is off.',
        'progress': baseline_rows(Album(folder), stage),
        'no_pictures': 'No pictures: the baseline was not measured.',
        'up': way_up(stage),
    }
    return _page('baseline.html', values)


def render_comparison(runs: Sequence[Compared], links: Mapping[str, str]) -> str:
    """
    Return the page that compares runs.

    :param links: addresses of their reports, by name.
    """
    values = {
        'title': f'{len(runs)} runs compared',
        'verdict': comparison.verdict(runs),
        'warnings': comparison.warnings(runs),
        'runs': comparison.run_table(runs, links),
        'charts': (comparison.loss_by_stage(runs), comparison.validation_by_samples(runs)),
        'rows': comparison.picture_rows(runs),
        'settings': comparison.settings_table(runs),
    }
    return _page('comparison.html', values)


def way_up(stage: Stage) -> str:
    """Return the relative path from the folder of a stage to that of the run."""
    return '../' * len(Path(stage.folder).parts)


def header_facts(summary: RunSummary) -> list[str]:
    """Return date, time taken, commit and device, or why they are not known."""
    header = summary.header
    began = header.started[:16].replace('T', ' ')
    commit = f'commit {header.commit}' if header.commit else header.why('commit', 'no commit')
    if header.dirty:
        commit += ' + uncommitted changes'
    commit += ''.join(f', then {later}' for later in header.later_commits)
    updated = header.updated[:16].replace('T', ' ')
    return [
        f'{began} UTC' if began else 'start not recorded',
        f'took {duration(header.seconds)}' if header.seconds is not None else '',
        f'state of {updated} UTC' if updated and not header.finished else '',
        f'on {header.device}' if header.device else header.why('device', 'device not recorded'),
        header.mode,
        commit,
    ]


def draw_both(chart: Chart) -> Markup:
    """Return a chart twice: for wide pages and for narrow ones; the style shows one."""
    wide, narrow = draw_chart(chart, 1080, 320), draw_chart(chart, NARROW, 260)
    return Markup('<div class="for-wide">{}</div><div class="for-narrow">{}</div>').format(
        wide, narrow
    )


def _no_pictures(best: Best | None) -> str:
    if best is None:
        return 'No pictures: no stage was measured.'
    return '' if best.examples else f'No pictures: {best.stage.why("examples")}.'


def _only(summary: RunSummary, stage: Stage) -> RunSummary:
    found = find_stage(summary, stage.number)
    return RunSummary(header=summary.header, stages=(found,) if found else ())


def _page(template: str, values: Mapping[str, Any]) -> str:
    tools = {'draw_chart': draw_chart, 'draw_both': draw_both, 'icons': ICONS}
    return draw(template, {**values, **tools}, folders=FOLDERS, styles=STYLES, scripts=SCRIPTS)
