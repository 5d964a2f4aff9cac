"""The book's sources: every page is there, no typed results, no network needed."""

import json
import re
from pathlib import Path

import pytest
import yaml
from written_pages import WRITTEN

from rvernet_core.config import RELEASED

ROOT = Path(__file__).resolve().parents[2]
BOOK = ROOT / "book"
PAGES = sorted(BOOK.glob("*.md"))
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CONFIG = yaml.safe_load((ROOT / "_config.yml").read_text())


def _files(part) -> list[str]:
    """Every `root` and `file` of the table of contents."""
    if isinstance(part, list):
        return [name for item in part for name in _files(item)]
    if isinstance(part, dict):
        own = [value for key, value in part.items() if key in ("root", "file")]
        return own + [name for value in part.values() for name in _files(value)]
    return []


TOC = _files(yaml.safe_load((ROOT / "_toc.yml").read_text()))


def test_every_page_is_in_the_table_of_contents():
    written = {f"book/{page.stem}" for page in PAGES if page.name not in WRITTEN}
    assert written <= set(TOC)


@pytest.mark.parametrize("name", TOC)
def test_every_entry_of_the_table_of_contents_has_a_source(name):
    """A page of its own, or a notebook from which it is executed."""
    sources = [ROOT / f"{name}.md", ROOT / f"{name}.ipynb", ROOT / "notebooks" / f"{Path(name).name}.ipynb"]
    assert any(path.is_file() for path in sources)


def test_every_notebook_is_in_the_table_of_contents():
    assert {f"book/experiments/{path.stem}" for path in NOTEBOOKS} <= set(TOC)


def test_building_executes_nothing_and_works_offline():
    assert CONFIG["execute"]["execute_notebooks"] == "off"
    assert CONFIG["only_build_toc_files"] is True
    assert "sphinx-mathjax-offline" in CONFIG["sphinx"]["extra_extensions"]
    for name in ("companion.css", "logo.svg"):
        text = (BOOK / "_static" / name).read_text()
        assert "http" not in text.replace("http://www.w3.org", ""), name
    for page in PAGES:
        assert not re.search(r"""(src|@import)\s*[=(]\s*["']?https?:""", page.read_text()), page.name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_sources_are_clean(path):
    notebook = json.loads(path.read_text())
    assert notebook["metadata"]["kernelspec"]["name"] == "python3"
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(not cell["outputs"] and cell["execution_count"] is None for cell in code)
    assert "parameters" in code[0]["metadata"]["tags"]
    assert 5 <= len(code) <= 20
    lines = [line for line in "".join(code[0]["source"]).splitlines() if line.strip()]
    assert all(re.match(r"\w+: .+ = .+  # .+", line) for line in lines), "a type and a comment on each line"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_prose_has_no_typed_results(path):
    """Results come by glue. Digits in prose may only stand in formulas, code, names of files, or roles."""
    for cell in json.loads(path.read_text())["cells"]:
        if cell["cell_type"] != "markdown":
            continue
        prose = re.sub(r"\$[^$]*\$|`[^`]*`|\{[^}]*\}", " ", "".join(cell["source"]))
        assert not re.search(r"\b0\.\d{2,}|\d+\.\d+ ?%", prose), prose


def test_pages_have_no_typed_results():
    """Three decimals on a page of Markdown are quoted facts or computed ceilings, listed here."""
    known = {"data.md": {"0.691", "0.901", "0.773", "0.849"}, "method.md": {"0.004", "0.000106", "0.064"}}
    for page in (page for page in PAGES if page.name not in WRITTEN):
        found = set(re.findall(r"(?<![\w.])0\.\d{3,}\b", page.read_text()))
        assert found <= known.get(page.name, set()), page.name


def test_the_ceilings_on_the_data_page_are_those_of_the_core():
    from rvernet_plates.ceilings import context_ceiling, roi_ceiling

    rows = re.findall(
        r"\* - ([\d.]+)\n  - ([\d.]+)\n  - ([\d.]+)\n  - ([\d.]+)", (BOOK / "data.md").read_text()
    )
    assert len(rows) == 2
    for d, rho, alone, context in (map(float, row) for row in rows):
        assert roi_ceiling(d).accuracy == pytest.approx(alone, abs=5e-4)
        assert context_ceiling(d, rho).accuracy == pytest.approx(context, abs=5e-4)


def test_the_method_page_names_every_switch_to_the_released_code():
    """In the last column of its table of differences; and the lines that turn them run."""
    page = (BOOK / "method.md").read_text()
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    named = {name for row in rows for name in re.findall(r"`(\w+)`", row.rsplit("|", 2)[1])}
    assert named == set(RELEASED)
    (code,) = re.findall(r"```python\n(from rvernet_core\.config.+?)```", page, flags=re.S)
    exec(code, {})


def test_every_citation_has_its_entry_and_every_entry_is_unique():
    keys = re.findall(r"^@\w+\{([^,]+),", (BOOK / "references.bib").read_text(), flags=re.M)
    assert len(keys) == len(set(keys))
    for page in PAGES:
        for group in re.findall(r"\{cite:[tp]\}`([^`]+)`", page.read_text()):
            assert set(group.split(",")) <= set(keys), page.name


def test_pictures_are_light_and_described():
    for path in (BOOK / "_static").iterdir():
        assert path.stat().st_size <= 250_000, path.name
    for page in PAGES:
        for tag in re.findall(r"<img[^>]*>", page.read_text()):
            assert re.search(r'alt="[^"]{20,}"', tag)
            assert (BOOK / "_static" / re.search(r'src="\.\./_static/([^"]+)"', tag).group(1)).is_file()


def test_the_diagram_is_described_in_both_variants():
    from rvernet_book.artwork import DIAGRAM_ALT

    for variant in ("light", "dark"):
        assert DIAGRAM_ALT[:30] in (BOOK / "_static" / f"rvernet.{variant}.svg").read_text()
