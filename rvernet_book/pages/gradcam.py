"""Page 5, shown: Grad-CAM maps and what they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from rvernet_book import alt, charts, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.photo_grid import glow, grid_size, photo_grid
from rvernet_book.tables import AT_POWER, beyond
from rvernet_core.config import BRANCHES
from rvernet_core.data.cutouts import letterbox, letterbox_mask
from rvernet_core.evaluation.comparisons import model_name
from rvernet_core.experiments.gradcam import Examples, Explained, MapFacts, Model

TILE = 128  # pixels of a picture's side
LEAST = 4  # samples that a picture has room for at least
OUTLINES = ("#56b4e9", "#ffffff")  # tints that show on the maps' violet to yellow
#: Columns of the measures that are published whole.
MEASURES = [
    *("model", "branch", "seed", "sample", "photo", "label", "target", "probability", "area"),
    *("energy", "energy_other", "hit", "hit_other", "blank", "change", "road"),
]


# --- the pictures -------------------------------------------------------------------------------------


def figure_4(page: Page, explained: Explained, examples: Examples) -> Bundle:
    """The paper's figure 4: the ROI, the map of a single model, and those of both branches of RveRNet."""
    test, samples, food, single = page.study.data.test, examples.samples, examples.food, examples.single
    cutouts = [[letterbox(part, TILE) for part in test.cutouts(i)] for i in samples]
    shown: list[tuple[Model, str]] = [(single, "roi")]
    shown += [(examples.pair, branch) for branch in BRANCHES if examples.pair]
    photos = [[roi for roi, _ in cutouts]]
    for model, branch in shown:
        own = [parts[BRANCHES.index(branch)] for parts in cutouts]
        photos.append(_heated(explained, model, branch, samples, own))
    measures = [explained.shown(model, branch, samples) for model, branch in shown]
    titles = [[""] * len(samples), *(_answers(page, rows, "\n{energy:.0%} inside") for rows in measures)]
    good = [[None] * len(samples), *(_right(rows) for rows in measures)]
    branches = [f"RveRNet,\n{style.label(branch)}" for _, branch in shown[1:]]
    labels = ["ROI", "single model", *branches]
    models = [single, model_name(examples.pair or ())]
    page.glue("food-shown", food)
    return page.figure(
        "figure-4",
        lambda ax: photo_grid(
            ax,
            photos,
            titles=titles,
            row_labels=labels,
            good=good,
            tints=OUTLINES,
            outlines=[edges(page, samples)] * len(photos),
            least=LEAST,
        ),
        _rows(explained, samples, models),
        alt=alt.of_photos(titles, what=f"Grad-CAM on {food}, rows: {_in_line(labels)}"),
        caption=f"{food.capitalize()}, the first samples of the test set, first seed: the ROI image, a single "
        f"{style.label(single)}, and both branches of {style.label(model_name(examples.pair or ()))}. Yellow speaks most "
        "for the class named below, which is the model's answer.",
        size=grid_size(len(photos), max(LEAST, len(samples)), title_lines=2, labels=0.95),
    )


def _in_line(labels: Sequence[str]) -> str:
    """Labels of rows for a text: each in one line, nets by their names."""
    return ", ".join(" ".join(style.label(label).split()) for label in labels)


def single_maps(page: Page, explained: Explained, examples: Examples) -> Bundle:
    """The map of every single model over the whole photo."""
    names, samples = explained.singles, examples.samples
    whole = [letterbox(page.study.data.test.photo(i), TILE) for i in samples]
    photos = [_heated(explained, name, "roi", samples, whole) for name in names]
    measures = [explained.shown(name, "roi", samples) for name in names]
    titles = [_answers(page, rows, "\n{energy:.0%} inside", "\nblank") for rows in measures]
    return page.figure(
        "architectures",
        lambda ax: photo_grid(
            ax,
            photos,
            titles=titles,
            row_labels=[style.label(name) for name in names],
            good=[_right(rows) for rows in measures],
            tints=OUTLINES,
            outlines=[edges(page, samples)] * len(names),
            least=LEAST,
        ),
        _rows(explained, samples, names),
        alt=alt.of_photos(titles, what="Grad-CAM of single models over the photo, rows: " + _in_line(names)),
        caption="Maps of the single models over the photo, first seed; the outline is the ROI, which is all that these "
        "nets see. Below: the model's answer, and the energy inside the ROI.",
        size=grid_size(len(names), max(LEAST, len(samples)), title_lines=2, labels=1.05),
    )


