"""Page 8, shown: RveRNet taken apart."""

from __future__ import annotations

from typing import Any

import pandas as pd

from rvernet_book import alt, charts, grids, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.photo_grid import grid_size, photo_grid
from rvernet_book.tables import AT_POWER, interval, with_bounds
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments import ablations
from rvernet_core.experiments.ablations import FILLS, METRICS, Models, PartFacts, Turned


def part_table(page: Page, parts: pd.DataFrame, facts: PartFacts) -> Bundle:
    """The ablated pairs with one thing changed."""
    worst = facts.worst
    change = interval(worst["change"], worst["change_low"], worst["change_high"], "{:+.3f}")
    page.glue("worst-part", f"{worst['variant']} ({style.label(worst['model'])})")
    page.glue("worst-change", change)
    page.glue("frozen-lower", facts.lower)
    page.glue("frozen-higher", facts.higher)
    page.glue("frozen-all", facts.changes)
    return page.table(
        "ablation-parts",
        parts[["model", "variant", *with_bounds(("accuracy", "pair_f1", "change")), "p", "smallest"]],
        caption="The ablated pairs with one thing changed, and the change of their accuracy, with 95 % intervals over "
        f"{page.over}; the smallest change {AT_POWER}.",
        labels={"change": "change in accuracy", "pair_f1": "F1 of the pair"},
        formats={"change": "{:+.3f}"},
        intervals=["accuracy", "pair_f1", "change"],
        data=parts,
    )


def part_chart(page: Page, parts: pd.DataFrame) -> Bundle:
    """The same as dots."""
    columns: dict[str, Any] = {"label": "variant", "value": "accuracy", "series": "model"}
    columns |= {"low": "accuracy_low", "high": "accuracy_high"}
    return page.figure(
        "ablation-parts-chart",
        lambda ax: charts.dots(ax, parts, **columns, xlabel="top-1 accuracy"),
        parts[["model", "variant", "accuracy", "accuracy_low", "accuracy_high"]],
        alt=alt.of_dots(parts, what="accuracy of the ablated pairs by variant", **columns),
        caption="Accuracy of RveRNet as it is, with modules frozen, and with pooled features.",
        size=(7.4, 0.62 * parts["variant"].nunique() + 1.0),
    )


def width_chart(page: Page, widths: pd.DataFrame) -> Bundle:
    """Accuracy by the width of the integration module."""
    columns: dict[str, Any] = {"x": "width", "y": "accuracy", "series": "pair"}
    bounds = [f"{name}_{end}" for name in METRICS for end in ("low", "high")]
    return page.figure(
        "head-width",
        lambda ax: charts.curves(
            ax,
            widths,
            **columns,
            low="accuracy_low",
            high="accuracy_high",
            xlabel="units of the integration module",
            ylabel="top-1 accuracy",
            log=True,
        ),
        widths[["pair", "width", *METRICS, *bounds]],
        alt=alt.of_curves(widths, what="accuracy by the width of the integration module", **columns),
        caption="Accuracy by the width of the integration module, with 95 % intervals.",
        size=(7.4, 3.2),
    )


def context_table(page: Page, models: Models, scores: pd.DataFrame) -> Bundle:
    """Single models on either cut-out, and RveRNet in every context."""
    for name, key in zip(models.ambiguous, ("first", "second"), strict=True):
        page.glue(key, name)
    return page.table(
        "ablation-context",
        scores[["context", "model", *with_bounds(("accuracy", "pair_f1"))]],
        caption="Single models that see one cut-out, and RveRNet with its own, no or a foreign context at the test.",
        labels={"context": "what is seen", "pair_f1": "F1 of the pair"},
        intervals=["accuracy", "pair_f1"],
        data=scores,
    )


