"""Pages whose numbers may be other ones today say so at their head, and the front page names them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from docutils import nodes

from rvernet_book import site

FOLDER = PurePosixPath("book/experiments")
FRONT = "book/intro"  # it shows numbers of all pages


def announce(app, doctree: nodes.document, docname: str) -> None:
    """Put a warning below the title of a stale page, and of the front page where there is any."""
    reasons = site.stale(Path(app.srcdir) / FOLDER)
    place = PurePosixPath(docname)
    if place.parent == FOLDER and place.name in reasons:
        text = f"The numbers of this page are stale: {reasons[place.name]}. The next record replaces them."
    elif docname == FRONT and reasons:
        pages = ", ".join(sorted(page.partition("-")[0].lstrip("0") for page in reasons))
        text = f"The numbers of pages {pages} are stale: the companion has changed since the last record."
    else:
        return
    title = next(iter(doctree.findall(nodes.title)), None)
    if title is not None and title.parent is not None:
        title.parent.insert(title.parent.index(title) + 1, nodes.warning("", nodes.paragraph("", text)))


def setup(app) -> dict:
    """Entry point that Sphinx calls."""
    app.connect("doctree-resolved", announce)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
