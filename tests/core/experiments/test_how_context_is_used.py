"""Page 9 on a made-up study whose models add the cues with known weights."""

from types import SimpleNamespace

import numpy as np
import pytest
from small_sets import make_predictions

from rvernet_core import run_specs
from rvernet_core.config import CLEAN, replace
from rvernet_core.cues import cues
from rvernet_core.experiments import how_context_is_used as page
from rvernet_core.experiments.study import Study
from rvernet_plates import FOODS, plan_scene

PAIRS = (("mobilenetv2", "mobilenetv2"), ("vit", "mobilenetv2"))
#: weight of company over that of the look
RELIANCE = {("mobilenetv2", "mobilenetv2"): 1.0, ("vit", "mobilenetv2"): 4.0}


@pytest.fixture(scope="module")
def study():
    base = Study.of("smoke", backbones=["mobilenetv2", "vit"], device="cpu")
    spec = replace(base.profile.data, test_scenes=1)
    items = [
        (seed, item) for seed in range(2**30, 2**30 + 500) for item in plan_scene(spec.plates, seed).items
    ]
    samples = [
        SimpleNamespace(image_id=f"{seed:010d}", class_name=item.name, key=f"{item.name}/{seed}")
        for seed, item in items
    ]
    found = cues(spec.plates, samples)
    labels = np.array([FOODS.index(s.class_name) for s in samples])

    def answers(run, condition=CLEAN):
        rng = np.random.default_rng(run.seed)
        predicted, source = labels.copy(), np.arange(len(labels))
        names = (run.model.roi, run.model.extra_roi)
        for i, cue in found.items():
            if condition.context == "other":
                others = [k for k, c in found.items() if c.pair == cue.pair and labels[k] != labels[i]]
                source[i] = others[i % len(others)]
            odds = cue.look + RELIANCE.get(names, 0.0) * found[source[i]].company + 0.3 * rng.normal()
            predicted[i] = FOODS.index(cue.pair[0 if odds > 0 else 1])
        columns = {"key": [s.key for s in samples], "image_id": [s.image_id for s in samples]}
        if condition.context == "other":
            columns["context_source"] = [samples[k].key for k in source]
        run_id = run_specs.identity(run)
        return make_predictions(
            predicted, labels, run.seed, run=run_id, spec=run, condition=condition, **columns
        )

    made_up = SimpleNamespace(
        profile=replace(base.profile, seeds=(0, 1, 2), pairs=PAIRS, evaluation_photos=0),
        classes=FOODS,
        data=SimpleNamespace(test=SimpleNamespace(samples=samples)),
        predictions=lambda specs: {key: [answers(s) for s in part] for key, part in specs.items()},
        evaluate=lambda models, conditions: {
            name: {key: [answers(p.spec, condition) for p in part] for key, part in models.items()}
            for name, condition in conditions.items()
        },
    )
    of = replace_profile(base, made_up.profile)
    made_up.singles, made_up.pairs = of.singles, of.pairs
    return made_up


def replace_profile(study, profile):
    return Study(profile, study.backbones, study.store)


@pytest.fixture(scope="module")
def context(study):
    return page.context(study)


def test_reliance_on_company_is_recovered_against_the_optimum(context):
    table = page.cue_weights(context)
    sauces = table[table["classes"] == "ketchup / chili paste"].set_index("model")["ratio"]
    assert sauces["mobilenetv2"] == pytest.approx(0, abs=0.25)
    assert sauces[page.IDEAL] == pytest.approx(np.log(4) / 1.5)
    assert sauces["mobilenetv2 + mobilenetv2"] == pytest.approx(1.0, rel=0.25)
    assert sauces["vit + mobilenetv2"] > 1.5 * sauces[page.IDEAL]
    facts = page.weight_facts(table)
    assert facts.highest["model"] == "vit + mobilenetv2"
    assert facts.above >= 1
    assert sauces.notna().all()
    assert (facts.pairs, facts.singles, facts.singles_on_company) == (2, 2, 0)
    sauce, drinks = facts.company
    assert (sauce.classes, drinks.classes) == ("ketchup / chili paste", "water / liquor")
    assert (sauce.above, sauce.of, sauce.best) == (2, 2, pytest.approx(np.log(4)))
    assert 0 < sauce.lowest < sauce.highest


