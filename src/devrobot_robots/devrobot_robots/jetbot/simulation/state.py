"""
The physical truth, in a small file: it outlives the server, as a robot does.

The process of the motors writes the pose at each command; whoever reads it runs the motors on
until now.
"""

from __future__ import annotations

from dataclasses import astuple
import os
from pathlib import Path
import struct
import time
import zlib

from devrobot_robots.jetbot.simulation.drive import after, Pose

RECORD = struct.Struct('<6d')
CHECKSUM = struct.Struct('<I')
READ_TRIES = 1000


class StateFile:
    """One pose and the moment (monotonic clock) at which it was true."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, pose: Pose, moment_s: float) -> None:
        """Replace what is there, in one write."""
        record = RECORD.pack(moment_s, *astuple(pose))
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT, 0o600)
        try:
            os.pwrite(descriptor, record + CHECKSUM.pack(zlib.crc32(record)), 0)
        finally:
            os.close(descriptor)

    def read(self) -> tuple[Pose, float]:
        """
        Return the pose and its moment.

        :raises OSError: if there is none.
        """
        for _ in range(READ_TRIES):
            content = self._path.read_bytes()
            record, checksum = content[: RECORD.size], content[RECORD.size :]
            if len(checksum) == CHECKSUM.size and CHECKSUM.unpack(checksum)[0] == zlib.crc32(
                record
            ):
                moment_s, x, y, heading, left, right = RECORD.unpack(record)
                return Pose(x=x, y=y, heading=heading, left=left, right=right), moment_s
        raise OSError(f'{self._path} holds no pose')

    def now(self) -> Pose:
        """Return where the robot is at this moment."""
        pose, moment_s = self.read()
        return after(pose, max(0.0, time.monotonic() - moment_s))