def swap_chart(page: Page, models: Models, swapped: pd.DataFrame) -> Bundle:
    """Whose class is predicted under the other class's context."""
    followed = swapped[swapped["predicted"] == "the context's class"]
    page.glue("follow", ", ".join(f"{share:.0%}" for share in followed["share"]))
    page.glue("swap-model", " and ".join(map(style.label, followed["model"])))
    first, second = models.ambiguous
    columns: dict[str, Any] = {"label": "predicted", "value": "share", "series": "model"}
    columns |= {"low": "share_low", "high": "share_high"}
    return page.figure(
        "context-swap",
        lambda ax: charts.dots(ax, swapped, **columns, xlabel="share of exchanged samples"),
        swapped,
        alt=alt.of_dots(swapped, what="what RveRNet predicts under the other class's context", **columns),
        caption=f"{first} with the surroundings of {second}, and the reverse: whose class is predicted.".capitalize(),
        size=(7.4, 0.5 * len(swapped) + 1.2),
    )


def answer(page: Page, swapped: pd.DataFrame, facts: PartFacts) -> html.Html:
    """Whether the prediction follows the context, and what freezing costs."""
    followed = swapped[swapped["predicted"] == "the context's class"]
    bounds = followed[["share", "share_low", "share_high"]].to_numpy()
    shares = ", ".join(interval(value, low, high, "{:.0%}") for value, low, high in bounds)
    names = " and ".join(f"**{style.label(name)}**" for name in followed["model"])
    return page.headline(
        f"Under the other class's surroundings the prediction of {names} is the context's class in {shares} of the cases"
        f"{', in this order' if len(followed) > 1 else ''}; of {facts.changes} changes to the pairs {facts.lower} are shown "
        f"to lower the accuracy and {facts.higher} to raise it."
    )


def turned_photos(page: Page, turned: Turned) -> Bundle | None:
    """One ROI, two contexts; nothing where no answer turns."""
    rows = turned.rows
    page.glue("turned", len(rows))
    if rows.empty:
        return None
    titles = [[""] * len(rows), *[[f"“{name}”" for name in rows[when]] for when in ("before", "after")]]
    return page.figure(
        "context-swapped",
        lambda ax: photo_grid(
            ax,
            turned.images,
            titles=titles,
            row_labels=["ROI", "own context", "exchanged"],
            title_lines=1,
        ),
        rows[["sample", "context_source"]],
        alt=alt.of_photos(titles[1:], what="one ROI under its own and under a foreign context"),
        caption=f"One ROI, two contexts: what {style.label(comparisons.model_name(turned.pair))} of the first seed calls it. "
        "Shown are only samples whose answer turned: right in their own context, and the other class in the other's.",
        size=grid_size(3, len(rows), title_lines=1, labels=0.9),
    )


def cutout_chart(page: Page, models: Models, accuracy: pd.DataFrame) -> Bundle:
    """Accuracy on other cut-outs of the same photos."""
    page.glue("mask-photos", ablations.mask_photos(page.study))
    names = [comparisons.model_name(name) for name in (*models.singles, *models.pairs)]
    order = list(dict.fromkeys(accuracy["cutouts"]))
    wide = accuracy.pivot(index="model", columns="cutouts", values="accuracy").loc[names, order]
    return page.figure(
        "mask-quality",
        lambda ax: grids.heat(
            ax, wide, fmt="{:.2f}", xlabel="cut-outs at the test", ylabel="", mark=None, square=False
        ),
        accuracy,
        alt=alt.of_heat(wide, what="accuracy", rows="model", columns="cut-outs at the test"),
        caption=f"Accuracy of models trained on {page.study.profile.data.masks} masks and black filling, tested on other cut-outs of the same photos.",
        size=(7.4, 0.42 * len(wide) + 1.2),
    )


def change_table(page: Page, changes: pd.DataFrame) -> Bundle:
    """Change in accuracy with Segment Anything's masks and with other fillings."""
    for name, key in (("SAM", "sam"), *((fill, fill) for fill in FILLS)):
        change = changes.loc[changes["cutouts"] == name, "change"]
        page.glue(f"{key}-change", f"{change.min():+.3f} to {change.max():+.3f}")
    sam = changes[changes["cutouts"] == "SAM"]
    page.glue("sam-lower", int((comparisons.shown(sam, "change") < 0).sum()))
    page.glue("sam-models", len(sam))
    return page.table(
        "mask-changes",
        changes,
        caption=f"Change in accuracy against exact masks and black filling; the smallest change {AT_POWER}.",
        labels={"change": "change in accuracy", "cutouts": "cut-outs"},
        formats={"change": "{:+.3f}"},
        intervals=["change"],
    )
