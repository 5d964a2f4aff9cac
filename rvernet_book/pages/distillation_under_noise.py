"""Page 7, shown: teachers and students under noise, by the strength of distillation."""

from __future__ import annotations

from typing import Any

import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import AT_POWER, interval, with_bounds
from rvernet_core.evaluation import comparisons
from rvernet_core.evaluation.distillation import UNSHOWN
from rvernet_core.experiments import distillation_under_noise as experiment
from rvernet_core.experiments.distillation_under_noise import (
    CLEAN,
    KINDS,
    LEVELS,
    LOST,
    PAID,
    SHARED,
    TEACHER,
    UnderNoise,
)

LEADS = {"rises": "ahead", "falls": "behind", UNSHOWN: "not shown to be apart"}
MODELS = {"single": "single", "rvernet": "RveRNet"}


def level_table(page: Page, under: UnderNoise) -> Bundle:
    """The teachers and every student: clean, under both noises, and what each noise takes."""
    shown = [*LEVELS, *LOST.values()]
    wide = comparisons.widened(under.levels, ["students", "strength"], "quantity")
    order = list(dict.fromkeys(zip(under.levels["students"], under.levels["strength"], strict=True)))
    rows = wide.loc[order].reset_index()
    teachers = rows["students"] == TEACHER
    rows["model"] = [
        f"teacher, {MODELS[strength]}" if is_teacher else style.label(students)
        for students, strength, is_teacher in zip(rows["students"], rows["strength"], teachers, strict=True)
    ]
    rows["strength"] = pd.to_numeric(rows["strength"].where(~teachers), errors="coerce")
    return page.table(
        "under-noise",
        rows[["model", "strength", *with_bounds(shown)]],
        caption="Teachers and students under noise, all on the same photos: accuracy clean and under each noise, and the accuracy that each noise takes. Strength 0 is the student taught by labels alone.",
        labels={name: f"{name}, accuracy" for name in LEVELS},
        formats={"strength": "{:g}"},
        intervals=shown,
        data=under.levels,
    )


def level_chart(page: Page, under: UnderNoise) -> Bundle:
    """By noise: accuracy under it, accuracy that it takes, and errors shared with the teacher, over strength."""
    students = under.levels[under.levels["students"] != TEACHER].astype({"strength": float})
    panels = [
        (title.format(kind=kind), names[kind])
        for title, names in (
            ("accuracy under {kind}", {kind: kind for kind in KINDS}),
            ("accuracy lost to {kind}", LOST),
            ("errors shared under {kind}", SHARED),
        )
        for kind in KINDS
    ]
    parts = {title: students[students["quantity"] == quantity] for title, quantity in panels}
    references = {title: _of_teachers(under.levels, quantity) for title, quantity in panels}
    line: dict[str, Any] = {"x": "strength", "y": "value", "series": "students"}

    def draw(axes) -> None:
        for ax, (title, part) in zip(axes.flat, parts.items(), strict=True):
            teachers = references[title]
            charts.curves(
                ax, part, **line, low="low", high="high", references=teachers, title=title, xlabel="strength"
            )

    texts = []
    for title, part in parts.items():
        dashed = "; ".join(f"{text} {value:.3f}" for text, value in references[title].items())
        texts.append(alt.of_curves(part, what=title, **line) + (f" Dashed: {dashed}." if dashed else ""))
    return page.figure(
        "under-noise-chart",
        draw,
        under.levels,
        alt=" ".join(texts),
        caption="Students under permutation (left) and translocation (right), against the strength of distillation: accuracy, the accuracy that the noise takes, and how often they repeat the errors that their teacher makes under the same noise. Dashed: the teachers. Bands are 95 % intervals.",
        grid=(len(panels) // 2, 2),
        size=(7.4, 7.6),
    )


def slope_table(page: Page, slopes: pd.DataFrame) -> Bundle:
    """Change from strength 0 to strength 1, clean and under noise."""
    return page.table(
        "slopes-under-noise",
        slopes,
        caption="Change from strength 0 to strength 1 along the fitted line, on the photos of the noisy tests: accuracy clean and "
        "under each noise, the accuracy that each noise takes, and the teacher's errors under it that are repeated. "
        f"The smallest change {AT_POWER}.",
        formats={"value": "{:+.3f}"},
        labels={"value": "change"},
        intervals={"value": ("low", "high")},
    )


def _of_teachers(levels: pd.DataFrame, quantity: str) -> dict[str, float]:
    """Text -> value of the teachers, where they have the quantity."""
    rows = levels[levels["students"].eq(TEACHER) & levels["quantity"].eq(quantity)]
    return {f"teacher, {MODELS[r['strength']]}": r["value"] for r in rows.to_dict("records")}


def answer(page: Page, under: UnderNoise, payments: dict[tuple[str, str], str]) -> html.Html:
    """What the teachers have to give, and whether students pay for it with robustness."""
    for model, label in MODELS.items():
        leads = _leads(under, model)
        page.glue(
            f"gives-{model}",
            f"the {label} teacher is {leads}"
            if leads
            else f"no {label} student is taught by labels alone here",
        )
    for kind in KINDS:
        for quantity, key in ((kind, "accuracy"), (LOST[kind], "lost"), (SHARED[kind], "shared")):
            moves = [
                f"{style.label(name)} {interval(e.value, e.low, e.high, '{:+.3f}')}"
                for (name, q), e in under.slopes.items()
                if q == quantity
            ]
            page.glue(f"{kind}-{key}-slope", "; ".join(moves))
        verdicts = "; ".join(
            f"{style.label(name)}: {text}" for (name, k), text in payments.items() if k == kind
        )
        page.glue(f"{kind}-payment", verdicts)
    paid = sum(text == PAID for text in payments.values())
    page.glue("payments", len(payments))
    page.glue("paid", paid)
    leads = _leads(under, "single", numbers=False) or "not compared here"
    return page.headline(
        f"Under noise, students that are shown to repeat more of the teacher's errors are shown to lose robustness in "
        f"**{paid} of {len(payments)}** cases; against the student taught by labels alone the single teacher is {leads}."
    )


def _leads(under: UnderNoise, model: str, numbers: bool = True) -> str:
    """How a teacher stands against the student taught by labels alone, clean and under both noises; empty where that is unknown."""
    by_lead: dict[str, list[str]] = {}
    for name, (how, e) in experiment.leads(under, model).items():
        number = f" ({interval(e.value, e.low, e.high, '{:+.3f}')})" if numbers else ""
        where = f"{name if name == CLEAN else f'under {name}'}{number}"
        by_lead.setdefault(LEADS[how], []).append(where)
    return "; ".join(f"{lead} {' and '.join(where)}" for lead, where in by_lead.items())
