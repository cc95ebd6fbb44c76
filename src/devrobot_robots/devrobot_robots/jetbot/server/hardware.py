"""
Find the module that drives motors and camera.

Such a module has ``open_motors(option)``, an object with ``set(left, right)`` in -1..1, and
``open_camera(option)``, an object with ``read()``, which waits for a new picture and returns it
as the bytes of a JPEG, and ``close()``.
"""

from importlib import import_module
from typing import Any

DEFAULT = '.jetbot_hardware'


def open_motors(name: str, option: str) -> Any:
    """Return the motors; nothing turns yet."""
    return _module(name).open_motors(option)


def open_camera(name: str, option: str) -> Any:
    """Return the camera, running."""
    return _module(name).open_camera(option)


def _module(name: str) -> Any:
    return import_module(name, __package__)
