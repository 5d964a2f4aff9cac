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


def test_the_drinks_stand_beside_the_scores_where_the_test_set_shows_any(models):
    table = comparisons.summary(models, ["accuracy"], CLASSES)
    assert comparisons.with_drinks(table, models, CLASSES) is table
    drinks = ("rice", "egg", "water", "liquor")
    found = comparisons.with_drinks(table, models, drinks).set_index("model")
    assert found["drinks"].to_dict() == {"good": 1, "poor": pytest.approx(37 / 50)}
    assert found.loc["poor", "drinks_low"] < 37 / 50 < found.loc["poor", "drinks_high"]
    none = {"good": [make_predictions(TRUTH % 2, TRUTH % 2)]}
    table = comparisons.summary(none, ["accuracy"], drinks)
    assert comparisons.with_drinks(table, none, drinks) is table


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


def test_the_most_common_wrong_answer_is_never_the_truth_and_of_equal_answers_the_first_runs_counts():
    runs = [make_predictions(p, [0, 1, 2]) for p in ([0, 3, 2], [0, 1, 2], [2, 1, 2], [3, 2, 2], [2, 3, 2])]
    votes = comparisons.votes(runs)
    assert list(votes["right"]) == [2, 2, 5]
    assert list(votes["predicted"]) == [0, 3, 2]
    assert list(votes["mistaken"]) == [2, 3, -1]


def test_the_answers_of_models_are_class_names_by_model():
    vit = [make_predictions(p, [0, 1]) for p in ([0, 3], [0, 2], [1, 2])]
    answers = comparisons.answers({"vit": vit, ("vit", "deit"): vit[:1]}, CLASSES)
    assert answers.to_dict("list") == {
        "vit": [CLASSES[0], CLASSES[2]],
        "vit + deit": [CLASSES[0], CLASSES[3]],
    }


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


def exchanged_sauces(turns, runs=2):
    """Every ketchup in the context of a chili paste and the reverse: those that turn name its class."""
    other = np.where(TRUTH == 2, 3, np.where(TRUTH == 3, 2, TRUTH))
    sources = [f"k{label}" for label in other]  # the first four samples are one of each class
    named = np.where(turns, other, TRUTH)
    return [make_predictions(named, TRUTH, seed, context_source=sources) for seed in range(runs)]


def test_who_follows_a_foreign_context_and_who_stays():
    turns = np.arange(100) % 8 < 4
    own = [make_predictions(TRUTH, TRUTH, seed) for seed in range(2)]
    (row,) = comparisons.following({"a": exchanged_sauces(turns)}, {"a": own}, [2, 3]).to_dict("records")
    share = turns[np.isin(TRUTH, [2, 3])].mean()
    assert (row["exchanged"], row["stays"], row["own"]) == pytest.approx((share, 1 - share, 0))
    assert row["difference"] == pytest.approx(share)
    assert row["difference_low"] < share < row["difference_high"]
    with pytest.raises(RecordError, match="context of another"):
        comparisons.following({"a": exchanged_sauces(turns)}, {"a": own}, [2])


def test_who_errs_as_often_in_the_own_context_follows_nothing():
    """To name the other class in its context is no sign of context where the own one gives it as often."""
    turns = np.arange(100) % 8 < 4
    other = np.where(TRUTH == 2, 3, np.where(TRUTH == 3, 2, TRUTH))
    confused = [make_predictions(np.where(turns, other, TRUTH), TRUTH, seed) for seed in range(2)]
    (row,) = comparisons.following({"a": exchanged_sauces(turns)}, {"a": confused}, [2, 3]).to_dict("records")
    assert row["exchanged"] == row["own"] > 0.4
    assert (row["difference"], row["p"]) == pytest.approx((0, 1))


def test_a_family_of_comparisons_is_corrected_as_a_whole(models):
    d = comparisons.difference(models["good"], models["poor"], "accuracy", CLASSES)
    table = comparisons.compared([{"model": name} for name in "abc"], [d] * 3, "gain")
    assert list(table.columns) == ["model", "gain", "gain_low", "gain_high", "p", "smallest"]
    assert list(table["p"]) == pytest.approx([3 * d.p] * 3)
    assert list(comparisons.shown(table.assign(p=[0.01, 0.04, 0.2]), "gain")) == [1, 1, 0]
    assert list(comparisons.shown(table.assign(p=0.01, gain=-table["gain"]), "gain")) == [-1] * 3
    assert comparisons.compared([], [], "gain").empty


def test_the_model_that_leads_is_named_only_where_it_is_shown_to_be_ahead(models):
    assert comparisons.leading(models, "accuracy", CLASSES).best == "good"
    twice = {"first": models["good"], "second": models["good"], "third": models["poor"]}
    leading = comparisons.leading(twice, "accuracy", CLASSES)
    assert (leading.best, leading.group) == (None, ("first", "second"))
    assert comparisons.differs(models, "accuracy", CLASSES).differs
    assert not comparisons.differs({"a": models["good"], "b": models["good"]}, "accuracy", CLASSES).differs


def test_a_metric_of_the_pair_is_about_the_photos_that_show_the_pair():
    labels = np.repeat(np.arange(4), 10)  # photos hold two samples of one class
    runs = [make_predictions(labels, labels)]
    assert comparisons.measured(runs, "accuracy", CLASSES).photos == 20
    assert comparisons.measured(runs, "pair_f1", CLASSES).photos == 10


def test_seeds_of_one_pretrained_checkpoint_share_a_unit(monkeypatch):
    runs = [make_predictions(TRUTH, TRUTH, seed) for seed in range(5)]
    names = {runs[0].spec.model.roi, runs[0].spec.model.extra_roi} - {None}
    monkeypatch.setattr(comparisons, "CARDS", {name: {"checkpoints": [0, 1, 2]} for name in names})
    assert comparisons.units_of(runs) == [0, 1, 2, 0, 1]
    assert comparisons.units_of(runs[::3]) == [0, 1], "where all share one, seeds stand for themselves"
    monkeypatch.setattr(comparisons, "CARDS", {})
    assert comparisons.units_of(runs) == [0, 1, 2, 3, 4]
