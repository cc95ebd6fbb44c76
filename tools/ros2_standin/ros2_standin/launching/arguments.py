"""Launch arguments: those a file declares, those on the command line, and ``--show-args``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
import os
from pathlib import Path

from ros2_standin.errors import did_you_mean, StandinError
from ros2_standin.launching import substitutions
from ros2_standin.launching.elements import Element
from ros2_standin.launching.sources import load

#: Configurations that every process looks at, so they may always be given.
IMPLICIT = frozenset(('launch-prefix', 'sigkill_timeout', 'sigterm_timeout'))
MAX_DEPTH = 20


@dataclass(frozen=True, kw_only=True)
class Argument:
    """A declared launch argument."""

    name: str
    default: substitutions.Template | None
    description: str
    choices: tuple[str, ...]
    conditional: bool = False

    @classmethod
    def from_element(cls, element: Element, *, conditional: bool = False) -> Argument:
        """Return the argument that an ``<arg>`` element declares."""
        choices = tuple(
            substitutions.unescape(child.attributes['value']) for child in element.children
        )
        default = element.attributes.get('default')
        return cls(
            name=substitutions.unescape(element.attributes['name']),
            default=None if default is None else substitutions.parse(default),
            description=_description(element.attributes.get('description'), choices),
            choices=choices,
            conditional=conditional,
        )


def _description(text: str | None, choices: Sequence[str]) -> str:
    """Return the description with the choices, worded like the real tool."""
    if text is None:
        return f'One of: {list(choices)}' if choices else 'no description given'
    text = substitutions.unescape(text)
    if not choices:
        return text
    stop = '' if text.endswith('.') else '.'
    return f'{text}{stop} Valid choices are: {list(choices)}'


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The arguments of a launch file; ``complete`` when every include could be looked into."""

    arguments: tuple[Argument, ...]
    complete: bool


class _Collector:
    """Walks a launch file and its includes without evaluating it."""

    def __init__(self) -> None:
        self.found: dict[str, Argument] = {}
        self.complete = True

    def visit(
        self, element: Element, *, conditional: bool, fixed: frozenset[str], depth: int
    ) -> None:
        for child in element.children:
            maybe = conditional or bool({'if', 'unless'} & child.attributes.keys())
            if child.tag == 'arg':
                argument = Argument.from_element(child, conditional=maybe)
                if argument.name not in fixed:
                    self.found.setdefault(argument.name, argument)
            elif child.tag == 'group':
                self.visit(child, conditional=maybe, fixed=fixed, depth=depth)
            elif child.tag == 'include':
                self._include(child, conditional=maybe, fixed=fixed, depth=depth)

    def _include(
        self, element: Element, *, conditional: bool, fixed: frozenset[str], depth: int
    ) -> None:
        """Look into an included file if its path does not depend on arguments."""
        scope = substitutions.Scope(
            configurations={}, environment=os.environ, directory=str(element.path.parent)
        )
        try:
            file = substitutions.perform(substitutions.parse(element.attributes['file']), scope)
        except StandinError:
            self.complete = False
            return
        if depth >= MAX_DEPTH:
            raise element.error(f'includes are nested more than {MAX_DEPTH} deep')
        given = frozenset(child.attributes['name'] for child in element.children)
        self.visit(
            _load_included(element, file),
            conditional=conditional,
            fixed=fixed | given,
            depth=depth + 1,
        )


def _load_included(element: Element, file: str) -> Element:
    """Load an included file; what is wrong with finding it is said at the include."""
    path = Path(file)
    if not path.is_file():
        raise element.error(f"launch file '{path}' does not exist")
    return load(path)


def collect(root: Element) -> Declared:
    """Return the arguments that ``root`` and the files it includes declare."""
    collector = _Collector()
    collector.visit(root, conditional=False, fixed=frozenset(), depth=0)
    return Declared(arguments=tuple(collector.found.values()), complete=collector.complete)


def parse_command_line(words: Iterable[str]) -> dict[str, str]:
    """
    Return name → value of ``name:=value`` words; the last one of a name wins.

    :raises StandinError: if a word has any other form.
    """
    values = {}
    for word in words:
        name, separator, value = word.partition(':=')
        if not separator or not name or not value:
            raise StandinError(
                f"malformed launch argument '{word}', expected format '<name>:=<value>'"
            )
        values[name] = value
    return values


def refuse_unknown(given: Mapping[str, str], known: Collection[str]) -> None:
    """
    Refuse arguments that no launch file declares.

    The real tool drops them without a word; a mistyped name is then never noticed.
    """
    for name in given:
        if name not in known and name not in IMPLICIT:
            names = ', '.join(sorted(known)) or 'none'
            raise StandinError(
                f"unknown launch argument '{name}'{did_you_mean(name, known)} (known: {names})"
            )


def show(arguments: Sequence[Argument]) -> str:
    """Return the text that ``ros2 launch --show-args`` prints."""
    lines = ["Arguments (pass arguments as '<name>:=<value>'):"]
    for argument in arguments:
        star = '*' if argument.conditional else ''
        lines += ['', f"    '{argument.name}':{star}", f'        {argument.description}']
        if argument.default is not None:
            lines.append(f'        (default: {substitutions.describe(argument.default)})')
    if not arguments:
        lines += ['', '  No arguments.']
    elif any(argument.conditional for argument in arguments):
        lines += ['', '* argument(s) which are only used if specific conditions occur']
    return '\n'.join(lines)
