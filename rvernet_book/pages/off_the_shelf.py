"""Page 2, shown: the five single models on the ROI alone."""

from __future__ import annotations

from typing import Any

import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book import scores as scores_of
from rvernet_book.answer_grid import Answered, answer_grid, answer_size, in_words
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import AT_POWER, interval
from rvernet_core.experiments.off_the_shelf import AHEAD_OF_COLOURS, Bar, Verdict

HARDEST = 8  # classes in the table of hard classes
#: `Bar.side` -> how the gap stands to what the plates were made for, in words.
BARS = {1: "more than", 0: "not shown to be more or less than", -1: "less than"}


def score_table(page: Page, scores: pd.DataFrame) -> Bundle:
    """Accuracy, macro-F1, size and time of each model."""
    return page.table(
        "off-the-shelf",
        scores_of.shown(scores),
        caption="Single models fine-tuned on ROI-only images: test accuracy and macro-F1 with 95 % "
        f"intervals over {page.over}." + scores_of.drinks_note(scores),
        labels=scores_of.LABELS | {"seconds": "seconds a run"},
        formats={"accuracy": "{:.3f}", "macro_f1": "{:.3f}", "seconds": "{:.0f}"},
        intervals=scores_of.measured(scores),
        best={"accuracy": "max", "macro_f1": "max"},
        data=scores,
    )


def accuracy_chart(page: Page, scores: pd.DataFrame) -> Bundle:
    """Accuracy of each model, with its interval."""
    columns: dict[str, Any] = {
        "label": "model",
        "value": "accuracy",
        "low": "accuracy_low",
        "high": "accuracy_high",
    }
    return page.figure(
        "off-the-shelf-accuracy",
        lambda ax: charts.dots(ax, scores, **columns, xlabel="top-1 accuracy on the test ROIs"),
        scores[["model", "accuracy", "accuracy_low", "accuracy_high"]],
        alt=alt.of_dots(scores, what="top-1 accuracy of single models on ROI-only images", **columns),
        caption=f"Top-1 accuracy on ROI-only images, with 95 % intervals over {page.over}.",
        size=(7.4, 2.6),
    )


def control_table(page: Page, controls: pd.DataFrame) -> Bundle:
    """What answers without a net, and by how much the net with the highest accuracy is ahead of it."""
    return page.table(
        "off-the-shelf-controls",
        scores_of.shown(controls, "parameters", "seconds"),
        caption="What answers without a net: a support-vector machine on the colours of the ROI, a logistic "
        "regression on the true list of the photo's other foods, and the most frequent class; and by how much "
        f"the net with the highest accuracy is ahead; the smallest lead {AT_POWER}.",
        labels=scores_of.LABELS | {"model": "control", "ahead": "highest net minus this"},
        formats={"ahead": "{:+.3f}"},
        intervals=[*scores_of.measured(controls), "ahead"],
        data=controls,
    )


def against_colours(page: Page, bar: Bar) -> html.Html:
    """Which nets are above the colour histogram and which below, and by how much the highest one is ahead."""
    gap, found = interval(*bar.gap, "{:+.3f}"), _beside_colours(bar)
    page.glue("histogram-gap", gap)
    page.glue("histogram-target", AHEAD_OF_COLOURS, "{:g}")
    page.glue("histogram-bar", f"{BARS[bar.side]} {AHEAD_OF_COLOURS:g}")
    page.glue("above-histogram", found)
    sentence = (
        f"The accuracy of {style.label(bar.best)}, the highest net, minus that of the colours is {gap}. "
        f"Of the nets, {found}."
    )
    return html.Html(f"<p>{html.inline(sentence)}</p>", sentence)


def _beside_colours(bar: Bar) -> str:
    """Of all nets: who is shown to be above the histogram, who below it, and who neither."""
    if not bar.above and not bar.below:
        return "none is shown to be above or below it"
    nets = len(bar.above) + len(bar.below) + len(bar.undecided)
    parts = [
        f"{style.which(names, nets)} {'is' if len(names) == 1 else 'are'} {shown}"
        for names, shown in (
            (bar.above, "shown to be above it"),
            (bar.below, "shown to be below it"),
            (bar.undecided, "not shown to be either"),
        )
        if names
    ]
    return ", and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def pretraining_table(page: Page, pretraining: pd.DataFrame) -> Bundle | None:
    """What the micro nets learned in pretraining; nothing at paper scale. Glues how long it took."""
    if pretraining.empty:
        page.glue("pretraining-here", "the nets' own pretraining is that of the paper")
        return None
    least, most = pretraining["minutes"].min(), pretraining["minutes"].max()
    page.glue(
        "pretraining-here",
        f"their pretraining is {least:.0f} to {most:.0f} minutes of rendered things a net, over all its checkpoints, "
        "instead of ImageNet",
    )
    test = pretraining["test"].iloc[0]
    return page.table(
        "pretraining",
        pretraining.drop(columns="test"),
        caption=f"What the shipped micro nets learned in pretraining: top-1 accuracy on {test}"
        + (" and accuracy on plates" if {"linear probe", "fine-tuned"} & set(pretraining) else "")
        + "; means over the checkpoints, minutes for all of them.",
        formats={"minutes": "{:.0f}"},
    )


