"""Page 9: how much weight does each architecture give to look and company, and where does context mislead?

The law of the rendered plates is known, so every ambiguous item has two numbers: what its look says and what
its company says. On data whose law is unknown there is nothing to regress on: the frames are empty, and the
page says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rvernet_core.config import Condition, RunSpec
from rvernet_core.cues import cues, optimal_weights
from rvernet_core.evaluation import calibration, comparisons
from rvernet_core.evaluation.cue_weights import (
    Items,
    effective,
    regressed,
    says_first,
    weight_at_d,
    weight_at_rho,
    weighted_share,
)
from rvernet_core.experiments.study import Modules, Study, named
from rvernet_core.predictions import Predictions
from rvernet_core.uncertainty import Measured, estimate
from rvernet_plates import AMBIGUOUS_PAIRS, PlatesSpec
from rvernet_plates.laws import Law, law

IDEAL = "ideal observer"
SMALLEST = "smallest "  # before the name of what was measured: a column of several frames here
RHOS = tuple(round(0.1 * k, 1) for k in range(11))
AGREEMENT = ("company agrees", "company misleads")  # the items of either kind
DISTANCES = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)
Runs = Mapping[str | Modules, Sequence[Predictions]]


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """The fine-tuned single models and pairs."""
    return named("single", study.singles()) | named("pair", study.pairs())


@dataclass(frozen=True)
class Cued:
    """The models' answers on the items of one ambiguous pair whose law is known."""

    pair: tuple[str, str]
    spec: PlatesSpec
    law: Law
    items: Items
    said: dict[str, np.ndarray]  # model's name -> (S, N), see `says_first`
    right: dict[str, np.ndarray]  # model's name -> (S, N) in {0, 1}, the ideal observer's among them
    units: dict[str, list[int]]  # model's name -> what each seed started from; not of the ideal observer


@dataclass(frozen=True)
class Context:
    """What the page is about: models, and each ambiguous pair of the data."""

    models: Runs
    pairs: tuple[Cued, ...]

    @property
    def sauces(self) -> Cued:
        """The first pair: both cues say something."""
        return self.pairs[0]


def context(study: Study) -> Context:
    """The single models' and the pairs' answers beside the cues; no pair of classes where no law is known."""
    data = study.profile.data
    models: dict[str | Modules, Sequence[Predictions]] = {
        **study.predictions(study.singles()),
        **study.predictions(study.pairs()),
    }
    if data.name != "plates":
        return Context(models, ())
    samples = study.data.test.samples
    found = cues(data.plates, samples)
    names, photos = [s.class_name for s in samples], [s.image_id for s in samples]
    units = {comparisons.model_name(model): comparisons.units_of(runs) for model, runs in models.items()}
    cued = []
    for pair in AMBIGUOUS_PAIRS:
        items = Items.of(found, pair, names, photos)
        labels = (study.classes.index(pair[0]), study.classes.index(pair[1]))
        truth = np.where(items.first, *labels)
        answers = {
            comparisons.model_name(model): [run.predicted[items.index] for run in runs]
            for model, runs in models.items()
        }
        ideal = np.where(items.best >= 0.5, *labels)
        answers[IDEAL] = [ideal] * max(map(len, answers.values()))
        said = {name: says_first(given, labels) for name, given in answers.items()}
        right = {name: (np.stack(given) == truth).astype(float) for name, given in answers.items()}
        cued.append(Cued(pair, data.plates, law(data.plates, pair), items, said, right, units))
    return Context(models, tuple(cued))


# --- weights ------------------------------------------------------------------------------------------


