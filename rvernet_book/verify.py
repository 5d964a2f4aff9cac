"""A fresh run of the pages against the committed record, number by number and answer by answer.

Two runs of one design (profile, its settings, what was changed of it, seeds, data, protocol) are compared as
equals: every number, and every answer of every run, paired by seed and test sample. Of runs of different
designs only signs and orders are compared: their numbers are not meant to be equal.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from rvernet_book.record import read_predictions
from rvernet_book.tables import BESIDE, FOUND, MEASURED
from rvernet_core import uncertainty
from rvernet_core.errors import RecordError

#: What two runs must share to be compared as equals, as the provenance of a page names it.
DESIGN = ("profile", "settings", "parameters", "seeds", "protocol", "data")

#: What is said of a number or of a run, and when.
VERDICTS = {
    "identical": "the same to twelve digits, or every answer the same",
    "agrees": "within what retraining moves; of other designs: the same sign or order",
    "undecided": "of other designs: an interval holds zero, so there is no sign to compare",
    "not judged": "differs, but has no interval by which to judge it: seconds, memory, counts",
    "differs": "further apart than that; of other designs: the opposite sign or order",
    "missing": "in the record, but not in the fresh run",
}
FAILING = ("differs", "missing")


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    design: how the two designs differ, a line each; empty: they are equals.
    numbers: page, table, what (its keys), value .. spread of the record and of the fresh run (`_fresh`),
    allowed (the largest difference that counts as agreement; NaN where none is defined), verdict.
    runs: page, run, samples, same (share of equal answers), only_record, only_fresh (samples that only the
    one got right), p (McNemar's exact test, Holm-corrected over all runs), verdict; empty for other designs.
    """

    design: list[str]
    numbers: pd.DataFrame
    runs: pd.DataFrame

    @property
    def counts(self) -> dict[str, int]:
        """Verdict -> how many numbers and runs have it, in the order of VERDICTS."""
        found = pd.concat([self.numbers["verdict"], self.runs["verdict"]]).value_counts()
        return {verdict: int(found[verdict]) for verdict in VERDICTS if verdict in found}

    @property
    def verdict(self) -> str:
        """Of all numbers and runs together: identical, agrees, or differs."""
        counts = self.counts
        if any(counts.get(verdict) for verdict in FAILING):
            return "differs"
        return "identical" if set(counts) == {"identical"} else "agrees"


def compare(fresh: Path, record: Path) -> Comparison:
    """Everything that stands in the tables, the tidy data of figures and the predictions of both folders.

    Raises RecordError where a folder holds no pages, or both have no table in common.
    """
    pages = {path.name: _facts(path) for path in _pages(record)}
    own = {path.name: _facts(path) for path in _pages(fresh)}
    design = sorted({line for name in pages.keys() & own.keys() for line in _apart(own[name], pages[name])})
    equals = not design
    parts, shared = [], 0
    for name, facts in pages.items():
        page = name.split(".")[0]
        for table in _items(facts):
            there = _numbers(Path(record) / f"{table}.csv")
            if there.empty and table not in facts["items"]["Table"]:
                continue  # a picture, or what a figure shows beside its numbers
            here = _numbers(Path(fresh) / f"{table}.csv") if table in _items(own.get(name)) else None
            shared += here is not None
            if here is None and not equals:
                continue  # a smaller profile lacks tables by design
            both = _matched(there, there.iloc[:0] if here is None else here, "left" if equals else "inner")
            judged = _judged_as_equals(both) if equals else _judged_by_sign_and_order(both)
            parts.append(judged.assign(page=page, table=table))
    if not shared:
        raise RecordError(f"{fresh} and {record} have no table in common")
    numbers = pd.concat(parts, ignore_index=True)
    columns = ["page", "table", "what", *MEASURED, *[f"{m}_fresh" for m in MEASURED], "allowed", "verdict"]
    common = sorted(name.split(".")[0] for name in pages)
    return Comparison(design, numbers[columns], _runs(fresh, record, common if equals else []))


# --- what is in the folders -------------------------------------------------------------------------


def _pages(folder: Path) -> list[Path]:
    pages = sorted(Path(folder).glob("*.page.json"))
    if not pages:
        profile = Path(folder).parents[1].name
        command = "make record" if profile == "book" else f"rvernet reproduce --profile {profile}"
        raise RecordError(f"{folder} holds no executed pages; run `{command}` first")
    return pages


def _facts(page: Path) -> dict:
    return json.loads(page.read_text("utf-8"))


def _items(facts: dict | None) -> list[str]:
    """The tables and figures of a page."""
    return [*facts["items"]["Table"], *facts["items"].get("Figure", [])] if facts else []


