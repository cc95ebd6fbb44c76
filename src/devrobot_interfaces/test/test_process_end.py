"""A process ends once, whoever asks, whatever else comes meanwhile."""

import signal
import sys
import threading
import time
import traceback

from devrobot_interfaces_py.process_end import ProcessEnd

DEADLINE_S = 20.0


def test_a_signal_that_another_thread_receives_ends_the_process():
    end, main_thread = ProcessEnd(), threading.get_ident()

    def is_waiting() -> bool:
        stack = traceback.walk_stack(sys._current_frames()[main_thread])
        return any(frame.f_code is ProcessEnd.wait.__code__ for frame, _ in stack)

    def signal_from_here() -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not is_waiting() and time.monotonic() < deadline:
            time.sleep(0.01)
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    gave_up = 9
    guard = threading.Timer(DEADLINE_S, end.ask, (gave_up,))
    guard.start()
    before = signal.signal(signal.SIGUSR1, lambda *_: end.ask())
    try:
        threading.Thread(target=signal_from_here, daemon=True).start()
        end.wait()
    finally:
        guard.cancel()
        signal.signal(signal.SIGUSR1, before)
    assert end.exit_code == 0


def test_the_first_exit_code_that_is_not_zero_stays():
    end = ProcessEnd()
    assert not end.asked
    for code in (0, 3, 4):
        end.ask(code)
    end.wait()
    assert end.asked and end.exit_code == 3
