"""Page 9, shown: the weight of look and company, exchanged contexts, other laws."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import interval, with_bounds
from rvernet_core.experiments.how_context_is_used import SMALLEST, Context, MisleadFacts, WeightFacts

UNKNOWN = "unknown"
NONE = "none"  # in prose, where no RveRNet has a ratio of weights


def weight_table(page: Page, weights: pd.DataFrame) -> Bundle | None:
    """Weights of both cues, of every model; nothing where no law is known."""
    if weights.empty:
        return None
    bounds = with_bounds(("look", "company", "ratio"))
    return page.table(
        "cue-weights",
        weights[["classes", "model", *bounds]],
        caption="Log odds of the first class that one standard deviation of the look, and company of that class, add to "
        "each model's answers, with 95 % intervals; for the ideal observer those of the law.",
        labels={"ratio": "company / look"},
        intervals=["look", "company", "ratio"],
        data=weights,
    )


def weight_chart(page: Page, weights: pd.DataFrame, facts: WeightFacts) -> Bundle | None:
    """The ratio of the weights against the optimum, RveRNets and single models."""
    if weights.empty:
        return None
    rows = weights[weights["ratio"].notna()].sort_values("ratio")
    columns: dict[str, Any] = {"label": "model", "value": "ratio", "low": "ratio_low", "high": "ratio_high"}
    references = {"the best": facts.optimum, "look alone": 0.0}
    return page.figure(
        "cue-weights-chart",
        lambda ax: charts.dots(
            ax,
            rows,
            **columns,
            references=references,
            fmt="{:.2f}",
            xlabel="weight of company / weight of look",
        ),
        rows[["model", "kind", "ratio", "ratio_low", "ratio_high"]],
        alt=alt.of_dots(rows, what="weight of the company over weight of the look", **columns),
        caption="How much an architecture relies on the company, against what is best, on the sauces.",
        size=(7.4, 0.34 * len(rows) + 1.2),
    )


def answer(page: Page, facts: WeightFacts, mislead: MisleadFacts) -> html.Html:
    """Who weighs well, and where context begins to mislead."""
    low, high = facts.lowest, facts.highest
    page.glue("optimum", UNKNOWN if math.isnan(facts.optimum) else f"{facts.optimum:.2f}")
    for key, row in (("least", low), ("most", high)):
        text = NONE if row is None else interval(row["ratio"], row["ratio_low"], row["ratio_high"], "{:.2f}")
        page.glue(f"{key}-model", NONE if row is None else style.label(row["model"]))
        page.glue(f"{key}-ratio", text)
    for name in ("covering", "below", "above", "pairs", "singles", "singles_on_company"):
        page.glue(name.replace("_", "-"), getattr(facts, name))
    page.glue("crossing-count", mislead.crossing)
    for name, value in (("low", mislead.lowest), ("high", mislead.highest)):
        page.glue(f"crossing-{name}", f"{value:.2f}" if mislead.crossing else NONE)
    where = (
        f"it helps above a context strength of {mislead.lowest:.2f} to {mislead.highest:.2f} and misleads below"
        if mislead.crossing
        else "no strength of the context was found at which it begins to mislead"
    )
    if math.isnan(facts.optimum):
        data = page.study.profile.data.name
        return page.headline(f"The law of {data} is not known, so look and company have no weights there.")
    if low is None or high is None:
        return page.headline(
            f"No RveRNet's answers follow the look, so none has a ratio of weights; {where}."
        )
    ends = [f"{row['ratio']:.2f} (**{style.label(row['model'])}**)" for row in (low, high)]
    who, weight = ("RveRNets weigh", " to ".join(ends)) if facts.pairs > 1 else ("RveRNet weighs", ends[0])
    return page.headline(
        f"{who} company against look {weight} to one, where {facts.optimum:.2f} is best; {where}."
    )


def exchange_table(page: Page, exchanged: pd.DataFrame) -> Bundle:
    """Whose class is named under the other class's surroundings."""
    page.glue("follow-range", f"{exchanged['follows'].min():.0%} to {exchanged['follows'].max():.0%}")
    known = "ideal observer" in exchanged
    page.glue("follow-ideal", f"{exchanged['ideal observer'].mean():.0%}" if known else UNKNOWN)
    return page.table(
        "context-exchanged",
        _without_smallest(exchanged),
        caption="Sauces under the surroundings of one of the other class: share that is called the context's class.",
        labels={"follows": "follows the context"},
        intervals=["follows"],
        data=exchanged,
    )


def _without_smallest(frame: pd.DataFrame) -> pd.DataFrame:
    """As readers see it: what could have been found stands in a table of its own."""
    return frame.drop(columns=[name for name in frame if name.startswith(SMALLEST)])


