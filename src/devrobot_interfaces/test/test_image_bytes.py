"""Rules of image bytes; images are 4x6 so that height and width cannot be mixed up."""

import array

import cv2
from devrobot_interfaces_py import images
from devrobot_interfaces_py.images import ImageError
import numpy as np
import pytest

H, W = 4, 6


def picture(height=H, width=W, channels=3):
    return np.random.default_rng(3).integers(0, 256, (height, width, channels), np.uint8)


def decode(pixels, encoding, step=None, data=None):
    height, width, channels = pixels.shape
    return images.image_to_array(
        encoding=encoding,
        height=height,
        width=width,
        step=width * channels if step is None else step,
        data=pixels.tobytes() if data is None else data,
    )


@pytest.mark.parametrize('kind', [bytes, bytearray, lambda b: array.array('B', b), memoryview])
def test_rgb8_is_read_from_every_kind_of_buffer(kind):
    pixels = picture()
    assert np.array_equal(decode(pixels, 'rgb8', data=kind(pixels.tobytes())), pixels)


def test_rgb8_is_not_copied():
    pixels = picture()
    data = array.array('B', pixels.tobytes())
    view = decode(pixels, 'rgb8', data=data)
    data[0] = 255 - data[0]
    assert view[0, 0, 0] == data[0]


def test_padded_rows_are_read_without_a_copy():
    pixels = picture()
    step = W * 3 + 5
    padded = np.full((H, step), 99, np.uint8)
    padded[:, : W * 3] = pixels.reshape(H, -1)
    data = bytearray(padded.tobytes())
    view = decode(pixels, 'rgb8', step=step, data=data)
    assert np.array_equal(view, pixels)
    data[step] = 255 - data[step]
    assert view[1, 0, 0] == data[step]


def test_other_encodings_are_converted():
    three, four, one = picture(), picture(channels=4), picture(channels=1)
    assert np.array_equal(decode(three, 'bgr8'), three[:, :, [2, 1, 0]])
    assert np.array_equal(decode(four, 'rgba8'), four[:, :, :3])
    assert np.array_equal(decode(four, 'bgra8'), four[:, :, [2, 1, 0]])
    assert np.array_equal(decode(one, 'mono8'), np.concatenate([one] * 3, axis=2))


def test_wrong_images_are_refused_with_the_value_and_what_is_accepted():
    pixels = picture()
    with pytest.raises(ImageError, match="'yuv422' is not one of rgb8, bgr8, rgba8, bgra8, mono8"):
        decode(pixels, 'yuv422')
    with pytest.raises(ImageError, match='has 71 bytes, 4 rows of 18 bytes need 72'):
        decode(pixels, 'rgb8', data=pixels.tobytes()[:-1])
    with pytest.raises(ImageError, match='step is 17, a row of 6 rgb8 pixels needs 18'):
        decode(pixels, 'rgb8', step=17)
    with pytest.raises(ImageError, match='image is 0x6 pixels'):
        images.image_to_array(encoding='rgb8', height=0, width=W, step=18, data=b'')


def test_png_keeps_every_pixel():
    pixels = picture()
    assert np.array_equal(images.decode_compressed(images.encode_png(pixels), 'png'), pixels)


def test_jpeg_keeps_colors_and_size():
    pixels = np.zeros((16, 24, 3), np.uint8)
    pixels[:, :, 0] = 250
    content = images.encode_jpeg(pixels, quality=95)
    result = images.decode_compressed(content, 'rgb8; jpeg compressed bgr8')
    assert result.shape == (16, 24, 3)
    assert np.abs(result.astype(int) - pixels).max() < 8


def test_damaged_compressed_images_are_refused():
    content = images.encode_jpeg(picture(40, 60))
    with pytest.raises(ImageError, match='cut off'):
        images.decode_compressed(content[: len(content) // 2], 'jpeg')
    with pytest.raises(ImageError, match='of 5 bytes is not a readable png'):
        images.decode_compressed(b'hello', 'png')
    with pytest.raises(ImageError, match='of 0 bytes is not a readable png'):
        images.decode_compressed(b'', 'png')
    with pytest.raises(ImageError, match="'webp' is neither jpeg nor png"):
        images.decode_compressed(content, 'webp')


def test_wrong_arrays_are_not_encoded():
    with pytest.raises(ImageError, match=r'\(4, 6\) uint8, must be \(height, width, 3\) uint8'):
        images.encode_png(np.zeros((4, 6), np.uint8))
    with pytest.raises(ImageError, match='float64'):
        images.encode_jpeg(np.zeros((4, 6, 3)))
    with pytest.raises(ImageError, match='JPEG quality is 0'):
        images.encode_jpeg(picture(), quality=0)


def test_resize_to_the_same_size_returns_the_same_object():
    pixels = picture()
    assert images.resize(pixels, H, W) is pixels


def test_shrinking_averages():
    pixels = np.zeros((8, 12, 3), np.uint8)
    pixels[::4] = 200
    assert np.array_equal(images.resize(pixels, 2, 3), np.full((2, 3, 3), 50, np.uint8))


def test_growing_is_bilinear():
    pixels = picture()
    expected = cv2.resize(pixels, (9, 8), interpolation=cv2.INTER_LINEAR)
    assert np.array_equal(images.resize(pixels, 8, 9), expected)


def test_resize_to_nothing_is_refused():
    with pytest.raises(ImageError, match='0x3'):
        images.resize(picture(), 0, 3)


def test_stacking_puts_the_first_on_top():
    top, bottom = picture(2), picture(3)
    stacked = images.stack_vertical([top, bottom])
    assert stacked.shape == (5, W, 3)
    assert np.array_equal(stacked[:2], top)
    assert np.array_equal(stacked[2:], bottom)


def test_stacking_different_widths_is_refused():
    with pytest.raises(ImageError, match=r'different widths: \[6, 5\]'):
        images.stack_vertical([picture(), picture(width=5)])
    with pytest.raises(ImageError, match='no image'):
        images.stack_vertical([])
