"""The summary of results on the book's first page and in the README, written from the record."""

from __future__ import annotations

import json
from pathlib import Path

from rvernet_book import provenance
from rvernet_book.blocks import Block
from rvernet_core import files

HEAD = "<!-- Written from the record by `python -m rvernet_book summary`. Not edited by hand. -->"
EMPTY = "No record has been published in this checkout yet; `make book` makes your own."
BLOCK = Block("result")  # of the README
MAKING = "making.json"  # beside the pages of a record: what it took to make them, see `reproduce.making`


def summary(experiments: str | Path, *, prefix: str = "experiments/") -> str:
    """Markdown: the headlines of every page, then how they were computed. `prefix` leads the links."""
    pages = [json.loads(path.read_text()) for path in sorted(Path(experiments).glob("files/*.page.json"))]
    with_headlines = [page for page in pages if page["headlines"]]
    if not with_headlines:
        return EMPTY
    lines = [
        f"- {sentence} ([details]({prefix}{page['page']}.ipynb))"
        for page in with_headlines
        for sentence in page["headlines"]
    ]
    facts = [page["provenance"] for page in pages]
    counts = sorted({len(page["provenance"]["seeds"]) for page in with_headlines})
    seeds = f"{counts[0]} seed{'s' if counts[0] != 1 else ''}"
    if len(counts) > 1:  # some pages run many kinds of models, with fewer seeds
        seeds = f"{counts[0]} to {counts[-1]} seeds, as each page says"
    profiles = " and ".join(f"`{name}`" for name in sorted({page["profile"] for page in facts}))
    machines = "; ".join(sorted({page["machine"] for page in facts}))
    commits = sorted({page["commit"] or "unknown" for page in facts})
    how = f"{profiles} profile{'s' if ' and ' in profiles else ''}, {seeds}, {machines};"
    how += f" commit{'s' if len(commits) > 1 else ''} {', '.join(commits)}."
    runs, training = _training(Path(experiments))
    seconds = sum(page["provenance"]["seconds"] or 0 for page in pages)
    if runs:
        how += f" {runs} runs, {provenance.duration(training)} of training in all;"
        how += f" the last execution of the pages took {provenance.duration(seconds)},"
        how += " without the evaluations that were kept from earlier ones."
    if (path := Path(experiments) / MAKING).is_file():
        made = json.loads(path.read_text("utf-8"))
        how += f" All {made['steps']} steps of making it took {provenance.duration(made['seconds'])} in sum,"
        how += f" {provenance.duration(made['seconds'] / made['cores'])} of {made['cores']} cores"
        earlier = made.get("earlier")  # only of a record that was made in several sittings
        how += f"; {provenance.duration(earlier)} of the sum in earlier sittings." if earlier else "."
    return "\n".join([*lines, "", f"*{how} Square brackets: 95 % intervals.*"])


def _training(experiments: Path) -> tuple[int, float]:
    """How many different runs the pages use, and their seconds of training in sum."""
    seconds: dict[str, float] = {}
    for path in experiments.glob("files/*.runs.json"):
        seconds |= provenance.training_seconds(json.loads(path.read_text()))
    return len(seconds), sum(seconds.values())


def page_text(book: Path) -> str:
    """The text of `<book>/summary.md`."""
    return f"{HEAD}\n{summary(book / 'experiments')}\n"


def in_readme(book: Path, readme: Path) -> str:
    """The text of `readme` with the summary between its two markers; RecordError where it lacks them."""
    return BLOCK.replaced(readme, summary(book / "experiments", prefix="book/experiments/"))


def write_summary(book: str | Path, readme: str | Path | None = None) -> Path:
    """Write `<book>/summary.md` from `<book>/experiments`, and the README's block between its two markers."""
    book = Path(book)
    path = files.write_text(book / "summary.md", page_text(book))
    if readme is not None:
        files.write_text(readme, in_readme(book, Path(readme)))
    return path
