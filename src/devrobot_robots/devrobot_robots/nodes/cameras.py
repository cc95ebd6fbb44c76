"""Publish the frames of a robot's cameras."""

from __future__ import annotations

from copy import copy

from devrobot_interfaces_py import conversions, qos, topics
from devrobot_interfaces_py.images import encode_jpeg
from devrobot_robots.robot import Frame, Frames, JpegFrame
from rclpy.node import Node
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image


class CameraPublishers:
    """One raw, one compressed and one camera_info topic per camera."""

    def __init__(self, node: Node, camera_names: tuple[str, ...], *, jpeg_quality: int) -> None:
        self._cameras = {
            name: _Camera(node, name, jpeg_quality=jpeg_quality) for name in camera_names
        }

    @property
    def image_topics(self) -> tuple[str, ...]:
        """The resolved raw topics, in the order of the cameras."""
        return tuple(camera.topic for camera in self._cameras.values())

    def publish(self, frames: Frames, stamp_ns: int) -> None:
        """Publish one frame per camera, all with the same stamp."""
        for name, camera in self._cameras.items():
            camera.publish(frames[name], stamp_ns)

    def destroy(self, node: Node) -> None:
        """Withdraw the topics."""
        for camera in self._cameras.values():
            camera.destroy(node)


class _Camera:
    def __init__(self, node: Node, name: str, *, jpeg_quality: int) -> None:
        prefix = f'{name}/' if name else ''
        self._frame_id = f'{name or "camera"}_optical_frame'
        self._jpeg_quality = jpeg_quality
        # Copies of the profile: rclpy writes overrides into the one it is given.
        overridable = QoSOverridingOptions.with_default_policies()
        self._raw = node.create_publisher(
            Image,
            prefix + topics.IMAGE_RAW,
            copy(qos.IMAGES),
            qos_overriding_options=overridable,
        )
        # From the resolved name, so that remapping the raw topic carries the others along.
        self.topic = self._raw.topic_name
        self._compressed = node.create_publisher(
            CompressedImage,
            self.topic + topics.COMPRESSED_SUFFIX,
            copy(qos.IMAGES),
            qos_overriding_options=overridable,
        )
        self._info = node.create_publisher(
            CameraInfo, f'{self.topic.rpartition("/")[0]}/{topics.CAMERA_INFO}', qos.IMAGES
        )

    def publish(self, frame: Frame | JpegFrame, stamp_ns: int) -> None:
        pixels = frame.pixels if isinstance(frame, JpegFrame) else frame
        image = conversions.image_to_msg(pixels, stamp_ns, self._frame_id)
        self._raw.publish(image)
        # Uncalibrated: K stays zero, which is how ROS says so.
        self._info.publish(CameraInfo(header=image.header, height=image.height, width=image.width))
        if self._compressed.get_subscription_count():
            data = (
                frame.jpeg
                if isinstance(frame, JpegFrame)
                else encode_jpeg(frame, self._jpeg_quality)
            )
            self._compressed.publish(
                CompressedImage(
                    header=image.header, format='rgb8; jpeg compressed bgr8', data=data
                )
            )

    def destroy(self, node: Node) -> None:
        for publisher in (self._raw, self._compressed, self._info):
            node.destroy_publisher(publisher)
