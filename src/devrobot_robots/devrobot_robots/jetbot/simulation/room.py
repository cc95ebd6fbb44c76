"""
A square room and what a camera in it sees: tiled floor, four walls with pictures.

Ray casting: every pixel's ray meets the floor or one of the walls first; the colour is looked up
there. H, W are height and width of the picture.
"""

from __future__ import annotations

import math
from typing import TypeAlias

from devrobot_robots.jetbot.simulation.drive import HALF_ROOM_M, Pose
from devrobot_robots.robot import Frame
import numpy as np
import numpy.typing as npt

CAMERA_HEIGHT_M = 0.1
WALL_HEIGHT_M = 0.5
FIELD_OF_VIEW = math.radians(90.0)
PITCH = math.radians(10.0)
FLOOR_PX = 256
WALL_PX = 256
TILES = 6
WALL_COLORS = ((196, 78, 82), (85, 168, 104), (76, 114, 176), (221, 170, 51))
SKY = (225, 228, 235)

Rays: TypeAlias = npt.NDArray[np.float32]
Mask: TypeAlias = npt.NDArray[np.bool_]


class Room:
    """Textures, made once; pictures from any pose."""

    def __init__(self, size: int = 224, seed: int = 0) -> None:
        """``size`` is H and W."""
        random = np.random.default_rng(seed)
        self._rays = camera_rays(size)
        self._floor = floor_texture(random)
        self._walls = np.stack([wall_texture(color, random) for color in WALL_COLORS])

    def render(self, pose: Pose) -> Frame:
        """Return the (H, W, 3) RGB picture from ``pose``."""
        forward, left, up = self._rays
        cos, sin = np.float32(math.cos(pose.heading)), np.float32(math.sin(pose.heading))
        x = cos * forward - sin * left
        y = sin * forward + cos * left
        image = np.empty((*up.shape, 3), np.uint8)
        with np.errstate(divide='ignore', invalid='ignore'):
            # A ray along a wall never meets it.
            to_x = np.where(x, (np.copysign(HALF_ROOM_M, x) - pose.x) / x, np.inf)
            to_y = np.where(y, (np.copysign(HALF_ROOM_M, y) - pose.y) / y, np.inf)
            to_floor = np.where(up < 0, -CAMERA_HEIGHT_M / up, np.inf)
        distance = np.minimum(to_x, to_y)
        on_floor = to_floor < distance
        self._draw_walls(image, ~on_floor, (x, y, up), pose, to_x, to_y)
        reach = to_floor[on_floor]
        place = np.stack([pose.x + reach * x[on_floor], pose.y + reach * y[on_floor]])
        pixels = ((place + HALF_ROOM_M) * (FLOOR_PX / (2 * HALF_ROOM_M))).astype(np.intp)
        row, column = np.clip(pixels, 0, FLOOR_PX - 1)
        image[on_floor] = self._floor[row, column]
        return image

    def _draw_walls(
        self, image: Frame, where: Mask, rays: tuple[Rays, ...], pose: Pose, to_x: Rays, to_y: Rays
    ) -> None:
        x, y, up = (ray[where] for ray in rays)
        to_x, to_y = to_x[where], to_y[where]
        hits_x = to_x < to_y
        reach = np.minimum(to_x, to_y)
        along = np.where(hits_x, pose.y + reach * y, pose.x + reach * x)
        height = CAMERA_HEIGHT_M + reach * up
        number = np.where(hits_x, np.where(x > 0, 0, 2), np.where(y > 0, 1, 3))
        column = np.clip((along + HALF_ROOM_M) / (2 * HALF_ROOM_M) * WALL_PX, 0, WALL_PX - 1)
        row = np.clip((1.0 - height / WALL_HEIGHT_M) * WALL_PX, 0, WALL_PX - 1)
        colors = self._walls[number, row.astype(np.intp), column.astype(np.intp)]
        colors[height > WALL_HEIGHT_M] = SKY
        image[where] = colors


def camera_rays(size: int) -> Rays:
    """Return (3, H, W) directions: forward, left and up of the robot, for each pixel."""
    span = math.tan(FIELD_OF_VIEW / 2.0) * (2.0 * (np.arange(size) + 0.5) / size - 1.0)
    right, down = np.meshgrid(span, span)
    forward = math.cos(PITCH) - math.sin(PITCH) * down
    up = -math.cos(PITCH) * down - math.sin(PITCH)
    return np.stack([forward, -right, up]).astype(np.float32)


def floor_texture(random: np.random.Generator) -> Frame:
    """Return a floor of tiles, each in its own shade."""
    shades = random.integers(90, 190, size=(TILES, TILES, 1))
    tint = random.integers(-25, 25, size=(TILES, TILES, 3))
    tiles = np.clip(shades + tint, 0, 255).astype(np.uint8)
    index = np.arange(FLOOR_PX) * TILES // FLOOR_PX
    return tiles[index[:, None], index]


def wall_texture(color: tuple[int, int, int], random: np.random.Generator) -> Frame:
    """Return a wall in its colour with three lighter or darker pictures on it."""
    wall = np.empty((WALL_PX, WALL_PX, 3), np.uint8)
    wall[:] = color
    for third in range(3):
        left = third * WALL_PX // 3 + int(random.integers(8, 24))
        top, width, height = (int(random.integers(40, 90)) for _ in range(3))
        shade = int(random.choice([-70, 60]))
        picture = np.clip(np.array(color) + shade, 0, 255).astype(np.uint8)
        wall[top : top + height, left : left + min(width, 60)] = picture
    return wall
