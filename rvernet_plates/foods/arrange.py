"""Where the pieces of a portion lie, and the small bits that are strewn over it."""

from __future__ import annotations

from typing import Any, TypeVar

import numpy as np

from rvernet_plates.canvas import Canvas
from rvernet_plates.textures import Rng, rgb, vary

GOLDEN = 2.4  # radians between successive pieces of a pile, as in a sunflower: no two line up
TURN = 2 * np.pi

T = TypeVar("T")

SESAME, CHIVES, TOASTED, PARSLEY = GARNISHES = (  # colour and size in local units
    (rgb(40, 36, 34), 0.03),
    (rgb(74, 140, 50), 0.055),
    (rgb(228, 206, 150), 0.032),
    (rgb(60, 120, 44), 0.04),
)


USUAL_COLOUR, USUAL_CUT = 0.3, 0.9  # so that the shape tells more than the colour does


def one_of(rng: Rng, usual: T, *others: T, share: float = USUAL_COLOUR) -> T:
    """The usual variety with probability `share`, else one of the others, all equally likely.

    A food draws its cut and its palette by two calls, so that neither tells the other.
    """
    chance, index = rng.random(), int(rng.integers(max(len(others), 1)))  # both drawn in any case
    return usual if chance < share or not others else others[index]


def a_cut(rng: Rng, usual: T, *others: T) -> T:
    """How a food is cut or laid out: the usual way with the probability USUAL_CUT, else another."""
    return one_of(rng, usual, *others, share=USUAL_CUT)


def polar(far: float | np.ndarray, angle: float | np.ndarray) -> tuple[Any, Any]:
    """(x, y) at the distance `far` from the centre in the direction `angle`."""
    return far * np.cos(angle), far * np.sin(angle)


def ring(rng: Rng, count: int, far: float) -> list[tuple[float, float]]:
    """`count` places around the centre (one of them in it if there are more than four)."""
    inner = 1 if count > 4 else 0
    outer = count - inner
    start = rng.uniform(0, TURN)
    angles = start + TURN * np.arange(outer) / max(outer, 1) + rng.normal(0, 0.08, outer)
    far = 0.0 if count == 1 else far
    return [(0.0, 0.0)] * inner + [polar(far, a) for a in angles]


def strewn(rng: Rng, count: int, far: float) -> tuple[np.ndarray, np.ndarray]:
    """(x, y) of `count` random places, evenly over the disc of radius `far`."""
    return polar(far * np.sqrt(rng.random(count)), rng.uniform(0, TURN, count))


def garnish(
    canvas: Canvas, rng: Rng, count: int, kind: tuple[np.ndarray, float], spread: float = 0.6
) -> None:
    """Sprinkle small bits of a `kind` (see GARNISHES) on what is already on the canvas."""
    colour, size = kind
    x, y = strewn(rng, count, spread)
    level = canvas.levels(x, y)
    on = level > 0
    angle, shades = rng.uniform(0, np.pi, count), vary(rng, colour, 0.15, count)
    if on.any():
        canvas.scatter(x[on], y[on], size, 0.7 * size, angle[on], level[on] + 0.02, 0.03, shades[on], 0.3)


def any_garnish(rng: Rng, first: int = 0) -> tuple[np.ndarray, float]:
    """A random kind of garnish, leaving out those before `first`."""
    return GARNISHES[int(rng.integers(first, len(GARNISHES)))]
