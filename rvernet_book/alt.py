"""Alternative texts made from the data that a figure draws: never typed, so never stale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from rvernet_book import style
from rvernet_book.tables import interval


def of_dots(
    frame: pd.DataFrame,
    *,
    what: str,
    label: str,
    value: str,
    low: str | None = None,
    high: str | None = None,
    series: str | None = None,
    references: Mapping[str, float] | None = None,
    fmt: str = "{:.3f}",
) -> str:
    """Each dot with its interval, in the order drawn; the same arguments as `charts.dots`."""
    parts = []
    for row in frame.to_dict("records"):
        name = style.label(str(row[label])) + (f", {style.label(str(row[series]))}" if series else "")
        bounded = low and high and pd.notna(row[low])
        number = interval(row[value], row[low], row[high], fmt) if bounded else fmt.format(row[value])
        parts.append(f"{name} {number}")
    lines = "".join(f" Dashed line: {text} at {fmt.format(at)}." for text, at in (references or {}).items())
    return f"Dot plot of {what}: {'; '.join(parts)}.{lines}"


def of_heat(
    grid: pd.DataFrame,
    *,
    what: str,
    rows: str = "ROI module",
    columns: str = "extra-ROI module",
    fmt: str = "{:.3f}",
) -> str:
    """The extremes, then every row of a `grids.heat`."""
    flat = grid.stack().dropna()
    best, worst = flat.idxmax(), flat.idxmin()
    lines = [
        f"{style.label(str(name))}: "
        + ", ".join(f"{style.label(str(c))} {fmt.format(v)}" for c, v in row.items() if pd.notna(v))
        for name, row in grid.iterrows()
    ]
    highest, lowest = fmt.format(flat[best]), fmt.format(flat[worst])
    return (
        f"Heat map of {what} by {rows} (rows) and {columns} (columns). "
        f"Highest {highest} at {_pair(best)}, lowest {lowest} at {_pair(worst)}. "
        f"{'; '.join(lines)}."
    )


def of_curves(frame: pd.DataFrame, *, what: str, x: str, y: str, series: str, fmt: str = "{:.3f}") -> str:
    """Where each line of a `charts.curves` begins and ends."""
    parts = []
    for name, part in frame.sort_values(x, kind="stable").groupby(series, sort=False):
        first, last = part.iloc[0], part.iloc[-1]
        parts.append(
            f"{style.label(str(name))} from {fmt.format(first[y])} at {first[x]:g} "
            f"to {fmt.format(last[y])} at {last[x]:g}"
        )
    return f"Line chart of {what}: {'; '.join(parts)}."


def of_paths(
    frame: pd.DataFrame, *, what: str, x: str, y: str, series: str, step: str, fmt: str = "{:.3f}"
) -> str:
    """Every point of a `charts.paths`, line by line."""
    parts = []
    for name, part in frame.sort_values(step, kind="stable").groupby(series, sort=False):
        points = ", ".join(
            f"{fmt.format(row[x])} and {fmt.format(row[y])} at {row[step]:g}"
            for row in part.to_dict("records")
        )
        parts.append(f"{style.label(str(name))} {points}")
    return f"Paths of {what}: {'; '.join(parts)}."


def of_confusion(matrix: pd.DataFrame, *, what: str) -> str:
    """Every count of a `grids.confusion`."""
    parts = [f"{t} taken for {p}: {matrix.loc[t, p]:,}" for t in matrix.index for p in matrix.columns]
    return f"Confusion matrix of {what}: {'; '.join(parts)}."


def of_photos(rows: Sequence[Sequence[str]], *, what: str) -> str:
    """The titles of a `photo_grid`, row by row."""
    lines = [", ".join(" ".join(text.split()) for text in row if text) for row in rows]
    return f"{what}. " + " ".join(f"Row {i + 1}: {line}." for i, line in enumerate(lines) if line)


def _pair(names: Any) -> str:
    return " and ".join(style.label(str(name)) for name in names)
