"""Page 5, shown: Grad-CAM maps, and what they are worth."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.photos import glow, grid_size, photo_grid
from rvernet_book.tables import interval
from rvernet_core.config import BRANCHES
from rvernet_core.data.cutouts import letterbox, letterbox_mask
from rvernet_core.evaluation import comparisons
from rvernet_core.evaluation.saliency import Maps, energy_inside
from rvernet_core.experiments import gradcam
from rvernet_core.experiments.gradcam import SAMPLE_COLUMNS, STAGES, Attention, Explained, MapFacts, Sanity

TILE = 128  # pixels of a tile
OUTLINES = ("#56b4e9", "#ffffff")  # colours that show on the maps' violet to yellow
REGION_COLOURS = {
    "companions": "extra_roi",
    "neutral foods": "both",
    "cut-out sauce": "chili paste",
    "plate and table": "single",
}


def glue_counts(page: Page, explained: Explained) -> None:
    """The sizes of the test set and of the subset for ROAD, for the prose."""
    page.glue("road-samples", explained.road_samples)
    page.glue("test-samples", len(explained.cutouts))


# --- pictures -----------------------------------------------------------------------------------------


def figure_4(page: Page, explained: Explained) -> Bundle:
    """The ROI image, the map of a single model, and those of both branches of RveRNet."""
    classes, samples = page.study.classes, gradcam.shown_samples(page.study, explained)
    single, pair = gradcam.figure_4_models(explained)
    food = explained.ambiguous[1]
    tiles, titles, good = [_cutouts(page, samples, "roi")], [[""] * len(samples)], [[None] * len(samples)]
    lines = ["ROI"]
    for name, branch in [(single, "roi"), *[(pair, branch) for branch in BRANCHES if pair]]:
        maps = explained.maps[name, branch][samples]
        inside = energy_inside(maps, explained.masks[samples])
        tiles.append(_glowing(_cutouts(page, samples, branch), maps))
        titles.append([f"{classes[t]}\n{e:.0%} inside" for t, e in zip(maps.targets, inside, strict=True)])
        good.append(_right(explained, maps))
        lines.append("single model" if name == single else f"RveRNet,\n{style.label(branch)}")
    page.glue("food-shown", food)
    shown = [single, comparisons.model_name(pair or ())]
    return page.figure(
        "figure-4",
        lambda ax: photo_grid(
            ax,
            tiles,
            titles=titles,
            row_labels=lines,
            good=good,
            tints=OUTLINES,
            outlines=[_outlines(page, samples)] * len(tiles),
        ),
        _rows(explained, samples, explained.samples["model"].isin(shown)),
        alt=alt.of_photos(titles, what=f"Grad-CAM on {food}, rows: {', '.join(lines)}"),
        caption=f"{food.capitalize()}: the ROI image, a single {style.label(single)}, and both branches of RveRNet with two "
        f"{style.label(single)}. Yellow speaks most for the class named below.",
        size=grid_size(len(tiles), len(samples), title_lines=2, labels=0.95),
    )


def architectures(page: Page, explained: Explained) -> Bundle:
    """Maps of every single model over the whole photo."""
    classes, samples = page.study.classes, gradcam.shown_samples(page.study, explained)
    test = page.study.data.test
    photos = [letterbox(test.photo(i), TILE) for i in samples]
    maps = {name: explained.maps[name, "roi"][samples] for name in explained.singles}
    titles = []
    for m in maps.values():
        inside = energy_inside(m, explained.masks[samples])
        shares = ["blank" if b else f"{e:.0%} inside" for e, b in zip(inside, m.blank, strict=True)]
        titles.append([f"{classes[t]}\n{share}" for t, share in zip(m.targets, shares, strict=True)])
    return page.figure(
        "architectures",
        lambda ax: photo_grid(
            ax,
            [_glowing(photos, m) for m in maps.values()],
            titles=titles,
            row_labels=[style.label(name) for name in maps],
            good=[_right(explained, m) for m in maps.values()],
            tints=OUTLINES,
            outlines=[_outlines(page, samples)] * len(maps),
        ),
        _rows(explained, samples, explained.samples["model"].isin(maps)),
        alt=alt.of_photos(titles, what="Grad-CAM of single models over the photo, rows: " + ", ".join(maps)),
        caption="Maps of the single models over the photo; the outline is the ROI, which is all that these nets see.",
        size=grid_size(len(maps), len(samples), title_lines=2, labels=1.05),
    )


def branches(page: Page, explained: Explained) -> Bundle | None:
    """Both maps of every pair; nothing where there are no pairs."""
    if not explained.pairs:
        return None
    classes = page.study.classes
    samples = gradcam.shown_samples(page.study, explained)
    samples = samples[: 3 if len(explained.pairs) <= 4 else 2]  # many models make a heavy figure
    cutouts = {branch: _cutouts(page, samples, branch) for branch in BRANCHES}
    tiles, titles, good = [], [], []
    for pair in explained.pairs:
        maps = {branch: explained.maps[pair, branch][samples] for branch in BRANCHES}
        inside = {branch: energy_inside(m, explained.masks[samples]) for branch, m in maps.items()}
        glowing = {branch: _glowing(cutouts[branch], m) for branch, m in maps.items()}
        right = {branch: _right(explained, m) for branch, m in maps.items()}
        order = [(branch, i) for i in range(len(samples)) for branch in BRANCHES]
        tiles.append([glowing[branch][i] for branch, i in order])
        titles.append([f"{classes[maps[b].targets[i]]}, {inside[b][i]:.0%} in" for b, i in order])
        good.append([right[branch][i] for branch, i in order])
    lines = [" +\n".join(map(style.label, pair)) for pair in explained.pairs]
    outlines = [outline for outline in _outlines(page, samples) for _ in BRANCHES]
    return page.figure(
        "branches",
        lambda ax: photo_grid(
            ax,
            tiles,
            titles=titles,
            row_labels=lines,
            good=good,
            tints=OUTLINES,
            outlines=[outlines] * len(lines),
        ),
        _rows(explained, samples, explained.samples["model"].str.contains("+", regex=False)),
        alt=alt.of_photos(
            titles, what="Grad-CAM of each RveRNet, by sample first the ROI branch, then the extra-ROI branch"
        ),
        caption="Each RveRNet on the first samples, two maps a sample: the ROI module on the ROI, the extra-ROI module on the rest. "
        "Below: the prediction, and the energy inside the ROI.",
        size=grid_size(len(lines), 2 * len(samples), title_lines=1, labels=1.25),
    )


# --- tables of the whole test set ---------------------------------------------------------------------


def where_table(page: Page, explained: Explained, where: pd.DataFrame) -> Bundle:
    """Energy inside and hits; every sample's measures are attached to the page."""
    page.attach("samples", explained.samples[SAMPLE_COLUMNS].round(4))
    return page.table(
        "where-maps-lie",
        where,
        caption=f"Where the maps lie, over {len(explained.cutouts):,} test samples. The ROI takes {explained.masks.mean():.1%} of the image on average.",
        labels={
            "energy": "energy inside",
            "energy_other": "energy, another's map",
            "hit_other": "hit, another's map",
            "blank": "blank maps",
        },
        formats={"blank": "{:.1%}"},
        intervals=["energy", "hit"],
    )


