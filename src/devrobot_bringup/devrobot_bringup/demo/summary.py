"""The figures of a demo run."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
import math
import statistics

from devrobot_bringup.demo.monitor import Outcome

WINDOW = 100
SHARE = 0.95


@dataclass(frozen=True, kw_only=True)
class Figures:
    """
    Means and shares over the last 100 predictions that were made in time.

    ``within_*`` are shares of predictions whose dot lies at most so many px (of the model's
    frame, wrap-around counted) from the truth; NaN = nothing was predicted, or there is no dot.
    """

    count: int = 0
    within_2px: float = math.nan
    within_3px: float = math.nan
    counterfactual_within_2px: float = math.nan
    counterfactual_within_3px: float = math.nan
    within_2px_by_action: dict[str, float] = field(default_factory=dict)
    within_3px_by_action: dict[str, float] = field(default_factory=dict)
    median_dot_error: float = math.nan
    mse: float = math.nan
    mse_copy_last: float = math.nan
    mse_black: float = math.nan

    @property
    def below_copy_last(self) -> float:
        """By which share the error is below that of copying the last frame."""
        return 1.0 - self.mse / self.mse_copy_last if self.mse_copy_last else math.nan


def figures(outcomes: Sequence[Outcome], labels: Sequence[str]) -> Figures:
    """Return the figures of the last 100 outcomes that were predicted in time."""
    last = [outcome for outcome in outcomes if outcome.on_time][-WINDOW:]
    if not last:
        return Figures()
    errors = _known(last)
    others = [error for outcome in last for error in outcome.counterfactual_errors]
    by_action = {
        label: _known([outcome for outcome in last if outcome.action == index])
        for index, label in enumerate(labels)
    }
    return Figures(
        count=len(last),
        within_2px=_share(errors, 2.0),
        within_3px=_share(errors, 3.0),
        counterfactual_within_2px=_share(others, 2.0),
        counterfactual_within_3px=_share(others, 3.0),
        within_2px_by_action={label: _share(values, 2.0) for label, values in by_action.items()},
        within_3px_by_action={label: _share(values, 3.0) for label, values in by_action.items()},
        median_dot_error=statistics.median(errors) if errors else math.nan,
        mse=statistics.fmean(outcome.mse for outcome in last),
        mse_copy_last=statistics.fmean(outcome.mse_copy_last for outcome in last),
        mse_black=statistics.fmean(outcome.mse_black for outcome in last),
    )


def seconds_to_share(
    outcomes: Sequence[Outcome], limit_px: float = 2.0, share: float = SHARE
) -> float | None:
    """
    Return the seconds of the first outcome at which ``share`` held over 100 predictions.

    None if it never did.
    """
    hits: list[bool] = []
    for outcome in outcomes:
        if not outcome.on_time:
            continue
        hits.append(outcome.dot_error <= limit_px)
        if len(hits) >= WINDOW and sum(hits[-WINDOW:]) >= share * WINDOW:
            return outcome.seconds
    return None


def as_json(values: Figures) -> dict[str, object]:
    """Return the figures as JSON data; what was not measured is null."""
    return _finite({**asdict(values), 'below_copy_last': values.below_copy_last})


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, float):
        return round(value, 6) if math.isfinite(value) else None
    return value


def _known(outcomes: Sequence[Outcome]) -> list[float]:
    return [outcome.dot_error for outcome in outcomes if not math.isnan(outcome.dot_error)]


def _share(errors: Sequence[float], limit: float) -> float:
    return sum(error <= limit for error in errors) / len(errors) if errors else math.nan
