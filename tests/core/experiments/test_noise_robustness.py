"""Page 6 on made-up predictions: what is evaluated again, what noise costs, over severity."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from noisy_study import VIT_MIXER, MadeUp, answers
from small_sets import make_cutouts

from rvernet_core.config import Noise
from rvernet_core.evaluation.perturbed import perturbed
from rvernet_core.experiments import noise_robustness as page
from rvernet_core.experiments import noise_training
from rvernet_core.experiments.study import Study
from rvernet_core.uncertainty import Estimate, Leading, Omnibus


@pytest.fixture
def study():
    return MadeUp()


@pytest.fixture(scope="module")
def released():
    return page.released(MadeUp())


@pytest.fixture(scope="module")
def sweep(released):
    return page.sweep(MadeUp(), released)


# --- what is evaluated --------------------------------------------------------------------------------


def test_the_page_needs_the_single_models_the_pairs_and_those_trained_with_noise():
    study = Study.of("smoke", device="cpu", backbones=["vit", "mobilenetv2"])
    needs = page.needs(study)
    own = ["single-vit", "single-mobilenetv2", "pair-mobilenetv2+mobilenetv2"]
    assert list(needs)[:3] == own
    assert {name: needs[name] for name in list(needs)[3:]} == noise_training.needs(study)
    assert [spec.seed for spec in needs["single-mobilenetv2"]] == [0, 1], "all, though fewer are noised"


def test_examples_show_the_largest_sample_of_the_first_photos(study, monkeypatch):
    cutouts = make_cutouts(0)
    samples = [SimpleNamespace(key=key, area=0.1 + (i == 3)) for i, key in enumerate(cutouts.keys)]
    study.data = SimpleNamespace(test=SimpleNamespace(samples=samples))
    monkeypatch.setattr(page, "perturbed_test_set", lambda store, data, c, size: perturbed(cutouts, c))
    examples = page.examples(study)
    assert [len(line) for line in examples.images] == [len(g) for g in examples.noises for _ in range(2)]
    roi, extra_roi = (examples.images[line][0] for line in (0, 1))  # the clean ones
    np.testing.assert_array_equal(roi, cutouts.images("roi", np.array([3]))[0])
    np.testing.assert_array_equal(extra_roi, cutouts.images("extra_roi", np.array([3]))[0])
    assert (examples.images[0][1] != roi).any()


def test_single_models_see_noise_on_their_one_input_and_rvernets_on_either_and_on_both(study):
    released = page.released(study)
    assert list(released.noisy_singles) == ["permutation", "translocation"]
    assert list(released.noisy_pairs) == [(k, name) for k in page.KINDS for name in page.INPUTS]
    assert {condition.photos for condition in study.evaluated} == {80}
    assert released.ambiguous == ("ketchup", "chili paste")
    clean, noisy = released.clean_pairs[VIT_MIXER][0], released.noisy_pairs["permutation", "both"]
    assert list(clean.table["key"]) == list(noisy[VIT_MIXER][0].table["key"])
    assert len(released.pairs[VIT_MIXER][0].table) == 200


# --- costs --------------------------------------------------------------------------------------------


def test_costs_and_facts_of_a_noise_are_the_drops_that_were_made_up(study, released):
    single, pair = page.cost_of_noise(study, released, "permutation")
    drops = single.set_index("model")["accuracy_drop"]
    assert dict(drops) == pytest.approx({"vit": 0.1, "mlp-mixer": 0.5})
    assert list(pair["noise on"]) == ["ROI", "extra-ROI", "both"]
    assert list(pair["accuracy_drop"]) == pytest.approx([0.3, 0, 0.3])
    facts = page.noise_facts(study, released, "permutation", single, pair)
    assert (facts.worst, facts.best) == ("mlp-mixer", "vit")
    assert (facts.most, facts.least, facts.spread.value) == pytest.approx((0.5, 0.1, 0.4))
    assert facts.pairs == pytest.approx({"ROI": 0.3, "extra-ROI": 0, "both": 0.3})
    for model, drop in (("mlp-mixer", 0.5), ("vit", 0.1)):
        clean, noisy = facts.levels[model]
        assert clean - noisy == pytest.approx(drop)
    assert (facts.losing.best, facts.keeping.best) == ("mlp-mixer", "vit")
    assert facts.depends
    assert facts.shown == {"single": 2, "ROI": 1, "extra-ROI": 0, "both": 1}
    assert facts.models == {"single": 2, "ROI": 1, "extra-ROI": 1, "both": 1}
    assert "noise on" not in single
    p = pair.set_index("noise on")["accuracy_drop_p"]
    assert p["both"] < 0.05 < p["extra-ROI"]


def test_robustness_depends_on_the_architecture_only_where_one_test_over_all_shows_it():
    leading, shown = Leading(("vit",), {}), Omnibus(9.0, (4, 8), 0.01, 5)
    spread = Estimate(0.1, 0.01, 0.2, 0, 2)  # of the extremes, picked afterwards: it decides nothing
    facts = page.NoiseFacts("vit", "deit", 0.2, 0.1, spread, leading, leading, shown, {}, {}, {}, {})
    assert facts.depends
    assert not replace(facts, test=replace(shown, p=0.06)).depends
    both = page.corrected({"one": facts, "two": replace(facts, test=replace(shown, p=0.03))})
    assert [f.test.p for f in both.values()] == pytest.approx([0.02, 0.03])
    both = page.corrected({"one": replace(facts, test=replace(shown, p=0.04)), "two": both["two"]})
    assert not any(f.depends for f in both.values()), "two noises were tried"


def test_without_pairs_the_means_of_rvernets_are_not_numbers():
    study = MadeUp(pairs=())
    released = page.released(study)
    single, pair = page.cost_of_noise(study, released, "translocation")
    facts = page.noise_facts(study, released, "translocation", single, pair)
    assert (facts.worst, len(pair)) == ("vit", 0)
    assert facts.models == {"single": 2, "ROI": 0, "extra-ROI": 0, "both": 0}
    assert np.isnan(list(facts.pairs.values())).all()
    assert page.sweep(study, released).groups == ["single"]
    assert page.rvernet_against_single(study, released).empty


def test_an_rvernet_is_compared_with_its_roi_module(study, released):
    against = page.rvernet_against_single(study, released).set_index("noise")
    assert list(against["against"]) == ["vit", "vit"]
    assert list(against["loses more by"]) == pytest.approx([0.2, 0])
    assert list(against["verdict"]) == ["less robust", "undecided"]


# --- over severity ------------------------------------------------------------------------------------


def test_the_releases_settings_are_not_evaluated_again(study, released):
    sweep = page.sweep(study, released)
    noises = [condition.noise for condition in study.evaluated]
    assert not set(noises) & set(page.KINDS.values())
    assert len(noises) == 2 * (3 + 4), "singles and pairs; three tiles and four shifts beside the release's"
    assert {condition.photos for condition in study.evaluated} == {sweep.photos} == {75}


def test_curves_begin_clean_and_follow_severity(sweep):
    curve = sweep.curves["permutation", "single"]
    assert list(dict.fromkeys(curve["noise"]))[:2] == ["clean", "tiles of 32 px"]
    assert list(dict.fromkeys(curve["step"])) == list(range(5))
    shift = sweep.curves["translocation", "RveRNet"]
    assert list(shift["share"]) == list(page.SHIFTS.values())
    scores = dict(zip(shift["noise"], shift["value"], strict=True))
    hits = answers(VIT_MIXER, "translocation")[0].on(sweep.like.table["key"])
    assert scores["up by 38%"] == pytest.approx((hits.predicted == hits.labels).mean())
    assert scores["clean"] == pytest.approx(0.9, abs=0.02)


def test_ranks_mark_ties_and_crossings_are_clear_on_both_sides(sweep):
    ranks = page.ranks(sweep)
    clean = ranks[(ranks["noise"] == "clean") & (ranks["kind"] == "permutation")]
    assert list(clean["text"]) == ["1=", "1="]
    noisy = ranks[ranks["noise"] == "tiles of 4 px"]
    assert dict(zip(noisy["model"], noisy["text"], strict=True)) == {"vit": "1", "mlp-mixer": "2"}
    assert page.crossings(sweep).empty, "each model is ahead under one of the noises throughout"
    curve = sweep.curves["permutation", "single"]
    turned = curve.assign(value=1 - curve["value"], low=1 - curve["high"], high=1 - curve["low"])
    first, rest = curve[curve["step"] <= 1], turned[turned["step"] > 1]
    curves = {**sweep.curves, ("permutation", "single"): pd.concat([first, rest])}
    (crossing,) = page.crossings(replace(sweep, curves=curves)).to_dict("records")
    assert (crossing["first"], crossing["second"], crossing["kind"]) == ("vit", "mlp-mixer", "permutation")


# --- translocation, taken apart -----------------------------------------------------------------------


def test_the_surviving_share_is_that_of_the_samples_of_the_curves(study, sweep):
    shares = page.surviving_share(study, sweep)
    assert list(shares["up by"]) == list(page.SHIFTS.values())
    assert list(shares.loc[0, ["ROI kept", "kept whole", "vit"]]) == pytest.approx([1, 1, 0.9], abs=0.02)
    half = shares.iloc[-1]
    assert half["ROI kept_low"] == 0, "what lies in the uppermost rows is lost"
    assert 0 < half["ROI kept"] < half["ROI kept_high"] < 0.5
    assert half["kept whole"] == 0


def test_the_parts_of_the_shift_are_evaluated_beside_the_release(study, released, sweep):
    apart = page.shift_taken_apart(study, released, sweep)
    assert list(dict.fromkeys(apart["noise"])) == ["clean", *page.PARTS]
    assert Noise("translocation") not in [condition.noise for condition in study.evaluated]
    assert len(study.evaluated) == 3


def test_the_facts_of_the_shift_are_averages_and_extremes_over_models(study):
    scores = {
        "clean": (0.9, 0.8),
        "moved on gray": (0.3, 0.5),
        "moved on black": (0.5, 0.6),
        "rolled": (0.8, 0.6),
        "covered in black": (0.6, 0.7),
    }
    rows = [(m, n, v) for n, values in scores.items() for m, v in zip(study.backbones, values, strict=True)]
    facts = page.shift_facts(study, pd.DataFrame(rows, columns=["model", "noise", "value"]))
    assert facts.lost == pytest.approx(
        {"moved on gray": 0.45, "moved on black": 0.3, "rolled": 0.15, "covered in black": 0.2}
    )
    assert (facts.rolled_most, facts.rolled_least) == ("mlp-mixer", "vit")
    assert facts.rolled_costs == pytest.approx((0.2, 0.1))
    assert facts.canvas_most == "vit"
    assert facts.canvas_cost == pytest.approx(0.2)
    assert facts.lost["rolled"] == pytest.approx(np.mean([shift for shift, _ in facts.apart.values()]))
    assert facts.lost["covered in black"] == pytest.approx(
        np.mean([loss for _, loss in facts.apart.values()])
    )
    assert facts.apart["mlp-mixer"][0] == pytest.approx(0.2)
