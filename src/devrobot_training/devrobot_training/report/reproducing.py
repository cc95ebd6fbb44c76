"""What it takes to do a run again: settings, sessions, versions, seeds, files."""

from collections.abc import Mapping
from pathlib import Path
import shlex
from typing import Any

from devrobot_training.fit.run_folder import CONFIG
from devrobot_training.pages.numbers import count
from devrobot_training.pages.parts import Cell, Section, Table
from devrobot_training.report.summary import Header, Reproduction
from devrobot_training.report.tables import difference_table
import yaml

PROGRAM = ('ros2', 'run', 'devrobot_training', 'staged')


def command_of(found: Reproduction, folder: Path) -> str:
    """
    Return the command that makes the run of ``folder`` again, as a new run beside it.

    It says the same in whatever folder it is typed; nothing if the sessions are not recorded.
    """
    if not found.arguments:
        return ''
    place = folder.resolve()
    settings = ('--config', str(place / CONFIG), '--output-dir', str(place.parent.parent))
    return shlex.join((*PROGRAM, *found.arguments, *settings))


def reproduction(found: Reproduction, header: Header, folder: Path) -> list[Section]:
    """Return the parts in their order; files of ``folder`` that are there become links."""
    file = f' in {Path(found.config_file).name}' if found.config_file else ''
    parts = (
        ('command', 'Begun as', _begun(found, header)),
        ('to-defaults', 'Settings that are not the default', _to_defaults(found)),
        ('to-commit', f'Settings that are not as committed{file}', _to_commit(found)),
        ('sessions', 'Sessions', _sessions(found)),
        ('versions', 'Versions', _pairs(found.versions, found.why('versions'))),
        ('seeds', 'Seeds', _pairs(found.seeds, found.why('seeds'))),
        ('files', 'Files', _files(found, folder)),
    )
    return [Section(anchor=anchor, title=title, table=table) for anchor, title, table in parts]


def all_settings(found: Reproduction) -> str:
    """Return every setting as YAML; nothing if they were not recorded."""
    return yaml.safe_dump(dict(found.config), sort_keys=False) if found.config else ''


def _begun(found: Reproduction, header: Header) -> Table:
    rows = [['command', shlex.join(header.command)]] if header.command else []
    rows += [['settings file', found.config_file]] if rows and found.config_file else []
    return Table(rows=rows, empty=f'Not recorded: {header.why("command")}.', kind='text')


def _to_defaults(found: Reproduction) -> Table:
    return difference_table(found.to_defaults, 'the default', found.why('to_defaults'))


def _to_commit(found: Reproduction) -> Table:
    return difference_table(found.to_commit, 'as committed', found.why('to_commit'))


def _sessions(found: Reproduction) -> Table:
    rows = [
        [used.role, used.name, count(used.transitions), used.digest, used.path]
        for used in found.sessions
    ]
    heads = ['role', 'name', 'transitions', 'digest', 'path']
    empty = f'No sessions: {found.why("sessions")}.'
    return Table(heads=heads, rows=rows, empty=empty, kind='text')


def _files(found: Reproduction, folder: Path) -> Table:
    rows: list[list[str | Cell]] = []
    for used in found.files:
        there = (folder / used.path).exists()
        rows.append([Cell(text=used.path, href=used.path if there else ''), used.meaning])
    return Table(rows=rows, empty=f'No files: {found.why("files")}.', kind='text')


def _pairs(values: Mapping[str, Any] | None, why: str) -> Table:
    rows = [[name, str(value)] for name, value in (values or {}).items()]
    return Table(rows=rows, empty=f'Not recorded: {why}.', kind='text')
