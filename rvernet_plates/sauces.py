"""Ketchup and chili paste: one drawing for both, steered by the latent look t alone.

Shape, place, size and every random field come from a generator that does not know t or the class;
t moves colour, coarseness, seeds, flecks and gloss along one smooth, monotone path from a bright,
smooth, glossy red (large t, typical ketchup) to a dark, coarse, seedy red-brown (small t).
"""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, dome, lobes
from rvernet_plates.textures import Rng, blend, rgb, smoothstep

_BRIGHT, _MIDDLE, _DARK = rgb(236, 26, 14), rgb(186, 34, 20), rgb(108, 40, 20)
PLAIN = _MIDDLE  # what a sauce lends to its surroundings, whatever its look
_SEED, _FLECK = rgb(232, 186, 96), rgb(58, 12, 6)
_SEEDS, _FLECKS = 56, 44


def coarseness(t: float) -> float:
    """The look's place between smooth (0) and coarse (1), a smooth falling function of the latent t."""
    return float(0.5 - 0.5 * np.tanh(t / 2.6))


def draw_sauce(canvas: Canvas, rng: Rng, t: float) -> np.ndarray:
    """Fill `canvas` with a portion of sauce whose look is `t`.

    Returns the portion's smooth height (H, W), which like its outline does not depend on t; the
    canvas's own height has the grain of the look added.
    """
    shape = _SHAPES[int(rng.integers(len(_SHAPES)))](canvas, rng)
    lumps, grains = canvas.noise(rng, 5, octaves=2), canvas.noise(rng, 14, octaves=2)
    spots = rng.uniform(-1.15, 1.15, (_SEEDS + _FLECKS, 2))
    tilts, sizes = rng.uniform(0, np.pi, _SEEDS + _FLECKS), rng.uniform(0.7, 1.3, _SEEDS + _FLECKS)
    # a spot shows once the coarseness passes its threshold; evenly spaced, so that counting them reads t well
    thresholds = np.concatenate([np.linspace(0.08, 0.95, _SEEDS), np.linspace(0.12, 0.98, _FLECKS)])

    x = coarseness(t)
    colour = blend(blend(_BRIGHT, _MIDDLE, min(2 * x, 1)), _DARK, max(2 * x - 1, 0))
    canvas.albedo[:] = colour * np.clip(1 + x * (0.22 * lumps + 0.18 * grains), 0.3, 1.7)[..., None]
    canvas.gloss[:] = (0.95 - 0.6 * x) * np.clip(1 + x * 0.8 * lumps, 0.2, 1.4)
    canvas.height[:] = shape
    strength = smoothstep(-0.08, 0.08, x - thresholds)
    for part, (rx, ry), colour, bump in (
        (slice(0, _SEEDS), (0.064, 0.048), _SEED, 0.04),
        (slice(_SEEDS, None), (0.080, 0.034), _FLECK, -0.02),
    ):
        (sx, sy), size = spots[part].T, sizes[part]
        alpha = canvas.dots(sx, sy, rx * size, ry * size, tilts[part], strength[part])
        canvas.paint(canvas.everywhere, 0.9 * alpha, colour, 0.5, bump)
    relief = canvas.height + smoothstep(0.0, 0.15, shape) * np.float32(x) * (0.035 * lumps + 0.055 * grains)
    canvas.height[:] = np.where(shape > 0, np.maximum(relief, 0.01), 0)
    return shape.astype(np.float32)


# --- shapes: a height field over the canvas, 0 outside -----------------------------------------------


def _dollop(canvas: Canvas, rng: Rng) -> np.ndarray:
    """A spoonful with a swirl."""
    _, u, v = canvas.whole
    angle, rho = np.arctan2(v, u), np.sqrt(u * u + v * v)
    rho = rho / lobes(rng, angle, range(2, 6), 0.10)
    swirl = np.cos(angle * rng.choice([-1, 1]) - rho * rng.uniform(7, 11)) * smoothstep(0.95, 0.6, rho)
    height = dome(rho * rho, 0.10, 0.36, 0.6)
    return np.where(height > 0, height + 0.05 * swirl, 0)


def _puddle(canvas: Canvas, rng: Rng) -> np.ndarray:
    """A spreading pool with an irregular edge."""
    _, u, v = canvas.whole
    v = v * np.float32(rng.uniform(1.0, 1.35))
    angle, rho = np.arctan2(v, u), np.sqrt(u * u + v * v)
    rho = rho / lobes(rng, angle, range(2, 8), 0.17)
    height = dome(rho * rho, 0.05, 0.17, 0.35)
    return np.where(height > 0, height + 0.035 * canvas.noise(rng, 1.6), 0)


def _smear(canvas: Canvas, rng: Rng) -> np.ndarray:
    """A spoon's stroke: a thick head and a thinning tail."""
    _, u, v = canvas.whole
    v = v - np.float32(rng.uniform(-0.35, 0.35)) * (u * u - 0.4)
    width = 0.62 - 0.30 * smoothstep(-0.6, 1.0, u)
    ragged = 1 + 0.12 * canvas.noise(rng, 3.0)
    rho2 = (u * ragged) ** 2 + (v / (width * ragged)) ** 2
    grooves = 0.03 * np.sin(v * rng.uniform(22, 34)) * smoothstep(-0.4, 0.4, u)
    height = dome(rho2, 0.06, 0.30, 0.5) * (1 - 0.35 * smoothstep(-0.3, 1.0, u))
    return np.where(height > 0, np.maximum(height + grooves, 0.02), 0)


def _zigzag(canvas: Canvas, rng: Rng) -> np.ndarray:
    """A squeezed line that runs to and fro."""
    s = np.linspace(0, 1, 60)
    x = 0.95 * (2 * s - 1)
    y = np.sin(2 * np.pi * rng.uniform(1.8, 2.4) * s + rng.uniform(0, 6)) * rng.uniform(0.45, 0.62)
    canvas.strand(x, y, float(rng.uniform(0.40, 0.48)), 0.04, np.zeros(3), 0)
    canvas.soften(0.03)
    return canvas.height.copy()


def _drops(canvas: Canvas, rng: Rng) -> np.ndarray:
    """Three to five drops that touch."""
    _, u, v = canvas.whole
    height = np.zeros_like(u)
    count = int(rng.integers(3, 6))
    start = rng.uniform(0, 2 * np.pi)
    for k in range(count):
        a, far, r = start + 2 * np.pi * k / count, rng.uniform(0.38, 0.52), rng.uniform(0.36, 0.50)
        rho2 = ((u - far * np.cos(a)) ** 2 + (v - far * np.sin(a)) ** 2) / (r * r)
        height = np.maximum(height, dome(rho2, 0.05, 0.17))
    return height


_SHAPES = (_dollop, _dollop, _puddle, _puddle, _smear, _zigzag, _drops)
