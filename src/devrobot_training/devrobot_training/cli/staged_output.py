"""What ``staged`` shows: bars for the stage and what goes on in it, a line per decision."""

from collections.abc import Mapping, Sequence
from pathlib import Path
import sys
from typing import Any

from devrobot_training.evaluation.result import plain
from devrobot_training.fit.training import Inputs, open_data
from devrobot_training.sessions.opening import open_session
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.engine import trial_workers
from devrobot_training.staged.estimate import estimate, measure_speed
from devrobot_training.staged.inputs import StagedInputs
from devrobot_training.staged.plan import Plan, PlannedStage
from devrobot_training.staged.runner import Ending
from devrobot_training.staged.view import View
from tqdm import tqdm

REFRESH_S = 0.5


class StagedConsole(View):
    """One bar for the stages, one for what is being done, one per trial that runs."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._bars: dict[str, Any] = {}
        self._titles: dict[str, str] = {}

    def reading(self, done: int, total: int) -> None:
        """Show how much of a bag has been read."""
        self.progress('reading', done, total)

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        if not self._quiet:
            tqdm.write(text, file=sys.stdout)
            sys.stdout.flush()

    def stage(self, number: int, stages: int, title: str) -> None:
        """Show the stage."""
        self._show('stages', title, number - 1, stages, 'stage', 0)

    def progress(self, title: str, done: int, total: int) -> None:
        """Show how far something is."""
        self._end_trials()
        self._show('work', title, done, total, 'canvas' if 'evaluating' in title else 'sample', 1)

    def trials(
        self, title: str, ended: int, count: int, running: Mapping[int, int], samples: int
    ) -> None:
        """Show a phase of a sweep, and each trial that runs."""
        self._several('trial', title, ended, count, running, samples)

    def trainings(self, title: str, ended: int, count: int, running: Mapping[int, int]) -> None:
        """Show trainings of a stage, and each one that runs."""
        self._several('run', title, ended, count, running, 0)

    def close(self) -> None:
        """Take the bars away."""
        for name in list(self._bars):
            self._close(name)

    def _several(
        self,
        kind: str,
        title: str,
        ended: int,
        count: int,
        running: Mapping[int, int],
        samples: int,
    ) -> None:
        self._show('work', title, ended, count, kind, 1)
        self._end_trials(kept={f'{kind} {number}' for number in running})
        for place, (number, done) in enumerate(sorted(running.items())):
            name = f'{kind} {number}'
            self._show(name, f'  {name}', done, samples, 'sample', 2 + place)

    def _end_trials(self, kept: set[str] | None = None) -> None:
        for name in [name for name in self._bars if name.startswith(('trial ', 'run '))]:
            if name not in (kept or set()):
                self._close(name)

    def _show(
        self, name: str, title: str, done: int, total: int, unit: str, position: int
    ) -> None:
        if self._titles.get(name) != title and name in self._bars:
            self._close(name)
        if name not in self._bars:
            hidden = self._quiet or not sys.stderr.isatty()
            self._bars[name] = tqdm(
                desc=title,
                unit=unit,
                disable=hidden,
                leave=False,
                mininterval=REFRESH_S,
                position=position,
            )
            self._titles[name] = title
        bar = self._bars[name]
        bar.total = total or None
        bar.update(done - bar.n)

    def _close(self, name: str) -> None:
        self._bars.pop(name).close()


def ending_text(folder: Path, ending: Ending) -> str:
    """Return what is said at the end."""
    rows = [('status', ending.status + (f': {ending.message}' if ending.message else ''))]
    choice = ending.choice
    if choice is not None:
        kind = 'baseline' if choice.baseline else 'run'
        rows.append(('best', f'stage {choice.stage}, {kind} {choice.number}'))
        loss = choice.result.original_loss
        shown = 'not measured' if loss is None else f'{loss:.4g}'
        rows.append(('hybrid loss', f'{shown} on the original session'))
        rows.append(('checkpoint', str(folder / 'checkpoints' / 'best')))
    rows.append(('run', str(folder)))
    if ending.report is not None:
        rows.append(('report', str(ending.report)))
    if choice is None:
        rows.append(('go on with', f'--resume {folder}'))
    return '\n'.join(f'{name:12}{value}' for name, value in rows)


def plan_rows(plan: Plan, inputs: StagedInputs, config: StagedConfig) -> list[dict[str, Any]]:
    """Return the stages with their estimated times, from a short measurement on the first."""
    first = plan.usable[0]
    data = open_data(
        Inputs(
            train=Path(first.train),
            validation=Path(first.validation),
            namespace=inputs.namespace,
            skip_faulty=inputs.skip_faulty,
        ),
        config.training(),
    )
    speed = measure_speed(config, data)
    original = open_session(
        plan.original, namespace=inputs.namespace, skip_faulty=inputs.skip_faulty
    )
    workers = trial_workers(config)

    def row(stage: PlannedStage) -> dict[str, Any]:
        facts = {
            'stage': stage.number,
            'train': stage.train_size,
            'validation': stage.validation_size,
            'overlap': stage.overlap,
            'problem': stage.problem,
        }
        if stage.problem:
            return facts
        fresh = stage is first and not inputs.checkpoint
        found = estimate(
            config,
            speed,
            canvases=len(original),
            actions=len(original.action_space),
            baseline=config.baseline and not fresh,
            workers=workers,
        )
        return plain({
            **facts, 'trainings': found.runs, 'training_s': found.training,
            'sweeps_s': found.sweeps, 'evaluation_s': found.evaluation, 'total_s': found.total,
        })  # fmt: skip

    return [row(stage) for stage in plan.stages]


def plan_text(plan: Plan, rows: Sequence[Mapping[str, Any]]) -> str:
    """Return the plan as a table; times are upper limits."""
    lines = [
        f'{plan.name}: {len(plan.usable)} of {len(plan.stages)} stages are trained',
        f'{"stage":>5} {"train":>7} {"valid.":>7} {"trainings":>9} {"training":>10} '
        f'{"sweeps":>8} {"evaluate":>8} {"at most":>10}',
    ]
    for row in rows:
        head = f'{row["stage"]:5} {row["train"]:7} {row["validation"]:7}'
        if row['problem']:
            lines.append(f'{head} skipped: {row["problem"]}')
            continue
        lines.append(
            f'{head} {row["trainings"]:9} {_time(row["training_s"]):>10} '
            f'{_time(row["sweeps_s"]):>8} {_time(row["evaluation_s"]):>8} '
            f'{_time(row["total_s"]):>10}'
        )
    totals = [row['total_s'] for row in rows if not row['problem']]
    whole = None if None in totals else sum(totals)
    lines.append(f'in all at most {_time(whole)}, as fast as this machine was just now')
    return '\n'.join(lines)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return 'open end'
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{rest:02}' if hours else f'{minutes}:{rest:02}'
