"""``ros2 interface show | list``: interface definitions of the packages."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
import re

from ros2_standin import ament
from ros2_standin.errors import did_you_mean, StandinError

KINDS = {'msg': 'Messages', 'srv': 'Services', 'action': 'Actions'}
_NESTED = re.compile(r'(?:([a-z]\w*)/)?(?:msg/)?([A-Z]\w*)(?:\[[^\]]*\])?\s+\w+')


def _files(package: str, kind: str) -> list[Path]:
    return sorted((ament.share_of(package) / kind).glob(f'*.{kind}'))


def _names(kind: str) -> list[str]:
    return [
        f'{package}/{kind}/{path.stem}'
        for package in sorted(ament.packages())
        for path in _files(package, kind)
    ]


def list_interfaces(argv: Sequence[str]) -> int:
    """Print the names of all interfaces."""
    parser = argparse.ArgumentParser(prog='ros2 interface list')
    parser.add_argument('-m', '--only-msgs', action='store_true')
    parser.add_argument('-s', '--only-srvs', action='store_true')
    parser.add_argument('-a', '--only-actions', action='store_true')
    arguments = parser.parse_args(argv)
    wanted = {
        'msg': arguments.only_msgs,
        'srv': arguments.only_srvs,
        'action': arguments.only_actions,
    }
    for kind, title in KINDS.items():
        if wanted[kind] or not any(wanted.values()):
            print(f'{title}:')
            for name in _names(kind):
                print(f'    {name}')
    return 0


def definition(name: str) -> Path:
    """
    Return the file that defines the interface ``package/kind/Name``.

    :raises StandinError: if there is none.
    """
    parts = name.split('/')
    if len(parts) != 3 or parts[1] not in KINDS:
        raise StandinError(f"'{name}' is not an interface, expected package/msg|srv|action/Name")
    package, kind, stem = parts
    path = ament.share_of(package) / kind / f'{stem}.{kind}'
    if not path.is_file():
        stems = [file.stem for file in _files(package, kind)]
        raise StandinError(f"Could not find the interface '{name}'{did_you_mean(stem, stems)}")
    return path


def expanded(name: str, *, comments: bool, depth: int = 0) -> Iterator[str]:
    """Yield the lines of a definition, with those of nested messages below, indented by tabs."""
    package = name.split('/')[0]
    for line in definition(name).read_text().splitlines():
        text = line if comments else line.split('#')[0].rstrip()
        if text or (comments and depth == 0):
            yield '\t' * depth + text
        match = _NESTED.match(line)
        if match:
            yield from expanded(
                f'{match[1] or package}/msg/{match[2]}', comments=False, depth=depth + 1
            )


def show(argv: Sequence[str]) -> int:
    """Print the definition of an interface."""
    parser = argparse.ArgumentParser(prog='ros2 interface show')
    parser.add_argument('type', help='package/msg/Name, package/srv/Name or package/action/Name')
    parser.add_argument('--no-comments', action='store_true', help='leave out comments')
    parser.add_argument('--all-comments', action='store_true', help='accepted, no effect')
    arguments = parser.parse_args(argv)
    for line in expanded(arguments.type, comments=not arguments.no_comments):
        print(line)
    return 0
