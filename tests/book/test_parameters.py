"""The parameters cell: what papermill lets pass, this stops."""

import math

import pytest

from rvernet_book import parameters
from rvernet_core.errors import ConfigError


def cell(**injected):
    """A notebook's names after the parameters cell, papermill's injected cell and the imports."""
    names: dict = {"In": [], "Out": {}, "_i": "", "math": math, "Path": type, "__name__": "__main__"}
    exec(
        "profile: str = 'demo'\nseeds: list[int] = []\nepochs: int | None = None\nrate: float = 0.1\n"
        "backbones: list[str] = []",
        names,
    )
    return names | injected


def test_declared_parameters_come_back_with_their_values():
    assert parameters.declared(cell(profile="smoke", seeds=[1, 2], epochs=3)) == {
        "profile": "smoke",
        "seeds": [1, 2],
        "epochs": 3,
        "rate": 0.1,
        "backbones": [],
    }


def test_lists_may_come_as_papermill_passes_them():
    values = parameters.declared(cell(seeds="0, 1,2", backbones="deit,vit"))
    assert values["seeds"] == [0, 1, 2]
    assert values["backbones"] == ["deit", "vit"]
    assert parameters.declared(cell(seeds=3))["seeds"] == [3]


def test_fault_36_a_misspelt_parameter_names_the_nearest_and_all_valid_ones():
    with pytest.raises(ConfigError, match=r"'profil'; did you mean 'profile'\?.*seeds, epochs, rate"):
        parameters.declared(cell(profil="smoke"))


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": "three"}, {"epochs": True}, {"epochs": 1.5}, {"profile": 1}, {"seeds": "0,x"}, {"rate": "a"}],
)
def test_fault_36_a_mistyped_parameter_is_named(wrong):
    (name,) = wrong
    with pytest.raises(ConfigError, match=f"parameter {name}"):
        parameters.declared(cell(**wrong))
