"""Summaries of staged trainings as an engine would leave them, with pictures of a moving dot."""

from dataclasses import replace
import math
from pathlib import Path
import platform
from typing import Any

from devrobot_interfaces_py.atomic import write_bytes
from devrobot_interfaces_py.images import encode_png
from devrobot_training.report.examples import history_strip
from devrobot_training.report.stage_records import (
    Curve,
    Example,
    RunEvent,
    Stage,
    StageRun,
    Sweep,
    SweepCandidate,
    SweepPhase,
    SweepTrial,
    TrivialLosses,
)
from devrobot_training.report.summary import (
    Attention,
    Choice,
    Difference,
    Header,
    Reproduction,
    RunSummary,
    UsedFile,
    UsedSession,
)
import numpy as np

SIZE = 64
LONG = f'cannot read {"a_very_long_name/" * 9}debug.yaml: {"words and more words " * 9}'
COLORS = np.array([[200, 40, 40], [40, 170, 60]], np.uint8)
TRIVIAL = TrivialLosses(copy_last=0.0402, black=0.162, mean_frame=0.0551, grey=0.0517)
LOSSES = (0.0478, 0.0311, 0.0127, 0.0064)
RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 1e-2)
HEADER = Header(
    run_id='20260102_030405',
    session='walk_01',
    status='complete',
    mode='root session',
    started='2026-01-02T03:04:05+00:00',
    updated='2026-01-02T03:09:47+00:00',
    finished='2026-01-02T03:09:47+00:00',
    seconds=341.6,
    commit='3d588bf2a910',
    dirty=True,
    device='cpu, 1 thread',
    command=(
        *('ros2', 'run', 'devrobot_training', 'staged'),
        *('--root-session', 'saved/sessions/toroidal_dot/walk_01', '--config', 'debug'),
        *('--output-dir', 'runs', '--runs-per-stage', '3', '--seed', '1'),
    ),
    planned_stages=4,
    process_id=1,
    host=platform.node(),
)
EMPTY = RunSummary(header=Header(run_id='first', session='walk_01'))


def curve(end: float, samples: int, seed: int, every: int, start: float = 0.05) -> Curve:
    """Return losses that fall from ``start`` to ``end``, with noise."""
    rng = np.random.default_rng(seed)
    x = np.arange(every, samples + 1, every)
    fall = end + (start - end) * np.exp(-4 * x / samples)
    y = fall * np.exp(rng.normal(0, 0.12, len(x)))
    return Curve(samples=tuple(map(int, x)), values=tuple(map(float, y)))


