"""Build the book of a record, away from it; list the record's stale pages."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat

from rvernet_book.items import write_coverage
from rvernet_book.published import LEFT_OUT, RECORD, ROOT, check, check_executed, seal
from rvernet_book.summary import write_summary
from rvernet_core import PROTOCOL, files
from rvernet_core.errors import ConfigError, RecordError
from rvernet_core.experiments.profiles import settings


def build(experiments: Path, html: Path) -> Path:
    """Build the book with the executed notebooks in `experiments` into the folder `html`; returns its page.

    Pages come from the checkout, notebooks and their files from `experiments`. Warnings are errors. The new
    folder takes the place of an old one in one step, when it is whole. Raises ConfigError where a notebook
    was not executed, RecordError where `published.check` finds fault or the book does not build.
    """
    sources = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    missing = [name for name in sources if not (experiments / name).is_file()]
    if missing:
        of_profile = f"rvernet reproduce --profile {experiments.parent.name} --target notebooks"
        command = "make record" if experiments == RECORD else of_profile
        raise ConfigError(
            f"{experiments} lacks {len(missing)} of {len(sources)} executed notebooks, such as {missing[0]};"
            f" run `{command}` first"
        )
    if experiments == RECORD:
        check(ROOT / "book", ROOT / "README.md")
    else:
        check_executed(experiments)
    with files.scratch_folder(html) as work:
        source = work / "source"
        shutil.copytree(ROOT / "book", source / "book", ignore=shutil.ignore_patterns("experiments", ".*"))
        shutil.copytree(experiments, source / "book" / "experiments", ignore=LEFT_OUT)
        for name in ("_config.yml", "_toc.yml"):
            shutil.copy2(ROOT / name, source / name)
        if experiments != RECORD:
            seal(source / "book" / "experiments")
            write_summary(source / "book")
            write_coverage(source / "book")
        status = _jupyter_book(source, work)
        new = work / "_build" / "html"
        if status or not (new / "index.html").exists():
            raise RecordError(
                f"the book did not build (status {status}); its warnings are errors and stand above"
            )
        files.replace_folder(new, html)
    return html / "index.html"


def _jupyter_book(source: Path, output: Path) -> int:
    """Build `source` into `output`/_build/html; returns the status."""
    command = [str(Path(sys.executable).parent / "jupyter-book"), "build", str(source)]
    command += ["--path-output", str(output), "--warningiserror", "--keep-going"]
    return subprocess.run(command, check=False).returncode


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
