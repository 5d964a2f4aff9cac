"""The foods that come in several forms and palettes: what is usual, what varies, and how far."""

import numpy as np
import pytest

from rvernet_plates.canvas import Canvas
from rvernet_plates.foods import FOOD_TABLE, arrange, berries, garden, greens, orchard, pantry, protein

MODULES = (berries, garden, greens, orchard, pantry, protein)
MANY_FORMED = [
    name for name, food in FOOD_TABLE.items() if food.draw.__module__ in {m.__name__ for m in MODULES}
]
SCALE = 96  # coarse, for quick portions


def portion(name, seed):
    food = FOOD_TABLE[name]
    canvas = Canvas(0.5, 0.5, food.radius, SCALE)
    food.draw(canvas, np.random.default_rng(seed))
    return canvas


def test_the_foods_of_these_modules():
    assert len(MANY_FORMED) == 18
    assert len(FOOD_TABLE) == 40


@pytest.mark.parametrize("name", MANY_FORMED)
def test_a_portion_stays_within_its_reach(name):
    for seed in range(12):
        canvas = portion(name, seed)
        on = canvas.height > 0
        far = np.hypot(canvas.whole.u, canvas.whole.v)[on]
        assert on.any()
        assert np.mean(far <= 1.2) > 0.97
        assert np.median(far) > 0.25  # not a speck in the middle


@pytest.mark.parametrize("name", MANY_FORMED)
def test_form_and_palette_are_drawn_independently(name, monkeypatch):
    chosen = []

    def recorded(rng, usual, *others, share=0.7):
        assert others
        pick = arrange.one_of(rng, 0, *range(1, len(others) + 1), share=share)
        chosen[-1].append(pick > 0)
        return (usual, *others)[pick]

    for module in MODULES:
        monkeypatch.setattr(module, "one_of", recorded)
    for seed in range(60):
        chosen.append([])
        portion(name, seed)
    pairs = [tuple(choices[:2]) for choices in chosen]
    assert set(pairs) == {(a, b) for a in (False, True) for b in (False, True)}
    assert pairs.count((False, False)) == max(map(pairs.count, set(pairs)))


@pytest.mark.parametrize("name", MANY_FORMED)
def test_colour_varies_within_a_food(name):
    means = np.array([(c := portion(name, seed)).albedo[c.height > 0].mean(0) for seed in range(30)])
    assert means.std(0).max() > 0.07


def test_the_mean_colour_does_not_name_the_food():
    portions = 14
    means = np.array(
        [
            (c := portion(name, seed)).albedo[c.height > 0].mean(0)
            for name in MANY_FORMED
            for seed in range(portions)
        ]
    )
    labels = np.repeat(np.arange(len(MANY_FORMED)), portions)
    distance = np.linalg.norm(means[:, None] - means[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    nearest = labels[distance.argmin(1)]
    assert 1 / len(MANY_FORMED) < (nearest == labels).mean() < 0.45


def test_one_of_prefers_the_usual():
    rng = np.random.default_rng(0)
    picks = np.array([arrange.one_of(rng, 0, 1, 2) for _ in range(3000)])
    shares = np.bincount(picks) / len(picks)
    assert shares[0] == pytest.approx(0.7, abs=0.03)
    assert shares[1] == pytest.approx(shares[2], abs=0.03)
    assert arrange.one_of(rng, "only") == "only"
    assert {arrange.one_of(rng, 0, 1, share=0.0) for _ in range(20)} == {1}
