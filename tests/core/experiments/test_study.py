"""A study's specs, and where its predictions come from; wrong parameters stop before any work."""

import numpy as np
import pytest

from rvernet_core import config
from rvernet_core.config import CLEAN, Condition, ModelSpec, Noise
from rvernet_core.errors import ConfigError, DataError
from rvernet_core.evaluation.perturbed import perturbed_test_set
from rvernet_core.experiments import study as module
from rvernet_core.experiments.study import Study, named
from rvernet_core.models.backbones import BACKBONES
from rvernet_core.runs import RunStore

SMALL = {"profile": "smoke", "seeds": [0, 1], "backbones": ["mlp-mixer"], "device": "cpu"}
CONDITIONS = {"clean": CLEAN, "shifted": Condition(noise=Noise("translocation"), photos=5)}


# --- which models -----------------------------------------------------------------------------------


def test_the_grid_is_every_combination_and_every_seed():
    study = Study.of("demo", device="cpu")
    assert set(study.grid()) == {(a, b) for a in BACKBONES for b in BACKBONES}
    assert all([s.seed for s in specs] == [0, 1, 2] for specs in study.grid().values())
    assert all(s.model.freeze == s.model.branches for specs in study.grid().values() for s in specs)
    assert all(s.model.freeze == ("roi",) for specs in study.grid_singles().values() for s in specs)


def test_pages_with_many_kinds_of_models_use_fewer_seeds_unless_seeds_are_given():
    assert Study.of("demo", device="cpu").with_ablation_seeds().profile.seeds == (0, 1)
    assert Study.of("paper", device="cpu").with_ablation_seeds().profile.seeds == (0, 1, 2)
    assert Study.of("demo", seeds=[3, 4, 5], device="cpu").with_ablation_seeds().profile.seeds == (3, 4, 5)


def test_what_a_study_with_fewer_seeds_uses_is_counted_with_the_rest():
    study = Study.of("demo", device="cpu")
    assert study.with_ablation_seeds().used is study.used


def test_overrides_change_the_profile_and_nothing_else():
    study = Study.of("demo", seeds=[4], epochs=7, backbones=["vit", "mobilenetv2"], device="cpu")
    assert study.profile.seeds == (4,)
    assert study.profile.single.epochs == study.profile.pair.epochs == 7
    assert set(study.singles()) == {"vit", "mobilenetv2"}
    assert set(study.pairs()) == {("mobilenetv2", "mobilenetv2")}
    assert study.profile.data == Study.of("demo", device="cpu").profile.data


def test_the_paper_profile_is_the_same_code_with_other_values(tmp_path):
    sauces = (f"ketchup={tmp_path}", f"chili paste={tmp_path}")
    study = Study.of("paper", data_root=str(tmp_path), extra_classes=sauces, device="cpu")
    (spec, *_) = study.pairs()["deit-distilled", "mobilenetv2"]
    assert spec.model.scale == "paper"
    assert spec.data.extra_classes == sauces
    assert not spec.model.freeze
    assert not spec.model.standardise
    assert not spec.model.freeze_batch_norm


def test_a_context_only_model_is_brought_to_the_profiles_scale():
    study = Study.of("paper", device="cpu")
    specs = study.specs(ModelSpec(roi=None, extra_roi="vit"))
    assert {spec.train for spec in specs} == {study.profile.single}
    assert [spec.seed for spec in specs] == [0, 1, 2]
    assert {(spec.model.branches, spec.model.scale) for spec in specs} == {(("extra_roi",), "paper")}


def test_a_control_without_chance_has_one_run_and_the_ideal_observers_one_per_seed():
    found = Study.of("demo", seeds=[3, 4], device="cpu").controls("majority", "ideal-look", "no control")
    assert [spec.seed for spec in found["majority"]] == [0]
    assert [spec.seed for spec in found["ideal-look"]] == [3, 4]
    assert set(found) == {"majority", "ideal-look"}
    assert set(Study.of("paper", device="cpu").controls("majority", "ideal-look")) == {"majority"}


