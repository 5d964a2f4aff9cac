"""The list of the paper's items: complete, checked, and linked both ways."""

import pytest

from rvernet_book.items import back_link, coverage, missing, read_items, write_coverage
from rvernet_core.errors import RecordError

ENTRY = """
- {id: figure-1, kind: figure, title: Figure 1, shows: A, source: caption, page: 01-x,
   items: [one, two], status: S}
- {id: table-1, kind: table, title: T, shows: B, source: inferred, page: 01-x, items: [three], status: S}
"""


@pytest.fixture
def book(tmp_path):
    (tmp_path / "paper-items.yml").write_text(ENTRY)
    files = tmp_path / "experiments" / "files"
    files.mkdir(parents=True)
    (tmp_path / "experiments" / "01-x.ipynb").write_text("{}")
    for name in ("one.csv", "one.light.svg", "two.csv", "three.csv"):
        (files / name).write_text("")
    return tmp_path


def test_a_complete_record_lacks_nothing_and_every_item_is_linked(book):
    items = read_items(book / "paper-items.yml")
    assert [missing(item, book / "experiments") for item in items] == [[], []]
    text = write_coverage(book).read_text()
    for name in ("one", "two", "three"):
        assert f"experiments/01-x.html#{name}" in text
    for item in items:
        assert f'id="{item.id}"' in text
    assert "Not in this run" not in text


@pytest.mark.parametrize(
    ("lost", "named"),
    [("files/one.light.svg", "a picture"), ("files/three.csv", "three.csv"), ("01-x.ipynb", "01-x.ipynb")],
)
def test_what_is_missing_is_named(book, lost, named):
    (book / "experiments" / lost).unlink()
    items = read_items(book / "paper-items.yml")
    assert named in [name for item in items for name in missing(item, book / "experiments")]
    assert "Not in this run" in coverage(book / "experiments", items)


@pytest.mark.parametrize(
    ("wrong", "right", "named"),
    [
        ("kind: table", "kind: tabel", "tabel"),
        ("id: table-1", "id: figure-1", "repeated"),
        ("shows: B, ", "", "shows"),
    ],
)
def test_a_wrong_list_is_refused(book, wrong, right, named):
    (book / "paper-items.yml").write_text(ENTRY.replace(wrong, right))
    with pytest.raises(RecordError, match=named):
        read_items(book / "paper-items.yml")


def test_a_figure_knows_which_item_of_the_paper_it_answers():
    assert back_link("04-ketchup-vs-chili", "rescued") == ("the paper's Figure 5", "../paper.html#figure-5")
    assert back_link("04-ketchup-vs-chili", "no-such-figure") is None
