"""The test set as it is under a condition: noise, other masks, other surroundings.

perturbed_test_set(store, spec, Condition(noise=Noise("permutation")), 64).images("roi", np.arange(3))
"""

from __future__ import annotations

import dataclasses
import functools
import zlib

import cv2
import numpy as np

from rvernet_core.config import AMBIGUOUS, BRANCHES, Condition, DataSpec, fingerprint, one_of, replace
from rvernet_core.data import FoodSplit
from rvernet_core.data.cutout_set import CutoutSet, cutout_set, paired_by_name
from rvernet_core.data.cutouts import GRAY, cut, photo_inside
from rvernet_core.data.noise import KINDS, add_noise
from rvernet_core.data.samples import MaskedSource
from rvernet_core.errors import ConfigError
from rvernet_core.masking import load_sam, sam_masks
from rvernet_core.runs import RunStore

CONTEXTS = ("own", "none", "same", "other")
FILLS = ("black", "gray", "blur")
BLUR = 0.08  # standard deviation of the blurred filling, as a share of the photo's longer side


def check(condition: Condition) -> None:
    """Raise ConfigError for a condition that means nothing."""
    choices = {"context": CONTEXTS, "fill": FILLS, "masks": ("", "exact", "sam")}
    for name, allowed in choices.items():
        one_of(getattr(condition, name), allowed, name)
    for branch in condition.on:
        one_of(branch, BRANCHES, "on: a branch")
    if condition.noise:
        one_of(condition.noise.kind, KINDS, "noise")
    if condition.photos and condition.context in ("same", "other"):
        raise ConfigError(
            f"context {condition.context} draws from all test photos; expected photos=0, "
            f"got {condition.photos}"
        )


# --- the perturbed test set -----------------------------------------------------------------------


def perturbed(cutouts: CutoutSet, condition: Condition) -> CutoutSet:
    """`cutouts` under the noise and the context of `condition`, perturbed batch by batch when they are read.

    Masks and fillings are not its part: `perturbed_test_set` brings cut-outs that were made with them.
    """
    photos = list(dict.fromkeys(cutouts.image_ids))
    first = set(photos[: condition.photos or None])
    own = np.flatnonzero([photo in first for photo in cutouts.image_ids])
    sources = _context_sources(cutouts, condition)[own]

    def images(branch: str, indices: np.ndarray) -> np.ndarray:
        shown = (sources if branch == "extra_roi" else own)[indices]
        batch = np.array(cutouts.images(branch, shown))
        if branch == "extra_roi" and condition.context == "none":
            for image, i in zip(batch, shown, strict=True):
                photo_inside(image, cutouts.fitted[i])[:] = 0
        if condition.noise and branch in condition.on:
            for k, i in enumerate(shown):
                stream = [condition.seed, BRANCHES.index(branch), zlib.crc32(cutouts.keys[i].encode())]
                fitted = photo_inside(batch[k], cutouts.fitted[i])
                batch[k] = add_noise(fitted.copy(), condition.noise, cutouts.size, stream)
        return batch

    foreign = condition.context in ("same", "other")
    return dataclasses.replace(
        cutouts,
        labels=cutouts.labels[own],
        keys=tuple(cutouts.keys[i] for i in own),
        image_ids=tuple(cutouts.image_ids[i] for i in own),
        fitted=cutouts.fitted[own],
        fingerprint=fingerprint(cutouts.fingerprint, condition),
        images=images,
        context_sources=tuple(cutouts.keys[i] for i in sources) if foreign else None,
    )


def perturbed_test_set(store: RunStore, spec: DataSpec, condition: Condition, size: int) -> CutoutSet:
    """The test set of `spec` under `condition`, at `size` px. ConfigError for an impossible condition."""
    check(condition)
    cutting = dataclasses.replace(condition, noise=None, on=BRANCHES, context="own", seed=0)
    return perturbed(_cut(store, spec, cutting, size), condition)


