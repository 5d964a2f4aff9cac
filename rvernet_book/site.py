"""Build the book of a profile, away from the committed record; publish a record; name what is stale in it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from rvernet_book.items import write_coverage
from rvernet_book.summary import write_glance
from rvernet_core import PROTOCOL, files
from rvernet_core.errors import RecordError
from rvernet_core.experiments.profiles import settings

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "book" / "experiments"


def build(home: Path, experiments: Path) -> Path:
    """Build the book with the executed notebooks in `experiments` into `home`/book; returns its first page.

    Pages come from the checkout, notebooks and their files from `experiments`. Warnings are errors.
    """
    stage = home / "source"
    with files.atomic_folder(stage) as new:
        shutil.copytree(ROOT / "book", new / "book", ignore=shutil.ignore_patterns("experiments"))
        shutil.copytree(
            experiments, new / "book" / "experiments", ignore=shutil.ignore_patterns(".*", "*.failed.*")
        )
        for name in ("_config.yml", "_toc.yml"):
            shutil.copy2(ROOT / name, new / name)
        write_glance(new / "book")
        write_coverage(new / "book")
        shutil.rmtree(stage, ignore_errors=True)  # last, just before the new one takes its place
    shutil.rmtree(home / "book", ignore_errors=True)
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", str(stage)]
    command += ["--path-output", str(home / "book"), "--warningiserror", "--keep-going"]
    status = subprocess.run(command, check=False).returncode
    page = home / "book" / "_build" / "html" / "index.html"
    if status or not page.exists():
        raise RecordError(
            f"the book did not build (status {status}); its warnings are errors and stand above"
        )
    return page


def publish(experiments: Path) -> Path:
    """Make the executed notebooks in `experiments` the committed record; returns its folder.

    Replaces book/experiments as a whole, the list of what is where, and the result at a glance in the
    book and in the README.
    """
    with files.atomic_folder(RECORD) as new:
        shutil.copytree(
            experiments, new, ignore=shutil.ignore_patterns(".*", "*.failed.*"), dirs_exist_ok=True
        )
        shutil.rmtree(RECORD, ignore_errors=True)  # last, just before the new one takes its place
    write_glance(ROOT / "book", ROOT / "README.md")
    write_coverage(ROOT / "book")
    return RECORD


def stale(experiments: Path) -> dict[str, str]:
    """Executed pages whose numbers may be other ones today -> why.

    What decides them: the notebook's code cells, the profile's settings and the core's protocol number,
    which is raised by hand when behaviour changes; a test with pinned numbers guards it.
    """
    found = {}
    for source in sorted((ROOT / "notebooks").glob("*.ipynb")):
        page, facts = experiments / source.name, experiments / "files" / f"{source.stem}.page.json"
        if not (page.exists() and facts.exists()):
            found[source.stem] = "it was never executed"
            continue
        known = json.loads(facts.read_text())["provenance"]
        if _code(page) != _code(source):
            found[source.stem] = "its code has changed since it was executed"
        elif known["protocol"] != PROTOCOL:
            found[source.stem] = f"the core's protocol is {PROTOCOL} now and was {known['protocol']}"
        elif known.get("settings") != settings(known["profile"]):
            found[source.stem] = f"the {known['profile']} profile has other settings now"
    return found


def _code(path: Path) -> list[str]:
    """The code cells of a notebook, without the parameters that papermill put in."""
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    return [c.source for c in cells if "injected-parameters" not in c.metadata.get("tags", ())]
