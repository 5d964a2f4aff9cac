"""Conditions under which a finished run is tested again, and the test set as it looks under them.

altered(spec, Condition(noise=Noise("permutation")), 64, cache).pictures("roi", np.arange(3))
"""

from __future__ import annotations

import dataclasses
import functools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from torch import Tensor

from rvernet_core.config import AMBIGUOUS, DataSpec, fingerprint, replace
from rvernet_core.data import FoodSplit
from rvernet_core.data.cutout_set import Pairs, prepare, to_batch
from rvernet_core.data.cutouts import GRAY, cut
from rvernet_core.errors import ConfigError
from rvernet_core.evaluation import noise
from rvernet_core.masking.sam import load_sam, sam_masks
from rvernet_core.models.rvernet import BRANCHES
from rvernet_core.runs import data_of, pairs_of

KINDS = ("permutation", "translocation")
CONTEXTS = ("own", "none", "same", "other")
FILLS = ("black", "gray", "blur")
BLUR = 0.08  # standard deviation of the blurred filling, as a share of the photo's longer side


@dataclass(frozen=True)
class Noise:
    """One of the two noises of the paper, at the release's settings by default (see `noise`)."""

    kind: str = "permutation"  # permutation | translocation
    severity: float = 1.0
    patch: int = noise.RELEASE_PATCH  # permutation: side of a tile in pixels of 224, in proportion elsewhere
    how: str = "moved"  # translocation: moved | rolled | covered
    canvas: int = GRAY  # translocation: the gray level behind the photo


@dataclass(frozen=True)
class Condition:
    """What is done to the test set. The default does nothing."""

    noise: Noise | None = None
    on: tuple[str, ...] = BRANCHES  # the cut-outs that the noise falls on
    context: str = "own"  # whose surroundings the extra-ROI module sees: own; none (black); those of a
    # sample of the same class in another photo; of another class (for the ambiguous pair: the other of it)
    masks: str = ""  # exact | sam: whose masks cut the photos; empty: those of the run's own data
    sam: str = "micro"  # micro | vit_b | vit_l | vit_h, where masks are SAM's
    grow: float = 0.0  # masks grown (below 0: shrunk) by this share of the photo's longer side
    fill: str = "black"  # black | gray | blur: what stands where the other cut-out was taken
    photos: int = 0  # only the first so many test photos; 0: all
    seed: int = 0  # of tiles and of foreign contexts


def check(condition: Condition) -> None:
    """Raise ConfigError for a condition that means nothing."""
    choices = {"context": CONTEXTS, "fill": FILLS, "masks": ("", "exact", "sam")}
    for name, known in choices.items():
        if getattr(condition, name) not in known:
            expected = ", ".join(repr(k) for k in known)
            raise ConfigError(f"{name} is {getattr(condition, name)!r}; expected one of {expected}")
    unknown = [branch for branch in condition.on if branch not in BRANCHES]
    if unknown:
        raise ConfigError(f"on holds {unknown[0]!r}; expected any of {', '.join(BRANCHES)}")
    if condition.noise and condition.noise.kind not in KINDS:
        raise ConfigError(f"noise is {condition.noise.kind!r}; expected one of {', '.join(KINDS)}")


# --- the altered test set -------------------------------------------------------------------------


class Altered:
    """A prepared test set seen under a condition; read as `Pairs` are, altered batch by batch."""

    def __init__(self, pairs: Pairs, condition: Condition) -> None:
        photos = list(dict.fromkeys(pairs.image_ids))
        chosen = set(photos[: condition.photos or None])
        self.indices = np.flatnonzero([photo in chosen for photo in pairs.image_ids])
        self.labels = pairs.labels[self.indices]
        self.keys = tuple(pairs.keys[i] for i in self.indices)
        self.image_ids = tuple(pairs.image_ids[i] for i in self.indices)
        self.classes = pairs.classes
        self.fingerprint = fingerprint(pairs.fingerprint, condition)
        self.donors = _donors(pairs, condition)[self.indices]
        self.pairs, self.condition = pairs, condition

    def __len__(self) -> int:
        return len(self.indices)

    def batch(self, branch: str, indices: np.ndarray, flips: np.ndarray | None, device: str) -> Tensor:
        """As Pairs.batch: images (B, 3, S, S) in [0, 1] of one branch."""
        return to_batch(self.pictures(branch, indices), flips, device)

    def pictures(self, branch: str, indices: np.ndarray) -> np.ndarray:
        """The altered cut-outs at `indices`, uint8 (B, S, S, 3)."""
        pairs, condition = self.pairs, self.condition
        own = self.indices[indices]
        source = self.donors[indices] if branch == "extra_roi" else own
        pictures = np.array(getattr(pairs, branch)[source])
        if branch == "extra_roi" and condition.context == "none":
            for picture, i in zip(pictures, source, strict=True):
                _inside(picture, pairs.fitted[i])[:] = 0
        if condition.noise and branch in condition.on:
            for k, i in enumerate(source):
                stream = [condition.seed, BRANCHES.index(branch), zlib.crc32(pairs.keys[i].encode())]
                fitted = _inside(pictures[k], pairs.fitted[i])
                pictures[k] = disturb(fitted.copy(), condition.noise, len(pictures[k]), stream)
        return pictures


