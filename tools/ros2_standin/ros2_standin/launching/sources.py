"""Find launch files and read them, whatever their kind."""

from __future__ import annotations

import os
from pathlib import Path

from ros2_standin import ament
from ros2_standin.errors import did_you_mean, StandinError
from ros2_standin.launching import schema
from ros2_standin.launching.elements import Element, read_xml
from ros2_standin.launching.python_source import read_python


def load(path: Path) -> Element:
    """
    Return the checked root element of the launch file ``path``.

    :raises StandinError: if the file is missing, of an unknown kind or not in the subset.
    """
    if not path.is_file():
        raise StandinError(f"launch file '{path}' does not exist")
    if path.suffix == '.py':
        return read_python(path)
    if path.suffix == '.xml':
        root = read_xml(path)
        schema.check(root)
        return root
    raise StandinError(
        f"cannot read launch file '{path}': this stand-in reads .launch.xml files (and "
        '.launch.py files that include one); other kinds need the real ros2'
    )


def find_in_package(package: str, file_name: str) -> Path:
    """
    Return the launch file ``file_name`` anywhere in the share directory of ``package``.

    :raises StandinError: if there is none, or more than one.
    """
    share = ament.share_of(package)
    found: list[Path] = []
    names: set[str] = set()
    for folder, _, files in os.walk(share):
        names.update(name for name in files if '.launch.' in name)
        if file_name in files:
            found.append(Path(folder) / file_name)
    if len(found) > 1:
        raise StandinError(
            f"Multiple launch files named '{file_name}' in package '{package}': "
            + ', '.join(str(path) for path in sorted(found))
        )
    if not found:
        known = ', '.join(sorted(names)) or 'none'
        raise StandinError(
            f"file '{file_name}' was not found in the share directory of package '{package}' "
            f"which is at '{share}'{did_you_mean(file_name, names)} (launch files there: {known})"
        )
    return found[0]
