"""
Run the processes of a launch file until they end or launch is told to stop.

One thread, one loop: the kernel ties the children to the thread that started them, and signals
arrive through a pipe, so nothing is missed and nothing is polled.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
import os
import selectors
import shlex
import signal
import time

from ros2_standin.launching.child import Child
from ros2_standin.launching.output import LaunchOutput
from ros2_standin.launching.processes import Message, ProcessSpec, Step
from ros2_standin.launching.watcher import Watcher

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
ESCALATION = {signal.SIGINT: signal.SIGTERM, signal.SIGTERM: signal.SIGKILL}
CANNOT_RUN = 127


class _Stopping:
    """How far the stopping of one child has got."""

    def __init__(self, child: Child, now: float) -> None:
        self.child = child
        self.sent = signal.SIGINT
        self.deadline = now + child.spec.sigterm_timeout_s

    def escalate(self, now: float) -> None:
        """Go on to the next harder signal."""
        self.sent = ESCALATION[self.sent]
        is_last = self.sent not in ESCALATION
        self.deadline = float('inf') if is_last else now + self.child.spec.sigkill_timeout_s


class Supervisor:
    """Starts, watches, restarts and stops processes."""

    def __init__(self, steps: Sequence[Step], output: LaunchOutput) -> None:
        self._steps = steps
        self._output = output
        self._watcher = Watcher()
        self._selector = selectors.DefaultSelector()
        self._children: dict[int, Child] = {}
        self._stopping: dict[int, _Stopping] = {}
        self._respawns: list[tuple[float, ProcessSpec]] = []
        self._is_stopping = False
        self._exit_code = 0

    def run(self) -> int:
        """
        Run everything and return the exit code.

        It is 0 unless a required process failed or a process had to be killed.
        """
        self._watcher.start()
        try:
            with self._signals() as reader:
                self._selector.register(reader, selectors.EVENT_READ, None)
                try:
                    self._start_all()
                    while self._children or self._respawns:
                        self._turn(reader)
                finally:
                    self._kill_all()
        finally:
            self._selector.close()
            self._watcher.close()
        return self._exit_code

    @contextmanager
    def _signals(self) -> Iterator[int]:
        """Turn signals into bytes on a pipe while the block runs."""
        reader, writer = os.pipe()
        os.set_blocking(reader, False)
        os.set_blocking(writer, False)
        previous_descriptor = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
        previous = {
            number: signal.signal(number, lambda *_: None)
            for number in (*STOP_SIGNALS, signal.SIGCHLD)
        }
        try:
            yield reader
        finally:
            for number, handler in previous.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(previous_descriptor)
            os.close(reader)
            os.close(writer)

    def _start_all(self) -> None:
        for step in self._steps:
            if isinstance(step, Message):
                self._output.info('launch.user', step.text)
            elif not self._is_stopping:
                self._start(step)

    def _start(self, spec: ProcessSpec) -> None:
        child = Child(spec, self._output)
        self._output.debug(spec.label, f'command: {shlex.join(spec.command)}')
        try:
            child.start()
        except OSError as error:
            self._output.error(
                spec.label, f"cannot run '{spec.command[0]}': {error.strerror or error}"
            )
            self._after_end(spec, CANNOT_RUN)
            return
        self._watcher.add(child.pid)
        self._children[child.pid] = child
        for pipe in child.pipes:
            self._selector.register(pipe.descriptor, selectors.EVENT_READ, pipe)
        self._output.info(spec.label, f'process started with pid [{child.pid}]')

    def _turn(self, reader: int) -> None:
        """Wait for the next thing to happen and deal with it."""
        for key, _ in self._selector.select(self._time_left()):
            if key.data is None:
                self._on_signals(os.read(reader, 4096))
            elif not key.data.read():
                self._selector.unregister(key.fd)
        if self._output.is_broken and not self._is_stopping:
            self._stop()
        self._reap()
        now = time.monotonic()
        for stopping in list(self._stopping.values()):
            if now >= stopping.deadline:
                self._escalate(stopping, now)
        due = [spec for at, spec in self._respawns if at <= now]
        self._respawns = [item for item in self._respawns if item[0] > now]
        for spec in due:
            self._start(spec)

    def _time_left(self) -> float | None:
        """Return the seconds until a time limit or a restart, ``None`` without any."""
        times = [at for at, _ in self._respawns]
        times += [stopping.deadline for stopping in self._stopping.values()]
        soonest = min(times, default=float('inf'))
        return None if soonest == float('inf') else max(0.0, soonest - time.monotonic())

    def _on_signals(self, numbers: bytes) -> None:
        for number in numbers:
            if number == signal.SIGCHLD:
                continue
            name = signal.Signals(number).name
            how = 'ctrl-c (SIGINT)' if number == signal.SIGINT else name
            if self._is_stopping:
                self._output.warning('launch', f'user interrupted with {how} again, ignoring...')
            else:
                self._output.warning('launch', f'user interrupted with {how}')
                self._stop()

    def _stop(self) -> None:
        """Ask all processes to end."""
        self._is_stopping = True
        self._respawns.clear()
        now = time.monotonic()
        for child in self._children.values():
            self._output.info(
                child.spec.label, f"sending signal 'SIGINT' to process[{child.spec.label}]"
            )
            child.signal(signal.SIGINT)
            self._stopping[child.pid] = _Stopping(child, now)

    def _escalate(self, stopping: _Stopping, now: float) -> None:
        """Send the next harder signal to a process that did not end in time."""
        spec = stopping.child.spec
        waited = (
            spec.sigterm_timeout_s if stopping.sent == signal.SIGINT else spec.sigkill_timeout_s
        )
        before = stopping.sent
        stopping.escalate(now)
        self._output.error(
            spec.label,
            f"process[{spec.label}] failed to terminate '{waited:g}' seconds after receiving "
            f"'{before.name}', escalating to '{stopping.sent.name}'",
        )
        if stopping.sent == signal.SIGKILL:
            self._exit_code = 1
        stopping.child.signal(stopping.sent)

    def _reap(self) -> None:
        """Collect the processes that ended."""
        for child in [child for child in self._children.values() if child.has_ended()]:
            pid = child.pid
            for pipe in child.pipes:
                if pipe.descriptor in self._selector.get_map():
                    self._selector.unregister(pipe.descriptor)
            code = child.reap()
            self._watcher.remove(pid)
            del self._children[pid]
            self._stopping.pop(pid, None)
            label = child.spec.label
            if code == 0:
                self._output.info(label, f'process has finished cleanly [pid {pid}]')
            else:
                command = shlex.join(child.spec.command)
                self._output.error(
                    label, f"process has died [pid {pid}, exit code {code}, cmd '{command}']."
                )
            self._after_end(child.spec, code)

    def _after_end(self, spec: ProcessSpec, code: int) -> None:
        """Stop all after a required process; start a respawning one again."""
        if self._is_stopping:
            return
        if spec.is_required:
            if code != 0:
                self._exit_code = 1
            self._stop()
        elif spec.respawn:
            self._respawns.append((time.monotonic() + spec.respawn_delay_s, spec))

    def _kill_all(self) -> None:
        """Leave nothing behind, whatever went wrong in the loop."""
        for child in self._children.values():
            child.signal(signal.SIGKILL)
            child.reap()
