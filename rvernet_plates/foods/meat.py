"""Sausage, steak, hamburg and shrimp."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, Piece, capsule, dome, lobes, plateau
from rvernet_plates.foods.arrange import GOLDEN, TURN, a_cut, one_of, polar, ring, strewn
from rvernet_plates.foods.cuts import cubes, heap, rounds
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.textures import Rng, between, blend, offset, rgb, smoothstep, vary

# palettes: the usual one first
SAUSAGES = (
    (rgb(196, 96, 62), rgb(168, 62, 42), rgb(124, 48, 34)),
    (rgb(232, 214, 190), rgb(216, 184, 150)),  # white
    (rgb(74, 40, 38), rgb(48, 30, 32)),  # black
    (rgb(226, 132, 50), rgb(206, 96, 40)),  # curry, paprika
    (rgb(232, 150, 136), rgb(214, 120, 108)),  # pink
)
CRUSTS = (
    (rgb(146, 88, 54), rgb(112, 62, 38), rgb(84, 46, 30)),
    (rgb(66, 42, 32), rgb(46, 32, 28)),  # charred
    (rgb(190, 120, 84), rgb(176, 96, 76)),  # barely seared
    (rgb(156, 66, 30), rgb(186, 100, 40)),  # glazed
)
BUNS = (
    (rgb(226, 158, 80), rgb(206, 128, 56), rgb(170, 96, 44)),
    (rgb(54, 48, 50), rgb(40, 36, 38)),  # black, with squid's ink
    (rgb(242, 228, 204), rgb(232, 208, 168)),  # steamed
    (rgb(190, 70, 80), rgb(206, 96, 92)),  # with beetroot
    (rgb(126, 150, 70), rgb(150, 164, 84)),  # with spinach
    (rgb(122, 76, 48), rgb(96, 62, 44)),  # rye
)
SHRIMPS = (
    (rgb(250, 176, 140), rgb(244, 146, 108), rgb(232, 120, 84)),
    (rgb(168, 172, 174), rgb(196, 190, 180)),  # raw
    (rgb(250, 232, 214), rgb(246, 214, 190)),  # poached
    (rgb(206, 62, 34), rgb(176, 44, 30)),  # in a red sauce
    (rgb(226, 170, 70), rgb(206, 140, 56)),  # fried, or curried
)


@dressed(hue=12)
def sausage(canvas: Canvas, rng: Rng) -> None:
    """Links side by side, plain, grilled or slashed; a heap of small ones; slices; or a coil."""
    form = a_cut(rng, _links, _cocktail_sausages, _sausage_slices, _coil)
    form(canvas, rng, between(rng, *one_of(rng, *SAUSAGES)))


def _links(canvas: Canvas, rng: Rng, skin: np.ndarray) -> None:
    count = int(rng.integers(1, 5))
    bend, width = rng.uniform(-0.55, 0.55), {1: 0.27, 2: 0.23, 3: 0.20, 4: 0.17}[count]
    places = []
    for k in range(count):
        y = (k - (count - 1) / 2) * 2.02 * width
        places.append((rng.normal(0, 0.05), y, rng.uniform(0.84, 1.0), width, rng.normal(0, 0.08), 0.01 * k))
    _sausages(canvas, rng, places, skin, bend)


def _cocktail_sausages(canvas: Canvas, rng: Rng, skin: np.ndarray) -> None:
    count = int(rng.integers(5, 10))
    places = heap(rng, count, 0.36, 0.42, 0.64, 0.04)
    _sausages(canvas, rng, places, skin, rng.uniform(-0.25, 0.25))


def _sausages(canvas: Canvas, rng: Rng, places: list, skin: np.ndarray, bend: float) -> None:
    mark, mottled = rng.choice(["plain", "grilled", "slashed"]), canvas.noise(rng, 3, octaves=3)
    for k, (x, y, length, width, angle, z) in enumerate(places):
        wide = canvas.piece(x, y, length, width * 2.2, angle)
        u, v = wide.u, wide.v * 2.2 + bend * (wide.u**2 - 0.35) * 1.6
        rho2 = capsule(u, v, length / width)
        along = np.abs(u)
        height = dome(rho2, 0.04 + z, width * 0.95)
        colour = vary(rng, skin, 0.07) * (1 + 0.10 * mottled[wide.window])[..., None]
        colour = blend(colour, skin * 0.55, smoothstep(0.93, 1.0, along) * 0.8)
        if mark != "plain":
            stripe = np.sin((u * length + 0.35 * v * width) * (26 if mark == "grilled" else 20) + k)
            burnt = smoothstep(0.55, 0.9, stripe) * smoothstep(0.92, 0.7, along) * smoothstep(1.0, 0.55, rho2)
            tone = rgb(52, 22, 14) if mark == "grilled" else skin * 0.6 + rgb(112, 84, 64)
            colour = blend(colour, tone, burnt * (0.8 if mark == "grilled" else 0.65))
            height -= 0.025 * burnt
        canvas.lay(wide, height, np.clip(colour, 0, 1), 0.62)


def _sausage_slices(canvas: Canvas, rng: Rng, skin: np.ndarray) -> None:
    """Round slices with flecks of fat inside a dark skin."""
    fat = canvas.noise(rng, 15, octaves=2)
    meat = skin * 0.75 + rgb(56, 36, 34)

    def look(piece: Piece, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        flecks = smoothstep(0.25, 0.55, fat[piece.window]) * smoothstep(0.9, 0.8, rho)
        colour = blend(vary(rng, meat, 0.06), rgb(246, 222, 204), 0.75 * flecks)
        colour = blend(colour, skin * 0.62, smoothstep(0.86, 0.95, rho))
        return colour, 0.012 * flecks

    count = int(rng.integers(5, 11))
    rounds(canvas, heap(rng, count, 0.92 / np.sqrt(count), 0.9, 0.64), look, 0.55, 0.07, 5)


def _coil(canvas: Canvas, rng: Rng, skin: np.ndarray) -> None:
    turns = rng.uniform(2.1, 2.7)
    s = np.linspace(0, 1, 90)
    width = 0.84 / turns
    x, y = polar(0.10 + 0.74 * s, TURN * turns * s * rng.choice([-1, 1]))
    canvas.strand(x, y, 0.88 * width, 0.05, skin, 0.6)
    mottled = canvas.noise(rng, 4, octaves=3)
    canvas.paint(canvas.everywhere, smoothstep(0.2, 0.9, mottled), skin * 0.6)
    canvas.soften(0.03)


@dressed(hue=9)
def steak(canvas: Canvas, rng: Rng) -> None:
    """A grilled piece with a rim of fat, a row of slices, pink inside, or cubes."""
    form = a_cut(rng, _whole_steak, _steak_slices, _beef_cubes)
    crust = between(rng, *one_of(rng, *CRUSTS))
    form(canvas, rng, crust, canvas.noise(rng, 3, octaves=4), canvas.noise(rng, 16, octaves=2))


def _whole_steak(canvas: Canvas, rng: Rng, crust: np.ndarray, mottled: np.ndarray, fine: np.ndarray) -> None:
    piece = canvas.whole
    u, v = piece.u, piece.v * np.float32(rng.uniform(1.05, 1.55))
    rho = np.sqrt(u * u + v * v) / (0.95 * lobes(rng, np.arctan2(v, u), range(2, 5), 0.16))
    height = np.where(rho < 1, plateau(rho, 0.12, 0.12, 4) + 0.02 * mottled + 0.012 * fine, 0)
    colour = crust * (1 + 0.20 * mottled + 0.12 * fine)[..., None]
    fat = smoothstep(0.86, 0.92, rho) * smoothstep(-0.3, 0.3, u + 0.3 * mottled)
    colour = blend(colour, rgb(226, 190, 140), fat * 0.85)
    if rng.random() < 0.75:
        turn, pitch = rng.uniform(0, np.pi), rng.uniform(9, 13)
        lines = np.sin((u * np.cos(turn) + v * np.sin(turn)) * pitch)
        bars = smoothstep(0.72, 0.92, lines)
        if rng.random() < 0.6:
            lines = np.sin((v * np.cos(turn) - u * np.sin(turn)) * pitch)
            bars = np.maximum(bars, smoothstep(0.72, 0.92, lines))
        bars = bars * smoothstep(0.98, 0.85, rho) * np.clip(0.9 + 0.4 * mottled, 0, 1)
        colour = blend(colour, rgb(34, 20, 14), bars * 0.85)
        height -= 0.025 * bars
    canvas.lay(piece, np.where(rho < 1, np.maximum(height, 0.02), 0), np.clip(colour, 0, 1), 0.45)


def _steak_slices(canvas: Canvas, rng: Rng, crust: np.ndarray, mottled: np.ndarray, fine: np.ndarray) -> None:
    count = int(rng.integers(4, 9))
    pink = between(rng, rgb(206, 66, 70), rgb(192, 88, 78), rgb(172, 108, 90), rgb(146, 104, 82))
    for k in range(count):
        t = (k - (count - 1) / 2) / (count - 1)
        tall = 0.74 * (1 - 0.45 * t * t) * rng.uniform(0.94, 1.04)
        piece = canvas.piece(t * 1.4, rng.normal(0, 0.03), 1.15 / count, tall, rng.normal(0, 0.05), 1.1)
        rough = 1 + 0.05 * mottled[piece.window]
        rho = (np.abs(piece.u) ** 6 + np.abs(piece.v) ** 6) ** (1 / 6) * rough
        rim = np.maximum(smoothstep(0.74, 0.92, np.abs(piece.v) * rough), smoothstep(0.62, 0.95, rho) * 0.9)
        fibres = 0.07 * fine[piece.window] + 0.08 * mottled[piece.window]
        colour = blend(pink * (1 + fibres)[..., None], crust, rim)
        height = plateau(rho, 0.10 + 0.05 * k, 0.06, 7) + 0.07 * piece.u + 0.08 * fibres
        canvas.lay(piece, np.where(rho < 1, np.maximum(height, 0.01), 0), np.clip(colour, 0, 1), 0.5)


def _beef_cubes(canvas: Canvas, rng: Rng, crust: np.ndarray, mottled: np.ndarray, fine: np.ndarray) -> None:
    """Chunks whose fibres run one way, dark on the edges."""
    wet = 0.35 + 0.3 * rng.random()

    def look(piece: Piece, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        patch = mottled[piece.window]
        fibres = np.sin(26 * piece.v + 3 * patch + 2 * fine[piece.window])
        colour = vary(rng, crust, 0.12) * (1.1 + 0.22 * patch + 0.10 * fibres)[..., None]
        colour = blend(colour, rgb(226, 190, 150), 0.6 * smoothstep(0.55, 0.8, patch))
        return blend(colour, crust * 0.5, 0.7 * smoothstep(0.7, 1.0, edge)), 0.012 * fibres + 0.03 * patch

    count = int(rng.integers(5, 10))
    cubes(canvas, rng, heap(rng, count, 0.70 / np.sqrt(count), rng.uniform(0.75, 1)), look, wet)


@dressed(hue=12)
def hamburg(canvas: Canvas, rng: Rng) -> None:
    """A bun over lettuce, cheese, tomato and patty, or open, or two or three small ones."""
    form = a_cut(rng, "closed", "open", "small")
    bun = between(rng, *one_of(rng, *BUNS))
    count = int(rng.integers(2, 4)) if form == "small" else 1
    size = {1: 1.0, 2: 0.62, 3: 0.54}[count]
    warp, seeded = canvas.noise(rng, 4, octaves=2), rng.random() < 0.65
    for x, y in ring(rng, count, 0.5):
        _burger(canvas, rng, x, y, size, bun, warp, form == "open", seeded)


def _burger(
    canvas: Canvas, rng: Rng, x: float, y: float, size: float, bun: np.ndarray, warp: np.ndarray,
    is_open: bool, seeded: bool,
) -> None:  # fmt: skip
    """One burger from above and a little askew; `size` is its radius in local units."""

    def layer(shift: float, r: float, z: float, colour: np.ndarray, ruffle: float, gloss: float) -> None:
        dx, dy = offset(rng, shift * size)
        disc = canvas.piece(x + dx, y + dy, size * r, size * r, 0, 1.25)
        waves = warp[disc.window]
        rho = disc.rho / (1 + ruffle * waves)
        height = np.where(rho < 1, plateau(rho, z * size, 0.05 * size, 8) + 0.15 * ruffle * waves, 0)
        canvas.lay(disc, height, np.clip(colour * (1 + 0.12 * waves)[..., None], 0, 1), gloss)

    layer(0.04, 0.84, 0.05, bun * 0.9, 0.01, 0.2)
    if rng.random() < 0.8:
        layer(0.06, 0.95, 0.14, between(rng, rgb(130, 184, 62), rgb(90, 160, 50)), 0.09, 0.3)
    if rng.random() < 0.5:
        layer(0.13, 0.80, 0.20, rgb(214, 50, 36), 0.01, 0.6)
    layer(0.05, 0.86, 0.24, between(rng, rgb(104, 58, 36), rgb(76, 46, 34), rgb(186, 124, 62)), 0.03, 0.4)
    if rng.random() < 0.7:
        dx, dy = offset(rng, 0.05 * size)
        slab = canvas.piece(x + dx, y + dy, 0.76 * size, 0.76 * size, rng.uniform(0, np.pi))
        edge = np.maximum(np.abs(slab.u), np.abs(slab.v))
        sagging = 0.1 * smoothstep(0.7, 1.4, np.hypot(slab.u, slab.v))
        height = np.where(edge < 1, (0.33 + 0.02 * (1 - edge) - sagging) * size, 0)
        canvas.lay(slab, height, between(rng, rgb(250, 190, 50), rgb(250, 224, 140)), 0.45)
    if is_open:
        _toppings(canvas, rng, x, y, size)
        return
    r = size * rng.uniform(0.70, 0.78)
    dx, dy = offset(rng, 0.05 * size)
    x, y = x + dx, y + dy
    top = canvas.piece(x, y, r, r * rng.uniform(0.96, 1.0), rng.uniform(0, 6))
    rho2 = (top.u**2 + top.v**2) * (1 + 0.02 * warp[top.window])
    colour = blend(bun * 1.05, bun * 0.82, smoothstep(0.1, 0.7, rho2))
    colour = blend(np.clip(colour, 0, 1), bun * 0.6 + rgb(100, 86, 64), smoothstep(0.82, 0.98, rho2) * 0.7)
    canvas.lay(top, dome(rho2, 0.34 * size, 0.40 * size, 0.5), colour, 0.48)
    if seeded:
        n = int(rng.integers(18, 34) * size)
        dx, dy = strewn(rng, n, 0.62)
        sx, sy = x + dx * r / 0.75, y + dy * r / 0.75
        level, angle, tone = canvas.levels(sx, sy), rng.uniform(0, np.pi, n), rgb(250, 234, 196)
        canvas.scatter(sx, sy, 0.052, 0.03, angle, level, 0.03, vary(rng, tone, 0.05, n), 0.3)


def _toppings(canvas: Canvas, rng: Rng, x: float, y: float, size: float) -> None:
    """Rings of onion and slices of pickle on an open burger."""
    for k in range(int(rng.integers(2, 5))):
        dx, dy = polar(0.34 * size, GOLDEN * k + rng.uniform(0, 1))
        r, onion = size * rng.uniform(0.2, 0.3), rng.random() < 0.5
        disc = canvas.piece(x + dx, y + dy, r, r * rng.uniform(0.8, 1), rng.uniform(0, 3))
        rho = disc.rho
        rings = smoothstep(0.2, 0.6, np.cos(rho * 19)) * (rho < 1)
        colour = blend(rgb(244, 234, 240), rgb(150, 60, 120), smoothstep(0.8, 1, rho)) if onion else blend(
            rgb(170, 180, 90), rgb(90, 110, 40), smoothstep(0.8, 0.95, rho)
        )  # fmt: skip
        height = rings * 0.44 * size if onion else plateau(rho, 0.40 * size, 0.05 * size, 6)
        canvas.lay(disc, height, colour, 0.5)


@dressed(hue=14)
def shrimp(canvas: Canvas, rng: Rng) -> None:
    """Curled tails with bands and a fan; straight ones side by side; or in crumbs but for the fan."""
    form = a_cut(rng, "curled", "straight", "crumbed")
    tone = between(rng, *one_of(rng, *SHRIMPS))
    count = int(rng.integers(1, 6) if form == "curled" else rng.integers(2, 5))
    start = rng.uniform(0, TURN)
    size = {1: 0.86, 2: 0.56, 3: 0.50, 4: 0.45, 5: 0.41}[count]
    for k in range(count):
        x, y = polar({1: 0.0, 2: 0.44, 3: 0.50, 4: 0.54, 5: 0.58}[count], start + TURN * k / count)
        if form == "curled":
            own = size * rng.uniform(0.92, 1.06)
            span, turn = rng.uniform(3.6, 4.9), rng.uniform(0, TURN)  # radians of the arc
            _shrimp(canvas, rng, x, y, own, vary(rng, tone, 0.06), 0.04 * k, span, 0.60, turn)
            continue
        x, y = (k - (count - 1) / 2) * 0.40 - 1.05, rng.normal(0, 0.06)
        span, turn = rng.uniform(0.86, 0.96), -0.45 + rng.normal(0, 0.05)
        rough = canvas.noise(rng, 13, octaves=2) if form == "crumbed" else None
        _shrimp(canvas, rng, x, y, 0.60, vary(rng, tone, 0.06), 0.03 * k, span, 1.85, turn, rough)


def _shrimp(
    canvas: Canvas, rng: Rng, x: float, y: float, size: float, tone: np.ndarray, z: float,
    span: float, curl: float, turn: float, rough: np.ndarray | None = None,
) -> None:  # fmt: skip
    """An arc of `span` radians with the radius `curl` * `size` around (x, y); `rough` covers it in crumbs."""
    flip = rng.choice([-1.0, 1.0]) if curl < 1 else 1.0
    piece = canvas.piece(x, y, size, size, turn, curl + 0.65)
    u, v = piece.u, piece.v * np.float32(flip)
    angle = (np.arctan2(v, u) + 0.7) % TURN - 0.7
    angle = np.where((angle < 0) & (span > 3), angle + TURN, angle)
    s = angle / span  # 0 at the head's cut, 1 at the tail
    rho = np.sqrt(u * u + v * v)
    half = 0.40 * (1 - 0.62 * np.clip(s, 0, 1) ** 1.3)
    start = np.hypot(u - curl, v)  # a round end where the head was
    across = np.where((s >= 0) & (s <= 1), (rho - curl + 0.05 * s) / half, 9)
    front = (v < 0) & ((angle > span) | (angle < 0))
    across = np.where(front, start / 0.40, across)
    phase = (s * 7.0) % 1
    scale = np.where((s >= 0) & (s <= 1), phase, 0.5)
    rho2 = across * across * (1 + 0.10 * scale)
    if rough is None:
        height = dome(rho2, 0.04 + z, size * 0.40) * (1 + 0.14 * scale)
        stripe = smoothstep(0.55, 0.95, scale) * smoothstep(-0.9, 0.5, across)
        colour = blend(tone, tone * 0.4 + rgb(150, 138, 126), 0.55 * smoothstep(0.3, -0.8, across))
        colour = blend(colour, tone * rgb(224, 146, 112), 0.75 * stripe)
        gloss = 0.55
    else:
        crumbs = rough[piece.window]
        rho2 = across * across * (1 + 0.16 * crumbs)
        height = dome(rho2, 0.05 + z, size * 0.44) + 0.05 * crumbs
        brown = tone * 0.35 + rgb(136, 92, 38)
        colour, gloss = brown * (1 + 0.25 * crumbs)[..., None], 0.12
    canvas.lay(piece, np.where(rho2 < 1, np.maximum(height, 0.01), 0), np.clip(colour, 0, 1), gloss)
    # the fan of the tail
    c, sn = np.cos(turn), np.sin(turn)
    base_u, base_v = polar(curl - 0.05, span)
    fan_tone = tone * rgb(214, 130, 96) if rough is None else rgb(214, 84, 50)
    for spread in (-0.38, 0.0, 0.38):
        heading = span + np.pi / 2 + spread
        du, dv = polar(0.24, heading)
        tu, tv = base_u + du, (base_v + dv) * flip
        tx, ty = x + size * (tu * c - tv * sn), y + size * (tu * sn + tv * c)
        leaf = canvas.piece(tx, ty, 0.30 * size, 0.12 * size, turn + heading * flip)
        colour = blend(fan_tone, fan_tone * 0.7, smoothstep(-0.3, 0.9, leaf.u))
        canvas.lay(leaf, dome(leaf.u**2 + leaf.v**2, 0.05 + z, 0.06), colour, 0.45)
