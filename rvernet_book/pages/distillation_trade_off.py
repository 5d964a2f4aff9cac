"""Page 7, shown: students at every strength of distillation."""

from __future__ import annotations

from typing import Any

import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import AT_POWER, interval, with_bounds
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments.distillation_trade_off import (
    HEADS,
    JUDGED,
    KNOWLEDGE,
    Distilled,
    Slopes,
    Verdict,
)
from rvernet_core.uncertainty import Estimate

KINDS = ("hard single", "soft single", "hard rvernet")
STRENGTHS = ("accuracy", "macro-F1", "F1 of the pair", "permutation", "translocation")
IN_TABLE = (KNOWLEDGE, "accuracy", "F1 of the pair")  # the file and the figure hold the others, too


def teacher_table(page: Page, distilled: Distilled, scores: pd.DataFrame, measures: pd.DataFrame) -> Bundle:
    """What the teachers can; glues their scores."""
    by_model = scores.set_index("teacher of")
    page.glue("noise-photos", distilled.noise_photos)
    page.glue("teacher-accuracy", by_model.loc["single", "accuracy"], "{:.3f}")
    page.glue("teacher-errors", by_model.loc["single", "test errors"], "{:.0f}")
    page.glue("pair-teacher-accuracy", by_model.loc["rvernet", "accuracy"], "{:.3f}")
    return page.table(
        "teachers",
        scores[["teacher of", "test errors", *with_bounds(STRENGTHS)]],
        caption=f"The teachers: one MobileNetV2, and an RveRNet of two. The pair is {' and '.join(distilled.ambiguous)}; permutation and translocation give the accuracy under that noise.",
        formats={"test errors": "{:.0f}"},
        intervals=STRENGTHS,
        data=measures[measures["students"] == "teacher"],
    )


def glue_lead(page: Page, lead: Estimate) -> None:
    """How far the teacher is ahead of the student that learns from labels alone, and what it can so give."""
    page.glue("teacher-lead", interval(lead.value, lead.low, lead.high, "{:+.3f}"))
    if lead.low > 0:
        words = "it is ahead and has something to add to the labels"
    else:
        words = f"it is {'behind' if lead.high < 0 else 'not shown to be ahead'} and has little to add to the labels"
    page.glue("teacher-stands", words)


def student_table(page: Page, scores: pd.DataFrame, measures: pd.DataFrame) -> Bundle:
    """Students by kind and strength."""
    return page.table(
        "students",
        scores[["students", "strength", *with_bounds(IN_TABLE)]],
        caption=f"Students by kind and strength, with 95 % intervals over {page.over}. At strength 0 hard and soft are the same runs.",
        formats={"strength": "{:g}"},
        intervals=IN_TABLE,
        data=measures[measures["students"] != "teacher"],
    )


def trade_off_chart(page: Page, distilled: Distilled, scores: pd.DataFrame, measures: pd.DataFrame) -> Bundle:
    """Five quantities against the strength, and what is gained against what is lost."""
    panels = {
        KNOWLEDGE: "agreement on the teacher's errors",
        "accuracy": "accuracy",
        "F1 of the pair": "F1 of " + " and ".join(distilled.ambiguous),
        "permutation": "accuracy under permutation",
        "translocation": "accuracy under translocation",
    }
    students = measures[measures["students"] != "teacher"]
    parts = {q: students[students["quantity"] == q].astype({"strength": float}) for q in panels}
    line: dict[str, Any] = {"x": "strength", "y": "value", "series": "students"}
    sides: dict[str, Any] = {"x": KNOWLEDGE, "y": "accuracy", "series": "students", "step": "strength"}

    def draw(axes) -> None:
        for ax, (quantity, title) in zip(axes.flat, panels.items(), strict=False):
            part = parts[quantity]
            charts.curves(ax, part, **line, low="low", high="high", title=title, xlabel="strength")
        charts.paths(
            axes.flat[-1],
            scores,
            **sides,
            xlabel="agreement on the teacher's errors",
            title="accuracy against that agreement",
        )

    texts = [alt.of_curves(parts[q], what=title, **line) for q, title in panels.items()]
    texts.append(alt.of_paths(scores, what="agreement on the teacher's errors and accuracy", **sides))
    return page.figure(
        "trade-off",
        draw,
        students,
        alt=" ".join(texts),
        caption="A student's knowledge of its teacher and its own strengths, against the strength of distillation; bands are 95 % intervals. Last panel: accuracy against agreement, with the strength at both ends of each line.",
        grid=(3, 2),
        size=(7.4, 7.6),
    )


