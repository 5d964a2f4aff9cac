"""A detector-like net of a classifier's size: it sees whole photos and says what each part of them shows.

    spec = ModelSpec(roi="deit", fusion="features", detector=True)

This is the classification branch of a dense, anchor-free detector (https://arxiv.org/abs/1904.01355), and an
idealised one. The backbone's last map has 7 x 7 cells, and a linear layer gives each cell a class or
background. It draws no boxes and suppresses no repeated ones: asked for a food, it is told the exact mask.

Its training is the classifier's own, by `training.fit`. Where that shows the cut-out of a sample, this shows
the sample's whole photo, with all foods in it to be learned; so optimiser, schedule, batches, mirroring,
held-out photos and the number of pictures that pass through the backbone are the same.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm.auto import tqdm

from rvernet_core.config import ModelSpec, RunSpec, fingerprint
from rvernet_core.data import FoodSplit
from rvernet_core.data.cutout_set import CutoutSet, masks_at
from rvernet_core.data.cutouts import fitted_size, letterbox
from rvernet_core.errors import ConfigError, DataError
from rvernet_core.files import new_array
from rvernet_core.models import backbones
from rvernet_core.models.rvernet import Classifier, Nets
from rvernet_core.sealed import is_intact, sealed_folder

CELLS = 7  # a side: the CNN's last map; the 14 x 14 tokens of the others are averaged two by two
WITHOUT_PHOTOS = ("release",)  # data sets of cut-outs, in which nothing tells which were cut from one photo


def check(spec: RunSpec) -> None:
    """Raise ConfigError where a detector is asked for what only models of cut-outs can do."""
    model, train, data = spec.model, spec.train, spec.data
    if data.name in WITHOUT_PHOTOS:
        raise ConfigError(
            f"a detector needs whole photos with the masks of all their foods; {data.name} has cut-outs of "
            "one food each. Expected another data set, or detector=False"
        )
    if not model.roi or model.extra_roi or model.fusion != "features":
        raise ConfigError(
            f"a detector has one backbone, whose map it reads; roi is {model.roi!r}, extra_roi "
            f"{model.extra_roi!r}, fusion {model.fusion!r}; expected a backbone, None and 'features'"
        )
    other = {
        "freeze": model.freeze,
        "class_token": model.class_token,
        "fresh_head": model.fresh_head,
        "noise": train.noise,
        "distillation": train.distillation,
        "watch_test": train.watch_test,
        "pairing": data.pairing != "sample",
    }
    if asked := [name for name, value in other.items() if value]:
        raise ConfigError(f"a detector cannot have {asked[0]}; leave it at its default, or detector=False")


# --- whole photos -------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class WholePhotos(CutoutSet):
    """For each of N samples the whole photo that it was cut from, whichever branch is asked for."""

    photo_of: np.ndarray  # (N,) int64: the photo of each sample, below P
    cells: np.ndarray  # (P, 7, 7) int64: the class that each cell of a photo shows; K is background
    coverage: np.ndarray  # (N, 7, 7) float32 in [0, 1]: the share of each cell that is in the sample's mask

    def targets(self, indices: np.ndarray, flips: np.ndarray | None = None) -> np.ndarray:
        """The classes (B, 7, 7) of the cells of these samples' photos; `flips` (B,) bool mirrors them."""
        cells = self.cells[self.photo_of[indices]]
        if flips is not None:
            cells[flips] = cells[flips][..., ::-1]
        return cells

    @property
    def class_weights(self) -> np.ndarray | None:
        """Weights (K + 1,) float32 of the classes: the cells of background count as much as all others."""
        weights = np.ones(len(self.classes) + 1, np.float32)
        empty = float((self.cells[self.photo_of] == len(self.classes)).mean())
        weights[-1] = (1 - empty) / empty if 0 < empty < 1 else 1
        return weights


def whole_photos(split: FoodSplit, size: int, cache: Path) -> WholePhotos:
    """The letterboxed photos of `split` at `size` px with their cells, from the cache or computed.

    Masks are those of the split. What they do not name is background, also where a food is: an ROI below the
    minimum area, or other foods in the photos of an extra class. Raises DataError where one photo comes in
    several pieces, as finished cut-outs do.
    """
    groups = split.photo_groups()
    pieces = Counter(split.samples[group[0]].image_id for group in groups)
    if apart := [name for name, count in pieces.items() if count > 1]:
        raise DataError(
            f"photo {apart[0]!r} of the {split.name} split comes in {pieces[apart[0]]} pieces, each with a "
            "mask of its own; expected whole photos with the masks of all their foods"
        )
    key = fingerprint("whole photos", 1, split.fingerprint, size, CELLS)
    folder = Path(cache) / "whole-photos" / key
    if not is_intact(folder):
        _compute(split, groups, size, folder)
    photos = np.load(folder / "photos.npy", mmap_mode="r")
    photo_of = np.empty(len(split), np.int64)
    for photo, group in enumerate(groups):
        photo_of[group] = photo
    return WholePhotos(
        labels=split.labels,
        keys=tuple(sample.key for sample in split.samples),
        image_ids=tuple(sample.image_id for sample in split.samples),
        classes=split.classes,
        fitted=np.load(folder / "fitted.npy")[photo_of],
        size=size,
        data=split.fingerprint,
        fingerprint=key,
        images=lambda branch, indices: photos[photo_of[indices]],
        photo_of=photo_of,
        cells=np.load(folder / "cells.npy"),
        coverage=np.load(folder / "coverage.npy"),
    )


