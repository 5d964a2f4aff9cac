"""Recipes: read as they were chosen, and taken by the models that they are for."""

import pytest

from rvernet_core import config
from rvernet_core.config import ModelSpec, TrainSpec
from rvernet_core.errors import ConfigError
from rvernet_core.experiments import profiles, recipes
from rvernet_core.experiments.ablations import ablated, context_only
from rvernet_core.experiments.distillation_trade_off import students, teachers
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.recipes import Recipe, tuned
from rvernet_core.experiments.study import Study

BASE = TrainSpec(epochs=3, batch_size=16, lr=5e-4, head_lr_factor=10.0, precision="auto")
SOME = (
    Recipe("mobilenetv2", "single", 1e-3, 6),
    Recipe("mobilenetv2", "pair", 2e-4, 12),
    Recipe("vit", "pair", 3e-4, 3),
    Recipe("deit-distilled", "single", 4e-4, 5),
    Recipe("deit-distilled", "student", 6e-4, 9),
)


def rate_and_epochs(train):
    return train.lr, train.epochs


def test_without_a_search_there_are_no_recipes_and_with_one_they_are_read_as_written(tmp_path):
    assert recipes.chosen(tmp_path / "recipes.json") == ()
    assert recipes.chosen(recipes.write(SOME, tmp_path / "recipes.json")) == SOME


def test_recipes_of_another_form_are_refused(tmp_path):
    path = recipes.write(SOME, tmp_path / "recipes.json")
    path.write_text(path.read_text().replace('"lr"', '"rate"'))
    with pytest.raises(ConfigError, match="unknown key 'rate'"):
        recipes.chosen(path)


@pytest.mark.parametrize(
    ("model", "student", "expected"),
    [
        (ModelSpec(roi="mobilenetv2"), False, (1e-3, 6)),
        (ModelSpec(roi=None, extra_roi="mobilenetv2"), False, (1e-3, 6)),
        (ModelSpec(roi="mobilenetv2", extra_roi="mobilenetv2"), False, (2e-4, 12)),
        (ModelSpec(roi="vit", extra_roi="vit", freeze=("roi",)), False, (3e-4, 3)),
        (ModelSpec(roi="deit-distilled"), False, (4e-4, 5)),
        (ModelSpec(roi="deit-distilled"), True, (6e-4, 9)),
    ],
)
def test_a_model_takes_the_recipe_of_its_backbone_and_its_kind(model, student, expected):
    train = tuned(BASE, SOME, model, student)
    assert rate_and_epochs(train) == expected
    assert config.replace(train, lr=BASE.lr, epochs=BASE.epochs) == BASE, "and nothing else"


def test_a_mixed_pair_takes_the_lower_rate_and_the_more_epochs_in_either_order():
    for roi, extra in (("mobilenetv2", "vit"), ("vit", "mobilenetv2")):
        assert rate_and_epochs(tuned(BASE, SOME, ModelSpec(roi=roi, extra_roi=extra))) == (2e-4, 12)


@pytest.mark.parametrize(
    ("model", "student"),
    [
        (ModelSpec(roi="vit"), False),
        (ModelSpec(roi="vit", extra_roi="deit"), False),
        (ModelSpec(roi="deit", extra_roi="vit"), False),
        (ModelSpec(roi="vit"), True),
        (ModelSpec(roi="deit-distilled", extra_roi="deit-distilled"), True),
    ],
)
def test_what_was_not_searched_is_trained_as_the_profile_says(model, student):
    assert tuned(BASE, SOME, model, student) == BASE
    assert tuned(BASE, (), model, student) == BASE


# --- profiles and pages -----------------------------------------------------------------------------


@pytest.fixture
def searched(monkeypatch):
    """The demo profile with the recipes SOME."""
    profile = config.replace(PROFILES["demo"], recipes=SOME)
    monkeypatch.setitem(profiles.PROFILES, "demo", profile)
    return profile


def rates_of(family):
    """key -> (rate, epochs), which all seeds share."""
    (rates,) = [{key: {rate_and_epochs(s.train) for s in specs} for key, specs in family.items()}]
    assert all(len(one) == 1 for one in rates.values())
    return {key: one.pop() for key, one in rates.items()}


def test_every_page_trains_its_models_by_their_recipes(searched):
    study, usual = Study.of("demo", device="cpu"), (searched.single.lr, searched.single.epochs)
    assert rates_of(study.singles()) == {
        "mobilenetv2": (1e-3, 6),
        "vit": usual,
        "deit": usual,
        "deit-distilled": (4e-4, 5),
        "mlp-mixer": usual,
    }
    pairs = rates_of(study.pairs())
    assert pairs["mobilenetv2", "mobilenetv2"] == (2e-4, 12)
    assert set(rates_of(context_only(study)).values()) == {(1e-3, 6)}
    for family in ablated(study).values():
        assert set(rates_of(family).values()) == {(2e-4, 12)}
    assert rates_of(teachers(study)) == {"single": (1e-3, 6), "rvernet": (2e-4, 12)}
    taught = students(study)
    assert set(rates_of(taught["single"]).values()) == {(6e-4, 9)}
    assert set(rates_of(taught["rvernet"]).values()) == {(searched.pair.lr, searched.pair.epochs)}


def test_the_grid_on_frozen_nets_keeps_its_own_recipe(searched):
    study = Study.of("demo", device="cpu")
    grid = (searched.grid.lr, searched.grid.epochs)
    assert set(rates_of(study.grid()).values()) == set(rates_of(study.grid_singles()).values()) == {grid}


def test_epochs_given_by_the_reader_win_over_every_recipe(searched):
    study = Study.of("demo", epochs=2, device="cpu")
    trained = {**rates_of(study.singles()), **rates_of(study.pairs())}
    assert {epochs for _, epochs in trained.values()} == {2}
    assert trained["mobilenetv2"][0] == 1e-3, "at the rate of the recipe"


def test_a_page_is_stale_when_a_recipe_changes(searched, monkeypatch):
    before = profiles.settings("demo")
    changed = (config.replace(SOME[0], epochs=7), *SOME[1:])
    monkeypatch.setitem(profiles.PROFILES, "demo", config.replace(searched, recipes=changed))
    assert profiles.settings("demo") != before


def test_smoke_and_the_papers_scale_know_no_recipes():
    assert PROFILES["smoke"].recipes == PROFILES["paper"].recipes == ()
    for name in ("demo", "full"):
        assert PROFILES[name].recipes == recipes.chosen()


def test_micro_nets_train_in_the_processors_own_precision_and_heads_in_float32():
    for name in ("smoke", "demo", "full"):
        profile = PROFILES[name]
        assert profile.single.precision == profile.pair.precision == "auto"
        assert profile.grid.precision == "float32"
