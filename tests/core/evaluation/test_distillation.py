"""Agreement, slopes and the verdict, on predictions made up for the purpose."""

import numpy as np
import pytest
from small_sets import make_predictions

from rvernet_core import metrics
from rvernet_core.errors import RecordError
from rvernet_core.evaluation import comparisons, distillation, robustness
from rvernet_core.uncertainty import Estimate

CLASSES = ("rice", "egg", "ketchup", "chili paste")
TRUTH = np.tile(np.arange(4), 50)
ACCURACY = distillation.metric("accuracy", CLASSES)


def answers(predicted, seed=0):
    """A student's predictions; its class head is always right."""
    return make_predictions(predicted, TRUTH, seed, **{"class head": TRUTH})


def wrong(share, seed):
    """Predictions of which about `share` are wrong, always the next class."""
    return np.where(np.random.default_rng(seed).random(len(TRUTH)) < share, (TRUTH + 1) % 4, TRUTH)


@pytest.fixture
def curve():
    """At strength s the student makes the share 0.1 + 0.4 s of errors."""
    return {s: [answers(wrong(0.1 + 0.4 * s, seed), seed) for seed in (0, 1, 2)] for s in (0.0, 0.5, 1.0)}


# --- agreement --------------------------------------------------------------------------------------


def test_agreement_on_errors_counts_only_what_the_teacher_gets_wrong():
    of_teacher = TRUTH.copy()
    of_teacher[:40] = (TRUTH[:40] + 1) % 4  # the teacher errs on 40 samples ...
    of_student = TRUTH.copy()
    of_student[:10] = of_teacher[:10]  # ... and the student repeats ten of these errors
    teacher, student = answers(of_teacher), answers(of_student)
    on_all = distillation.agreement([teacher])
    on_errors = distillation.agreement([teacher], on_errors=True)
    of_head = distillation.agreement([teacher], column="class head")
    assert on_all(student)(metrics.once) == pytest.approx(170 / 200)
    assert on_errors(student)(metrics.once) == pytest.approx(10 / 40)
    assert of_head(student)(metrics.once) == pytest.approx(160 / 200)

    def only_some(cells, kinds):
        return 3 * np.bincount(cells[5:15], minlength=kinds)[None]

    assert on_errors(student)(only_some) == pytest.approx(5 / 10)
    assert distillation.agreement([answers(TRUTH)], on_errors=True)(student)(metrics.once) == 0


def test_only_photos_that_a_quantity_is_about_are_counted():
    of_teacher = TRUTH.copy()
    of_teacher[:40] = (TRUTH[:40] + 1) % 4
    students, errors = [answers(TRUTH)], distillation.agreement([answers(of_teacher)], on_errors=True)
    pair = distillation.metric("pair_f1", CLASSES, ("ketchup", "chili paste"))
    counted = [distillation.measured(students, of).photos for of in (ACCURACY, errors, pair)]
    assert counted == [100, 20, 50]


def test_a_student_is_compared_with_the_teacher_of_its_own_seed():
    agreement = distillation.agreement([answers(TRUTH, 0), answers(wrong(1.0, 0), 1)])
    assert agreement(answers(TRUTH, 0))(metrics.once) == 1
    assert agreement(answers(TRUTH, 1))(metrics.once) == 0
    with pytest.raises(RecordError, match=r"no teacher of seed 7; there are: \[0, 1\]"):
        agreement(answers(TRUTH, 7))


def test_agreement_on_other_samples_than_the_teachers_is_refused():
    agreement = distillation.agreement([answers(TRUTH)])
    with pytest.raises(RecordError, match="different samples"):
        agreement(answers(TRUTH).on([f"k{i}" for i in range(20)]))


# --- what noise takes -------------------------------------------------------------------------------


