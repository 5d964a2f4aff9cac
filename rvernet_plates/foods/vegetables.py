"""Broccoli, cucumber, carrot, green beans and lettuce."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, Piece, capsule, dome, lobes, plateau
from rvernet_plates.foods.arrange import GOLDEN, TURN, a_cut, one_of, polar, strewn
from rvernet_plates.foods.cuts import crossed, cubes, fan, heap, rounds, shreds, sticks
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary

# palettes: the usual one first
BROCCOLIS = (
    (rgb(34, 100, 34), rgb(56, 128, 44), rgb(88, 148, 60)),
    (rgb(96, 60, 112), rgb(126, 76, 130)),  # purple
    (rgb(214, 190, 84), rgb(190, 180, 76)),  # past its time
    (rgb(170, 204, 110), rgb(146, 190, 100)),  # romanesco
    (rgb(70, 84, 40), rgb(92, 92, 50)),  # long cooked, roasted
)
CUCUMBERS = (  # skin and flesh
    ((rgb(34, 84, 36), rgb(60, 120, 48)), (rgb(214, 232, 168), rgb(190, 220, 130))),
    ((rgb(226, 194, 70), rgb(206, 184, 80)), (rgb(244, 238, 190), rgb(236, 226, 160))),  # yellow
    ((rgb(110, 112, 42), rgb(88, 92, 40)), (rgb(196, 190, 104), rgb(178, 172, 90))),  # pickled
    ((rgb(206, 226, 170), rgb(222, 234, 190)), (rgb(230, 240, 206), rgb(240, 244, 222))),  # peeled
)
CARROTS = (
    (rgb(248, 140, 30), rgb(236, 112, 24), rgb(214, 94, 30)),
    (rgb(110, 42, 84), rgb(84, 36, 70)),  # purple
    (rgb(248, 206, 80), rgb(240, 190, 70)),  # yellow
    (rgb(246, 236, 200), rgb(240, 224, 176)),  # white
    (rgb(196, 54, 46), rgb(172, 44, 44)),  # red
)
BEANS = (
    (rgb(120, 168, 66), rgb(78, 138, 48), rgb(50, 104, 40)),
    (rgb(236, 212, 96), rgb(222, 196, 84)),  # wax beans
    (rgb(96, 52, 96), rgb(74, 44, 82)),  # purple
    (rgb(112, 108, 54), rgb(90, 88, 46)),  # long cooked
)
LETTUCES = (
    (rgb(150, 200, 70), rgb(104, 176, 56), rgb(70, 140, 48)),
    (rgb(126, 44, 62), rgb(104, 40, 54)),  # red
    (rgb(230, 234, 160), rgb(206, 222, 130)),  # pale hearts
    (rgb(52, 92, 48), rgb(42, 78, 46)),  # dark
)


@dressed(hue=13)
def broccoli(canvas: Canvas, rng: Rng) -> None:
    """Florets: a pale stalk under a crown of many small buds; one large head; or chopped small."""
    form = a_cut(rng, "florets", "head", "chopped")
    green = between(rng, *one_of(rng, *BROCCOLIS))
    start = rng.uniform(0, TURN)
    if form == "head":
        _floret(canvas, rng, *polar(0.12, start), start + np.pi, green, 0.84)
    elif form == "chopped":
        for place in heap(rng, int(rng.integers(6, 10)), 0.28, 1, 0.66):
            _floret(canvas, rng, place.x, place.y, place.angle, vary(rng, green, 0.12), place.rx)
    else:
        count = int(rng.integers(2, 6))
        for k in range(count):
            a = start + TURN * k / count + rng.normal(0, 0.15)
            far = rng.uniform(0.40, 0.52) if count > 2 else 0.42
            size = {2: 0.54, 3: 0.5, 4: 0.42, 5: 0.38}[count]
            _floret(canvas, rng, *polar(far, a), a, vary(rng, green, 0.1), size)


def _floret(
    canvas: Canvas, rng: Rng, x: float, y: float, outward: float, green: np.ndarray, size: float
) -> None:
    toward = outward + rng.normal(0, 0.5) + (np.pi if rng.random() < 0.5 else 0)
    dx, dy = polar(0.42 * size, toward)
    piece = canvas.piece(x + dx, y + dy, size * 0.85, size * 0.26, toward)
    stalk = capsule(piece.u, piece.v * (1.25 - 0.25 * piece.u), 3)
    canvas.lay(piece, dome(stalk, 0.02, 0.12), blend(rgb(196, 214, 140), green, 0.35), 0.2)
    lumps = int(rng.integers(8, 12)) if size < 0.7 else 16
    r = size * 0.62 * np.sqrt((np.arange(lumps) + 0.2) / lumps)
    t = 2.4 * np.arange(lumps) + rng.uniform(0, 6)
    lx, ly = x + r * np.cos(t) * 0.95, y + r * np.sin(t) * 0.95
    z = 0.10 + 0.28 * size * (1 - (r / size) ** 2)
    widths, shades = size * rng.uniform(0.30, 0.42, lumps), vary(rng, green, 0.12, lumps)
    canvas.scatter(lx, ly, widths, size * 0.36, 0, z, 0.30 * size, shades, 0.12)
    buds = int(np.clip(380 * size * size, 26, 210))
    dx, dy = strewn(rng, buds, size * 0.95)
    bx, by = x + dx, y + dy
    level = canvas.levels(bx, by)
    on = level > 0.16
    shades = vary(rng, green, 0.22, buds) * (0.62 + 0.76 * rng.random((buds, 1), dtype=np.float32))
    if on.any():
        shades = np.clip(shades, 0, 1)[on]
        canvas.scatter(bx[on], by[on], 0.055, 0.05, 0.0, level[on] - 0.005, 0.05, shades, 0.15)


@dressed(hue=14)
def cucumber(canvas: Canvas, rng: Rng) -> None:
    """Slices, fanned out or scattered; half slices; sticks; or dice."""
    form = a_cut(rng, _cucumber_slices, _cucumber_halves, _cucumber_sticks, _cucumber_dice)
    skins, fleshes = one_of(rng, *CUCUMBERS)
    form(canvas, rng, between(rng, *skins), between(rng, *fleshes))


def _cucumber_slices(
    canvas: Canvas, rng: Rng, skin: np.ndarray, flesh: np.ndarray, halved: bool = False
) -> None:
    fine, peel = canvas.noise(rng, 9, octaves=2), rng.uniform(0.90, 0.94)

    def look(piece: Piece, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        angle = piece.theta
        core = smoothstep(0.66, 0.58, rho * (1 + 0.10 * np.cos(3 * angle)))
        sixth = np.abs(((angle * 9 / np.pi) % 2) - 1)
        seeds = smoothstep(0.45, 0.15, sixth) * smoothstep(0.18, 0.1, np.abs(rho - 0.42)) * core
        colour = blend(flesh, flesh * 0.6 + rgb(98, 100, 88), smoothstep(0.6, 0.85, rho))
        colour = blend(colour, flesh * rgb(206, 224, 184), core * (0.55 + 0.3 * fine[piece.window]))
        colour = blend(colour, rgb(246, 244, 206), seeds * 0.85)
        colour = blend(colour, blend(skin, flesh, 0.45), smoothstep(peel - 0.07, peel - 0.01, rho))
        return blend(colour, skin, smoothstep(peel - 0.01, peel + 0.03, rho)), 0.010 * seeds - 0.012 * core

    count, r = int(rng.integers(3, 8)), rng.uniform(0.36, 0.5)
    if halved:
        places = fan(rng, count, r * 1.1, r * 1.1, 1.0, rng.uniform(-0.5, 0.5))
        for x, y, rx, ry, angle, z in places:
            piece = canvas.piece(x - 0.2, y, rx, ry, angle + 0.3, 1.05)
            colour, relief = look(piece, piece.rho)
            height = plateau(piece.rho, 0.09 + z, 0.05, 9) + relief + 0.1 * piece.u
            inside = (piece.rho < 1) & (piece.u > -0.03)
            canvas.lay(piece, np.where(inside, height, 0), np.clip(colour, 0, 1), 0.5)
    elif rng.random() < 0.35:
        rounds(canvas, heap(rng, count, r, 0.95, 0.58), look, 0.5, 0.05)
    else:
        places = fan(rng, count, r, r * rng.uniform(0.9, 1), 1.12, rng.uniform(-0.5, 0.5))
        rounds(canvas, places, look, 0.5, 0.05, 9, 0.05)


def _cucumber_halves(canvas: Canvas, rng: Rng, skin: np.ndarray, flesh: np.ndarray) -> None:
    _cucumber_slices(canvas, rng, skin, flesh, halved=True)


def _cucumber_sticks(canvas: Canvas, rng: Rng, skin: np.ndarray, flesh: np.ndarray) -> None:
    """Skin along one flank, wet seeds along the other."""
    fine = canvas.noise(rng, 9, octaves=2)

    def look(piece: Piece, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wet = smoothstep(-0.1, -0.5, piece.v)
        seeds = wet * smoothstep(0.2, 0.8, np.sin(24 * piece.u + 3 * fine[piece.window]))
        colour = blend(flesh * 0.75 + 0.22, flesh * rgb(206, 224, 184), wet)
        colour = blend(colour, rgb(246, 244, 206), 0.8 * seeds)
        return blend(
            colour, vary(rng, skin, 0.08), smoothstep(0.42, 0.6, piece.v)
        ), 0.012 * seeds - 0.012 * wet

    places = crossed(rng, int(rng.integers(6, 11)), (0.55, 0.78), (0.10, 0.13), rng.uniform(0.1, 0.6))
    sticks(canvas, places, look, 0.5)


def _cucumber_dice(canvas: Canvas, rng: Rng, skin: np.ndarray, flesh: np.ndarray) -> None:
    fine = canvas.noise(rng, 9, octaves=2)

    def look(piece: Piece, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        wet = smoothstep(0.1, 0.7, fine[piece.window])
        colour = blend(flesh * 0.75 + 0.22, flesh * rgb(206, 224, 184), 0.7 * wet)
        return blend(colour, vary(rng, skin, 0.08), smoothstep(0.5, 0.62, piece.v)), 0.015 * wet

    count = int(rng.integers(8, 15))
    cubes(canvas, rng, heap(rng, count, 0.66 / np.sqrt(count), 1.0, 0.66), look, 0.5)


@dressed(hue=9)
def carrot(canvas: Canvas, rng: Rng) -> None:
    """Coins, baby carrots, sticks, dice or shreds."""
    form = a_cut(rng, _carrot_coins, _baby_carrots, _carrot_sticks, _carrot_dice, _carrot_shreds)
    form(canvas, rng, between(rng, *one_of(rng, *CARROTS)))


def _core(tone: np.ndarray) -> np.ndarray:
    """The paler heart of a carrot."""
    return np.clip(tone * 0.75 + rgb(66, 74, 40), 0, 1)


def _carrot_coins(canvas: Canvas, rng: Rng, tone: np.ndarray) -> None:
    fine, heart = canvas.noise(rng, 9), _core(tone)

    def look(piece: Piece, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        star = rho * (1 + 0.06 * np.cos(6 * piece.theta + 2 * fine[piece.window]))
        core = smoothstep(0.52, 0.44, star)
        rays = smoothstep(0.2, 0.9, np.cos(22 * piece.theta)) * smoothstep(0.5, 0.6, star)
        colour = blend(vary(rng, tone, 0.08), heart, core * 0.8)
        colour = blend(colour, heart, 0.25 * rays * smoothstep(0.9, 0.8, rho))
        colour = blend(colour, tone * 0.62, smoothstep(0.1, 0.03, np.abs(star - 0.53)) * 0.3)
        return blend(colour, tone * 0.78, smoothstep(0.88, 0.97, rho)), -0.012 * core

    count = int(rng.integers(5, 13))
    rounds(canvas, heap(rng, count, 0.88 / np.sqrt(count), 0.93, 0.66), look, 0.4, 0.07, 6)


def _baby_carrots(canvas: Canvas, rng: Rng, tone: np.ndarray) -> None:
    count, fine = int(rng.integers(5, 10)), canvas.noise(rng, 12)
    for k, place in enumerate(crossed(rng, count, (0.36, 0.58), (0.11, 0.15), 0.45)):
        length, width, z = place.rx, place.ry, 1.6 * place.z
        x, y = polar(0.56 * np.sqrt((k + 0.3) / count), GOLDEN * k)
        side = rng.choice([-1, 1])
        piece = canvas.piece(x, y, length, width, place.angle, 1.1)
        taper = 1 + 0.28 * side * piece.u
        rho2 = capsule(piece.u, piece.v * taper + 0.2 * (piece.u**2 - 0.3), length / width)
        rings = 0.5 + 0.5 * np.sin(piece.u * length * 60 + 4 * fine[piece.window])
        rings = 0.16 * rings * smoothstep(-0.1, 0.7, fine[piece.window])
        colour = vary(rng, tone, 0.12) * (1 - rings - 0.2 * smoothstep(0.6, 1, rho2))[..., None]
        colour = blend(colour, rgb(120, 140, 50), 0.7 * smoothstep(0.92, 1.0, -side * piece.u))
        canvas.lay(piece, dome(rho2, 0.03 + z, width * 1.1), colour, 0.4)


def _carrot_sticks(canvas: Canvas, rng: Rng, tone: np.ndarray) -> None:
    """The pale core runs along the stick, with fine lines beside it."""
    fine, heart = canvas.noise(rng, 9), _core(tone)

    def look(piece: Piece, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        lines = np.sin(7 * piece.v + 2 * fine[piece.window])
        core = smoothstep(0.45, 0.2, np.abs(piece.v + 0.3 * fine[piece.window]))
        colour = blend(vary(rng, tone, 0.09), heart, 0.75 * core)
        return colour * (1 + 0.06 * lines)[..., None], 0.008 * lines

    count = int(rng.integers(8, 16))
    sticks(canvas, crossed(rng, count, (0.45, 0.7), (0.065, 0.095), rng.uniform(0.2, 0.6)), look, 0.4)


def _carrot_dice(canvas: Canvas, rng: Rng, tone: np.ndarray) -> None:
    heart = _core(tone)

    def look(piece: Piece, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        off = np.hypot(piece.u - 0.9, piece.v - 0.6)  # the core shows at a corner
        core = smoothstep(0.95, 0.85, off)
        colour = blend(vary(rng, tone, 0.09), heart, 0.8 * core)
        return blend(colour, tone * 0.62, 0.5 * smoothstep(0.12, 0.04, np.abs(off - 0.95))), -0.01 * core

    count = int(rng.integers(9, 17))
    cubes(canvas, rng, heap(rng, count, 0.66 / np.sqrt(count), 1.0, 0.66), look, 0.4)


def _carrot_shreds(canvas: Canvas, rng: Rng, tone: np.ndarray) -> None:
    shreds(canvas, rng, (tone, _core(tone)), 46, rng.uniform(0.055, 0.08), 0.4)


@dressed(hue=12)
def green_beans(canvas: Canvas, rng: Rng) -> None:
    """A bundle of long thin pods; broad flat pods that show their beans; or cut short."""
    form = a_cut(rng, "pods", "broad", "cut")
    green = between(rng, *one_of(rng, *BEANS))
    count = int(rng.integers(*{"pods": (8, 16), "broad": (5, 8), "cut": (15, 22)}[form]))
    main, spread, s = rng.uniform(0, np.pi), rng.uniform(0.08, 0.45), np.linspace(-1, 1, 20)
    for k in range(count):
        length, width = rng.uniform(0.62, 0.95), rng.uniform(0.095, 0.13)
        angle, bend = main + rng.normal(0, spread), rng.normal(0, 0.10)
        slide, aside, z = rng.normal(0, 0.06), rng.normal(0, 0.24), 0.04 + 0.022 * k
        tone = vary(rng, green, 0.13)
        if form == "broad":
            width, bend, aside = width * 1.8, bend * 1.2, aside * 1.5
        elif form == "cut":
            length, bend, angle = rng.uniform(0.20, 0.32), bend * 0.2, rng.uniform(0, np.pi)
            slide, aside = (float(c) for c in polar(0.62 * np.sqrt(rng.random()), rng.uniform(0, TURN)))
        along, across = slide + s * length, aside + bend * (1 - 2 * s * s) + 0.012 * np.sin(9 * s + k)
        x, y = along * np.cos(angle) - across * np.sin(angle), along * np.sin(angle) + across * np.cos(angle)
        if form == "cut":
            canvas.strand(x, y, width, z * 0.6, tone, 0.42)
            canvas.strand(
                x[-2:], y[-2:], width * 0.6, z * 0.6 + 0.01, blend(tone, rgb(226, 232, 170), 0.6), 0.3
            )
            continue
        canvas.strand(x[:3], y[:3], width * 0.42, z, tone * 0.8, 0.3)
        canvas.strand(x[2:-1], y[2:-1], width, z, tone, 0.42)
        canvas.strand(x[-3:], y[-3:], width * 0.5, z, blend(tone, rgb(180, 190, 110), 0.4), 0.3)
        if form == "broad":
            for i in range(4, 16, 3):  # the beans inside
                canvas.strand(
                    x[i : i + 2], y[i : i + 2], width * 0.62, z + 0.05, np.clip(tone * 1.1, 0, 1), 0.45
                )
        else:
            canvas.strand(x[4:-3], y[4:-3], width * 0.12, z + width * 0.5, np.clip(tone * 1.12, 0, 1), 0.45)
    canvas.soften(0.012)


@dressed(hue=14)
def lettuce(canvas: Canvas, rng: Rng) -> None:
    """Ruffled leaves on top of each other, green or red-tipped; long smooth leaves; or shredded."""
    form = a_cut(rng, "ruffled", "long", "shredded")
    green = between(rng, *one_of(rng, *LETTUCES))
    pale = np.clip(green * 0.4 + rgb(138, 148, 104), 0, 1)
    if form == "shredded":
        shreds(canvas, rng, (green, pale, green), 44, rng.uniform(0.09, 0.13), 0.3, 0.42)
        return
    tip = rgb(120, 40, 50) if rng.random() < 0.25 else green * 0.75
    count = int(rng.integers(1, 5) if form == "ruffled" else rng.integers(2, 5))
    start, crumpled = rng.uniform(0, TURN), canvas.noise(rng, 4.5, octaves=2)
    for k in range(count):
        a = start + TURN * k / count + rng.normal(0, 0.3)
        if form == "long":
            place, axes, waves, depth = (
                (rng.normal(0, 0.08), (k - (count - 1) / 2) * 0.36),
                (1.02, 0.46),
                22,
                0.3,
            )
            a = rng.normal(0, 0.15)
        else:
            place, axes, waves, depth = polar({1: 0.0, 2: 0.28}.get(count, 0.36), a), (0.78, 0.62), 16, 1.0
            axes = (1.06, 0.92) if count == 1 else axes
        piece = canvas.piece(*place, *axes, a, 1.25)
        _leaf(canvas, rng, piece, crumpled, green, tip, pale, waves, depth, 0.10 * k)


def _leaf(
    canvas: Canvas, rng: Rng, piece: Piece, crumpled: np.ndarray, green: np.ndarray, tip: np.ndarray,
    pale: np.ndarray, waves: int, depth: float, z: float,
) -> None:  # fmt: skip
    """A leaf whose rib starts at u = -1; its edge has about `waves` ruffles of the given `depth`."""
    u, v = piece.u, piece.v
    theta = np.arctan2(v, u)
    ruffle = lobes(rng, theta, range(6, 17, 2), 0.16 * depth)
    rho = np.sqrt(u * u + v * v) / (0.86 * ruffle * (1 - 0.18 * smoothstep(0.4, -1.0, u)))
    crumple = crumpled[piece.window]
    wave = np.sin(theta * (waves + int(rng.integers(-3, 3))) + 3 * crumple) * smoothstep(0.35, 1.0, rho)
    height = 0.06 + z + 0.10 * rho**2 + 0.055 * depth * wave + 0.05 * crumple
    rib = np.exp(-((v / (0.075 * np.maximum(1.25 - u, 0.1))) ** 2)) * smoothstep(0.85, 0.3, u)
    veins = smoothstep(0.35, 0.05, np.abs(np.sin(7 * (u - 1.3 * np.abs(v))))) * smoothstep(0.75, 0.3, rho)
    colour = blend(vary(rng, green, 0.08), tip, smoothstep(0.7, 1.05, rho + 0.12 * crumple) * 0.8)
    light = np.clip(0.75 * rib + 0.28 * veins + 0.35 * smoothstep(0.6, 0.1, rho), 0, 1)
    colour = blend(colour, pale, light)
    canvas.lay(
        piece, np.where(rho < 1, np.maximum(height + 0.04 * rib, 0.02), 0), np.clip(colour, 0, 1), 0.28
    )
