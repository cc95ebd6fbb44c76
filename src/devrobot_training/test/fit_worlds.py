"""A dot that moves on a small torus, recorded, and a model small enough to learn it in a test."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.configs import config_to_dict, replace_dotted
from devrobot_training.fit.config import FitConfig, TrainConfig
from devrobot_training.fit.events import Event, StepDone
from devrobot_training.fit.run_folder import RunFolder
from devrobot_training.fit.training import Data, Inputs, open_data, Training
from devrobot_world_model.config import CanvasConfig, ModelConfig, OptimizerConfig
import numpy as np
from session_worlds import INFO, Tape
import yaml

HEIGHT, WIDTH = 16, 24
PARAMETERS = (('width', str(WIDTH)), ('height', str(HEIGHT)), ('radius', '2'), ('step', '4'))
SMALL = TrainConfig(
    canvas=CanvasConfig(frame_height=HEIGHT, frame_width=WIDTH, separator_width=4),
    model=ModelConfig(
        patch_size=4,
        encoder_width=32,
        encoder_depth=1,
        encoder_heads=2,
        decoder_width=32,
        decoder_depth=1,
        decoder_heads=2,
    ),
    optimizer=OptimizerConfig(learning_rate=1e-3, warmup_steps=5),
    fit=FitConfig(batch_size=4, validate_every=40, validation_size=12, checkpoint_every=60),
)


def small(**changes: Any) -> TrainConfig:
    """Return the small configuration with other values; ``fit__ema`` is ``fit.ema``."""
    return replace_dotted(SMALL, {k.replace('__', '.'): v for k, v in changes.items()})


def write_config(path: Path, config: TrainConfig = SMALL) -> Path:
    """Write settings to a file for ``--config``; return it."""
    path.write_text(yaml.safe_dump(config_to_dict(config)))
    return path


def dot(x: int, y: int) -> np.ndarray:
    image = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    rows, columns = np.arange(y, y + 4) % HEIGHT, np.arange(x, x + 4) % WIDTH
    image[rows[:, None], columns] = 255
    return image


def dot_session(
    folder: Path, steps: int = 60, seed: int = 0, reset_every: int = 12, **settings: Any
) -> Path:
    """Record a dot that stays or moves 4 px to the right; ``settings`` are those of the bag."""
    rng = np.random.default_rng(seed)
    tape = Tape()
    x, y = rng.integers(WIDTH), rng.integers(HEIGHT)
    tape.frame(dot(x, y))
    for step in range(steps):
        if step and step % reset_every == 0:
            x, y = rng.integers(WIDTH), rng.integers(HEIGHT)
            tape.reset()
            tape.items[-1] = (tape.items[-1][0], dot(x, y))
        action = int(rng.integers(2))
        x = (x + 4 * action) % WIDTH
        tape.act(action)
        tape.items[-1] = (tape.items[-1][0], dot(x, y))
    return tape.write(folder, session_info=replace(INFO, parameters=PARAMETERS), **settings)


def open_small(bag: Path, config: TrainConfig = SMALL) -> Data:
    return open_data(Inputs(train=bag), config)


class Losses:
    """Keeps every event, and the losses of every step by its number."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.by_step: dict[int, tuple[float, ...]] = {}

    def __call__(self, event: Event) -> None:
        self.events.append(event)
        if isinstance(event, StepDone):
            self.by_step[event.step] = tuple(event.hybrid.tolist())

    def of_kind(self, kind: type) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def train_small(
    folder: Path, data: Data, config: TrainConfig, *, until: int | None = None
) -> tuple[Losses, Training]:
    """Start or resume a training in ``folder``; ``until`` ends it after that step."""
    losses = Losses()
    folder.mkdir(parents=True, exist_ok=True)
    training = Training(RunFolder(folder), config, data, listeners=[losses])
    training.resume()
    training.run(lambda: until is not None and training.learner.step >= until)
    return losses, training


def limited(samples: int, **changes: Any) -> TrainConfig:
    config = small(**changes)
    return replace(config, stopping=replace(config.stopping, max_samples=samples))
