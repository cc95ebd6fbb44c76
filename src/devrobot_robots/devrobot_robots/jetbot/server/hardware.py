"""
Find the module that drives motors and camera.

Such a module has ``open_motors(option)``, an object with ``set(left, right)`` in -1..1, which
writes to the motors each time and raises if that failed, and ``open_camera(option)``, an object
with ``read()``, which waits for a new picture and returns it as the bytes of a JPEG or raises
after a few seconds, and ``close()``. The motors are opened in two processes; one of them sets
them, and the other one only stops them when the first is gone. Importing it touches neither.

A module whose option names one robot of several has ``robot_name(option)``, too: a text that is
the same for all options that mean the same robot. Without it, all options mean the same one.
"""

from importlib import import_module
import time
from typing import Any

DEFAULT = '.jetbot_hardware'
STOP_TRIES = 100
RETRY_S = 0.05


def open_motors(name: str, option: str) -> Any:
    """Return the motors; nothing turns yet."""
    return _module(name).open_motors(option)


def open_camera(name: str, option: str) -> Any:
    """Return the camera, running."""
    return _module(name).open_camera(option)


def robot_of(name: str, option: str) -> str:
    """Return a text that is the same whenever the same robot is meant, however it is written."""
    module = _module(name)
    # Only its last part: the same module may lie in several folders of this machine.
    kind = module.__name__.rpartition('.')[2]
    robot_name = getattr(module, 'robot_name', None)
    return f'{kind} {robot_name(option)}' if robot_name is not None else kind


def stop_motors(name: str, option: str) -> None:
    """
    Stop the motors, whoever left them running.

    :raises OSError: if that does not succeed within some seconds.
    """
    motors = open_motors(name, option)
    for _ in range(STOP_TRIES):
        try:
            motors.set(0.0, 0.0)
            return
        except Exception as error:  # the bus of the motors may raise anything
            problem = f'{type(error).__name__}: {error}'
        time.sleep(RETRY_S)
    raise OSError(f'cannot stop the motors: {problem}')


def _module(name: str) -> Any:
    try:
        return import_module(name, __package__)
    except ImportError:
        raise
    except Exception as error:  # somebody else's module may raise anything
        raise ImportError(f'{name}: {type(error).__name__}: {error}') from error
