"""The camera of the on-robot server: it is opened again, and never two at a time."""

import logging
import os
import signal
import threading
import time

from devrobot_robots.jetbot.server import cli
from devrobot_robots.jetbot.server.camera import CameraLoop
from jetbot_servers import connect_to
from jetbot_worlds import wait

LOG = logging.getLogger('test_jetbot_camera')


class OneShotCamera:
    """Fails after each third picture."""

    def __init__(self):
        self.left = 3

    def read(self):
        if not self.left:
            raise RuntimeError('no signal')
        self.left -= 1
        return b'picture'

    def close(self): ...


def test_a_camera_that_fails_is_opened_again(monkeypatch):
    monkeypatch.setattr('devrobot_robots.jetbot.server.camera.REOPEN_FIRST_S', 0.01)
    loop = CameraLoop(OneShotCamera, LOG)
    loop.start()
    assert loop.fresh(10.0).jpeg == b'picture'
    with loop._changed:
        assert loop._changed.wait_for(lambda: loop.count >= 7, 10.0)
    loop.close()


class OnlyCamera:
    """There is one in a process: an old thread that closes it closes the new one, too."""

    def __init__(self):
        self.calls = []
        self.go_on = threading.Semaphore(0)

    def open(self):
        self.calls.append('open')
        return self

    def read(self):
        self.calls.append('read')
        self.go_on.acquire(timeout=20)
        return b'picture'

    def close(self):
        self.calls.append('close')


def test_a_restart_closes_the_camera_before_it_is_opened_again():
    camera = OnlyCamera()
    loop = CameraLoop(camera.open, LOG)
    loop.start()
    wait(lambda: camera.calls == ['open', 'read'], 'the first picture')
    loop.restart()
    loop.restart()
    camera.go_on.release()
    wait(lambda: len(camera.calls) == 5, 'the restart')
    assert camera.calls == ['open', 'read', 'close', 'open', 'read']
    assert loop.restarts == 1
    assert not loop.is_stuck()
    camera.go_on.release()
    loop.close()
    assert camera.calls[5:] in (['close'], ['read', 'close'])


def test_a_camera_that_hangs_ends_the_server_when_it_is_to_be_opened_anew(
    tmp_path, monkeypatch, capsys
):
    """Nothing in the process can help; systemd starts another one."""
    monkeypatch.setattr('devrobot_robots.jetbot.server.camera.STUCK_AFTER_S', 0.3)
    monkeypatch.setattr(cli, 'CAMERA_START_S', 0.1)
    monkeypatch.setattr(cli, 'WATCHDOG_PERIOD_S', 0.1)
    monkeypatch.setattr('jetbot_plain_hardware.PlainCamera.read', lambda self: time.sleep(20))
    (tmp_path / 'jpeg').write_bytes(b'')
    port = tmp_path / 'port'

    def ask() -> None:
        wait(port.exists, 'the server')
        client = connect_to(int(port.read_text()))
        time.sleep(0.5)
        client.call('restart_camera')
        if not ended.wait(10.0):
            os.kill(os.getpid(), signal.SIGTERM)

    ended = threading.Event()
    asker = threading.Thread(target=ask)
    asker.start()
    options = ['--port', '0', '--port-file', str(port), '--hardware', 'jetbot_plain_hardware']
    assert cli.main([*options, '--hardware-option', str(tmp_path)]) == 1
    ended.set()
    asker.join(10)
    assert 'the camera hangs' in capsys.readouterr().err
    assert (tmp_path / 'motors').read_text() == '0.0 0.0'
