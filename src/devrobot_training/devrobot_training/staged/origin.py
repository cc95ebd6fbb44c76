"""When and with what software a run was begun, and what of that is another when it goes on."""

from collections.abc import Mapping
from dataclasses import dataclass

from devrobot_training.report.provenance import software_commit, versions
from devrobot_training.report.stage_records import COMPLETE, INTERRUPTED, RUNNING
from devrobot_training.report.summary import Header, RunSummary
from devrobot_training.staged.journal import utc_now


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


def origin_of(before: RunSummary | None) -> Origin:
    """Return the origin of a run; ``before`` is what an earlier part of it saved."""
    commit, dirty, why = software_commit()
    installed = versions()
    if before is None:
        return Origin(
            started=utc_now(), commit=commit, dirty=dirty, no_commit=why, versions=installed
        )
    header = before.header
    known = before.reproduction.versions or installed
    name = commit_name(commit, dirty)
    last = (commit_name(header.commit, header.dirty), *header.later_commits)[-1]
    later = header.later_commits if name == last else (*header.later_commits, name)
    told = [f'goes on after {_ending(header)}']
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
