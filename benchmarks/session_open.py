"""
Frames per second from a bag to a session that can be trained on, and the memory that it takes.

Against the plain way: ``rosbags`` deserialises every image and event, and each image is copied
into one numpy array. *cold* builds our cache anew each time (the bag's pages are warm for both),
*cached* opens what was built and takes a batch, *cached and read* also reads every frame once.
They take turns. The peak memory is that of a process of its own that opens a long session for the
first time.
"""

from collections.abc import Iterator
import contextlib
import json
from pathlib import Path
import shutil
import statistics
import subprocess
import sys
import tempfile

from devrobot_interfaces_py.actions import (
    ActionDefinition,
    ActionEvent,
    ActionSpace,
    Phase,
    SessionInfo,
)
from devrobot_interfaces_py.bags import BagWriter
from devrobot_training.sessions.cache import FOLDER
from devrobot_training.sessions.opening import open_session
import numpy as np
from report import finish, make_parser, measure_in_turn, median_ratio
from rosbags.highlevel import AnyReader

COMPRESSIONS = ('none', 'zstd_chunks')
SIZE = 224
BATCH = 64
START_NS = 1_700_000_000_000_000_000
TICK_NS = 10_000_000
SPACE = ActionSpace(
    robot_name='bench',
    robot_type='bench',
    actions=(
        ActionDefinition(label='stay', separator_color=(255, 0, 0)),
        ActionDefinition(label='move', separator_color=(0, 255, 0)),
    ),
)
INFO = SessionInfo(
    session_id='bench',
    robot_name='bench',
    robot_type='bench',
    action_space_digest='',
    image_topics=(),
)


def pictures() -> np.ndarray:
    """Return (16, 224, 224, 3) uint8 pictures with smooth parts and noise, as of a camera."""
    rng = np.random.default_rng(0)
    ramp = np.linspace(0, 255, SIZE)
    base = (ramp[:, None, None] * [1.0, 0.7, 0.4] + ramp[None, :, None] * [0.0, 0.3, 0.6]) / 2
    noise = rng.integers(-3, 4, (16, SIZE, SIZE, 3))
    return np.clip(base[None] + noise, 0, 255).astype(np.uint8)


def write_bag(path: Path, frames: int, compression: str) -> Path:
    """Write a session of one whole action between each two frames."""
    images = pictures()
    now = START_NS
    with BagWriter(path, action_space=SPACE, session_info=INFO, compression=compression) as writer:
        for number in range(frames):
            writer.frame(now, images[number % len(images)])
            for phase in (Phase.ACCEPTED, Phase.STARTED, Phase.FINISHED):
                now += TICK_NS
                writer.event(
                    ActionEvent(stamp_ns=now, sequence=number, phase=phase, action=number % 2)
                )
            now += TICK_NS
    return path


def read_plainly(bag: Path, frames: int) -> None:
    """Do what anybody would with ``rosbags``: deserialise, and copy the images."""
    pixels = np.empty((frames, SIZE, SIZE, 3), np.uint8)
    events, count = [], 0
    with AnyReader([bag]) as reader:
        for connection, _, raw in reader.messages():
            message = reader.deserialize(raw, connection.msgtype)
            if connection.msgtype == 'sensor_msgs/msg/Image':
                pixels[count] = message.data.reshape(SIZE, SIZE, 3)
                count += 1
            elif connection.topic.endswith('action_events'):
                events.append(message)
    assert (count, len(events)) == (frames, 3 * frames)


def open_cold(bag: Path) -> None:
    """Build the cache."""
    shutil.rmtree(bag / FOLDER, ignore_errors=True)
    open_session(bag)


def open_cached(bag: Path) -> None:
    """Open what was built, and take the pixels of one batch."""
    session = open_session(bag)
    rows = np.linspace(0, len(session) - 1, BATCH).astype(int)
    assert session.frames[session.transitions['before'][rows]].shape[0] == BATCH


