"""One RPyC connection to a robot. The only module of the driver that imports rpyc."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
import socket
import ssl
from typing import Any

from devrobot_robots.jetbot.dialling import dial
from devrobot_robots.robot import RobotError

SUPPORTED = 'rpyc>=5.0.1,<6'
LARGEST_ANSWER = 8 * 1024 * 1024
PLAIN_TYPES = (str, bytes, bool, int, float, type(None))
TLS_FILES = ('client.crt', 'client.key', 'ca.crt')


class LinkLostError(RobotError):
    """The connection cannot be used any more; ``Link`` tells when it is lost and back."""

    is_told = True


class CallRefusedError(RobotError):
    """The robot answered with an error; the connection is well."""


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a robot's server is, and how long to wait for it [s]."""

    host: str
    port: int
    connect_timeout_s: float
    call_timeout_s: float
    tls: str = ''

    def __str__(self) -> str:
        return f'{self.host}:{self.port}'


class Peer:
    """The other end of one connection. One call at a time; the caller holds a lock."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection
        self._calls: dict[str, Any] = {}

    def call(self, name: str, *arguments: float) -> Any:
        """
        Return the robot's answer, a plain value.

        :raises LinkLostError: if there is none in time, or the connection ended.
        :raises RobotError: if the server does not speak rpyc 5.
        :raises CallRefusedError: if the robot answered with an error, or with anything but text,
            bytes or a number.
        """
        answer = self._try(name, lambda: self._find(name)(*arguments))
        # By its type, not isinstance: what only claims to be text is asked nothing.
        if type(answer) not in PLAIN_TYPES:
            raise CallRefusedError(f'the robot answered {name} with an object, not with a value')
        return answer

    def prepare(self, name: str) -> None:
        """
        Look a call up, which takes as long as several calls; later it is one way there and back.

        :raises RobotError: as ``call()`` does.
        """
        self._try(name, lambda: self._find(name))

    def _find(self, name: str) -> Any:
        if name not in self._calls:
            self._calls[name] = getattr(self._connection.root, name)
        return self._calls[name]

    def _try(self, name: str, ask: Callable[[], Any]) -> Any:
        try:
            return ask()
        except TimeoutError:
            raise LinkLostError(f'the robot does not answer {name} in time') from None
        except (EOFError, OSError, ReferenceError) as error:
            raise _lost(error) from None
        except Exception as error:  # raised over there
            raise _refused(error) from None

    def ping(self, timeout_s: float) -> None:
        """
        Ask for a sign of life that every server gives.

        :raises LinkLostError: if there is none in time.
        """
        try:
            self._connection.ping(timeout=timeout_s)
        except Exception as error:  # rpyc raises several kinds; all mean the same here
            raise LinkLostError(f'the robot gives no sign of life{_reason(error)}') from None

    def close(self) -> None:
        """End the connection at once; the server notices, and stops the motors."""
        with suppress(Exception):
            self._connection._channel.close()
        with suppress(Exception):
            self._connection.close()


def connect(address: Address) -> Peer:
    """
    Connect within the time-out.

    :raises RobotError: if rpyc is missing or of the wrong version, or a TLS file is missing.
    :raises LinkLostError: if nobody answers there.
    """
    wire = _load_wire()
    context = _tls_context(address.tls) if address.tls else None
    try:
        sock = dial(address.host, address.port, address.connect_timeout_s)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if context is not None:
            sock = context.wrap_socket(sock)
    except OSError as error:
        raise LinkLostError(f'cannot connect to {address}{_reason(error)}') from None
    return Peer(wire.connect_socket(sock, address.call_timeout_s, LARGEST_ANSWER))


def _load_wire() -> Any:
    try:
        import rpyc
    except ImportError as error:
        raise RobotError(f"the package rpyc is missing: pip install '{SUPPORTED}'") from error
    version = _version_text(rpyc.__version__)
    if not version.startswith('5.'):
        raise RobotError(
            f'rpyc {version} is installed, which does not understand the rpyc 5 of a '
            f"JetBot: pip install '{SUPPORTED}'"
        )
    from devrobot_robots.jetbot.server import wire

    return wire


def _version_text(version: str | tuple[int, ...]) -> str:
    """Return a version as text; rpyc 5.0.1 and 5.1.0 give it as numbers."""
    return version if isinstance(version, str) else '.'.join(map(str, version))


def _tls_context(folder: str) -> ssl.SSLContext:
    certificate, key, authority = (Path(folder).expanduser() / name for name in TLS_FILES)
    # The server is known by its certificate of the owner's authority, whatever its address is.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    try:
        context.load_cert_chain(certificate, key)
        context.load_verify_locations(authority)
    except OSError as error:
        raise RobotError(
            f'tls: cannot use {", ".join(TLS_FILES)} in {folder}{_reason(error)}; '
            'ros2 run devrobot_robots jetbot_keys makes them'
        ) from None
    return context


def _lost(error: BaseException) -> RobotError:
    if 'not of rpyc 5' in str(error):
        return RobotError(
            'the server speaks rpyc 6 (or not rpyc at all), which rpyc 5 does not understand; '
            f"install rpyc 5 on the robot: pip3 install '{SUPPORTED}'"
        )
    return LinkLostError(f'the connection ended{_reason(error)}')


def _refused(error: Exception) -> CallRefusedError:
    text = str(error).partition('\n')[0].strip()
    return CallRefusedError(f'the robot refuses: {text or type(error).__name__}')


def _reason(error: BaseException) -> str:
    text = ' '.join(str(error).split())
    return f': {text}' if text else ''
