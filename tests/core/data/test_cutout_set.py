"""Prepared cut-outs: the same pixels as cutting and letterboxing on the spot, kept once."""

import dataclasses
import errno
import os

import numpy as np
import pytest
from damage import damage

from rvernet_core.config import BRANCHES, DataSpec, PlatesSpec
from rvernet_core.data import cutout_set as module
from rvernet_core.data import open_data
from rvernet_core.data.cutout_set import CutoutSet, cutout_set, masks_at
from rvernet_core.data.cutouts import GRAY, letterbox, letterbox_mask
from rvernet_core.errors import DataError

EVERY = slice(None)


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    spec = DataSpec(train_scenes=4, test_scenes=4, plates=PlatesSpec(size=64))
    return open_data(spec, tmp_path_factory.mktemp("cache")).test


def test_the_prepared_pixels_are_those_of_cutting_and_letterboxing(split, tmp_path):
    cutouts = cutout_set(split, 48, tmp_path)
    assert len(cutouts) == len(split)
    assert cutouts.size == 48
    for i in range(len(split)):
        for branch, cutout in zip(("roi", "extra_roi"), split.cutouts(i), strict=True):
            assert (cutouts.images(branch, np.array([i]))[0] == letterbox(cutout, 48)).all()
    assert cutouts.keys == tuple(s.key for s in split.samples)
    assert (cutouts.labels == split.labels).all()
    assert cutouts.data == split.fingerprint
    assert list(cutouts.samples()) == ["key", "image_id", "label"]


def test_they_are_computed_once_and_mapped_into_memory(split, tmp_path, monkeypatch):
    cutout_set(split, 32, tmp_path)
    monkeypatch.setattr(module, "_compute", lambda *a: pytest.fail("computed again"))
    assert isinstance(cutout_set(split, 32, tmp_path).images("roi", EVERY), np.memmap)


def test_another_size_or_split_is_kept_apart(split, tmp_path):
    other = split.subset([0, 1])
    sets = [cutout_set(split, 32, tmp_path), cutout_set(split, 40, tmp_path), cutout_set(other, 32, tmp_path)]
    assert len({cutouts.fingerprint for cutouts in sets}) == 3


def test_fault_05_an_interrupted_preparation_leaves_nothing(split, tmp_path, monkeypatch):
    def breaks(image, size):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "letterbox", breaks)
    with pytest.raises(KeyboardInterrupt):
        cutout_set(split, 32, tmp_path)
    monkeypatch.undo()
    assert not list((tmp_path / "pairs").iterdir())
    assert len(cutout_set(split, 32, tmp_path)) == len(split)


def test_fault_41_a_disk_that_fills_up_while_cut_outs_are_stored(split, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(DataError, match=r"needs [\d,.]+ MiB of disk space"):
        cutout_set(split, 10**6, tmp_path)
    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DataError, match=r"the disk is full \([\d.]+ MiB needed"):
        cutout_set(split, 32, tmp_path)
    assert not list((tmp_path / "pairs").iterdir())


@pytest.mark.parametrize("name", ["roi.npy", "extra_roi.npy", "samples.json"])
def test_fault_66_damaged_cut_outs_are_cut_out_again(split, tmp_path, name, caplog):
    first = cutout_set(split, 32, tmp_path)
    pictures = {branch: np.array(first.images(branch, EVERY)) for branch in BRANCHES}
    damage(tmp_path / "pairs" / first.fingerprint / name)
    again = cutout_set(split, 32, tmp_path)
    assert all(np.array_equal(again.images(branch, EVERY), pictures[branch]) for branch in BRANCHES)
    assert again.keys == first.keys
    assert f"({name} has another hash" in caplog.messages[0]


def test_a_batch_is_scaled_to_one_and_keeps_its_order(split, tmp_path):
    cutouts = cutout_set(split, 32, tmp_path)
    batch = cutouts.batch("roi", np.array([2, 0]), None, "cpu")
    assert batch.shape == (2, 3, 32, 32)
    assert np.allclose(batch[1].permute(1, 2, 0).numpy() * 255, cutouts.images("roi", np.array([0]))[0])


def test_a_set_can_be_made_of_arrays_or_of_any_function_that_gives_images(cutouts):
    """A batch asks `images` for what it shows, so a set can be perturbed when it is read."""
    inverted = dataclasses.replace(cutouts, images=lambda branch, i: 255 - cutouts.images(branch, i))
    assert isinstance(inverted, CutoutSet)
    assert inverted.size == cutouts.size
    shown = np.array([3, 1])
    plain, other = (c.batch("extra_roi", shown, None, "cpu").numpy() for c in (cutouts, inverted))
    assert np.allclose(plain + other, 1, atol=1e-6)


def test_masks_lie_on_the_cutouts_pixels(split, tmp_path):
    """At the photo's own size nothing is interpolated: in the photo, outside of its mask, a ROI is black."""
    cutouts, masks = cutout_set(split, 64, tmp_path), masks_at(split, 64)
    photo = np.stack([letterbox_mask(np.ones_like(split.mask(i)), 64) for i in range(len(split))])
    assert 0.7 < photo.mean() < 1  # plates are not all square
    assert (cutouts.images("roi", EVERY)[photo & ~masks] == 0).all()
    assert (cutouts.images("extra_roi", EVERY)[masks] == 0).all()
    for branch in BRANCHES:
        assert (cutouts.images(branch, EVERY)[~photo] == GRAY).all()
    assert (masks_at(split, 64, [2, 0]) == masks[[2, 0]]).all()
    assert masks_at(split, 40).shape == (len(split), 40, 40)


def test_paired_by_name_a_roi_gets_the_last_surroundings_of_its_photo(cutouts):
    paired = module.paired_by_name(cutouts)
    indices = np.arange(6)  # two samples of each photo
    assert (paired.images("roi", indices) == cutouts.images("roi", indices)).all()
    assert (paired.images("extra_roi", indices) == cutouts.images("extra_roi", indices | 1)).all()
    assert paired.fingerprint != cutouts.fingerprint
    assert (paired.keys, paired.data) == (cutouts.keys, cutouts.data)
