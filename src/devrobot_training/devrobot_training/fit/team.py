"""
The processes of one training: one, or several under ``torchrun`` that share every batch.

Each process takes its part of the batch; gradients are averaged by DistributedDataParallel
(arXiv 2006.15704), losses are gathered, and every decision is made from the same numbers.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
import os
from pathlib import Path
from typing import Any, TypeVar

from devrobot_interfaces_py.configs import ConfigError
from devrobot_training.fit.problems import TeamError
from devrobot_world_model.model.factory import resolve_device
import numpy as np
import torch
from torch import distributed, nn
from torch.nn.parallel import DistributedDataParallel

ResultT = TypeVar('ResultT')
#: How long a step of one process may keep the others waiting, and what comes before the first.
TIMEOUT, PATIENCE = timedelta(minutes=10), timedelta(days=7)
#: Names the folder by which the processes of one machine find each other; else torchrun says how.
FOLDER = 'DEVROBOT_TEAM'
GONE = 'another process of this training is gone'


@dataclass(frozen=True, kw_only=True)
class Team:
    """This process among the others; alone by default."""

    rank: int = 0
    size: int = 1
    local_rank: int = 0
    #: Processes of the team on this machine.
    local_size: int = 1
    #: Connections on which others are waited for while one does what may take hours.
    patient: Any = None

    @property
    def leads(self) -> bool:
        """Whether this process writes files and talks to people."""
        return self.rank == 0

    def wrap(self, model: nn.Module) -> Callable[..., Any]:
        """Return what is called instead of ``model``, so that gradients are averaged."""
        if self.size == 1:
            return model
        device = next(model.parameters()).device
        ids = [device] if device.type == 'cuda' else None
        return guarded(lambda: DistributedDataParallel(model, device_ids=ids))

    def device(self, name: str) -> str:
        """
        Return the device of this process, where ``name`` is asked for: a GPU each.

        :raises ConfigError: if all would be on one, or there are not enough.
        """
        return member_device(name, self.local_rank, self.local_size, alone=self.size == 1)

    def any(self, flag: bool) -> bool:
        """Return whether ``flag`` is set in one of the processes."""
        if self.size == 1:
            return flag
        value = torch.tensor(float(flag))
        guarded(lambda: distributed.all_reduce(value, distributed.ReduceOp.MAX))
        return bool(value)

    def interleave(self, part: np.ndarray) -> np.ndarray:
        """Return the (B, …) values of a batch from the parts [rank::size] of all processes."""
        if self.size == 1:
            return part
        own = torch.from_numpy(np.ascontiguousarray(part))
        parts = [torch.empty_like(own) for _ in range(self.size)]
        guarded(lambda: distributed.all_gather(parts, own))
        return torch.stack(parts, dim=1).flatten(0, 1).numpy()

    def total(self, values: np.ndarray) -> np.ndarray:
        """Return the sums over all processes."""
        if self.size == 1:
            return values
        summed = torch.from_numpy(values.astype(np.float64))
        guarded(lambda: distributed.all_reduce(summed))
        return summed.numpy()

    def step(self, work: Callable[[], ResultT]) -> ResultT:
        """Do something in which gradients are averaged."""
        return work() if self.size == 1 else guarded(work)

    def barrier(self) -> None:
        """Wait for the others, which may read a bag of hours meanwhile."""
        if self.size > 1:
            guarded(lambda: distributed.barrier(self.patient))


def join_team(timeout: timedelta = TIMEOUT) -> Team:
    """
    Return the team that ``torchrun`` made, or a team of one.

    gloo carries what is gathered on the CPU; with GPUs the gradients go over NCCL.

    :param timeout: after which a process that does not take part in a step counts as gone.
    """
    if 'RANK' not in os.environ or 'WORLD_SIZE' not in os.environ:
        return Team()
    backend = 'cpu:gloo,cuda:nccl' if torch.cuda.is_available() else 'gloo'
    folder = os.environ.get(FOLDER)
    place: dict[str, Any] = (
        {}
        if folder is None
        else {
            'init_method': (Path(folder) / 'store').as_uri(),
            'rank': int(os.environ['RANK']),
            'world_size': int(os.environ['WORLD_SIZE']),
        }
    )
    guarded(lambda: distributed.init_process_group(backend, timeout=timeout, **place))
    return Team(
        rank=distributed.get_rank(),
        size=distributed.get_world_size(),
        local_rank=int(os.environ.get('LOCAL_RANK', '0')),
        local_size=int(os.environ.get('LOCAL_WORLD_SIZE', '1')),
        patient=guarded(lambda: distributed.new_group(backend='gloo', timeout=PATIENCE)),
    )


def member_device(name: str, local_rank: int, local_size: int, *, alone: bool) -> str:
    """
    Return the device of one of ``local_size`` processes on this machine.

    :param alone: whether it is the only process of its team.
    :raises ConfigError: if several would be on one GPU, or there are not enough.
    """
    device = resolve_device(name)
    if alone or device.type == 'cpu':
        return name
    if name not in ('auto', 'cuda'):
        raise ConfigError(
            f'--device is {name}, but each process takes a GPU of its own: use cuda, or auto'
        )
    there = torch.cuda.device_count()
    if local_size > there:
        raise ConfigError(
            f'{local_size} processes need a GPU each, and there are {there}: use --processes '
            f'{there}, or --device cpu'
        )
    return f'cuda:{local_rank}'


def leave_team(team: Team) -> None:
    """Close the connections to the others."""
    if team.size > 1 and distributed.is_initialized():
        distributed.destroy_process_group()


def is_connection_loss(error: RuntimeError) -> bool:
    """Return whether an error of torch means that another process is gone."""
    text = str(error).lower()
    signs = (
        'connection closed by peer',
        'connection reset',
        'socket',
        'timed out',
        'gloo',
        'nccl',
    )
    return any(sign in text for sign in signs)


def guarded(work: Callable[[], ResultT]) -> ResultT:
    """
    Do something that needs the others.

    :raises TeamError: if one of them is gone.
    """
    try:
        return work()
    except RuntimeError as error:
        if not is_connection_loss(error):
            raise
        raise TeamError(GONE) from error
