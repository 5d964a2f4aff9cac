"""Shapes that several foods share: bent rods, profiles, boxes and piles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rvernet_plates.canvas import Canvas, Piece
from rvernet_plates.foods.arrange import GOLDEN, TURN, polar
from rvernet_plates.textures import Rng

Stops = Sequence[float]


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