def head_table(page: Page, heads: pd.DataFrame) -> Bundle:
    """Each head answering alone."""
    return page.table(
        "heads",
        heads,
        caption="Each head answering alone. A head that was not trained at a strength has no row.",
        keys=["strength"],
        formats={"strength": "{:g}"},
        intervals=IN_TABLE,
    )


def slope_table(page: Page, rows: pd.DataFrame) -> Bundle:
    """Change from strength 0 to strength 1."""
    wide = comparisons.widened(rows, ["students", "quantity"], "answer of")
    order = list(dict.fromkeys(zip(rows["students"], rows["quantity"], strict=True)))
    tests = rows[rows["answer of"] == "student"].set_index(["students", "quantity"])[["p", "smallest"]]
    wide = wide.join(tests).loc[order].reset_index()
    answers = [who for who in ("student", *HEADS) if who in wide]
    return page.table(
        "slopes",
        wide[["students", "quantity", *with_bounds(answers), "p", "smallest"]],
        caption="Change from strength 0 to strength 1 along the fitted line, in the answer of the student and of each head alone; "
        f"p and the smallest change {AT_POWER} are those of the student's answer. "
        "Of the heads only two quantities are fitted: the agreement on the teacher's errors, and the accuracy.",
        formats=dict.fromkeys(answers, "{:+.3f}"),
        intervals=answers,
        data=rows,
    )


def answer(page: Page, changes: Slopes, verdict: Verdict) -> html.Html:
    """Whether the trade-off shows, for each kind of student and for each head alone."""
    for name in KINDS:
        moves = [
            f"{what} {how} ({interval(e.value, e.low, e.high, '{:+.3f}')})"
            for what, (how, e) in verdict.moved.get(name, {}).items()
        ]
        text = f"{verdict.by_curve[name]}: {'; '.join(moves)}" if moves else "not run in this profile"
        page.glue(f"verdict-{name.replace(' ', '-')}", text)
    page.glue("agreement-rises", verdict.agreement.count("rises"))
    page.glue("agreement-falls", verdict.agreement.count("falls"))
    page.glue("curves", len(verdict.by_curve))
    page.glue("judged", len(verdict.by_curve) * (len(JUDGED) + 1))
    page.glue("fitted", sum(who == "student" for _, who, _ in changes))
    for head in HEADS:
        for quantity in (KNOWLEDGE, "accuracy"):
            moves = [
                f"{style.label(name)} {interval(e.value, e.low, e.high, '{:+.3f}')}"
                for (name, who, q), e in changes.items()
                if (who, q) == (head, quantity)
            ]
            key = f"{head.split()[0]}-{quantity.split()[0]}"
            page.glue(key, "; ".join(moves) or "too few strengths in this profile")
    costly, cases = verdict.heads.count("cost without gain"), len(verdict.heads)
    alone = f"in {costly} of {cases} cases" if cases else "in none that could be fitted"
    page.glue("alone", alone)
    kinds = "; ".join(f"{style.label(name)}: **{result}**" for name, result in verdict.by_curve.items())
    return page.headline(
        f"The trade-off between the CNN teacher's knowledge and DeiT's own strength, at this scale: {kinds}. "
        f"A head that answers alone is shown to repeat more of its teacher's errors and to lose accuracy {alone}."
    )
