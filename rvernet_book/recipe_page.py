"""The search for recipes as a part of the book: its table, its picture, and what follows from it.

`python -m rvernet_book recipes` writes book/search.md, which the page book/recipes.md includes, and the
picture and its data into book/_static. All of it is made from `zoo/recipes.csv`.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from rvernet_book import style, svg
from rvernet_book.bundle import write_csv
from rvernet_book.style import colour
from rvernet_core import files
from rvernet_core.experiments import recipe_search
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.recipe_search import (
    BAR,
    EPOCHS,
    FROZEN,
    KEPT,
    RATES,
    SCENES,
    SEEDS,
    STRENGTH,
    TEACHER,
    TUNED,
)

ROWS = Path(__file__).resolve().parents[1] / "zoo" / "recipes.csv"
HEAD = "<!-- Written from zoo/recipes.csv by `python -m rvernet_book recipes`. Not edited by hand. -->"
EMPTY = (
    "The search has not been run yet: the repository holds no `zoo/recipes.csv`. Until it has, all nets of a "
    "profile are trained at one rate and for the same epochs."
)
NAMES = {
    "single": "single",
    "student": "distilled student",
    "pair": "RveRNet of two",
    "frozen": "single, frozen",
    "frozen-pair": "RveRNet of two, frozen",
}
DEMO, FULL = PROFILES["demo"], PROFILES["full"]
#: Epochs, in the order of the search and last the check of their doubling -> (colour, marker).
_MARKS = (("single", "o"), ("roi", "s"), ("extra_roi", "^"), ("rvernet", "D"))
_PICTURE = "recipe-search"


def write(book: str | Path, rows: pd.DataFrame | None = None) -> Path:
    """Write `<book>/search.md`; where the search holds rows also its picture and data in `<book>/_static`."""
    book = Path(book)
    found = recipe_search.read(ROWS) if rows is None else rows
    if not found.empty:
        folder = book / "_static"
        for variant, drawing in drawings(found).items():
            files.write_text(folder / f"{_PICTURE}.{variant}.svg", drawing)
        write_csv(folder / f"{_PICTURE}.csv", recipe_search.means(found))
    return files.write_text(book / "search.md", page_text(found))


def page_text(rows: pd.DataFrame) -> str:
    """The text of search.md: design, choice, picture and every score. Same rows, same text."""
    parts = [HEAD, design()]
    if rows.empty:
        return "\n\n".join([*parts, EMPTY]) + "\n"
    chosen = recipe_search.verdicts(rows)
    parts += [progress(rows), "## What was chosen", sentences(chosen)]
    if len(chosen):
        parts.append(choice_table(chosen))
    parts += ["## Every score", picture(rows), score_table(rows), frozen_table(rows)]
    return "\n\n".join(part for part in parts if part) + "\n"


# --- words ------------------------------------------------------------------------------------------


def design() -> str:
    """What is tried, from the constants of the search."""
    rates = ", ".join(f"{rate:g}" for rate in RATES)
    stages = ", ".join(
        f"{'all' if kept == len(RATES) else kept} of them for {epochs} epochs"
        for epochs, kept in zip(EPOCHS, KEPT, strict=True)
    )
    return (
        f"Every net in every kind of model gets the same {sum(KEPT) * len(SEEDS)} runs, by successive "
        f"halving: peak rates of {rates}, {stages}, always those that scored best before, times {len(SEEDS)} "
        f"seeds. They train on {SCENES.train_scenes} scenes and are scored by "
        f"their accuracy on {SCENES.test_scenes} others; the seeds of both, from {SCENES.seed:,} on, belong "
        "to no data set and no pretraining. Each number of epochs is trained by itself: the cosine ends "
        f"with the last epoch. A student learns by hard distillation at strength {STRENGTH:g} from a "
        f"{style.label(TEACHER)} trained by its own recipe.\n\n"
        "The choice: for each number of epochs the rate with the best mean over seeds; of these the fewest "
        f"epochs from which no longer training gains {BAR:g} or more. Where the longest is "
        "chosen, twice as many epochs are run at the chosen rate, as a check alone.\n\n"
        "The second recipe comes from the same runs, by the same rule, at another rate than the chosen one: "
        "of the other rates the one with the best mean, and the fewest epochs from which no longer "
        f"training at that rate gains {BAR:g} or more.\n\n"
        f"The `full` profile trains by these recipes, on {FULL.data.train_scenes} scenes. The `demo` profile "
        f"takes the same rates for at most {DEMO.single.epochs} epochs."
    )


def progress(rows: pd.DataFrame) -> str:
    """How much of the search stands, and what it cost."""
    hours = rows["seconds"].sum() / 3600
    left = {
        checked: [(k, a) for k, a in recipe_search.cells() if recipe_search.left(rows, k, a, checked)]
        for checked in (False, True)
    }
    unchecked = [cell for cell in left[True] if cell not in left[False]]
    text = f"{len(rows)} runs, {hours:.1f} hours of one core in all."
    diverged = int(rows["score"].isna().sum())
    if diverged:
        text += f" {diverged} of them diverged; a mean that contains one is left empty."
    text += f" Not finished: {_named(left[False])}." if left[False] else " The search is finished."
    if unchecked:
        text += f" The check of the doubled epochs is still to be run for: {_named(unchecked)}."
    if any(kind == "single" for kind, _ in unchecked):
        text += (
            " What twice the epochs change in the single nets, on the record's own scenes, stands on "
            "{doc}`experiments/02-off-the-shelf`."
        )
    return text


def _named(cells: Sequence[tuple[str, str]]) -> str:
    return ", ".join(f"{NAMES[kind]} {style.label(architecture)}" for kind, architecture in cells)


def sentences(chosen: pd.DataFrame) -> str:
    """Whether another doubling pays, whether fine-tuning is worth it, and where a rate lies at an edge."""
    if chosen.empty:
        return "No net has finished its trials yet, so nothing is chosen."
    checked = chosen[chosen["gain"].notna()]
    more = checked[checked["gain"] >= BAR]
    lines = [
        f"- Another doubling of the epochs gains less than {BAR:g} for {len(checked) - len(more)} of "
        f"{len(checked)} recipes for which it was run{_listed(more, ': more for ')}."
    ]
    held = chosen[chosen["over_frozen"].notna()]
    if len(held):
        below = held[held["over_frozen"] < 0]
        clear = held[held["over_frozen_low"] >= 0]
        lines.append(
            f"- Fine-tuned nets score at least as high as frozen ones in {len(held) - len(below)} of "
            f"{len(held)} cases{_listed(below, ': lower for ')}; in {len(clear)} the whole interval is at or "
            "above zero."
        )
    else:
        lines.append("- Frozen nets, which fine-tuned ones are held against, were not run yet.")
    edge = chosen[chosen["edge"]]
    lines.append(
        f"- The chosen rate lies at an end of the range for {len(edge)} of {len(chosen)}"
        f"{_listed(edge, ': ')}."
    )
    return "\n".join(lines)


def _listed(part: pd.DataFrame, lead: str) -> str:
    names = [f"{NAMES[row.kind]} {style.label(str(row.architecture))}" for row in part.itertuples()]
    return lead + ", ".join(names) if names else ""


# --- tables -----------------------------------------------------------------------------------------


def choice_table(chosen: pd.DataFrame) -> str:
    """Markdown: one line for each chosen recipe."""
    lines = []
    for row in chosen.to_dict("records"):
        over = _interval(row["over_frozen"], row["over_frozen_low"], row["over_frozen_high"], "+.3f")
        lines.append(
            [
                NAMES[row["kind"]],
                style.label(row["architecture"]),
                f"{row['rate']:g}{' (end of the range)' if row['edge'] else ''}",
                str(row["epochs"]),
                _interval(row["score"], row["low"], row["high"]),
                _number(row["gain"], "+.3f"),
                over,
                _second(row),
            ]
        )
    head = [
        "Model",
        "Net",
        "Rate",
        "Epochs",
        "Score [lowest, highest]",
        "Doubled epochs",
        "Above frozen [95 %]",
        "Second recipe: rate, epochs, score",
    ]
    return _table(head, lines)


def _second(row: dict) -> str:
    if not np.isfinite(row["second_rate"]):
        return ""
    return f"{row['second_rate']:g}, {row['second_epochs']:.0f}, {row['second_score']:.3f}"


def score_table(rows: pd.DataFrame) -> str:
    """Markdown: a line for each kind, net and rate, a column for each number of epochs.

    First recipes are bold, second ones in italics.
    """
    table = recipe_search.means(rows)
    table = table[table["kind"].isin(TUNED)]
    marks = {
        (r.kind, r.architecture, r.lr, r.epochs): mark
        for rank, mark in ((1, "**"), (2, "_"))
        for r in recipe_search.choose(rows, rank)
    }
    columns, lines = sorted(set(table["epochs"])), []
    for (kind, name, rate), part in table.groupby(["kind", "architecture", "rate"], sort=False):
        by_epochs = {row["epochs"]: row for row in part.to_dict("records")}
        cells = []
        for epochs in columns:
            text = _score(by_epochs[epochs]) if epochs in by_epochs else ""
            mark = marks.get((str(kind), str(name), float(str(rate)), epochs), "")
            cells.append(f"{mark}{text}{mark}")
        lines.append([NAMES[str(kind)], style.label(str(name)), f"{rate:g}", *cells])
    return _table(["Model", "Net", "Rate", *[f"{n} epochs" for n in columns]], lines)


def frozen_table(rows: pd.DataFrame) -> str:
    """Markdown: one line for each kind and net on frozen features; empty where none was run."""
    table = recipe_search.means(rows)
    lines = [
        [
            NAMES[row["kind"]],
            style.label(row["architecture"]),
            f"{row['rate']:g}",
            str(row["epochs"]),
            _score(row),
        ]
        for row in table[~table["kind"].isin(TUNED)].to_dict("records")
    ]
    return (
        _table(["Model", "Net", "Rate of the head", "Epochs", "Score [lowest, highest]"], lines)
        if lines
        else ""
    )


def _score(row: dict) -> str:
    """A row of `means` as text; it says where seeds are still missing."""
    text = _interval(row["score"], row["low"], row["high"]) or "diverged"
    return text + (f" of {row['seeds']}" if row["seeds"] < len(SEEDS) else "")


def _table(head: list[str], lines: list[list[str]]) -> str:
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def _interval(value: float, low: float, high: float, fmt: str = ".3f") -> str:
    return f"{value:{fmt}} [{low:{fmt}}, {high:{fmt}}]" if np.isfinite(value) else ""


def _number(value: float, fmt: str) -> str:
    return f"{value:{fmt}}" if np.isfinite(value) else ""


# --- the picture ------------------------------------------------------------------------------------


def picture(rows: pd.DataFrame) -> str:
    """HTML: the picture in both variants, its caption, and a link to its data."""
    alt = escape(alt_text(rows))
    images = "".join(
        f'<img class="diagram only-{variant}" src="../_static/{_PICTURE}.{variant}.svg" alt="{alt}">\n'
        for variant in style.VARIANTS
    )
    return (
        f"{images}\nScore against the peak rate, a line for each number of epochs; the band spans the seeds. "
        "A ring marks the chosen recipe, a dashed line the mean score of frozen nets. In the table the "
        "chosen recipe is bold and the second in italics. "
        f'<a href="../_static/{_PICTURE}.csv">Data (CSV)</a>'
    )


def alt_text(rows: pd.DataFrame) -> str:
    """The picture in words: what was chosen in each panel, and its score."""
    chosen = recipe_search.verdicts(rows)
    told = [
        f"{NAMES[r.kind]} {style.label(str(r.architecture))}: {r.epochs} epochs at {r.rate:g}, {r.score:.3f}"
        for r in chosen.itertuples()
    ]
    return (
        "Small multiples of score against learning rate by epochs. Chosen: "
        + ("; ".join(told) or "nothing yet")
        + "."
    )


def drawings(rows: pd.DataFrame) -> dict[str, str]:
    """light | dark -> the picture as SVG: one panel for each fine-tuned kind and net, the key in the last."""
    panels = [cell for cell in recipe_search.cells() if cell[0] in TUNED]
    columns = sum(kind != "pair" for kind, _ in panels)
    height = -(-(len(panels) + 1) // columns)
    table, chosen = recipe_search.means(rows), recipe_search.choose(rows)
    picked = {(r.kind, r.architecture): (r.lr, r.epochs) for r in chosen}
    frozen = {(r.kind, r.architecture): r.score for r in table.itertuples() if r.kind in FROZEN.values()}

    def draw(axes: np.ndarray) -> None:
        for ax, (kind, name) in zip(axes.flat, panels, strict=False):
            cell = table[(table["kind"] == kind) & (table["architecture"] == name)]
            _panel(ax, cell, picked.get((kind, name)), frozen.get((FROZEN.get(kind, "frozen"), name)))
            title = f"{style.label(name)}{' student' if kind == 'student' else ''}"
            ax.set_title(f"{title}\n{'RveRNet' if kind == 'pair' else 'single'}", fontsize=7.5)
        for ax in list(axes.flat)[len(panels) :]:
            ax.set_axis_off()
        _key(axes.flat[-1], sorted(set(table[table["kind"].isin(TUNED)]["epochs"])))
        for ax in axes[:, 0]:
            ax.set_ylabel("accuracy")

    return {
        variant: svg.render(
            draw,
            variant,
            name=_PICTURE,
            size=(9.6, 2.1 * height),
            grid=(height, columns),
            alt=alt_text(rows),
            sharey=True,
        )
        for variant in style.VARIANTS
    }


def _panel(ax: Axes, cell: pd.DataFrame, picked: tuple[float, int] | None, frozen: float | None) -> None:
    """One kind and net: rows of `means`. picked: (rate, epochs) of the recipe, ringed."""
    for epochs, part in cell.groupby("epochs"):
        name, mark = _mark(int(str(epochs)))
        tint, at = colour(name), part["rate"].to_numpy()
        ax.fill_between(at, part["low"].to_numpy(), part["high"].to_numpy(), color=tint, alpha=0.14, lw=0)
        ax.plot(at, part["score"].to_numpy(), color=tint, marker=mark, ms=4, lw=1.3)
    if picked is not None:
        mine = cell[(cell["rate"] == picked[0]) & (cell["epochs"] == picked[1])]
        ax.plot(mine["rate"], mine["score"], "o", mfc="none", mec=colour("accent"), mew=1.4, ms=11)
    if frozen is not None:
        ax.axhline(frozen, color=colour("muted"), lw=1, ls=(0, (4, 3)))
    ax.set_xscale("log")
    ax.set_xlim(RATES[0] / 1.4, RATES[-1] * 1.4)
    ax.set_xticks(RATES, [f"{1000 * rate:g}" for rate in RATES], fontsize=7)
    ax.minorticks_off()
    ax.set_xlabel("rate in thousandths", fontsize=7)
    ax.grid(axis="y")


def _mark(epochs: int) -> tuple[str, str]:
    """Colour and marker of a number of epochs; what is not in the grid is the check of a doubling."""
    return _MARKS[EPOCHS.index(epochs) if epochs in EPOCHS else len(_MARKS) - 1]


def _key(ax: Axes, epochs: list[int]) -> None:
    lines = [Line2D([], [], color=colour(_mark(n)[0]), marker=_mark(n)[1], ms=4, lw=1.3) for n in epochs]
    names = [f"{n} epochs" for n in epochs]
    ring = Line2D([], [], ls="", marker="o", mfc="none", mec=colour("accent"), mew=1.4, ms=9)
    dashed = Line2D([], [], color=colour("muted"), lw=1, ls=(0, (4, 3)))
    ax.legend([*lines, ring, dashed], [*names, "chosen", "frozen"], loc="center left", fontsize=7.5)
