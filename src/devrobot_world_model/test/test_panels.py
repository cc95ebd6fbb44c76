"""Rules of the pictures that people look at."""

from devrobot_world_model.views import panels
import numpy as np
import pytest

RED, GREEN = (255, 0, 0), (0, 255, 0)


def image(value, height=4, width=6):
    return np.full((height, width, 3), value, dtype=np.uint8)


def test_masked_overlay_hides_exactly_the_masked_pixels_behind_a_grey_checker():
    canvas = image(200, 4, 10)
    mask = panels.column_mask(4, 10, 6, 10)
    shown = panels.masked_overlay(canvas, mask, 2)
    assert (shown[:, :6] == 200).all()
    dark, light = panels.CHECKER_DARK, panels.CHECKER_LIGHT
    assert shown[0, 6:, 0].tolist() == [light, light, dark, dark]
    assert shown[2, 6:, 0].tolist() == [dark, dark, light, light]
    assert (canvas == 200).all()


def test_composite_takes_masked_pixels_from_the_model_and_the_rest_from_the_truth():
    mask = panels.column_mask(4, 10, 3, 5)
    both = panels.composite(image(10, 4, 10), image(90, 4, 10), mask)
    assert both[0, :, 0].tolist() == [10, 10, 10, 90, 90, 10, 10, 10, 10, 10]


def test_paste_puts_a_frame_at_its_column_and_leaves_the_canvas_alone():
    canvas = image(0, 4, 10)
    pasted = panels.paste(canvas, image(7, 4, 6), 4)
    assert pasted[0, :, 0].tolist() == [0] * 4 + [7] * 6
    assert not canvas.any()


def test_paste_outside_the_canvas_is_refused_with_both_sizes():
    with pytest.raises(ValueError, match='4x6x3 does not fit a canvas of 4x10x3 at column 5'):
        panels.paste(image(0, 4, 10), image(7, 4, 6), 5)


def test_no_error_is_the_darkest_colour_and_full_error_the_brightest():
    truth = image(0)
    guess = truth.copy()
    guess[1, 2] = 255
    shown = panels.error_image(guess, truth)
    assert shown.shape == (4, 6, 3)
    assert tuple(shown[0, 0]) == panels.HEAT_ANCHORS[0]
    assert tuple(shown[1, 2]) == panels.HEAT_ANCHORS[-1]


def test_error_does_not_depend_on_its_sign():
    darker, brighter = image(40), image(160)
    assert (panels.error_image(darker, brighter) == panels.error_image(brighter, darker)).all()


def test_error_map_gets_lighter_with_every_step_so_that_it_needs_no_hue():
    luminance = panels.heat_table().astype(float) @ [0.2126, 0.7152, 0.0722]
    assert (np.diff(luminance) > -0.51).all()
    assert luminance[-1] - luminance[0] > 200


def test_counterfactual_strip_is_bar_then_frame_for_each_action_in_order():
    strip = panels.counterfactual_strip([image(1), image(2)], [RED, GREEN], 2)
    assert strip.shape == (4, 2 * (2 + 6), 3)
    assert tuple(strip[0, 0]) == tuple(strip[3, 1]) == RED
    assert tuple(strip[0, 8]) == tuple(strip[3, 9]) == GREEN
    assert (strip[:, 2:8] == 1).all()
    assert (strip[:, 10:] == 2).all()


def test_rollout_strip_begins_with_the_frame_of_now():
    strip = panels.rollout_strip(image(9), [image(1)], [GREEN], 3)
    assert strip.shape == (4, 6 + 3 + 6, 3)
    assert (strip[:, :6] == 9).all()
    assert tuple(strip[0, 6]) == GREEN
    assert (strip[:, 9:] == 1).all()


def test_frame_of_another_size_in_a_strip_is_refused_by_its_number():
    with pytest.raises(ValueError, match='frame 1 must be 4x6x3, got 6x4x3'):
        panels.counterfactual_strip([image(1), image(2, 6, 4)], [RED, GREEN], 2)


def test_wrong_mask_is_refused_with_its_size():
    with pytest.raises(ValueError, match='mask must be bool of 4x6, got bool of 6x4'):
        panels.composite(image(0), image(1), np.zeros((6, 4), dtype=bool))
