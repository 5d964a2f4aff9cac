"""From predictions to the tidy frames that tables and figures show."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from rvernet_core import metrics
from rvernet_core.config import AMBIGUOUS
from rvernet_core.errors import RecordError
from rvernet_core.predictions import Predictions

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


def summary(
    models: Models, names: Sequence[str], classes: Sequence[str], pair: Pair = AMBIGUOUS
) -> pd.DataFrame:
    """One row per model: each metric with `<metric>_low` and `<metric>_high` (95 %), seeds, size and time."""
    rows = []
    for model, runs in models.items():
        truth, photos = truth_of(runs)
        row: dict = {"model": model_name(model)}
        for name in names:
            e = metrics.estimate(
                truth, predictions_of(runs), metric_named(name, classes, pair), len(classes), photos
            )
            row |= {name: e.value, f"{name}_low": e.low, f"{name}_high": e.high, f"{name}_spread": e.spread}
        row |= {
            "seeds": len(runs),
            "parameters": runs[0].manifest["parameters"],
            "seconds": float(np.mean([run.manifest["seconds"] for run in runs])),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def difference(
    first: Sequence[Predictions],
    second: Sequence[Predictions],
    name: str,
    classes: Sequence[str],
    pair: Pair = AMBIGUOUS,
) -> metrics.Estimate:
    """metric(first) - metric(second) with its 95 % interval, seed by seed on the same test samples."""
    truth, photos = truth_of([*first, *second])
    return metrics.estimate(
        truth,
        predictions_of(first),
        metric_named(name, classes, pair),
        len(classes),
        photos,
        against=predictions_of(second),
    )


def changes(
    models: Models, baselines: Models, name: str, classes: Sequence[str], pair: Pair = AMBIGUOUS
) -> pd.DataFrame:
    """`difference` of each of `models` to the baseline of the same key: columns model, change and bounds."""
    rows = []
    for model, runs in models.items():
        e = difference(runs, baselines[model], name, classes, pair)
        rows.append(
            {"model": model_name(model), "change": e.value, "change_low": e.low, "change_high": e.high}
        )
    return pd.DataFrame(rows)


def follows(
    evaluations: Sequence[Predictions], only: Sequence[int]
) -> tuple[metrics.Estimate, metrics.Estimate]:
    """Where a foreign context is shown: how often the prediction is its class, and how often the ROI's own.

    Two shares with 95 % intervals, over the samples of the class indices in `only` whose context source
    belongs to another of them.
    """
    truth, photos = truth_of(evaluations)
    frame = evaluations[0].table
    label_of = dict(zip(frame["key"], frame["label"], strict=True))
    source = np.array([label_of[key] for key in frame["context_source"]])
    keep = np.isin(truth, list(only)) & np.isin(source, list(only)) & (source != truth)
    if not keep.any():
        raise RecordError("no sample was shown the context of another of these classes")
    predicted = [p[keep] for p in predictions_of(evaluations)]
    count = int(max(max(p.max() for p in predicted), truth.max())) + 1
    by_source, by_truth = (
        metrics.estimate(label[keep], predicted, metrics.accuracy, count, photos[keep])
        for label in (source, truth)
    )
    return by_source, by_truth


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
    """Per test sample: label, how many of the runs are right, and the prediction most of them made."""
    truth, _ = truth_of(runs)
    predicted = np.stack(predictions_of(runs))  # (runs, N)
    common = [int(np.bincount(column).argmax()) for column in predicted.T]
    return pd.DataFrame(
        {"label": truth, "right": (predicted == truth).sum(0), "runs": len(runs), "predicted": common}
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
