"""The small buffer in which one food is drawn: albedo, height and gloss in the food's own units.

Local coordinates have their origin at the food's centre; 1 is the food's radius, and heights are in
the same unit. Pieces are laid by height: the highest surface is the one that is seen.
"""

from __future__ import annotations

from functools import cached_property
from typing import NamedTuple

import cv2
import numpy as np

from rvernet_plates.textures import Rng, noise, overlay, triple

_SUBPIXEL = 5  # fractional bits of OpenCV's integer coordinates


class Piece(NamedTuple):
    """A rectangle of the canvas with coordinates (u, v) in which the piece spans [-1, 1]."""

    window: tuple[slice, slice]
    u: np.ndarray  # (h, w) along the piece
    v: np.ndarray  # (h, w) across the piece

    @property
    def rho(self) -> np.ndarray:
        """Distance from the piece's centre, 1 on its outline."""
        return np.sqrt(self.u * self.u + self.v * self.v)

    @property
    def theta(self) -> np.ndarray:
        """Direction from the piece's centre, -pi..pi."""
        return np.arctan2(self.v, self.u)


class Canvas:
    """Albedo (H, W, 3) in 0..1, height (H, W) with 0 = nothing here, gloss (H, W) in 0..1.

    Args:
        x, y: centre in photo units (the photo's side is 1).
        radius: the food's radius in photo units.
        scale: pixels per photo unit.
        angle: rotation of the local axes against the photo's, in radians.
        reach: half side of the buffer in local units.
    """

    def __init__(
        self, x: float, y: float, radius: float, scale: float, angle: float = 0, reach: float = 1.35
    ):
        self.unit = radius * scale  # pixels per local unit
        self.left, self.top = (int(np.floor(c * scale - reach * self.unit)) for c in (x, y))
        side = int(np.ceil(2 * reach * self.unit)) + 1
        self.shape = (side, side)
        self.centre = (x * scale - self.left, y * scale - self.top)  # in pixels of this buffer
        self.angle, self.reach = angle, reach
        self.albedo = np.zeros((side, side, 3), np.float32)
        self.height = np.zeros((side, side), np.float32)
        self.gloss = np.zeros((side, side), np.float32)

    # --- coordinates ------------------------------------------------------------------------------

    @cached_property
    def whole(self) -> Piece:
        """The whole canvas as a piece: u, v are the local coordinates x, y themselves."""
        return self.piece(0, 0, 1, 1, margin=self.reach * 1.5)

    @cached_property
    def everywhere(self) -> Piece:
        """The whole canvas without coordinates, for `paint`."""
        return Piece((slice(0, self.shape[0]), slice(0, self.shape[1])), np.zeros(0), np.zeros(0))

    def piece(
        self, x: float, y: float, rx: float, ry: float | None = None, angle: float = 0, margin: float = 1.0
    ) -> Piece:
        """The part of the canvas around (x, y) with half axes `rx`, `ry` turned by `angle`."""
        ry = rx if ry is None else ry
        (px, py), turn = self.pixels(x, y), angle + self.angle
        c, s = np.cos(turn), np.sin(turn)
        half_x = margin * (abs(c) * rx + abs(s) * ry) * self.unit + 1
        half_y = margin * (abs(s) * rx + abs(c) * ry) * self.unit + 1
        x0, x1 = max(0, int(px - half_x)), min(self.shape[1], int(px + half_x) + 1)
        y0, y1 = max(0, int(py - half_y)), min(self.shape[0], int(py + half_y) + 1)
        dx = ((np.arange(x0, max(x0, x1)) + (0.5 - px)) / self.unit).astype(np.float32)[None, :]
        dy = ((np.arange(y0, max(y0, y1)) + (0.5 - py)) / self.unit).astype(np.float32)[:, None]
        u = dx * np.float32(c / rx) + dy * np.float32(s / rx)
        v = dy * np.float32(c / ry) - dx * np.float32(s / ry)
        return Piece((slice(y0, max(y0, y1)), slice(x0, max(x0, x1))), u, v)

    def pixels(self, x: float | np.ndarray, y: float | np.ndarray) -> tuple:
        """Local coordinates to pixels of this buffer."""
        c, s = np.cos(self.angle), np.sin(self.angle)
        return self.centre[0] + self.unit * (c * x - s * y), self.centre[1] + self.unit * (s * x + c * y)

    def levels(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Height of the surface at the points (x, y), 0 outside the canvas."""
        px, py = self.pixels(x, y)
        inside = (px >= 0) & (px < self.shape[1]) & (py >= 0) & (py < self.shape[0])
        rows, cols = np.where(inside, py, 0).astype(int), np.where(inside, px, 0).astype(int)
        return np.where(inside, self.height[rows, cols], 0.0)

    def noise(self, rng: Rng, cells: float, octaves: int = 1) -> np.ndarray:
        """A random field over the whole canvas with `cells` lattice cells per local unit."""
        return noise(rng, self.shape, 2 * self.reach * cells, octaves)

    # --- drawing ----------------------------------------------------------------------------------

    def lay(self, piece: Piece, height: np.ndarray, colour: np.ndarray, gloss: np.ndarray | float) -> None:
        """Lay a surface: seen where `height` exceeds what is there. Height <= 0 means no surface."""
        self._put(piece.window, np.asarray(height, np.float32), colour, gloss)

    def _put(self, window: tuple, height: np.ndarray, colour: np.ndarray, gloss: np.ndarray | float) -> None:
        seen = height > self.height[window]
        overlay(self.height[window], height, seen)
        overlay(self.albedo[window], colour, seen)
        overlay(self.gloss[window], gloss, seen)

    def paint(
        self, piece: Piece, alpha: np.ndarray, colour: np.ndarray, gloss: float | None = None, bump: float = 0
    ) -> None:
        """Tint what is already there by `alpha` (h, w) in 0..1; `bump` raises or dents it."""
        window = piece.window
        alpha = np.where(self.height[window] > 0, alpha, 0).astype(np.float32)
        self.albedo[window] += (colour - self.albedo[window]) * triple(alpha)
        if gloss is not None:
            self.gloss[window] += (gloss - self.gloss[window]) * alpha
        if bump:
            self.height[window] += bump * alpha

    def scatter(
        self,
        x: np.ndarray,
        y: np.ndarray,
        rx: np.ndarray | float,
        ry: np.ndarray | float,
        angle: np.ndarray | float,
        z: np.ndarray | float,
        thickness: np.ndarray | float,
        colour: np.ndarray,
        gloss: float,
    ) -> None:
        """Lay many small ellipsoids at once; arguments are (N,) or numbers, `colour` (N, 3) or (3,)."""
        inside, windows = self._ellipses(x, y, rx, ry, angle)
        n = len(inside)
        z, thickness = (
            np.broadcast_to(np.asarray(a, np.float32), (n,))[:, None, None] for a in (z, thickness)
        )
        colour = np.broadcast_to(np.asarray(colour, np.float32), (n, 3))
        heights = np.where(inside > 0, z + thickness * np.sqrt(np.maximum(inside, 0)), 0)
        for k, window in enumerate(windows):
            if window is not None:
                self._put(window, heights[k], colour[k], gloss)

    def dots(
        self,
        x: np.ndarray,
        y: np.ndarray,
        rx: np.ndarray | float,
        ry: np.ndarray | float,
        angle: np.ndarray | float,
        strength: np.ndarray | float = 1.0,
    ) -> np.ndarray:
        """Soft small ellipses as one field (H, W) from 0 to `strength`; arguments as for `scatter`."""
        inside, windows = self._ellipses(x, y, rx, ry, angle)
        alpha = np.minimum(np.maximum(inside * 1.8, 0), 1)
        alpha *= np.broadcast_to(np.asarray(strength, np.float32), (len(inside),))[:, None, None]
        field = np.zeros(self.shape, np.float32)
        for k, window in enumerate(windows):
            if window is not None:
                np.maximum(field[window], alpha[k], out=field[window])
        return field

    def _ellipses(self, x, y, rx, ry, angle) -> tuple[np.ndarray, list]:
        """1 - (squared distance) of N ellipses in windows of one size, (N, k, k); None: leaves the canvas."""
        x, y = np.atleast_1d(x), np.atleast_1d(y)
        shape = (len(x),)
        rx, ry, turn = (
            np.broadcast_to(np.asarray(a, np.float32), shape)[:, None, None]
            for a in (rx, ry, np.asarray(angle) + self.angle)
        )
        px, py = self.pixels(x, y)
        half = int(np.ceil(max(rx.max(), ry.max()) * self.unit)) + 1
        x0, y0 = np.floor(px).astype(int) - half, np.floor(py).astype(int) - half
        steps, side = np.arange(2 * half + 1) + 0.5, 2 * half + 1
        dx = ((x0[:, None] + steps - px[:, None]) / self.unit).astype(np.float32)[:, None, :]
        dy = ((y0[:, None] + steps - py[:, None]) / self.unit).astype(np.float32)[:, :, None]
        c, s = np.cos(turn), np.sin(turn)
        inside = 1 - ((dx * c + dy * s) / rx) ** 2 - ((dy * c - dx * s) / ry) ** 2
        fits = (x0 >= 0) & (y0 >= 0) & (np.maximum(x0, y0) + side <= self.shape[0])
        corners = zip(y0.tolist(), x0.tolist(), fits.tolist(), strict=True)
        return inside, [(slice(r, r + side), slice(q, q + side)) if ok else None for r, q, ok in corners]

    def strand(
        self, x: np.ndarray, y: np.ndarray, width: float, z: float, colour: np.ndarray, gloss: float
    ) -> None:
        """A round cord of the given width along the points (x, y), over everything drawn before."""
        px, py = self.pixels(np.asarray(x), np.asarray(y))
        points = np.stack([px, py], -1) * 2**_SUBPIXEL - 2 ** (_SUBPIXEL - 1)
        points = [np.round(points).astype(np.int32)]
        across = width * self.unit
        levels = int(np.clip(across / 1.5, 3, 12))
        for share in (np.arange(levels) + 0.5) / levels:  # from the cord's edges to its crest
            thick = max(1, round(across * np.sqrt(1 - share**2)))
            cv2.polylines(
                self.height, points, False, float(z + width / 2 * share), thick, cv2.LINE_8, _SUBPIXEL
            )
        thick = max(1, round(across * np.sqrt(1 - (0.5 / levels) ** 2)))
        cv2.polylines(self.albedo, points, False, colour.tolist(), thick, cv2.LINE_8, _SUBPIXEL)
        cv2.polylines(self.gloss, points, False, float(gloss), thick, cv2.LINE_8, _SUBPIXEL)

    def soften(self, reach: float) -> None:
        """Smooth the heights over `reach` local units without moving the outline."""
        smooth = cv2.GaussianBlur(self.height, (0, 0), max(reach * self.unit, 0.3))
        self.height = np.where(self.height > 0, np.maximum(smooth, 1e-3), 0).astype(np.float32)


# --- profiles: height of a piece over its (u, v), 0 outside -----------------------------------------


def dome(rho2: np.ndarray, z: float, thickness: float, power: float = 0.5) -> np.ndarray:
    """A dome over a squared radius `rho2` (1 at the edge): power 0.5 is a ball, less is flatter."""
    inside = 1 - rho2
    return np.where(inside > 0, z + thickness * np.maximum(inside, 1e-6) ** power, 0).astype(np.float32)


def plateau(
    rho: np.ndarray, z: np.ndarray | float, thickness: float, bevel: float, power: float = 0.5
) -> np.ndarray:
    """A flat top over a radius `rho` (1 at the edge), rounded off within 1 / `bevel` of the edge."""
    inside = np.clip((1 - rho) * bevel, 0, 1)
    return np.where(rho < 1, z + thickness * inside**power, 0).astype(np.float32)


def capsule(u: np.ndarray, v: np.ndarray, aspect: float) -> np.ndarray:
    """Squared distance (1 at the edge) from the axis of a rod whose length is `aspect` times its width."""
    along = np.maximum(np.abs(u) - (1 - 1 / aspect), 0) * aspect
    return along * along + v * v


def lobes(rng: Rng, angle: np.ndarray, orders: range, amplitude: float) -> np.ndarray:
    """A random outline: radius (mean 1) over `angle` (-pi..pi), with the given orders of waves."""
    around = np.linspace(-np.pi, np.pi, 2048, dtype=np.float32)
    radius = np.ones_like(around)
    for k in orders:
        a, phase = rng.uniform(0.3, 1) * amplitude / np.sqrt(k), rng.uniform(0, 2 * np.pi)
        radius += np.float32(a) * np.cos(k * around + np.float32(phase))
    return np.take(radius, ((angle + np.float32(np.pi)) * np.float32(2047 / (2 * np.pi))).astype(np.int32))
