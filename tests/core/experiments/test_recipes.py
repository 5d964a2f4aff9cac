"""Recipes: read as they were chosen, and taken by the models that they are for."""

import json

import pytest

from rvernet_core import config
from rvernet_core.config import ModelSpec, TrainSpec
from rvernet_core.errors import ConfigError
from rvernet_core.experiments import off_the_shelf, profiles, recipes, rvernet
from rvernet_core.experiments.ablations import ablated, context_only
from rvernet_core.experiments.distillation_trade_off import students, teachers
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.recipes import Recipe, tuned
from rvernet_core.experiments.study import Study
from rvernet_core.models.backbones import BACKBONES

BASE = TrainSpec(epochs=3, batch_size=16, lr=5e-4, head_lr_factor=10.0, precision="auto")
SOME = (
    Recipe("mobilenetv2", "single", 1e-3, 6),
    Recipe("mobilenetv2", "pair", 2e-4, 12),
    Recipe("vit", "pair", 3e-4, 3),
    Recipe("deit-distilled", "single", 4e-4, 5),
    Recipe("deit-distilled", "student", 6e-4, 9),
)
SECOND = (
    *(Recipe(name, "single", 2e-4 + 1e-5 * i, 5, rank=2) for i, name in enumerate(BACKBONES)),
    *(Recipe(name, "pair", 3e-4 + 1e-5 * i, 4 + i, rank=2) for i, name in enumerate(BACKBONES)),
)


def rate_and_epochs(train):
    return train.lr, train.epochs


def test_without_a_search_there_are_no_recipes_and_with_one_they_are_read_as_written(tmp_path):
    assert recipes.chosen(tmp_path / "recipes.json") == ()
    assert recipes.chosen(recipes.write(SOME, tmp_path / "recipes.json")) == SOME


def test_first_and_second_recipes_stand_in_one_file_and_older_files_hold_first_ones(tmp_path):
    path = tmp_path / "recipes.json"
    recipes.write([*SOME, *SECOND], path)
    assert (recipes.chosen(path), recipes.chosen(path, rank=2)) == (SOME, SECOND)
    without = [{k: v for k, v in row.items() if k != "rank"} for row in json.loads(path.read_text())]
    path.write_text(json.dumps(without[: len(SOME)]))
    assert (recipes.chosen(path), recipes.chosen(path, rank=2)) == (SOME, ())


def test_at_most_shortens_what_is_longer_and_keeps_the_rates():
    short = recipes.at_most(5, SOME)
    assert [recipe.epochs for recipe in short] == [5, 5, 3, 5, 5]
    assert [recipe.lr for recipe in short] == [recipe.lr for recipe in SOME]
    assert all(recipe.epochs <= PROFILES["demo"].single.epochs for recipe in PROFILES["demo"].recipes)


def test_the_full_profile_trains_as_searched_on_no_fewer_scenes():
    full = PROFILES["full"]
    assert full.recipes == recipes.chosen()
    assert full.data.train_scenes >= recipes.SCENES, "fewer are learned by heart sooner"


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


def test_smoke_and_the_papers_scale_know_no_recipes_and_full_alone_second_ones():
    assert PROFILES["smoke"].recipes == PROFILES["paper"].recipes == ()
    demo, full = PROFILES["demo"], PROFILES["full"]
    assert demo.recipes == recipes.at_most(demo.single.epochs, recipes.chosen())
    for rank, found in ((1, full.recipes), (2, full.second_recipes)):
        assert found == recipes.chosen(rank=rank)
    assert {PROFILES[name].second_recipes for name in ("smoke", "demo", "paper")} == {()}


# --- second recipes ---------------------------------------------------------------------------------


def with_second(monkeypatch, found, **overrides):
    """A study of the full profile that knows these second recipes."""
    profile = config.replace(PROFILES["full"], recipes=SOME, second_recipes=tuple(found))
    monkeypatch.setitem(profiles.PROFILES, "full", profile)
    return Study.of("full", device="cpu", **overrides)


def test_under_the_second_recipes_all_singles_and_pairs_are_trained_by_them_with_fewer_seeds(monkeypatch):
    study = with_second(monkeypatch, SECOND)
    second = study.under_second_recipe()
    own = {(r.architecture, r.kind): (r.lr, r.epochs) for r in SECOND}
    assert rates_of(second.singles()) == {name: own[name, "single"] for name in BACKBONES}
    pairs = rates_of(second.pairs())
    assert set(pairs) == set(study.profile.pairs)
    for (roi, extra), found in pairs.items():
        (rate, epochs), (other, more) = own[roi, "pair"], own[extra, "pair"]
        assert found == (min(rate, other), max(epochs, more))
    seeds = {tuple(s.seed for s in part) for part in (second.singles() | second.pairs()).values()}
    assert seeds == {study.profile.ablation_seeds}
    assert second.used is study.used
    assert rates_of(study.singles())["mobilenetv2"] == (1e-3, 6), "the study itself keeps its recipes"


def test_where_one_second_recipe_is_missing_that_kind_is_not_trained_again(monkeypatch):
    without_single = [r for r in SECOND if (r.architecture, r.kind) != ("vit", "single")]
    second = with_second(monkeypatch, without_single).under_second_recipe()
    assert not second.singles()
    assert len(second.pairs()) == len(PROFILES["full"].pairs)
    few = with_second(monkeypatch, without_single, backbones=["deit", "mobilenetv2"]).under_second_recipe()
    assert list(few.singles()) == ["deit", "mobilenetv2"], "nobody asks for the missing one"
    nothing = with_second(monkeypatch, ()).under_second_recipe()
    assert not nothing.singles()
    assert not nothing.pairs()


def test_the_pages_wait_for_what_they_train_by_second_recipes(monkeypatch):
    study = with_second(monkeypatch, SECOND)
    for module, family in ((off_the_shelf, "singles"), (rvernet, "pairs")):
        asked = {s for part in getattr(study.under_second_recipe(), family)().values() for s in part}
        needs = module.needs(study)
        assert asked
        assert asked <= {spec for part in needs.values() for spec in part}
        assert {s for part in getattr(study, family)().values() for s in part} <= {
            spec for part in needs.values() for spec in part
        }


def test_epochs_given_by_the_reader_win_over_second_recipes_too(monkeypatch):
    second = with_second(monkeypatch, SECOND, epochs=2).under_second_recipe()
    assert {epochs for _, epochs in rates_of(second.singles()).values()} == {2}


def test_micro_nets_train_in_the_processors_own_precision_and_heads_in_float32():
    for name in ("smoke", "demo", "full"):
        profile = PROFILES[name]
        assert profile.single.precision == profile.pair.precision == "auto"
        assert profile.grid.precision == "float32"
