"""Launch files with what they include put in its place."""

from pathlib import Path
from xml.etree import ElementTree

SRC = Path(__file__).parents[2]
PACKAGE = SRC / 'devrobot_bringup'
LAUNCH = PACKAGE / 'launch'
SHARE = '$(find-pkg-share devrobot_bringup)/'
NAMES = ('jetbot', 'replay', 'toroidal_dot')


def read(name: str) -> ElementTree.Element:
    """Return a top-level launch file as one tree."""
    root = ElementTree.parse(LAUNCH / f'{name}.launch.xml').getroot()
    _expand(root)
    return root


def _expand(root: ElementTree.Element) -> None:
    for include in root.findall('include'):
        file = include.get('file')
        assert file.startswith(SHARE)
        included = ElementTree.parse(PACKAGE / file.removeprefix(SHARE)).getroot()
        _expand(included)
        given = {arg.get('name') for arg in include.iter('arg')}
        parts = [part for part in included if part.tag != 'arg' or part.get('name') not in given]
        place = list(root).index(include)
        root[place : place + 1] = parts


def arguments(root: ElementTree.Element) -> dict[str, ElementTree.Element]:
    """Return the declared arguments in order."""
    return {arg.get('name'): arg for arg in root.iter('arg')}


def choices(arg: ElementTree.Element) -> list[str]:
    """Return what an argument may be; empty = anything."""
    return [choice.get('value') for choice in arg.iter('choice')]
