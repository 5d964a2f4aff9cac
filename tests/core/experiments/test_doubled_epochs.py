"""Twice the epochs: made-up models that gain, lose or stay, and two real ones."""

import numpy as np
import pytest
from made_up_study import EVERY, LABELS, MadeUp
from small_sets import make_predictions

from rvernet_core.config import DataSpec, PlatesSpec, replace
from rvernet_core.experiments import doubled_epochs, off_the_shelf
from rvernet_core.experiments.recipes import Recipe
from rvernet_core.experiments.study import Study

#: Samples in twenty that a net gets wrong, by epochs.
WRONG = {"deit": {3: 9, 6: 1}, "vit": {3: 4, 6: 4}, "mlp-mixer": {1: 2, 2: 6}}
RECIPES = tuple(Recipe(name, "single", 1e-3, min(epochs)) for name, epochs in WRONG.items())


def answers(spec, condition=None):
    wrong = WRONG[spec.model.roi][spec.train.epochs]
    predicted = np.where(wrong > EVERY % 20, (LABELS + 1) % 4, LABELS)
    return make_predictions(predicted, LABELS, spec.seed, spec=spec)


@pytest.fixture
def study():
    base = Study.of("full", backbones=tuple(WRONG), device="cpu")
    profile = replace(base.profile, recipes=RECIPES, doubled=tuple(WRONG))
    return MadeUp(profile, base.backbones, base.store, answers=answers)


def found_in(study):
    models = study.singles(), study.for_twice_the_epochs().singles()
    return doubled_epochs.doubled(study, *(study.predictions(part) for part in models))


def test_gains_are_paired_by_seed_and_an_order_that_changes_is_seen(study):
    found = found_in(study)
    rows = found.table.set_index("model")
    assert dict(rows["gain"]) == pytest.approx({"deit": 0.4, "vit": 0.0, "mlp-mixer": -0.2})
    assert list(rows["accuracy"] + rows["gain"]) == pytest.approx(list(rows["twice the epochs"]))
    assert list(rows["epochs"]) == [3, 3, 1]
    assert set(rows["seeds"]) == {len(study.profile.ablation_seeds)} != {len(study.profile.seeds)}
    assert (found.more, found.less) == (["deit"], ["mlp-mixer"]), "few photos do not show that none changes"
    assert found.order == (["mlp-mixer", "vit", "deit"], ["deit", "vit", "mlp-mixer"])


def test_only_the_epochs_differ_also_where_a_net_has_no_recipe(study):
    fewer = MadeUp(replace(study.profile, recipes=RECIPES[:2]), study.backbones, study.store, answers=answers)
    usual, longer = fewer.singles(), fewer.for_twice_the_epochs().singles()
    for name, specs in longer.items():
        for own, twice in zip(usual[name], specs, strict=False):
            assert twice == replace(own, train=replace(own.train, epochs=2 * own.train.epochs))
    assert longer["mlp-mixer"][0].train.epochs == 2 * study.profile.single.epochs


def test_a_profile_may_spare_the_check(study):
    spared = MadeUp(replace(study.profile, doubled=()), study.backbones, study.store, answers=answers)
    found = found_in(spared)
    assert found.table.empty
    assert found.more == found.less == []


def test_real_nets_are_trained_for_twice_the_epochs_and_the_page_waits_for_them(tmp_path):
    base = Study.of("smoke", seeds=[0], backbones=["deit", "mlp-mixer"], device="cpu", cache=tmp_path)
    data = DataSpec(train_scenes=6, test_scenes=6, plates=PlatesSpec(size=64))
    study = Study(replace(base.profile, data=data, doubled=("mlp-mixer",)), base.backbones, base.store)
    assert list(found_in(study).table["model"]) == ["mlp-mixer"], "those alone that the profile names"
    asked = {spec for part in off_the_shelf.needs(study).values() for spec in part}
    used = {run.spec for run in study.used}
    assert used <= asked
    assert {spec.train.epochs for spec in used} == {1, 2}
