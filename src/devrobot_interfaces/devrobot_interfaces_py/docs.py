"""Write docs/interfaces.md and the index in this package's README from the sources themselves."""

import argparse
import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
import re
import sys

from devrobot_interfaces_py import atomic
from devrobot_interfaces_py.wiring import Action, ACTIONS, Service, SERVICES, TOPICS

KINDS = {'msg': 'Messages', 'srv': 'Services', 'action': 'Actions'}
BEGIN, END = '<!-- index: begin -->', '<!-- index: end -->'
COMMAND = 'python -m devrobot_interfaces_py.docs'

_SECTIONS = {
    'msg': ('',),
    'srv': ('Request', 'Response'),
    'action': ('Goal', 'Result', 'Feedback'),
}
_LINE = re.compile(
    r'(?P<type>[\w/\[\]<=]+)\s+(?P<name>\w+)'
    r'(?:\s*=\s*(?P<constant>[^#]*?)|\s+(?P<default>[^#\s][^#]*?))?\s*(?:#\s*(?P<comment>.*))?'
)
_INTRODUCTION = f"""# Interfaces

Made from the definitions in `src/devrobot_interfaces`; do not edit, run `{COMMAND}`.

Names are relative to the namespace of the robot, for example `/toroidal_dot`. Stamps come from
the driver's clock, units are SI, a float that was not measured is NaN, pixels travel only as
`sensor_msgs/Image`.
"""


@dataclass(frozen=True, kw_only=True)
class Line:
    """A field or constant of a definition; ``value`` is the constant or the default."""

    type: str
    name: str
    value: str
    is_constant: bool
    comment: str


@dataclass(frozen=True, kw_only=True)
class Definition:
    """One .msg, .srv or .action file; one tuple of lines for each part between ``---``."""

    kind: str
    name: str
    comment: str
    sections: tuple[tuple[Line, ...], ...]


def read_definition(path: Path) -> Definition:
    """
    Read an interface file.

    :raises ValueError: on a line that is no field or has no comment; tells file and line.
    """
    comment: list[str] = []
    sections: list[list[Line]] = [[]]
    lines = path.read_text(encoding='utf-8').splitlines()
    for number, text in enumerate((line.strip() for line in lines), start=1):
        if text == '---':
            sections.append([])
        elif text.startswith('#') and not any(sections):
            comment.append(text.lstrip('# '))
        elif text:
            sections[-1].append(_read_line(text, f'{path.name}:{number}'))
    return Definition(
        kind=path.suffix[1:],
        name=path.stem,
        comment=' '.join(comment),
        sections=tuple(tuple(section) for section in sections),
    )


def read_definitions(package: Path, kind: str) -> list[Definition]:
    """Return all definitions of one kind (msg, srv or action) by name."""
    return [read_definition(path) for path in sorted((package / kind).glob(f'*.{kind}'))]


def interfaces_markdown(package: Path) -> str:
    """Return docs/interfaces.md for the package folder devrobot_interfaces."""
    qos = _read_qos(package / 'devrobot_interfaces_py' / 'qos.py')
    parts = [_INTRODUCTION, '## Topics\n', *_topic_table(), '\n## Service names\n']
    parts += [*_name_table('service', SERVICES), '\n## Action names\n']
    parts += [*_name_table('action', ACTIONS), '\n## Quality of service\n']
    parts += ['| name | definition | for |', '|---|---|---|']
    parts += [f'| {name} | {what} | {why} |' for name, (what, why) in qos.items()]
    for kind, title in KINDS.items():
        parts.append(f'\n## {title}')
        for definition in read_definitions(package, kind):
            parts += _definition_markdown(definition)
    return '\n'.join(parts) + '\n'


def index_markdown(package: Path) -> str:
    """Return the list of all files of the package, each with its first comment line."""
    lines = ['| file | content |', '|---|---|']
    for kind in KINDS:
        for definition in read_definitions(package, kind):
            lines.append(f'| `{kind}/{definition.name}.{kind}` | {_cell(definition.comment)} |')
    for path in sorted((package / 'devrobot_interfaces_py').glob('*.py')):
        text = ast.get_docstring(ast.parse(path.read_text(encoding='utf-8'))) or ''
        summary = text.split('\n\n')[0].replace('\n', ' ')
        lines.append(f'| `{path.parent.name}/{path.name}` | {_cell(summary)} |')
    return '\n'.join(lines) + '\n'


