"""Whether a checkpoint fits a model, and if not, a difference that people can read."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from devrobot_world_model.checkpoint_names import CheckpointError

MAX_DIFFERENCES = 5


class IncompatibleCheckpointError(CheckpointError):
    """The checkpoint is sound but belongs to another model; nothing was changed."""


def check_compatible(
    saved_config: Mapping[str, Any],
    own_config: Mapping[str, Any],
    saved_shapes: Mapping[str, Sequence[int]] | None = None,
    own_shapes: Mapping[str, Sequence[int]] | None = None,
) -> None:
    """
    Compare configurations and tensor shapes, settings first, before anything is loaded.

    Give only the parts that must agree (architecture and canvas): every difference is an error.

    :raises IncompatibleCheckpointError: with at most a handful of differences in one line.
    """
    problems = [*config_differences(saved_config, own_config)]
    problems += shape_differences(saved_shapes or {}, own_shapes or {})
    if problems:
        shown = problems[:MAX_DIFFERENCES]
        if len(problems) > MAX_DIFFERENCES:
            shown.append(f'and {len(problems) - MAX_DIFFERENCES} more')
        raise IncompatibleCheckpointError(
            'the checkpoint does not fit this model: ' + '; '.join(shown)
        )


def config_differences(saved: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[str]:
    """Yield ``model.depth: saved 3, here 5`` for every setting that differs."""
    left, right = _flat(saved), _flat(own)
    for key in [*left, *(key for key in right if key not in left)]:
        if key not in right:
            yield f'{key}: saved {left[key]!r}, unknown here'
        elif key not in left:
            yield f'{key}: not saved, here {right[key]!r}'
        elif left[key] != right[key]:
            yield f'{key}: saved {left[key]!r}, here {right[key]!r}'


def shape_differences(
    saved: Mapping[str, Sequence[int]], own: Mapping[str, Sequence[int]]
) -> Iterator[str]:
    """Yield one line for every tensor that is missing, unknown or of another shape."""
    for name, shape in saved.items():
        if name not in own:
            yield f'{name}: unknown here'
        elif tuple(shape) != tuple(own[name]):
            yield f'{name}: saved {list(shape)}, here {list(own[name])}'
    for name in own:
        if name not in saved:
            yield f'{name}: missing in the checkpoint'


def _flat(config: Mapping[str, Any], prefix: str = '') -> dict[str, Any]:
    """Return nested mappings with dotted keys; tuples become lists, as JSON makes them."""
    result: dict[str, Any] = {}
    for key, value in config.items():
        if isinstance(value, Mapping):
            result.update(_flat(value, f'{prefix}{key}.'))
        else:
            result[f'{prefix}{key}'] = list(value) if isinstance(value, tuple) else value
    return result
