"""
The server with the motors of ``jetbot``, which only write when they believe to have news.

All is real but the chip and the package over it: processes, signals, RPyC, traitlets, OpenCV.
"""

from collections.abc import Iterator
from contextlib import suppress
import fcntl
import os
from pathlib import Path
import signal
import time

from devrobot_robots.jetbot.server import cli, hardware
from devrobot_robots.robot import RobotError
from jetbot_servers import connect_to, has_ended, in_time, LoneServer
from jetbot_worlds import DEAD_MAN_S, DEADLINE_S, only_child, wait
import pytest

PACKAGE = Path(__file__).parent / 'fake_jetbot'


class Chip:
    """What the motors do, and faults of the bus that leads to them."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.turn(0.0, 0.0)

    def turn(self, left: float, right: float) -> None:
        (self._folder / 'left').write_text(repr(left))
        (self._folder / 'right').write_text(repr(right))

    def speeds(self) -> tuple[float, float]:
        left, right = (float((self._folder / name).read_text()) for name in ('left', 'right'))
        return left, right

    def rests(self) -> bool:
        return self.speeds() == (0.0, 0.0)

    def rested_s(self) -> float:
        """Return the moment at which the motors came to rest, once they rest for good."""
        wait(self.rests, 'the stop')
        return wait(self._logged_rest_s, 'the stop in the log, which is written later')

    def _logged_rest_s(self) -> float | None:
        speeds: dict[str, float] = {}
        rested_s = None
        for line in (self._folder / 'chip.log').read_text().splitlines():
            moment, side, speed = line.split()
            moved = any(speeds.values())
            speeds[side] = float(speed)
            if any(speeds.values()):
                rested_s = None
            elif moved:
                rested_s = float(moment)
        return rested_s

    def breaks(self, *sides: str) -> None:
        for side in sides:
            (self._folder / f'{side}.broken').touch()

    def is_mended(self) -> None:
        for path in self._folder.glob('*.broken'):
            path.unlink()

    def hangs_for(self, process_id: int) -> None:
        temporary = self._folder / 'hangs.tmp'
        temporary.write_text(str(process_id))
        temporary.rename(self._folder / 'hangs')

    def starts_slowly(self) -> None:
        (self._folder / 'slow').touch()

    def freezes_pictures(self, on: bool) -> None:
        path = self._folder / 'frozen'
        path.touch() if on else path.unlink()


@pytest.fixture
def chip(tmp_path, monkeypatch) -> Chip:
    monkeypatch.syspath_prepend(str(PACKAGE))
    monkeypatch.setenv('FAKE_JETBOT', str(tmp_path))
    return Chip(tmp_path)


@pytest.fixture
def server(tmp_path, chip) -> Iterator[LoneServer]:
    server = LoneServer(tmp_path)
    server.start()
    yield server
    server.close()


@pytest.fixture
def client(server):
    client = connect_to(server.port)
    yield client
    client.close()


def test_motors_that_turn_when_the_server_starts_are_stopped(chip, tmp_path):
    chip.turn(0.3, -0.3)
    server = LoneServer(tmp_path)
    try:
        server.start()
        assert chip.rests()
    finally:
        server.close()


def test_stop_motors_stops_a_chip_that_turns_them(chip):
    chip.turn(0.3, -0.3)
    assert cli.main(['--stop-motors']) == 0
    assert chip.rests()


def test_stop_motors_says_that_it_failed(chip, monkeypatch, capsys):
    monkeypatch.setattr(hardware, 'STOP_TRIES', 2)
    chip.turn(0.3, 0.3)
    chip.breaks('left')
    assert cli.main(['--stop-motors']) == 1
    assert 'cannot stop the motors: OSError: [Errno 121]' in capsys.readouterr().err
    assert chip.speeds() == (0.3, 0.0)


def test_a_stop_that_the_bus_refuses_is_repeated_until_it_succeeds(server, chip, client):
    client.call('set_motors', 0.2, 0.2)
    assert chip.speeds() == (0.2, 0.2)
    chip.breaks('left', 'right')
    with pytest.raises(RobotError, match='the motors refuse: OSError'):
        client.call('set_motors', 0.0, 0.0)
    time.sleep(DEAD_MAN_S)
    assert chip.speeds() == (0.2, 0.2)
    chip.is_mended()
    wait(chip.rests, 'the stop')
    wait(lambda: 'the motors are stopped, after' in server.said(), 'the line in the log')
    # One each 50 ms would be ten.
    assert server.said().count('cannot stop the motors') == 1


def test_one_motor_that_fails_does_not_keep_the_other_one_from_stopping(chip, client):
    client.call('set_motors', 0.2, 0.2)
    chip.breaks('left')
    with pytest.raises(RobotError, match='the motors refuse'):
        client.call('set_motors', 0.0, 0.0)
    assert chip.speeds() == (0.2, 0.0)
    chip.is_mended()
    wait(chip.rests, 'the stop')


def test_the_dead_man_timer_repeats_a_stop_that_the_bus_refuses(chip, client):
    client.call('set_motors', 0.2, 0.2)
    chip.breaks('left', 'right')
    time.sleep(2 * DEAD_MAN_S)
    assert chip.speeds() == (0.2, 0.2)
    chip.is_mended()
    wait(chip.rests, 'the stop')


@in_time
def test_a_guard_whose_write_hangs_is_replaced_and_the_motors_stop(server, chip, client) -> float:
    wait(lambda: drives(client), 'motion')
    begin = time.monotonic()
    chip.hangs_for(server.guard_id())
    with pytest.raises(RobotError, match='does not answer'):
        client.call('set_motors', 0.1, 0.1)
    time_s = chip.rested_s() - begin
    wait(lambda: drives(client), 'the next guard')
    assert chip.speeds() == (0.1, 0.1)
    return time_s


@pytest.mark.parametrize('number', [signal.SIGKILL, signal.SIGSTOP])
@in_time
def test_a_guard_that_is_lost_is_not_waited_for(server, chip, client, number) -> float:
    """Loading the package of a real JetBot takes seconds."""
    chip.starts_slowly()
    wait(lambda: drives(client), 'motion')
    begin = time.monotonic()
    os.kill(server.guard_id(), number)
    while not chip.rests():
        assert time.monotonic() - begin < DEADLINE_S
        with suppress(RobotError):
            client.call('set_motors', 0.2, 0.2)  # which a guard that is frozen does not see
        time.sleep(0.02)
    time_s = chip.rested_s() - begin
    with pytest.raises(RobotError, match='again'):
        client.call('set_motors', 0.2, 0.2)
    client.call('get_health')
    assert chip.rests()
    return time_s


def drives(client) -> bool:
    try:
        return client.call('set_motors', 0.1, 0.1) is True
    except RobotError:
        return False


def test_a_server_that_is_killed_while_the_bus_refuses_leaves_a_guard_that_tries_on(
    server, chip, client
):
    client.call('set_motors', 0.2, 0.2)
    guard = only_child(server.process.pid)
    chip.breaks('left', 'right')
    server.process.kill()
    server.process.wait()
    time.sleep(0.2)
    assert chip.speeds() == (0.2, 0.2)
    chip.is_mended()
    wait(chip.rests, 'the stop')
    wait(lambda: has_ended(guard), 'the end of the guard')


def test_nobody_who_reads_the_log_holds_up_no_stop(chip, tmp_path):
    """A terminal that is paused, or a pipe that is full: writing there would block."""
    source, sink = os.pipe()
    server = LoneServer(tmp_path)
    server.start(stderr=sink)
    try:
        client = connect_to(server.port)
        client.call('set_motors', 0.2, 0.2)
        fill(sink)
        chip.breaks('left', 'right')
        time.sleep(2 * DEAD_MAN_S)
        assert chip.speeds() == (0.2, 0.2)
        chip.is_mended()
        wait(chip.rests, 'the stop')
        client.call('set_motors', 0.2, 0.2)
        assert chip.speeds() == (0.2, 0.2)
        os.kill(server.guard_id(), signal.SIGKILL)
        wait(chip.rests, 'the stop by the server')
    finally:
        os.close(source)
        os.close(sink)
        server.process.kill()
        server.process.wait()


def fill(pipe: int) -> None:
    flags = fcntl.fcntl(pipe, fcntl.F_GETFL)
    fcntl.fcntl(pipe, fcntl.F_SETFL, flags | os.O_NONBLOCK)
    for size in (4096, 1):
        while True:
            try:
                os.write(pipe, b'.' * size)
            except BlockingIOError:
                break
    fcntl.fcntl(pipe, fcntl.F_SETFL, flags)


def number_of(answer: str | None) -> int:
    return int(answer.partition(' ')[0]) if answer else 0


def test_a_camera_that_is_opened_anew_gives_pictures_on(client):
    assert number_of(client.call('get_fresh_frame'))
    for _ in range(5):
        assert client.call('restart_camera') is True
        time.sleep(0.1)
        assert number_of(client.call('get_fresh_frame'))


def test_a_camera_without_new_pictures_is_opened_anew(client, chip, server):
    chip.freezes_pictures(True)
    assert client.call('get_fresh_frame') is None
    wait(lambda: 'camera: RuntimeError: no picture for 2.0 s' in server.said(), 'the line')
    assert 'no picture for 2.0 s' in client.call('get_health')
    chip.freezes_pictures(False)
    wait(lambda: number_of(client.call('get_fresh_frame')), 'a picture')
