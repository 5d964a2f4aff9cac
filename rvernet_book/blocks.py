"""A block of a text that is written from the record: what stands between two lines that name it.

Block("claims").replaced(readme, "8 reproduced")  ->  the text of `readme`, with this between its markers
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rvernet_core.errors import RecordError


@dataclass(frozen=True)
class Block:
    """The part of a Markdown file between `<!-- name -->` and `<!-- /name -->`."""

    name: str

    @property
    def begin(self) -> str:
        """The marker above the block."""
        return f"<!-- {self.name} -->"

    @property
    def end(self) -> str:
        """The marker below it."""
        return f"<!-- /{self.name} -->"

    def of(self, path: Path) -> str:
        """What the file holds between its markers."""
        return self._parts(path)[1]

    def replaced(self, path: Path, text: str) -> str:
        """The text of the file, with `text` on the lines between its markers."""
        before, _, after = self._parts(path)
        return f"{before}{self.begin}\n{text}\n{self.end}{after}"

    def _parts(self, path: Path) -> tuple[str, str, str]:
        before, begins, rest = path.read_text(encoding="utf-8").partition(self.begin)
        block, ends, after = rest.partition(self.end)
        if not (begins and ends):
            raise RecordError(
                f"{path} has no block {self.begin} ... {self.end}; add both lines where its text belongs"
            )
        return before, block, after
