"""The test set under a condition: what is changed, and that nothing else is."""

import numpy as np
import pytest

from rvernet_core.config import AMBIGUOUS, Condition, DataSpec, Noise, PlatesSpec
from rvernet_core.data import noise
from rvernet_core.data.cutout_set import cutout_set
from rvernet_core.data.cutouts import GRAY, letterbox, letterbox_mask
from rvernet_core.data.noise import KINDS
from rvernet_core.data.samples import RoiSample
from rvernet_core.evaluation import perturbed as module
from rvernet_core.evaluation.perturbed import grow, perturbed, perturbed_test_set
from rvernet_core.runs import RunStore

DATA = DataSpec(train_scenes=10, test_scenes=14, plates=PlatesSpec(size=96, sauce_rate=1.0))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def test_set(store):
    return store.data(DATA).test


def images(condition, branch, store, size=64):
    return every(perturbed_test_set(store, DATA, condition, size), branch)


def every(cutouts, branch):
    return cutouts.images(branch, np.arange(len(cutouts)))


@pytest.mark.parametrize("kind", KINDS)
def test_noise_on_prepared_cutouts_is_that_on_the_cutouts_themselves(kind, store, test_set):
    """A photo of 96 px shrunk to 64, and its noise drawn from the sample's key and the branch."""
    noisy = images(Condition(noise=Noise(kind), on=("roi",)), "roi", store)
    clean = images(Condition(noise=Noise(kind), on=("extra_roi",)), "roi", store)
    for i in range(3):
        roi = test_set.cutouts(i)[0]
        np.testing.assert_array_equal(clean[i], letterbox(roi, 64))
        if kind == "translocation":
            np.testing.assert_array_equal(noisy[i], noise.translocate(roi, 64))
        else:
            tiles = lambda image: np.sort(image.reshape(-1, 3), axis=0)  # noqa: E731
            assert (noisy[i] != clean[i]).any()
            assert np.abs(
                tiles(noisy[i]).astype(int).sum(0) - tiles(clean[i]).astype(int).sum(0)
            ).max() < 64 * (
                96 + 4 * GRAY
            )  # a few rows of gray padding give way to the black that fills up the tiles


def test_oblong_photos_are_perturbed_inside_their_letterbox(tmp_path):
    """The part that shows the photo is found again in the letterbox, to the pixel."""
    image = np.random.default_rng(0).integers(0, 256, (50, 90, 3), dtype=np.uint8)

    class One:
        fingerprint, classes = "oblong", ("a",)
        samples = (RoiSample("a/1", "1", 0, "a", 1.0),)

        def __len__(self):
            return 1

        def cutouts(self, i):
            return image, image

    cutouts = cutout_set(One(), 64, tmp_path)
    noisy = every(perturbed(cutouts, Condition(noise=Noise("translocation"))), "roi")[0]
    np.testing.assert_array_equal(noisy, noise.translocate(image, 64))
    none = every(perturbed(cutouts, Condition(context="none")), "extra_roi")[0]
    assert set(np.unique(none)) == {0, GRAY}, "black inside the photo, the letterbox's gray around it"


def test_noise_is_the_same_in_any_order_and_another_with_another_seed(store):
    condition = Condition(noise=Noise("permutation"))
    noisy = perturbed_test_set(store, DATA, condition, 64)
    whole, some = noisy.images("roi", np.arange(6)), noisy.images("roi", np.array([4, 1]))
    np.testing.assert_array_equal(whole[[4, 1]], some)
    assert (images(Condition(noise=Noise("permutation"), seed=1), "roi", store)[:6] != whole).any()


