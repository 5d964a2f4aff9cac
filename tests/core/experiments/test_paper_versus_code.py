"""Page 10 on made-up predictions: which differences are turned in which models, and what they do."""

import dataclasses

import numpy as np
import pytest
from made_up_study import EVERY, LABELS, MadeUp
from small_sets import make_predictions

from rvernet_core import run_specs
from rvernet_core.config import RELEASED, DataSpec, ModelSpec, RunSpec, TrainSpec, as_released, replace
from rvernet_core.experiments import paper_versus_code as page
from rvernet_core.experiments.recipes import Recipe
from rvernet_core.experiments.study import Study
from rvernet_core.training import learning_rates

PAIR = ("mobilenetv2", "mobilenetv2")


def answers(spec):
    """Two wrong in twenty; without normalisation six, with everything as released ten."""
    released = spec.model.class_token and not spec.model.normalise
    wrong = 10 if released else 6 if not spec.model.normalise else 2
    predicted = np.where(wrong > EVERY % 20, (LABELS + 1) % 4, LABELS)
    return make_predictions(predicted, LABELS, spec.seed, run=run_specs.identity(spec), spec=spec)


@pytest.fixture(scope="module")
def study():
    base = Study.of("smoke", device="cpu")
    made_up = MadeUp(replace(base.profile, seeds=(0, 1)), base.backbones, base.store, answers=answers)
    object.__setattr__(made_up, "histories", histories)
    return made_up


def histories(specs):
    return {k: [[{"test accuracy": a} for a in (0.5, 0.9, 0.8)] for _ in part] for k, part in specs.items()}


def test_every_variant_differs_from_the_base_in_its_switches_alone():
    variants = page.variants(Study.of("full", device="cpu"))
    base = variants.pop(page.BASE)
    for difference in page.DIFFERENCES:
        for model, specs in variants[difference.name].items():
            for spec, original in zip(specs, base[model], strict=True):
                start = plain = replace(original, train=replace(original.train, watch_test=False))
                if difference.stated:
                    start = replace(plain, train=replace(plain.train, **page.STATED))
                expected = as_released(start, *difference.switches) if difference.switches else start
                assert spec == expected != plain


def test_every_switch_of_the_release_is_turned_by_some_difference_of_its_own():
    turned = {s for d in page.DIFFERENCES if d.name != page.EVERYTHING for s in d.switches}
    rest = set(page._fields(page.DIFFERENCES[-1]))  # the page says why of each
    assert rest == {
        "fusion",
        "head_width",
        "precision",
        "layer_norm_eps",
        "frozen_statistics",
        "watch_test",
    }
    assert rest | turned == set(RELEASED)
    assert not rest & turned


def here(study):
    return page.differences(study).set_index("difference")["here"]


@pytest.mark.parametrize(
    ("profile", "name", "expected"),
    [
        ("full", "schedule", "as the text: schedule as-written"),
        ("full", "pixels", "own: normalise yes"),
        ("full", "shared module", "as the text: shared no"),
        ("full", "dropout", "own: dropout 0"),
        ("full", "batch norms", "own: freeze_batch_norm yes"),
        ("full", "raw features, one rate", "own: standardise yes, head_lr_factor 3 to 10"),
        ("paper", "batch norms", "as the code: freeze_batch_norm no"),
        (
            "paper",
            "stated rate, schedule as released",
            "as the text: schedule as-written; as both: lr 0.004, head_lr_factor 1",
        ),
        ("paper", "raw features, one rate", "as both: head_lr_factor 1; as the code: standardise no"),
    ],
)
def test_what_is_done_here_is_read_off_the_profile(profile, name, expected):
    assert here(Study.of(profile, device="cpu"))[name] == expected


def test_the_rate_here_spans_the_models_of_the_other_pages():
    study = Study.of("full", device="cpu")
    rates = {s.train.lr for of in (study.singles(), study.pairs()) for specs in of.values() for s in specs}
    assert len(rates) > 1
    said = f"lr {min(rates):g} to {max(rates):g}"
    assert said in here(study)[page.STATED_RATE[0]]
    assert here(page.as_audited(study)).equals(here(study)), (
        "the audit's fewer epochs and seeds change nothing"
    )


