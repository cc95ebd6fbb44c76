from devrobot_world_model.canvas.layout import CanvasLayout
from devrobot_world_model.config import preset
import pytest


def test_the_default_canvas_is_704_px_wide():
    layout = CanvasLayout.from_config(preset('base'))
    assert (layout.height, layout.width) == (224, 3 * 224 + 2 * 16)
    assert (layout.rows, layout.columns, layout.separator_columns) == (14, 14, 1)


def test_two_stacked_cameras_make_a_canvas_that_is_not_square():
    layout = CanvasLayout(frame_height=448, frame_width=224)
    assert (layout.rows, layout.columns, layout.width) == (28, 14, 704)


def test_slots_and_separators_lie_where_the_drawing_says():
    layout = CanvasLayout(frame_height=8, frame_width=12, separator_width=4, patch_size=4)
    assert [layout.slot_start(i) for i in range(3)] == [0, 16, 32]
    assert [layout.separator_start(i) for i in range(2)] == [12, 28]
    assert layout.slot_start(-1) == 32
    with pytest.raises(IndexError):
        layout.slot_start(3)


@pytest.mark.parametrize(
    ('field', 'value'), [('frame_height', 10), ('frame_width', 0), ('separator_width', 6)]
)
def test_sizes_that_are_no_multiple_of_the_patch_are_refused(field, value):
    sizes = {'frame_height': 8, 'frame_width': 12, 'separator_width': 4, field: value}
    with pytest.raises(ValueError, match=f'{field} must be a positive multiple .* got {value}'):
        CanvasLayout(**sizes, patch_size=4)
