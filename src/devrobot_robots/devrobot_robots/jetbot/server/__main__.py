"""Run the server: ``python3 -m devrobot_jetbot_server --help``."""

import sys

from .cli import main

if __name__ == '__main__':
    sys.exit(main())