def cue_weights(context: Context) -> pd.DataFrame:
    """One row per pair of classes and model: weights of look and company, and their ratio.

    There is a ratio where the look has a weight whose interval excludes zero: nothing is divided by noise.
    """
    rows = []
    for cued in context.pairs:
        for name, said in cued.said.items():
            if name == IDEAL:
                continue
            of_look, of_company, ratio = regressed(cued.items, said)
            units = cued.units[name]
            row: dict = {"classes": " / ".join(cued.pair), "model": name, "kind": _kind(name)}
            look = _found("look", of_look, units)
            moved = look["look_low"] > 0 or look["look_high"] < 0
            row |= look | _found("company", of_company, units)
            rows.append(row | (_columns("ratio", ratio, units) if cued.law.d > 0 and moved else {}))
        d, strength = optimal_weights(cued.spec, cued.pair)
        row = {"classes": " / ".join(cued.pair), "model": IDEAL, "kind": "ideal", "look": d}
        rows.append(row | {"company": strength} | ({"ratio": strength / d} if d > 0 else {}))
    frame = pd.DataFrame(rows)
    return frame.reindex(columns=list(dict.fromkeys([*frame, "ratio", "ratio_low", "ratio_high"])))


def _kind(name: str) -> str:
    return "ideal" if name == IDEAL else "RveRNet" if " + " in name else "single"


def _columns(name: str, measured: Measured, units: Sequence[int] | None = None) -> dict[str, float]:
    return estimate(measured, units).columns(name)


def _found(name: str, measured: Measured, units: Sequence[int] | None = None) -> dict[str, float]:
    """With the smallest true number that 80 % of repetitions had told from zero, see `smallest_found`."""
    e = estimate(measured, units)
    return e.columns(name) | {f"{SMALLEST}{name}": e.smallest}


def beliefs(context: Context) -> pd.DataFrame:
    """One row per pair of classes and model: how far its beliefs lie from what its cues say exactly.

    Single models against the posterior of the look, RveRNets against that of look and company. Columns
    `distance` and `excess`, see `evaluation.calibration`, with intervals. Empty where the probabilities were
    not kept.
    """
    rows = []
    for cued in context.pairs:
        items = cued.items
        of_look = 1 / (1 + np.exp(-cued.law.d * items.look))
        for model, runs in context.models.items():
            believed = calibration.beliefs(runs, cued.pair, items.index)
            if believed is None:
                continue
            posterior = items.best if isinstance(model, tuple) else of_look
            name, units = comparisons.model_name(model), comparisons.units_of(runs)
            row = {"classes": " / ".join(cued.pair), "model": name, "kind": _kind(name)}
            for column, measured in (
                ("distance", calibration.distance(believed, posterior, items.photos)),
                ("excess", calibration.excess(believed, posterior, items.first, items.photos)),
            ):
                row |= _found(column, measured, units)
            rows.append(row)
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class Company:
    """The weight that the RveRNets give to the company, on one pair of classes."""

    classes: str
    above: int  # RveRNets whose weight has an interval above zero
    of: int
    lowest: float  # of all of them
    highest: float
    best: float  # the law's own


@dataclass(frozen=True)
class WeightFacts:
    """What is seen of the weights on the sauces."""

    optimum: float  # ratio of the ideal observer's weights; NaN where no law is known
    lowest: pd.Series | None  # the RveRNet whose ratio is lowest; None where none has a ratio
    highest: pd.Series | None
    covering: int  # RveRNets whose interval holds the optimum
    below: int  # whose interval lies below it: they rely on the look more than is best
    above: int
    pairs: int  # RveRNets with a ratio
    singles_on_company: int  # single models whose weight on the company has an interval that excludes zero
    singles: int
    company: tuple[Company, ...]  # of each pair of classes, the sauces first


def _company(table: pd.DataFrame, classes: str) -> Company:
    rows = table[table["classes"] == classes]
    pairs = rows[rows["kind"] == "RveRNet"]
    weight = pairs["company"]
    best = float(rows.loc[rows["kind"] == "ideal", "company"].iloc[0])
    above = int((pairs["company_low"] > 0).sum())
    return Company(classes, above, len(pairs), weight.min(), weight.max(), best)


