"""Tomato, lemon, blueberry and strawberry."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, Piece, dome
from rvernet_plates.foods.arrange import GOLDEN, TURN, a_cut, one_of, polar, ring
from rvernet_plates.foods.cuts import RIDGE, fan, heap, rounds, wedges
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary

# palettes: the usual one first
TOMATOES = (
    (rgb(236, 66, 36), rgb(222, 40, 30), rgb(196, 28, 28)),
    (rgb(250, 204, 70), rgb(246, 176, 52), rgb(240, 134, 40)),  # yellow, orange
    (rgb(188, 196, 92), rgb(124, 160, 62)),  # green
    (rgb(132, 46, 48), rgb(78, 38, 44)),  # black
)
LEMONS = (
    (rgb(250, 216, 50), rgb(242, 200, 40), rgb(226, 206, 60)),
    (rgb(120, 170, 54), rgb(176, 200, 70)),  # green
    (rgb(246, 232, 150), rgb(250, 222, 110)),  # pale
    (rgb(244, 176, 50), rgb(240, 190, 60)),  # fully ripe
)
BLUEBERRIES = (
    (rgb(60, 74, 140), rgb(46, 50, 104), rgb(66, 56, 100)),
    (rgb(34, 32, 48), rgb(52, 34, 52)),  # black
    (rgb(120, 60, 96), rgb(150, 66, 90)),  # not yet ripe
    (rgb(120, 140, 190), rgb(142, 156, 196)),  # under their bloom
)
STRAWBERRIES = (
    (rgb(232, 50, 44), rgb(214, 28, 38), rgb(178, 22, 34)),
    (rgb(250, 232, 214), rgb(246, 190, 178)),  # white
    (rgb(214, 210, 130), rgb(236, 150, 96)),  # unripe
    (rgb(132, 22, 38), rgb(96, 20, 40)),  # overripe
)


@dressed(hue=12)
def tomato(canvas: Canvas, rng: Rng) -> None:
    """Whole ones, a single large to six small, or slices or wedges."""
    form = a_cut(rng, _whole_tomatoes, _tomato_slices, _tomato_wedges)
    form(canvas, rng, between(rng, *one_of(rng, *TOMATOES)))


def _whole_tomatoes(canvas: Canvas, rng: Rng, tone: np.ndarray) -> None:
    count = int(rng.integers(1, 7))
    r = {1: 0.80, 2: 0.54, 3: 0.50, 4: 0.42}.get(count, 0.36)
    ribs = 0.07 * rng.random() ** 2 if count < 4 else 0.0
    slender, striped = (float(rng.uniform(0.68, 0.8)) if rng.random() < 0.25 else 0.95), rng.random() < 0.2
    for k, (x, y) in enumerate(ring(rng, count, {2: 0.46, 3: 0.5, 4: 0.54}.get(count, 0.58))):
        rx, ry = r * rng.uniform(0.94, 1.05), r * slender * rng.uniform(0.95, 1.03)
        piece = canvas.piece(x, y, rx, ry, rng.uniform(0, 6), 1.1)
        rho, angle = piece.rho, piece.theta
        ribbed = 1 + ribs * np.cos(6 * angle + 1) * smoothstep(0.1, 0.8, rho)
        height = dome((rho / ribbed) ** 2, 0.05 + 0.01 * k, r * 0.8)
        colour = blend(vary(rng, tone, 0.08), tone * 0.6 + 0.36, 0.35 * smoothstep(0.45, 0.1, rho))
        if striped:
            flames = smoothstep(0.1, 0.7, np.sin(9 * angle + 2 * np.sin(5 * rho))) * smoothstep(
                0.15, 0.5, rho
            )
            colour = blend(colour, tone * 0.62, 0.6 * flames)
        canvas.lay(piece, height, np.clip(colour, 0, 1), 0.8)
        dx, dy = rng.normal(0, 0.18, 2) * r
        if rng.random() < 0.75 or count == 1:
            calyx(canvas, rng, x + dx, y + dy, r * (0.42 if count < 4 else 0.5), 5)
        else:  # the scar of the stalk
            scar = canvas.piece(x + dx, y + dy, 0.16 * r, 0.16 * r)
            canvas.paint(scar, smoothstep(1.0, 0.5, scar.rho), rgb(150, 120, 70), 0.2, bump=-0.06 * r)


def calyx(canvas: Canvas, rng: Rng, x: float, y: float, size: float, leaves: int) -> None:
    """A green star of sepals painted on the surface below it."""
    piece = canvas.piece(x, y, size, size, rng.uniform(0, 6), 1.0)
    rho, angle = piece.rho, piece.theta
    star = 0.22 + 0.78 * np.abs(np.cos(angle * leaves / 2)) ** 4
    alpha = smoothstep(1.0, 0.7, rho / star)
    canvas.paint(piece, alpha, vary(rng, rgb(66, 122, 44), 0.12), 0.2, bump=size * 0.18)
    canvas.paint(piece, smoothstep(0.2, 0.1, rho), rgb(120, 140, 70), 0.2, bump=size * 0.1)


def _tomato_slices(canvas: Canvas, rng: Rng, tone: np.ndarray) -> None:
    count, r, chambers = int(rng.integers(2, 7)), rng.uniform(0.42, 0.56), int(rng.integers(3, 6))
    pulp = canvas.noise(rng, 8, octaves=2)

    def look(piece: Piece, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wall = np.abs(((piece.theta * chambers / np.pi) % 2) - 1)  # 1 in a wall, 0 in a chamber
        cell = (
            smoothstep(0.72, 0.5, wall + 0.5 * smoothstep(0.35, 0.2, rho))
            * smoothstep(0.86, 0.76, rho)
            * smoothstep(0.2, 0.32, rho)
        )
        return _tomato_flesh(vary(rng, tone, 0.05), cell, smoothstep(0.9, 0.75, rho), pulp[piece.window])

    places = fan(rng, count, r, r * 0.95, 1.0, rng.uniform(-0.5, 0.5), 0.06)
    rounds(canvas, places, look, 0.65, 0.05, 8, 0.02)


def _tomato_flesh(
    tone: np.ndarray, cell: np.ndarray, inner: np.ndarray, pulp: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Colour and relief of a cut face: pale walls, dark jelly in the cells (0..1), seeds in the jelly."""
    seeds = smoothstep(0.1, 0.7, pulp) * cell
    colour = blend(tone, tone * 0.55 + rgb(110, 96, 76), 0.55 * inner * (1 - cell))
    colour = blend(colour, tone * 0.72, cell * 0.8)
    return blend(colour, rgb(240, 200, 120), seeds * 0.8), 0.03 * seeds - 0.025 * cell


