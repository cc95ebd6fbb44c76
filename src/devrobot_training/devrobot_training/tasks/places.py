"""Where the training server finds and puts things."""

from dataclasses import dataclass
from pathlib import Path

from devrobot_interfaces_py.configs import check_ranges, param
from devrobot_training.fit.run_folder import RUNS


@dataclass(frozen=True, kw_only=True)
class ServerConfig:
    """Where the names of requests are looked for, how evaluations compute, what is told when."""

    runs_dir: Path = param(RUNS, 'runs go to `SESSION/RUN_ID` in it; checkpoints, too')
    sessions_dir: Path = param(Path('saved/sessions'), 'folder of the bags')
    splits_dir: Path = param(Path('saved/splits'), 'folder of `*.session.json` files')
    checkpoints_dir: Path = param(
        Path('saved/checkpoints'), 'checkpoints that are in no run, as those of the world model'
    )
    configs_dir: Path = param(Path('saved/configs'), 'folder of settings as YAML files')
    device: str = param('auto', 'of evaluations: auto, cpu, cuda or cuda:N')
    threads: int = param(1, 'CPU threads of evaluations', minimum=1, maximum=256)
    memory_gb: float = param(
        4.0, 'frames of an evaluation up to this size are kept in memory', minimum=0.0
    )
    skip_faulty: bool = param(False, 'leave out what a fault in a bag touches')
    feedback_period: float = param(0.5, 'time between two reports [s]', minimum=0.05, maximum=60.0)
    stop_timeout: float = param(
        30.0,
        'how long the end of the node waits for a job to stop and to save [s]',
        minimum=0.0,
        maximum=3600.0,
    )

    def __post_init__(self) -> None:
        check_ranges(self)

    @property
    def session_folders(self) -> tuple[Path, ...]:
        """Where sessions are."""
        return (self.sessions_dir, self.splits_dir)

    @property
    def checkpoint_folders(self) -> tuple[Path, ...]:
        """Where checkpoints are."""
        return (self.runs_dir, self.checkpoints_dir)
