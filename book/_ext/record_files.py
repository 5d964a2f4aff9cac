"""Copies the files that the executed notebooks link to (SVG, CSV, JSON) beside their pages."""

from __future__ import annotations

import shutil
from pathlib import Path

FOLDER = Path("book/experiments/files")


def copy_record(app, error) -> None:
    """Runs at the end of a build; a book without a record has nothing to copy."""
    source, target = Path(app.srcdir) / FOLDER, Path(app.outdir) / FOLDER
    if error is None and app.builder.format == "html" and source.is_dir():
        shutil.copytree(source, target, dirs_exist_ok=True)


def setup(app) -> dict:
    """Entry point that Sphinx calls."""
    app.connect("build-finished", copy_record)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
