"""
What a staged training was and what came out of it: the only input of its report.

::

    RUN/summary.json                    save_summary(summary, RUN), as often as something happens
    RUN/report.html                     writing.write_report(RUN), after every stage
    RUN/stages/stage_01/report.html     by the same call: a page per stage, one per baseline

The engine keeps one :class:`RunSummary`, replaces parts of it (``dataclasses.replace``) and saves.
Everything but ``header`` may be absent: an optional field is None or an empty tuple, and
``missing={'<field>': 'why'}`` of the same record says why; the report shows that sentence in its
place. Without one it says "not recorded". NaN and infinity are saved as None.

The records of a stage are in ``report.stage_records``. What goes where:

- ``header``: who, when, with what. ``status`` is running, complete, interrupted or failed;
  ``process_id`` and ``host`` let the report see that a run that says "running" is dead.
- ``stages``: one :class:`Stage` per stage of the plan that was begun or skipped, in order.
  ``stage.runs`` are its main trainings (several with runs_per_stage), ``stage.chosen_run`` the
  ``number`` of the one whose weights go on; ``stage.baseline_runs`` the trainings with fresh
  weights on the same split, ``baseline_sweeps`` and ``baseline_examples`` what is theirs. Losses
  are mean hybrid losses. ``validation_trivial`` and ``original_trivial`` are what predictions
  without a model score on the same data. ``stage.evaluation`` is ``evaluation.result.to_dict()``
  on the original session, with the stage's best weights: divergence, rollouts, loss over the
  session and histogram come from it. ``stage.examples`` and ``stage.worst`` are what
  ``examples.save_examples`` returns, ``attention`` of the run what ``examples.save_attention``
  returns.
- ``stage.sweeps``: a :class:`Sweep` has phases ``A`` and ``B``, a :class:`SweepPhase` its trials
  (each learning rate x seed) and the candidates in the order of their rank, with the reason why
  one was dropped. ``Sweep.fallback`` marks that every trial failed and the configured rate stays.
- ``Curve``: x against y; ``samples`` is what was seen in *this* training. Up to some thousand
  points are fine, they are thinned when drawn. None in ``values`` is a gap.
- ``choice``: the final pick; ``leader`` is what it would be now, while the run has not ended.
  ``alerts``: what the engine noticed itself; those that follow from the other figures (diverged,
  all trials failed, worse than copying, overlap …) the report adds.
- ``reproduction``: ``arguments`` are the part of the printed command that names the sessions;
  ``differences.against_defaults`` and ``against_commit`` fill the differences,
  ``provenance.versions`` the versions; ``provenance.software_commit`` tells commit and dirt.

Paths are relative to the run folder, times ISO 8601 in UTC, durations seconds, losses those of the
validation that the loop makes.
"""

from collections.abc import Mapping
from dataclasses import dataclass
import json
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.atomic import write_json
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import SUMMARY
from devrobot_training.records import from_plain, Record, RecordError, to_plain
from devrobot_training.report.stage_records import (
    check_word,
    Example,
    RunEvent,
    RUNNING,
    Stage,
    STATUSES,
)

FORMAT = 1
ERROR, WARNING, NOTE = 'error', 'warning', 'note'
SEVERITIES = (ERROR, WARNING, NOTE)


@dataclass(frozen=True, kw_only=True)
class Header(Record):
    """
    The run; ``command`` are the words as typed, ``seconds`` the wall time of all its parts.

    ``commit`` is the one that began it, ``later_commits`` those that went on with it.
    """

    run_id: str
    session: str
    status: str = RUNNING
    status_message: str = ''
    mode: str = ''
    started: str = ''
    updated: str = ''
    finished: str | None = None
    seconds: float | None = None
    commit: str | None = None
    dirty: bool | None = None
    later_commits: tuple[str, ...] = ()
    device: str | None = None
    command: tuple[str, ...] = ()
    planned_stages: int | None = None
    process_id: int | None = None
    host: str = ''

    def __post_init__(self) -> None:
        super().__post_init__()
        check_word('status', self.status, STATUSES)


@dataclass(frozen=True, kw_only=True)
class Choice:
    """
    The weights that the run ends with: by mean hybrid loss on the original session.

    ``evaluation``, ``examples`` and ``worst`` are needed for a ``baseline`` only: what was
    measured of other weights is in their stage.
    """

    stage: int
    run: int
    original_loss: float | None
    checkpoint: str = ''
    baseline: bool = False
    reason: str = ''
    evaluation: Mapping[str, Any] | None = None
    examples: tuple[Example, ...] = ()
    worst: tuple[Example, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Alert:
    """Something to know; ``section`` is the anchor of the report that it is about."""

    severity: str
    message: str
    section: str = ''

    def __post_init__(self) -> None:
        check_word('severity', self.severity, SEVERITIES)


@dataclass(frozen=True, kw_only=True)
class Attention:
    """A picture of where the best model looks, and what it shows."""

    picture: str
    caption: str


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A setting that is not what it is elsewhere; both as they stand in YAML."""

    name: str
    value: str
    other: str


@dataclass(frozen=True, kw_only=True)
class UsedSession:
    """A session the run read; ``role`` is root, train, validation or original."""

    name: str
    role: str
    path: str
    digest: str
    transitions: int | None = None


@dataclass(frozen=True, kw_only=True)
class UsedFile:
    """A file or folder that the run left behind."""

    path: str
    meaning: str


@dataclass(frozen=True, kw_only=True)
class Reproduction(Record):
    """
    All it takes to do the run again.

    ``arguments`` are the words that, beside the settings of the run, begin the same run anywhere:
    sessions and checkpoints by their absolute paths.
    """

    config: Mapping[str, Any] | None = None
    config_file: str = ''
    arguments: tuple[str, ...] = ()
    to_defaults: tuple[Difference, ...] | None = None
    to_commit: tuple[Difference, ...] | None = None
    versions: Mapping[str, str] | None = None
    sessions: tuple[UsedSession, ...] = ()
    seeds: Mapping[str, int] | None = None
    files: tuple[UsedFile, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RunSummary(Record):
    """A whole run; see the module."""

    header: Header
    stages: tuple[Stage, ...] = ()
    choice: Choice | None = None
    leader: Choice | None = None
    alerts: tuple[Alert, ...] = ()
    events: tuple[RunEvent, ...] = ()
    attention: Attention | None = None
    reproduction: Reproduction = Reproduction()
    format: int = FORMAT

    def to_dict(self) -> dict[str, Any]:
        """Return it as data that JSON can hold."""
        return dict(to_plain(self))

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> 'RunSummary':
        """
        Return what :meth:`to_dict` was called on.

        :raises RecordError: if ``data`` is anything else, with the place.
        """
        if isinstance(data, Mapping) and data.get('format', FORMAT) != FORMAT:
            raise RecordError(f'format is {data["format"]!r}, this release reads {FORMAT}')
        return from_plain(cls, data, 'summary')


def save_summary(summary: RunSummary, folder: Path) -> Path:
    """Write ``summary.json`` of a run, all or nothing; return where."""
    path = folder / SUMMARY
    write_json(path, summary.to_dict())
    return path


def load_summary(folder: Path) -> RunSummary:
    """
    Read the ``summary.json`` of a run.

    :raises RunError: if there is none, or it is not one of a staged training.
    """
    path = folder / SUMMARY
    try:
        return RunSummary.from_dict(json.loads(path.read_text(encoding='utf-8')))
    except OSError as error:
        raise RunError(f'cannot read {path}: {error.strerror}') from error
    except ValueError as error:
        raise RunError(f'{path} is not the summary of a staged training: {error}') from error
