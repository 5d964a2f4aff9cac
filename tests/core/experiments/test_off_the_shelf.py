"""Page 2: scores, differences, verdict, curves and disagreements of made-up models with known answers."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from rvernet_core.experiments import off_the_shelf as page
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.study import Study
from rvernet_core.models.zoo import CARDS
from rvernet_core.runs import RunStore
from rvernet_core.uncertainty import Leading, Omnibus

CLASSES = ("rice", "egg", "ketchup", "chili paste", "kelp")  # no sample is kelp
TRUTH = np.tile(np.arange(4), 25)
WRONG = np.where((TRUTH == 2) & (np.arange(100) % 8 == 2), 3, TRUTH)  # 13 ketchups taken for chili paste


@pytest.fixture
def study():
    return SimpleNamespace(classes=CLASSES, profile=PROFILES["smoke"])


@pytest.fixture
def singles(make_predictions):
    """DeiT is right; the CNN takes 13 ketchups for chili paste, at both seeds."""
    return {
        "mobilenetv2": [make_predictions(WRONG, TRUTH, seed) for seed in (0, 1)],
        "deit": [make_predictions(TRUTH, TRUTH, seed) for seed in (0, 1)],
    }


def test_the_page_needs_the_single_models_of_every_seed():
    study = Study.of("smoke", seeds=[0, 1], backbones=["deit", "vit"], device="cpu")
    needs = page.needs(study)
    controls = [needs.pop(f"control-{name}") for name in page.CONTROLS]
    assert page.weights(study) == {"detector-deit": needs.pop("detector-deit")[:1]}
    assert list(needs) == ["single-deit", "single-vit"]
    assert [spec.seed for spec in needs["single-vit"]] == [0, 1]
    assert {spec.model.branches for specs in needs.values() for spec in specs} == {("roi",)}
    assert [[spec.model.control for spec in specs] for specs in controls] == [[n] for n in page.CONTROLS]


def test_the_best_net_is_compared_with_every_control_and_every_net_with_the_histogram(
    study, singles, make_predictions
):
    colours = np.where(np.arange(100) % 3 == 0, (TRUTH + 1) % 4, TRUTH)  # a third is wrong
    found = {
        "majority": [make_predictions(TRUTH * 0, TRUTH)],
        "histogram": [make_predictions(colours, TRUTH)],
    }
    table = page.controls(study, singles, found).set_index("model")
    assert list(table.index) == ["histogram", "majority"]
    assert table.loc["histogram", "ahead"] == pytest.approx(0.34)
    assert table.loc["majority", "ahead"] == pytest.approx(0.75)
    assert (table["ahead_low"] < table["ahead"]).all()
    bar = page.bar(study, singles, found)
    assert (bar.best, bar.above, bar.below, bar.undecided) == ("deit", ["mobilenetv2", "deit"], [], [])
    assert bar.gap == tuple(table.loc["histogram", ["ahead", "ahead_low", "ahead_high"]])
    good = {"histogram": [make_predictions(WRONG, TRUTH)]}
    assert page.bar(study, singles, good).undecided == ["mobilenetv2"]
    best = {"histogram": [make_predictions(TRUTH, TRUTH)]}
    assert page.bar(study, singles, best).below == ["mobilenetv2"]


def test_the_best_model_comes_first(study, singles):
    table = page.scores(study, singles)
    assert list(table["model"]) == ["deit", "mobilenetv2"]
    assert list(table["accuracy"]) == pytest.approx([1, 0.87])
    assert list(table["seeds"]) == [2, 2]


def test_pretraining_is_read_from_the_model_cards(study, singles):
    table = page.pretraining(study, singles).set_index("model")
    assert list(table.index) == ["mobilenetv2", "deit"]
    for name in table.index:
        checkpoints = CARDS[name]["checkpoints"]
        assert table.loc[name, "checkpoints"] == len(checkpoints)
        assert table.loc[name, "top-1"] == pytest.approx(np.mean([c["top1"] for c in checkpoints]))
        assert table.loc[name, "minutes"] == pytest.approx(sum(c["minutes"] for c in checkpoints))


def test_scores_on_plates_are_shown_where_a_card_has_them(study, singles, monkeypatch):
    checkpoint = {"top1": 0.5, "minutes": 2.0}
    card = {"data": "things", "test": "other things", "checkpoints": [checkpoint, checkpoint]}
    monkeypatch.setattr(page, "CARDS", dict.fromkeys(singles, card))
    assert "linear probe" not in page.pretraining(study, singles)
    scored = [{**checkpoint, "plates": {"linear_probe": p, "fine_tuned": p + 0.1}} for p in (0.4, 0.6)]
    monkeypatch.setitem(page.CARDS, "deit", {**card, "checkpoints": [*scored, checkpoint]})
    table = page.pretraining(study, singles).set_index("model")
    assert table.loc["deit", ["linear probe", "fine-tuned"]].tolist() == pytest.approx([0.5, 0.6])
    assert table.loc["mobilenetv2", ["linear probe", "fine-tuned"]].isna().all()


def test_nets_of_the_papers_scale_have_no_cards(singles):
    assert page.pretraining(SimpleNamespace(profile=PROFILES["paper"]), singles).empty


def test_differences_are_deits_accuracy_minus_the_others(study, singles):
    (row,) = page.differences(study, singles).to_dict("records")
    assert row["model"] == "mobilenetv2"
    assert row["difference"] == pytest.approx(0.13)
    assert 0 < row["difference_low"] < 0.13 < row["difference_high"]
    assert row["McNemar p, per seed"] == "0.00024, 0.00024"  # 2 * 0.5 ** 13


def test_without_deit_the_first_model_is_the_reference(study, singles):
    (row,) = page.differences(study, {"vit": singles["mobilenetv2"], "mlp-mixer": singles["deit"]}).to_dict(
        "records"
    )
    assert row["model"] == "mlp-mixer"
    assert row["difference"] == pytest.approx(-0.13)


def test_one_model_is_compared_with_none(study, singles):
    assert page.differences(study, {"deit": singles["deit"]}).empty


@pytest.mark.parametrize(
    ("best", "differences", "ahead", "behind"),
    [
        ("deit", [(0.03, 0.01), (0.04, 0.04)], ["vit", "mobilenetv2"], []),
        ("deit", [(0.03, 0.01), (0.01, 0.2)], ["vit"], []),
        ("vit", [(-0.01, 0.3), (0.01, 0.3)], [], []),
        ("vit", [(-0.03, 0.01), (0.03, 0.01)], ["mobilenetv2"], ["vit"]),
    ],
)
def test_whom_deit_is_shown_to_differ_from_follows_from_the_corrected_p(best, differences, ahead, behind):
    interval = {"accuracy": 0.8, "accuracy_low": 0.7, "accuracy_high": 0.9, "accuracy_spread": 0.01}
    table = pd.DataFrame([{"model": name, "seeds": 3, **interval} for name in (best, "other")])
    difference, p = zip(*differences, strict=True)
    against = pd.DataFrame({"model": ["vit", "mobilenetv2"], "difference": difference, "p": p})
    lead = page.Lead(Leading((best,), {}), Omnibus(1.0, (2, 9), 0.3, 3))
    verdict = page.verdict(table, against, lead)
    assert verdict.lead == lead
    assert (verdict.ahead, verdict.behind) == (ahead, behind)
    assert str(verdict.accuracy) == "0.800 [0.700, 0.900]"
    assert verdict.accuracy.seeds == 3


def test_who_leads_is_decided_over_all_models(study, singles):
    lead = page.lead(study, singles)
    assert lead.group.best == "deit"
    assert lead.test.differs


def test_learning_curves_are_read_from_the_manifests_without_training(
    tmp_path, monkeypatch, make_predictions
):
    study = Study.of("smoke", seeds=[0, 1], backbones=["deit"], device="cpu", cache=tmp_path)
    histories = ([0.2, 0.6], [0.4, 0.5])

    def recorded(self, spec):
        rows = [{"epoch": i + 1, "val_accuracy": v} for i, v in enumerate(histories[spec.seed])]
        run = make_predictions(TRUTH, TRUTH, spec=spec)
        return dataclasses.replace(run, manifest=run.manifest | {"history": rows})

    monkeypatch.setattr(Study, "_recorded", recorded)
    monkeypatch.setattr(RunStore, "load_or_train", lambda *a: pytest.fail("trained"))
    curves = page.learning_curves(study)
    assert list(curves.columns) == ["model", "epoch", "mean", "min", "max"]
    assert curves[["model", "epoch"]].to_numpy().tolist() == [["deit", 1], ["deit", 2]]
    assert list(curves["mean"]) == pytest.approx([0.3, 0.55])
    assert list(curves["min"]) == [0.2, 0.5]
    assert list(curves["max"]) == [0.4, 0.6]


def test_disagreements_are_samples_that_one_family_gets_right_in_every_run(study, singles):
    cases = page.disagreements(study, singles, count=20)
    assert set(cases["right"]) == {"transformer"}
    assert sorted(cases["sample"]) == list(np.flatnonzero(WRONG != TRUTH))
    assert set(cases["truth"]) == {"ketchup"}
    assert set(cases["wrong prediction"]) == {"chili paste"}
    assert set(cases["mobilenetv2"]) == {"chili paste"}
    assert set(cases["deit"]) == {"ketchup"}


@pytest.mark.parametrize(("data", "shown"), [("plates", 0), ("folder", 13)])
def test_who_is_right_of_the_drinks_of_plates_is_luck_and_not_shown(study, singles, data, shown):
    profile = PROFILES["smoke"]
    study.profile = dataclasses.replace(profile, data=dataclasses.replace(profile.data, name=data))
    study.classes = ("rice", "egg", "water", "liquor", "kelp")
    assert len(page.disagreements(study, singles, count=20)) == shown


def test_the_wrong_prediction_is_the_most_common_wrong_one_even_where_the_truth_is_more_common(
    study, make_predictions
):
    """It once was the most common of all, so that a picture said "rice not rice"."""
    transformers = [make_predictions(TRUTH, TRUTH, seed) for seed in range(5)]
    scattered = [TRUTH, TRUTH, *[np.where(TRUTH == 0, wrong, TRUTH) for wrong in (1, 2, 3)]]
    cnn = [make_predictions(answers, TRUTH, seed) for seed, answers in enumerate(scattered)]
    cases = page.disagreements(study, {"mobilenetv2": cnn, "deit": transformers}, count=50)
    assert set(cases["truth"]) == {"rice"}
    assert len(cases) == 25
    assert set(cases["wrong prediction"]) == {"egg"}, "of equally common ones that of the first run"
    assert (cases["wrong prediction"] != cases["truth"]).all()
    assert set(cases["mobilenetv2"]) == {"rice"}, "its own answer is the most common one, right or wrong"


def test_every_model_gives_its_own_answer_to_a_disagreement(study, singles, make_predictions):
    mixer = [make_predictions(np.where(TRUTH == 2, k, TRUTH), TRUTH, k) for k in (4, 0)]
    cases = page.disagreements(study, singles | {"mlp-mixer": mixer})
    assert list(cases.columns[4:]) == ["mobilenetv2", "deit", "mlp-mixer"]
    assert set(cases["mlp-mixer"]) == {"kelp"}


def test_disagreements_go_both_ways_up_to_a_count_each(study, singles, make_predictions):
    other = np.where(TRUTH == 0, 1, TRUTH)  # 25 rices taken for egg
    cases = page.disagreements(study, singles | {"deit": [make_predictions(other, TRUTH)]}, count=4)
    assert cases["right"].value_counts().to_dict() == {"transformer": 4, "cnn": 4}
    assert set(cases.loc[cases["right"] == "cnn", "truth"]) == {"rice"}
    assert cases.equals(
        page.disagreements(study, singles | {"deit": [make_predictions(other, TRUTH)]}, count=4)
    )


def test_a_sample_that_one_run_of_a_family_gets_wrong_is_not_right_for_that_family(
    study, singles, make_predictions
):
    first = np.flatnonzero(WRONG != TRUTH)[0]
    slip = np.where(np.arange(100) == first, 0, TRUTH)  # the second seed of DeiT, on one of the 13
    deit = [make_predictions(TRUTH, TRUTH, 0), make_predictions(slip, TRUTH, 1)]
    cases = page.disagreements(study, singles | {"deit": deit}, count=20)
    assert len(cases) == 12
    assert first not in set(cases["sample"])


def test_a_sample_that_half_of_the_other_familys_runs_get_right_is_no_disagreement(
    study, singles, make_predictions
):
    half = [make_predictions(WRONG, TRUTH, 0), make_predictions(TRUTH, TRUTH, 1)]
    assert page.disagreements(study, singles | {"mobilenetv2": half}).empty


def test_one_family_alone_disagrees_with_nobody(study, singles):
    cases = page.disagreements(study, {"deit": singles["deit"]})
    assert cases.empty
    assert list(cases.columns) == ["sample", "truth", "wrong prediction", "right", "deit"]


def test_the_hardest_class_comes_first_and_an_absent_one_is_left_out(study, singles):
    table = page.f1_by_class(study, singles)
    assert list(table.index[:2]) == ["ketchup", "chili paste"]
    assert "kelp" not in table.index
    assert table.loc["ketchup", "mobilenetv2"] == pytest.approx(2 * 12 / (12 + 25))
    assert (table["deit"] == 1).all()
