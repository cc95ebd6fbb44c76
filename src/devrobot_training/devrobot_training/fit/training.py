"""
A training from sessions to a summary: what the command and the action server run.

Everything a run needs is in its folder: a run that was stopped, or killed, goes on from its last
checkpoint as if nothing had happened.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from devrobot_training.data.canvases import CanvasSet, make_canvases
from devrobot_training.fit.compiling import compiles
from devrobot_training.fit.config import TrainConfig
from devrobot_training.fit.events import Listener
from devrobot_training.fit.kept_settings import begin_settings, read_settings
from devrobot_training.fit.loop import Fitter, Parts
from devrobot_training.fit.problems import RunError
from devrobot_training.fit.run_folder import RunFolder, taken_away_on_failure
from devrobot_training.fit.saved_state import restore, save
from devrobot_training.fit.starting import take_weights
from devrobot_training.fit.stopping import Stop
from devrobot_training.fit.team import Team
from devrobot_training.sessions.opening import open_session
from devrobot_training.sessions.session import check_same_action_space, Session
from devrobot_training.sessions.splits import PartConfig, split_in_two
from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.learning.processor import prepare_processor
from devrobot_world_model.learning.step import Learner
from devrobot_world_model.model.factory import build_model
import torch

Reading = Callable[[int, int], None]


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """
    What is trained on: one session that is split in time, or two.

    ``start`` is a checkpoint folder whose weights are the beginning; '' = random weights.
    """

    train: Path
    validation: Path | None = None
    start: str = ''
    namespace: str = ''
    skip_faulty: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return plain data with absolute paths."""
        return {
            'train': str(self.train.resolve()),
            'validation': None if self.validation is None else str(self.validation.resolve()),
            'start': self.start and str(Path(self.start).resolve()),
            'namespace': self.namespace,
            'skip_faulty': self.skip_faulty,
        }

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> 'Inputs':
        """
        Return what ``to_dict`` gave.

        :raises RunError: if something is missing.
        """
        try:
            validation = value['validation']
            return cls(
                train=Path(value['train']),
                validation=None if validation is None else Path(validation),
                start=str(value['start']),
                namespace=str(value['namespace']),
                skip_faulty=bool(value['skip_faulty']),
            )
        except KeyError as error:
            raise RunError(f'the inputs of the run are damaged: {error} is missing') from error
        except TypeError as error:
            raise RunError(f'the inputs of the run are damaged: {error}') from error


@dataclass(frozen=True, kw_only=True)
class Data:
    """The canvases of a training."""

    train: CanvasSet
    validation: CanvasSet
    digests: Mapping[str, str]


def open_data(inputs: Inputs, config: TrainConfig, reading: Reading | None = None) -> Data:
    """
    Open the sessions and make their canvases.

    :param reading: called with how much is done of reading a bag, or the frames of a session.
    :raises SessionError: if a session cannot be used, or the two do not fit together.
    """

    def opened(path: Path) -> Session:
        return open_session(
            path, namespace=inputs.namespace, skip_faulty=inputs.skip_faulty, progress=reading
        )

    whole = opened(inputs.train)
    if inputs.validation is None:
        parts = PartConfig(train_ratio=config.fit.train_ratio, history=config.canvas.frames)
        stage = split_in_two(whole, parts)
        pair = [
            whole.select([part], name=f'{whole.name}_{name}')
            for name, part in (('train', stage.train), ('validation', stage.validation))
        ]
    else:
        pair = [whole, opened(inputs.validation)]
        check_same_action_space(pair)
    train, validation = (canvases_of(session, config, reading) for session in pair)
    digests = {session.name: session.digest for session in pair}
    return Data(train=train, validation=validation, digests=digests)


def canvases_of(
    session: Session, config: TrainConfig, reading: Reading | None = None
) -> CanvasSet:
    """Return the canvases of a session, kept where ``config`` says."""
    return make_canvases(
        [session],
        CanvasLayout.from_config(config.world_model()),
        store=config.fit.store,
        memory_bytes=int(config.fit.memory_gb * 1e9),
        progress=reading,
    )


