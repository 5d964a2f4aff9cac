"""Tomato, lemon, blueberry and strawberry."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, dome, plateau
from rvernet_plates.foods.arrange import GOLDEN, TURN, polar, ring
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary


def tomato(canvas: Canvas, rng: Rng) -> None:
    """One large, a few small, or slices."""
    red = between(rng, rgb(236, 66, 36), rgb(222, 40, 30), rgb(196, 28, 28))
    style = rng.choice(["whole", "cherry", "slices"])
    if style == "slices":
        _tomato_slices(canvas, rng, red)
        return
    count = int(rng.integers(1, 4)) if style == "whole" else int(rng.integers(4, 7))
    r = {1: 0.80, 2: 0.54, 3: 0.50}.get(count, 0.36)
    for k, (x, y) in enumerate(ring(rng, count, {2: 0.46, 3: 0.5}.get(count, 0.58))):
        rx, ry = r * rng.uniform(0.94, 1.05), r * rng.uniform(0.9, 1.0)
        piece = canvas.piece(x, y, rx, ry, rng.uniform(0, 6), 1.08)
        rho, angle = piece.rho, piece.theta
        ribbed = 1 + 0.025 * np.cos(5 * angle + 1) * smoothstep(0.1, 0.8, rho) if style == "whole" else 1
        height = dome((rho / ribbed) ** 2, 0.05 + 0.01 * k, r * 0.8)
        stem = rng.normal(0, 0.18, 2)
        colour = blend(vary(rng, red, 0.06), rgb(240, 130, 50), 0.35 * smoothstep(0.45, 0.1, rho))
        canvas.lay(piece, height, colour, 0.8)
        if rng.random() < 0.75 or count == 1:
            calyx(canvas, rng, x + stem[0] * r, y + stem[1] * r, r * (0.42 if style == "whole" else 0.5), 5)


def calyx(canvas: Canvas, rng: Rng, x: float, y: float, size: float, leaves: int) -> None:
    """A green star of sepals painted on the surface below it."""
    piece = canvas.piece(x, y, size, size, rng.uniform(0, 6), 1.0)
    rho, angle = piece.rho, piece.theta
    star = 0.22 + 0.78 * np.abs(np.cos(angle * leaves / 2)) ** 4
    alpha = smoothstep(1.0, 0.7, rho / star)
    canvas.paint(piece, alpha, vary(rng, rgb(66, 122, 44), 0.12), 0.2, bump=size * 0.18)
    canvas.paint(piece, smoothstep(0.2, 0.1, rho), rgb(120, 140, 70), 0.2, bump=size * 0.1)


def _tomato_slices(canvas: Canvas, rng: Rng, red: np.ndarray) -> None:
    count, r = int(rng.integers(3, 6)), rng.uniform(0.44, 0.54)
    chambers, bend = int(rng.integers(3, 6)), rng.uniform(-0.5, 0.5)
    pulp = canvas.noise(rng, 8, octaves=2)
    for k in range(count):
        t = (k - (count - 1) / 2) / max(count - 1, 1)
        piece = canvas.piece(1.0 * t, bend * (4 * t * t - 0.5) * 0.5, r, r * 0.95, rng.uniform(0, 6), 1.05)
        rho, angle = piece.rho, piece.theta
        wedge = np.abs(((angle * chambers / np.pi) % 2) - 1)  # 1 in the middle of a wall, 0 in a chamber
        cell = (
            smoothstep(0.72, 0.5, wedge + 0.5 * smoothstep(0.35, 0.2, rho))
            * smoothstep(0.86, 0.76, rho)
            * smoothstep(0.2, 0.32, rho)
        )
        seeds = smoothstep(0.1, 0.7, pulp[piece.window]) * cell
        colour = blend(vary(rng, red, 0.04), rgb(244, 120, 84), 0.5 * smoothstep(0.9, 0.75, rho) * (1 - cell))
        colour = blend(colour, red * 0.72, cell * 0.8)
        colour = blend(colour, rgb(240, 196, 110), seeds * 0.8)
        height = plateau(rho, 0.10 + 0.06 * k + 0.05 * t * piece.u, 0.05, 8) - 0.025 * cell + 0.03 * seeds
        canvas.lay(piece, np.where(rho < 1, height, 0), colour, 0.65)


def lemon(canvas: Canvas, rng: Rng) -> None:
    """Wheels or wedges of lemon, sometimes greenish."""
    rind = between(rng, rgb(250, 216, 50), rgb(242, 200, 40), rgb(200, 206, 70))
    pulp = blend(rind, rgb(255, 244, 170), 0.45)
    fibres = canvas.noise(rng, 11, octaves=2)
    style = rng.choice(["wheel", "wheels", "halves"])
    count = {"wheel": 1, "wheels": int(rng.integers(2, 4)), "halves": int(rng.integers(2, 4))}[style]
    r = {1: 0.92, 2: 0.62, 3: 0.54}[count]
    for k, (x, y) in enumerate(ring(rng, count, {2: 0.40, 3: 0.48}.get(count, 0))):
        angle0 = rng.uniform(0, 6)
        piece = canvas.piece(x, y, r, r * rng.uniform(0.93, 1), angle0, 1.05)
        u, v = piece.u, piece.v
        rho, angle = np.sqrt(u * u + v * v), np.arctan2(v, u)
        segments = int(rng.integers(8, 11))
        wedge = np.abs(((angle * segments / (2 * np.pi)) % 1) - 0.5) * 2  # 1 on a membrane
        membrane = np.maximum(smoothstep(0.10, 0.04, (1 - wedge) * rho), smoothstep(0.16, 0.08, rho))
        juicy = (1 - membrane) * smoothstep(0.85, 0.79, rho)
        colour = blend(rgb(252, 248, 214), pulp * (1 + 0.10 * fibres[piece.window])[..., None], juicy)
        colour = blend(colour, rind, smoothstep(0.89, 0.93, rho))
        height = 0.13 + 0.07 * k + 0.06 * np.clip((1 - rho) * 9, 0, 1) ** 0.5
        height = height - 0.03 * juicy + 0.022 * juicy * fibres[piece.window]
        inside = rho < 1
        if style == "halves":  # a half wheel: cut straight
            inside = inside & (v > -0.08)
            height += 0.12 * smoothstep(0.6, -0.1, v)
        canvas.lay(piece, np.where(inside, height, 0), np.clip(colour, 0, 1), 0.6)


def blueberry(canvas: Canvas, rng: Rng) -> None:
    """A handful of berries with bloom and crowns."""
    blue = between(rng, rgb(60, 74, 140), rgb(46, 50, 104), rgb(66, 56, 100))
    count = int(rng.integers(7, 19))
    size = 0.92 / np.sqrt(count) + 0.02
    bloom = canvas.noise(rng, 4.5, octaves=3)
    start = rng.uniform(0, 6)
    for k in range(count):
        far, a = 0.80 * np.sqrt((k + 0.3) / count), start + GOLDEN * k + rng.normal(0, 0.12)
        r = size * rng.uniform(0.84, 1.1)
        x, y = polar(far, a)
        piece = canvas.piece(x, y, r, r * 0.96, a, 1.05)
        rho2 = piece.u**2 + piece.v**2
        dusty = np.clip(0.35 + 0.45 * bloom[piece.window], 0, 1) * smoothstep(1.0, 0.5, rho2)
        colour = blend(vary(rng, blue, 0.14), rgb(146, 160, 208), dusty * 0.6)
        canvas.lay(piece, dome(rho2, 0.03 + 0.10 * rng.random(), r * 0.95), colour, 0.30)
        if rng.random() < 0.7:
            tx, ty = rng.normal(0, 0.28, 2) * r
            crown = canvas.piece(x + tx, y + ty, r * 0.42, r * 0.42, rng.uniform(0, 6))
            star = smoothstep(1.0, 0.75, crown.rho / (0.72 + 0.28 * np.cos(5 * crown.theta)))
            canvas.paint(crown, star * 0.6, rgb(92, 96, 150), 0.1, bump=0.012)
            canvas.paint(crown, smoothstep(0.5, 0.35, crown.rho) * 0.9, rgb(22, 20, 42), 0.1, bump=-0.03)


def strawberry(canvas: Canvas, rng: Rng) -> None:
    """Whole berries with seeds and sepals, or halves that show their pale heart."""
    red = between(rng, rgb(232, 50, 44), rgb(214, 28, 38), rgb(178, 22, 34))
    count = int(rng.integers(2, 6))
    cut = rng.random() < 0.35
    r = {2: 0.58, 3: 0.50, 4: 0.45, 5: 0.40}[count]
    for k, (x, y) in enumerate(ring(rng, count, {2: 0.44, 3: 0.50}.get(count, 0.58))):
        size, tone = r * rng.uniform(0.92, 1.08), vary(rng, red, 0.08)
        _strawberry(canvas, rng, x, y, size, tone, cut and k % 2 == 0, 0.02 * k)


def _strawberry(
    canvas: Canvas, rng: Rng, x: float, y: float, r: float, red: np.ndarray, cut: bool, z: float
) -> None:
    turn = rng.uniform(0, TURN)
    piece = canvas.piece(x, y, r * 1.08, r * 0.86, turn, 1.05)
    u, v = piece.u, piece.v
    width = 0.97 - 0.42 * smoothstep(-0.3, 1.0, u)  # the tip points to u = 1
    rho2 = u * u + (v / width) ** 2
    height = dome(rho2, 0.05 + z, r * (0.35 if cut else 0.72), 0.25 if cut else 0.5)
    if cut:
        colour = blend(red, rgb(250, 190, 170), 0.75 * smoothstep(0.75, 0.2, rho2))
        heart = smoothstep(0.16, 0.05, (v / 0.6) ** 2 + (u * 0.6) ** 2)
        colour = blend(colour, rgb(252, 236, 222), 0.9 * heart)
    else:
        colour = blend(red, rgb(250, 214, 180), 0.75 * smoothstep(-0.62, -0.95, u))
        colour = blend(colour, red * 0.8, smoothstep(0.4, 1.0, rho2) * 0.5)
    canvas.lay(piece, height, colour, 0.65)
    if not cut:
        iu, iv = np.meshgrid(np.arange(-3, 5), np.arange(-3, 4))
        su, sv = (iu * 0.235 + 0.1).ravel(), ((iv + 0.5 * (iu % 2)) * 0.27).ravel()
        inside = su**2 + (sv / (0.97 - 0.42 * np.clip((su + 0.3) / 1.3, 0, 1))) ** 2 < 0.82
        c, s = np.cos(turn), np.sin(turn)
        dx, dy = su[inside] * r * 1.08, sv[inside] * r * 0.86
        seeds = canvas.dots(x + dx * c - dy * s, y + dx * s + dy * c, 0.11 * r, 0.072 * r, turn)
        canvas.paint(piece, seeds[piece.window], rgb(244, 206, 110), 0.4, bump=-0.014)
    if rng.random() < 0.85:
        sx, sy = x - r * 0.86 * np.cos(turn), y - r * 0.86 * np.sin(turn)
        _sepals(canvas, rng, sx, sy, r, z + r * 0.45, turn)


def _sepals(canvas: Canvas, rng: Rng, x: float, y: float, r: float, z: float, turn: float) -> None:
    green = vary(rng, rgb(78, 140, 50), 0.12)
    for k in range(6):
        a = turn + np.pi + (k - 2.5) * 0.95 + rng.normal(0, 0.15)
        leaf = canvas.piece(x + 0.22 * r * np.cos(a), y + 0.22 * r * np.sin(a), 0.30 * r, 0.12 * r, a)
        rho2 = leaf.u**2 + (leaf.v / np.sqrt(np.maximum(1 - 0.5 * leaf.u, 0.1))) ** 2
        canvas.lay(leaf, dome(rho2, z + 0.02, 0.05), green * rng.uniform(0.85, 1.1), 0.2)
