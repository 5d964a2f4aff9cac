"""Agreement, slopes and the verdict, on predictions made up for the purpose."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pytest

from rvernet_core import metrics
from rvernet_core.config import RunSpec
from rvernet_core.errors import RecordError
from rvernet_core.evaluation import comparisons as results
from rvernet_core.evaluation import slopes
from rvernet_core.metrics import Estimate

CLASSES = ("rice", "egg", "ketchup", "chili paste")
TRUTH = np.tile(np.arange(4), 50)


@dataclass
class Made:
    """What the functions ask of a run."""

    predictions: pd.DataFrame
    spec: RunSpec


def made(predicted, seed=0):
    keys = [f"k{i}" for i in range(len(TRUTH))]
    frame = {"key": keys, "image_id": [f"p{i // 2}" for i in range(len(TRUTH))], "label": TRUTH}
    return Made(pd.DataFrame(frame | {"predicted": predicted, "class voice": TRUTH}), RunSpec(seed=seed))


def wrong(share, seed):
    """Predictions of which about `share` are wrong, always the next class."""
    return np.where(np.random.default_rng(seed).random(len(TRUTH)) < share, (TRUTH + 1) % 4, TRUTH)


@pytest.fixture
def curve():
    """At strength s the student makes the share 0.1 + 0.4 s of errors."""
    return {s: [made(wrong(0.1 + 0.4 * s, seed), seed) for seed in (0, 1, 2)] for s in (0.0, 0.5, 1.0)}


def test_agreement_on_errors_counts_only_what_the_teacher_gets_wrong():
    told = TRUTH.copy()
    told[:40] = (TRUTH[:40] + 1) % 4  # the teacher errs on 40 samples ...
    said = TRUTH.copy()
    said[:10] = told[:10]  # ... and the student repeats ten of these errors
    teacher, student = made(told), made(said)
    assert slopes.agreement([teacher])(student)(metrics.once) == pytest.approx(170 / 200)
    assert slopes.agreement([teacher], on_errors=True)(student)(metrics.once) == pytest.approx(10 / 40)
    assert slopes.agreement([teacher], column="class voice")(student)(metrics.once) == pytest.approx(
        160 / 200
    )

    def only_some(cells, kinds):
        return 3 * np.bincount(cells[5:15], minlength=kinds)[None]

    assert slopes.agreement([teacher], on_errors=True)(student)(only_some) == pytest.approx(5 / 10)
    assert slopes.agreement([made(TRUTH)], on_errors=True)(student)(metrics.once) == 0


def test_a_student_is_compared_with_the_teacher_of_its_own_seed():
    teachers = [made(TRUTH, 0), made(wrong(1.0, 0), 1)]
    assert slopes.agreement(teachers)(made(TRUTH, 0))(metrics.once) == 1
    assert slopes.agreement(teachers)(made(TRUTH, 1))(metrics.once) == 0
    with pytest.raises(RecordError, match="no teacher of seed 7"):
        slopes.agreement(teachers)(made(TRUTH, 7))(metrics.once)


def test_an_estimate_of_a_metric_is_that_of_the_results(curve):
    ours = slopes.estimate(curve[0.5], slopes.metric("macro_f1", CLASSES))
    zeros = [made(np.zeros_like(TRUTH), seed) for seed in (0, 1, 2)]
    theirs = results.difference(curve[0.5], zeros, "macro_f1", CLASSES)
    assert ours.value == pytest.approx(theirs.value + 0.1)  # always "rice": F1 0.4 on one class of four


def test_the_slope_is_that_of_the_law_and_its_interval_covers_it(curve):
    change = slopes.slope(curve, slopes.metric("accuracy", CLASSES), draws=300)
    assert change.low < -0.4 < change.high
    assert change.value == pytest.approx(-0.4, abs=0.08)
    ends = {s: curve[s] for s in (1.0, 0.0)}  # two strengths, in any order: their difference
    two = slopes.slope(ends, slopes.metric("accuracy", CLASSES), draws=50)
    d = results.difference(curve[1.0], curve[0.0], "accuracy", CLASSES)
    assert two.value == pytest.approx(d.value)


def test_what_does_not_depend_on_the_strength_has_no_slope(curve):
    flat = slopes.slope(curve, slopes.metric("accuracy", CLASSES, column="class voice"), draws=50)
    assert (flat.value, flat.low, flat.high) == pytest.approx((0, 0, 0))
    assert slopes.direction(flat) == "does not move measurably"


def test_a_slope_needs_two_strengths_with_the_same_seeds(curve):
    quantity = slopes.metric("accuracy", CLASSES)
    for broken in ({0.0: curve[0.0]}, {0.0: curve[0.0], 1.0: curve[1.0][:2]}):
        with pytest.raises(RecordError, match="same seeds"):
            slopes.slope(broken, quantity)


UP, DOWN, FLAT = Estimate(0.2, 0.1, 0.3, 0, 3), Estimate(-0.2, -0.3, -0.1, 0, 3), Estimate(0, -0.1, 0.1, 0, 3)


@pytest.mark.parametrize(
    ("knowledge", "strengths", "verdict"),
    [
        (UP, [DOWN, FLAT], "confirmed"),
        (UP, [DOWN, UP], "mixed"),
        (UP, [FLAT, FLAT], "not decided"),
        (UP, [UP, FLAT], "contradicted"),
        (DOWN, [DOWN, FLAT], "contradicted"),
        (FLAT, [DOWN, FLAT], "not decided"),
    ],
)
def test_the_verdict_follows_from_the_intervals(knowledge, strengths, verdict):
    assert slopes.trade_off(knowledge, dict(enumerate(strengths))) == verdict
