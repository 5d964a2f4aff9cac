"""The pretraining corpus: pure pictures of categories that no experiment uses."""

import json

import cv2
import numpy as np
import pytest

from rvernet_core.data.names import FOODSEG103
from rvernet_core.errors import ConfigError
from rvernet_plates import FOODS, SAUCES
from zoo.things import CATEGORIES, render_thing, thing_corpus
from zoo.things.corpus import thing_labels
from zoo.things.outlines import path
from zoo.things.sheet import Sheet
from zoo.things.table import DRAWINGS, MATERIALS, TREATS, UPRIGHT

#: What the experiments' plates show beside `rvernet_plates.FOODS`, or may come to show.
OF_EXPERIMENTS = {
    *FOODS, *SAUCES,
    "banana", "apple", "orange", "grape", "cherry", "olives", "cheese butter", "biscuit", "pasta", "fish",
    "chicken duck", "onion", "cauliflower", "asparagus", "cabbage", "pepper", "white button mushroom", "pork",
    "ketchup", "chili paste", "water", "liquor",
}  # fmt: skip


def sheet_of(name: str, seed: int) -> Sheet:
    sheet = Sheet(40, np.eye(2))
    DRAWINGS[name](sheet, np.random.default_rng(seed))
    return sheet


# --- the categories ----------------------------------------------------------------------------------


def test_there_are_75_categories_and_no_experiment_uses_one():
    assert len(CATEGORIES) == len(set(CATEGORIES)) == 75
    assert not set(CATEGORIES) & OF_EXPERIMENTS
    words = {word for name in OF_EXPERIMENTS for word in (name, name.rstrip("s"), name + "s")}
    assert not [name for name in CATEGORIES if set(name.split()) & words]


def test_the_foods_among_them_are_foodseg103s_and_the_rest_is_no_food():
    assert set(TREATS) <= set(FOODSEG103)
    assert not (set(CATEGORIES) - set(TREATS)) & set(FOODSEG103)


def test_things_with_a_top_are_categories():
    assert set(CATEGORIES) >= UPRIGHT


# --- the drawings ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CATEGORIES)
def test_a_drawing_shows_something_within_its_sheet_and_varies(name):
    sheets = [sheet_of(name, seed) for seed in range(3)]
    for sheet in sheets:
        thing = sheet.height > 0
        assert 0.02 < thing.mean() < 0.9
        assert sheet.height.dtype == sheet.gloss.dtype == sheet.albedo.dtype == np.float32
        assert np.isfinite(sheet.height).all()
        assert np.isfinite(sheet.albedo).all()
        tones, relief = np.ptp(sheet.albedo[thing].mean(1)), np.ptp(sheet.height[thing])
        assert max(tones, 5 * relief) > 0.005  # more than a silhouette
        border = np.concatenate([thing[0], thing[-1], thing[:, 0], thing[:, -1]])
        assert border.mean() < 0.03  # not cut off
    assert not np.array_equal(sheets[0].albedo, sheets[1].albedo)
    assert not np.array_equal(sheets[1].albedo, sheets[2].albedo)


@pytest.mark.parametrize("name", MATERIALS)
def test_a_material_has_relief(name):
    sheet = sheet_of(name, 1)
    inner = cv2.erode((sheet.height > 0).astype(np.uint8), np.ones((9, 9), np.uint8)) > 0
    assert np.std(sheet.height[inner]) > 0.002


def test_parts_lie_on_what_was_laid_before():
    square = path((-0.8, -0.8), (0.8, -0.8), (0.8, 0.8), (-0.8, 0.8))
    sheet = Sheet(30, np.eye(2))
    sheet.poly(square, (1, 0, 0), thick=0.2, bevel=0.05)
    below = sheet.height.copy()
    sheet.poly((square[0] * 0.5, square[1] * 0.5), (0, 1, 0), thick=0.1, bevel=0.05)
    green = sheet.albedo[..., 1] > 0.5
    assert green.any()
    assert np.all(sheet.height[green] > below[green])
    assert np.array_equal(sheet.height[~green], below[~green])
    sheet.cut(sheet.filled((square[0] * 0.2, square[1] * 0.2)))
    middle = sheet.side // 2
    assert sheet.height[middle, middle] == 0


def test_shapes_that_leave_the_sheet_are_cut_off():
    sheet = Sheet(20, np.eye(2))
    sheet.poly(path((-3, -3), (3, -3), (3, 3), (-3, 3)), (1, 1, 1))
    sheet.rod(path((5, 5), (6, 6)), 0.2, (0, 0, 0))
    assert (sheet.height > 0).all()
    assert (sheet.albedo == 1).all()


# --- the pictures ------------------------------------------------------------------------------------


