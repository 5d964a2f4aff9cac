"""Rendered plates through the door; most tests use a fake store: the renderer has tests of its own."""

from types import SimpleNamespace

import numpy as np
import pytest

from rvernet_core.config import DataSpec
from rvernet_core.data import open_data, plates
from rvernet_core.errors import ConfigError


class FakeStore:
    """Scene i holds egg (left half) and rice (right half), and a hidden tofu; every third one egg twice."""

    def __init__(self, seeds):
        self.seeds = seeds

    def __len__(self):
        return len(self.seeds)

    def image(self, i):
        return np.random.default_rng(self.seeds[i]).integers(0, 256, (16, 16, 3), dtype=np.uint8)

    def instances(self, i):
        scene = np.full((16, 16), 1, np.uint8)
        scene[:, 8:] = 2
        return scene

    def items(self, i):
        second = "egg" if i % 3 == 2 else "rice"
        return tuple(SimpleNamespace(name=name) for name in ("egg", second, "tofu"))


@pytest.fixture
def stores(monkeypatch):
    made = []

    def fake(spec, seeds, cache, **options):
        made.append(seeds)
        return FakeStore(seeds)

    monkeypatch.setattr(plates, "scene_store", fake)
    return made


def test_each_visible_food_is_one_sample(stores, cache):
    data = open_data(DataSpec(train_scenes=3, test_scenes=2), cache)
    assert [s.class_name for s in data.train.samples] == ["egg", "rice", "egg", "rice", "egg"]
    assert data.train.samples[-1].area == 1  # two eggs are one ROI of the class
    assert data.train.report.small["tofu"] == 3
    assert data.train.report.full_frame["egg"] == 1
    for i, sample in enumerate(data.test.samples):
        assert data.test.mask(i).mean() == sample.area
        assert data.classes[sample.label] == sample.class_name
    roi, extra_roi = data.test.cutouts(1)
    np.testing.assert_array_equal(roi + extra_roi, data.test.photo(1))
    assert (roi[:, :8] == 0).all()


def test_splits_share_no_scene_whatever_their_size(stores, cache):
    open_data(DataSpec(train_scenes=2000, test_scenes=1, seed=7), cache)
    train, test = stores
    assert (train[0], len(train), len(test)) == (7, 2000, 1)
    assert not set(train) & set(test)


def test_fingerprints_follow_the_spec(stores, cache):
    one = open_data(DataSpec(train_scenes=3, test_scenes=2), cache)
    same = open_data(DataSpec(train_scenes=3, test_scenes=2), cache)
    more = open_data(DataSpec(train_scenes=4, test_scenes=2), cache)
    assert one.fingerprint == same.fingerprint
    assert one.train.fingerprint != more.train.fingerprint
    assert one.test.fingerprint == more.test.fingerprint


@pytest.mark.parametrize("changes", [{"train_scenes": 0}, {"seed": -1}, {"seed": 2**30}])
def test_impossible_seeds_are_refused(stores, cache, changes):
    with pytest.raises(ConfigError, match="scene"):
        open_data(DataSpec(**changes), cache)


def test_real_scenes(cache):
    data = open_data(DataSpec(train_scenes=3, test_scenes=2), cache)
    assert data.classes[-2:] == ("ketchup", "chili paste")
    assert len({s.image_id for s in data.train.samples} | {s.image_id for s in data.test.samples}) == 5
    for split in (data.train, data.test):
        assert split.report.totals()["photos"] in (2, 3)
        for i, sample in enumerate(split.samples):
            assert split.photo(i).shape[:2] in ((96, 128), (128, 96), (128, 128))
            assert split.mask(i).shape == split.photo(i).shape[:2]
            assert split.mask(i).mean() == pytest.approx(sample.area)
            roi, extra_roi = split.cutouts(i)
            np.testing.assert_array_equal(roi + extra_roi, split.photo(i))
    assert open_data(DataSpec(train_scenes=3, test_scenes=2), cache).fingerprint == data.fingerprint
