"""Page 2: which architecture classifies a food best when it sees the ROI alone (abstract, claim 2)?"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from rvernet_core import metrics
from rvernet_core.config import RunSpec
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments import detector_baseline
from rvernet_core.experiments.study import Study, named
from rvernet_core.models.backbones import facts
from rvernet_core.models.zoo import CARDS
from rvernet_core.predictions import Predictions
from rvernet_core.uncertainty import Estimate, Leading, Omnibus
from rvernet_plates import DRINKS

CONTROLS = ("histogram", "companions", "majority")
AHEAD_OF_COLOURS = 0.2  # by how much the best net should beat the histogram: what the plates are made for
Singles = Mapping[str, Sequence[Predictions]]  # backbone -> one per seed


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """The fine-tuned single models, also by second recipes and for twice the epochs, and their measures.

    That is the controls and the detector-like nets.
    """
    tuned = named("single", study.singles()) | named("second-single", study.under_second_recipe().singles())
    tuned |= named("doubled-single", study.for_twice_the_epochs().singles())
    return tuned | named("control", study.controls(*CONTROLS)) | detector_baseline.needs(study)


def weights(study: Study) -> dict[str, list[RunSpec]]:
    """Those whose weights are needed: of the detector-like net whose map is shown."""
    return detector_baseline.weights(study)


def scores(study: Study, singles: Singles) -> pd.DataFrame:
    """One row per model, highest accuracy first: accuracy, macro-F1, drinks with intervals, size, seconds."""
    table = comparisons.summary(singles, ["accuracy", "macro_f1"], study.classes)
    table = comparisons.with_drinks(table, singles, study.classes)
    return table.sort_values("accuracy", ascending=False)


def controls(study: Study, singles: Singles, found: Singles) -> pd.DataFrame:
    """One row per control, best accuracy first: accuracy and macro-F1, and by how much the best net is ahead.

    `ahead` is the accuracy of the best single model minus that of the control, paired over photos;
    `smallest` the smallest one that 80 % of repetitions had found.
    """
    table = scores(study, found)
    best = singles[scores(study, singles).iloc[0]["model"]]
    ahead = [_ahead(study, best, found[name]) for name in table["model"]]
    return table.assign(
        ahead=[e.value for e in ahead],
        ahead_low=[e.low for e in ahead],
        ahead_high=[e.high for e in ahead],
        smallest=[e.smallest for e in ahead],
    )


@dataclass(frozen=True)
class Bar:
    """What the colours of the ROI are worth: the single models against the colour histogram."""

    best: str  # the single model with the highest accuracy
    gap: tuple[float, float, float]  # its accuracy minus the histogram's, with the ends of its interval
    above: list[str]  # single models that are shown to be ahead, after Holm's correction over all of them
    below: list[str]  # ... to be behind
    undecided: list[str]  # ... neither

    @property
    def side(self) -> int:
        """+1 or -1 where the whole interval of the gap lies above or below AHEAD_OF_COLOURS, else 0."""
        return int(self.gap[1] > AHEAD_OF_COLOURS) - int(self.gap[2] < AHEAD_OF_COLOURS)


def bar(study: Study, singles: Singles, found: Singles) -> Bar:
    """Which single models are shown to be above the colour histogram, and by how much the best one is."""
    ahead = {name: _ahead(study, runs, found["histogram"]) for name, runs in singles.items()}
    best = scores(study, singles).iloc[0]["model"]
    family = comparisons.compared([{"model": name} for name in ahead], list(ahead.values()), "ahead")
    signs = comparisons.shown(family, "ahead")
    above, below, undecided = (list(family.loc[signs == sign, "model"]) for sign in (1, -1, 0))
    gap = ahead[best].value, ahead[best].low, ahead[best].high
    return Bar(best, gap, above, below, undecided)


def _ahead(study: Study, runs: Sequence[Predictions], control: Sequence[Predictions]) -> Estimate:
    """Accuracy of a model minus a control's, whose one run stands beside every seed."""
    return comparisons.difference(runs, [*control] * len(runs), "accuracy", study.classes)


def pretraining(study: Study, singles: Singles) -> pd.DataFrame:
    """What the shipped micro nets learned in pretraining, from their model cards; empty at paper scale.

    One row per model: means over its checkpoints, minutes in all. The accuracies on plates, by a linear probe
    and fine-tuned, are those of the cards; absent where a card has none.
    """
    if study.profile.scale != "micro":
        return pd.DataFrame()
    cards = {name: CARDS[name] for name in singles}
    return pd.DataFrame(
        {
            "model": name,
            "data": card["data"],
            "checkpoints": len(card["checkpoints"]),
            "top-1": _mean(entry["top1"] for entry in card["checkpoints"]),
            "linear probe": _mean(plates.get("linear_probe") for plates in _on_plates(card)),
            "fine-tuned": _mean(plates.get("fine_tuned") for plates in _on_plates(card)),
            "minutes": sum(entry["minutes"] for entry in card["checkpoints"]),
            "test": card["test"],
        }
        for name, card in cards.items()
    ).dropna(axis="columns", how="all")


def _on_plates(card: dict) -> list[dict[str, float]]:
    return [entry.get("plates", {}) for entry in card["checkpoints"]]