def worth_table(page: Page, explained: Explained, worth: pd.DataFrame) -> Bundle:
    """Drop in confidence, and ROAD."""
    return page.table(
        "what-maps-are-worth",
        worth,
        caption=f"Drop in the class's probability when the cut-out is multiplied by its map; share of samples where it rises instead; "
        f"ROAD on {explained.road_samples} samples (above zero: the map orders pixels better than chance).",
        labels={"drop": "drop in confidence", "raised": "share raised", "road": "ROAD"},
        intervals=["drop", "raised", "road"],
    )


def energy_chart(page: Page, explained: Explained, where: pd.DataFrame) -> Bundle:
    """Energy inside the ROI by model and branch."""
    columns: dict[str, Any] = {"label": "model", "value": "energy", "low": "energy_low"}
    columns |= {"high": "energy_high", "series": "branch"}
    columns["references"] = {"area of the ROI": float(explained.masks.mean())}
    return page.figure(
        "energy-inside",
        lambda ax: charts.dots(ax, where, **columns, xlabel="share of the map's energy inside the ROI"),
        where[["model", "branch", "energy", "energy_low", "energy_high", "energy_other"]],
        alt=alt.of_dots(where, what="energy inside the ROI by model and branch", **columns),
        caption="Energy inside the ROI with 95 % intervals over photos. An extra-ROI module sees only a black hole there.",
        size=(7.4, 0.36 * where["model"].nunique() + 1.2),
    )


