"""Every food fills its canvas sensibly, differs from portion to portion, and scales."""

import cv2
import numpy as np
import pytest

from rvernet_plates.canvas import Canvas
from rvernet_plates.foods import FOOD_TABLE, arrange, corn, eggs, fruit, meat, potatoes, starches, vegetables

MODULES = (corn, eggs, fruit, meat, potatoes, starches, vegetables)
NAMES = [name for name, food in FOOD_TABLE.items() if food.draw.__module__ in {m.__name__ for m in MODULES}]


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


one_of = arrange.one_of  # kept, since tests replace it


def rare(rng, usual, *others, share=0.0):
    """`one_of` that never gives the usual form."""
    return one_of(rng, usual, *others, share=0.0)


def replace_one_of(monkeypatch, other):
    """Let foods draw their palettes and cuts by `other` instead of `one_of`."""
    for module in (arrange, *MODULES):
        monkeypatch.setattr(module, "one_of", other)


def test_one_of_gives_the_usual_form_as_often_as_it_should():
    rng = np.random.default_rng(0)
    for draw, share in ((arrange.one_of, arrange.USUAL_COLOUR), (arrange.a_cut, arrange.USUAL_CUT)):
        drawn = [draw(rng, "a", "b", "c", "d") for _ in range(4000)]
        assert drawn.count("a") / 4000 == pytest.approx(share, abs=0.03)
        assert drawn.count("b") / 4000 == pytest.approx((1 - share) / 3, abs=0.03)
    assert {arrange.one_of(rng, 1, 2, 3, share=0.0) for _ in range(60)} == {2, 3}
    assert arrange.one_of(rng, "only") == "only"


@pytest.mark.parametrize("name", NAMES)
def test_cut_and_palette_are_drawn_apart(name, monkeypatch):
    """The usual cut nearly always, the usual palette seldom, and neither tells the other."""
    drawn = []

    def recorded(rng, usual, *others, share=arrange.USUAL_COLOUR):
        chosen = one_of(rng, usual, *others, share=share)
        drawn[-1].append((chosen is usual, share, len(others)))
        return chosen

    replace_one_of(monkeypatch, recorded)
    for seed in range(150):
        drawn.append([])
        portion(name, seed, scale=24)
    cut, palette = (np.array([choices[k][0] for choices in drawn]) for k in (0, 1))
    for choices in drawn:
        assert [share for _, share, _ in choices[:2]] == [arrange.USUAL_CUT, arrange.USUAL_COLOUR]
        assert all(others >= 2 for *_, others in choices[:2])
    assert cut.mean() == pytest.approx(arrange.USUAL_CUT, abs=0.09)
    assert palette.mean() == pytest.approx(arrange.USUAL_COLOUR, abs=0.13)
    assert abs(np.corrcoef(cut, palette)[0, 1]) < 0.25


@pytest.mark.parametrize("name", NAMES)
def test_the_rarer_forms_are_portions_too(name, monkeypatch):
    replace_one_of(monkeypatch, rare)
    for seed in range(12):
        canvas = portion(name, seed, scale=128)
        on = canvas.height > 0
        assert 0.06 < on.mean() < 0.65
        assert np.isfinite(canvas.height).all()
        assert 0 <= canvas.height.min() <= canvas.height.max() < 1.6
        assert -0.05 <= canvas.albedo.min() <= canvas.albedo.max() < 1.3
        assert on[canvas.whole.rho < 1].sum() > 0.85 * on.sum()  # a portion keeps to its radius
        assert np.mean([on[0], on[-1], on[:, 0], on[:, -1]]) < 0.02


def chroma(name, seed):
    """The mean colour of a portion without its brightness: (red - green, blue - green)."""
    canvas = portion(name, seed, scale=64)
    r, g, b = canvas.albedo[canvas.height > 0].mean(0)
    return r - g, b - g


def test_colour_varies_within_a_class_and_classes_overlap():
    seeds = range(40)
    means = {name: np.array([chroma(name, seed) for seed in seeds]) for name in NAMES}
    for name, points in means.items():
        assert np.hypot(*points.std(0)) > 0.06, name
    # the nearest neighbour by mean colour is seldom of the same class
    points = np.concatenate(list(means.values()))
    labels = np.repeat(np.arange(len(NAMES)), len(seeds))
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    assert (labels[distance.argmin(1)] == labels).mean() < 0.35


def test_foods_share_their_cuts(monkeypatch):
    """Cubes, sticks and rounds come from several foods each, so that a cut does not name a food."""
    users = {cut: set() for cut in ("cubes", "sticks", "rounds", "wedges", "shreds")}
    current = []
    replace_one_of(monkeypatch, rare)
    for module in MODULES:
        for cut in users:
            if hasattr(module, cut):
                original = getattr(module, cut)

                def recorded(*args, _cut=cut, _original=original, **kwargs):
                    users[_cut].add(current[-1])
                    return _original(*args, **kwargs)

                monkeypatch.setattr(module, cut, recorded)
    for name in NAMES:
        current.append(name)
        for seed in range(25):
            portion(name, seed, scale=24)
    assert {"tofu", "potato", "steak", "bread", "carrot", "cucumber"} <= users["cubes"]
    assert {"french fries", "carrot", "cucumber", "bread"} <= users["sticks"]
    assert {"sausage", "egg", "potato", "tomato"} <= users["rounds"]
    assert {"tomato", "lemon", "potato"} <= users["wedges"]
    assert {"carrot", "lettuce"} <= users["shreds"]
