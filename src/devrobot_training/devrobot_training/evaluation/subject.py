"""The subject of an evaluation: a checkpoint, its model, and where the files about it go."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from devrobot_interfaces_py.configs import config_from_dict
from devrobot_training.data.canvases import CanvasSet
from devrobot_training.evaluation.config import EvaluationConfig
from devrobot_training.evaluation.evaluate import evaluate, Evaluation, Progress
from devrobot_training.evaluation.files import write_evaluation
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.checkpoint_names import CheckpointError
from devrobot_world_model.checkpoints import CheckpointInfo
from devrobot_world_model.config import WorldModelConfig
from devrobot_world_model.learning.restoring import load_model
from devrobot_world_model.model.mae import WorldModel
import numpy as np

CHECKPOINTS, EVALUATIONS = 'checkpoints', 'evaluations'


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model that is measured, with the settings and the folder that it came from."""

    path: Path
    model: WorldModel
    config: WorldModelConfig
    info: CheckpointInfo

    @property
    def layout(self) -> CanvasLayout:
        """The canvases that it knows."""
        return CanvasLayout.from_config(self.config)

    def measure(
        self,
        canvases: CanvasSet,
        config: EvaluationConfig,
        *,
        train: CanvasSet | None = None,
        progress: Progress | None = None,
        measured: Callable[[np.ndarray], None] = lambda losses: None,
        should_stop: Callable[[], bool] = lambda: False,
    ) -> Evaluation:
        """Measure it by its own loss; see ``evaluate``."""
        return evaluate(
            self.model,
            canvases,
            config,
            loss=self.config.loss,
            precision=self.config.optimizer.precision,
            train=train,
            progress=progress,
            measured=measured,
            should_stop=should_stop,
        )

    def write(self, evaluation: Evaluation, session: Path, folder: Path | None = None) -> Path:
        """
        Write data, pictures and page to ``folder``, by default the usual one; return the page.

        :param session: what was measured with, as it was named.
        """
        name = evaluation.canvases.name
        facts = {
            'session': str(session),
            'checkpoint': str(self.path),
            'step': str(self.info.optimizer_step),
        }
        return write_evaluation(
            evaluation,
            folder or usual_folder(self.path, name),
            title=f'{name}: {self.path.name}',
            facts=facts,
        )


def load_subject(path: Path, device: str = 'auto') -> Subject:
    """
    Load the checkpoint in the folder ``path``.

    :raises CheckpointError: if it is missing, damaged, or of an architecture that is not known.
    :raises ConfigError: if ``device`` was asked for and is not there.
    """
    if not path.name:
        raise CheckpointError(f'{path} names no checkpoint: give its folder')
    model, loaded = load_model(path.parent, path.name, device)
    config = config_from_dict(WorldModelConfig, loaded.config)
    return Subject(path=path, model=model, config=config, info=loaded.info)


def usual_folder(checkpoint: Path, session: str) -> Path:
    """
    Return where an evaluation goes: beside the checkpoints, so that no two runs share it.

    ``runs/walk/monday/checkpoints/best`` gives ``runs/walk/monday/evaluations/best/<session>``,
    ``saved/checkpoints/jetbot/mine`` gives ``saved/evaluations/jetbot/mine/<session>``.
    """
    parts = checkpoint.absolute().parent.parts
    if CHECKPOINTS in parts[-2:]:
        place = len(parts) - 1 - parts[::-1].index(CHECKPOINTS)
        parts = (*parts[:place], EVALUATIONS, *parts[place + 1 :])
    else:
        parts = (*parts[:-1], EVALUATIONS, parts[-1])
    folder = Path(*parts, checkpoint.name, session)
    # As the user wrote it: relative to here where the checkpoint was.
    here = Path.cwd()
    inside = not checkpoint.is_absolute() and folder.is_relative_to(here)
    return folder.relative_to(here) if inside else folder