def test_other_laws_change_the_plates_alone_and_count_as_used():
    study = Study.of("demo", masks="sam", device="cpu")
    few, altered = study.few(), study.altered()
    assert few.profile.pairs == study.profile.ablated
    assert list(altered) == [law.name for law in study.profile.altered]
    for law, part in zip(study.profile.altered, altered.values(), strict=True):
        data = part.profile.data
        assert (data.plates.ambiguity, data.plates.context_strength) == (law.ambiguity, law.context_strength)
        assert config.replace(data, plates=study.profile.data.plates) == study.profile.data
        assert (part.profile.pairs, part.profile.seeds) == (few.profile.pairs, few.profile.seeds)
        assert part.used is study.used
    assert Study.of("paper", device="cpu").altered() == {}


def test_families_get_names_that_are_fit_for_files():
    assert named("single", {"vit": [1]}) == {"single-vit": [1]}
    assert named("pair", {("vit", "deit"): [2]}) == {"pair-vit+deit": [2]}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"profile": "ful"}, "smoke, demo, full, paper"),
        ({"profile": "demo", "backbones": ["resnet"]}, "resnet"),
        ({"profile": "demo", "epochs": -1}, "at least 1"),
        ({"profile": "demo", "device": "abacus"}, "abacus"),
        ({"profile": "demo", "seeds": ["one"]}, "seeds"),
        ({"profile": "demo", "runs": "download"}, "train, record"),
        ({"profile": "demo", "runs": "record"}, "no record was given"),
    ],
)
def test_fault_36_wrong_parameters_are_named_before_any_work(overrides, message):
    with pytest.raises(ConfigError, match=message):
        Study.of(**{"device": "cpu"} | overrides)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"profile": "dmo"}, r"profile is 'dmo'; did you mean 'demo'\? Expected one of smoke, demo, full"),
        ({"masks": "smam"}, r"masks is 'smam'; did you mean 'sam'\? Expected one of exact, sam"),
        ({"backbones": ["deit", "vti"]}, r"backbones\[1\] is 'vti'; did you mean 'vit'\?"),
        ({"backbones": ["VIT"]}, "did you mean 'vit'"),
        ({"backbones": "vit,vit"}, "'vit' stands twice"),
        ({"backbones": ["vit", 3]}, r"backbones\[1\] is 3 \(int\); expected str"),
        ({"seeds": [0, 1, 0]}, r"seeds is \[0, 1, 0\]; expected each once, and 0 stands twice"),
        ({"seeds": [0, -1]}, r"seeds is \[0, -1\]; expected numbers from 0"),
        ({"seeds": [2**32]}, "expected numbers from 0 to 4294967295"),
        ({"epochs": 1.5}, r"epochs is 1.5 \(float\); expected int"),
        ({"dataset": "plate"}, r"data set is 'plate'; did you mean 'plates'\? .*foodseg103"),
        ({"dataset": "folder"}, r"'folder' needs a root \(data_root\)"),
        ({"data_root": "photos"}, "rendered; it takes no root"),
        ({"extra_classes": ["ketchup"]}, "expected 'class name=folder'"),
        ({"runs": "trian"}, "did you mean 'train'"),
        ({"device": "cdua"}, "did you mean 'cuda'"),
        ({"device": "cuda:x"}, "Expected one of auto, cpu, cuda"),
    ],
)
def test_fault_49_a_mistyped_choice_names_the_nearest_and_all_valid_ones(overrides, message):
    with pytest.raises(ConfigError, match=message):
        Study.of(**{"device": "cpu"} | overrides)


@pytest.mark.parametrize(
    "overrides", [{"dataset": "folder", "data_root": "nowhere"}, {"extra_classes": ["ketchup=nowhere"]}]
)
def test_fault_49_a_folder_that_is_not_there_stops_before_any_work(overrides):
    with pytest.raises(DataError, match="nowhere is not a folder"):
        Study.of("smoke", device="cpu", **overrides)


@pytest.mark.parametrize(("profile", "net"), [("smoke", "micro"), ("paper", "vit_h")])
def test_masks_of_segment_anything_are_those_of_the_profiles_own_net(profile, net):
    data = Study.of(profile, masks="sam", device="cpu").profile.data
    assert (data.masks, data.sam) == ("sam", net)


def test_auto_takes_the_device_that_is_there():
    assert module.pick_device("auto") in {"cpu", "cuda"}


