"""Complementary cut-outs of a split at the nets' input size, computed once and kept on disk.

Decoding, cutting and resizing a photo costs more than a training step of a small net, and neither
changes from epoch to epoch. The arrays are memory-mapped: memory does not grow with the data set.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from rvernet_core.config import fingerprint
from rvernet_core.data import FoodSplit
from rvernet_core.data.cutouts import fitted_size, letterbox, letterbox_mask
from rvernet_core.files import new_array
from rvernet_core.sealed import is_intact, sealed_folder

Images = Callable[[str, np.ndarray], np.ndarray]


@dataclass(frozen=True)
class CutoutSet:
    """Both cut-outs of N samples at one size: as prepared, or perturbed when they are read."""

    labels: np.ndarray  # (N,) int64
    keys: tuple[str, ...]  # "<class>/<image id>", unique
    image_ids: tuple[str, ...]  # samples with one id were cut from one photo
    classes: tuple[str, ...]
    fitted: np.ndarray  # (N, 2) int64: width and height in pixels of the photo inside the letterbox
    size: int  # side of the images in pixels, S
    data: str  # fingerprint of the split that they were cut from
    fingerprint: str
    images: Images  # (branch, indices (B,)) -> uint8 (B, S, S, 3)
    context_sources: tuple[str, ...] | None = None  # keys of the samples whose surroundings are shown instead

    @classmethod
    def from_arrays(cls, roi: np.ndarray, extra_roi: np.ndarray, **facts: Any) -> CutoutSet:
        """The set of two arrays uint8 (N, S, S, 3), in memory or mapped; `facts` are the other fields."""
        arrays = {"roi": roi, "extra_roi": extra_roi}
        return cls(size=roi.shape[1], images=lambda branch, indices: arrays[branch][indices], **facts)

    def __len__(self) -> int:
        return len(self.labels)

    def batch(self, branch: str, indices: np.ndarray, flips: np.ndarray | None, device: str) -> Tensor:
        """Images (B, 3, S, S) in [0, 1] of one branch; `flips` (B,) bool mirrors left and right.

        Give both branches the same `flips`: augmentation acts on the photo, and a photo has two parts.
        """
        return to_batch(self.images(branch, indices), flips, device)

    def targets(self, indices: np.ndarray, flips: np.ndarray | None = None) -> np.ndarray:
        """What a model is to answer for these samples: their labels (B,), whether mirrored or not."""
        return self.labels[indices]

    @property
    def class_weights(self) -> np.ndarray | None:
        """Weights float32 of the classes in the loss, in label order; None: all count the same."""
        return None

    def samples(self) -> dict[str, Any]:
        """The columns that name the samples in a table of predictions."""
        return {"key": self.keys, "image_id": self.image_ids, "label": self.labels}


def to_batch(pictures: np.ndarray, flips: np.ndarray | None, device: str) -> Tensor:
    """uint8 (B, S, S, 3) -> float32 (B, 3, S, S) in [0, 1]; `flips` (B,) bool mirrors left and right."""
    images = torch.from_numpy(np.ascontiguousarray(pictures)).to(device)
    images = images.permute(0, 3, 1, 2).float().div_(255)  # (B, S, S, 3) -> (B, 3, S, S)
    if flips is not None and flips.any():
        mirrored = torch.from_numpy(flips).to(device)
        images[mirrored] = images[mirrored].flip(-1)
    return images


def cutout_set(split: FoodSplit, size: int, cache: Path) -> CutoutSet:
    """The letterboxed cut-outs of `split` at `size` px, from the cache or computed with a progress bar.

    Raises DataError if the disk is full or read-only.
    """
    key = fingerprint("pairs", 2, split.fingerprint, size, "letterbox")
    folder = Path(cache) / "pairs" / key
    if not is_intact(folder):
        _compute(split, size, folder)
    meta = json.loads((folder / "samples.json").read_text("utf-8"))
    return CutoutSet.from_arrays(
        roi=np.load(folder / "roi.npy", mmap_mode="r"),
        extra_roi=np.load(folder / "extra_roi.npy", mmap_mode="r"),
        labels=np.asarray(meta["labels"], dtype=np.int64),
        keys=tuple(meta["keys"]),
        image_ids=tuple(meta["image_ids"]),
        classes=tuple(meta["classes"]),
        fitted=np.asarray(meta["fitted"], dtype=np.int64),
        data=split.fingerprint,
        fingerprint=key,
    )


def paired_by_name(cutouts: CutoutSet) -> CutoutSet:
    """Each ROI with the last surroundings of its photo's name, of whatever class, as the release pairs them.

    Where one photo shows several foods, its samples share a name. All but the last then see surroundings in
    which another food is missing, and their own food is still there (release, `PairedDataset`).
    """
    last = {name: i for i, name in enumerate(cutouts.image_ids)}
    source = np.array([last[name] for name in cutouts.image_ids])

    def images(branch: str, indices: np.ndarray) -> np.ndarray:
        return cutouts.images(branch, source[indices] if branch == "extra_roi" else indices)

    return dataclasses.replace(
        cutouts, images=images, fingerprint=fingerprint("by name", cutouts.fingerprint)
    )


def masks_at(split: FoodSplit, size: int, indices: Sequence[int] | None = None) -> np.ndarray:
    """The ROIs of the samples at `indices` (None: all) as the nets see them, bool (N, size, size).

    Letterboxed like the cut-outs, but nearest neighbour; the padding is outside.
    """
    chosen = range(len(split)) if indices is None else indices
    masks = np.zeros((len(chosen), size, size), bool)
    for k, i in enumerate(chosen):
        masks[k] = letterbox_mask(split.mask(int(i)), size)
    return masks


def _compute(split: FoodSplit, size: int, folder: Path) -> None:
    shape = (len(split), size, size, 3)
    with sealed_folder(folder, 2 * math.prod(shape)) as staging:
        arrays = [new_array(staging / f"{branch}.npy", np.uint8, shape) for branch in ("roi", "extra_roi")]
        fitted = []
        for i in tqdm(range(len(split)), desc="cutting out", unit="ROI", disable=None):
            cutouts = split.cutouts(i)
            for array, cutout in zip(arrays, cutouts, strict=True):
                array[i] = letterbox(cutout, size)
            height, width = cutouts[0].shape[:2]
            fitted.append(fitted_size(width, height, size))
        for array in arrays:
            array.flush()
        samples = split.samples
        meta = {
            "labels": [s.label for s in samples],
            "keys": [s.key for s in samples],
            "image_ids": [s.image_id for s in samples],
            "classes": list(split.classes),
            "fitted": fitted,
        }
        (staging / "samples.json").write_text(json.dumps(meta), "utf-8")