def gain_table(page: Page, gains: pd.DataFrame) -> Bundle | None:
    """ROI branch of RveRNet against the single model; nothing where there are no pairs."""
    if gains.empty:
        return None
    return page.table(
        "branch-against-single",
        gains,
        caption="ROI branch of RveRNet minus the single model, paired over samples.",
        labels={"energy": "energy inside", "both": "energy inside, neither blank"},
        formats=dict.fromkeys(("energy", "hit", "both"), "{:+.3f}"),
        intervals=["energy", "hit", "both"],
    )


def glue_map_facts(page: Page, facts: MapFacts) -> None:
    """What is seen of the maps, for the prose."""
    undecided = facts.pairs - facts.more - facts.less
    page.glue(
        "roi-verdict",
        f"of {facts.pairs} RveRNets, {facts.more} put more of their energy inside the ROI than the single model, {facts.less} put less, "
        f"and {undecided} cannot be told apart from it",
    )
    for key, (model, share) in (("most-inside", facts.most_inside), ("least-inside", facts.least_inside)):
        page.glue(key, style.label(model))
        page.glue(f"{key}-energy", share, "{:.0%}")
    page.glue("most-blank", style.label(facts.most_blank[0]))
    page.glue("most-blank-share", facts.most_blank[1], "{:.0%}")
    page.glue("roi-area", facts.roi_area, "{:.1%}")
    page.glue("road-above", facts.road_above)
    page.glue("road-below", facts.road_below)
    page.glue("road-all", facts.branches)


# --- sanity -------------------------------------------------------------------------------------------


def sanity_table(page: Page, sanity: Sanity) -> Bundle:
    """Rank correlation of the maps with those of the trained model."""
    ranks = sanity.ranks
    wide = ranks.pivot(index=["model", "branch"], columns="against", values="rank")
    wide = wide[list(dict.fromkeys(ranks["against"]))]
    page.glue("sanity-samples", gradcam.SANITY_SAMPLES)
    return page.table(
        "sanity",
        wide.reset_index(),
        caption="Rank correlation of the maps with those of the trained model (1: the same order of pixels; 0: none). Columns one to "
        "three: fresh weights from the output downwards.",
        data=ranks,
        formats=dict.fromkeys(wide.columns, "{:+.2f}"),
    )


def sanity_maps(page: Page, sanity: Sanity) -> Bundle:
    """One sample a single model, while its weights turn random."""
    test, rows, names = page.study.data.test, ["trained", *STAGES], list(sanity.maps)
    roi = {
        name: letterbox(test.cutouts(maps["trained"].indices[0])[0], TILE)
        for name, maps in sanity.maps.items()
    }
    tiles = [[_glowing([roi[name]], sanity.maps[name][row][:1])[0] for name in names] for row in rows]
    ranks = sanity.ranks[sanity.ranks["branch"] == "roi"].set_index(["model", "against"])["rank"]
    titles = [
        [style.label(name) if row == "trained" else f"rank {ranks[name, row]:+.2f}" for name in names]
        for row in rows
    ]
    return page.figure(
        "sanity-maps",
        lambda ax: photo_grid(ax, tiles, titles=titles, row_labels=rows),
        sanity.ranks[sanity.ranks["model"].isin(names)],
        alt=alt.of_photos(
            titles,
            what="maps of one sample a model while its weights turn random, mean rank correlation below",
        ),
        caption="One sample a model: the map of the trained net, and after its weights were made random from the output downwards. "
        "Below: the mean rank correlation over all samples of the check.",
        size=grid_size(len(rows), len(names), title_lines=1, labels=0.85),
    )


