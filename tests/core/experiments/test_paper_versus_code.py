"""Page 10 on made-up predictions: which differences are turned in which models, and what they do."""

import dataclasses

import numpy as np
import pytest
from made_up_study import EVERY, LABELS, MadeUp
from small_sets import make_predictions

from rvernet_core import run_specs
from rvernet_core.config import RELEASED, ModelSpec, RunSpec, TrainSpec, as_released, replace
from rvernet_core.experiments import paper_versus_code as page
from rvernet_core.experiments.recipes import Recipe
from rvernet_core.experiments.study import Study

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
    turned = {s for d in page.DIFFERENCES if d.name != "everything" for s in d.switches}
    sizes = {"fusion", "head_width", "precision"}  # the same in text and release
    rest = {
        "layer_norm_eps",
        "frozen_statistics",
        "watch_test",
    }  # too small, of frozen modules, measured apart
    assert set(RELEASED) - sizes - rest == turned


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


def test_the_audit_may_train_on_fewer_scenes_for_as_many_steps(study):
    scenes = study.profile.data.train_scenes
    recipes = (Recipe("mobilenetv2", "pair", 1e-4, 2), Recipe("mobilenetv2", "single", 2e-4, 1))
    profile = dataclasses.replace(study.profile, recipes=recipes, audit_scenes=scenes // 2, audit_epochs=3)
    own = page.as_audited(dataclasses.replace(study, profile=profile)).profile
    assert own.data == dataclasses.replace(profile.data, train_scenes=scenes // 2)
    assert [recipe.epochs for recipe in own.recipes] == [3, 2], "twice as many, but three at most"
    photos = dataclasses.replace(profile, data=dataclasses.replace(profile.data, name="folder"))
    assert page.as_audited(dataclasses.replace(study, profile=photos)).profile.data == photos.data


def test_effects_are_the_differences_to_the_base(study):
    audit = page.audit(study)
    effects = page.effects(study, audit).set_index(["difference", "model"])
    pixels = effects.loc["pixels"]
    assert pixels["accuracy"].tolist() == pytest.approx([-0.2] * len(pixels))
    assert effects.loc[("flips", "mobilenetv2 + mobilenetv2"), "accuracy"] == 0
    facts = page.audit_facts(effects.reset_index())
    assert (facts.lower, facts.higher) == (2, 0)
    assert facts.largest["difference"] == "pixels"
    assert facts.everything["accuracy"].min() < -0.3
    assert facts.tried == len(effects) - len(facts.everything)


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
