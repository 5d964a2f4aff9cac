"""Page 4: does the context tell look-alikes apart, and by how much (abstract, claims 3 and 4)?

On rendered plates the ambiguous pair is ketchup and chili paste, and the best possible scores are known; a
second pair, two drinks, looks the same (paper figure 1 b). On data without them the two classes that the
single models confuse most stand for the pair. What was possible on these very items: see `possible`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from rvernet_core.config import RunSpec
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments.possible import ASKED, Difference, Items, specs_under_other_laws
from rvernet_core.experiments.rvernet import (
    FrozenFacts,
    as_grid,
    frozen_against_fine_tuned,
    frozen_facts,
    leading_modules,
)
from rvernet_core.experiments.study import Modules, Study, named
from rvernet_core.predictions import Predictions
from rvernet_core.uncertainty import Leading
from rvernet_plates import AMBIGUOUS_PAIRS, DRINKS, context_ceiling, law, roi_ceiling

METRICS = ["pair_f1", "pair_accuracy"]
CLAIMED = 0.1  # the gain in F1 that the abstract reports, read in points as the rule of the claim reads it
Classes = tuple[str, str]  # the two classes of the ambiguous pair
Pairs = Mapping[Modules, Sequence[Predictions]]
Singles = Mapping[str, Sequence[Predictions]]


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """The fine-tuned single models and pairs, the grid, the controls, and models under other laws."""
    fine_tuned = named("single", study.singles()) | named("pair", study.pairs())
    controls = named("control", study.controls(*ASKED))
    return fine_tuned | named("grid", study.grid()) | controls | specs_under_other_laws(study)


@dataclass(frozen=True)
class Ambiguous:
    """The ambiguous pair of a data set."""

    classes: Classes
    samples: list[int]  # indices of its test samples
    counts: tuple[int, int]  # test samples of each class
    d: float | None  # ambiguity of the rendered law; None for other data
    rho: float | None  # context strength of the rendered law
    ceilings: dict[str, float]  # what -> best F1 that any model could reach; empty for other data

    @property
    def both(self) -> str:
        """Its classes in a sentence."""
        return " and ".join(self.classes)


def ambiguous(study: Study, singles: Singles) -> Ambiguous:
    """The pair, its test samples, and what any model could reach on it."""
    return _pair(study, comparisons.ambiguous_pair(singles, study.classes))


def further_pairs(study: Study) -> list[Ambiguous]:
    """The drinks of rendered plates, of which the ROI says nothing by law; none on other data."""
    return [_pair(study, DRINKS)] if study.profile.data.name == "plates" else []


def _pair(study: Study, classes: Classes) -> Ambiguous:
    names = [sample.class_name for sample in study.data.test.samples]
    samples = [i for i, name in enumerate(names) if name in classes]
    counts = (names.count(classes[0]), names.count(classes[1]))
    if study.profile.data.name != "plates" or classes not in AMBIGUOUS_PAIRS:
        return Ambiguous(classes, samples, counts, None, None, {})
    rules = law(study.profile.data.plates, classes)
    ceilings = {
        "ceiling, ROI": roi_ceiling(rules.d).f1,
        "ceiling, ROI + context": context_ceiling(rules.d, rules.rho).f1,
    }
    return Ambiguous(classes, samples, counts, rules.d, rules.rho, ceilings)


def scores(study: Study, pair: Ambiguous, singles: Singles, pairs: Pairs) -> pd.DataFrame:
    """F1 and accuracy on the pair of single models and RveRNets (column kind), best F1 first."""
    tables = [
        comparisons.summary(models, METRICS, study.classes, pair.classes).assign(kind=kind)
        for kind, models in (("single", singles), ("RveRNet", pairs))
    ]
    return pd.concat(tables, ignore_index=True).sort_values("pair_f1", ascending=False)


def best_single(table: pd.DataFrame) -> str:
    """The single model with the highest F1 in `scores`."""
    single = table[table["kind"] == "single"].sort_index()
    return str(single.loc[single["pair_f1"].idxmax(), "model"])


def best_pair(table: pd.DataFrame, pairs: Pairs) -> Modules | None:
    """The RveRNet with the highest F1 in `scores`; None where there is none."""
    f1 = table.set_index("model")["pair_f1"]
    return max(pairs, key=lambda pair: f1[comparisons.model_name(pair)]) if pairs else None


def gains(study: Study, pair: Ambiguous, singles: Singles, pairs: Pairs, best: str) -> pd.DataFrame:
    """Gain in F1 of each RveRNet over the single model of its ROI module, and over the `best` single model.

    Paired over seeds and photos, corrected over all rows. The counts are samples of the pair per seed that
    only the one model gets right; `McNemar p` is that of the exact test on them, the largest over seeds.
    """
    keys, found = [], []
    indices = [study.classes.index(name) for name in pair.classes]
    for (roi, extra_roi), runs in pairs.items():
        for other in dict.fromkeys((roi, best)):
            found.append(comparisons.difference(runs, singles[other], "pair_f1", study.classes, pair.classes))
            test = comparisons.mcnemar(runs, singles[other], indices)
            keys.append(
                {
                    "model": f"{roi} + {extra_roi}",
                    "against": other,
                    "only RveRNet right": test["only_first"].mean(),
                    "only single right": test["only_second"].mean(),
                    "McNemar p": test["p"].max(),
                }
            )
    return comparisons.compared(keys, found, "gain")


@dataclass(frozen=True)
class Verdict:
    """What RveRNet gains on the pair over the single model with the highest F1."""

    single: str
    single_f1: float
    pair: str | None  # the RveRNet with the largest gain; None where there is none
    gain: tuple[float, float, float] | None  # of that RveRNet, with the ends of its 95 % interval
    significant: int  # RveRNets that are shown to gain, after Holm's correction
    compared: int
    singles: Leading | None = None  # which single models lead on the pair, and which RveRNets
    pairs: Leading | None = None

    @property
    def relative_gain(self) -> float | None:
        """The gain as a share of the single model's F1; None where that is zero, or there is no RveRNet."""
        return self.gain[0] / self.single_f1 if self.gain and self.single_f1 > 0 else None


