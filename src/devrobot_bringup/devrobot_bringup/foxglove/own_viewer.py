"""
A viewer of the server's own, through which parameters are pushed and the graph stays subscribed.

The SDK (0.30.3) tells its listener about subscriptions while it holds a lock, and it waits for the
same lock, holding Python's global lock, in ``publish_parameter_values`` and
``publish_connection_graph``: when both happen at once, the process stands still for ever.

- Parameters are therefore never published from Python. The own viewer asks to set them, the
  listener answers with the values they have, and the SDK passes the answer on to all viewers.
- The listener is only told of the first and of the last subscription to the graph. The own viewer
  has both: it comes before and leaves after all others.
"""

import base64
from collections.abc import Callable, Iterable
from contextlib import suppress
import json
import os
import secrets
import socket
import ssl
import struct
import threading

SUBPROTOCOL = 'foxglove.sdk.v1'
TIMEOUT_S = 5.0
RETRY_S = 1.0
LOOPBACK = {'0.0.0.0': '127.0.0.1', '::': '::1', '': '127.0.0.1'}
TEXT_FRAME, MASKED = 0x81, 0x80


class OwnViewer:
    """
    A connection to the own server, kept up by a thread.

    :param token: marks its requests; the listener answers them without setting anything.
    :param on_problem: told in one line when the connection is lost; it is then made anew.
    """

    def __init__(
        self, address: str, port: int, *, uses_tls: bool, on_problem: Callable[[str], None]
    ) -> None:
        self.token = secrets.token_hex(16)
        self._place = (LOOPBACK.get(address, address), port)
        self._uses_tls = uses_tls
        self._on_problem = on_problem
        self._stopping = threading.Event()
        self._lock = threading.Lock()
        self._connection: socket.socket | None = None
        self._thread = threading.Thread(target=self._run, name='own_viewer', daemon=True)

    def start(self) -> None:
        """Begin to connect."""
        self._thread.start()

    def push(self, names: Iterable[str]) -> None:
        """Have the parameters called ``names`` sent to all viewers that subscribed to them."""
        parameters = [{'name': name} for name in names]
        if parameters:
            self._send({'op': 'setParameters', 'parameters': parameters, 'id': self.token})

    def stop(self) -> None:
        """Stop to connect anew; the connection itself ends with the server."""
        self._stopping.set()

    def join(self) -> None:
        """Wait for the thread, after ``stop`` and after the end of the server."""
        self._thread.join(TIMEOUT_S)

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                with self._connect() as connection:
                    self._follow(connection)
            except (OSError, ValueError) as error:
                if not self._stopping.is_set():
                    self._on_problem(f'the connection to the own server was lost: {error}')
            self._stopping.wait(RETRY_S)

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(self._place, TIMEOUT_S)
        if self._uses_tls:
            # The other end is this process: there is nobody whose certificate could be wrong.
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE
            connection = tls.wrap_socket(connection)
        key = base64.b64encode(os.urandom(16)).decode()
        connection.sendall(
            (
                f'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n'
                f'Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n'
                f'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n'
            ).encode()
        )
        answer = connection.recv(4096)
        if not answer.startswith(b'HTTP/1.1 101'):
            connection.close()
            raise ValueError(f'unexpected answer {answer[:40]!r}')
        return connection

    def _follow(self, connection: socket.socket) -> None:
        """Subscribe to the graph, then read and forget what the server sends."""
        connection.settimeout(None)
        with self._lock:
            self._connection = connection
        self._send({'op': 'subscribeConnectionGraph'})
        try:
            while connection.recv(65536):
                pass
        finally:
            with self._lock:
                self._connection = None
        if not self._stopping.is_set():
            raise ConnectionError('the server closed it')

    def _send(self, message: dict) -> None:
        frame = text_frame(json.dumps(message).encode())
        with self._lock, suppress(OSError):
            if self._connection is not None:
                self._connection.sendall(frame)


def text_frame(payload: bytes) -> bytes:
    """Return a web socket frame as clients send it: one piece of text, masked (with zeros)."""
    size = len(payload)
    if size < 126:
        head = struct.pack('!BB', TEXT_FRAME, MASKED | size)
    elif size < 65536:
        head = struct.pack('!BBH', TEXT_FRAME, MASKED | 126, size)
    else:
        head = struct.pack('!BBQ', TEXT_FRAME, MASKED | 127, size)
    return head + bytes(4) + payload
