"""One child process of launch: starting it, reading it, signalling its group."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess

from ros2_standin.launching.output import LaunchOutput
from ros2_standin.launching.processes import ProcessSpec
from ros2_standin.launching.watcher import send

PR_SET_PDEATHSIG = 1
LONGEST_LINE = 1 << 16
CHUNK = 1 << 16


class Pipe:
    """The reading end of one output stream, cut into lines."""

    def __init__(self, label: str, descriptor: int, output: LaunchOutput, *, shown: bool) -> None:
        self.descriptor = descriptor
        self._label = label
        self._output = output
        self._shown = shown
        self._rest = b''
        os.set_blocking(descriptor, False)

    def read(self) -> bool:
        """Pass on what is there; return False at the end of the stream."""
        try:
            data = os.read(self.descriptor, CHUNK)
        except BlockingIOError:
            return True
        *lines, self._rest = (self._rest + data).split(b'\n')
        if self._rest and (not data or len(self._rest) > LONGEST_LINE):
            lines.append(self._rest)
            self._rest = b''
        for line in lines:
            self._output.process_line(
                self._label, line.decode(errors='replace').rstrip('\r'), shown=self._shown
            )
        return bool(data)

    def drain(self) -> None:
        """Pass on what is there without waiting for more, then close."""
        while True:
            try:
                data = os.read(self.descriptor, CHUNK)
            except BlockingIOError:
                data = b''
            if not data:
                break
            self._rest += data
        *lines, last = self._rest.split(b'\n')
        for line in [*lines, *([last] if last else [])]:
            self._output.process_line(
                self._label, line.decode(errors='replace').rstrip('\r'), shown=self._shown
            )
        os.close(self.descriptor)


def _prepare(launch_pid: int, libc: ctypes.CDLL) -> None:
    """
    Tie the new process to launch; runs in the child before the executable is loaded.

    The kernel sends SIGTERM when launch dies (the setting survives later ``exec`` calls). A shell
    that starts launch in the background makes it ignore SIGINT; children must not inherit that.
    """
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != launch_pid:
        os._exit(1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


class Child:
    """A running process with its own process group."""

    def __init__(self, spec: ProcessSpec, output: LaunchOutput) -> None:
        self.spec = spec
        self.pipes: list[Pipe] = []
        self._output = output
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The process id, which is also the id of the process group."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """
        Start the process; must be called from the main thread.

        :raises OSError: if the executable cannot be run.
        """
        libc = ctypes.CDLL(None)
        launch_pid = os.getpid()
        spec = self.spec
        self._process = subprocess.Popen(
            spec.command[0] if spec.shell else spec.command,
            shell=spec.shell,
            cwd=spec.cwd,
            env=dict(spec.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            process_group=0,
            preexec_fn=lambda: _prepare(launch_pid, libc),
        )
        for stream, shown in (
            (self._process.stdout, spec.show_stdout),
            (self._process.stderr, True),
        ):
            assert stream is not None
            descriptor = os.dup(stream.fileno())
            stream.close()
            self.pipes.append(Pipe(spec.label, descriptor, self._output, shown=shown))

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the whole process group."""
        send(self.pid, number)

    def has_ended(self) -> bool:
        """Tell whether the process ended; it keeps its id until :meth:`reap`."""
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def reap(self) -> int:
        """Kill what is left in the group of the ended process and return its exit code."""
        assert self._process is not None
        send(self.pid, signal.SIGKILL)
        code = self._process.wait()
        for pipe in self.pipes:
            pipe.drain()
        self.pipes.clear()
        return code
