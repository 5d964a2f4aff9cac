"""Page 8 on made-up predictions: what each change costs, whom the prediction follows, other cut-outs."""

import numpy as np
import pytest
from made_up_study import EVERY, LABELS, MadeUp
from small_sets import make_cutouts, make_predictions

from rvernet_core import run_specs
from rvernet_core.config import CLEAN, ModelSpec, replace
from rvernet_core.evaluation.perturbed import perturbed
from rvernet_core.experiments import ablations as page
from rvernet_core.experiments.study import Study

PAIR = ("mobilenetv2", "mobilenetv2")
#: Samples in twenty that a model gets wrong, by what was changed in it ...
FROZEN = {(): 2, ("roi",): 6, ("extra_roi",): 2, ("roi", "extra_roi"): 10}
WIDE = {40: 8, 160: 6, 640: 5, 2560: 4}
#: ... and further ones on other cut-outs
HARMED = {"sam": 4, "gray": 6, "blur": 0}


def answers(spec, condition=CLEAN):
    """A model's predictions: the next class where it is wrong, the context's class where it follows that.

    Under another class's context the answers for every second sauce of either class follow it.
    """
    model = spec.model
    if spec.train.epochs > 1:  # the smoke profile's heads on frozen features
        wrong = WIDE[model.head_width]
    elif len(model.branches) == 1:
        wrong = 8 if model.roi else 15
    else:
        wrong = 1 if model.fusion == "features" else FROZEN[model.freeze]
    wrong += HARMED.get(condition.masks, 0) + HARMED.get(condition.fill, 0) + 2 * (condition.grow < 0)
    predicted = np.where(wrong > EVERY % 20, (LABELS + 1) % 4, LABELS)
    context_source = EVERY ^ 1  # rice and egg, ketchup and chili paste exchange their contexts
    columns = {}
    if condition.context == "other":
        predicted = np.where(np.isin(EVERY % 8, (2, 3)), LABELS[context_source], LABELS)
        columns["context_source"] = [f"k{i}" for i in context_source]
    predictions = make_predictions(
        predicted, LABELS, spec.seed, run=run_specs.identity(spec), spec=spec, condition=condition, **columns
    )
    return predictions.on({f"k{i}" for i in range(2 * (condition.photos or 100))})


def made_up(**changes):
    """The smoke profile with these changes, two seeds and two backbones."""
    base = Study.of("smoke", backbones=["mobilenetv2", "vit"], device="cpu")
    changes = {"ablation_seeds": (0, 1), "evaluation_photos": 80} | changes
    return MadeUp(replace(base.profile, **changes), base.backbones, base.store, answers=answers)


@pytest.fixture(scope="module")
def study():
    return made_up()


@pytest.fixture(scope="module")
def models(study):
    return page.models(study)


@pytest.fixture(scope="module")
def evaluated(study, models):
    return page.under_contexts(study, models)


# --- runs ---------------------------------------------------------------------------------------------


def test_one_thing_is_changed_in_each_ablated_pair():
    study = Study.of("full", device="cpu")
    whole = page.whole(study)
    assert list(whole) == list(study.profile.ablated)
    for name, pairs in page.ablated(study).items():
        assert list(pairs) == list(whole)
        for pair, specs in pairs.items():
            for spec, original in zip(specs, whole[pair], strict=True):
                changed = replace(original.model, **page.CHANGES[name])
                assert spec == replace(original, model=changed) != original


def test_widths_are_trained_as_the_grid_and_one_of_them_is_the_grids_own():
    study = Study.of("demo", device="cpu")
    widths = page.widths(study)
    assert [width for _, width in widths] == list(page.WIDTHS)
    assert widths[PAIR, 640] == study.grid()[PAIR]


