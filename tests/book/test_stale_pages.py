"""A page whose numbers are stale says so at its head, in every build; the front page names all such pages."""

import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest
from docutils import nodes
from docutils.utils import new_document

from rvernet_book import site

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def ext():
    path = ROOT / "book" / "_ext" / "stale_pages.py"
    spec = importlib.util.spec_from_file_location(path.stem, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def announced(ext, docname):
    """The text of the warning that a page gets below its title, or None."""
    page = new_document(docname)
    page += nodes.section("", nodes.title("", "A page"), nodes.paragraph("", "text"))
    ext.announce(SimpleNamespace(srcdir=ROOT), page, docname)
    section = page.children[0]
    return section[1].astext() if isinstance(section[1], nodes.warning) else None


def test_every_stale_page_of_the_committed_record_is_announced_and_no_other(ext):
    reasons = site.stale(site.RECORD)
    for source in sorted((ROOT / "notebooks").glob("*.ipynb")):
        text = announced(ext, f"book/experiments/{source.stem}")
        assert (text is not None) == (source.stem in reasons)
        assert text is None or reasons[source.stem] in text
    assert (announced(ext, "book/intro") is not None) == bool(reasons)


def test_what_is_stale_is_said_with_its_reason_and_on_the_front_page(ext, monkeypatch):
    monkeypatch.setattr(site, "stale", lambda record: {"03-rvernet": "its code has changed"})
    assert "stale: its code has changed" in announced(ext, "book/experiments/03-rvernet")
    assert "these pages are stale: 3." in announced(ext, "book/intro")
    assert announced(ext, "book/experiments/04-ketchup-vs-chili") is None
    assert announced(ext, "book/method") is None
    monkeypatch.setattr(site, "stale", lambda record: dict.fromkeys(("10-ten", "02-two"), "why"))
    assert "these pages are stale: 2, 10." in announced(ext, "book/intro")


def test_a_record_of_today_is_not_announced(ext, monkeypatch):
    monkeypatch.setattr(site, "stale", lambda record: {})
    assert announced(ext, "book/intro") is None
    assert announced(ext, "book/experiments/03-rvernet") is None


def test_pages_of_the_record_are_written_in_every_build_because_their_reasons_lie_elsewhere(ext):
    found = SimpleNamespace(found_docs={"book/intro", "book/method", "book/experiments/03-rvernet"})
    assert ext.write_anew(None, found, set(), set(), set()) == ["book/experiments/03-rvernet", "book/intro"]
