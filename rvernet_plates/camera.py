"""The camera: shape of the photo, tilt and distance, and what lens, sensor and file do to the picture.

Photo units: the photo's longer side is 1. A place in the photo is (x, y) from its centre, y down; a place
on the table is (X, Y) from the point that the centre shows. Foods lie on the table's plane and are drawn
from above on a grid of that plane; the tilted view of it is one projective map, the same for picture and
labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from rvernet_plates.textures import Rng, triple

_SHAPES = ((1.0, 0.75), (0.75, 1.0), (1.0, 1.0))  # width and height: 4:3, 3:4 and 1:1
_SHARES = (0.4, 0.3, 0.3)
_DISTANCE = 1.7  # from lens to table, photo units: the lens of a telephone
_NOISELESS = 0.25  # a blur below this many pixels does nothing


@dataclass(frozen=True)
class Camera:
    """How the photo is taken. Lengths in photo units, `tilt` in radians, `grain` in gray levels."""

    width: float  # of the photo; the longer side is 1
    height: float
    zoom: float  # size of things relative to a photo of the whole plate
    tilt: float  # 0: straight from above; else the upper edge is farther away
    blur: float  # standard deviation
    grain: float  # standard deviation of the sensor's noise
    quality: int  # of the JPEG file, 0 to 100

    @classmethod
    def draw(cls, rng: Rng) -> Camera:
        """A hand-held telephone over a table, close enough that the plate is often cut off."""
        width, height = _SHAPES[int(rng.choice(len(_SHAPES), p=_SHARES))]
        return cls(
            width=width,
            height=height,
            zoom=float(rng.uniform(1.1, 1.3)),
            tilt=float(np.deg2rad(rng.uniform(0, 28))),
            blur=float(rng.uniform(0.0004, 0.0032)),
            grain=float(rng.uniform(0.6, 3.2)),
            quality=int(rng.integers(80, 97)),
        )

    def pixels(self, size: int) -> tuple[int, int]:
        """(width, height) of the photo whose longer side has `size` pixels."""
        return round(self.width * size), round(self.height * size)

    # --- where things are -------------------------------------------------------------------------

    @property
    def _slope(self) -> float:
        return float(np.tan(self.tilt)) / _DISTANCE

    def to_table(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Where the place (x, y) of the photo is on the table."""
        depth = 1 + self._slope * y
        return x / depth, y / (np.cos(self.tilt) * depth)

    def to_photo(self, x: Any, y: Any) -> tuple[Any, Any]:
        """Where the place (x, y) on the table is in the photo."""
        depth = 1 - np.sin(self.tilt) / _DISTANCE * y
        return x / depth, y * np.cos(self.tilt) / depth

    def magnification(self, y: Any) -> Any:
        """How much larger than at the photo's centre things at height `y` of the photo are."""
        return 1 + self._slope * y

    @property
    def seen(self) -> tuple[float, float, float, float]:
        """Left, top, right and bottom of the smallest rectangle of the table that holds the photo."""
        right, top = self.to_table(self.width / 2, -self.height / 2)
        return -float(right), float(top), float(right), float(self.to_table(0, self.height / 2)[1])

    def view(self, scale: float) -> np.ndarray:
        """(3, 3): pixels of the photo to pixels of the table's grid (its corner is that of `seen`)."""
        left, top, _, _ = self.seen
        centre = np.array(
            [[1, 0, 0.5 - self.width * scale / 2], [0, 1, 0.5 - self.height * scale / 2], [0, 0, scale]]
        )
        tilt = np.array([[1, 0, 0], [0, 1 / np.cos(self.tilt), 0], [0, self._slope, 1]])
        grid = np.array([[scale, 0, -left * scale - 0.5], [0, scale, -top * scale - 0.5], [0, 0, 1]])
        return grid @ tilt @ centre

    # --- what happens to the picture ----------------------------------------------------------------

    def develop(
        self, picture: np.ndarray, rng: Rng, size: int, weight: np.ndarray | None = None
    ) -> np.ndarray:
        """Lens blur, sensor noise and JPEG: float32 (H, W, 3) in 0..1 to uint8 (H, W, 3).

        `weight` (H, W) float32 in 0..1 says which pixels exist at all; the others neither blur into them nor
        reach the file: their place is taken by the mean colour of those that do.
        """
        sigma = self.blur * size
        if weight is not None:
            whole = triple(weight)
            mean = (picture * whole).sum((0, 1)) / max(float(weight.sum()), 1e-6)
            blurred, total = picture * whole, whole
            if sigma >= _NOISELESS:
                blurred, total = (cv2.GaussianBlur(part, (0, 0), sigma) for part in (blurred, whole))
            there = np.minimum(total * 4, 1)
            picture = blurred / np.maximum(total, 1e-3) * there + mean.astype(np.float32) * (1 - there)
        elif sigma >= _NOISELESS:
            picture = cv2.GaussianBlur(picture, (0, 0), sigma)
        noise = rng.standard_normal(picture.shape, np.float32)
        levels = np.clip(picture * 255 + noise * np.float32(self.grain) + 0.5, 0, 255).astype(np.uint8)
        _, file = cv2.imencode(".jpg", levels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, self.quality])
        read = np.asarray(cv2.imdecode(file, cv2.IMREAD_COLOR))
        return np.ascontiguousarray(read[..., ::-1])
