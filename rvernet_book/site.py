"""Build the book of a profile, away from the committed record; publish a record; list its stale pages."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from rvernet_book.items import write_coverage
from rvernet_book.summary import write_summary
from rvernet_core import PROTOCOL, files
from rvernet_core.errors import ConfigError, RecordError
from rvernet_core.experiments.profiles import settings

ROOT = Path(__file__).resolve().parents[1]
RECORD = ROOT / "book" / "experiments"


def build(output: Path, experiments: Path) -> Path:
    """Build the book with the executed notebooks in `experiments` into `output`/book; returns its first page.

    Pages come from the checkout, notebooks and their files from `experiments`. Warnings are errors.
    Raises ConfigError where a notebook was not executed, RecordError where the book does not build.
    """
    sources = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    missing = [name for name in sources if not (experiments / name).is_file()]
    if missing:
        raise ConfigError(
            f"{experiments} lacks {len(missing)} of {len(sources)} executed notebooks, such as {missing[0]};"
            f" run `rvernet reproduce --profile {output.name} --target notebooks` first"
        )
    stage = output / "source"
    with files.atomic_folder(stage) as new:
        shutil.copytree(ROOT / "book", new / "book", ignore=shutil.ignore_patterns("experiments"))
        shutil.copytree(
            experiments, new / "book" / "experiments", ignore=shutil.ignore_patterns(".*", "*.failed.*")
        )
        for name in ("_config.yml", "_toc.yml"):
            shutil.copy2(ROOT / name, new / name)
        write_summary(new / "book")
        write_coverage(new / "book")
        shutil.rmtree(stage, ignore_errors=True)  # last, just before the new one takes its place
    shutil.rmtree(output / "book", ignore_errors=True)
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", str(stage)]
    command += ["--path-output", str(output / "book"), "--warningiserror", "--keep-going"]
    status = subprocess.run(command, check=False).returncode
    page = output / "book" / "_build" / "html" / "index.html"
    if status or not page.exists():
        raise RecordError(
            f"the book did not build (status {status}); its warnings are errors and stand above"
        )
    return page


def publish(experiments: Path) -> Path:
    """Make the executed notebooks in `experiments` the committed record; returns its folder.

    Replaces book/experiments as a whole, the coverage of the paper's items, and the summary in the book
    and in the README.
    """
    with files.atomic_folder(RECORD) as new:
        shutil.copytree(
            experiments, new, ignore=shutil.ignore_patterns(".*", "*.failed.*"), dirs_exist_ok=True
        )
        shutil.rmtree(RECORD, ignore_errors=True)  # last, just before the new one takes its place
    write_summary(ROOT / "book", ROOT / "README.md")
    write_coverage(ROOT / "book")
    return RECORD


def stale(experiments: Path) -> dict[str, str]:
    """Executed pages whose numbers may differ today -> why.

    What decides them: the notebook's code cells, the profile's settings and the core's protocol number,
    which is raised by hand when behaviour changes; a test with pinned numbers guards it.
    """
    reasons = {}
    for source in sorted((ROOT / "notebooks").glob("*.ipynb")):
        page = experiments / source.name
        facts = experiments / "files" / f"{source.stem}.page.json"
        if not (page.exists() and facts.exists()):
            reasons[source.stem] = "it was never executed"
            continue
        executed = json.loads(facts.read_text())["provenance"]
        if _code(page) != _code(source):
            reasons[source.stem] = "its code has changed since it was executed"
        elif executed["protocol"] != PROTOCOL:
            reasons[source.stem] = f"the core's protocol is {PROTOCOL} now and was {executed['protocol']}"
        elif executed.get("settings") != settings(executed["profile"]):
            reasons[source.stem] = f"the {executed['profile']} profile has other settings now"
    return reasons


def _code(path: Path) -> list[str]:
    """The code cells of a notebook, without the parameters that papermill injected."""
    cells = [c for c in nbformat.read(path, as_version=4).cells if c.cell_type == "code"]
    return [c.source for c in cells if "injected-parameters" not in c.metadata.get("tags", ())]
