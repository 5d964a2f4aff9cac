"""Page 9, shown: the weight of look and company, exchanged contexts, other laws."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import interval, with_bounds
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments.how_context_is_used import (
    IDEAL,
    SMALLEST,
    Company,
    Context,
    MisleadFacts,
    WeightFacts,
)

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
    company = "; ".join(map(_company, facts.company))
    page.glue("company", company or UNKNOWN)
    where = _where_it_misleads(mislead)
    page.glue("misleads", where)
    if math.isnan(facts.optimum):
        data = page.study.profile.data.name
        return page.headline(f"The law of {data} is not known, so look and company have no weights there.")
    if low is None or high is None:
        weigh = "No RveRNet's answers follow the look, so none has a ratio of weights"
    else:
        ends = [f"{row['ratio']:.2f} (**{style.label(row['model'])}**)" for row in (low, high)]
        weigh = (
            f"The RveRNets' weights of company are from {' to '.join(ends)} times those of the look"
            if facts.pairs > 1
            else f"The RveRNet's weight of company is {ends[0]} times that of the look"
        )
        weigh += f", where {facts.optimum:.2f} is best"
    return page.headline(f"{weigh}. Weights of company with an interval above zero: {company}. {where}.")


def _company(found: Company) -> str:
    """How many RveRNets give the company of one pair of classes any weight."""
    if not found.of:
        return f"of no RveRNet on {found.classes}"
    lowest, highest, best = (f"{value:.2f}" for value in (found.lowest, found.highest, found.best))
    return f"{found.above} of {found.of} on {found.classes} ({lowest} to {highest}, best {best})"


def _where_it_misleads(found: MisleadFacts) -> str:
    """The strengths above which RveRNets are better than their ROI modules, and how many have one; no test."""
    if not found.compared:
        return "No RveRNet was compared with its ROI module alone under other strengths of the context"
    ends = " to ".join(dict.fromkeys(f"{value:.2f}" for value in (found.lowest, found.highest)))
    where = f"above a strength of {ends}, {found.above} of them above the trained {found.trained:.2f}"
    return (
        f"Better than the ROI module alone above some strength of the context, and worse below: {found.crossing} of "
        f"{found.compared} RveRNets{f' ({where})' if found.crossing else ''}; worse at every strength: {found.worse}, "
        f"better at every one: {found.better}, none of it tested"
    )


def exchange_table(page: Page, exchanged: pd.DataFrame) -> Bundle:
    """How often the other class is named, in its context and in the own one."""
    for key in ("exchanged", "own"):
        shares, ideal = exchanged[key], f"ideal {key}"
        page.glue(f"{key}-range", f"{shares.min():.0%} to {shares.max():.0%}")
        page.glue(f"{key}-ideal", f"{exchanged[ideal].mean():.0%}" if ideal in exchanged else UNKNOWN)
    points = 100 * exchanged["difference"]
    page.glue("difference-range", f"{points.min():+.1f} to {points.max():+.1f} points")
    page.glue(
        "followers", f"{int((comparisons.shown(exchanged, 'difference') > 0).sum())} of {len(exchanged)}"
    )
    return page.table(
        "context-exchanged",
        _without_smallest(exchanged).drop(columns=[f"stays{end}" for end in ("", "_low", "_high")]),
        caption="Sauces under the surroundings of one of the other class, and under their own: share that is named as the other "
        "class. Under its own surroundings that is plain confusion, so that only the difference follows the context.",
        labels={"exchanged": "named as the other, in its context", "own": "in the own context"},
        formats={"difference": "{:+.3f}"},
        intervals=["difference", "exchanged", "own"],
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
        "difference": "share that follows the context",
    }
    return page.table(
        "smallest-found",
        smallest.assign(quantity=smallest["quantity"].map(names)),
        caption="What this page could have found: the smallest true number, or change of it, that is told from none with "
        "a power of 80 %, over the models of the tables above.",
        labels={"count": "numbers"},
    )


def exchange_chart(page: Page, exchanged: pd.DataFrame) -> Bundle:
    """The difference as dots, with the ideal observer's where the law is known."""
    columns: dict[str, Any] = {"label": "model", "value": "difference"}
    columns |= {"low": "difference_low", "high": "difference_high"}
    references = {"no difference": 0.0}
    if "ideal exchanged" in exchanged:
        ideal = exchanged["ideal exchanged"] - exchanged["ideal own"]
        references["ideal observer"] = float(ideal.mean())
    return page.figure(
        "context-exchanged-chart",
        lambda ax: charts.dots(
            ax,
            exchanged,
            **columns,
            references=references,
            fmt="{:+.3f}",
            xlabel="share named as the other class: in its context minus in the own one",
        ),
        _without_smallest(exchanged),
        alt=alt.of_dots(
            exchanged,
            what="how often the exchanged context is followed",
            **columns,
            references=references,
            fmt="{:+.3f}",
        ),
        caption="How much oftener an item is named as the other class in the context of that class than in its own.",
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
    _glue_distances(page, table)
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


def _glue_distances(page: Page, table: pd.DataFrame) -> None:
    """Accuracy at the least and the greatest distance of the looks, by kind of model."""
    for key, d in (
        (("nearest-looks", table["d"].min()), ("farthest-looks", table["d"].max())) if len(table) else ()
    ):
        rows = table[table["d"] == d].set_index("model")["accuracy"]
        pair = rows.index.str.contains("+", regex=False)
        kinds = {"single models": rows[~pair].drop(IDEAL, errors="ignore"), "RveRNets": rows[pair]}
        spans = [f"{name} {part.min():.2f} to {part.max():.2f}" for name, part in kinds.items() if len(part)]
        spans += [f"{IDEAL} {rows[IDEAL]:.2f}"] if IDEAL in rows else []
        page.glue(key, f"at {d:g} {', '.join(spans)}")
    for key in ("nearest-looks", "farthest-looks") if table.empty else ():
        page.glue(key, UNKNOWN)


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
    for kind in ("single", "RveRNet"):
        text = UNKNOWN
        if len(beliefs):
            first = beliefs[beliefs["classes"] == beliefs["classes"].iloc[0]].sort_values("distance")
            own = first[first["kind"] == kind]
            ends = [own.iloc[0], own.iloc[-1]][: len(own)] if len(own) else []
            text = " to ".join(f"{_distance(row)} ({style.label(row['model'])})" for row in ends) or NONE
        page.glue(f"{kind.lower()}-distances", text)
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
        data=beliefs,
    )


def _distance(row: pd.Series) -> str:
    return interval(row["distance"], row["distance_low"], row["distance_high"])
