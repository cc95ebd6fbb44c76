"""A training server with its folders, and a client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip('rclpy')

from fit_worlds import dot_session, limited, open_small, train_small, write_config


@pytest.fixture(scope='module')
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders with a session, the settings of a small model, and a run of it."""
    root = tmp_path_factory.mktemp('server')
    bag = dot_session(root / 'sessions' / 'walk')
    (root / 'configs').mkdir()
    write_config(root / 'configs' / 'small.yaml')
    train_small(root / 'trained' / 'walk' / 'whole', open_small(bag), limited(40))
    return root


@pytest.fixture
def settings(root: Path, tmp_path: Path) -> dict[str, Any]:
    """Parameters of a server that finds those folders, and has runs of its own."""
    return {
        'runs_dir': str(tmp_path / 'runs'),
        'sessions_dir': str(root / 'sessions'),
        'configs_dir': str(root / 'configs'),
        'checkpoints_dir': str(root / 'trained'),
        'feedback_period': 0.05,
    }


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv('ROS_AUTOMATIC_DISCOVERY_RANGE', 'LOCALHOST')
    from training_graph import Client

    client = Client()
    yield client
    client.close()


@pytest.fixture
def server(client: Any, settings: dict[str, Any]) -> Iterator[Any]:
    from training_graph import Server

    server = Server(**settings)
    yield server
    server.close()
