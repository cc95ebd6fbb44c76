from devrobot_world_model.model.patches import patchify, to_bytes, to_signed, to_unit, unpatchify
import pytest
import torch


def test_patches_of_an_image_that_is_not_square_come_back_as_they_were():
    images = torch.randint(0, 256, (2, 3, 8, 12, 3), dtype=torch.uint8)
    patches = patchify(images, 4)
    assert patches.shape == (2, 3, 6, 48)
    assert torch.equal(unpatchify(patches, 2, 3, 4), images)


def test_patches_are_in_row_major_order():
    image = torch.arange(4 * 6).reshape(4, 6, 1).expand(4, 6, 3)
    patches = patchify(image, 2)
    assert patches[1, 0] == 2 and patches[3, 0] == 12


def test_a_size_that_is_no_multiple_is_refused():
    with pytest.raises(ValueError, match='8x13 px is no multiple of the patch size 4'):
        patchify(torch.zeros(8, 13, 3), 4)
    with pytest.raises(ValueError, match='6 patches of 48 values'):
        unpatchify(torch.zeros(6, 48), 3, 3, 4)


def test_bytes_survive_the_way_to_float_and_back():
    every = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_bytes(to_unit(every)), every)
    assert to_signed(every).min() == -1 and to_signed(every).max() == 1
    assert to_bytes(torch.tensor([-1.0, 2.0])).tolist() == [0, 255]
