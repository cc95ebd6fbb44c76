"""Shared by all tests of the repository."""

import gc
from importlib.util import find_spec
from pathlib import Path
import signal

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the switch that ``./devrobot test --extras`` uses."""
    parser.addoption('--extra', metavar='NAME', help='run only the tests of this optional part')


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """
    Leave out the tests of optional parts whose package is missing, with the line that runs them.

    Where one part is asked for, its tests alone are run, and fail without the package.
    """
    wanted = config.getoption('--extra')
    if wanted:
        others = [item for item in items if wanted not in extras_of(item)]
        config.hook.pytest_deselected(items=others)
        items[:] = [item for item in items if wanted in extras_of(item)]
        return
    for item in items:
        for name in extras_of(item):
            if find_spec(name) is None:
                reason = f'needs the extra {name}: ./devrobot test --extras {name}'
                item.add_marker(pytest.mark.skip(reason=reason))


def extras_of(item: pytest.Item) -> list[str]:
    """Return the names of the optional parts that a test needs."""
    return [mark.args[0] for mark in item.iter_markers('extra')]


def pytest_configure() -> None:
    """
    Let signals through to the programs that tests start and stop.

    Where the run itself is a background job, it inherits that interrupts are ignored, below
    ``nohup`` that hang-ups are, and so would every program started from here.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)  # handlers are not inherited


def pytest_runtest_logfinish(location: tuple[str, int | None, str]) -> None:
    """
    Let the DDS participants of a test go with the test.

    Nodes and contexts refer to each other, so their participants would stay, and answer every
    other one, until Python collects them by itself: a dozen of them were seen in one process.
    """
    if Path(location[0]).parent.name == 'ros':
        gc.collect()
