"""The law by which scenes are drawn, as plain data, and what its numbers may be."""

from __future__ import annotations

import math
from dataclasses import dataclass


class PlatesError(ValueError):
    """A number of the law, or a seed, lies outside its range; says what came and what was expected."""


@dataclass(frozen=True)
class PlatesSpec:
    """The law by which scenes are drawn. A scene is a pure function of (PlatesSpec, seed)."""

    size: int = 128  # side of the square photo in pixels, 64 to 512
    ambiguity: float = 1.0  # d: distance of the two sauces' looks in standard deviations
    context_strength: float = 0.9  # rho: probability that the companions agree with the sauce
    sauce_rate: float = 0.6  # probability that a scene holds one of the two sauces
    min_items: int = 3  # foods on a plate, sauce included
    max_items: int = 5


def check(spec: PlatesSpec) -> None:
    """Raise PlatesError unless every field of `spec` is inside its range."""
    rules = (
        ("size", 64 <= spec.size <= 512, "64 to 512 pixels"),
        ("ambiguity", math.isfinite(spec.ambiguity) and spec.ambiguity >= 0, "a number of at least 0"),
        ("context_strength", 0 <= spec.context_strength <= 1, "a probability, 0 to 1"),
        ("sauce_rate", 0 <= spec.sauce_rate <= 1, "a probability, 0 to 1"),
        ("min_items", 2 <= spec.min_items <= spec.max_items, "at least 2 and at most max_items"),
        ("max_items", spec.max_items <= 7, "at most 7"),
    )
    for name, holds, expected in rules:
        if not holds:
            raise PlatesError(f"plates.{name} is {getattr(spec, name)!r}; expected {expected}")
