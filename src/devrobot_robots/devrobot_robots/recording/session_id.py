"""Names of session folders: one component of a path, and not taken."""

from __future__ import annotations

from collections.abc import Iterator
import re

LONGEST_NAME_BYTES = 120
ALLOWED = re.compile(r'\w[\w.@+-]*')


class SessionNameError(ValueError):
    """A name that cannot be the name of a folder of ours."""


def check_name(name: str, what: str) -> str:
    """
    Return ``name`` if it is a plain name of a folder.

    A name must not lead out of its folder, be hidden, or look like an option of a command.

    :param what: what the name is for, for the message.
    :raises SessionNameError: with the name and what is allowed.
    """
    if ALLOWED.fullmatch(name) is None:
        raise SessionNameError(
            f'{what} {name!r} must be a plain name: letters, digits, and . _ - @ + after the '
            'first character'
        )
    size = len(name.encode())
    if size > LONGEST_NAME_BYTES:
        raise SessionNameError(
            f'{what} {name[:20]!r}… has {size} bytes, at most {LONGEST_NAME_BYTES} are allowed'
        )
    return name


def candidates(name: str) -> Iterator[str]:
    """Yield the name, then it with _2, _3 and so on, for as long as names are taken."""
    yield name
    number = 2
    while True:
        yield f'{name}_{number}'
        number += 1
