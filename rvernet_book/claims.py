"""The paper's claims, the rules that judge them, and the judging: a verdict is computed, never typed.

`book/claims.yml` holds the rules. A rule names a table of a page, the rows that count, what is expected of
them and what would speak against it; a verdict follows from the numbers in the table's CSV alone:

    reproduced       the rule holds, and so do its further conditions
    direction only   the numbers point as claimed, but it is not shown, or not of the size, or not everywhere
    inconclusive     the numbers do not say
    contradicted     the opposite is shown, or that nothing of the size that matters is there
    not testable here, not yet judged
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from rvernet_book.tables import FOUND
from rvernet_core.config import one_of
from rvernet_core.errors import ConfigError, RecordError

BOOK = Path(__file__).resolve().parents[1] / "book"
RULES = "claims.yml"
VERDICTS = (
    "reproduced",
    "direction only",
    "inconclusive",
    "contradicted",
    "not testable here",
    "not yet judged",
)
REPRODUCED, DIRECTION, INCONCLUSIVE, CONTRADICTED, UNTESTABLE, UNJUDGED = VERDICTS
SOURCES = {
    "title": "the title",
    "tldr": "the TL;DR",
    "abstract": "the abstract",
    "caption": "a caption",
}
DIRECTIONS = ("above", "below", "differs")
TESTS = {
    "holm": "p after Holm's correction over the table, below 0.05",
    "interval": "the 95 % interval excludes the bound",
    "count": "a count, without a test",
}
NEEDS = {"all": "every row", "most": "more than half of the rows", "any": "at least one row"}


@dataclass(frozen=True)
class Condition:
    """What is expected of some rows of one table of the record; see the head of claims.yml."""

    quantity: str
    page: str
    table: str
    rows: Mapping[str, Any]  # column -> value, or list of values; what counts
    direction: str  # above | below | differs
    test: str  # holm | interval | count
    need: str  # all | most | any
    than: float = 0.0  # above or below what
    #: How far from `than` the claim puts it; 0: it names no size. What is not shown, and reached by fewer
    #: intervals than rows are needed, is contradicted.
    size: float = 0.0
    negligible: float = 0.0  # a row that had found this much and found nothing speaks against; 0: none does
    seeds: int = 1  # fewest seeds


@dataclass(frozen=True)
class Claim:
    """One claim of the paper, and how it is judged."""

    id: str
    says: str
    source: str
    where: str  # which part of the source; may be empty
    rule: Condition | None  # None: not testable here
    also: tuple[Condition, ...]  # without all of these it is not reproduced
    against: str  # what would count against it; of what is not testable: why
    reading: str  # what carries over


@dataclass(frozen=True)
class Row:
    """One measured row, and how it stands to a condition."""

    label: str
    value: float
    low: float
    high: float
    seeds: int
    state: str  # for | toward | away | against | negligible


@dataclass(frozen=True)
class Judgement:
    """The verdict on one claim by one record."""

    verdict: str
    reason: str
    profile: str = ""
    executed: str = ""  # when its page was executed, ISO 8601; empty where unknown
    shown: Row | None = None  # the row that decides: the least favourable of all, the most favourable of any
    rows: tuple[Row, ...] = ()


# --- the rules ----------------------------------------------------------------------------------------


def read_claims(path: Path = BOOK / RULES) -> list[Claim]:
    """The claims in their order. RecordError says which entry is wrong, what came and what was expected."""
    entries = yaml.safe_load(path.read_text("utf-8"))
    if not isinstance(entries, list) or not entries:
        raise RecordError(f"{path.name} holds {type(entries).__name__}; expected a list of claims")
    claims = [_claim(entry, f"{path.name}, entry {i + 1}") for i, entry in enumerate(entries)]
    ids = [claim.id for claim in claims]
    if len(set(ids)) < len(ids):
        raise RecordError(f"{path.name}: repeated ids: {', '.join(i for i in ids if ids.count(i) > 1)}")
    return claims


def _claim(entry: Any, where: str) -> Claim:
    fields = {"id", "says", "source", "where", "rule", "not testable", "reading"}
    _only(entry, fields, {"id", "says", "source", "reading"}, where)
    where = f"{where} ({entry['id']})"
    _known(entry["source"], SOURCES, f"{where}: source")
    if ("rule" in entry) == ("not testable" in entry):
        raise RecordError(f"{where}: expected either a rule, or 'not testable' with the reason")
    rule, also, against = None, (), str(entry.get("not testable", ""))
    if "rule" in entry:
        given = entry["rule"]
        _only(given, {*_CONDITION, "also", "against"}, {*_REQUIRED, "against"}, f"{where}: rule")
        rule = _condition({k: v for k, v in given.items() if k not in ("also", "against")}, f"{where}: rule")
        also = tuple(
            _condition(other, f"{where}: also {i + 1}") for i, other in enumerate(given.get("also", ()))
        )
        against = str(given["against"])
    texts = {key: " ".join(str(entry.get(key, "")).split()) for key in ("id", "says", "where", "reading")}
    return Claim(**texts, source=entry["source"], rule=rule, also=also, against=" ".join(against.split()))


_CONDITION = {field.name for field in dataclasses.fields(Condition)}
_REQUIRED = {f.name for f in dataclasses.fields(Condition) if f.default is dataclasses.MISSING}


def _condition(given: Any, where: str) -> Condition:
    _only(given, _CONDITION, _REQUIRED, where)
    _known(given["direction"], DIRECTIONS, f"{where}: direction")
    _known(given["test"], TESTS, f"{where}: test")
    _known(given["need"], NEEDS, f"{where}: need")
    if not isinstance(given["rows"], Mapping):
        raise RecordError(f"{where}: rows is {given['rows']!r}; expected column: value")
    for name in ("than", "size", "negligible", "seeds"):
        value = given.get(name, 0)
        if isinstance(value, bool) or not isinstance(value, int | float) or (value < 0 and name != "than"):
            raise RecordError(f"{where}: {name} is {value!r}; expected a number, not below zero")
    if given["direction"] == "differs" and (given["test"] != "holm" or given.get("than")):
        raise RecordError(f"{where}: 'differs' is decided by p alone; expected test: holm and no 'than'")
    return Condition(**given)


def _only(given: Any, known: Collection[str], required: Collection[str], where: str) -> None:
    if not isinstance(given, Mapping):
        raise RecordError(f"{where}: {given!r}; expected the fields {', '.join(sorted(known))}")
    if unknown := sorted(set(given) - set(known)):
        raise RecordError(f"{where}: unknown field {unknown[0]!r}; expected {', '.join(sorted(known))}")
    if lacking := sorted(set(required) - set(given)):
        raise RecordError(f"{where}: lacks {', '.join(lacking)}")


def _known(value: Any, choices: Collection[str], where: str) -> None:
    try:
        one_of(value, choices, where)
    except ConfigError as error:
        raise RecordError(str(error)) from error


# --- the judging --------------------------------------------------------------------------------------


def judge(
    claim: Claim, experiments: Path, stale: Mapping[str, str] | None = None, written: str = ""
) -> Judgement:
    """The verdict on `claim` by the executed pages in `experiments`.

    stale: page -> why its numbers may be others today. written: when the rule was committed, ISO 8601; a page
    that was executed before that day cannot judge it. Raises RecordError for a table that cannot be read.
    """
    if claim.rule is None:
        return Judgement(UNTESTABLE, claim.against)
    profile, executed = _provenance(experiments, claim.rule.page)
    parts: list[tuple[str, tuple[Row, ...]]] = []
    for condition in (claim.rule, *claim.also):
        reason = _why_not(condition, experiments, stale or {}, written)
        rows = () if reason else _rows(condition, experiments)
        if not reason and not rows:
            reason = f"table {condition.table} has no such row"
        if not reason and min(row.seeds for row in rows) < condition.seeds:
            reason = f"fewer than {condition.seeds} seeds"
        if reason:
            return Judgement(UNJUDGED, reason, profile, executed)
        parts.append((_verdict(condition, rows), rows))
        if parts[0][0] != REPRODUCED:
            break  # further conditions can only take from "reproduced"
    (verdict, rows), reason = parts[0], ""
    failed = [c.quantity for c, (word, _) in zip(claim.also, parts[1:], strict=False) if word != REPRODUCED]
    if verdict == REPRODUCED and failed:
        verdict, reason = DIRECTION, f"not shown: {'; '.join(failed)}"
    return Judgement(verdict, reason, profile, executed, _deciding(claim.rule, rows), rows)


def _why_not(condition: Condition, experiments: Path, stale: Mapping[str, str], written: str) -> str:
    """Why a condition cannot be judged; empty where it can."""
    page = condition.page
    if not (experiments / "files" / f"{page}.page.json").is_file():
        return f"page {page} was not executed"
    if page in stale:
        return f"page {page} is stale: {stale[page]}"
    path = experiments / "files" / f"{condition.table}.csv"
    if not path.is_file():
        return f"page {page} has no table {condition.table}"
    executed = _provenance(experiments, page)[1]
    if written and executed and _moment(executed) < _moment(written):
        return f"page {page} is older than the rule"
    columns = set(pd.read_csv(path, nrows=0).columns)
    names = set(pd.read_csv(path)["metric"]) if "metric" in columns else set()
    if condition.test == "holm" and "p" not in columns | names:
        return f"table {condition.table} has no p"
    return ""


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.astimezone()


def _provenance(experiments: Path, page: str) -> tuple[str, str]:
    """The profile of a page and when it was executed; empty where unknown."""
    facts, notebook = experiments / "files" / f"{page}.page.json", experiments / f"{page}.ipynb"
    if not (facts.is_file() and notebook.is_file()):
        return "", ""
    metadata = json.loads(notebook.read_text("utf-8"))["metadata"].get("papermill", {})
    return json.loads(facts.read_text("utf-8"))["provenance"]["profile"], metadata.get("start_time") or ""


def _rows(condition: Condition, experiments: Path) -> tuple[Row, ...]:
    """The rows of the table that count, each with its state."""
    table = pd.read_csv(experiments / "files" / f"{condition.table}.csv")
    unknown = [column for column in condition.rows if column not in table]
    if unknown:
        raise RecordError(
            f"table {condition.table} has no column {unknown[0]!r}; it has {', '.join(table.columns)}"
        )
    if condition.test == "count":
        count = int(_chosen(table, condition.rows).sum())
        row = Row("rows", count, count, count, condition.seeds, "")
        return (dataclasses.replace(row, state=_state(condition, row, 1.0, 0.0)),)
    keys = [column for column in table if column not in FOUND and column != "metric"]
    found = []
    for record in table[_chosen(table, condition.rows)].to_dict("records"):
        label = ", ".join(str(record[key]) for key in keys if pd.notna(record[key]))
        seeds = int(record.get("seeds", 1))
        row = Row(label, record["value"], record.get("low", _NAN), record.get("high", _NAN), seeds, "")
        p, smallest = (_beside(table, record, keys, name) for name in ("p", "smallest"))
        found.append(dataclasses.replace(row, state=_state(condition, row, p, smallest)))
    return tuple(found)


_NAN = float("nan")


def _chosen(table: pd.DataFrame, rows: Mapping[str, Any]) -> pd.Series:
    chosen = pd.Series(True, index=table.index)
    for column, value in rows.items():
        values = value if isinstance(value, list) else [value]
        chosen &= table[column].isin(values)
    return chosen


def _beside(table: pd.DataFrame, record: Mapping[Any, Any], keys: list[str], name: str) -> float:
    """p or the smallest difference of a row: a column of it, or the row of that metric with the same keys."""
    if name in table:
        return float(record[name])
    if "metric" not in table:
        return _NAN
    own = table["metric"] == name
    for key in keys:
        same = table[key].isna() if pd.isna(record[key]) else table[key] == record[key]
        own &= same
    return float(table.loc[own, "value"].iloc[0]) if own.any() else _NAN


def _state(condition: Condition, row: Row, p: float, smallest: float) -> str:
    sign = -1 if condition.direction == "below" else 1
    ahead = sign * (row.value - condition.than) > 0
    if condition.test == "count":
        return "for" if ahead else "against"
    outside = row.low > condition.than or row.high < condition.than  # neither where a bound is unknown
    shown = p < 0.05 if condition.test == "holm" else outside
    if condition.direction == "differs":
        ahead = True
    if shown:
        return "for" if ahead else "against"
    if 0 < smallest <= condition.negligible:
        return "negligible"
    return "toward" if ahead and condition.direction != "differs" else "away"


def _verdict(condition: Condition, rows: tuple[Row, ...]) -> str:
    """The word for one condition, from the states of its rows."""
    states = [row.state for row in rows]
    shown = sum(state == "for" for state in states)
    sign = -1 if condition.direction == "below" else 1
    ahead = [sign * (row.value - condition.than) > 0 and condition.direction != "differs" for row in rows]
    toward = sum(state == "for" or points for state, points in zip(states, ahead, strict=True))
    refuted = sum(state in ("against", "negligible") for state in states)
    enough = {"all": len(rows), "most": len(rows) // 2 + 1, "any": 1}[condition.need]
    if shown >= enough:
        return REPRODUCED if _large_enough(condition, rows, enough) else DIRECTION
    against = "against" in states if condition.need == "all" else False
    if against or refuted >= (len(rows) if condition.need != "most" else enough):
        return CONTRADICTED
    if condition.size and _reaching(condition, rows) < enough:
        return CONTRADICTED  # nothing is shown, and what is claimed lies outside too many intervals
    needed = len(rows) // 2 + 1 if condition.need == "any" else enough
    return DIRECTION if toward >= needed else INCONCLUSIVE


def _large_enough(condition: Condition, rows: tuple[Row, ...], enough: int) -> bool:
    """Whether as many rows as are needed are shown, and reach the claimed size with their interval."""
    return not condition.size or _reaching(condition, [row for row in rows if row.state == "for"]) >= enough


def _reaching(condition: Condition, rows: Collection[Row]) -> int:
    """How many rows reach the claimed size with their interval; an unknown interval may reach anything."""
    sign = -1 if condition.direction == "below" else 1
    ends = [sign * ((row.high if sign > 0 else row.low) - condition.than) for row in rows]
    return sum(not end < condition.size for end in ends)


def _deciding(condition: Condition, rows: tuple[Row, ...]) -> Row:
    """The row to show: the least favourable where all must hold, the middle of most, else the best one."""
    sign = -1 if condition.direction == "below" else 1
    order = sorted(rows, key=lambda row: sign * row.value)
    return order[{"all": 0, "most": (len(order) - 1) // 2, "any": -1}[condition.need]]
