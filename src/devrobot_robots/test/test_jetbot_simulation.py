"""The simulated robot moves as a differential drive does, and its camera sees that."""

import math

from devrobot_robots.jetbot.simulation.drive import after, Pose, TOP_SPEED_M_S, WHEEL_DISTANCE_M
from devrobot_robots.jetbot.simulation.room import camera_rays, Room
from devrobot_robots.jetbot.simulation.state import StateFile
import numpy as np
import pytest

ROOM = Room(size=48)


def test_equal_speeds_go_straight():
    pose = after(Pose(heading=math.pi / 2, left=0.2, right=0.2), 1.0)
    assert (pose.x, pose.y) == pytest.approx((0.0, 0.2 * TOP_SPEED_M_S))
    assert pose.heading == pytest.approx(math.pi / 2)


def test_opposite_speeds_turn_on_the_spot_anticlockwise():
    pose = after(Pose(left=-0.1, right=0.1), 1.0)
    assert (pose.x, pose.y) == pytest.approx((0.0, 0.0))
    assert pose.heading == pytest.approx(0.2 * TOP_SPEED_M_S / WHEEL_DISTANCE_M)


def test_one_wheel_turns_the_robot_around_the_other():
    turn = 1.3
    seconds = turn * WHEEL_DISTANCE_M / (0.2 * TOP_SPEED_M_S)
    pose = after(Pose(right=0.2), seconds)
    half = WHEEL_DISTANCE_M / 2
    # The left wheel stands at (0, half); the middle runs on a circle around it.
    assert (pose.x, pose.y) == pytest.approx(
        (half * math.sin(turn), half - half * math.cos(turn)), abs=1e-12
    )


def test_many_small_steps_are_one_long_one():
    start = Pose(left=0.11, right=0.17)
    small = start
    for _ in range(100):
        small = after(small, 0.01)
    long = after(start, 1.0)
    assert (small.x, small.y, small.heading) == pytest.approx((long.x, long.y, long.heading))


def test_the_robot_stays_in_its_room():
    pose = after(Pose(left=1.0, right=1.0), 100.0)
    assert pose.x < 0.6


def test_the_middle_ray_looks_ahead_and_a_little_down():
    forward, left, up = camera_rays(48)[:, 24, 24]
    assert forward > 0.9 and -0.3 < up < 0.0 and abs(left) < 0.05


def test_turning_shifts_the_picture_and_standing_still_does_not():
    before = ROOM.render(Pose()).astype(int)
    assert before.shape == (48, 48, 3)
    np.testing.assert_array_equal(before, ROOM.render(Pose()))
    turned = ROOM.render(Pose(heading=0.16)).astype(int)
    # Anticlockwise: what was seen ahead moves to the right.
    error = {
        shift: np.abs(np.roll(before, shift, axis=1)[:, 12:-12] - turned[:, 12:-12]).mean()
        for shift in (-4, 0, 4)
    }
    assert error[4] < 0.5 * error[0] < error[-4]


@pytest.mark.filterwarnings('error')
@pytest.mark.parametrize('heading', [0.0, -math.pi / 2, math.pi / 2, math.pi])
def test_a_ray_along_a_wall_is_drawn_too(heading):
    picture = Room(size=47).render(Pose(heading=heading)).astype(int)
    # An odd width has a column that looks exactly along an axis: it is like its neighbours.
    assert np.abs(picture[:, 23] - picture[:, 22]).mean() < 30


def test_driving_ahead_makes_the_wall_larger():
    wall = [np.count_nonzero(ROOM.render(Pose(x=x))[:, 24, 0] > 180) for x in (0.0, 0.4)]
    assert wall[1] > wall[0]


def test_a_pose_survives_in_its_file_and_runs_on(tmp_path):
    state = StateFile(tmp_path / 'state')
    with pytest.raises(OSError):
        state.read()
    pose = Pose(x=0.1, y=-0.2, heading=0.3, left=0.0, right=0.5)
    state.write(pose, 12.5)
    assert state.read() == (pose, 12.5)
    assert state.now() != pose
