"""One drawing for both sauces: the outline never sees t, the look follows it."""

import dataclasses

import numpy as np
import pytest

from rvernet_plates import SAUCES, PlatesSpec, plan_scene, scene
from rvernet_plates.canvas import Canvas
from rvernet_plates.sauces import _SHAPES, coarseness, draw_sauce


def draw(seed, t, radius=0.11):
    canvas = Canvas(0.5, 0.5, radius, 256)
    smooth = draw_sauce(canvas, np.random.default_rng(seed), t)
    return canvas, smooth


@pytest.mark.parametrize("seed", range(8))
def test_the_outline_and_the_smooth_height_do_not_depend_on_t(seed):
    drawn = [draw(seed, t) for t in (-2.5, 0.0, 2.5)]
    for canvas, smooth in drawn:
        assert np.array_equal(smooth, drawn[0][1])
        assert np.array_equal(canvas.height > 0, smooth > 0)


def test_every_shape_is_a_portion_inside_its_canvas():
    for shape in set(_SHAPES):
        for seed in range(5):
            height = shape(Canvas(0.5, 0.5, 0.11, 256), np.random.default_rng(seed))
            inside = height > 0
            assert 0.1 < inside.mean() < 0.6
            assert not np.any([inside[0], inside[-1], inside[:, 0], inside[:, -1]])


def test_coarseness_is_monotone_and_wide():
    x = [coarseness(t) for t in np.linspace(-3, 3, 61)]
    assert np.all(np.diff(x) < 0)
    assert coarseness(-2.5) - coarseness(2.5) > 0.7
    assert coarseness(0) == 0.5


def test_the_look_moves_all_one_way():
    """Darker, browner, rougher and less glossy as t falls."""
    rows = []
    for t in np.linspace(2.5, -2.5, 11):
        parts = []
        for seed in range(6):
            canvas, smooth = draw(seed, float(t))
            on = smooth > 0
            red, green, _ = canvas.albedo[on].T
            rough = np.abs(canvas.height - smooth)[on].mean()
            parts.append((red.mean(), -green.sum() / red.sum(), -rough, -red.std(), canvas.gloss[on].mean()))
        rows.append(np.mean(parts, 0))
    assert (np.diff(rows, axis=0) < 0).all()


def test_a_small_photo_shows_t():
    """A linear reading of a 64-pixel ROI's colours recovers t almost entirely."""
    spec, features, latents = PlatesSpec(size=64, sauce_rate=1.0), [], []
    for seed in range(120):
        plan = plan_scene(spec, 900 + seed)
        plan = dataclasses.replace(plan, items=(plan.of(SAUCES),), things=())
        s = scene.draw(plan, 64)
        pixels = s.image[s.instances == 1].astype(float)
        mean = pixels.mean(0)
        features.append([1, *mean, mean[1] / mean[0], pixels[:, 0].std(), pixels[:, 1].std()])
        latents.append(plan.items[-1].latent)
    x, t = np.array(features), np.array(latents)
    residual = t - x @ np.linalg.lstsq(x, t, rcond=None)[0]
    assert 1 - residual.var() / t.var() > 0.9
