"""Executing a notebook: it appears whole, or the old one stays and the unfinished one lies beside it."""

import re
import subprocess
import sys

import nbformat
import pytest
from nbformat import v4

from rvernet_book import notebooks, site
from rvernet_core.errors import RecordError


def write(path, *sources):
    cells = [v4.new_code_cell(source) for source in sources]
    cells[0].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)
    return path


def shown(path):
    cells = nbformat.read(path, as_version=4).cells
    outputs = [o for cell in cells if cell.cell_type == "code" for o in cell.outputs]
    return [o["text"].strip() for o in outputs if o["output_type"] == "stream"]


def test_an_executed_notebook_holds_its_parameters_and_no_folder_of_this_machine(tmp_path):
    source = write(tmp_path / "source.ipynb", "x: int = 1", "print(x + 1)")
    out = tmp_path / "out" / "page.ipynb"
    notebooks.execute(source, out, {"x": 4})
    assert shown(out) == ["5"]
    assert str(tmp_path) not in out.read_text()
    assert [p.name for p in out.parent.iterdir()] == ["page.ipynb"]
    assert not shown(source)


def test_the_injected_cell_becomes_one_quiet_line_and_the_code_stays_as_it_is(tmp_path):
    source, out = write(tmp_path / "source.ipynb", "x: int = 1\ny: list = []", "x"), tmp_path / "page.ipynb"
    notebooks.execute(source, out, {"x": 4, "y": [0, 1]})
    parameters, injected, line, _ = nbformat.read(out, as_version=4).cells
    assert parameters.source.startswith("x: int = 1")
    assert set(injected.metadata.tags) == {"injected-parameters", "remove-cell"}
    assert line.metadata.tags == ["injected-line"]
    assert re.sub("<[^>]+>", "", line.source) == "run with x=4, y=0,1"
    assert site._code(out) == site._code(source)


def test_the_parameters_cell_is_replaced_and_nothing_else(tmp_path):
    path = write(tmp_path / "source.ipynb", "x: int = 1", "print(x + 1)")
    notebooks.write_parameters(path, "x: int = 2  # two")
    assert [cell.source for cell in nbformat.read(path, as_version=4).cells] == [
        "x: int = 2  # two",
        "print(x + 1)",
    ]


def test_fault_43_the_hidden_notebook_of_a_killed_writer_is_swept(tmp_path):
    killing = write(tmp_path / "killing.ipynb", "x: int = 1", "import os; os.kill(os.getppid(), 9)")
    out = tmp_path / "out" / "page.ipynb"
    script = "import sys; from rvernet_book import notebooks; from pathlib import Path; "
    script += "notebooks.execute(Path(sys.argv[1]), Path(sys.argv[2]), {})"
    command = [sys.executable, "-c", script, str(killing), str(out)]
    assert subprocess.run(command, check=False, capture_output=True).returncode == -9
    assert [p.name[0] for p in out.parent.iterdir()] == ["."]
    notebooks.execute(write(tmp_path / "source.ipynb", "x: int = 1"), out.with_name("another.ipynb"), {})
    assert [p.name for p in out.parent.iterdir()] == ["another.ipynb"]


def test_a_failing_cell_keeps_the_old_page_and_leaves_the_unfinished_one_beside_it(tmp_path):
    source, out = (
        write(tmp_path / "source.ipynb", "x: int = 1", "print('started')", "1 / 0"),
        tmp_path / "p.ipynb",
    )
    out.write_text("the old page")
    with pytest.raises(RecordError, match="ZeroDivisionError"):
        notebooks.execute(source, out, {})
    assert out.read_text() == "the old page"
    assert shown(tmp_path / "p.failed.ipynb") == ["started"]


def test_an_interrupted_notebook_leaves_nothing_behind(tmp_path, monkeypatch):
    source, out = write(tmp_path / "source.ipynb", "x: int = 1"), tmp_path / "out" / "p.ipynb"

    def interrupted(source, unfinished, *args, **kwargs):
        unfinished.write_text("half a notebook")
        raise KeyboardInterrupt

    monkeypatch.setattr(notebooks.papermill, "execute_notebook", interrupted)
    with pytest.raises(KeyboardInterrupt):
        notebooks.execute(source, out, {})
    assert not list(out.parent.iterdir())
