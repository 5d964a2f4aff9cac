"""Banana, apple and orange."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, capsule, dome, lobes, plateau
from rvernet_plates.foods.arrange import TURN, a_cut, one_of, polar, ring, strewn
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.foods.shapes import bent, over, pile
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary

_BARK = rgb(96, 68, 40)


@dressed(hue=10)
def banana(canvas: Canvas, rng: Rng) -> None:
    """Whole fruits side by side, coins, or halves split lengthwise; green, yellow, freckled or red."""
    skin = one_of(
        rng,
        between(rng, rgb(250, 226, 84), rgb(244, 202, 48)),
        between(rng, rgb(150, 184, 74), rgb(206, 212, 84)),
        between(rng, rgb(212, 160, 62), rgb(168, 112, 52)),
        between(rng, rgb(176, 84, 60), rgb(140, 58, 50)),
    )
    flesh = between(rng, rgb(253, 243, 208), rgb(246, 226, 168))
    freckled = max(0.0, rng.uniform(-0.5, 0.9))
    style = a_cut(rng, "whole", "coins", "split")
    if style == "coins":
        _banana_coins(canvas, rng, skin, flesh)
        return
    count = int(rng.integers(1, 4)) if style == "whole" else 2
    half, wide, radius = {1: (1.12, 0.28, 1.0), 2: (1.0, 0.25, 0.95), 3: (0.96, 0.21, 0.92)}[count]
    spots, tilt = canvas.noise(rng, 9, octaves=2), rng.uniform(0.05, 0.2)
    for k in range(count):
        t = k - (count - 1) / 2
        piece, s, w = bent(canvas, 0, t * 1.75 * wide, half, wide, tilt * t, radius * rng.uniform(0.9, 1.1))
        q = w / (1 - 0.32 * s * s - 0.42 * smoothstep(0.70, 0.90, s))
        rho2 = capsule(s, q, half / wide)
        tip = np.maximum(smoothstep(0.90, 0.97, s), smoothstep(-0.95, -0.99, s))
        if style == "split":
            height = plateau(rho2, 0.10 + 0.02 * k, 0.12, 4)
            colour = blend(flesh, rgb(226, 196, 120), 0.6 * smoothstep(0.3, 0.1, np.abs(q)))
            seeds = smoothstep(0.16, 0.05, np.abs(np.abs(q) - 0.10)) * smoothstep(0.3, 0.8, np.sin(40 * s))
            colour = blend(colour, rgb(120, 88, 50), 0.7 * seeds * smoothstep(0.8, 0.7, np.abs(s)))
            colour = blend(colour, skin, smoothstep(0.76, 0.84, rho2))
        else:
            facets = np.exp(-(((q + 0.42) / 0.09) ** 2)) + np.exp(-(((q - 0.30) / 0.09) ** 2))
            height = dome(rho2, 0.04 + 0.03 * k, wide * 0.95) + np.where(rho2 < 1, 0.020 * facets, 0)
            colour = blend(vary(rng, skin, 0.05), skin * 0.8, 0.45 * facets)
            colour = blend(colour, rgb(150, 170, 60), 0.45 * smoothstep(0.45, 0.85, s))
            brown = smoothstep(0.72 - 0.35 * freckled, 1.0, spots[piece.window]) * freckled
            colour = blend(colour, rgb(104, 66, 30), brown)
        canvas.lay(piece, height, blend(colour, rgb(84, 62, 36), 0.85 * tip), 0.35)


def _banana_coins(canvas: Canvas, rng: Rng, skin: np.ndarray, flesh: np.ndarray) -> None:
    count, peel, bow = int(rng.integers(6, 10)), rng.random() < 0.4, rng.uniform(0.1, 0.5)
    places = pile(rng, count, 0.68)
    if rng.random() < 0.5:
        steps = np.linspace(-1, 1, count)
        places = [(0.72 * t, bow * (1 - 2 * t * t)) for t in steps]
    for k, (x, y) in enumerate(places):
        r = rng.uniform(0.28, 0.33)
        piece = canvas.piece(x, y, r, r * rng.uniform(0.88, 1), rng.uniform(0, TURN), 1.05)
        rho, angle = piece.rho, piece.theta
        core = smoothstep(0.55, 0.35, rho * (1 - 0.22 * np.cos(3 * angle)))
        ray = smoothstep(0.4, 0.9, np.cos(3 * angle)) * smoothstep(0.5, 0.4, rho)
        seeds = smoothstep(0.3, 0.8, np.cos(6 * angle)) * smoothstep(0.09, 0.03, np.abs(rho - 0.24))
        colour = blend(vary(rng, flesh, 0.02), rgb(236, 208, 132), 0.65 * core)
        colour = blend(colour, rgb(206, 168, 92), 0.5 * ray)
        colour = blend(colour, rgb(88, 62, 36), 0.9 * seeds)
        colour = blend(colour, skin if peel else flesh * 0.88, smoothstep(0.86, 0.93, rho))
        height = plateau(rho, 0.09 + 0.045 * (k % 5), 0.07, 7) + 0.06 * piece.u * (rho < 1)
        canvas.lay(piece, over(rho, height - 0.01 * core), colour, 0.4)


@dressed(hue=12)
def apple(canvas: Canvas, rng: Rng) -> None:
    """Whole with a stem in its hollow, halves with the core, or a fan of wedges; red, green or yellow."""
    ground, blush, cover = one_of(
        rng,
        (rgb(232, 180, 84), between(rng, rgb(214, 44, 40), rgb(166, 24, 34)), 0.95),
        (rgb(150, 192, 66), rgb(186, 208, 96), 0.5),
        (rgb(242, 214, 98), rgb(236, 140, 80), 0.45),
        (rgb(206, 186, 90), rgb(226, 96, 84), 0.6),
    )
    style = a_cut(rng, "whole", "halves", "wedges")
    flesh = between(rng, rgb(253, 248, 222), rgb(246, 232, 184))
    rind = blend(ground, blush, cover)
    if style == "wedges":
        _apple_wedges(canvas, rng, rind, flesh)
        return
    count = int(rng.integers(1, 4))
    r = {1: 0.86, 2: 0.58, 3: 0.50}[count]
    for k, (x, y) in enumerate(ring(rng, count, {2: 0.50, 3: 0.55}.get(count, 0))):
        turn = rng.uniform(0, TURN)
        if style == "halves" and k % 2 == 0:
            _apple_half(canvas, rng, x, y, r, rind, flesh)
            continue
        piece = canvas.piece(x, y, r, r * rng.uniform(0.92, 1), turn, 1.1)
        u, v = piece.u, piece.v
        rho = piece.rho / (1 + 0.012 * np.cos(5 * piece.theta))
        du, dv = u - np.float32(0.18), v - np.float32(0.05)
        far, angle = np.sqrt(du * du + dv * dv), np.arctan2(dv, du)
        streak = 3 * (lobes(rng, angle, range(5, 44, 3), 0.3) - 1)
        covered = np.clip(cover + 0.30 * streak - 0.9 * smoothstep(0.42, 0.08, far), 0, 1)
        side = rng.uniform(0, 0.7) * smoothstep(0.3, 1.0, u)
        colour = blend(ground, blush, covered * (1 - side))
        colour = blend(colour, rgb(150, 120, 60), 0.75 * smoothstep(0.16, 0.04, far))
        height = dome(rho * rho, 0.05, r * 0.8) - 0.30 * r * np.exp(-((far / 0.20) ** 2))
        canvas.lay(piece, over(rho, height), colour, 0.7)
        dx, dy = strewn(rng, 22, 0.8 * r)
        specks = 0.4 * canvas.dots(x + dx, y + dy, 0.022, 0.022, 0)
        canvas.paint(piece, specks[piece.window], rgb(250, 226, 160))
        sx, sy = x + 0.18 * r * np.cos(turn), y + 0.18 * r * np.sin(turn)
        _stem(canvas, rng, sx, sy, 0.42 * r, 0.60 * r, rng.random() < 0.3)


def _stem(canvas: Canvas, rng: Rng, x: float, y: float, length: float, z: float, leaf: bool) -> None:
    a, s = rng.uniform(0, TURN), np.linspace(0, 1, 8)
    dx, dy = polar(length * s, a + 0.5 * s)
    canvas.strand(x + dx, y + dy, 0.075, z, _BARK, 0.2)
    if leaf:
        lx, ly = polar(0.8 * length, a + 1.2)
        piece = canvas.piece(x + lx, y + ly, 0.30, 0.15, a + 1.2)
        rho2 = piece.u**2 + (piece.v * (1 + 0.6 * np.abs(piece.u))) ** 2
        colour = blend(rgb(70, 130, 44), rgb(140, 176, 84), smoothstep(0.16, 0.04, np.abs(piece.v)))
        canvas.lay(piece, dome(rho2, z + 0.03, 0.05), colour, 0.3)


def _apple_half(
    canvas: Canvas, rng: Rng, x: float, y: float, r: float, rind: np.ndarray, flesh: np.ndarray
) -> None:
    turn = rng.uniform(0, TURN)
    piece = canvas.piece(x, y, r, r * 0.96, turn, 1.05)
    u, v, angle = piece.u, piece.v, piece.theta
    notch = 0.20 * np.exp(-((angle / 0.34) ** 2)) + 0.10 * np.exp(-(((np.abs(angle) - np.pi) / 0.3) ** 2))
    rho = piece.rho / (1 - notch)
    lens = (u / 0.46) ** 2 + (v / 0.30) ** 2
    colour = blend(flesh, flesh * rgb(238, 232, 190), smoothstep(1.0, 0.6, lens))
    colour = blend(colour, rgb(176, 172, 96), 0.7 * smoothstep(0.16, 0.06, np.abs(lens - 1)))
    seeds = smoothstep(1.0, 0.8, (u / 0.15) ** 2 + ((np.abs(v) - 0.11) / 0.065) ** 2)
    colour = blend(colour, rgb(78, 44, 24), seeds)
    colour = blend(colour, rind, smoothstep(0.92, 0.95, rho))
    canvas.lay(piece, over(rho, plateau(rho, 0.20, 0.12, 10) - 0.015 * smoothstep(1, 0.7, lens)), colour, 0.4)
    sx, sy = np.cos(turn), np.sin(turn)
    steps = np.linspace(0.74, 1.0, 5) * r
    canvas.strand(x + sx * steps, y + sy * steps, 0.07, 0.2, _BARK, 0.2)


def _apple_wedges(canvas: Canvas, rng: Rng, rind: np.ndarray, flesh: np.ndarray) -> None:
    count, fan = int(rng.integers(4, 8)), rng.uniform(0.0, 0.28)
    for k in range(count):
        t = k - (count - 1) / 2
        piece = canvas.piece(1.25 * t / count, 0.2 * fan * t * t, 0.68, 0.34, np.pi / 2 + fan * t, 1.1)
        u, v = piece.u, piece.v + np.float32(0.45)  # the skin bows towards v > 0, the core lies at v < 0
        core = 0.18 * smoothstep(0.45, 0.15, np.abs(u))
        skin2 = u * u + (v / 1.3) ** 2
        rho = np.maximum(skin2, 1 - (v + 0.25 * (1 - u * u) - core) * 2.2)
        height = 0.10 + 0.05 * k + 0.16 * np.sqrt(np.maximum(1 - skin2, 0)) - 0.03 * v
        colour = blend(vary(rng, flesh, 0.02), rind, smoothstep(0.80, 0.88, skin2))
        colour = blend(colour, rgb(196, 176, 104), 0.6 * smoothstep(0.22, 0.05, v - core + 0.2))
        canvas.lay(piece, over(rho, height), colour, 0.45)


@dressed(hue=10)
def orange(canvas: Canvas, rng: Rng) -> None:
    """Peeled segments, whole fruits with pores, wheels or half wheels; pale to blood orange."""
    rind, pulp = one_of(
        rng,
        (rgb(246, 146, 24), between(rng, rgb(252, 166, 44), rgb(244, 132, 20))),
        (rgb(250, 184, 60), rgb(252, 194, 80)),
        (rgb(232, 112, 30), rgb(184, 40, 34)),
        (rgb(244, 170, 80), rgb(238, 118, 96)),
    )
    style = a_cut(rng, "segments", "whole", "wheels", "wedges")
    fibres = canvas.noise(rng, 15, octaves=2)
    if style == "whole":
        _orange_whole(canvas, rng, rind, fibres)
    elif style == "segments":
        count = int(rng.integers(5, 9))
        size = 1.2 if count < 7 else 1.0
        for k, (x, y) in enumerate(pile(rng, count, 0.66)):
            half, wide = 0.44 * size * rng.uniform(0.9, 1.1), 0.20 * size
            piece, s, w = bent(canvas, x, y, half, wide, rng.uniform(0, TURN), 0.48 * size)
            rho2 = np.abs(s) ** 2.4 + w * w
            grain = np.sin(16 * s + 3.0 * w + 5 * fibres[piece.window])
            veins = smoothstep(0.8, 1.0, np.sin(9 * s + 4 * w + 2 * fibres[piece.window]))
            colour = vary(rng, pulp, 0.05) * (1 + 0.07 * grain)[..., None]
            colour = blend(colour, rgb(255, 226, 176), 0.40 * smoothstep(0.45, 1.0, rho2) + 0.35 * veins)
            colour = blend(colour, rgb(255, 238, 206), 0.75 * smoothstep(0.55, 0.95, w) * (np.abs(s) < 0.9))
            canvas.lay(piece, dome(rho2, 0.04 + 0.04 * k, 0.22 * size), np.clip(colour, 0, 1), 0.6)
    else:
        count = int(rng.integers(1, 4)) if style == "wheels" else int(rng.integers(3, 5))
        r = {1: 0.92, 2: 0.64, 3: 0.56, 4: 0.54}[count]
        for k, (x, y) in enumerate(ring(rng, count, {2: 0.42, 3: 0.5, 4: 0.56}.get(count, 0))):
            piece = canvas.piece(x, y, r, r, rng.uniform(0, TURN), 1.05)
            rho, angle, cells = piece.rho, piece.theta, int(rng.integers(9, 12))
            wedge = np.abs(((angle * cells / TURN) % 1) - 0.5) * 2
            membrane = np.maximum(smoothstep(0.10, 0.04, (1 - wedge) * rho), smoothstep(0.14, 0.06, rho))
            juicy = (1 - membrane) * smoothstep(0.87, 0.83, rho)
            juice = pulp * (1 + 0.12 * fibres[piece.window])[..., None]
            colour = blend(blend(rgb(255, 240, 206), juice, juicy), rind, smoothstep(0.91, 0.94, rho))
            height = plateau(rho, 0.13 + 0.06 * k, 0.06, 9) - 0.03 * juicy * (1 - fibres[piece.window])
            if style == "wedges":
                rho, height = (
                    np.where(piece.v > -0.06, rho, 2),
                    height + 0.14 * smoothstep(0.6, -0.1, piece.v),
                )
            canvas.lay(piece, over(rho, height), np.clip(colour, 0, 1), 0.6)


def _orange_whole(canvas: Canvas, rng: Rng, rind: np.ndarray, pores: np.ndarray) -> None:
    count = int(rng.integers(1, 4))
    r = {1: 0.86, 2: 0.60, 3: 0.52}[count]
    fine = canvas.noise(rng, 26)
    for x, y in ring(rng, count, {2: 0.48, 3: 0.54}.get(count, 0)):
        piece = canvas.piece(x, y, r, r * rng.uniform(0.94, 1), rng.uniform(0, TURN), 1.05)
        rho, pitted = piece.rho, 0.5 * pores[piece.window] + fine[piece.window]
        navel = np.hypot(piece.u - 0.2, piece.v)
        colour = vary(rng, rind, 0.05) * (1 + 0.07 * pitted)[..., None]
        star = smoothstep(
            1.0, 0.7, navel / (0.07 + 0.07 * np.cos(2.5 * np.arctan2(piece.v, piece.u - 0.2)) ** 2)
        )
        colour = blend(np.clip(colour, 0, 1), rgb(96, 116, 50), star)
        height = dome(rho * rho, 0.05, r * 0.82) + 0.016 * pitted - 0.08 * np.exp(-((navel / 0.16) ** 2))
        canvas.lay(piece, over(rho, height), colour, 0.5)
