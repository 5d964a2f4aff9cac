"""How often the book's intervals hold the truth, as a table of the book: simulated, so it needs no record."""

from __future__ import annotations

from pathlib import Path

from rvernet_core import files
from rvernet_core.evaluation import simulated

HEAD = "<!-- Simulated by `python -m rvernet_book intervals`. Not edited by hand. -->"
SEEDS = (1, 2, 3, 5)
REPETITIONS = 2000
PHOTOS = 150


def page_text() -> str:
    """The text of `<book>/intervals.md`: what makes scores vary (rows) by score and number of seeds."""
    table = simulated.coverage_table(REPETITIONS, SEEDS, PHOTOS)
    wide = table.pivot(index=["regime", "score"], columns="seeds", values="coverage")
    lines = [
        HEAD,
        "",
        "| What makes scores vary | Score | " + " | ".join(_heading(count) for count in SEEDS) + " |",
        "|---|---|" + "---|" * len(SEEDS),
    ]
    for regime in simulated.REGIMES:
        for score in simulated.SCORES:
            shares = " | ".join(f"{wide.loc[(regime, score), count]:.1%}" for count in SEEDS)
            lines.append(f"| {regime} | {score} | {shares} |")
    lines += [
        "",
        f"*Share of {REPETITIONS:,} repetitions whose 95 % interval holds the true score; {PHOTOS} photos, "
        "two samples each. With one seed the interval is over photos alone: it says nothing of other "
        "trainings.*",
    ]
    return "\n".join(lines) + "\n"


def _heading(count: int) -> str:
    return f"{count} seed{'s' if count != 1 else ''}"


def write_intervals(book: str | Path) -> Path:
    """Write `<book>/intervals.md`."""
    return files.write_text(Path(book) / "intervals.md", page_text())
