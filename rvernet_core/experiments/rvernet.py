"""Page 3: which architecture should see the ROI, and which its surroundings (paper figure 2; all pairs)?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from rvernet_core import config, uncertainty
from rvernet_core.config import RunSpec
from rvernet_core.evaluation import comparisons
from rvernet_core.evaluation.cost import cost
from rvernet_core.experiments.study import Modules, Study, named
from rvernet_core.models.backbones import input_size
from rvernet_core.predictions import Predictions
from rvernet_core.runs import build
from rvernet_core.uncertainty import Leading, Measured

METRICS = ["accuracy", "macro_f1"]
Pairs = Mapping[Modules, Sequence[Predictions]]
Singles = Mapping[str, Sequence[Predictions]]


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """The grid and its single branches; the fine-tuned single models and pairs; pairs by second recipes."""
    fine_tuned = named("single", study.singles()) | named("pair", study.pairs())
    fine_tuned |= named("second-pair", study.under_second_recipe().pairs())
    return fine_tuned | named("grid", study.grid_singles()) | named("grid", study.grid())


def grid_scores(study: Study, pairs: Pairs) -> pd.DataFrame:
    """One row per pair of the grid: roi, extra_roi, accuracy and macro-F1 with interval and spread."""
    table = comparisons.summary(pairs, METRICS, study.classes)
    table[["roi", "extra_roi"]] = [list(pair) for pair in pairs]
    return table


def as_grid(study: Study, scores: pd.DataFrame, column: str) -> pd.DataFrame:
    """A column of `grid_scores` with ROI modules as rows and extra-ROI modules as columns."""
    grid = scores.pivot(index="roi", columns="extra_roi", values=column)
    return grid.loc[list(study.backbones), list(study.backbones)]


GAIN = "mean gain as ROI module"  # in `grid_gains`


def grid_gains(study: Study, grid: Pairs, singles: Singles) -> pd.DataFrame:
    """What context adds within the grid: each backbone alone, and in its row and column.

    GAIN is the mean accuracy of its row minus its own alone, paired over seeds and photos; with p and
    smallest as in `comparisons.compared`.
    """
    models = {**singles, **grid}
    found = {key: comparisons.measured(runs, "accuracy", study.classes) for key, runs in models.items()}
    keys, gains = [], []
    for name in study.backbones:
        row, column = _margin(found, 0, name), _margin(found, 1, name)
        means = {"ROI alone": found[name], "accuracy as extra-ROI module, mean": column}
        keys.append({"model": name} | {what: float(m.exact.mean()) for what, m in means.items()})
        gains.append(uncertainty.estimate(row - found[name], comparisons.units_of(singles[name])))
    return comparisons.compared(keys, gains, GAIN)


def _margin(measured: Mapping[Any, Measured], branch: int, name: str) -> Measured:
    """The mean over all pairs whose module in this branch is `name`."""
    row = [m for key, m in measured.items() if isinstance(key, tuple) and key[branch] == name]
    return uncertainty.combined([1 / len(row)] * len(row), row)


@dataclass(frozen=True)
class GridFacts:
    """What is seen in the grid."""

    best: Leading  # of the pairs
    accuracy: float  # the highest of any pair
    best_roi: Leading  # of the ROI modules, averaged over the extra-ROI modules
    best_extra_roi: Leading
    gain: float  # mean over backbones of the mean gain as ROI module
    better: int  # backbones whose mean gain is shown to be above zero, after Holm's correction
    worse: int  # and below
    backbones: int


def leading_modules(
    study: Study, grid: Pairs, metric: str, pair: tuple[str, str] = config.AMBIGUOUS
) -> tuple[Leading, Leading, Leading]:
    """Which pairs of the grid lead in a metric, which ROI modules, and which extra-ROI modules.

    A module's score is its mean over the modules that stand in the other branch.
    """
    measured = {key: comparisons.measured(runs, metric, study.classes, pair) for key, runs in grid.items()}
    units = comparisons.units_of(next(iter(grid.values())))
    margins = []
    for branch in (0, 1):
        means = {name: _margin(measured, branch, name) for name in study.backbones}
        margins.append(uncertainty.leading_group(means, units))
    return uncertainty.leading_group(measured, units), margins[0], margins[1]


def grid_facts(study: Study, grid: Pairs, accuracy: pd.DataFrame, gains: pd.DataFrame) -> GridFacts:
    """From the predictions of the grid, its accuracies and `grid_gains`."""
    best, roi, extra_roi = leading_modules(study, grid, "accuracy")
    shown = comparisons.shown(gains, GAIN)
    return GridFacts(
        best=best,
        accuracy=accuracy.to_numpy().max(),
        best_roi=roi,
        best_extra_roi=extra_roi,
        gain=gains[GAIN].mean(),
        better=int((shown > 0).sum()),
        worse=int((shown < 0).sum()),
        backbones=len(gains),
    )


def fine_tuned_scores(study: Study, singles: Singles, pairs: Pairs) -> pd.DataFrame:
    """Fine-tuned single models and RveRNets (column kind) and their epochs, best accuracy first."""
    tables = [
        comparisons.with_drinks(
            comparisons.summary(models, METRICS, study.classes), models, study.classes
        ).assign(kind=kind, epochs=[runs[0].spec.train.epochs for runs in models.values()])
        for kind, models in (("single", singles), ("RveRNet", pairs))
        if models
    ]
    return pd.concat(tables, ignore_index=True).sort_values("accuracy", ascending=False)


@dataclass(frozen=True)
class Otherwise:
    """How an RveRNet and its ROI module alone are trained, where that differs: RveRNet first."""

    pair: Modules
    epochs: tuple[int, int]
    lr: tuple[float, float]  # peak learning rate of the backbones


def trained_otherwise(singles: Singles, pairs: Pairs) -> list[Otherwise]:
    """The RveRNets that are trained for other epochs or at another rate than their ROI module alone."""
    found = []
    for pair, runs in pairs.items():
        ours, alone = runs[0].spec.train, singles[pair[0]][0].spec.train
        if (ours.epochs, ours.lr) != (alone.epochs, alone.lr):
            found.append(Otherwise(pair, (ours.epochs, alone.epochs), (ours.lr, alone.lr)))
    return found


def gain_of_context(study: Study, singles: Singles, pairs: Pairs) -> pd.DataFrame:
    """Accuracy of each pair minus that of its ROI module alone, paired over seeds and photos."""
    keys = [{"model": f"{roi} + {extra_roi}", "against": roi} for roi, extra_roi in pairs]
    found = [
        comparisons.difference(runs, singles[roi], "accuracy", study.classes)
        for (roi, _), runs in pairs.items()
    ]
    return comparisons.compared(keys, found, "difference")


DISTILLED = ("deit-distilled", "deit-distilled")  # the pair that the abstract calls best


def distilled_against_others(study: Study, pairs: Pairs) -> pd.DataFrame:
    """Accuracy of the RveRNet of two distilled DeiTs minus that of each other one; empty without it."""
    others = {pair: runs for pair, runs in pairs.items() if pair != DISTILLED}
    if DISTILLED not in pairs:
        return pd.DataFrame()
    found = [
        comparisons.difference(pairs[DISTILLED], runs, "accuracy", study.classes) for runs in others.values()
    ]
    return comparisons.compared(
        [{"against": comparisons.model_name(pair)} for pair in others], found, "difference"
    )


@dataclass(frozen=True)
class Gain:
    """What one RveRNet gains over its ROI module alone."""

    difference: tuple[float, float, float]  # with the ends of its 95 % interval
    p: float  # after Holm's correction over all RveRNets
    shown: int  # +1 or -1: the sign that is shown; 0: none


@dataclass(frozen=True)
class GainFacts:
    """What the extra-ROI module adds to the fine-tuned models."""

    leading: Leading | None  # RveRNets by accuracy over all classes; None where there is none
    best: str | None  # the RveRNet with the largest gain
    gain: float  # its gain; NaN where there is no RveRNet
    ahead: int  # RveRNets that are shown to gain, after Holm's correction
    behind: int  # ... to lose
    compared: int
    of_highest: Gain | None = None  # of the RveRNet with the highest accuracy; None where there is none


def gain_facts(study: Study, pairs: Pairs, gain: pd.DataFrame) -> GainFacts:
    """From the predictions of the pairs and `gain_of_context`."""
    if gain.empty:
        return GainFacts(None, None, float("nan"), 0, 0, 0)
    leading = comparisons.leading(pairs, "accuracy", study.classes)
    top, signs = gain.loc[gain["difference"].idxmax()], comparisons.shown(gain, "difference")
    ahead, behind = (int((signs == sign).sum()) for sign in (1, -1))
    row = gain.assign(shown=signs).set_index("model").loc[comparisons.model_name(leading.group[0])]
    difference = row["difference"], row["difference_low"], row["difference_high"]
    highest = Gain(difference, row["p"], int(row["shown"]))
    return GainFacts(leading, top["model"], top["difference"], ahead, behind, len(gain), highest)


def costs(study: Study, singles: Singles, pairs: Pairs) -> pd.DataFrame:
    """One row per model: parameters, multiply-adds and time of a sample, training time, peak memory.

    None of the first three depends on the weights, so untrained models are measured.
    """
    rows = []
    models: dict[str | Modules, Sequence[Predictions]] = {**singles, **pairs}
    for name, runs in models.items():
        spec = runs[0].spec
        untrained = config.replace(spec, model=config.replace(spec.model, pretrained=False))
        model = build(untrained, len(study.classes))
        manifests = [run.manifest for run in runs]
        rows.append(
            {
                "model": comparisons.model_name(name),
                **cost(model, input_size(study.profile.scale)),
                "training seconds": sum(m["seconds"] for m in manifests) / len(manifests),
                "peak memory, MiB": max(m["peak_memory_mib"] for m in manifests),
            }
        )
    return pd.DataFrame(rows)


# --- frozen against fine-tuned ------------------------------------------------------------------------


def frozen_against_fine_tuned(
    study: Study,
    frozen: comparisons.Models,
    fine_tuned: comparisons.Models,
    metric: str = "accuracy",
    pair: tuple[str, str] = config.AMBIGUOUS,
) -> pd.DataFrame:
    """The same single models and pairs on frozen backbones and fine-tuned as a whole; one row a model.

    Columns model; frozen and fine-tuned, the test score in `metric` with intervals; difference (fine-tuned
    minus frozen, paired, with p after Holm's correction and the smallest difference found); and for either
    `<kind> training`, the accuracy on the training samples in the last epoch, while it learns, mean over
    seeds. Empty where nothing was trained both ways, as where the profile fine-tunes its grid.
    """
    both = [key for key in fine_tuned if key in frozen and study.profile.grid_frozen]
    if not both:
        return pd.DataFrame()
    kinds = {"frozen": frozen, "fine-tuned": fine_tuned}
    rows: list[dict] = [{"model": comparisons.model_name(key)} for key in both]
    for kind, models in kinds.items():
        table = comparisons.summary({key: models[key] for key in both}, [metric], study.classes, pair)
        columns = table[[metric, f"{metric}_low", f"{metric}_high"]].to_numpy()
        fitted = study.histories({key: [run.spec for run in models[key]] for key in both})
        for row, key, (value, low, high) in zip(rows, both, columns, strict=True):
            row |= {kind: value, f"{kind}_low": low, f"{kind}_high": high}
            last = [history[-1]["accuracy"] for history in fitted[key]]
            row[f"{kind} training"] = sum(last) / len(last)
    found = [
        comparisons.difference(fine_tuned[key], frozen[key], metric, study.classes, pair) for key in both
    ]
    return comparisons.compared(rows, found, "difference")


@dataclass(frozen=True)
class FrozenFacts:
    """Where frozen and fine-tuned models disagree on the test set, and how far either fits what it learns.

    Shown: by p after Holm's correction over the table.
    """

    compared: int
    frozen_ahead: int
    overfitted: int  # of these, models that are fine-tuned to a higher training accuracy all the same
    tuned_ahead: int
    fitted_further: int  # of these, models that are fine-tuned to a higher training accuracy
    training: tuple[float, float]  # accuracy on the training samples, mean over models: frozen, fine-tuned
    test: tuple[float, float]  # the metric on the test set, likewise

    @property
    def undertrained(self) -> int:
        """Models that are ahead when frozen, and whose fine-tuning fits the training samples less as well."""
        return self.frozen_ahead - self.overfitted

    @property
    def frozen_overfitted(self) -> int:
        """Models that are ahead when fine-tuned, and that fit the training samples more when frozen."""
        return self.tuned_ahead - self.fitted_further


def frozen_facts(table: pd.DataFrame) -> FrozenFacts | None:
    """From `frozen_against_fine_tuned`; None where it is empty."""
    if table.empty:
        return None
    signs = comparisons.shown(table, "difference")
    further = table["fine-tuned training"] > table["frozen training"]
    means = table[["frozen training", "fine-tuned training", "frozen", "fine-tuned"]].mean().tolist()
    return FrozenFacts(
        compared=len(table),
        frozen_ahead=int((signs < 0).sum()),
        overfitted=int(((signs < 0) & further).sum()),
        tuned_ahead=int((signs > 0).sum()),
        fitted_further=int(((signs > 0) & further).sum()),
        training=(means[0], means[1]),
        test=(means[2], means[3]),
    )
