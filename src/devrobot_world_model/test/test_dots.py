import math

from devrobot_world_model.measures.dots import (
    dot_distance,
    dot_distances,
    dot_position,
    dot_positions,
)
import numpy as np
import pytest


def disc(x, y, height=48, width=64, radius=3, value=255):
    rows, columns = np.mgrid[:height, :width]
    dx = np.minimum((columns - x) % width, (x - columns) % width)
    dy = np.minimum((rows - y) % height, (y - rows) % height)
    image = np.zeros((height, width, 3), np.uint8)
    image[dx * dx + dy * dy <= radius * radius] = value
    return image


@pytest.mark.parametrize(('x', 'y'), [(20, 10), (0, 0), (63, 47), (1, 24), (32, 46)])
def test_a_dot_is_found_where_it_is_also_across_the_edges(x, y):
    assert dot_distance(dot_position(disc(x, y)), (x, y), 48, 64) < 1e-3


def test_an_image_below_a_fifth_of_white_has_no_dot():
    assert dot_position(disc(20, 10, value=50)) is None
    assert dot_position(disc(20, 10, value=53)) is not None


def test_even_light_everywhere_is_no_dot():
    assert dot_position(np.full((48, 64, 3), 200, np.uint8)) is None


def test_distances_go_around_the_edges_of_a_world_that_is_not_square():
    assert dot_distance((1.0, 1.0), (63.0, 47.0), 48, 64) == pytest.approx(math.hypot(2, 2))
    assert dot_distance((0.0, 0.0), (32.0, 24.0), 48, 64) == pytest.approx(40.0)


def test_without_a_dot_the_distance_is_infinite():
    assert dot_distance(None, (1.0, 1.0), 48, 64) == math.inf


def test_many_images_are_measured_as_each_alone():
    rng = np.random.default_rng(0)
    images = [np.zeros((20, 30, 3), np.uint8)]
    for _ in range(20):
        image = np.zeros((20, 30, 3), np.uint8)
        x, y = rng.integers(30), rng.integers(20)
        image[np.arange(y, y + 3)[:, None] % 20, np.arange(x, x + 5) % 30] = 200
        images.append(image)
    found = dot_positions(np.stack(images))
    alone = [dot_position(image) for image in images]
    assert alone[0] is None and np.isnan(found[0]).all()
    assert [tuple(place) for place in found[1:]] == alone[1:]
    distances = dot_distances(found, np.roll(found, 1, axis=0), 20, 30)
    pairs = zip(alone, [alone[-1], *alone[:-1]], strict=True)
    assert distances.tolist() == [dot_distance(a, b, 20, 30) for a, b in pairs]
    assert np.isinf(distances[:2]).all() and np.isfinite(distances[2:]).all()
