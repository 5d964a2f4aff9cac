"""Page 7, continued: teachers and students under noise, on made-up predictions."""

import dataclasses

import numpy as np
import pytest
from made_up_study import EVERY, LABELS, MadeUp
from small_sets import make_predictions

from rvernet_core import run_specs
from rvernet_core.config import CLEAN, replace
from rvernet_core.experiments import distillation_trade_off, noises
from rvernet_core.experiments import distillation_under_noise as page
from rvernet_core.experiments.distillation_trade_off import KNOWLEDGE
from rvernet_core.experiments.study import Study
from rvernet_core.uncertainty import Estimate

#: Samples in twenty that a model gets wrong, from the first on: the teacher, and the student of strength 0. A
#: student of strength s stands between the two; an RveRNet student stays as DeiT is.
TEACHER = {"": 4, "permutation": 16, "translocation": 8}
DEIT = {"": 2, "permutation": 4, "translocation": 12}


def answers(spec, condition=CLEAN):
    """Teachers fall apart under permutation, DeiT under translocation; errors are always the next class."""
    kind = condition.noise.kind if condition.noise else ""
    if spec.teacher is None:
        wrong = TEACHER[kind]
    else:
        strength = 0 if spec.model.extra_roi else spec.train.strength
        wrong = (1 - strength) * DEIT[kind] + strength * TEACHER[kind]
    predicted = np.where(wrong > EVERY % 20, (LABELS + 1) % 4, LABELS)
    heads = {"class head": predicted, "distillation head": predicted} if spec.teacher else {}
    made = make_predictions(
        predicted, LABELS, spec.seed, run=run_specs.identity(spec), spec=spec, condition=condition, **heads
    )
    return made.on({f"k{i}" for i in range(2 * (condition.photos or 100))})


@pytest.fixture(scope="module")
def study():
    base = Study.of("smoke", device="cpu")
    changes = {"ablation_seeds": (0, 1), "soft_strengths": (), "evaluation_photos": 80}
    changes["strengths"] = (0.0, 0.5, 1.0)
    return MadeUp(replace(base.profile, **changes), base.backbones, base.store, answers=answers)


@pytest.fixture(scope="module")
def distilled(study):
    return distillation_trade_off.distilled(study)


@pytest.fixture(scope="module")
def under(study, distilled):
    return page.under_noise(study, distilled)


def level(under, students, strength, quantity):
    rows = under.levels
    rows = rows[rows["students"].eq(students) & rows["strength"].eq(strength) & rows["quantity"].eq(quantity)]
    (row,) = rows.to_dict("records")
    return row


def test_nothing_is_evaluated_that_the_page_did_not_evaluate(study, distilled):
    asked, used = dict(study.conditions), list(study.specs_used)
    page.under_noise(study, distilled)
    assert (study.conditions, study.specs_used) == (asked, used)


def test_clean_answers_are_on_the_photos_of_the_noisy_ones(distilled):
    tested = page.on_the_same_photos(distilled)
    assert list(tested) == list(page.LEVELS) == ["clean", *noises.KINDS]
    lengths = {len(run.table) for models in tested.values() for runs in models.values() for run in runs}
    assert lengths == {160}
    assert set(tested["clean"]) == set(distilled.tested["clean"])


@pytest.mark.parametrize(
    ("students", "strength", "quantity", "expected"),
    [
        ("teacher", "single", "clean", 1 - 4 / 20),
        ("teacher", "rvernet", "permutation", 1 - 16 / 20),
        ("teacher", "single", "lost to permutation", 12 / 20),
        ("hard single", 0.0, "lost to permutation", 2 / 20),
        ("hard single", 0.5, "permutation", 1 - 10 / 20),
        ("hard single", 1.0, "lost to translocation", 4 / 20),
        ("hard single", 0.0, "shared errors under permutation", 4 / 16),
        ("hard single", 1.0, "shared errors under permutation", 1),
        ("hard single", 0.0, "shared errors under translocation", 1),
        ("hard rvernet", 1.0, "permutation", 1 - 4 / 20),
    ],
)
def test_levels_are_those_that_were_made_up(under, students, strength, quantity, expected):
    row = level(under, students, strength, quantity)
    assert row["value"] == pytest.approx(expected)
    assert row["low"] <= row["value"] <= row["high"]
    assert row["seeds"] == 2


