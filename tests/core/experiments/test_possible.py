"""Nets and controls on the items of a pair, from made-up answers: what was possible, chance, other laws."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from made_up_study import CLASSES, MadeUp
from small_sets import make_predictions

from rvernet_core.config import replace
from rvernet_core.controls import IDEAL
from rvernet_core.experiments import possible as module
from rvernet_core.experiments.profiles import NO_CONTEXT, PROFILES, SAME_LOOKS, TELLING_COMPANY
from rvernet_core.predictions import WITHIN_PAIR
from rvernet_plates import SAUCES

STUDY = SimpleNamespace(classes=CLASSES)
LABELS = np.tile(np.arange(4), 50)
ITEMS = np.flatnonzero(LABELS >= 2)  # the sauces, a hundred of them


def answers(wrong=(), others=(), seed=0, **columns):
    """Right but at the sauces `wrong`, taken for each other, and the samples `others`, for ketchup."""
    predicted = LABELS.copy()
    predicted[list(others)] = 2
    predicted[list(wrong)] = 5 - LABELS[list(wrong)]
    return make_predictions(predicted, LABELS, seed, **columns)


def ideal(wrong, seed=0):
    """An observer that answers the sauces alone."""
    whole = answers(wrong, seed=seed)
    return whole.among([2, 3])


SINGLES = {"vit": [answers(ITEMS[:30], seed=s) for s in (0, 1)]}
PAIRS = {("vit", "deit"): [answers(ITEMS[:18], others=[0, 4, 8], seed=s) for s in (0, 1)]}
CONTROLS = {
    "companions": [answers(ITEMS, seed=0, **{WITHIN_PAIR: answers(ITEMS[:25]).predicted})],
    "ideal-look": [ideal(ITEMS[:24], s) for s in (0, 1)],
    "ideal-company": [ideal(ITEMS[:20], s) for s in (0, 1)],
    "ideal-both": [ideal(ITEMS[:12], s) for s in (0, 1)],
}


@pytest.fixture
def shown():
    return module.items(STUDY, SAUCES, SINGLES, PAIRS, CONTROLS)


def test_all_models_are_read_on_the_items_of_the_pair_and_controls_as_told_the_pair(shown):
    table = module.scores(STUDY, shown).set_index("model")
    assert list(table["kind"]) == ["single", "RveRNet", *["control"] * 4]
    accuracy = table["pair_accuracy"]
    assert accuracy["vit"] == pytest.approx(0.70)
    assert accuracy["vit + deit"] == pytest.approx(0.82)
    assert table.loc["vit + deit", "pair_f1"] == pytest.approx(0.82), "other foods do not count"
    assert accuracy["companions"] == pytest.approx(0.75)
    assert accuracy["ideal-both"] == pytest.approx(0.88)
    assert list(accuracy[table["kind"] == "control"]) == sorted(accuracy[table["kind"] == "control"])[::-1]


def test_every_net_stands_beside_the_observer_that_sees_as_much(shown):
    table = module.possible(STUDY, shown).set_index("model")
    assert list(table["pair"]) == ["ketchup / chili paste"] * 2
    assert list(table["possible pair_accuracy"]) == pytest.approx([0.76, 0.88])
    assert list(table["short"]) == pytest.approx([-0.06, -0.06])
    assert (table["short_low"] < table["short"]).all()
    assert table.loc["vit + deit", "gain"] == pytest.approx(0.12)
    assert table.loc["vit + deit", "possible gain"] == pytest.approx(0.12)
    assert np.isnan(table.loc["vit", "gain"])


def test_without_a_law_nothing_is_known_to_be_possible():
    companions = {"companions": CONTROLS["companions"]}
    shown = module.items(STUDY, SAUCES, SINGLES, PAIRS, companions)
    assert not shown.known
    assert module.possible(STUDY, shown).empty
    assert len(module.scores(STUDY, shown)) == 3


# --- chance -------------------------------------------------------------------------------------------


def guessing(right, seed=0):
    """A model that gets every second sauce right, and `right` more of them."""
    wrong = [i for k, i in enumerate(ITEMS) if (k // 2) % 2]  # half of each class
    return answers(wrong[right:], seed=seed)


def test_a_model_that_tells_the_pair_is_named_and_one_that_guesses_is_at_chance():
    singles = {"vit": [guessing(0, s) for s in (0, 1)], "deit": [guessing(40, s) for s in (0, 1)]}
    found = module.chance(STUDY, [module.items(STUDY, SAUCES, singles, {}, {})])
    assert list(found.table["model"]) == ["all single models", "vit", "deit"]
    assert list(found.table["verdict"])[1:] == ["at chance", "above chance"]
    assert found.above == ["deit"]
    assert found.together[0] == pytest.approx(0.7)


def test_models_that_guess_are_at_chance_together_and_alone():
    singles = {name: [guessing(0, s) for s in (0, 1)] for name in ("vit", "deit")}
    found = module.chance(STUDY, [module.items(STUDY, SAUCES, singles, {}, {})])
    assert found.above == []
    assert found.verdict == "at chance"
    assert found.together[0] == pytest.approx(0.5)


def test_a_model_that_answers_third_classes_is_below_chance():
    rice = make_predictions(np.zeros(200, int), LABELS)
    found = module.chance(STUDY, [module.items(STUDY, SAUCES, {"vit": [rice]}, {}, {})])
    assert list(found.table["verdict"]) == ["below chance"] * 2


def test_without_a_second_pair_there_is_no_chance():
    assert module.chance(STUDY, []) is None


# --- other laws ---------------------------------------------------------------------------------------


def study(answer, data="plates", **changes):
    profile = replace(PROFILES["smoke"], **changes)
    profile = replace(profile, data=replace(profile.data, name=data))
    return MadeUp(profile, ("mobilenetv2",), None, answers=answer)


def lawful(spec):
    """Models that do what their law allows: wrong at a share of the sauces, in two halves of both classes."""
    law = spec.data.plates
    by_look, by_company = (0.5 if law.ambiguity == 0 else 0.24), (0.5 if law.context_strength == 0.5 else 0.2)
    wrong = {"ideal-look": by_look, "ideal-company": by_company, "ideal-both": min(by_look, by_company)}
    wrong |= {"": by_look if len(spec.model.branches) == 1 else min(by_look, by_company)}
    count = round(wrong[spec.model.control] * len(ITEMS))
    run = answers(ITEMS[:count], seed=spec.seed, spec=spec, run=str(spec.seed))
    return run.among([2, 3]) if spec.model.control else run


def test_models_under_every_law_stand_beside_what_was_possible_there():
    asked = study(lawful)
    table = module.other_laws(asked)
    assert list(table["law"].unique()) == ["as on this page", "same looks", "no context", "telling company"]
    assert list(table["d"].unique()) == [1.5, 0.0, 1.0]
    rows = table.set_index(["law", "kind"])
    assert rows.loc[("same looks", "single"), "pair_accuracy"] == pytest.approx(0.5)
    assert rows.loc[("same looks", "RveRNet"), "possible"] == pytest.approx(0.8)
    assert rows.loc[("no context", "RveRNet"), "gain"] == pytest.approx(0)
    assert rows.loc[("no context", "RveRNet"), "possible gain"] == pytest.approx(0)
    assert rows.loc[("same looks", "RveRNet"), "gain"] == pytest.approx(0.3)
    facts = module.law_facts(table)
    assert facts.as_it_should
    assert facts.compared == 6
    reached, telling = facts.reached
    assert (reached.model, reached.law) == ("mobilenetv2 + mobilenetv2", "same looks")
    assert (reached.gain[0], reached.possible) == pytest.approx((0.3, 0.3))
    assert reached.shown
    assert telling.law == "telling company"
    assert telling.gain[0] == pytest.approx(0.04)


def test_a_pair_that_makes_nothing_of_its_company_is_not_shown_to_gain():
    def blind(spec):
        if spec.model.control:
            return lawful(spec)
        count = len(ITEMS) // (2 if spec.data.plates.ambiguity == 0 else 4)
        return answers(ITEMS[:count], seed=spec.seed, spec=spec, run=str(spec.seed))

    reached = module.law_facts(module.other_laws(study(blind))).reached
    assert [one.gain[0] for one in reached] == [0, 0]
    assert not any(one.shown for one in reached)


def test_what_is_gained_that_should_not_be_is_named():
    def cheating(spec):
        right = answers(seed=spec.seed, spec=spec, run=str(spec.seed))
        altered = spec.data.plates != PROFILES["smoke"].data.plates
        return right if altered and not spec.model.control else lawful(spec)

    facts = module.law_facts(module.other_laws(study(cheating)))
    assert facts.told == ["mobilenetv2 (same looks)"]
    assert facts.gained == []
    assert len(facts.beyond) == 6

    def gaining(spec):
        pair = len(spec.model.branches) == 2 and spec.data.plates.context_strength == 0.5
        return answers(ITEMS[:4], seed=spec.seed, spec=spec, run=str(spec.seed)) if pair else lawful(spec)

    facts = module.law_facts(module.other_laws(study(gaining)))
    assert facts.gained == ["mobilenetv2 + mobilenetv2 (no context)"]
    assert not facts.as_it_should


def test_other_laws_take_the_pairs_and_seeds_of_the_ablations():
    asked = study(lawful, seeds=(0, 1, 2), ablation_seeds=(0, 1))
    jobs = module.specs_under_other_laws(asked)
    assert list(jobs) == ["law-same-looks", "law-no-context", "law-telling-company"]
    for law, specs in zip((SAME_LOOKS, NO_CONTEXT, TELLING_COMPANY), jobs.values(), strict=True):
        assert {spec.data for spec in specs} == {law.of(asked.profile.data)}
        assert {spec.seed for spec in specs} == {0, 1}
        assert {spec.model.control for spec in specs} == {"", *IDEAL}
        assert len(specs) == len(set(specs)) == 2 * (1 + 1 + 3)
    module.other_laws(asked)
    declared = {spec for specs in jobs.values() for spec in specs}
    own = {spec for spec in asked.specs_used if spec.data == asked.profile.data}
    assert set(asked.specs_used) - own == declared
    few = asked.few()
    assert own == {spec for family in module.models_under(few) for specs in family.values() for spec in specs}


def test_other_data_have_no_laws():
    other = study(lawful, data="folder")
    assert module.specs_under_other_laws(other) == {}
    assert module.other_laws(other).empty
    assert module.law_facts(pd.DataFrame()).as_it_should
