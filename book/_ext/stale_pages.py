"""Pages whose numbers may be other ones today say so at their head, and the front page names them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from docutils import nodes

from rvernet_book import site

FOLDER = PurePosixPath("book/experiments")
FRONT = "book/intro"  # it shows numbers of all pages


def is_concerned(docname: str) -> bool:
    """Whether a page shows numbers of the record."""
    return docname == FRONT or PurePosixPath(docname).parent == FOLDER


def write_anew(app, env, added, changed, removed) -> list[str]:
    """Pages of the record, in every build: what makes one stale lies outside of it."""
    return sorted(filter(is_concerned, env.found_docs))


def announce(app, doctree: nodes.document, docname: str) -> None:
    """Put a warning below the title of a stale page, and of the front page where there is any."""
    if not is_concerned(docname):
        return
    reasons, name = site.stale(Path(app.srcdir) / FOLDER), PurePosixPath(docname).name
    if name in reasons:
        text = f"The numbers of this page are stale: {reasons[name]}. The next record replaces them."
    elif docname == FRONT and reasons:
        pages = ", ".join(map(str, sorted(int(page.partition("-")[0]) for page in reasons)))
        text = f"The companion has changed since the record; the numbers of these pages are stale: {pages}."
    else:
        return
    title = next(iter(doctree.findall(nodes.title)), None)
    if title is not None and title.parent is not None:
        title.parent.insert(title.parent.index(title) + 1, nodes.warning("", nodes.paragraph("", text)))


def setup(app) -> dict:
    """Entry point that Sphinx calls."""
    app.connect("env-get-outdated", write_anew)
    app.connect("doctree-resolved", announce)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
