"""Cuts that several foods share: cubes, sticks, rounds, wedges and shreds.

A cut takes the places of its pieces and a *look*, which is the food's own: a function of a piece and
of the distance from its middle (0) to its outline (1) that returns the colour, (h, w, 3), and the
relief that is added to the height, (h, w) or a number in local units. So a carrot and a cucumber can
both be sticks, and their grain, seeds and skin still tell them apart.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from rvernet_plates.canvas import Canvas, Piece, dome, plateau
from rvernet_plates.foods.arrange import GOLDEN, TURN, polar
from rvernet_plates.textures import Rng, between, smoothstep, vary

Look = Callable[[Piece, np.ndarray], tuple[np.ndarray, np.ndarray | float]]

RIDGE = 0.45  # where a wedge's cut face ends and its skin begins, on the way from -1 to 1 across it


class Place(NamedTuple):
    """Where one piece lies: centre, half axes and height `z` in local units, `angle` in radians."""

    x: float
    y: float
    rx: float
    ry: float
    angle: float
    z: float


# --- where the pieces lie ---------------------------------------------------------------------------


def heap(
    rng: Rng, count: int, size: float, aspect: float = 1.0, spread: float = 0.62, rise: float = 0.05
) -> list[Place]:
    """`count` pieces in a loose pile, as in a sunflower; `aspect` is their width over their length."""
    start, places = rng.uniform(0, TURN), []
    for k in range(count):
        x, y = polar(spread * np.sqrt((k + 0.2) / count), start + GOLDEN * k + rng.normal(0, 0.1))
        r = size * rng.uniform(0.88, 1.1)
        places.append(Place(x, y, r, r * aspect, rng.uniform(0, TURN), rise * (k % 3) + 0.2 * rise * k))
    return places


def fan(
    rng: Rng, count: int, rx: float, ry: float, length: float, bow: float = 0.0, rise: float = 0.05
) -> list[Place]:
    """`count` pieces in a row of the given length that bends by `bow`, each leaning on the one before."""
    places = []
    for k in range(count):
        t = (k - (count - 1) / 2) / max(count - 1, 1)
        y = bow * (4 * t * t - 0.5) * 0.5 + rng.normal(0, 0.03)
        places.append(Place(length * t, y, rx, ry, rng.normal(0, 0.07) + 0.8 * bow * t, rise * k))
    return places


def crossed(
    rng: Rng, count: int, length: tuple[float, float], width: tuple[float, float], spread: float
) -> list[Place]:
    """`count` long pieces in a loose stack, the same way but for `spread` radians; half axes as ranges."""
    main, places = rng.uniform(0, np.pi), []
    for k in range(count):
        x, y = rng.normal(0, 0.25, 2)
        pull = min(1.0, 0.42 / max(float(np.hypot(x, y)), 1e-6))
        places.append(
            Place(x * pull, y * pull, rng.uniform(*length), rng.uniform(*width),
                  main + rng.normal(0, spread), 0.03 * k)
        )  # fmt: skip
    return places


# --- the cuts ---------------------------------------------------------------------------------------


def cubes(canvas: Canvas, rng: Rng, places: Sequence[Place], look: Look, gloss: float) -> None:
    """Blocks with rounded edges, each tilted a little."""
    for x, y, rx, ry, angle, z in places:
        piece = canvas.piece(x, y, rx, ry, angle, 1.05)
        edge = _squared(piece)
        colour, relief = look(piece, edge)
        height = plateau(edge, 0.20 + z, 0.10, 5, 0.6) + 0.05 * rng.normal() * piece.u + relief
        _lay(canvas, piece, edge < 1, height, colour, gloss)


def rounds(
    canvas: Canvas, places: Sequence[Place], look: Look, gloss: float,
    thickness: float = 0.06, bevel: float = 9, lean: float = 0.0,
) -> None:  # fmt: skip
    """Round slices with a flat top; `lean` tilts them along the row in which they lie."""
    for x, y, rx, ry, angle, z in places:
        piece = canvas.piece(x, y, rx, ry, angle, 1.05)
        rho = piece.rho
        colour, relief = look(piece, rho)
        height = plateau(rho, 0.10 + z, thickness, bevel) + lean * piece.u + relief
        _lay(canvas, piece, rho < 1, height, colour, gloss)


def sticks(
    canvas: Canvas, places: Sequence[Place], look: Look, gloss: float, ripple: float = 0.0, bevel: float = 3.2
) -> None:
    """Long square-cut pieces; `ripple` gives them a wavy flank."""
    for x, y, rx, ry, angle, z in places:
        piece = canvas.piece(x, y, rx, ry, angle)
        wave = ripple * np.sin(piece.u * rx / 0.05) if ripple else 0
        edge = np.maximum(np.abs(piece.v) * (1 + wave), 1 - (1 - np.abs(piece.u)) * rx / ry)
        colour, relief = look(piece, edge)
        height = plateau(edge, 0.04 + z, ry * 1.3, bevel) + relief
        _lay(canvas, piece, edge < 1, height, colour, gloss)


def wedges(
    canvas: Canvas, rng: Rng, places: Sequence[Place], look: Look, gloss: float, curved: float = 0.35
) -> None:
    """Segments cut from a ball, lying on one face. The look's second argument is not a distance here.

    It runs across the wedge from -1 (the ball's axis) over `RIDGE` to 1 (down the skin).
    """
    for x, y, rx, ry, angle, z in places:
        piece = canvas.piece(x, y, rx, ry, angle, 1.3)
        bend = curved * rng.uniform(0.7, 1.2)
        half = np.sqrt(np.maximum(1 - piece.u**2, 1e-4))
        across = (piece.v - bend * (0.45 - piece.u**2)) / half
        inside = (np.abs(piece.u) < 1) & (np.abs(across) < 1)
        colour, relief = look(piece, across)
        face = (across + 1) / (1 + RIDGE)
        skin = np.sqrt(np.clip(1 - ((across - RIDGE) / (1 - RIDGE)) ** 2, 0, 1))
        height = z + 0.06 + ry * half * np.where(across < RIDGE, 0.15 + 0.85 * face, skin) + relief
        _lay(canvas, piece, inside, height, colour, gloss)


def shreds(
    canvas: Canvas, rng: Rng, palette: Sequence[np.ndarray], count: int, width: float, gloss: float,
    length: float = 0.4,
) -> None:  # fmt: skip
    """A tangle of short strips in the tones of a palette (two colours at least); half a `length` each."""
    whole = canvas.whole
    rho2 = (whole.u**2 + whole.v**2) / 0.62**2
    canvas.lay(whole, dome(rho2, 0.01, 0.22), 0.6 * between(rng, *palette), 0.1)
    s = np.linspace(-1, 1, 7)
    for k in range(count):
        far = 0.68 * np.sqrt((k + 0.5) / count) if k % 2 else 0.68 * rng.random()
        (x, y), turn = polar(far, GOLDEN * k), rng.uniform(0, TURN)
        half, bow = length * rng.uniform(0.6, 1.2), rng.normal(0, 0.3) * length
        along, across = half * s, bow * (1 - 2 * s * s)
        c, sn = np.cos(turn), np.sin(turn)
        z = 0.04 + 0.26 * (1 - far**2) * k / count
        tone = vary(rng, between(rng, *palette), 0.10)
        canvas.strand(x + along * c - across * sn, y + along * sn + across * c, width, z, tone, gloss)
    canvas.soften(0.1 * width)


def stained(field: np.ndarray, low: float, high: float, edge: np.ndarray) -> np.ndarray:
    """How browned a cut piece is, 0..1: in patches of a random `field`, and along its edges."""
    return np.clip(0.55 * smoothstep(low, high, field) + 0.6 * smoothstep(0.6, 1.0, edge), 0, 1)


def _squared(piece: Piece) -> np.ndarray:
    """Distance from the piece's middle that makes its outline a square with rounded corners."""
    u, v = piece.u * piece.u, piece.v * piece.v
    u, v = u * u, v * v
    return np.sqrt(np.sqrt(np.sqrt(u * u + v * v)))


def _lay(
    canvas: Canvas, piece: Piece, inside: np.ndarray, height: np.ndarray, colour: np.ndarray, gloss: float
) -> None:
    height = np.where(inside, np.maximum(height, 0.01), 0)
    canvas.lay(piece, height, np.clip(colour, 0, 1), gloss)