def test_on_the_drinks_only_the_company_has_weight_and_there_is_no_ratio(context):
    table = page.cue_weights(context)
    drinks = table[table["classes"] == "water / liquor"].set_index("model")
    assert drinks["ratio"].isna().all()
    assert drinks.loc[page.IDEAL, "company"] == pytest.approx(np.log(9))
    assert drinks.loc[page.IDEAL, "look"] == 0


def test_who_relies_on_company_is_misled_first(context):
    table = page.crossings(context).set_index("model")["context helps above rho"]
    assert 0 < table["mobilenetv2 + mobilenetv2"] < table["vit + mobilenetv2"] < 1
    facts = page.mislead_facts(context, page.crossings(context))
    assert (facts.crossing, facts.compared, facts.worse, facts.better) == (2, 2, 0, 0)
    assert facts.lowest == table.min()
    assert facts.trained == context.sauces.law.rho
    assert facts.above == (table > facts.trained).sum()


def test_who_loses_with_either_company_is_worse_at_every_strength(context):
    table = page.crossings(context)
    lines = {what: f"{what}, ROI alone" for what in page.AGREEMENT}
    for shift, expected in ((-0.1, (2, 0)), (0.1, (0, 2))):
        parallel = table.assign(**{what: table[alone] + shift for what, alone in lines.items()})
        facts = page.mislead_facts(context, parallel.assign(**{"context helps above rho": np.nan}))
        assert (facts.crossing, facts.worse, facts.better) == (0, *expected)
        assert np.isnan(facts.lowest)


def test_at_the_trained_law_the_sweeps_give_the_plain_accuracy(context):
    law, right = context.sauces.law, context.sauces.right
    for table, column, value in (
        (page.over_rho(context), "rho", law.rho),
        (page.over_d(context), "d", law.d),
    ):
        rows = table[table[column] == value].set_index("model")
        for name, scores in right.items():
            assert rows.loc[name, "accuracy"] == pytest.approx(scores.mean())
            assert rows.loc[name, "items"] == pytest.approx(len(context.sauces.items.look))


def test_exchanged_contexts_are_followed_more_by_those_who_rely_on_them(study, context):
    table = page.exchanged(study, context).set_index("model")
    least, most = (
        table.loc[name, "difference"] for name in ("mobilenetv2 + mobilenetv2", "vit + mobilenetv2")
    )
    assert 0 < least < most
    assert (table["own"] > 0).all(), "some sauces are mistaken in their own context, too"
    assert table["difference"].tolist() == pytest.approx((table["exchanged"] - table["own"]).tolist())
    assert (table["p"] < 0.05).all()
    for name in ("ideal exchanged", "ideal own"):
        assert table[name].nunique() == 1
    assert 0 < table["ideal own"].iloc[0] < table["ideal exchanged"].iloc[0] < 1


def test_where_no_law_is_known_there_are_no_weights_and_the_frames_are_empty(study):
    profile = replace(study.profile, data=replace(study.profile.data, name="foodseg103"))
    other = SimpleNamespace(**{**vars(study), "profile": profile})
    found = page.context(other)
    assert found.pairs == ()
    assert len(found.models) == 4
    weights = page.cue_weights(found)
    assert weights.empty
    assert np.isnan(page.weight_facts(weights).optimum)
    for frame in (page.over_rho(found), page.over_d(found), page.crossings(found), page.beliefs(found)):
        assert frame.empty
    facts = page.mislead_facts(found, page.crossings(found))
    assert (facts.crossing, facts.compared, facts.worse) == (0, 0, 0)
    assert "ideal exchanged" not in page.exchanged(other, found)
