"""
Gradients on a CPU: parts of a batch side by side, in the arithmetic of the processor.

Two threads inside every operation wait for each other a thousand times in a step. Here they share
the frames, then the canvases, then the frames again, and wait three times. All work on a copy of
the model whose matrices are bf16 already, so that nothing is converted on the way.

Shapes: B canvases, K frames per canvas, F frames to encode, N patches, C width of a code.
"""

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
import copy
import itertools
import math
import threading
from typing import TypeVar

from devrobot_world_model.config import LossConfig
from devrobot_world_model.model.losses import compute_losses, Losses
from devrobot_world_model.model.mae import Batch, WorldModel
from devrobot_world_model.model.patches import to_unit
import torch
from torch import nn, Tensor

#: Frames or canvases that are computed at once: none of their tensors is so large that glibc
#: would ask the system for it every time (see ``learning.processor``).
LARGEST_PART = 16
#: From so many spare threads on a part uses them inside its operations. Two are slower there than
#: one, see docs/performance.md.
WORTH_SHARING = 4

Item = TypeVar('Item')
Result = TypeVar('Result')
Gradients = Sequence[Tensor | None]


class PartedGradients:
    """
    Computes the gradient of a mean loss on as many threads as torch has.

    What is computed, and in which order it is added, depends on the size of the batch and on the
    number of threads only: equal beginnings give equal gradients. Not thread-safe.
    """

    def __init__(self, model: WorldModel, loss: LossConfig, *, bf16: bool) -> None:
        """``bf16``: multiply matrices in bf16; all else is computed as under autocast."""
        self._loss = loss
        self._original = model
        self._source: list[Tensor] = list(model.parameters())
        self._model = _with_bf16_matrices(model) if bf16 else model
        self._weights: list[Tensor] = list(self._model.parameters())
        self._learned = [weight for weight in self._weights if weight.requires_grad]
        self._pool: ThreadPoolExecutor | None = None
        self._layout = (1, 1)
        self._all_shares = _shares(self._weights, 1)
        self._learned_shares = _shares(self._learned, 1)

    def compute(self, batch: Batch, mask: Tensor | None) -> tuple[Losses, Tensor]:
        """
        Set the gradients of the mean loss that is trained on.

        :param mask: (B, N) bool or None, as in ``WorldModel.decode``.
        :returns: the losses per canvas, and the norm of all gradients.
        """
        frames, index = batch.history
        self._share_threads(len(frames))
        self._refresh()
        frame_parts = self._parts(len(frames))
        codes = self._map(lambda rows: self._model.encode(frames[rows]), frame_parts)
        known = torch.cat([code.detach() for code in codes])
        canvas_parts = self._parts(len(batch))
        painted = self._map(
            lambda rows: self._paint(batch, rows, known[index[rows]], mask), canvas_parts
        )
        of_codes = torch.cat([own for _, own, _ in painted]).flatten(0, 1)
        if batch.index is not None:  # several canvases look at one frame
            of_codes = torch.zeros_like(known).index_add_(0, index.flatten(), of_codes)
        of_frames = self._map(
            lambda item: self._gradients(item[0], of_codes[item[1]]),
            zip(codes, frame_parts, strict=True) if codes[0].requires_grad else (),
        )
        norm = self._store([*(gradients for _, _, gradients in painted), *of_frames])
        return _joined([losses for losses, _, _ in painted]), norm

    def on_one_thread(self, work: Callable[[], None]) -> None:
        """Do what passes once over all weights: memory is no faster for two."""
        if self._pool is None:
            work()
        else:
            self._pool.submit(work).result()

    def _refresh(self) -> None:
        """Take over the weights, whoever has changed them."""
        if not self._model.training:  # to go through all modules takes time
            self._model.train()
        if self._model is not self._original:
            self._map(
                lambda share: _copy(_chosen(self._weights, share), _chosen(self._source, share)),
                self._all_shares,
            )

    def _paint(
        self, batch: Batch, rows: slice, codes: Tensor, mask: Tensor | None
    ) -> tuple[Losses, Tensor, Gradients]:
        """Return losses of some canvases, and the gradients of their codes and of the weights."""
        codes.requires_grad_()
        hidden = None if mask is None else mask[rows]
        truth = batch.targets_of(rows)
        prediction, _ = self._model.paint(codes, batch.colors[rows], truth, hidden)
        losses = compute_losses(prediction, to_unit(truth), self._loss, hidden)
        loss = losses.of_kind(self._loss.kind).sum() / len(batch)
        own, *gradients = torch.autograd.grad(loss, [codes, *self._learned], allow_unused=True)
        return losses.detached(), own, gradients

    def _gradients(self, codes: Tensor, of_codes: Tensor) -> Gradients:
        return torch.autograd.grad(codes, self._learned, of_codes, allow_unused=True)

    def _store(self, parts: Sequence[Gradients]) -> Tensor:
        """Set the gradients of the model to the sum of the parts; return their norm."""
        learned = [weight for weight in self._source if weight.requires_grad]
        norms = self._map(
            lambda share: _set_sums(
                _chosen(learned, share), [_chosen(part, share) for part in parts]
            ),
            self._learned_shares,
        )
        return torch.linalg.vector_norm(torch.cat(norms))

    def _parts(self, size: int) -> list[slice]:
        """Return the rows of parts that are as equal as can be, as many for every thread."""
        count = min(self._layout[0], size)
        parts = count * math.ceil(size / (count * LARGEST_PART))
        edges = [size * number // parts for number in range(parts + 1)]
        return [slice(begin, end) for begin, end in itertools.pairwise(edges)]

    def _map(self, work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Return the results in the order of the items."""
        return list(map(work, items) if self._pool is None else self._pool.map(work, items))

    def _share_threads(self, frames: int) -> None:
        """Set up as many threads as torch has, for parts or for what is inside of them."""
        own = torch.get_num_threads()
        count = min(own, frames)
        inner = own // count if own // count >= WORTH_SHARING else 1
        if self._layout == (count, inner):
            return
        self._layout = (count, inner)
        self._all_shares = _shares(self._weights, count)
        self._learned_shares = _shares(self._learned, count)
        self._pool = None
        if inner == own:
            return
        self._pool = ThreadPoolExecutor(count, 'gradients', lambda: _limit_threads(inner))
        # A thread that sets its number also sets what later threads begin with: set that back
        # when all have come that far.
        barrier = threading.Barrier(count + 1)
        for _ in range(count):
            self._pool.submit(barrier.wait)
        barrier.wait()
        torch.set_num_threads(own)


def _shares(weights: Sequence[Tensor], count: int) -> list[list[int]]:
    """Return which weights each of ``count`` threads passes over: about as many numbers."""
    shares: list[list[int]] = [[] for _ in range(count)]
    sizes = [0] * count
    for number in sorted(range(len(weights)), key=lambda one: -weights[one].numel()):
        least = sizes.index(min(sizes))
        shares[least].append(number)
        sizes[least] += weights[number].numel()
    return shares


def _chosen(items: Sequence[Item], numbers: Sequence[int]) -> list[Item]:
    return [items[number] for number in numbers]


@torch.no_grad()
def _copy(weights: list[Tensor], source: list[Tensor]) -> None:
    torch._foreach_copy_(weights, source)


@torch.no_grad()
def _set_sums(weights: Sequence[Tensor], parts: Sequence[Gradients]) -> Tensor:
    """Set gradients to the sums of parts, in the weights' own memory layout; return norms."""
    for weight, *gradients in zip(weights, *parts, strict=True):
        known = [gradient for gradient in gradients if gradient is not None]
        if not known:
            weight.grad = None
            continue
        if weight.grad is None:
            weight.grad = torch.empty_like(weight)
        weight.grad.copy_(known[0])
        for other in known[1:]:
            weight.grad += other
    sums = [weight.grad for weight in weights if weight.grad is not None]
    return torch.stack(torch._foreach_norm(sums)) if sums else torch.zeros(1)


def _limit_threads(count: int) -> None:
    """Set the number of torch's threads for the calling thread."""
    torch.get_num_threads()  # a thread takes over the common number once, at its first question
    torch.set_num_threads(count)


def _joined(parts: Sequence[Losses]) -> Losses:
    return Losses(
        plain=torch.cat([part.plain for part in parts]),
        focal=torch.cat([part.focal for part in parts]),
        hybrid=torch.cat([part.hybrid for part in parts]),
    )


def _with_bf16_matrices(model: WorldModel) -> WorldModel:
    """Return a copy that computes by itself what ``model`` does under bf16 autocast."""
    twin = copy.deepcopy(model)
    for part in twin.modules():
        if isinstance(part, nn.Linear):
            part.to(torch.bfloat16)
    return twin
