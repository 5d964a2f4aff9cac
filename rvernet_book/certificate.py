"""The certificate of a verification: what was compared, where, with what, and what came of it.

`write` makes it as JSON, with every number, and as HTML to look at. A verification that is kept lies, without
the numbers that agree, in book/verifications/, and `page_text` lists all of them for the book.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from html import escape
from pathlib import Path

import pandas as pd

from rvernet_book import provenance
from rvernet_book.verify import FAILING, VERDICTS, Comparison
from rvernet_core import environment, files
from rvernet_core.errors import RecordError

WATTS = 15.0  # assumed for one busy core, memory and losses included; machines differ by a factor of three
HEAD = (
    "<!-- Written from book/verifications by `python -m rvernet_book verifications`. Not edited by hand. -->"
)
NONE = "No verification has been kept in this checkout yet; `rvernet verify --keep` adds one."


def certificate(found: Comparison, fresh: Path, record: Path, watts: float = WATTS) -> dict:
    """The certificate as JSON-ready data.

    fresh, record: the folders of files that were compared. watts: assumed for one core, to estimate energy.
    Raises RecordError unless `watts` is a positive number.
    """
    if not 0 < watts < float("inf"):
        raise RecordError(f"watts is {watts}; expected a positive number for one core")
    here, there = _origin(fresh), _origin(record)
    hours = here["seconds of training"] / 3600
    return {
        "date": date.today().isoformat(),
        "verdict": found.verdict,
        "counts": found.counts,
        "designs differ in": found.design,
        "fresh": here,
        "record": there,
        "verified with": environment.packages() | {"machine": environment.machine()},
        "energy": {
            "watt-hours of training": round(hours * watts, 1),
            "assumption": f"{watts:g} W for one core while it trains; not measured",
        },
        "numbers": json.loads(found.numbers.to_json(orient="records", double_precision=15)),
        "runs": json.loads(found.runs.to_json(orient="records", double_precision=15)),
    }


def _origin(folder: Path) -> dict:
    """What made the pages in `folder`: every profile, commit, machine and set of packages behind them."""
    pages = [json.loads(p.read_text("utf-8"))["provenance"] for p in sorted(Path(folder).glob("*.page.json"))]
    packages = sorted({f"{name} {version}" for page in pages for name, version in page["packages"].items()})
    seconds: dict[str, float] = {}
    for path in Path(folder).glob("*.runs.json"):
        seconds |= provenance.training_seconds(json.loads(path.read_text("utf-8")))
    return {
        "profiles": sorted({page["profile"] for page in pages}),
        "commits": sorted({page["commit"] or "unknown" for page in pages}),
        "seeds": sorted({seed for page in pages for seed in page["seeds"]}),
        "protocols": sorted({page["protocol"] for page in pages}),
        "machines": sorted({page["machine"] for page in pages}),
        "packages": packages,
        "runs": len(seconds),
        "seconds of training": round(sum(seconds.values()), 1),
        "seconds of the pages": round(sum(page["seconds"] or 0 for page in pages), 1),
    }


# --- as files -----------------------------------------------------------------------------------------


def write(facts: Mapping, folder: Path) -> tuple[Path, Path]:
    """Write `certificate.json` and `certificate.html` into `folder`; returns both paths."""
    return (
        files.write_json(Path(folder) / "certificate.json", dict(facts)),
        files.write_text(Path(folder) / "certificate.html", as_html(facts)),
    )


def keep(facts: Mapping, folder: Path) -> Path:
    """Keep a verification in `folder`, without the numbers that agree; returns its file.

    Its name is the day and the profile; a second one of a day takes the place of the first.
    """
    brief = {name: value for name, value in facts.items() if name not in ("numbers", "runs")}
    brief["failing"] = [row for row in (*facts["numbers"], *facts["runs"]) if row["verdict"] in FAILING]
    name = f"{facts['date']}-{'-'.join(facts['fresh']['profiles'])}.json"
    return files.write_json(Path(folder) / name, brief)


def as_html(facts: Mapping) -> str:
    """The certificate as a page that needs nothing else."""
    rows = {
        "verdict": facts["verdict"],
        "date": facts["date"],
        "compared as": "equals"
        if not facts["designs differ in"]
        else "different designs: signs and orders only",
        "designs differ in": "; ".join(facts["designs differ in"]),
        **{f"fresh run: {name}": _text(value) for name, value in facts["fresh"].items()},
        **{f"record: {name}": _text(value) for name, value in facts["record"].items()},
        "verified with": _text(facts["verified with"]),
        "energy, estimated": _text(facts["energy"]),
    }
    about = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(str(text))}</td></tr>" for name, text in rows.items() if text
    )
    counts = "".join(
        f"<tr><th>{escape(verdict)}</th><td>{count:,}</td><td>{escape(VERDICTS[verdict])}</td></tr>"
        for verdict, count in facts["counts"].items()
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Certificate</title>'
        f"<style>{_CSS}</style></head><body><h1>Certificate: the fresh run {escape(_sentence(facts))}</h1>"
        f"<table>{about}</table><h2>What was found</h2><table>{counts}</table>"
        f"<h2>Every number</h2>{_table(facts['numbers'], _NUMBERS)}"
        f"<h2>Every run</h2>{_table(facts['runs'], _RUNS)}</body></html>\n"
    )


_CSS = (
    "body{font:15px/1.5 system-ui,sans-serif;max-width:76em;margin:2em auto;padding:0 1em}"
    "body{color:#1c2430;background:#fff}"
    "table{border-collapse:collapse;font-size:.9em;font-variant-numeric:tabular-nums}"
    "th,td{text-align:left;vertical-align:top;padding:.25em 1em .25em 0;font-weight:normal}"
    "th,td{border-bottom:1px solid #d9dee5}"
    "thead th{font-weight:600}.differs td,.missing td{background:#fbe3dc}"
    "@media (prefers-color-scheme:dark){body{color:#e6eaf0;background:#14181e}th,td{border-color:#343c47}"
    ".differs td,.missing td{background:#5a2a1e}}"
)
_NUMBERS = ("verdict", "page", "table", "what", "value", "value_fresh", "low", "high", "allowed")
_RUNS = ("verdict", "page", "run", "samples", "same", "only_record", "only_fresh", "p")


def _table(rows: list[dict], columns: tuple[str, ...]) -> str:
    """Rows that fail stand first."""
    if not rows:
        return "<p>None was compared.</p>"
    ordered = sorted(rows, key=lambda row: -list(VERDICTS).index(row["verdict"]))
    head = "".join(f"<th>{escape(column.replace('_', ' '))}</th>" for column in columns)
    body = "".join(
        f'<tr class="{escape(row["verdict"].replace(" ", "-"))}">'
        + "".join(f"<td>{escape(_cell(row[column]))}</td>" for column in columns)
        + "</tr>"
        for row in ordered
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)


def _text(value: object) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{name} {_text(part)}" for name, part in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _sentence(facts: Mapping) -> str:
    verb = {"identical": "is identical to", "agrees": "agrees with", "differs": "differs from"}[
        facts["verdict"]
    ]
    return f"{verb} the record"


# --- past verifications, as a page of the book ----------------------------------------------------------


def page_text(book: Path) -> str:
    """The text of `<book>/verifications.md`: a line for each kept verification, the newest first."""
    kept = sorted((Path(book) / "verifications").glob("*.json"), reverse=True)
    if not kept:
        return f"{HEAD}\n{NONE}\n"
    frame = pd.DataFrame([_line(json.loads(path.read_text("utf-8"))) for path in kept])
    lines = [HEAD, ":::{list-table}", ":header-rows: 1", ""]
    for cells in [frame.columns, *frame.itertuples(index=False)]:
        lines += [f"{'* -' if i == 0 else '  -'} {cell}" for i, cell in enumerate(cells)]
    return "\n".join([*lines, ":::", ""])


def _line(facts: dict) -> dict[str, str]:
    here, there = facts["fresh"], facts["record"]
    how = "signs and orders" if facts["designs differ in"] else "paired by seed and sample"
    return {
        "date": facts["date"],
        "fresh run": f"{_text(here['profiles'])}, commit {_text(here['commits'])}",
        "record": f"{_text(there['profiles'])}, commit {_text(there['commits'])}",
        "compared": how,
        "found": ", ".join(f"{count:,} {verdict}" for verdict, count in facts["counts"].items()),
        "verdict": f"**{facts['verdict']}**",
        "machine": _text(here["machines"]),
        "training": f"{provenance.duration(here['seconds of training'])}, "
        f"about {facts['energy']['watt-hours of training']} Wh",
    }


def write_page(book: Path) -> Path:
    """Write `<book>/verifications.md`."""
    return files.write_text(Path(book) / "verifications.md", page_text(book))
