"""Biscuit, pasta and cheese butter."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, dome, plateau
from rvernet_plates.foods.arrange import TURN, a_cut, one_of, ring
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.foods.shapes import box, over, pile
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary


@dressed(hue=10)
def biscuit(canvas: Canvas, rng: Rng) -> None:
    """Round with pricked holes, square crackers, fingers, or rounds with drops; pale to chocolate."""
    dough, browned = one_of(
        rng,
        (between(rng, rgb(240, 202, 130), rgb(222, 170, 92)), rgb(176, 112, 48)),
        (rgb(248, 228, 184), rgb(214, 170, 108)),
        (between(rng, rgb(104, 62, 40), rgb(70, 40, 28)), rgb(50, 28, 20)),
        (rgb(190, 116, 62), rgb(130, 72, 36)),
    )
    style = a_cut(rng, "pricked", "cracker", "finger", "drops")
    count = int(rng.integers(4, 7)) if style == "finger" else int(rng.integers(2, 6))
    r = {2: 0.54, 3: 0.49, 4: 0.44, 5: 0.42}.get(count, 0.42)
    crumb, fine = canvas.noise(rng, 4, octaves=3), canvas.noise(rng, 20)
    notches, inner = int(rng.integers(18, 30)), rng.random() < 0.6
    drop = one_of(rng, rgb(58, 32, 22), rgb(250, 240, 216), rgb(176, 40, 50))
    places = ring(rng, count, {2: 0.50, 3: 0.56}.get(count, 0.62))
    lean, spread = rng.normal(0, 0.3), rng.uniform(0.02, 0.25)
    for k in range(count):
        if style == "finger":
            t = k - (count - 1) / 2
            piece = canvas.piece(
                rng.normal(0, 0.05), t * 1.7 / count, 0.82, 0.80 / count + 0.02, rng.normal(0, spread)
            )
            du, dv = piece.u * 4.0, piece.v * 1.25
            rho = box(piece.u, piece.v, 9) * (1 + 0.012 * np.cos(50 * piece.u))
            rim = smoothstep(0.84, 0.92, rho)
        elif style == "cracker":
            x, y = places[k]
            piece = canvas.piece(x, y, r * 0.92, r * 0.92, lean + rng.normal(0, 0.3), 1.05)
            du, dv = piece.u * 2.3, piece.v * 2.3
            wave = 1 + 0.018 * np.cos(notches * np.minimum(np.abs(piece.u), np.abs(piece.v)))
            rho = box(piece.u, piece.v, 11) * wave
            rim = smoothstep(0.88, 0.94, rho)
        else:
            x, y = places[k]
            piece = canvas.piece(x, y, r, r, rng.uniform(0, TURN), 1.05)
            du, dv = piece.u * 2.5, piece.v * 2.5
            rough = 0.03 * crumb[piece.window] if style == "drops" else 0.018 * np.cos(notches * piece.theta)
            rho = piece.rho * (1 + rough)
            rim = smoothstep(0.82, 0.88, rho) if style == "pricked" else smoothstep(0.7, 1.0, rho)
        patch = crumb[piece.window]
        toasted = np.clip(0.75 * smoothstep(0.72, 1.0, rho + 0.06 * patch) + 0.25 * patch, 0, 1)
        colour = blend(vary(rng, dough, 0.04) * (1 + 0.04 * fine[piece.window])[..., None], browned, toasted)
        height = plateau(rho, 0.12 + 0.05 * k, 0.06, 9) + 0.008 * fine[piece.window]
        if style == "drops":
            height = dome(rho * rho, 0.10 + 0.05 * k, 0.14, 0.35) + 0.03 * patch
        else:
            hole = smoothstep(
                0.26, 0.17, np.hypot(du - np.round(du - 0.5) - 0.5, dv - np.round(dv - 0.5) - 0.5)
            )
            hole = hole * smoothstep(0.76, 0.70, rho)
            colour = blend(colour, browned * 0.55, 0.9 * hole)
            groove = (
                smoothstep(0.045, 0.015, np.abs(rho - 0.80)) if inner and style == "pricked" else 0.0 * rho
            )
            colour = blend(colour, browned, 0.6 * groove)
            height = height - 0.04 * hole - 0.02 * groove + 0.015 * rim
        canvas.lay(piece, over(rho, height), np.clip(colour, 0, 1), 0.15)
        if style == "drops":
            n = int(rng.integers(5, 9))
            dx, dy = np.array(pile(rng, n, 0.74 * r)).T
            dx, dy = places[k][0] + dx, places[k][1] + dy
            level = canvas.levels(dx, dy) - 0.01
            size = rng.uniform(0.05, 0.085, n)
            canvas.scatter(
                dx, dy, size, 0.8 * size, rng.uniform(0, TURN, n), level, 0.06, vary(rng, drop, 0.1, n), 0.5
            )


@dressed(hue=12)
def pasta(canvas: Canvas, rng: Rng) -> None:
    """Tubes, spirals, bows or rings; plain, in tomato, pesto or cream, wholemeal or black."""
    tone = one_of(
        rng,
        between(rng, rgb(248, 222, 146), rgb(238, 200, 108)),
        between(rng, rgb(236, 142, 70), rgb(214, 96, 48)),
        between(rng, rgb(190, 196, 96), rgb(142, 164, 70)),
        rgb(250, 236, 202),
        rgb(176, 122, 76),
        rgb(66, 60, 60),
    )
    style = a_cut(rng, "tubes", "spirals", "bows", "rings")
    count = int(
        {"tubes": rng.integers(11, 16), "spirals": rng.integers(9, 13), "bows": rng.integers(5, 8)}.get(
            style, 10
        )
    )
    far, size = (0.72 if style != "bows" else 0.66), rng.uniform(0.9, 1.12)
    surface = canvas.noise(rng, 6, octaves=2)
    for k, (x, y) in enumerate(pile(rng, count, far)[::-1]):
        angle, shade = rng.uniform(0, TURN), vary(rng, tone, 0.07)
        draw = {"tubes": _tube, "spirals": _spiral, "bows": _bow, "rings": _ring}[style]
        draw(canvas, x, y, size, angle, shade, 0.03 + 0.35 * k / count, surface)


def _tube(
    canvas: Canvas,
    x: float,
    y: float,
    size: float,
    angle: float,
    tone: np.ndarray,
    z: float,
    grain: np.ndarray,
) -> None:
    piece = canvas.piece(x, y, 0.40 * size, 0.135 * size, angle, 1.05)
    u, v = piece.u, piece.v
    slant = u + 0.20 * v  # cut at an angle, as penne are
    rho = np.maximum(np.abs(slant) * 1.2, np.abs(v))
    ridge = np.cos(9 * np.arcsin(np.clip(v, -1, 1)))
    mouth = ((slant - 0.70) / 0.14) ** 2 + (v / 0.72) ** 2
    hole = smoothstep(1.1, 0.8, mouth)
    colour = blend(
        tone * (1 + 0.06 * grain[piece.window])[..., None], tone * 0.78, 0.35 * (0.5 - 0.5 * ridge)
    )
    lip = smoothstep(0.58, 0.66, slant) * (1 - hole)
    colour = blend(blend(colour, np.clip(tone * 1.1, 0, 1), lip), tone * 0.30, hole)
    height = z + 0.15 * size * np.sqrt(np.maximum(1 - v * v, 0)) + 0.008 * ridge - 0.06 * hole
    canvas.lay(piece, over(rho, height), np.clip(colour, 0, 1), 0.45)


def _spiral(
    canvas: Canvas,
    x: float,
    y: float,
    size: float,
    angle: float,
    tone: np.ndarray,
    z: float,
    grain: np.ndarray,
) -> None:
    piece = canvas.piece(x, y, 0.44 * size, 0.18 * size, angle, 1.05)
    u, v = piece.u, piece.v
    phase = 11 * u + 1.5 * v
    blade = np.cos(phase)
    rho = np.maximum(np.abs(v) / (0.80 + 0.20 * np.cos(11 * u + 1.5 * np.sign(v))), np.abs(u) * 1.03)
    colour = blend(
        tone * (1 + 0.05 * grain[piece.window])[..., None], tone * 0.58, smoothstep(0.1, -0.9, blade)
    )
    height = z + 0.15 * size * np.sqrt(np.maximum(1 - v * v, 0)) + 0.05 * size * blade
    canvas.lay(piece, over(rho, height), np.clip(colour, 0, 1), 0.45)


def _bow(
    canvas: Canvas,
    x: float,
    y: float,
    size: float,
    angle: float,
    tone: np.ndarray,
    z: float,
    grain: np.ndarray,
) -> None:
    piece = canvas.piece(x, y, 0.46 * size, 0.36 * size, angle, 1.05)
    u, v = piece.u, piece.v
    wing = 0.30 + 0.68 * smoothstep(0.0, 0.85, np.abs(u))
    jag = 0.93 + 0.06 * np.sign(np.sin(22 * v))
    rho = np.maximum(np.abs(v) / wing, np.abs(u) / jag)
    pinch = np.exp(-((u / 0.26) ** 2))
    fold = np.cos(4.2 * np.pi * v / wing * 0.5) * pinch
    colour = blend(
        tone * (1 + 0.05 * grain[piece.window])[..., None], tone * 0.7, 0.6 * pinch * (0.5 - 0.5 * fold)
    )
    height = z + 0.06 + 0.14 * pinch * (0.75 + 0.4 * fold) * size + 0.03 * np.cos(3 * v)
    canvas.lay(piece, over(rho, height), np.clip(colour, 0, 1), 0.4)


def _ring(
    canvas: Canvas,
    x: float,
    y: float,
    size: float,
    angle: float,
    tone: np.ndarray,
    z: float,
    grain: np.ndarray,
) -> None:
    piece = canvas.piece(x, y, 0.28 * size, 0.25 * size, angle, 1.05)
    rho2 = ((piece.rho - 0.76) / 0.24) ** 2
    colour = tone * (1 + 0.06 * grain[piece.window] + 0.05 * np.cos(14 * piece.theta))[..., None]
    canvas.lay(piece, dome(rho2, z + 0.04, 0.12 * size, 0.35), np.clip(colour, 0, 1), 0.5)


@dressed(hue=9)
def cheese_butter(canvas: Canvas, rng: Rng) -> None:
    """Wedges with holes or blue veins, cubes, sticks, or slices; white, yellow or orange."""
    paste = one_of(
        rng,
        between(rng, rgb(250, 222, 110), rgb(242, 196, 76)),
        rgb(253, 246, 222),
        between(rng, rgb(246, 160, 60), rgb(236, 130, 40)),
        rgb(250, 236, 164),
    )
    style = a_cut(rng, "wedge", "cubes", "sticks", "slices")
    count = int({"wedge": rng.integers(1, 3), "cubes": rng.integers(4, 8)}.get(style, rng.integers(4, 7)))
    rind = one_of(rng, rgb(206, 140, 56), rgb(250, 246, 236), rgb(190, 50, 40), share=0.5)
    veined = rng.random() < 0.2 and paste[2] > 0.5  # blue runs through pale cheese
    veins, main = canvas.noise(rng, 5, octaves=2), rng.uniform(0, np.pi)
    cubes = pile(rng, count, 0.62)
    for k in range(count):
        t, tone = k - (count - 1) / 2, vary(rng, paste, 0.04)
        if style == "wedge":
            size = 1.0 if count == 1 else 0.78
            piece = canvas.piece(0, t * 0.86, size, 0.60 * size, np.pi * k + rng.normal(0, 0.12), 1.1)
            u, v, open_angle = piece.u, piece.v, 0.5
            rho = np.maximum(1 + (np.abs(v) - open_angle * (u + 0.95)) * 1.6, np.hypot(u + 1, 0.3 * v) / 1.95)
            edge, z = smoothstep(0.94, 0.97, np.hypot(u + 1, 0.3 * v) / 1.95), 0.38
        elif style == "cubes":
            half = rng.uniform(0.20, 0.27)
            piece = canvas.piece(*cubes[k], half, half * rng.uniform(0.8, 1), rng.uniform(0, np.pi), 1.05)
            rho, edge, z = box(piece.u, piece.v, 12), 0.0, 0.24 + 0.05 * (k % 3)
        elif style == "sticks":
            piece = canvas.piece(
                rng.normal(0, 0.06), t * 1.5 / count, 0.82, 0.125, main * 0.1 + rng.normal(0, 0.2)
            )
            rho, edge, z = box(piece.u, piece.v, 14), 0.0, 0.12 + 0.05 * k
        else:
            piece = canvas.piece(t * 0.95 / count, t * 0.4 / count, 0.56, 0.56, 0.12 * t + main)
            rho, edge, z = box(piece.u, piece.v, 16), 0.0, 0.08 + 0.06 * k
        colour = blend(tone, rind, np.broadcast_to(np.asarray(edge, np.float32), rho.shape))
        if veined:
            blue = smoothstep(0.16, 0.04, np.abs(veins[piece.window])) * smoothstep(
                -0.2, 0.5, np.roll(veins, 9)[piece.window]
            )
            colour = blend(colour, rgb(84, 110, 120), 0.8 * blue)
        canvas.lay(piece, over(rho, plateau(rho, z, 0.05, 12) + 0.03 * piece.u * (k % 2)), colour, 0.4)
    if style in ("wedge", "slices") and not veined:
        holes, spread = int(rng.integers(6, 12)), rng.uniform(0.55, 0.75)
        hx, hy = np.array(pile(rng, holes, spread)).T
        hx, hr = hx + (0.15 if style == "wedge" else 0), rng.uniform(0.05, 0.12, holes)
        hollow = smoothstep(0.0, 0.5, canvas.dots(hx, hy, hr, hr * 0.9, 0))
        canvas.paint(canvas.everywhere, hollow, paste * 0.72, 0.2, bump=-0.08)
