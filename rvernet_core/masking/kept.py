"""A split of a data set with Segment Anything's masks for the exact ones: computed once, kept on disk."""

from __future__ import annotations

import logging
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from rvernet_core.config import fingerprint
from rvernet_core.data import FoodSplit
from rvernet_core.errors import ConfigError
from rvernet_core.masking import rle
from rvernet_core.masking.prompts import box_of, interior_point

log = logging.getLogger(__name__)

_SAVE_EVERY = 60.0  # seconds between the saves that an interrupted call continues from


def sam_masks(
    split: FoodSplit, masker: Any, prompt: str = "box", cache: Path | str | None = None
) -> FoodSplit:
    """`split` with masks by Segment Anything, computed once and kept in `cache`/sam as run lengths.

    `masker` comes from `masking.load_sam`. `prompt` is made from the exact mask of each sample: "box", the
    smallest box around it, or "point", its most interior pixel. Every photo is encoded once for all its
    samples. An interrupted call continues from its last save. Where SAM's mask is empty the prompt itself
    stands in, the filled box or the one pixel, so that every sample keeps an ROI; a warning tells.
    `cache` defaults to $RVERNET_CACHE, or `_build/cache` below the current folder.
    """
    if prompt not in ("box", "point"):
        raise ConfigError(f"prompt is {prompt!r}; expected 'box' or 'point'")
    tag = fingerprint(split.fingerprint, masker.fingerprint, prompt)
    path = Path(cache or os.environ.get("RVERNET_CACHE") or "_build/cache") / "sam" / f"{tag}.masks"
    if not path.is_file():
        _mask_split(split, masker, prompt, path)
    stored = rle.MaskFile(path)
    return split.with_masks(lambda i: stored.mask(split.samples[i].key), tag)


def _pixel_box(mask: np.ndarray) -> np.ndarray:
    """The box around the most interior pixel alone."""
    point = interior_point(mask)
    return np.concatenate([point, point + 1])


def _mask_split(split: FoodSplit, masker: Any, prompt: str, path: Path) -> None:
    unfinished = path.with_suffix(".partial")
    done = rle.MaskFile(unfinished).entries() if unfinished.is_file() else {}
    photos = [group for group in split.photo_groups() if any(split.samples[i].key not in done for i in group)]
    saved = time.monotonic()
    for group in tqdm(photos, desc=f"masks by SAM {masker.name} ({prompt})", unit="photo", disable=None):
        masker.encode(split.photo(group[0]))
        exact = [split.mask(i) for i in group]
        if prompt == "box":
            masks, scores = masker.boxes(np.stack([box_of(mask) for mask in exact]))
        else:
            masks, scores = masker.points(np.stack([interior_point(mask) for mask in exact]))
        for i, mask, score, known in zip(group, masks, scores, exact, strict=True):
            if not mask.any():
                log.warning("%s: SAM's mask is empty; the prompt itself stands in", split.samples[i].key)
                box = box_of(known) if prompt == "box" else _pixel_box(known)
                x0, y0, x1, y1 = box.astype(int)
                mask[y0:y1, x0:x1] = True
            done[split.samples[i].key] = (mask.shape, rle.pack(mask), float(score))
        if time.monotonic() - saved > _SAVE_EVERY:
            rle.write(unfinished, done)
            saved = time.monotonic()
    rle.write(path, done)
    unfinished.unlink(missing_ok=True)
