"""Keeps summary.json and the report up to date; nothing that goes wrong here ends a run."""

from collections.abc import Callable, Sequence
from dataclasses import replace
import json
import os
from pathlib import Path
import platform
import time
from typing import Any

from devrobot_interfaces_py.atomic import write_json
from devrobot_interfaces_py.configs import config_to_dict
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import CONFIG, EVENTS
from devrobot_training.records import from_plain, to_plain
from devrobot_training.report.differences import against_commit, against_defaults
from devrobot_training.report.stage_records import COMPLETE, RUNNING, TrivialLosses
from devrobot_training.report.summary import (
    Alert,
    Choice,
    Header,
    Reproduction,
    RunSummary,
    save_summary,
    UsedFile,
    UsedSession,
    WARNING,
)
from devrobot_training.report.writing import write_report
from devrobot_training.staged.assessment import Assessment, read_assessment
from devrobot_training.staged.choice import Candidate, final_choice
from devrobot_training.staged.collecting import (
    BASELINES,
    collect_stage,
    run_key,
    RUNS,
    stage_folder,
)
from devrobot_training.staged.config import StagedConfig
from devrobot_training.staged.inputs import StagedInputs
from devrobot_training.staged.journal import read_events, utc_now
from devrobot_training.staged.origin import origin_of
from devrobot_training.staged.past import past_of
from devrobot_training.staged.plan import Plan, PlannedStage
from devrobot_training.staged.run_files import read_result
from devrobot_training.staged.view import View

TRIVIAL = 'trivial.json'
FILES = (
    (CONFIG, 'all settings, resolved'),
    ('inputs.json', 'sessions and the command'),
    ('plan.json', 'the stages'),
    (EVENTS, 'what was decided, in words'),
    ('checkpoints/best', 'the weights that were chosen'),
)