def _mean(values: Iterable[float | None]) -> float | None:
    """The mean of those values that are there; None without any."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None


def differences(study: Study, singles: Singles) -> pd.DataFrame:
    """Accuracy of DeiT minus that of each other model, paired over seeds and photos; one row per other model.

    Columns of `comparisons.compared`, and McNemar's exact p of every seed. Where DeiT is not among the
    models, the first one stands for it. Empty without a second model.
    """
    reference = "deit" if "deit" in singles else next(iter(singles), "")
    others = {name: runs for name, runs in singles.items() if name != reference}
    found = [
        comparisons.difference(singles[reference], runs, "accuracy", study.classes)
        for runs in others.values()
    ]
    keys = []
    for name, runs in others.items():
        p_values = comparisons.mcnemar(singles[reference], runs)["p"]
        keys.append({"model": name, "McNemar p, per seed": ", ".join(f"{p:.2g}" for p in p_values)})
    return comparisons.compared(keys, found, "difference")


@dataclass(frozen=True)
class Lead:
    """Who is ahead of all models, and whether any differs from the others."""

    group: Leading
    test: Omnibus


def lead(study: Study, singles: Singles) -> Lead:
    """Of accuracy on the ROI alone."""
    return Lead(
        comparisons.leading(singles, "accuracy", study.classes),
        comparisons.differs(singles, "accuracy", study.classes),
    )


@dataclass(frozen=True)
class Verdict:
    """Who leads, and which models DeiT, the best of them in the abstract, is shown to differ from."""

    lead: Lead
    accuracy: Estimate  # of the model with the highest mean
    ahead: list[str]  # models that DeiT is shown to be ahead of, after Holm's correction
    behind: list[str]  # models that DeiT is shown to be behind


def verdict(table: pd.DataFrame, against: pd.DataFrame, lead: Lead) -> Verdict:
    """From `scores`, `differences` and `lead`."""
    best = table.iloc[0]
    signs = comparisons.shown(against, "difference") if len(against) else pd.Series(dtype=int)
    ahead, behind = (list(against.loc[signs == sign, "model"]) if len(against) else [] for sign in (1, -1))
    interval = best["accuracy"], best["accuracy_low"], best["accuracy_high"], best["accuracy_spread"]
    return Verdict(lead, Estimate(*interval, best["seeds"]), ahead, behind)


def learning_curves(study: Study) -> pd.DataFrame:
    """Validation accuracy by epoch: columns model, epoch, and mean, min and max over seeds."""
    rows = [
        {"model": name, **row}
        for name, histories in study.histories(study.singles()).items()
        for history in histories
        for row in history
    ]
    by_epoch = pd.DataFrame(rows).groupby(["model", "epoch"], sort=False)["val_accuracy"]
    return by_epoch.agg(["mean", "min", "max"]).reset_index()


def disagreements(study: Study, singles: Singles, count: int = 6) -> pd.DataFrame:
    """Test samples on which transformers and the CNN disagree, up to `count` of either kind (paper figure 3).

    A sample counts where all runs of the one family are right and most runs of the other are wrong. The
    drinks of rendered plates do not: their ROI says nothing, so who is right is lucky. Columns sample
    (index), truth, wrong prediction (the other family's most common wrong one, never the truth), right (the
    family), and each model's own answer, the most common one over its seeds, in a column of its name.
    """
    columns, answers = (
        ["sample", "truth", "wrong prediction", "right"],
        comparisons.answers(singles, study.classes),
    )
    lucky = DRINKS if study.profile.data.name == "plates" else ()
    luck = [study.classes.index(name) for name in lucky if name in study.classes]
    votes = {}
    for family in ("transformer", "cnn"):
        runs = [run for name, part in singles.items() if facts(name).family == family for run in part]
        if not runs:
            return pd.DataFrame(columns=[*columns, *answers])
        votes[family] = comparisons.votes(runs)
    rows = []
    for right, wrong in (("transformer", "cnn"), ("cnn", "transformer")):
        a, b = votes[right], votes[wrong]
        clear = (a["right"] == a["runs"]) & (b["right"] * 2 < b["runs"]) & ~a["label"].isin(luck)
        for i in clear[clear].sample(frac=1, random_state=0).index[:count]:
            truth, prediction = (study.classes[int(label)] for label in (a["label"][i], b["mistaken"][i]))
            shown = {"sample": i, "truth": truth, "wrong prediction": prediction, "right": right}
            rows.append(shown | answers.loc[i].to_dict())
    return pd.DataFrame(rows, columns=[*columns, *answers])


def f1_by_class(study: Study, singles: Singles) -> pd.DataFrame:
    """F1 of every class (rows, hardest first by the mean over models) and model, mean over seeds."""
    count = len(study.classes)
    columns = {}
    for name, runs in singles.items():
        truth, _ = comparisons.truth_of(runs)
        matrices = [metrics.confusion(truth, p, count) for p in comparisons.predictions_of(runs)]
        columns[name] = sum(map(metrics.f1_per_class, matrices)) / len(runs)
    table = pd.DataFrame(columns, index=pd.Index(study.classes, name="class")).dropna(how="all")
    return table.loc[table.mean(axis=1).sort_values().index]
