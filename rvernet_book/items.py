"""The paper's figures and tables, and where the book answers each: a table with links both ways."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from pathlib import Path

import yaml

from rvernet_core import files
from rvernet_core.errors import RecordError

BOOK = Path(__file__).resolve().parents[1] / "book"
HEAD = "<!-- Written from paper-items.yml and the record by `python -m rvernet_book coverage`. -->"
KINDS = {
    "figure": "The paper's figures",
    "table": "The paper's tables, by the question they answer",
    "own": "Our own additions",
}
SOURCES = {
    "caption": "from its caption",
    "readme": "from the release's README",
    "abstract": "from the abstract",
    "release": "from the released code",
    "inferred": "inferred",
    "own": "ours",
}


@dataclass(frozen=True)
class Item:
    """One entry of paper-items.yml; see the file's head."""

    id: str
    kind: str
    title: str
    shows: str
    source: str
    page: str
    items: tuple[str, ...]
    status: str


def read_items(path: Path = BOOK / "paper-items.yml") -> list[Item]:
    """The entries of the list. RecordError for an unknown field or value, or a repeated id."""
    try:
        items = [
            Item(**{**entry, "items": tuple(entry["items"])})
            for entry in yaml.safe_load(path.read_text("utf-8"))
        ]
    except (TypeError, KeyError) as error:
        raise RecordError(
            f"{path.name}: {error}; expected the fields {', '.join(Item.__annotations__)}"
        ) from error
    for item in items:
        if item.kind not in KINDS or item.source not in SOURCES:
            raise RecordError(
                f"{path.name}: {item.id} is {item.kind!r}, source {item.source!r}; see the file's head"
            )
    ids = [item.id for item in items]
    if len(set(ids)) < len(ids):
        raise RecordError(f"{path.name}: repeated ids: {', '.join(i for i in ids if ids.count(i) > 1)}")
    return items


def missing(item: Item, experiments: Path) -> list[str]:
    """What the record in `experiments` lacks of `item`: its page, a CSV, or a figure's picture."""
    page = experiments / f"{item.page}.ipynb"
    lacks = [] if page.is_file() else [page.name]
    lacks += [f"{name}.csv" for name in item.items if not (experiments / "files" / f"{name}.csv").is_file()]
    pictures = [name for name in item.items if (experiments / "files" / f"{name}.light.svg").is_file()]
    if item.kind == "figure" and not pictures:
        lacks.append("a picture")
    return lacks if item.items else [*lacks, "its items"]


def coverage(experiments: Path, items: list[Item], pages: str = "experiments/") -> str:
    """Markdown: one table for each kind, a line for each item with links to its page, pictures and data."""
    lines = []
    for kind, heading in KINDS.items():
        lines += ["", f"## {heading}", "", ":::{list-table}", ":header-rows: 1", ":widths: 20 38 42", ""]
        lines += ["* - Item", "  - What it shows", "  - Here"]
        for item in (item for item in items if item.kind == kind):
            lacks = missing(item, experiments)
            links = ", ".join(
                f'<a href="{pages}{item.page}.html#{name}">{name}</a>'
                for name in item.items
                if f"{name}.csv" not in lacks
            )
            here = f"[{item.page}]({pages}{item.page}.ipynb){': ' if links else ''}{links}"
            absent = f" *Not in this run: {', '.join(lacks)}.*" if lacks else ""
            lines += [
                f'* - <span id="{item.id}"></span>{item.title}',
                f"  - {item.shows} *({SOURCES[item.source]})*",
                f"  - {here}. {item.status}{absent}",
            ]
        lines.append(":::")
    return "\n".join(lines)


def page_text(book: Path) -> str:
    """The text of `<book>/coverage.md`, from the list and the record in `<book>/experiments`."""
    return f"{HEAD}\n{coverage(book / 'experiments', read_items(book / 'paper-items.yml'))}\n"


def write_coverage(book: Path) -> Path:
    """Write `<book>/coverage.md`."""
    return files.write_text(Path(book) / "coverage.md", page_text(Path(book)))


def back_link(page: str, name: str) -> tuple[str, str] | None:
    """(text, address) of the entry that the figure or table `name` of `page` belongs to, if any."""
    for item in _items():
        if item.page == page and name in item.items:
            text = {"figure": f"the paper's {item.title}", "table": f"the paper: {item.title}"}
            return text.get(item.kind, "not in the paper"), f"../paper.html#{item.id}"
    return None


@functools.lru_cache
def _items() -> list[Item]:
    return read_items() if (BOOK / "paper-items.yml").is_file() else []