def test_a_perturbed_set_takes_the_place_of_the_clean_one(store):
    """It is a `CutoutSet` with the same samples under another fingerprint; the clean one stays as it is."""
    clean = store.cutouts(DATA, "test", 64)
    before = every(clean, "roi").copy()
    noisy = perturbed(clean, Condition(noise=Noise()))
    assert (noisy.keys, noisy.classes, noisy.data, noisy.size) == (
        clean.keys,
        clean.classes,
        clean.data,
        clean.size,
    )
    assert noisy.fingerprint != clean.fingerprint
    assert (every(noisy, "roi") != before).any()
    np.testing.assert_array_equal(every(clean, "roi"), before)
    batch = noisy.batch("roi", np.array([2]), None, "cpu")
    np.testing.assert_allclose(batch[0].permute(1, 2, 0) * 255, every(noisy, "roi")[2], atol=1e-3)


@pytest.mark.parametrize("context", ["same", "other"])
def test_a_foreign_context_comes_from_another_photo_and_the_chosen_class(context, store, test_set):
    own, foreign = (perturbed_test_set(store, DATA, c, 64) for c in (Condition(), Condition(context=context)))
    np.testing.assert_array_equal(every(foreign, "roi"), every(own, "roi"))
    shown, before = every(foreign, "extra_roi"), every(own, "extra_roi")
    sources = [own.keys.index(key) for key in foreign.context_sources]
    for i, source in enumerate(sources):
        np.testing.assert_array_equal(shown[i], before[source])
        if source != i:
            assert foreign.image_ids[i] != foreign.image_ids[source]
            here, there = (test_set.samples[k].class_name for k in (i, source))
            assert (here == there) == (context == "same")
            if here in AMBIGUOUS and context == "other":
                assert there in AMBIGUOUS
    sauces = [i for i, s in enumerate(test_set.samples) if s.class_name in AMBIGUOUS]
    assert all(sources[i] != i for i in sauces)
    assert own.context_sources is None


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


def test_the_filling_stands_only_where_the_other_cutout_was(store, test_set):
    gray = images(Condition(fill="gray"), "roi", store, size=96)
    blur = images(Condition(fill="blur"), "extra_roi", store, size=96)
    for i in range(3):
        photo, mask = letterbox(test_set.photo(i), 96), letterbox_mask(test_set.mask(i), 96)
        assert (gray[i][~mask] == GRAY).all()
        np.testing.assert_array_equal(gray[i][mask], photo[mask])
        np.testing.assert_array_equal(blur[i][~mask], photo[~mask])
        assert (blur[i][mask] != photo[mask]).any()


def test_the_first_photos_are_whole_photos(store, test_set):
    some = perturbed_test_set(store, DATA, Condition(photos=3), 64)
    assert len(set(some.image_ids)) == 3
    assert len(some) == sum(s.image_id in set(some.image_ids) for s in test_set.samples)


@pytest.mark.parametrize("change", [{"masks": "sam"}, {"grow": 0.02}, {"fill": "gray"}])
def test_other_cut_outs_are_made_of_the_chosen_photos_alone_and_are_the_same(change, store, monkeypatch):
    prepared, fresh = [], RunStore(store.cache)
    monkeypatch.setattr(
        module, "cutout_set", lambda split, *rest: prepared.append(len(split)) or cutout_set(split, *rest)
    )
    some, whole = (perturbed_test_set(fresh, DATA, Condition(**change, photos=n), 64) for n in (3, 0))
    assert prepared == [len(some), len(whole)]
    assert len(some) < len(whole)
    assert some.keys == whole.keys[: len(some)]
    for branch in ("roi", "extra_roi"):
        np.testing.assert_array_equal(every(some, branch), every(whole, branch)[: len(some)])


def test_sams_masks_are_another_test_set(store):
    own, sam = (perturbed_test_set(store, DATA, c, 64) for c in (Condition(), Condition(masks="sam")))
    assert own.keys == sam.keys
    assert own.fingerprint != sam.fingerprint
    difference = np.abs(every(own, "roi")[:5].astype(int) - every(sam, "roi")[:5].astype(int))
    assert 0 < difference.mean() < 20, "SAM's masks are near the exact ones, and not the same"