def test_what_is_lost_is_counted_against_the_clean_answers_of_the_same_run():
    clean = [answers(TRUTH, 0), answers(wrong(0.3, 1), 1)]
    noisy = [answers(wrong(0.5, 7), 0), answers(wrong(0.5, 8), 1)]
    lost = distillation.lost(clean, ACCURACY)
    for before, after in zip(clean, noisy, strict=True):
        expected = (before.predicted == TRUTH).mean() - (after.predicted == TRUTH).mean()
        assert lost(after)(metrics.once) == pytest.approx(expected)
    both = distillation.estimate(noisy, lost, "difference")
    by_drop = robustness.drop(clean, noisy, "accuracy", CLASSES)
    assert both.value == pytest.approx(by_drop.value)
    assert (both.low, both.high) == pytest.approx((by_drop.low, by_drop.high)), "the same paired interval"


def test_noisy_answers_without_clean_ones_or_on_other_samples_are_refused():
    lost = distillation.lost([answers(TRUTH)], ACCURACY)
    with pytest.raises(RecordError, match=r"no clean answers of the run run3; there are: \['run0'\]"):
        lost(answers(TRUTH, 3))
    with pytest.raises(RecordError, match="different samples"):
        lost(answers(TRUTH).on([f"k{i}" for i in range(20)]))


# --- levels and slopes --------------------------------------------------------------------------------


def test_the_estimate_of_a_metric_is_that_of_the_comparisons(curve):
    ours = distillation.estimate(curve[0.5], distillation.metric("macro_f1", CLASSES))
    zeros = [answers(np.zeros_like(TRUTH), seed) for seed in (0, 1, 2)]
    theirs = comparisons.difference(curve[0.5], zeros, "macro_f1", CLASSES)
    assert ours.value == pytest.approx(theirs.value + 0.1)  # always "rice": F1 0.4 on one class of four


def test_the_slope_is_that_of_the_law_and_its_interval_covers_it(curve):
    change = distillation.slope(curve, ACCURACY)
    assert change.low < -0.4 < change.high
    assert change.value == pytest.approx(-0.4, abs=0.08)


def test_the_slope_of_two_strengths_in_any_order_is_their_difference(curve):
    change = distillation.slope({s: curve[s] for s in (1.0, 0.0)}, ACCURACY)
    difference = comparisons.difference(curve[1.0], curve[0.0], "accuracy", CLASSES)
    assert change.value == pytest.approx(difference.value)


def test_what_does_not_depend_on_the_strength_has_no_slope(curve):
    of_head = distillation.metric("accuracy", CLASSES, column="class head")
    flat = distillation.slope(curve, of_head)
    assert flat.value == pytest.approx(0)
    assert -0.021 < flat.low < 0 < flat.high < 0.021, "as if one more photo of 100 had moved"
    assert distillation.direction(flat) == distillation.UNSHOWN


def test_a_slope_needs_two_strengths_with_the_same_seeds(curve):
    for broken in ({0.0: curve[0.0]}, {0.0: curve[0.0], 1.0: curve[1.0][:2]}):
        with pytest.raises(RecordError, match="same seeds"):
            distillation.slope(broken, ACCURACY)


# --- the verdict --------------------------------------------------------------------------------------

UP, DOWN, FLAT = "rises", "falls", distillation.UNSHOWN


def test_a_direction_is_what_is_shown_after_correction():
    rises = Estimate(0.2, 0.1, 0.3, 0, 3, 0.05)
    assert distillation.direction(rises) == UP
    assert distillation.direction(Estimate(-0.2, -0.3, -0.1, 0, 3, 0.05)) == DOWN
    assert distillation.direction(rises, p=0.06) == FLAT
    assert distillation.direction(Estimate(0, -0.1, 0.1, 0, 3, 0.05)) == FLAT


@pytest.mark.parametrize(
    ("knowledge", "strengths", "verdict"),
    [
        (UP, [DOWN, UP], "shown"),
        (UP, [DOWN, FLAT], "cost without gain"),
        (UP, [FLAT, FLAT], "not decided"),
        (UP, [UP, FLAT], "the opposite shown"),
        (DOWN, [DOWN, FLAT], "the opposite shown"),
        (FLAT, [DOWN, FLAT], "not decided"),
    ],
)
def test_the_verdict_never_counts_a_copied_mistake_as_a_gain(knowledge, strengths, verdict):
    assert distillation.trade_off(knowledge, strengths) == verdict
