"""Eggs: fried, boiled and scrambled."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, Piece, dome, lobes, plateau
from rvernet_plates.foods.arrange import TURN, a_cut, one_of, polar, ring, strewn
from rvernet_plates.foods.cuts import fan, rounds
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary

# palettes: the usual one first
WHITES = (
    (rgb(250, 248, 242), rgb(246, 240, 226)),
    (rgb(206, 160, 110), rgb(168, 112, 70)),  # in soy sauce or tea
    (rgb(222, 120, 150), rgb(186, 66, 110)),  # in beetroot
)
YOLKS = (
    (rgb(252, 196, 40), rgb(250, 166, 24), rgb(240, 136, 20)),
    (rgb(250, 226, 130), rgb(246, 214, 100)),  # pale
    (rgb(238, 120, 30), rgb(228, 98, 30)),  # deep orange
    (rgb(176, 176, 110), rgb(210, 196, 110)),  # boiled too long
)


@dressed(hue=12)
def egg(canvas: Canvas, rng: Rng) -> None:
    """Fried with one or two yolks; boiled: halves, slices, whole; or scrambled."""
    form = a_cut(rng, _fried_egg, _egg_halves, _egg_halves, _egg_slices, _whole_eggs, _scrambled_egg)
    white = vary(rng, between(rng, *one_of(rng, *WHITES)), 0.02)
    form(canvas, rng, white, between(rng, *one_of(rng, *YOLKS)))


def _egg_halves(canvas: Canvas, rng: Rng, white: np.ndarray, yolk: np.ndarray) -> None:
    count = int(rng.integers(1, 5))
    rx, ry = {1: (0.92, 0.68), 2: (0.56, 0.40), 3: (0.5, 0.33), 4: (0.46, 0.34)}[count]
    hard = blend(yolk, rgb(250, 220, 120), 0.5) if rng.random() < 0.5 else yolk
    hard, inner = vary(rng, hard, 0.04), blend(white, rgb(252, 250, 246), 0.7)  # a stain stays outside
    for k in range(count):
        x, y = (k - (count - 1) / 2) * 1.55 / count, rng.normal(0, 0.1)
        if count == 4:
            x, y = polar(0.55, TURN * (k + 0.5) / 4)
        piece = canvas.piece(x, y, rx, ry, np.pi / 2 + rng.normal(0, 0.25))
        u, v = piece.u, piece.v
        rho2 = u * u + (v * (1 + 0.13 * u)) ** 2
        height = plateau(rho2, 0.16, 0.12, 3.5)
        heart = (u - 0.08) ** 2 / 0.30 + v * v / 0.36
        yellow = smoothstep(1.0, 0.93, heart)
        colour = blend(inner, white, smoothstep(0.72, 0.92, rho2))
        colour = blend(colour, hard, yellow)
        colour = blend(colour, hard * 0.86, yellow * smoothstep(0.6, 0.95, heart) * 0.5)
        height += 0.03 * yellow * np.sqrt(np.maximum(1 - heart, 0)) * (rho2 < 1)
        canvas.lay(piece, height, colour, 0.45)


def _egg_slices(canvas: Canvas, rng: Rng, white: np.ndarray, yolk: np.ndarray) -> None:
    crumbly = canvas.noise(rng, 14)

    def look(piece: Piece, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        heart = np.hypot(piece.u - 0.1, piece.v) / 0.62
        yellow = smoothstep(1.0, 0.94, heart)
        colour = blend(blend(white, rgb(252, 250, 246), 0.7), white, smoothstep(0.9, 0.97, rho))
        dry = yolk * (1 + 0.08 * crumbly[piece.window])[..., None]
        return blend(colour, dry, yellow), -0.012 * smoothstep(0.1, 0.0, np.abs(heart - 1))

    r = rng.uniform(0.40, 0.5)
    rounds(canvas, fan(rng, int(rng.integers(4, 7)), r, 0.86 * r, 1.25, rng.uniform(-0.6, 0.6)), look, 0.4)


def _whole_eggs(canvas: Canvas, rng: Rng, white: np.ndarray, yolk: np.ndarray) -> None:
    """Peeled, smooth, narrower at one end; the yolk shines through, hardly."""
    count = int(rng.integers(1, 4))
    r = {1: 0.86, 2: 0.60, 3: 0.52}[count]
    for k, (x, y) in enumerate(ring(rng, count, {2: 0.44, 3: 0.5}.get(count, 0))):
        piece = canvas.piece(x, y, r, r * 0.74, rng.uniform(0, TURN), 1.05)
        rho2 = piece.u**2 + (piece.v * (1 + 0.14 * piece.u)) ** 2
        colour = blend(white, white * 0.8 + 0.2 * yolk, 0.5 * smoothstep(0.5, 0.1, rho2))
        canvas.lay(piece, dome(rho2, 0.04 + 0.02 * k, r * 0.66), colour, 0.62)


def _scrambled_egg(canvas: Canvas, rng: Rng, white: np.ndarray, yolk: np.ndarray) -> None:
    """A heap of soft curds, here more yolk and there more white."""
    whole = canvas.whole
    rho = whole.rho / lobes(rng, whole.theta, range(2, 6), 0.10)
    mixed = blend(yolk, white, 0.35)
    canvas.lay(whole, dome((rho / 0.82) ** 2, 0.03, 0.22), mixed * 0.85, 0.3)
    count = int(rng.integers(44, 60))
    x, y = strewn(rng, count, 0.76)
    level = canvas.levels(x, y)
    on = level > 0
    share = np.where(rng.random(count) < 0.2, 0.8, rng.uniform(0.15, 0.4, count)).astype(np.float32)
    shades = np.clip(yolk + (white - yolk) * share[:, None], 0, 1)
    size, z = rng.uniform(0.10, 0.19, count), level + rng.uniform(-0.03, 0.05, count)
    canvas.scatter(x[on], y[on], size[on], 0.72 * size[on], rng.uniform(0, np.pi, count)[on], z[on], 0.10,
                   shades[on], 0.45)  # fmt: skip
    canvas.soften(0.02)


def _fried_egg(canvas: Canvas, rng: Rng, white: np.ndarray, yolk: np.ndarray) -> None:
    piece = canvas.whole
    u, v = piece.u, piece.v
    warp, white = canvas.noise(rng, 2.2, octaves=2), blend(rgb(250, 248, 240), white, 0.4)  # a lighter stain
    rho = np.sqrt(u * u + v * v * rng.uniform(1, 1.3))
    rho = rho / (0.92 * lobes(rng, np.arctan2(v, u), range(2, 8), 0.13))
    thick = smoothstep(0.72, 0.5, rho + 0.08 * warp)
    crisp = smoothstep(0.86, 1.0, rho + 0.06 * warp) * rng.uniform(0.1, 0.9)
    colour = blend(white * 0.97, white, thick)
    colour = blend(colour, rgb(186, 124, 60), crisp)
    height = plateau(rho, 0.05, 0.05, 4, 1) + 0.02 * warp + 0.04 * thick
    canvas.lay(piece, np.where(rho < 1, np.maximum(height, 0.02), 0), colour, 0.5)
    double = rng.random() < 0.15
    for side in (-1, 1) if double else (0,):
        x, y = rng.normal(0, 0.07, 2)
        r = rng.uniform(0.30, 0.38) * (0.85 if double else 1)
        ball = canvas.piece(x + side * 0.33, y, r, r)
        rho2 = ball.u**2 + ball.v**2
        colour = blend(yolk, yolk * 0.88, smoothstep(0.5, 1, rho2))
        canvas.lay(ball, dome(rho2, 0.12, 0.20, 0.5), colour, 0.85)
