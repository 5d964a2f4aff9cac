"""The test set under a condition: what is changed, and that nothing else is."""

import numpy as np
import pytest

from rvernet_core import runs
from rvernet_core.config import AMBIGUOUS, DataSpec, PlatesSpec
from rvernet_core.data.cutout_set import prepare
from rvernet_core.data.cutouts import GRAY, letterbox
from rvernet_core.data.samples import RoiSample
from rvernet_core.evaluation import noise
from rvernet_core.evaluation import perturbed as conditions
from rvernet_core.evaluation.perturbed import Altered, Condition, Noise, altered, grow

DATA = DataSpec(train_scenes=10, test_scenes=14, plates=PlatesSpec(size=96, sauce_rate=1.0))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def test_set(cache):
    return runs.data_of(DATA, cache).test


def pictures(condition, branch, cache, size=64):
    changed = altered(DATA, condition, size, cache)
    return changed.pictures(branch, np.arange(len(changed)))


@pytest.mark.parametrize("kind", conditions.KINDS)
def test_noise_on_prepared_cutouts_is_that_on_the_cutouts_themselves(kind, cache, test_set):
    """A photo of 96 px shrunk to 64, and its noise drawn from the sample's key and the branch."""
    noisy = pictures(Condition(noise=Noise(kind), on=("roi",)), "roi", cache)
    clean = pictures(Condition(noise=Noise(kind), on=("extra_roi",)), "roi", cache)
    for i in range(3):
        roi = test_set.cutouts(i)[0]
        np.testing.assert_array_equal(clean[i], letterbox(roi, 64))
        if kind == "translocation":
            np.testing.assert_array_equal(noisy[i], noise.translocate(roi, 64))
        else:
            tiles = lambda image: np.sort(image.reshape(-1, 3), axis=0)  # noqa: E731
            assert (noisy[i] != clean[i]).any()
            assert (
                np.abs(tiles(noisy[i]).astype(int).sum(0) - tiles(clean[i]).astype(int).sum(0)).max()
                < 64 * 96
            )


def test_oblong_photos_are_disturbed_inside_their_letterbox(cache):
    """The part that shows the photo is found again in the letterbox, to the pixel."""
    image = np.random.default_rng(0).integers(0, 256, (50, 90, 3), dtype=np.uint8)

    class One:
        fingerprint, classes = "oblong", ("a",)
        samples = (RoiSample("a/1", "1", 0, "a", 1.0),)

        def __len__(self):
            return 1

        def cutouts(self, i):
            return image, image

    pairs = prepare(One(), 64, cache)
    seen = Altered(pairs, Condition(noise=Noise("translocation"))).pictures("roi", np.array([0]))
    np.testing.assert_array_equal(seen[0], noise.translocate(image, 64))
    none = Altered(pairs, Condition(context="none")).pictures("extra_roi", np.array([0]))[0]
    assert set(np.unique(none)) == {0, GRAY}, "black inside the photo, the letterbox's gray around it"


def test_noise_is_the_same_in_any_order_and_another_with_another_seed(cache):
    condition = Condition(noise=Noise("permutation"))
    changed = altered(DATA, condition, 64, cache)
    whole, some = changed.pictures("roi", np.arange(6)), changed.pictures("roi", np.array([4, 1]))
    np.testing.assert_array_equal(whole[[4, 1]], some)
    assert (pictures(Condition(noise=Noise("permutation"), seed=1), "roi", cache)[:6] != whole).any()


@pytest.mark.parametrize("context", ["same", "other"])
def test_a_foreign_context_comes_from_another_photo_and_the_wished_class(context, cache, test_set):
    changed = altered(DATA, Condition(context=context), 64, cache)
    own = altered(DATA, Condition(), 64, cache)
    shown, before = (a.pictures("extra_roi", np.arange(len(a))) for a in (changed, own))
    np.testing.assert_array_equal(
        changed.pictures("roi", np.arange(len(changed))), own.pictures("roi", np.arange(len(own)))
    )
    for i, donor in enumerate(changed.donors):
        np.testing.assert_array_equal(shown[i], before[donor])
        if donor != i:
            assert changed.image_ids[i] != changed.image_ids[donor]
            here, there = (test_set.samples[k].class_name for k in (i, donor))
            assert (here == there) == (context == "same")
            if here in AMBIGUOUS and context == "other":
                assert there in AMBIGUOUS
    sauces = [i for i, s in enumerate(test_set.samples) if s.class_name in AMBIGUOUS]
    assert all(changed.donors[i] != i for i in sauces)


def test_masks_grow_and_shrink_and_never_vanish():
    mask = np.zeros((80, 100), bool)
    mask[30:50, 40:70] = True
    larger, smaller, least = grow(mask, 0.05), grow(mask, -0.05), grow(mask, -0.9)
    assert larger[25, 55]
    assert not larger[24, 55]
    assert smaller[35, 55]
    assert not smaller[34, 55]
    assert (larger & mask == mask).all()
    assert (smaller & ~mask).sum() == 0
    assert least.any()
    assert (least & ~mask).sum() == 0


def test_the_filling_stands_only_where_the_other_cutout_was(cache, test_set):
    gray = pictures(Condition(fill="gray"), "roi", cache, size=96)
    blur = pictures(Condition(fill="blur"), "extra_roi", cache, size=96)
    for i in range(3):
        photo, mask = test_set.photo(i), test_set.mask(i)
        assert (gray[i][~mask] == GRAY).all()
        np.testing.assert_array_equal(gray[i][mask], photo[mask])
        np.testing.assert_array_equal(blur[i][~mask], photo[~mask])
        assert (blur[i][mask] != photo[mask]).any()


def test_the_first_photos_are_whole_photos(cache, test_set):
    some = altered(DATA, Condition(photos=3), 64, cache)
    assert len(set(some.image_ids)) == 3
    assert len(some) == sum(s.image_id in set(some.image_ids) for s in test_set.samples)


@pytest.mark.parametrize("change", [{"masks": "sam"}, {"grow": 0.02}, {"fill": "gray"}])
def test_other_cut_outs_are_made_of_the_wished_photos_alone_and_are_the_same(change, cache):
    some, every = (altered(DATA, Condition(**change, photos=n), 64, cache) for n in (3, 0))
    assert len(some.pairs) == len(some) < len(every)
    assert some.keys == every.keys[: len(some)]
    for branch in ("roi", "extra_roi"):
        first = np.arange(len(some))
        np.testing.assert_array_equal(some.pictures(branch, first), every.pictures(branch, first))


def test_sams_masks_are_another_test_set(cache):
    own, sam = (altered(DATA, c, 64, cache) for c in (Condition(), Condition(masks="sam")))
    assert own.keys == sam.keys
    assert own.fingerprint != sam.fingerprint
    difference = np.abs(
        own.pictures("roi", np.arange(5)).astype(int) - sam.pictures("roi", np.arange(5)).astype(int)
    )
    assert 0 < difference.mean() < 20, "SAM's masks are near the exact ones, and not the same"
