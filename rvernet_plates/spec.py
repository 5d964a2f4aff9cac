"""The law by which scenes are drawn, as plain data, and what its numbers may be."""

from __future__ import annotations

import math
from dataclasses import dataclass


class PlatesError(ValueError):
    """A number of the law, or a seed, lies outside its range; says what came and what was expected."""


@dataclass(frozen=True)
class PlatesSpec:
    """The law by which scenes are drawn. A scene is a pure function of (PlatesSpec, seed).

    Each of the two ambiguous pairs has three numbers: how far apart the looks of its classes are (in
    standard deviations), how often the companions agree with the class, and how often a scene holds one.
    """

    size: int = 128  # longer side of the photo in pixels, 64 to 512
    ambiguity: float = 1.5  # d of ketchup and chili paste
    context_strength: float = 0.8  # rho: probability that the companions agree with the sauce
    sauce_rate: float = 0.35  # probability that a scene holds one of the two sauces
    drink_ambiguity: float = 0.0  # d of water and liquor; 0: nothing in the glass tells them apart
    drink_context_strength: float = 0.9
    drink_rate: float = 0.35
    min_items: int = 3  # foods in a scene, sauce and drink included; a scene with both has at least four
    max_items: int = 4


def check(spec: PlatesSpec) -> None:
    """Raise PlatesError unless every field of `spec` is inside its range."""
    distances, shares = ("ambiguity", "drink_ambiguity"), ("context_strength", "drink_context_strength")
    rates = ("sauce_rate", "drink_rate")
    rules = (
        ("size", 64 <= spec.size <= 512, "64 to 512 pixels"),
        *((name, _distance(getattr(spec, name)), "a number of at least 0") for name in distances),
        *((name, 0 <= getattr(spec, name) <= 1, "a probability, 0 to 1") for name in (*shares, *rates)),
        ("min_items", 2 <= spec.min_items <= spec.max_items, "at least 2 and at most max_items"),
        ("max_items", spec.max_items <= 6, "at most 6"),
    )
    for name, holds, expected in rules:
        if not holds:
            raise PlatesError(f"plates.{name} is {getattr(spec, name)!r}; expected {expected}")


def _distance(value: float) -> bool:
    return math.isfinite(value) and value >= 0
