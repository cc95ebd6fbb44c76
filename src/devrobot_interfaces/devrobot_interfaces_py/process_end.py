"""How a node's process ends: by a signal, by itself, once, whatever else comes meanwhile."""

import contextlib
from queue import Empty, SimpleQueue
import signal

SIGNAL_LATENCY_S = 0.2


class ProcessEnd:
    """
    Lets a node, or a signal, end the process with an exit code.

    Two signals at once need care. The second may interrupt the handler of the first, which must
    not wait for a lock then: ``SimpleQueue.put`` is made for that, ``Event.set`` is not. And the
    kernel may hand both to a thread of the middleware, which leaves the main thread asleep with
    its handler due: so that one looks up now and then.
    """

    def __init__(self) -> None:
        self._wake: SimpleQueue[None] = SimpleQueue()
        self.asked = False
        self.exit_code = 0

    def take_signals(self) -> None:
        """Let SIGINT and SIGTERM end the process; further ones change nothing."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: self.ask())

    def ask(self, exit_code: int = 0) -> None:
        """End the process; the first exit code that is not 0 stays."""
        self.exit_code = self.exit_code or exit_code
        self.asked = True
        self._wake.put(None)

    def wait(self) -> None:
        """Wait until somebody asks; to be called once."""
        while True:
            with contextlib.suppress(Empty):
                return self._wake.get(timeout=SIGNAL_LATENCY_S)