def test_a_context_only_baseline_has_the_extra_roi_branch_alone(study):
    baselines = page.context_only(study)
    assert list(baselines) == ["mobilenetv2"]
    assert {spec.model.branches for spec in baselines["mobilenetv2"]} == {("extra_roi",)}
    same = study.profile.train(ModelSpec(roi="mobilenetv2"))
    assert {spec.train for spec in baselines["mobilenetv2"]} == {same}


def test_the_page_needs_every_model_that_it_asks_for():
    study = made_up()
    models = page.models(study)
    page.parts(study, models)
    page.by_width(study, models)
    page.context_scores(study, models, {})
    jobs = page.needs(study)
    assert {spec for specs in jobs.values() for spec in specs} == set(study.specs_used)
    assert {
        "single-vit",
        "pair-mobilenetv2+mobilenetv2",
        "context-mobilenetv2",
        "ablation-roi-module-frozen-mobilenetv2+mobilenetv2",
        "width-mobilenetv2+mobilenetv2-640",
    } <= set(jobs)


# --- parts --------------------------------------------------------------------------------------------


def test_each_change_is_compared_with_the_pair_as_it_is(study, models):
    parts = page.parts(study, models).set_index("variant")
    assert list(parts.index) == ["as it is", *page.CHANGES]
    assert dict(parts["accuracy"]) == pytest.approx(
        {
            "as it is": 0.9,
            "ROI module frozen": 0.7,
            "extra-ROI module frozen": 0.9,
            "both modules frozen": 0.5,
            "pooled features": 0.95,
        }
    )
    assert np.isnan(parts.loc["as it is", "change"])
    assert list(parts["change"][1:]) == pytest.approx([-0.2, 0, -0.4, 0.05])


def test_the_facts_count_the_changes_whose_interval_excludes_zero(study, models):
    facts = page.part_facts(page.parts(study, models))
    assert (facts.worst["variant"], facts.worst["model"]) == (
        "both modules frozen",
        "mobilenetv2 + mobilenetv2",
    )
    assert (facts.lower, facts.higher, facts.changes) == (2, 1, 4)


def test_widths_are_scored_pair_by_pair(study, models):
    widths = page.by_width(study, models)
    assert list(widths["width"]) == list(page.WIDTHS)
    assert set(widths["pair"]) == {"mobilenetv2 + mobilenetv2"}
    assert list(widths["accuracy"]) == pytest.approx([0.6, 0.7, 0.75, 0.8])
    against = widths.set_index("width")["change"]
    assert against.drop(page.WIDTH).tolist() == pytest.approx([-0.15, -0.05, 0.05])
    assert np.isnan(against[page.WIDTH])


# --- context ------------------------------------------------------------------------------------------


def test_single_models_of_either_cut_out_stand_beside_the_pairs_in_every_context(study, models, evaluated):
    scores = page.context_scores(study, models, evaluated)
    assert list(scores["context"]) == [
        "ROI alone",
        "context alone",
        *[f"RveRNet, {name}" for name in page.CONTEXTS],
    ]
    assert list(scores["model"][:2]) == ["mobilenetv2", "mobilenetv2"], "not the ViT: no pair is made of it"
    assert list(scores["accuracy"]) == pytest.approx([0.6, 0.25, 0.9, 0.9, 0.9, 0.75])


def test_the_change_in_another_context_is_against_the_own_one(study, models, evaluated):
    scores = page.context_scores(study, models, evaluated).set_index("context")
    changes = scores["change"].dropna()
    assert dict(changes) == pytest.approx(
        {
            "RveRNet, black": 0,
            "RveRNet, same class, another photo": 0,
            "RveRNet, another class": -0.15,
        }
    )
    assert scores.loc["RveRNet, another class", "p"] < 0.05 < scores.loc["RveRNet, black", "p"]


def test_half_of_the_exchanged_sauces_follow_the_context(study, models, evaluated):
    (row,) = page.swapped(study, models, evaluated).to_dict("records")
    assert row["model"] == "mobilenetv2 + mobilenetv2"
    assert (row["exchanged"], row["stays"]) == pytest.approx((0.5, 0.5))
    assert row["own"] == 0, "in its own context no sauce is named as the other"
    assert row["difference"] == pytest.approx(0.5)
    assert row["difference_low"] < 0.5 < row["difference_high"]


