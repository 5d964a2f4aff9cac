"""The claim ledger in the book: verdicts are made anew in every build, for a page may have become stale."""

from __future__ import annotations

from pathlib import Path

from sphinx.errors import ExtensionError

from rvernet_book import ledger
from rvernet_core.errors import RecordError

PAGES = {"book/claims", "book/intro"}


def write_anew(app, env, added, changed, removed) -> list[str]:
    """The pages with verdicts, in every build."""
    return sorted(PAGES & env.found_docs)


def fill(app, docname: str, source: list[str]) -> None:
    """Put the verdicts in the place of their markers."""
    if docname in PAGES:
        try:
            source[0] = ledger.filled(source[0], Path(app.srcdir) / "book")
        except RecordError as error:
            raise ExtensionError(str(error)) from error


def setup(app) -> dict:
    """Entry point that Sphinx calls."""
    app.connect("env-get-outdated", write_anew)
    app.connect("source-read", fill)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
