"""Onion, cauliflower and cabbage."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, dome, lobes, plateau
from rvernet_plates.foods.arrange import TURN, a_cut, one_of, polar, ring, strewn
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.foods.shapes import over, pile, profile
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary


@dressed(hue=12)
def onion(canvas: Canvas, rng: Rng) -> None:
    """Loose rings, slices with all their layers, or whole bulbs; white, red, yellow or fried."""
    red = between(rng, rgb(150, 44, 104), rgb(112, 26, 72))
    flesh, edge, skin = one_of(
        rng,
        (between(rng, rgb(252, 250, 240), rgb(238, 240, 206)), rgb(214, 222, 170), rgb(214, 158, 84)),
        (rgb(246, 226, 240), red, red),
        (between(rng, rgb(240, 206, 130), rgb(214, 156, 74)), rgb(176, 112, 50), rgb(150, 88, 36)),
        (rgb(236, 244, 200), rgb(176, 206, 120), rgb(240, 238, 220)),
    )
    style = a_cut(rng, "rings", "slices", "bulbs")
    if style == "rings":
        count = int(rng.integers(7, 12))
        for k, (x, y) in enumerate(pile(rng, count, 0.62)):
            r = rng.uniform(0.22, 0.52)
            piece = canvas.piece(x, y, r, r * rng.uniform(0.72, 1), rng.uniform(0, TURN), 1.05)
            wide = 0.045 / r + 0.04
            rho = piece.rho / lobes(rng, piece.theta, range(2, 4), 0.06)
            across = (rho - 1 + wide) / wide
            colour = blend(vary(rng, flesh, 0.03), edge, smoothstep(0.35, 0.75, across))
            height = dome(across**2, 0.03 + 0.04 * k, 0.09, 0.3) + 0.06 * piece.u * (np.abs(across) < 1)
            canvas.lay(piece, over(np.abs(across), height), colour, 0.55)
    elif style == "slices":
        count = int(rng.integers(2, 5))
        r = {2: 0.60, 3: 0.52, 4: 0.48}[count]
        for k, (x, y) in enumerate(ring(rng, count, {2: 0.44, 3: 0.5}.get(count, 0.56))):
            piece = canvas.piece(x, y, r, r * rng.uniform(0.9, 1), rng.uniform(0, TURN), 1.05)
            rho = piece.rho / lobes(rng, piece.theta, range(2, 5), 0.04)
            layer = (rho * 5.5 + 0.15 * np.cos(piece.theta * 2)) % 1
            line = np.maximum(smoothstep(0.20, 0.05, layer), smoothstep(0.86, 0.97, layer))
            colour = blend(vary(rng, flesh, 0.03), edge * 0.9, 0.85 * line)
            colour = blend(colour, edge * 0.85, smoothstep(0.93, 0.97, rho))
            height = plateau(rho, 0.12 + 0.06 * k, 0.06, 9) - 0.035 * line
            canvas.lay(piece, over(rho, height), colour, 0.55)
    else:
        count = int(rng.integers(1, 4))
        r = {1: 0.74, 2: 0.52, 3: 0.46}[count]
        for x, y in ring(rng, count, {2: 0.5, 3: 0.54}.get(count, 0)):
            piece = canvas.piece(x, y, r * 1.3, r, rng.uniform(0, TURN), 1.05)
            u, v = piece.u * 1.3, piece.v
            half = profile(
                u,
                (-1.05, -0.95, -0.6, 0, 0.5, 0.85, 1.05, 1.3),
                (0.05, 0.3, 0.78, 0.98, 0.8, 0.32, 0.12, 0.08),
            )
            q = v / half
            meridian = np.sin(13 * np.arcsin(np.clip(q, -1, 1)))
            colour = vary(rng, skin, 0.06) * (1 + 0.12 * meridian)[..., None]
            colour = blend(colour, rgb(206, 180, 130), 0.8 * smoothstep(0.8, 1.1, u))
            height = 0.05 + r * 0.8 * half * np.sqrt(np.maximum(1 - q * q, 0)) + 0.008 * meridian
            canvas.lay(
                piece, over(np.maximum(np.abs(q), np.abs(piece.u)), height), np.clip(colour, 0, 1), 0.55
            )


@dressed(hue=12)
def cauliflower(canvas: Canvas, rng: Rng) -> None:
    """Florets with thick white stalks, a head in its leaves, or slices; white, yellow, green or purple."""
    curd = one_of(
        rng,
        between(rng, rgb(253, 250, 236), rgb(246, 236, 200)),
        between(rng, rgb(246, 208, 96), rgb(236, 180, 80)),
        rgb(176, 204, 96),
        between(rng, rgb(150, 96, 160), rgb(118, 66, 130)),
    )
    roasted = max(0.0, rng.uniform(-1.2, 0.9))
    stalk = blend(curd, rgb(240, 242, 206), 0.7)
    style = a_cut(rng, "florets", "head", "slices")
    if style == "head":
        for k in range(int(rng.integers(6, 9))):
            piece = canvas.piece(*polar(0.66, 0.85 * k + rng.normal(0, 0.1)), 0.48, 0.38, 0.85 * k, 1.1)
            rho = piece.rho * (1 + 0.04 * np.cos(9 * piece.theta))
            veins = smoothstep(0.12, 0.04, np.abs(piece.v) * (1.2 + piece.u))
            colour = blend(
                vary(rng, rgb(132, 172, 84), 0.1),
                rgb(222, 234, 180),
                np.maximum(veins, 0.5 * (piece.u < -0.4)),
            )
            canvas.lay(piece, over(rho, 0.06 + 0.10 * rho**2 + 0.02 * veins), colour, 0.3)
        _curds(canvas, rng, 0, 0, 0.80, curd, roasted, 0.16)
        return
    count = int(rng.integers(3, 6))
    size = {3: 0.52, 4: 0.46, 5: 0.42}[count]
    start = rng.uniform(0, TURN)
    for k in range(count):
        a = start + TURN * k / count + rng.normal(0, 0.12)
        x, y = polar(0.50 if count < 5 else 0.58, a)
        toward = a + rng.normal(0, 0.4) + (np.pi if rng.random() < 0.4 else 0)
        dx, dy = polar(0.72 * size, toward)
        piece = canvas.piece(x + dx, y + dy, size * 0.68, size * 0.40, toward, 1.05)
        wide = 0.72 - 0.22 * piece.u + 0.22 * smoothstep(0.2, -1, piece.u)
        rho2 = np.maximum((piece.v / wide) ** 2, piece.u**4)
        height = plateau(rho2, 0.08, 0.08, 4) if style == "slices" else dome(rho2, 0.03, 0.20)
        canvas.lay(piece, height, vary(rng, stalk, 0.03), 0.3)
        _curds(canvas, rng, x, y, size * rng.uniform(0.92, 1.06), curd, roasted, 0.06, style == "slices")


def _curds(
    canvas: Canvas,
    rng: Rng,
    x: float,
    y: float,
    size: float,
    curd: np.ndarray,
    roasted: float,
    z: float,
    flat: bool = False,
) -> None:
    """A cloud of rounded lumps, each of smaller lumps; browned on top if roasted."""
    lumps = 7 if size < 0.6 else 14
    r = size * 0.62 * np.sqrt((np.arange(lumps) + 0.2) / lumps)
    t = 2.4 * np.arange(lumps) + rng.uniform(0, 6)
    lx, ly = x + r * np.cos(t), y + r * np.sin(t)
    rise = (0.08 if flat else 0.42) * size * (1 - 0.8 * (r / size) ** 2)
    base = rise + z
    canvas.scatter(
        lx, ly, size * rng.uniform(0.38, 0.44, lumps), size * 0.40, 0, base, 0.30 * size, curd * 0.86, 0.15
    )
    beads = 60 if size < 0.6 else 150
    dx, dy = strewn(rng, beads, size * 0.95)
    level = canvas.levels(x + dx, y + dy)
    on = level > z + 0.10
    if on.any():
        brown = roasted * np.clip(rng.normal(0.35, 0.45, beads), 0, 1)
        shades = blend(vary(rng, curd, 0.05, beads), rgb(150, 92, 40), brown.astype(np.float32))
        width = rng.uniform(0.05, 0.075, beads)
        canvas.scatter(
            (x + dx)[on],
            (y + dy)[on],
            width[on],
            0.9 * width[on],
            0,
            level[on] - 0.015,
            0.05,
            shades[on],
            0.15,
        )


@dressed(hue=12)
def cabbage(canvas: Canvas, rng: Rng) -> None:
    """A cut head with its folded layers, a round head, or shreds; pale, green, savoy or red."""
    leaf, rib = one_of(
        rng,
        (between(rng, rgb(206, 226, 146), rgb(160, 200, 100)), rgb(246, 248, 220)),
        (between(rng, rgb(134, 60, 124), rgb(92, 34, 86)), rgb(240, 220, 238)),
        (between(rng, rgb(86, 140, 62), rgb(58, 110, 56)), rgb(206, 226, 160)),
        (rgb(236, 240, 196), rgb(253, 252, 236)),
    )
    style = a_cut(rng, "cut", "head", "shreds")
    if style == "shreds":
        s, mound = np.linspace(-1, 1, 10), canvas.whole
        rho = mound.rho / lobes(rng, mound.theta, range(3, 9), 0.16)
        canvas.lay(mound, dome((rho / 0.66) ** 2, 0.02, 0.20), leaf * 0.72, 0.1)
        places = np.stack(strewn(rng, 54, 0.66), -1)
        for k, (x, y) in enumerate(places):
            a, bend, long = rng.uniform(0, TURN), rng.normal(0, 0.18), rng.uniform(0.18, 0.36)
            dx, dy = long * s, bend * s * s + 0.03 * np.sin(8 * s + k)
            px, py = x + dx * np.cos(a) - dy * np.sin(a), y + dx * np.sin(a) + dy * np.cos(a)
            tone = blend(leaf, rib, float(rng.random() ** 2))
            canvas.strand(
                px, py, rng.uniform(0.045, 0.09), 0.10 + 0.25 * k / len(places), vary(rng, tone, 0.08), 0.35
            )
        return
    warp = canvas.noise(rng, 3.2, octaves=2)
    piece = canvas.whole
    if style == "head":
        _cabbage_head(canvas, rng, leaf, rib, warp)
        return
    half = rng.random() < 0.5  # half a head, or a wedge of one
    u, v = piece.u, piece.v
    rho = np.hypot(u, v) / (0.98 * lobes(rng, piece.theta, range(2, 6), 0.04))
    if not half:
        du, dv = u + 0.62, v
        rho = np.maximum(np.hypot(du, dv) / 1.55, 1 + (np.abs(np.arctan2(dv, du)) - 0.62) * 1.2)
        u, v = du * 0.75 - 0.62, dv * 0.75
    inner = np.hypot(u + 0.1, v)
    fold = inner * 34 + 4.5 * warp + 1.6 * np.sin(5 * np.arctan2(v, u + 0.1) + 6 * inner)
    layer = np.sin(fold)
    stem = smoothstep(1.0, 0.8, ((u + 0.80) / 0.66) ** 2 + (v / (0.09 - 0.13 * u)) ** 2)
    colour = blend(rib, leaf, smoothstep(-0.2, 0.7, layer))
    colour = blend(colour, leaf * 0.66, 0.75 * smoothstep(0.75, 1.0, layer))
    colour = blend(colour, blend(leaf, rib, 0.35), smoothstep(0.5, 0.1, inner) * 0.6)
    colour = blend(colour, leaf * 0.8, smoothstep(0.90, 0.96, rho))
    colour = blend(colour, rib, 0.85 * stem * smoothstep(1.0, 0.92, rho))
    height = plateau(rho, 0.20, 0.16, 5) + 0.03 * layer * (1 - stem) + 0.02 * warp
    canvas.lay(piece, over(rho, height), colour, 0.35)


def _cabbage_head(canvas: Canvas, rng: Rng, leaf: np.ndarray, rib: np.ndarray, warp: np.ndarray) -> None:
    for k in range(5):
        a, size = rng.uniform(0, 1) + 1.9 * k, (0.74, 0.74, 0.70, 0.62, 0.52)[k]
        far = (0.26, 0.26, 0.20, 0.14, 0.06)[k]
        piece = canvas.piece(*polar(far, a), size, size * 0.94, a, 1.1)
        u, v = piece.u, piece.v
        rho = piece.rho * (1 + 0.05 * warp[piece.window] + 0.02 * np.cos(7 * piece.theta + k))
        side = np.abs(v) / (1.15 + u)
        mid = smoothstep(0.09, 0.03, np.abs(v) * (1.3 + 0.6 * u))
        branch = smoothstep(0.22, 0.06, np.abs(np.sin(5.5 * (u - 0.9 * np.abs(v))))) * smoothstep(
            0.0, 0.12, side
        )
        colour = blend(
            vary(rng, leaf, 0.07), rib, np.clip(mid + 0.6 * branch * smoothstep(0.95, 0.5, rho), 0, 1)
        )
        colour = blend(colour, blend(leaf, rib, 0.5), 0.7 * smoothstep(0.92, 0.98, rho))
        bulge = 0.30 * np.sqrt(np.maximum(1 - 0.8 * rho * rho, 0)) + 0.03 * warp[piece.window]
        canvas.lay(piece, over(rho, 0.04 + 0.09 * k + bulge + 0.03 * mid + 0.012 * branch), colour, 0.4)
