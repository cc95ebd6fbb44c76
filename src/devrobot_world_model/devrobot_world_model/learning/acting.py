"""Predict while another thread trains, from an own copy of the weights."""

from collections.abc import Sequence
import copy
from threading import Lock

from devrobot_world_model.learning.precision import autocast
from devrobot_world_model.learning.predict import predict_actions, rollout
from devrobot_world_model.model.mae import Batch, WorldModel
import torch
from torch import Tensor


class Actor:
    """
    The model as the predicting side sees it.

    Without ``concurrent`` it is the learner's model itself. With it, a prediction never waits for
    a training step: only for the copying of the weights (22 MB for the base preset).
    """

    def __init__(self, model: WorldModel, *, precision: str, concurrent: bool) -> None:
        self._source = model
        self._model = copy.deepcopy(model).requires_grad_(False) if concurrent else model
        self._precision = precision
        self._lock = Lock()

    def refresh(self) -> None:
        """Take over the learner's weights."""
        if self._model is self._source:
            return
        with self._lock, torch.no_grad():
            torch._foreach_copy_(list(self._model.parameters()), list(self._source.parameters()))

    def predict(self, frames: Tensor, past_colors: Tensor, action_colors: Tensor) -> Tensor:
        """Return (A, N, D) predictions; see ``predict_actions``."""
        with self._lock:
            return predict_actions(
                self._model, frames, past_colors, action_colors, self._precision
            )

    def rollout(self, frames: Tensor, past_colors: Tensor, colors: Sequence[Tensor]) -> Tensor:
        """Return (S, N, D) imagined frames; see ``rollout``."""
        with self._lock:
            return rollout(self._model, frames, past_colors, colors, self._precision)

    def attention(self, batch: Batch) -> list[Tensor]:
        """Return per decoder layer the (heads, N, M + N) float weights of the masked pass."""
        device = next(self._model.parameters()).device
        with self._lock, torch.no_grad(), autocast(device, self._precision):
            self._model.eval()
            _, weights = self._model(batch.to(device), need_weights=True)
        return [layer[0].float() for layer in weights]
