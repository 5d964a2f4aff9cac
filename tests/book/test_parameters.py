"""The parameters cell: what papermill lets pass, this stops."""

import inspect
import math

import pytest

from rvernet_book import parameters
from rvernet_core.errors import ConfigError
from rvernet_core.experiments.study import Study


def namespace(**injected):
    """A notebook's names after the parameters cell, papermill's injected cell and the imports."""
    names: dict = {"In": [], "Out": {}, "_i": "", "math": math, "Path": type, "__name__": "__main__"}
    exec(
        "profile: str = 'demo'\nseeds: list[int] = []\nepochs: int | None = None\nrate: float = 0.1\n"
        "backbones: list[str] = []",
        names,
    )
    return names | injected


def test_declared_parameters_come_back_with_their_values():
    assert parameters.declared(namespace(profile="smoke", seeds=[1, 2], epochs=3)) == {
        "profile": "smoke",
        "seeds": [1, 2],
        "epochs": 3,
        "rate": 0.1,
        "backbones": [],
    }


def test_lists_may_come_as_papermill_passes_them():
    values = parameters.declared(namespace(seeds="0, 1,2", backbones="deit,vit"))
    assert values["seeds"] == [0, 1, 2]
    assert values["backbones"] == ["deit", "vit"]
    assert parameters.declared(namespace(seeds=3))["seeds"] == [3]


def test_the_parameters_are_those_of_the_study_with_their_types_defaults_and_a_line_of_help():
    by_name = {parameter.name: parameter for parameter in parameters.of_study()}
    assert list(by_name) == [
        name for name, p in inspect.signature(Study.of).parameters.items() if p.default is not None
    ]
    assert (by_name["seeds"].hint, by_name["seeds"].default) == (list[int], [])
    assert (by_name["epochs"].hint, by_name["epochs"].default) == (int, 0)
    assert all(parameter.help for parameter in by_name.values()), "a line under Args of Study.of is missing"


def test_a_file_of_parameters_is_read_each_of_its_type(tmp_path):
    path = tmp_path / "parameters.yml"
    path.write_text("profile: smoke\nseeds: [0, 1]\nbackbones: deit,vit\n")
    values = parameters.read_yaml(path)
    assert values == {"profile": "smoke", "seeds": [0, 1], "backbones": ["deit", "vit"]}
    path.write_text("# nothing\n")
    assert parameters.read_yaml(path) == {}


def test_fault_36_a_misspelt_parameter_names_the_nearest_and_all_valid_ones():
    with pytest.raises(ConfigError, match=r"'profil'; did you mean 'profile'\?.*seeds, epochs, rate"):
        parameters.declared(namespace(profil="smoke"))


@pytest.mark.parametrize(
    "wrong",
    [{"epochs": "three"}, {"epochs": True}, {"epochs": 1.5}, {"profile": 1}, {"seeds": "0,x"}, {"rate": "a"}],
)
def test_fault_36_a_mistyped_parameter_is_named(wrong):
    (name,) = wrong
    with pytest.raises(ConfigError, match=f"parameter {name}"):
        parameters.declared(namespace(**wrong))