class Reporter:
    """Writes what is known of a run, now and then."""

    def __init__(
        self,
        run_folder: Path,
        config: StagedConfig,
        plan: Plan,
        facts: dict[str, Any],
        *,
        view: View,
        device: str,
    ) -> None:
        """``facts`` are those of inputs.json: command, mode, config_file."""
        self._folder = run_folder
        self._config = config
        self._plan = plan
        self._facts = facts
        self._view = view
        self._device = device
        self._begun = time.monotonic()
        self._past = past_of(run_folder, plan, facts)
        self._origin = origin_of(self._past, facts)
        self._reproduction = self._reproduce()
        self._seen = self._past.stages if self._past else 0

    @property
    def resumed(self) -> str:
        """In words that a run goes on that had not ended; '' of any other."""
        return self._origin.resumed

    def begin_stage(self, number: int) -> None:
        """Note that a stage of the plan is going on, or was skipped."""
        self._seen = max(self._seen, number)

    def save(
        self, status: str = RUNNING, message: str = '', choice: Candidate | None = None
    ) -> RunSummary:
        """
        Write summary.json.

        :raises OSError: if the disk refuses.
        """
        summary = self._summary(status, message, choice)
        save_summary(summary, self._folder)
        return summary

    def rebuilt(self) -> RunSummary | None:
        """Return the summary of a run that is not going on; None if it did not begin."""
        if self._past is None:
            return None
        header = self._past.header
        stages = [stage for stage in self._plan.stages if stage.number <= self._seen]
        choice = final_choice(self._ended(stages)) if header.status == COMPLETE else None
        made = self._summary(header.status, header.status_message, choice)
        return replace(made, header=header)

    def update(self) -> None:
        """
        Write summary.json in the middle of a run; if it cannot be made, say so and go on.

        :raises OSError: if the disk refuses.
        """
        try:
            self.save()
        except OSError:
            raise
        except Exception as error:  # whatever is wrong with what is there, the night goes on
            self._view.say(f'no summary could be made: {type(error).__name__}: {error}')

    def report(self) -> Path | None:
        """Write the pages of what was saved last; say so if that fails, and go on."""
        try:
            return write_report(self._folder)
        except Exception as error:  # whatever is wrong with a page, the night goes on
            self._view.say(f'the report could not be written: {type(error).__name__}: {error}')
            return None

    def _summary(self, status: str, message: str, choice: Candidate | None) -> RunSummary:
        stages = [stage for stage in self._plan.stages if stage.number <= self._seen]
        best = choice or final_choice(self._ended(stages))
        chosen, attention = None, None
        if best is not None:
            kind = BASELINES if best.baseline else RUNS
            assessed = read_assessment(self._folder / run_key(best.stage, kind, best.number))
            chosen = _choice(best, len(stages), assessed)
            attention = assessed.attention if assessed else None
        return RunSummary(
            header=self._header(status, message),
            stages=tuple(
                collect_stage(
                    stage,
                    self._folder,
                    self._config,
                    status=RUNNING if status == COMPLETE else status,
                    trivial=_read_trivial(self._folder / stage_folder(stage.number)),
                )
                for stage in stages
            ),
            choice=chosen if choice else None,
            leader=None if choice else chosen,
            alerts=self._alerts(),
            events=read_events(self._folder),
            attention=attention,
            reproduction=self._reproduction,
            missing={} if choice else {'choice': 'the run has not ended'},
        )

    def _ended(self, stages: Sequence[PlannedStage]) -> list[Candidate]:
        """Return the trainings that have ended, in the order in which they are made."""
        return [
            Candidate(stage=stage.number, number=number, baseline=kind == BASELINES, result=result)
            for stage in stages
            for kind in (RUNS, BASELINES)
            for number in range(1, self._config.runs_per_stage + 1)
            if (result := read_result(self._folder / run_key(stage.number, kind, number)))
        ]

    def _header(self, status: str, message: str) -> Header:
        now, origin = utc_now(), self._origin
        return Header(
            run_id=self._folder.name,
            session=self._plan.name,
            status=status,
            status_message=message,
            mode=str(self._facts.get('mode', '')),
            started=origin.started,
            updated=now,
            finished=None if status == RUNNING else now,
            seconds=origin.seconds + time.monotonic() - self._begun,
            commit=origin.commit,
            dirty=origin.dirty,
            later_commits=origin.later_commits,
            missing={'commit': origin.no_commit} if origin.no_commit else {},
            device=self._device,
            command=tuple(self._facts.get('command', ())),
            planned_stages=len(self._plan.stages),
            process_id=os.getpid(),
            host=platform.node(),
        )

    def _alerts(self) -> tuple[Alert, ...]:
        return tuple(
            Alert(severity=WARNING, message=event.message, section='events')
            for event in read_events(self._folder)
            if event.kind == 'alert'
        )

    def _reproduce(self) -> Reproduction:
        given = self._facts.get('config_file') or ''
        to_commit, why = against_commit(self._config, Path(given) if given else None)
        return Reproduction(
            config=config_to_dict(self._config),
            config_file=given,
            arguments=_arguments(self._facts),
            to_defaults=against_defaults(self._config),
            to_commit=to_commit,
            versions=self._origin.versions,
            sessions=tuple(
                UsedSession(
                    name=session.name,
                    role=session.role,
                    path=session.path,
                    digest=session.digest,
                    transitions=session.transitions,
                )
                for session in self._plan.sessions
            ),
            seeds={'seed': self._config.seed},
            files=tuple(UsedFile(path=path, meaning=meaning) for path, meaning in FILES),
            missing={} if to_commit is not None else {'to_commit': why},
        )


def _arguments(facts: dict[str, Any]) -> tuple[str, ...]:
    try:
        return StagedInputs.from_dict(facts.get('inputs', {})).arguments()
    except RunError:
        return ()


def note_trivial(folder: Path, measure: Callable[[], TrivialLosses]) -> None:
    """Write down the losses of a stage that need no model, unless that was done."""
    if _read_trivial(folder) is None:
        write_json(folder / TRIVIAL, to_plain(measure()))


def _read_trivial(folder: Path) -> TrivialLosses | None:
    try:
        text = (folder / TRIVIAL).read_text(encoding='utf-8')
        return from_plain(TrivialLosses, json.loads(text))
    except (OSError, ValueError):
        return None


def _choice(candidate: Candidate, stages: int, assessed: Assessment | None) -> Choice:
    own: dict[str, Any] = {}
    if candidate.baseline and assessed is not None:
        own = {
            'evaluation': assessed.evaluation,
            'examples': assessed.examples,
            'worst': assessed.worst,
        }
    return Choice(
        **own,
        stage=candidate.stage,
        run=candidate.number,
        original_loss=candidate.result.original_loss,
        checkpoint=candidate.result.checkpoint,
        baseline=candidate.baseline,
        reason=f'lowest mean hybrid loss on the original session, of {stages} stages',
    )