def test_where_some_models_do_otherwise_the_value_is_nobodys():
    spec = RunSpec(train=TrainSpec(**page.STATED))
    other = replace(spec, train=replace(spec.train, schedule="as-released"))
    schedule = next(d for d in page.DIFFERENCES if d.name == "schedule")
    assert page._here(schedule, [spec]) == "as the text: schedule as-written"
    assert page._here(schedule, [other]) == "as the code: schedule as-released"
    assert page._here(schedule, [spec, other]) == "own: schedule as-released or as-written"
    flips = replace(spec, train=replace(spec.train, flip_together=False))
    flip = next(d for d in page.DIFFERENCES if d.name == "flips")
    assert page._here(flip, [spec, flips]) == "own: flip_together yes or no"


def test_of_everything_the_fields_without_a_line_of_their_own_are_said():
    said = here(Study.of("full", device="cpu"))[page.EVERYTHING]
    assert said.startswith("as above; as the code: fusion logits, head_width 640; own: ")
    assert "schedule" not in said
    assert all(name in said for name in ("layer_norm_eps 1e-06", "frozen_statistics yes", "watch_test no"))


def test_what_the_text_says_is_a_value_that_some_difference_turns():
    turned = {name for d in page.DIFFERENCES for name in page._fields(d)}
    assert set(page.TEXT) <= turned
    for name, value in page.TEXT.items():
        (part,) = (of for of in (DataSpec(), ModelSpec(), TrainSpec()) if hasattr(of, name))
        replace(part, **{name: value})  # of the right type
    silent = [d for d in page.DIFFERENCES if d.text == "not stated"]
    assert not {name for d in silent for name in page._fields(d)} & set(page.TEXT)


def test_the_first_epoch_is_at_rate_0_as_released_and_its_share_is_the_profiles(study):
    profile = dataclasses.replace(study.profile, single=TrainSpec(epochs=4), pair=TrainSpec(epochs=1))
    table = page.first_epochs(dataclasses.replace(study, profile=profile)).set_index("model")
    assert table.loc["deit-distilled"].tolist() == [4, 0.25]
    assert table.loc["mobilenetv2 + mobilenetv2"].tolist() == [1, 1]
    for _, train in page.audited(page.as_audited(Study.of("full", device="cpu"))).values():
        first, *others = learning_rates(as_released(train, "schedule"), 1000, 1000)
        assert set(first) == {0}
        assert 0 not in {rate for epoch in others for rate in epoch}


@pytest.mark.parametrize(
    ("name", "model", "concerned"),
    [
        ("flips", ModelSpec(roi="vit"), False),
        ("shared module", ModelSpec("vit", "deit"), False),
        ("shared module", ModelSpec("vit", "vit"), True),
        ("batch norms", ModelSpec(roi="vit"), False),
        ("batch norms", ModelSpec("vit", "mobilenetv2"), True),
        ("head of DeiT-distilled", ModelSpec(roi="deit-distilled"), True),
        ("head of DeiT-distilled", ModelSpec(roi="deit"), False),
        ("pixels", ModelSpec(roi="deit"), True),
        ("stated rate, schedule as written", ModelSpec(roi="deit"), True),
    ],
)
def test_a_difference_is_turned_only_where_it_can_change_something(name, model, concerned):
    difference = next(d for d in page.DIFFERENCES if d.name == name)
    assert page._concerns(difference, model) == concerned


def test_all_runs_of_the_page_are_declared_under_names_of_their_own(study):
    needs = page.needs(study)
    declared = {spec for specs in needs.values() for spec in specs}
    own = page.as_audited(study)
    used = {s for models in page.variants(own).values() for specs in models.values() for s in specs}
    assert declared == used
    assert all(isinstance(s, RunSpec) for s in declared)
    base, released = (page.variants(own)[name] for name in (page.BASE, "everything"))
    watched = {s for models in (base, released) for specs in models.values() for s in specs}
    assert {s for s in declared if s.train.watch_test} == watched, "only these say how a choice flatters"


def test_the_audit_may_train_for_fewer_epochs_than_the_profile(study):
    recipes = (Recipe("mobilenetv2", "pair", 1e-4, 12), Recipe("mobilenetv2", "single", 2e-4, 1))
    profile = dataclasses.replace(
        study.profile, recipes=recipes, audit_epochs=2, single=TrainSpec(epochs=1), pair=TrainSpec(epochs=9)
    )
    own = page.as_audited(dataclasses.replace(study, profile=profile)).profile
    assert [recipe.epochs for recipe in own.recipes] == [2, 1]
    assert (own.single.epochs, own.pair.epochs) == (1, 2)
    whole = page.as_audited(dataclasses.replace(study, profile=dataclasses.replace(profile, audit_epochs=0)))
    assert whole.profile.recipes == recipes


