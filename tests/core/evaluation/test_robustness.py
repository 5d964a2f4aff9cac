"""What noise costs, on predictions made by hand."""

import numpy as np
import pandas as pd
import pytest
from small_sets import make_predictions

from rvernet_core import uncertainty
from rvernet_core.errors import RecordError
from rvernet_core.evaluation import comparisons, robustness
from rvernet_core.uncertainty import Omnibus

CLASSES = ("rice", "egg", "ketchup", "chili paste")
LABELS = np.tile(np.arange(4), 50)


def models(right: float):
    """One model at three seeds, which predicts about the share `right` of 200 samples as labelled."""
    wrong, runs = (LABELS + 1) % 4, []
    for seed in (0, 1, 2):
        hit = np.random.default_rng(seed).random(200) < right
        runs.append(make_predictions(np.where(hit, LABELS, wrong), LABELS, seed))
    return runs


@pytest.mark.parametrize("metric", ["accuracy", "macro_f1", "pair_f1"])
def test_a_drop_is_the_paired_difference_of_clean_and_noisy(metric):
    clean, noisy = models(0.9), models(0.5)
    d, e = (
        robustness.drop(clean, noisy, metric, CLASSES),
        comparisons.difference(clean, noisy, metric, CLASSES),
    )
    assert d.value == pytest.approx(e.value)
    assert (d.low, d.high) == pytest.approx((e.low, e.high))
    assert 0.2 < d.low < d.value < d.high < 0.6


def test_the_difference_of_two_drops_is_paired():
    clean, noisy = models(0.9), models(0.5)
    same = robustness.drop(clean, noisy, "accuracy", CLASSES, against=(clean, noisy))
    assert same.value == 0
    assert same.low == -same.high == pytest.approx(-0.02, abs=0.001), "100 photos tell no more"
    robust = robustness.drop(clean, models(0.8), "accuracy", CLASSES, against=(clean, noisy))
    assert robust.high < 0
    own = robustness.drop(clean, models(0.8), "accuracy", CLASSES).value
    assert robust.value == pytest.approx(own - robustness.drop(clean, noisy, "accuracy", CLASSES).value)


def test_who_loses_most_and_least_and_whether_any_differs():
    clean = {name: models(0.9) for name in ("a", "b", "c")}
    noisy = {"a": models(0.5), "b": models(0.8), "c": models(0.8)}
    most, least, test = robustness.compared_losses(clean, noisy, "accuracy", CLASSES)
    assert (most.best, set(least.group)) == ("a", {"b", "c"})
    assert test.differs
    assert not robustness.compared_losses(clean, clean, "accuracy", CLASSES)[2].differs


def test_clean_and_noisy_need_the_same_seeds():
    with pytest.raises(RecordError, match="3, 2 runs; expected one clean and one noisy"):
        robustness.drop(models(0.9), models(0.5)[:2], "accuracy", CLASSES)


def test_costs_show_the_clean_score_the_noisy_one_and_the_drop():
    clean, noisy = {"deit": models(0.9), ("vit", "vit"): models(0.8)}, {("vit", "vit"): models(0.4)}
    (row,) = robustness.costs(clean, {"ROI": noisy}, ["accuracy", "pair_f1"], CLASSES).to_dict("records")
    assert (row["model"], row["noise on"]) == ("vit + vit", "ROI")
    accuracy = np.mean([(p.predicted == LABELS).mean() for p in clean["vit", "vit"]])
    assert row["accuracy_clean"] == pytest.approx(accuracy)
    for name in ("accuracy", "pair_f1"):
        assert row[f"{name}_clean"] - row[name] == pytest.approx(row[f"{name}_drop"])
        assert row[f"{name}_drop_low"] <= row[f"{name}_drop"] <= row[f"{name}_drop_high"]


