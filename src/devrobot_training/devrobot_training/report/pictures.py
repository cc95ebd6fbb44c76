"""
Pictures of a run, inside the page: what the model sees, and where it looks.

Shapes: H x W frame; pictures are (H, W, 3) uint8 RGB.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from devrobot_interfaces_py.images import (
    decode_compressed,
    encode_jpeg,
    encode_png,
    ImageError,
)
from devrobot_training.pages.drawing import data_uri
from devrobot_training.pages.numbers import number
from devrobot_training.pages.parts import Picture
from devrobot_training.report.ranking import Best
from devrobot_training.report.stage_records import Example, Stage
import numpy as np

BUDGET_BYTES = 7_000_000
LEAST_HEIGHT = 112  # smaller frames are drawn with larger pixels, not blurred
QUALITY = 88
MOST_STAGES = 6


class Album:
    """Reads pictures of a run folder; all together stay below ``budget`` bytes."""

    def __init__(self, folder: Path, budget: int = BUDGET_BYTES) -> None:
        self._folder = folder
        self._left = budget

    def show(self, path: str, alt: str, caption: str = '') -> Picture:
        """Return a picture by its path relative to the run folder."""
        return self._kept((path,), alt, caption)

    def difference(self, first: str, second: str, alt: str, caption: str) -> Picture:
        """Return how far two pictures lie apart, pixel by pixel."""
        return self._kept((first, second), alt, caption)

    def _kept(self, paths: tuple[str, ...], alt: str, caption: str) -> Picture:
        source, why = '', ''
        try:
            source = self._source(paths)
        except (OSError, ImageError, ValueError) as error:
            reason = getattr(error, 'strerror', None) or str(error)
            why = f'No picture: {" and ".join(paths)}: {reason}'
        return Picture(source=source, alt=alt, caption=caption, why=why)

    def _source(self, paths: tuple[str, ...]) -> str:
        pictures = [self._read(path) for path in paths]
        shown = pictures[0]
        if len(pictures) == 2:
            if pictures[0].shape != pictures[1].shape:
                raise ValueError('they differ in size')
            shown = np.abs(pictures[0].astype(int) - pictures[1].astype(int)).astype(np.uint8)
        source = embedded(shown)
        if len(source) > self._left:
            raise ValueError('left out, the page would become too large')
        self._left -= len(source)
        return source

    def _read(self, path: str) -> np.ndarray:
        place = (self._folder / path).resolve()
        if not place.is_relative_to(self._folder.resolve()):
            raise ValueError('not in the run folder')
        return decode_compressed(place.read_bytes(), 'jpeg or png')


def embedded(picture: np.ndarray) -> str:
    """Return a picture as an address that holds it, JPEG or PNG, whichever is smaller."""
    factor = -(-LEAST_HEIGHT // picture.shape[0])
    large = np.ascontiguousarray(picture.repeat(factor, axis=0).repeat(factor, axis=1))
    jpeg, png = encode_jpeg(large, QUALITY), encode_png(large)
    return data_uri(jpeg, 'jpeg') if len(jpeg) < len(png) else data_uri(png, 'png')


@dataclass(frozen=True, kw_only=True)
class Row:
    """One canvas: what it is, and its pictures from left to right."""

    title: str
    pictures: tuple[Picture, ...]


def progress_rows(album: Album, stages: Sequence[Stage], best: Best) -> list[Row]:
    """
    Return the canvases of the best weights, each with the prediction of every stage.

    Of many stages only some are shown, the first and the best among them.
    """
    columns = [
        (f'stage {stage.number}', album, stage.examples) for stage in some_of(stages, best.stage)
    ]
    if best.baseline:
        columns.append((best.name, album, best.examples))
    return [progress_of(album, example, columns) for example in best.examples]


def baseline_rows(album: Album, stage: Stage) -> list[Row]:
    """Return the canvases of a baseline beside those of the weights that were handed on."""
    columns = (('staged', stage.examples), ('fresh weights', stage.baseline_examples))
    shown = [(name, album, examples) for name, examples in columns if examples]
    return [progress_of(album, example, shown) for example in stage.baseline_examples]


def some_of(stages: Sequence[Stage], best: Stage) -> list[Stage]:
    """Return at most six stages that have pictures: evenly spread, first, last and best."""
    shown = [stage for stage in stages if stage.examples]
    if len(shown) <= MOST_STAGES:
        return shown
    places = np.linspace(0, len(shown) - 1, MOST_STAGES - 1).round().astype(int)
    kept = {shown[int(place)].number for place in places} | {best.number}
    return [stage for stage in shown if stage.number in kept]


def stage_rows(album: Album, examples: Sequence[Example]) -> list[Row]:
    """Return canvases with their prediction and its error."""
    return [
        Row(
            title=_title(example),
            pictures=(
                *_given(album, example),
                album.show(
                    example.prediction,
                    f'Prediction for {_place(example)}',
                    f'predicted\n{number(example.hybrid)}',
                ),
                _error(album, example),
            ),
        )
        for example in examples
    ]


def progress_of(
    album: Album,
    example: Example,
    columns: Sequence[tuple[str, Album, Sequence[Example]]],
    *,
    error: bool = True,
) -> Row:
    """
    Return one canvas with the predictions of several stages.

    :param columns: name, pictures and canvases of each prediction.
    :param error: whether the error of ``example``'s own prediction is shown, too.
    """
    predictions = []
    for name, source, examples in columns:
        same = [other for other in examples if other.transition == example.transition]
        if not same:
            why = f'{name} was measured on other frames'
            predictions.append(Picture(source='', alt='', why=why, caption=name))
            continue
        predictions.append(
            source.show(
                same[0].prediction,
                f'Prediction of {name} for {_place(example)}',
                f'{name}\n{number(same[0].hybrid)}',
            )
        )
    last = (_error(album, example),) if error else ()
    return Row(title=_title(example), pictures=(*_given(album, example), *predictions, *last))


def _given(album: Album, example: Example) -> tuple[Picture, Picture]:
    place = _place(example)
    return (
        album.show(example.canvas, f'History before {place}', 'history, bars are actions'),
        album.show(example.truth, f'What came at {place}', 'what came'),
    )


def _error(album: Album, example: Example) -> Picture:
    return album.difference(
        example.truth, example.prediction, f'Error at {_place(example)}', '|error|'
    )


def _title(example: Example) -> str:
    word = f'{example.word}: ' if example.word else ''
    return f'{word}transition {example.transition}, {example.action}'


def _place(example: Example) -> str:
    return f'transition {example.transition}, action {example.action}'