def weight_facts(table: pd.DataFrame) -> WeightFacts:
    """From `cue_weights`; all but `company` of its first pair of classes."""
    if table.empty:
        return WeightFacts(float("nan"), None, None, 0, 0, 0, 0, 0, 0, ())
    company = tuple(_company(table, classes) for classes in dict.fromkeys(table["classes"]))
    rows = table[table["classes"] == table["classes"].iloc[0]]
    optimum = float(rows.loc[rows["kind"] == "ideal", "ratio"].iloc[0])
    pairs, singles = rows[rows["kind"] == "RveRNet"], rows[rows["kind"] == "single"]
    pairs = pairs.dropna(subset=["ratio"])
    below, above = pairs["ratio_high"] < optimum, pairs["ratio_low"] > optimum
    moved = (singles["company_low"] > 0) | (singles["company_high"] < 0)
    return WeightFacts(
        optimum,
        None if pairs.empty else pairs.loc[pairs["ratio"].idxmin()],
        None if pairs.empty else pairs.loc[pairs["ratio"].idxmax()],
        int((~below & ~above).sum()),
        int(below.sum()),
        int(above.sum()),
        len(pairs),
        int(moved.sum()),
        len(singles),
        company,
    )


# --- exchanged contexts ---------------------------------------------------------------------------------


def exchanged(study: Study, context: Context) -> pd.DataFrame:
    """One row per RveRNet: how often it names the other sauce in that one's context, and in the own one.

    Columns: see `comparisons.following`. Beside them `ideal exchanged` and `ideal own`: how often the ideal
    observer would name it, from the items' own look, and the company of the source or their own.
    """
    pairs = {model: runs for model, runs in context.models.items() if isinstance(model, tuple)}
    condition = Condition(context="other")  # as on page 8: a source may be any test photo
    evaluated = study.evaluate(pairs, {"another class": condition})["another class"]
    singles = {name: runs for name, runs in context.models.items() if isinstance(name, str)}
    classes = context.pairs[0].pair if context.pairs else comparisons.ambiguous_pair(singles, study.classes)
    labels = [study.classes.index(name) for name in classes]
    table = comparisons.following(evaluated, pairs, labels).rename(
        columns={"smallest": f"{SMALLEST}difference"}
    )
    for cued in context.pairs[:1] if len(table) else ():
        ideal = [_ideal_under(runs[0], study, cued) for runs in evaluated.values()]
        table["ideal exchanged"], table["ideal own"] = zip(*ideal, strict=True)
    return table


def _ideal_under(run: Predictions, study: Study, cued: Cued) -> tuple[float, float]:
    """Share of the exchanged items that the ideal observer calls the class of the context's source.

    By the company of the source, then by their own.
    """
    keys = [sample.key for sample in study.data.test.samples]
    place = {keys[i]: n for n, i in enumerate(cued.items.index)}
    table = run.table[run.table["key"].isin(place) & run.table["context_source"].isin(place)]
    own = np.array([place[key] for key in table["key"]])
    source = np.array([place[key] for key in table["context_source"]])
    other = cued.items.first[own] != cued.items.first[source]
    strength = np.log(cued.law.rho / (1 - cued.law.rho))

    def named(company: np.ndarray) -> float:
        odds = cued.law.d * cued.items.look[own] + strength * cued.items.company[company]
        return float(((odds >= 0) == cued.items.first[source])[other].mean())

    return named(source), named(own)


def smallest_found(*frames: pd.DataFrame) -> pd.DataFrame:
    """What this page could have found: one row per number of `cue_weights`, `beliefs` or `exchanged`.

    Columns quantity, count (how many of them there are), and the least, the median and the largest true
    number, or change of it, that 80 % of repetitions had found. Empty without any.
    """
    columns = [frame[name].dropna() for frame in frames for name in frame if name.startswith(SMALLEST)]
    rows = [
        {
            "quantity": str(column.name).removeprefix(SMALLEST),
            "count": len(column),
            "least": column.min(),
            "median": column.median(),
            "largest": column.max(),
        }
        for column in columns
        if len(column)
    ]
    return pd.DataFrame(rows)


