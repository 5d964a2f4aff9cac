"""Page 6, shown: what the single models know of positions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import AT_POWER
from rvernet_core.data import noise
from rvernet_core.experiments.inductive_bias import AS_RELEASED, OWN, BlindnessFacts, Positions, RollFacts
from rvernet_core.models.backbones import input_size


def position_table(page: Page, measured: Positions, facts: BlindnessFacts) -> Bundle:
    """Shuffles of own patches and of half patches, with and without position information."""
    page.glue("gone-change", _at_most(facts.change))
    page.glue("gone-same", "all" if facts.same == 1 else f"at least {_hundredths(facts.same, math.floor)} %")
    page.glue("gone-half", f"{_hundredths(facts.half, math.ceil)} %")
    page.glue("blindness", "holds" if facts.holds else "does not hold")
    return page.table(
        "position-information",
        measured.summary.reset_index(),
        caption=f"Shuffles of a net's own patches (of a CNN: of squares as wide as its total stride) and of half of them, on {measured.images} test ROIs: accuracy on clean images, share of answers that stay the same (mean over seeds), largest change of any logit (over all seeds).",
        labels={
            "positions": "position information",
            "patch": "patch, px",
            "accuracy": "accuracy, clean",
            "same_whole": "same answer, own patches",
            "change_whole": "change of a logit",
            "same_half": "same answer, half patches",
            "change_half": "change, half patches",
        },
        formats={
            "same_whole": "{:.0%}",
            "same_half": "{:.0%}",
            "change_whole": "{:.1e}",
            "change_half": "{:.1e}",
        },
        data=measured.blindness,
        keys=["seed"],
    )


def _at_most(value: float) -> str:
    """A number that `value` does not exceed, of one digit; `none` where there is no value."""
    if math.isnan(value):
        return "none"
    if value <= 0:
        return "0"
    unit = 10.0 ** math.floor(math.log10(value))
    return f"{math.ceil(round(value / unit, 6)) * unit:.0e}"


def _hundredths(share: float, rounded: Callable[[float], int]) -> str:
    """A share in whole per cent, rounded to the side that keeps a bound true; `none` where there is none."""
    return "none" if math.isnan(share) else str(rounded(round(100 * share, 6)))


def halves_table(page: Page, halves: pd.DataFrame) -> Bundle:
    """Whole tiles against half of them: tiles as the release cuts them, and the nets' own patches."""
    for key, tiles in (("halves-released", AS_RELEASED), ("halves", OWN)):
        difference = halves[halves["tiles"] == tiles].set_index("model")["difference"]
        for end, model in (("most", difference.idxmax()), ("least", difference.idxmin())):
            page.glue(f"{key}-{end}", f"{style.label(model)} ({difference[model]:+.3f})")
    size = input_size(page.study.profile.scale)
    return page.table(
        "own-against-half",
        halves,
        caption=f"The same in accuracy: whole tiles against half of them, and the paired difference. As released: tiles of 1/{noise.RELEASE_SIZE // noise.RELEASE_PATCH} of the input's side, cut from the photo before its border. Own patches (of a CNN: squares as wide as its total stride): cut from the input with its border, as the net cuts them. The smallest difference {AT_POWER}.",
        labels={"side": f"side of a tile, px of {size}", "whole": "whole tiles", "half": "half tiles"},
        intervals=["difference"],
        formats={"difference": "{:+.3f}"},
    )


def rolled_chart(page: Page, measured: Positions, facts: RollFacts) -> Bundle:
    """How far pooled features move when the image is rolled around."""
    page.glue("roll-step", facts.step)
    for key, (model, change) in (("roll-least", facts.least), ("roll-most", facts.most)):
        page.glue(key, style.label(model))
        page.glue(f"{key}-change", change, "{:.2f}")
    page.glue("cnn-story", facts.verdict)
    page.glue("cnn-change", facts.cnn, "{:.2f}")
    page.glue("transformer-change", facts.transformer, "{:.2f}")
    page.glue("off-grid", facts.off_grid, "{:.2f}")
    page.glue("on-grid", facts.on_grid, "{:.2f}")
    columns: dict[str, Any] = {"x": "step", "y": "change", "series": "model"}
    size = input_size(page.study.profile.scale)
    return page.figure(
        "rolled-features",
        lambda ax: charts.curves(
            ax,
            measured.rolled,
            **columns,
            low="low",
            high="high",
            ticks={step: str(step) for step in measured.rolled["step"].unique()},
            xlabel=f"roll to the right and up, px of {size}",
            ylabel="change of the pooled features",
        ),
        measured.rolled,
        alt=alt.of_curves(
            measured.rolled, what="the change of pooled features under a roll", **columns, fmt="{:.2f}"
        ),
        caption="How far pooled features move when the ROI is rolled around; 1 is the mean distance between two ROIs. Bands: range over seeds.",
        size=(7.4, 3.2),
    )


def answer(page: Page, blindness: BlindnessFacts, rolls: RollFacts) -> html.Html:
    """Which parts of the usual explanation hold."""
    blind = "holds" if blindness.holds else "does not hold"
    changes = (
        ""
        if math.isnan(rolls.cnn + rolls.transformer)
        else f" ({rolls.cnn:.2f} against {rolls.transformer:.2f})"
    )
    return page.headline(
        f"Of the usual explanation, inductive bias, this **{blind}**: a net without position information does not see a "
        f"shuffle of its own patches. That a rolled image moves the features of the CNN less than those of any transformer "
        f"**{rolls.verdict}**{changes}. How much of a loss under noise either explains was not measured."
    )
