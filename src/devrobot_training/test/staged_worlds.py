"""A staged training small enough for a test, and what it leaves."""

from pathlib import Path
from typing import Any

from devrobot_interfaces_py.configs import replace_dotted
from devrobot_training.staged.begin import begin
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.inputs import StagedInputs
from devrobot_training.staged.runner import Ending, StagedTraining
from fit_worlds import SMALL

STAGED = StagedConfig(
    **{name: getattr(SMALL, name) for name in ('canvas', 'model', 'loss', 'optimizer', 'fit')}
)
#: Two stages of 30 and 60 transitions; a plateau is found at once, a sweep makes 2 + 2 trials.
SETTINGS: dict[str, Any] = {
    'stopping.max_samples': 400,
    'stopping.divergence': False,
    'stopping.plateau_patience': 2,
    'stopping.plateau_threshold': 0.5,
    'splits.first_size': 30,
    'sweep.lowest_rate': 5e-4,
    'sweep.highest_rate': 2e-3,
    'sweep.candidates': 2,
    'sweep.survivors': 1,
    'sweep.samples_a': 40,
    'sweep.samples_b': 60,
    'sweep.cooldown': 1,
    'sweep.workers': 1,
    'evaluation.stride': 4,
    'evaluation.rollouts': 2,
    'evaluation.rollout_steps': 2,
}


def staged(**changes: Any) -> StagedConfig:
    """Return the small configuration with other values; ``sweep__when`` is ``sweep.when``."""
    own = {name.replace('__', '.'): value for name, value in changes.items()}
    return replace_dotted(STAGED, {**SETTINGS, **own})


def run_staged(
    bag: Path, folder: Path, config: StagedConfig, *, run_id: str = 'monday', **settings: Any
) -> tuple[Path, Ending]:
    """Make a new run in this process; return its folder and ending."""
    begun = begin(StagedInputs(root=bag), config, folder, run_id=run_id)
    return begun.folder, StagedTraining(begun, **settings).run()


def essence(summary: dict[str, Any]) -> dict[str, Any]:
    """Return what has to be the same in every run of one seed, without times and places."""
    return {
        'choice': summary['choice'],
        'stages': [
            {
                'number': stage['number'],
                'original': stage['original_loss'],
                'rate': stage['learning_rate'],
                'runs': [
                    (run['samples'], run['best_validation'])
                    for run in (*stage['runs'], *stage['baseline_runs'])
                ],
                'trials': [
                    (phase['name'], t['learning_rate'], t['seed'], t['best_validation'])
                    for sweep in stage['sweeps']
                    for phase in sweep['phases']
                    for t in phase['trials']
                ],
            }
            for stage in summary['stages']
        ],
    }
