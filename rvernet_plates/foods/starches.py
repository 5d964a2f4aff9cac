"""Rice, noodles, french fries, bread, potato, dumplings and tofu."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, dome, lobes, plateau
from rvernet_plates.foods.arrange import GOLDEN, TURN, any_garnish, garnish, polar, strewn
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary


def rice(canvas: Canvas, rng: Rng) -> None:
    """A mound of grains, white to brown, domed or heaped, sometimes with seeds or peas."""
    tone = between(rng, rgb(250, 250, 246), rgb(246, 242, 228), rgb(236, 214, 160), rgb(190, 150, 104))
    _, u, v = canvas.whole
    v = v * np.float32(rng.uniform(1.0, 1.3))
    rho = np.sqrt(u * u + v * v) / lobes(rng, np.arctan2(v, u), range(2, 6), rng.uniform(0.02, 0.12))
    mound = dome((rho / 0.9) ** 2, 0.02, rng.uniform(0.3, 0.5), rng.uniform(0.4, 0.8))
    canvas.lay(canvas.whole, mound, tone * 0.93, 0.1)

    count = 380
    x, y = strewn(rng, count, 0.92)
    level = canvas.levels(x, y)
    keep = level > 0
    size = rng.uniform(0.8, 1.15, count) * rng.uniform(0.92, 1.12)
    canvas.scatter(
        x[keep], y[keep], 0.088 * size[keep], 0.034, rng.uniform(0, np.pi, count)[keep],
        level[keep] + rng.uniform(0, 0.025, count)[keep], 0.036, vary(rng, tone, 0.07, count)[keep], 0.35,
    )  # fmt: skip
    if rng.random() < 0.45:
        garnish(canvas, rng, int(rng.integers(6, 16)), any_garnish(rng))


def noodles(canvas: Canvas, rng: Rng) -> None:
    """A nest of strands: spaghetti, udon or soba, loosely swirled."""
    tone = between(rng, rgb(240, 226, 186), rgb(232, 200, 120), rgb(222, 178, 90), rgb(150, 116, 84))
    width = rng.uniform(0.075, 0.15)
    _, u, v = canvas.whole
    rho2 = (u * u + v * v) / 0.78**2
    canvas.lay(canvas.whole, dome(rho2, 0.01, 0.25), tone * 0.55, 0.1)
    count = round(3.6 / width)
    s = np.linspace(0, 1, 30)
    for k in range(count):
        x, y = _across(rng, s) if k % 3 == 0 else _around(rng, s)
        radius = np.hypot(x, y)
        inward = np.minimum(1, 0.93 / np.maximum(radius, 1e-6))
        x, y, middle = x * inward, y * inward, min(1.0, float(radius.mean()))
        z = 0.30 * max(0.0, 1 - middle**2) ** 0.5 + 0.20 * k / count
        canvas.strand(x, y, width * rng.uniform(0.9, 1.1), z, vary(rng, tone, 0.09), 0.4)
    canvas.soften(0.12 * width)
    if rng.random() < 0.5:
        garnish(canvas, rng, int(rng.integers(8, 20)), any_garnish(rng, 1))


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


def french_fries(canvas: Canvas, rng: Rng) -> None:
    """A loose stack of sticks, pale to well done, sometimes crinkle-cut or wide."""
    tone = between(rng, rgb(250, 218, 122), rgb(240, 190, 84), rgb(222, 158, 62))
    half = rng.uniform(0.055, 0.085)
    count, main = int(rng.integers(14, 24)), rng.uniform(0, np.pi)
    spread, crinkle = rng.uniform(0.25, 0.9), rng.random() < 0.25
    surface = canvas.noise(rng, 5, octaves=2)
    for k in range(count):
        length = rng.uniform(0.42, 0.72)
        x, y = rng.normal(0, 0.25, 2)
        reach = np.hypot(x, y)
        if reach > 0.42:
            x, y = x * 0.42 / reach, y * 0.42 / reach
        width = half * rng.uniform(0.85, 1.2)
        piece = canvas.piece(x, y, length, width, main + rng.normal(0, spread))
        ripple = 0.12 * np.sin(piece.u * length / 0.05) if crinkle else 0
        edge = np.maximum(np.abs(piece.v) * (1 + ripple), 1 - (1 - np.abs(piece.u)) * length / width)
        height = plateau(edge, 0.04 + 0.030 * k, width * 1.3, 3.2)
        toasted = smoothstep(0.45, 1.0, edge) * 0.5 + smoothstep(0.75, 1.0, np.abs(piece.u)) * 0.5
        toasted = np.clip(toasted + 0.25 * surface[piece.window], 0, 1)
        canvas.lay(piece, height, blend(vary(rng, tone, 0.07), rgb(176, 104, 36), toasted * 0.8), 0.22)


def potato(canvas: Canvas, rng: Rng) -> None:
    """Small potatoes: boiled and pale, roasted and brown, or halved with the cut side up."""
    style = rng.choice(["boiled", "roasted", "halved"])
    flesh = between(rng, rgb(246, 226, 150), rgb(236, 204, 110))
    skin = between(rng, rgb(214, 170, 96), rgb(176, 122, 66), rgb(150, 84, 62))
    count = int(rng.integers(4, 8))
    surface, fine = canvas.noise(rng, 2.2, octaves=3), canvas.noise(rng, 16)
    start = rng.uniform(0, TURN)
    for k in range(count):
        a, far = start + GOLDEN * k, 0.56 * np.sqrt(k / max(count - 1, 1)) + 0.05
        r = rng.uniform(0.27, 0.40)
        piece = canvas.piece(*polar(far, a), r, r * rng.uniform(0.72, 0.92), rng.uniform(0, np.pi), 1.2)
        patch = surface[piece.window]
        rho2 = (piece.u**2 + piece.v**2) * (1 + 0.12 * patch)
        z = 0.02 + 0.03 * k
        if style == "halved":
            height = plateau(rho2, z, 0.26, 3) + 0.008 * fine[piece.window]
            colour = blend(flesh, rgb(206, 140, 56), smoothstep(0.1, 0.9, patch + 0.5 * rho2) * 0.6)
            colour = blend(colour, skin, smoothstep(0.78, 0.92, rho2))
        else:
            height = dome(rho2, z, r * 0.75) + 0.006 * fine[piece.window]
            base, spots = (flesh, skin) if style == "boiled" else (blend(flesh, skin, 0.45), rgb(120, 66, 26))
            colour = blend(vary(rng, base, 0.06), spots, smoothstep(0.25, 0.9, patch) * 0.75)
        canvas.lay(piece, np.where(rho2 < 1, height, 0), colour, 0.35)
    if rng.random() < 0.5:
        garnish(canvas, rng, 14, (rgb(64, 120, 40), 0.035), 0.75)


def bread(canvas: Canvas, rng: Rng) -> None:
    """A slice of toast, or slices of a baguette."""
    crumb = between(rng, rgb(250, 236, 204), rgb(236, 208, 156), rgb(206, 164, 110))
    crust = between(rng, rgb(198, 130, 60), rgb(150, 88, 38), rgb(110, 62, 30))
    pores = canvas.noise(rng, 17, octaves=2)
    fine = canvas.noise(rng, 22)
    if rng.random() < 0.5:
        slices = [(0.0, 0.0, 0.84, rng.uniform(0.78, 0.86), 0.0, rng.uniform(4.5, 7))]
    else:
        n = int(rng.integers(2, 4))
        lean = rng.normal(0, 0.25, n)
        slices = [((k - (n - 1) / 2) * 0.46, rng.normal(0, 0.08), 0.40, 0.74, lean[k], 2.4) for k in range(n)]
    toast = rng.uniform(0, 0.6)
    for k, (x, y, rx, ry, angle, corner) in enumerate(slices):
        piece = canvas.piece(x, y, rx, ry, angle, 1.08)
        u, v = np.abs(piece.u), np.abs(piece.v)
        if corner > 3:  # the shoulders of a tin loaf
            u = u * (1 + 0.07 * smoothstep(-0.75, -0.55, piece.v) - 0.05)
        rho = (u**corner + v**corner) ** (1 / corner) * (1 + 0.012 * fine[piece.window])
        pore = smoothstep(0.45, 1.1, pores[piece.window]) * smoothstep(0.92, 0.8, rho)
        height = np.where(rho < 1, plateau(rho, 0.16 + 0.07 * k, 0.06, 10) - 0.012 * pore, 0)
        browned = np.clip(toast * (1.15 - rho * 0.7 + 0.3 * fine[piece.window]), 0, 1)
        browned = browned * smoothstep(0.0, 0.3, 1.1 - rho)
        colour = blend(vary(rng, crumb, 0.03), rgb(196, 130, 64), browned * 0.7)
        colour = colour * (1 - 0.13 * pore)[..., None]
        colour = blend(colour, crust, smoothstep(0.86, 0.93, rho))
        canvas.lay(piece, height, colour, 0.06)


def wonton_dumplings(canvas: Canvas, rng: Rng) -> None:
    """Pleated half-moons in a row or a fan, or round steamed ones whose pleats meet in a knot."""
    dough = between(rng, rgb(248, 238, 214), rgb(240, 226, 190), rgb(234, 222, 200))
    if rng.random() < 0.68:
        count = int(rng.integers(2, 5))
        fried = rng.random() < 0.5
        fan, size = rng.uniform(0.0, 0.22), {2: 1.14, 3: 1.0, 4: 0.86}[count]
        for k in range(count):
            t = k - (count - 1) / 2
            x, y = 0.58 * size * t, 0.10 * fan * t * t + rng.normal(0, 0.03)
            _half_moon(canvas, rng, x, y, np.pi / 2 + fan * t, size, dough, fried)
    else:
        count = int(rng.integers(3, 5))
        start = rng.uniform(0, TURN)
        for k in range(count):
            a = start + TURN * k / count
            far, radius = (0.50, 0.47) if count == 3 else (0.56, 0.42)
            _round_pleated(canvas, rng, *polar(far, a), radius, dough)
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
    colour = blend(colour, rgb(214, 186, 140), filling * 0.30)
    if fried:
        mottled = canvas.noise(rng, 4, octaves=2)[piece.window]
        colour = blend(colour, rgb(188, 116, 44), smoothstep(0.15, 0.75, v + 0.25 * mottled) * 0.85)
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
    colour = blend(colour, rgb(190, 150, 104), 0.7 * np.exp(-((rho / 0.09) ** 2)))
    canvas.lay(piece, np.where(rho2 < 1, height, 0), colour, 0.4)


def tofu(canvas: Canvas, rng: Rng) -> None:
    """Cubes or slabs, white to fried golden, piled or in a row."""
    inner = between(rng, rgb(252, 248, 236), rgb(244, 234, 208))
    fried = float(rng.choice([0.0, 0.25, 0.9]) * rng.uniform(0.7, 1.1))
    grain, mottled = canvas.noise(rng, 16), canvas.noise(rng, 3.5, octaves=3)
    if rng.random() < 0.7:
        count, half = int(rng.integers(5, 9)), rng.uniform(0.22, 0.28)
        start = rng.uniform(0, 6)
        cubes = []
        for k in range(count):
            x, y = polar(0.62 * np.sqrt(k / count), start + GOLDEN * k)
            cubes.append((x, y, half * rng.uniform(0.88, 1.1), half, rng.uniform(0, np.pi), 0.05 * (k % 3)))
    else:
        count = int(rng.integers(3, 6))
        cubes = []
        for k in range(count):
            x, y = 1.4 * (k - (count - 1) / 2) / count, rng.normal(0, 0.04)
            cubes.append((x, y, 0.62 / count + 0.08, 0.5, rng.normal(0, 0.08), 0.04 * k))
    for x, y, rx, ry, angle, z in cubes:
        piece = canvas.piece(x, y, rx, ry, angle, 1.05)
        edge = (np.abs(piece.u) ** 7 + np.abs(piece.v) ** 7) ** (1 / 7) + 0.02 * grain[piece.window]
        height = plateau(edge, 0.20 + z, 0.10, 5, 0.6)
        height += np.where(edge < 1, 0.05 * piece.u * rng.normal() + 0.006 * grain[piece.window], 0)
        crisp = np.clip(fried * (0.75 + 0.5 * mottled[piece.window] + 0.3 * smoothstep(0.7, 1, edge)), 0, 1)
        colour = blend(vary(rng, inner, 0.025), rgb(206, 144, 66), crisp * 0.85)
        canvas.lay(piece, np.maximum(height, 0), colour, 0.28)
    if rng.random() < 0.6:
        garnish(canvas, rng, int(rng.integers(8, 18)), any_garnish(rng), 0.7)
