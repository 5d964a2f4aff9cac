"""The record in the book: it must be as it was published, and what its pages link to lies beside them."""

from __future__ import annotations

import shutil
from pathlib import Path

from sphinx.errors import ExtensionError

from rvernet_book import published
from rvernet_core.errors import RecordError

FOLDER = Path("book/experiments/files")


def check_record(app) -> None:
    """Runs before a build: a number that was changed by hand stops it."""
    try:
        published.check(Path(app.srcdir) / "book")
    except RecordError as error:
        raise ExtensionError(str(error)) from error


def copy_record(app, error) -> None:
    """Runs at the end of a build: SVG, CSV and JSON; a book without a record has nothing to copy."""
    source, target = Path(app.srcdir) / FOLDER, Path(app.outdir) / FOLDER
    if error is None and app.builder.format == "html" and source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)


def setup(app) -> dict:
    """Entry point that Sphinx calls."""
    app.connect("builder-inited", check_record)
    app.connect("build-finished", copy_record)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
