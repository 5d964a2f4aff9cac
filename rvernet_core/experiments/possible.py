"""What was possible on these very items: nets and controls on an ambiguous pair, and under other laws.

Here a pair is read on its own items alone: a third class that is answered for one of them is a mistake, and
no other food that is taken for one of the pair counts. So nets and ideal observers are scored alike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from rvernet_core import uncertainty
from rvernet_core.config import RunSpec
from rvernet_core.controls import IDEAL
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments.study import Modules, Study
from rvernet_core.predictions import Predictions
from rvernet_core.uncertainty import Estimate
from rvernet_plates import SAUCES, law

METRICS = ["pair_f1", "pair_accuracy"]
CHANCE = 0.5  # of two classes that are equally frequent
ASKED = ("companions", *IDEAL)  # the controls that know something of a pair
#: What each kind of model sees, as the ideal observer that sees the same.
BOUND = {"single": "ideal-look", "RveRNet": "ideal-both"}
Models = Mapping[Any, Sequence[Predictions]]
Difference = tuple[float, float, float]  # with the ends of its 95 % interval


@dataclass(frozen=True)
class Items:
    """The answers of all models on the items of one ambiguous pair, and on nothing else."""

    classes: tuple[str, str]
    singles: dict[str, list[Predictions]]
    pairs: dict[Modules, list[Predictions]]
    controls: dict[str, list[Predictions]]

    @property
    def known(self) -> bool:
        """Whether the law is known, and so what was possible."""
        return set(IDEAL) <= set(self.controls)


def items(study: Study, classes: tuple[str, str], singles: Models, pairs: Models, controls: Models) -> Items:
    """The answers on the items of `classes`, of controls as told that an item is one of the two."""
    labels = [study.classes.index(name) for name in classes]
    of_pair = [
        {key: [run.among(labels) for run in runs] for key, runs in models.items()}
        for models in (singles, pairs, controls)
    ]
    return Items(classes, *of_pair)


def scores(study: Study, shown: Items) -> pd.DataFrame:
    """F1 and accuracy of every model on the items, with its kind; the best F1 of a kind comes first."""
    kinds = (("single", shown.singles), ("RveRNet", shown.pairs), ("control", shown.controls))
    tables = [
        comparisons.summary(models, METRICS, study.classes, shown.classes)
        .assign(kind=kind)
        .sort_values("pair_f1", ascending=False, kind="stable")
        for kind, models in kinds
        if models
    ]
    return pd.concat(tables, ignore_index=True)


def possible(study: Study, *pairs: Items) -> pd.DataFrame:
    """Every net against the ideal observer that sees what it sees, on the same items; empty without a law.

    Columns pair, model, kind; pair_accuracy and pair_f1 with what was possible; `short`, the accuracy minus
    the possible one, paired; of a RveRNet `gain`, in F1 over the single model of its ROI module, and what
    was possible to gain. Of both the smallest one that 80 % of repetitions had found.
    """
    rows = [row for shown in pairs if shown.known for row in _against_bounds(study, shown)]
    return pd.DataFrame(rows)


def _against_bounds(study: Study, shown: Items) -> list[dict]:
    bounds = _scores_of(study, shown, {name: shown.controls[name] for name in IDEAL})
    room = bounds["ideal-both"]["pair_f1"] - bounds["ideal-look"]["pair_f1"]
    rows = []
    for kind, models in (("single", shown.singles), ("RveRNet", shown.pairs)):
        bound, own = BOUND[kind], _scores_of(study, shown, models)
        for key, runs in models.items():
            name = comparisons.model_name(key)
            row: dict = {"pair": " / ".join(shown.classes), "model": name, "kind": kind}
            row |= {
                column: own[name][column]
                for metric in METRICS
                for column in (metric, f"{metric}_low", f"{metric}_high")
            }
            row |= {f"possible {metric}": bounds[bound][metric] for metric in METRICS}
            row |= _change("short", _difference(study, shown, runs, shown.controls[bound], "pair_accuracy"))
            if kind == "RveRNet":
                row |= _change("gain", _difference(study, shown, runs, shown.singles[key[0]], "pair_f1"))
                row["possible gain"] = room
            rows.append(row)
    return rows


# --- the pair that looks alike ------------------------------------------------------------------------


@dataclass(frozen=True)
class Chance:
    """How single models do on a pair of which the ROI says nothing."""

    table: pd.DataFrame  # one row per single model, and first one of all together: accuracy, p, verdict
    together: Difference  # accuracy of all single models together
    above: list[str]  # single models above chance, after Holm's correction over all of them

    @property
    def verdict(self) -> str:
        """Of the single models together: at, above or below chance."""
        return str(self.table["verdict"].iloc[0])


def chance(study: Study, pairs: Sequence[Items]) -> Chance | None:
    """Whether a single model tells the first of `pairs`: each alone, and all of them as one; None without.

    p is that of the null that the accuracy is that of chance, of single models after Holm's correction over
    all of them; a model that answers third classes may lie below. `smallest`: the distance from chance that
    80 % of repetitions had found.
    """
    if not pairs:
        return None
    shown = pairs[0]
    models = {"all single models": [run for runs in shown.singles.values() for run in runs], **shown.singles}
    found = [_accuracy(study, shown, runs) for runs in models.values()]
    raw = [_p_of_chance(e) for e in found]
    rows = [
        {
            "model": name,
            **e.columns("pair_accuracy"),
            "pair_accuracy_spread": e.spread,
            "seeds": e.seeds,
            "p": p,
            "smallest": e.smallest,
            "verdict": _verdict(e.value, p),
        }
        for name, e, p in zip(models, found, [raw[0], *uncertainty.holm(raw[1:])], strict=True)
    ]
    together = found[0].value, found[0].low, found[0].high
    above = [row["model"] for row in rows[1:] if row["verdict"] == "above chance"]
    return Chance(pd.DataFrame(rows), together, above)


def _verdict(accuracy: float, p: float) -> str:
    if p >= 1 - uncertainty.LEVEL:
        return "at chance"
    return "above chance" if accuracy > CHANCE else "below chance"


def _accuracy(study: Study, shown: Items, runs: Sequence[Predictions]) -> Estimate:
    measured = comparisons.measured(runs, "pair_accuracy", study.classes, shown.classes)
    return uncertainty.estimate(measured, comparisons.units_of(runs))


def _p_of_chance(accuracy: Estimate) -> float:
    return replace(accuracy, value=accuracy.value - CHANCE).p


# --- other laws ---------------------------------------------------------------------------------------


def models_under(
    study: Study,
) -> tuple[dict[str, list[RunSpec]], dict[Modules, list[RunSpec]], dict[str, list[RunSpec]]]:
    """What is compared under a law: pairs, the single models of their ROI modules, ideal observers."""
    pairs = study.pairs()
    rois = dict.fromkeys(roi for roi, _ in pairs)
    return {roi: study.singles()[roi] for roi in rois}, pairs, study.controls(*IDEAL)


def specs_under_other_laws(study: Study) -> dict[str, list[RunSpec]]:
    """The runs of `other_laws` that no other table needs, by job name: one job per law renders it once."""
    return {
        f"law-{name}": [spec for models in models_under(part) for specs in models.values() for spec in specs]
        for name, part in study.altered().items()
    }


def other_laws(study: Study) -> pd.DataFrame:
    """Single models and pairs that were trained and tested under each law of the sauces, the own one first.

    One row per law and model: law, d, rho, model, kind, seeds, pair_accuracy on the sauces alone, what was
    possible, `short` and, of RveRNets, `gain` in accuracy over the single model of the ROI module and the
    possible gain; p of `short`, of `gain` and, of single models, of `chance`, uncorrected, and the smallest
    `short` and `gain` that 80 % of repetitions had found. Empty without a law.
    """
    altered = study.altered()
    rows: list[dict] = []
    for name, part in ({"as on this page": study.few(), **altered} if altered else {}).items():
        singles, pairs, ideal = models_under(part)
        answers = part.predictions(singles), part.predictions(pairs), part.predictions(ideal)
        rules = law(part.profile.data.plates, SAUCES)
        for row in _under(part, items(part, SAUCES, *answers)):
            rows.append({"law": name.replace("-", " "), "d": rules.d, "rho": rules.rho, **row})
    return pd.DataFrame(rows)


def _under(study: Study, shown: Items) -> list[dict]:
    bounds = _scores_of(study, shown, shown.controls)
    room = bounds["ideal-both"]["pair_accuracy"] - bounds["ideal-look"]["pair_accuracy"]
    rows = []
    for kind, models in (("single", shown.singles), ("RveRNet", shown.pairs)):
        for key, runs in models.items():
            accuracy = _accuracy(study, shown, runs)
            short = _difference(study, shown, runs, shown.controls[BOUND[kind]], "pair_accuracy")
            row: dict = {"model": comparisons.model_name(key), "kind": kind, "seeds": len(runs)}
            row |= accuracy.columns("pair_accuracy")
            row["possible"] = bounds[BOUND[kind]]["pair_accuracy"]
            row |= _change("short", short) | {"p of short": short.p}
            if kind == "single":
                row["p of chance"] = _p_of_chance(accuracy)
            else:
                gain = _difference(study, shown, runs, shown.singles[key[0]], "pair_accuracy")
                row |= _change("gain", gain) | {"possible gain": room, "p of gain": gain.p}
            rows.append(row)
    return rows


@dataclass(frozen=True)
class Reached:
    """What an RveRNet gains in accuracy over the single model of its ROI module under another law."""

    model: str
    law: str
    gain: Difference
    possible: float  # what an ideal observer gains
    shown: bool  # whether it is above zero, after Holm's correction over all such gains


@dataclass(frozen=True)
class OtherLaws:
    """What was gained under other laws that should not be, as "model (law)", and what should, as `Reached`.

    Both after Holm's correction: over all that should not be, and over all that should.
    """

    told: list[str]  # single models above chance where the looks are the same
    gained: list[str]  # RveRNets above their single model where the company says nothing
    beyond: list[str]  # models above what was possible
    compared: int  # models under other laws
    reached: list[Reached] = field(default_factory=list)  # what was gained where the company says something

    @property
    def as_it_should(self) -> bool:
        """Whether nothing was gained that should not be."""
        return not (self.told or self.gained or self.beyond)


def law_facts(table: pd.DataFrame) -> OtherLaws:
    """From `other_laws`."""
    if table.empty:
        return OtherLaws([], [], [], 0)
    single, other = table["kind"] == "single", table["law"] != table["law"].iloc[0]
    asked = {  # which rows answer a question, what is above zero in a bad answer, and its p
        "told": (single & (table["d"] == 0), table["pair_accuracy"] - CHANCE, table["p of chance"]),
        "gained": (~single & (table["rho"] == CHANCE), table["gain"], table["p of gain"]),
        "beyond": (other, table["short"], table["p of short"]),
    }
    telling = other & ~single & (table["rho"] != CHANCE)
    (helped,) = _above_zero([(telling, table["gain"], table["p of gain"])])
    reached = [
        Reached(
            row["model"],
            row["law"],
            (row["gain"], row["gain_low"], row["gain_high"]),
            row["possible gain"],
            bool(helped[index]),
        )
        for index, row in table[telling].iterrows()
    ]
    bad = {
        question: [f"{model} ({under})" for model, under in table.loc[above, ["model", "law"]].to_numpy()]
        for question, above in zip(asked, _above_zero(list(asked.values())), strict=True)
    }
    return OtherLaws(**bad, compared=int(other.sum()), reached=reached)


# --- helpers ------------------------------------------------------------------------------------------


def _above_zero(asked: Sequence[tuple[pd.Series, pd.Series, pd.Series]]) -> list[pd.Series]:
    """For each question (its rows, what may be above zero in them, p) the rows that are, as a mask.

    After Holm's correction over all of them.
    """
    adjusted = iter(uncertainty.holm([float(value) for rows, _, p in asked for value in p[rows]]))
    found = []
    for rows, excess, _ in asked:
        p = pd.Series([next(adjusted) if row else 1.0 for row in rows], rows.index)
        found.append(rows & (excess > 0) & (p < 1 - uncertainty.LEVEL))
    return found


def _scores_of(study: Study, shown: Items, models: Models) -> dict[str, dict]:
    """Name of a model -> its row of `comparisons.summary`."""
    if not models:
        return {}
    table = comparisons.summary(models, METRICS, study.classes, shown.classes)
    return {row["model"]: row for row in table.to_dict("records")}


def _difference(
    study: Study, shown: Items, first: Sequence[Predictions], second: Sequence[Predictions], metric: str
) -> Estimate:
    return comparisons.difference(first, second, metric, study.classes, shown.classes)


def _change(name: str, found: Estimate) -> dict[str, float]:
    """With the smallest one that 80 % of repetitions had found."""
    return found.columns(name) | {f"smallest {name}": found.smallest}