def stage_run(number: int, loss: float, samples: int, **changes: Any) -> StageRun:
    validation = curve(loss, samples, 10 * samples + number, samples // 12)
    run = StageRun(
        number=number,
        seed=number,
        stop_reason='plateau',
        stop_message='best validation improved by less than 0.5 % over 25 validations',
        learning_rate=3e-4,
        samples=samples,
        seconds=samples / 60,
        best_validation=min(v for v in validation.values if v is not None),
        best_samples=samples,
        original_loss=loss * 1.03,
        train=curve(loss * 0.9, samples, samples + number, 8),
        validation=validation,
        rate=Curve(
            samples=(1, 50, samples // 2, samples // 2 + 1, samples),
            values=(1e-5, 2e-4, 2e-4, 3e-4, 3e-4),
        ),
        restarts=(3 * samples // 4,) if number == 2 else (),
        resumed=(samples // 4,) if number == 2 else (),
        folder=f'stages/stage_01/run_{number}',
    )
    return replace(run, **changes)


def sweep(number: int = 1, **changes: Any) -> Sweep:
    """Return a sweep of two phases in which one rate diverged."""
    trials, candidates = [], []
    for rank, value in enumerate(RATES, 1):
        failed = value == 1e-2
        loss = None if failed else 0.01 + 0.02 * abs(math.log10(value / 3e-4))
        reason = 'loss is not finite after 40 samples' if failed else ''
        trials.append(
            SweepTrial(
                number=rank,
                learning_rate=value,
                seed=1,
                state='failed' if failed else 'complete',
                reason=reason,
                best_validation=loss,
                samples=200,
                seconds=3.1,
            )
        )
        kept = value in (1e-4, 3e-4)
        worse = reason or f'rank {rank} of 6, 2 are kept'
        candidates.append(
            SweepCandidate(
                rank=rank, learning_rate=value, score=loss, kept=kept, reason='' if kept else worse
            )
        )
    ordered = sorted(candidates, key=lambda c: c.score or 9)
    deep = [
        SweepTrial(
            number=7 + place,
            learning_rate=value,
            seed=seed,
            best_validation=0.008 + 0.01 * abs(math.log10(value / 3e-4)) + 0.001 * seed,
            samples=600,
            seconds=9.4,
        )
        for place, (value, seed) in enumerate((v, s) for v in (1e-4, 3e-4) for s in (1, 2, 3))
    ]
    return replace(
        Sweep(
            number=number,
            trigger='plateau',
            run=2,
            samples=900,
            seconds=41.0,
            rate_before=2e-4,
            rate_after=3e-4,
            loss_before=0.0187,
            loss_after=0.0131,
            phases=(
                SweepPhase(
                    name='A',
                    seeds=(1,),
                    budget_samples=200,
                    trials=tuple(trials),
                    candidates=tuple(ordered),
                ),
                SweepPhase(
                    name='B',
                    seeds=(1, 2, 3),
                    budget_samples=600,
                    budget_seconds=20.0,
                    trials=tuple(deep),
                    candidates=(
                        SweepCandidate(rank=1, learning_rate=3e-4, score=0.010, kept=True),
                        SweepCandidate(
                            rank=2, learning_rate=1e-4, score=0.0148, reason='rank 2 of 2'
                        ),
                    ),
                ),
            ),
        ),
        **changes,
    )


def dot(x: float, y: float, brightness: float = 1.0, blur: float = 0.6) -> np.ndarray:
    rows, columns = np.mgrid[:SIZE, :SIZE]
    away = np.hypot(
        *(np.minimum(abs(a - b), SIZE - abs(a - b)) for a, b in ((rows, y), (columns, x)))
    )
    level = brightness / (1 + np.exp((away - 5) / blur))
    return (255 * level[..., None].repeat(3, axis=2)).round().astype(np.uint8)


def example(folder: Path, place: str, number: int, skill: float, word: str = '') -> Example:
    """Write the pictures of one canvas; ``skill`` 0..1 is how well it is predicted."""
    action, x, y = number % 2, 7.0 + 9 * number, 12.0 + 7 * number
    history = np.stack([dot(x, y), dot(x + 13, y)])
    truth = dot(x + 13 + 13 * action, y)
    guess = dot(x + 13 + 13 * action * skill, y, 0.25 + 0.75 * skill, 0.6 + 5 * (1 - skill))
    pictures = {
        'canvas': history_strip(history, COLORS[[1, action]], 8),
        'truth': truth,
        'prediction': guess,
    }
    paths = {name: f'{place}/{word}{number:02}_{name}.png' for name in pictures}
    for name, picture in pictures.items():
        write_bytes(folder / paths[name], encode_png(np.ascontiguousarray(picture)))
    return Example(
        transition=37 * number,
        word=word,
        action=('stay', 'move')[action],
        hybrid=0.05 - 0.045 * skill,
        **paths,
    )


def evaluation(loss: float) -> dict[str, Any]:
    """Return what an evaluation measured, as plain data."""
    rng = np.random.default_rng(3)
    losses = loss * np.exp(rng.normal(0, 0.7, 320))
    counts, edges = np.histogram(losses, 30)
    figures = {
        f'{name}{suffix}': value * factor
        for name, value in (
            ('plain', loss / 4), ('focal', loss), ('hybrid', loss), ('psnr', 21.0), ('ssim', 0.9)
        )
        for suffix, factor in (
            ('', 1), ('_copy_last', 6), ('_mean_frame', 7), ('_grey', 7), ('_black', 20)
        )
    }  # fmt: skip
    action = {
        'count': 160,
        **dict.fromkeys(('plain', 'hybrid'), loss),
        **{'hybrid_copy_last': 6 * loss, 'hybrid_wrong': 5 * loss, 'psnr': 21.0, 'ssim': 0.91},
        **{'within_2px': 0.98, 'counterfactual_within_2px': 0.95},
    }
    return {
        **figures,
        **{'within_2px': 0.981, 'within_3px': 0.993, 'median_dot_error': 0.41},
        'counterfactual_within_2px': 0.944,
        'counterfactual_within_3px': 0.98,
        'counterfactual_median_dot_error': 0.52,
        'mean_frame_from': 'training',
        'over_time': {'transition': list(range(320)), 'hybrid': losses.tolist()},
        'histogram': {'edges': edges.tolist(), 'counts': counts.tolist()},
        'by_action': {'stay': action, 'move': action},
        'divergence': [
            {'first': 'stay', 'second': 'move', 'mean': 0.031, 'maximum': 0.98, 'changed': 0.052}
        ],
        'rollouts': None,
    }


def stage(folder: Path, number: int, loss: float, **changes: Any) -> Stage:
    """Return a complete stage with three runs, a baseline and pictures."""
    place = f'stages/stage_{number:02}'
    (folder / place).mkdir(parents=True, exist_ok=True)
    skill = min(1.0, max(0.05, (number - 0.7) / 3.3))
    samples = 800 * number
    runs = tuple(
        stage_run(n, loss * factor, samples) for n, factor in ((1, 1.12), (2, 1.0), (3, 1.31))
    )
    fresh = stage_run(1, loss * 1.4, samples, original_loss=loss * (1.35 if number > 1 else 0.9))
    made = Stage(
        number=number,
        state='complete',
        train_size=40 * 2**number,
        validation_size=17 * 2**number,
        overlap=0,
        stop_reason='plateau',
        stop_message=runs[1].stop_message,
        best_validation=runs[1].best_validation,
        original_loss=loss,
        validation_trivial=TRIVIAL,
        original_trivial=TRIVIAL,
        learning_rate=3e-4,
        samples=3 * samples,
        seconds=3 * samples / 60,
        chosen_run=2,
        runs=runs,
        baseline_runs=(fresh,),
        sweeps=(sweep(),) if number == 2 else (),
        baseline_sweeps=(sweep(run=1),) if number == 2 else (),
        missing={} if number == 2 else {'sweeps': 'the loss kept falling'},
        evaluation=evaluation(loss),
        examples=tuple(example(folder, place, n, skill) for n in range(6)),
        worst=tuple(example(folder, place, n, skill / 2, 'worst') for n in (7, 9, 11)),
        baseline_examples=tuple(example(folder, place, n, 0.6 * skill, 'fresh') for n in range(6)),
        events=(RunEvent(time='2026-01-02T03:05:00', kind='stage', message='begun', samples=0),),
        folder=place,
    )
    return replace(made, **changes)


def full(folder: Path, **header: Any) -> RunSummary:
    """Return a run of four stages; its pictures are in ``folder``."""
    stages = tuple(stage(folder, n, loss) for n, loss in enumerate(LOSSES, 1))
    canvas = np.concatenate([dot(20, 30), dot(33, 30), dot(46, 30)], axis=1)
    write_bytes(folder / 'attention.png', encode_png(canvas))
    return RunSummary(
        header=replace(HEADER, **header),
        stages=stages,
        choice=Choice(stage=4, run=2, original_loss=LOSSES[-1], reason='lowest'),
        events=tuple(
            RunEvent(time=f'2026-01-02T03:0{n}:00+00:00', kind='stage', message=f'stage {n} begun')
            for n in range(1, 5)
        ),
        attention=Attention(picture='attention.png', caption='Where three patches look'),
        reproduction=Reproduction(
            config={'seed': 1},
            config_file='config/debug.yaml',
            arguments=('--root-session', '/data/sessions/toroidal_dot/walk_01'),
            to_defaults=(
                Difference(name='staged.runs_per_stage', value='3', other='1'),
                Difference(name='optimizer.learning_rate', value='0.0003', other='0.0002'),
            ),
            to_commit=(),
            versions={'python': '3.11.7', 'torch': '2.14.1', 'devrobot_training': '0.1.0'},
            sessions=(
                UsedSession(
                    name='walk_01',
                    role='root',
                    path='saved/sessions/toroidal_dot/walk_01',
                    digest='xxh64:9f1b22c04ad1e7d3',
                    transitions=640,
                ),
            ),
            seeds={'run': 1, 'stage 1, run 1': 101},
            files=(UsedFile(path='config.yaml', meaning='resolved settings'),),
        ),
    )


def partial(folder: Path) -> RunSummary:
    """Return a run in its second stage: most things are not there yet."""
    begun = Stage(
        number=2,
        train_size=160,
        runs=(StageRun(number=1, seed=1, state='running', folder='stages/stage_02/run_1'),),
        missing={'evaluation': 'the stage is not over', 'sweeps': 'none yet'},
    )
    return RunSummary(
        header=replace(HEADER, status='running', finished=None, commit=None, dirty=None),
        stages=(stage(folder, 1, LOSSES[0], examples=(), worst=()), begun),
        missing={'choice': 'the run is not over', 'attention': 'made at the end'},
    )


def failed(folder: Path) -> RunSummary:
    """Return a run that had everything go wrong."""
    diverged = stage_run(
        1, 0.06, 800, stop_reason='divergence', stop_message='twice the training loss'
    )
    broken = StageRun(
        number=1, seed=1, state='failed', stop_reason='non_finite', stop_message='loss is nan'
    )
    fallen = sweep(fallback=True, rate_after=2e-4, phases=())
    return RunSummary(
        header=replace(HEADER, status='failed', status_message='the disk is full: 0 bytes left'),
        stages=(
            Stage(number=1, state='skipped', reason='4 transitions are too few to validate'),
            stage(folder, 2, 0.071, runs=(diverged,), overlap=12, sweeps=(fallen,), chosen_run=1),
            Stage(number=3, state='failed', reason='no run gave weights', runs=(broken,)),
        ),
        events=(RunEvent(time='2026-01-02T03:05:00', kind='stop', message=LONG),),
        reproduction=Reproduction(missing={'to_commit': LONG}),
        missing={'choice': 'the run did not come to its end'},
    )


def won_by_a_baseline(folder: Path) -> RunSummary:
    """Return a run in which fresh weights were better in the end."""
    summary = full(folder)
    last = replace(summary.stages[-1], original_loss=0.09)
    choice = Choice(
        stage=4,
        run=1,
        original_loss=0.005,
        baseline=True,
        evaluation=evaluation(0.005),
        examples=tuple(example(folder, 'stages/stage_04/fresh', n, 0.99) for n in range(6)),
    )
    return replace(summary, stages=(*summary.stages[:-1], last), choice=choice)