def _apart(fresh: dict, record: dict) -> Iterator[str]:
    """What two executions of a page do not share of DESIGN."""
    here, there = fresh.get("provenance", {}), record.get("provenance", {})
    for name in DESIGN:
        if here.get(name) != there.get(name):
            yield f"{name}: {_brief(here.get(name))}, in the record {_brief(there.get(name))}"


def _brief(value: object) -> str:
    return ", ".join(f"{k} {v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def _numbers(path: Path) -> pd.DataFrame:
    """The rows of a tidy table, each under what was asked; `against`: whether it compares models.

    p and the smallest difference are numbers of their own, without an interval. No row where nothing is tidy.
    """
    frame = pd.read_csv(path) if path.is_file() else pd.DataFrame()
    if "value" not in frame:
        return pd.DataFrame(columns=["what", "metric", "against", *MEASURED])
    keys = [c for c in frame if c not in FOUND]
    what = frame[keys].map(str).agg(", ".join, axis=1) if keys else "value"  # an empty key stays a key
    whole = frame.reindex(columns=MEASURED).assign(
        what=what, metric=frame.get("metric", "value"), against="against" in frame, seeds=frame.get("seeds")
    )
    beside = [
        whole.assign(
            what=whole["what"] + f", {name}", metric=name, value=frame[name], low=np.nan, high=np.nan
        )
        for name in BESIDE
        if name in frame
    ]
    whole = pd.concat([whole, *(part.assign(spread=np.nan) for part in beside)])
    return whole[pd.to_numeric(whole["value"], errors="coerce").notna()].drop_duplicates("what")


def _matched(record: pd.DataFrame, fresh: pd.DataFrame, how: str) -> pd.DataFrame:
    fresh = fresh[["what", *[m for m in MEASURED if m in fresh]]]
    both = record.merge(fresh, on="what", suffixes=("", "_fresh"), how=how)
    numbers = [*MEASURED, *[f"{m}_fresh" for m in MEASURED]]
    both = both.reindex(columns=["what", "metric", "against", "seeds", *numbers])
    both[numbers] = both[numbers].astype(float)
    return both


# --- equals: number by number ------------------------------------------------------------------------


def _judged_as_equals(both: pd.DataFrame) -> pd.DataFrame:
    """Rows with `allowed` and `verdict`: how far may the mean over n seeds move when all are trained again?

    The photos are the same, so only the seeds' own randomness counts: Student's t times the pooled standard
    deviation over seeds times sqrt(2 / n). A number without a spread over seeds, such as a paired
    difference, may move by half its interval.
    """
    n = both["seeds"].astype(float)
    pooled = np.sqrt((both["spread"] ** 2 + both["spread_fresh"] ** 2) / 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        retrained = stats.t.ppf(0.975, 2 * (n - 1)) * pooled * np.sqrt(2 / n)
    half = np.maximum(both["high"] - both["low"], both["high_fresh"] - both["low_fresh"]) / 2
    allowed = retrained.where(retrained.notna() & (n > 1), half)
    moved = (both["value_fresh"] - both["value"]).abs()
    same = moved <= 1e-12 * both["value"].abs().clip(lower=1e-12)
    verdict = np.select(
        [both["value_fresh"].isna(), same, allowed.isna(), moved <= allowed],
        ["missing", "identical", "not judged", "agrees"],
        "differs",
    )
    return both.assign(allowed=allowed, verdict=verdict)


def _runs(fresh: Path, record: Path, pages: list[str]) -> pd.DataFrame:
    """Every run and evaluation behind the pages, its answers paired by sample with those of the fresh run."""
    rows = []
    for page in pages:
        if not (Path(record) / f"{page}.runs.json").is_file():
            continue
        there = read_predictions(page, record)
        here = read_predictions(page, fresh) if (Path(fresh) / f"{page}.runs.json").is_file() else {}
        for name, recorded in there.items():
            row = {"page": page, "run": name, "samples": len(recorded.table)}
            rows.append(row | (_paired(recorded.table, here[name].table) if name in here else {}))
    columns = ["page", "run", "samples", "same", "only_record", "only_fresh", "p"]
    frame = pd.DataFrame(rows, columns=columns)
    frame[columns[2:]] = frame[columns[2:]].astype(float)
    tested = frame["p"].notna()
    if tested.any():
        frame.loc[tested, "p"] = uncertainty.holm(frame.loc[tested, "p"].tolist())
    verdict = np.select(
        [frame["same"].isna(), frame["same"] == 1, frame["p"] >= 0.05],
        ["missing", "identical", "agrees"],
        "differs",
    )
    return frame.assign(verdict=verdict)


def _paired(record: pd.DataFrame, fresh: pd.DataFrame) -> dict:
    both = record.merge(fresh, on="key", suffixes=("", "_fresh"))
    if len(both) < len(record):  # the samples are others, so there is nothing to pair
        return {}
    right, right_fresh = both["predicted"] == both["label"], both["predicted_fresh"] == both["label"]
    only, only_fresh = int((right & ~right_fresh).sum()), int((right_fresh & ~right).sum())
    p = stats.binomtest(only, only + only_fresh).pvalue if only + only_fresh else 1.0
    same = float((both["predicted"] == both["predicted_fresh"]).mean())
    return {"same": same, "only_record": only, "only_fresh": only_fresh, "p": p}


# --- other designs: sign and order -------------------------------------------------------------------


def _judged_by_sign_and_order(both: pd.DataFrame) -> pd.DataFrame:
    """Rows with `verdict`, one for each difference and one for each pair of neighbours in a ranking.

    A metric is a difference where its table names what it is against, or any of its values is negative. A
    difference's sign counts where both intervals exclude zero. Of other metrics, two rows that follow each
    other in the record have an order that counts where their intervals do not overlap, in both.
    """
    rows = []
    for _, part in both.groupby("metric", sort=False, dropna=False):
        bounded = part.dropna(subset=["low", "high", "low_fresh", "high_fresh"])
        if part["against"].any() or (part[["value", "value_fresh"]] < 0).any(axis=None):
            signs = (
                _sign(bounded["low"], bounded["high"]),
                _sign(bounded["low_fresh"], bounded["high_fresh"]),
            )
            rows.append(bounded.assign(verdict=_verdicts(*signs)))
            continue
        ranked = bounded.sort_values("value", ascending=False)
        upper, lower = ranked.iloc[:-1].reset_index(drop=True), ranked.iloc[1:].reset_index(drop=True)
        if lower.empty:
            continue
        orders = [
            _sign(upper[f"low{end}"] - lower[f"high{end}"], upper[f"high{end}"] - lower[f"low{end}"])
            for end in ("", "_fresh")
        ]
        text = upper["what"] + " above " + lower["what"]
        gaps = {c: upper[c] - lower[c] for c in ("value", "value_fresh")}
        bare = {c: np.nan for c in ("low", "high", "spread", "low_fresh", "high_fresh", "spread_fresh")}
        rows.append(upper.assign(what=text, **gaps, **bare, verdict=_verdicts(*orders)))
    if not rows:
        return both.iloc[:0].assign(allowed=np.nan, verdict="")
    return pd.concat(rows, ignore_index=True).assign(allowed=np.nan)


def _sign(low: pd.Series, high: pd.Series) -> np.ndarray:
    """1 above zero, -1 below it, 0 where the interval holds zero."""
    return np.where(low > 0, 1, np.where(high < 0, -1, 0))


def _verdicts(record: np.ndarray, fresh: np.ndarray) -> np.ndarray:
    return np.select([record * fresh == 0, record == fresh], ["undecided", "agrees"], "differs")


# --- as text ------------------------------------------------------------------------------------------


def summary(found: Comparison, most: int = 3) -> str:
    """What was found as text: how the designs differ, then a line per page and its numbers that fail."""
    lines = []
    if found.design:
        lines += [
            "the two were made by different designs, so only signs and orders are compared, not sizes:",
            *[f"    {line}" for line in found.design],
        ]
    for page, part in found.numbers.groupby("page", sort=True):
        runs = found.runs[found.runs["page"] == page]
        counts = _counted(pd.concat([part["verdict"], runs["verdict"]]))
        lines.append(f"{page:28} {len(part):4} numbers, {len(runs):3} runs: {counts}")
        failed = part[part["verdict"].isin(FAILING)]
        gap = (failed["value_fresh"] - failed["value"]).abs().fillna(np.inf)
        for row in failed.loc[gap.sort_values(ascending=False, kind="stable").index[:most]].to_dict(
            "records"
        ):
            lines.append(f"    {row['table']}, {row['what']}: {_shown(row)}")
        for row in runs[runs["verdict"].isin(FAILING)].head(most).to_dict("records"):
            lines.append(f"    {row['run']}: {row['verdict']}")
    return "\n".join(lines)


def _counted(verdicts: pd.Series) -> str:
    found = verdicts.value_counts()
    return ", ".join(f"{found[verdict]} {verdict}" for verdict in VERDICTS if verdict in found) or "nothing"


def _shown(row: dict) -> str:
    if row["verdict"] == "missing":
        return f"missing, {row['value']:.4g} in the record"
    allowed = "" if np.isnan(row["allowed"]) else f"; up to {row['allowed']:.3g} apart would agree"
    return f"{row['value_fresh']:.4g}, in the record {row['value']:.4g}{allowed}"
