"""Whom the driver talks to: rpyc 5 only, and with TLS only who has the owner's keys."""

import os
from pathlib import Path
import re
import socket
import struct
import subprocess
import sys
import threading

from devrobot_robots.jetbot.peer import Address, connect, LinkLostError, SUPPORTED
from devrobot_robots.jetbot.server import make_keys
from devrobot_robots.robot import Level, RobotError
from jetbot_worlds import wait
import pytest
import rpyc

TURN = 1


def never() -> bool:
    return False


RPYC_6 = b'\x00\x00\x00\x08\x00\x01\x11P\x11R\x11Q\x02\n'


def rpyc_6_answer(connection: socket.socket) -> None:
    """Answer a request as rpyc 6.0.2 did when it was recorded: it asks to close."""
    length, _ = struct.unpack('!LB', connection.recv(5, socket.MSG_WAITALL))
    connection.recv(length + 1, socket.MSG_WAITALL)
    connection.sendall(RPYC_6)
    connection.close()


def test_a_server_with_rpyc_6_is_refused_in_one_line_that_says_why(jetbots):
    with socket.create_server(('127.0.0.1', 0)) as listener:

        def serve() -> None:
            motors, _ = listener.accept()
            rpyc_6_answer(motors)

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(RobotError, match='the server speaks rpyc 6 .*; install rpyc 5'):
            jetbots.robot(listener.getsockname()[1])


CONNECT = """
from devrobot_robots.jetbot.peer import Address, connect
from devrobot_robots.robot import RobotError
try:
    connect(Address(host='127.0.0.1', port=1, connect_timeout_s=1.0, call_timeout_s=1.0))
except RobotError as error:
    print(error)
"""


@pytest.mark.parametrize(
    ('source', 'text'),
    [
        (
            "__version__ = '6.0.2'",
            'rpyc 6.0.2 is installed, which does not understand the rpyc 5 of a JetBot',
        ),
        (
            '__version__ = (4, 1, 5)',
            'rpyc 4.1.5 is installed, which does not understand the rpyc 5 of a JetBot',
        ),
        ("raise ImportError('gone')", 'the package rpyc is missing'),
    ],
)
def test_a_computer_without_rpyc_5_is_told_what_to_install(tmp_path, source, text):
    (tmp_path / 'rpyc.py').write_text(source)
    output = subprocess.run(
        [sys.executable, '-c', CONNECT],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join([str(tmp_path), *sys.path])},
        capture_output=True, check=True, text=True,
    ).stdout  # fmt: skip
    assert output == f"{text}: pip install '{SUPPORTED}'\n"


@pytest.mark.parametrize('version', [(5, 0, 1), (5, 1, 0), '5.3.1'])
def test_every_rpyc_5_is_taken_also_those_whose_version_is_a_tuple(monkeypatch, version):
    monkeypatch.setattr(rpyc, '__version__', version)
    with pytest.raises(LinkLostError, match='cannot connect to 127.0.0.1:1'):
        connect(Address(host='127.0.0.1', port=1, connect_timeout_s=1.0, call_timeout_s=1.0))


def test_the_package_itself_asks_for_rpyc_5():
    setup = (Path(__file__).parents[1] / 'setup.py').read_text()
    assert f"install_requires=['{SUPPORTED}'," in setup
    assert rpyc.__version__.startswith('5.')


@pytest.mark.parametrize('nonsense', [RPYC_6, b'\xff' * 64])
def test_an_answer_that_is_none_ends_both_connections_and_the_driver_tries_again(
    jetbots, nonsense
):
    server = jetbots.server()
    cable = jetbots.cable(server.port)
    robot = jetbots.robot(cable.port)
    for losses in (1, 2):
        cable.say(nonsense)
        wait(lambda: robot.health()[0].values['losses'] == str(losses), 'the loss')  # noqa: B023
        wait(lambda: robot.health()[0].level is Level.OK, 'the connection')
        robot.execute(TURN, never)
        robot.observe()


@pytest.fixture(scope='module')
def keys(tmp_path_factory):
    folder = tmp_path_factory.mktemp('tls') / 'keys'
    assert make_keys.main([str(folder)]) == 0
    return folder


def test_keys_are_for_their_owner_only_and_the_authority_is_not_kept(keys):
    files = sorted(str(path.relative_to(keys)) for path in keys.rglob('*') if path.is_file())
    assert files == [
        'owner/ca.crt', 'owner/client.crt', 'owner/client.key',
        'robot/ca.crt', 'robot/server.crt', 'robot/server.key',
    ]  # fmt: skip
    assert {path.stat().st_mode & 0o077 for path in keys.rglob('*')} == {0}


def test_with_its_keys_the_driver_is_let_in(jetbots, keys):
    server = jetbots.server('--tls', str(keys / 'robot'))
    robot = jetbots.robot(server.port, tls=str(keys / 'owner'))
    robot.execute(TURN, never)
    assert robot.observe()[''].pixels.shape == (224, 224, 3)
    assert server.state.now().heading > 0.1


def test_without_or_with_foreign_keys_nobody_is_let_in(jetbots, keys, tmp_path):
    server = jetbots.server('--tls', str(keys / 'robot'))
    with pytest.raises(RobotError):
        jetbots.robot(server.port)
    foreign = tmp_path / 'foreign'
    assert make_keys.main([str(foreign)]) == 0
    with pytest.raises(RobotError, match='CERTIFICATE_VERIFY_FAILED'):
        jetbots.robot(server.port, tls=str(foreign / 'owner'))
    mixed = tmp_path / 'mixed'
    mixed.mkdir()
    for name, source in (('ca.crt', keys), ('client.crt', foreign), ('client.key', foreign)):
        (mixed / name).write_bytes((source / 'owner' / name).read_bytes())
    with pytest.raises(RobotError, match='connection'):
        jetbots.robot(server.port, tls=str(mixed))
    # Also how a robot sees it whose clock is wrong: nobody else knows the reason.
    reason = r'WARNING no TLS with 127.0.0.1:\d+: .*CERTIFICATE_VERIFY_FAILED.* unable to get'
    wait(lambda: re.search(reason, server.said()), 'the reason in the log')


def test_a_missing_key_is_one_line_that_names_the_command(jetbots, tmp_path):
    with pytest.raises(RobotError, match='tls: cannot use client.crt.*jetbot_keys makes them'):
        jetbots.robot(1, tls=str(tmp_path))
