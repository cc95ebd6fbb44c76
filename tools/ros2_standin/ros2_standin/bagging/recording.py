"""Record topics: subscribe to what appears, write in a thread of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
import re
import threading
import time
from typing import Any

from rclpy.node import Node
from rosbags.interfaces import Connection

from ros2_standin.bagging.files import BagFiles
from ros2_standin.bagging.qualities import for_recording, offered
from ros2_standin.bagging.types import Definitions
from ros2_standin.errors import StandinError
from ros2_standin.graph import is_hidden
from ros2_standin.messages import load_interface

FLUSH_S = 0.4


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Which topics are recorded."""

    everything: bool = False
    topics: tuple[str, ...] = ()
    regex: str = ''
    exclude_regex: str = ''
    exclude_topics: tuple[str, ...] = ()
    hidden: bool = False

    def takes(self, topic: str) -> bool:
        """Return whether a topic is wanted."""
        if topic in self.topics:
            return True
        if topic in self.exclude_topics or (is_hidden(topic) and not self.hidden):
            return False
        if self.exclude_regex and re.search(self.exclude_regex, topic):
            return False
        return self.everything or bool(self.regex and re.search(self.regex, topic))


@dataclass(frozen=True, kw_only=True)
class Limits:
    """When the next file begins, and how much may wait to be written; 0 = no limit."""

    file_bytes: int = 0
    file_ns: int = 0
    cache_bytes: int = 100 * 1024 * 1024


class Recorder:
    """Subscribes in the caller's thread, which spins the node, and writes in another."""

    def __init__(
        self,
        node: Node,
        files: BagFiles,
        choice: Choice,
        limits: Limits,
        say: Callable[[str], None],
    ) -> None:
        self._node = node
        self._files = files
        self._choice = choice
        self._limits = limits
        self._say = say
        self._definitions = Definitions()
        self._subscribed: dict[str, Any] = {}
        self._queue: deque[tuple[Any, int, bytes]] = deque()
        self._waiting_bytes = 0
        self._lock = threading.Condition()
        self._ending = False
        self._error: OSError | None = None
        self._thread = threading.Thread(target=self._write_all)
        self.dropped = 0

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def discover(self) -> None:
        """
        Subscribe to the wanted topics that have appeared.

        :raises OSError: if the bag could not be written.
        """
        if self._error is not None:
            raise self._error
        for topic, types in self._node.get_topic_names_and_types():
            if topic in self._subscribed or not self._choice.takes(topic):
                continue
            publishers = self._node.get_publishers_info_by_topic(topic)
            if not publishers:
                continue
            if len(types) > 1:
                self._give_up(topic, f'it has several types: {", ".join(types)}')
                continue
            self._subscribe(topic, types[0], [p.qos_profile for p in publishers])

    def stop(self) -> None:
        """
        Write what is waiting, and close the bag.

        :raises OSError: if the bag could not be written.
        """
        with self._lock:
            self._ending = True
            self._lock.notify()
        self._thread.join()
        self._files.close()
        if self._error is not None:
            raise self._error

    def _subscribe(self, topic: str, type_name: str, profiles: list[Any]) -> None:
        try:
            kind = load_interface(type_name, 'msg')
            definition = self._definitions.of(type_name)
        except StandinError as error:
            self._give_up(topic, str(error))
            return
        qos = [offered(profile) for profile in profiles]
        # The topic is told to the writing thread, in the order of what it gets.
        place: list[Connection] = []

        def introduce() -> None:
            place.append(self._files.add_topic(topic, definition, qos))

        self._put(introduce, 0, b'')

        def take(raw: bytes, info: dict[str, Any]) -> None:
            self._put(place, info.get('received_timestamp') or time.time_ns(), raw)

        self._subscribed[topic] = self._node.create_subscription(
            kind, topic, take, for_recording(profiles), raw=True
        )
        self._say(f"Subscribed to topic '{topic}'")

    def _give_up(self, topic: str, reason: str) -> None:
        self._subscribed[topic] = None
        self._say(f"Topic '{topic}' is not recorded: {reason}")

    def _put(self, target: Any, stamp_ns: int, raw: bytes) -> None:
        with self._lock:
            if raw and self._waiting_bytes + len(raw) > self._limits.cache_bytes:
                self.dropped += 1
                return
            self._queue.append((target, stamp_ns, raw))
            self._waiting_bytes += len(raw)
            self._lock.notify()

    def _write_all(self) -> None:
        flushed = time.monotonic()
        while True:
            with self._lock:
                if not self._queue and not self._ending:
                    self._lock.wait(FLUSH_S / 4)
                batch, self._queue = self._queue, deque()
                self._waiting_bytes = 0
                last = self._ending
            try:
                for target, stamp_ns, raw in batch:
                    self._write(target, stamp_ns, raw)
                if time.monotonic() - flushed >= FLUSH_S:
                    self._files.flush()
                    flushed = time.monotonic()
            except OSError as error:
                self._error = error
            if self._error is not None or (last and not batch):
                return

    def _write(self, target: Any, stamp_ns: int, raw: bytes) -> None:
        if callable(target):
            target()
            return
        self._files.write(target[0], stamp_ns, raw)
        limits = self._limits
        if (limits.file_bytes and self._files.file_size >= limits.file_bytes) or (
            limits.file_ns and self._files.file_age_ns >= limits.file_ns
        ):
            self._files.split()