def test_teachers_have_no_errors_to_share_with_themselves(under):
    rows = under.levels[under.levels["students"] == "teacher"]
    assert set(rows["quantity"]) == {*page.LEVELS, *page.LOST.values()}
    assert set(rows["strength"]) == {"single", "rvernet"}


def test_slopes_are_the_changes_from_deit_by_itself_to_full_strength(under):
    value = {key: slope.value for key, slope in under.slopes.items()}
    assert value["hard single", "permutation"] == pytest.approx(-12 / 20)
    assert value["hard single", "lost to permutation"] == pytest.approx(10 / 20)
    assert value["hard single", "lost to translocation"] == pytest.approx(-6 / 20)
    assert value["hard rvernet", "lost to permutation"] == pytest.approx(0)


def test_the_gap_is_the_teachers_lead_over_the_student_of_labels_alone(under):
    value = {key: gap.value for key, gap in under.gaps.items()}
    assert list(value) == [(m, name) for m in ("single", "rvernet") for name in page.LEVELS]
    assert value["single", "clean"] == pytest.approx(-2 / 20)
    assert value["single", "permutation"] == pytest.approx(-12 / 20)
    assert value["rvernet", "translocation"] == pytest.approx(4 / 20)


def test_without_a_student_of_strength_zero_there_is_no_gap(study):
    profile = replace(study.profile, strengths=(0.5, 1.0), pair_strengths=(0.5, 1.0))
    other = dataclasses.replace(study, profile=profile)
    assert page.under_noise(other, distillation_trade_off.distilled(other)).gaps == {}


def test_robustness_is_paid_where_knowledge_and_losses_both_rise(study, distilled, under):
    slopes = distillation_trade_off.slopes_over_strength(study, distilled)
    assert page.payments(slopes, under) == {
        ("hard single", "permutation"): "paid",
        ("hard single", "translocation"): "the opposite shown",
        ("hard rvernet", "permutation"): "not decided",
        ("hard rvernet", "translocation"): "not decided",
    }


@pytest.mark.parametrize(
    ("knowledge", "lost", "expected"),
    [
        ("rises", "rises", "paid"),
        ("rises", "falls", "the opposite shown"),
        ("rises", "flat", "not decided"),
        ("falls", "rises", "the opposite shown"),
        ("flat", "rises", "not decided"),
    ],
)
def test_the_rule_reads_a_larger_loss_as_less_robustness(under, knowledge, lost, expected):
    moves = {"rises": (0.2, 0.1, 0.3), "falls": (-0.2, -0.3, -0.1), "flat": (0.05, -0.1, 0.2)}
    estimates = {name: Estimate(*bounds, 0.01, 2) for name, bounds in moves.items()}
    slopes = {("hard single", "student", KNOWLEDGE): estimates[knowledge]}
    of = {("hard single", name): estimates[lost] for name in page.LOST.values()}
    found = page.payments(slopes, dataclasses.replace(under, slopes=of))
    assert set(found.values()) == {expected}


def test_the_slopes_stand_in_a_tidy_table_with_p(under):
    rows = page.noisy_slopes(under)
    assert len(rows) == len(under.slopes)
    assert {"students", "quantity", "value", "low", "high", "p", "smallest"} == set(rows)
    row = rows.set_index(["students", "quantity"]).loc["hard single", page.LOST["permutation"]]
    assert row["value"] == pytest.approx(under.slopes["hard single", page.LOST["permutation"]].value)
    assert 0 <= row["p"] <= 1
