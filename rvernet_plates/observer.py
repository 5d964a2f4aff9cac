"""The ideal observer on the very items that were drawn: how sure of the class could anyone be?

`ceilings` holds what the Bayes rule reaches on average. Here is what it says of one item, exactly, from
the look alone, from the company alone, and from both: the two log odds add up, since look and company
are independent given the class.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

from rvernet_plates.laws import Law, law, pair_of
from rvernet_plates.spec import PlatesError, PlatesSpec


class Observed(Protocol):
    """What the observer needs of an item; SceneItem and Placed have it."""

    @property
    def name(self) -> str: ...
    @property
    def latent(self) -> float | None: ...
    @property
    def company(self) -> str | None: ...


@dataclass(frozen=True)
class Posterior:
    """Probability of the pair's first class, each 0..1, given that the item is one of the pair."""

    look: float
    company: float
    both: float


def posterior(spec: PlatesSpec, item: Observed) -> Posterior:
    """What the look and the company of an ambiguous item say, under the law of `spec`.

    Raises PlatesError for an item that belongs to no ambiguous pair.
    """
    pair = pair_of(item.name)
    if pair is None or item.latent is None or item.company not in pair:
        raise PlatesError(f"{item!r} is no item of an ambiguous pair; expected one with a look and a company")
    rules = law(spec, pair)
    look = rules.d * item.latent  # log odds of N(d/2, 1) against N(-d/2, 1)
    company = _log_odds(rules) * (1 if item.company == pair[0] else -1)
    return Posterior(_logistic(look), _logistic(company), _logistic(look + company))


def _log_odds(rules: Law) -> float:
    if rules.rho in (0, 1):
        return math.inf if rules.rho else -math.inf
    return math.log(rules.rho / (1 - rules.rho))


def _logistic(x: float) -> float:
    """1 / (1 + exp(-x)), without overflow."""
    return 1 / (1 + math.exp(-x)) if x >= 0 else math.exp(x) / (1 + math.exp(x))