def _tomato_wedges(canvas: Canvas, rng: Rng, tone: np.ndarray) -> None:
    pulp = canvas.noise(rng, 8, octaves=2)

    def look(piece: Piece, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        inner = smoothstep(RIDGE, 0.2, across)
        hollow = np.hypot(piece.u / 0.72, (across + 0.30) / 0.48)
        cell = smoothstep(1.0, 0.8, hollow) * smoothstep(0.03, 0.10, np.abs(piece.u + 0.1 * across))
        return _tomato_flesh(vary(rng, tone, 0.05), cell, inner, pulp[piece.window])

    count = int(rng.integers(3, 7))
    wedges(canvas, rng, heap(rng, count, 0.66 - 0.03 * count, 0.46, 0.58, 0.03), look, 0.65)


@dressed(hue=9)
def lemon(canvas: Canvas, rng: Rng) -> None:
    """Wheels, half wheels, wedges, or whole ones."""
    form = a_cut(rng, _lemon_wheels, _half_wheels, _lemon_wedges, _whole_lemons)
    rind = between(rng, *one_of(rng, *LEMONS))
    blush = one_of(rng, rgb(255, 246, 180), rgb(250, 250, 226), rgb(248, 176, 160), share=0.8)
    form(canvas, rng, rind, blend(rind, blush, 0.45))


def _lemon_wheels(canvas: Canvas, rng: Rng, rind: np.ndarray, pulp: np.ndarray, halved: bool = False) -> None:
    fibres, segments = canvas.noise(rng, 11, octaves=2), int(rng.integers(8, 11))
    count = int(rng.integers(2, 5) if halved else rng.integers(1, 5))
    r = {1: 0.92, 2: 0.62, 3: 0.54, 4: 0.48}[count]
    for k, (x, y) in enumerate(ring(rng, count, {2: 0.40, 3: 0.48, 4: 0.52}.get(count, 0))):
        piece = canvas.piece(x, y, r, r * rng.uniform(0.93, 1), rng.uniform(0, 6), 1.05)
        rho, v = piece.rho, piece.v
        wedge = np.abs(((piece.theta * segments / TURN) % 1) - 0.5) * 2  # 1 on a membrane
        membrane = np.maximum(smoothstep(0.10, 0.04, (1 - wedge) * rho), smoothstep(0.16, 0.08, rho))
        juicy = (1 - membrane) * smoothstep(0.84, 0.78, rho)
        colour = _lemon_flesh(rind, pulp, juicy, smoothstep(0.89, 0.93, rho), fibres[piece.window])
        height = 0.13 + 0.07 * k + 0.06 * np.clip((1 - rho) * 9, 0, 1) ** 0.5
        height = height - 0.03 * juicy + 0.022 * juicy * fibres[piece.window]
        inside = rho < 1
        if halved:
            inside = inside & (v > -0.08)
            height += 0.12 * smoothstep(0.6, -0.1, v)
        canvas.lay(piece, np.where(inside, height, 0), np.clip(colour, 0, 1), 0.6)


def _half_wheels(canvas: Canvas, rng: Rng, rind: np.ndarray, pulp: np.ndarray) -> None:
    _lemon_wheels(canvas, rng, rind, pulp, halved=True)


def _lemon_flesh(
    rind: np.ndarray, pulp: np.ndarray, juicy: np.ndarray, outer: np.ndarray, fibres: np.ndarray
) -> np.ndarray:
    """A cut face: white pith and membranes, `juicy` pulp with its fibres, and the rind."""
    colour = blend(rgb(252, 248, 220), pulp * (1 + 0.10 * fibres)[..., None], juicy)
    return blend(colour, rind, outer)


def _lemon_wedges(canvas: Canvas, rng: Rng, rind: np.ndarray, pulp: np.ndarray) -> None:
    fibres = canvas.noise(rng, 11, octaves=2)

    def look(piece: Piece, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        ends = np.maximum(np.abs(piece.u) - 0.6, 0)
        juicy = smoothstep(0.24, 0.14, across + 2.2 * ends) * smoothstep(-0.92, -0.80, across)
        juicy = juicy * smoothstep(0.01, 0.05, np.abs(piece.u - 0.12 * across))
        outer = smoothstep(RIDGE - 0.04, RIDGE + 0.04, across + 0.4 * ends)
        pores = 0.010 * fibres[piece.window]
        return _lemon_flesh(rind, pulp, juicy, outer, fibres[piece.window]), pores - 0.03 * juicy

    count = int(rng.integers(2, 5))
    wedges(canvas, rng, heap(rng, count, 0.78 - 0.06 * count, 0.46, 0.52, 0.03), look, 0.55)


def _whole_lemons(canvas: Canvas, rng: Rng, rind: np.ndarray, pulp: np.ndarray) -> None:
    """Ovals with a nipple at one end, a stalk at the other, and pores all over."""
    count, pores = int(rng.integers(1, 4)), canvas.noise(rng, 15, octaves=2)
    size, turn = {1: 0.98, 2: 0.76, 3: 0.62}[count], rng.uniform(0, TURN)
    for k, (x, y) in enumerate(ring(rng, count, {2: 0.42, 3: 0.5}.get(count, 0))):
        piece = canvas.piece(x, y, size, size * 0.66, turn + rng.normal(0, 0.5), 1.05)
        u, pitted = piece.u, pores[piece.window]
        body = (u / 0.84) ** 2 + piece.v**2
        nipple = ((np.abs(u) - 0.72) / 0.27) ** 2 + (piece.v / 0.26) ** 2
        # the round of the oval and that of the nipple run into each other
        rho2 = np.minimum(np.minimum(body, nipple), np.maximum(body - 0.28 * np.maximum(1.3 - nipple, 0), 0))
        height = dome(rho2, 0.05 + 0.03 * k, size * 0.5) + 0.010 * pitted
        colour = vary(rng, rind, 0.05) * (1 + 0.07 * pitted)[..., None]
        colour = blend(colour, rind * rgb(190, 215, 130), 0.8 * smoothstep(0.72, 0.95, np.abs(u)))
        colour = blend(colour, pulp, 0.3 * smoothstep(0.7, 0.1, rho2))
        canvas.lay(piece, np.where(rho2 < 1, np.maximum(height, 0.01), 0), np.clip(colour, 0, 1), 0.55)


@dressed(hue=12)
def blueberry(canvas: Canvas, rng: Rng) -> None:
    """A handful of berries with bloom and crowns, a few large ones, or some of them cut."""
    least, most, cut = a_cut(rng, (8, 18, 0.0), (4, 7, 0.0), (7, 13, 0.5))
    blue = between(rng, *one_of(rng, *BLUEBERRIES))
    count = int(rng.integers(least, most + 1))
    size, dust = 0.92 / np.sqrt(count) + 0.02, rng.uniform(0.1, 0.7)
    bloom, start = canvas.noise(rng, 4.5, octaves=3), rng.uniform(0, 6)
    for k in range(count):
        far, a = 0.80 * np.sqrt((k + 0.3) / count), start + GOLDEN * k + rng.normal(0, 0.12)
        r = size * rng.uniform(0.80, 1.1)
        x, y = polar(far, a)
        piece = canvas.piece(x, y, r, r * 0.96, a, 1.05)
        rho2 = piece.u**2 + piece.v**2
        z, tone = 0.03 + 0.10 * rng.random(), vary(rng, blue, 0.16)
        if rng.random() < cut:  # pale flesh with a ring of tiny seeds under a dark skin
            seeds = smoothstep(0.7, 0.95, np.cos(9 * piece.theta)) * smoothstep(0.2, 0.1, np.abs(rho2 - 0.25))
            colour = blend(tone, rgb(196, 206, 150), smoothstep(0.86, 0.62, rho2))
            colour = blend(colour, blend(tone, rgb(150, 120, 90), 0.5), 0.8 * seeds)
            canvas.lay(piece, dome(rho2, z + 0.3 * r, r * 0.4, 0.2), colour, 0.5)
            continue
        dusty = np.clip(0.35 + 0.45 * bloom[piece.window], 0, 1) * smoothstep(1.0, 0.5, rho2)
        colour = blend(tone, tone * 0.45 + rgb(104, 112, 140), dusty * dust)
        canvas.lay(piece, dome(rho2, z, r * 0.95), colour, 0.30)
        if rng.random() < 0.8:
            tx, ty = rng.normal(0, 0.28, 2) * r
            crown = canvas.piece(x + tx, y + ty, r * 0.46, r * 0.46, rng.uniform(0, 6))
            star = smoothstep(1.0, 0.75, crown.rho / (0.72 + 0.28 * np.cos(5 * crown.theta)))
            canvas.paint(crown, star * 0.6, blend(tone, rgb(150, 150, 190), 0.4), 0.1, bump=0.012)
            canvas.paint(crown, smoothstep(0.5, 0.35, crown.rho) * 0.9, tone * 0.35, 0.1, bump=-0.03)


@dressed(hue=11)
def strawberry(canvas: Canvas, rng: Rng) -> None:
    """Whole berries with seeds and sepals, halves that show their pale heart, or a row of slices."""
    form = a_cut(rng, "whole", "halves", "slices")
    tone = between(rng, *one_of(rng, *STRAWBERRIES))
    shoulder = one_of(rng, rgb(250, 220, 180), rgb(190, 204, 110), share=0.6)
    pale_to = rng.uniform(-0.75, 0.1)  # how far down the berry is still pale
    if form == "slices":
        count = int(rng.integers(4, 8))
        for k, place in enumerate(fan(rng, count, 0.46, 0.46, 1.15, rng.uniform(-0.5, 0.5))):
            turn = np.pi / 2 + place.angle + rng.normal(0, 0.15)
            _strawberry(canvas, rng, place.x, place.y, 0.46, vary(rng, tone, 0.06), shoulder, pale_to,
                        turn, True, 0.06 * k)  # fmt: skip
        return
    count = int(rng.integers(1, 7))
    r = {1: 0.86, 2: 0.58, 3: 0.50, 4: 0.45, 5: 0.40, 6: 0.37}[count]
    for k, (x, y) in enumerate(ring(rng, count, {2: 0.44, 3: 0.50}.get(count, 0.58))):
        size, cut = r * rng.uniform(0.92, 1.08), form == "halves" and k % 4 != 3
        _strawberry(canvas, rng, x, y, size, vary(rng, tone, 0.08), shoulder, pale_to, rng.uniform(0, TURN),
                    cut, 0.02 * k)  # fmt: skip


def _strawberry(
    canvas: Canvas, rng: Rng, x: float, y: float, r: float, tone: np.ndarray, shoulder: np.ndarray,
    pale_to: float, turn: float, cut: bool, z: float,
) -> None:  # fmt: skip
    piece = canvas.piece(x, y, r * 1.08, r * 0.86, turn, 1.05)
    u, v = piece.u, piece.v
    width = 0.97 - 0.42 * smoothstep(-0.3, 1.0, u)  # the tip points to u = 1
    rho2 = u * u + (v / width) ** 2
    height = dome(rho2, 0.05 + z, r * (0.35 if cut else 0.72), 0.25 if cut else 0.5)
    if cut:
        flesh = tone * 0.35 + rgb(162, 140, 130)
        colour = blend(tone, flesh, 0.85 * smoothstep(0.80, 0.25, rho2))
        rays = 0.5 + 0.5 * np.cos(14 * np.arctan2(v, u))
        colour = blend(colour, rgb(254, 240, 228), 0.5 * rays * smoothstep(0.75, 0.4, rho2))
        heart = smoothstep(0.16, 0.05, (v / 0.6) ** 2 + (u * 0.6) ** 2)
        colour = blend(colour, rgb(252, 238, 226), 0.9 * heart)
    else:
        colour = blend(tone, shoulder, 0.75 * smoothstep(pale_to, pale_to - 0.5, u))
        colour = blend(colour, colour * 0.8, smoothstep(0.4, 1.0, rho2) * 0.5)
    canvas.lay(piece, height, np.clip(colour, 0, 1), 0.65)
    if not cut:
        iu, iv = np.meshgrid(np.arange(-3, 5), np.arange(-3, 4))
        su, sv = (iu * 0.235 + 0.1).ravel(), ((iv + 0.5 * (iu % 2)) * 0.27).ravel()
        inside = su**2 + (sv / (0.97 - 0.42 * np.clip((su + 0.3) / 1.3, 0, 1))) ** 2 < 0.82
        c, s = np.cos(turn), np.sin(turn)
        dx, dy = su[inside] * r * 1.08, sv[inside] * r * 0.86
        seeds = canvas.dots(x + dx * c - dy * s, y + dx * s + dy * c, 0.11 * r, 0.072 * r, turn)
        seed = rgb(244, 206, 110) if tone[1] < 0.5 else rgb(186, 60, 50)  # red on a pale berry
        canvas.paint(piece, seeds[piece.window], seed, 0.4, bump=-0.014)
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
