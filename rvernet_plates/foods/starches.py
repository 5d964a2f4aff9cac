"""Rice, noodles, bread, dumplings and tofu."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, Piece, dome, lobes, plateau
from rvernet_plates.foods.arrange import TURN, a_cut, any_garnish, garnish, one_of, polar, strewn
from rvernet_plates.foods.cuts import Look, crossed, cubes, fan, heap, sticks
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary

# palettes: the usual one first
RICES = (
    (rgb(250, 250, 246), rgb(246, 242, 228), rgb(238, 226, 196)),
    (rgb(206, 170, 120), rgb(176, 132, 86)),  # brown
    (rgb(84, 54, 72), rgb(54, 40, 54)),  # black
    (rgb(172, 92, 66), rgb(150, 72, 54)),  # red
    (rgb(244, 210, 92), rgb(238, 184, 60)),  # with saffron
    (rgb(230, 138, 80), rgb(220, 110, 64)),  # with tomato
    (rgb(176, 194, 120), rgb(146, 170, 92)),  # with herbs
)
NOODLES = (
    (rgb(240, 226, 186), rgb(232, 200, 120), rgb(222, 178, 90)),
    (rgb(160, 126, 94), rgb(128, 98, 76)),  # buckwheat
    (rgb(150, 170, 84), rgb(112, 144, 66)),  # spinach
    (rgb(246, 244, 236), rgb(238, 232, 216)),  # rice
    (rgb(222, 110, 56), rgb(196, 72, 40)),  # in a red sauce
    (rgb(66, 58, 62), rgb(48, 44, 48)),  # squid's ink
)
CRUMBS = (
    (rgb(250, 236, 204), rgb(244, 224, 184), rgb(236, 208, 156)),
    (rgb(190, 144, 96), rgb(160, 114, 72)),  # wholemeal
    (rgb(110, 76, 52), rgb(78, 56, 44)),  # rye
    (rgb(246, 206, 104), rgb(238, 190, 84)),  # maize
    (rgb(206, 196, 176), rgb(180, 168, 148)),  # gray, of mixed flours
)
DOUGHS = (
    (rgb(248, 238, 214), rgb(240, 226, 190), rgb(234, 222, 200)),
    (rgb(166, 190, 110), rgb(132, 168, 88)),  # spinach
    (rgb(246, 200, 110), rgb(240, 172, 84)),  # carrot, egg
    (rgb(156, 110, 160), rgb(180, 136, 176)),  # purple yam
    (rgb(196, 140, 80), rgb(168, 112, 62)),  # fried, or buckwheat
    (rgb(216, 110, 70), rgb(200, 80, 52)),  # in chili oil
)
CURDS = (
    (rgb(252, 248, 236), rgb(244, 234, 208)),
    (rgb(240, 206, 140), rgb(226, 182, 106)),  # fried
    (rgb(190, 134, 84), rgb(160, 106, 66)),  # smoked, in soy sauce
    (rgb(226, 130, 78), rgb(206, 92, 56)),  # mapo
    (rgb(206, 220, 160), rgb(186, 206, 134)),  # green soybeans
)


@dressed(hue=9)
def rice(canvas: Canvas, rng: Rng) -> None:
    """A mound of grains; turned out of a cup; fried with bits of vegetables; or a triangle in seaweed."""
    form = a_cut(rng, "mound", "cup", "fried", "triangle")
    tone = between(rng, *one_of(rng, *RICES))
    _, u, v = canvas.whole
    theta = np.arctan2(v, u)
    if form == "triangle":
        rho = np.hypot(u, v) / (0.92 - 0.16 * np.cos(3 * theta))
        mound = plateau(rho, 0.06, 0.24, 3)
    elif form == "cup":
        rho = np.hypot(u, v) / (0.86 * lobes(rng, theta, range(2, 5), 0.015))
        mound = plateau(rho, 0.04, 0.42, 2.4, 0.6)
    else:
        v = v * np.float32(rng.uniform(1.0, 1.3))
        rho = np.sqrt(u * u + v * v) / (0.9 * lobes(rng, theta, range(2, 6), rng.uniform(0.02, 0.12)))
        mound = dome(rho**2, 0.02, rng.uniform(0.3, 0.5), rng.uniform(0.4, 0.8))
    canvas.lay(canvas.whole, mound, tone * 0.93, 0.1)

    count = 360
    x, y = strewn(rng, count, 1.0 if form == "triangle" else 0.92)
    level = canvas.levels(x, y)
    keep = level > 0
    grain = rng.uniform(0.75, 1.15)  # short to long
    size = rng.uniform(0.8, 1.15, count) * rng.uniform(0.92, 1.12)
    canvas.scatter(
        x[keep], y[keep], 0.088 * grain * size[keep], 0.034, rng.uniform(0, np.pi, count)[keep],
        level[keep] + rng.uniform(0, 0.025, count)[keep], 0.036, vary(rng, tone, 0.07, count)[keep], 0.35,
    )  # fmt: skip
    if form == "triangle":
        sheet = canvas.piece(0.52, 0, 0.34, 0.40)
        inside = smoothstep(1.0, 0.97, np.maximum(np.abs(sheet.u), np.abs(sheet.v)))
        canvas.paint(sheet, inside, vary(rng, rgb(38, 52, 42), 0.1), 0.3, bump=0.03)
    elif form == "fried":
        for bit in (rgb(96, 160, 60), rgb(238, 130, 40), rgb(246, 206, 80)):
            garnish(canvas, rng, 10, (bit, rng.uniform(0.05, 0.07)), 0.7)
    if rng.random() < 0.4:
        garnish(canvas, rng, int(rng.integers(6, 16)), any_garnish(rng))


@dressed(hue=10)
def noodles(canvas: Canvas, rng: Rng) -> None:
    """A nest of strands: spaghetti, udon or soba, loosely swirled; or combed side by side; or broad."""
    form = a_cut(rng, "nest", "combed", "broad")
    tone = between(rng, *one_of(rng, *NOODLES))
    width = rng.uniform(0.15, 0.19) if form == "broad" else rng.uniform(0.075, 0.15)
    _, u, v = canvas.whole
    flat = 1.5 if form == "combed" else 1.0
    rho2 = (u * u + (v * flat) ** 2) / 0.78**2
    canvas.lay(canvas.whole, dome(rho2, 0.01, 0.25), tone * 0.55, 0.1)
    count = round((2.6 if form == "combed" else 3.4) / width)
    s = np.linspace(0, 1, 26)
    for k in range(count):
        if form == "combed":
            x, y = _combed(rng, s, k / count)
        else:
            x, y = _across(rng, s) if k % 3 == 0 else _around(rng, s)
        radius = np.hypot(x, y)
        inward = np.minimum(1, 0.93 / np.maximum(radius, 1e-6))
        x, y, middle = x * inward, y * inward, min(1.0, float(radius.mean()))
        z = 0.30 * max(0.0, 1 - middle**2) ** 0.5 + 0.20 * k / count
        canvas.strand(
            x, y, width * rng.uniform(0.9, 1.1), z, vary(rng, tone, 0.09 if form != "broad" else 0.16), 0.4
        )
    canvas.soften(0.12 * width if form != "broad" else 0.008)
    if rng.random() < 0.5:
        garnish(canvas, rng, int(rng.integers(8, 20)), any_garnish(rng, 1))


def _combed(rng: Rng, s: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
    """A noodle that runs along a folded bundle; `share` (0..1) is its place across it, by turns."""
    across = 0.52 * np.sin(12.9 * share + rng.uniform(-0.2, 0.2))
    x = (2 * s - 1) * rng.uniform(0.72, 0.92)
    return x, across * (1 - 0.35 * x * x) + 0.10 * np.sin(2.2 * x + 0.4) + 0.02 * np.sin(9 * s + 20 * share)


def _across(rng: Rng, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A noodle that wanders across the nest; `s` runs from 0 to 1 along it."""
    start, span, bow = rng.uniform(0, TURN), rng.uniform(1.2, 2.8), rng.uniform(-0.3, 0.3)
    (x0, y0), (x1, y1) = polar(0.85, start), polar(0.8, start + span)
    x = x0 + (x1 - x0) * s + bow * np.sin(np.pi * s) * (y1 - y0) + 0.05 * np.sin(9 * s + start)
    y = y0 + (y1 - y0) * s - bow * np.sin(np.pi * s) * (x1 - x0) + 0.05 * np.cos(8 * s + start)
    return x, y


