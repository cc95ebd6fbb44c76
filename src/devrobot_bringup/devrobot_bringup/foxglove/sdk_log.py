"""What the SDK logs, among it the one thing that must be acted on."""

from collections.abc import Callable
import logging
import re

SDK_LOGGER = 'foxglove'
UNKNOWN_CHANNEL = re.compile(r'subscribe to unknown channel: (\d+)')


class SdkLog(logging.Handler):
    """
    Passes the lines of the SDK on, and notices subscriptions that it dropped.

    The SDK (0.30.3) announces a channel before it is ready for subscriptions to it. On a busy
    machine a viewer can be faster; its subscription is lost and the viewer will not try again
    unless the channel is announced anew. A line in the log is the only sign of it.
    """

    def __init__(
        self, *, on_dropped_subscription: Callable[[int], None], on_line: Callable[[str], object]
    ) -> None:
        super().__init__(logging.WARNING)
        self._on_dropped_subscription = on_dropped_subscription
        self._on_line = on_line

    def attach(self) -> None:
        """Begin to listen."""
        logging.getLogger(SDK_LOGGER).addHandler(self)

    def detach(self) -> None:
        """Stop to listen."""
        logging.getLogger(SDK_LOGGER).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take one line; comes from any thread."""
        message = record.getMessage()
        match = UNKNOWN_CHANNEL.search(message)
        if match is None:
            self._on_line(message)
        else:
            self._on_dropped_subscription(int(match.group(1)))