def difference_table(page: Page, differences: pd.DataFrame) -> Bundle | None:
    """DeiT against each other model; nothing where there is one model."""
    if differences.empty:
        return None
    return page.table(
        "deit-against-others",
        differences,
        caption=f"Accuracy of DeiT minus accuracy of each other backbone, paired over {page.over}; the smallest "
        f"difference {AT_POWER}.",
        formats={"difference": "{:+.3f}"},
        intervals=["difference"],
    )


def answer(page: Page, verdict: Verdict) -> html.Html:
    """Which models lead, and which ones DeiT is shown to differ from."""
    accuracy = interval(verdict.accuracy.value, verdict.accuracy.low, verdict.accuracy.high)
    group, test = verdict.lead.group.group, verdict.lead.test
    nets = 1 + len(verdict.lead.group.p)
    page.glue("leading", style.unbeaten(verdict.lead.group))
    page.glue("highest", style.label(group[0]))
    page.glue("best-accuracy", accuracy)
    page.glue("differ", "differ" if test.differs else "are not shown to differ")
    page.glue("omnibus", f"F = {test.statistic:.2f}, p = {test.p:.2g}")
    page.glue("deit-ahead", style.which(verdict.ahead, nets - 1))
    page.glue("deit-behind", style.which(verdict.behind, nets - 1))
    highest = f"{style.label(group[0])} with the highest accuracy,"
    if len(group) == nets > 1:
        found = f"none of the {nets} nets is shown to be behind the highest: {highest}"
    elif len(group) > 1:
        found = f"{style.leads(group, several=f'lead the {nets} nets')}: {highest}"
    else:
        found = f"{style.leads(group, f'is best of the {nets} nets')}: accuracy"
    return page.headline(f"On the ROI alone, {found} {accuracy}.")


def learning_curves(page: Page, curves: pd.DataFrame) -> Bundle:
    """Validation accuracy by epoch."""
    return page.figure(
        "learning-curves",
        lambda ax: charts.curves(
            ax,
            curves,
            x="epoch",
            y="mean",
            low="min",
            high="max",
            series="model",
            xlabel="epoch",
            ylabel="validation accuracy",
        ),
        curves,
        alt=alt.of_curves(curves, what="validation accuracy by epoch", x="epoch", y="mean", series="model"),
        caption="Validation accuracy by epoch: mean and range over seeds.",
    )


def disagreement_photos(page: Page, cases: pd.DataFrame) -> Bundle | None:
    """ROI cut-outs that one family of models gets right and the other wrong, and what each model says of them.

    Nothing where there are none.
    """
    for family, name in (("transformer", "transformers-right"), ("cnn", "cnn-right")):
        page.glue(name, int((cases["right"] == family).sum()))
    if cases.empty:
        return None
    titles = {"transformer": "transformers right, CNN wrong", "cnn": "CNN right, transformers wrong"}
    test, models = page.study.data.test, cases.columns[4:]
    groups = [
        Answered(
            titles[family],
            {"ROI": [test.cutouts(i)[0] for i in part["sample"]]},
            list(part["truth"]),
            {model: list(part[model]) for model in models},
        )
        for family, part in cases.groupby("right", sort=False)
    ]
    what = "ROI cut-outs on which one family of models is right and the other wrong, and each model's answer"
    return page.figure(
        "disagreements",
        lambda ax: answer_grid(ax, groups),
        cases,
        alt=in_words(groups, what),
        caption="ROI cut-outs that every run of the one family names right and most runs of the other get wrong. Below "
        "each: the truth, and the most common answer of each model over its seeds, ticked where it is right.",
        size=answer_size(groups),
    )


def hard_class_table(page: Page, f1: pd.DataFrame) -> Bundle:
    """F1 of the hardest classes by model; glues the two hardest, and which models do worst and best on them."""
    hardest = f1.iloc[:HARDEST]
    page.glue("hardest", " and ".join(hardest.index[:2]))
    page.glue("hardest-f1", hardest.iloc[:2].to_numpy().mean(), "{:.2f}")
    page.glue("hardest-range", "; ".join(_ends(name, f1.loc[name]) for name in hardest.index[:2]))
    return page.table(
        "hard-classes",
        hardest.reset_index(),
        caption=f"F1 of the {len(hardest)} classes with the lowest mean F1.",
        data=f1.loc[[name for name in page.study.classes if name in f1.index]]
        .reset_index()
        .melt("class", var_name="model", value_name="F1"),
    )


def _ends(name: str, f1: pd.Series) -> str:
    """`carrot from 0.09 (DeiT) to 0.45 (ViT)`; f1: of one class by model."""
    low, high = (f"{f1[model]:.2f} ({style.label(str(model))})" for model in (f1.idxmin(), f1.idxmax()))
    return f"{name} from {low} to {high}" if f1.min() < f1.max() else f"{name} {f1.min():.2f} of every model"
