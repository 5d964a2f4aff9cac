"""Smooth random fields and small colour helpers, all independent of the resolution.

A field is a coarse lattice of random numbers, enlarged with cubic interpolation. The lattice has the
same number of cells at every image size, so a scene looks the same at 64 and at 512 pixels.
"""

from __future__ import annotations

import cv2
import numpy as np

Rng = np.random.Generator
Colour = tuple[float, float, float]


def noise(
    rng: Rng, shape: tuple[int, int], cells: float | tuple[float, float], octaves: int = 1
) -> np.ndarray:
    """A smooth field (H, W) float32, roughly in [-1, 1] with mean 0.

    `cells` counts the lattice cells along height and width (one number: the same for both); every
    further octave doubles them and halves the amplitude.
    """
    rows, cols = cells if isinstance(cells, tuple) else (cells, cells)
    field, amplitude, power = np.zeros((0, 0), np.float32), 1.0, 0.0
    for _ in range(octaves):  # each octave's lattice is finer, and the coarser sum is enlarged to it
        size = max(2, round(cols) + 1), max(2, round(rows) + 1)
        lattice = (rng.random(size[::-1], dtype=np.float32) * 2 - 1) * np.float32(amplitude)
        field = lattice + _enlarge(field, size) if field.size else lattice
        power += amplitude**2
        rows, cols, amplitude = rows * 2, cols * 2, amplitude / 2
    return _enlarge(field * np.float32(power**-0.5), (shape[1], shape[0]))


def _enlarge(field: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(field, size, interpolation=cv2.INTER_CUBIC)


def offset(rng: Rng, spread: float) -> tuple[float, float]:
    """A random (x, y), normal with standard deviation `spread`."""
    x, y = rng.normal(0, spread, 2)
    return x, y


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth in between; `low` > `high` gives the falling edge."""
    y = np.minimum(np.maximum((x - low) * (1.0 / (high - low)), 0), 1)
    return y * y * (3 - 2 * y)


def blend(a: np.ndarray, b: np.ndarray, alpha: np.ndarray | float) -> np.ndarray:
    """`a` where alpha is 0, `b` where it is 1; colours broadcast to (..., 3), `alpha` has one axis less."""
    a, b, share = (np.asarray(part, np.float32) for part in (a, b, alpha))
    return a + (b - a) * (triple(share) if share.ndim == 2 else share[..., None])


def triple(field: np.ndarray) -> np.ndarray:
    """A field (H, W) repeated for the three colours: (H, W, 3), ready for quick products."""
    return cv2.merge([field, field, field])


def overlay(below: np.ndarray, above: np.ndarray | float, mask: np.ndarray) -> None:
    """Copy `above` into `below` where the boolean `mask` (H, W) holds; both (H, W) or (H, W, 3) float32.

    A single value or colour is spread. The same as np.copyto, several times quicker on large colour arrays.
    """
    if mask.size < 256:
        np.copyto(below, above, where=mask if below.ndim == 2 else mask[..., None])
        return
    if np.shape(above) != below.shape:
        above = np.broadcast_to(np.asarray(above, np.float32), below.shape)
    cv2.copyTo(np.ascontiguousarray(above, np.float32), mask.view(np.uint8), below)


def rgb(r: float, g: float, b: float) -> np.ndarray:
    """A colour in the usual 0..255 notation as float32 in 0..1."""
    return np.array([r, g, b], np.float32) / 255


def between(rng: Rng, *colours: np.ndarray) -> np.ndarray:
    """A random colour on the way between two neighbours of a palette."""
    i = int(rng.integers(len(colours) - 1))
    return blend(colours[i], colours[i + 1], rng.random(dtype=np.float32))


def vary(rng: Rng, colour: np.ndarray, amount: float = 0.05, count: int | None = None) -> np.ndarray:
    """`colour` with random brightness and a little random hue; (3,) or, with `count`, (count, 3)."""
    n = 1 if count is None else count
    shade = 1 + amount * rng.uniform(-1, 1, (n, 1)) + 0.3 * amount * rng.uniform(-1, 1, (n, 3))
    varied = np.clip(colour * shade, 0, 1).astype(np.float32)
    return varied[0] if count is None else varied
