"""Shared by all tests of the repository."""

import signal


def pytest_configure() -> None:
    """
    Let interrupts through, for the programs that tests start and stop.

    Where the run itself is a background job, it inherits that interrupts are ignored, and so
    would every program started from here.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
