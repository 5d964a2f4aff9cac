"""Charts as plain functions of (ax, data): dots with intervals, heat maps, confusion matrices, curves.

Each draws into the Axes it gets, in the variant in use (see `style`), and labels directly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator

from rvernet_core.report import style
from rvernet_core.report.style import colour


def dots(
    ax: Axes,
    frame: pd.DataFrame,
    *,
    label: str,
    value: str,
    low: str | None = None,
    high: str | None = None,
    series: str | None = None,
    colours: str | None = None,
    references: Mapping[str, float] | None = None,
    xlabel: str = "",
    title: str = "",
    fmt: str = "{:.3f}",
) -> None:
    """Horizontal dots with intervals, one line per `label`, the first row on top.

    label, value, low, high: columns. series: column that splits a line into several dots, each series
    named once beside its first dot. colours: column whose values name the colours (default: series,
    else label). references: text -> value, drawn as dashed vertical lines (ceilings, chance).
    """
    names = list(dict.fromkeys(frame[label]))
    groups = list(dict.fromkeys(frame[series])) if series else [None]
    step = 0.62 / max(len(groups), 1)
    top = (len(groups) - 1) / 2 * step
    for row in frame.to_dict("records"):
        at = groups.index(row[series]) if series else 0
        y = names.index(row[label]) - top + at * step
        key = str(row[colours or series or label])
        tint = colour(key if key in style.COLOURS else key.split("+")[0].strip())
        tint = tint if tint.startswith("#") else colour("rvernet")
        if low and high and pd.notna(row[low]):
            ax.plot([row[low], row[high]], [y, y], color=tint, lw=2.4, alpha=0.45, solid_capstyle="round")
        ax.plot(
            row[value],
            y,
            style.marker(key),
            color=tint,
            ms=_size(key),
            mec=colour("paper"),
            mew=0.8,
            zorder=3,
        )
    _value_labels(ax, frame, names, groups, step, top, label, value, series, fmt)
    ax.set_yticks(range(len(names)), [style.label(str(name)) for name in names])
    ax.set_ylim(len(names) - 0.42, -0.58)
    ax.set(xlabel=xlabel, title=title)
    ax.grid(axis="x")
    sns.despine(ax=ax, left=True)
    if series:
        _series_key(ax, groups, frame, series, colours)
    _references(ax, references or {})


def heat(
    ax: Axes,
    grid: pd.DataFrame,
    *,
    xlabel: str = "extra-ROI module",
    ylabel: str = "ROI module",
    title: str = "",
    fmt: str = "{:.3f}",
    notes: pd.DataFrame | None = None,
    limits: tuple[float, float] | None = None,
    mark: str | None = "max",
) -> None:
    """A square grid of values, each written into its cell.

    grid: rows are drawn downwards, columns rightwards. notes: a second, smaller line for each cell.
    limits: value range of the colours. mark: frame the largest ("max") or smallest ("min") cell.
    """
    low, high = limits or (float(np.nanmin(grid.values)), float(np.nanmax(grid.values)))
    palette = sns.color_palette("crest" if style.variant() == "light" else "crest_r", as_cmap=True)
    sns.heatmap(
        grid.astype(float),
        ax=ax,
        cmap=palette,
        vmin=low,
        vmax=max(high, low + 1e-9),
        cbar=False,
        square=True,
        linewidths=2,
        linecolor=colour("paper"),
    )
    for i, row in enumerate(grid.index):
        for j, column in enumerate(grid.columns):
            number = grid.iloc[i, j]
            if pd.isna(number):
                continue
            shade = palette((number - low) / max(high - low, 1e-9))
            ink = "#ffffff" if _luminance(shade) < 0.24 else "#14181e"
            lift = 0.1 if notes is not None else 0
            ax.text(
                j + 0.5, i + 0.5 - lift, fmt.format(number), ha="center", va="center", color=ink, fontsize=9
            )
            if notes is not None:
                note = str(notes.loc[row, column])
                ax.text(j + 0.5, i + 0.72, note, ha="center", va="center", color=ink, fontsize=6.8, alpha=0.9)
    if mark:
        values = grid.values.astype(float)
        i, j = np.unravel_index(np.nanargmax(values) if mark == "max" else np.nanargmin(values), values.shape)
        ax.add_patch(
            Rectangle((j + 0.03, i + 0.03), 0.94, 0.94, fill=False, ec=colour("accent"), lw=2.2, zorder=5)
        )
    ax.set_xticklabels([style.label(str(c)) for c in grid.columns], rotation=0, color=colour("ink"))
    ax.set_yticklabels([style.label(str(r)) for r in grid.index], rotation=0)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.tick_params(length=0)


def confusion(ax: Axes, matrix: pd.DataFrame, *, title: str = "", xlabel: str = "predicted") -> None:
    """Counts of truth (rows) against prediction (columns), coloured by the share of the row."""
    shares = matrix.div(matrix.sum(axis=1).clip(lower=1), axis=0)
    notes = shares.map(lambda share: f"{share:.0%}")
    palette = sns.light_palette(colour("rvernet"), as_cmap=True)
    if style.variant() == "dark":
        palette = sns.dark_palette(colour("rvernet"), as_cmap=True)
    sns.heatmap(
        shares,
        ax=ax,
        cmap=palette,
        vmin=0,
        vmax=1,
        cbar=False,
        square=True,
        linewidths=2,
        linecolor=colour("paper"),
    )
    for i in range(matrix.shape[0]):
        for j in range(matrix.shape[1]):
            ink = "#ffffff" if _luminance(palette(float(shares.iloc[i, j]))) < 0.24 else "#14181e"
            ax.text(
                j + 0.5, i + 0.45, f"{matrix.iloc[i, j]:,}", ha="center", va="center", color=ink, fontsize=11
            )
            ax.text(j + 0.5, i + 0.7, notes.iloc[i, j], ha="center", va="center", color=ink, fontsize=7.5)
    ax.set_xticklabels(list(matrix.columns), rotation=0, color=colour("ink"))
    ax.set_yticklabels(list(matrix.index), rotation=0)
    ax.set(xlabel=xlabel, ylabel="truth", title=title)
    ax.tick_params(length=0)


def curves(
    ax: Axes,
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    series: str,
    low: str | None = None,
    high: str | None = None,
    references: Mapping[str, float] | None = None,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
    markers: bool = True,
) -> None:
    """Lines with bands, one per series, each named at its right end."""
    ends = {}
    for name, part in frame.sort_values(x, kind="stable").groupby(series, sort=False):
        key = str(name)
        tint = colour(key if key in style.COLOURS else key.split("+")[0].strip())
        tint = tint if tint.startswith("#") else colour("rvernet")
        if low and high:
            ax.fill_between(part[x].values, part[low].values, part[high].values, color=tint, alpha=0.16, lw=0)
            if len(part) == 1:  # a band of no width would be invisible
                ax.vlines(part[x], part[low], part[high], color=tint, lw=2.4, alpha=0.45)
        ax.plot(
            part[x].values,
            part[y].values,
            color=tint,
            marker=style.marker(key) if markers else "",
            ms=0.78 * _size(key),
            mec=colour("paper"),
            mew=0.7,
        )
        ends[key] = (float(part[x].iloc[-1]), float(part[y].iloc[-1]), tint)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.grid(axis="y")
    if frame[x].nunique() == 1:
        ax.set(xlim=(frame[x].iloc[0] - 0.5, frame[x].iloc[0] + 0.5), xticks=[frame[x].iloc[0]])
    elif pd.api.types.is_integer_dtype(frame[x]):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    for text, at in (references or {}).items():
        ax.axhline(at, color=colour("muted"), lw=1, ls=(0, (4, 3)))
        ax.annotate(
            text,
            (0, at),
            xycoords=("axes fraction", "data"),
            xytext=(3, 3),
            textcoords="offset points",
            fontsize=7.5,
            color=colour("muted"),
        )
    right = max(end[0] for end in ends.values())
    span = ax.get_ylim()[1] - ax.get_ylim()[0]
    height = ax.figure.get_size_inches()[1] * 0.72 / ax.get_subplotspec().get_gridspec().nrows
    heights = _spread([end[1] for end in ends.values()], 0.155 / height * span)
    for (key, (_, _, tint)), at in zip(ends.items(), heights, strict=True):
        ax.annotate(
            style.label(key),
            (right, at),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=tint,
            fontsize=8.5,
        )


# --- helpers --------------------------------------------------------------------------------------


def _size(key: str) -> float:
    """Markers of equal weight to the eye: a triangle or a cross needs more room than a disc."""
    return {"^": 8.0, "P": 8.5, "D": 6.0}.get(style.marker(key), 6.8)


def _value_labels(ax, frame, names, groups, step, top, label, value, series, fmt) -> None:
    """The value of each dot, in one column right of the chart."""
    for row in frame.to_dict("records"):
        y = names.index(row[label]) - top + (groups.index(row[series]) if series else 0) * step
        ax.annotate(
            fmt.format(row[value]),
            (1, y),
            xycoords=("axes fraction", "data"),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            fontsize=7.8,
            color=colour("muted"),
            annotation_clip=False,
        )


def _series_key(
    ax: Axes, groups: Sequence[str], frame: pd.DataFrame, series: str, colours: str | None
) -> None:
    """A legend in one line above the axes."""
    for name in groups:
        key = str(frame.loc[frame[series] == name, colours or series].iloc[0])
        tint = colour(key if key in style.COLOURS else "rvernet")
        ax.plot([], [], style.marker(key), color=tint, ms=6.5, label=style.label(str(name)))
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=len(groups), handletextpad=0.2, borderaxespad=0.2
    )


def _references(ax: Axes, references: Mapping[str, float]) -> None:
    """Dashed lines, named above the chart; a name moves up where its neighbour is close."""
    k, before, (left, right) = 0, -np.inf, ax.get_xlim()
    for text, at in sorted(references.items(), key=lambda item: item[1]):
        k = 1 - k if at - before < 0.25 * (right - left) else 0
        before = at
        ax.axvline(at, color=colour("muted"), lw=1, ls=(0, (4, 3)), zorder=1)
        ax.annotate(
            text,
            (at, 1),
            xycoords=("data", "axes fraction"),
            xytext=(0, 2 + 9 * k),
            textcoords="offset points",
            ha="center",
            va="bottom",
            fontsize=7.5,
            color=colour("muted"),
            annotation_clip=False,
        )


def _spread(values: Sequence[float], gap: float) -> list[float]:
    """The values moved apart, as little as possible, until neighbours are at least `gap` apart."""
    order = np.argsort(values, kind="stable")
    placed = np.asarray(values, float)[order]
    for _ in range(200):
        short = gap - np.diff(placed)
        if not (short > 1e-9).any():
            break
        for k in np.flatnonzero(short > 0):
            move = max(gap - (placed[k + 1] - placed[k]), 0) / 2
            placed[k] -= move
            placed[k + 1] += move
    result = np.empty(len(placed))
    result[order] = placed
    return result.tolist()


def _luminance(rgba: Sequence[float]) -> float:
    """Relative luminance, 0 to 1, of an sRGB colour."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgba[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
