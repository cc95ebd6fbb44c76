"""
A whole staged training with the settings ``debug``: how long it takes, and what is in its report.

A session of 640 steps is recorded, and trained on by the commands that a user types. It ends with
exit code 1 if anything is missing that such a run promises: four stages, a sweep at a plateau, a
baseline, the best weights of all as the choice, and a report that says so in its first sentence.
"""

import argparse
from html import unescape
import json
import os
from pathlib import Path
import re
import resource
import sys
import tempfile
import time
from typing import Any

from commands import record_dot, ros2_run, SMALL_DOT
from devrobot_interfaces_py.atomic import write_json

STEPS = 640
MOST_SECONDS = 360
MOST_MEGABYTES = 10


def train(bag: Path, folder: Path) -> tuple[Path, float, float]:
    """Train in stages; return the run, and the wall and processor time that it took."""
    begun, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    ros2_run(
        *('devrobot_training', 'staged', '--root-session', str(bag), '--config', 'debug'),
        *('--output-dir', str(folder), '--run-id', 'debug', '--quiet'),
    )
    wall, after = time.monotonic() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return folder / bag.name / 'debug', wall, cpu


def figures_of(run: Path) -> dict[str, Any]:
    """Return what summary.json and the report of a run say."""
    summary = json.loads((run / 'summary.json').read_text(encoding='utf-8'))
    page = (run / 'report.html').read_text(encoding='utf-8')
    (verdict,) = re.findall(r'<p class="verdict">(.*?)</p>', page, re.DOTALL)
    stages, choice = summary['stages'], summary['choice']
    trained = [
        (training['original_loss'], stage['number'], word)
        for stage in stages
        for word in ('runs', 'baseline_runs')
        for training in stage[word]
    ]
    loss, number, word = min(trained)
    name = f'The baseline of stage {number}' if word == 'baseline_runs' else f'Stage {number}'
    sweeps = [sweep for stage in stages for sweep in stage['sweeps']]
    return {
        'stages': sum(stage['state'] == 'complete' for stage in stages),
        'plateau_sweeps': sum(
            sweep['trigger'] == 'plateau' and [p['name'] for p in sweep['phases']] == ['A', 'B']
            for sweep in sweeps
        ),
        'baselines': sum(len(stage['baseline_runs']) for stage in stages),
        'samples': sum(stage['samples'] for stage in stages),
        'hybrid': loss,
        'hybrid_copy_last': stages[-1]['original_trivial']['copy_last'],
        'best_is_chosen': (choice['original_loss'], choice['stage']) == (loss, number),
        'verdict': unescape(verdict),
        'expected_verdict': f'{name} of {len(stages)} is best: hybrid loss ',
        'report_megabytes': (run / 'report.html').stat().st_size / 1e6,
    }


def lacks(found: dict[str, Any]) -> list[str]:
    """Return what such a run promises and this one has not."""
    told, shown = found['verdict'], found['verdict'].split('hybrid loss ')[-1].split(',')[0]
    kept = {
        f'seconds at most {MOST_SECONDS}': found['seconds'] <= MOST_SECONDS,
        'at least 4 stages': found['stages'] >= 4,
        'a sweep at a plateau': found['plateau_sweeps'] >= 1,
        'a baseline': found['baselines'] >= 1,
        'the best weights are the choice': found['best_is_chosen'],
        'the verdict names the choice': told.startswith(found['expected_verdict']),
        'the verdict has its loss': f'{float(shown):.3g}' == f'{found["hybrid"]:.3g}',
        f'a report below {MOST_MEGABYTES} MB': found['report_megabytes'] < MOST_MEGABYTES,
    }
    return [promise for promise, holds in kept.items() if not holds]


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--json', type=Path, metavar='FILE', help='write the result to FILE, too')
    parser.add_argument('--output', type=Path, metavar='FOLDER', help='keep session and run here')
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.output or Path(temporary)
        load = os.getloadavg()[0]
        run, wall, cpu = train(record_dot(folder, STEPS, *SMALL_DOT), folder / 'runs')
        found = {'seconds': wall, 'cpu_seconds': cpu, **figures_of(run)}
    found |= {'cores': os.cpu_count(), 'load_before': load, 'lacks': lacks(found)}
    for name, value in found.items():
        print(f'{name:18} {value:.4g}' if isinstance(value, float) else f'{name:18} {value}')
    if options.json is not None:
        write_json(options.json, found)
    sys.exit(bool(found['lacks']))


if __name__ == '__main__':
    main()
