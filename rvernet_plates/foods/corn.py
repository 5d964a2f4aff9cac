"""Corn: on the cob, in slices and as kernels."""

from __future__ import annotations

import numpy as np

from rvernet_plates.canvas import Canvas, Piece, dome, lobes
from rvernet_plates.foods.arrange import TURN, a_cut, one_of, polar
from rvernet_plates.foods.cuts import heap, rounds
from rvernet_plates.foods.dressing import dressed
from rvernet_plates.textures import Rng, between, blend, rgb, smoothstep, vary

# palettes: the usual one first
CORNS = (
    (rgb(252, 222, 84), rgb(246, 194, 40), rgb(232, 170, 40)),
    (rgb(250, 244, 216), rgb(244, 232, 190)),  # white
    (rgb(84, 52, 96), rgb(60, 44, 74)),  # purple
    (rgb(172, 58, 44), rgb(140, 44, 42)),  # red
    (rgb(222, 140, 40), rgb(190, 104, 36)),  # grilled
)


@dressed(hue=9)
def corn(canvas: Canvas, rng: Rng) -> None:
    """A cob or two half cobs, a heap of loose kernels, or thick slices of the cob."""
    form = a_cut(rng, "cob", "kernels", "slices")
    yellow, mixed = between(rng, *one_of(rng, *CORNS)), rng.random() < 0.15
    if form == "kernels":
        _kernels(canvas, rng, yellow, mixed)
    elif form == "slices":
        _cob_slices(canvas, rng, yellow)
    elif rng.random() < 0.5:
        _cob(canvas, rng, 0.0, 0.0, 1.02, rng.uniform(0.36, 0.46), yellow, 0.0, mixed)
    else:
        gap = rng.uniform(0.42, 0.5)
        for side, tilt in ((-1, rng.normal(0, 0.2)), (1, rng.normal(0, 0.3))):
            _cob(canvas, rng, rng.normal(0, 0.08), side * gap, 0.66, 0.40, yellow, tilt, mixed)


def _kernel_tones(rng: Rng, tone: np.ndarray, mixed: bool, count: int) -> np.ndarray:
    """The colours of `count` kernels (count, 3): much alike, or on a mixed cob each its own."""
    shades = vary(rng, tone, 0.10, count)
    if mixed:
        others = np.stack([colours[0] for colours in CORNS])[rng.integers(0, len(CORNS), count)]
        shades = np.where((rng.random(count) < 0.4)[:, None], others, shades)
    return shades


def _kernels(canvas: Canvas, rng: Rng, yellow: np.ndarray, mixed: bool) -> None:
    _, u, v = canvas.whole
    v = v * np.float32(rng.uniform(1, 1.3))
    rho = np.sqrt(u * u + v * v) / lobes(rng, np.arctan2(v, u), range(2, 6), 0.07)
    canvas.lay(canvas.whole, dome((rho / 0.84) ** 2, 0.02, 0.30), yellow * 0.62, 0.2)
    count = 125
    steps = np.arange(count)
    x, y = polar(0.88 * np.sqrt((steps + 0.5) / count), 2.39996 * steps + rng.uniform(0, 6))
    x, y = x + rng.normal(0, 0.03, count), y + rng.normal(0, 0.03, count)
    level = canvas.levels(x, y)
    on = level > 0
    size, angle = rng.uniform(0.082, 0.108, count), rng.uniform(0, np.pi, count)
    z, shades = level + rng.uniform(0, 0.05, count), _kernel_tones(rng, yellow, mixed, count)
    canvas.scatter(x[on], y[on], size[on], 0.8 * size[on], angle[on], z[on], 0.075, shades[on], 0.5)


def _cob(
    canvas: Canvas, rng: Rng, x: float, y: float, length: float, width: float, tone: np.ndarray, angle: float,
    mixed: bool,
) -> None:  # fmt: skip
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
    tones = _kernel_tones(rng, tone, mixed, 64)
    number = (37 * row + 11 * np.round(columns)).astype(np.int32) % 64  # neighbours differ
    colour = np.take(tones, number, axis=0) * (0.60 + 0.40 * bump)[..., None]
    core = smoothstep(-0.93, -0.97, u)
    colour = blend(colour, rgb(226, 210, 150), core)
    canvas.lay(piece, height, np.clip(colour, 0, 1), 0.5)


def _cob_slices(canvas: Canvas, rng: Rng, tone: np.ndarray) -> None:
    """Wheels with a ring of kernels around a woody core."""
    kernels = int(rng.integers(13, 18))

    def look(piece: Piece, rho: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        cell = np.abs(((piece.theta * kernels / TURN) % 1) - 0.5) * 2  # 1 between two kernels
        kernel = smoothstep(0.50, 0.58, rho) * smoothstep(1.0, 0.7, cell) * smoothstep(1.02, 0.94, rho)
        colour = blend(rgb(236, 226, 176), rgb(250, 246, 220), smoothstep(0.30, 0.22, rho))
        colour = blend(colour, tone * 0.62, smoothstep(0.48, 0.54, rho))
        return blend(colour, vary(rng, tone, 0.06), kernel), 0.06 * kernel

    count = int(rng.integers(3, 6))
    rounds(canvas, heap(rng, count, 0.86 / np.sqrt(count), 0.96, 0.60, 0.12), look, 0.5, 0.10, 7)
