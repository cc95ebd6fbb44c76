"""Settings of the recorder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devrobot_interfaces_py.configs import check_ranges, ConfigError, param
from devrobot_robots.recording.session_id import check_name, SessionNameError

GIGABYTE = 1_000_000_000
PRESETS = ('none', 'fastwrite', 'zstd_fast', 'zstd_small')


@dataclass(frozen=True, kw_only=True)
class RecorderConfig:
    """What is recorded, where to, and how much room it may take."""

    autostart: bool = param(
        True, 'record as soon as a driver tells its session; otherwise `~/start_recording` starts'
    )
    sessions_dir: Path = param(
        Path('saved/sessions'), 'sessions go to `ROBOT_TYPE/SESSION_ID` in this folder'
    )
    session_id: str = param('', 'name of the folder; empty = the one in `session_info`')
    images: str = param(
        'raw', 'which topics of the cameras are recorded', choices=('raw', 'compressed', 'both')
    )
    extra_topics: tuple[str, ...] = param((), 'further topics, relative to the namespace')
    storage: str = param('mcap', 'file format of the bag', choices=('mcap', 'sqlite3'))
    storage_preset: str = param(
        'zstd_fast', 'how MCAP files are written: `none` is not compressed', choices=PRESETS
    )
    disk_budget_gb: float = param(
        10.0,
        'room for all sessions of a robot type [GB]: the oldest are deleted; 0 = no limit',
        minimum=0.0,
        live=True,
    )
    min_free_gb: float = param(
        1.0, 'recording stops when the disk has less free [GB]', minimum=0.0, live=True
    )
    references_dir: str = param(
        '',
        'sessions that a `*.session.json` in this folder refers to are kept; empty = the folder '
        'that `sessions_dir` is in',
    )
    start_timeout: float = param(
        10.0, 'how long to wait for the first topics [s]', minimum=0.1, maximum=600.0
    )
    stop_timeout: float = param(
        30.0, 'how long closing the bag may take [s]', minimum=0.1, maximum=3600.0
    )

    def __post_init__(self) -> None:
        """Check each value."""
        check_ranges(self)
        if self.session_id:
            try:
                check_name(self.session_id, 'session_id')
            except SessionNameError as error:
                raise ConfigError(str(error)) from error
