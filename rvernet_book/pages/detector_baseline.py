"""Page 2, shown: classifiers of cut-outs beside detector-like nets of whole photos."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from rvernet_book import alt, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.photo_grid import TINTS, grid_size, overlay, photo_grid
from rvernet_book.tables import AT_POWER, over
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments.detector_baseline import Shown

ELSEWHERE = "#ffffff"  # tint of cells that are given a food that is not in the photo


def comparison_table(page: Page, table: pd.DataFrame) -> Bundle | html.Html:
    """Each classifier against its detector-like net; a sentence where the data have no whole photos."""
    signs = comparisons.shown(table, "difference") if len(table) else pd.Series(dtype=int)
    for key, sign in (("classifier-ahead", 1), ("classifier-behind", -1), ("classifier-undecided", 0)):
        page.glue(key, style.which(table.loc[signs == sign, "model"] if len(table) else [], len(table)))
    page.glue("as-simple", as_simple(table, signs))
    if table.empty:
        page.glue("found-alone", "not measured")
        sentence = "The data have no whole photos with the masks of all their foods: no detector is trained."
        return html.Html(f"<p>{sentence}</p>", sentence)
    low, high = (f"{share:.0%}" for share in (table["found"].min(), table["found"].max()))
    page.glue("found-alone", low if low == high else f"{low} to {high}")
    return page.table(
        "classifier-against-detector",
        table.drop(columns="seeds"),
        caption="Accuracy of a classifier of cut-outs minus that of a detector-like net of the same backbone, which "
        "sees whole photos and is told the exact mask. All numbers are those of the seeds that both have, paired over "
        f"{over(int(table['seeds'].min()))}; the smallest difference {AT_POWER}. "
        "Found: the share of foods of which at least half the area lies in cells that the detector-like net, not told "
        "where to look, gives to that food.",
        labels={
            "detector": "detector-like",
            "classifier_seconds": "seconds a run, classifier",
            "detector_seconds": "seconds a run, detector-like",
        },
        formats={
            "difference": "{:+.3f}",
            "found": "{:.0%}",
            "classifier_seconds": "{:.0f}",
            "detector_seconds": "{:.0f}",
        },
        intervals=["difference"],
        data=table,
    )


def as_simple(table: pd.DataFrame, signs: pd.Series) -> str:
    """Whether a detector is as simple to train, by accuracy after the same training, and what a run takes.

    signs: +1, -1 or 0 for each row of `table`: the sign that is shown of classifier minus detector-like net.
    """
    if table.empty:
        return "Nothing was measured of that"
    after = "by accuracy after the same training"
    if (signs > 0).all():
        answer = f"No, {after}: every classifier is ahead of the detector-like net of its backbone"
    elif (signs < 0).all():
        answer = f"It is simpler, {after}: every detector-like net is ahead of the classifier of its backbone"
    elif (signs == 0).all():
        answer = f"No difference is shown, {after}"
    else:
        answer = f"That differs from backbone to backbone, {after}"
    classifier, detector = (
        " to ".join(dict.fromkeys(f"{end:.0f}" for end in (seconds.min(), seconds.max())))
        for seconds in (table["classifier_seconds"], table["detector_seconds"])
    )
    return (
        f"{answer}. A run takes {classifier} seconds for a classifier and {detector} for a detector-like net"
    )


def cell_maps(page: Page, name: str, photos: Sequence[Shown]) -> Bundle | None:
    """Whole photos with their foods outlined, and the cells in the colour of the food that each is given."""
    if not photos:
        return None
    rows = [[one.photo for one in photos], [_coloured(one) for one in photos]]
    titles = [[_names(one.foods) for one in photos], [_score(one.found) for one in photos]]
    outlines = [[list(one.masks) for one in photos]] * 2
    return page.figure(
        "detector-cells",
        lambda ax: photo_grid(
            ax, rows, titles=titles, outlines=outlines, row_labels=["foods", style.label(name)]
        ),
        pd.concat([_frame(one) for one in photos], ignore_index=True),
        alt=alt.of_photos(
            titles, what=f"whole photos, and what a detector-like {style.label(name)} names in them"
        ),
        caption=f"What a detector-like {style.label(name)} says about the cells of the test photos with the most foods. "
        "A cell has the colour of the outlined food that it is given; white: a food that is not in the photo; dimmed: "
        "background.",
        size=grid_size(2, len(photos), title_lines=3, labels=0.9),
    )


def _coloured(one: Shown) -> np.ndarray:
    """The photo, uint8 (S, S, 3), with each cell in the tint of the food that it is given."""
    side = len(one.photo) // len(one.named)
    named = np.kron(one.named != "", np.ones((side, side), bool))
    per_food = [np.kron(one.named == food, np.ones((side, side), bool)) for food in one.foods]
    elsewhere = named & ~np.any(per_food, axis=0)
    tints = [TINTS[k % len(TINTS)] for k in range(len(per_food))]
    return overlay(one.photo, [*per_food, elsewhere], [*tints, ELSEWHERE])


def _names(foods: Sequence[str], per_line: int = 2) -> str:
    lines = [", ".join(foods[i : i + per_line]) for i in range(0, len(foods), per_line)]
    return ",\n".join(lines)


def _score(found: Sequence[bool]) -> str:
    return f"{sum(found)} of {len(found)} found"


def _frame(one: Shown) -> pd.DataFrame:
    """A row per cell: the photo, its place from the top left, what it shows and what it is given."""
    row, column = np.indices(one.named.shape)
    places = {"row": row.ravel(), "column": column.ravel()}
    return pd.DataFrame(
        {"photo": one.image_id, **places, "shows": one.cells.ravel(), "given": one.named.ravel()}
    )
