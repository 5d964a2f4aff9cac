"""The two input noises of the released code, at its defaults to the pixel, each with a severity.

All functions take a uint8 RGB photo or cut-out (H, W, 3) and give uint8 (size, size, 3), in place of
`cutouts.letterbox`. Severity 0 is the clean letterbox, 1 is the release. Lengths that the release
states at 224 px (tiles of 16, a shift of 60 right and 85 up) scale with `size` unless given: a tile is 1/14
of the input's side at any size, and so is a patch of the nets that have patches. A tile of that size is such
a patch on every photo with the grid "input" alone, see `shuffle_tiles`. Nothing here touches global
randomness. The evaluation uses these noises (`evaluation.perturbed`), training may (`augmentation`).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rvernet_core.config import Noise, one_of
from rvernet_core.data import cutouts
from rvernet_core.data.cutouts import BLACK, GRAY, Fill
from rvernet_core.errors import ConfigError, DataError

KINDS = ("permutation", "translocation")
RELEASE_SIZE = 224
RELEASE_PATCH = Noise.patch  # 16: with RELEASE_SIZE the one place that says how large a tile is
RELEASE_DX, RELEASE_DY = 60, 85  # pixels to the right and up
HOW = ("moved", "rolled", "covered")  # see `translocate`
GRIDS = ("photo", "input")  # see `shuffle_tiles`


def scaled(length: int, size: int) -> int:
    """A length in pixels stated at 224 px, at `size` px; at least 1 for a positive length."""
    return max(1, round(length * size / RELEASE_SIZE))


def add_noise(fitted: np.ndarray, kind: Noise, size: int, stream: Sequence[int]) -> np.ndarray:
    """Noise on a scaled photo uint8 (h, w, 3), as it lies in a letterbox of `size`: uint8 (size, size, 3).

    `stream` seeds the tiles' order. Raises ConfigError as `shuffle_tiles` and `shift`.
    """
    if kind.kind == "permutation":
        tile, rng = scaled(kind.patch, size), np.random.default_rng(stream)
        return shuffle_tiles(fitted, size, tile, kind.severity, rng, kind.grid)
    return shift(fitted, size, kind.severity, kind.canvas, kind.how)


# --- permutation ------------------------------------------------------------------------------------


def permute_patches(
    image: np.ndarray,
    size: int = RELEASE_SIZE,
    patch: int | None = None,
    *,
    rng: np.random.Generator | np.random.RandomState,
    severity: float = 1.0,
    grid: str = "photo",
) -> np.ndarray:
    """Shuffle the square tiles of a photo.

    The photo is scaled as in the letterbox, padded with black to a multiple of `patch` (half of it,
    floored, left/top), cut into tiles in row-major order, and tile k of the result is tile row[k]
    with `row = rng.permutation(n)`; gray padding (or cropping) to the square comes last.

    `patch` is the tile's side in pixels; default 16 at 224 px, in proportion elsewhere. A net with
    patch embedding is hardly disturbed when the tiles are its own patches, so say which were used: of
    its patch size, and cut where it cuts them (`grid`, see `shuffle_tiles`).
    `severity` in [0, 1] is the share of tiles that are shuffled among themselves. A RandomState
    gives the same tiles as the released code after `numpy.random.seed` of the same seed.
    """
    _check_severity(severity, 1.0)
    patch = scaled(RELEASE_PATCH, size) if patch is None else patch
    if patch < 1:
        raise ConfigError(f"patch is {patch}; expected a tile side of at least 1 pixel")
    return shuffle_tiles(cutouts.resize(image, size), size, patch, severity, rng, grid)


def shuffle_tiles(
    fitted: np.ndarray,
    size: int,
    patch: int,
    severity: float,
    rng: np.random.Generator | np.random.RandomState,
    grid: str = "photo",
) -> np.ndarray:
    """`permute_patches` of a photo that is scaled already, as it lies inside a letterbox of `size`.

    grid: what is cut into tiles. "photo", as in the release: the scaled photo, before the letterbox. These
    tiles lie on the patches of a net only where the border that then makes the square is a whole number of
    tiles wide, as round a square photo, but not round one of 112 x 84 px: with tiles of 8 px it is padded to
    88 px, and 12 px, 1.5 tiles, stay above it. "input": the letterbox with its border, from the top-left
    corner, as a net cuts its patches.
    Raises ConfigError for an unknown `grid`, and for tiles of "input" that do not fill it.
    """
    if one_of(grid, GRIDS, "grid") == "input":
        if size % patch:
            raise ConfigError(
                f"tiles of {patch} px do not fill an input of {size} px; expected a side that divides it"
            )
        fitted = cutouts.pad_to_square(fitted, size)
    if severity == 0:
        return cutouts.pad_to_square(fitted, size)
    height, width = fitted.shape[:2]
    missing_x, missing_y = -width % patch, -height % patch
    left, top = missing_x // 2, missing_y // 2
    padded = np.pad(
        fitted,
        ((top, missing_y - top), (left, missing_x - left), (0, 0)),
        constant_values=BLACK,
    )
    rows, columns = padded.shape[0] // patch, padded.shape[1] // patch
    cells = padded.reshape(rows, patch, columns, patch, 3).swapaxes(1, 2)  # (rows, columns, patch, patch, 3)
    order = tile_order(rows * columns, severity, rng)
    tiles = cells.reshape(rows * columns, patch, patch, 3)[order]
    shuffled = tiles.reshape(cells.shape).swapaxes(1, 2).reshape(padded.shape)
    return cutouts.pad_to_square(shuffled, size)


def tile_order(n: int, severity: float, rng: np.random.Generator | np.random.RandomState) -> np.ndarray:
    """Which input tile each output tile shows: a permutation that moves at most round(severity n) of n."""
    order = rng.permutation(n)
    if severity == 1:
        return order
    mobile = order[: round(severity * n)]
    row = np.arange(n)
    row[np.sort(mobile)] = mobile  # the chosen tiles, in the drawn order, at the chosen positions
    return row


# --- translocation ----------------------------------------------------------------------------------


def translocate(
    image: np.ndarray,
    size: int = RELEASE_SIZE,
    dx: int | None = None,
    dy: int | None = None,
    *,
    severity: float = 1.0,
    canvas: Fill = GRAY,
    how: str = "moved",
) -> np.ndarray:
    """Shift a photo right and up on a `canvas` of one colour; what leaves the frame is lost.

    The scaled photo's top-left corner comes to (`dx`, -`dy`) pixels; default 60 and 85 at 224 px, in
    proportion elsewhere. `severity` (0 or more) moves the corner along the line from the letterbox's
    place (0) to that one (1). `canvas` is the colour that appears behind the photo. `how` takes apart
    what the release does in one step: "moved" is the release, shift and loss; "rolled" rolls the
    letterboxed image around, so that everything is shifted and nothing lost; "covered" leaves the
    image where it is and paints over what would have left the frame, so that as much is lost and
    nothing shifted.
    """
    return shift(cutouts.resize(image, size), size, severity, canvas, how, (dx, dy))


def shift(
    fitted: np.ndarray,
    size: int,
    severity: float,
    canvas: Fill,
    how: str,
    by: tuple[int | None, int | None] = (None, None),
) -> np.ndarray:
    """`translocate` of a photo that is scaled already, as it lies inside a letterbox of `size`.

    by: (dx, dy) as there. Raises ConfigError for a negative severity or an unknown `how`.
    """
    one_of(how, HOW, "how")
    height, width = fitted.shape[:2]
    start = _corner(width, height, size, *by, 0.0)
    left, top = _corner(width, height, size, *by, severity)
    if how == "moved":
        return cutouts.place(fitted, size, left, top, canvas)
    right, down = left - start[0], top - start[1]
    boxed = cutouts.pad_to_square(fitted, size, canvas if how == "rolled" else GRAY)
    if how == "rolled":
        return np.roll(boxed, (down, right), axis=(0, 1))
    place = np.arange(size)
    lost_rows = (place + down < 0) | (place + down >= size)
    lost_columns = (place + right < 0) | (place + right >= size)
    boxed = boxed.copy()
    boxed[lost_rows[:, None] | lost_columns[None, :]] = canvas
    return boxed


def surviving_share(
    mask: np.ndarray,
    size: int = RELEASE_SIZE,
    dx: int | None = None,
    dy: int | None = None,
    *,
    severity: float = 1.0,
) -> float:
    """Share of the ROI's pixels (bool mask (H, W), of the photo before scaling) that `translocate` keeps."""
    cutouts.check_mask(mask)
    height, width = mask.shape
    fitted_w, fitted_h = cutouts.fitted_size(width, height, size)
    left, top = _corner(fitted_w, fitted_h, size, dx, dy, severity)
    rows, columns = np.nonzero(mask)
    if len(rows) == 0:
        raise DataError("the mask is empty; a surviving share needs at least one pixel")
    x = left + (columns + 0.5) * fitted_w / width  # pixel centres, as a resize maps them
    y = top + (rows + 0.5) * fitted_h / height
    return float(np.mean((x >= 0) & (x < size) & (y >= 0) & (y < size)))


def _corner(
    width: int, height: int, size: int, dx: int | None, dy: int | None, severity: float
) -> tuple[int, int]:
    """Where the scaled photo's top-left corner goes: (left, top) in pixels."""
    _check_severity(severity, float("inf"))
    dx = scaled(RELEASE_DX, size) if dx is None else dx
    dy = scaled(RELEASE_DY, size) if dy is None else dy
    left, top = -((width - size) // 2), -((height - size) // 2)  # the letterbox's place
    return round(left + severity * (dx - left)), round(top + severity * (-dy - top))


def _check_severity(severity: float, most: float) -> None:
    if not 0 <= severity <= most:
        limits = f"from 0 to {most:g}" if most != float("inf") else "of 0 or more"
        raise ConfigError(f"severity is {severity}; expected a number {limits}")
