"""One trial of a sweep, as the process that makes it sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.configs import config_from_dict, config_to_dict
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.events import Event, StepDone, Validating
from devrobot_training.fit.once import train_once, Trained
from devrobot_training.fit.stopping import NON_FINITE
from devrobot_training.fit.training import Data, Inputs, open_data, Reading
from devrobot_training.records import from_plain, to_plain
import torch


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What a trial needs; ``folder`` is its own."""

    number: int
    folder: Path
    config: TrainConfig
    inputs: Inputs

    @property
    def learning_rate(self) -> float:
        """The rate that is tried."""
        return self.config.optimizer.learning_rate

    def to_dict(self) -> dict[str, Any]:
        """Return plain data."""
        return {
            'number': self.number,
            'folder': str(self.folder.resolve()),
            'config': config_to_dict(self.config),
            'inputs': self.inputs.to_dict(),
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> 'Trial':
        """Return what ``to_dict`` gave."""
        return cls(
            number=value['number'],
            folder=Path(value['folder']),
            config=config_from_dict(TrainConfig, value['config']),
            inputs=Inputs.from_dict(value['inputs']),
        )


@dataclass(frozen=True, kw_only=True)
class TrialEnd:
    """How a trial ended: with a result, or with the reason why there is none."""

    trained: Trained | None = None
    reason: str = ''

    @classmethod
    def of(cls, trained: Trained) -> 'TrialEnd':
        """Return the end of a training; one that cannot be ranked has failed."""
        if trained.stop_reason == NON_FINITE:
            return cls(trained=trained, reason=trained.stop_message)
        if not trained.usable:
            return cls(
                trained=trained,
                reason=f'no validation before its end: {trained.samples} '
                f'samples in {trained.seconds:.0f} s',
            )
        return cls(trained=trained)


class TrialRunner:
    """Makes trials one after the other; the canvases of the last one are kept for the next."""

    def __init__(self, slot: int) -> None:
        """``slot`` is the number of this process, which chooses its GPU."""
        self._slot = slot
        self._opened: tuple[Any, Data] | None = None

    def __call__(
        self,
        call: Mapping[str, Any],
        beat: Callable[[int], None],
        should_stop: Callable[[], bool],
    ) -> dict[str, Any]:
        """
        Make a trial; return its ``Trained`` as plain data.

        :param beat: is told the samples after each step, and whenever something goes on between
            two of them: a validation, or the reading of data.
        """
        trial = Trial.from_dict(call)
        config = replace(trial.config, device=device_of(trial.config.device, self._slot))

        def listen(event: Event) -> None:
            if isinstance(event, StepDone | Validating):
                beat(event.samples)

        trained = train_once(
            trial.folder,
            config,
            lambda: self._data(trial.inputs, config, lambda done, total: beat(0)),
            start=trial.inputs.start,
            listeners=[listen],
            should_stop=should_stop,
        )
        return dict(to_plain(trained))

    def _data(self, inputs: Inputs, config: TrainConfig, reading: Reading) -> Data:
        key = (inputs.train, inputs.validation, config.canvas, config.fit, config.device)
        if self._opened is None or self._opened[0] != key:
            self._opened = None
            self._opened = (key, open_data(inputs, config, reading))
        return self._opened[1]


def trained_from(value: Mapping[str, Any]) -> Trained:
    """Return what a ``TrialRunner`` gave."""
    return from_plain(Trained, value)


def device_of(device: str, slot: int) -> str:
    """Return the device of a worker: with several GPUs one each, by index."""
    gpus = torch.cuda.device_count()
    if device not in ('auto', 'cuda') or gpus < 2:
        return device
    return f'cuda:{slot % gpus}'
