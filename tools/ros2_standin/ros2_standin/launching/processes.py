"""What a launch file asks for: processes and messages, in order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

SIGTERM_TIMEOUT_S = 5.0
SIGKILL_TIMEOUT_S = 5.0


@dataclass(frozen=True, kw_only=True)
class ProcessSpec:
    """One process to be started."""

    label: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(repr=False)
    cwd: str | None = None
    shell: bool = False
    show_stdout: bool = False
    respawn: bool = False
    respawn_delay_s: float = 0.0
    is_required: bool = False
    sigterm_timeout_s: float = SIGTERM_TIMEOUT_S
    sigkill_timeout_s: float = SIGKILL_TIMEOUT_S


@dataclass(frozen=True, kw_only=True)
class Message:
    """A line to be logged."""

    text: str


Step: TypeAlias = ProcessSpec | Message
