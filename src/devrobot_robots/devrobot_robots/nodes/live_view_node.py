"""Shows a camera: in the terminal, or in a browser window."""

from __future__ import annotations

from collections.abc import Sequence
import shutil
import sys
from typing import Any
import webbrowser

from devrobot_interfaces_py import conversions, qos, topics
from devrobot_interfaces_py.images import decode_compressed, encode_jpeg, ImageError
from devrobot_interfaces_py.node_process import run_node
from devrobot_interfaces_py.params import declare_config
from devrobot_interfaces_py.process_end import ProcessEnd
from devrobot_robots.clock import SystemClock
from devrobot_robots.robot import Frame
from devrobot_robots.viewing.browser import PicturePage
from devrobot_robots.viewing.config import BROWSER, LiveViewConfig
from devrobot_robots.viewing.terminal import CLEAR, CLEAR_BELOW, HOME, picture_text
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

DESCRIPTION = 'Show what a robot sees: in the terminal, or with show:=browser in a window.'
ROWS_OF_TEXT = 2


class LiveViewNode(Node):
    """Subscribes to one camera and shows its pictures; see README.md for the parameters."""

    def __init__(self, end: ProcessEnd | None = None, **node_arguments: Any) -> None:
        super().__init__('live_view', **node_arguments)
        self._end = end or ProcessEnd()
        self._steady = SystemClock()
        self._config = declare_config(self, LiveViewConfig())
        self._next_s = 0.0
        self._count = 0
        self._page: PicturePage | None = None
        if self._config.show == BROWSER:
            self._open_page()
        kind = CompressedImage if self._config.compressed else Image
        suffix = topics.COMPRESSED_SUFFIX if self._config.compressed else ''
        topic = self.resolve_topic_name(self._config.topic) + suffix
        self._subscription = self.create_subscription(kind, topic, self._on_image, qos.IMAGES)
        self.get_logger().info(f'waiting for {topic}')

    def stop_working(self) -> None:
        """Show nothing more."""
        if self._page is not None:
            self._page.close()

    def _open_page(self) -> None:
        page = PicturePage(self._config.port)
        try:
            address = page.open()
        except OSError as error:
            self.get_logger().error(f'cannot serve on port {self._config.port}: {error.strerror}')
            self._end.ask(1)
            return
        self._page = page
        self.get_logger().info(f'open {address}')
        webbrowser.open(address)

    def _on_image(self, message: Any) -> None:
        now = self._steady.now()
        if now < self._next_s:
            return
        self._next_s = now + 1.0 / self._config.max_rate
        try:
            self._show(message)
        except (ImageError, ValueError) as error:
            self.get_logger().error(f'no picture: {error}', throttle_duration_sec=5.0)

    def _show(self, message: Any) -> None:
        is_jpeg = self._config.compressed and 'jpeg' in message.format
        if self._page is not None and is_jpeg:
            self._page.show(bytes(message.data))
            return
        image = (
            decode_compressed(bytes(message.data), message.format)
            if self._config.compressed
            else conversions.image_from_msg(message)
        )
        if self._page is not None:
            self._page.show(encode_jpeg(image))
        else:
            self._print(image)

    def _print(self, image: Frame) -> None:
        terminal = shutil.get_terminal_size()
        columns = self._config.columns or terminal.columns
        rows = max(1, terminal.lines - ROWS_OF_TEXT)
        text = picture_text(image, columns=columns, rows=rows)
        self._count += 1
        height, width = image.shape[:2]
        status = f'{self._subscription.topic_name}  {width}x{height}  picture {self._count}'
        begin = HOME if self._count > 1 else CLEAR + HOME
        sys.stdout.write(f'{begin}{text}\n{status}{CLEAR_BELOW}\n')
        sys.stdout.flush()


def main(args: Sequence[str] | None = None) -> None:
    """Show pictures until a signal comes."""
    sys.exit(run_node(LiveViewNode, DESCRIPTION, (LiveViewConfig,), args))
