"""What ``train`` shows: a bar while it goes on, one line per validation, and the end."""

from collections.abc import Callable
import sys
from typing import Any

from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.fit.events import CHECKPOINT, Event, Happened, StepDone, Validated
from devrobot_training.fit.finish import summarise
from devrobot_training.fit.stopping import Stop
from devrobot_training.fit.training import Training
from devrobot_training.pages.numbers import number
from tqdm import tqdm

REFRESH_S = 0.5


class Console:
    """Listens to a training and tells people."""

    def __init__(self, *, quiet: bool, loss: str) -> None:
        """
        Show nothing yet.

        :param loss: the kind that is trained on, of which validations are told.
        """
        self._quiet = quiet
        self._loss = loss
        self._bar: Any = None

    def reading(self, done: int, total: int) -> None:
        """Show how much of a bag has been read."""
        bar = self._shown('reading', 'msg')
        bar.total = total
        bar.update(done - bar.n)
        if done >= total:
            self.close()

    def listen(self, event: Event) -> None:
        """Show an event."""
        if isinstance(event, StepDone):
            bar = self._shown('training', 'sample')
            bar.set_postfix_str(f'loss {event.loss:.4f}', refresh=False)
            bar.update(event.samples - bar.n)
        elif isinstance(event, Validated):
            self.say(_validation_line(event, self._loss))
        elif isinstance(event, Happened) and event.event != CHECKPOINT:
            self.say(f'{event.event}: {event.message}')

    def say(self, text: str) -> None:
        """Print a line above the bar."""
        if not self._quiet:
            tqdm.write(text, file=sys.stdout)
            sys.stdout.flush()

    def close(self) -> None:
        """Take the bar away."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _shown(self, title: str, unit: str) -> Any:
        if self._bar is None:
            hidden = self._quiet or not sys.stderr.isatty()
            self._bar = tqdm(
                desc=title, unit=unit, disable=hidden, leave=False, mininterval=REFRESH_S
            )
        return self._bar


def _validation_line(event: Validated, loss: str) -> str:
    near = (
        '' if event.within_2px != event.within_2px else f' | {event.within_2px:4.0%} within 2 px'
    )
    return (
        f'{event.samples:8} samples | train {event.train_loss:.4f} | validation '
        f'{getattr(event, loss):.4f}{" *" if event.improved else "  "}{near} | '
        f'{event.samples_per_second:6.1f} samples/s | {event.cpu_seconds:6.0f} CPU-s'
    )


def report(
    training: Training, stop: Stop, *, quiet: bool, check: Callable[[], None]
) -> dict[str, Any]:
    """
    Evaluate the best weights, write what came out, print the essentials.

    :param check: called all the while; what it raises ends it.
    """
    with tqdm(
        desc='evaluating', unit='canvas', disable=quiet or not sys.stderr.isatty(), leave=False
    ) as bar:

        def show(done: int, total: int) -> None:
            check()
            bar.total = total
            bar.update(done - bar.n)

        summary = summarise(training, stop, EvaluationConfig(), progress=show)
    print(_ending(summary))
    return summary


def _ending(summary: dict[str, Any]) -> str:
    rows = [
        ('stopped', f'{summary["stop_reason"]}: {summary["stop_message"]}'),
        ('samples', f'{summary["samples"]} in {summary["cpu_seconds"]:.0f} CPU-s'),
        (
            'validation',
            f'hybrid {number(summary["hybrid"])} (copy-last-frame '
            f'{number(summary["hybrid_copy_last"])}, black {number(summary["hybrid_black"])})',
        ),
    ]
    if summary['within_2px'] is not None:
        rows += [
            ('dot within 2 px', _share(summary, 'within_2px')),
            ('action not taken', _share(summary, 'counterfactual_within_2px')),
            ('after 5 steps', _share(summary, 'rollout5_within_2px')),
            ('after 10 steps', _share(summary, 'rollout10_within_2px')),
            ('95 % reached', _seconds(summary['cpu_seconds_to_95'])),
        ]
    rows += [('run', summary['run']), ('report', summary['report'])]
    return '\n'.join(f'{name:18}{value}' for name, value in rows)


def _share(summary: dict[str, Any], key: str) -> str:
    value = summary[key]
    return 'not measured' if value is None else f'{value:.1%}'


def _seconds(value: float | None) -> str:
    return 'not' if value is None else f'after {value:.0f} CPU-s'
