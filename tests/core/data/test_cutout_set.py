"""Prepared cut-outs: the same pixels as cutting and letterboxing on the spot, kept once."""

import numpy as np
import pytest

from rvernet_core.config import DataSpec, PlatesSpec
from rvernet_core.data import cutout_set as pairs_module
from rvernet_core.data import open_data
from rvernet_core.data.cutout_set import masks_at, prepare
from rvernet_core.data.cutouts import letterbox


@pytest.fixture(scope="module")
def split(tmp_path_factory):
    spec = DataSpec(train_scenes=4, test_scenes=4, plates=PlatesSpec(size=64))
    return open_data(spec, tmp_path_factory.mktemp("cache")).test


def test_the_prepared_pixels_are_those_of_cutting_and_letterboxing(split, tmp_path):
    ready = prepare(split, 48, tmp_path)
    assert len(ready) == len(split)
    for i in range(len(split)):
        roi, extra_roi = split.cutouts(i)
        assert (ready.roi[i] == letterbox(roi, 48)).all()
        assert (ready.extra_roi[i] == letterbox(extra_roi, 48)).all()
    assert ready.keys == tuple(s.key for s in split.samples)
    assert (ready.labels == split.labels).all()


def test_they_are_computed_once_and_mapped_into_memory(split, tmp_path, monkeypatch):
    prepare(split, 32, tmp_path)
    monkeypatch.setattr(pairs_module, "_compute", lambda *a: pytest.fail("computed again"))
    assert isinstance(prepare(split, 32, tmp_path).roi, np.memmap)


def test_another_size_or_transform_is_kept_apart(split, tmp_path):
    names = {
        prepare(split, 32, tmp_path).fingerprint,
        prepare(split, 40, tmp_path).fingerprint,
        prepare(
            split, 32, tmp_path, lambda image, size: 255 - letterbox(image, size), "negative"
        ).fingerprint,
    }
    assert len(names) == 3


def test_fault_05_an_interrupted_preparation_leaves_nothing(split, tmp_path):
    def breaks(image, size):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prepare(split, 32, tmp_path, breaks, "breaks")
    assert not list((tmp_path / "pairs").iterdir())


def test_a_batch_is_scaled_to_one_and_keeps_its_order(split, tmp_path):
    ready = prepare(split, 32, tmp_path)
    batch = ready.batch("roi", np.array([2, 0]), None, "cpu")
    assert batch.shape == (2, 3, 32, 32)
    assert np.allclose(batch[1].permute(1, 2, 0).numpy() * 255, ready.roi[0])


def test_masks_lie_on_the_cutouts_pixels(split, tmp_path):
    """At the photo's own size nothing is interpolated: outside of its mask a ROI is black."""
    ready, masks = prepare(split, 64, tmp_path), masks_at(split, 64)
    assert (ready.roi[~masks] == 0).all()
    assert (ready.extra_roi[masks] == 0).all()
    assert (masks_at(split, 64, [2, 0]) == masks[[2, 0]]).all()
    assert masks_at(split, 40).shape == (len(split), 40, 40)
