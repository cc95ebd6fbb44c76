"""
Mend an environment of ROS wheels: half-installed packages, and paths of their build machine.

Both steps may be run any number of times; they change only what is wrong.
"""

import argparse
import csv
from pathlib import Path
import shutil
import sys
import sysconfig

BUILD_PYTHON = '/opt/python/cp311-cp311/'
BUILD_INCLUDE = BUILD_PYTHON + 'include/python3.11'
BUILD_NUMPY = BUILD_PYTHON + 'lib/python3.11/site-packages/numpy/_core/include'
LISTED_IN_MESSAGE = 5


def is_whole(dist_info: Path) -> bool:
    """Tell whether an installation was finished: pip writes INSTALLER and RECORD last."""
    record = dist_info / 'RECORD'
    if not record.is_file() or not (dist_info / 'INSTALLER').is_file():
        return False
    with record.open(newline='', encoding='utf-8') as file:
        names = [row[0] for row in csv.reader(file) if row]
    return all((dist_info.parent / n).exists() for n in names if not n.endswith('.pyc'))


def drop_broken(site_packages: Path) -> list[str]:
    """Forget packages whose installation was cut short, so that pip installs them again."""
    broken = [d for d in sorted(site_packages.glob('*.dist-info')) if not is_whole(d)]
    for dist_info in broken:
        shutil.rmtree(dist_info)
    for leftover in site_packages.glob('~*'):
        shutil.rmtree(leftover, ignore_errors=True)
    return [d.name.removesuffix('.dist-info') for d in broken]


def numpy_include(site_packages: Path) -> Path:
    """Return numpy's header folder without importing numpy."""
    return site_packages / 'numpy' / '_core' / 'include'


def fix_cmake_paths(prefix: Path, site_packages: Path) -> int:
    """Replace the build machine's header folders in the CMake files; return the file count."""
    python_include = sysconfig.get_paths()['include']
    changed = 0
    for folder in (prefix / 'share', prefix / 'lib'):
        for path in folder.rglob('*.cmake'):
            text = path.read_text(encoding='utf-8', errors='surrogateescape')
            if BUILD_PYTHON not in text:
                continue
            text = text.replace(BUILD_NUMPY, str(numpy_include(site_packages)))
            text = text.replace(BUILD_INCLUDE, python_include)
            temporary = path.with_name(path.name + '.new')
            temporary.write_text(text, encoding='utf-8', errors='surrogateescape')
            temporary.replace(path)
            changed += 1
    return changed


def main() -> None:
    """Run the step that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('step', choices=('packages', 'paths'))
    step = parser.parse_args().step
    site_packages = Path(sysconfig.get_paths()['purelib'])
    if step == 'packages':
        broken = drop_broken(site_packages)
        listed = ', '.join(broken[:LISTED_IN_MESSAGE])
        print(f'{len(broken)} half-installed packages dropped: {listed}')
    else:
        print(f'{fix_cmake_paths(Path(sys.prefix), site_packages)} CMake files corrected')


if __name__ == '__main__':
    main()