def shares(masks: np.ndarray) -> np.ndarray:
    """The share of each cell inside each mask: bool (N, S, S), S a multiple of 7 -> float32 (N, 7, 7)."""
    side = masks.shape[1] // CELLS
    return masks.reshape(-1, CELLS, side, CELLS, side).mean((2, 4), dtype=np.float32)


def cells_of(coverage: np.ndarray, labels: np.ndarray, background: int) -> np.ndarray:
    """The class (7, 7) of each cell of a photo; its foods have coverage (n, 7, 7) and labels (n,).

    A cell shows the food that covers most of it, if no less than the background does. A food that would have
    no cell takes the one that it covers most, as detectors give every object its best anchor.
    """
    largest = coverage.argmax(0)
    covered = coverage.max(0) >= 1 - coverage.sum(0)
    owner = np.where(covered, largest, -1)
    for food in np.argsort(-coverage.sum((1, 2)), kind="stable"):  # the smallest has the last word
        if coverage[food].any() and not (owner == food).any():
            owner.flat[coverage[food].argmax()] = food
    return np.where(owner >= 0, labels[owner], background)


def _compute(split: FoodSplit, groups: list[list[int]], size: int, folder: Path) -> None:
    shape = (len(groups), size, size, 3)
    labels, coverage = split.labels, np.zeros((len(split), CELLS, CELLS), np.float32)
    cells, fitted = np.empty((len(groups), CELLS, CELLS), np.int64), np.empty((len(groups), 2), np.int64)
    with sealed_folder(folder, math.prod(shape) + coverage.nbytes + cells.nbytes) as staging:
        photos = new_array(staging / "photos.npy", np.uint8, shape)
        for k, group in enumerate(tqdm(groups, desc="whole photos", unit="photo", disable=None)):
            photo = split.photo(group[0])
            photos[k] = letterbox(photo, size)
            fitted[k] = fitted_size(photo.shape[1], photo.shape[0], size)
            coverage[group] = shares(masks_at(split, size, group))
            cells[k] = cells_of(coverage[group], labels[group], len(split.classes))
        photos.flush()
        for name, array in (("cells", cells), ("coverage", coverage), ("fitted", fitted)):
            new_array(staging / f"{name}.npy", array.dtype.type, array.shape)[:] = array


# --- the net ------------------------------------------------------------------------------------------


class Detector(Classifier):
    """A backbone without its own head, and one linear layer on every cell of its last map."""

    def __init__(self, spec: ModelSpec, classes: int, nets: Nets) -> None:
        super().__init__(spec, classes, nets, ("backbone",), None)
        self.classifier = nn.Linear(self.extractor_of("roi").width, classes + 1)

    def features(self, branch: str, images: Tensor) -> Tensor:
        """The last map (B, F, 7, 7) of whole photos (B, 3, S, S) in [0, 1]."""
        extractor = self.extractor_of(branch)
        features = backbones.last_map(
            self.backbone_of(branch), extractor.name, cast(Tensor, extractor.pixels(images))
        )
        return functional.avg_pool2d(features, features.shape[-1] // CELLS)

    def classify(self, *features: Tensor) -> Tensor:
        """Logits (B, K + 1, 7, 7) of the cells from their features (B, F, 7, 7); the last is background's."""
        (cells,) = features
        rows = cells.permute(0, 2, 3, 1).flatten(0, 2)  # (B, F, 7, 7) -> (49 B, F)
        logits = self.classifier(self.extractor_of("roi").standardise(rows, 0))
        return logits.unflatten(0, (len(cells), CELLS, CELLS)).permute(0, 3, 1, 2)


def build_detector(
    spec: ModelSpec, classes: int, cache: Path | None = None, checkpoint: int = 0
) -> Classifier:
    """The detector that `spec` describes, for K = `classes`; the rest as `rvernet.build_model`."""
    net = backbones.build(str(spec.roi), spec.scale, spec.pretrained, cache, checkpoint)
    net.reset_classifier(0)
    return Detector(spec, classes, {"roi": net})


@torch.inference_mode()
def answers(cell_logits: Tensor, photos: WholePhotos) -> tuple[Tensor, np.ndarray]:
    """What a detector answers for each sample: logits (N, K), and whether it found the food (N,) bool.

    The logits are those of the probabilities summed over the cells, background left out, each cell weighed by
    the share of it that the exact mask covers. A food is found by itself where at least half of its
    area lies in cells to which the net gives its class rather than any other or background.

    cell_logits: (N, K + 1, 7, 7) float32, on the CPU.
    """
    covered = torch.from_numpy(photos.coverage)
    nowhere = covered.sum((1, 2), keepdim=True) == 0  # smaller than a pixel: its place says nothing
    weights = torch.where(nowhere, 1.0, covered)
    summed = torch.einsum("nkyx,nyx->nk", cell_logits.softmax(1)[:, :-1], weights)
    chances = summed / summed.sum(1, keepdim=True)
    named = cell_logits.argmax(1) == torch.from_numpy(photos.labels)[:, None, None]
    found = (weights * named).sum((1, 2)) >= weights.sum((1, 2)) / 2
    return chances.clamp_min(torch.finfo(chances.dtype).tiny).log(), found.numpy()
