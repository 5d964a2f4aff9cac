"""Page 6, continued: which models are trained with noise, what that costs and buys, and who profits."""

import dataclasses

import numpy as np
import pytest
from made_up_study import EVERY, LABELS, MadeUp
from small_sets import make_predictions

from rvernet_core import run_specs
from rvernet_core.config import CLEAN, replace
from rvernet_core.experiments import noise_training as page
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.study import Study
from rvernet_core.models.backbones import BACKBONES
from rvernet_core.uncertainty import Estimate, Leading, Omnibus

# --- which models -------------------------------------------------------------------------------------


def study_of(profile, **changes):
    study = Study.of(profile, device="cpu")
    return dataclasses.replace(study, profile=replace(study.profile, **changes)) if changes else study


@pytest.mark.parametrize("profile", ["demo", "full", "paper"])
def test_all_single_models_and_three_pairs_are_trained_clean_and_with_each_noise(profile):
    study = study_of(profile)
    specs = page.specs(study)
    seeds = list(study.profile.noise_training_seeds or study.profile.seeds)
    assert list(specs) == ["clean", "permutation", "translocation"]
    for training, models in specs.items():
        assert list(models) == [*BACKBONES, *page.PAIRS]
        for model, part in models.items():
            assert [spec.seed for spec in part] == seeds
            assert {spec.train.noise for spec in part} == {"" if training == "clean" else training}
            names = model if isinstance(model, tuple) else (model, None)
            assert {(spec.model.roi, spec.model.extra_roi) for spec in part} == {names}


def test_models_trained_clean_are_those_of_the_other_pages():
    study = study_of("demo")
    every = {spec for part in (study.singles() | study.pairs()).values() for spec in part}
    assert {spec for part in page.specs(study)["clean"].values() for spec in part} <= every


def test_smoke_trains_few_models_demo_all_of_them_once_and_full_over_seeds():
    specs = page.specs(study_of("smoke"))
    assert list(specs["clean"]) == ["mobilenetv2", "deit-distilled", page.PAIRS[0], page.PAIRS[2]]
    assert all(len(part) == 1 for part in specs["permutation"].values())
    demo = page.specs(study_of("demo"))["permutation"]
    assert list(demo) == [*BACKBONES, *page.PAIRS]
    assert all(len(part) == 1 for part in demo.values())
    assert all(len(part) == 3 for part in page.specs(study_of("full"))["permutation"].values())


def test_seeds_and_backbones_that_a_reader_chooses_are_all_trained():
    study = Study.of("smoke", seeds=[4, 5], backbones=["vit"], device="cpu")
    specs = page.specs(study)["permutation"]
    assert list(specs) == ["vit", ("vit", "vit")]
    assert all([spec.seed for spec in part] == [4, 5] for part in specs.values())


def test_the_page_needs_every_model_once():
    study = study_of("demo")
    needs = page.needs(study)
    assert len(needs) == 3 * 8
    assert needs["permutation-deit-distilled+mobilenetv2"][0].train.noise == "permutation"
    runs_needed = [spec for part in needs.values() for spec in part]
    assert len(set(runs_needed)) == len(runs_needed)
    for spec in runs_needed:
        run_specs.check(spec)


def test_every_profile_names_backbones_that_there_are_and_seeds_of_its_own():
    for profile in PROFILES.values():
        assert set(profile.noise_training_backbones) <= set(BACKBONES)
        assert set(profile.noise_training_seeds) <= set(profile.seeds)


# --- made-up models -----------------------------------------------------------------------------------

#: Samples in twenty that a model gets wrong: (trained with, tested with) -> of the CNN; a DeiT errs by DEIT.
CNN = {
    ("", ""): 1,
    ("", "permutation"): 11,
    ("", "translocation"): 9,
    ("permutation", ""): 3,
    ("permutation", "permutation"): 6,
    ("permutation", "translocation"): 9,
    ("translocation", ""): 1,
    ("translocation", "permutation"): 13,
    ("translocation", "translocation"): 3,
}
DEIT = {key: 2 if key[1] != "translocation" else 4 for key in CNN}
PAIR = ("mobilenetv2", "mobilenetv2")


def answers(spec, condition=CLEAN):
    wrong = (CNN if spec.model.roi == "mobilenetv2" else DEIT)[
        spec.train.noise, condition.noise.kind if condition.noise else ""
    ]
    predicted = np.where(wrong > EVERY % 20, (LABELS + 1) % 4, LABELS)
    made = make_predictions(
        predicted, LABELS, spec.seed, run=run_specs.identity(spec), spec=spec, condition=condition
    )
    return made.on({f"k{i}" for i in range(2 * (condition.photos or 100))})


@pytest.fixture(scope="module")
def study():
    base = Study.of("smoke", backbones=["mobilenetv2", "deit"], device="cpu")
    changes = {"evaluation_photos": 80, "noise_training_seeds": (0, 1), "noise_training_backbones": ()}
    return MadeUp(replace(base.profile, **changes), base.backbones, base.store, answers=answers)


@pytest.fixture(scope="module")
def trained(study):
    return page.trained(study)


@pytest.fixture(scope="module")
def changes(study, trained):
    return page.changes(study, trained)


@pytest.fixture(scope="module")
def profits(study, trained, changes):
    return page.profits(study, trained, changes)


