"""The toroidal dot: exact picture, exact motion, seeded."""

from devrobot_interfaces_py.configs import ConfigError
from devrobot_robots.toroidal_dot.config import ToroidalDotConfig
from devrobot_robots.toroidal_dot.environment import MOVE, STAY, ToroidalDotEnvironment
import numpy as np
import pytest


def world(**settings) -> ToroidalDotEnvironment:
    return ToroidalDotEnvironment(ToroidalDotConfig(**settings))


def white(image: np.ndarray) -> set[tuple[int, int]]:
    return {(int(y), int(x)) for y, x in np.argwhere((image == 255).all(axis=2))}


def disc(y: int, x: int, radius: int, height: int, width: int) -> set[tuple[int, int]]:
    """Say it again, pixel by pixel."""
    span = range(-radius, radius + 1)
    inside = [(dy, dx) for dy in span for dx in span if dx * dx + dy * dy <= radius * radius]
    return {((y + dy) % height, (x + dx) % width) for dy, dx in inside}


def test_the_picture_is_a_white_disc_of_81_pixels_on_black():
    image = world(initial_x=100, initial_y=60).render()
    assert image.shape == (224, 224, 3)
    assert image.dtype == np.uint8
    assert len(white(image)) == 81
    assert white(image) == disc(60, 100, 5, 224, 224)
    assert np.count_nonzero(image) == 3 * 81


@pytest.mark.parametrize(('x', 'y'), [(0, 20), (37, 0), (0, 0), (39, 23), (2, 22)])
def test_the_disc_wraps_at_both_axes(x, y):
    image = world(width=40, height=24, initial_x=x, initial_y=y).render()
    assert white(image) == disc(y, x, 5, 24, 40)
    assert len(white(image)) == 81


@pytest.mark.parametrize('radius', [0, 1, 3, 11])
def test_any_radius_that_fits_is_drawn(radius):
    image = world(width=40, height=24, radius=radius, initial_x=5, initial_y=9).render()
    assert white(image) == disc(9, 5, radius, 24, 40)


def test_moving_goes_27_pixels_to_the_right_and_wraps():
    environment = world(initial_x=200, initial_y=7)
    environment.step(MOVE)
    assert (environment.x, environment.y) == (3, 7)


def test_staying_changes_nothing():
    environment = world(initial_x=200)
    before = environment.render()
    environment.step(STAY)
    np.testing.assert_array_equal(environment.render(), before)


def test_moving_visits_all_224_columns():
    environment = world()
    seen = set()
    for _ in range(224):
        seen.add(environment.x)
        environment.step(MOVE)
    assert seen == set(range(224))


def test_the_seed_decides_the_start():
    assert (world(seed=3).x, world(seed=3).y) == (world(seed=3).x, world(seed=3).y)
    assert len({(world(seed=seed).x, world(seed=seed).y) for seed in range(8)}) == 8


def test_a_fixed_column_leaves_the_random_row_as_it_was():
    assert world(seed=3, initial_x=9).y == world(seed=3).y
    assert world(seed=3, initial_x=9).x == 9


def test_a_reset_picks_a_new_random_place_each_time_and_repeats_with_a_seed():
    environment = world(seed=3)
    places = set()
    for _ in range(5):
        environment.reset()
        places.add((environment.x, environment.y))
    assert len(places) == 5
    environment.reset(seed=3)
    assert (environment.x, environment.y) == (world(seed=3).x, world(seed=3).y)


def test_a_reset_returns_to_a_fixed_place():
    environment = world(initial_x=9, initial_y=8)
    environment.step(MOVE)
    environment.reset()
    assert (environment.x, environment.y) == (9, 8)


def test_distractors_wander_whatever_the_action_is_and_never_hide_the_dot():
    environment = world(distractors=30, width=64, height=48)
    pictures = []
    for _ in range(3):
        image = environment.render()
        pictures.append(image)
        assert white(image) == disc(environment.y, environment.x, 5, 48, 64)
        assert set(np.unique(image)) == {0, 96, 255}
        environment.step(STAY)
    assert not np.array_equal(pictures[0], pictures[1])


def test_there_are_no_distractors_by_default():
    assert set(np.unique(world().render())) == {0, 255}


@pytest.mark.parametrize(
    ('settings', 'text'),
    [
        ({'radius': 12, 'width': 40, 'height': 24}, 'radius 12 is too large .* radius 11'),
        ({'initial_x': 224}, 'initial_x 224 is outside the world: use 0 to 223'),
        ({'initial_y': 24, 'height': 24}, 'initial_y 24 is outside the world: use 0 to 23'),
        ({'width': 3}, 'width is 3'),
        ({'action_delay': -0.1}, 'action_delay is -0.1'),
        ({'seed': -1}, 'seed is -1'),
    ],
)
def test_impossible_worlds_are_refused(settings, text):
    with pytest.raises(ConfigError, match=text):
        ToroidalDotConfig(**settings)