def pair_maps(page: Page, explained: Explained, examples: Examples) -> Bundle | None:
    """Both maps of every RveRNet; nothing where there are none."""
    pairs = explained.pairs
    if not pairs:
        return None
    samples = examples.samples[: 3 if len(pairs) <= 4 else 2]  # many models make a heavy figure
    cutouts = [[letterbox(part, TILE) for part in page.study.data.test.cutouts(i)] for i in samples]
    photos, titles, good = [], [], []
    for pair in pairs:
        heats, answers, right = [], [], []
        for branch, parts in zip(BRANCHES, zip(*cutouts, strict=True), strict=True):
            rows = explained.shown(pair, branch, samples)
            heats.append(_heated(explained, pair, branch, samples, parts))
            answers.append(_answers(page, rows, ", {energy:.0%} in"))
            right.append(_right(rows))
        photos.append(_alternating(heats))
        titles.append(_alternating(answers))
        good.append(_alternating(right))
    lines = edges(page, samples)
    return page.figure(
        "branches",
        lambda ax: photo_grid(
            ax,
            photos,
            titles=titles,
            row_labels=[" +\n".join(map(style.label, pair)) for pair in pairs],
            good=good,
            tints=OUTLINES,
            outlines=[_alternating([lines, lines])] * len(pairs),
        ),
        _rows(explained, samples, [model_name(pair) for pair in pairs]),
        alt=alt.of_photos(
            titles, what="Grad-CAM of each RveRNet, by sample first the ROI branch, then the extra-ROI branch"
        ),
        caption="Each RveRNet on the first samples, first seed, two maps a sample: the ROI module on the ROI, the extra-ROI "
        "module on the rest. Below: the model's answer, and the energy inside the ROI.",
        size=grid_size(len(pairs), 2 * len(samples), title_lines=1, labels=1.25),
    )


# --- measures -----------------------------------------------------------------------------------------


def localisation_table(page: Page, explained: Explained, where: pd.DataFrame) -> Bundle:
    """Energy inside the ROI and the pointing game. Publishes the measures of all samples."""
    masks = explained.masks
    page.glue("road-samples", explained.road_samples)
    page.glue("test-samples", len(masks))
    page.glue("test-photos", explained.photos)
    page.attach("samples", explained.measures[MEASURES].round(4))
    return page.table(
        "where-maps-lie",
        where,
        caption=f"Where the maps lie, with 95 % intervals over {page.over}: {len(masks):,} test samples of "
        f"{explained.photos} photos. The ROI takes {masks.mean():.1%} of the picture on average."
        + beyond(where, "energy", "hit"),
        labels={
            "energy": "energy inside",
            "energy_other": "energy, another's map",
            "hit_other": "hit, another's map",
            "blank": "blank maps",
        },
        formats={"blank": "{:.1%}"},
        intervals=["energy", "hit"],
    )


def faithfulness_table(page: Page, explained: Explained, worth: pd.DataFrame) -> Bundle:
    """What a map does to the prediction."""
    return page.table(
        "what-maps-are-worth",
        worth,
        caption="Drop in the class's probability when the cut-out is multiplied by its map; share of samples where "
        f"it rises instead; ROAD on {explained.road_samples} samples of each seed (above zero: the map orders pixels "
        f"better than chance). Intervals over {page.over}." + beyond(worth, "drop", "raised"),
        labels={"drop": "drop in confidence", "raised": "share raised", "road": "ROAD"},
        intervals=["drop", "raised", "road"],
    )


