"""
Motors and camera that behave as NVIDIA's package ``jetbot`` does, over a chip made of files.

As there: motors are traits that write to the bus when their value changes and at no other time,
the value is the new one also where the write failed, and there is one camera object in a process,
whose pictures come from a thread. The folder in FAKE_JETBOT holds ``left`` and ``right``, what the
chip does, and ``chip.log``, since when; ``left.broken`` and ``right.broken`` let writes fail;
``hangs``, with the number of a process in it, lets its writes hang; ``slow`` lets it start slowly;
``frozen`` stops the pictures.
"""

import os
import threading
import time

import traitlets
from traitlets.config.configurable import Configurable, SingletonConfigurable


def place(name):
    return os.path.join(os.environ['FAKE_JETBOT'], name)  # noqa: PTH118


def exists(name):
    return os.path.exists(place(name))  # noqa: PTH110


def hangs():
    try:
        with open(place('hangs')) as file:  # noqa: PTH123
            return file.read() == str(os.getpid())
    except OSError:
        return False


def write(name, value):
    while hangs():
        time.sleep(0.01)
    if exists(name + '.broken'):
        raise OSError(121, 'Remote I/O error')
    temporary = place('{}.{}.tmp'.format(name, os.getpid()))  # noqa: UP032
    with open(temporary, 'w') as file:  # noqa: PTH123
        file.write(repr(value))
    os.replace(temporary, place(name))  # noqa: PTH105
    with open(place('chip.log'), 'a') as file:  # noqa: PTH123
        file.write('{!r} {} {!r}\n'.format(time.monotonic(), name, value))  # noqa: UP032


class Motor(Configurable):
    value = traitlets.Float()

    def __init__(self, name):
        super().__init__()
        self._name = name

    @traitlets.observe('value')
    def _observe_value(self, change):
        write(self._name, change['new'])


class Robot(SingletonConfigurable):
    left_motor = traitlets.Instance(Motor)
    right_motor = traitlets.Instance(Motor)

    def __init__(self):
        super().__init__()
        if exists('slow'):
            time.sleep(3.0)
        self.left_motor = Motor('left')
        self.right_motor = Motor('right')


class Camera(SingletonConfigurable):
    value = traitlets.Any()
    width = traitlets.Integer(224).tag(config=True)
    height = traitlets.Integer(224).tag(config=True)

    def __init__(self, **settings):
        super().__init__(**settings)
        self._running = False
        self.thread = None
        self._number = 0
        self._take_picture()
        self.start()

    def _capture_frames(self):
        while self._running:
            time.sleep(0.01)
            if not exists('frozen'):
                self._take_picture()

    def _take_picture(self):
        import numpy as np  # an old Python has it not

        self._number += 1
        self.value = np.full((self.height, self.width, 3), self._number % 256, np.uint8)

    def start(self):
        if self.thread is None or not self.thread.is_alive():
            self._running = True
            self.thread = threading.Thread(target=self._capture_frames)
            self.thread.start()

    def stop(self):
        self._running = False
        if self.thread is not None:
            self.thread.join()
