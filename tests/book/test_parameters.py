"""The parameters cell: what papermill lets pass, this stops."""

import inspect
import math
from types import SimpleNamespace

import pytest

from rvernet_book import parameters
from rvernet_core.errors import ConfigError
from rvernet_core.experiments.study import Study

CELL = """profile: str = 'demo'  # the scale
seeds: list[int] = []
epochs: int | None = None
rate: float = 0.1
backbones: list[str] = []"""


def namespace(**injected):
    """A notebook's names after the parameters cell, papermill's injected cell and the imports."""
    names: dict = {"_i": "", "math": math, "Path": type, "__name__": "__main__"}
    exec(CELL, names)
    return names | injected


@pytest.fixture
def kernel(monkeypatch):
    """`kernel(*cells)` makes a kernel that executes these cells after CELL, and now the check; its names."""

    def execute(*cells):
        names: dict = {"In": [], "Out": {}, "exit": type, "quit": type}
        for cell in (CELL, *cells):
            exec(cell, names)
        history = SimpleNamespace(input_hist_parsed=["", CELL, *cells, "check"])
        monkeypatch.setattr(parameters, "kernel", lambda: SimpleNamespace(history_manager=history))
        return names

    return execute


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


@pytest.mark.parametrize("text", ["", ",", "0,", "0,,1"])
def test_fault_49_text_without_an_item_is_no_list(text):
    with pytest.raises(ConfigError, match=r"parameter seeds is .*expected items with a comma between"):
        parameters.declared(namespace(seeds=text))


def test_fault_49_an_empty_list_in_a_file_is_refused(tmp_path):
    path = tmp_path / "parameters.yml"
    path.write_text("backbones: []")
    with pytest.raises(ConfigError, match="backbones is an empty list"):
        parameters.read_yaml(path)


@pytest.mark.parametrize("name", ["_profile", "exit", "In", "Out", "print", "Page"])
def test_fault_50_a_parameter_that_hides_a_name_or_is_overwritten_is_refused(name, kernel):
    """Also where the value is not-a-number, which papermill writes as a call."""
    for value in ("'x'", "3", "float('nan')", "[1, -2]", "None"):
        names = kernel(f"# Parameters\n{name} = {value}", "from pathlib import Path as Page")
        with pytest.raises(ConfigError, match=f"unknown parameter '{name}'.*Valid parameters: profile"):
            parameters.declared(names)


def test_fault_50_a_parameter_that_replaces_the_declarations_is_refused(monkeypatch, kernel):
    monkeypatch.setitem(globals(), "CELL", parameters.cell())
    with pytest.raises(ConfigError, match=r"unknown parameter '__annotations__'.*Valid parameters: profile"):
        parameters.declared(kernel("__annotations__ = 3"))


def test_what_papermill_injects_is_accepted_and_so_is_a_cell_that_runs_again(kernel):
    values = parameters.declared(kernel("profile = 'smoke'\nseeds = '0,1'", "n = 3\nshown = print(n)", CELL))
    assert values["profile"] == "demo", "the declaring cell has run again"
    values = parameters.declared(kernel("profile = 'smoke'\nseeds = '0,1'", "shown = len('x')\n1 + 1"))
    assert (values["profile"], values["seeds"]) == ("smoke", [0, 1])
