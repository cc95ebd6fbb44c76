"""JetBots as processes: our server with a simulated robot, an older server, a cable to cut."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, ExitStack, suppress
from pathlib import Path
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from typing import Any

from devrobot_robots.clock import SystemClock
from devrobot_robots.jetbot.config import JetBotConfig
from devrobot_robots.jetbot.robot import JetBotRobot
from devrobot_robots.jetbot.simulation.process import SimulationProcess

DEADLINE_S = 20.0
DEAD_MAN_S = 0.5
LONG = ('stay 0 0', 'turn 0 0.12', 'far 0.1 0.1 8.0')
FAR = 2
LEGACY = Path(__file__).with_name('jetbot_legacy_server.py')


def wait(condition: Callable[[], Any], what: str, seconds: float = DEADLINE_S) -> Any:
    """Wait until the condition returns something true, and return that."""
    end = time.monotonic() + seconds
    while not (result := condition()):
        assert time.monotonic() < end, f'waited {seconds} s for {what}'
        time.sleep(0.002)
    return result


def only_child(process_id: int) -> int:
    """Return the only process that a process has started."""
    children = Path(f'/proc/{process_id}/task').glob('*/children')
    (child,) = {int(word) for path in children for word in path.read_text().split()}
    return child


class SimulatedJetBot(SimulationProcess):
    """The server of this package, as a process, with a robot that is not there."""

    def said(self) -> str:
        return self.log_path.read_text()

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / 'state.log').touch()
        super().start()

    def commands(self) -> list[tuple[float, ...]]:
        """Return moment, left and right of all that the motors were told, by their own clock."""
        lines = (self.folder / 'state.log').read_text().splitlines()
        return [tuple(map(float, line.split())) for line in lines]

    def turns(self) -> bool:
        pose = self.state.read()[0]
        return (pose.left, pose.right) != (0.0, 0.0)

    def guard_id(self) -> int:
        """Return the process that owns the motors."""
        return only_child(self.process.pid)

    def close(self) -> None:
        with suppress(RuntimeError, ProcessLookupError):
            self.process.send_signal(signal.SIGCONT)
        super().close()


class Cable:
    """A TCP proxy in front of a server, which can stop forwarding or become slow."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(('127.0.0.1', 0))
        self.port = self._listener.getsockname()[1]
        self.is_cut = False
        self.delay_s = 0.0
        self._closing = False
        self._ends: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self._closing:
            try:
                near, _ = self._listener.accept()
                far = socket.create_connection(('127.0.0.1', self._target))
            except OSError:
                continue
            self._ends += [near, far]
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=self._forward, args=(source, sink), daemon=True).start()

    def _forward(self, source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError, ValueError):
            while True:
                select.select([source], [], [])
                while self.is_cut and not self._closing:
                    time.sleep(0.01)
                data = source.recv(65536)
                time.sleep(self.delay_s)
                if not data:
                    break
                sink.sendall(data)
        for end in (source, sink):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    @property
    def connections(self) -> int:
        """How many there were."""
        return len(self._ends) // 2

    def say(self, data: bytes) -> None:
        """Send something to all clients that the server did not say."""
        for near in self._ends[::2]:
            with suppress(OSError):
                near.sendall(data)

    def close(self) -> None:
        self._closing = True
        for end in (self._listener, *self._ends):
            end.close()


class Bench:
    """Makes robots and servers, and ends them in the right order."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        self._count = 0

    def server(self, *options: str) -> SimulatedJetBot:
        self._count += 1
        server = SimulatedJetBot(self._folder / str(self._count), options)
        self._stack.callback(server.close)
        server.start()
        return server

    def legacy(self, behaviour: str = 'well') -> tuple[int, list[str]]:
        """Start a server of the older kind; return its port and what its motors were told."""
        process = subprocess.Popen(
            [sys.executable, str(LEGACY), behaviour],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        assert process.stdout is not None
        port = int(process.stdout.readline())
        told: list[str] = []
        threading.Thread(target=told.extend, args=(process.stdout,), daemon=True).start()
        return port, told

    def cable(self, port: int) -> Cable:
        cable = Cable(port)
        self._stack.callback(cable.close)
        return cable

    def robot(self, port: int, **settings: Any) -> JetBotRobot:
        """Return a robot that is connected; it gives up and tries again quickly."""
        robot = self.loose_robot(port, **settings)
        robot.connect()
        return robot

    def loose_robot(self, port: int, **settings: Any) -> JetBotRobot:
        defaults = {
            'host': '127.0.0.1',
            'actions': LONG,
            'call_timeout': 2.0,
            # On a loaded machine, too.
            'max_lateness': 2.0,
            'max_motion_error': 10.0,
            'retry_first': 0.05,
            'retry_most': 0.2,
        }
        config = JetBotConfig(port=port, **{**defaults, **settings})
        robot = JetBotRobot.from_config(config, clock=SystemClock(), name='jetbot')
        self._stack.callback(robot.close)
        return robot


@contextmanager
def make_bench(folder: Path) -> Iterator[Bench]:
    with ExitStack() as stack:
        yield Bench(folder, stack)


class Acting:
    """An action that runs in a thread."""

    def __init__(self, robot: JetBotRobot, action: int) -> None:
        self.error: Exception | None = None
        self.stop = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(robot, action), daemon=True)
        self._thread.start()

    def _run(self, robot: JetBotRobot, action: int) -> None:
        try:
            robot.execute(action, self.stop.is_set)
        except Exception as error:
            self.error = error

    def join(self) -> Exception | None:
        self._thread.join(DEADLINE_S)
        assert not self._thread.is_alive()
        return self.error
