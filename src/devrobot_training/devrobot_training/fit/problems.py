"""What can go wrong with a run, each told in one line."""


class RunError(ValueError):
    """A run folder cannot be used: its path and the way out."""


class TeamError(RuntimeError):
    """A process of a team is gone."""
