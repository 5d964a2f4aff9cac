"""The foods that come in several forms and palettes: what is usual, what varies, and how far."""

import numpy as np
import pytest

from rvernet_plates.canvas import Canvas
from rvernet_plates.foods import FOOD_TABLE, arrange, berries, garden, greens, orchard, pantry, protein

MODULES = (berries, garden, greens, orchard, pantry, protein)
one_of = arrange.one_of  # kept, since tests replace it
MANY_FORMED = [
    name for name, food in FOOD_TABLE.items() if food.draw.__module__ in {m.__name__ for m in MODULES}
]
SCALE = 96  # coarse, for quick portions


def portion(name, seed, scale=SCALE):
    food = FOOD_TABLE[name]
    canvas = Canvas(0.5, 0.5, food.radius, scale)
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
def test_palette_and_cut_are_drawn_apart(name, monkeypatch):
    """The usual palette seldom, the usual cut nearly always, and neither tells the other."""
    chosen = []

    def recorded(rng, usual, *others, share=arrange.USUAL_COLOUR):
        pick = one_of(rng, 0, *range(1, len(others) + 1), share=share)
        chosen[-1].append((pick == 0, share, len(others)))
        return (usual, *others)[pick]

    for module in (arrange, *MODULES):
        monkeypatch.setattr(module, "one_of", recorded)
    for seed in range(150):
        chosen.append([])
        portion(name, seed, scale=24)
    for choices in chosen:
        assert [share for _, share, _ in choices[:2]] == [arrange.USUAL_COLOUR, arrange.USUAL_CUT]
        assert all(others >= 2 for *_, others in choices[:2])
    palette, cut = (np.array([choices[k][0] for choices in chosen]) for k in (0, 1))
    assert palette.mean() == pytest.approx(arrange.USUAL_COLOUR, abs=0.13)
    assert cut.mean() == pytest.approx(arrange.USUAL_CUT, abs=0.09)
    assert abs(np.corrcoef(palette, cut)[0, 1]) < 0.25


@pytest.mark.parametrize("name", MANY_FORMED)
def test_the_rarer_forms_are_portions_too(name, monkeypatch):
    for module in (arrange, *MODULES):
        monkeypatch.setattr(module, "one_of", lambda rng, *forms, share=0.0: one_of(rng, *forms, share=0.0))
    for seed in range(16):
        canvas = portion(name, seed)
        on = canvas.height > 0
        assert 0.06 < on.mean() < 0.65
        assert np.isfinite(canvas.height).all()
        assert 0 <= canvas.height.min() <= canvas.height.max() < 1.6
        assert 0 <= canvas.albedo.min() <= canvas.albedo.max() <= 1
        assert on[canvas.whole.rho < 1.2].sum() > 0.95 * on.sum()
        assert np.mean([on[0], on[-1], on[:, 0], on[:, -1]]) < 0.02


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
