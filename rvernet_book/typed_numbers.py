"""Numbers typed where a result belongs: decimals and percentages in prose, and counts on experiment pages.

Results come into prose by glue. What is typed can be a parameter, a name or a quotation; then
`book/typed-numbers.yml` lists it with the reason.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import yaml

from rvernet_core.errors import RecordError

ALLOWED = "typed-numbers.yml"
ANYWHERE = "*"  # stands for every file in the list
#: What is no prose, in the order in which it is taken out; line breaks stay, and so do the lines' numbers.
_NO_PROSE = (
    r"<!-- (?P<block>\w+) -->.*?<!-- /(?P=block) -->",  # what is written by `python -m rvernet_book`
    r"```.*?```",  # code, and directives that hold code, raw HTML or the name of a file
    r"<!--.*?-->",
    r"\$\$.*?\$\$",
    r"\$[^$\n]+\$",
    r"\{[\w:]+\}`[^`]*`",  # roles: glue, references, citations
    r"`[^`\n]*`",
    r"\]\([^)\s]*\)",  # addresses of links
    r"<[^>\n]*>",  # HTML tags
    r"https?://\S+",
)
_NUMBER = re.compile(r"(?<![\w.,])[+-]?\d+(?:\.\d+\b(?!\.\d)(?:\s?%)?|\s?%)")
_COUNT = re.compile(_NUMBER.pattern + r"|(?<![\w.,])\d[\d,]*\d\b(?![.,]?\d)")  # or of two digits and more


def typed(text: str, counts: bool = False) -> list[tuple[int, str]]:
    """(line, number) of every decimal and percentage in the prose of Markdown `text`.

    counts: of whole numbers from ten upwards, too; smaller ones are names of pages and figures.
    """
    for pattern in _NO_PROSE:
        text = re.sub(pattern, lambda match: "\n" * match[0].count("\n"), text, flags=re.S)
    return [
        (number, match[0])
        for number, line in enumerate(text.splitlines(), start=1)
        for match in (_COUNT if counts else _NUMBER).finditer(line)
    ]


def prose(path: Path) -> str:
    """The Markdown of a page, or of a notebook's Markdown cells."""
    text = path.read_text("utf-8")
    if path.suffix != ".ipynb":
        return text
    cells = json.loads(text)["cells"]
    return "\n\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown")


def allowed(path: Path) -> dict[tuple[str, str], str]:
    """(file, number) -> why it may be typed. RecordError for an entry without one of the three."""
    found = {}
    for entry in yaml.safe_load(path.read_text("utf-8")):
        if set(entry) != {"file", "numbers", "reason"} or not str(entry["reason"]).strip():
            raise RecordError(f"{path.name}: {entry}; expected file, numbers and a reason")
        found |= {(entry["file"], str(number)): entry["reason"] for number in entry["numbers"]}
    return found


def faults(paths: list[Path], listed: dict[tuple[str, str], str]) -> Iterator[str]:
    """Numbers that are typed and not listed, and entries of the list that no page needs any more."""
    seen: set[tuple[str, str] | None] = set()
    for path in paths:
        for line, number in typed(prose(path), counts=path.suffix == ".ipynb"):
            key = next((k for k in ((path.name, number), (ANYWHERE, number)) if k in listed), None)
            seen.add(key)
            if key is None:
                where = f"{path.name}, line {line} of its prose"
                yield f"{where}: {number} is typed; glue it, or list it in {ALLOWED}"
    for name, number in sorted(key for key in listed if key not in seen):
        yield f"{ALLOWED}: {name} has no {number} any more"
