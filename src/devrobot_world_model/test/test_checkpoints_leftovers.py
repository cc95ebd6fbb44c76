"""What a crash leaves behind goes with a later save; work in hand and an only copy stay."""

import os
import time

from devrobot_world_model.checkpoints import save_checkpoint
import torch


def leave(folder, name, hours_ago):
    path = folder / name
    path.mkdir(parents=True)
    (path / 'tensors.safetensors').write_bytes(b'half')
    then = time.time() - 3600.0 * hours_ago
    os.utime(path, (then, then))


def test_old_leftovers_of_saves_and_deletions_are_swept_and_nothing_else(tmp_path):
    for name, hours_ago in (
        ('.saving-old', 2.0),
        ('.deleting-old', 2.0),
        ('.saving-now', 0.0),
        ('.retired-old', 2.0),
        ('a-checkpoint', 2.0),
    ):
        leave(tmp_path, name, hours_ago)
    save_checkpoint(
        tmp_path, 'new', tensors={'model.weight': torch.zeros(2)}, config={}, metrics={},
        counters={},
    )  # fmt: skip
    left = sorted(path.name for path in tmp_path.iterdir())
    assert left == ['.retired-old', '.saving-now', 'a-checkpoint', 'new']
