"""Who watches a staged training: by default nobody."""

from collections.abc import Mapping

from devrobot_training.fit.events import Event


class View:
    """Hears what goes on; a console, a node or a test overrides what it wants to know."""

    def say(self, text: str) -> None:
        """Take a line for people."""

    def stage(self, number: int, stages: int, title: str) -> None:
        """Take which stage of how many is going on."""

    def training(self, stage: int, number: int, *, baseline: bool) -> None:
        """Take which training of which stage begins or goes on; ``number`` 0 = several do."""

    def progress(self, title: str, done: int, total: int) -> None:
        """Take how far a training, a reading or an evaluation is; total 0 = unknown."""

    def trials(
        self, title: str, ended: int, count: int, running: Mapping[int, int], samples: int
    ) -> None:
        """Take how far a phase of a sweep is: trials, and samples of those that are running."""

    def trainings(self, title: str, ended: int, count: int, running: Mapping[int, int]) -> None:
        """Take how far several trainings at a time are; samples of those that are running."""

    def event(self, event: Event) -> None:
        """Take an event of a main training."""
