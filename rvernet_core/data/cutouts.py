"""Photo and mask -> complementary cut-outs; the letterbox.

Images are uint8 RGB (H, W, 3), masks bool (H, W), True inside the region of interest (ROI).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from PIL import Image

from rvernet_core.errors import DataError

GRAY = 125  # the released transforms pad with this level in all three channels
BLACK = 0

Fill = int | tuple[int, int, int]


# --- cut-outs -------------------------------------------------------------------------------------


def cut(image: np.ndarray, mask: np.ndarray, fill: Fill = BLACK) -> tuple[np.ndarray, np.ndarray]:
    """Split a photo into (roi, extra_roi), both uint8 (H, W, 3).

    `roi` keeps the photo where `mask` is True and is `fill` elsewhere; `extra_roi` is the
    complement. With black `fill` their sum rebuilds the photo. Raises DataError when the shapes or
    types differ from what the module's docstring says.
    """
    check_image(image)
    check_mask(mask, image.shape[:2])
    colour = np.asarray(fill, dtype=np.uint8)
    inside = mask[..., None]
    return np.where(inside, image, colour), np.where(inside, colour, image)


# --- letterbox ------------------------------------------------------------------------------------


def fitted_size(width: int, height: int, size: int) -> tuple[int, int]:
    """(width, height) in pixels of a photo scaled so that its longer side is `size`.

    Floors as the release does, in the same floating-point order: the longer side may therefore end
    one pixel short of `size`. Unlike there, no side ever becomes 0.
    """
    if min(width, height, size) < 1:
        raise DataError(
            f"cannot fit a {width} x {height} photo into {size} px; every side must be at least 1"
        )
    ratio = size / max(width, height)
    if ratio == 1:
        return width, height
    return max(1, math.floor(width * ratio)), max(1, math.floor(height * ratio))


def resize(image: np.ndarray, size: int) -> np.ndarray:
    """Scale so that the longer side is `size` (see `fitted_size`), bicubic as Pillow's default."""
    check_image(image)
    height, width = image.shape[:2]
    fitted = fitted_size(width, height, size)
    if fitted == (width, height):
        return image
    return np.asarray(Image.fromarray(image).resize(fitted, Image.Resampling.BICUBIC))


def place(image: np.ndarray, size: int, left: int, top: int, fill: Fill = GRAY) -> np.ndarray:
    """Paste (H, W) or (H, W, C) at (`left`, `top`) on a size x size canvas of `fill`.

    Offsets may be negative; what leaves the canvas is lost.
    """
    canvas = np.empty((size, size, *image.shape[2:]), dtype=image.dtype)
    canvas[:] = np.asarray(fill, dtype=image.dtype)
    height, width = image.shape[:2]
    x0, x1 = max(0, left), min(size, left + width)
    y0, y1 = max(0, top), min(size, top + height)
    if x0 < x1 and y0 < y1:
        canvas[y0:y1, x0:x1] = image[y0 - top : y1 - top, x0 - left : x1 - left]
    return canvas


def pad_to_square(image: np.ndarray, size: int, fill: Fill = GRAY) -> np.ndarray:
    """Centre on a size x size canvas, the odd pixel left/top; an image larger than `size` is cropped."""
    height, width = image.shape[:2]
    return place(image, size, -((width - size) // 2), -((height - size) // 2), fill)


def letterbox(image: np.ndarray, size: int, fill: Fill = GRAY) -> np.ndarray:
    """The released input transform, to the pixel: longer side to `size`, gray padding to a square.

    Takes uint8 (H, W, 3), gives uint8 (size, size, 3).
    """
    return pad_to_square(resize(image, size), size, fill)


def photo_inside(image: np.ndarray, fitted: np.ndarray) -> np.ndarray:
    """The part of a letterbox (S, S, 3) that shows the photo, `fitted` = (width, height) px in it: a view."""
    size, (width, height) = len(image), fitted
    left, top = -((width - size) // 2), -((height - size) // 2)
    return image[top : top + height, left : left + width]


def letterbox_mask(mask: np.ndarray, size: int) -> np.ndarray:
    """The letterbox of a mask: nearest neighbour, False in the padding; bool (size, size)."""
    check_mask(mask)
    height, width = mask.shape
    fitted = fitted_size(width, height, size)
    if fitted != (width, height):
        scaled = Image.fromarray(mask.astype(np.uint8)).resize(fitted, Image.Resampling.NEAREST)
        mask = np.asarray(scaled).astype(bool)
    return pad_to_square(mask, size, fill=False)


# --- checks ---------------------------------------------------------------------------------------


def check_image(image: Any) -> None:
    """Raise DataError unless `image` is a uint8 RGB array (H, W, 3) with pixels in it."""
    if not isinstance(image, np.ndarray):
        raise DataError(f"photo is a {type(image).__name__}; expected a uint8 RGB array (H, W, 3)")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        raise DataError(
            f"photo is {image.dtype} with shape {image.shape}; expected uint8 RGB (H, W, 3). "
            "Read files with the data sets' readers, which convert gray, RGBA and CMYK"
        )


def check_mask(mask: np.ndarray, size: tuple[int, int] | None = None) -> None:
    """Raise DataError unless `mask` is bool (H, W), of `size` = (H, W) where given."""
    if mask.ndim != 2 or mask.dtype != bool:
        raise DataError(f"got a mask of shape {mask.shape}, {mask.dtype}; expected bool (H, W)")
    if size is not None and mask.shape != tuple(size):
        raise DataError(
            f"mask is {mask.shape[1]} x {mask.shape[0]}, photo is {size[1]} x {size[0]} pixels; "
            "they must be of one size"
        )
