"""Specs convert to data and back, refuse what they do not know, and have stable names."""

import dataclasses
from collections.abc import Sequence

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