def verdict(
    study: Study,
    pair: Ambiguous,
    singles: Singles,
    pairs: Pairs,
    table: pd.DataFrame,
    gain: pd.DataFrame,
    best: str,
) -> Verdict:
    """From the predictions, `scores` and `gains`."""
    f1 = table.loc[table["kind"] == "single", "pair_f1"].max()
    leading = comparisons.leading(singles, "pair_f1", study.classes, pair.classes)
    if gain.empty:
        return Verdict(best, f1, None, None, 0, 0, leading)
    over_best = gain[gain["against"] == best]
    top = over_best.loc[over_best["gain"].idxmax()]
    bounded = (top["gain"], top["gain_low"], top["gain_high"])
    significant = int((comparisons.shown(over_best, "gain") > 0).sum())
    by_pair = comparisons.leading(pairs, "pair_f1", study.classes, pair.classes)
    return Verdict(best, f1, str(top["model"]), bounded, significant, len(over_best), leading, by_pair)


@dataclass(frozen=True)
class GridOnPair:
    """The grid of page 3, read on the ambiguous pair."""

    scores: pd.DataFrame  # one row per pair of modules
    f1: pd.DataFrame  # ROI modules (rows) x extra-ROI modules (columns)
    best: Leading  # of the pairs of modules
    best_extra_roi: Leading  # averaged over the ROI modules
    against: FrozenFacts | None  # on frozen backbones against fine-tuned; None where the grid is fine-tuned


def grid_on_pair(study: Study, pair: Ambiguous, grid: Pairs, pairs: Pairs) -> GridOnPair:
    """F1 on the pair for every combination of modules; those that are fine-tuned as well are compared."""
    table = comparisons.summary(grid, ["pair_f1"], study.classes, pair.classes)
    table[["roi", "extra_roi"]] = [list(modules) for modules in grid]
    f1 = as_grid(study, table, "pair_f1")
    best, _, extra_roi = leading_modules(study, grid, "pair_f1", pair.classes)
    against = frozen_facts(frozen_against_fine_tuned(study, grid, pairs, "pair_f1", pair.classes))
    return GridOnPair(table, f1, best, extra_roi, against)


def confusions(
    study: Study, pair: Ambiguous, singles: Singles, pairs: Pairs, single: str, best: Modules | None
) -> dict[str, pd.DataFrame]:
    """Confusion counts on the pair, over all seeds, of the best single model and the best RveRNet."""
    models: dict[str, Sequence[Predictions]] = {single: singles[single]}
    if best is not None:
        models[comparisons.model_name(best)] = pairs[best]
    return {
        name: comparisons.pair_confusion(runs, study.classes, pair.classes) for name, runs in models.items()
    }


