"""A moving average of the weights (Polyak and Juditsky 1992), for validation and use."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn, Tensor


class WeightAverage:
    """
    Averages the parameters of a model over its steps.

    The decay rises from 0.1 to its value, (1 + n) / (10 + n) at step n, so that the random
    weights of the beginning are forgotten quickly.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._parameters = dict(model.named_parameters())
        self._decay = decay
        self.average = {n: p.detach().clone() for n, p in self._parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after training step ``step``, counted from 1."""
        decay = min(self._decay, (1 + step) / (10 + step))
        averages = [self.average[name] for name in self._parameters]
        torch._foreach_lerp_(averages, list(self._parameters.values()), 1.0 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the average into the model for a while."""
        own = {name: p.detach().clone() for name, p in self._parameters.items()}
        self._copy_into_model(self.average)
        try:
            yield
        finally:
            self._copy_into_model(own)

    @torch.no_grad()
    def restore(self, average: dict[str, Tensor]) -> None:
        """
        Go on with a saved average.

        :raises ValueError: if it is of another model.
        """
        shapes = {name: value.shape for name, value in self.average.items()}
        if {name: value.shape for name, value in average.items()} != shapes:
            raise ValueError('the averaged weights are those of another model')
        for name, value in average.items():
            self.average[name].copy_(value)

    @torch.no_grad()
    def _copy_into_model(self, values: dict[str, Tensor]) -> None:
        for name, parameter in self._parameters.items():
            parameter.copy_(values[name])
