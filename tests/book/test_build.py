"""The whole book builds without a warning, without executing anything and without a network.

Where a notebook has no executed page yet, a page with two figures and a table stands in for it.
"""

import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import nbformat
import numpy as np
import pandas as pd
import pytest
import stand_in
from small_record import glued
from test_book import ROOT, TOC

from rvernet_book import alt, charts, photo_grid
from rvernet_book.claims import VERDICTS, read_claims
from rvernet_book.items import write_coverage
from rvernet_book.page import Page
from rvernet_book.published import seal
from rvernet_book.summary import write_summary

SOURCE = "from rvernet_core import metrics\nmetrics.f1_per_class(truth, predicted, 2)"


class _Page(HTMLParser):
    """What a page loads, links to and shows."""

    def __init__(self, text):
        super().__init__()
        self.loads, self.links, self.images, self.names = [], [], [], set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        found = dict(attributes)
        self.names |= {found[key] for key in ("id", "name") if found.get(key)}
        if tag == "a" and found.get("href"):
            self.links.append(found["href"])
        elif tag == "img":
            self.images.append(found)
        if tag in ("script", "img", "iframe") and found.get("src"):
            self.loads.append(found["src"])
        if tag == "link" and found.get("href") and found.get("rel") in ("stylesheet", "icon", "preload"):
            self.loads.append(found["href"])


def _stand_in(name, folder):
    """An executed notebook with one figure, one table and the provenance box."""
    frame = pd.DataFrame({"model": ["vit", "deit"], "accuracy": [0.5, 0.6]})
    page = Page(name, stand_in.study(), folder / "files")
    photo = np.full((16, 16, 3), 90, np.uint8)
    shown = [
        page.banner("Stand-in."),
        page.figure(
            f"{name}-dots",
            lambda ax: charts.dots(ax, frame, label="model", value="accuracy"),
            frame,
            alt=alt.of_dots(frame, what="accuracy", label="model", value="accuracy"),
            caption="Dots.",
        ),
        page.figure(
            f"{name}-photos",
            lambda ax: photo_grid.photo_grid(ax, [[photo, photo]]),
            frame,
            alt=alt.of_photos([["a", "b"]], what="Two photos"),
            caption="Photos.",
        ),
        page.table(f"{name}-table", frame, caption="Numbers."),
        page.headline(f"{name} says **something**."),
        page.close(),
    ]
    cells = [nbformat.v4.new_markdown_cell(f"# {name}"), glued("answer", f"{name} says something.")]
    for item in shown:
        output = nbformat.v4.new_output(
            "display_data", {"text/html": item._repr_html_(), "text/plain": repr(item)}
        )
        cells.append(nbformat.v4.new_code_cell(SOURCE, outputs=[output], execution_count=1))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    nbformat.write(
        nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / f"{name}.ipynb"
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Folder of the built HTML."""
    source = tmp_path_factory.mktemp("source")
    for name in ("_config.yml", "_toc.yml"):
        shutil.copy(ROOT / name, source)
    shutil.copytree(ROOT / "book", source / "book")
    experiments = source / "book" / "experiments"
    experiments.mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(experiments)  # links are relative to the working directory
        for entry in TOC:
            if "experiments/" in entry and not (source / f"{entry}.ipynb").exists():
                _stand_in(Path(entry).name, experiments)
    write_summary(source / "book")
    write_coverage(source / "book")
    seal(experiments)
    for leftover in (".pytest_cache/README.md", "notes/idea.md", "out.md"):  # of a checkout in use
        (source / leftover).parent.mkdir(exist_ok=True)
        (source / leftover).write_text("# Not a page\n")
    shutil.copy(next((ROOT / "notebooks").glob("*.ipynb")), source / "out.ipynb")
    command = [
        Path(sys.executable).parent / "jupyter-book",
        "build",
        "--warningiserror",
        "--keep-going",
        source,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    return source / "_build" / "html"


@pytest.fixture(scope="module")
def pages(site):
    return {entry: _Page((site / f"{entry}.html").read_text()) for entry in TOC}


def test_pages_load_nothing_from_a_network(pages):
    for entry, page in pages.items():
        assert [url for url in page.loads if re.match(r"(https?:)?//", url)] == [], entry


def test_links_and_pictures_of_every_page_exist(site, pages):
    for entry, page in pages.items():
        for url in page.links + page.loads:
            if re.match(r"(https?|mailto|data|javascript):", url):
                continue
            path, _, anchor = url.partition("#")
            target = (
                (site / entry).parent / unquote(path.partition("?")[0]) if path else site / f"{entry}.html"
            )
            assert target.exists(), f"{entry}: {url}"
            if anchor and path == "":
                assert unquote(anchor) in page.names, f"{entry}: {url}"


def test_every_picture_is_described(pages):
    for entry, page in pages.items():
        for image in page.images:
            assert image.get("alt"), f"{entry}: {image.get('src', '')[:60]}"


def test_a_cell_links_to_the_source_of_what_it_calls(site, pages):
    links = {
        (site / "book" / "experiments" / url.partition("#")[0]).resolve(): url.partition("#")[2]
        for entry, page in pages.items()
        for url in page.links
        if "/source/" in url
    }
    assert links
    for path, name in links.items():
        text = path.read_text()
        assert f'id="{name}"' in text
        assert "bd-sidebar" in text, "the page keeps the book's navigation"


def test_the_ledger_and_the_first_page_show_a_verdict_for_every_claim(site):
    ledger, first = ((site / "book" / f"{name}.html").read_text() for name in ("claims", "intro"))
    for claim in read_claims():
        assert f'id="claim-{claim.id}"' in ledger
        assert f'href="claims.html#claim-{claim.id}"' in first
    for text in (ledger, first):
        assert "claim ledger" not in text
        assert any(verdict in text for verdict in VERDICTS)


def test_the_first_page_shows_the_summary(site):
    assert "something" in (site / "book/intro.html").read_text() or (ROOT / "book/experiments").exists()


def test_equations_are_typeset_without_a_network(site):
    assert (site / "_static/mathjax/tex-chtml.js").exists()
    assert "mathjax/tex-chtml.js" in (site / "book/method.html").read_text()
