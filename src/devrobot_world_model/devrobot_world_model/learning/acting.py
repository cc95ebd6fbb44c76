"""Predict while another thread trains, from an own copy of the weights."""

from collections.abc import Sequence
import copy
from threading import Lock

from devrobot_world_model.learning.precision import autocast
from devrobot_world_model.learning.predict import encode_frames, predict_from_codes, rollout
from devrobot_world_model.model.mae import Batch, WorldModel
import torch
from torch import Tensor


class Actor:
    """
    The model as the predicting side sees it.

    Without ``concurrent`` it is the learner's model itself. With it, a prediction never waits for
    a training step: only for the copying of the weights (22 MB for the base preset). Codes of
    frames are kept until the weights change: a robot that is faster than the learner has each
    frame encoded once.
    """

    def __init__(self, model: WorldModel, *, precision: str, concurrent: bool) -> None:
        self._source = model
        self._model = copy.deepcopy(model).requires_grad_(False) if concurrent else model
        self._precision = precision
        self._codes: list[tuple[object, Tensor]] = []
        self._lock = Lock()

    def refresh(self) -> None:
        """Take over the learner's weights; codes made with the old ones are dropped."""
        with self._lock, torch.no_grad():
            self._codes.clear()
            if self._model is self._source:
                return
            torch._foreach_copy_(list(self._model.parameters()), list(self._source.parameters()))

    def predict(
        self,
        sources: Sequence[object],
        frames: Tensor,
        past_colors: Tensor,
        action_colors: Tensor,
    ) -> Tensor:
        """
        Return (A, N, D) predictions; see ``predict_actions``.

        :param sources: per frame the object that it comes from: the same object, the same frame.
            Stamps would not do, they repeat where a clock stands still or jumps back.
        """
        with self._lock:
            count = range(len(sources))
            known = {i: code for i in count if (code := self._code_of(sources[i])) is not None}
            missing = [i for i in count if i not in known]
            if missing:
                new = encode_frames(self._model, frames[missing], self._precision)
                known.update(zip(missing, new, strict=True))
            codes = [known[i] for i in count]
            self._codes = list(zip(sources, codes, strict=True))
            return predict_from_codes(
                self._model, torch.stack(codes), past_colors, action_colors, self._precision
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

    def _code_of(self, source: object) -> Tensor | None:
        return next((code for known, code in self._codes if known is source), None)
