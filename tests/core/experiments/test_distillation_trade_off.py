"""Page 7: specs of teachers and students, and what is measured of them, on made-up predictions."""

import dataclasses

import numpy as np
import pytest
from made_up_study import EVERY, LABELS, MadeUp
from small_sets import make_predictions

from rvernet_core import run_specs
from rvernet_core.config import CLEAN, DataSpec, ModelSpec, Noise, RunSpec, TrainSpec, replace
from rvernet_core.errors import ConfigError
from rvernet_core.experiments import distillation_trade_off as page
from rvernet_core.experiments.distillation_trade_off import KNOWLEDGE, student_of
from rvernet_core.experiments.study import Study
from rvernet_core.uncertainty import Estimate

# --- specs --------------------------------------------------------------------------------------------

CNN = RunSpec(model=ModelSpec(roi="mobilenetv2"), seed=3)
DEIT = ModelSpec(roi="deit-distilled")
STUDENT = student_of(CNN, DEIT, TrainSpec(), "hard", 0.5)


def test_a_student_has_its_teachers_data_and_seed():
    assert (STUDENT.data, STUDENT.seed, STUDENT.teacher) == (CNN.data, 3, CNN)
    assert (STUDENT.train.distillation, STUDENT.train.strength) == ("hard", 0.5)


def test_without_a_weight_of_the_teacher_hard_and_soft_are_one_run():
    hard, soft = (student_of(CNN, DEIT, TrainSpec(), kind, 0.0, 5.0) for kind in run_specs.DISTILLATIONS)
    assert hard == soft
    assert student_of(CNN, DEIT, TrainSpec(), "soft", 0.1) != student_of(CNN, DEIT, TrainSpec(), "hard", 0.1)


def test_an_unknown_kind_names_the_known_ones():
    with pytest.raises(ConfigError, match="distillation is 'warm'; expected one of hard, soft"):
        student_of(CNN, DEIT, TrainSpec(), "warm", 0.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"teacher": None}, "without a teacher"),
        ({"model": ModelSpec(roi="deit")}, "no distillation token"),
        ({"model": ModelSpec(roi="deit-distilled", freeze=("roi",))}, "roi frozen"),
        ({"train": TrainSpec(distillation="hard", strength=1.5)}, r"expected a number in \[0, 1\]"),
        ({"train": TrainSpec(distillation="warm", strength=0.5)}, "hard, soft"),
        ({"train": TrainSpec(distillation="soft", strength=0.5, temperature=0.0)}, "temperature"),
        ({"train": TrainSpec(strength=0.5)}, "without distillation"),
        ({"train": TrainSpec(distillation="hard", strength=0.5, noise="permutation")}, "clean images"),
        ({"data": DataSpec(seed=1)}, "differ in their data"),
        ({"model": ModelSpec(roi="deit-distilled", extra_roi="vit")}, "same cut-outs"),
        ({"model": ModelSpec(roi=None, extra_roi="deit-distilled")}, "same cut-outs"),
        ({"model": ModelSpec(roi="deit-distilled", scale="paper")}, "same scale"),
        ({"teacher": replace(CNN, train=TrainSpec(strength=0.5))}, "without distillation"),
    ],
)
def test_what_contradicts_itself_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        run_specs.check(dataclasses.replace(STUDENT, **change))


def test_an_ordinary_run_needs_nothing_of_this():
    run_specs.check(RunSpec())


def test_teachers_are_cnns_and_students_deits_whatever_backbones_are_chosen():
    study = Study.of("demo", backbones=["vit"], device="cpu")
    branches = {"single": ("roi",), "rvernet": ("roi", "extra_roi")}
    for model, levels in page.students(study).items():
        teachers = page.teachers(study)[model]
        assert {(s.model.branches, s.model.roi) for s in teachers} == {(branches[model], "mobilenetv2")}
        for (_, strength), specs in levels.items():
            assert [spec.teacher for spec in specs] == teachers
            assert {(s.model.roi, s.train.strength) for s in specs} == {("deit-distilled", strength)}
    levels = [("hard", 0.0), ("hard", 0.5), ("hard", 1.0), ("soft", 0.0), ("soft", 1.0)]
    assert list(page.students(study)["single"]) == levels
    assert list(page.students(study)["rvernet"]) == [("hard", 0.0), ("hard", 1.0)]


def test_at_the_papers_scale_students_are_the_papers_nets():
    levels = page.students(Study.of("paper", device="cpu"))["rvernet"]
    models = {spec.model for specs in levels.values() for spec in specs}
    assert {(m.scale, m.standardise, m.freeze_batch_norm) for m in models} == {("paper", False, False)}


# --- made-up models -----------------------------------------------------------------------------------

ERRORS = {"single": EVERY % 20 < 4, "rvernet": EVERY % 20 < 2}  # of the teachers


