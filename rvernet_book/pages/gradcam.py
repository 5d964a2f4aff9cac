"""Page 5, shown: Grad-CAM maps and what they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.photo_grid import glow, grid_size, photo_grid
from rvernet_book.tables import FOUND, interval
from rvernet_core.config import BRANCHES
from rvernet_core.data.cutouts import letterbox, letterbox_mask
from rvernet_core.evaluation.comparisons import model_name
from rvernet_core.experiments.gradcam import (
    SANITY_SAMPLES,
    STAGES,
    Examples,
    Explained,
    MapFacts,
    Model,
    Regions,
    Rescued,
    Sanity,
    SanityFacts,
    Verdict,
)

TILE = 128  # pixels of a picture's side
OUTLINES = ("#56b4e9", "#ffffff")  # tints that show on the maps' violet to yellow
#: Columns of the measures that are published whole.
MEASURES = [
    *("model", "branch", "sample", "photo", "label", "target", "probability", "area"),
    *("energy", "energy_other", "hit", "hit_other", "blank", "change", "road"),
]
#: Whose colour stands for a region.
REGION_COLOURS = {
    "companions": "extra_roi",
    "neutral foods": "both",
    "cut-out sauce": "chili paste",
    "plate and table": "single",
}


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
    measures = [explained.of(model, branch).loc[samples] for model, branch in shown]
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
            outlines=[_edges(page, samples)] * len(photos),
        ),
        _rows(explained, samples, models),
        alt=alt.of_photos(titles, what=f"Grad-CAM on {food}, rows: {', '.join(labels)}"),
        caption=f"{food.capitalize()}: the ROI image, a single {style.label(single)}, and both branches of RveRNet "
        f"with two {style.label(single)}. Yellow speaks most for the class named below.",
        size=grid_size(len(photos), len(samples), title_lines=2, labels=0.95),
    )


def single_maps(page: Page, explained: Explained, examples: Examples) -> Bundle:
    """The map of every single model over the whole photo."""
    names, samples = explained.singles, examples.samples
    whole = [letterbox(page.study.data.test.photo(i), TILE) for i in samples]
    photos = [_heated(explained, name, "roi", samples, whole) for name in names]
    measures = [explained.of(name, "roi").loc[samples] for name in names]
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
            outlines=[_edges(page, samples)] * len(names),
        ),
        _rows(explained, samples, names),
        alt=alt.of_photos(titles, what="Grad-CAM of single models over the photo, rows: " + ", ".join(names)),
        caption="Maps of the single models over the photo; the outline is the ROI, which is all that these nets see.",
        size=grid_size(len(names), len(samples), title_lines=2, labels=1.05),
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
            rows = explained.of(pair, branch).loc[samples]
            heats.append(_heated(explained, pair, branch, samples, parts))
            answers.append(_answers(page, rows, ", {energy:.0%} in"))
            right.append(_right(rows))
        photos.append(_alternating(heats))
        titles.append(_alternating(answers))
        good.append(_alternating(right))
    edges = _edges(page, samples)
    return page.figure(
        "branches",
        lambda ax: photo_grid(
            ax,
            photos,
            titles=titles,
            row_labels=[" +\n".join(map(style.label, pair)) for pair in pairs],
            good=good,
            tints=OUTLINES,
            outlines=[_alternating([edges, edges])] * len(pairs),
        ),
        _rows(explained, samples, [model_name(pair) for pair in pairs]),
        alt=alt.of_photos(
            titles, what="Grad-CAM of each RveRNet, by sample first the ROI branch, then the extra-ROI branch"
        ),
        caption="Each RveRNet on the first samples, two maps a sample: the ROI module on the ROI, the extra-ROI "
        "module on the rest. Below: the prediction, and the energy inside the ROI.",
        size=grid_size(len(pairs), 2 * len(samples), title_lines=1, labels=1.25),
    )


# --- the whole test set -------------------------------------------------------------------------------


def localisation_table(page: Page, explained: Explained, where: pd.DataFrame) -> Bundle:
    """Energy inside the ROI and the pointing game. Publishes the measures of all samples."""
    masks = explained.masks
    page.glue("road-samples", explained.road_samples)
    page.glue("test-samples", len(masks))
    page.attach("samples", explained.measures[MEASURES].round(4))
    return page.table(
        "where-maps-lie",
        where,
        caption=f"Where the maps lie, over {len(masks):,} test samples. The ROI takes {masks.mean():.1%} of the "
        "picture on average.",
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
        f"it rises instead; ROAD on {explained.road_samples} samples (above zero: the map orders pixels better "
        "than chance).",
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
        caption="Energy inside the ROI with 95 % intervals over photos. An extra-ROI module sees only a black hole "
        "there.",
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
        caption="ROI branch of RveRNet minus the single model, paired over samples; p and the smallest "
        f"difference {FOUND} are those of the energy.",
        labels={"energy": "energy inside", "both": "energy inside, neither blank"},
        formats=dict.fromkeys(("energy", "hit", "both"), "{:+.3f}"),
        intervals=["energy", "hit", "both"],
    )


# --- the sanity check ---------------------------------------------------------------------------------


def sanity_table(page: Page, scores: pd.DataFrame, facts: SanityFacts) -> Bundle | None:
    """Rank correlations by branch; nothing where all maps are blank. Glues the facts for the prose."""
    _glue_sanity(page, facts)
    if scores.empty:
        return None
    table = scores.pivot(index=["model", "branch"], columns="against", values="rank")
    table = table[list(dict.fromkeys(scores["against"]))]
    return page.table(
        "sanity",
        table.reset_index(),
        caption="Rank correlation of the maps with those of the trained model (1: the same order of pixels; 0: none). "
        "Columns one to three: fresh weights from the output downwards.",
        data=scores,
        formats=dict.fromkeys(table.columns, "{:+.2f}"),
    )


def sanity_maps(page: Page, sanity: Sanity) -> Bundle | None:
    """One sample a single model while its weights turn random; nothing where all maps are blank."""
    names, rows = list(sanity.maps), ["trained", *STAGES]
    if not names:
        return None
    ranks = sanity.scores[sanity.scores["branch"] == "roi"].set_index(["model", "against"])["rank"]
    first = {name: maps["trained"].indices[0] for name, maps in sanity.maps.items()}
    rois = {name: letterbox(page.study.data.test.cutouts(i)[0], TILE) for name, i in first.items()}
    photos = [
        [glow(rois[name], sanity.maps[name][row][:1].normalised()[0]) for name in names] for row in rows
    ]
    titles = [
        [style.label(name) if row == "trained" else f"rank {ranks[name, row]:+.2f}" for name in names]
        for row in rows
    ]
    return page.figure(
        "sanity-maps",
        lambda ax: photo_grid(ax, photos, titles=titles, row_labels=rows),
        sanity.scores[sanity.scores["model"].isin(names)],
        alt=alt.of_photos(
            titles,
            what="maps of one sample a model while its weights turn random, mean rank correlation below",
        ),
        caption="One sample a model: the map of the trained net, and after its weights were made random from the "
        "output downwards. Below: the mean rank correlation over all samples of the check.",
        size=grid_size(len(rows), len(names), title_lines=1, labels=0.85),
    )


# --- where the extra-ROI branch looks -----------------------------------------------------------------


def companion_table(page: Page, energy: pd.DataFrame, companions: pd.DataFrame) -> Bundle | None:
    """Energy on the companions; nothing where none are known. Publishes the energy of all samples."""
    if companions.empty:
        page.glue("companions-note", "This data set has no known companions, so this part is left out.")
        return None
    page.glue(
        "companions-note",
        "Neutral foods serve as a check: they lie beside the sauces too, but tell nothing.",
    )
    page.attach("sauces", energy.round(4))
    return page.table(
        "companions",
        companions,
        caption="Share of the extra-ROI branch's energy on the companion foods, for rescued sauces and for all.",
        labels={
            "energy": "energy on companions",
            "area": "their area",
            "above_area": "energy minus area",
            "above_other": "energy minus that of other sauces' maps",
        },
        formats={"above_area": "{:+.3f}", "above_other": "{:+.3f}"},
        intervals=["energy", "above_area", "above_other"],
    )


def region_chart(page: Page, regions: pd.DataFrame) -> Bundle | None:
    """Energy minus area of each region; nothing where no regions are known."""
    if regions.empty:
        return None
    frame = regions.copy()
    frame.insert(2, "kind", frame["region"].map(REGION_COLOURS))
    columns: dict[str, Any] = {"label": "model", "value": "above_area", "series": "region", "fmt": "{:+.3f}"}
    columns |= {"low": "above_area_low", "high": "above_area_high"}
    return page.figure(
        "extra-roi-energy",
        lambda ax: charts.dots(
            ax,
            frame,
            **columns,
            colours="kind",
            references={"evenly spread": 0.0},
            xlabel="energy minus area",
        ),
        frame,
        alt=alt.of_dots(
            frame,
            what="energy of the extra-ROI branch minus the area of each region, over all sauces",
            **columns,
        ),
        caption="Where the energy of the extra-ROI branch lies on all sauces: its share in each region minus the "
        "region's area.",
        size=(7.4, 0.8 * frame["model"].nunique() + 1.2),
    )


def rescued_maps(
    page: Page, explained: Explained, regions: Regions, energy: pd.DataFrame, rescued: Rescued
) -> Bundle | None:
    """Sauces that RveRNet rescues, and where its extra-ROI branch looks; nothing where there are none."""
    if rescued.model is None:
        return None
    test, samples, name = page.study.data.test, rescued.samples, model_name(rescued.model)
    rows = energy[energy["model"].eq(name) & energy["sample"].isin(samples)]
    shares = rows[rows["region"] == "companions"].set_index("sample")["energy"]
    companions = regions.masks["companions"][np.searchsorted(regions.samples, samples)]
    edges = [
        [edge, letterbox_mask(mask, TILE)]
        for edge, mask in zip(_edges(page, samples), companions, strict=True)
    ]
    context = [letterbox(test.cutouts(i)[1], TILE) for i in samples]
    photos = [
        [letterbox(test.photo(i), TILE) for i in samples],
        _heated(explained, rescued.model, "extra_roi", samples, context),
    ]
    titles = [
        [test.samples[i].class_name for i in samples],
        [f"{shares[i]:.0%} on companions" for i in samples],
    ]
    return page.figure(
        "rescued-maps",
        lambda ax: photo_grid(
            ax,
            photos,
            titles=titles,
            tints=OUTLINES,
            outlines=[edges, edges],
            row_labels=["photo", "extra-ROI"],
        ),
        rows,
        alt=alt.of_photos(titles, what="rescued sauces: photo, and map of the extra-ROI branch"),
        caption=f"Sauces that {style.label(name)} rescues: outlines of the sauce and of its companions, and the map "
        "of the extra-ROI branch.",
        size=grid_size(2, len(samples), title_lines=1, labels=0.7),
    )


def answer(page: Page, energy: pd.DataFrame, verdict: Verdict | None) -> html.Html | None:
    """Where the extra-ROI branch looks when RveRNet rescues a sauce; no headline where that is unknown."""
    if verdict is None:
        text = "Where the extra-ROI branch looks cannot be answered here"
        if len(energy):
            text = "No sauce was rescued, so there is nothing to explain"
        page.glue("companions-verdict", text)
        return None
    more = {1: "more than", -1: "less than", 0: "no more and no less, as far as can be told, than"}
    share = interval(verdict.energy.value, verdict.energy.low, verdict.energy.high, "{:.0%}")
    text = (
        f"When **{style.label(verdict.model)}** rescues a sauce ({verdict.count} times), its extra-ROI branch puts "
        f"{share} of its energy on the companions: {more[verdict.above_area]} their share of the picture "
        f"({verdict.area:.0%}), and {more[verdict.above_other]} the maps of other sauces do"
    )
    page.glue("rescued-all", verdict.energy_all, "{:.0%}")
    page.glue("companions-verdict", text.replace("**", ""))
    return page.headline(text + ".")


# --- numbers for the prose ------------------------------------------------------------------------------


def _glue_maps(page: Page, facts: MapFacts) -> None:
    """What is seen on the whole test set, for the prose."""
    undecided = facts.pairs - facts.more - facts.less
    page.glue(
        "roi-verdict",
        f"of {facts.pairs} RveRNets, {facts.more} put more of their energy inside the ROI than the single model, "
        f"{facts.less} put less, and {undecided} cannot be told apart from it",
    )
    for name, (model, energy) in (("most", facts.most_inside), ("least", facts.least_inside)):
        page.glue(f"{name}-inside", style.label(model))
        page.glue(f"{name}-inside-energy", energy, "{:.0%}")
    page.glue("most-blank", style.label(facts.most_blank[0]))
    page.glue("most-blank-share", facts.most_blank[1], "{:.0%}")
    page.glue("roi-area", facts.roi_area, "{:.1%}")
    page.glue("road-above", facts.road_above)
    page.glue("road-below", facts.road_below)
    page.glue("road-all", facts.branches)
    model, energy = facts.most_in_hole or ("No model", float("nan"))
    page.glue("hole-model", style.label(model))
    page.glue("hole-energy", energy, "{:.0%}")


def _glue_sanity(page: Page, facts: SanityFacts) -> None:
    """What is seen in the check, for the prose."""
    page.glue("sanity-samples", SANITY_SAMPLES)
    page.glue("sanity-passed", facts.passed)
    page.glue("sanity-all", facts.branches)
    page.glue("sanity-random", facts.rank, "{:+.2f}")
    stable = [f"{style.label(model)} ({style.label(branch)})" for model, branch in facts.stable]
    text = "With one seed it cannot be said whether another training would draw the same maps"
    if not np.isnan(facts.seed_rank):
        text = (
            f"Two trained seeds share {facts.seed_rank:+.2f} on average, and for {len(stable)} of {facts.branches} "
            f"branches they agree more than trained and random nets do ({'; '.join(stable) or 'none'})"
        )
        if len(stable) < facts.branches:
            text += ". For the rest this cannot be shown, and a single picture of theirs should not be read"
    page.glue("sanity-seed-verdict", text)
    page.glue("sanity-blank", ", ".join(map(style.label, facts.blank)) or "no net")


# --- parts of the pictures ----------------------------------------------------------------------------


def _heated(
    explained: Explained, model: Model, branch: str, samples: Sequence[int], photos: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """The pictures of `samples` under their maps."""
    heats = explained.maps[model, branch][np.asarray(samples)].normalised()
    return [glow(photo, heat) for photo, heat in zip(photos, heats, strict=True)]


def _edges(page: Page, samples: Sequence[int]) -> list[np.ndarray]:
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
    """The measures behind a picture."""
    measures = explained.measures
    return measures[measures["sample"].isin(samples) & measures["model"].isin(models)]


def _alternating(rows: Sequence[Sequence]) -> list:
    """[[a, b], [c, d]] -> [a, c, b, d]."""
    return [entry for column in zip(*rows, strict=True) for entry in column]
