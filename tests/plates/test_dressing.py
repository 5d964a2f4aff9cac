"""Seasoning shifts a portion's colours, keeps its outline, and is the same for every food."""

import colorsys

import numpy as np
import pytest

from rvernet_plates.canvas import Canvas, dome
from rvernet_plates.foods import FOOD_TABLE
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.textures import rgb

ORANGE = rgb(200, 120, 60)


def ball(canvas, rng):
    whole = canvas.whole
    canvas.lay(whole, dome(whole.rho**2, 0.05, 0.4), ORANGE, 0.2)


def portion(draw, seed):
    canvas = Canvas(0.5, 0.5, 0.2, 96)
    draw(canvas, np.random.default_rng(seed))
    return canvas


def test_only_the_tone_of_a_plain_portion_changes():
    draw = dressed(hue=8, plain=1.0)(ball)
    bare, hues = portion(ball, 0), []
    for seed in range(30):
        canvas = portion(draw, seed)
        on = canvas.height > 0
        assert np.array_equal(canvas.height, bare.height)
        assert np.array_equal(canvas.gloss, bare.gloss)
        assert np.abs(canvas.albedo[on] - canvas.albedo[on][0]).max() < 1e-5  # still of one colour
        hues.append(360 * colorsys.rgb_to_hsv(*canvas.albedo[on][0].tolist())[0])
    before = 360 * colorsys.rgb_to_hsv(*ORANGE.tolist())[0]
    assert np.std(hues) > 2
    assert np.abs(np.array(hues) - before).max() < 1.5 * 8 + 4  # 1.5 deviations; HSV's hue is no exact angle


def test_something_on_top_varies_the_colour_within_a_portion():
    draw, spreads = dressed(plain=0.0)(ball), []
    for seed in range(24):
        canvas = portion(draw, seed)
        on = canvas.height > 0
        assert np.array_equal(on, portion(ball, 0).height > 0)
        assert 0 <= canvas.albedo.min() <= canvas.albedo.max() <= 1
        assert 0 <= canvas.gloss.min() <= canvas.gloss.max() <= 1
        spreads.append(canvas.albedo[on].std(0).max())
    assert min(spreads) > 0.003
    assert np.median(spreads) > 0.03


def test_the_share_of_plain_portions():
    draw = dressed(plain=0.6)(ball)
    plain = [
        np.ptp(portion(draw, s).albedo[portion(ball, s).height > 0], axis=0).max() < 1e-5 for s in range(150)
    ]
    assert np.mean(plain) == pytest.approx(0.6, abs=0.1)


def test_a_dressed_drawing_keeps_its_name_and_is_pure():
    assert FOOD_TABLE["rice"].draw.__name__ == "rice"
    assert FOOD_TABLE["rice"].draw.__doc__
    draw = dressed(plain=0.0)(ball)
    assert np.array_equal(portion(draw, 4).albedo, portion(draw, 4).albedo)
    assert not np.array_equal(portion(draw, 4).albedo, portion(draw, 5).albedo)