def answers(spec, condition=CLEAN):
    """A single student repeats its teacher's errors in proportion to the strength; an RveRNet none.

    Permutation costs every model three samples in twenty, translocation nothing. A student's class head is
    always right, its distillation head always answers as the teacher.
    """
    model = "rvernet" if spec.model.extra_roi else "single"
    errors = ERRORS[model]
    if spec.teacher:
        repeated = 40 * spec.train.strength > EVERY % 40
        errors = errors & repeated if model == "single" else np.zeros(200, bool)
    if condition.noise and condition.noise.kind == "permutation":
        errors = errors | (EVERY % 20 >= 17)
    of_teacher = np.where(ERRORS[model], (LABELS + 1) % 4, LABELS)
    heads = {"class head": LABELS, "distillation head": of_teacher} if spec.teacher else {}
    predicted = np.where(errors, (LABELS + 1) % 4, LABELS)
    predictions = make_predictions(
        predicted, LABELS, spec.seed, run=run_specs.identity(spec), spec=spec, condition=condition, **heads
    )
    return predictions.on({f"k{i}" for i in range(2 * (condition.photos or 100))})


def made_up(**changes):
    """The smoke profile with these changes and two seeds."""
    base = Study.of("smoke", device="cpu")
    profile = replace(
        base.profile,
        **{"ablation_seeds": (0, 1), "soft_strengths": (0.0, 1.0), "evaluation_photos": 80} | changes,
    )
    return MadeUp(profile, base.backbones, base.store, answers=answers)


@pytest.fixture(scope="module")
def study():
    return made_up(strengths=(0.0, 0.5, 1.0))


@pytest.fixture(scope="module")
def distilled(study):
    return page.distilled(study)


@pytest.fixture(scope="module")
def measures(study, distilled):
    return page.measures(study, distilled)


@pytest.fixture(scope="module")
def slopes(study, distilled):
    return page.slopes_over_strength(study, distilled)


# --- which models, and under which noise --------------------------------------------------------------


def test_the_page_needs_every_model_that_it_asks_for(study, distilled):
    jobs = page.needs(study)
    needed = {spec for specs in jobs.values() for spec in specs}
    assert set(study.specs_used) == needed
    assert {spec.teacher for spec in needed if spec.teacher} <= needed
    assert list(jobs)[:3] == ["single-mobilenetv2", "pair-mobilenetv2+mobilenetv2", "student-hard-0"]
    assert list(jobs)[-1] == "student-pair-hard-1"


def test_noise_is_the_releases_and_falls_on_fewer_photos(study, distilled):
    noises = {name: condition.noise for name, condition in study.conditions.items()}
    assert noises == {kind: Noise(kind) for kind in ("permutation", "translocation")}
    assert {condition.photos for condition in study.conditions.values()} == {80}
    assert distilled.noise_photos == 80


def test_a_kind_with_a_single_strength_is_no_curve():
    assert list(page.distilled(made_up(pair_strengths=(0.5,), soft_strengths=())).curves) == ["hard single"]


# --- measures -----------------------------------------------------------------------------------------


def value_of(measures, students, strength, quantity):
    """Value and bounds of one row."""
    rows = measures[measures["students"].eq(students) & measures["strength"].eq(strength)]
    return rows.set_index("quantity").loc[quantity, ["value", "low", "high"]].tolist()


@pytest.mark.parametrize(
    ("strength", "quantity", "expected"),
    [
        (0.0, "agreement", 0.8),
        (0.0, KNOWLEDGE, 0.0),
        (0.5, KNOWLEDGE, 0.5),
        (0.5, "accuracy", 0.9),
        (1.0, "agreement", 1.0),
        (1.0, KNOWLEDGE, 1.0),
        (1.0, "accuracy", 0.8),
        (1.0, "permutation", 0.65),
        (1.0, "translocation", 0.8),
    ],
)
def test_a_student_is_measured_against_its_teacher_and_under_noise(measures, strength, quantity, expected):
    value, low, high = value_of(measures, "hard single", strength, quantity)
    assert value == pytest.approx(expected)
    assert low <= value <= high


def test_a_teacher_has_strengths_and_no_agreement_with_itself(measures):
    rows = measures[measures["students"] == "teacher"]
    assert set(rows["strength"]) == {"single", "rvernet"}
    assert not set(rows["quantity"]) & {"agreement", KNOWLEDGE}


def test_teachers_are_scored_with_their_errors(distilled, measures):
    scores = page.teacher_scores(distilled, measures).set_index("teacher of")
    assert dict(scores["test errors"]) == {"single": 40, "rvernet": 20}
    assert dict(scores["accuracy"]) == pytest.approx({"single": 0.8, "rvernet": 0.9})
    assert (scores["permutation_low"] < scores["permutation"]).all()


def test_the_teachers_lead_is_over_the_student_of_labels_alone(study, distilled):
    lead = page.teacher_lead(study, distilled)
    assert lead.value == pytest.approx(0.8 - 1.0)
    assert lead.high < 0