# --- other laws ---------------------------------------------------------------------------------------


def over_rho(context: Context) -> pd.DataFrame:
    """One row per model and context strength at the test: accuracy on the sauces, by weighted items."""
    if not context.pairs:
        return pd.DataFrame()
    cued = context.sauces
    return _over(cued, "rho", RHOS, lambda rho: weight_at_rho(cued.items, rho, cued.law.rho))


def over_d(context: Context) -> pd.DataFrame:
    """One row per model and distance of the looks at the test, by reweighting the items."""
    if not context.pairs:
        return pd.DataFrame()
    cued = context.sauces
    return _over(cued, "d", DISTANCES, lambda d: weight_at_d(cued.items, d, cued.law.d))


def _over(cued: Cued, what: str, values, weight_of) -> pd.DataFrame:
    rows = []
    for value in values:
        weight = weight_of(value)
        for name, right in cued.right.items():
            share = _columns(
                "accuracy", weighted_share(right, weight, cued.items.photos), cued.units.get(name)
            )
            rows.append({"model": name, what: value, **share, "items": effective(weight)})
    return pd.DataFrame(rows)


def crossings(context: Context) -> pd.DataFrame:
    """One row per RveRNet: the context strength below which it is worse than its ROI module alone.

    Both accuracies are straight lines in rho: rho times the accuracy where the company agrees plus the rest
    times that where it misleads. Where they do not cross between 0 and 1 the cell is empty.
    """
    if not context.pairs:
        return pd.DataFrame()
    cued, rows = context.sauces, []
    agree, mislead = cued.items.agrees, ~cued.items.agrees
    for model in context.models:
        if not isinstance(model, tuple):
            continue
        name, alone = comparisons.model_name(model), model[0]
        if alone not in cued.right:
            continue
        parts = {}
        for what, chosen in zip(AGREEMENT, (agree, mislead), strict=True):
            ours, single = (
                weighted_share(cued.right[m], chosen.astype(float), cued.items.photos) for m in (name, alone)
            )
            parts |= _columns(what, ours, cued.units[name]) | {
                f"{what}, ROI alone": float(single.exact.mean())
            }
            parts[f"gain, {what}"] = float((ours.exact - single.exact).mean())
        up, down = (parts.pop(f"gain, {what}") for what in AGREEMENT)
        crossing = down / (down - up) if down < 0 < up else np.nan
        rows.append({"model": name, **parts, "context helps above rho": crossing})
    return pd.DataFrame(rows)


@dataclass(frozen=True)
class MisleadFacts:
    """Where context begins to mislead."""

    lowest: float  # crossing, over RveRNets; NaN where none crosses
    highest: float
    crossing: int  # RveRNets that are better than their ROI module above some strength, and worse below
    compared: int
    trained: float  # the strength at which they were trained; NaN where no law is known
    above: int  # crossings above that: at the trained strength they are still worse
    worse: int  # RveRNets that are worse at every strength
    better: int  # or better at every strength


def mislead_facts(context: Context, table: pd.DataFrame) -> MisleadFacts:
    """From `crossings`."""
    found = table["context helps above rho"].dropna() if len(table) else pd.Series(dtype=float)
    ends = (float(found.min()), float(found.max())) if len(found) else (float("nan"), float("nan"))
    trained = context.sauces.law.rho if context.pairs else float("nan")
    gains = [table[what] - table[f"{what}, ROI alone"] for what in AGREEMENT] if len(table) else []
    worse, better = (
        int(np.logical_and.reduce([sign * gain > 0 for gain in gains]).sum()) if gains else 0
        for sign in (-1, 1)
    )
    above = int((found > trained).sum())
    return MisleadFacts(*ends, len(found), len(table), trained, above, worse, better)
