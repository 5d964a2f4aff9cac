"""No result is typed: decimals and percentages in prose come by glue, or are listed with a reason."""

from pathlib import Path

import pytest
from written_pages import WRITTEN

from rvernet_book.claims import read_claims
from rvernet_book.typed_numbers import ALLOWED, allowed, faults, prose, typed
from rvernet_core.errors import RecordError

ROOT = Path(__file__).parents[2]
PAGES = [p for p in sorted((ROOT / "book").glob("*.md")) if p.name not in WRITTEN]
PAGES += [*sorted((ROOT / "notebooks").glob("*.ipynb")), ROOT / "README.md"]


def test_no_page_holds_a_typed_result():
    found = list(faults(PAGES, allowed(ROOT / "book" / ALLOWED)))
    assert not found, "\n".join(found)


def test_what_carries_over_names_no_number_of_the_record():
    assert [typed(claim.reading) for claim in read_claims()] == [[]] * len(read_claims())


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It is 0.812 and rises by +3.5 % to 12%.", ["0.812", "+3.5 %", "12%"]),
        ("Whole numbers: 5 seeds, 224 px, 18,320 images.", []),
        ("`0.5` and $0.5$ and {glue:text}`x` and [a](b-0.5.html) and <i data-x='0.5'>", []),
        ("```python\nx = 0.5\n```\n$$\ny = 0.5\n$$\n", []),
        ("<!-- result -->\n0.893\n<!-- /result --> and 0.7", ["0.7"]),
        ("Version 1.0.4 is a name.", []),
    ],
)
def test_what_counts_as_a_typed_number(text, found):
    assert [number for _, number in typed(text)] == found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("It is 0.812 for 18,320 images of 224 px, 12% of 7.", ["0.812", "18,320", "224", "12%"]),
        ("Figure 3 and page 8, `16` tiles.", []),
        ("In 2020, of 12.", ["2020", "12"]),
    ],
)
def test_on_pages_of_experiments_counts_are_results_too(text, found):
    assert [number for _, number in typed(text, counts=True)] == found


def test_a_typed_number_is_named_with_its_line_and_a_needless_entry_is_named_too(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# T\n\n```\n1.5\n```\n\nIt is 0.812 at 95 %.\n")
    listed = {("page.md", "0.5"): "a parameter", ("*", "95 %"): "the level"}
    assert list(faults([page], listed)) == [
        f"page.md, line 7 of its prose: 0.812 is typed; glue it, or list it in {ALLOWED}",
        f"{ALLOWED}: page.md has no 0.5 any more",
    ]


def test_of_a_notebook_only_the_prose_is_read(tmp_path):
    page = tmp_path / "page.ipynb"
    page.write_text(
        '{"cells": [{"cell_type": "code", "source": ["0.5"]}, {"cell_type": "markdown", "source": ["0.6"]}]}'
    )
    assert prose(page) == "0.6"


def test_an_entry_without_a_reason_is_refused(tmp_path):
    path = tmp_path / ALLOWED
    path.write_text("- {file: a.md, numbers: ['0.5'], reason: ' '}")
    with pytest.raises(RecordError, match="expected file, numbers and a reason"):
        allowed(path)
