"""Page 5, shown: whether maps depend on what was learnt."""

from __future__ import annotations

import numpy as np
import pandas as pd

from rvernet_book import alt, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.pages.gradcam import TILE
from rvernet_book.photo_grid import glow, grid_size, photo_grid
from rvernet_core.data.cutouts import letterbox
from rvernet_core.experiments.map_sanity import SAMPLES, STAGES, Sanity, SanityFacts


def table(page: Page, scores: pd.DataFrame, facts: SanityFacts) -> Bundle | None:
    """Rank correlations by branch; nothing where all maps are blank. Glues the facts for the prose."""
    _glue(page, facts)
    if scores.empty:
        return None
    ranks = scores.pivot(index=["model", "branch"], columns="against", values="rank")
    ranks = ranks[list(dict.fromkeys(scores["against"]))]
    return page.table(
        "sanity",
        ranks.reset_index(),
        caption="Rank correlation of the maps with those of the trained model (1: the same order of pixels; 0: none). "
        f"Columns one to three: fresh weights from the output downwards. {SAMPLES} samples of each seed.",
        data=scores,
        formats=dict.fromkeys(ranks.columns, "{:+.2f}"),
    )


def pictures(page: Page, sanity: Sanity) -> Bundle | None:
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
        caption="One sample a model, first seed: the map of the trained net, and after its weights were made random from the "
        "output downwards. Below: the mean rank correlation over all samples of the check.",
        size=grid_size(len(rows), len(names), title_lines=1, labels=0.85),
    )


def _glue(page: Page, facts: SanityFacts) -> None:
    """What is seen in the check, for the prose."""
    page.glue("sanity-samples", SAMPLES)
    page.glue("sanity-passed", facts.passed)
    page.glue("sanity-all", facts.branches)
    page.glue("sanity-random", facts.rank, "{:+.2f}")
    stable = [f"{style.label(model)} ({style.label(branch)})" for model, branch in facts.stable]
    text = "With one seed it cannot be said whether another training would draw the same maps"
    if not np.isnan(facts.seed_rank):
        text = (
            f"The maps of two trained seeds have a rank correlation of {facts.seed_rank:+.2f} on average, and for "
            f"{len(stable)} of {facts.branches} branches they agree more than those of trained and random nets do "
            f"({'; '.join(stable) or 'none'})"
        )
        if len(stable) < facts.branches:
            text += ". For the rest this cannot be shown, and a single picture of theirs should not be read"
    page.glue("sanity-seed-verdict", text)
    page.glue("sanity-blank", ", ".join(map(style.label, facts.blank)) or "no net")
