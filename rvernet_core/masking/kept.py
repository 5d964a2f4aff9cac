"""A split of a data set with Segment Anything's masks in place of its own: computed once, kept on disk.

The masks of a split are one zip file of 1-bit PNGs, numbered in the order of the samples.

    <cache>/sam/<name>/             masks.zip
    <cache>/sam/<name>.part/<k>/    masks.zip: those from photo k on, of a call under way
"""

from __future__ import annotations

import io
import logging
import time
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image
from tqdm import tqdm

from rvernet_core import files
from rvernet_core.config import fingerprint
from rvernet_core.data import FoodSplit
from rvernet_core.errors import ConfigError
from rvernet_core.masking.prompts import box_of, interior_point
from rvernet_core.masking.sam import Masker
from rvernet_core.sealed import is_intact, sealed_folder

log = logging.getLogger(__name__)

_SAVE_EVERY = 60.0  # seconds between the saves that an interrupted call continues from


def sam_masks(split: FoodSplit, masker: Masker, prompt: str = "box", *, cache: Path | str) -> FoodSplit:
    """`split` with masks by Segment Anything, computed once and kept in the folder `cache`/sam.

    `masker` comes from `load_sam`. `prompt` is taken from the exact mask of each sample: "box", the smallest
    box around it, or "point", its most interior pixel. Every photo is encoded once for all its samples.
    An interrupted call continues from its last save, and damaged masks are computed again. Where SAM's mask
    is empty the prompt itself stands in, the filled box or the one pixel, so that every sample keeps an ROI;
    a warning names it.
    """
    if prompt not in ("box", "point"):
        raise ConfigError(f"prompt is {prompt!r}; expected 'box' or 'point'")
    tag = fingerprint(split.fingerprint, masker.fingerprint, prompt)
    folder = Path(cache) / "sam" / tag
    if not is_intact(folder):
        _mask_split(split, masker, prompt, folder)
    return split.with_masks(_MaskFile(folder).mask, tag)


def _mask_split(split: FoodSplit, masker: Masker, prompt: str, folder: Path) -> None:
    part = folder.with_name(f"{folder.name}.part")
    masks: dict[int, bytes] = {}
    for saved_before in filter(is_intact, sorted(part.glob("*[0-9]"))):
        masks |= _MaskFile(saved_before).encoded()
    photos = [group for group in split.photo_groups() if not all(i in masks for i in group)]
    fresh, saved = dict[int, bytes](), time.monotonic()
    for group in tqdm(photos, desc=f"masks by SAM {masker.name} ({prompt})", unit="photo", disable=None):
        masker.encode(split.photo(group[0]))
        exact = [split.mask(i) for i in group]
        if prompt == "box":
            predicted, _ = masker.boxes(np.stack([box_of(mask) for mask in exact]))
        else:
            predicted, _ = masker.points(np.stack([interior_point(mask) for mask in exact]))
        for i, mask, own in zip(group, predicted, exact, strict=True):
            if not mask.any():
                log.warning("%s: SAM's mask is empty; the prompt itself stands in", split.samples[i].key)
                mask[_prompted_pixels(own, prompt)] = True
            fresh[i] = _png(mask)
        if time.monotonic() - saved > _SAVE_EVERY:
            _write(part / f"{min(fresh):06d}", fresh)
            masks, fresh, saved = masks | fresh, {}, time.monotonic()
    _write(folder, masks | fresh)
    files.remove(part)


def _prompted_pixels(mask: np.ndarray, prompt: str) -> tuple[slice, slice]:
    """Rows and columns of a mask's box, or of its most interior pixel alone."""
    if prompt == "box":
        x0, y0, x1, y1 = box_of(mask).astype(int)
    else:
        x0, y0 = interior_point(mask).astype(int)
        x1, y1 = x0 + 1, y0 + 1
    return slice(y0, y1), slice(x0, x1)


# --- the file -------------------------------------------------------------------------------------


def _png(mask: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG")
    return buffer.getvalue()


def _write(folder: Path, masks: dict[int, bytes]) -> None:
    with (
        sealed_folder(folder, sum(map(len, masks.values()))) as staging,
        zipfile.ZipFile(staging / "masks.zip", "w") as file,  # stored: a PNG is compressed already
    ):
        for i, content in sorted(masks.items()):
            file.writestr(f"{i:06d}.png", content)


class _MaskFile:
    """The masks in an intact folder. The list of members is in memory; masks are read on request."""

    def __init__(self, folder: Path) -> None:
        self._file = zipfile.ZipFile(folder / "masks.zip")

    def encoded(self) -> dict[int, bytes]:
        """Sample number -> PNG, of all masks."""
        return {int(Path(name).stem): self._file.read(name) for name in self._file.namelist()}

    def mask(self, i: int) -> np.ndarray:
        """The mask of sample `i`, bool (H, W)."""
        return np.asarray(Image.open(io.BytesIO(self._file.read(f"{i:06d}.png"))).convert("L")) > 0
