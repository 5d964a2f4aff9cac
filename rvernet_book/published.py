"""The published record as a whole: whether it is still as it was published, and its replacement.

book/experiments/                   the executed notebooks, and in files/ what they show and link to
book/experiments/sha256.json        the hash of each of these files, made when they were published
                                    (a page that is newer than the record announces itself there)
book/summary.md, book/coverage.md, and a block of README.md, written from them
"""

from __future__ import annotations

import ast
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import filelock
import nbformat

from rvernet_book import certificate, html, items, summary, svg
from rvernet_book.claims import RULES
from rvernet_book.places import RECORD, ROOT
from rvernet_core import files
from rvernet_core.errors import RecordError
from rvernet_core.sealed import SEAL, hashes_of

LEFT_OUT = shutil.ignore_patterns(".*", "*.failed.*")  # of a folder of executed pages: they are no part of it
ANNOUNCED = "announced"  # in the metadata of a page that was not executed yet
REMEDY = "`git checkout book README.md` brings it back, `make record` makes another"
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError)


# --- pages that are newer than the record -------------------------------------------------------------


def announce(experiments: Path, notebooks: Path) -> list[str]:
    """Put a page that announces itself into the record for each notebook that it lacks; returns their names.

    It has the notebook's title and question, and says that the next record answers it. One that is there is
    written anew; executed pages stay as they are. Raises RecordError where anything else of the record was
    changed: new hashes must not hide it.
    """
    executed = {path.name for path in _pages(experiments)}
    ours = tuple(path.name for path in notebooks.glob("*.ipynb") if path.name not in executed)
    if found := [line for line in _against_hashes(experiments) if not line.startswith(ours)]:
        raise RecordError(f"the record is not as it was published: {found[0]}; {REMEDY}")
    missing = [path for path in sorted(notebooks.glob("*.ipynb")) if path.name not in executed]
    for path in missing:
        files.write_text(experiments / path.name, announcement(path))
    seal(experiments)
    return [path.stem for path in missing]


def announcement(source: Path) -> str:
    """The page that stands in the record for the notebook `source` until it is executed for one."""
    head = nbformat.read(source, as_version=4).cells[0].source.partition("**Answer.**")[0].strip()
    text = f"{head}\n\n**Answer.** This page is newer than the record; the next record answers it."
    cell = nbformat.v4.new_markdown_cell(text, id="announced")
    return nbformat.writes(nbformat.v4.new_notebook(cells=[cell], metadata={ANNOUNCED: True})) + "\n"


def is_announced(page: Path) -> bool:
    """Whether a page of the record only announces itself."""
    return ANNOUNCED in json.loads(page.read_text("utf-8")).get("metadata", {})


# --- is it as it was published? ---------------------------------------------------------------------


def seal(experiments: Path) -> None:
    """Write the hash of every file of the executed pages in `experiments`, by which `damage` knows them."""
    files.write_json(experiments / SEAL, hashes_of(experiments))


def check(book: Path, readme: Path | None = None) -> None:
    """Raise RecordError where the record in `book` is not as it was published; see `damage`."""
    if found := damage(book, readme):
        more = f" (and {len(found) - 1} more: `rvernet verify`)" if len(found) > 1 else ""
        raise RecordError(f"the record is not as it was published: {found[0]}{more}; {REMEDY}")


def check_executed(experiments: Path) -> None:
    """Raise RecordError where the executed pages in `experiments` contradict one another or themselves."""
    try:
        found = next(contradictions(experiments), "")
    except _UNREADABLE as error:
        found = f"a page cannot be read ({error})"
    if found:
        raise RecordError(f"{experiments}: {found}; `rvernet reproduce` executes anew what differs")


def damage(book: Path, readme: Path | None = None) -> list[str]:
    """What differs from what was published or contradicts itself, a line for each file; empty if nothing.

    book: the folder that holds experiments/, summary.md and coverage.md. Numbers and drawings are compared
    with the output of the cells that made them too, so that new hashes alone do not hide an edit.
    """
    experiments = book / "experiments"
    if not _pages(experiments):
        return []
    found = list(_against_hashes(experiments))
    try:
        found += [*contradictions(experiments), *_against_summaries(book, readme)]
    except _UNREADABLE as error:
        found = found or [f"experiments cannot be read: {error}"]
    return list(dict.fromkeys(found))


def contradictions(experiments: Path) -> Iterator[str]:
    """Numbers and files that are others than the executed notebook's; pages of different parameters."""
    given: dict[str, dict] = {}
    for path in _pages(experiments):
        given[path.name], found = _page(path)
        yield from found
    first = next(iter(given), "")
    for page, parameters in given.items():
        if parameters != given[first]:
            yield f"{page} was executed with {_named(parameters)}, {first} with {_named(given[first])}"


def forget(experiments: Path, parameters: dict) -> None:
    """Remove the executed pages that have other parameters than these, or that something contradicts."""
    for path in _pages(experiments):
        try:
            given, found = _page(path)
        except _UNREADABLE:
            given, found = {}, ["it cannot be read"]
        if found or given != parameters:
            path.unlink()


def _pages(experiments: Path) -> list[Path]:
    """The executed notebooks, without those that failed or only announce themselves."""
    paths = sorted(path for path in experiments.glob("[!.]*.ipynb") if not path.stem.endswith(".failed"))
    return [path for path in paths if not _announces(path)]


