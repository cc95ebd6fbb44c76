"""Record one session after the other: names, room on the disk, and the process that records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from devrobot_interfaces_py.actions import SessionInfo
from devrobot_robots.clock import Clock
from devrobot_robots.recording import command
from devrobot_robots.recording.claims import Claim, claim_name
from devrobot_robots.recording.config import GIGABYTE, RecorderConfig
from devrobot_robots.recording.free_space import free_bytes, shortage
from devrobot_robots.recording.housekeeping import Housekeeping
from devrobot_robots.recording.log import Log
from devrobot_robots.recording.process import describe_exit, RecordingProcess
from devrobot_robots.recording.session_id import check_name
from devrobot_robots.recording.stored_sessions import folder_bytes, METADATA

POLL_S = 0.05
# Nobody but the robot knows when it has found the recorder; others see that a little earlier.
DISCOVERY_S = 0.5
BUDGET_PERIOD_S = 10.0


class RecordingError(RuntimeError):
    """Nothing is recorded; one line with the reason and the way out."""


@dataclass(frozen=True, kw_only=True)
class RecordingRequest:
    """
    What to record.

    :param name: name of the session's folder; '' = the session's id.
    :param namespace: absolute name of the robot's namespace.
    :param extra_topics: absolute names.
    :param node_name: name of the recording node.
    :param is_listening: tells whether the recording node subscribes to a topic.
    """

    session: SessionInfo
    name: str = ''
    namespace: str
    extra_topics: tuple[str, ...] = ()
    node_name: str
    is_listening: Callable[[str], bool]
    use_sim_time: bool = False


@dataclass(frozen=True, kw_only=True)
class RecorderStatus:
    """What the recorder does right now; ``problem`` is why it stopped by itself, '' if not."""

    bag: Path | None = None
    recording: bool = False
    seconds: float = 0.0
    size_bytes: int = 0
    free_bytes: int = 0
    problem: str = ''


@dataclass(frozen=True)
class _Running:
    claim: Claim
    process: RecordingProcess
    started_s: float


class SessionRecorder:
    """
    Starts and stops recordings, and looks after the one that runs.

    To be used by one thread at a time; :attr:`status` may be read by others.
    """

    def __init__(self, *, clock: Clock, log: Log, should_stop: Callable[[], bool]) -> None:
        """``should_stop`` tells whether waiting for a recording to begin has become pointless."""
        self._clock = clock
        self._log = log
        self._should_stop = should_stop
        self._housekeeping = Housekeeping(log)
        self._running: _Running | None = None
        self._next_budget_s = 0.0
        self.status = RecorderStatus()

    def start(self, request: RecordingRequest, config: RecorderConfig) -> Path:
        """
        Begin to record and return the bag's folder, once the topics are listened to.

        :raises RecordingError: if that is not possible.
        """
        if self._running is not None:
            raise RecordingError(f'already recording {self._running.claim.bag}: stop that first')
        try:
            running = self._launch(request, config)
        except (ValueError, OSError, command.CommandError) as error:
            problem = f'cannot record: {error}'
            self.status = replace(self.status, problem=problem)
            raise RecordingError(problem) from error
        self._running = running
        self._next_budget_s = self._clock.now() + BUDGET_PERIOD_S
        self.status = RecorderStatus(bag=running.claim.bag, recording=True)
        self._log.info(f'recording {running.claim.bag}')
        return running.claim.bag

    def stop(self, config: RecorderConfig) -> str:
        """
        Close the bag and return one line about it.

        :raises RecordingError: if nothing is recorded, or the bag was not closed properly.
        """
        if self._running is None:
            raise RecordingError(self.status.problem or 'nothing is being recorded')
        bag, problem = self._finish(config)
        if problem:
            self._log.error(problem)
            raise RecordingError(problem)
        message = f'recorded {bag}: {self.status.seconds:.1f} s, {_megabytes(self.status)}'
        self._log.info(message)
        return message

    def check(self, config: RecorderConfig) -> None:
        """Look after the recording; to be called about once a second."""
        folder = config.sessions_dir.expanduser()
        free = free_bytes(folder)
        self.status = replace(self.status, free_bytes=free)
        running = self._running
        if running is None:
            return
        self._measure(running)
        if running.process.exit_code is not None:
            self._give_up(config, '')
        elif lack := shortage(free, folder, config.min_free_gb):
            self._give_up(config, f'stopped recording {running.claim.bag}: {lack}')
        elif self._clock.now() >= self._next_budget_s:
            self._next_budget_s = self._clock.now() + BUDGET_PERIOD_S
            self._housekeeping.keep_budget(running.claim.bag.parent, config)

    def _launch(self, request: RecordingRequest, config: RecorderConfig) -> _Running:
        recorded = command.choose_topics(
            request.session,
            namespace=request.namespace,
            images=config.images,
            extra_topics=request.extra_topics,
        )
        wanted = request.name or config.session_id or request.session.session_id
        check_name(wanted, 'session id')
        ros2 = command.find_ros2()
        claim = claim_name(self._make_room(request.session, config), wanted)
        argv = command.record_command(
            ros2,
            claim.bag,
            recorded,
            config,
            node_name=request.node_name,
            use_sim_time=request.use_sim_time,
        )
        process = RecordingProcess(
            argv, output=claim.descriptor, stop_timeout_s=config.stop_timeout
        )
        try:
            process.start()
            self._wait_until_it_records(
                claim,
                process,
                lambda: [t for t in recorded.needed if not request.is_listening(t)],
                config.start_timeout,
            )
        except (OSError, command.CommandError):
            claim.release()
            raise
        return _Running(claim, process, self._clock.now())

    def _make_room(self, session: SessionInfo, config: RecorderConfig) -> Path:
        """Return the folder for sessions of this robot type, with room in it."""
        robot_type = check_name(session.robot_type, 'robot type')
        folder = config.sessions_dir.expanduser() / robot_type
        if lack := shortage(free_bytes(folder), folder, config.min_free_gb):
            raise command.CommandError(lack)
        folder.mkdir(parents=True, exist_ok=True)
        self._housekeeping.keep_budget(folder, config)
        return folder

    def _wait_until_it_records(
        self,
        claim: Claim,
        process: RecordingProcess,
        missing_topics: Callable[[], list[str]],
        timeout_s: float,
    ) -> None:
        """Wait until all needed topics are listened to; some may be missing in the end."""
        end = self._clock.now() + timeout_s
        while missing := missing_topics():
            if (code := process.exit_code) is not None:
                raise command.CommandError(
                    f'ros2 bag record ended with {describe_exit(code)}: {claim.last_line()}'
                )
            if self._clock.now() >= end or self._should_stop():
                break
            self._clock.sleep(POLL_S)
        if not claim.bag.exists():
            process.stop()
            reason = 'until it was stopped' if self._should_stop() else f'in {timeout_s:g} s'
            raise command.CommandError(
                f'ros2 bag record made no bag {reason}: {claim.last_line()}'
            )
        if missing:
            self._log.warning(f'not heard of yet, so not in {claim.bag}: {", ".join(missing)}')
        elif not self._should_stop():
            self._clock.sleep(DISCOVERY_S)

    def _measure(self, running: _Running) -> None:
        self.status = replace(
            self.status,
            seconds=self._clock.now() - running.started_s,
            size_bytes=folder_bytes(running.claim.bag),
        )

    def _give_up(self, config: RecorderConfig, reason: str) -> None:
        _, problem = self._finish(config)
        self.status = replace(self.status, problem=problem or reason)
        for line in filter(None, (reason, problem)):
            self._log.error(line)

    def _finish(self, config: RecorderConfig) -> tuple[Path, str]:
        """Stop what runs, keep to the budget, and return the bag and what is wrong with it."""
        running = self._running
        assert running is not None
        by_itself = running.process.exit_code is not None
        code = running.process.stop()
        bag = running.claim.bag
        self._measure(running)
        problem = ''
        if by_itself:
            problem = (
                f'recording {bag} ended by itself with {describe_exit(code)}: '
                f'{running.claim.last_line()}'
            )
        if not (bag / METADATA).exists():
            problem = f'{problem or f"{bag} was not closed ({describe_exit(code)})"}; '
            problem += f'what is there can be read; mend it with: ros2 bag reindex {bag}'
        running.claim.release()
        self._running = None
        self.status = replace(self.status, recording=False, problem=problem)
        self._housekeeping.keep_budget(bag.parent, config, newest=bag)
        return bag, problem


def _megabytes(status: RecorderStatus) -> str:
    return f'{status.size_bytes * 1000 / GIGABYTE:.1f} MB'
