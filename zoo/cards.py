"""What is written of a pretraining: one model card an architecture, and the page of the whole search."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rvernet_core import files
from rvernet_core.models import backbones

_PLATES = {"linear_probe": "linear probe on plates", "fine_tuned": "fine-tuned on plates"}


def write_card(folder: Path, name: str, facts: dict) -> None:
    """Facts as NAME.json and the same as a short model card, NAME.md, with a row for each checkpoint."""
    files.write_json(folder / f"{name}.json", facts)
    measured = [key for key in _PLATES if any(key in c.get("plates", {}) for c in facts["checkpoints"])]
    head = ["seed", "top-1", *(_PLATES[key] for key in measured), "minutes", "trained", "SHA-256"]
    rows = [
        [
            str(c["seed"]),
            f"{c['top1']:.3f}",
            *(f"{c['plates'][key]:.3f}" if key in c.get("plates", {}) else "" for key in measured),
            f"{c['minutes']:.1f}",
            c["date"],
            f"`{c['sha256']}`",
        ]
        for c in facts["checkpoints"]
    ]
    lines = [
        f"# {backbones.facts(name).label}, micro",
        "",
        facts["what"],
        "",
        f"- Data: {facts['data']}",
        f"- Command: `{facts['command']}`",
        f"- Peak rate: {facts['peak_rate']:g}; precision: {facts['precision']}; on {facts['device']}",
        *([f"- Teacher: {facts['teacher']}"] if facts["teacher"] else []),
        f"- Parameters: {facts['parameters']:,}",
        f"- Top-1: share of {facts['test']} named rightly",
        *([f"- Plates: {facts['plates_test']}"] if measured else []),
        "",
        *table(head, rows),
    ]
    files.write_text(folder / f"{name}.md", "\n".join(lines) + "\n")


def write_pretraining(path: Path, rows: Sequence[dict[str, str]]) -> None:
    """The rows of pretraining.csv as a page: the search of the peak rate, then every pretraining."""
    lines = ["# How the micro backbones were pretrained", ""]
    lines += ["Written by `python -m zoo.train_backbones`.", ""]
    for part, title, column, head in (
        ("search", "Search of the peak rate: top-1 after {} pictures, seed 0", "rate", "rate {:g}"),
        ("pretraining", "Pretraining: top-1 after {} pictures", "seed", "seed {:g}"),
    ):
        own = [row for row in rows if row["part"] == part]
        if not own:
            continue
        scores = {(row["name"], float(row[column])): f"{float(row['top1']):.3f}" for row in own}
        columns = sorted({value for _, value in scores})
        names = [name for name in backbones.BACKBONES if any(row["name"] == name for row in own)]
        cells = [
            [backbones.facts(name).label, *(scores.get((name, c), "") for c in columns)] for name in names
        ]
        seen = " or ".join(sorted({f"{int(row['pictures']):,}" for row in own}))
        lines += ["## " + title.format(seen), ""]
        lines += [*table(["", *(head.format(c) for c in columns)], cells), ""]
        if part == "search" and (ends := _at_an_end(own)):
            note = "beyond it may lie a better one."
            lines += [f"The best rate lies at an end of the range for {ends}: {note}", ""]
    files.write_text(path, "\n".join(lines))


def _at_an_end(rows: Sequence[dict[str, str]]) -> str:
    """The nets whose best rate of a search is the lowest or the highest that was tried."""
    found = []
    for name in backbones.BACKBONES:
        own = [row for row in rows if row["name"] == name]
        rates = [float(row["rate"]) for row in own]
        if own and float(max(own, key=lambda row: float(row["top1"]))["rate"]) in (min(rates), max(rates)):
            found.append(backbones.facts(name).label)
    return ", ".join(found)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table."""
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]
