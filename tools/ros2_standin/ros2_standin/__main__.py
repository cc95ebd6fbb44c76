"""Run the stand-in as ``python -m ros2_standin``."""

import sys

from ros2_standin.app import main

if __name__ == '__main__':
    sys.exit(main())
