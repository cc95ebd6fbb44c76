"""
What the earlier parts of a run left: their summary, or else what its other files know.

``summary.json`` may be gone or damaged. The journal has the times and how a run ended, inputs.json
with what it was begun.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from devrobot_training.fit.problems import RunError
from devrobot_training.report.collecting import DIED
from devrobot_training.report.provenance import software_commit, versions
from devrobot_training.report.stage_records import COMPLETE, FAILED, INTERRUPTED, RunEvent
from devrobot_training.report.summary import Header, load_summary
from devrobot_training.staged.collecting import stage_folder
from devrobot_training.staged.journal import CHOICE, last_ending, read_events, RESUMED, utc_now
from devrobot_training.staged.plan import Plan

#: Name of what ``beginning`` returns in the facts of a run.
BEGAN = 'began'
STATES: Mapping[str, str] = {CHOICE: COMPLETE, FAILED: FAILED, INTERRUPTED: INTERRUPTED}


@dataclass(frozen=True, kw_only=True)
class Past:
    """
    The parts of a run so far: ``stages`` were begun or skipped, counted by the last number.

    ``lost`` says that there was no summary to read it from.
    """

    header: Header
    versions: Mapping[str, str]
    stages: int
    lost: bool = False


def beginning(device: str = '') -> dict[str, Any]:
    """Return when and with what a run begins, as plain data."""
    commit, dirty, why = software_commit()
    return {
        'started': utc_now(),
        'commit': commit,
        'dirty': dirty,
        'no_commit': why,
        'versions': versions(),
        'device': device,
    }


def began_of(facts: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what ``beginning`` returned when the run began, as far as it is there."""
    found = facts.get(BEGAN)
    return found if isinstance(found, Mapping) else {}


def past_of(folder: Path, plan: Plan, facts: Mapping[str, Any]) -> Past | None:
    """Return what was before; None of a run that has not done anything."""
    try:
        summary = load_summary(folder)
    except RunError:
        return _from_the_rest(folder, plan, facts)
    return Past(
        header=summary.header,
        versions=summary.reproduction.versions or {},
        stages=max((stage.number for stage in summary.stages), default=0),
    )


def _from_the_rest(folder: Path, plan: Plan, facts: Mapping[str, Any]) -> Past | None:
    events = read_events(folder)
    if not events:
        return None
    began = began_of(facts)
    started = str(began.get('started') or events[0].time)
    last = last_ending(events)
    ended = last is not None and last.kind != RESUMED
    told = last.message if last is not None and last.kind in (FAILED, INTERRUPTED) else ''
    why = str(began.get('no_commit') or 'not recorded')
    header = Header(
        run_id=folder.resolve().name,
        session=plan.name,
        status=STATES[last.kind] if last is not None and ended else INTERRUPTED,
        status_message=told if ended else DIED,
        mode=str(facts.get('mode', '')),
        started=started,
        updated=events[-1].time,
        finished=events[-1].time,
        seconds=seconds_of(started, events),
        commit=began.get('commit'),
        dirty=began.get('dirty'),
        missing={} if began.get('commit') else {'commit': why},
        device=began.get('device') or None,
        command=tuple(map(str, facts.get('command', ()))),
        planned_stages=len(plan.stages),
    )
    seen = [
        stage.number
        for stage in plan.stages
        if (folder / stage_folder(stage.number)).is_dir() or read_events(folder, stage.number)
    ]
    return Past(
        header=header,
        versions=dict(began.get('versions') or {}),
        stages=max(seen, default=0),
        lost=True,
    )


def seconds_of(started: str, events: Sequence[RunEvent]) -> float:
    """Return the time of all parts of a run, each from its beginning to its last event."""
    total, last, ended = 0.0, started, False
    for event in events:
        if not ended and event.kind != RESUMED:
            total += _between(last, event.time)
        last, ended = event.time, event.kind in STATES
    return total


def _between(begin: str, end: str) -> float:
    try:
        passed = datetime.fromisoformat(end) - datetime.fromisoformat(begin)
    except (TypeError, ValueError):
        return 0.0
    return max(0.0, passed.total_seconds())
