"""Charts as plain functions of (ax, data): dots with intervals, and curves. Grids are in `grids`.

Each draws into the Axes it gets, in the variant in use (see `style`), and labels directly.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from rvernet_book import style
from rvernet_book.style import colour


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
    named in a line above. colours: column whose values name the colours (default: series, else label);
    a pair of backbones, "roi + extra_roi", is a mark in a ring of the second one's colour.
    references: text -> value, drawn as dashed vertical lines (ceilings, chance).
    """
    names = list(dict.fromkeys(frame[label]))
    groups: list[Any] = list(dict.fromkeys(frame[series])) if series else [None]
    step = 0.62 / max(len(groups), 1)
    top = (len(groups) - 1) / 2 * step
    for row in frame.to_dict("records"):
        at = groups.index(row[series]) if series else 0
        y = names.index(row[label]) - top + at * step
        key = str(row[colours or series or label])
        tint = _tint(key)
        if low and high and pd.notna(row[low]):
            ax.plot([row[low], row[high]], [y, y], color=tint, lw=2.4, alpha=0.45, solid_capstyle="round")
        _dot(ax, row[value], y, key, tint)
    _value_labels(ax, frame, names, groups, step, top, label, value, series, fmt)
    ax.set_yticks(range(len(names)), [style.label(str(name)) for name in names])
    ax.set_ylim(len(names) - 0.42, -0.58)
    ax.set(xlabel=xlabel, title=title)
    ax.grid(axis="x")
    sns.despine(ax=ax, left=True)
    if series:
        _series_key(ax, groups, frame, series, colours, lift=1.4 if references else 0.2)
    _references(ax, references or {})


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
    log: bool = False,
    ticks: Mapping[float, str] | None = None,
) -> None:
    """Lines with bands, one per series, each named at its right end; dashed for pairs of two architectures.

    log: a logarithmic x axis whose ticks are the values of x themselves.
    ticks: where on x -> what stands there.
    """
    ends = {}
    for name, part in frame.sort_values(x, kind="stable").groupby(series, sort=False):
        key = str(name)
        tint = _tint(key)
        at = part[x].to_numpy()
        if low and high:
            band = part[low].to_numpy(), part[high].to_numpy()
            ax.fill_between(at, *band, color=tint, alpha=0.16, lw=0)
            if len(part) == 1:  # a band of no width would be invisible
                ax.vlines(part[x], part[low], part[high], color=tint, lw=2.4, alpha=0.45)
        ax.plot(
            at,
            part[y].to_numpy(),
            color=tint,
            ls=(0, (5, 1.5)) if _mixed(key) else "-",
            marker=style.marker(key) if markers else "",
            ms=0.78 * _size(key),
            mec=colour("paper"),
            mew=0.7,
        )
        ends[key] = (float(part[x].iloc[-1]), float(part[y].iloc[-1]), tint)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.grid(axis="y")
    if log:
        ax.set_xscale("log")
        ax.set_xticks(sorted(frame[x].unique()), [f"{v:g}" for v in sorted(frame[x].unique())])
        ax.minorticks_off()
    elif len(set(frame[x])) == 1:
        ax.set(xlim=(frame[x].iloc[0] - 0.5, frame[x].iloc[0] + 0.5), xticks=[frame[x].iloc[0]])
    elif pd.api.types.is_integer_dtype(frame[x]):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if ticks:
        ax.set_xticks(list(ticks), list(ticks.values()))
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
    grid = ax.get_subplotspec()
    rows = grid.get_gridspec().nrows if grid else 1
    height = style.figure_of(ax).get_size_inches()[1] * 0.72 / rows
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
            annotation_clip=False,  # a name that had to give way may stand below the axis
        )


def paths(
    ax: Axes,
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    series: str,
    step: str,
    xlabel: str = "",
    ylabel: str = "",
    title: str = "",
) -> None:
    """Two quantities against each other: one line per series through its steps, in the order of `step`.

    x, y: columns, with `<x>_low` and `<x>_high` (and the same for y) drawn as thin crosses. step: column of
    the numbers that order a line; the first and the last are written beside their points.
    """
    for name, part in frame.sort_values(step, kind="stable").groupby(series, sort=False):
        key = str(name)
        tint = colour(key if key in style.COLOURS else "rvernet")
        faint = {"color": tint, "lw": 1, "alpha": 0.4}
        ax.hlines(part[y], part[f"{x}_low"], part[f"{x}_high"], **faint)
        ax.vlines(part[x], part[f"{y}_low"], part[f"{y}_high"], **faint)
        line = {"color": tint, "marker": style.marker(key), "mec": colour("paper"), "mew": 0.7}
        ax.plot(part[x].to_numpy(), part[y].to_numpy(), ms=0.78 * _size(key), **line)
        for row in part.iloc[[0, -1]].to_dict("records"):
            text = f"{row[step]:g}"
            ax.annotate(
                text,
                (row[x], row[y]),
                xytext=(4, 3),
                textcoords="offset points",
                fontsize=7.5,
                color=tint,
                annotation_clip=False,
            )
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title)
    ax.grid(axis="both")


# --- helpers --------------------------------------------------------------------------------------


def _tint(key: str) -> str:
    """The colour of a name; of a pair of modules that of its ROI module, of an unknown name RveRNet's."""
    found = colour(key if key in style.COLOURS else key.split("+")[0].strip())
    return found if found.startswith("#") else colour("rvernet")


def _dot(ax: Axes, x: float, y: float, key: str, tint: str) -> None:
    """A marker in `tint`; for a pair of modules, inside a disc of the extra-ROI module's colour."""
    extra_roi = key.split("+")[-1].strip()
    inside = "+" in key and extra_roi in style.COLOURS
    if inside:
        ax.plot(x, y, "o", color=colour(extra_roi), ms=12.5, mec=colour("paper"), mew=0.8, zorder=3)
        ax.plot(x, y, "o", color=colour("paper"), ms=9.2, mew=0, zorder=4)
    size = _size(key) * (0.8 if inside else 1)
    ax.plot(x, y, style.marker(key), color=tint, ms=size, mec=colour("paper"), mew=0.8, zorder=5)


def _mixed(key: str) -> bool:
    """Whether the key is a pair "roi + extra_roi" of two different backbones."""
    return len({part.strip() for part in key.split("+")}) > 1


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
    ax: Axes, groups: Sequence[str], frame: pd.DataFrame, series: str, colours: str | None, lift: float
) -> None:
    """A legend in one line above the axes, `lift` letters high: above the names of the references."""
    for name in groups:
        key = str(frame.loc[frame[series] == name, colours or series].iloc[0])
        tint = _tint(key)
        ax.plot([], [], style.marker(key), color=tint, ms=6.5, label=style.label(str(name)))
    ax.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=len(groups), handletextpad=0.2, borderaxespad=lift
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
