"""Potato, and french fries."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, Piece, dome, lobes, plateau
from rvernet_plates.foods.arrange import TURN, a_cut, garnish, one_of, polar
from rvernet_plates.foods.cuts import RIDGE, crossed, cubes, heap, rounds, stained, sticks, wedges
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary

# palettes: the usual one first
FRIES = (
    (rgb(250, 218, 122), rgb(240, 190, 84), rgb(222, 158, 62)),
    (rgb(244, 142, 54), rgb(224, 112, 40)),  # sweet potato
    (rgb(248, 236, 186), rgb(246, 226, 160)),  # pale
    (rgb(150, 92, 144), rgb(120, 70, 122)),  # purple
    (rgb(176, 112, 52), rgb(150, 90, 42)),  # well done
)
FLESHES = (
    (rgb(246, 226, 150), rgb(236, 204, 110)),
    (rgb(250, 244, 222), rgb(244, 234, 200)),  # white
    (rgb(140, 96, 160), rgb(104, 74, 136)),  # blue
    (rgb(240, 168, 88), rgb(232, 146, 66)),  # orange
)
SKINS = (
    (rgb(214, 170, 96), rgb(176, 122, 66)),
    (rgb(176, 74, 74), rgb(144, 60, 62)),  # red
    (rgb(86, 66, 104), rgb(68, 54, 84)),  # blue
)


@dressed(hue=10)
def french_fries(canvas: Canvas, rng: Rng) -> None:
    """A loose stack of sticks, pale to well done; crinkle-cut, broad or curly."""
    form = a_cut(rng, "straight", "crinkle", "broad", "curly")
    tone = between(rng, *one_of(rng, *FRIES))
    surface, brown = canvas.noise(rng, 5, octaves=2), tone * 0.5 + rgb(58, 16, -8)
    if form == "curly":
        _curly_fries(canvas, rng, tone, brown)
        return

    def look(piece: Piece, edge: np.ndarray) -> tuple[np.ndarray, float]:
        toasted = smoothstep(0.45, 1.0, edge) * 0.5 + smoothstep(0.75, 1.0, np.abs(piece.u)) * 0.5
        toasted = np.clip(toasted + 0.25 * surface[piece.window], 0, 1)
        return blend(vary(rng, tone, 0.07), brown, toasted * 0.8), 0.0

    half = rng.uniform(0.11, 0.14) if form == "broad" else rng.uniform(0.052, 0.085)
    count = int(rng.integers(7, 12) if form == "broad" else rng.integers(13, 24))
    places = crossed(rng, count, (0.42, 0.74), (half * 0.85, half * 1.2), rng.uniform(0.25, 0.9))
    sticks(canvas, places, look, 0.22, 0.14 if form == "crinkle" else 0.0)


def _curly_fries(canvas: Canvas, rng: Rng, tone: np.ndarray, brown: np.ndarray) -> None:
    s = np.linspace(0, 1, 44)
    for k in range(int(rng.integers(6, 9))):
        x, y = polar(0.52 * np.sqrt(k / 8), 2.4 * k + rng.normal(0, 0.2))
        r, turns, heading = rng.uniform(0.20, 0.30), rng.uniform(1.3, 2.4), rng.uniform(0, TURN)
        angle, slide = TURN * turns * s + heading, 0.34 * (s - 0.5) * turns
        px, py = x + r * np.cos(angle), y + r * np.sin(angle)
        px, py = px + slide * np.cos(heading), py + slide * np.sin(heading)
        canvas.strand(px, py, 0.13, 0.04 + 0.04 * k, blend(vary(rng, tone, 0.07), brown, 0.55), 0.2)
        canvas.strand(px, py, 0.085, 0.07 + 0.04 * k, vary(rng, tone, 0.07), 0.22)


@dressed(hue=7)
def potato(canvas: Canvas, rng: Rng) -> None:
    """Small ones, boiled or roasted; halves with the cut side up; cubes, wedges, slices; or mashed."""
    form = a_cut(rng, _small_potatoes, _small_potatoes_halved, _potato_cubes, _potato_wedges,
                  _potato_slices, _mashed_potato)  # fmt: skip
    flesh = between(rng, *one_of(rng, *FLESHES))
    form(canvas, rng, flesh, between(rng, *one_of(rng, *SKINS)))
    if rng.random() < 0.5:
        garnish(canvas, rng, 14, (rgb(64, 120, 40), 0.035), 0.75)


def _small_potatoes_halved(canvas: Canvas, rng: Rng, flesh: np.ndarray, skin: np.ndarray) -> None:
    _small_potatoes(canvas, rng, flesh, skin, halved=True)


def _small_potatoes(
    canvas: Canvas, rng: Rng, flesh: np.ndarray, skin: np.ndarray, halved: bool = False
) -> None:
    peeled, count = rng.random() < 0.5, int(rng.integers(2, 8))
    surface, fine = canvas.noise(rng, 2.2, octaves=3), canvas.noise(rng, 16)
    size = {2: 0.54, 3: 0.46, 4: 0.42}.get(count, 0.36)
    for x, y, rx, ry, angle, z in heap(rng, count, size, rng.uniform(0.68, 0.92), 0.68, 0.01):
        piece = canvas.piece(x, y, rx, ry, angle, 1.2)
        patch = surface[piece.window]
        rho2 = (piece.u**2 + piece.v**2) * (1 + 0.12 * patch)
        if halved:
            height = plateau(rho2, 0.02 + z, 0.26, 3) + 0.008 * fine[piece.window]
            colour = blend(flesh, flesh * rgb(214, 170, 110), smoothstep(0.1, 0.9, patch + 0.5 * rho2) * 0.6)
            colour = blend(colour, skin, smoothstep(0.78, 0.92, rho2))
        else:
            height = dome(rho2, 0.02 + z, rx * 0.75) + 0.006 * fine[piece.window]
            base, spots = (flesh, blend(flesh, skin, 0.7)) if peeled else (skin, skin * 0.6)
            colour = blend(vary(rng, base, 0.07), spots, smoothstep(0.25, 0.9, patch) * 0.75)
            colour = colour * (1 - 0.22 * smoothstep(0.55, 1.0, rho2))[..., None]  # darker where they touch
            eyes = smoothstep(0.50, 0.62, fine[piece.window]) * smoothstep(0.8, 0.5, rho2)
            height, colour = height - 0.02 * eyes, blend(colour, spots * 0.8, 0.5 * eyes)
            if not peeled:  # a net of russet
                colour = colour * (1 + 0.08 * fine[piece.window])[..., None]
                colour = blend(colour, skin * 0.4, smoothstep(0.62, 0.72, fine[piece.window]) * 0.8)
        canvas.lay(piece, np.where(rho2 < 1, np.maximum(height, 0.01), 0), np.clip(colour, 0, 1), 0.35)


def _potato_cubes(canvas: Canvas, rng: Rng, flesh: np.ndarray, skin: np.ndarray) -> None:
    surface, mealy, roast = canvas.noise(rng, 4, octaves=3), canvas.noise(rng, 16), rng.uniform(0, 1)

    def look(piece: Piece, edge: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        crisp = roast * stained(surface[piece.window], 0.1, 0.8, edge)
        colour = blend(vary(rng, flesh, 0.05), flesh * 0.4 + rgb(96, 50, 10), crisp * 0.85)
        return colour, 0.014 * mealy[piece.window] + 0.02 * surface[piece.window]

    count = int(rng.integers(7, 15))
    cubes(canvas, rng, heap(rng, count, 0.70 / np.sqrt(count), rng.uniform(0.85, 1), 0.66), look, 0.25)


def _potato_wedges(canvas: Canvas, rng: Rng, flesh: np.ndarray, skin: np.ndarray) -> None:
    surface = canvas.noise(rng, 5, octaves=2)

    def look(piece: Piece, across: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        patch = surface[piece.window]
        crisp = np.clip(np.abs(piece.u) ** 3 + smoothstep(0.1, 0.45, across) + 0.4 * patch, 0, 1)
        colour = blend(vary(rng, flesh, 0.05), flesh * 0.4 + rgb(96, 50, 10), 0.7 * crisp)
        return blend(colour, skin * 0.9, smoothstep(RIDGE - 0.03, RIDGE + 0.1, across)), 0.012 * patch

    count = int(rng.integers(4, 8))
    wedges(canvas, rng, heap(rng, count, 0.68, 0.30, 0.58, 0.04), look, 0.3, 0.2)


def _potato_slices(canvas: Canvas, rng: Rng, flesh: np.ndarray, skin: np.ndarray) -> None:
    surface, roast = canvas.noise(rng, 4, octaves=3), rng.uniform(0.2, 1)

    def look(piece: Piece, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        patch = surface[piece.window]
        crisp = roast * np.clip(0.6 * smoothstep(0.1, 0.8, patch) + 0.5 * smoothstep(0.6, 0.9, rho), 0, 1)
        colour = blend(vary(rng, flesh, 0.05), flesh * 0.4 + rgb(96, 50, 10), crisp * 0.8)
        return blend(colour, skin * 0.9, smoothstep(0.92, 0.97, rho)), 0.02 * patch

    count = int(rng.integers(5, 10))
    rounds(canvas, heap(rng, count, 0.98 / np.sqrt(count), rng.uniform(0.75, 0.95)), look, 0.3)


def _mashed_potato(canvas: Canvas, rng: Rng, flesh: np.ndarray, skin: np.ndarray) -> None:
    """A soft heap with the grooves of a fork; a little skin is left in it."""
    whole = canvas.whole
    lumps, crumbs = canvas.noise(rng, 5, octaves=3), canvas.noise(rng, 14)
    rho = whole.rho / (0.94 * lobes(rng, whole.theta, range(2, 9), 0.08))
    groove = np.sin(rng.uniform(15, 19) * (whole.u + 0.25 * whole.v**2) + 0.8 * lumps)
    height = dome(rho**2, 0.03, 0.40, 0.6) + 0.035 * groove * smoothstep(1.0, 0.7, rho) + 0.035 * lumps
    colour = flesh * (1 + 0.03 * groove + 0.03 * lumps)[..., None]
    colour = blend(colour, skin, 0.8 * smoothstep(0.72, 0.82, crumbs))
    canvas.lay(whole, np.where(rho < 1, np.maximum(height, 0.01), 0), np.clip(colour, 0, 1), 0.3)
