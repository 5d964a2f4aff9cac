"""The buffer in which one thing is drawn, and a small vocabulary of shapes to compose it from.

Local coordinates have their origin at the thing's centre; 1 is its radius, x points right and y down
before the thing is turned. Heights are in the same unit. Parts are laid in the order of painting: each
lies on what was laid before it.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np

from rvernet_plates.textures import Colour, Rng, noise, overlay, triple

TURN = 2 * np.pi
_SUBPIXEL = 4  # fractional bits of OpenCV's integer coordinates
Points = tuple[np.ndarray, np.ndarray]  # x and y, each (N,), in local units


class Shape(NamedTuple):
    """A rectangle of the sheet and what of it belongs to the shape: uint8 (h, w), 0 or 1."""

    window: tuple[slice, slice]
    mask: np.ndarray


class Sheet:
    """Albedo (S, S, 3) in 0..1, height (S, S) with 0 = nothing here, gloss (S, S) in 0..1.

    Args:
        unit: the thing's radius in pixels.
        matrix: (2, 2), how the thing is turned, mirrored and foreshortened.
        reach: half side of the buffer in local units.
    """

    def __init__(self, unit: float, matrix: np.ndarray, reach: float = 1.12):
        self.unit, self.matrix = unit, matrix
        self.side = int(np.ceil(2 * reach * unit)) + 3
        self.centre = self.side / 2
        self.albedo = np.zeros((self.side, self.side, 3), np.float32)
        self.height = np.zeros((self.side, self.side), np.float32)
        self.gloss = np.zeros((self.side, self.side), np.float32)

    # --- coordinates ------------------------------------------------------------------------------

    @cached_property
    def grid(self) -> Points:
        """Local x and y of every pixel, each (S, S)."""
        inverse = (np.linalg.inv(self.matrix) / self.unit).astype(np.float32)
        steps = np.arange(self.side, dtype=np.float32) + np.float32(0.5 - self.centre)
        x, y = steps[None, :], steps[:, None]
        return inverse[0, 0] * x + inverse[0, 1] * y, inverse[1, 0] * x + inverse[1, 1] * y

    def noise(self, rng: Rng, cells: float | tuple[float, float], octaves: int = 1) -> np.ndarray:
        """A random field (S, S) around 0 with `cells` lattice cells along each side of the sheet."""
        return noise(rng, (self.side, self.side), cells, octaves)

    def _integers(self, points: Points) -> np.ndarray:
        x, y = (np.asarray(part, np.float64) for part in points)
        m = self.matrix * self.unit
        pixels = np.stack([m[0, 0] * x + m[0, 1] * y, m[1, 0] * x + m[1, 1] * y], -1) + (self.centre - 0.5)
        return np.round(pixels * 2**_SUBPIXEL).astype(np.int32)

    def _window(self, corners: np.ndarray, margin: int) -> tuple[tuple[slice, slice], np.ndarray]:
        """The rectangle around fixed-point `corners`, and its upper left corner in fixed point."""
        corners = corners.reshape(-1, 2)
        low = np.maximum((corners.min(0) >> _SUBPIXEL) - margin, 0)
        high = np.minimum((corners.max(0) >> _SUBPIXEL) + margin + 2, self.side)
        high = np.maximum(high, low)
        return (slice(low[1], high[1]), slice(low[0], high[0])), low << _SUBPIXEL

    # --- shapes -----------------------------------------------------------------------------------

    def filled(self, points: Points) -> Shape:
        """The polygon through `points`, or the union of K polygons whose points are (K, N)."""
        corners = self._integers(points)
        window, origin = self._window(corners, 1)
        mask = _empty(window)
        if mask.size:
            for outline in (corners - origin).reshape(-1, *corners.shape[-2:]):
                cv2.fillPoly(mask, [outline], (1,), cv2.LINE_8, _SUBPIXEL)
        return Shape(window, mask)

    def stroked(self, points: Points, width: float, closed: bool = False) -> Shape:
        """A cord of `width` along `points`, with round ends; K cords whose points are (K, N)."""
        corners = self._integers(points)
        thick = max(1, round(width * self.unit))
        window, origin = self._window(corners, thick // 2 + 2)
        mask = _empty(window)
        if mask.size:
            lines = list((corners - origin).reshape(-1, *corners.shape[-2:]))
            cv2.polylines(mask, lines, closed, (1,), thick, cv2.LINE_8, _SUBPIXEL)
        return Shape(window, mask)

    def where(self, condition: np.ndarray) -> Shape:
        """The pixels of the whole sheet for which the boolean `condition` (S, S) holds."""
        return Shape((slice(0, self.side), slice(0, self.side)), condition.astype(np.uint8))

    # --- drawing ----------------------------------------------------------------------------------

    def lay(
        self,
        shape: Shape,
        colour: np.ndarray | Colour,
        thick: float = 0.12,
        bevel: float = 0.08,
        gloss: float = 0.2,
        z: float | None = None,
    ) -> None:
        """Lay a part whose edge is rounded off within `bevel`; a `bevel` as wide as the part makes a dome.

        Args:
            shape: where.
            colour: (3,), or (S, S, 3) of which the part is cut out.
            thick: how far it rises above what lies below (or above `z`, if given).
            bevel: local units from the edge to the full height.
            gloss: of its surface, 0..1.
            z: height of its lower side; None: it lies on what is there.
        """
        window, mask = shape
        if not mask.any():
            return
        padded = cv2.copyMakeBorder(mask, 1, 1, 1, 1, cv2.BORDER_CONSTANT)
        inward = cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1]
        missing = 1 - np.minimum(inward * np.float32(1 / (max(bevel, 1e-3) * self.unit)), 1)
        rise = np.sqrt(1.02 - missing * missing) * np.float32(thick) + 1e-3
        rise += self.height[window] if z is None else np.float32(z)
        colour = np.asarray(colour, np.float32)
        seen = mask.astype(bool)
        overlay(self.height[window], rise, seen)
        overlay(self.albedo[window], colour[window] if colour.ndim == 3 else colour, seen)
        np.copyto(self.gloss[window], np.float32(gloss), where=seen)

    def paint(
        self, shape: Shape, colour: np.ndarray | Colour, bump: float = 0, gloss: float | None = None
    ) -> None:
        """Colour what is already there; `bump` raises or dents it."""
        window, mask = shape
        seen = (mask > 0) & (self.height[window] > 0)
        overlay(self.albedo[window], np.asarray(colour, np.float32), seen)
        if bump:
            np.copyto(self.height[window], np.maximum(self.height[window] + bump, 5e-3), where=seen)
        if gloss is not None:
            np.copyto(self.gloss[window], np.float32(gloss), where=seen)

    def tint(self, alpha: np.ndarray, colour: np.ndarray | Colour, bump: float = 0) -> None:
        """Blend a colour into what is there by `alpha` (S, S) in 0..1; `bump` * alpha raises it."""
        alpha = np.where(self.height > 0, alpha, 0).astype(np.float32)
        self.albedo += (np.asarray(colour, np.float32) - self.albedo) * triple(alpha)
        if bump:
            self.height += bump * alpha

    def shade(self, field: np.ndarray, bump: float = 0) -> None:
        """Multiply the albedo by 1 + `field` (S, S), and raise what is there by `bump` * field."""
        self.albedo *= triple((1 + field).astype(np.float32))
        if bump:
            np.copyto(self.height, np.maximum(self.height + bump * field, 5e-3), where=self.height > 0)

    def cut(self, shape: Shape) -> None:
        """Make a hole."""
        np.copyto(self.height[shape.window], 0, where=shape.mask > 0)

    def poly(self, points: Points, colour: np.ndarray | Colour, *args: float, **kwargs: float) -> None:
        """`lay` the polygon through `points`."""
        self.lay(self.filled(points), colour, *args, **kwargs)

    def rod(
        self, points: Points, width: float, colour: np.ndarray | Colour, gloss: float = 0.3,
        closed: bool = False, z: float | None = None,
    ) -> None:  # fmt: skip
        """`lay` a round cord of `width` along `points`."""
        self.lay(self.stroked(points, width, closed), colour, width * 0.5, width * 0.5, gloss, z)

    def line(
        self, points: Points, width: float, colour: np.ndarray | Colour, bump: float = 0, closed: bool = False
    ) -> None:
        """`paint` a line of `width` along `points`."""
        self.paint(self.stroked(points, width, closed), colour, bump)

    def spot(self, points: Points, colour: np.ndarray | Colour, bump: float = 0) -> None:
        """`paint` the polygon through `points`."""
        self.paint(self.filled(points), colour, bump)


def _empty(window: tuple[slice, slice]) -> np.ndarray:
    rows, cols = window
    return np.zeros((rows.stop - rows.start, cols.stop - cols.start), np.uint8)
