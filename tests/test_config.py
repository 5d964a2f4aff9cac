"""Specs convert to data and back, refuse what they do not know, and have stable names."""

import dataclasses

import pytest

from rvernet_core import config
from rvernet_core.config import BACKBONES, PROFILES, DataSpec, PlatesSpec, RunSpec, TrainSpec
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


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_every_profile_can_be_written_down_and_keeps_its_promises(profile):
    assert config.from_dict(config.Profile, config.to_dict(profile)) == profile
    tiny = profile.name == "smoke"  # shows that everything runs, not what comes of it
    assert len(profile.seeds) >= (2 if tiny else 3)
    equal = [pair for pair in profile.pairs if pair[0] == pair[1]]
    mixed = [pair for pair in profile.pairs if pair[0] != pair[1]]
    assert len(equal) >= (1 if tiny else 2)
    assert len(mixed) >= 1
    assert {name for pair in profile.pairs for name in pair} <= set(BACKBONES)


def test_the_paper_profile_is_the_papers_protocol():
    paper = PROFILES["paper"]
    assert (paper.single.lr, paper.single.batch_size, paper.single.epochs, paper.single.flip) == (
        4e-3,
        50,
        30,
        0.5,
    )
    assert paper.sam == "vit_h"


def test_an_unknown_profile_names_the_four():
    with pytest.raises(ConfigError, match="smoke, demo, full, paper"):
        config.profile_named("ful")
