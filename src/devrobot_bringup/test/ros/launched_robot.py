"""A launch file that runs for real."""

import os
from pathlib import Path
import signal
import subprocess
import time

DEADLINE_S = 60.0


class Launch:
    """The launched robot; the first failure shows its output."""

    def __init__(
        self, domain_id: int, log: Path, *arguments: str, file: str = 'toroidal_dot.launch.py'
    ) -> None:
        self.log = log
        with log.open('wb') as output:
            self.process = subprocess.Popen(
                ['ros2', 'launch', 'devrobot_bringup', file, *arguments],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={
                    **os.environ,
                    'ROS_DOMAIN_ID': str(domain_id),
                    'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
                },
            )

    def wait_for_line(self, text: str) -> None:
        end = time.monotonic() + DEADLINE_S
        while text not in self.log.read_text():
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def stop(self) -> int:
        """End it as a supervisor would, and return the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(DEADLINE_S)
        finally:
            if self.process.poll() is None:
                os.killpg(self.process.pid, signal.SIGKILL)
