"""Specs convert to data and back, refuse what they do not know, and have stable names."""

import dataclasses
from collections.abc import Sequence

import pytest

from rvernet_core import config
from rvernet_core.config import CLEAN, Condition, DataSpec, ModelSpec, Noise, PlatesSpec, RunSpec, TrainSpec
from rvernet_core.errors import ConfigError


def test_a_spec_survives_the_way_to_data_and_back():
    spec = RunSpec(
        data=DataSpec(extra_classes=("ketchup=a", "chili paste=b"), plates=PlatesSpec(size=96)), seed=3
    )
    assert config.from_dict(RunSpec, config.to_dict(spec)) == spec


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"sead": 1}, "unknown key 'sead'.*seed"),
        ({"data": {"plates": {"sise": 64}}}, r"unknown key 'data\.plates\.sise'"),
        ({"seed": "1"}, r"seed is '1' \(str\); expected int"),
        ({"seed": True}, "seed is True"),
        ({"train": {"lr": "fast"}}, r"train\.lr is 'fast'"),
        ({"model": {"freeze": [1]}}, r"model\.freeze\[0\] is 1"),
    ],
)
def test_unknown_keys_and_wrong_types_are_named(data, message):
    with pytest.raises(ConfigError, match=message):
        config.from_dict(RunSpec, data)


def test_an_integer_is_a_float_but_not_the_reverse():
    assert config.from_dict(TrainSpec, {"lr": 1}).lr == 1.0
    with pytest.raises(ConfigError):
        config.from_dict(TrainSpec, {"epochs": 1.5})


@pytest.mark.parametrize(
    ("value", "hint", "expected"),
    [
        ("0, 1,2", list[int], [0, 1, 2]),
        (3, Sequence[int], [3]),
        (("a", "b"), Sequence[str], ["a", "b"]),
        ([1, 2], tuple[float, ...], (1.0, 2.0)),
        (None, int | None, None),
        (True, bool, True),
    ],
)
def test_a_value_is_brought_to_its_type(value, hint, expected):
    coerced = config.coerce(value, hint, "x")
    assert coerced == expected
    assert type(coerced) is type(expected)


@pytest.mark.parametrize(
    ("value", "hint", "message"),
    [
        ("0,b", list[int], r"x\[1\] is 'b' \(str\); expected int"),
        ("", list[int], "x is ''; expected items"),
        ("0,,1", list[int], "x is '0,,1'; expected items"),
        ("a,b", tuple[str, ...], r"x is 'a,b' \(str\); expected tuple\[str, \.\.\.\]"),
        (True, int, r"x is True \(bool\); expected int"),
        (None, str, r"x is None \(NoneType\); expected str"),
    ],
)
def test_a_value_of_another_type_is_named_with_what_was_expected(value, hint, message):
    with pytest.raises(ConfigError, match=message):
        config.coerce(value, hint, "x")


def test_every_field_changes_the_name():
    spec = TrainSpec()
    for field in dataclasses.fields(spec):
        value = getattr(spec, field.name)
        other = f"not {value}" if isinstance(value, str) else value + 1
        assert config.fingerprint(dataclasses.replace(spec, **{field.name: other})) != config.fingerprint(
            spec
        )


def test_nested_changes_change_the_name_and_equal_specs_share_it():
    a = RunSpec(data=DataSpec(plates=PlatesSpec(ambiguity=0.5)))
    assert config.fingerprint(a) != config.fingerprint(RunSpec())
    assert config.fingerprint(a) == config.fingerprint(
        RunSpec(data=DataSpec(plates=PlatesSpec(ambiguity=0.5)))
    )
    assert config.fingerprint(PlatesSpec()) != config.fingerprint(TrainSpec())


def test_replace_checks_like_from_dict():
    assert config.replace(TrainSpec(), epochs=7).epochs == 7
    with pytest.raises(ConfigError, match="epochs"):
        config.replace(TrainSpec(), epochs="7")
    with pytest.raises(ConfigError, match="unknown key 'epoch'"):
        config.replace(TrainSpec(), epoch=7)


# --- branches, conditions and the names of published runs ------------------------------------------


