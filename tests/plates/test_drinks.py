"""One drawing for both drinks: the glass never sees t, the liquid follows it."""

import dataclasses

import numpy as np
import pytest

from rvernet_plates import DRINKS, PlatesSpec, plan_scene, scene
from rvernet_plates.canvas import Canvas
from rvernet_plates.drinks import draw_drink


def draw(seed, t):
    canvas = Canvas(0.5, 0.5, 0.15, 256)
    height = draw_drink(canvas, np.random.default_rng(seed), t)
    return canvas, height


@pytest.mark.parametrize("seed", range(6))
def test_height_and_outline_do_not_depend_on_t(seed):
    drawn = [draw(seed, t) for t in (-2.5, 0.0, 2.5)]
    for canvas, height in drawn:
        assert np.array_equal(height, drawn[0][1])
        assert np.array_equal(canvas.height, drawn[0][0].height)
        assert np.array_equal(canvas.albedo.any(-1), drawn[0][0].albedo.any(-1))
        assert not np.any([height[0], height[-1], height[:, 0], height[:, -1]])
        assert 0.2 < (height > 0).mean() < 0.6
        assert 0 <= canvas.albedo.min() <= canvas.albedo.max() <= 1


def test_the_look_moves_one_way():
    """More golden and with fewer bubbles as t falls."""
    rows = []
    for t in np.linspace(2.5, -2.5, 6):
        parts = []
        for seed in range(6):
            canvas, height = draw(seed, float(t))
            red, _, blue = canvas.albedo[height > 0].T
            parts.append(red.mean() - blue.mean())
        rows.append(np.mean(parts))
    assert (np.diff(rows) > 0).all()
    assert rows[-1] - rows[0] > 0.05


def test_glasses_differ():
    means = [canvas.albedo[height > 0].mean(0) for canvas, height in (draw(seed, 0.0) for seed in range(12))]
    assert np.std(means, 0).min() > 0.03


def test_a_large_distance_shows_in_a_small_photo():
    """For d > 0 the glass does tell: a linear reading of its colours recovers much of t."""
    spec, features, latents = PlatesSpec(size=64, drink_rate=1.0, sauce_rate=0.0), [], []
    for seed in range(150):
        plan = plan_scene(spec, 700 + seed)
        item = dataclasses.replace(plan.of(DRINKS), latent=float(np.random.default_rng(seed).normal(0, 1.5)))
        s = scene.draw(dataclasses.replace(plan, items=(item,), things=()), 64)
        pixels = s.image[s.instances == 1].astype(float)
        red, green, blue = pixels.T
        tint = np.log(np.array(plan.light.tint))
        top = np.quantile(red - blue, (0.1, 0.5, 0.9))
        features.append(
            [1, *pixels.mean(0), blue.mean() / red.mean(), green.mean() / red.mean(), *top, *tint]
        )
        latents.append(item.latent)
    x, t = np.array(features), np.array(latents)
    residual = t - x @ np.linalg.lstsq(x, t, rcond=None)[0]
    assert 1 - residual.var() / t.var() > 0.5
