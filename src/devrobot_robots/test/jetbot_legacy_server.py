"""
A server as JetBots have it already, written from its wire interface alone.

One shared service; ``set_motors(left, right)`` returns True, ``get_camera_frame()`` base64 text
of a JPEG or None; the disconnect of any client stops motors and camera, the next client opens the
camera again. Prints its port, then a line ``LEFT RIGHT`` whenever the motors change.
"""

import base64
import itertools
import sys

import cv2
import numpy as np
import rpyc
from rpyc.utils.server import ThreadedServer


def tell(line: str) -> None:
    """Print a line in one piece: several threads do."""
    sys.stdout.write(line + '\n')
    sys.stdout.flush()


class LegacyService(rpyc.Service):
    def __init__(self, behaviour: str) -> None:
        super().__init__()
        self._behaviour = behaviour
        self._numbers = itertools.count()
        self._is_open = False

    def on_connect(self, conn) -> None:
        self._is_open = True

    def on_disconnect(self, conn) -> None:
        self._is_open = False
        tell('0.0 0.0 disconnected')

    def exposed_set_motors(self, left, right) -> bool:
        tell(f'{left} {right}')
        return True

    def exposed_get_camera_frame(self):
        number = 0 if self._behaviour == 'frozen' else next(self._numbers)
        if self._behaviour == 'blind' or not self._is_open:
            return None
        if self._behaviour == 'object':
            return self
        if self._behaviour == 'nonsense':
            return base64.b64encode(b'GIF89a').decode()
        image = np.full((24, 40, 3), number % 200, np.uint8)
        image[: number % 24] = 255
        return base64.b64encode(cv2.imencode('.jpg', image)[1].tobytes()).decode()


if __name__ == '__main__':
    server = ThreadedServer(LegacyService(sys.argv[1]), hostname='127.0.0.1', port=0)
    server.listener.listen()
    print(server.port, flush=True)
    server.start()
