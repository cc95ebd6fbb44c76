"""
Lay this environment over another: what is not installed here is found there.

Run with the interpreter of the new environment; its own packages come first.
"""

import argparse
from pathlib import Path
import sysconfig

NAME = 'devrobot_below.pth'


def main() -> None:
    """Write a path file that names the environment below, whose own path files work too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('below', type=Path, help='folder of the environment below')
    below = str(parser.parse_args().below.resolve())
    there = sysconfig.get_path('purelib', 'venv', vars={'base': below, 'platbase': below})
    path = Path(sysconfig.get_path('purelib')) / NAME
    path.write_text(f'import site; site.addsitedir({there!r})\n', encoding='utf-8')


if __name__ == '__main__':
    main()
