"""The times of a training, which add up over its resumes and over its processes."""

from devrobot_training.fit.progress import Clock, Progress
from devrobot_training.fit.team import Team
import numpy as np


class Stopwatch:
    """Writes the times of a training into its progress."""

    def __init__(self, progress: Progress, team: Team, clock: Clock) -> None:
        """
        Prepare; ``start`` begins.

        :param progress: what the training has reached; CPU seconds are those of the whole team.
        """
        self.clock = clock
        self._progress = progress
        self._team = team
        self._begun = (0.0, 0.0)
        self._spent = 0.0
        self._window = (0.0, 0)

    def start(self, samples: int) -> None:
        """Go on from the times in the progress."""
        wall = self.clock.wall()
        self._begun = (self.clock.cpu(), wall - self._progress.wall_seconds)
        self._spent = self._progress.cpu_seconds
        self._window = (wall, samples)

    def read(self) -> None:
        """Write the times up to now."""
        own = np.array([self.clock.cpu() - self._begun[0]])
        self._progress.cpu_seconds = self._spent + float(self._team.total(own)[0])
        self._progress.wall_seconds = self.clock.wall() - self._begun[1]

    def agreed(self) -> float:
        """Return the wall time that was read last, the same in every process."""
        own = np.array([self._progress.wall_seconds])
        return float(self._team.total(own)[0]) / self._team.size

    def rate(self, samples: int) -> float:
        """Return samples per second since the last call, or the start."""
        now = self.clock.wall()
        begin, before = self._window
        self._window = (now, samples)
        return (samples - before) / max(now - begin, 1e-9)