def disturb(fitted: np.ndarray, wish: Noise, size: int, stream: Sequence[int]) -> np.ndarray:
    """Noise on a scaled photo uint8 (h, w, 3), as it lies in a letterbox of `size`: uint8 (size, size, 3).

    `stream` seeds the tiles' order.
    """
    if wish.kind == "permutation":
        tile = noise.scaled(wish.patch, size)
        return noise.shuffle_tiles(fitted, size, tile, wish.severity, np.random.default_rng(stream))
    return noise.shift(fitted, size, wish.severity, wish.canvas, wish.how)


def altered(spec: DataSpec, condition: Condition, size: int, cache: Path) -> Altered:
    """The test set of `spec` under `condition`, at `size` px."""
    check(condition)
    cutting = dataclasses.replace(condition, noise=None, on=BRANCHES, context="own", seed=0)
    return Altered(_cut(spec, cutting, size, cache), condition)


@functools.lru_cache(maxsize=16)
def _cut(spec: DataSpec, condition: Condition, size: int, cache: Path) -> Pairs:
    """The test set's cut-outs under the masks and with the filling of `condition`.

    Other cut-outs than the run's own are made of the condition's photos only.
    """
    sam = condition.sam if condition.masks == "sam" else spec.sam
    wanted = replace(spec, masks=condition.masks or spec.masks, sam=sam)
    if wanted == spec and not condition.grow and condition.fill == "black":
        return pairs_of(spec, "test", size, cache)
    split = data_of(replace(spec, masks="exact"), cache).test
    if condition.photos:
        chosen = set(list(dict.fromkeys(s.image_id for s in split.samples))[: condition.photos])
        split = split.subset([i for i, s in enumerate(split.samples) if s.image_id in chosen])
    if wanted.masks == "sam":
        split = sam_masks(split, load_sam(sam), cache=cache)
    if condition.grow:
        split = split.with_masks(_grown(split, condition.grow), f"grown {condition.grow:g}")
    if condition.fill != "black":
        split = _Filled(split, condition.fill)
    return prepare(split, size, cache)


def grow(mask: np.ndarray, share: float) -> np.ndarray:
    """A bool mask (H, W) grown, or for a negative `share` shrunk, by that share of its longer side.

    Shrinking stops at the innermost pixels: the ROI never vanishes.
    """
    radius = abs(share) * max(mask.shape)
    if share > 0:
        return cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5) <= radius
    depth = cv2.distanceTransform(np.pad(mask, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
    return mask & (depth > min(radius, 0.999 * depth.max()))


class _Filled:
    """A split whose cut-outs are filled with gray or with the blurred photo instead of black."""

    def __init__(self, split: FoodSplit, fill: str) -> None:
        self._split, self._fill = split, fill
        self.classes, self.samples = split.classes, split.samples
        self.fingerprint = fingerprint(split.fingerprint, "fill", fill, BLUR)

    def __len__(self) -> int:
        return len(self._split)

    def cutouts(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        photo, mask = self._split.photo(i), self._split.mask(i)
        if self._fill == "gray":
            return cut(photo, mask, GRAY)
        soft = cv2.GaussianBlur(photo, (0, 0), BLUR * max(mask.shape))
        inside = mask[..., None]
        return np.where(inside, photo, soft), np.where(inside, soft, photo)


def _grown(split: FoodSplit, share: float):
    return lambda i: grow(split.mask(i), share)


def _inside(picture: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """The part of a letterbox (S, S, 3) that shows the photo: a view."""
    size, (width, height) = len(picture), fitted
    left, top = -((width - size) // 2), -((height - size) // 2)
    return picture[top : top + height, left : left + width]


def _donors(pairs: Pairs, condition: Condition) -> np.ndarray:
    """For each sample the index (N,) of the one whose surroundings are shown in its place."""
    own = np.arange(len(pairs))
    if condition.context in ("own", "none"):
        return own
    rng = np.random.default_rng([condition.seed, 7])
    pair = [pairs.classes.index(name) for name in AMBIGUOUS if name in pairs.classes]
    photos = np.unique(np.asarray(pairs.image_ids), return_inverse=True)[1]
    donors = own.copy()
    for i in own:
        label = pairs.labels[i]
        same = pairs.labels == label
        fits = same if condition.context == "same" else ~same
        if condition.context == "other" and len(pair) == 2 and label in pair:
            fits = fits & np.isin(pairs.labels, pair)
        candidates = np.flatnonzero(fits & (photos != photos[i]))
        if len(candidates):
            donors[i] = rng.choice(candidates)
    return donors
