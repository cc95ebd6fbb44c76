"""One server per robot and port: another one is refused before it touches the motors."""

from contextlib import contextmanager
import errno
import hashlib
import socket
from typing import Iterator, Tuple

HINT = 'see systemctl status devrobot_jetbot'


class ClaimError(OSError):
    """Another process has what this server needs."""


def claim_robot(robot: str) -> socket.socket:
    """
    Return a socket that stands for the robot until it is closed, or the process ends.

    The kernel holds its name, not a file: it is gone with the process, however that ends, and no
    matter which user started it.

    :param robot: what ``hardware.robot_of`` calls it.
    :raises ClaimError: if another server of this machine has the robot.
    """
    key = hashlib.sha256(robot.encode()).hexdigest()[:32]
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f'\0devrobot_jetbot_{key}')
    except OSError as error:
        claim.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise ClaimError(f'another server drives this robot already; {HINT}') from None
    return claim


@contextmanager
def claiming_port(address: Tuple[str, int]) -> Iterator[None]:
    """
    Bind or listen inside.

    :raises ClaimError: if another process has the port.
    """
    try:
        yield
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise
        text = 'port {1} of {0} is taken, perhaps by another server; {2}'
        raise ClaimError(text.format(*address, HINT)) from None
