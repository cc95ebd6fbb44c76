"""When and with what software a run was begun, and what of that is another when it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from devrobot_training.report.stage_records import COMPLETE, INTERRUPTED, RUNNING
from devrobot_training.report.summary import Header
from devrobot_training.staged.past import began_of, beginning, Past

#: What a run of this release knows of its beginning; asking again would run git.
KEPT = {'started', 'commit', 'dirty', 'no_commit', 'versions'}


@dataclass(frozen=True, kw_only=True)
class Origin:
    """
    What a run keeps from its beginning.

    ``later_commits`` are those that went on with it, each where it is another than the one
    before; ``resumed`` says in words that it goes on now, '' if it begins or had ended.
    """

    started: str
    seconds: float = 0.0
    commit: str | None = None
    dirty: bool | None = None
    no_commit: str = ''
    later_commits: tuple[str, ...] = ()
    versions: Mapping[str, str]
    resumed: str = ''


def origin_of(past: Past | None, facts: Mapping[str, Any]) -> Origin:
    """Return the origin of a run; ``facts`` are those of inputs.json."""
    if past is None:
        began = began_of(facts)
        if not began.keys() >= KEPT:
            began = {**beginning(), **began}
        return Origin(
            started=began['started'],
            commit=began['commit'],
            dirty=began['dirty'],
            no_commit=began['no_commit'],
            versions=began['versions'],
        )
    now = beginning()
    commit, dirty, installed = now['commit'], now['dirty'], now['versions']
    header = past.header
    known = past.versions or installed
    name = commit_name(commit, dirty)
    last = (commit_name(header.commit, header.dirty), *header.later_commits)[-1]
    later = header.later_commits if name == last else (*header.later_commits, name)
    told = [f'goes on after {_ending(header)}']
    told += ['without the summary, which is gone or damaged'] if past.lost else []
    told += [f'with {name} instead of {last}'] if name != last else []
    told += [
        f'with {package} {new} instead of {known.get(package, "none")}'
        for package, new in installed.items()
        if new != known.get(package)
    ]
    return Origin(
        started=header.started,
        seconds=header.seconds or 0.0,
        commit=header.commit,
        dirty=header.dirty,
        no_commit=header.missing.get('commit', ''),
        later_commits=later,
        versions=known,
        resumed='' if header.status == COMPLETE else ', '.join(told),
    )


def commit_name(commit: str | None, dirty: bool | None) -> str:
    """Return what a commit is called."""
    return f'{commit or "no commit"}{" + uncommitted changes" if dirty else ""}'


def _ending(header: Header) -> str:
    if header.status == RUNNING:
        return 'its process ended without a word'
    word = 'an interruption' if header.status == INTERRUPTED else 'a failure'
    return f'{word}: {header.status_message}' if header.status_message else word
