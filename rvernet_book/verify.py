"""A fresh run of the pages against the committed record, number by number."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd

from rvernet_book.tables import interval
from rvernet_core.errors import RecordError

MEASURED = ["value", "low", "high"]
_ABOUT = {*MEASURED, "spread", "seeds", "profile"}  # every other column of a tidy table names a row


def compare(fresh: Path, record: Path) -> pd.DataFrame:
    """Every number with an interval that stands in the tables of both folders of files.

    One row per number: page, table, what (its keys), value, low, high of the record, value_fresh, low_fresh,
    high_fresh, and `agrees`: whether the two 95 % intervals overlap. Raises RecordError where a folder holds
    no pages, or both have none in common.
    """
    pages = [{p.name: _tables(p) for p in sorted(Path(f).glob("*.page.json"))} for f in (fresh, record)]
    for folder, tables in zip((fresh, record), pages, strict=True):
        if not tables:
            profile = Path(folder).parents[1].name
            raise RecordError(
                f"{folder} holds no executed pages; run `rvernet reproduce --profile {profile}` first"
            )
    parts = [
        _matched(_numbers(fresh, table), _numbers(record, table)).assign(page=page.split(".")[0], table=table)
        for page in pages[1]
        for table in pages[1][page]
        if table in pages[0].get(page, ())
    ]
    if not parts:
        raise RecordError(f"{fresh} and {record} have no table in common")
    numbers = [*MEASURED, *[f"{m}_fresh" for m in MEASURED]]
    both = pd.concat(parts, ignore_index=True)
    both[numbers] = both[numbers].astype(float)  # a table without intervals has no rows, and no types
    both["agrees"] = (both["low_fresh"] <= both["high"]) & (both["low"] <= both["high_fresh"])
    return both[["page", "table", "what", *numbers, "agrees"]]


def summary(numbers: pd.DataFrame, most: int = 3) -> str:
    """`compare`'s result as text: a line per page, and below it the numbers that differ most."""
    lines = []
    for page, part in numbers.groupby("page", sort=True):
        apart = part[~part["agrees"]]
        verdict = "agrees" if apart.empty else f"{len(apart)} without overlap"
        lines.append(f"{page:28} {len(part):4} numbers  {verdict}")
        gap = (apart["value_fresh"] - apart["value"]).abs()
        for row in apart.loc[gap.nlargest(most).index].to_dict("records"):
            here, there = (
                interval(row[f"value{end}"], row[f"low{end}"], row[f"high{end}"]) for end in ("_fresh", "")
            )
            lines.append(f"    {row['table']}, {row['what']}: {here}, in the record {there}")
    return "\n".join(lines)


def _tables(page: Path) -> list[str]:
    return json.loads(page.read_text())["items"]["Table"]


def _numbers(folder: Path, table: str) -> pd.DataFrame:
    """The rows of a tidy table that have an interval, each under the text of its keys."""
    frame = pd.read_csv(Path(folder) / f"{table}.csv")
    if not set(MEASURED) <= set(frame):
        return pd.DataFrame(columns=["what", *MEASURED])
    keys = [c for c in frame if c not in _ABOUT]
    what = frame[keys].map(str).agg(", ".join, axis=1) if keys else ""  # an empty key stays a key
    return frame.assign(what=what)[["what", *MEASURED]].dropna().drop_duplicates("what")


def _matched(fresh: pd.DataFrame, record: pd.DataFrame) -> pd.DataFrame:
    return record.merge(fresh, on="what", suffixes=("", "_fresh"))
