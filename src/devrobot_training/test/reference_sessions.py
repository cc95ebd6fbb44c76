"""Folders in the format with one JPEG per observation, right and spoilt."""

from dataclasses import dataclass, field
import json
from pathlib import Path
from typing import Any

from devrobot_interfaces_py.images import encode_jpeg
from session_worlds import picture

STAY = {'motor_left': 0.0, 'motor_right': 0.0, 'duration': 0.2}
TURN = {'motor_left': 0.0, 'motor_right': 0.12, 'duration': 0.2}
START_S = 1_700_000_000.0
STEP_S = 0.25
BRIGHTER = 10  # from frame to frame, so that JPEG does not blur which one it is


@dataclass
class ReferenceSession:
    """Lines of events and images, in order; a test may spoil them before they are written."""

    meta: dict[str, Any] = field(
        default_factory=lambda: {
            'session_name': 'session_20250101_120000',
            'robot_type': 'jetbot',
            'start_time': '2025-01-01T12:00:00',
            'action_space': [STAY, TURN],
        }
    )
    lines: list[dict[str, Any]] = field(default_factory=list)
    images: dict[str, bytes] = field(default_factory=dict)

    def observe(self, size: int = 16) -> None:
        number = len(self.images)
        name = f'frames/frame_{number:06}.jpg'
        self.images[name] = encode_jpeg(picture(number * BRIGHTER, size, size + 8))
        self._add('observation', {'frame_path': name})

    def act(self, action: dict[str, Any]) -> None:
        self._add('action', dict(action))

    def _add(self, kind: str, data: dict[str, Any]) -> None:
        step = len(self.lines)
        stamp = START_S + STEP_S * step
        self.lines.append({'step': step, 'type': kind, 'data': data, 'timestamp': stamp})

    def write(self, folder: Path, shard_size: int = 4) -> Path:
        """Write the session with a few lines in each shard."""
        (folder / 'frames').mkdir(parents=True)
        (folder / 'session_meta.json').write_text(json.dumps(self.meta))
        for number, begin in enumerate(range(0, len(self.lines), shard_size)):
            part = self.lines[begin : begin + shard_size]
            text = ''.join(json.dumps(line) + '\n' for line in part)
            (folder / f'events_shard_{number:03}.jsonl').write_text(text)
        for name, data in self.images.items():
            (folder / name).write_bytes(data)
        return folder


def recorded(actions: list[int]) -> ReferenceSession:
    """Return a session of these actions, with an observation before and after each."""
    made = ReferenceSession()
    made.observe()
    for action in actions:
        made.act((STAY, TURN)[action])
        made.observe()
    return made


def frame_numbers(session) -> list[tuple[int, int]]:
    """Return which frames are before and after each transition of an imported session."""
    grey = session.frames[:, 0, 0, 0].astype(float) / BRIGHTER
    numbers = grey.round().astype(int)
    rows = session.transitions
    return list(
        zip(numbers[rows['before']].tolist(), numbers[rows['after']].tolist(), strict=True)
    )
