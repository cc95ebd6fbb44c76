"""Findings about losses, gradients and the learning rate."""

from devrobot_training.logs.findings import AnalysisConfig, Finding, Severity
from devrobot_training.logs.run_log import number, RunLog
import numpy as np

FAR_FROM_BEST = 2.0
MOSTLY = 0.75
SAME_RATE = 1e-6
LONG_WARMUP = 0.8


def plateau(log: RunLog, config: AnalysisConfig) -> list[Finding]:
    """Compare the gain of the last validations with the gain of all."""
    losses = log.validation[np.isfinite(log.validation)]
    if len(losses) < config.few:
        return []
    best = np.minimum.accumulate(losses)
    late = max(1, round(config.late_share * len(best)))
    total = float(best[0] - best[-1])
    if total <= 0:
        message = f'no validation was better than the first, {best[0]:.3g}'
        advice = 'overfit tells whether the model can learn at all; then try other rates'
        return [Finding(Severity.PROBLEM, 'plateau', message, 0.0, advice)]
    share = float(best[-1 - late] - best[-1]) / total
    if share >= config.plateau_gain:
        return []
    message = f'the last {late} of {len(best)} validations gave {share:.1%} of the gain'
    if best[-1] <= config.converged * best[0]:
        message += f'; the loss is {best[-1] / best[0]:.1%} of the first: it has converged'
        advice = 'stop earlier; more recordings help more than more steps'
        return [Finding(Severity.INFO, 'plateau', message, share, advice)]
    message += f', and the loss is still {best[-1] / best[0]:.0%} of the first'
    advice = (
        'another learning rate (try a third and three times), --optimizer.schedule cosine, or '
        'more recordings; if it was flat from early on, overfit first'
    )
    return [Finding(Severity.WARNING, 'plateau', message, share, advice)]


def divergence(log: RunLog, config: AnalysisConfig) -> list[Finding]:
    """Compare validation with training at the end of the run."""
    validation, train = log.validation, log.column('train_loss')
    known = np.isfinite(validation) & np.isfinite(train)
    validation, train = validation[known], train[known]
    if len(validation) < config.few:
        return []
    late = max(3, round(config.late_share * len(validation)))
    ended, trained = validation[-late:], train[-late:]
    apart = (ended - trained >= config.gap) | (ended >= config.ratio * trained)
    apart &= ended > trained
    if apart.mean() < MOSTLY:
        return []
    ratio = float(np.median(ended)) / max(float(np.median(trained)), 1e-12)
    best = float(validation.min())
    message = (
        f'the last validations were {ratio:.3g} times the training loss '
        f'({np.median(ended):.3g} and {np.median(trained):.3g})'
    )
    advice = (
        'record more, and in more places; use the checkpoint best; raise optimizer.weight_decay'
    )
    if validation[-1] < FAR_FROM_BEST * best:
        return [Finding(Severity.WARNING, 'divergence', message, ratio, advice)]
    message += f', and the last is {validation[-1] / best:.3g} times the best, {best:.3g}'
    return [Finding(Severity.PROBLEM, 'divergence', message, ratio, advice)]


def gradients(log: RunLog, config: AnalysisConfig) -> list[Finding]:
    """Look for gradients that explode or vanish, in the whole model and in its parts."""
    norms, steps = log.batches['gradient_norm'], log.batches['step']
    if np.isnan(norms).all():
        return []
    found = []
    high = norms > config.exploding
    if high.any():
        message = (
            f'exploding: {high.sum()} of {len(norms)} gradient norms above {config.exploding:g}, '
            f'the largest {np.nanmax(norms):.3g} at step {steps[np.nanargmax(norms)]:.0f}'
        )
        advice = 'lower optimizer.learning_rate, or set optimizer.gradient_clip 1'
        severity = _by_share(high, config)
        found.append(Finding(severity, 'gradients', message, float(np.nanmax(norms)), advice))
    low = norms < config.vanishing
    if low.any():
        message = (
            f'vanishing: {low.sum()} of {len(norms)} gradient norms below {config.vanishing:g}, '
            f'the first at step {steps[low][0]:.0f}'
        )
        advice = 'is there anything to predict? session_info shows the frames; then try overfit'
        severity = _by_share(low, config)
        found.append(Finding(severity, 'gradients', message, float(np.nanmin(norms)), advice))
    return found + _parts(log, config)


def _by_share(bad: np.ndarray, config: AnalysisConfig) -> Severity:
    return Severity.PROBLEM if bad.mean() >= config.often else Severity.WARNING


def _parts(log: RunLog, config: AnalysisConfig) -> list[Finding]:
    """Tell of parts of the model without gradients at most validations."""
    norms: dict[str, list[float]] = {}
    for row in log.intervals:
        for part, norm in (row.get('gradient_norms') or {}).items():
            norms.setdefault(part, []).append(number(norm))
    found = []
    for part, values in norms.items():
        low = np.array(values) < config.vanishing
        if low.mean() >= MOSTLY:
            message = (
                f'vanishing: {part} had gradient norms below {config.vanishing:g} at {low.sum()} '
                f'of {len(low)} validations: it does not learn'
            )
            advice = 'a part that nothing depends on: check the settings of the model'
            number_of = float(np.nanmedian(values))
            found.append(Finding(Severity.WARNING, 'gradients', message, number_of, advice))
    return found


def rate(log: RunLog, config: AnalysisConfig) -> list[Finding]:
    """Look for a rate that is zero, falls at once, never leaves the warm-up, or stays."""
    known = np.isfinite(log.batches['learning_rate'])
    rates, steps = log.batches['learning_rate'][known], log.batches['step'][known]
    if len(rates) < config.few:
        return []
    peak, top = float(rates.max()), int(rates.argmax())
    if peak <= 0:
        advice = 'set optimizer.learning_rate'
        return [Finding(Severity.PROBLEM, 'learning rate', 'it was 0 all the time', 0, advice)]
    found = _falls(rates, steps, config)
    if top >= LONG_WARMUP * len(rates):
        message = f'still rising at step {steps[top]:.0f} of {steps[-1]:.0f}'
        advice = 'train longer, or lower optimizer.warmup_steps'
        found.append(Finding(Severity.WARNING, 'learning rate', message, peak, advice))
    elif rates[top:].min() >= peak * (1.0 - SAME_RATE):
        wanted = log.setting('optimizer', 'schedule')
        message = f'constant at {peak:.3g} after the warm-up'
        if wanted == 'cosine':
            message += ', though optimizer.schedule is cosine'
        advice = '--optimizer.schedule cosine with total_steps of the run lets the end settle'
        severity = Severity.INFO if wanted == 'constant' else Severity.WARNING
        found.append(Finding(severity, 'learning rate', message, peak, advice))
    return found


def _falls(rates: np.ndarray, steps: np.ndarray, config: AnalysisConfig) -> list[Finding]:
    """Tell of the worst fall within one step, such as a restart at a thousandth of the rate."""
    shares = np.ones(len(rates) - 1)
    np.divide(rates[1:], rates[:-1], out=shares, where=rates[:-1] > 0)
    worst = int(shares.argmin())
    if shares[worst] > config.rate_fall:
        return []
    message = (
        f'it fell from {rates[worst]:.3g} to {rates[worst + 1]:.3g} at step {steps[worst + 1]:.0f}'
    )
    advice = 'a restart that goes on with an old schedule? compare optimizer.* in config.yaml'
    return [Finding(Severity.PROBLEM, 'learning rate', message, float(shares[worst]), advice)]
