"""A folder to run commands in, and a session there."""

from pathlib import Path

from drawn_sessions import walk
import pytest

ACTIONS = [1, 0, 1, 1, None, 0, 1, 1, 0, 1] * 5  # 45 transitions in 6 chains


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A folder to work in, so that the default places are below it."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def bag(folder) -> Path:
    return walk(ACTIONS, ring=32).write(folder / 'saved/sessions/bot/monday')
