"""A split of a data set with Segment Anything's masks in place of its own: computed once, kept on disk.

The masks of a split are one zip file of 1-bit PNGs, numbered in the order of the samples.
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
from rvernet_core.errors import ConfigError, DataError
from rvernet_core.masking.prompts import box_of, interior_point
from rvernet_core.masking.sam import Masker

log = logging.getLogger(__name__)

_SAVE_EVERY = 60.0  # seconds between the saves that an interrupted call continues from


def sam_masks(split: FoodSplit, masker: Masker, prompt: str = "box", *, cache: Path | str) -> FoodSplit:
    """`split` with masks by Segment Anything, computed once and kept in the folder `cache`/sam.

    `masker` comes from `load_sam`. `prompt` is taken from the exact mask of each sample: "box", the smallest
    box around it, or "point", its most interior pixel. Every photo is encoded once for all its samples.
    An interrupted call continues from its last save. Where SAM's mask is empty the prompt itself stands in,
    the filled box or the one pixel, so that every sample keeps an ROI; a warning names it.
    """
    if prompt not in ("box", "point"):
        raise ConfigError(f"prompt is {prompt!r}; expected 'box' or 'point'")
    tag = fingerprint(split.fingerprint, masker.fingerprint, prompt)
    path = Path(cache) / "sam" / f"{tag}.zip"
    if not path.is_file():
        _mask_split(split, masker, prompt, path)
    masks = _MaskFile(path)
    return split.with_masks(masks.mask, tag)


def _mask_split(split: FoodSplit, masker: Masker, prompt: str, path: Path) -> None:
    unfinished = path.with_suffix(".partial")
    masks = _MaskFile(unfinished).encoded() if unfinished.is_file() else {}
    photos = [group for group in split.photo_groups() if not all(i in masks for i in group)]
    saved = time.monotonic()
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
            masks[i] = _png(mask)
        if time.monotonic() - saved > _SAVE_EVERY:
            _write(unfinished, masks)
            saved = time.monotonic()
    _write(path, masks)
    unfinished.unlink(missing_ok=True)


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


def _write(path: Path, masks: dict[int, bytes]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:  # stored: a PNG is compressed already
        for i, content in sorted(masks.items()):
            file.writestr(f"{i:06d}.png", content)
    files.write_bytes(path, buffer.getvalue())


class _MaskFile:
    """The masks of a split. The list of members is in memory; masks are read on request."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise self._damaged(error) from error

    def encoded(self) -> dict[int, bytes]:
        """Sample number -> PNG, of all masks."""
        return {int(Path(name).stem): self._read(name) for name in self._file.namelist()}

    def mask(self, i: int) -> np.ndarray:
        """The mask of sample `i`, bool (H, W)."""
        return np.asarray(Image.open(io.BytesIO(self._read(f"{i:06d}.png"))).convert("L")) > 0

    def _read(self, name: str) -> bytes:
        try:
            return self._file.read(name)
        except (zipfile.BadZipFile, KeyError, OSError, EOFError) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> DataError:
        return DataError(f"{self.path} is not a complete file of masks ({error}); delete it and run again")
