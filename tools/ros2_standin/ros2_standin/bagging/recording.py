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
    types: tuple[str, ...] = ()
    regex: str = ''
    exclude_regex: str = ''
    exclude_topics: tuple[str, ...] = ()
    exclude_types: tuple[str, ...] = ()
    hidden: bool = False

    def takes(self, topic: str, kind: str) -> bool:
        """Return whether a topic of this type is wanted."""
        if topic in self.exclude_topics or kind in self.exclude_types:
            return False
        if is_hidden(topic) and not self.hidden:
            return False
        if self.exclude_regex and re.search(self.exclude_regex, topic):
            return False
        named = topic in self.topics or kind in self.types
        return self.everything or named or bool(self.regex and re.search(self.regex, topic))

    @property
    def is_closed(self) -> bool:
        """Whether all topics are known by name, so that one can stop to look for them."""
        return not (self.everything or self.types or self.regex)


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
        *,
        sim_time: bool = False,
    ) -> None:
        self._node = node
        self._choice = choice
        self._sim_time = sim_time
        self._say = node.get_logger().info
        self._definitions = Definitions()
        self._subscribed: dict[str, Any] = {}
        self._writer = Writer(files, limits)
        self.received = 0

    def start(self) -> None:
        """Begin to write."""
        self._writer.start()

    @property
    def dropped(self) -> int:
        """Messages for which there was no room."""
        return self._writer.dropped

    @property
    def is_complete(self) -> bool:
        """Whether there is nothing more to look for."""
        return self._choice.is_closed and self._subscribed.keys() >= set(self._choice.topics)

    def check(self) -> None:
        """
        Look whether writing goes well.

        :raises StandinError: if not.
        """
        self._writer.check()

    def discover(self) -> None:
        """Subscribe to the wanted topics that have appeared."""
        for topic, types in self._node.get_topic_names_and_types():
            if topic in self._subscribed or not self._choice.takes(topic, types[0]):
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

        :raises StandinError: if the bag could not be written.
        """
        self._writer.stop()

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
        self._writer.call(lambda files: place.append(files.add_topic(topic, definition, qos)))

        def take(raw: bytes, info: dict[str, Any]) -> None:
            self.received += 1
            if stamp_ns := self._stamp(info):
                self._writer.put(place, stamp_ns, raw)

        self._subscribed[topic] = self._node.create_subscription(
            kind, topic, take, for_recording(profiles), raw=True
        )
        self._say(f"Subscribed to topic '{topic}'")

    def _stamp(self, info: dict[str, Any]) -> int:
        """Return the time of a message; 0 as long as there is none."""
        if self._sim_time:
            return self._node.get_clock().now().nanoseconds
        return info.get('received_timestamp') or time.time_ns()

    def _give_up(self, topic: str, reason: str) -> None:
        self._subscribed[topic] = None
        self._say(f"Topic '{topic}' is not recorded: {reason}")


class Writer:
    """A thread to which the files of a bag belong."""

    def __init__(self, files: BagFiles, limits: Limits) -> None:
        self._files = files
        self._limits = limits
        self._queue: deque[tuple[Any, int, bytes]] = deque()
        self._waiting_bytes = 0
        self._lock = threading.Condition()
        self._ending = False
        self._error: Exception | None = None
        self._thread = threading.Thread(target=self._run)
        self.dropped = 0

    def start(self) -> None:
        """Make the first file and begin to write."""
        self._thread.start()

    def call(self, action: Callable[[BagFiles], object]) -> None:
        """Do something with the files, in the order of the messages."""
        with self._lock:
            self._queue.append((action, 0, b''))
            self._lock.notify()

    def put(self, place: list[Connection], stamp_ns: int, raw: bytes) -> None:
        """Write a message, or drop it if too much is waiting."""
        with self._lock:
            room = self._limits.cache_bytes
            if room and self._waiting_bytes + len(raw) > room:
                self.dropped += 1
                return
            self._queue.append((place, stamp_ns, raw))
            self._waiting_bytes += len(raw)
            self._lock.notify()

    def stop(self) -> None:
        """
        Write what is waiting, and close the bag.

        :raises StandinError: if the bag could not be written.
        """
        with self._lock:
            self._ending = True
            self._lock.notify()
        self._thread.join()
        self.check()

    def check(self) -> None:
        """
        Look whether writing goes well.

        :raises StandinError: if not.
        """
        if self._error is not None:
            folder = self._files.folder
            reason = getattr(self._error, 'strerror', None) or str(self._error)
            raise StandinError(
                f"'{folder}' cannot be written: {reason}; what is there can be mended: "
                f'ros2 bag reindex {folder}'
            ) from self._error

    def _run(self) -> None:
        # Whatever it is must be heard of: a full disk is an OSError here, a sqlite3.Error there.
        try:
            self._files.begin()
            self._write_all()
            self._files.close()
        except Exception as error:
            self._error = error
            self._files.give_up()

    def _write_all(self) -> None:
        flushed = time.monotonic()
        last = False
        while not last:
            with self._lock:
                if not self._queue and not self._ending:
                    self._lock.wait(FLUSH_S / 4)
                batch, self._queue = self._queue, deque()
                self._waiting_bytes = 0
                last = self._ending
            for target, stamp_ns, raw in batch:
                if callable(target):
                    target(self._files)
                else:
                    self._write(target[0], stamp_ns, raw)
            if time.monotonic() - flushed >= FLUSH_S:
                self._files.flush()
                flushed = time.monotonic()

    def _write(self, connection: Connection, stamp_ns: int, raw: bytes) -> None:
        newest, limits = self._files.newest, self._limits
        too_long = limits.file_ns and stamp_ns - newest.start_ns > limits.file_ns
        if newest.count and (too_long or self._is_too_big()):
            self._files.split()
        self._files.write(connection, stamp_ns, raw)

    def _is_too_big(self) -> bool:
        return bool(self._limits.file_bytes) and self._files.file_size > self._limits.file_bytes
