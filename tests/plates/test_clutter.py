"""Things that are no food: each fits its canvas, varies, and is the same for the same generator."""

import numpy as np
import pytest

from rvernet_plates.canvas import Canvas
from rvernet_plates.clutter import THINGS


def drawn(kind, seed, scale=256):
    spec = THINGS[kind]
    canvas = Canvas(0.5, 0.5, float(np.mean(spec.radius)), scale)
    spec.draw(canvas, np.random.default_rng(seed))
    return canvas


@pytest.mark.parametrize("kind", THINGS)
def test_a_thing(kind):
    colours = []
    for seed in range(8):
        canvas = drawn(kind, seed)
        on = canvas.height > 0
        assert 0.01 < on.mean() < 0.6
        assert not np.any([on[0], on[-1], on[:, 0], on[:, -1]])
        assert canvas.height.dtype == canvas.albedo.dtype == canvas.gloss.dtype == np.float32
        assert 0 <= canvas.height.min() <= canvas.height.max() < 1
        assert -0.01 <= canvas.albedo.min() <= canvas.albedo.max() < 1.2
        assert 0 <= canvas.gloss.min() <= canvas.gloss.max() <= 1
        colours.append(canvas.albedo[on].mean(0))
    assert np.std(colours, 0).max() > 0.02
    assert np.array_equal(drawn(kind, 2).albedo, drawn(kind, 2).albedo)


@pytest.mark.parametrize("kind", THINGS)
def test_a_thing_stays_in_its_room(kind):
    """Layout keeps foods out of a rectangle of this size."""
    along, across = THINGS[kind].room
    canvas = drawn(kind, 1)
    x, y = canvas.whole.u[canvas.height > 0], canvas.whole.v[canvas.height > 0]
    assert np.abs(x).max() < along + 0.15
    assert np.abs(y).max() < across + 0.22