def test_the_cache_is_the_given_one_or_that_of_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("RVERNET_CACHE", str(tmp_path / "environment"))
    assert Study.of(**SMALL).store.cache == tmp_path / "environment"
    assert Study.of(**SMALL, cache=tmp_path / "given").store.cache == tmp_path / "given"
    monkeypatch.delenv("RVERNET_CACHE")
    monkeypatch.chdir(tmp_path)
    assert Study.of(**SMALL).store.cache == tmp_path / "_build" / "cache"


@pytest.mark.parametrize(("profile", "fewest"), [("demo", 45), ("full", 150)])
def test_there_are_enough_ambiguous_items_to_test_on(profile, fewest):
    """With the paper's 38 and 34 test items of a sauce the sampling error alone would be about 0.06."""
    from rvernet_core.data.plates import TEST_SEEDS
    from rvernet_plates import DRINKS, SAUCES, plan_scene

    data = Study.of(profile, device="cpu").profile.data
    plans = [plan_scene(data.plates, TEST_SEEDS + i) for i in range(data.test_scenes)]
    names = [name for plan in plans for name in (plan.sauce, plan.drink)]
    assert min(names.count(name) for name in (*SAUCES, *DRINKS)) >= fewest


# --- what they answer -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A small study that has trained its single models and evaluated them."""
    study = Study.of(**SMALL, cache=tmp_path_factory.mktemp("cache"))
    study.evaluate(study.predictions(study.singles()), CONDITIONS)
    return study


@pytest.fixture
def no_training(monkeypatch):
    monkeypatch.setattr(RunStore, "load_or_train", lambda *a: pytest.fail("a run was loaded or trained"))


def from_record(study, recorded):
    """The same study on the same data, with the published predictions `recorded`."""
    return Study.of(**SMALL, cache=study.store.cache, runs="record", recorded=recorded)


def test_predictions_are_one_per_seed_and_are_kept_for_the_record(study):
    again = Study.of(**SMALL, cache=study.store.cache)
    models = again.predictions(again.singles())
    assert [p.spec.seed for p in models["mlp-mixer"]] == [0, 1]
    assert again.used == models["mlp-mixer"]
    results = again.evaluate(models, CONDITIONS)
    assert list(results) == ["clean", "shifted"]
    for name, condition in CONDITIONS.items():
        assert [p.spec.seed for p in results[name]["mlp-mixer"]] == [0, 1]
        assert {p.condition for p in results[name]["mlp-mixer"]} == {condition}
    shown = perturbed_test_set(again.store, again.profile.data, CONDITIONS["shifted"], 112)
    assert tuple(results["shifted"]["mlp-mixer"][0].table["key"]) == shown.keys
    assert len(again.used) == 6


def test_recorded_predictions_are_read_without_training(study, no_training):
    recorded = {p.name: p for p in study.used}
    reader = from_record(study, recorded)
    models = reader.predictions(reader.singles())
    assert [p.name for p in models["mlp-mixer"]] == [p.name for p in study.used[:2]]
    results = reader.evaluate(models, CONDITIONS)
    for part in results.values():
        assert all(p is recorded[p.name] for p in part["mlp-mixer"])
    assert reader.used[2:] == [p for part in results.values() for p in part["mlp-mixer"]]


def test_what_the_record_lacks_is_computed_and_only_that(study, monkeypatch):
    """One evaluation of one seed is missing, so that run alone is loaded."""
    recorded = {p.name: p for p in study.used}
    absent = next(p for p in study.used if p.condition == CONDITIONS["shifted"] and p.spec.seed == 1)
    del recorded[absent.name]
    loaded, real = [], RunStore.load_or_train
    monkeypatch.setattr(RunStore, "load_or_train", lambda s, spec: loaded.append(spec) or real(s, spec))
    reader = from_record(study, recorded)
    results = reader.evaluate(reader.predictions(reader.singles()), CONDITIONS)
    assert loaded == [absent.spec]
    computed = results["shifted"]["mlp-mixer"][1]
    assert computed == absent
    assert (computed.predicted == absent.predicted).all()


def test_weights_come_from_runs_whatever_the_record_holds(study):
    reader = from_record(study, {p.name: p for p in study.used})
    (runs,) = reader.runs(reader.singles()).values()
    assert [run.folder.name for run in runs] == [p.run for p in study.used[:2]]
    assert runs[0].model().branches == ("roi",)
    assert np.array_equal(reader.used[0].predicted, runs[0].predictions.predicted)