def smallest_table(page: Page, smallest: pd.DataFrame) -> Bundle | None:
    """What the page's numbers could have told from zero; nothing without any."""
    if smallest.empty:
        return None
    names = {
        "look": "weight of the look",
        "company": "weight of the company",
        "distance": "distance from the exact posterior",
        "excess": "excess log loss",
        "follows": "share that follows the context",
    }
    return page.table(
        "smallest-found",
        smallest.assign(quantity=smallest["quantity"].map(names)),
        caption="What this page could have found: the smallest true number, or change of it, that is told from none with "
        "a power of 80 %, over the models of the tables above.",
        labels={"count": "numbers"},
    )


def exchange_chart(page: Page, exchanged: pd.DataFrame) -> Bundle:
    """The same as dots, with the ideal observer where the law is known."""
    columns: dict[str, Any] = {"label": "model", "value": "follows"}
    columns |= {"low": "follows_low", "high": "follows_high"}
    known = "ideal observer" in exchanged
    references = {"ideal observer": float(exchanged["ideal observer"].mean())} if known else {}
    return page.figure(
        "context-exchanged-chart",
        lambda ax: charts.dots(
            ax,
            exchanged,
            **columns,
            references=references,
            fmt="{:.0%}",
            xlabel="share that follows the context",
        ),
        _without_smallest(exchanged),
        alt=alt.of_dots(
            exchanged, what="how often the exchanged context is followed", **columns, references=references
        ),
        caption="How often the answer is the class of the exchanged context.",
        size=(7.4, 0.34 * len(exchanged) + 1.2),
    )


def rho_chart(page: Page, context: Context, table: pd.DataFrame) -> Bundle | None:
    """Accuracy by how often the company agrees, at the test."""
    if table.empty:
        return None
    return _law_chart(
        page,
        table,
        "rho-sweep",
        "rho",
        "share of items whose company agrees, at the test",
        f"Accuracy on {' and '.join(context.sauces.pair)} of models trained where the company agrees in "
        f"{context.sauces.law.rho:.0%}, by how often it agrees at the test.",
    )


def d_chart(page: Page, context: Context, table: pd.DataFrame) -> Bundle | None:
    """Accuracy by the distance of the looks, at the test."""
    if table.empty:
        return None
    return _law_chart(
        page,
        table,
        "d-sweep",
        "d",
        "distance of the looks in standard deviations, at the test",
        f"Accuracy on {' and '.join(context.sauces.pair)} of models trained at a distance of "
        f"{context.sauces.law.d:g}, by the distance at the test.",
    )


def _law_chart(page: Page, table: pd.DataFrame, name: str, x: str, xlabel: str, caption: str) -> Bundle:
    columns: dict[str, Any] = {"x": x, "y": "accuracy", "series": "model"}
    bounds: dict[str, Any] = {"low": "accuracy_low", "high": "accuracy_high"}
    return page.figure(
        name,
        lambda ax: charts.curves(
            ax, table, **columns, **bounds, markers=False, xlabel=xlabel, ylabel="accuracy on the pair"
        ),
        table,
        alt=alt.of_curves(table, what=f"accuracy on the sauces by {xlabel}", **columns),
        caption=caption,
        size=(7.4, 4.4),
    )


def crossing_table(page: Page, crossings: pd.DataFrame) -> Bundle | None:
    """Where company agrees, where it misleads, and the strength at which the two cancel."""
    if crossings.empty:
        return None
    return page.table(
        "rho-crossing",
        crossings,
        caption="Accuracy on the sauces where the company agrees and where it misleads, and the context strength above "
        "which RveRNet is better than its ROI module alone.",
        intervals=["company agrees", "company misleads"],
        formats={"context helps above rho": "{:.2f}"},
    )


def belief_table(page: Page, beliefs: pd.DataFrame) -> Bundle | None:
    """Beliefs against the exact posterior; nothing where the probabilities were not kept."""
    names = ("nearest-believer", "nearest-distance", "farthest-believer", "farthest-distance")
    glued: dict[str, str] = dict.fromkeys(names, "unknown")
    if len(beliefs):
        first = beliefs[beliefs["classes"] == beliefs["classes"].iloc[0]].sort_values("distance")
        for end, row in (("nearest", first.iloc[0]), ("farthest", first.iloc[-1])):
            glued[f"{end}-believer"] = style.label(row["model"])
            glued[f"{end}-distance"] = interval(row["distance"], row["distance_low"], row["distance_high"])
    for name, text in glued.items():
        page.glue(name, text)
    page.glue("believers", len(beliefs))
    page.glue("over-confident", int((beliefs["excess_low"] > 0).sum()) if len(beliefs) else 0)
    if beliefs.empty:
        return None
    return page.table(
        "beliefs",
        _without_smallest(beliefs),
        caption="Beliefs on the items of the ambiguous pairs against the exact posterior of what a model sees: mean absolute "
        f"distance, and log loss beyond the ideal observer's in nats an item, with 95 % intervals over {page.over}.",
        labels={"excess": "excess log loss"},
        formats={"excess": "{:+.3f}"},
        intervals=["distance", "excess"],
        best={"distance": "min"},
        data=beliefs,
    )
