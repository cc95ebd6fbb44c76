"""The command line of the server."""

import argparse
from contextlib import closing
import logging
import os
import socket
import sys
import threading
import time
from typing import Any, Optional, Sequence, TYPE_CHECKING

from . import binding, hardware
from .camera import CameraLoop
from .claim import claim_robot, ClaimError, claiming_port
from .control import Control
from .ending import Ending
from .guard import SIGNALS
from .motors import GuardedMotors, MotorError
from .quiet_log import make_log
from .seats import Seats
from .service import RobotParts, RobotService

if TYPE_CHECKING:
    from .wire import MutualTls, RobotServer

PORT = 18861
WATCHDOG_PERIOD_S = 1.0
CAMERA_START_S = 10.0
LEAVING_POLL_S = 0.05


class ServingError(RuntimeError):
    """The server must be started again."""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the options."""
    parser = argparse.ArgumentParser(
        prog='jetbot_server',
        description='Serve motors and camera of this robot over RPyC.',
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    add = parser.add_argument
    add('--interface', default=binding.LOOPBACK, help='network interface to listen on, like wlan0')
    add('--port', type=int, default=PORT, help='TCP port; 0 = a free one')
    add('--dead-man', type=float, default=0.5, help='motors stop without a command after [s]')
    add('--max-speed', type=float, default=0.5, help='largest motor speed, up to 1')
    add('--silence', type=float, default=3.0, help='a silent client loses control after [s]')
    add('--max-clients', type=int, default=8, help='most connections at a time')
    add('--linger', type=float, default=0.0, help='told to end, first let clients leave for [s]')
    add('--tls', metavar='FOLDER', help='folder with server.crt, server.key and ca.crt')
    add('--hardware', default=hardware.DEFAULT, help='Python module of motors and camera')
    add('--hardware-option', default='', help='handed to that module')
    add('--port-file', metavar='FILE', help='write the port to FILE when all is ready')
    add('--stop-motors', action='store_true', help='stop the motors and do nothing else')
    add('--check', action='store_true', help='check the options and do nothing else')
    add('--verbose', action='store_true', help='log details, too')
    return parser


def check(options: argparse.Namespace) -> None:
    """
    Refuse options that cannot be meant.

    :raises ValueError: with the option, its value and what is allowed.
    """
    for name, low, high in (
        ('port', 0, 65535),
        ('dead_man', 0.2, 5.0),
        ('max_speed', 0.01, 1.0),
        ('silence', 0.5, 60.0),
        ('max_clients', 2, 100),
        ('linger', 0.0, 60.0),
    ):
        value = getattr(options, name)
        if not low <= value <= high:
            raise ValueError(
                '--{} is {}, must be between {} and {}'.format(
                    name.replace('_', '-'), value, low, high
                )
            )


def main(args: Optional[Sequence[str]] = None) -> int:
    """Serve until a signal comes; return the exit code."""
    options = build_parser().parse_args(args)
    log = make_log(options.verbose)
    try:
        if options.stop_motors:
            stop_motors(options)
            return 0
        check(options)
        if not options.check:
            run(options, log)
    except (ImportError, MotorError, OSError, ServingError, ValueError) as error:
        sys.stderr.write('jetbot_server: {}\n'.format(' '.join(str(error).split())))
        return 1
    return 0


def stop_motors(options: argparse.Namespace) -> None:
    """
    Stop the motors, unless another server has them: they are its own, and it stops them itself.

    :raises ImportError, OSError: if that fails.
    """
    try:
        claim = _claim(options)
    except ClaimError as error:
        sys.stderr.write(f'jetbot_server: the motors are left alone: {error}\n')
        return
    with closing(claim):
        hardware.stop_motors(options.hardware, options.hardware_option)


def run(options: argparse.Namespace, log: logging.Logger) -> None:
    """
    Serve until a signal comes; then the motors are stopped.

    :raises BindError, ClaimError, MotorError, OSError: if the server cannot start.
    :raises ServingError: if it cannot go on.
    """
    with closing(Ending()) as ending:
        ending.take_signals(SIGNALS)
        _serve_until(ending, options, log)


def _serve_until(ending: Ending, options: argparse.Namespace, log: logging.Logger) -> None:
    # Here, so that options can be checked where rpyc is not installed yet.
    from .wire import RobotServer

    address = binding.address_of(options.interface)
    tls = _tls(options.tls)
    motors = GuardedMotors(options.hardware, options.hardware_option, options.dead_man, log)
    camera = CameraLoop(
        lambda: hardware.open_camera(options.hardware, options.hardware_option), log
    )
    control = Control(options.silence, time.monotonic)
    parts = RobotParts(motors, camera, control, options.max_speed, log)
    seats = Seats(options.max_clients, control.has, time.monotonic)
    place = (address, options.port)
    with claiming_port(place):
        server = RobotServer(lambda client: RobotService(parts, client), place, log, seats, tls)
    # Port and robot are claimed before the motors are opened, which stops them: they may turn for
    # another server.
    with closing(server), closing(_claim(options)):
        try:
            motors.open()
            camera.start()
            # Not longer: without a camera the motors can still be driven, and stopped.
            camera.fresh(CAMERA_START_S)
            with claiming_port(place):
                server.open()
            _listen(server, address, ending, options, camera)
        finally:
            motors.close()
            server.close()
            camera.close()


def _claim(options: argparse.Namespace) -> socket.socket:
    return claim_robot(hardware.robot_of(options.hardware, options.hardware_option))


def _listen(
    server: 'RobotServer',
    address: str,
    ending: Ending,
    options: argparse.Namespace,
    camera: CameraLoop,
) -> None:
    listening = threading.Thread(target=server.start, name='server', daemon=True)
    listening.start()
    _say_ready(options, server.port, address, server.logger)
    while not ending.wait(WATCHDOG_PERIOD_S):
        notify_systemd('WATCHDOG=1')
        problem = _problem(options.interface, address, camera, listening)
        if problem:
            raise ServingError(problem)
    end = time.monotonic() + options.linger
    while server.clients and time.monotonic() < end:
        time.sleep(LEAVING_POLL_S)


def _problem(interface: str, address: str, camera: CameraLoop, listening: threading.Thread) -> str:
    """Return what only another start of the server can mend, '' = nothing."""
    if not listening.is_alive():
        return 'connections are not accepted any more'
    if camera.is_stuck():
        return 'the camera hangs, and is not opened again'
    if binding.has_moved(interface, address):
        return f'{interface} has another address than {address}'
    return ''


def notify_systemd(text: str) -> None:
    """Tell systemd how we are, where it runs us."""
    path = os.environ.get('NOTIFY_SOCKET', '')
    if path:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
            sender.sendto(text.encode(), '\0' + path[1:] if path.startswith('@') else path)


def _tls(folder: Optional[str]) -> 'Optional[MutualTls]':
    from .wire import MutualTls

    if not folder:
        return None
    paths = [os.path.join(folder, name) for name in ('server.crt', 'server.key', 'ca.crt')]
    missing = binding.unreadable(paths)
    if missing:
        raise ValueError('--tls: cannot read {}; make_keys makes them'.format(', '.join(missing)))
    return MutualTls(*paths)


def _say_ready(options: Any, port: int, address: str, log: logging.Logger) -> None:
    how = 'TLS with client certificates' if options.tls else 'no encryption'
    log.info('listening on %s:%s, %s; dead-man timer %s s', address, port, how, options.dead_man)
    if not options.tls and not binding.is_loopback(address):
        log.warning('everybody in the network of %s can drive this robot; see --tls', address)
    if options.port_file:
        temporary = options.port_file + '.tmp'
        with open(temporary, 'w') as file:
            file.write(str(port))
        os.replace(temporary, options.port_file)
    notify_systemd('READY=1')
