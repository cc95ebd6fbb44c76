"""Attention maps lie on the canvas where the model looked."""

from devrobot_world_model.attention import maps
from devrobot_world_model.attention.maps import Aggregation, AttentionError
from devrobot_world_model.canvas.layout import CanvasLayout
import numpy as np
import pytest
import torch

# 2 rows; per block 3 columns of frame and 1 of separator: 3 + 1 + 3 + 1 + 3 = 11 columns.
LAYOUT = CanvasLayout(frame_height=8, frame_width=12, separator_width=4, patch_size=4)
LAST = [8, 9, 10, 19, 20, 21]
TOKENS = 22


def weights(layers=2, heads=3):
    generator = torch.Generator().manual_seed(0)
    return [
        torch.softmax(torch.randn(heads, 6, TOKENS, generator=generator), -1)
        for _ in range(layers)
    ]


def test_tokens_are_numbered_block_by_block_and_cover_the_canvas_once():
    order = maps.token_patches(LAYOUT)
    assert order[:8].tolist() == [0, 1, 2, 11, 12, 13, 3, 14]
    assert sorted(order) == list(range(TOKENS))
    assert maps.query_patches(LAYOUT).tolist() == LAST


def test_a_weight_lands_on_the_patch_it_looks_at():
    one = torch.zeros(1, 6, TOKENS)
    one[0, 4, 6] = 1.0  # the second row, second column looks at the first separator's upper patch
    found = maps.attention_maps(LAYOUT, [one], [20])
    assert found.shape == (1, 22)
    assert found[0, 3] == 1.0
    assert found.sum() == 1.0


def test_mean_keeps_the_whole_attention_of_each_query():
    found = maps.attention_maps(LAYOUT, weights(), LAST)
    assert found.shape == (6, 22)
    assert np.allclose(found.sum(axis=1), 1.0, atol=1e-6)


def test_aggregations_differ_as_their_names_say():
    found = {
        kind: maps.attention_maps(LAYOUT, weights(), LAST, aggregation=kind)
        for kind in Aggregation
    }
    assert np.allclose(found[Aggregation.SUM], 6 * found[Aggregation.MEAN], atol=1e-6)
    assert (found[Aggregation.MAX] >= found[Aggregation.MEAN]).all()


def test_layers_and_heads_can_be_switched_off():
    both = weights()
    found = maps.attention_maps(LAYOUT, both, [8], layers=[1], heads=[2])
    expected = np.zeros(22, np.float32)
    expected[maps.token_patches(LAYOUT)] = both[1][2, 0]
    assert np.array_equal(found[0], expected)


def test_bright_selection_finds_a_dot_that_fills_little_of_its_patch():
    frame = np.zeros((8, 12, 3), np.uint8)
    frame[5, 9] = 140
    assert maps.bright_patches(LAYOUT, frame, 0.5) == [21]


def test_nothing_bright_is_told_with_the_brightest():
    frame = np.full((8, 12, 3), 51, np.uint8)
    with pytest.raises(AttentionError, match='as bright as 0.5, the brightest has 0.20'):
        maps.bright_patches(LAYOUT, frame, 0.5)


@pytest.mark.parametrize(
    'queries, more, message',
    [
        ([], {}, 'no query patch'),
        ([3], {}, 'patch 3 is not in the predicted slot: .* columns 8 to 10 of 11'),
        ([8], {'layers': [2]}, 'layer 2 does not exist, there are 0 to 1'),
        ([8], {'heads': [3]}, 'head 3 does not exist, there are 0 to 2'),
    ],
)
def test_what_does_not_exist_is_refused(queries, more, message):
    with pytest.raises(AttentionError, match=message):
        maps.attention_maps(LAYOUT, weights(), queries, **more)