def readme_with_index(readme: str, index: str) -> str:
    """Return ``readme`` with the text between the index marks replaced."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f'the README needs the marks {BEGIN} and {END}')
    return f'{before}{BEGIN}\n{index}{END}{after}'


def expected_files(package: Path) -> dict[Path, str]:
    """Return path → content of everything that is generated."""
    readme = package / 'README.md'
    return {
        package.parents[1] / 'docs' / 'interfaces.md': interfaces_markdown(package),
        readme: readme_with_index(readme.read_text(encoding='utf-8'), index_markdown(package)),
    }


def stale_files(package: Path) -> list[Path]:
    """Return the generated files that are missing or do not match the sources."""
    return [
        path
        for path, content in expected_files(package).items()
        if not path.is_file() or path.read_text(encoding='utf-8') != content
    ]


def main(args: Sequence[str] | None = None) -> int:
    """Write the files, or with ``--check`` only tell which are stale."""
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument('--check', action='store_true', help='write nothing, fail when stale')
    parser.add_argument(
        '--package',
        type=Path,
        default=Path(__file__).resolve().parents[1],
        help='the folder src/devrobot_interfaces (default: where this file comes from)',
    )
    options = parser.parse_args(args)
    package = options.package.resolve()
    if not (package / 'msg').is_dir():
        parser.error(f'{package} has no msg folder; give --package src/devrobot_interfaces')
    stale = stale_files(package)
    for path in stale:
        if not options.check:
            atomic.write_text(path, expected_files(package)[path])
        print(f'{"stale" if options.check else "wrote"}: {path}')
    return 1 if stale and options.check else 0


def _read_line(text: str, where: str) -> Line:
    """Return one field or constant."""
    match = _LINE.fullmatch(text)
    if match is None:
        raise ValueError(f'{where}: {text!r} is neither a field nor a constant')
    if not match['comment']:
        raise ValueError(f'{where}: {match["name"]} has no comment')
    return Line(
        type=match['type'],
        name=match['name'],
        value=match['constant'] or match['default'] or '',
        is_constant=match['constant'] is not None,
        comment=match['comment'],
    )


def _read_qos(path: Path) -> dict[str, tuple[str, str]]:
    """Return name → (definition, meaning) of the profiles, read without importing ROS."""
    body = ast.parse(path.read_text(encoding='utf-8')).body
    profiles = {}
    for statement, following in zip(body, body[1:], strict=False):
        if isinstance(statement, ast.Assign) and isinstance(following, ast.Expr):
            name = ast.unparse(statement.targets[0])
            call = statement.value
            assert isinstance(call, ast.Call)
            latched = any(keyword.arg == 'latched' for keyword in call.keywords)
            durability = 'transient local' if latched else 'volatile'
            what = f'reliable, {durability}, keep last {ast.unparse(call.args[0])}'
            profiles[name] = (what, str(ast.literal_eval(following.value)))
    return profiles


def _topic_table() -> Iterator[str]:
    """Yield the rows of all topics."""
    yield '| topic | type | QoS | from | meaning |\n|---|---|---|---|---|'
    for topic in TOPICS:
        row = f'| `{topic.name}` | {_link(topic.type)} | {topic.qos} | {topic.owner} |'
        yield f'{row} {_cell(topic.meaning)} |'


def _name_table(kind: str, entries: Sequence[Service | Action]) -> Iterator[str]:
    """Yield the rows of all services or actions."""
    yield f'| {kind} | type | of | meaning |\n|---|---|---|---|'
    for entry in entries:
        row = f'| `{entry.name}` | {_link(entry.type)} | {entry.owner} |'
        yield f'{row} {_cell(entry.meaning)} |'


def _definition_markdown(definition: Definition) -> Iterator[str]:
    """Yield the lines of one definition: title, comment, one table for each section."""
    yield f'\n### {definition.name}\n\n{definition.comment}'
    for title, section in zip(_SECTIONS[definition.kind], definition.sections, strict=True):
        yield f'\n{title}:\n' if title else ''
        if not section:
            yield 'nothing'
            continue
        yield '| type | name | meaning |\n|---|---|---|'
        for line in section:
            sign = ' = ' if line.is_constant else ', default '
            name = f'`{line.name}`' if not line.value else f'`{line.name}`{sign}`{line.value}`'
            yield f'| {_link(line.type)} | {name} | {_cell(line.comment)} |'


def _link(type_name: str) -> str:
    """Return a type as code, with a link when it is one of ours."""
    package, _, name = type_name.rpartition('/')
    ours = package.startswith('devrobot_interfaces') or (not package and name[0].isupper())
    return f'[`{name}`](#{name.removesuffix("[]").lower()})' if ours else f'`{type_name}`'


def _cell(text: str) -> str:
    """Return text that can stand in a cell of a table."""
    return text.replace('|', r'\|')


if __name__ == '__main__':
    sys.exit(main())
