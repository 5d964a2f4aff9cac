"""What is on a plate: rates, fairness, agreement, and equal frequencies, over thousands of draws."""

from collections import Counter

import numpy as np
import pytest

from rvernet_core.data.names import FOODSEG103
from rvernet_plates import (
    AMBIGUOUS_PAIRS,
    COMPANIONS,
    DRINKS,
    FOODS,
    NEUTRAL,
    SAUCES,
    PlatesError,
    PlatesSpec,
    law,
    pair_of,
)
from rvernet_plates.foods import FOOD_TABLE
from rvernet_plates.laws import CONTEXT, choose, shares

N = 4000


def draws(n=N, **law):
    spec = PlatesSpec(**law)
    return [choose(spec, np.random.default_rng([7, seed])) for seed in range(n)]


@pytest.fixture(scope="module")
def choices():
    return draws()


def test_names_are_foodseg103s_and_the_ambiguous_pairs_come_last():
    assert FOODS[-2:] == SAUCES == ("ketchup", "chili paste")
    assert FOODS[-4:-2] == DRINKS == ("water", "liquor")
    assert len(set(FOODS)) == len(FOODS) == len(FOOD_TABLE) + 4
    assert set(FOOD_TABLE) <= set(FOODSEG103)
    assert len(FOOD_TABLE) >= 36


def test_four_groups_of_four_share_no_food():
    assert set(COMPANIONS) == {*SAUCES, *DRINKS}
    assert {len(group) for group in COMPANIONS.values()} == {4}
    together = [food for group in COMPANIONS.values() for food in group]
    assert len(set(together)) == 16
    assert set(together) | set(NEUTRAL) == set(FOOD_TABLE)
    assert not set(together) & set(NEUTRAL)


def test_pairs_and_their_laws():
    spec = PlatesSpec(ambiguity=0.7, drink_rate=0.1)
    assert (law(spec, SAUCES).d, law(spec, SAUCES).rho, law(spec, DRINKS).rate) == (0.7, 0.8, 0.1)
    assert PlatesSpec().drink_ambiguity == law(PlatesSpec(), DRINKS).d == 0
    assert pair_of("liquor") == DRINKS
    assert pair_of("rice") is None
    with pytest.raises(PlatesError, match="expected one of"):
        law(spec, ("rice", "noodles"))


def test_each_pair_is_as_frequent_as_its_rate_and_both_are_independent(choices):
    held = np.array([[pair in choice.members for pair in AMBIGUOUS_PAIRS] for choice in choices])
    assert np.abs(held.mean(0) - 0.35).max() < 4 * (0.35 * 0.65 / N) ** 0.5
    assert abs(np.corrcoef(held.T)[0, 1]) < 4 / N**0.5


@pytest.mark.parametrize(("pair", "rho"), [(SAUCES, 0.8), (DRINKS, 0.9)])
def test_classes_are_fair_and_companions_agree_as_often_as_rho(choices, pair, rho):
    members = [choice.members[pair] for choice in choices if pair in choice.members]
    first = np.mean([member.name == pair[0] for member in members])
    assert abs(first - 0.5) < 4 * 0.5 / len(members) ** 0.5
    agreement = np.mean([member.name == member.company for member in members])
    assert abs(agreement - rho) < 4 * (rho * (1 - rho) / len(members)) ** 0.5


def test_companions_come_from_one_group(choices):
    for choice in choices:
        foods = set(choice.foods)
        assert len(foods) == len(choice.foods)
        for pair, member in choice.members.items():
            other = pair[1 - pair.index(member.company)]
            own = len(foods & set(COMPANIONS[member.company]))
            assert own == 1 if len(choice.members) == 2 else 1 <= own <= 2
            assert not foods & set(COMPANIONS[other])


def test_a_scene_holds_three_or_four_items_and_four_with_both_pairs(choices):
    sizes = {k: Counter() for k in range(3)}
    for choice in choices:
        sizes[len(choice.members)][len(choice.foods) + len(choice.members)] += 1
    assert set(sizes[0]) == set(sizes[1]) == {3, 4}
    assert set(sizes[2]) == {4}
    small = draws(60, min_items=2, max_items=2, sauce_rate=1.0, drink_rate=1.0)
    assert {len(choice.foods) for choice in small} == {2}


@pytest.mark.parametrize(
    "rates", [{}, {"sauce_rate": 0.0}, {"sauce_rate": 0.0, "drink_rate": 0.0}, {"max_items": 6}]
)
def test_plain_foods_are_equally_frequent(rates):
    counts = Counter(food for choice in draws(**rates) for food in choice.foods)
    mean = sum(counts.values()) / len(FOOD_TABLE)
    assert set(counts) == set(FOOD_TABLE)
    assert max(abs(c - mean) for c in counts.values()) < 4.5 * mean**0.5


def test_the_four_ambiguous_classes_are_equally_frequent_and_the_most_frequent(choices):
    counts = Counter(member.name for choice in choices for member in choice.members.values())
    plain = sum(len(choice.foods) for choice in choices) / len(FOOD_TABLE)
    mean = sum(counts.values()) / 4
    assert max(abs(c - mean) for c in counts.values()) < 4 * mean**0.5
    assert 1.2 < mean / plain < 2.6


def test_the_other_pairs_companions_say_nothing():
    """In scenes with a sauce alone, companions of drinks are as frequent with either sauce and group."""
    rows = {}
    for choice in draws(drink_rate=0.0, sauce_rate=0.5):
        if SAUCES in choice.members:
            member = choice.members[SAUCES]
            count = len(set(choice.foods) & set(CONTEXT[DRINKS]))
            for key in ("class " + member.name, "group " + member.company):
                rows.setdefault(key, []).append(count)
    assert np.mean(rows["class ketchup"]) > 0.2
    for what in ("class ", "group "):
        a, b = (np.array(rows[what + name]) for name in SAUCES)
        assert abs(a.mean() - b.mean()) < 4 * np.sqrt(a.var() / len(a) + b.var() / len(b))


def test_what_agrees_changes_nothing_else():
    """The same draw with other companions: the same classes, as many foods, the same neutral ones."""
    for seed in range(300):
        own, other = (
            choose(
                PlatesSpec(context_strength=rho, drink_context_strength=rho), np.random.default_rng([9, seed])
            )
            for rho in (1.0, 0.0)
        )
        assert {m.name for m in own.members.values()} == {m.name for m in other.members.values()}
        assert all(m.name == m.company for m in own.members.values())
        assert all(m.name != m.company for m in other.members.values())
        assert len(own.foods) == len(other.foods)
        groups = {food for pair in own.members for food in CONTEXT[pair]}
        assert [f for f in own.foods if f not in groups] == [f for f in other.foods if f not in groups]


def test_shares_are_clipped():
    assert shares(PlatesSpec(sauce_rate=1.0))[SAUCES] == 0
    free = shares(PlatesSpec(sauce_rate=0.0, drink_rate=0.0))
    assert free[SAUCES] == free[DRINKS] == pytest.approx(8 / len(FOOD_TABLE))
    assert all(0 < share < 8 / len(FOOD_TABLE) + 0.1 for share in shares(PlatesSpec()).values())
