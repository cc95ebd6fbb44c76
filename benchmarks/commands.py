"""Commands of the project as a user types them."""

from pathlib import Path
import subprocess
import sys

#: A world in which a small model learns fast.
SMALL_DOT = ('--width', '64', '--height', '64', '--radius', '3', '--step-px', '13')


def ros2_run(package: str, command: str, *words: str) -> None:
    """Run a command of the project; end with its words if it fails."""
    done = subprocess.run(
        ['ros2', 'run', package, command, *words], capture_output=True, text=True, check=False
    )
    if done.returncode:
        sys.exit(f'{command} failed: {done.stderr.strip() or done.stdout.strip()}')


def record_dot(folder: Path, steps: int, *words: str) -> Path:
    """Record one session of the toroidal dot; return its bag."""
    count = ('--train-steps', str(steps), '--num-val-sessions', '0')
    place = ('--quiet', '--output-dir', str(folder))
    ros2_run('devrobot_robots', 'record_toroidal', *count, *words, *place)
    return next(folder.glob('train_*'))