@pytest.mark.parametrize(
    ("model", "branches"),
    [
        (ModelSpec("vit", "deit"), ("roi", "extra_roi")),
        (ModelSpec("vit"), ("roi",)),
        (ModelSpec(None, "deit"), ("extra_roi",)),
        (ModelSpec(None), ()),
    ],
)
def test_a_model_sees_the_cut_outs_for_which_it_names_a_backbone(model, branches):
    assert model.branches == branches
    assert config.from_dict(ModelSpec, config.to_dict(model)) == model


def test_a_condition_survives_the_way_to_data_and_back():
    condition = Condition(noise=Noise("translocation", how="rolled"), on=("roi",), photos=80)
    assert config.from_dict(Condition, config.to_dict(condition)) == condition
    assert config.from_dict(Condition, {}) == CLEAN


def test_published_runs_and_conditions_keep_their_names():
    """Pinned: a run or an evaluation of the record must be found again."""
    data = DataSpec(train_scenes=512, test_scenes=600)
    fine = TrainSpec(epochs=3, batch_size=32, lr=1e-3, head_lr_factor=10.0)
    grid = ModelSpec(roi="vit", extra_roi="deit", fusion="features", freeze=("roi", "extra_roi"))
    specs = {
        "ab12054b89a7": RunSpec(data, ModelSpec(roi="deit"), fine, 0),
        "6a2df3066aea": RunSpec(data, ModelSpec(roi="deit-distilled", extra_roi="mobilenetv2"), fine, 1),
        "000f211df758": RunSpec(data, grid, TrainSpec(epochs=20, lr=2e-3, flip=0.0), 2),
        "532fe2e211d0": Condition(noise=Noise(), photos=300),
        "2ffb8c187eb4": Condition(noise=Noise("permutation"), photos=75),
        "cebe7f5810d0": Condition(noise=Noise("translocation"), photos=75),
        "a0426e9d4b59": Noise(),
        "3af404ec6f02": Noise("permutation", 0.5, 8),
        "d8e517afde34": Noise("translocation", how="covered", canvas=0),
    }
    assert [config.fingerprint(spec) for spec in specs.values()] == list(specs)


def test_tiles_of_the_input_have_a_name_of_their_own_and_those_of_the_photo_the_name_from_before():
    assert Noise().grid == "photo"
    assert config.fingerprint(Noise(grid="photo")) == config.fingerprint(Noise()) == "a0426e9d4b59"
    assert config.fingerprint(Noise(grid="input")) != config.fingerprint(Noise())


# --- the released code ------------------------------------------------------------------------------


def test_every_switch_is_a_field_that_differs_from_its_default_or_is_the_papers():
    fields = {
        f.name: f.default for spec in (DataSpec, ModelSpec, TrainSpec) for f in dataclasses.fields(spec)
    }
    assert set(config.RELEASED) <= set(fields)
    same = {name for name, value in config.RELEASED.items() if fields[name] == value}
    assert same == {"fusion", "head_width", "head_lr_factor", "precision"}


def test_as_released_turns_all_switches_and_leaves_sizes_alone():
    spec = RunSpec(
        model=ModelSpec(roi="vit", fusion="features"), train=TrainSpec(epochs=7, precision="bfloat16"), seed=2
    )
    released = config.as_released(spec)
    values = {
        k: v
        for part in ("data", "model", "train")
        for k, v in config.to_dict(getattr(released, part)).items()
    }
    assert {name: values[name] for name in config.RELEASED} == config.RELEASED
    assert (released.model.roi, released.train.epochs, released.seed) == ("vit", 7, 2)
    assert config.as_released(spec.model) == released.model
    assert config.as_released(spec.train) == released.train
    assert config.as_released(spec.data) == released.data


def test_as_released_turns_the_named_switches_alone():
    one = config.as_released(RunSpec(), "schedule", "shared")
    assert one == RunSpec(model=ModelSpec(shared=True), train=TrainSpec(schedule="as-released"))
    with pytest.raises(ConfigError, match=r"switch is 'shedule'; did you mean 'schedule'\?"):
        config.as_released(RunSpec(), "shedule")
