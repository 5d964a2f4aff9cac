"""Every food fills its canvas sensibly, differs from portion to portion, and scales."""

import cv2
import numpy as np
import pytest

from rvernet_plates.canvas import Canvas
from rvernet_plates.foods import FOOD_TABLE


def portion(name, seed, scale=256, angle=0.0):
    food = FOOD_TABLE[name]
    canvas = Canvas(0.5, 0.5, food.radius, scale, angle)
    food.draw(canvas, np.random.default_rng(seed))
    return canvas


@pytest.mark.parametrize("name", FOOD_TABLE)
def test_a_portion(name):
    footprints, colours = [], []
    for seed in range(6):
        canvas = portion(name, seed)
        on = canvas.height > 0
        assert 0.08 < on.mean() < 0.65
        assert np.isfinite(canvas.height).all()
        assert np.isfinite(canvas.albedo).all()
        assert canvas.height.dtype == canvas.albedo.dtype == canvas.gloss.dtype == np.float32
        assert 0 <= canvas.height.min() <= canvas.height.max() < 1.6
        assert -0.05 <= canvas.albedo.min() <= canvas.albedo.max() < 1.3
        assert 0 <= canvas.gloss.min() <= canvas.gloss.max() <= 1
        edge = np.concatenate([on[0], on[-1], on[:, 0], on[:, -1]])
        assert edge.mean() < 0.02  # nothing is cut off by the buffer
        footprints.append(on)
        colours.append(canvas.albedo[on].mean(0))
    shared = np.logical_and.reduce(footprints).sum() / np.logical_or.reduce(footprints).sum()
    assert shared < 0.93  # portions differ in outline
    assert np.std(colours, 0).max() > 0.004  # and in colour


@pytest.mark.parametrize("name", FOOD_TABLE)
def test_a_portion_is_pure_and_scales(name):
    a, b = portion(name, 3), portion(name, 3)
    assert np.array_equal(a.albedo, b.albedo)
    assert np.array_equal(a.height, b.height)
    large = portion(name, 3, scale=512)
    shrunk = cv2.resize(large.albedo, a.shape[::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(shrunk - a.albedo).mean() < 0.06
    assert (large.height > 0).mean() == pytest.approx((a.height > 0).mean(), rel=0.12)


def test_an_angle_turns_the_portion():
    upright, turned = portion("sausage", 1), portion("sausage", 1, angle=np.pi / 2)
    overlap = np.rot90(upright.height > 0, -1) == (turned.height > 0)
    assert overlap.mean() > 0.97