def glue_sanity(page: Page, facts: gradcam.SanityFacts) -> None:
    """What is seen of the check, for the prose."""
    page.glue("sanity-passed", facts.passed)
    page.glue("sanity-all", facts.branches)
    page.glue("sanity-random", facts.random, "{:+.2f}")
    page.glue("sanity-blank", ", ".join(map(style.label, facts.blank)) or "no net")
    verdict = "With one seed it cannot be said whether another training would draw the same maps"
    if facts.seed is not None:
        names = "; ".join(f"{style.label(m)} ({style.label(b)})" for m, b in facts.stable) or "none"
        verdict = (
            f"Two trained seeds share {facts.seed:+.2f} on average, and for {len(facts.stable)} of {facts.branches} branches they "
            f"agree more than trained and random nets do ({names})"
        )
        if len(facts.stable) < facts.branches:
            verdict += (
                ". For the rest this cannot be shown, and a single picture of theirs should not be read"
            )
    page.glue("sanity-seed-verdict", verdict)


# --- the extra-ROI branch on sauces -------------------------------------------------------------------


def companion_table(page: Page, looks: Attention | None, companions: pd.DataFrame) -> Bundle | None:
    """Energy on the companion foods; nothing where they are not known. Every sauce is attached to the page."""
    page.glue(
        "companions-note",
        "This data set has no known companions, so this part is left out."
        if looks is None
        else "Neutral foods serve as a check: they lie beside the sauces too, but tell nothing.",
    )
    if looks is None:
        return None
    page.attach("sauces", looks.rows.round(4))
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


def region_chart(page: Page, looks: Attention | None) -> Bundle | None:
    """Energy minus area of each region; nothing where the companions are not known."""
    if looks is None:
        return None
    rows = gradcam.by_region(looks)
    rows.insert(2, "kind", rows["region"].map(REGION_COLOURS))
    columns: dict[str, Any] = {"label": "model", "value": "above_area", "series": "region"}
    columns |= {"low": "above_area_low", "high": "above_area_high", "fmt": "{:+.3f}"}
    return page.figure(
        "extra-roi-energy",
        lambda ax: charts.dots(
            ax,
            rows,
            **columns,
            colours="kind",
            references={"evenly spread": 0.0},
            xlabel="energy minus area",
        ),
        rows,
        alt=alt.of_dots(
            rows,
            what="energy of the extra-ROI branch minus the area of each region, over all sauces",
            **columns,
        ),
        caption="Where the energy of the extra-ROI branch lies on all sauces: its share in each region minus the region's area.",
        size=(7.4, 0.8 * rows["model"].nunique() + 1.2),
    )


def rescued_maps(page: Page, explained: Explained, looks: Attention | None) -> Bundle | None:
    """Rescued sauces with the map of the extra-ROI branch; nothing where none is rescued."""
    pair, samples = (None, []) if looks is None else gradcam.most_rescues(explained, looks)
    if looks is None or pair is None:
        return None
    test, name = page.study.data.test, comparisons.model_name(pair)
    companions = looks.regions["companions"][np.searchsorted(looks.sauces, samples)]
    outlines = [
        [letterbox_mask(test.mask(i), TILE), letterbox_mask(mask, TILE)]
        for i, mask in zip(samples, companions, strict=True)
    ]
    rows = looks.rows[looks.rows["model"] == name]
    share = rows[rows["region"] == "companions"].set_index("sample")["energy"]
    cutouts = _cutouts(page, samples, "extra_roi")
    tiles = [
        [letterbox(test.photo(i), TILE) for i in samples],
        _glowing(cutouts, explained.maps[pair, "extra_roi"][samples]),
    ]
    titles = [
        [test.samples[i].class_name for i in samples],
        [f"{share[i]:.0%} on companions" for i in samples],
    ]
    return page.figure(
        "rescued-maps",
        lambda ax: photo_grid(
            ax,
            tiles,
            titles=titles,
            tints=OUTLINES,
            outlines=[outlines, outlines],
            row_labels=["photo", "extra-ROI"],
        ),
        rows[rows["sample"].isin(samples)],
        alt=alt.of_photos(titles, what="rescued sauces: photo, and map of the extra-ROI branch"),
        caption=f"Sauces that {style.label(name)} rescues: outlines of the sauce and of its companions, and the map of the extra-ROI branch.",
        size=grid_size(2, len(samples), title_lines=1, labels=0.7),
    )


