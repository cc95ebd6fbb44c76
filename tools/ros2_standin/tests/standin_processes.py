"""The stand-in in processes of its own, and a node in this one to talk with them."""

from collections.abc import Callable, Iterator
import contextlib
import os
from pathlib import Path
import signal
import subprocess
import sys
import threading
import time
from typing import Any

DEADLINE_S = 60.0
# Without the check for a real ros2, which has tests of its own.
STANDIN = (
    'import sys; from ros2_standin import app; app.find_real_ros2 = lambda _: None; '
    'sys.exit(app.main())'
)
# What the middleware does now and then: it never comes back, and keeps the interpreter's lock.
HANG = (
    'import ctypes; from rclpy.node import Node; from ros2_standin import leaving\n'
    'leaving.LEAVE_S = 0.5\n'
    'Node.destroy_node = lambda self: ctypes.PyDLL(None).pause()\n'
)


def environment() -> dict[str, str]:
    """Return an environment with a domain of its own, so that runs do not meet."""
    return {
        **os.environ,
        'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
        'ROS_DOMAIN_ID': str(domain()),
        'PYTHONPATH': os.pathsep.join(filter(None, sys.path)),
    }


def domain() -> int:
    """Return the domain of this run."""
    return int(os.environ.get('ROS_DOMAIN_ID', 1 + os.getpid() % 100))


def wait_for(condition: Callable[[], Any], what: Callable[[], str] = lambda: '') -> Any:
    """Return what ``condition`` returns as soon as it is true."""
    end = time.monotonic() + DEADLINE_S
    while not (value := condition()):
        assert time.monotonic() < end, f'not seen in time: {what()}'
        time.sleep(0.01)
    return value


class Process:
    """A verb that runs; what it says goes into files."""

    def __init__(self, folder: Path, name: str, *words: object, before: str = '') -> None:
        self._out, self._err = (folder / f'{name}.{end}' for end in ('out', 'err'))
        with self._out.open('wb') as out, self._err.open('wb') as err:
            self._process = subprocess.Popen(
                [sys.executable, '-c', before + STANDIN, *map(str, words)],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                env=environment(),
                cwd=folder,
            )

    @property
    def out(self) -> str:
        """What it printed."""
        return self._out.read_text()

    @property
    def err(self) -> str:
        """What it said beside that."""
        return self._err.read_text()

    @property
    def code(self) -> int | None:
        """The exit code, if it has ended."""
        return self._process.poll()

    def send(self, number: int) -> None:
        """Send a signal."""
        self._process.send_signal(number)

    def wait(self) -> int:
        """Return the exit code."""
        return self._process.wait(DEADLINE_S)

    def end(self) -> None:
        """End it in any case."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def processes(folder: Path) -> Iterator[Callable[..., Process]]:
    """Give a function that starts ``ros2 WORDS``; all are ended afterwards."""
    started: list[Process] = []

    def start(name: str, *words: object, before: str = '') -> Process:
        started.append(Process(folder, name, *words, before=before))
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            process.end()


@contextlib.contextmanager
def spinning_node(name: str) -> Iterator[Any]:
    """Give a node that a thread spins."""
    import rclpy
    from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor

    before = os.environ.get('ROS_AUTOMATIC_DISCOVERY_RANGE')
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=domain())
    node = rclpy.create_node(name, context=context)
    executor = SingleThreadedExecutor(context=context)
    executor.add_node(node)

    def spin() -> None:
        with contextlib.suppress(ExternalShutdownException):
            executor.spin()

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield node
    finally:
        context.try_shutdown()
        thread.join()
        node.destroy_node()
        if before is None:
            del os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE']
        else:
            os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = before


def at_import_of(module: str, number: signal.Signals) -> str:
    """Return code that sends itself a signal when a module is about to be imported."""
    return (
        'import os, sys\n'
        'class Finder:\n'
        '    def find_spec(self, name, path=None, target=None):\n'
        f'        if name == {module!r}:\n'
        f'            os.kill(os.getpid(), {int(number)})\n'
        'sys.meta_path.insert(0, Finder())\n'
    )


def at_call_of(module: str, name: str, number: signal.Signals) -> str:
    """Return code that sends itself a signal right after a function of the stand-in returned."""
    owner, _, attribute = name.rpartition('.')
    where = f'{module}.{owner}' if owner else module
    return (
        f'import os, {module}\n'
        f'before = {where}.{attribute}\n'
        'def after(*arguments, before=before, **options):\n'
        '    result = before(*arguments, **options)\n'
        f'    os.kill(os.getpid(), {int(number)})\n'
        '    return result\n'
        f'{where}.{attribute} = after\n'
    )
