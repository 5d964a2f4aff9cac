"""Grape, cherry and olives."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, dome, plateau
from rvernet_plates.foods.arrange import TURN, a_cut, one_of
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.foods.shapes import over, pile
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary

_BARK = rgb(96, 68, 40)


@dressed(hue=12)
def grape(canvas: Canvas, rng: Rng) -> None:
    """A bunch that tapers from its stalk, loose berries, or some of them halved; green, red or black."""
    skin = one_of(
        rng,
        between(rng, rgb(104, 48, 92), rgb(66, 34, 78)),
        between(rng, rgb(186, 206, 100), rgb(140, 178, 74)),
        between(rng, rgb(184, 66, 76), rgb(132, 36, 62)),
        rgb(44, 40, 70),
    )
    r = rng.uniform(0.19, 0.24)
    style = a_cut(rng, "bunch", "loose", "halves")
    if style == "bunch":
        count, start = round(1.05 / r**2), rng.random()
        t = np.sqrt((np.arange(count) + 0.5) / count)  # 0 at the tip, 1 at the stalk
        across = ((np.arange(count) * 0.618 + start) % 1 * 2 - 1) * (0.15 + 0.55 * np.sin(2.2 * t))
        x, y = 0.95 - 1.70 * t, across
        z = 0.04 + 0.34 * np.sqrt(np.maximum(1 - (across / 0.75) ** 2, 0)) * np.minimum(1.2 - t, 0.6)
        s = np.linspace(0, 1, 8)
        stalk = vary(rng, one_of(rng, rgb(132, 140, 66), rgb(118, 88, 52)), 0.1)
        canvas.strand(-0.60 - 0.62 * s, 0.10 * np.sin(3 * s), 0.11, 0.20, stalk, 0.2)
        canvas.strand(np.full(5, -1.18), np.linspace(-0.20, 0.24, 5), 0.10, 0.22, stalk, 0.2)
    else:
        count = int(rng.integers(6, 12))
        x, y = np.array(pile(rng, count, 0.72)).T
        r, z = 1.12 * r, np.full(count, 0.03)
    tip, cap = rgb(70, 60, 40), rng.random(count) < 0.25
    for k in range(count):
        piece = canvas.piece(
            x[k], y[k], r * rng.uniform(1.0, 1.18), r * rng.uniform(0.9, 1), rng.uniform(0, TURN)
        )
        rho2 = piece.u**2 + piece.v**2
        tone = vary(rng, skin, 0.14)
        colour = blend(tone, np.clip(tone * 1.45 + 0.06, 0, 1), 0.7 * smoothstep(0.35, 0.95, rho2))
        if cap[k]:
            colour = blend(colour, tip, smoothstep(0.035, 0.012, (piece.u - 0.35) ** 2 + piece.v**2))
        height = dome(rho2, z[k], 0.95 * r)
        if style == "halves" and k % 3 < 2:
            wet = blend(np.clip(tone * 0.5 + 0.45, 0, 1), rgb(228, 226, 180), 0.5)
            seeds = smoothstep(1.0, 0.6, (piece.u / 0.30) ** 2 + ((np.abs(piece.v) - 0.20) / 0.10) ** 2)
            rays = smoothstep(0.12, 0.0, np.abs(piece.v)) * smoothstep(0.8, 0.5, np.abs(piece.u))
            colour = blend(blend(wet, wet * 1.08, rays), rgb(112, 78, 44), 0.85 * seeds)
            colour = blend(colour, tone, smoothstep(0.76, 0.86, rho2))
            height = plateau(rho2, 0.12 + z[k], 0.08, 4)
        canvas.lay(piece, over(rho2, height), np.clip(colour, 0, 1), 0.6)


@dressed(hue=10)
def cherry(canvas: Canvas, rng: Rng) -> None:
    """A few on long stems, loose ones, or halves with the stone; bright, dark or yellow with a blush."""
    skin, blush = one_of(
        rng,
        (between(rng, rgb(176, 18, 36), rgb(122, 12, 30)), rgb(92, 8, 24)),
        (rgb(222, 36, 36), rgb(190, 20, 34)),
        (rgb(244, 196, 92), rgb(222, 74, 56)),
        (rgb(70, 14, 28), rgb(44, 10, 20)),
    )
    style = a_cut(rng, "stems", "loose", "halves")
    count = int(rng.integers(2, 5)) if style == "stems" else int(rng.integers(5, 9))
    r = {2: 0.42, 3: 0.37, 4: 0.34}.get(count, 0.30)
    if style == "stems":
        places = [((k - (count - 1) / 2) * 1.55 * r, 0.32 + rng.uniform(-0.15, 0.15)) for k in range(count)]
    else:
        places = pile(rng, count, 0.66)
    knot = (rng.normal(0, 0.2), -0.98)
    for k, (x, y) in enumerate(places):
        piece = canvas.piece(x, y, r, r * rng.uniform(0.94, 1.02), rng.normal(0, 0.3), 1.1)
        u, v = piece.u, piece.v
        notch = np.hypot(u * 0.8, v + 0.62)
        rho2 = (u * u + v * v) * (1 + 0.28 * np.exp(-((u / 0.35) ** 2)) * smoothstep(-0.4, -1.0, v))
        colour = blend(vary(rng, skin, 0.08), blush, smoothstep(-0.3, 0.8, u if k % 2 else -u))
        height = dome(rho2, 0.04, r * 0.9) - 0.16 * r * np.exp(-((notch / 0.25) ** 2))
        if style == "halves" and rng.random() < 0.7:
            inner, stone = (
                np.clip(blend(skin, rgb(214, 80, 70), 0.5), 0, 1),
                (u / 0.36) ** 2 + (v / 0.42) ** 2,
            )
            height = plateau(rho2, 0.14, 0.10, 4) + 0.06 * np.sqrt(np.maximum(1 - stone, 0))
            colour = blend(
                blend(inner, skin, smoothstep(0.78, 0.9, rho2)), skin * 0.7, smoothstep(1.5, 1.1, stone)
            )
            colour = blend(colour, rgb(206, 158, 104), smoothstep(1.0, 0.85, stone))
        else:
            colour = blend(colour, blush * 0.6, 0.8 * smoothstep(0.22, 0.08, notch))
        canvas.lay(piece, over(rho2, height), colour, 0.85)
        if style == "stems":
            s, bow = np.linspace(0, 1, 14), rng.normal(0, 0.12)
            sx = x + (knot[0] - x) * s + bow * np.sin(np.pi * s)
            sy = y - 0.6 * r + (knot[1] - y + 0.6 * r) * s
            stalk = vary(rng, rgb(112, 130, 54), 0.12)
            canvas.strand(sx, sy, 0.075, 0.30, stalk, 0.3)
            canvas.strand(sx[-2:], sy[-2:], 0.14, 0.30, _BARK, 0.2)


@dressed(hue=12)
def olives(canvas: Canvas, rng: Rng) -> None:
    """Pitted with a hole or a pimento, sliced into rings, or whole; green, black or brown."""
    skin = one_of(
        rng,
        between(rng, rgb(150, 158, 66), rgb(112, 124, 44)),
        between(rng, rgb(44, 38, 40), rgb(28, 26, 32)),
        between(rng, rgb(104, 62, 58), rgb(72, 40, 52)),
        rgb(190, 184, 92),
    )
    style = a_cut(rng, "pitted", "rings", "whole")
    stuffed = rng.random() < 0.5
    count = int(rng.integers(9, 15)) if style == "rings" else int(rng.integers(5, 10))
    inside = np.clip(blend(skin, rgb(206, 200, 130), 0.45), 0, 1)
    for k, (x, y) in enumerate(pile(rng, count, 0.68)):
        tone = vary(rng, skin, 0.10)
        if style == "rings":
            r = rng.uniform(0.20, 0.26)
            piece = canvas.piece(x, y, r, r * rng.uniform(0.8, 1), rng.uniform(0, TURN), 1.05)
            rho2 = ((piece.rho - 0.70) / 0.30) ** 2
            colour = blend(inside, tone, smoothstep(0.80, 0.90, piece.rho))
            canvas.lay(piece, dome(rho2, 0.05 + 0.05 * (k % 4), 0.10, 0.3), colour, 0.5)
            continue
        r = rng.uniform(0.27, 0.32)
        piece = canvas.piece(x, y, r * 1.18, r * 0.92, rng.uniform(0, TURN), 1.05)
        rho2 = piece.u**2 + piece.v**2
        height = dome(rho2, 0.03 + 0.01 * k, r * 0.85)
        colour = blend(tone, tone * 0.8, smoothstep(0.4, 1.0, rho2))
        end = ((piece.u - 0.50) / 0.27) ** 2 + (piece.v / 0.36) ** 2
        if style == "pitted":
            hollow, fill = smoothstep(1.0, 0.75, end), (rgb(206, 52, 30) if stuffed else rgb(26, 20, 14))
            colour = blend(blend(colour, inside, smoothstep(1.9, 1.3, end)), fill, hollow)
            height -= (0.02 if stuffed else 0.12) * hollow
        else:
            colour = blend(colour, inside, 0.7 * smoothstep(0.55, 0.30, end))
            colour = blend(colour, rgb(60, 46, 26), smoothstep(0.14, 0.06, end))
        canvas.lay(piece, over(rho2, height), colour, 0.75)
