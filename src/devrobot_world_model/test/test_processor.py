"""A process that trains uses the threads that it was given and keeps the memory that it frees."""

import os
import subprocess
import sys

import pytest

FAULTS = """
import resource
from devrobot_world_model.learning.processor import prepare_processor
import torch

if {prepared}:
    prepare_processor(1)
torch.ones(1)

def step():
    return [torch.ones(2_000_000).sum() for _ in range(5)]

for _ in range(5):  # until the heap is as large as it gets
    step()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(10):
    step()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def run(program: str) -> str:
    # glibc raises its threshold by itself at some time or other, unless it is given one.
    environment = {**os.environ, 'MALLOC_MMAP_THRESHOLD_': str(128 * 1024)}
    done = subprocess.run(
        [sys.executable, '-c', program], capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(sys.platform != 'linux', reason='the memory of glibc')
def test_memory_is_not_given_back_between_two_steps():
    plain, prepared = (int(run(FAULTS.format(prepared=value))) for value in (False, True))
    # 50 tensors of 8 MB are 100,000 pages of 4 KB.
    assert plain > 50_000
    assert prepared < 1000


def test_torch_uses_as_many_threads_as_it_is_told():
    program = (
        'from devrobot_world_model.learning.processor import prepare_processor\n'
        'import torch\n'
        'prepare_processor(3)\n'
        'print(torch.get_num_threads())'
    )
    assert run(program).strip() == '3'