def test_a_picture_is_a_pure_function_of_category_seed_and_size():
    before = np.random.get_state(legacy=False)  # noqa: NPY002 - that it is left alone is the point
    first = render_thing(3, 11, 48)
    render_thing(4, 12, 48)
    assert np.array_equal(first, render_thing(3, 11, 48))
    assert str(np.random.get_state(legacy=False)) == str(before)  # noqa: NPY002
    assert first.shape == (48, 48, 3)
    assert first.dtype == np.uint8
    assert not np.array_equal(first, render_thing(3, 12, 48))
    assert not np.array_equal(first, render_thing(4, 11, 48))
    assert render_thing(0, 0).shape == (112, 112, 3)


@pytest.mark.parametrize(("category", "seed", "size"), [(-1, 0, 64), (75, 0, 64), (0, -1, 64), (0, 0, 8)])
def test_arguments_outside_their_ranges_are_refused(category, seed, size):
    with pytest.raises(ValueError, match="expected a category from 0 to 74"):
        render_thing(category, seed, size)


def test_colour_alone_does_not_tell_the_category():
    """The nearest mean of hue and saturation histograms is right far less often than any shape would be."""

    def histogram(image: np.ndarray) -> np.ndarray:
        hsv = cv2.cvtColor(image, cv2.COLOR_RGB2HSV)
        counts, _, _ = np.histogram2d(hsv[..., 0].ravel(), hsv[..., 1].ravel(), (18, 4), ((0, 180), (0, 256)))
        return np.sqrt(counts.ravel() / counts.sum())

    chosen, per_class = range(0, 75, 3), 12
    features = np.array([[histogram(render_thing(c, 100 + k, 32)) for k in range(per_class)] for c in chosen])
    means = features[:, : per_class - 4].mean(1)
    held_out = features[:, per_class - 4 :]
    nearest = ((held_out[:, :, None] - means) ** 2).sum(-1).argmin(-1)
    accuracy = (nearest == np.arange(len(means))[:, None]).mean()
    assert accuracy < 0.25  # chance is 0.04


# --- the corpus --------------------------------------------------------------------------------------


def test_a_corpus_holds_the_pictures_of_its_labels_in_balance(tmp_path):
    images, labels = thing_corpus(80, 7, tmp_path, size=24, workers=1)
    assert images.shape == (80, 24, 24, 3)
    assert (images.dtype, labels.dtype) == (np.uint8, np.int16)
    counts = np.bincount(labels, minlength=75)
    assert counts.max() - counts.min() <= 1
    assert not np.array_equal(labels, np.arange(80) % 75)
    for i in (0, 41, 79):
        assert np.array_equal(images[i], render_thing(int(labels[i]), 7 + i, 24))


def test_a_corpus_is_rendered_once_and_named_by_what_determines_it(tmp_path, monkeypatch):
    first, labels = thing_corpus(4, 0, tmp_path, size=16)
    with monkeypatch.context() as patched:
        patched.setattr("zoo.things.corpus.render_thing", None)  # a second rendering would fail
        again, same = thing_corpus(4, 0, tmp_path, size=16)
    assert np.array_equal(first, again)
    assert np.array_equal(labels, same)
    thing_corpus(4, 1, tmp_path, size=16)
    thing_corpus(5, 0, tmp_path, size=16)
    thing_corpus(4, 0, tmp_path, size=17)
    assert len(list((tmp_path / "things").iterdir())) == 4
    monkeypatch.setattr("zoo.things.corpus.THINGS_VERSION", 10**6)
    thing_corpus(4, 0, tmp_path, size=16)
    assert len(list((tmp_path / "things").iterdir())) == 5


def test_a_damaged_corpus_is_rendered_again(tmp_path, caplog):
    expected = np.array(thing_corpus(3, 0, tmp_path, size=16)[0])
    (folder,) = (tmp_path / "things").iterdir()
    assert "images.npy" in json.loads((folder / "sha256.json").read_text("utf-8"))
    content = bytearray((folder / "images.npy").read_bytes())
    content[-1] ^= 255
    (folder / "images.npy").write_bytes(content)
    again, _ = thing_corpus(3, 0, tmp_path, size=16)
    assert np.array_equal(expected, again)
    assert "damaged" in caplog.text


def test_several_processes_render_the_same_corpus(tmp_path, monkeypatch):
    monkeypatch.setattr("zoo.things.corpus._CHUNK", 4)
    monkeypatch.setattr("zoo.things.corpus._WORTH_A_POOL", 8)
    alone, labels = thing_corpus(10, 3, tmp_path / "alone", size=16, workers=1)
    together, same = thing_corpus(10, 3, tmp_path / "together", size=16, workers=2)
    assert np.array_equal(alone, together)
    assert np.array_equal(labels, same)


def test_labels_are_those_of_the_seed():
    assert np.array_equal(thing_labels(200, 5), thing_labels(200, 5))
    assert not np.array_equal(thing_labels(200, 5), thing_labels(200, 6))


@pytest.mark.parametrize(("count", "seed", "size"), [(0, 0, 64), (10, -1, 64), (10, 0, 8)])
def test_a_corpus_that_cannot_be_is_refused(tmp_path, count, seed, size):
    with pytest.raises(ConfigError, match="expected at least one picture"):
        thing_corpus(count, seed, tmp_path, size)
