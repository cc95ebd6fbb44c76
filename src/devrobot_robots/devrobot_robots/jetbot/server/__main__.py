"""Run the server: ``python3 -m devrobot_jetbot_server --help``."""

import os
import sys

from .cli import main

if __name__ == '__main__':
    code = main()
    sys.stderr.flush()
    # Not sys.exit: it would wait for the threads of a camera that hangs. The motors rest.
    os._exit(code)
