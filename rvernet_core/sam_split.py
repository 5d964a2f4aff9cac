"""A split of a data set with Segment Anything's masks computed once, kept on disk."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from rvernet_core import rle
from rvernet_core.config import fingerprint
from rvernet_core.cutouts import cut
from rvernet_core.errors import ConfigError
from rvernet_core.prompts import box_of, interior_point

log = logging.getLogger(__name__)

_SAVE_EVERY = 60.0  # seconds between the saves that an interrupted run continues from


class SamSplit:
    """A split of a data set whose masks are Segment Anything's. Made by `sam_masks`.

    Everything but the masks (classes, samples, photos, report) is the original split's.
    """

    def __init__(self, split: Any, masks: rle.MaskFile, fingerprint: str) -> None:
        self.exact = split  # the split with the masks that the prompts came from
        self.fingerprint = fingerprint
        self._masks = masks

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "exact":  # never while unpickling
            raise AttributeError(name)
        return getattr(self.exact, name)

    def __len__(self) -> int:
        return len(self.exact)

    def mask(self, i: int) -> NDArray[np.bool_]:
        """SAM's mask of sample `i`, bool (H, W)."""
        return self._masks.mask(self.exact.samples[i].key)

    def score(self, i: int) -> float:
        """SAM's own estimate of the IoU of sample `i`'s mask."""
        return self._masks.score(self.exact.samples[i].key)

    def cutouts(self, i: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """The complementary cut-outs of sample `i` by SAM's mask, uint8 (H, W, 3) each."""
        return cut(self.photo(i), self.mask(i))


def sam_masks(split: Any, masker: Any, prompt: str = "box", cache: Path = Path("_build/cache")) -> SamSplit:
    """`split` with masks by Segment Anything, computed once and kept in `cache`/sam.

    `prompt` is made from the exact mask of each sample: "box", the smallest box around it, or "point",
    its most interior pixel. Every photo is encoded once for all its samples. An interrupted call continues
    from its last save. An empty mask of SAM's is replaced by the prompted box (or, for a point, by that
    pixel), so that every sample keeps an ROI.
    """
    if prompt not in ("box", "point"):
        raise ConfigError(f"prompt is {prompt!r}; expected 'box' or 'point'")
    name = fingerprint(split.fingerprint, masker.fingerprint, prompt)
    path = Path(cache) / "sam" / f"{name}.masks"
    if not path.is_file():
        _mask_split(split, masker, prompt, path)
    return SamSplit(split, rle.MaskFile(path), f"{split.fingerprint}-sam-{name}")


def _mask_split(split: Any, masker: Any, prompt: str, path: Path) -> None:
    partial_path = path.with_suffix(".partial")
    done = rle.MaskFile(partial_path).entries() if partial_path.is_file() else {}
    photos: dict[str, list[int]] = {}
    for i, sample in enumerate(split.samples):
        if sample.key not in done:
            photos.setdefault(sample.image_id, []).append(i)
    saved = time.monotonic()
    for samples in tqdm(
        photos.values(), desc=f"masks by SAM ({masker.name}, {prompt})", unit="photo", disable=None
    ):
        masker.encode(split.photo(samples[0]))
        exact = [split.mask(i) for i in samples]
        if prompt == "box":
            masks, scores = masker.boxes(np.stack([box_of(m) for m in exact]))
        else:
            masks, scores = masker.points(np.stack([interior_point(m) for m in exact]))
        for i, mask, score, known in zip(samples, masks, scores, exact, strict=True):
            if not mask.any():
                log.warning("%s: an empty mask; the prompt itself stands in for it", split.samples[i].key)
                x, y = interior_point(known).astype(int)
                x0, y0, x1, y1 = box_of(known).astype(int) if prompt == "box" else (x, y, x + 1, y + 1)
                mask[y0:y1, x0:x1] = True
            done[split.samples[i].key] = (mask.shape, rle.pack(mask), float(score))
        if time.monotonic() - saved > _SAVE_EVERY:
            rle.write(partial_path, done)
            saved = time.monotonic()
    rle.write(path, done)
    partial_path.unlink(missing_ok=True)
