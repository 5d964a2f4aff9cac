"""Square grids of numbers as plain functions of (ax, data): heat maps and confusion matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from rvernet_book import style
from rvernet_book.style import colour


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
    square: bool = True,
) -> None:
    """A grid of values, square unless said otherwise, each written into its cell.

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
        square=square,
        linewidths=2,
        linecolor=colour("paper"),
    )
    for i, row in enumerate(grid.index):
        for j, column in enumerate(grid.columns):
            number = grid.iloc[i, j]
            if pd.isna(number):
                continue
            shade = palette((number - low) / max(high - low, 1e-9))
            ink = "#ffffff" if luminance(shade) < 0.24 else "#14181e"
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
            ink = "#ffffff" if luminance(palette(float(shares.iloc[i, j]))) < 0.24 else "#14181e"
            ax.text(
                j + 0.5, i + 0.45, f"{matrix.iloc[i, j]:,}", ha="center", va="center", color=ink, fontsize=11
            )
            ax.text(j + 0.5, i + 0.7, notes.iloc[i, j], ha="center", va="center", color=ink, fontsize=7.5)
    ax.set_xticklabels(list(matrix.columns), rotation=0, color=colour("ink"))
    ax.set_yticklabels(list(matrix.index), rotation=0)
    ax.set(xlabel=xlabel, ylabel="truth", title=title)
    ax.tick_params(length=0)


def luminance(rgba: Sequence[float]) -> float:
    """Relative luminance, 0 to 1, of an sRGB colour."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in rgba[:3]]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