@functools.lru_cache(maxsize=16)
def _cut(store: RunStore, spec: DataSpec, condition: Condition, size: int) -> CutoutSet:
    """The test set's cut-outs under the masks and with the filling of `condition`.

    Other cut-outs than the run's own are made of the condition's photos only.
    """
    sam = condition.sam if condition.masks == "sam" else spec.sam
    data = replace(spec, masks=condition.masks or spec.masks, sam=sam)
    if data == spec and not condition.grow and condition.fill == "black":
        return store.cutouts(spec, "test", size)
    split = store.data(replace(spec, masks="exact")).test
    if condition.photos:
        photos = list(dict.fromkeys(sample.image_id for sample in split.samples))
        first = set(photos[: condition.photos])
        split = split.subset([i for i, sample in enumerate(split.samples) if sample.image_id in first])
    if data.masks == "sam":
        split = sam_masks(split, load_sam(sam, cache=store.cache, device=store.device), cache=store.cache)
    if condition.grow:
        split = split.with_masks(_grown(split, condition.grow), f"grown {condition.grow:g}")
    if condition.fill != "black":
        split = _filled(split, condition.fill)
    own = cutout_set(split, size, store.cache)
    return paired_by_name(own) if spec.pairing == "name" else own


def grow(mask: np.ndarray, share: float) -> np.ndarray:
    """A bool mask (H, W) grown, or for a negative `share` shrunk, by that share of its longer side.

    Shrinking stops at the innermost pixels: the ROI never vanishes.
    """
    radius = abs(share) * max(mask.shape)
    if share > 0:
        return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) <= radius
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    return mask & (depth > min(radius, 0.999 * depth.max()))


class _Filled(MaskedSource):
    """Cut-outs that are filled with gray or with the blurred photo instead of black."""

    def __init__(self, split: FoodSplit, fill: str) -> None:
        self._split, self._fill = split, fill

    def photo(self, ref: int) -> np.ndarray:
        return self._split.photo(ref)

    def mask(self, ref: int) -> np.ndarray:
        return self._split.mask(ref)

    def photo_key(self, ref: int) -> str:
        return self._split.samples[ref].image_id

    def cutouts(self, ref: int) -> tuple[np.ndarray, np.ndarray]:
        photo, mask = self.photo(ref), self.mask(ref)
        if self._fill == "gray":
            return cut(photo, mask, GRAY)
        blurred = cv2.GaussianBlur(photo, (0, 0), BLUR * max(mask.shape))
        inside = mask[..., None]
        return np.where(inside, photo, blurred), np.where(inside, blurred, photo)


def _filled(split: FoodSplit, fill: str) -> FoodSplit:
    source = _Filled(split, fill)
    samples = [(sample, source, i) for i, sample in enumerate(split.samples)]
    name = fingerprint(split.fingerprint, "fill", fill, BLUR)
    return FoodSplit(split.name, split.classes, samples, name, split.report)


def _grown(split: FoodSplit, share: float):
    return lambda i: grow(split.mask(i), share)


def _context_sources(cutouts: CutoutSet, condition: Condition) -> np.ndarray:
    """For each sample the index (N,) of the one whose surroundings are shown in its place."""
    own = np.arange(len(cutouts))
    if condition.context in ("own", "none"):
        return own
    rng = np.random.default_rng([condition.seed, 7])
    pair = [cutouts.classes.index(name) for name in AMBIGUOUS if name in cutouts.classes]
    photos = np.unique(np.asarray(cutouts.image_ids), return_inverse=True)[1]
    sources = own.copy()
    for i in own:
        label = cutouts.labels[i]
        same = cutouts.labels == label
        fits = same if condition.context == "same" else ~same
        if condition.context == "other" and len(pair) == 2 and label in pair:
            fits = fits & np.isin(cutouts.labels, pair)
        candidates = np.flatnonzero(fits & (photos != photos[i]))
        if len(candidates):
            sources[i] = rng.choice(candidates)
    return sources
