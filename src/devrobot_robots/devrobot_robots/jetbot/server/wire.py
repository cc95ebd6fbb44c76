"""RPyC, cut down to what the robot needs: few messages, small ones, and plain values."""

from contextlib import suppress
import logging
import socket
import ssl
from typing import Any, Callable, Optional, Tuple
import zlib

from rpyc.core import consts
from rpyc.core.channel import Channel
from rpyc.core.protocol import Connection
from rpyc.core.service import VoidService
from rpyc.core.stream import SocketStream
from rpyc.utils.authenticators import AuthenticationError
from rpyc.utils.server import ThreadedServer

from .seats import Seats

# Every message of rpyc 4 and 5 is a triple; rpyc 6 begins with a number instead.
BEGIN_OF_TRIPLE = b'\x12'
NOT_RPYC_5 = 'a message that is not of rpyc 5'
HANDSHAKE_TIMEOUT_S = 5.0
SILENCE_BEFORE_PROBE_S = 5
TCP_USER_TIMEOUT = 18  # not in the socket module of Python 3.6
PROTOCOL = {
    'allow_safe_attrs': False,
    'allow_exposed_attrs': False,
    'allow_public_attrs': False,
    'allow_all_attrs': False,
    'allow_setattr': False,
    'allow_delattr': False,
    'allow_pickle': False,
    'import_custom_exceptions': False,
    'instantiate_custom_exceptions': False,
    'include_local_traceback': False,
    'include_local_version': False,
    'propagate_KeyboardInterrupt_locally': False,
    'log_exceptions': False,
    'sync_request_timeout': 5,
}


class SmallChannel(Channel):
    """Refuses messages that no honest peer sends."""

    largest = 16 * 1024
    heard: Optional[Callable[[], None]] = None

    def recv(self) -> bytes:
        """Return the next message."""
        length, compressed = self.FRAME_HEADER.unpack(self.stream.read(self.FRAME_HEADER.size))
        if length > self.largest:
            self._refuse(f'a message of {length} bytes')
        data = bytes(self.stream.read(length + len(self.FLUSHER))[:length])
        if compressed:
            data = self._unpacked(data)
        if data[:1] != BEGIN_OF_TRIPLE:
            self._refuse(NOT_RPYC_5)
        if self.heard is not None:
            self.heard()
        return data

    def _unpacked(self, data: bytes) -> bytes:
        unpacker = zlib.decompressobj()
        try:
            data = unpacker.decompress(data, self.largest)
        except zlib.error:
            self._refuse('a damaged message')
        if unpacker.unconsumed_tail:
            self._refuse(f'a message that unpacks to more than {self.largest} bytes')
        return data

    def _refuse(self, what: str) -> None:
        self.close()
        raise EOFError(f'the peer sent {what}')


class StrictConnection(Connection):
    """Answers only what a call needs; attributes, comparing, printing, pickling are refused."""

    ANSWERED = (
        consts.HANDLE_PING,
        consts.HANDLE_CLOSE,
        consts.HANDLE_GETROOT,
        consts.HANDLE_GETATTR,
        consts.HANDLE_CALL,
        consts.HANDLE_CALLATTR,
        consts.HANDLE_DEL,
        consts.HANDLE_INSPECT,
    )

    @classmethod
    def _request_handlers(cls) -> Any:
        every = super()._request_handlers()
        return {number: every[number] for number in cls.ANSWERED}

    def _handle_inspect(self, id_pack: Any) -> Tuple[Tuple[str, None], ...]:
        """Tell of an object only that it may be called; the calls are found by their names."""
        return (('__call__', None),)


