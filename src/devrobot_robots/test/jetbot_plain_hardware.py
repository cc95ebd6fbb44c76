"""Motors and camera without any package, for an old Python; the option is a folder."""

import os
import time


class PlainMotors:
    def __init__(self, folder):
        self._folder = folder

    def set(self, left, right):
        temporary = os.path.join(self._folder, 'motors.tmp')  # noqa: PTH118
        with open(temporary, 'w') as file:  # noqa: PTH123
            file.write('{} {}'.format(left, right))  # noqa: UP032
        os.replace(temporary, os.path.join(self._folder, 'motors'))  # noqa: PTH105, PTH118


class PlainCamera:
    """The picture in the folder, again and again, with another comment in it each time."""

    def __init__(self, folder):
        with open(os.path.join(folder, 'jpeg'), 'rb') as file:  # noqa: PTH118, PTH123
            self._jpeg = file.read()
        self._count = 0

    def read(self):
        time.sleep(0.02)
        self._count += 1
        comment = b'\xff\xfe\x00\x0c' + b'%010d' % self._count
        return self._jpeg[:2] + comment + self._jpeg[2:]

    def close(self):
        pass


def robot_name(option):
    return os.path.realpath(option)


def open_motors(option):
    return PlainMotors(option)


def open_camera(option):
    return PlainCamera(option)
