from devrobot_world_model.canvas.builder import build_canvas
from devrobot_world_model.canvas.layout import CanvasLayout
import numpy as np
import pytest

LAYOUT = CanvasLayout(frame_height=4, frame_width=6, separator_width=2, patch_size=2)
RED, GREEN = (255, 0, 0), (0, 255, 0)


def frame(value, height=4, width=6):
    return np.full((height, width, 3), value, np.uint8)


def test_frames_and_separators_stand_in_their_columns():
    canvas = build_canvas(LAYOUT, [frame(1), frame(2), frame(3)], [RED, GREEN])
    assert canvas.shape == (4, 22, 3)
    assert canvas[0, :, 0].tolist() == [1] * 6 + [255] * 2 + [2] * 6 + [0] * 2 + [3] * 6
    assert canvas[3, :, 1].tolist() == [1] * 6 + [0] * 2 + [2] * 6 + [255] * 2 + [3] * 6


def test_the_missing_last_frame_is_left_black():
    canvas = build_canvas(LAYOUT, [frame(1), frame(2)], [RED, GREEN])
    assert not canvas[:, 16:].any() and canvas[:, :6].all()


def test_a_given_canvas_is_written_in_place():
    out = np.full((4, 22, 3), 9, np.uint8)
    assert build_canvas(LAYOUT, [frame(1), frame(2)], [RED, GREEN], out=out) is out
    assert not (out == 9).any()


def test_wrong_counts_are_refused():
    with pytest.raises(ValueError, match='need 3 frames .* and 2 colours, got 2 and 1'):
        build_canvas(LAYOUT, [frame(1), frame(2)], [RED])
    with pytest.raises(ValueError, match='got 1 and 2'):
        build_canvas(LAYOUT, [frame(1)], [RED, GREEN])


def test_a_frame_of_another_shape_or_type_is_refused():
    with pytest.raises(ValueError, match=r'frame 1 is \(6, 4, 3\) uint8'):
        build_canvas(LAYOUT, [frame(1), frame(2, 6, 4)], [RED, GREEN])
    with pytest.raises(ValueError, match='float64'):
        build_canvas(LAYOUT, [frame(1), frame(2).astype(float)], [RED, GREEN])