def _announces(path: Path) -> bool:
    try:
        return is_announced(path)
    except _UNREADABLE:
        return False  # whoever reads it as a page will say so


def _page(path: Path) -> tuple[dict, list[str]]:
    """The parameters of an executed page, and what contradicts it."""
    notebook = json.loads(path.read_text("utf-8"))
    facts = path.parent / "files" / f"{path.stem}.page.json"
    found = list(_against_page(json.loads(facts.read_text("utf-8")), facts, path.name, notebook))
    return notebook["metadata"].get("papermill", {}).get("parameters", {}), found


def _against_page(stored: dict, facts: Path, page: str, notebook: dict) -> Iterator[str]:
    outputs = list(_outputs(notebook))
    shown = "".join(markup for _, _, markup in outputs)
    glued = {name: text for name, text, _ in outputs if name}
    numbers = dict(stored["numbers"])
    if stored["headlines"]:
        numbers["answer"] = html.plain(" ".join(stored["headlines"]))
    for name, text in numbers.items():
        if glued.get(name) != text:
            yield f"files/{facts.name}: {name} is {text!r}, and {glued.get(name)!r} in {page}"
    for figure in stored["items"]["Figure"]:
        for drawing in sorted(facts.parent.glob(f"{figure}.*.svg")):
            if svg.data_uri(drawing.read_text("utf-8")) not in shown:
                yield f"files/{drawing.name} is not the drawing in {page}"
    for name, expected in stored.get("files", {}).items():  # pages of before this was written name none
        if not (facts.parent / name).is_file() or files.sha256(facts.parent / name) != expected:
            yield f"files/{name} is not the file that {page} wrote"


def _against_hashes(experiments: Path) -> Iterator[str]:
    try:
        expected = dict(json.loads((experiments / SEAL).read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        yield f"{SEAL}, the hashes of all files, cannot be read ({error})"
        return
    actual = hashes_of(experiments)
    for name in sorted({*expected, *actual}):
        if name not in actual:
            yield f"{name} is missing"
        elif name not in expected:
            yield f"{name} is no file of it"
        elif expected[name] != actual[name]:
            yield f"{name} was changed"


def _against_summaries(book: Path, readme: Path | None) -> Iterator[str]:
    """Texts that are written from the record, and say something else."""
    written = [
        (book / "summary.md", summary.page_text(book), "summary"),
        (book / "coverage.md", items.page_text(book), "coverage"),
    ]
    if (book / "verifications.md").exists():
        written.append((book / "verifications.md", certificate.page_text(book), "verifications"))
    if readme is not None:
        written.append((readme, summary.in_readme(book, readme), "summary"))
    for path, text, command in written:
        if not path.is_file() or path.read_text("utf-8") != text:
            yield f"{path.name} says something else (`python -m rvernet_book {command}` writes it anew)"
    if readme is not None and (book / RULES).is_file():
        from rvernet_book import ledger  # it asks `site` for stale pages, which imports this module

        if not ledger.readme_is_true(book, readme):
            yield f"{readme.name} has other verdicts (`python -m rvernet_book claims` writes them anew)"


def _outputs(notebook: dict) -> Iterator[tuple[str, str, str]]:
    """(name, text) of what a cell glued and the HTML of what it showed, for every output."""
    for cell in notebook["cells"]:
        for output in cell.get("outputs", ()):
            name = output.get("metadata", {}).get("scrapbook", {}).get("name", "")
            data = {kind.rpartition("/")[2]: "".join(text) for kind, text in output.get("data", {}).items()}
            text = ast.literal_eval(data["plain"]) if name else ""
            yield name, str(text), data.get("html", "")


def _named(parameters: dict) -> str:
    return ", ".join(f"{name}={value}" for name, value in parameters.items()) or "no parameters"


# --- its replacement --------------------------------------------------------------------------------


def publish(experiments: Path) -> Path:
    """Make the executed notebooks in `experiments` the published record; returns its folder.

    Replaces book/experiments as a whole and in one step, then the texts that are written from it. Killed
    before that step, the old record stays; killed after it, the next call of `finish` completes the rest.
    Raises RecordError where the pages contradict one another.
    """
    finish()
    check_executed(experiments)
    with files.atomic_folder(_waiting()) as new:
        shutil.copytree(experiments, new / "experiments", ignore=LEFT_OUT)
        seal(new / "experiments")
        shutil.copy2(new / "experiments" / SEAL, new)
    finish()
    return RECORD


def finish() -> None:
    """Complete the replacement of the record where one waits: that of `publish`, or of a killed one."""
    waiting = _waiting()
    files.sweep(waiting.parent)
    if not waiting.is_dir():
        return
    with filelock.FileLock(files.make_folder(ROOT / "_build") / ".record.lock"):
        if not waiting.is_dir():  # another process has completed it
            return
        hashes = RECORD / SEAL
        if not (hashes.is_file() and hashes.read_bytes() == (waiting / SEAL).read_bytes()):
            files.replace_folder(waiting / "experiments", RECORD)
        summary.write_summary(ROOT / "book", ROOT / "README.md")
        items.write_coverage(ROOT / "book")
        if (ROOT / "book" / RULES).is_file():
            from rvernet_book import ledger  # see above

            files.write_text(ROOT / "README.md", ledger.in_readme(ROOT / "book", ROOT / "README.md"))
        files.remove(waiting)


def _waiting() -> Path:
    return RECORD.with_name(".experiments.published")
