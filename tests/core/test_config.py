"""Specs convert to data and back, refuse what they do not know, and have stable names."""

import dataclasses

import pytest

from rvernet_core import config
from rvernet_core.config import DataSpec, PlatesSpec, RunSpec, TrainSpec
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
