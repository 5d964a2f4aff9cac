"""The notebooks' sources: parameters cell, kernel, no outputs, short and few cells."""

import ast
import json
import re
from pathlib import Path

import pytest

from rvernet_book import parameters

FOLDER = Path(__file__).parents[2] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


@pytest.fixture(params=NOTEBOOKS, ids=lambda path: path.stem)
def notebook(request):
    return json.loads(request.param.read_text())


def code(notebook):
    return [c for c in notebook["cells"] if c["cell_type"] == "code"]


def test_there_are_no_outputs_and_the_kernel_is_python3(notebook):
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    assert all(not c["outputs"] and c["execution_count"] is None for c in code(notebook))


def test_the_first_code_cell_declares_typed_and_explained_parameters(notebook):
    first = code(notebook)[0]
    assert "parameters" in first["metadata"]["tags"]
    for line in "".join(first["source"]).splitlines():
        declared, comment = line.split("#", 1)
        (node,) = ast.parse(declared).body
        assert isinstance(node, ast.AnnAssign)
        assert comment.strip()


def test_the_parameters_are_those_of_the_study(notebook):
    cell = "".join(code(notebook)[0]["source"])
    assert cell == parameters.cell(), "run `python -m rvernet_book parameters`"


def test_parameters_are_checked_before_any_work(notebook):
    second = "".join(code(notebook)[1]["source"]).splitlines()
    imports = [line for line in second if line.startswith(("import ", "from ")) or not line]
    assert second[len(imports)].startswith("page = Page.open(")
    assert re.search(r", globals\(\)(, \w+=[\w.]+)?\)$", second[len(imports)])


def test_the_cells_are_few_and_short(notebook):
    """The experiment is read in the notebook; how it is computed and drawn stands in tested functions."""
    lengths = sorted(len("".join(c["source"]).splitlines()) for c in code(notebook))
    assert 5 <= len(lengths) <= 15
    assert lengths[len(lengths) // 2] <= 6
    assert lengths[-1] <= 15
    for cell in code(notebook):
        nodes = list(ast.walk(ast.parse("".join(cell["source"]))))
        assert not [n for n in nodes if isinstance(n, ast.FunctionDef | ast.Lambda | ast.JoinedStr)]


def test_nothing_is_folded_away(notebook):
    tags = [tag for c in code(notebook) for tag in c["metadata"].get("tags", ())]
    assert tags == ["parameters"]


def test_it_opens_with_the_question_and_its_answer(notebook):
    first = notebook["cells"][0]
    text = "".join(first["source"])
    assert first["cell_type"] == "markdown"
    assert "?" in text
    assert "**Answer.** {glue:text}" in text


def test_no_measured_number_is_typed_in_the_prose(notebook):
    """Decimal fractions in Markdown are results, and results come by glue."""
    prose = "\n".join("".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "markdown")
    prose = re.sub(r"\$[^$]*\$", "", prose)
    assert not re.findall(r"\b\d+\.\d+\b", prose)


def test_it_ends_with_its_provenance(notebook):
    assert "".join(code(notebook)[-1]["source"]).endswith("page.close()")


def test_it_ends_with_what_carries_over(notebook):
    last = [c for c in notebook["cells"] if c["cell_type"] == "markdown"][-1]
    assert "What carries over" in "".join(last["source"])
