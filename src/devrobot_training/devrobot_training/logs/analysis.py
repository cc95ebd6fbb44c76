"""
What the log of a training says, in words: findings with a number and a next step.

A rule is a function of the log and the limits; it gives no, one or several findings.
"""

from devrobot_training.logs.findings import AnalysisConfig, Finding, Severity
from devrobot_training.logs.learning_findings import divergence, gradients, plateau, rate
from devrobot_training.logs.run_log import number, RunLog
import numpy as np

ENOUGH_BATCHES = 2  # times sampler.refresh_batches, for losses to show in the draws
RULES_OF_STOPS = {
    'non_finite': (
        Severity.PROBLEM,
        'lower optimizer.learning_rate, or set optimizer.gradient_clip; --optimizer.precision '
        'fp32 tells whether it was the precision',
    ),
    'divergence': (
        Severity.WARNING,
        'use the checkpoint best; record more, or raise optimizer.weight_decay',
    ),
    'plateau': (Severity.INFO, 'use the checkpoint best, or go on with a lower rate'),
    'samples': (Severity.INFO, 'train --resume RUN --stopping.max-samples N goes on'),
    'time': (Severity.INFO, 'train --resume RUN --stopping.time-budget S goes on'),
    'interrupted': (Severity.INFO, 'train --resume RUN goes on'),
}


def analyse(log: RunLog, config: AnalysisConfig) -> list[Finding]:
    """Return all findings, the worst first."""
    if not log.steps:
        message = 'no training step was logged'
        advice = 'look at events.log: did it begin?'
        return [Finding(Severity.PROBLEM, 'log', message, 0, advice), *end(log)]
    found = [
        *progress(log, config),
        *plateau(log, config),
        *divergence(log, config),
        *gradients(log, config),
        *rate(log, config),
        *sampling(log, config),
        *speed(log, config),
        *end(log),
    ]
    return sorted(found, key=lambda finding: -finding.severity)


def progress(log: RunLog, config: AnalysisConfig) -> list[Finding]:
    """Tell the best validation, and whether there are enough to judge their course."""
    losses, found = log.validation, []
    known = np.flatnonzero(np.isfinite(losses))
    if len(known):
        best = int(known[np.argmin(losses[known])])
        message = (
            f'best validation loss ({log.kind}) {losses[best]:.3g} at '
            f'{number(log.intervals[best].get("samples")):.0f} samples, '
            f'validation {best + 1} of {len(losses)}'
        )
        advice = 'evaluate tells what it means in pixels and against trivial predictions'
        found.append(Finding(Severity.INFO, 'progress', message, float(losses[best]), advice))
    if len(known) < config.few:
        message = (
            f'{len(known)} validations are too few to judge plateau, divergence and speed '
            f'(from {config.few} on)'
        )
        advice = 'train longer, or lower fit.validate_every'
        found.append(Finding(Severity.INFO, 'progress', message, len(known), advice))
    return found


def sampling(log: RunLog, config: AnalysisConfig) -> list[Finding]:
    """
    Compare the draws with what the sampler owes each canvas (see ``data/balance.py``).

    How uneven counts may be depends on the sampler, on the canvases and on the draws. The log
    has the chance of counts as uneven as these, for the shares that the sampler intended.
    """
    counts = log.intervals[-1].get('draw_counts') or {} if log.intervals else {}
    values = {name: number(value) for name, value in counts.items()}
    if 'chance' not in values:
        message = 'the log does not tell how often canvases were drawn'
        return [Finding(Severity.INFO, 'sampling', message, 0, 'nothing to do')]
    found = []
    spread = f'drawn {values["minimum"]:.0f} to {values["maximum"]:.0f} times'
    if values['chance'] < config.chance:
        message = (
            f'canvases were {spread}, which the shares that the sampler intends give with a '
            f'chance of {values["chance"]:.0e} at most'
        )
        advice = 'a fault of the sampler: please report it with config.yaml and this line'
        found.append(Finding(Severity.PROBLEM, 'sampling', message, values['chance'], advice))
    if values['unseen'] > 0 and values['median'] >= 1:
        message = f'{values["unseen"]:.0f} canvases were never drawn, the others up to '
        message += f'{values["maximum"]:.0f} times'
        advice = 'train longer, or use --sampler.kind epoch'
        found.append(Finding(Severity.INFO, 'sampling', message, values['unseen'], advice))
    return found + _unused_losses(log, values['least_owed'], values['most_owed'])


def _unused_losses(log: RunLog, least: float, most: float) -> list[Finding]:
    """Tell of a sampler by loss whose shares stayed equal: the losses never reached it."""
    refresh = number(log.setting('sampler', 'refresh_batches'))
    weighted = log.setting('sampler', 'kind') == 'loss_weighted'
    due = number(log.intervals[-1].get('step')) > ENOUGH_BATCHES * refresh
    if not (weighted and due and most <= least * 1.001):
        return []
    message = 'sampler.kind is loss_weighted, but all canvases had the same share of the draws'
    advice = 'the losses do not reach the sampler: please report it with config.yaml'
    ratio = most / least if least > 0 else 1.0
    return [Finding(Severity.PROBLEM, 'sampling', message, ratio, advice)]


def speed(log: RunLog, config: AnalysisConfig) -> list[Finding]:
    """Compare the throughput at the end with that of the beginning."""
    speeds = log.column('samples_per_second')
    speeds = speeds[np.isfinite(speeds)]
    if len(speeds) < config.few:
        return []
    # From three on, a median does not mind one of them, such as the first with the start-up.
    size = max(3, round(config.late_share * len(speeds)))
    first, last = float(np.median(speeds[:size])), float(np.median(speeds[-size:]))
    if not last < (1.0 - config.slower) * first:
        return []
    fall = 1.0 - last / first
    message = f'samples per second fell by {fall:.0%}, from {first:.3g} to {last:.3g}'
    advice = (
        'look what else runs (top), for a full memory (free -h) and a hot processor; '
        '--fit.store memory keeps the disk out'
    )
    return [Finding(Severity.WARNING, 'speed', message, fall, advice)]


def end(log: RunLog) -> list[Finding]:
    """Tell how the run ended, and of losses that were not finite."""
    found = []
    bad = int((~np.isfinite(log.batches['loss'])).sum())
    if bad:
        message = f'the loss of {bad} of {log.steps} steps was not finite'
        advice = RULES_OF_STOPS['non_finite'][1]
        found.append(Finding(Severity.PROBLEM, 'end', message, bad, advice))
    turns = [e for e in log.events if e.get('event') in ('started', 'resumed', 'stopped')]
    step = float(np.nanmax(log.batches['step'])) if log.steps else 0.0
    if not turns or turns[-1].get('event') != 'stopped':
        message = f'no end yet, step {step:.0f} is the last: it goes on, or was killed'
        advice = 'train --resume RUN goes on from the last checkpoint'
        return [*found, Finding(Severity.INFO, 'end', message, step, advice)]
    told = str(turns[-1].get('message', ''))
    unknown = (Severity.INFO, 'events.log has the whole story')
    severity, advice = RULES_OF_STOPS.get(told.partition(':')[0], unknown)
    message = f'stopped after step {step:.0f} by {told}'
    return [*found, Finding(severity, 'end', message, step, advice)]