def read_cached(bag: Path) -> None:
    """Open what was built, and read every frame."""
    session = open_session(bag)
    pixels = np.empty((BATCH, *session.frames.shape[1:]), np.uint8)
    for begin in range(0, len(session.frames), BATCH):
        part = session.frames[begin : begin + BATCH]
        pixels[: len(part)] = part


def measure(bag: Path, frames: int, rounds: int) -> dict[str, float]:
    """Return frames/s of every way, and the median ratios to the plain one."""
    ways = {
        'plain': lambda: read_plainly(bag, frames),
        'cold': lambda: open_cold(bag),
        'cached': lambda: open_cached(bag),
        'cached_and_read': lambda: read_cached(bag),
    }
    seconds = measure_in_turn(ways, rounds)
    figures = {
        f'{name}_frames_per_second': round(frames / statistics.median(times))
        for name, times in seconds.items()
    }
    for name in ('cold', 'cached', 'cached_and_read'):
        figures[f'ratio_{name}'] = round(median_ratio(seconds['plain'], seconds[name]), 3)
    return figures


def peak_memory(bag: Path) -> dict[str, float]:
    """Open a session for the first time in a process of its own; return what that took."""
    shutil.rmtree(bag / FOLDER, ignore_errors=True)
    command = [sys.executable, __file__, '--open', str(bag)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def open_and_tell(bag: Path) -> None:
    """Open a session and print the memory that this process needed."""
    before = peak_resident_mb()
    session = open_session(bag)
    print(
        json.dumps(
            {
                'frames': len(session.frames),
                'peak_mb': peak_resident_mb(),
                'peak_mb_before_opening': before,
            }
        )
    )


def peak_resident_mb() -> float:
    """Return the largest resident size so far; getrusage would count the parent process in."""
    lines = Path('/proc/self/status').read_text().splitlines()
    (value,) = (line.split()[1] for line in lines if line.startswith('VmHWM:'))
    return round(int(value) * 1024 / 1e6, 1)


@contextlib.contextmanager
def folder_for_bags(where: Path | None) -> Iterator[Path]:
    """Give a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix='session_open_', dir=where) as name:
        yield Path(name)


def main() -> None:
    """Measure and print a line per compression, then the peak memory."""
    parser = make_parser(__doc__, 'python benchmarks/session_open.py --json session_open.json')
    parser.add_argument('--frames', type=int, default=2000, help='frames of the timed session')
    parser.add_argument(
        '--long', type=int, default=50_000, help='frames of the long session; 0 = none (15 GB)'
    )
    parser.add_argument('--folder', type=Path, help='where the bags go for the time being')
    parser.add_argument('--open', type=Path, metavar='BAG', help='only open one, for its memory')
    arguments = parser.parse_args()
    if arguments.open is not None:
        open_and_tell(arguments.open)
        return
    figures: dict = {'frames': arguments.frames}
    with folder_for_bags(arguments.folder) as folder:
        for compression in COMPRESSIONS:
            bag = write_bag(folder / compression, arguments.frames, compression)
            result = measure(bag, arguments.frames, arguments.rounds)
            suffix = '' if compression == 'none' else f'_{compression}'
            figures |= {f'{name}{suffix}': value for name, value in result.items()}
            print(
                f'{compression:12} plain {result["plain_frames_per_second"]:7} frames/s; ratio '
                f'cold {result["ratio_cold"]:.2f}, cached {result["ratio_cached"]:.1f}, '
                f'cached and read {result["ratio_cached_and_read"]:.2f}',
                flush=True,
            )
            shutil.rmtree(bag)
        if arguments.long:
            memory = peak_memory(write_bag(folder / 'long', arguments.long, 'none'))
            figures['long'] = memory
            print(f'{memory["frames"]} frames: {memory["peak_mb"]} MB at most')
    finish(figures, arguments.json)


if __name__ == '__main__':
    main()
