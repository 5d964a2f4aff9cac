"""Page 3, shown: RveRNet in all pairs of modules."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from rvernet_book import alt, charts, grids, html, style
from rvernet_book import scores as scores_of
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.tables import AT_POWER, interval, tidy
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments import rvernet
from rvernet_core.experiments.rvernet import FrozenFacts, GainFacts, GridFacts, Otherwise
from rvernet_core.experiments.study import Modules

#: `Gain.shown` -> what is shown, in words.
GAINS = {1: "shown to be a gain", 0: "not shown to be a gain or a loss", -1: "shown to be a loss"}


def banner(page: Page) -> html.Html:
    """How the grid is trained."""
    if page.study.profile.grid_frozen:
        return page.banner(
            "In the grid the backbones are frozen: features are computed once and the integration module is "
            "trained on them."
        )
    return page.banner("In the grid every model is fine-tuned as a whole, as in the paper.")


def grid_chart(page: Page, scores: pd.DataFrame) -> Bundle:
    """Test accuracy of every pair."""
    accuracy = rvernet.as_grid(page.study, scores, "accuracy")
    spread = rvernet.as_grid(page.study, scores, "accuracy_spread").map("± {:.3f}".format)
    return page.figure(
        "grid-accuracy",
        lambda ax: grids.heat(ax, accuracy, notes=spread),
        tidy(scores, profile=page.profile, seeds=len(page.seeds)),
        alt=alt.of_heat(accuracy, what="test accuracy of RveRNet"),
        caption="Test accuracy of RveRNet for every pair of modules; below it the standard deviation over seeds.",
        size=(6.4, 5.2),
    )


def gain_table(page: Page, gains: pd.DataFrame) -> Bundle:
    """What context adds to each backbone within the grid."""
    return page.table(
        "grid-gains",
        gains,
        caption="What a second module adds within the grid: each backbone on the ROI alone under a linear layer, and "
        "in its row and column of the grid, under the two layers of the integration module. The gain is paired over "
        f"{page.over}; the smallest gain {AT_POWER}.",
        formats={rvernet.GAIN: "{:+.3f}"},
        intervals=[rvernet.GAIN],
        best={"ROI alone": "max", "accuracy as extra-ROI module, mean": "max", rvernet.GAIN: "max"},
    )


def glue_grid(page: Page, facts: GridFacts) -> None:
    """What is seen in the grid, for the prose."""
    page.glue("grid-best", style.label("+".join(facts.best.group[0])))
    page.glue("grid-best-accuracy", facts.accuracy, "{:.3f}")
    page.glue("grid-leading", len(facts.best.group))
    page.glue("grid-cells", facts.backbones**2)
    page.glue("grid-leading-extra", style.unbeaten(facts.best_extra_roi))
    page.glue("grid-leading-roi", style.unbeaten(facts.best_roi))
    page.glue("grid-gain", facts.gain, "{:+.3f}")
    page.glue("grid-better", facts.better)
    page.glue("grid-worse", facts.worse)
    page.glue("grid-backbones", facts.backbones)


def score_table(page: Page, scores: pd.DataFrame) -> Bundle:
    """Fine-tuned single models and RveRNets on all classes."""
    return page.table(
        "fine-tuned",
        scores_of.shown(scores, "kind"),
        caption="Fine-tuned single models (ROI only) and fine-tuned RveRNets (ROI module + extra-ROI module)."
        + scores_of.drinks_note(scores),
        labels=scores_of.LABELS | {"seconds": "seconds a run"},
        formats={"seconds": "{:.0f}"},
        intervals=scores_of.measured(scores),
        best={"accuracy": "max", "macro_f1": "max"},
        keys=["epochs"],
        data=scores,
    )


def score_chart(page: Page, scores: pd.DataFrame) -> Bundle:
    """The same as dots."""
    columns: dict[str, Any] = {
        "label": "model",
        "value": "accuracy",
        "low": "accuracy_low",
        "high": "accuracy_high",
    }
    return page.figure(
        "fine-tuned-accuracy",
        lambda ax: charts.dots(ax, scores, **columns, xlabel="top-1 accuracy on the test set"),
        scores[["model", "kind", "accuracy", "accuracy_low", "accuracy_high"]],
        alt=alt.of_dots(scores, what="top-1 accuracy of fine-tuned single models and RveRNets", **columns),
        caption=f"Fine-tuned single models and RveRNets on all classes, with 95 % intervals over {page.over}.",
        size=(7.4, 0.34 * len(scores) + 0.9),
    )


def difference_table(page: Page, gain: pd.DataFrame, otherwise: Sequence[Otherwise]) -> Bundle | None:
    """Each pair against its ROI module alone; nothing where there are no pairs. Glues who is trained otherwise."""
    page.glue("trained-otherwise", trained_otherwise(otherwise))
    if gain.empty:
        return None
    return page.table(
        "pair-against-single",
        gain,
        caption="Accuracy of each fine-tuned RveRNet minus that of its ROI module alone, over all classes; "
        f"the smallest difference {AT_POWER}.",
        formats={"difference": "{:+.3f}"},
        intervals=["difference"],
        best={"difference": "max"},
    )


def trained_otherwise(found: Sequence[Otherwise]) -> str:
    """Which RveRNets are not trained as their ROI module alone is, and what that means for their gains."""
    if not found:
        return "Every pair is trained for as many epochs and at the same rate as its ROI module alone"
    alike: dict[str, list[Modules]] = {}
    for one in found:
        alike.setdefault(_differing(one), []).append(one.pair)
    pairs = "; ".join(f"{style.listed(some)} ({what})" for what, some in alike.items())
    return (
        f"Not trained as their ROI module alone: {pairs}. What these gain or lose may come from the second module or from "
        "the training"
    )


def _differing(one: Otherwise) -> str:
    """`2 against 4 epochs, a rate of 0.0004 against 0.001`: what is the same is left out."""
    (epochs, epochs_alone), (lr, lr_alone) = one.epochs, one.lr
    parts = [f"{epochs} against {epochs_alone} epochs"] if epochs != epochs_alone else []
    return ", ".join(parts + ([f"a rate of {lr:g} against {lr_alone:g}"] if lr != lr_alone else []))


def distilled_table(page: Page, against: pd.DataFrame) -> Bundle | None:
    """The RveRNet of two distilled DeiTs against each other one; glues how many it is ahead of and behind."""
    signs = comparisons.shown(against, "difference") if len(against) else pd.Series(dtype=int)
    page.glue("distilled-ahead", int((signs > 0).sum()))
    page.glue("distilled-behind", int((signs < 0).sum()))
    page.glue("distilled-compared", len(against))
    if against.empty:
        return None
    return page.table(
        "distilled-pair-against-others",
        against,
        caption="Accuracy of the RveRNet of two distilled DeiTs minus that of each other fine-tuned RveRNet, over all "
        f"classes; the smallest difference {AT_POWER}.",
        formats={"difference": "{:+.3f}"},
        intervals=["difference"],
    )


def answer(page: Page, scores: pd.DataFrame, facts: GainFacts) -> html.Html | None:
    """The RveRNets that lead over all classes, and what is seen of the gains; None without RveRNets."""
    page.glue("pairs-ahead", facts.ahead)
    page.glue("pairs-behind", facts.behind)
    page.glue("pairs-all", facts.compared)
    page.glue("pair-best", style.label(facts.best or "none"))
    page.glue("pair-gain", facts.gain, "{:+.3f}")
    pairs = scores[scores["kind"] == "RveRNet"]
    if pairs.empty or facts.leading is None or facts.of_highest is None:
        return None
    best, gain = pairs.loc[pairs["accuracy"].idxmax()], facts.of_highest
    accuracy = interval(best["accuracy"], best["accuracy_low"], best["accuracy_high"])
    group = facts.leading.group
    leads = f"of the fine-tuned RveRNets {style.leads(group)}"
    if len(group) == facts.compared > 1:
        leads = f"none of the {facts.compared} fine-tuned RveRNets is shown to be behind the highest"
    whose = "accuracy" if len(group) == 1 else f"{style.listed(group[:1])} with the highest accuracy,"
    return page.headline(
        f"Over all classes, {leads}: {whose} {accuracy}, {interval(*gain.difference, '{:+.3f}')} from its ROI module "
        f"alone ({GAINS[gain.shown]}, p = {gain.p:.2g}). Of {facts.compared} RveRNets, shown to gain over their ROI module "
        f"alone: {facts.ahead}; to lose: {facts.behind}."
    )


def frozen_table(page: Page, table: pd.DataFrame, facts: FrozenFacts | None) -> Bundle | None:
    """The same models frozen and fine-tuned, and how far each fits its training samples. Glues why they differ.

    Nothing where the grid is fine-tuned, too.
    """
    page.glue("frozen-why", frozen_why(facts, "accuracy"))
    if table.empty:
        return None
    trained = {f"{kind} training": f"{kind}, on training samples" for kind in ("frozen", "fine-tuned")}
    return page.table(
        "frozen-against-fine-tuned",
        table,
        caption="The same single models and pairs of modules on frozen backbones and fine-tuned as a whole: test accuracy and "
        "their difference, fine-tuned minus frozen; and the accuracy on the training samples in the last epoch, while it "
        f"learns. The smallest difference {AT_POWER}.",
        labels=trained,
        formats={"difference": "{:+.3f}"},
        intervals=["frozen", "fine-tuned", "difference"],
    )


def frozen_why(facts: FrozenFacts | None, metric: str) -> str:
    """Where frozen and fine-tuned models disagree in `metric`, and what their training scores say of the reason."""
    if facts is None:
        return "Here the grid is fine-tuned as a whole, too, so the two cannot disagree"
    undecided = facts.compared - facts.frozen_ahead - facts.tuned_ahead
    text = (
        f"Of {facts.compared} models that are trained both ways, shown to have a higher {metric} on frozen backbones: "
        f"{facts.frozen_ahead}; when they are fine-tuned: {facts.tuned_ahead}; not told apart: {undecided}. On average the "
        f"frozen ones answer {facts.training[0]:.3f} of all training samples right and have a test {metric} of "
        f"{facts.test[0]:.3f}, the fine-tuned ones {facts.training[1]:.3f} and {facts.test[1]:.3f}"
    )
    if facts.frozen_ahead:
        text += (
            f". Where the frozen one is ahead, fine-tuning fits the training samples more closely in {facts.overfitted} of "
            f"{facts.frozen_ahead} cases, which is overfitting, and less closely in {facts.undertrained}, which is training "
            "that has not come to its end"
        )
    if facts.tuned_ahead:
        text += (
            f". Where the fine-tuned one is ahead, it fits the training samples more closely in {facts.fitted_further} of "
            f"{facts.tuned_ahead} cases: there the fresh layers alone cannot make up for what the backbones do not "
            "bring"
        )
    if facts.frozen_overfitted:
        text += (
            f". In {facts.frozen_overfitted} of {facts.tuned_ahead} it is ahead though the frozen one fits the training "
            "samples as closely or more: there the layers on frozen backbones overfit"
        )
    return text


def cost_table(page: Page, costs: pd.DataFrame) -> Bundle:
    """Parameters, multiply-adds, time and memory of each model."""
    return page.table(
        "cost",
        costs,
        caption="The cost of each model. Time a sample is measured on this machine's CPU; peak memory is that of "
        "the process, which may have made several runs.",
        labels={"gmacs": "GMAC a sample", "milliseconds": "ms a sample"},
        formats={
            "gmacs": "{:.4f}",
            "milliseconds": "{:.2f}",
            "training seconds": "{:.0f}",
            "peak memory, MiB": "{:,.0f}",
        },
    )
