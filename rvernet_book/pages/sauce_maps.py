"""Page 5, shown: where the extra-ROI branch looks when it rescues a sauce, and when it loses one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.answer_grid import Answered, answer_grid, answer_size, in_words
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.pages.gradcam import TILE, edges
from rvernet_book.photo_grid import glow
from rvernet_book.tables import AT_POWER, beyond, interval
from rvernet_core.data.cutouts import letterbox, letterbox_mask
from rvernet_core.evaluation.comparisons import model_name
from rvernet_core.experiments.sauce_maps import CASES, LOST, RESCUED, Look, Sauces, Shown, Verdict

#: Whose colour stands for a region.
REGION_COLOURS = {
    "companions": "extra_roi",
    "neutral foods": "both",
    "cut-out sauce": "chili paste",
    "plate and table": "single",
    "gray border": "muted",
}


def companion_table(page: Page, energy: pd.DataFrame, companions: pd.DataFrame) -> Bundle | None:
    """Energy on the companions; nothing where none are known. Publishes the energy of all samples."""
    if companions.empty:
        page.glue("companions-note", "This data set has no known companions, so this part is left out.")
        return None
    page.glue(
        "companions-note",
        "Neutral foods serve as a check: they lie beside the sauces too, but tell nothing.",
    )
    page.attach("sauces", energy.drop(columns="unit").round(4))
    return page.table(
        "companions",
        companions,
        caption="Share of the extra-ROI branch's energy on the companion foods, for rescued sauces, for lost ones and "
        "for all. Counts are those of all seeds together; all else is the mean of the seeds' means. Intervals over "
        f"{page.over}; the smallest difference to other sauces' maps {AT_POWER}."
        + beyond(companions, "energy"),
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
        f"region's area, with 95 % intervals over {page.over}.",
        size=(7.4, 0.8 * frame["model"].nunique() + 1.2),
    )


def pictures(page: Page, sauces: Sauces, shown: Shown) -> Bundle | None:
    """Sauces that RveRNet rescues, others that it loses, and where its extra-ROI branch looks; None of none."""
    if shown.model is None:
        return None
    name = model_name(shown.model)
    energy = sauces.energy[sauces.energy["model"] == name].drop(columns="unit")
    energy = energy[energy["seed"] == energy["seed"].min()]
    groups = [
        _pictured(page, sauces, shown, case, energy[energy["region"] == "companions"].set_index("sample"))
        for case in CASES
        if shown.samples[case]
    ]
    chosen = [i for samples in shown.samples.values() for i in samples]
    return page.figure(
        "rescued-maps",
        lambda ax: answer_grid(ax, groups),
        energy[energy["sample"].isin(chosen)],
        alt=in_words(groups, "Sauces that RveRNet rescues or loses: photo, and map of the extra-ROI branch"),
        caption=f"The first sauces that {style.label(name)} rescues, and the first that it loses, first seed: outlines of "
        "the sauce (white) and of its companions (blue), the map of the extra-ROI branch, the answers of the single "
        "model and of RveRNet, and the share of the map's energy on the companions.",
        size=answer_size(groups),
    )


def _pictured(page: Page, sauces: Sauces, shown: Shown, case: str, rows: pd.DataFrame) -> Answered:
    """The sauces of one kind; `rows`: their energy on the companions, by sample."""
    assert shown.model is not None
    test, classes, samples = page.study.data.test, page.study.classes, shown.samples[case]
    places = np.searchsorted(sauces.samples, samples)
    heats = sauces.maps[shown.model][0][places].normalised()
    companions = sauces.regions["companions"][places]
    outlines = [
        [edge, letterbox_mask(mask, TILE)]
        for edge, mask in zip(edges(page, samples), companions, strict=True)
    ]
    context = [letterbox(test.cutouts(i)[1], TILE) for i in samples]
    own = rows.loc[samples]
    return Answered(
        f"{case} by {style.label(model_name(shown.model))}",
        {
            "photo": [letterbox(test.photo(i), TILE) for i in samples],
            "map": [glow(photo, heat) for photo, heat in zip(context, heats, strict=True)],
        },
        [classes[label] for label in own["truth"]],
        {
            shown.model[0]: [classes[label] for label in own["single"]],
            model_name(shown.model): [classes[label] for label in own["pair"]],
        },
        outlines,
        outlined=2,
        notes={"on companions": [f"{share:.0%}" for share in own["energy"]]},
    )


def answer(page: Page, energy: pd.DataFrame, verdict: Verdict | None) -> html.Html | None:
    """Where the extra-ROI branch looks when RveRNet rescues or loses a sauce; no headline where unknown."""
    if verdict is None:
        text = "Where the extra-ROI branch looks cannot be answered here"
        if len(energy):
            text = "No sauce was rescued and none was lost, so there is nothing to explain"
        page.glue("companions-verdict", text)
        page.glue("companions-all", "Of all sauces nothing is known here")
        return None
    counts = {case: verdict.looks[case].count if case in verdict.looks else 0 for case in CASES}
    text = (
        f"Counted over {len(page.seeds)} seed{'s' * (len(page.seeds) != 1)}, **{style.label(verdict.model)}** rescues "
        f"{counts[RESCUED]} sauce{'s' * (counts[RESCUED] != 1)} and loses {counts[LOST]}. "
    )
    whens = {RESCUED: "When it rescues one", LOST: "When it loses one"}
    text += " ".join(f"{whens[case]}, {_looking(look)}." for case, look in verdict.looks.items())
    more, less = (style.which(names, verdict.compared) for names in (verdict.more, verdict.less))
    page.glue(
        "companions-all",
        "Over all sauces, by intervals without a correction, RveRNets that put more of this energy on the companions than the "
        f"maps of other sauces do: {more}; less: {less}",
    )
    page.glue("companions-verdict", html.plain(text).removesuffix("."))
    return page.headline(text)


def _looking(look: Look) -> str:
    more = {1: "more than", -1: "less than", 0: "not shown to differ from"}
    unknown = np.isnan(look.energy[1])
    share = f"{look.energy[0]:.0%}" if unknown else interval(*look.energy, "{:.0%}")
    if unknown:
        return (
            f"its extra-ROI branch puts {share} of its energy on the companions, which cover {look.area:.0%} of the picture; "
            "these are too few to tell more"
        )
    power = ""
    if not look.above_other and not np.isnan(look.smallest):
        power = f" (smallest difference found with a power of 80 %: {look.smallest:.0%})"
    then = "nor from" if look.above_area == look.above_other == 0 else f"and {more[look.above_other]}"
    return (
        f"its extra-ROI branch puts {share} of its energy on the companions, {more[look.above_area]} their share of the "
        f"picture ({look.area:.0%}) {then} what the maps of other sauces put there{power}"
    )