def test_the_drops_of_a_table_of_costs_are_corrected_together():
    clean = {"deit": models(0.9), "vit": models(0.8)}
    noisy = {
        "ROI": {"deit": models(0.85), "vit": models(0.8)},
        "both": {"deit": models(0.5), "vit": models(0.76)},
    }
    names = ["accuracy", "pair_f1"]
    table = robustness.costs(clean, noisy, names, CLASSES)
    assert list(zip(table["noise on"], table["model"], strict=True)) == [
        (on, model) for on in noisy for model in clean
    ]
    drops = [
        robustness.drop(clean[model], noisy[on][model], name, CLASSES)
        for on in noisy
        for model in clean
        for name in names
    ]
    corrected = table[[f"{name}_drop_p" for name in names]].to_numpy()
    assert corrected.ravel() == pytest.approx(uncertainty.holm([d.p for d in drops]))
    smallest = table[[f"{name}_drop_smallest" for name in names]].to_numpy()
    assert smallest.ravel() == pytest.approx([d.smallest for d in drops])
    signs = comparisons.shown(table, "accuracy_drop", "accuracy_drop_p")
    assert list(signs) == [
        int(p < 0.05) * np.sign(v) for p, v in zip(corrected[:, 0], table["accuracy_drop"], strict=True)
    ]
    assert list(signs)[2] == 1


def test_tests_of_several_noises_are_corrected_together():
    tests = {"one": Omnibus(9.0, (4, 8), 0.03, 5), "two": Omnibus(7.0, (4, 8), 0.04, 5)}
    found = robustness.corrected(tests)
    assert [test.p for test in found.values()] == pytest.approx([0.06, 0.06])
    assert not any(test.differs for test in found.values())
    assert [test.statistic for test in found.values()] == [9.0, 7.0]
    assert robustness.corrected({"one": tests["one"]})["one"] == tests["one"], "one alone needs no correction"


def test_a_subset_has_the_samples_of_another_evaluation_in_their_order():
    (whole, *_), (few, *_) = models(0.9), models(0.5)
    few = few.on({f"k{i}" for i in range(40)})
    (subset,) = robustness.subset_like({"deit": [whole]}, few)["deit"]
    comparisons.truth_of([subset, few])  # raises where keys differ
    pd.testing.assert_frame_equal(subset.table, whole.table.iloc[:40])
    assert (subset.run, subset.spec) == (whole.run, whole.spec)


def curve(rows):
    columns = ["at", "model", "value", "low", "high"]
    return pd.DataFrame([(at, m, v, v - 0.05, v + 0.05) for at, m, v in rows], columns=columns)


def test_along_has_a_row_for_every_condition_and_model():
    frame = robustness.along(
        {0: {"deit": models(0.9)}, 1: {"deit": models(0.5)}}, "accuracy", CLASSES, what="at"
    )
    assert list(frame["at"]) == [0, 1]
    assert (frame["low"] < frame["value"]).all()
    assert (frame["value"] < frame["high"]).all()
    assert frame["value"][0] > frame["high"][1]


def test_a_rank_within_its_neighbours_interval_is_shared():
    ranks = robustness.ranks(curve([(0, "a", 0.5), (0, "b", 0.9), (0, "c", 0.87), (0, "d", 0.2)]), "at")
    assert list(zip(ranks["model"], ranks["rank"], ranks["tied"], strict=True)) == [
        ("b", 1, True),
        ("c", 1, True),
        ("a", 3, False),
        ("d", 4, False),
    ]


def test_models_cross_only_where_both_orders_are_clear():
    rows = [(0, "a", 0.9), (0, "b", 0.7), (0, "c", 0.75), (1, "a", 0.6), (1, "b", 0.65), (1, "c", 0.7)]
    rows += [(2, "a", 0.3), (2, "b", 0.6), (2, "c", 0.57)]
    crossings = robustness.crossings(curve(rows), "at")
    expected = [{"first": "a", "second": other, "ahead_at": 0, "behind_at": 2} for other in ("b", "c")]
    assert crossings.to_dict("records") == expected, "b and c swap within their intervals: no crossing"
    assert robustness.crossings(curve(rows[:3]), "at").empty


def test_no_models_give_empty_tables_with_the_same_columns():
    full = robustness.costs({"deit": models(0.9)}, {"ROI": {"deit": models(0.5)}}, ["accuracy"], CLASSES)
    assert list(robustness.costs({}, {"ROI": {}}, ["accuracy"], CLASSES)) == list(full)
    curve = robustness.along({0: {"deit": models(0.9)}}, "accuracy", CLASSES)
    assert list(robustness.along({0: {}}, "accuracy", CLASSES)) == list(curve)