def localisation_chart(page: Page, explained: Explained, where: pd.DataFrame) -> Bundle:
    """Energy inside the ROI of each model and branch."""
    columns: dict[str, Any] = {
        "label": "model",
        "value": "energy",
        "low": "energy_low",
        "high": "energy_high",
    }
    columns |= {"series": "branch", "references": {"area of the ROI": float(explained.masks.mean())}}
    return page.figure(
        "energy-inside",
        lambda ax: charts.dots(ax, where, **columns, xlabel="share of the map's energy inside the ROI"),
        where[["model", "branch", "energy", "energy_low", "energy_high", "energy_other"]],
        alt=alt.of_dots(where, what="energy inside the ROI by model and branch", **columns),
        caption=f"Energy inside the ROI with 95 % intervals over {page.over}. An extra-ROI module sees only a black "
        "hole there.",
        size=(7.4, 0.36 * where["model"].nunique() + 1.2),
    )


def gain_table(page: Page, gains: pd.DataFrame, facts: MapFacts) -> Bundle | None:
    """ROI branches against single models; nothing where there are no pairs. Glues the facts for the prose."""
    _glue_maps(page, facts)
    if gains.empty:
        return None
    return page.table(
        "branch-against-single",
        gains,
        caption=f"ROI branch of RveRNet minus the single model, paired over {page.over}; p and the smallest "
        f"difference {AT_POWER} are those of the energy.",
        labels={"energy": "energy inside", "both": "energy inside, neither blank"},
        formats=dict.fromkeys(("energy", "hit", "both"), "{:+.3f}"),
        intervals=["energy", "hit", "both"],
    )


# --- numbers for the prose ------------------------------------------------------------------------------


def _glue_maps(page: Page, facts: MapFacts) -> None:
    """What is seen of all maps, for the prose."""
    undecided = facts.pairs - facts.more - facts.less
    page.glue(
        "roi-verdict",
        f"of {facts.pairs} RveRNets {facts.more} are shown to put more of the ROI branch's energy inside the ROI than the "
        f"single model and {facts.less} less; {undecided} are not told apart from it",
    )
    for name, (model, energy) in (("most", facts.most_inside), ("least", facts.least_inside)):
        page.glue(f"{name}-inside", style.label(model))
        page.glue(f"{name}-inside-energy", energy, "{:.0%}")
    page.glue("as-even", style.which(facts.as_even, facts.singles))
    model, branch, share = facts.most_blank
    page.glue("most-blank", f"{style.label(model)} ({style.label(branch)})")
    page.glue("most-blank-share", share, "{:.1%}")
    page.glue("roi-area", facts.roi_area, "{:.1%}")
    page.glue("road-above", facts.road_above)
    page.glue("road-below", facts.road_below)
    page.glue("road-all", facts.branches)
    for name, hole in (("hole-most", facts.most_in_hole), ("hole-least", facts.least_in_hole)):
        page.glue(name, f"{hole[1]:.0%} ({style.label(hole[0])})" if hole else "unknown (no RveRNet)")


# --- parts of the pictures ----------------------------------------------------------------------------


def _heated(
    explained: Explained, model: Model, branch: str, samples: Sequence[int], photos: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """The pictures of `samples` under their maps."""
    heats = explained.drawn(model, branch, samples).normalised()
    return [glow(photo, heat) for photo, heat in zip(photos, heats, strict=True)]


def edges(page: Page, samples: Sequence[int]) -> list[np.ndarray]:
    """The ROIs of `samples` at a tile's size, for their outlines."""
    return [letterbox_mask(page.study.data.test.mask(i), TILE) for i in samples]


def _answers(page: Page, rows: pd.DataFrame, ending: str, blank: str | None = None) -> list[str]:
    """The class that each map explains, and its energy in the words of `ending`; of a blank map `blank`."""
    return [
        page.study.classes[row["target"]] + (blank if blank and row["blank"] else ending.format(**row))
        for row in rows.to_dict("records")
    ]


def _right(rows: pd.DataFrame) -> list[bool]:
    return (rows["target"] == rows["label"]).tolist()


def _rows(explained: Explained, samples: Sequence[int], models: Sequence[str]) -> pd.DataFrame:
    """The measures behind a picture, of the first seed."""
    measures = explained.measures
    first = measures["seed"] == measures["seed"].iloc[0]
    return measures[first & measures["sample"].isin(samples) & measures["model"].isin(models)].drop(
        columns="unit"
    )


def _alternating(rows: Sequence[Sequence]) -> list:
    """[[a, b], [c, d]] -> [a, c, b, d]."""
    return [entry for column in zip(*rows, strict=True) for entry in column]