def answer(
    page: Page, looks: Attention | None, companions: pd.DataFrame, where: pd.DataFrame
) -> html.Html | None:
    """Where the extra-ROI branch looks."""
    outside = where[where["branch"] == "extra_roi"]
    hole = outside.loc[outside["energy"].idxmax()] if len(outside) else None
    page.glue("hole-model", "No model" if hole is None else style.label(hole["model"]))
    page.glue("hole-energy", float("nan") if hole is None else hole["energy"], "{:.0%}")
    if looks is None:
        page.glue("companions-verdict", "Where the extra-ROI branch looks cannot be answered here")
        return None
    rescued = companions[(companions["sauces"] == "rescued") & (companions["count"] > 0)]
    if rescued.empty:
        page.glue("companions-verdict", "No sauce was rescued, so there is nothing to explain")
        return None
    top = rescued.loc[rescued["count"].idxmax()]
    every = companions[companions["sauces"] == "all"].set_index("model")
    page.glue("rescued-all", every.loc[top["model"], "energy"], "{:.0%}")
    energy = interval(top["energy"], top["energy_low"], top["energy_high"], "{:.0%}")
    sentence = (
        f"When **{style.label(top['model'])}** rescues a sauce ({top['count']} times), its extra-ROI branch puts "
        f"{energy} of its energy on the companions: {_compared(top, 'above_area')} their share of the picture ({top['area']:.0%}), "
        f"and {_compared(top, 'above_other')} the maps of other sauces do"
    )
    page.glue("companions-verdict", sentence.replace("**", ""))
    return page.headline(sentence + ".")


# --- helpers ------------------------------------------------------------------------------------------


def _compared(row: pd.Series, column: str) -> str:
    """How a difference with its interval is worded."""
    if row[f"{column}_low"] > 0:
        return "more than"
    if row[f"{column}_high"] < 0:
        return "less than"
    return "no more and no less, as far as can be told, than"


def _cutouts(page: Page, samples: np.ndarray, branch: str) -> list[np.ndarray]:
    """One cut-out of each sample, uint8 (TILE, TILE, 3)."""
    part = BRANCHES.index(branch)
    return [letterbox(page.study.data.test.cutouts(i)[part], TILE) for i in samples]


def _glowing(images: list[np.ndarray], maps: Maps) -> list[np.ndarray]:
    """The maps laid over their images."""
    return [glow(image, heat) for image, heat in zip(images, maps.normalised(), strict=True)]


def _outlines(page: Page, samples: np.ndarray) -> list[np.ndarray]:
    """The ROI of each sample, bool (TILE, TILE)."""
    return [letterbox_mask(page.study.data.test.mask(i), TILE) for i in samples]


def _right(explained: Explained, maps: Maps) -> list[bool]:
    """Whether the explained class, which the model predicts, is the true one."""
    return (maps.targets == explained.cutouts.labels[maps.indices]).tolist()


def _rows(explained: Explained, samples: np.ndarray, models: pd.Series) -> pd.DataFrame:
    """The measures behind a picture."""
    return explained.samples[explained.samples["sample"].isin(samples) & models]
