"""What a staged training is given: a root session that grows, or a pair of sessions."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.problems import RunError

ROOT, DIRECT = 'root session', 'direct'
PATHS = ('root', 'splits', 'train', 'validation', 'original')
OPTIONS: Mapping[str, str] = {
    'root': '--root-session',
    'splits': '--splits',
    'train': '--train-session',
    'validation': '--val-session',
    'original': '--original-session',
    'checkpoint': '--checkpoint',
    'stage': '--stage',
    'namespace': '--namespace',
}


@dataclass(frozen=True, kw_only=True)
class StagedInputs:
    """
    Sessions, and where to begin.

    Either ``root``, split on the fly or by the table in ``splits``; or ``train`` and
    ``validation``, which are one stage. ``original`` decides about the final choice: by default
    the root, or the validation session. ``checkpoint`` begins the first stage, '' = fresh
    weights; ``stage`` is the only one that is trained, 0 = all.
    """

    root: Path | None = None
    splits: Path | None = None
    train: Path | None = None
    validation: Path | None = None
    original: Path | None = None
    checkpoint: str = ''
    stage: int = 0
    namespace: str = ''
    skip_faulty: bool = False

    def __post_init__(self) -> None:
        pair = (self.train, self.validation)
        if self.root is None and self.splits is None:
            if None in pair:
                raise ConfigError(
                    'name a session with --root-session, or two with --train-session and '
                    '--val-session'
                )
        elif any(pair):
            raise ConfigError(
                '--root-session and --splits exclude --train-session and --val-session'
            )

    @property
    def mode(self) -> str:
        """What kind of training this is."""
        return DIRECT if self.train else ROOT

    def to_dict(self) -> dict[str, Any]:
        """Return plain data with absolute paths."""
        paths = {name: getattr(self, name) for name in PATHS}
        return {
            **{name: path and str(path.resolve()) for name, path in paths.items()},
            'checkpoint': self.checkpoint and str(Path(self.checkpoint).resolve()),
            'stage': self.stage,
            'namespace': self.namespace,
            'skip_faulty': self.skip_faulty,
        }

    def arguments(self) -> tuple[str, ...]:
        """Return the words of ``staged`` that name these, whatever folder they are typed in."""
        values = self.to_dict()
        words = [
            word for name, option in OPTIONS.items() if values[name]
            for word in (option, str(values[name]))
        ]  # fmt: skip
        return (*words, *(('--skip-faulty',) if self.skip_faulty else ()))

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> 'StagedInputs':
        """
        Return what ``to_dict`` gave.

        :raises RunError: if something is missing.
        """
        try:
            paths = {name: value[name] and Path(value[name]) for name in PATHS}
            return cls(
                **paths,
                checkpoint=str(value['checkpoint']),
                stage=int(value['stage']),
                namespace=str(value['namespace']),
                skip_faulty=bool(value['skip_faulty']),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise RunError(f'the inputs of the run are damaged: {error}') from error