def test_students_are_listed_by_kind_and_strength(distilled, measures):
    scores = page.student_scores(distilled, measures)
    rising = [(0.0, 0.5, 1.0), (0.0, 1.0), (0.0, 1.0)]
    kinds = ["hard single", "soft single", "hard rvernet"]
    expected = [(kind, s) for kind, strengths in zip(kinds, rising, strict=True) for s in strengths]
    assert list(zip(scores["students"], scores["strength"], strict=True)) == expected
    assert list(scores["accuracy"]) == pytest.approx([1, 0.9, 0.8, 1, 0.8, 1, 1])


# --- the two heads ------------------------------------------------------------------------------------


def test_a_head_answers_alone_only_where_it_was_trained(distilled):
    curves = page.head_curves(distilled)
    assert {key: list(curve) for key, curve in curves.items()} == {
        ("hard single", "class head"): [0.0, 0.5],
        ("hard single", "distillation head"): [0.5, 1.0],
        ("soft single", "class head"): [0.0],
        ("soft single", "distillation head"): [1.0],
        ("hard rvernet", "class head"): [0.0],
        ("hard rvernet", "distillation head"): [1.0],
    }


def test_each_head_is_scored_by_its_own_answers(study, distilled):
    scores = page.head_scores(study, distilled).set_index(["students", "head", "strength"])
    assert scores.loc[("hard single", "class head", 0.5), [KNOWLEDGE, "accuracy"]].tolist() == [0, 1]
    of_teacher = scores.loc[("hard single", "distillation head", 0.5)]
    assert of_teacher[[KNOWLEDGE, "accuracy"]].tolist() == pytest.approx([1, 0.8])
    assert len(scores) == 8


# --- slopes and verdict -------------------------------------------------------------------------------


def test_slopes_are_the_changes_from_no_to_full_strength(slopes):
    values = {key: estimate.value for key, estimate in slopes.items()}
    assert values["hard single", "student", KNOWLEDGE] == pytest.approx(1)
    assert values["hard single", "student", "accuracy"] == pytest.approx(-0.2)
    assert values["soft single", "student", "permutation"] == pytest.approx(-0.2)
    assert values["hard rvernet", "student", KNOWLEDGE] == 0
    assert values["hard single", "class head", "accuracy"] == pytest.approx(0)


def test_heads_with_one_strength_have_no_slope(slopes):
    assert {(name, who) for name, who, _ in slopes if who != "student"} == {
        ("hard single", "class head"),
        ("hard single", "distillation head"),
    }


def test_the_rows_are_the_slopes(slopes):
    rows = page.slope_rows(slopes)
    assert len(rows) == len(slopes) == 3 * 7 + 2 * 2
    row = rows.iloc[1]
    assert (row["students"], row["answer of"], row["quantity"]) == ("hard single", "student", KNOWLEDGE)
    assert row["low"] <= row["value"] <= row["high"]
    assert {"p", "smallest"} <= set(rows)


def test_copying_a_worse_teachers_mistakes_is_a_cost_and_no_gain(slopes):
    verdict = page.verdict(slopes)
    assert verdict.by_curve == {
        "hard single": "cost without gain",
        "soft single": "cost without gain",
        "hard rvernet": "not decided",
    }
    assert verdict.agreement == ["rises", "rises", "is not shown to move"]
    assert verdict.heads == ["not decided", "not decided"]
    assert list(verdict.moved["hard single"]) == ["agreement on the teacher's errors", *page.JUDGED]


def test_a_family_of_slopes_is_corrected_together():
    slopes = {("a", "student", q): Estimate(0.2, 0.0, 0.4, 0, 3, 0.1) for q in "xyz"}
    slopes |= {("a", "class head", "x"): Estimate(0.2, 0.0, 0.4, 0, 3, 0.1)}
    p = page.corrected(slopes)
    alone = p["a", "class head", "x"]
    assert alone == pytest.approx(0.0455, abs=1e-3)
    assert [p["a", "student", q] for q in "xyz"] == pytest.approx([3 * alone] * 3)


def test_a_trade_off_needs_a_gain_beside_the_cost():
    up, down = Estimate(0.2, 0.1, 0.3, 0, 2, 0.05), Estimate(-0.2, -0.3, -0.1, 0, 2, 0.05)
    slopes = {("hard single", "student", quantity): up for quantity in ("agreement", KNOWLEDGE, *page.JUDGED)}
    slopes |= {("hard single", "student", "permutation"): down}
    assert page.verdict(slopes).by_curve == {"hard single": "shown"}


def test_a_head_that_gains_agreement_and_loses_accuracy_gains_nothing():
    up, down = Estimate(0.2, 0.1, 0.3, 0, 2, 0.05), Estimate(-0.2, -0.3, -0.1, 0, 2, 0.05)
    slopes = {("hard single", "student", quantity): up for quantity in ("agreement", KNOWLEDGE, *page.JUDGED)}
    slopes |= {("hard single", "class head", KNOWLEDGE): up, ("hard single", "class head", "accuracy"): down}
    verdict = page.verdict(slopes)
    assert verdict.by_curve == {"hard single": "the opposite shown"}
    assert verdict.heads == ["cost without gain"]
