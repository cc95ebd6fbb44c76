"""One training of a stage, part after part, against sequences that were worked out by hand."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.once import Trained
from devrobot_training.fit.stopping import told_seconds
from devrobot_training.fit.training import Inputs
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.run_files import RunResult, RunTask
from devrobot_training.staged.stage_run import StageRun, Tools
from devrobot_training.sweeps.phases import SweepTask
from devrobot_training.sweeps.result import SweepResult
from devrobot_world_model.learning.schedule import learning_rate
import pytest
from staged_worlds import staged

WHOLE = 'whole'  # stands for a checkpoint


@dataclass
class Script:
    """Plays trainings and sweeps as written: (stop reason, best loss, samples), (loss, rate)."""

    folder: Path
    trainings: list[tuple[str, float | None, int]]
    sweeps: list[tuple[float | None, float]] = field(default_factory=list)
    seen: list[tuple[str, Any]] = field(default_factory=list)
    configs: list[TrainConfig] = field(default_factory=list)
    tasks: list[SweepTask] = field(default_factory=list)
    starts: list[str] = field(default_factory=list)

    def train(self, folder: Path, config: TrainConfig, inputs: Inputs) -> Trained:
        reason, loss, samples = self.trainings.pop(0)
        self.seen.append(('train', config.optimizer.learning_rate))
        self.configs.append(config)
        self.starts.append(inputs.start)
        if loss is not None:
            checkpoints = folder / 'checkpoints'
            (checkpoints / 'step_000000001').mkdir(parents=True)
            (checkpoints / 'step_000000001' / WHOLE).write_text(folder.name)
            (checkpoints / 'best').symlink_to('step_000000001')
        return Trained(
            stop_reason=reason, stop_message=f'it was {reason}', samples=samples,
            learning_rate=config.optimizer.learning_rate, seconds=1.0, cpu_seconds=1.0,
            best_validation=loss, best_samples=None if loss is None else samples // 2,
        )  # fmt: skip

    def sweep(self, task: SweepTask, number: int) -> SweepResult:
        loss, rate = self.sweeps.pop(0)
        self.seen.append(('sweep', number))
        self.tasks.append(task)
        checkpoint = ''
        if loss is not None:
            made = task.folder / 'B' / 'trial_00' / 'checkpoints' / 'step_000000002'
            made.mkdir(parents=True)
            (made / WHOLE).write_text(task.folder.name)
            checkpoint = str(made)
        else:
            rate = task.config.optimizer.learning_rate
        return SweepResult(
            learning_rate=rate, best=loss, checkpoint=checkpoint, samples=100, seconds=1.0
        )

    def run(
        self, config: StagedConfig, *, rate: float = 1e-3, baseline: bool = False
    ) -> RunResult:
        tools = Tools(train=self.train, sweep=self.sweep, assess=lambda kept, folder: 0.5)
        task = RunTask(
            key='stages/stage_02/run_1', name='stage_02_run_1', stage=2, number=1, seed=3,
            rate=rate, start='before', train='t', validation='v', baseline=baseline,
        )  # fmt: skip
        (self.folder / task.key).mkdir(parents=True, exist_ok=True)
        return StageRun(task, self.folder, config, Inputs(train=Path('t')), tools).run()


def flat(**changes: Any) -> StagedConfig:
    """Return settings with a threshold of 0.5 % and samples for whatever a test wants."""
    return staged(
        stopping__plateau_threshold=0.005,
        stopping__max_samples=10_000,
        sweep__samples_a=40,
        sweep__samples_b=40,
        **changes,
    )


def test_the_winners_rate_and_weights_go_on(tmp_path):
    script = Script(
        tmp_path,
        trainings=[('plateau', 0.4, 1000), ('samples', 0.2, 500)],
        sweeps=[(0.3, 7e-4)],
    )
    result = script.run(flat())
    assert script.seen == [('train', 1e-3), ('sweep', 1), ('train', 7e-4)]
    assert script.tasks[0].inputs.start.endswith('part_1/checkpoints/step_000000001')
    assert script.starts[0] == 'before'
    assert script.starts[1].endswith('sweep_1/B/trial_00/checkpoints/step_000000002')
    assert (result.learning_rate, result.best_validation) == (7e-4, 0.2)
    assert (result.samples, result.best_samples) == (1600, 1000 + 100 + 250)
    kept = tmp_path / 'checkpoints' / 'stage_02_run_1' / WHOLE
    assert kept.read_text() == 'part_2'


def test_a_sweep_that_gains_nothing_ends_the_stage_with_the_best_weights(tmp_path):
    script = Script(tmp_path, trainings=[('plateau', 0.4, 1000)], sweeps=[(0.399, 7e-4)])
    result = script.run(flat())
    assert result.stop_reason == 'no_gain' and '0.399' in result.stop_message
    assert result.learning_rate == 1e-3  # what gained nothing does not change the rate
    assert result.best_rate == 7e-4  # that of the weights is another fact
    assert result.best_validation == 0.399
    assert (tmp_path / result.checkpoint / WHOLE).read_text() == 'sweep_1'


def test_after_two_sweeps_a_plateau_ends_the_stage(tmp_path):
    script = Script(
        tmp_path,
        trainings=[('plateau', loss, 100) for loss in (0.4, 0.3, 0.2)],
        sweeps=[(0.35, 7e-4), (0.25, 5e-4)],
    )
    result = script.run(flat())
    assert [kind for kind, _ in script.seen] == ['train', 'sweep', 'train', 'sweep', 'train']
    assert result.stop_reason == 'plateau' and '2 sweeps' in result.stop_message


def test_the_part_after_a_sweep_has_the_cooldown_and_what_is_left_of_the_budget(tmp_path):
    script = Script(
        tmp_path,
        trainings=[('plateau', 0.4, 1000), ('samples', 0.2, 500)],
        sweeps=[(0.3, 7e-4)],
    )
    script.run(flat(sweep__cooldown=5))
    first, second = (config.stopping for config in script.configs)
    assert (first.plateau_after, first.max_samples) == (0, 10_000)
    assert (second.plateau_after, second.max_samples) == (5, 10_000 - 1000 - 100)
    assert script.configs[0].seed != script.configs[1].seed


def test_every_part_trains_at_its_rate_and_not_at_the_end_of_a_schedule(tmp_path):
    """Reference fault: restarts trained at a thousandth of the rate."""
    script = Script(
        tmp_path,
        trainings=[('plateau', 0.4, 1000), ('samples', 0.2, 500)],
        sweeps=[(0.3, 7e-4)],
    )
    script.run(flat(optimizer__schedule='cosine', optimizer__warmup_steps=1000))
    for config, rate in zip(script.configs, (1e-3, 7e-4), strict=True):
        steps = config.stopping.max_samples // config.fit.batch_size
        warm = config.optimizer.warmup_steps
        assert warm <= steps / 10
        assert learning_rate(warm, config.optimizer) == pytest.approx(rate)
        assert learning_rate(steps // 2, config.optimizer) > 0.4 * rate
        assert learning_rate(steps, config.optimizer) < 0.01 * rate


def test_a_limit_longer_than_any_schedule_is_no_error(tmp_path):
    script = Script(tmp_path, trainings=[('divergence', 0.4, 1000)])
    assert script.run(staged(stopping__max_samples=10**12)).stop_reason == 'divergence'


def test_if_every_trial_fails_the_training_goes_on_at_the_configured_rate(tmp_path):
    script = Script(
        tmp_path,
        trainings=[('plateau', 0.4, 1000), ('plateau', 0.3, 1000), ('plateau', 0.3, 1000)],
        sweeps=[(None, 0.0), (None, 0.0)],
    )
    result = script.run(flat(), rate=6e-4)
    configured = flat().optimizer.learning_rate
    assert [rate for kind, rate in script.seen if kind == 'train'] == [
        6e-4,
        configured,
        configured,
    ]
    # At most two sweeps: it comes to an end however often they fail.
    assert result.stop_reason == 'plateau' and 'after 2 sweeps' in result.stop_message
    assert result.learning_rate == configured and result.best_validation == 0.3


def test_an_initial_sweep_comes_first_and_its_failure_stops_nothing(tmp_path):
    script = Script(tmp_path, trainings=[('plateau', 0.4, 1000)], sweeps=[(None, 0.0)])
    result = script.run(flat(sweep__when='initial'), rate=6e-4)
    assert script.seen == [('sweep', 1), ('train', flat().optimizer.learning_rate)]
    assert result.stop_reason == 'plateau'
    assert script.starts == ['before']


def test_an_initial_sweep_takes_at_most_seventy_percent_of_the_budget(tmp_path):
    script = Script(tmp_path, trainings=[('samples', 0.4, 1000)], sweeps=[(0.3, 7e-4)])
    config = staged(
        sweep__when='initial', stopping__max_samples=1000, sweep__samples_a=10**6,
        sweep__samples_b=10**6,
    )  # fmt: skip
    script.run(config)
    budgets = script.tasks[0].budgets
    # 2 trials of A and 2 of B.
    assert 600 < 2 * budgets.samples_a + 2 * budgets.samples_b <= 700
    assert script.configs[0].stopping.max_samples == 900  # less what the sweep took


@pytest.mark.parametrize('reason', ['samples', 'time', 'divergence', 'non_finite'])
def test_other_reasons_end_the_stage_without_a_sweep(tmp_path, reason):
    result = Script(tmp_path, trainings=[(reason, 0.4, 1000)]).run(flat())
    assert (result.stop_reason, result.checkpoint) == (reason, 'checkpoints/stage_02_run_1')


@pytest.mark.parametrize(
    ('reason', 'first', 'told'),
    [
        ('samples', [], '1000 of 10000 samples are used'),
        ('samples', [('plateau', 0.4, 500)], '1600 of 10000 samples are used, 1000 of them in '
         'this part'),
        ('time', [], 'the time budget of 8 s is used up'),
        ('time', [('plateau', 0.4, 500)], 'the time budget of 8 s is used up: this part had the '
         'last 6 s'),
    ],
)  # fmt: skip
def test_the_limit_that_is_told_is_the_one_that_was_set(tmp_path, reason, first, told):
    script = Script(tmp_path, trainings=[*first, (reason, 0.2, 1000)], sweeps=[(0.3, 7e-4)])
    result = script.run(flat(stopping__time_budget=8.0))
    assert result.stop_message == told


def test_no_time_is_told_with_more_digits_than_anybody_reads():
    shown = [told_seconds(s) for s in (0.2541261, 8.0, 12.3456, 3600.0, 7199.62)]
    assert shown == ['0.254 s', '8 s', '12.3 s', '3600 s', '7199.6 s']


def test_without_any_weights_the_training_has_failed_with_its_reason(tmp_path):
    result = Script(tmp_path, trainings=[('non_finite', None, 8)]).run(flat())
    assert result.checkpoint == '' and 'it was non_finite' in result.reason


@pytest.mark.parametrize(
    ('changes', 'baseline', 'ends'),
    [
        ({}, True, False),
        ({}, False, True),
        ({'baseline_sweeps': True}, True, True),
        ({'sweep__when': 'off'}, True, True),
        ({'sweep__when': 'initial'}, True, True),
    ],
)
def test_a_plateau_ends_no_baseline_where_others_sweep_and_go_on(
    tmp_path, changes, baseline, ends
):
    script = Script(tmp_path, trainings=[('samples', 0.4, 10_000)], sweeps=[(0.3, 1e-3)])
    script.run(flat(**changes), baseline=baseline)
    assert [config.stopping.plateau for config in script.configs] == [ends]


def test_a_baseline_without_limits_ends_at_its_plateau(tmp_path):
    script = Script(tmp_path, trainings=[('plateau', 0.4, 100)])
    config = flat()
    unlimited = replace(config, stopping=replace(config.stopping, max_samples=0))
    script.run(unlimited, baseline=True)
    assert script.configs[0].stopping.plateau


def test_baselines_do_not_sweep_unless_they_are_told_to(tmp_path):
    script = Script(tmp_path / 'a', trainings=[('plateau', 0.4, 1000)])
    assert script.run(flat(), baseline=True).stop_reason == 'plateau'
    script = Script(tmp_path / 'b', trainings=[('plateau', 0.4, 1000)], sweeps=[(0.9, 1e-3)])
    assert script.run(flat(baseline_sweeps=True), baseline=True).stop_reason == 'no_gain'


def test_too_little_budget_for_a_sweep_ends_the_stage(tmp_path):
    script = Script(tmp_path, trainings=[('plateau', 0.4, 9_990)])
    result = script.run(flat())
    assert result.stop_reason == 'plateau' and 'no sweep: ' in result.stop_message


def test_a_training_that_ended_is_not_made_again_and_its_checkpoints_are_gone(tmp_path):
    first = Script(
        tmp_path,
        trainings=[('plateau', 0.4, 1000), ('samples', 0.2, 500)],
        sweeps=[(0.3, 7e-4)],
    )
    result = first.run(flat())
    assert list(tmp_path.glob('stages/**/checkpoints')) == []
    assert Script(tmp_path, trainings=[]).run(flat()) == result
