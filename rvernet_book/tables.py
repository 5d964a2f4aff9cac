"""A table as a bundle: what readers see, and its tidy CSV."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from pathlib import Path

import pandas as pd
from pandas.api import types

from rvernet_book import html, style
from rvernet_book.bundle import Bundle, link, write_csv
from rvernet_core import uncertainty
from rvernet_core.errors import RecordError

#: What is said of the column `smallest` of a table of comparisons.
AT_POWER = "that this comparison finds with a power of 80 % (without the correction)"
#: Headings and formats of the columns of `comparisons.compared`.
_HEADINGS = {"p": "p, Holm", "smallest": "smallest found"}
_ENDS = {"max": "highest", "min": "lowest"}
_FORMATS = {"p": "{:.2g}"}
_WRAP = 40  # a longer text may break into lines
_BOUNDS = ("low", "high", "spread")
#: What a tidy table says of one number.
MEASURED = ("value", *_BOUNDS)
#: Numbers beside it that follow from the answers, but have no interval of their own.
BESIDE = ("p", "smallest")
#: Columns of a published table that are found, not asked. All others together name a row: two executions of
#: a page are matched by what was asked, and a name that holds a result would match nothing.
FOUND = frozenset(
    {*MEASURED, *BESIDE, "seeds", "profile", "verdict", "McNemar p, per seed", "rank", "tied", "text"}
)


def with_bounds(columns: Iterable[str]) -> list[str]:
    """Each column and those of its interval."""
    return [f"{column}{end}" for column in columns for end in ("", "_low", "_high")]


def interval(value: float, low: float, high: float, fmt: str = "{:.3f}") -> str:
    """`0.873 [0.861, 0.884]`."""
    return f"{fmt.format(value)} [{fmt.format(low)}, {fmt.format(high)}]"


def beyond(frame: pd.DataFrame, *shares: str) -> str:
    """A sentence for the caption where an interval of one of these shares leaves 0 to 1, else nothing."""
    low = frame[[f"{column}_low" for column in shares]].min(axis=None)
    high = frame[[f"{column}_high" for column in shares]].max(axis=None)
    return " An interval is symmetric about its share, and may leave 0 to 1." if low < 0 or high > 1 else ""


def over(seeds: int) -> str:
    """What an interval is over, with the number of seeds: for tables that have fewer than their page."""
    return f"{seeds} seeds and photos" if seeds > 1 else uncertainty.over(seeds)


def table_bundle(
    name: str,
    frame: pd.DataFrame,
    *,
    caption: str,
    folder: str | Path,
    profile: str = "",
    seeds: int = 0,
    number: str = "",
    keys: Sequence[str] = (),
    labels: Mapping[str, str] | None = None,
    formats: Mapping[str, str] | None = None,
    intervals: Mapping[str, tuple[str, str]] | Sequence[str] = (),
    best: Mapping[str, str] | None = None,
    data: pd.DataFrame | None = None,
    see: tuple[str, str] | None = None,
) -> Bundle:
    """Write `<name>.csv`, one row per measurement (see `tidy`), and return the table as a notebook shows it.

    frame: one row per line of the table. Backbone names are written for readers.
    labels: column -> heading. formats: column -> `str.format` pattern (default: 3 decimals for floats).
    intervals: column -> (low column, high column), or names whose columns are `<name>_low`, `<name>_high`.
    best: column -> "max" or "min"; that value is bold, and the caption says that this is no test.
    data: what the CSV holds, if more than `frame`.
    keys: columns of numbers that name what was measured. seeds: how many seeds the numbers are from.
    see: (text, address) of a last link, to a page of the book.
    Raises RecordError where a column is missing or the frame is empty.
    """
    labels, best = labels or {}, best or {}
    formats = {c: f for c, f in _FORMATS.items() if c in frame} | dict(formats or {})
    if not isinstance(intervals, Mapping):
        intervals = {column: (f"{column}_low", f"{column}_high") for column in intervals}
    bounds = [bound for pair in intervals.values() for bound in pair]
    missing = {*labels, *formats, *intervals, *bounds, *best} - set(frame.columns)
    if missing or frame.empty:
        what = f"lacks the columns {sorted(missing)}" if missing else "has no rows"
        raise RecordError(f"table {name!r} {what}; its columns are: {', '.join(map(str, frame.columns))}")

    shown = [column for column in frame.columns if column not in bounds]
    texts = {c: types.is_string_dtype(frame[c]) or types.is_object_dtype(frame[c]) for c in shown}
    winners = {c: frame[c].max() if rule == "max" else frame[c].min() for c, rule in best.items()}
    head = "".join(_cell("th", html.inline(labels.get(c, _heading(c))), texts[c]) for c in shown)
    rows = []
    for record in frame.to_dict("records"):
        cells = []
        for c in shown:
            text = _text(record[c], formats.get(c))
            text = f"<strong>{text}</strong>" if c in winners and record[c] == winners[c] else text
            if c in intervals:
                low, high = (_text(record[bound], formats.get(c)) for bound in intervals[c])
                text += f' <span class="rvn-interval">[{low}, {high}]</span>' if low else ""
            cells.append(_cell("td", text, texts[c]))
        rows.append("<tr>" + "".join(cells) + "</tr>")
    measured = tidy(frame if data is None else data, profile=profile, seeds=seeds, keys=keys)
    path = write_csv(Path(folder) / f"{name}.csv", measured)
    if best and len(frame) > 1:
        ends = " or ".join(word for rule, word in _ENDS.items() if rule in best.values())
        caption += f" Bold: the {ends} value, shown to be ahead or not."
    body = (
        f'<div id="{escape(name)}">{html.caption(number, caption, profile)}'
        f'<div class="rvn-scroll"><table class="rvn-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>{html.links([('CSV', link(path))], see)}</div>"
    )
    return Bundle(name, {"csv": path}, html.Html(body, f"{number or name}: {caption}\n{frame.to_string()}"))


def _heading(column: str) -> str:
    return _HEADINGS.get(column) or style.LABELS.get(column, str(column).replace("_", " "))


def _cell(tag: str, text: str, left: bool) -> str:
    kind = "rvn-text rvn-long" if len(text) > _WRAP else "rvn-text"
    return f'<{tag} class="{kind}">{text}</{tag}>' if left else f"<{tag}>{text}</{tag}>"


def _text(value: object, fmt: str | None) -> str:
    """A cell's content. A missing value is an empty cell; none is imputed."""
    if value is None or value is pd.NaT or (isinstance(value, float) and value != value):
        return ""
    if fmt:
        return escape(fmt.format(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3f}"
    if types.is_integer(value):
        return f"{value:,}"
    return html.inline(style.label(str(value)))


def tidy(frame: pd.DataFrame, *, profile: str, seeds: int, keys: Sequence[str] = ()) -> pd.DataFrame:
    """`frame` with one row per measurement: its keys, metric, value, low, high, spread, seeds, profile.

    Columns of text and those in `keys` name what was measured. Every other column is a metric, with its 95 %
    interval in `<column>_low` and `<column>_high` and its spread over seeds in `<column>_spread`, where there
    are such. A frame with a column `value` is tidy already. A column `seeds` wins over `seeds`.
    """
    if "value" not in frame:
        frame = _melted(frame, keys)
    counted = frame.get("seeds", seeds)
    return frame.drop(columns=["seeds", "profile"], errors="ignore").assign(seeds=counted, profile=profile)


def _melted(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    names = {*keys, "seeds", "profile"}
    names |= {c for c in frame if not types.is_numeric_dtype(frame[c])}
    ends = {f"{metric}_{bound}" for metric in frame for bound in _BOUNDS} - names
    metrics = [c for c in frame if c not in names | ends]
    bounds = [bound for bound in _BOUNDS if any(f"{metric}_{bound}" in frame for metric in metrics)]
    parts = []
    for metric in metrics:
        part = frame[[c for c in frame if c in names]].assign(metric=metric, value=frame[metric])
        for bound in bounds:
            part[bound] = frame.get(f"{metric}_{bound}", float("nan"))
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else frame