def test_the_audit_may_train_on_fewer_scenes(study):
    scenes = study.profile.data.train_scenes
    recipes = (Recipe("mobilenetv2", "pair", 1e-4, 2), Recipe("mobilenetv2", "single", 2e-4, 1))
    profile = dataclasses.replace(study.profile, recipes=recipes, audit_scenes=scenes // 2, audit_epochs=3)
    own = page.as_audited(dataclasses.replace(study, profile=profile)).profile
    assert own.data == dataclasses.replace(profile.data, train_scenes=scenes // 2)
    assert [recipe.epochs for recipe in own.recipes] == [2, 1], "a recipe counts epochs, not steps"
    photos = dataclasses.replace(profile, data=dataclasses.replace(profile.data, name="folder"))
    assert page.as_audited(dataclasses.replace(study, profile=photos)).profile.data == photos.data


def test_effects_are_the_differences_to_the_base(study):
    audit = page.audit(study)
    effects = page.effects(study, audit).set_index(["difference", "model"])
    pixels = effects.loc["pixels"]
    assert pixels["accuracy"].tolist() == pytest.approx([-0.2] * len(pixels))
    assert effects.loc[("flips", "mobilenetv2 + mobilenetv2"), "accuracy"] == 0
    assert set(pixels["follows"]) == {"own"}
    assert set(effects.loc["schedule", "follows"]) == {"as the text"}
    assert set(effects.loc[page.STATED_RATE[1], "follows"]) == {"as the text; own"}
    assert set(effects.loc["everything", "follows"]) == {"as above"}
    facts = page.audit_facts(effects.reset_index())
    assert (facts.lower, facts.higher) == (2, 0)
    assert facts.largest["difference"] == "pixels"
    assert facts.everything["accuracy"].min() < -0.3
    for rows, name in zip((facts.as_written, facts.as_released), page.STATED_RATE, strict=True):
        assert rows["difference"].tolist() == [name] * 2
        assert set(rows["model"]) == {"deit-distilled", "mobilenetv2 + mobilenetv2"}
    assert facts.tried == len(effects) - len(facts.everything)


def test_the_largest_that_is_shown_is_not_the_largest_where_that_is_noise(study):
    effects = page.effects(study, page.audit(study)).reset_index(drop=True)
    loud = effects["difference"] == "dropout"
    noisy = effects.assign(accuracy=effects["accuracy"].mask(loud, -0.9), p=effects["p"].mask(loud, 0.5))
    facts = page.audit_facts(noisy)
    assert (facts.largest["difference"], facts.largest_shown) == ("dropout", False)
    assert facts.shown["difference"] == "pixels"
    assert page.audit_facts(effects.assign(p=0.5)).shown is None


def test_the_schedules_at_the_stated_rate_are_compared_in_the_same_model(study):
    audit = page.audit(study)
    table = page.released_against_written(study, audit)
    assert set(table["model"]) == {"deit-distilled", "mobilenetv2 + mobilenetv2"}
    assert table["change"].tolist() == [0, 0]
    written, released = page.STATED_RATE
    worse = page.Audit({written: audit.runs["pixels"], released: audit.base}, audit.ambiguous)
    assert page.released_against_written(study, worse)["change"].tolist() == pytest.approx([0.2, 0.2])
    assert page.released_against_written(study, page.Audit({}, audit.ambiguous)).empty


def test_choosing_on_the_test_set_flatters_by_best_minus_last(study):
    chosen = page.chosen_on_test(study, page.audit(study))
    assert chosen["flattery"].tolist() == pytest.approx([0.1] * len(chosen))
    assert chosen["flattery_low"].tolist() == pytest.approx([0.1] * len(chosen)), "all seeds gain alike"
    assert chosen["epochs"].tolist() == [3] * len(chosen)


def test_micro_f1_is_accuracy(study):
    audit = page.audit(study)
    table = page.f1_definitions(study, audit)
    scores = page.scores(study, audit)
    assert table["micro_f1"].tolist() == scores["accuracy"].tolist()
    assert (table["difference"] == table["macro_f1"] - table["micro_f1"]).all()
