"""The best that any model can do on the two sauces, known because the generator is known.

The look is t ~ N(+d/2, 1) for ketchup and N(-d/2, 1) for chili paste, both equally frequent; the
companions' group agrees with the class with probability rho, independently of t. The Bayes rule
adds the two log odds, d * t + L with L = log(rho / (1 - rho)) signed by the group.

F1 here is the mean of the two sauces' F1 over a balanced test set of sauces alone. The Bayes rule is
symmetric in the classes, so both precisions and both recalls equal the accuracy, and so does F1.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from rvernet_plates.spec import PlatesError


@dataclass(frozen=True)
class Ceiling:
    """Accuracy and mean F1 of the Bayes classifier on a balanced test set of the two sauces, 0.5 to 1."""

    accuracy: float
    f1: float


def roi_ceiling(d: float) -> Ceiling:
    """From the ROI alone: Phi(d / 2). `d` >= 0 is the distance of the means (PlatesSpec.ambiguity)."""
    _check(d)
    return _symmetric(_phi(d / 2))


def context_ceiling(d: float, rho: float) -> Ceiling:
    """From the ROI and its companions, which agree with the class with probability `rho`.

    rho * Phi((d*d/2 + L) / d) + (1 - rho) * Phi((d*d/2 - L) / d) with L = log(rho / (1 - rho)), and
    its limits: 1 at rho 0 or 1, the ROI's ceiling at rho 0.5, and max(rho, 1 - rho) at d 0. Raises
    PlatesError for d < 0 or rho outside 0..1.
    """
    _check(d, rho)
    rho = max(rho, 1 - rho)  # a group that always disagrees tells as much as one that always agrees
    if rho == 1:
        return _symmetric(1.0)
    if d == 0:
        return _symmetric(rho)
    log_odds = math.log(rho / (1 - rho))
    return _symmetric(rho * _phi(d / 2 + log_odds / d) + (1 - rho) * _phi(d / 2 - log_odds / d))


def _symmetric(accuracy: float) -> Ceiling:
    return Ceiling(accuracy, accuracy)


def _phi(x: float) -> float:
    """The standard normal distribution function."""
    return 0.5 * math.erfc(-x / math.sqrt(2))


def _check(d: float, rho: float = 0.5) -> None:
    if not (math.isfinite(d) and d >= 0):
        raise PlatesError(f"ambiguity is {d!r}; expected a number of at least 0")
    if not 0 <= rho <= 1:
        raise PlatesError(f"context_strength is {rho!r}; expected a probability, 0 to 1")