def decided_by_context(
    study: Study, pair: Ambiguous, singles: Singles, pairs: Pairs, best: Modules | None
) -> pd.DataFrame:
    """Samples of the pair that context decides (paper figure 5), one row each, in the order of the test set.

    Rescued: most runs of every single model are wrong, every run of the best RveRNet is right. Lost: most
    runs of every single model are right, every run of the best RveRNet is wrong. Columns sample (index),
    truth, case (rescued | lost), and each model's own answer, the most common one over its seeds, in a column
    of its name: single models first, then all RveRNets. Empty without RveRNets.
    """
    answers = comparisons.answers({**singles, **pairs}, study.classes)
    columns = ["sample", "truth", "case", *answers]
    if best is None:
        return pd.DataFrame(columns=columns)
    votes = [comparisons.votes(runs) for runs in singles.values()]
    ours = comparisons.votes(pairs[best])
    of_pair = ours["label"].isin([study.classes.index(name) for name in pair.classes])
    all_wrong = pd.concat([v["right"] * 2 < v["runs"] for v in votes], axis=1).all(axis=1)
    all_right = pd.concat([v["right"] * 2 > v["runs"] for v in votes], axis=1).all(axis=1)
    rescued = of_pair & all_wrong & (ours["right"] == ours["runs"])
    lost = of_pair & all_right & (ours["right"] == 0)
    rows = [
        {"sample": i, "truth": study.classes[ours["label"][i]], "case": case} | answers.loc[i].to_dict()
        for case, chosen in (("rescued", rescued), ("lost", lost))
        for i in ours.index[chosen]
    ]
    return pd.DataFrame(rows, columns=columns)


# --- against the paper --------------------------------------------------------------------------------


@dataclass(frozen=True)
class AgainstPaper:
    """The largest gain beside the paper's, and what it is made of.

    On the items of the pair alone, where ideal observers answer as well, on_items = room + single_short -
    pair_short: what the company lets one gain, and what the two nets leave undone (below zero: more was done
    than is possible on average, which is luck).
    """

    pair: str  # the RveRNet
    gain: Difference  # in F1 over the single model with the highest F1, as in `Verdict`
    relative: float | None  # the same as a share of that model's F1; None where that is zero
    on_items: Difference  # in F1 on the items of the pair alone, over the single model of its ROI module
    room: float  # what the ideal observer of both cues gains over that of the look; NaN where no law is known
    single_short: float  # by how much the single model stays behind the ideal observer of the look
    pair_short: float  # by how much the RveRNet stays behind the ideal observer of both

    @property
    def side(self) -> int:
        """+1 or -1 where the whole interval of the gain lies above or below CLAIMED, else 0."""
        return int(self.gain[1] > CLAIMED) - int(self.gain[2] < CLAIMED)

    @property
    def by_room(self) -> float:
        """The part of on_items - CLAIMED that the data set: how much there was to gain."""
        return self.room - CLAIMED

    @property
    def by_nets(self) -> float:
        """The other part: what the two nets leave undone."""
        return self.single_short - self.pair_short


def against_paper(study: Study, shown: Items, verdict: Verdict) -> AgainstPaper | None:
    """Of the RveRNet of the verdict; `shown`: the answers on the items of the pair. None without RveRNets."""
    pair = next((pair for pair in shown.pairs if comparisons.model_name(pair) == verdict.pair), None)
    if pair is None or verdict.gain is None:
        return None

    def f1(runs: Sequence[Predictions]) -> float:
        return float(comparisons.measured(runs, "pair_f1", study.classes, shown.classes).exact.mean())

    ours, single = shown.pairs[pair], shown.singles[pair[0]]
    e = comparisons.difference(ours, single, "pair_f1", study.classes, shown.classes)
    both, look = (
        f1(shown.controls[name]) if shown.known else float("nan") for name in ("ideal-both", "ideal-look")
    )
    return AgainstPaper(
        pair=comparisons.model_name(pair),
        gain=verdict.gain,
        relative=verdict.relative_gain,
        on_items=(e.value, e.low, e.high),
        room=both - look,
        single_short=look - f1(single),
        pair_short=both - f1(ours),
    )
