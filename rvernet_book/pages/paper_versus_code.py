"""Page 10, shown: what each difference between paper and released code does."""

from __future__ import annotations

from typing import Any

import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import FOUND, interval
from rvernet_core.experiments.paper_versus_code import METRICS, AuditFacts

_SAID = {"text": "paper and README", "code": "released code"}
_LABELS = {"macro_f1": "macro-F1", "pair_f1": "F1 of the pair"}


def base_table(page: Page, scores: pd.DataFrame) -> Bundle:
    """The audited models as they are here."""
    columns = [f"{metric}{end}" for metric in METRICS for end in ("", "_low", "_high")]
    most, scenes = page.study.profile.audit_epochs, page.study.profile.data.train_scenes
    shorter = f", for at most {most} epochs of {scenes} scenes since the audit has many runs" if most else ""
    return page.table(
        "audit-base",
        scores[["model", *columns]],
        caption=f"The audited models as this companion trains them{shorter}, with 95 % intervals.",
        labels=_LABELS,
        intervals=list(METRICS),
        data=scores,
    )


def difference_table(page: Page, differences: pd.DataFrame) -> Bundle:
    """What text and code say."""
    return page.table(
        "audited-differences",
        differences,
        caption="The differences that are turned: what paper and README say, and what the released code does.",
        labels=_SAID,
    )


def effect_table(page: Page, effects: pd.DataFrame) -> Bundle:
    """What each difference does; what text and code say of it stands in the data."""
    return page.table(
        "audit",
        effects.drop(columns=list(_SAID)),
        caption="Each difference between text and released code, turned alone: change of the scores, paired over "
        f"{page.over}, with 95 % intervals; of accuracy p after Holm's correction over all rows, and the smallest change {FOUND}.",
        labels=_LABELS,
        formats=dict.fromkeys(METRICS, "{:+.3f}"),
        intervals=list(METRICS),
        data=effects,
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


def answer(page: Page, facts: AuditFacts) -> html.Html:
    """How many differences matter, and which most."""
    kinds = f"{facts.differences} difference{'s' if facts.differences != 1 else ''}"
    kinds += f", {facts.models} model{'s' if facts.models != 1 else ''}"
    page.glue("tried", f"{facts.tried} ({kinds})")
    page.glue("lower", facts.lower)
    page.glue("higher", facts.higher)
    top = facts.largest
    change = interval(top["accuracy"], top["accuracy_low"], top["accuracy_high"], "{:+.3f}")
    page.glue("largest", f"{top['difference']} ({style.label(top['model'])})")
    seen = "shown" if facts.largest_shown else "not shown to be one"
    page.glue("largest-change", f"{change}, {seen}")
    whole = "; ".join(
        f"{style.label(row['model'])} "
        + interval(row["accuracy"], row["accuracy_low"], row["accuracy_high"], "{:+.3f}")
        for row in facts.everything.to_dict("records")
    )
    page.glue("everything", whole or "not tried")
    return page.headline(
        f"Changes from paper to released code that were made alone: {facts.tried} ({kinds}). Shown to lower the accuracy: "
        f"{facts.lower}; to raise it: {facts.higher}. The largest is **{top['difference']}** "
        f"({style.label(top['model'])}: {change}, {seen})."
    )


def choice_table(page: Page, chosen: pd.DataFrame) -> Bundle:
    """What choosing the epoch on the test set would add to the score."""
    worst = chosen.loc[chosen["flattery"].idxmax()]
    page.glue("flattery", f"{worst['flattery']:+.3f} ({style.label(worst['model'])})")
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
