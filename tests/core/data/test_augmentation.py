"""Noise in training: which batches are noised, that it is the test's noise, and what is refused."""

from dataclasses import replace

import numpy as np
import pytest
from small_sets import make_cutouts

from rvernet_core.config import BRANCHES, TrainSpec
from rvernet_core.data import noise
from rvernet_core.data.augmentation import SEVERITY, NoisyBatch, check, noisy_batches
from rvernet_core.data.cutout_set import CutoutSet
from rvernet_core.data.cutouts import letterbox
from rvernet_core.errors import ConfigError

EVERY = np.arange(3)


def batches(share=0.5, samples=1000, seed=0, epoch=0, kind="permutation", batch_size=10):
    spec = TrainSpec(noise=kind, noise_share=share, batch_size=batch_size)
    return noisy_batches(spec, seed, epoch, samples)


def at(severity, kind="permutation", streams=(5, 6, 7)):
    return NoisyBatch(kind, np.full(3, severity), np.array(streams))


# --- which batches ------------------------------------------------------------------------------------


@pytest.mark.parametrize("share", [0.1, 0.5, 0.8])
def test_the_share_of_batches_is_noised(share):
    drawn = batches(share, samples=20000)
    assert len(drawn) == 2000
    assert np.mean([batch is not None for batch in drawn]) == pytest.approx(share, abs=0.04)


def test_none_and_all_are_exact():
    assert batches(share=0.0) == [None] * 100
    assert all(batch is not None for batch in batches(share=1.0))
    assert noisy_batches(TrainSpec(batch_size=10), 0, 0, 101) == [None] * 11


def test_every_sample_of_a_batch_has_a_severity_and_a_stream_of_its_own():
    drawn = batches(share=1.0, samples=1003)
    assert [len(batch.severity) for batch in drawn] == [10] * 100 + [3]
    severity = np.concatenate([batch.severity for batch in drawn])
    assert SEVERITY[0] <= severity.min() < 0.02
    assert 0.98 < severity.max() <= SEVERITY[1]
    assert severity.mean() == pytest.approx(0.5, abs=0.03)
    assert len({stream for batch in drawn for stream in batch.streams}) == 1003


def test_the_same_seed_and_epoch_give_the_same_noise_and_others_other_noise():
    def numbers(**changes):
        return [None if b is None else (*b.severity, *b.streams) for b in batches(**changes)]

    assert numbers() == numbers()
    assert numbers(seed=1) != numbers() != numbers(epoch=1)


def test_a_larger_share_noises_the_same_batches_and_more():
    """Two shares are compared on common random numbers."""
    few, many = batches(0.3), batches(0.6)
    assert all(other is not None for one, other in zip(few, many, strict=True) if one is not None)
    assert sum(b is not None for b in many) > sum(b is not None for b in few)


# --- which images -------------------------------------------------------------------------------------


def photos(width=64, height=64):
    """Three samples of oblong photos, as they lie in letterboxes of 64 px."""
    rng = np.random.default_rng(0)
    roi, extra = rng.integers(0, 256, (2, 3, height, width, 3)).astype(np.uint8)
    boxed = [np.stack([letterbox(image, 64) for image in images]) for images in (roi, extra)]
    facts = {field: getattr(make_cutouts(0), field) for field in ("classes", "data", "fingerprint")}
    cutouts = CutoutSet.from_arrays(
        *boxed,
        labels=EVERY,
        keys=("a", "b", "c"),
        image_ids=("a", "b", "c"),
        fitted=np.array([[width, height]] * 3),
        **facts,
    )
    return cutouts, {"roi": roi, "extra_roi": extra}


@pytest.mark.parametrize("sides", [(64, 64), (64, 43), (40, 64)])
@pytest.mark.parametrize("branch", BRANCHES)
@pytest.mark.parametrize("severity", [0.0, 0.4, 1.0])
def test_the_noise_is_that_of_the_test_on_the_photo_inside_its_letterbox(sides, branch, severity):
    cutouts, own = photos(*sides)
    shifted = at(severity, "translocation").images(cutouts, branch, EVERY)
    shuffled = at(severity).images(cutouts, branch, EVERY)
    for k in EVERY:
        expected = noise.translocate(own[branch][k], 64, severity=severity)
        np.testing.assert_array_equal(shifted[k], expected)
        rng = np.random.default_rng([5 + k, BRANCHES.index(branch)])
        expected = noise.permute_patches(own[branch][k], 64, rng=rng, severity=severity)
        np.testing.assert_array_equal(shuffled[k], expected)


def test_severity_zero_leaves_the_cut_outs_as_they_are():
    cutouts, _ = photos(64, 43)
    for kind in noise.KINDS:
        np.testing.assert_array_equal(
            at(0.0, kind).images(cutouts, "roi", EVERY), cutouts.images("roi", EVERY)
        )


@pytest.mark.parametrize("kind", noise.KINDS)
def test_photos_are_mirrored_before_they_are_noised_so_that_a_shift_goes_right_as_in_the_test(kind):
    cutouts, own = photos(64, 43)
    flips = np.array([True, False, True])
    got = at(1.0, kind).images(cutouts, "roi", EVERY, flips)
    mirrored, _ = photos(64, 43)
    flipped = np.stack([letterbox(own["roi"][k][:, ::-1] if flips[k] else own["roi"][k], 64) for k in EVERY])
    mirrored = replace(mirrored, images=lambda branch, indices: flipped[indices])
    np.testing.assert_array_equal(got, at(1.0, kind).images(mirrored, "roi", EVERY))


def test_both_cut_outs_share_the_severity_and_each_has_tiles_in_its_own_order():
    cutouts, own = photos()
    same = replace(cutouts, images=lambda branch, indices: own["roi"][indices])
    roi, extra = (at(1.0, "translocation").images(same, branch, EVERY) for branch in BRANCHES)
    np.testing.assert_array_equal(roi, extra)
    roi, extra = (at(1.0).images(same, branch, EVERY) for branch in BRANCHES)
    assert (roi != extra).any(), "as in the evaluation"


def test_prepared_cut_outs_are_never_written_to():
    cutouts, _ = photos()
    before = cutouts.images("roi", EVERY).copy()
    at(1.0).images(cutouts, "roi", EVERY)
    np.testing.assert_array_equal(cutouts.images("roi", EVERY), before)


# --- what is refused ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"noise": "permutate"}, "train.noise is 'permutate'; did you mean 'permutation'"),
        ({"noise": "blur"}, "expected one of permutation, translocation"),
        (
            {"noise": "permutation", "noise_share": 1.2},
            r"noise_share is 1.2; expected a probability in \[0, 1\]",
        ),
        ({"noise": "permutation", "noise_share": -0.1}, "noise_share is -0.1"),
        ({"noise_share": 0.2}, "a noise_share of 0.2 without noise; set train.noise to permutation or"),
        (
            {"noise": "translocation", "distillation": "hard", "strength": 0.5},
            "a teacher's logits are of clean images",
        ),
    ],
)
def test_what_means_nothing_is_refused(changes, message):
    with pytest.raises(ConfigError, match=message):
        check(TrainSpec(**changes))


def test_training_without_noise_and_with_any_share_of_it_is_in_order():
    check(TrainSpec())
    check(TrainSpec(distillation="hard", strength=0.5))
    for share in (0.0, 0.5, 1.0):
        check(TrainSpec(noise="permutation", noise_share=share))
