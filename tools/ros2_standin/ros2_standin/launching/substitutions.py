r"""
Substitutions in attribute values: ``$(name arguments)``, nested, and ``\`` before a character.

The grammar is that of the real front end: arguments are separated by one space, an argument
with spaces is put into quotes, and a dollar sign that begins no substitution is written ``\$``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import math
import re
from typing import TypeAlias

from ros2_standin import ament
from ros2_standin.errors import did_you_mean, StandinError

_IDENTIFIER = re.compile(r'[A-Za-z][A-Za-z0-9_-]*')
_BOOLEANS = {'true': True, '1': True, 'false': False, '0': False}


@dataclass(frozen=True, kw_only=True)
class Text:
    """Literal text."""

    text: str


@dataclass(frozen=True, kw_only=True)
class Call:
    """A substitution with its arguments."""

    name: str
    arguments: tuple[tuple[Text | Call, ...], ...]


Template: TypeAlias = tuple[Text | Call, ...]


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What substitutions may look at."""

    configurations: Mapping[str, str]
    environment: Mapping[str, str]
    directory: str


class _Reader:
    """Recursive descent over one attribute value."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def template(self, closing: str = '') -> Template:
        """Read text and substitutions up to ``closing`` (the end when it is empty)."""
        parts: list[Text | Call] = []
        buffer = ''
        while self._at < len(self._text):
            char = self._text[self._at]
            if closing and char == closing:
                break
            if char == '$':
                if buffer:
                    parts.append(Text(text=buffer))
                    buffer = ''
                parts.append(self._call())
            else:
                buffer += self._character()
        if buffer:
            parts.append(Text(text=buffer))
        return tuple(parts)

    def _character(self) -> str:
        """Take one character; a backslash takes the next one literally."""
        if self._text[self._at] == '\\' and self._at + 1 < len(self._text):
            self._at += 1
        self._at += 1
        return self._text[self._at - 1]

    def _call(self) -> Call:
        """Read ``$(name arguments)``."""
        if not self._text.startswith('$(', self._at):
            raise StandinError(
                f"'$' in '{self._text}' begins no substitution: write \\$ for a dollar sign"
            )
        self._at += 2
        match = _IDENTIFIER.match(self._text, self._at)
        if match is None:
            raise StandinError(f"substitution without a name in '{self._text}'")
        self._at = match.end()
        arguments = []
        while self._text.startswith(' ', self._at):
            self._at += 1
            arguments.append(self._argument())
        if not self._text.startswith(')', self._at):
            raise StandinError(f"substitution '$({match[0]}' is not closed in '{self._text}'")
        self._at += 1
        return _checked(Call(name=match[0], arguments=tuple(arguments)))

    def _argument(self) -> Template:
        """Read one argument, quoted or up to the next space or parenthesis."""
        quote = self._text[self._at : self._at + 1]
        if quote in ('"', "'"):
            self._at += 1
            value = self.template(quote)
            if not self._text.startswith(quote, self._at):
                raise StandinError(f"quote {quote} is not closed in '{self._text}'")
            self._at += 1
            return value
        parts: list[Text | Call] = []
        buffer = ''
        while self._at < len(self._text) and self._text[self._at] not in ' ()"\'':
            if self._text[self._at] == '$':
                parts += [Text(text=buffer)] if buffer else []
                buffer = ''
                parts.append(self._call())
            else:
                buffer += self._character()
        parts += [Text(text=buffer)] if buffer else []
        if not parts:
            raise StandinError(
                f"empty argument in '{self._text}': one space between arguments, quotes for ''"
            )
        return tuple(parts)


def _var(scope: Scope, name: str, *default: str) -> str:
    if name in scope.configurations:
        return scope.configurations[name]
    if default:
        return default[0]
    raise StandinError(
        f"launch configuration '{name}' does not exist{did_you_mean(name, scope.configurations)}"
    )


def _env(scope: Scope, name: str, *default: str) -> str:
    if name in scope.environment:
        return scope.environment[name]
    if default:
        return default[0]
    raise StandinError(
        f"environment variable '{name}' does not exist; set it or give a default: "
        f'$(env {name} VALUE)'
    )


def to_bool(text: str) -> bool:
    """Return the truth of ``text``: true, false, 1 or 0 in any case."""
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise StandinError(f"'{text}' is not a boolean: true, false, 1 or 0") from None


def _truth(value: bool) -> str:
    return 'true' if value else 'false'


def _equals(_scope: Scope, left: str, right: str) -> str:
    if left.lower() in _BOOLEANS and right.lower() in _BOOLEANS:
        return _truth(_BOOLEANS[left.lower()] == _BOOLEANS[right.lower()])
    try:
        return _truth(math.isclose(float(left), float(right)))
    except ValueError:
        return _truth(left == right)


@dataclass(frozen=True, kw_only=True)
class _Function:
    """A substitution: number of arguments, what it does, how ``--show-args`` writes it."""

    counts: tuple[int, ...]
    perform: Callable[..., str]
    describe: str


FUNCTIONS: dict[str, _Function] = {
    'and': _Function(
        counts=(2,),
        describe='AndSubstitution({0} {1})',
        perform=lambda scope, left, right: _truth(to_bool(left) and to_bool(right)),
    ),
    'dirname': _Function(
        counts=(0,), describe='ThisLaunchFileDir()', perform=lambda scope: scope.directory
    ),
    'env': _Function(counts=(1, 2), describe='EnvVar({0})', perform=_env),
    'equals': _Function(counts=(2,), describe='EqualsSubstitution({0} {1})', perform=_equals),
    'find-pkg-prefix': _Function(
        counts=(1,),
        describe='FindPackagePrefix(pkg={0})',
        perform=lambda scope, package: str(ament.prefix_of(package)),
    ),
    'find-pkg-share': _Function(
        counts=(1,),
        describe='FindPackageShare(pkg={0})',
        perform=lambda scope, package: str(ament.share_of(package)),
    ),
    'not': _Function(
        counts=(1,),
        describe='NotSubstitution({0})',
        perform=lambda scope, value: _truth(not to_bool(value)),
    ),
    'or': _Function(
        counts=(2,),
        describe='OrSubstitution({0} {1})',
        perform=lambda scope, left, right: _truth(to_bool(left) or to_bool(right)),
    ),
    'var': _Function(counts=(1,), describe='LaunchConfig({0})', perform=_var),
}


def _checked(call: Call) -> Call:
    """Refuse unknown substitutions and wrong numbers of arguments."""
    function = FUNCTIONS.get(call.name)
    if function is None:
        raise StandinError(
            f'substitution $({call.name} …) is not supported here'
            f'{did_you_mean(call.name, FUNCTIONS)} (supported: {", ".join(sorted(FUNCTIONS))})'
        )
    if len(call.arguments) not in function.counts:
        expected = ' or '.join(str(count) for count in function.counts)
        raise StandinError(
            f'substitution $({call.name} …) takes {expected} arguments, got {len(call.arguments)}'
        )
    return call


def parse(text: str) -> Template:
    """
    Return the parts of an attribute value.

    :raises StandinError: if the syntax is wrong or a substitution is not in the subset.
    """
    return _Reader(text).template()


def perform(template: Sequence[Text | Call], scope: Scope) -> str:
    """Return the text of ``template`` in ``scope``."""
    return ''.join(
        part.text
        if isinstance(part, Text)
        else FUNCTIONS[part.name].perform(
            scope, *(perform(argument, scope) for argument in part.arguments)
        )
        for part in template
    )


def describe(template: Template) -> str:
    """Return ``template`` as ``ros2 launch --show-args`` writes defaults."""
    return (
        ' + '.join(
            f"'{part.text}'"
            if isinstance(part, Text)
            else FUNCTIONS[part.name].describe.format(
                *(describe(argument) for argument in part.arguments)
            )
            for part in template
        )
        or "''"
    )


def unescape(text: str) -> str:
    """Return ``text`` of an attribute that takes no substitutions."""
    return re.sub(r'\\(.)', r'\1', text)
