"""A toroidal dot world in a few lines, to feed the world model in tests."""

from collections.abc import Iterator
from dataclasses import replace

from devrobot_interfaces_py.actions import ActionDefinition, ActionEvent, ActionSpace, Phase
from devrobot_world_model.config import (
    CanvasConfig,
    ModelConfig,
    OnlineConfig,
    OptimizerConfig,
    WorldModelConfig,
)
import numpy as np

SPACE = ActionSpace(
    robot_name='dot',
    robot_type='dot_world',
    actions=(
        ActionDefinition(label='stay', separator_color=(255, 0, 0)),
        ActionDefinition(label='move', separator_color=(0, 255, 0)),
    ),
)
TINY = WorldModelConfig(
    canvas=CanvasConfig(frame_height=16, frame_width=24, separator_width=4),
    model=ModelConfig(
        patch_size=4,
        encoder_width=32,
        encoder_depth=1,
        encoder_heads=2,
        decoder_width=32,
        decoder_depth=1,
        decoder_heads=2,
    ),
    optimizer=OptimizerConfig(learning_rate=1e-3, warmup_steps=5, precision='fp32'),
    online=OnlineConfig(batch_size=4, replay_frames=64),
)


def tiny(**changes) -> WorldModelConfig:
    """Return the small configuration with other top-level values."""
    return replace(TINY, **changes)


def dot(x: int, y: int, height: int = 16, width: int = 24) -> np.ndarray:
    """Return a frame with a white 4x4 dot whose corner is at (x, y), wrapping around."""
    image = np.zeros((height, width, 3), np.uint8)
    rows = np.arange(y, y + 4) % height
    image[rows[:, None], np.arange(x, x + 4) % width] = 255
    return image


def session(
    steps: int, seed: int = 0, reset_every: int = 0, step_px: int = 4
) -> Iterator[tuple[str, object]]:
    """Yield ('frame', (stamp, image)) and ('event', ActionEvent) as a driver would send them."""
    rng = np.random.default_rng(seed)
    x, y = int(rng.integers(24)), int(rng.integers(16))
    now, sequence = 1000, 0
    yield 'frame', (now, dot(x, y))
    for index in range(steps):
        if reset_every and index and index % reset_every == 0:
            sequence += 1
            x, y = int(rng.integers(24)), int(rng.integers(16))
            now += 10
            yield 'event', ActionEvent(stamp_ns=now, sequence=sequence, phase=Phase.RESET)
            now += 10
            yield 'frame', (now, dot(x, y))
        sequence += 1
        action = int(rng.integers(2))
        for phase in (Phase.ACCEPTED, Phase.STARTED, Phase.FINISHED):
            now += 10
            yield 'event', ActionEvent(stamp_ns=now, sequence=sequence, phase=phase, action=action)
        x = (x + step_px * action) % 24
        now += 10
        yield 'frame', (now, dot(x, y))


def feed(loop, items) -> list:
    """Feed ``items`` to an OnlineLoop, learning whenever it wants; return (update, result)."""
    results = []
    for kind, item in items:
        update = loop.on_frame(*item) if kind == 'frame' else loop.on_event(item)
        results.append((update, loop.learn() if update.learn else None))
    return results
