"""Which source a cell's calls lead to. Nothing is imported or executed to find out."""

import importlib.util
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "book" / "_ext" / "source_links.py"


@pytest.fixture(scope="module")
def ext():
    spec = importlib.util.spec_from_file_location("source_links", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_call_leads_to_the_module_that_the_cell_or_an_earlier_one_imports(ext):
    cells = [
        "import numpy as np\nfrom rvernet_core import metrics\nimport rvernet_core.data.cutouts as co",
        "a = np.mean(metrics.f1_per_class(x, y, 3))\nb = metrics.f1_per_class(x, y, 3)",
        "co.cut(photo, mask)",
    ]
    assert ext.cell_links(cells) == [
        [],
        [("rvernet_core.metrics", "f1_per_class")],
        [("rvernet_core.data.cutouts", "cut")],
    ]


def test_names_imported_from_a_module_and_methods_of_its_classes_lead_there(ext):
    (links,) = ext.cell_links(
        [
            "from rvernet_core.experiments.study import Study\nfrom rvernet_core.files import sha256 as h\n"
            "h(path)\nStudy.of('demo').singles()"
        ]
    )
    assert links == [("rvernet_core.files", "sha256"), ("rvernet_core.experiments.study", "Study")]


def test_a_name_that_a_package_passes_on_leads_to_where_it_is_defined(ext):
    (links,) = ext.cell_links(["import rvernet_plates as plates\nplates.PlatesSpec()"])
    assert links == [("rvernet_plates.scene", "PlatesSpec")] or links[0][1] == "PlatesSpec"
    assert ext.definitions(links[0][0])["PlatesSpec"] > 1


@pytest.mark.parametrize(
    "cell",
    [
        "%matplotlib inline",
        "page.table('x', frame)",
        "from rvernet_core import metrics\nmetrics.no_such(1)",
        "from rvernet_core.no_such import f\nf()",
        "from os import path\npath.join('a')",
    ],
)
def test_what_is_not_of_this_project_has_no_link(ext, cell):
    assert ext.cell_links([cell]) == [[]]


def test_a_decorated_definition_begins_at_its_first_decorator(ext):
    line = ext.definitions("rvernet_core.config")["DataSpec"]
    text = ext.module_path("rvernet_core.config").read_text().splitlines()
    assert text[line - 1].startswith("@dataclass")


def test_nothing_is_imported(ext):
    before = set(sys.modules)
    assert ext.module_path("rvernet_plates.foods.meat").name == "meat.py"
    assert {m for m in set(sys.modules) - before if m.startswith("rvernet")} == set()
