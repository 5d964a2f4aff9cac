"""Frames of results from predictions made up for the purpose."""

import numpy as np
import pytest
from small_sets import make_predictions

from rvernet_core.errors import RecordError
from rvernet_core.evaluation import comparisons

CLASSES = ("rice", "egg", "ketchup", "chili paste")
TRUTH = np.tile(np.arange(4), 25)


@pytest.fixture
def models():
    """`good` is right; `poor` takes every second ketchup for chili paste, at both seeds."""
    confused = np.where((TRUTH == 2) & (np.arange(100) % 8 == 2), 3, TRUTH)
    return {
        "good": [make_predictions(TRUTH, TRUTH, seed) for seed in (0, 1)],
        "poor": [make_predictions(confused, TRUTH, seed) for seed in (0, 1)],
    }


def test_the_summary_holds_value_interval_and_seeds(models):
    table = comparisons.summary(models, ["accuracy", "pair_f1"], CLASSES).set_index("model")
    assert table.loc["good", "accuracy"] == 1
    assert table.loc["poor", "accuracy"] == pytest.approx(0.87)
    assert table.loc["poor", "accuracy_low"] < 0.87 < table.loc["poor", "accuracy_high"]
    expected = np.mean([2 * 12 / (12 + 25), 2 * 25 / (25 + 38)])
    assert table.loc["poor", "pair_f1"] == pytest.approx(expected)
    assert (table["seeds"] == 2).all()


def test_differences_are_paired(models):
    d = comparisons.difference(models["good"], models["poor"], "accuracy", CLASSES)
    assert d.value == pytest.approx(0.13)
    assert d.low > 0
    test = comparisons.mcnemar(models["good"], models["poor"], [2, 3])
    assert list(test["only_first"]) == [13, 13]
    assert list(test["only_second"]) == [0, 0]


def test_models_tested_on_other_samples_are_not_compared(models):
    other = make_predictions(TRUTH, TRUTH, key=[f"x{i}" for i in range(100)])
    with pytest.raises(RecordError, match="different samples"):
        comparisons.difference(models["good"][:1], [other], "accuracy", CLASSES)


def test_votes_count_runs_and_name_the_common_prediction(models):
    votes = comparisons.votes([*models["good"], *models["poor"]])
    assert votes.loc[2, "right"] == 2
    assert votes.loc[0, "right"] == votes.loc[0, "runs"] == 4


def test_the_pairs_confusion_counts_every_sample_of_every_run(models):
    matrix = comparisons.pair_confusion(models["poor"], CLASSES)
    assert matrix.to_numpy().sum() == 2 * 50
    assert matrix.loc["ketchup", "chili paste"] == 26


def test_the_ambiguous_pair_is_the_sauces_or_else_the_most_confused_classes(models):
    assert comparisons.ambiguous_pair(models, CLASSES) == ("ketchup", "chili paste")
    assert comparisons.ambiguous_pair(models, ("rice", "egg", "cake", "bread")) == ("cake", "bread")


def test_a_missing_sauce_says_what_to_do():
    with pytest.raises(RecordError, match="chili paste is not there; add photos with extra_classes"):
        comparisons.metric_named("pair_f1", ("rice", "ketchup"))


def test_changes_are_differences_to_the_baseline_of_the_same_key(models):
    changed = comparisons.changes({"m": models["poor"]}, {"m": models["good"]}, "accuracy", CLASSES).iloc[0]
    assert changed["model"] == "m"
    assert changed["change"] == pytest.approx(-0.13)
    assert changed["change_low"] < -0.13 < changed["change_high"] < 0


def test_who_follows_a_foreign_context_and_who_stays(models):
    """Every ketchup is shown the context of a chili paste and the reverse; half of them turn with it."""
    other = np.where(TRUTH == 2, 3, np.where(TRUTH == 3, 2, TRUTH))
    turns = np.arange(100) % 8 < 4
    sources = [f"k{label}" for label in other]  # the first four samples are one of each class
    swapped = make_predictions(np.where(turns, other, TRUTH), TRUTH, context_source=sources)
    follow, stay = comparisons.follows([swapped], [2, 3])
    share = turns[np.isin(TRUTH, [2, 3])].mean()
    assert (follow.value, stay.value) == pytest.approx((share, 1 - share))
    with pytest.raises(RecordError, match="context of another"):
        comparisons.follows([swapped], [2])
