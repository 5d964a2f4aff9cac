"""The camera: projection and its inverse, shapes of photos, and what the file does to a picture."""

from collections import Counter

import cv2
import numpy as np
import pytest

from rvernet_plates.camera import Camera

TILTED = Camera(1.0, 0.75, zoom=1.0, tilt=0.4, blur=0.004, grain=2.0, quality=90)


def rng(seed=0):
    return np.random.default_rng(seed)


def picture(shape=(96, 128)):
    coarse = rng(3).random((6, 8, 3), np.float32)
    return np.clip(cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC), 0, 1)


def test_photos_have_three_shapes():
    shapes = Counter((c.width, c.height) for c in (Camera.draw(rng(k)) for k in range(600)))
    assert set(shapes) == {(1.0, 0.75), (0.75, 1.0), (1.0, 1.0)}
    assert min(shapes.values()) > 120
    assert TILTED.pixels(128) == (128, 96)
    assert Camera(0.75, 1.0, 1, 0, 0, 0, 90).pixels(64) == (48, 64)


def test_table_and_photo_are_inverse():
    x, y = rng().uniform(-0.5, 0.5, (2, 50))
    back = TILTED.to_photo(*TILTED.to_table(x, y))
    assert np.allclose(back, (x, y))
    untilted = Camera(1.0, 1.0, 1, 0.0, 0, 0, 90)
    assert np.allclose(untilted.to_table(x, y), (x, y))


def test_what_is_farther_is_smaller():
    left, top, right, bottom = TILTED.seen
    assert -left == right > 0.5
    assert -top > bottom > 0
    assert TILTED.magnification(-0.3) < 1 < TILTED.magnification(0.3)
    near, far = (TILTED.to_photo(0.1, y)[0] for y in (0.3, -0.3))
    assert near > 0.1 > far


@pytest.mark.parametrize("scale", [64, 256])
def test_the_view_maps_pixels_as_the_places_say(scale):
    for px, py in ((0, 0), (scale - 1, 0), (10, 0.75 * scale - 1)):
        u, v, w = TILTED.view(scale) @ (px, py, 1)
        x, y = TILTED.to_table((px + 0.5) / scale - 0.5, (py + 0.5) / scale - 0.375)
        assert u / w == pytest.approx((x - TILTED.seen[0]) * scale - 0.5)
        assert v / w == pytest.approx((y - TILTED.seen[1]) * scale - 0.5)


def test_a_developed_picture_is_close_to_what_came_in():
    sharp = picture()
    image = TILTED.develop(sharp, rng(), 128)
    assert image.shape == (96, 128, 3)
    assert image.dtype == np.uint8
    error = image - 255 * sharp
    assert np.abs(error.mean()) < 1
    assert 1 < error.std() < 6
    assert np.array_equal(image, TILTED.develop(sharp, rng(), 128))
    assert not np.array_equal(image, TILTED.develop(sharp, rng(1), 128))


def test_pixels_of_no_weight_leave_no_trace():
    weight = np.zeros((96, 128), np.float32)
    weight[20:60, 30:80] = 1
    one, other = picture(), picture()
    other[weight == 0] = rng(5).random(3)
    assert np.array_equal(*(TILTED.develop(p, rng(), 128, weight) for p in (one, other)))
    flat = np.full((96, 128, 3), 0.6, np.float32) * weight[..., None]
    image = TILTED.develop(flat, rng(), 128, weight)
    assert np.abs(image[20:60, 30:80].mean((0, 1)) - 153).max() < 1.5  # nor darken the edge
