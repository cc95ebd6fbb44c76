"""The checkpoints of one robot type, as the node uses them."""

from collections.abc import Callable
from pathlib import Path

from devrobot_world_model.checkpoint_names import check_name, CheckpointError
from devrobot_world_model.checkpoints import (
    CheckpointInfo,
    CheckpointListing,
    keep_best,
    list_checkpoints,
    load_checkpoint,
    save_checkpoint,
)
from devrobot_world_model.online import OnlineLoop
from devrobot_world_model.results import LoopState


class CheckpointStore:
    """Saves and loads the state of a loop under ``<root>/<robot type>/``."""

    def __init__(
        self, root: Path, robot_type: str, *, run_id: str, now_ns: Callable[[], int]
    ) -> None:
        """
        Refer to a folder; it is made by the first save.

        :raises CheckpointError: if the robot type cannot be the name of a folder.
        """
        self.folder = root / check_name(robot_type)
        self._run_id = run_id
        self._now_ns = now_ns

    def save(
        self, loop: OnlineLoop, *, name: str = '', note: str = '', loss: float
    ) -> CheckpointInfo:
        """
        Save the state of ``loop``; '' makes a name that no other instance uses.

        :param loss: validation loss by which checkpoints are ranked; NaN = not measured.
        """
        state = loop.state()
        return save_checkpoint(
            self.folder,
            name,
            tensors=state.tensors,
            config=state.config,
            metrics={**state.metrics, 'validation_loss': loss},
            counters=state.counters,
            state=state.state,
            note=note,
            run_id=self._run_id,
            now_ns=self._now_ns,
        )

    def load(
        self, loop: OnlineLoop, name: str, *, restore_optimizer: bool = True
    ) -> CheckpointInfo:
        """
        Put a checkpoint into ``loop``; '' is the newest.

        :raises CheckpointError: if it is missing, damaged or does not fit; ``loop`` is as before.
        """
        loaded = load_checkpoint(self.folder, name or self._newest())
        state = LoopState(
            tensors=dict(loaded.tensors),
            config=dict(loaded.config),
            metrics=dict(loaded.metrics),
            counters=dict(loaded.counters),
            state=dict(loaded.state),
        )
        try:
            loop.load_state(state, restore_optimizer)
        except CheckpointError as error:
            raise CheckpointError(f'checkpoint {loaded.info.name!r}: {error}') from error
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            reason = ' '.join(str(error).split())[:300]
            raise CheckpointError(
                f'checkpoint {loaded.info.name!r} does not fit: {reason}'
            ) from error
        return loaded.info

    def list(self) -> CheckpointListing:
        """Return what is there, newest first."""
        return list_checkpoints(self.folder)

    def thin_out(self, keep: int) -> tuple[str, ...]:
        """Keep the ``keep`` best checkpoints of this run; those of other runs stay."""
        others = [info.name for info in self.list().checkpoints if info.run_id != self._run_id]
        return keep_best(self.folder, keep + len(others), protect=others)

    def _newest(self) -> str:
        listing = self.list().checkpoints
        if not listing:
            raise CheckpointError(f'there are no checkpoints in {self.folder}')
        return listing[0].name
