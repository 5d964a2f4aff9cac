"""Shapes that several foods share: bent rods, profiles, piles, and the sauce or spice over a portion."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps

import cv2
import numpy as np

from rvernet_plates.canvas import Canvas, Piece
from rvernet_plates.foods.arrange import GOLDEN, TURN, any_garnish, garnish, polar
from rvernet_plates.textures import Rng, rgb, smoothstep

Stops = Sequence[float]

_SAUCES = (  # soy, curry, tomato, herb oil
    rgb(84, 44, 20),
    rgb(222, 160, 40),
    rgb(196, 56, 30),
    rgb(92, 122, 40),
)

_WASHES = (*_SAUCES, rgb(250, 236, 200))  # and cream
_HUE = np.deg2rad(10)
_BRIGHT, _VIVID = (0.8, 1.08), (0.7, 1.2)
_ROAST = np.array([0.20, 0.42, 0.62])  # what a thorough roasting takes from red, green and blue
_STEEPED = 0.3


def bent(
    canvas: Canvas, x: float, y: float, half: float, wide: float, angle: float, radius: float
) -> tuple[Piece, np.ndarray, np.ndarray]:
    """A rod of half length `half` and half width `wide` bent around a circle of `radius`, centred at (x, y).

    Returns its window, the place along it (-1..1 from end to end) and across it (-1..1; the inner side of
    the bend is positive), both (h, w).
    """
    sag = radius * (1 - np.cos(min(half / radius, np.pi)))
    rx, ry = half + 1.3 * wide, sag / 2 + 1.3 * wide
    piece = canvas.piece(x, y, rx, ry, angle)
    u, v = piece.u * np.float32(rx), np.float32(radius - sag / 2) - piece.v * np.float32(ry)
    along = np.arctan2(u, v) * np.float32(radius / half)
    across = (np.float32(radius) - np.sqrt(u * u + v * v)) * np.float32(1 / wide)
    return piece, along, across


def profile(u: np.ndarray, stops: Stops, widths: Stops) -> np.ndarray:
    """Half width of an outline at the places `u` (h, w): linear between `stops`, never zero."""
    return np.maximum(np.interp(u, stops, widths), 1e-3).astype(np.float32)


def pile(rng: Rng, count: int, far: float) -> list[tuple[float, float]]:
    """`count` places spread evenly over a disc of radius `far`, no two in line."""
    start = rng.uniform(0, TURN)
    return [polar(far * np.sqrt((k + 0.3) / count), start + GOLDEN * k) for k in range(count)]


def box(u: np.ndarray, v: np.ndarray, corner: float = 7.0) -> np.ndarray:
    """Radius (1 on the outline) of a square with rounded corners: the larger `corner`, the sharper."""
    return (np.abs(u) ** corner + np.abs(v) ** corner) ** (1 / corner)


def over(rho: np.ndarray, height: np.ndarray | float) -> np.ndarray:
    """`height` where `rho` < 1, else 0; never below the little that marks a surface."""
    return np.where(rho < 1, np.maximum(height, 0.02), 0).astype(np.float32)


def dressed(canvas: Canvas, rng: Rng, sauce: float = 0.2, spice: float = 0.25) -> None:
    """With these probabilities, patches of a sauce and a sprinkle of spice or herbs over the portion."""
    if rng.random() < sauce:
        tone, cover = _SAUCES[int(rng.integers(len(_SAUCES)))], rng.uniform(-0.3, 0.4)
        patches = smoothstep(0.20, -0.20, canvas.noise(rng, 1.6, octaves=2) + np.float32(cover))
        canvas.paint(canvas.everywhere, patches * np.float32(rng.uniform(0.4, 0.7)), tone, 0.75, 0.02)
    if rng.random() < spice:
        garnish(canvas, rng, int(rng.integers(10, 26)), any_garnish(rng), 0.75)


def in_varieties(draw: Callable[[Canvas, Rng], None]) -> Callable[[Canvas, Rng], None]:
    """A drawing whose portions also differ in shade: variety, ripeness and cooking move all its colours.

    Hue, saturation and brightness change together over the portion, so that its parts keep their contrast;
    some portions are browned or steeped in a sauce. Colour alone then tells little of the food.
    """

    @wraps(draw)
    def drawn(canvas: Canvas, rng: Rng) -> None:
        draw(canvas, rng)
        canvas.albedo = np.clip(cv2.transform(canvas.albedo, _shade_of_variety(rng)), 0, 1)
        if rng.random() < _STEEPED:
            tone = _WASHES[int(rng.integers(len(_WASHES)))]
            depth = np.clip(0.5 + 0.5 * canvas.noise(rng, 1.5), 0, 1) * np.float32(rng.uniform(0.2, 0.6))
            canvas.paint(canvas.everywhere, depth, tone)

    return drawn


def _shade_of_variety(rng: Rng) -> np.ndarray:
    """A colour matrix (3, 3): colours turn, fade or deepen around the gray axis, then brown with cooking."""
    turn, bright = rng.normal(0, _HUE), rng.uniform(*_BRIGHT)
    vivid = rng.uniform(*_VIVID) * bright
    gray = np.full((3, 3), 1 / 3)
    cross = np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]]) / np.sqrt(3)
    spun = np.cos(turn) * (np.eye(3) - gray) + np.sin(turn) * cross
    cooked = 1 - _ROAST * rng.uniform(-0.1, 1) ** 2
    return ((bright * gray + vivid * spun) * cooked[:, None]).astype(np.float32)