def at(frame, **keys):
    """The one row of a frame with these values; `how` is the column `trained with`."""
    for column, value in keys.items():
        frame = frame[frame["trained with" if column == "how" else column] == value]
    (row,) = frame.to_dict("records")
    return row


def test_the_page_asks_for_no_model_that_it_does_not_need(study, trained):
    needed = {spec for part in page.needs(study).values() for spec in part}
    assert set(study.specs_used) == needed
    assert trained.models == ["mobilenetv2", "deit", PAIR]


def test_noise_falls_on_both_cut_outs_of_fewer_photos_at_the_releases_settings(study, trained):
    assert {condition.photos for condition in study.conditions.values()} == {80} == {trained.photos}
    assert {condition.on for condition in study.conditions.values()} == {("roi", "extra_roi")}
    assert [c.noise.kind for c in study.conditions.values()] == ["permutation", "translocation"]
    assert {c.noise.severity for c in study.conditions.values()} == {1.0}
    assert len(trained.tested["clean"]["permutation"]["deit"][0].table) == 200
    assert len(trained.tested["permutation"]["clean"]["deit"][0].table) == 160


def test_scores_are_of_every_model_training_and_test(study, trained):
    scores = page.scores(study, trained)
    assert len(scores) == 3 * 3 * 3
    row = at(scores, model="mobilenetv2", how="permutation", tested="translocation")
    assert row["value"] == pytest.approx(1 - 9 / 20)
    assert row["low"] <= row["value"] <= row["high"]
    assert row["seeds"] == 2
    assert at(scores, model="mobilenetv2 + mobilenetv2", how="clean", tested="clean")["value"] == 0.95


def test_changes_are_against_the_same_model_trained_clean(changes):
    assert len(changes) == 2 * 3 * 3
    row = at(changes, model="mobilenetv2", how="permutation", tested="permutation")
    assert row["value"] == pytest.approx(5 / 20)
    assert row["low"] > 0
    assert at(changes, model="deit", how="translocation", tested="clean")["value"] == 0


def test_who_profits_is_the_rule_applied_to_what_was_made_up(profits, changes):
    cnn = at(profits, model="mobilenetv2", how="permutation")
    assert [cnn[c] for c in ("costs", "buys", "carries over")] == pytest.approx([-0.1, 0.25, 0])
    assert cnn["lost before"] == pytest.approx(0.5)
    assert cnn["comes back"] == pytest.approx(0.5)
    assert cnn["verdict"] == "profits at a price"
    buys = at(changes, model="mobilenetv2", how="permutation", tested="permutation")
    assert (cnn["buys_p"], cnn["buys_smallest"]) == (buys["p"], buys["smallest"])
    assert cnn["costs_p"] < 0.05 <= cnn["carries over_p"]
    shifted = at(profits, model="mobilenetv2", how="translocation")
    assert (shifted["verdict"], shifted["carries over"]) == ("profits", pytest.approx(-0.1))
    deit = at(profits, model="deit", how="permutation")
    assert deit["verdict"] == "undecided"
    assert np.isnan(deit["comes back"]), "nothing was lost that could come back"


@pytest.mark.parametrize(
    ("gains", "pays", "expected"),
    [
        (True, False, "profits"),
        (True, True, "profits at a price"),
        (False, True, "pays, gain not shown"),
        (False, False, "undecided"),
    ],
)
def test_a_verdict_weighs_what_is_gained_and_what_is_paid(gains, pays, expected):
    assert page.verdict(gains, pays) == expected
    assert expected in page.VERDICTS


def test_the_facts_name_who_profits_most_and_least(study, trained, profits):
    facts, shifted = page.training_facts(study, trained, profits).values()
    uncorrected, other = (page._facts(study, trained, profits, kind).test for kind in page.KINDS)
    assert facts.most[0] == "mobilenetv2"
    assert facts.least == ("deit", 0)
    assert facts.spread.value == pytest.approx(0.25)
    assert facts.depends
    assert facts.test.p == pytest.approx(uncorrected.p * (2 if uncorrected.p < other.p else 1), rel=1e-6)
    assert facts.gaining.group == ("mobilenetv2", PAIR)
    assert facts.buys == pytest.approx(2 * 0.25 / 3)
    assert facts.costs == pytest.approx(-2 * 0.1 / 3)
    assert facts.counts == {"profits": 0, "profits at a price": 2, "pays, gain not shown": 0, "undecided": 1}
    assert (facts.shown, facts.above) == (2, 2)
    assert (facts.carried, facts.harmed) == (0, 0)
    assert (shifted.carried, shifted.harmed) == (0, 2)
    assert shifted.counts["profits"] == 2


def test_a_gain_whose_interval_alone_is_above_zero_is_not_shown(study, trained, changes):
    many = changes.assign(p=0.2)  # as after a correction over more comparisons
    facts = page.training_facts(study, trained, page.profits(study, trained, many))["permutation"]
    assert (facts.shown, facts.above) == (0, 2)


def test_the_gain_depends_on_the_architecture_only_where_one_test_over_all_shows_it():
    spread, shown = Estimate(0.1, 0.01, 0.2, 0, 2), Omnibus(9.0, (4, 8), 0.01, 5)
    leading = Leading(("a",), {})
    facts = page.TrainingFacts(0, 0, 0, {}, 0, 0, ("a", 0), ("b", 0), spread, leading, shown, 0)
    assert facts.depends
    assert not dataclasses.replace(facts, test=dataclasses.replace(shown, p=0.06)).depends
