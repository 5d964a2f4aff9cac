"""Cut-outs rebuild the photo; the letterbox equals the released transform pixel by pixel."""

import math

import numpy as np
import pytest
from PIL import Image
from random_photos import SIZES, photo
from torchvision.transforms.functional import pad

from rvernet_core.data import cutouts
from rvernet_core.errors import DataError


def oracle(image, size):
    """An independent letterbox with Pillow's and torchvision's own functions."""
    picture = Image.fromarray(image)
    ratio = size / max(picture.size)
    if ratio != 1:
        picture = picture.resize(tuple(math.floor(side * ratio) for side in picture.size))
    gap_x, gap_y = size - picture.size[0], size - picture.size[1]
    return np.asarray(
        pad(picture, [math.ceil(gap_x / 2), math.ceil(gap_y / 2), gap_x // 2, gap_y // 2], fill=125)
    )


@pytest.mark.parametrize("size", [64, 97, 128, 224])
@pytest.mark.parametrize("sides", SIZES)
def test_letterbox_equals_the_released_transform(sides, size):
    image = photo(*sides)
    np.testing.assert_array_equal(cutouts.letterbox(image, size), oracle(image, size))


def test_the_odd_pixel_goes_left_and_top():
    boxed = cutouts.letterbox(np.zeros((4, 1, 3), np.uint8), 4)
    assert (boxed[0, :, 0] == [125, 125, 0, 125]).all()
    boxed = cutouts.letterbox(np.zeros((1, 4, 3), np.uint8), 4)
    assert (boxed[:, 0, 0] == [125, 125, 0, 125]).all()


@pytest.mark.parametrize("sides", [(3000, 2), (2, 3000), (1, 1), (12000, 1)])
def test_fault_27_extreme_aspect_ratio_never_gives_a_zero_pixel_side(sides):
    boxed = cutouts.letterbox(photo(*sides), 64)
    assert boxed.shape == (64, 64, 3)
    assert (boxed != 125).any()
    assert cutouts.letterbox_mask(np.ones(sides[::-1], bool), 64).any()


@pytest.mark.parametrize("sides", SIZES)
def test_roi_and_extra_roi_rebuild_the_photo(sides):
    image = photo(*sides)
    mask = np.random.default_rng(1).random(image.shape[:2]) < 0.4
    roi, extra_roi = cutouts.cut(image, mask)
    np.testing.assert_array_equal(roi + extra_roi, image)
    assert (roi[~mask] == 0).all()
    assert (extra_roi[mask] == 0).all()


def test_cut_with_another_fill():
    image, mask = photo(5, 4), np.zeros((4, 5), bool)
    roi, extra_roi = cutouts.cut(image, mask, fill=(1, 2, 3))
    assert (roi == [1, 2, 3]).all()
    np.testing.assert_array_equal(extra_roi, image)


@pytest.mark.parametrize("sides", SIZES)
def test_the_mask_stays_over_its_pixels(sides):
    """White inside the mask and black outside: after both letterboxes they still agree almost everywhere."""
    width, height = sides
    mask = np.zeros((height, width), bool)
    mask[height // 4 : height // 2 + 1, width // 3 : width // 2 + 1] = True
    image = np.repeat((mask * 255).astype(np.uint8)[..., None], 3, axis=2)
    bright = cutouts.letterbox(image, 128, fill=0)[..., 0] > 127
    boxed = cutouts.letterbox_mask(mask, 128)
    assert boxed.dtype == bool
    assert (boxed & bright).sum() / (boxed | bright).sum() > 0.85


@pytest.mark.parametrize(
    ("image", "mask"),
    [
        (np.zeros((4, 5), np.uint8), np.zeros((4, 5), bool)),
        (np.zeros((4, 5, 3), float), np.zeros((4, 5), bool)),
        (np.zeros((4, 5, 3), np.uint8), np.zeros((4, 5), np.uint8)),
        (np.zeros((4, 5, 3), np.uint8), np.zeros((5, 4), bool)),
    ],
)
def test_wrong_shapes_and_types_are_refused(image, mask):
    with pytest.raises(DataError):
        cutouts.cut(image, mask)
