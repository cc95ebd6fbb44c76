"""The file of frames: whatever interrupts it, no thread is left that a process would wait for."""

import subprocess
import sys
import threading

from devrobot_training.sessions.frame_file import FrameFile, map_frames
import numpy as np
import pytest
from session_worlds import picture

DEADLINE_S = 60  # of a process that does not end at all


def test_frames_come_back_in_their_order(tmp_path):
    with FrameFile(tmp_path / 'frames') as file:
        assert [file.append(picture(number)) for number in range(5)] == [0, 1, 2, 3, 4]
        assert not file.fits(picture(0, height=9))
    frames = map_frames(tmp_path / 'frames', 5, (4, 6, 3))
    assert (frames == np.stack([picture(number) for number in range(5)])).all()


def test_an_interrupt_while_the_writing_thread_starts_ends_it(tmp_path, monkeypatch):
    started = []
    start = threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        started.append(thread)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, 'start', interrupted)
    with pytest.raises(KeyboardInterrupt):
        FrameFile(tmp_path / 'frames').__enter__()
    (thread,) = started
    thread.join(DEADLINE_S)
    assert not thread.is_alive()


def test_a_process_ends_though_a_second_interrupt_cut_the_ending_short(tmp_path):
    program = (
        'from pathlib import Path; import sys; '
        'from devrobot_training.sessions.frame_file import FrameFile; '
        'FrameFile(Path(sys.argv[1])).__enter__(); sys.exit(130)'
    )
    command = [sys.executable, '-c', program, str(tmp_path / 'frames')]
    assert subprocess.run(command, check=False, timeout=DEADLINE_S).returncode == 130
