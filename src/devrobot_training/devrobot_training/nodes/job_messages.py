"""Requests, reports and outcomes of jobs as ROS messages."""

from dataclasses import fields
import math
from typing import Any, TypeVar

from devrobot_interfaces.action import Evaluate, Train
from devrobot_interfaces.msg import EvaluationSummary, TrainingMetrics
from devrobot_interfaces_py.conversions import ns_to_stamp
from devrobot_training.jobs import Report
from devrobot_training.tasks.metrics import Metrics
from devrobot_training.tasks.outcome import Outcome, Problem
from devrobot_world_model.checkpoints import CheckpointInfo
from devrobot_world_model.nodes.services import checkpoint_to_msg

RequestT = TypeVar('RequestT')
_SAME_NAMES = (
    'train_loss',
    'validation_loss',
    'best_validation_loss',
    'learning_rate',
    'gradient_norm',
    'samples_per_second',
)


def request_from_msg(request_class: type[RequestT], message: Any) -> RequestT:
    """Return the request in a goal or in a call; both have its fields, by the same names."""
    values = {item.name: getattr(message, item.name) for item in fields(request_class)}  # type: ignore[arg-type]
    return request_class(
        **{name: tuple(v) if isinstance(v, list) else v for name, v in values.items()}
    )


def metrics_to_msg(metrics: Metrics | None) -> TrainingMetrics:
    """Return metrics as a message; without any all floats are NaN."""
    known = metrics or Metrics(run_id='')
    message = TrainingMetrics(
        run_id=known.run_id,
        mode=getattr(TrainingMetrics, f'MODE_{known.mode.upper()}'),
        stage=known.stage,
        repeat=known.repeat,
        optimizer_step=known.step,
        samples_seen=known.samples,
        **{name: float(getattr(known, name)) for name in _SAME_NAMES},
    )
    message.header.stamp = ns_to_stamp(known.stamp_ns)
    return message


def summary_to_msg(outcome: Outcome) -> EvaluationSummary:
    """Return what was measured; ``count`` is 0 and all floats are NaN where nothing was."""
    measured = outcome.evaluation
    if measured is None:
        numbers = ('mean', 'median', 'standard_deviation', 'minimum', 'maximum')
        return EvaluationSummary(baseline_mean=math.nan, **dict.fromkeys(numbers, math.nan))
    hybrid = measured['statistics']['hybrid']
    percentiles = hybrid['percentiles']
    return EvaluationSummary(
        session_id=measured['session'],
        checkpoint_name=outcome.checkpoint.name if outcome.checkpoint else '',
        count=measured['count'],
        mean=_number(hybrid['mean']),
        median=_number(hybrid['median']),
        standard_deviation=_number(hybrid['standard_deviation']),
        minimum=_number(hybrid['minimum']),
        maximum=_number(hybrid['maximum']),
        baseline_mean=_number(measured['hybrid_copy_last']),
        percentiles=[float(point) for point in percentiles],
        percentile_values=[_number(value) for value in percentiles.values()],
    )


def train_feedback(report: Report) -> Train.Feedback:
    """Return how far a training is."""
    return Train.Feedback(
        metrics=metrics_to_msg(report.metrics),
        stage_count=report.stage_count,
        progress=float(report.progress),
        activity=report.activity,
    )


def evaluate_feedback(report: Report) -> Evaluate.Feedback:
    """Return how far an evaluation is."""
    return Evaluate.Feedback(
        frames_done=report.done,
        frames_total=report.total,
        running_mean=float(report.mean_loss),
    )


def train_result(outcome: Outcome) -> Train.Result:
    """Return how a training ended."""
    result = Train.Result(
        error_code=error_code(Train.Result, outcome.problem), error_msg=outcome.message
    )
    tell_products(result, outcome)
    return result


def evaluate_result(outcome: Outcome) -> Evaluate.Result:
    """Return how an evaluation ended."""
    return Evaluate.Result(
        error_code=error_code(Evaluate.Result, outcome.problem),
        error_msg=outcome.message,
        summary=summary_to_msg(outcome),
        report_path=str(outcome.report or ''),
    )


def tell_products(message: Any, outcome: Outcome) -> None:
    """Fill in what a job left: its best checkpoint and its report."""
    checkpoint = outcome.checkpoint or CheckpointInfo(name='', path='')
    message.best_checkpoint = checkpoint_to_msg(checkpoint)
    message.report_path = str(outcome.report or '')


def error_code(result_class: Any, problem: Problem) -> int:
    """Return the code of an action's result; what it has none for is UNKNOWN."""
    return int(getattr(result_class, problem.name, result_class.UNKNOWN))


def _number(value: float | None) -> float:
    return math.nan if value is None else value
