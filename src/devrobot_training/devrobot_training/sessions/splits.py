"""
Split a session into training and validation, in stages that grow.

A stage is a prefix of the session in time; its first part trains, the rest validates. A split is
a list of half-open ranges of transitions: nothing is copied, and no piece is joined to another.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from devrobot_interfaces_py.configs import check_ranges, param
from devrobot_training.sessions.session import Session, SessionError

Range = tuple[int, int]


@dataclass(frozen=True, kw_only=True)
class CanvasConfig:
    """What a part must be large enough for."""

    history: int = param(
        3, 'frames of a canvas, of which each part must have one', minimum=2, maximum=64
    )

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class PartConfig(CanvasConfig):
    """How one stage is split."""

    train_ratio: float = param(
        0.7, 'share that trains; the rest validates', minimum=0.01, maximum=0.99
    )


@dataclass(frozen=True, kw_only=True)
class GrowthConfig:
    """How stages grow."""

    first_size: int = param(10, 'transitions of the first stage', minimum=2, maximum=10_000_000)
    num_stages: int = param(
        0, 'number of stages of equal growth; 0 = sizes double', minimum=0, maximum=1000
    )

    def __post_init__(self) -> None:
        check_ranges(self)


@dataclass(frozen=True, kw_only=True)
class SplitConfig(GrowthConfig, PartConfig):
    """How a session is split in stages."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage: its number from 1, and the ranges of transitions."""

    number: int
    size: int
    train: Range
    validation: Range
    train_canvases: int
    validation_canvases: int

    @property
    def problem(self) -> str:
        """Why this stage cannot be used; empty if it can."""
        for name, count in (
            ('training', self.train_canvases),
            ('validation', self.validation_canvases),
        ):
            if not count:
                return f'too small: its {name} has no whole canvas'
        return ''


def stage_sizes(total: int, config: SplitConfig) -> list[int]:
    """
    Return the growing sizes, in transitions; the last one is all of them.

    :raises SessionError: if there are more stages than transitions.
    """
    if config.num_stages > total:
        raise SessionError(
            f'{total} transitions cannot grow in {config.num_stages} stages; '
            f'use --num-stages {total} or less'
        )
    if config.num_stages:
        steps = range(1, config.num_stages + 1)
        return [round(total * step / config.num_stages) for step in steps]
    sizes = []
    size = config.first_size
    while size < total:
        sizes.append(size)
        size *= 2
    return [*sizes, total]


def make_stages(session: Session, config: SplitConfig) -> list[Stage]:
    """
    Return all stages, also those too small to be used.

    :raises SessionError: if the session has fewer than 2 transitions, or than stages.
    """
    return [
        _stage(session, number, size, config)
        for number, size in enumerate(stage_sizes(_checked(session), config), start=1)
    ]


def split_in_two(session: Session, config: PartConfig) -> Stage:
    """
    Return the whole session as one stage.

    :raises SessionError: if there is nothing to split, or a part has no whole canvas.
    """
    stage = _stage(session, 1, _checked(session), config)
    if stage.problem:
        raise SessionError(
            f'{session.name}: {stage.problem}; record more, or change --train-ratio'
        )
    return stage


def count_canvases(session: Session, ranges: Sequence[Range], config: CanvasConfig) -> int:
    """Return how many canvases these transitions give; a range may be empty."""
    ranges = [part for part in ranges if part[0] < part[1]]
    return len(session.select(ranges).windows(config.history - 1)) if ranges else 0


def runs(keep: list[bool]) -> Iterator[Range]:
    """Yield the half-open ranges of neighbours that are kept."""
    begin = None
    for index, wanted in enumerate([*keep, False]):
        if wanted and begin is None:
            begin = index
        elif not wanted and begin is not None:
            yield begin, index
            begin = None


def _checked(session: Session) -> int:
    if len(session) < 2:
        raise SessionError(f'{session.name}: {len(session)} transitions cannot be split')
    return len(session)


def _stage(session: Session, number: int, size: int, config: PartConfig) -> Stage:
    border = min(max(round(size * config.train_ratio), 1), max(size - 1, 1))
    train, validation = (0, border), (border, size)
    return Stage(
        number=number,
        size=size,
        train=train,
        validation=validation,
        train_canvases=count_canvases(session, [train], config),
        validation_canvases=count_canvases(session, [validation], config),
    )
