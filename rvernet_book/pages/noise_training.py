"""Page 6, shown: models that are trained with noise, what that costs and buys, and who profits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import AT_POWER, interval, with_bounds
from rvernet_core.data.augmentation import SEVERITY
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments.noise_training import CLEAN, KINDS, TRAININGS, VERDICTS, Trained, TrainingFacts

TESTED = {name: f"tested {name}" if name == CLEAN else f"tested under {name}" for name in TRAININGS}
NUMBERS = ("costs", "buys", "carries over")


def score_table(page: Page, trained: Trained, scores: pd.DataFrame) -> Bundle:
    """Accuracy of every model by what it is trained with; glues how it was trained."""
    page.glue("noise-share", trained.share, "{:.0%}")
    page.glue("noise-severity", " to ".join(f"{bound:g}" for bound in SEVERITY))
    page.glue("noise-trained-photos", trained.photos)
    page.glue("noise-trained-seeds", _seeds(scores))
    page.glue("noise-trained-models", len(trained.models))
    wide = comparisons.widened(scores, ["model", "trained with"], "tested")
    order = list(dict.fromkeys(zip(scores["model"], scores["trained with"], strict=True)))
    order.sort(key=lambda key: list(scores["model"].unique()).index(key[0]))  # the trainings stand together
    return page.table(
        "noise-training",
        wide.loc[order, with_bounds(TRAININGS)].reset_index(),
        caption=f"Accuracy of models that are trained clean or with noise on {trained.share:.0%} of the batches: on all clean test photos, and under each noise at the release's setting on the first {trained.photos}. Over {_seeds(scores)}.",
        intervals=list(TRAININGS),
        data=scores,
    )


def change_chart(page: Page, changes: pd.DataFrame) -> Bundle:
    """What training with each noise changes, clean and under both noises."""
    rows = changes.assign(series=changes["tested"].map(TESTED))
    columns: dict[str, Any] = {"label": "model", "value": "value", "low": "low", "high": "high"}
    columns |= {"series": "series", "references": {"no change": 0.0}, "fmt": "{:+.3f}"}
    parts = {kind: rows[rows["trained with"] == kind] for kind in KINDS}

    def draw(axes) -> None:
        for ax, (kind, part) in zip(np.atleast_1d(axes), parts.items(), strict=True):
            xlabel = f"accuracy trained with {kind}, minus accuracy trained clean"
            charts.dots(ax, part, **columns, xlabel=xlabel)

    what = "the change of accuracy by training with {kind}, against training clean"
    return page.figure(
        "noise-training-chart",
        draw,
        changes,
        alt=" ".join(
            alt.of_dots(part, what=what.format(kind=kind), **columns) for kind, part in parts.items()
        ),
        caption=f"What training with noise changes in accuracy, on clean photos and under either noise; above with permutation, below with translocation. Lines are 95 % intervals of the paired difference; the data have p after Holm's correction and the smallest difference {AT_POWER}.",
        grid=(len(parts), 1),
        size=(7.4, len(parts) * (1.1 + 0.5 * changes["model"].nunique())),
    )


def profit_table(page: Page, profits: pd.DataFrame) -> Bundle:
    """Who profits, by model and noise."""
    measured = [f"{name}{end}" for name in NUMBERS for end in ("", "_low", "_high", "_p")]
    tests = {f"{name}_p": "p, Holm" for name in NUMBERS}
    return page.table(
        "who-profits",
        profits[["model", "trained with", *measured, "comes back", "verdict"]],
        caption=f"Who profits: what training with a noise changes on clean photos (costs), under that noise (buys) and under the other one (carries over), each with p after Holm's correction over all changes; and how much comes back of the accuracy that the noise takes from the same model trained clean, where that loss is clear. Verdicts by the corrected p. The file has that loss and the smallest change, too, {AT_POWER}.",
        labels={"costs": "clean", "buys": "under this noise", "carries over": "under the other noise"}
        | tests,
        formats=dict.fromkeys(NUMBERS, "{:+.3f}") | dict.fromkeys(tests, "{:.2g}") | {"comes back": "{:.0%}"},
        intervals=NUMBERS,
        data=profits,
    )


def answer(page: Page, facts: dict[str, TrainingFacts]) -> html.Html:
    """What training with each noise costs and buys, and who profits."""
    parts = []
    for kind, f in facts.items():
        for key, value in (("costs", f.costs), ("buys", f.buys), ("carries", f.carries)):
            page.glue(f"trained-{kind}-{key}", value, "{:+.3f}")
        for key, (model, gain) in (("most", f.most), ("least", f.least)):
            page.glue(f"trained-{kind}-{key}", f"{style.label(model)} ({gain:+.3f})")
        page.glue(f"trained-{kind}-spread", interval(f.spread.value, f.spread.low, f.spread.high, "{:+.3f}"))
        page.glue(f"trained-{kind}-gaining", style.listed(f.gaining.group[1:]) or "none")
        page.glue(f"trained-{kind}-test", f"F = {f.test.statistic:.1f}, p = {f.test.p:.2g}")
        words = "depends on the architecture" if f.depends else "does not show to depend on the architecture"
        page.glue(f"trained-{kind}-depends", words)
        for name in VERDICTS:
            page.glue(f"trained-{kind}-{name.replace(',', '').replace(' ', '-')}", f.counts[name])
        models = sum(f.counts.values())
        page.glue(f"trained-{kind}-shown", f"{f.shown} of {models}")
        page.glue(f"trained-{kind}-above", f"{f.above} of {models}")
        page.glue(f"trained-{kind}-carried", f.carried)
        page.glue(f"trained-{kind}-harmed", f.harmed)
        parts.append(
            f"Training with {kind} changes accuracy under it by {f.buys:+.3f} on average, from {f.least[1]:+.3f} "
            f"({style.label(f.least[0])}) to **{f.most[1]:+.3f}** ({style.label(f.most[0])}), "
            f"on clean photos by {f.costs:+.3f} and under the other noise by {f.carries:+.3f}; shown to gain under "
            f"{kind}: {f.shown} of {models} models ({f.above} have an interval of their own above zero)."
        )
    return page.headline(" ".join(parts))


def _seeds(scores: pd.DataFrame) -> str:
    seeds = int(scores["seeds"].iloc[0])
    return f"{seeds} seed{'s' if seeds != 1 else ''}"
