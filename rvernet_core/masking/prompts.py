"""Prompts for Segment Anything: checked against the photo, derived from masks, and how far two masks agree.

Coordinates are (x, y) in pixels of the photo. A box is (x0, y0, x1, y1) by its edges, so the whole photo is
(0, 0, width, height); a point is a pixel's column and row.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import ArrayLike, NDArray

from rvernet_core.errors import DataError, PromptError

# --- checks ---------------------------------------------------------------------------------------


def check_boxes(boxes: ArrayLike, height: int, width: int) -> NDArray[np.float32]:
    """`boxes` as float32 (N, 4), or PromptError that names the first bad one and the photo's size."""
    array = _numbers(boxes, "boxes", (0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise PromptError(f"boxes have shape {array.shape}; expected (N, 4) rows of x0, y0, x1, y1")
    photo = f"the photo is {width} x {height} pixels (width x height)"
    for i, (x0, y0, x1, y1) in enumerate(array.tolist()):
        shown = f"box {i} is ({x0:.9g}, {y0:.9g}, {x1:.9g}, {y1:.9g})"
        if not np.isfinite([x0, y0, x1, y1]).all():
            raise PromptError(f"{shown}; expected finite numbers; {photo}")
        if not (x1 > x0 and y1 > y0):
            raise PromptError(
                f"{shown} and has no area; expected two corners, x0 < x1 and y0 < y1 (no width and height); "
                f"{photo}"
            )
        if x0 < 0 or y0 < 0 or x1 > width or y1 > height:
            raise PromptError(f"{shown} and leaves the photo; {photo}; clip the box to it")
    return array


def check_points(
    points: ArrayLike, labels: ArrayLike | None, height: int, width: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """`points` as float32 (N, P, 2) and `labels` as (N, P), or PromptError that names the first bad one."""
    array = _numbers(points, "points", (0, 2))
    if array.ndim == 2:
        array = array[:, None]
    if array.ndim != 3 or array.shape[1] == 0 or array.shape[2] != 2:
        raise PromptError(f"points have shape {np.shape(points)}; expected (N, 2) or (N, P, 2) of x, y")
    photo = f"the photo is {width} x {height} pixels (width x height)"
    for x, y in array.reshape(-1, 2).tolist():
        if not (np.isfinite([x, y]).all() and 0 <= x < width and 0 <= y < height):
            raise PromptError(f"point ({x:.9g}, {y:.9g}) lies outside the photo; {photo}")
    if labels is None:
        return array, np.ones(array.shape[:2], np.int64)
    flags = _numbers(labels, "labels", (0,))
    if flags.size != array.shape[0] * array.shape[1] or not np.isin(flags, (0, 1)).all():
        raise PromptError(
            f"labels have shape {flags.shape} and values {sorted(set(flags.ravel().tolist()))[:5]}; "
            f"expected {array.shape[:2]} of 1 (part of the object) and 0 (not part of it)"
        )
    return array, flags.reshape(array.shape[:2]).astype(np.int64)


def _numbers(values: ArrayLike, what: str, none: tuple[int, ...]) -> NDArray[np.float32]:
    """The values as an array; one of shape `none` for an empty list. What float32 cannot hold is infinite."""
    try:
        with np.errstate(over="ignore"):
            array = np.asarray(values, dtype=np.float32)
    except (TypeError, ValueError, OverflowError) as error:
        raise PromptError(f"{what} are {str(values)[:80]}; expected an array of numbers") from error
    return array.reshape(none) if array.shape == (0,) else array


# --- from masks to prompts, and how far two masks agree -------------------------------------------


def box_of(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The smallest box around a mask (H, W), as its edges x0, y0, x1, y1. DataError for an empty mask."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        raise DataError("the mask is empty; an empty mask has no box")
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1], np.float32)


def interior_point(mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """The pixel (x, y) of a mask (H, W) farthest from the mask's edge; the photo's border is an edge too."""
    if not mask.any():
        raise DataError("the mask is empty; an empty mask has no interior point")
    padded = np.pad(mask, 1).astype(np.uint8)
    depth = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    row, column = np.unravel_index(int(depth.argmax()), depth.shape)
    return np.array([column, row], np.float32)


def iou(a: NDArray[np.bool_], b: NDArray[np.bool_]) -> float:
    """Intersection over union of two masks of one shape; two empty masks agree fully (1.0)."""
    if a.shape != b.shape:
        raise DataError(f"masks of shapes {a.shape} and {b.shape} cannot be compared; expected one shape")
    union = np.count_nonzero(a | b)
    return float(np.count_nonzero(a & b) / union) if union else 1.0
