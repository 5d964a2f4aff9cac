"""Page 10, shown: what each difference between paper and released code does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import AT_POWER, interval, with_bounds
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments.paper_versus_code import METRICS, AuditFacts

UNKNOWN = "not tried"  # in prose, where a profile has no such row
_SAID = {"text": "paper and README", "code": "released code"}
_LABELS = {"macro_f1": "macro-F1", "pair_f1": "F1 of the pair"}


def base_table(page: Page, scores: pd.DataFrame) -> Bundle:
    """The audited models as they are here."""
    columns = with_bounds(METRICS)
    most, data = page.study.profile.audit_epochs, page.study.profile.data
    shorter = f", for at most {_counted(most, 'epoch')}" if most else ""
    shorter += f" of {data.train_scenes} scenes" if most and data.name == "plates" else ""
    shorter += " since the audit has many runs" if most else ""
    return page.table(
        "audit-base",
        scores[["model", *columns]],
        caption=f"The audited models as this companion trains them{shorter}, with 95 % intervals.",
        labels=_LABELS,
        intervals=list(METRICS),
        data=scores,
    )


def difference_table(page: Page, differences: pd.DataFrame) -> Bundle:
    """What text and code say, and what is done here."""
    return page.table(
        "audited-differences",
        differences,
        caption="The differences that are turned: what paper and README say, what the released code does, and here what the "
        "fine-tuned models of the other pages do: as the text, as the code, as both, or a choice of their own.",
        labels=_SAID,
    )


def effect_table(page: Page, effects: pd.DataFrame) -> Bundle:
    """What each difference does; what text and code say of it stands in the data.

    Whose values the models have here does not: `verify` finds a row by its texts, and this one is the
    profile's.
    """
    return page.table(
        "audit",
        effects.drop(columns=list(_SAID)),
        caption="Each difference between text and released code, turned alone: change of the scores, paired over "
        f"{page.over}, with 95 % intervals; of accuracy p after Holm's correction over all rows, and the smallest change {AT_POWER}. "
        "Here: whose values the model has before the change.",
        labels={"follows": "here", **_LABELS},
        formats=dict.fromkeys(METRICS, "{:+.3f}"),
        intervals=list(METRICS),
        data=effects.drop(columns="follows"),
    )


def effect_chart(page: Page, effects: pd.DataFrame) -> Bundle:
    """The changes in accuracy as dots."""
    columns: dict[str, Any] = {"label": "difference", "value": "accuracy", "series": "model"}
    columns |= {"low": "accuracy_low", "high": "accuracy_high"}
    return page.figure(
        "audit-chart",
        lambda ax: charts.dots(
            ax, effects, **columns, references={"as it is here": 0.0}, xlabel="change in accuracy"
        ),
        effects[["difference", "model", "accuracy", "accuracy_low", "accuracy_high"]],
        alt=alt.of_dots(effects, what="change in accuracy by difference", **columns),
        caption="Change in accuracy when the model is trained as the released code does, one difference at a time.",
        size=(7.4, 0.42 * effects["difference"].nunique() + 1.0),
    )


def glue_first_epochs(page: Page, epochs: pd.DataFrame) -> None:
    """How much of each audited model's training the schedule as released spends at a rate of 0."""
    shares = (
        f"{style.label(row['model'])} {row['share']:.0%} (1 of {_counted(row['epochs'], 'epoch')})"
        for row in epochs.to_dict("records")
    )
    page.glue("first-epoch", "; ".join(shares))


def answer(page: Page, facts: AuditFacts) -> html.Html:
    """How many differences matter, and which most."""
    kinds = f"{_counted(facts.differences, 'difference')}, {_counted(facts.models, 'model')}"
    page.glue("tried", f"{facts.tried} ({kinds})")
    page.glue("lower", facts.lower)
    page.glue("higher", facts.higher)
    words = _largest(facts)
    page.glue("largest", html.plain(words))
    for name in ("as_written", "as_released", "everything"):
        page.glue(name.replace("_", "-"), _changes(getattr(facts, name)))
    return page.headline(
        f"Changes from paper to released code that were made alone: {facts.tried} ({kinds}). Shown to lower the accuracy: "
        f"{facts.lower}; to raise it: {facts.higher}. {words}"
    )


def _largest(facts: AuditFacts) -> str:
    """The largest change that is shown, then the largest of all where that is another one."""
    top = _named(facts.largest)
    if facts.shown is None:
        return f"The largest, not shown to be one, is {top}."
    largest = f"The largest that is shown is {_named(facts.shown)}"
    return f"{largest}." if facts.largest_shown else f"{largest}; larger, but not shown to be one: {top}."


def _named(row: pd.Series) -> str:
    return f"**{row['difference']}** ({style.label(row['model'])}: {_change(row.to_dict())})"


def glue_rates(page: Page, against: pd.DataFrame) -> None:
    """The stated rate on the schedule as released, against the same as written."""
    lines = [
        f"{style.label(row['model'])} {interval(row['change'], row['change_low'], row['change_high'], '{:+.3f}')}"
        for row in against.to_dict("records")
    ]
    page.glue("released-over-written", "; ".join(lines) or UNKNOWN)
    for key, sign in (("released-better", 1), ("released-worse", -1)):
        shown = against["model"][comparisons.shown(against, "change") == sign] if lines else ()
        page.glue(key, style.listed(shown) or "none")


def _counted(count: int, noun: str) -> str:
    """`1 epoch`, `2 epochs`."""
    return f"{count} {noun}{'s' if count != 1 else ''}"


def _change(row: Mapping[Any, Any]) -> str:
    """The change in accuracy of a row of `effects`."""
    return interval(row["accuracy"], row["accuracy_low"], row["accuracy_high"], "{:+.3f}")


def _changes(rows: pd.DataFrame) -> str:
    """The change in accuracy of each model; `UNKNOWN` without a row."""
    found = (f"{style.label(row['model'])} {_change(row)}" for row in rows.to_dict("records"))
    return "; ".join(found) or UNKNOWN


def choice_table(page: Page, chosen: pd.DataFrame) -> Bundle:
    """What choosing the epoch on the test set would add to the score."""
    worst = chosen.loc[chosen["flattery"].idxmax()]
    by = f"At most by {worst['flattery']:+.3f} ({style.label(worst['model'])})"
    page.glue(
        "flattery",
        by if worst["flattery"] > 0 else "Not at all: in no seed another epoch is better than the last",
    )
    return page.table(
        "audit-epoch",
        chosen,
        caption="Accuracy after the last epoch, and of the epoch that does best on the test set.",
        formats={"flattery": "{:+.3f}"},
        intervals=["flattery"],
    )


def f1_table(page: Page, definitions: pd.DataFrame) -> Bundle:
    """Two averages of F1 on the same answers."""
    gaps = definitions["difference"]
    page.glue("f1-gap", f"{gaps.min():+.3f} to {gaps.max():+.3f}")
    return page.table(
        "audit-f1",
        definitions,
        caption="Micro- and macro-averaged F1 of the same answers.",
        labels={"micro_f1": "micro-F1 (= accuracy)", "macro_f1": "macro-F1"},
        formats={"difference": "{:+.3f}"},
    )
