"""Nothing of the paper is forgotten, and the committed record holds all of it."""

from pathlib import Path

import pytest

from rvernet_book.items import missing, read_items

BOOK = Path(__file__).resolve().parents[2] / "book"
ITEMS = read_items(BOOK / "paper-items.yml")


def test_there_are_seven_figures_and_twelve_tables():
    kinds = [item.kind for item in ITEMS]
    assert (kinds.count("figure"), kinds.count("table")) == (7, 12)


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_every_item_has_its_page_its_data_and_its_picture_in_the_record(item):
    assert missing(item, BOOK / "experiments") == []


@pytest.mark.parametrize("item", ITEMS, ids=lambda item: item.id)
def test_pages_and_list_link_to_each_other(item):
    assert f'id="{item.id}"' in (BOOK / "coverage.md").read_text()
    page = (BOOK / "experiments" / f"{item.page}.ipynb").read_text()
    assert f"../paper.html#{item.id}" in page
    for name in item.items:
        assert f'id=\\"{name}\\"' in page
