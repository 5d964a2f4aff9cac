"""Broccoli, cucumber, carrot, green beans, corn and lettuce."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, capsule, dome, lobes, plateau
from rvernet_plates.foods.arrange import GOLDEN, TURN, polar, strewn
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary


def broccoli(canvas: Canvas, rng: Rng) -> None:
    """Florets: a pale stalk under a crown of many small buds."""
    green = between(rng, rgb(34, 100, 34), rgb(56, 128, 44), rgb(88, 148, 60))
    count = int(rng.integers(2, 5))
    start = rng.uniform(0, TURN)
    for k in range(count):
        a = start + TURN * k / count + rng.normal(0, 0.15)
        far = rng.uniform(0.40, 0.52) if count > 2 else 0.42
        _floret(canvas, rng, *polar(far, a), a, vary(rng, green, 0.1), 0.5 if count < 4 else 0.42)


def _floret(
    canvas: Canvas, rng: Rng, x: float, y: float, outward: float, green: np.ndarray, size: float
) -> None:
    toward = outward + rng.normal(0, 0.5) + (np.pi if rng.random() < 0.5 else 0)
    dx, dy = polar(0.42 * size, toward)
    piece = canvas.piece(x + dx, y + dy, size * 0.85, size * 0.26, toward)
    stalk = capsule(piece.u, piece.v * (1.25 - 0.25 * piece.u), 3)
    canvas.lay(piece, dome(stalk, 0.02, 0.12), blend(rgb(170, 200, 110), rgb(120, 170, 80), 0.5), 0.2)
    lumps = int(rng.integers(8, 12))
    r = size * 0.62 * np.sqrt((np.arange(lumps) + 0.2) / lumps)
    t = 2.4 * np.arange(lumps) + rng.uniform(0, 6)
    lx, ly = x + r * np.cos(t) * 0.95, y + r * np.sin(t) * 0.95
    z = 0.10 + 0.28 * size * (1 - (r / size) ** 2)
    widths, shades = size * rng.uniform(0.30, 0.42, lumps), vary(rng, green, 0.12, lumps)
    canvas.scatter(lx, ly, widths, size * 0.36, 0, z, 0.30 * size, shades, 0.12)
    buds = 95
    dx, dy = strewn(rng, buds, size * 0.95)
    bx, by = x + dx, y + dy
    level = canvas.levels(bx, by)
    on = level > 0.16
    shades = vary(rng, green, 0.22, buds) * (0.8 + 0.5 * rng.random((buds, 1), dtype=np.float32))
    if on.any():
        shades = np.clip(shades, 0, 1)[on]
        canvas.scatter(bx[on], by[on], 0.055, 0.05, 0, level[on] - 0.005, 0.05, shades, 0.15)


def cucumber(canvas: Canvas, rng: Rng) -> None:
    """Slices, fanned out or scattered, peeled thick or thin."""
    skin = between(rng, rgb(34, 84, 36), rgb(60, 120, 48))
    flesh = between(rng, rgb(214, 232, 168), rgb(190, 220, 130))
    count = int(rng.integers(3, 7))
    r = rng.uniform(0.38, 0.48)
    turn = rng.uniform(-0.5, 0.5)
    loose = rng.random() < 0.35
    fine = canvas.noise(rng, 9, octaves=2)
    for k in range(count):
        t = k - (count - 1) / 2
        if loose:
            x, y = polar(0.52, GOLDEN * k + 1)
        else:
            x, y = t * 1.12 / max(count - 1, 1), turn * (t * t / max(count, 1) - 0.4) + rng.normal(0, 0.03)
        piece = canvas.piece(x, y, r, r * rng.uniform(0.9, 1.0), rng.uniform(0, 6), 1.05)
        rho, angle = piece.rho, piece.theta
        core = smoothstep(0.66, 0.58, rho * (1 + 0.10 * np.cos(3 * angle)))
        sixth = np.abs(((angle * 9 / np.pi) % 2) - 1)
        seeds = smoothstep(0.45, 0.15, sixth) * smoothstep(0.18, 0.1, np.abs(rho - 0.42)) * core
        colour = blend(flesh, rgb(226, 238, 190), smoothstep(0.6, 0.85, rho))
        colour = blend(colour, rgb(168, 204, 110), core * (0.55 + 0.3 * fine[piece.window]))
        colour = blend(colour, rgb(246, 244, 206), seeds * 0.85)
        colour = blend(colour, rgb(110, 168, 76), smoothstep(0.84, 0.9, rho))
        colour = blend(colour, skin, smoothstep(0.90, 0.94, rho))
        height = plateau(rho, 0.09 + 0.055 * k, 0.05, 9)
        height += np.where(rho < 1, 0.010 * seeds - 0.012 * core + (0.05 * piece.u if not loose else 0), 0)
        canvas.lay(piece, height, colour, 0.5)


def carrot(canvas: Canvas, rng: Rng) -> None:
    """Baby carrots, coins or sticks."""
    orange = between(rng, rgb(248, 140, 30), rgb(236, 112, 24), rgb(214, 94, 30))
    style = rng.choice(["baby", "coins", "sticks"])
    fine = canvas.noise(rng, 12)
    if style == "coins":
        _carrot_coins(canvas, rng, orange)
        return
    baby = style == "baby"
    count, main = int(rng.integers(6, 10) if baby else rng.integers(10, 17)), rng.uniform(0, np.pi)
    for k in range(count):
        length = rng.uniform(0.36, 0.56) if baby else rng.uniform(0.45, 0.7)
        width = rng.uniform(0.11, 0.15) if baby else rng.uniform(0.05, 0.07)
        x, y = rng.uniform(-0.34, 0.34, 2)
        side = rng.choice([-1, 1])
        piece = canvas.piece(x, y, length, width, main + rng.normal(0, 0.45))
        taper = 1 + (0.28 * side * piece.u if baby else 0)
        rho2 = capsule(piece.u, piece.v * taper + 0.2 * (piece.u**2 - 0.3), length / width)
        rings = 0.5 + 0.5 * np.sin(piece.u * length * 60 + 4 * fine[piece.window])
        rings = 0.10 * rings * smoothstep(0, 0.8, fine[piece.window])
        colour = vary(rng, orange, 0.09) * (1 - rings)[..., None]
        if baby:
            colour = blend(colour, rgb(120, 140, 50), 0.7 * smoothstep(0.92, 1.0, -side * piece.u))
        canvas.lay(piece, dome(rho2, 0.03 + 0.028 * k, width * 1.1), colour, 0.4)


def _carrot_coins(canvas: Canvas, rng: Rng, orange: np.ndarray) -> None:
    count, start = int(rng.integers(6, 11)), rng.uniform(0, 6)
    for k in range(count):
        x, y = polar(0.66 * np.sqrt(k / count), start + GOLDEN * k)
        r = rng.uniform(0.22, 0.30)
        piece = canvas.piece(x, y, r, r * 0.93, rng.uniform(0, 6), 1.05)
        rho = piece.rho
        core = smoothstep(0.52, 0.42, rho * (1 + 0.1 * np.cos(6 * piece.theta)))
        colour = blend(vary(rng, orange, 0.07), rgb(252, 184, 70), core * 0.75)
        colour = blend(colour, orange * 0.8, smoothstep(0.88, 0.97, rho))
        height = plateau(rho, 0.12 + 0.035 * k, 0.07, 6) - 0.012 * core
        canvas.lay(piece, np.where(rho < 1, height, 0), colour, 0.4)


def green_beans(canvas: Canvas, rng: Rng) -> None:
    """A bundle of long thin pods."""
    green = between(rng, rgb(120, 168, 66), rgb(78, 138, 48), rgb(50, 104, 40))
    count, main, spread = int(rng.integers(9, 16)), rng.uniform(0, np.pi), rng.uniform(0.08, 0.38)
    s = np.linspace(-1, 1, 20)
    for k in range(count):
        length, width = rng.uniform(0.62, 0.95), rng.uniform(0.095, 0.13)
        angle, bend = main + rng.normal(0, spread), rng.normal(0, 0.10)
        offset, slide = rng.normal(0, 0.24), rng.normal(0, 0.06)
        along, across = slide + s * length, offset + bend * (1 - 2 * s * s) + 0.012 * np.sin(9 * s + k)
        x, y = along * np.cos(angle) - across * np.sin(angle), along * np.sin(angle) + across * np.cos(angle)
        tone = vary(rng, green, 0.13)
        z = 0.04 + 0.022 * k
        canvas.strand(x[:3], y[:3], width * 0.42, z, tone * 0.8, 0.3)
        canvas.strand(x[2:-1], y[2:-1], width, z, tone, 0.42)
        canvas.strand(x[-3:], y[-3:], width * 0.5, z, blend(tone, rgb(180, 190, 110), 0.4), 0.3)
        canvas.strand(x[4:-3], y[4:-3], width * 0.12, z + width * 0.5, tone * 1.12, 0.45)
    canvas.soften(0.012)


def corn(canvas: Canvas, rng: Rng) -> None:
    """A cob, two half cobs, or a heap of loose kernels."""
    yellow = between(rng, rgb(252, 222, 84), rgb(246, 194, 40), rgb(232, 170, 40))
    style = rng.choice(["cob", "halves", "kernels"])
    if style == "kernels":
        _kernels(canvas, rng, yellow)
    elif style == "cob":
        _cob(canvas, rng, 0.0, 0.0, 1.02, 0.42, yellow, 0.0)
    else:
        gap = rng.uniform(0.42, 0.5)
        for side, tilt in ((-1, rng.normal(0, 0.2)), (1, rng.normal(0, 0.3))):
            _cob(canvas, rng, rng.normal(0, 0.08), side * gap, 0.66, 0.40, yellow, tilt)


def _kernels(canvas: Canvas, rng: Rng, yellow: np.ndarray) -> None:
    _, u, v = canvas.whole
    v = v * np.float32(rng.uniform(1, 1.3))
    rho = np.sqrt(u * u + v * v) / lobes(rng, np.arctan2(v, u), range(2, 6), 0.07)
    canvas.lay(canvas.whole, dome((rho / 0.84) ** 2, 0.02, 0.30), yellow * 0.62, 0.2)
    count = 130
    steps = np.arange(count)
    x, y = polar(0.88 * np.sqrt((steps + 0.5) / count), 2.39996 * steps + rng.uniform(0, 6))
    x, y = x + rng.normal(0, 0.03, count), y + rng.normal(0, 0.03, count)
    level = canvas.levels(x, y)
    on = level > 0
    size, angle = rng.uniform(0.082, 0.108, count), rng.uniform(0, np.pi, count)
    z, shades = level + rng.uniform(0, 0.05, count), vary(rng, yellow, 0.10, count)
    canvas.scatter(x[on], y[on], size[on], 0.8 * size[on], angle[on], z[on], 0.075, shades[on], 0.5)


def _cob(
    canvas: Canvas, rng: Rng, x: float, y: float, length: float, width: float, tone: np.ndarray, angle: float
) -> None:
    """Rows of kernels around a cylinder seen from the side."""
    piece = canvas.piece(x, y, length, width, angle)
    u, v = piece.u, piece.v
    outline = 1 - 0.22 * smoothstep(0.55, 1.0, u) - 0.06 * smoothstep(-0.7, -1.0, u)
    side = v / outline
    rows = np.arcsin(np.clip(side, -1, 1)) * 5.5 / (np.pi / 2) * 0.9
    row = np.round(rows)
    columns = u * length / 0.072 + 0.5 * (row % 2) + 0.12 * np.sin(3 * u + row)
    ru, rv = rows - row, columns - np.round(columns)
    across, along = (np.maximum(1 - (2 * np.abs(r)) ** 2.5 * 0.9, 0) for r in (ru, rv))
    bump = np.sqrt(across * along)
    rho2 = side**2 + np.maximum(np.abs(u) * 1.02 - 0.9, 0) ** 2 * 70
    height = dome(rho2, 0.04, width * 0.8) + 0.05 * bump * (rho2 < 1)
    uneven = np.sin(row * 12.9898 + np.round(columns) * 78.233 + rng.uniform(0, 6)) * 0.09
    colour = tone * (0.62 + 0.38 * bump + uneven)[..., None]
    core = smoothstep(-0.93, -0.97, u)
    colour = blend(colour, rgb(226, 210, 150), core)
    canvas.lay(piece, height, np.clip(colour, 0, 1), 0.5)


def lettuce(canvas: Canvas, rng: Rng) -> None:
    """Ruffled leaves on top of each other, green or red-tipped."""
    green = between(rng, rgb(150, 200, 70), rgb(104, 176, 56), rgb(70, 140, 48))
    tip = rgb(120, 40, 50) if rng.random() < 0.25 else green * 0.75
    count = int(rng.integers(2, 5))
    for k in range(count):
        a = TURN * k / count + rng.normal(0, 0.3)
        far = 0.36 if count > 2 else 0.28
        piece = canvas.piece(*polar(far, a), 0.78, 0.62, a, 1.4)
        u, v = piece.u, piece.v
        theta = np.arctan2(v, u)
        ruffle = lobes(rng, theta, range(6, 17, 2), 0.16)
        rho = np.sqrt(u * u + v * v) / (0.86 * ruffle * (1 - 0.18 * smoothstep(0.4, -1.0, u)))
        crumple = canvas.noise(rng, 4.5, octaves=2)[piece.window]
        wave = np.sin(theta * rng.integers(13, 19) + 3 * crumple) * smoothstep(0.35, 1.0, rho)
        height = 0.06 + 0.10 * k + 0.10 * rho**2 + 0.055 * wave + 0.05 * crumple
        rib = np.exp(-((v / (0.075 * np.maximum(1.25 - u, 0.1))) ** 2)) * smoothstep(0.85, 0.3, u)
        veins = smoothstep(0.35, 0.05, np.abs(np.sin(7 * (u - 1.3 * np.abs(v))))) * smoothstep(0.75, 0.3, rho)
        colour = blend(vary(rng, green, 0.08), tip, smoothstep(0.7, 1.05, rho + 0.12 * crumple) * 0.8)
        pale = np.clip(0.75 * rib + 0.28 * veins + 0.35 * smoothstep(0.6, 0.1, rho), 0, 1)
        colour = blend(colour, rgb(206, 226, 150), pale)
        canvas.lay(piece, np.where(rho < 1, np.maximum(height + 0.04 * rib, 0.02), 0), colour, 0.28)
