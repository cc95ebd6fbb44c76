"""The command ``analyze_logs``: what the log of a training says, in words."""

import argparse
from collections.abc import Sequence
from pathlib import Path
import textwrap
from typing import Any

from devrobot_interfaces_py.configs import add_arguments, config_from_args
from devrobot_training.cli.command import make_parser, run
from devrobot_training.logs.analysis import analyse
from devrobot_training.logs.findings import AnalysisConfig, Finding, Severity
from devrobot_training.logs.run_log import read_log

WIDTH = 99
INDENT = ' ' * 10


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command."""
    parser = make_parser(
        'analyze_logs',
        'Look through the log of a training, also of one that goes on, for what went wrong: '
        'plateaus, divergence, gradients, learning rate, sampling, speed, how it ended. '
        'Each finding has a number and a next step.',
        'runs/train_01/20260102_030405',
    )
    parser.add_argument('run', type=Path, help='run folder')
    add_arguments(parser, AnalysisConfig)
    return parser


def main(args: Sequence[str] | None = None) -> None:
    """Run the command."""
    run(build_parser(), work, args)


def work(arguments: argparse.Namespace) -> dict[str, Any]:
    """Print the findings; return them with what they are about."""
    log = read_log(arguments.run)
    findings = analyse(log, config_from_args(AnalysisConfig, arguments))
    print(f'{arguments.run}: {log.steps} steps, {len(log.intervals)} validations')
    for finding in findings:
        print(told(finding))
    if all(finding.severity == Severity.INFO for finding in findings):
        print('nothing looks wrong')
    return {
        'run': str(arguments.run),
        'steps': log.steps,
        'validations': len(log.intervals),
        'findings': [finding.to_dict() for finding in findings],
    }


def told(finding: Finding) -> str:
    """Return a finding for people, with the next step below it."""
    name = finding.severity.name.lower()
    texts = (f'{finding.topic}: {finding.message}', f'-> {finding.advice}')
    return '\n'.join(
        textwrap.fill(
            text, WIDTH, initial_indent=first, subsequent_indent=INDENT, break_on_hyphens=False
        )
        for text, first in zip(texts, (f'{name:10}', INDENT), strict=True)
    )


if __name__ == '__main__':
    main()
