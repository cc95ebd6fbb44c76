"""The command ``report``: the page of a staged training, or of several side by side."""

import argparse
from collections.abc import Sequence
from pathlib import Path
import sys
from typing import Any

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.cli.command import check_target, make_parser, run
from devrobot_training.report import comparison
from devrobot_training.report.alerts import all_alerts
from devrobot_training.report.collecting import read_run
from devrobot_training.report.ranking import best_of
from devrobot_training.report.summary import Alert
from devrobot_training.report.verdict import verdict
from devrobot_training.report.writing import write_comparison, write_report
from devrobot_training.staged.rebuilding import mend_summary

COMPARISON = 'comparison.html'


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'report',
        'Write the report of a staged training anew from what its folder holds, also while it '
        'runs or after it crashed; or compare several runs on one page.',
        'runs/walk_01/20260102_030405',
    )
    parser.add_argument('run', type=Path, nargs='?', help='run folder')
    parser.add_argument(
        '--compare', type=Path, nargs='+', metavar='RUN', help='write one page about these runs'
    )
    parser.add_argument(
        '--output',
        type=Path,
        metavar='FILE',
        help=f'page of a comparison (default: {COMPARISON} beside the first run)',
    )
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(build_parser(), work, args)


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Write the page; return what it says."""
    if (arguments.run is None) == (arguments.compare is None):
        raise ConfigError('name one run, or several with --compare')
    if arguments.compare is not None:
        return _compare(arguments.compare, arguments.output)
    if arguments.output is not None:
        raise ConfigError('--output is for --compare; the report of a run lies in its folder')
    _mend(arguments.run)
    page = write_report(arguments.run)
    summary = read_run(arguments.run)
    alerts = all_alerts(summary)
    best = best_of(summary)
    print(verdict(summary))
    _tell(alerts)
    print(f'report: {page}')
    return {
        'run': str(arguments.run),
        'report': str(page),
        'status': summary.header.status,
        'verdict': verdict(summary),
        'best_stage': best.stage.number if best else None,
        'best_loss': best.loss if best else None,
        'alerts': _plain(alerts),
    }


def _tell(alerts: Sequence[Alert]) -> None:
    for alert in alerts:
        print(f'{alert.severity:9}{alert.message}')


def _plain(alerts: Sequence[Alert]) -> list[dict[str, str]]:
    return [{'severity': alert.severity, 'message': alert.message} for alert in alerts]


def _mend(folder: Path) -> None:
    why = mend_summary(folder)
    if why:
        print(f'{why}; it was made anew from the other files of the run', file=sys.stderr)


def _compare(folders: Sequence[Path], output: Path | None) -> dict[str, Any]:
    page = output or folders[0].absolute().parent / COMPARISON
    check_target('--output', page)
    for folder in folders:
        _mend(folder)
    runs = write_comparison(folders, page)
    alerts = comparison.warnings(runs)
    print(comparison.verdict(runs))
    _tell(alerts)
    print(f'report: {page}')
    return {
        'report': str(page),
        'verdict': comparison.verdict(runs),
        'runs': {
            run.name: run.best.loss if run.best and run.best.on_original else None for run in runs
        },
        'alerts': _plain(alerts),
    }


if __name__ == '__main__':
    main()
