"""What a mask costs the person who draws it: vertices of a polygon, against one or two clicks for SAM."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from rvernet_core.errors import DataError
from rvernet_core.masking.prompts import iou

#: Tolerances of the outline in pixels that are tried, from coarse to fine (Douglas and Peucker).
_TOLERANCES = np.geomspace(64, 0.25, 33)


@dataclass(frozen=True)
class Polygon:
    """An outline of a mask, drawn by clicks: their number, and how near its inside comes to the mask."""

    vertices: int
    iou: float


def coarsest_polygon(mask: NDArray[np.bool_], goal: float) -> Polygon:
    """The coarsest outline that was tried whose IoU with `mask` (H, W) is at least `goal`, in [0, 1].

    Every separate piece is a polygon of at least three vertices, and holes are outlined too. The largest
    come first, and pieces that the goal does not need are left out. Where no tolerance reaches the goal, the
    finest outline is returned.
    Raises DataError for an empty mask.
    """
    if not mask.any():
        raise DataError("the mask is empty; expected one with an inside to outline")
    scale = 4  # vertices are placed between pixels, as a person would
    large = cv2.resize(mask.astype(np.uint8), None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(large, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines = sorted(outlines, key=cv2.contourArea, reverse=True)
    best = Polygon(0, 0.0)
    for tolerance in _TOLERANCES:
        drawn = [cv2.approxPolyDP(outline, scale * tolerance, True) for outline in outlines]
        drawn = [points for points in drawn if len(points) >= 3]
        for count in range(1, len(drawn) + 1):
            pieces = drawn[:count]
            best = Polygon(sum(map(len, pieces)), iou(_filled(pieces, large.shape, scale), mask))
            if best.iou >= goal:
                return best
    return best


def _filled(polygons: list[np.ndarray], shape: tuple[int, ...], scale: int) -> NDArray[np.bool_]:
    """The inside of all polygons (even-odd rule, so that holes stay holes) on the mask's own pixels."""
    canvas = np.zeros(shape[:2], np.uint8)
    cv2.fillPoly(canvas, polygons, 1)
    return canvas.reshape(shape[0] // scale, scale, shape[1] // scale, scale).mean((1, 3)) >= 0.5
