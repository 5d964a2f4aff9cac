"""From predictions to the tidy frames that tables and figures show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rvernet_core import metrics, uncertainty
from rvernet_core.config import AMBIGUOUS, RunSpec
from rvernet_core.errors import RecordError
from rvernet_core.models.zoo import CARDS
from rvernet_core.predictions import Predictions
from rvernet_core.uncertainty import Estimate, Leading, Measured
from rvernet_plates import DRINKS

Pair = tuple[str, str]  # two class names
Models = Mapping[Any, Sequence[Predictions]]  # a model's name, or its pair of modules -> one per seed

METRICS = {"accuracy": metrics.accuracy, "macro_f1": metrics.macro_f1}


def metric_named(name: str, classes: Sequence[str], pair: Pair = AMBIGUOUS) -> metrics.Metric:
    """accuracy | macro_f1 | pair_f1 | pair_accuracy, the last two of the two classes in `pair`.

    Raises RecordError where the data lack one of them.
    """
    if name in METRICS:
        return METRICS[name]
    missing = [c for c in pair if c not in classes]
    if missing:
        raise RecordError(
            f"{name} needs the classes {' and '.join(pair)}, but {' and '.join(missing)} is not there; "
            "add photos with extra_classes"
        )
    indices = [list(classes).index(c) for c in pair]
    return {"pair_f1": metrics.pair_f1, "pair_accuracy": metrics.pair_accuracy}[name](indices)


def ambiguous_pair(models: Models, classes: Sequence[str]) -> Pair:
    """Ketchup and chili paste where the data have both, else the two classes that `models` confuse most.

    Confusion of two classes is the share of their samples that are taken for the other one, summed over
    all runs. It is read off the test set, so the pair's scores are those of a chosen, hard case.
    """
    if set(AMBIGUOUS) <= set(classes):
        return AMBIGUOUS
    total = np.zeros((len(classes), len(classes)))
    for runs in models.values():
        truth, _ = truth_of(runs)
        total += sum(metrics.confusion(truth, p, len(classes)) for p in predictions_of(runs))
    counts = total.sum(1)
    share = (total + total.T) / np.maximum(counts[:, None] + counts[None, :], 1)
    np.fill_diagonal(share, -1)
    first, second = np.unravel_index(share.argmax(), share.shape)
    return classes[int(first)], classes[int(second)]


def truth_of(runs: Sequence[Predictions]) -> tuple[np.ndarray, np.ndarray]:
    """Labels (N,) and photo names (N,) of the test set that all `runs` predicted, in one order."""
    first = runs[0].table
    for run in runs[1:]:
        if not run.table["key"].equals(first["key"]):
            raise RecordError(f"{run.name} and {runs[0].name} were tested on different samples")
    return runs[0].labels, runs[0].photos


def predictions_of(runs: Sequence[Predictions]) -> list[np.ndarray]:
    """Predicted class indices, one (N,) array per run."""
    return [run.predicted for run in runs]


def about(name: str, labels: np.ndarray, classes: Sequence[str], pair: Pair = AMBIGUOUS) -> np.ndarray:
    """The samples (N,), bool, that a metric is about: those of the pair, or all."""
    if not name.startswith("pair_"):
        return np.ones(len(labels), bool)
    return np.isin(labels, [list(classes).index(c) for c in pair])


def measured(
    runs: Sequence[Predictions], name: str, classes: Sequence[str], pair: Pair = AMBIGUOUS
) -> Measured:
    """A metric of every seed of a model, on all photos and without each of them."""
    truth, photos = truth_of(runs)
    metric, predicted = metric_named(name, classes, pair), predictions_of(runs)

    def score(i: int, count: metrics.Count) -> np.ndarray:
        return metric(metrics.confusions(count, truth, predicted[i], len(classes)))

    return uncertainty.measure(score, len(runs), photos, about=about(name, truth, classes, pair))


def units_of(runs: Sequence[Predictions]) -> list[int]:
    """What the seeds of a model started from: seeds of one pretrained checkpoint are not independent.

    Where all of them share one, or each has its own, every seed stands for itself.
    """
    return units_of_specs([run.spec for run in runs])


def units_of_specs(specs: Sequence[RunSpec]) -> list[int]:
    """`units_of` runs with these specs."""
    seeds = [spec.seed for spec in specs]
    model = specs[0].model
    names = [name for name in (model.roi, model.extra_roi) if name]
    if not model.pretrained or model.scale != "micro":
        return seeds
    shipped = min(len(CARDS.get(name, {}).get("checkpoints", ())) for name in names)
    units = [seed % shipped for seed in seeds] if shipped else seeds
    return units if len(set(units)) > 1 else list(range(len(seeds)))


def summary(
    models: Models, names: Sequence[str], classes: Sequence[str], pair: Pair = AMBIGUOUS
) -> pd.DataFrame:
    """One row per model: each metric with `<metric>_low` and `<metric>_high` (95 %), seeds, size and time."""
    rows = []
    for model, runs in models.items():
        row: dict = {"model": model_name(model)}
        for name in names:
            e = uncertainty.estimate(measured(runs, name, classes, pair), units_of(runs))
            row |= {**e.columns(name), f"{name}_spread": e.spread}
        row |= {
            "seeds": len(runs),
            "parameters": runs[0].manifest["parameters"],
            "seconds": float(np.mean([run.manifest["seconds"] for run in runs])),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def with_drinks(table: pd.DataFrame, models: Models, classes: Sequence[str]) -> pd.DataFrame:
    """A `summary` of `models` with the accuracy on the two drinks, column `drinks` with its interval.

    The built-in control of rendered plates: nothing in the glass tells the two apart, so a model that sees
    the ROI alone is right in half of the cases at most. Unchanged where the test set shows no drink.
    """
    if table.empty or not set(DRINKS) <= set(classes):
        return table
    labels = [classes.index(name) for name in DRINKS]
    if not all(np.isin(runs[0].table["label"], labels).any() for runs in models.values()):
        return table
    found = summary(models, ["pair_accuracy"], classes, DRINKS)
    ends = ("", "_low", "_high", "_spread")
    return table.assign(**{f"drinks{end}": found[f"pair_accuracy{end}"].to_numpy() for end in ends})


def difference(
    first: Sequence[Predictions],
    second: Sequence[Predictions],
    name: str,
    classes: Sequence[str],
    pair: Pair = AMBIGUOUS,
) -> Estimate:
    """metric(first) - metric(second) with its 95 % interval, seed by seed on the same test samples."""
    truth_of([*first, *second])  # the same samples
    parts = [measured(runs, name, classes, pair) for runs in (first, second)]
    return uncertainty.estimate(parts[0] - parts[1], units_of(first))


def compared(keys: Sequence[Mapping[str, Any]], found: Sequence[Estimate], column: str) -> pd.DataFrame:
    """A family of comparisons as a table, one row each: `keys`, then what was found.

    Columns `<column>` with `_low` and `_high` (95 %, of each alone), `p` after Holm's correction over all
    rows, and `smallest`, the smallest true difference that 80 % of repetitions had found, uncorrected.
    """
    adjusted = uncertainty.holm([e.p for e in found])
    rows = [
        {**key, **e.columns(column), "p": p, "smallest": e.smallest}
        for key, e, p in zip(keys, found, adjusted, strict=True)
    ]
    return pd.DataFrame(rows)


def widened(rows: pd.DataFrame, index: Sequence[str], column: str) -> pd.DataFrame:
    """Tidy rows with one column for each of `column`, its interval in `<name>_low` and `<name>_high`."""
    wide = rows.pivot(index=list(index), columns=column, values=["value", "low", "high"])
    wide.columns = [name if part == "value" else f"{name}_{part}" for part, name in wide.columns]
    return wide


def shown(table: pd.DataFrame, column: str, p: str = "p") -> pd.Series:
    """+1, -1 or 0 for each row of `compared`: which sign is shown, after correction over the table.

    p: the column of corrected p, where a table holds several comparisons in a row.
    """
    sure = table[p] < 1 - uncertainty.LEVEL
    return np.sign(table[column]).where(sure, 0).astype(int)


def leading(models: Models, name: str, classes: Sequence[str], pair: Pair = AMBIGUOUS) -> Leading:
    """Which model leads in a metric, or which several; the keys are those of `models`."""
    units = units_of(next(iter(models.values()))) if models else None
    parts = {model: measured(runs, name, classes, pair) for model, runs in models.items()}
    return uncertainty.leading_group(parts, units)


def differs(models: Models, name: str, classes: Sequence[str], pair: Pair = AMBIGUOUS) -> uncertainty.Omnibus:
    """One test of whether any of the models differs from the others in a metric."""
    units = units_of(next(iter(models.values()))) if models else None
    return uncertainty.omnibus([measured(runs, name, classes, pair) for runs in models.values()], units)


def following(exchanged: Models, own: Models, only: Sequence[int]) -> pd.DataFrame:
    """Whether answers follow a foreign context: one row per model, over samples of the class indices `only`.

    exchanged, own: the same models on the same samples, in foreign contexts and in their own. The samples are
    those whose foreign context belongs to another class of `only`, called the other class here. Columns, each
    with `_low` and `_high` (95 %): `exchanged`, the share named as the other class in its context; `own`, the
    share of the same samples named so in their own context, which is plain confusion; `difference`, exchanged
    minus own and paired, which alone follows the context; `stays`, the share named right in the foreign one.
    p and smallest are those of the difference, see `compared`. Raises RecordError without such a sample.
    """
    keys, differences, shares = [], [], []
    for model, runs in exchanged.items():
        foreign, at_home, right = _named(runs, own[model], only)
        units = units_of(runs)
        differences.append(uncertainty.estimate(foreign - at_home, units))
        keys.append({"model": model_name(model)})
        parts = {"exchanged": foreign, "own": at_home, "stays": right}
        row: dict[str, float] = {}
        for name, part in parts.items():
            row |= uncertainty.estimate(part, units).columns(name)
        shares.append(row)
    return pd.concat([compared(keys, differences, "difference"), pd.DataFrame(shares)], axis=1)


def _named(
    exchanged: Sequence[Predictions], own: Sequence[Predictions], only: Sequence[int]
) -> tuple[Measured, Measured, Measured]:
    """Named as the class of the foreign context: in it, and in their own one; named right in the foreign."""
    truth, photos = truth_of([*exchanged, *own])
    frame = exchanged[0].table
    label_of = dict(zip(frame["key"], frame["label"], strict=True))
    source = np.array([label_of[key] for key in frame["context_source"]])
    keep = np.isin(truth, list(only)) & np.isin(source, list(only)) & (source != truth)
    if not keep.any():
        raise RecordError("no sample was shown the context of another of these classes")

    def share(runs: Sequence[Predictions], label: np.ndarray) -> Measured:
        hits = np.stack(predictions_of(runs))[:, keep] == label[keep]

        def score(i: int, count: metrics.Count) -> np.ndarray:
            missed, hit = count(hits[i].astype(np.int64), 2).T
            return hit / np.maximum(missed + hit, 1e-12)

        return uncertainty.measure(score, len(hits), photos[keep])

    return share(exchanged, source), share(own, source), share(exchanged, truth)


def mcnemar(
    first: Sequence[Predictions], second: Sequence[Predictions], only: Sequence[int] | None = None
) -> pd.DataFrame:
    """Exact McNemar test per seed; `only` restricts it to the samples of these class indices."""
    rows = []
    for a, b in zip(first, second, strict=True):
        truth, _ = truth_of([a, b])
        keep = np.ones(len(truth), bool) if only is None else np.isin(truth, list(only))
        one, two = predictions_of([a, b])
        test = metrics.mcnemar(truth[keep], one[keep], two[keep])
        rows.append(
            {
                "seed": a.spec.seed,
                "only_first": test.only_first,
                "only_second": test.only_second,
                "p": test.p_value,
            }
        )
    return pd.DataFrame(rows)


def votes(runs: Sequence[Predictions]) -> pd.DataFrame:
    """Per test sample: label, how many of the runs are right, and the prediction most of them made.

    `mistaken` is the most common of the wrong predictions, -1 where there is none. Of equally common ones
    that of the first run counts.
    """
    truth, _ = truth_of(runs)
    predicted = np.stack(predictions_of(runs))  # (runs, N)
    return pd.DataFrame(
        {
            "label": truth,
            "right": (predicted == truth).sum(0),
            "runs": len(runs),
            "predicted": [_most_common(column) for column in predicted.T],
            "mistaken": [_most_common(c[c != t]) for c, t in zip(predicted.T, truth, strict=True)],
        }
    )


def _most_common(labels: Iterable[int]) -> int:
    """The most common of some labels, of equally common ones the first; -1 of none."""
    counts = Counter(map(int, labels)).most_common(1)
    return counts[0][0] if counts else -1


def answers(models: Models, classes: Sequence[str]) -> pd.DataFrame:
    """What each model calls each test sample: its most common answer over seeds, a column a model."""
    return pd.DataFrame(
        {
            model_name(model): [classes[label] for label in votes(runs)["predicted"]]
            for model, runs in models.items()
        }
    )


def pair_confusion(
    runs: Sequence[Predictions], classes: Sequence[str], pair: Pair = AMBIGUOUS
) -> pd.DataFrame:
    """Counts over all runs: the two classes (rows) against each of them and everything else (columns)."""
    indices = [list(classes).index(c) for c in pair]
    total = np.zeros((2, 3), int)
    for run in runs:
        frame = run.table
        for i, label in enumerate(indices):
            predicted = frame.loc[frame["label"] == label, "predicted"]
            counts = [(predicted == other).sum() for other in indices]
            total[i] += [*counts, len(predicted) - sum(counts)]
    return pd.DataFrame(total, index=list(pair), columns=[*pair, "another"])


def model_name(model: Hashable) -> str:
    """A backbone's name, or "roi + extra-roi" for a pair."""
    return " + ".join(model) if isinstance(model, tuple) else str(model)
