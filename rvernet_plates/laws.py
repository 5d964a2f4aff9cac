"""What is on a plate: the law of classes and companions, without places and without drawing.

Two pairs of classes look alike: the sauces and the drinks. A scene holds a sauce with one rate and a
drink with another, independently. Both classes of a pair are equally frequent. Each class has a group of
four companions; all companions of an ambiguous item come from one group, its own with probability rho and
that of the pair's other class otherwise, and no food of the remaining group is in the scene. So the
group says rho and the look says d, and nothing else says anything.

A scene with one pair has one or two of its companions, a scene with both has one for each. The other
foods are drawn so that over many scenes all plain foods are equally frequent; among them are the
companions of a pair that is not there: for the pair that is, they are neutral.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rvernet_plates.foods import FOOD_TABLE
from rvernet_plates.spec import PlatesError, PlatesSpec
from rvernet_plates.textures import Rng

Pair = tuple[str, str]
SAUCES: Pair = ("ketchup", "chili paste")
DRINKS: Pair = ("water", "liquor")
AMBIGUOUS_PAIRS: tuple[Pair, ...] = (SAUCES, DRINKS)

_GROUP = 4  # companions of a class
COMPANIONS: dict[str, tuple[str, ...]] = {
    "ketchup": ("french fries", "hamburg", "sausage", "egg"),
    "chili paste": ("rice", "noodles", "wonton dumplings", "tofu"),
    "water": ("bread", "cucumber", "lettuce", "apple"),
    "liquor": ("olives", "cheese butter", "shrimp", "grape"),
}
CONTEXT: dict[Pair, tuple[str, ...]] = {
    pair: COMPANIONS[pair[0]] + COMPANIONS[pair[1]] for pair in AMBIGUOUS_PAIRS
}
NEUTRAL = tuple(name for name in FOOD_TABLE if not any(name in foods for foods in CONTEXT.values()))
FOODS = (*FOOD_TABLE, *DRINKS, *SAUCES)


@dataclass(frozen=True)
class Law:
    """The three numbers of a pair: distance of the looks, strength of the context, share of the scenes."""

    d: float
    rho: float
    rate: float


@dataclass(frozen=True)
class Member:
    """An ambiguous item: its class, and the class to which its companions belong."""

    name: str
    company: str


@dataclass(frozen=True)
class Choice:
    """What is in a scene: the ambiguous items, at most one of each pair, and the plain foods."""

    members: dict[Pair, Member]
    foods: tuple[str, ...]


def law(spec: PlatesSpec, pair: Pair) -> Law:
    """The law of one of AMBIGUOUS_PAIRS; PlatesError for any other pair."""
    if pair == SAUCES:
        return Law(spec.ambiguity, spec.context_strength, spec.sauce_rate)
    if pair == DRINKS:
        return Law(spec.drink_ambiguity, spec.drink_context_strength, spec.drink_rate)
    raise PlatesError(f"pair is {pair!r}; expected one of {AMBIGUOUS_PAIRS}")


def pair_of(name: str) -> Pair | None:
    """The ambiguous pair that has the class `name`, if any."""
    return next((pair for pair in AMBIGUOUS_PAIRS if name in pair), None)


def choose(spec: PlatesSpec, rng: Rng) -> Choice:
    """Draw what is in a scene. Everything is drawn, needed or not, so that no choice shifts the others."""
    coins = rng.random((len(AMBIGUOUS_PAIRS), 3))
    count = int(rng.integers(spec.min_items, spec.max_items + 1))
    wanted = [int(n) for n in rng.integers(1, 3, len(AMBIGUOUS_PAIRS))]
    orders: dict[Pair, np.ndarray] = {pair: rng.permutation(_GROUP) for pair in AMBIGUOUS_PAIRS}
    slots = rng.random(6)  # as many as max_items may be
    supply: dict[Pair, list] = {pair: list(rng.permutation(CONTEXT[pair])) for pair in AMBIGUOUS_PAIRS}
    neutral = list(rng.permutation(NEUTRAL))

    members: dict[Pair, Member] = {}
    for pair, (held, first, agrees) in zip(AMBIGUOUS_PAIRS, coins, strict=True):
        rules = law(spec, pair)
        if held < rules.rate:
            own, other = pair if first < 0.5 else pair[::-1]
            members[pair] = Member(own, own if agrees < rules.rho else other)
    count = _items(count, len(members))
    foods = []
    for pair, most in zip(AMBIGUOUS_PAIRS, wanted, strict=True):
        if pair in members:
            group = COMPANIONS[members[pair].company]
            foods += [group[i] for i in orders[pair][: _companions(most, count, len(members))]]
    share = shares(spec)
    for u in slots[: count - len(members) - len(foods)]:
        source = neutral
        for pair in AMBIGUOUS_PAIRS:
            if pair not in members and u < share[pair]:
                source = supply[pair]
                break
            u -= 0 if pair in members else share[pair]
        foods.append(str(source.pop()))
    return Choice(members, tuple(foods))


def _items(count: int, members: int) -> int:
    """Items in a scene that was to hold `count`: each ambiguous one needs room for a companion."""
    return max(count, 2 * members)


def _companions(most: int, count: int, members: int) -> int:
    """Companions of each ambiguous item: one where there are two such items, else one or two."""
    return 1 if members > 1 else min(most, count - 1)


def shares(spec: PlatesSpec) -> dict[Pair, float]:
    """For each pair: probability that a free place goes to one of its eight companions where it is absent.

    Chosen so that all plain foods are equally frequent; clipped to 0..1, for where most scenes hold a
    sauce its companions are more frequent than the others anyway.
    """
    counts = range(spec.min_items, spec.max_items + 1)
    foods = 0.0
    taken: dict[Pair, float] = dict.fromkeys(AMBIGUOUS_PAIRS, 0.0)
    free = taken.copy()
    rates = [law(spec, pair).rate for pair in AMBIGUOUS_PAIRS]
    for held in np.ndindex(*(2,) * len(rates)):
        members = sum(held)
        chance = float(np.prod([r if h else 1 - r for r, h in zip(rates, held, strict=True)])) / len(counts)
        for count in (_items(c, members) for c in counts):
            each = np.mean([_companions(most, count, members) for most in (1, 2)])
            foods += chance * (count - members)
            for pair, here in zip(AMBIGUOUS_PAIRS, held, strict=True):
                if here:
                    taken[pair] += chance * float(each)
                else:
                    free[pair] += chance * (count - members - members * float(each))
    return {
        pair: float(np.clip((foods * len(CONTEXT[pair]) / len(FOOD_TABLE) - taken[pair]) / free[pair], 0, 1))
        if free[pair] > 0
        else 0.0
        for pair in AMBIGUOUS_PAIRS
    }
