"""Asparagus, pepper and white button mushroom."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, capsule, dome, plateau
from rvernet_plates.foods.arrange import TURN, a_cut, one_of, polar, ring, strewn
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.foods.shapes import bent, box, over, pile
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary


@dressed(hue=12)
def asparagus(canvas: Canvas, rng: Rng) -> None:
    """Spears side by side, cut pieces, or short tips; green, white or purple, raw or grilled."""
    stem, bud = one_of(
        rng,
        (between(rng, rgb(150, 186, 82), rgb(98, 150, 58)), rgb(88, 110, 70)),
        (between(rng, rgb(248, 240, 210), rgb(240, 228, 180)), rgb(226, 206, 176)),
        (rgb(132, 104, 120), rgb(98, 58, 92)),
        (rgb(98, 116, 46), rgb(76, 74, 40)),
    )
    style = a_cut(rng, "spears", "pieces", "tips")
    pieces, strewn_about = style == "pieces", style != "spears"
    count = int({"spears": rng.integers(4, 8), "pieces": rng.integers(9, 14)}.get(style, rng.integers(6, 10)))
    spread, scorch = rng.uniform(0.02, 0.14), rng.random() < 0.25
    spots = canvas.noise(rng, 7, octaves=2)
    places = pile(rng, count, 0.62)
    for k in range(count):
        wide = rng.uniform(0.095, 0.125)
        t = k - (count - 1) / 2
        half = {"spears": rng.uniform(0.92, 1.08), "pieces": rng.uniform(0.26, 0.36)}.get(style, 0.5)
        x, y = places[k] if strewn_about else (rng.normal(0, 0.06), t * min(0.24, 1.5 / count))
        angle = rng.uniform(0, TURN) if strewn_about else rng.normal(0, spread)
        piece, s, w = bent(canvas, x, y, half, wide * 1.25, angle, 3.5 * half)
        tipped = not pieces or k % 2 == 0
        length = (s + 1) * half  # from the cut end
        from_tip = 2 * half - length
        swell = 0.80 + (0.20 * smoothstep(0.55, 0.35, from_tip) if tipped else 0)
        if tipped:
            swell = swell * np.sqrt(np.clip(from_tip / 0.30, 0, 1))
        q = w / np.maximum(swell, 1e-3)
        rho2 = np.where(np.abs(s) < 1, q * q, 2)
        head = smoothstep(0.55, 0.42, from_tip) if tipped else np.zeros_like(s)
        lattice = np.sin(26 * from_tip + 2.2 * np.abs(q)) * np.cos(3.2 * q)
        leaf = smoothstep(
            0.035, 0.0, np.abs((length / 0.27 + 0.35 * (np.round(q) + k)) % 1 * 0.27 - 0.08 * (1 - np.abs(q)))
        )
        leaf = leaf * (1 - head) * smoothstep(0.85, 0.5, np.abs(q + 0.3 * (-1) ** k))
        tone = vary(rng, stem, 0.08)
        colour = blend(tone, rgb(244, 236, 214), 0.55 * smoothstep(0.32, 0.0, length) * (not pieces))
        colour = blend(colour, blend(bud, bud * 0.62, smoothstep(-0.1, -0.8, lattice)), head)
        colour = blend(colour, bud * 0.85, 0.8 * leaf)
        if scorch:
            colour = blend(colour, rgb(60, 44, 26), 0.7 * smoothstep(0.35, 0.8, spots[piece.window]))
        if not tipped or pieces:
            colour = blend(colour, blend(stem, rgb(240, 244, 200), 0.6), smoothstep(-0.93, -0.97, s))
        height = dome(rho2, 0.03 + 0.02 * (k % 3), wide * 1.1) + np.where(
            rho2 < 1, 0.03 * lattice * head + 0.015 * leaf, 0
        )
        canvas.lay(piece, over(rho2, height), colour, 0.42)


@dressed(hue=12)
def pepper(canvas: Canvas, rng: Rng) -> None:
    """Lobed rings, strips, or whole sweet peppers with their stem; red, green, yellow or orange."""
    skin = one_of(
        rng,
        between(rng, rgb(216, 36, 30), rgb(178, 22, 28)),
        between(rng, rgb(84, 150, 50), rgb(42, 106, 40)),
        between(rng, rgb(250, 206, 46), rgb(244, 180, 36)),
        rgb(240, 122, 32),
    )
    flesh = np.clip(blend(skin, rgb(250, 236, 180), 0.35), 0, 1)
    style = a_cut(rng, "rings", "strips", "whole")
    if style == "strips":
        count = int(rng.integers(9, 15))
        for x, y in pile(rng, count, 0.60):
            half, wide = rng.uniform(0.40, 0.62), rng.uniform(0.07, 0.10)
            piece, s, w = bent(canvas, x, y, half, wide, rng.uniform(0, TURN), half * rng.uniform(0.8, 1.8))
            rho2 = capsule(s, w, half / wide)
            inside = rng.random() < 0.35
            colour = blend(vary(rng, flesh if inside else skin, 0.09), flesh, smoothstep(0.55, 0.95, rho2))
            level = 0.03 + 0.25 * rng.random()
            height = plateau(rho2, level, 0.09, 2) - (0.05 if inside else 0) * np.maximum(1 - rho2, 0)
            canvas.lay(piece, over(rho2, height), colour, 0.8)
        return
    rings = style == "rings"
    count = int(rng.integers(3, 6)) if rings else int(rng.integers(1, 3))
    r = {1: 0.88, 2: 0.60, 3: 0.54, 4: 0.48, 5: 0.45}[count]
    for k, (x, y) in enumerate(ring(rng, count, {1: 0, 2: 0.48, 3: 0.52}.get(count, 0.58))):
        tone, cells = vary(rng, skin, 0.06), int(rng.integers(3, 5))
        piece = canvas.piece(x, y, r * 1.02, r * rng.uniform(0.86, 1.0), rng.uniform(0, TURN), 1.1)
        angle = piece.theta + 0.12 * np.sin(2 * piece.theta + k)
        bulge = np.abs(np.sin(angle * cells / 2)) ** 0.7
        rho = piece.rho / (0.78 + 0.22 * bulge)
        if rings:
            wall = smoothstep(0.76, 0.80, rho)
            spoke = np.abs(np.sin(angle * cells / 2)) * rho
            rib = smoothstep(0.13, 0.07, spoke) * smoothstep(0.42, 0.5, rho)
            seat = smoothstep(0.22, 0.16, piece.rho) if k % 2 else 0 * rho
            solid = np.maximum(np.maximum(wall, rib), seat)
            colour = blend(
                blend(flesh, rgb(250, 240, 206), 0.55 * np.maximum(rib, seat) * (1 - wall)),
                tone,
                smoothstep(0.86, 0.92, rho),
            )
            height = 0.10 + 0.05 * k + 0.08 * np.sqrt(np.clip((1 - rho) * 9, 0, 1)) + 0.05 * piece.u
            canvas.lay(piece, over(np.where(solid > 0.5, rho, 2), height), colour, 0.8)
            if k % 2:
                sx, sy = strewn(rng, 7, 0.26 * r)
                canvas.scatter(
                    x + sx, y + sy, 0.055, 0.042, 0, 0.24 + 0.05 * k, 0.03, rgb(250, 236, 190), 0.4
                )
        else:
            deep = smoothstep(0.05, 0.5, bulge)
            centre = np.exp(-((rho / 0.24) ** 2))
            height = (
                0.05
                + r * 0.75 * np.sqrt(np.maximum(1 - rho * rho, 0)) * (0.80 + 0.20 * deep)
                - 0.34 * r * centre
            )
            colour = blend(tone * 0.82, tone, deep)
            canvas.lay(piece, over(rho, height), colour, 0.9)
            star = smoothstep(1.0, 0.8, piece.rho / (0.22 + 0.05 * np.cos(5 * piece.theta)))
            canvas.paint(piece, star, vary(rng, rgb(84, 130, 50), 0.1), 0.3, bump=0.05)
            dx, dy = polar(np.linspace(0, 0.42 * r, 8), rng.uniform(0, TURN))
            stem = vary(rng, rgb(104, 146, 62), 0.1)
            canvas.strand(x + dx, y + dy + 0.2 * dx * dx, 0.17 * r + 0.02, 0.55 * r, stem, 0.35)


@dressed(hue=12)
def white_button_mushroom(canvas: Canvas, rng: Rng) -> None:
    """Slices that show cap, gills and stem, whole caps, or caps turned over; white, cream, brown or fried."""
    cap, flesh = one_of(
        rng,
        (between(rng, rgb(250, 246, 238), rgb(240, 230, 212)), rgb(252, 248, 238)),
        (between(rng, rgb(186, 142, 98), rgb(150, 106, 72)), rgb(246, 234, 212)),
        (rgb(214, 160, 90), rgb(238, 200, 136)),
        (rgb(226, 212, 190), rgb(236, 224, 200)),
    )
    gill = rgb(122, 88, 68) if rng.random() < 0.6 else rgb(196, 158, 130)
    style = a_cut(rng, "slices", "caps", "turned")
    mottled = canvas.noise(rng, 4, octaves=2)
    if style == "slices":
        count = int(rng.integers(3, 8))
        size = {3: 0.56, 4: 0.52, 5: 0.48}.get(count, 0.44)
        turned = rng.uniform(0, TURN)
        for k, (x, y) in enumerate(pile(rng, count, 0.60)):
            _mushroom_slice(
                canvas, rng, x, y, size, turned + rng.normal(0, 0.6), (cap, flesh, gill), 0.05 * k
            )
    else:
        count = int(rng.integers(3, 6))
        r = {3: 0.50, 4: 0.45, 5: 0.42}[count]
        for k, (x, y) in enumerate(ring(rng, count, 0.56)):
            piece = canvas.piece(x, y, r, r * rng.uniform(0.9, 1), rng.uniform(0, TURN), 1.1)
            patch = mottled[piece.window]
            rho = piece.rho * (1 + 0.03 * patch)
            if (k % 3 < 2) == (style == "turned"):
                lines = np.sin(34 * piece.theta)
                gills = smoothstep(0.84, 0.78, rho)
                colour = blend(vary(rng, cap, 0.03), gill * (1 + 0.22 * lines)[..., None], gills)
                height = (
                    0.16 + 0.10 * np.sqrt(np.clip((1 - rho) * 5, 0, 1)) - 0.09 * gills + 0.012 * lines * gills
                )
                canvas.lay(piece, over(rho, height), np.clip(colour, 0, 1), 0.2)
                stem = canvas.piece(x, y, 0.36 * r, 0.34 * r, 0, 1.05)
                rings = smoothstep(0.5, 0.3, stem.rho)
                tone = blend(flesh, flesh * 0.86, rings)
                canvas.lay(stem, plateau(stem.rho, 0.26, 0.08, 3), tone, 0.25)
                continue
            colour = blend(vary(rng, cap, 0.04), cap * 0.84, smoothstep(0.1, 0.9, patch + rho - 0.5) * 0.6)
            canvas.lay(piece, over(rho, dome(rho * rho, 0.06, r * 0.75, 0.45)), np.clip(colour, 0, 1), 0.35)
            if rng.random() < 0.5:  # the stem peeps out from under the cap
                toward = np.arctan2(y, x) + rng.normal(0, 0.5)
                dx, dy = polar(0.95 * r, toward)
                stem = canvas.piece(x + dx, y + dy, 0.46 * r, 0.32 * r, toward, 1.05)
                rho, cut = box(stem.u, stem.v / (0.85 + 0.15 * stem.u), 4), smoothstep(0.72, 0.80, stem.u)
                tone = blend(flesh * 0.95, flesh * 0.78, cut)
                canvas.lay(stem, plateau(rho, 0.04, 0.10, 2.5), tone, 0.25)


def _mushroom_slice(
    canvas: Canvas, rng: Rng, x: float, y: float, size: float, turn: float, tones: tuple, z: float
) -> None:
    """The profile of a mushroom: cap above (v < 0), gills in two arcs beneath it, stem below."""
    cap, flesh, gill = tones
    piece = canvas.piece(x, y, size, size, turn, 1.05)
    u, v = piece.u, piece.v + np.float32(0.17)
    au = np.abs(u)
    under = 0.22 + 0.10 * np.sqrt(np.maximum(1 - au * au, 0)) - 0.10 * smoothstep(0.4, 0.2, au)
    crown = np.sqrt((u / 0.96) ** 2 + ((v - 0.15) / 0.92) ** 2)
    cap_rho = np.maximum(crown, 1 + (v - under) * 4)
    below = np.where(v < 0, np.float32(2), 0)
    stem_rho = np.maximum(
        au / (0.27 + 0.06 * smoothstep(0.6, 1.1, v)),
        np.maximum(1 + (v - 1.10) * 3, below),
    )
    rho = np.minimum(cap_rho, stem_rho)
    arc = np.abs(np.hypot((au - 0.52) / 0.34, (v - 0.30) / 0.30) - 0.80)
    gills = (
        smoothstep(0.30, 0.16, arc) * smoothstep(0.32, 0.2, v) * smoothstep(0.16, 0.24, au) * (crown < 0.93)
    )
    colour = blend(vary(rng, flesh, 0.03), cap, smoothstep(0.88, 0.93, crown) * (v < 0.30))
    colour = blend(colour, gill, 0.9 * gills)
    colour = blend(colour, flesh * 0.88, 0.6 * smoothstep(0.86, 1.0, rho) * (v > 0.25))
    height = plateau(rho, 0.10 + z, 0.07, 7) - 0.02 * gills
    canvas.lay(piece, over(rho, height), colour, 0.35)