class Training:
    """A run folder with its data, learner and loop."""

    def __init__(
        self,
        folder: RunFolder,
        config: TrainConfig,
        data: Data,
        *,
        listeners: Sequence[Listener] = (),
        team: Team | None = None,
    ) -> None:
        """
        Build the model.

        :raises ConfigError: if the device is not there.
        """
        self.folder = folder
        self.config = config
        self.data = data
        self.team = team or Team()
        prepare_processor(config.threads)
        place = self.team.device(config.device)
        model = build_model(replace(config.world_model(), device=place))
        device = next(model.parameters()).device
        if device.type == 'cuda':
            torch.cuda.set_device(device)
        data.train.store.to(device)
        generator = torch.Generator(device).manual_seed(config.seed)
        self.learner = Learner(
            model,
            loss=config.loss,
            optimizer=config.optimizer,
            generator=generator,
            forward=_forward(model, config, self.team),
            part=(self.team.rank, self.team.size),
        )
        self.fitter = Fitter(
            config,
            Parts(learner=self.learner, train=data.train, validation=data.validation),
            save=self._save,
            listeners=tuple(listeners),
            team=self.team,
        )

    def begin_from(self, path: Path, *, moments: bool = False) -> None:
        """
        Take the weights of a checkpoint; a shallower model grows.

        :param moments: take those of the optimiser as well, if there are any that fit: without
            them a trained model is worse after the first steps than before.
        :raises CheckpointError: if the weights do not fit.
        """
        take_weights(self.learner, path, self.config, moments=moments)
        if self.fitter.average is not None:
            values = {n: p.detach().clone() for n, p in self.learner.model.named_parameters()}
            self.fitter.average.restore(values)

    def resume(self) -> bool:
        """
        Go on from the last checkpoint; return whether there was one.

        :raises CheckpointError: if it is damaged.
        :raises RunError: if it is of another kind of run, or its ``last`` is no link.
        """
        name = self.folder.newest()
        if not name:
            return False
        restore(self.folder, name, self.fitter, self.config)
        return True

    def begin(self, start: str, *, go_on: bool, moments: bool = False) -> bool:
        """
        Take the last state of the folder, or else the weights of ``start``.

        A run that was killed before its first checkpoint goes on from the beginning.

        :param start: see ``Inputs``.
        :param go_on: whether there may be a state to go on from; returned is whether there was.
        :param moments: see ``begin_from``.
        """
        resumed = go_on and self.resume()
        if start and not resumed:
            self.begin_from(Path(start), moments=moments)
        return resumed

    def run(self, should_stop: Callable[[], bool] = lambda: False) -> Stop:
        """Train; see ``Fitter.run``."""
        return self.fitter.run(should_stop)

    def _save(self, best: bool) -> None:
        save(self.folder, self.fitter, self.config, best=best)


def make_run(
    root: Path,
    run_id: str,
    settings: tuple[TrainConfig, Inputs],
    data: Data,
    command: Sequence[str],
) -> RunFolder:
    """
    Make the folder of a new run, with what a resume needs.

    :raises RunError: if there is one of this name.
    :raises OSError: if the disk refuses; nothing is left then.
    """
    config, inputs = settings
    folder = RunFolder.create(root, data.train.sessions[0].bag.name, run_id)
    facts = {
        'inputs': inputs.to_dict(),
        'digests': dict(data.digests),
        'command': list(command),
    }
    with taken_away_on_failure(folder, new=True):
        begin_settings(folder, config, facts)
    return folder


def read_run(folder: RunFolder) -> tuple[TrainConfig, Inputs]:
    """
    Return the settings and inputs of a run that is to be resumed.

    :raises RunError: if this is no run folder, or its settings are not those that it has.
    """
    inputs = Inputs.from_dict(folder.read_part('inputs'))
    return read_settings(folder, TrainConfig), inputs


def _forward(model: Any, config: TrainConfig, team: Team) -> Callable[..., Any]:
    """Return what computes the model in a training step."""
    inner = team.wrap(model)
    device = next(model.parameters()).device.type
    return torch.compile(inner) if compiles(config.fit.compile, device) else inner


def same_data(folder: RunFolder, data: Data) -> None:
    """
    Refuse to resume a run on other recordings.

    :raises RunError: naming the session that changed.
    """
    recorded = folder.read_part('digests')
    for name, digest in data.digests.items():
        if recorded.get(name, digest) != digest:
            raise RunError(
                f'{name} has changed since the run began (digest {digest}, then '
                f'{recorded[name]}): start a new run'
            )