def _around(rng: Rng, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A noodle that turns around the middle of the nest."""
    angle = rng.uniform(0, TURN) + s * rng.uniform(1.5, 4.5) * rng.choice([-1, 1])
    far = rng.uniform(0.22, 0.9) + 0.10 * np.sin(angle * 2 + rng.uniform(0, 6)) + 0.15 * (s - 0.5)
    x, y = polar(np.clip(far, 0.1, 0.95), angle)
    dx, dy = rng.normal(0, 0.07, 2)
    return x + dx, y + dy


@dressed(hue=9)
def bread(canvas: Canvas, rng: Rng) -> None:
    """Slices of a tin loaf, slices of a baguette, a scored roll, soldiers or croutons."""
    form = a_cut(rng, "tin loaf", "baguette", "roll", "soldiers", "croutons")
    crumb = between(rng, *one_of(rng, *CRUMBS))
    crust = crumb * 0.5 + between(rng, rgb(74, 18, -30), rgb(36, -8, -40))
    crust = np.clip(crust, 0.06, 1).astype(np.float32)
    pores, fine = canvas.noise(rng, 17, octaves=2), canvas.noise(rng, 22)
    if form == "roll":
        _roll(canvas, rng, crumb, crust, fine)
        return
    toast, cut_small = rng.uniform(0, 0.6), form in ("soldiers", "croutons")

    def look(piece: Piece, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        pore = smoothstep(0.40, 1.0, pores[piece.window]) * smoothstep(0.92, 0.8, edge)
        browned = np.clip(toast * (1.15 - edge * 0.7 + 0.3 * fine[piece.window]), 0, 1)
        colour = blend(vary(rng, crumb, 0.04), crust * 1.25, np.clip(browned, 0, 1) * 0.7)
        colour = colour * (1 - 0.20 * pore)[..., None]
        rim = smoothstep(0.72, 0.9, piece.v) if cut_small else smoothstep(0.86, 0.93, edge)
        return blend(colour, crust, rim), -0.018 * pore

    if form == "soldiers":
        sticks(
            canvas, crossed(rng, int(rng.integers(4, 7)), (0.62, 0.8), (0.13, 0.17), 0.35), look, 0.06, 0, 5
        )
    elif form == "croutons":
        count = int(rng.integers(8, 15))
        cubes(canvas, rng, heap(rng, count, 0.68 / np.sqrt(count), 1, 0.68), look, 0.06)
    else:
        _slices(canvas, rng, look, fine, form == "baguette")


def _slices(canvas: Canvas, rng: Rng, look: Look, fine: np.ndarray, baguette: bool) -> None:
    if baguette:
        count, rx, corner = int(rng.integers(2, 5)), 0.40, 2.4
        places = fan(
            rng, count, rx, rng.uniform(0.62, 0.76), 0.44 * (count - 1), rng.uniform(-0.3, 0.3), 0.07
        )
    else:
        count, corner = int(rng.integers(1, 3)), rng.uniform(4.5, 7)
        places = fan(rng, count, 0.84 - 0.16 * (count - 1), rng.uniform(0.76, 0.86) - 0.14 * (count - 1),
                     0.36, 0.2 * rng.normal(), 0.09)  # fmt: skip
    for x, y, rx, ry, angle, z in places:
        piece = canvas.piece(x, y, rx, ry, angle, 1.08)
        u, v = np.abs(piece.u), np.abs(piece.v)
        if not baguette:  # the shoulders of a tin loaf
            u = u * (1 + 0.07 * smoothstep(-0.75, -0.55, piece.v) - 0.05)
        rho = (u**corner + v**corner) ** (1 / corner) * (1 + 0.012 * fine[piece.window])
        colour, relief = look(piece, rho)
        height = plateau(rho, 0.16 + z, 0.06, 10) + relief
        canvas.lay(piece, np.where(rho < 1, np.maximum(height, 0.01), 0), np.clip(colour, 0, 1), 0.06)


def _roll(canvas: Canvas, rng: Rng, crumb: np.ndarray, crust: np.ndarray, fine: np.ndarray) -> None:
    """Round or long, with flour on the crust and scores that have opened."""
    piece = canvas.piece(0, 0, 0.95, rng.uniform(0.6, 0.95), 0, 1.1)
    rho2 = (piece.u**2 + piece.v**2) * (1 + 0.02 * fine[piece.window])
    lines = np.abs(((piece.u * 2 + 0.35 * piece.v + 0.5) % 1) - 0.5)
    score = (
        smoothstep(0.13, 0.05, lines) * smoothstep(0.75, 0.55, rho2) * smoothstep(0.8, 0.6, np.abs(piece.v))
    )
    flour = smoothstep(0.0, 0.6, fine[piece.window] + 0.5 * (1 - rho2)) * rng.uniform(0.1, 0.6)
    colour = blend(crust * 1.15, crust * 0.8, smoothstep(0.3, 1, rho2))
    colour = blend(colour, rgb(246, 238, 222), flour)
    colour = blend(colour, crumb, 0.85 * score)
    height = dome(rho2, 0.05, 0.46, 0.55) - 0.05 * score
    canvas.lay(piece, np.where(rho2 < 1, np.maximum(height, 0.01), 0), np.clip(colour, 0, 1), 0.14)


@dressed(hue=12)
def wonton_dumplings(canvas: Canvas, rng: Rng) -> None:
    """Pleated half-moons in a row or a fan; round ones, their pleats in a knot; or balls with a frill."""
    form = a_cut(rng, "half moons", "round", "frilled")
    dough = between(rng, *one_of(rng, *DOUGHS))
    if form == "half moons":
        count = int(rng.integers(2, 5))
        fried = rng.random() < 0.5
        bow, size = rng.uniform(0.0, 0.22), {2: 1.14, 3: 1.0, 4: 0.86}[count]
        for k in range(count):
            t = k - (count - 1) / 2
            x, y = 0.58 * size * t, 0.10 * bow * t * t + rng.normal(0, 0.03)
            _half_moon(canvas, rng, x, y, np.pi / 2 + bow * t, size, dough, fried)
    else:
        count = int(rng.integers(3, 6))
        start, radius = rng.uniform(0, TURN), {3: 0.47, 4: 0.42, 5: 0.37}[count]
        for k in range(count):
            x, y = polar({3: 0.50, 4: 0.56, 5: 0.60}[count], start + TURN * k / count)
            (_round_pleated if form == "round" else _frilled)(canvas, rng, x, y, radius, dough)
    if rng.random() < 0.35:
        garnish(canvas, rng, 12, any_garnish(rng, 1), 0.7)


def _half_moon(
    canvas: Canvas, rng: Rng, x: float, y: float, angle: float, size: float, dough: np.ndarray, fried: bool
) -> None:
    """A crescent with a plump belly (v > 0) and a pleated, crimped seam along its back (v < 0)."""
    piece = canvas.piece(x, y, 0.76 * size * rng.uniform(0.94, 1.05), 0.36 * size, angle, 1.25)
    u, bend = piece.u, rng.uniform(0.25, 0.42)
    v = piece.v + bend * (u * u - 0.45)  # both ends bow towards the belly's side
    pleats, phase = rng.uniform(15, 20), rng.uniform(0, 6)
    fold = np.sin(pleats * u + 1.6 * v + phase)
    taper = np.sqrt(np.maximum(1 - u * u, 0))
    back = -0.62 * taper  # where the seam runs
    body2 = u * u + (v / 0.92) ** 2
    belly = dome(body2, 0.05, 0.36 * size, 0.5)
    on_back = smoothstep(0.45, -0.35, v)
    belly += np.where(belly > 0, 0.050 * fold * on_back, 0)
    ridge = np.exp(-(((v - back - 0.10 * fold * 0.5) / 0.15) ** 2)) * smoothstep(1.02, 0.9, np.abs(u))
    frill2 = u * u + ((v + 0.06 * fold * smoothstep(0, -0.6, v)) / 1.0) ** 2
    flange = np.where((frill2 < 1.05) & (v < 0.1), 0.09 + 0.03 * fold, 0)
    height = np.maximum(belly, flange)
    height += np.where(height > 0, 0.13 * ridge * (1 + 0.35 * fold), 0)
    colour = vary(rng, dough, 0.03) * (1 - 0.10 * on_back * (0.5 - 0.5 * fold))[..., None]
    filling = smoothstep(0.75, 0.1, body2) * smoothstep(-0.2, 0.3, v)
    colour = blend(colour, dough * rgb(222, 200, 170), filling * 0.30)
    if fried:
        mottled = canvas.noise(rng, 4, octaves=2)[piece.window]
        colour = blend(
            colour, dough * 0.4 + rgb(96, 50, 10), smoothstep(0.15, 0.75, v + 0.25 * mottled) * 0.85
        )
    canvas.lay(piece, height, colour, 0.42)


def _round_pleated(canvas: Canvas, rng: Rng, x: float, y: float, radius: float, dough: np.ndarray) -> None:
    """A steamed dumpling from above: pleats twist towards a knot in the middle."""
    piece = canvas.piece(x, y, radius, radius * rng.uniform(0.94, 1), rng.uniform(0, 6), 1.1)
    rho, angle = piece.rho, piece.theta
    count = int(rng.integers(12, 17))
    fold = np.cos(count * (angle + 0.75 * (1 - rho)))
    deep = smoothstep(0.06, 0.25, rho) * smoothstep(1.0, 0.55, rho)
    rho2 = (rho * (1 + 0.015 * fold)) ** 2
    height = dome(rho2, 0.05, radius * 0.8, 0.5) + 0.045 * fold * deep * (rho < 1)
    height += 0.10 * np.exp(-((rho / 0.16) ** 2)) - 0.09 * np.exp(-((rho / 0.07) ** 2))
    colour = vary(rng, dough, 0.03) * (1 - 0.13 * deep * (0.5 - 0.5 * fold))[..., None]
    colour = blend(colour, dough * rgb(196, 166, 130), 0.7 * np.exp(-((rho / 0.09) ** 2)))
    canvas.lay(piece, np.where(rho2 < 1, height, 0), colour, 0.4)


def _frilled(canvas: Canvas, rng: Rng, x: float, y: float, radius: float, dough: np.ndarray) -> None:
    """A ball of filling in a square wrapper whose gathered corners stand out as a thin frill."""
    piece = canvas.piece(x, y, radius * 1.25, radius * 1.25, rng.uniform(0, TURN), 1.1)
    rho, angle = piece.rho, piece.theta
    frill = rho / (0.82 + 0.11 * np.cos(4 * angle) + 0.035 * np.cos(11 * angle + 1))
    folds = np.cos(13 * angle + 2 * np.cos(3 * angle))
    thin = np.where(frill < 1, 0.05 + 0.10 * rho * (1 + 0.35 * folds), 0)
    ball = dome((rho / 0.56) ** 2, 0.05, radius * 0.75) + 0.02 * folds * (rho < 0.56) * rho
    colour = vary(rng, dough, 0.04) * (1 - 0.10 * (0.5 - 0.5 * folds) * smoothstep(0.3, 0.6, rho))[..., None]
    colour = blend(colour, dough * rgb(224, 186, 160), 0.6 * smoothstep(0.5, 0.2, rho))  # the filling
    canvas.lay(piece, np.maximum(thin, ball), np.clip(colour, 0, 1), 0.5)


@dressed(hue=9)
def tofu(canvas: Canvas, rng: Rng) -> None:
    """Cubes or slabs or strips, white to fried golden, piled or in a row."""
    form = a_cut(rng, "cubes", "slabs", "strips")
    inner = between(rng, *one_of(rng, *CURDS))
    fried = float(rng.choice([0.0, 0.25, 0.9]) * rng.uniform(0.7, 1.1))
    grain, mottled = canvas.noise(rng, 16), canvas.noise(rng, 3.5, octaves=3)

    def look(piece: Piece, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        crisp = np.clip(fried * (0.75 + 0.5 * mottled[piece.window] + 0.3 * smoothstep(0.7, 1, edge)), 0, 1)
        colour = blend(vary(rng, inner, 0.025), inner * 0.45 + rgb(92, 40, -20), crisp * 0.85)
        return colour, 0.006 * grain[piece.window]

    if form == "strips":
        sticks(canvas, crossed(rng, int(rng.integers(6, 10)), (0.38, 0.5), (0.13, 0.17), 0.5), look, 0.28)
    elif form == "slabs":
        count = int(rng.integers(3, 6))
        cubes(canvas, rng, fan(rng, count, 0.62 / count + 0.08, 0.5, 1.4 * (1 - 1 / count)), look, 0.28)
    else:
        count = int(rng.integers(4, 13))
        cubes(canvas, rng, heap(rng, count, 0.66 / np.sqrt(count), rng.uniform(0.85, 1.0)), look, 0.28)
    if rng.random() < 0.6:
        garnish(canvas, rng, int(rng.integers(8, 18)), any_garnish(rng), 0.7)
