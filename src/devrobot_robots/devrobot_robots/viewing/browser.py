"""A page on this computer that shows the newest picture, as a stream of JPEGs."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
import threading

BOUNDARY = 'picture'
PAGE = (
    '<!doctype html><meta charset="utf-8"><title>devrobot live view</title>'
    '<style>body{margin:0;background:#111}'
    'img{width:100vw;height:100vh;object-fit:contain;image-rendering:pixelated}</style>'
    '<img src="/stream" alt="camera">'
)
WAIT_S = 1.0


class PicturePage:
    """Serves on the loopback from ``open()`` to ``close()``."""

    def __init__(self, port: int) -> None:
        """``port`` 0 = a free one."""
        self._changed = threading.Condition()
        self._jpeg = b''
        self._number = 0
        self._port = port
        self._server: ThreadingHTTPServer | None = None

    def open(self) -> str:
        """
        Begin to serve; return the address.

        :raises OSError: if the port is taken.
        """
        page = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                page.answer(self)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(('127.0.0.1', self._port), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, name='page', daemon=True).start()
        return f'http://127.0.0.1:{self._server.server_address[1]}/'

    def show(self, jpeg: bytes) -> None:
        """Make this the newest picture."""
        with self._changed:
            self._jpeg, self._number = jpeg, self._number + 1
            self._changed.notify_all()

    def close(self) -> None:
        """Serve no more."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        """Send the page, or pictures until the browser goes away."""
        if request.path == '/':
            body = PAGE.encode()
            request.send_response(200)
            request.send_header('Content-Type', 'text/html; charset=utf-8')
            request.send_header('Content-Length', str(len(body)))
            request.end_headers()
            request.wfile.write(body)
        elif request.path == '/stream':
            request.send_response(200)
            kind = f'multipart/x-mixed-replace; boundary={BOUNDARY}'
            request.send_header('Content-Type', kind)
            request.end_headers()
            self._stream(request)
        else:
            request.send_error(404)

    def _stream(self, request: BaseHTTPRequestHandler) -> None:
        seen = 0
        while self._server is not None:
            with self._changed:
                if self._number == seen:
                    self._changed.wait(WAIT_S)
                is_new = self._number != seen
                jpeg, seen = self._jpeg, self._number
            if is_new:
                head = f'--{BOUNDARY}\r\nContent-Type: image/jpeg\r\n'
                head += f'Content-Length: {len(jpeg)}\r\n\r\n'
                try:
                    request.wfile.write(head.encode() + jpeg + b'\r\n')
                except OSError:  # the browser is gone
                    return
