"""Page 8, shown: RveRNet taken apart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from rvernet_book import alt, charts, grids, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.photo_grid import grid_size, photo_grid
from rvernet_book.tables import AT_POWER, interval, with_bounds
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments import ablations
from rvernet_core.experiments.ablations import (
    EXACT,
    FILLS,
    IN_CONTEXT,
    METRICS,
    OTHER_CONTEXT,
    WIDTH,
    Models,
    PartFacts,
    Turned,
)


def part_table(page: Page, parts: pd.DataFrame, facts: PartFacts) -> Bundle:
    """The ablated pairs with one thing changed."""
    what = "the largest fall" if facts.worst["change"] < 0 else "no accuracy falls; the least change"
    page.glue("worst-part", f"{what} is that of {_part(facts)}: {_change(facts.worst)}")
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


def _part(facts: PartFacts) -> str:
    """The change with the largest fall, and its pair."""
    return f"{facts.worst['variant']} ({style.label(facts.worst['model'])})"


def _change(row: Mapping[Any, Any]) -> str:
    """A change in accuracy with its interval."""
    return interval(row["change"], row["change_low"], row["change_high"], "{:+.3f}")


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
    """Accuracy by the width of the integration module; glues the ends, and how many changes are shown."""
    lines = []
    for pair, rows in widths.groupby("pair", sort=False):
        ends = (rows.loc[rows["width"].idxmin()], rows.loc[rows["width"].idxmax()])
        lines.append(
            f"{style.label(str(pair))} " + ", ".join(f"{_change(end)} with {end['width']}" for end in ends)
        )
    others = widths[widths["width"] != WIDTH]
    signs = comparisons.shown(others, "change")
    page.glue("width-changes", "; ".join(lines))
    page.glue("width-lower", f"{int((signs < 0).sum())} of {len(others)}")
    page.glue("width-higher", f"{int((signs > 0).sum())} of {len(others)}")
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
        widths[["pair", "width", *METRICS, *bounds, *with_bounds(["change"]), "p", "smallest"]],
        alt=alt.of_curves(widths, what="accuracy by the width of the integration module", **columns),
        caption=f"Accuracy by the width of the integration module, with 95 % intervals. The data have the paired change against {WIDTH} units, p after Holm's correction over all of them, and the smallest change {AT_POWER}.",
        size=(7.4, 3.2),
    )


def context_table(page: Page, models: Models, scores: pd.DataFrame) -> Bundle:
    """Single models on either cut-out, and RveRNet in every context."""
    for name, key in zip(models.ambiguous, ("first", "second"), strict=True):
        page.glue(key, name)
    changes = scores.dropna(subset=["change"])
    for key, context in (("black", "black"), ("same", "same class, another photo"), ("other", OTHER_CONTEXT)):
        rows = changes[changes["context"] == f"{IN_CONTEXT}{context}"]
        lines = (f"{style.label(row['model'])} {_change(row)}" for row in rows.to_dict("records"))
        lower = int((comparisons.shown(rows, "change") < 0).sum())
        page.glue(f"{key}-change", "; ".join(lines))
        page.glue(f"{key}-lower", f"{lower} of {len(rows)}")
    return page.table(
        "ablation-context",
        scores[["context", "model", *with_bounds(("accuracy", "pair_f1", "change")), "p", "smallest"]],
        caption="Single models that see one cut-out, and RveRNet with its own, no or a foreign context at the test. The change "
        f"in accuracy, over all classes, is that against its own context, over {page.over}; the smallest change {AT_POWER}.",
        labels={"context": "what is seen", "pair_f1": "F1 of the pair", "change": "change in accuracy"},
        formats={"change": "{:+.3f}"},
        intervals=["accuracy", "pair_f1", "change"],
        data=scores,
    )


#: A share of `swapped` -> which class is named, in whose context.
NAMED = {
    "exchanged": "the other class, in its context",
    "own": "the other class, in the own context",
    "stays": "the own class, in the other's context",
}


def swap_chart(page: Page, models: Models, swapped: pd.DataFrame) -> Bundle:
    """How often the other class is named in its context and in the own one."""
    parts = []
    for share, what in NAMED.items():
        ends = {f"share{end}": swapped[f"{share}{end}"] for end in ("", "_low", "_high")}
        parts.append(pd.DataFrame({"model": swapped["model"], "named": what} | ends))
    shares = pd.concat(parts, ignore_index=True)
    first, second = models.ambiguous
    columns: dict[str, Any] = {"label": "named", "value": "share", "series": "model"}
    columns |= {"low": "share_low", "high": "share_high"}
    return page.figure(
        "context-swap",
        lambda ax: charts.dots(ax, shares, **columns, xlabel="share of exchanged samples"),
        shares,
        alt=alt.of_dots(shares, what="which class RveRNet names, by whose context it sees", **columns),
        caption=f"{first.capitalize()} with the surroundings of {second}, and the reverse: which class is named. The "
        "other class is named by mistake in the own context, too; only what its context adds to that follows the context.",
        size=(7.4, 0.5 * len(shares) + 1.2),
    )


def answer(
    page: Page, models: Models, swapped: pd.DataFrame, facts: PartFacts, scores: pd.DataFrame
) -> html.Html:
    """What freezing costs, what another context costs, and whether answers follow it."""
    lines = (
        f"**{style.label(row['model'])}** {row['exchanged']:.0%} and {row['own']:.0%} ({_points(row)})"
        for row in swapped.to_dict("records")
    )
    follows = int((comparisons.shown(swapped, "difference") > 0).sum())
    named = "; ".join(lines)
    page.glue("follow", html.plain(named))
    page.glue("followers", f"{follows} of {len(swapped)}")
    changes = scores.dropna(subset=["change"])
    falls = int((comparisons.shown(changes, "change") < 0).sum())
    return page.headline(
        f"Of {facts.changes} changes to the pairs {facts.lower} are shown to lower the accuracy and {facts.higher} to raise "
        f"it; with another context than the own at the test it is shown to fall in {falls} of {len(changes)} comparisons. "
        f"{' and '.join(models.ambiguous).capitalize()} are named as each other in the other's surroundings and, by mistake, in their own: {named}; shown "
        f"to follow the exchanged surroundings: {follows} of {len(swapped)} pairs."
    )


def _points(row: Mapping[Any, Any]) -> str:
    """The difference of two shares in percentage points, with its interval."""
    value, low, high = (100 * row[f"difference{end}"] for end in ("", "_low", "_high"))
    return f"{interval(value, low, high, '{:+.0f}')} points"


def turned_photos(page: Page, turned: Turned) -> Bundle | None:
    """One ROI, two contexts; nothing where no answer turns."""
    rows = turned.rows
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
    sizes = [name for name in order if name.endswith("%")]
    moved = wide[sizes].sub(wide[EXACT], axis=0)
    page.glue("grown", "; ".join(f"{n} {moved[n].min():+.3f} to {moved[n].max():+.3f}" for n in sizes))
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
        own = changes["cutouts"] == name
        change = changes.loc[own, "change"]
        lower = int((comparisons.shown(changes[own], "change") < 0).sum())
        page.glue(f"{key}-cut", f"{change.min():+.3f} to {change.max():+.3f}")
        page.glue(f"{key}-cut-lower", f"{lower} of {len(change)}")
    return page.table(
        "mask-changes",
        changes,
        caption=f"Change in accuracy against exact masks and black filling; the smallest change {AT_POWER}.",
        labels={"change": "change in accuracy", "cutouts": "cut-outs"},
        formats={"change": "{:+.3f}"},
        intervals=["change"],
    )