class RobotServer(ThreadedServer):
    """One thread per connection, few connections, one line about each."""

    def __init__(
        self,
        make_service: Callable[[str], Any],
        address: Tuple[str, int],
        log: logging.Logger,
        seats: Seats,
        tls: 'Optional[MutualTls]' = None,
    ) -> None:
        """
        Bind to ``address``; nobody can connect before ``open()``.

        :param make_service: makes the object that serves a client, from the client's address.
        :raises OSError: if that fails.
        """
        self._make_service = make_service
        self._seats = seats
        self._tls = tls
        self._is_over = False
        super().__init__(
            self,
            hostname=address[0],
            port=address[1],
            authenticator=self._shake_hands if tls is not None else None,
            protocol_config=dict(PROTOCOL),
            logger=log,
            auto_register=False,
        )

    def open(self) -> None:
        """
        Let clients connect; they are served from ``start()`` on.

        :raises OSError: if another process listens there by now.
        """
        self.listener.listen(self.backlog)

    def start(self) -> None:
        """Serve until ``close()``, which may come first."""
        try:
            super().start()
        except OSError:
            if not self._is_over:
                raise

    def close(self) -> None:
        """End all connections."""
        self._is_over = True
        super().close()

    def _connect(self, channel: Channel, config: Any) -> Connection:
        """Make the connection of a client; rpyc calls this on its ``service``."""
        client = '{}:{}'.format(*config['endpoints'][1][:2])
        service = self._make_service(client)
        sock = channel.stream.sock
        self._seats.assign(sock, service)
        channel = SmallChannel(channel.stream)
        channel.heard = lambda: self._seats.heard(sock)
        return StrictConnection(service, channel, config)

    def _shake_hands(self, sock: ssl.SSLSocket) -> Tuple[ssl.SSLSocket, None]:
        client = '{}:{}'.format(*sock.getpeername()[:2])
        try:
            return shake_hands(sock)
        except AuthenticationError as error:
            # No template: each reason is to be shown, however many connections fail.
            self.logger.warning(f'no TLS with {client}: {error}')
            raise

    def _accept_method(self, sock: socket.socket) -> None:
        try:
            _end_when_silent(sock)
            if self._tls is not None:
                self.clients.discard(sock)
                sock = self._tls.wrap(sock)
                self.clients.add(sock)
        except OSError:  # it has gone already
            self.clients.discard(sock)
            sock.close()
            return
        if self._seats.take(sock):
            self.logger.warning('too many connections: one that was silent is ended')
        super()._accept_method(sock)

    def _authenticate_and_serve_client(self, sock: socket.socket) -> None:
        try:
            super()._authenticate_and_serve_client(sock)
        except Exception as error:  # whatever a client sends ends only its own connection
            self.logger.warning('a connection broke: %s: %s', type(error).__name__, error)
        finally:
            self._seats.leave(sock)
            sock.close()


class MutualTls:
    """Lets only clients in that show a certificate of the owner's authority."""

    def __init__(self, certfile: str, keyfile: str, ca: str) -> None:
        """
        Read the three PEM files.

        :raises OSError: if one cannot be read.
        """
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certfile, keyfile)
        self._context.load_verify_locations(ca)
        self._context.verify_mode = ssl.CERT_REQUIRED

    def wrap(self, sock: socket.socket) -> ssl.SSLSocket:
        """Return the socket that is to be encrypted; ``shake_hands`` is due."""
        return self._context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)


def shake_hands(sock: ssl.SSLSocket) -> Tuple[ssl.SSLSocket, None]:
    """
    Let in a client that shows its certificate within some seconds.

    :raises AuthenticationError: if it does not.
    """
    sock.settimeout(HANDSHAKE_TIMEOUT_S)
    try:
        sock.do_handshake()
    except OSError as error:
        raise AuthenticationError(str(error)) from error
    sock.settimeout(None)
    return sock, None


def _end_when_silent(sock: socket.socket) -> None:
    """Let the system close a connection whose other end has vanished."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, SILENCE_BEFORE_PROBE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 2)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3)
    sock.setsockopt(socket.IPPROTO_TCP, TCP_USER_TIMEOUT, 1000 * 2 * SILENCE_BEFORE_PROBE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


class HastyStream(SocketStream):
    """Gives up on a peer that stops in the middle of a message."""

    def read(self, count: int) -> bytes:
        """Return ``count`` bytes, each part of them within the time-out of the socket."""
        parts = []
        while count > 0:
            try:
                part = self.sock.recv(min(self.MAX_IO_CHUNK, count))
            except OSError as error:
                self.close()
                raise EOFError(str(error)) from error
            if not part:
                self.close()
                raise EOFError('the other end closed it')
            parts.append(part)
            count -= len(part)
        return b''.join(parts)


def connect_socket(sock: socket.socket, timeout_s: float, largest: int) -> Connection:
    """Return a connection as a client, which offers nothing to the other end."""
    sock.settimeout(timeout_s)
    channel = SmallChannel(HastyStream(sock))
    channel.largest = largest
    config = dict(PROTOCOL, sync_request_timeout=timeout_s)
    connection = StrictConnection(VoidService(), channel, config)
    # Say something at once, and wait for nothing: a server may end those who are silent first.
    with suppress(EOFError):  # whoever calls will see that, too
        connection.async_request(consts.HANDLE_PING, b'here')
    return connection