def show_cutouts(monkeypatch):
    """Test sets of the 60 made-up cut-outs, whatever study is asked."""
    cutouts = make_cutouts(0)
    monkeypatch.setattr(page, "perturbed_test_set", lambda store, data, c, size: perturbed(cutouts, c))
    return cutouts


def test_the_first_sauces_that_turn_are_shown_with_both_contexts(study, models, evaluated, monkeypatch):
    cutouts = show_cutouts(monkeypatch)
    turned = page.turned_by_context(study, models, evaluated, count=4)
    assert turned.pair == PAIR
    assert turned.rows.to_dict("list") == {
        "sample": ["k2", "k3", "k10", "k11"],
        "context_source": ["k3", "k2", "k11", "k10"],
        "before": ["ketchup", "chili paste", "ketchup", "chili paste"],
        "after": ["chili paste", "ketchup", "chili paste", "ketchup"],
    }
    roi, own, exchanged = turned.images
    chosen = np.array([2, 3, 10, 11])
    np.testing.assert_array_equal(roi, cutouts.images("roi", chosen))
    np.testing.assert_array_equal(own, cutouts.images("extra_roi", chosen))
    assert all((a != b).any() for a, b in zip(own, exchanged, strict=True))


def test_where_no_answer_turns_nothing_is_shown(study, models, evaluated, monkeypatch):
    show_cutouts(monkeypatch)
    constant = {"its own": evaluated["its own"]}
    table = evaluated["another class"][PAIR][0].table
    still = make_predictions(LABELS, LABELS, context_source=table["context_source"])
    turned = page.turned_by_context(study, models, constant | {"another class": {PAIR: [still]}})
    assert turned.rows.empty
    assert turned.images == [[], [], []]


# --- masks --------------------------------------------------------------------------------------------


def test_cut_outs_are_compared_on_the_photos_of_the_profile():
    assert page.mask_photos(made_up()) == 80
    assert page.mask_photos(made_up(evaluation_photos=0)) == 100
    assert page.mask_photos(made_up(evaluation_photos=500)) == 100


def test_every_model_is_evaluated_on_every_kind_of_cut_outs(models):
    study = made_up()
    cutouts = page.other_cutouts(study, models)
    assert list(cutouts) == ["exact", "SAM", "-3 %", "-1.5 %", "+1.5 %", "+3 %", "+6 %", "gray", "blur"]
    assert list(cutouts["SAM"]) == ["mobilenetv2", "vit", PAIR]
    assert {condition.photos for condition in study.conditions.values()} == {80}
    assert study.conditions["SAM"].sam == study.profile.sam
    assert study.conditions["-1.5 %"].grow == -0.015
    accuracy = page.cutout_accuracy(study, cutouts).set_index(["cutouts", "model"])["accuracy"]
    assert accuracy["exact", "vit"] == pytest.approx(0.6)
    assert accuracy["-3 %", "mobilenetv2 + mobilenetv2"] == pytest.approx(0.8)
    assert accuracy["gray", "vit"] == pytest.approx(0.3)


def test_changes_are_against_exact_masks_and_black(models):
    study = made_up()
    changes = page.cutout_changes(study, page.other_cutouts(study, models))
    assert list(dict.fromkeys(changes["cutouts"])) == ["SAM", "gray", "blur"]
    by_kind = changes.groupby("cutouts")["change"]
    assert dict(by_kind.min()) == pytest.approx({"SAM": -0.2, "gray": -0.3, "blur": 0})
    assert dict(by_kind.max()) == pytest.approx({"SAM": -0.2, "gray": -0.3, "blur": 0})
    assert (changes.loc[changes["cutouts"] == "SAM", "change_high"] < 0).all()
