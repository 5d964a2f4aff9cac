"""From finished runs to the tidy frames that tables and figures show."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pandas as pd

from rvernet_core import metrics
from rvernet_core.config import AMBIGUOUS
from rvernet_core.errors import RecordError
from rvernet_core.runs import Run

Models = Mapping[Hashable, Sequence[Run]]  # a model's name (or its pair of modules) -> one run per seed

METRICS = {"accuracy": metrics.accuracy, "macro_f1": metrics.macro_f1}


def metric_named(name: str, classes: Sequence[str]) -> metrics.Metric:
    """accuracy | macro_f1 | pair_f1 | pair_accuracy, the last two of ketchup and chili paste.

    Raises RecordError where the data lack one of the two sauces.
    """
    if name in METRICS:
        return METRICS[name]
    missing = [c for c in AMBIGUOUS if c not in classes]
    if missing:
        raise RecordError(
            f"{name} needs the classes {' and '.join(AMBIGUOUS)}, but {' and '.join(missing)} is not there; "
            "add photos with extra_classes"
        )
    pair = [list(classes).index(c) for c in AMBIGUOUS]
    return {"pair_f1": metrics.pair_f1, "pair_accuracy": metrics.pair_accuracy}[name](pair)


def truth_of(runs: Sequence[Run]) -> tuple[np.ndarray, np.ndarray]:
    """Labels (N,) and photo names (N,) of the test set that all `runs` predicted, in one order."""
    first = runs[0].predictions
    for run in runs[1:]:
        if not run.predictions["key"].equals(first["key"]):
            raise RecordError(f"{run.folder.name} and {runs[0].folder.name} were tested on different samples")
    return first["label"].to_numpy(), first["image_id"].to_numpy()


def predictions_of(runs: Sequence[Run]) -> list[np.ndarray]:
    """Predicted class indices, one (N,) array per run."""
    return [run.predictions["predicted"].to_numpy() for run in runs]


def summary(models: Models, names: Sequence[str], classes: Sequence[str]) -> pd.DataFrame:
    """One row per model: each metric with `<metric>_low` and `<metric>_high` (95 %), seeds, size and time."""
    rows = []
    for model, runs in models.items():
        truth, photos = truth_of(runs)
        row: dict = {"model": model_name(model)}
        for name in names:
            e = metrics.estimate(
                truth, predictions_of(runs), metric_named(name, classes), len(classes), photos
            )
            row |= {name: e.value, f"{name}_low": e.low, f"{name}_high": e.high, f"{name}_spread": e.spread}
        row |= {
            "seeds": len(runs),
            "parameters": runs[0].manifest["parameters"],
            "seconds": float(np.mean([run.manifest["seconds"] for run in runs])),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def per_seed(models: Models, names: Sequence[str]) -> pd.DataFrame:
    """Tidy: one row per model, seed and metric, straight from the runs."""
    return pd.DataFrame(
        {"model": model_name(model), "seed": run.spec.seed, "metric": name, "value": run.metrics[name]}
        for model, runs in models.items()
        for run in runs
        for name in names
    )


def difference(
    first: Sequence[Run], second: Sequence[Run], name: str, classes: Sequence[str]
) -> metrics.Estimate:
    """metric(first) - metric(second) with its 95 % interval, seed by seed on the same test samples."""
    truth, photos = truth_of([*first, *second])
    return metrics.estimate(
        truth,
        predictions_of(first),
        metric_named(name, classes),
        len(classes),
        photos,
        against=predictions_of(second),
    )


def mcnemar(
    first: Sequence[Run], second: Sequence[Run], classes: Sequence[str] | None = None
) -> pd.DataFrame:
    """Exact McNemar test per seed. `classes`: (all class names) restricts it to the ambiguous pair."""
    rows = []
    for a, b in zip(first, second, strict=True):
        truth, _ = truth_of([a, b])
        keep = np.ones(len(truth), bool)
        if classes is not None:
            keep = np.isin(truth, [list(classes).index(c) for c in AMBIGUOUS])
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


def votes(runs: Sequence[Run]) -> pd.DataFrame:
    """Per test sample: label, how many of the runs are right, and the prediction most of them made."""
    truth, _ = truth_of(runs)
    made = np.stack(predictions_of(runs))  # (runs, N)
    common = [int(np.bincount(column).argmax()) for column in made.T]
    return pd.DataFrame(
        {"label": truth, "right": (made == truth).sum(0), "runs": len(runs), "predicted": common}
    )


def pair_confusion(runs: Sequence[Run], classes: Sequence[str]) -> pd.DataFrame:
    """Counts over all runs: the two sauces (rows) against each sauce and everything else (columns)."""
    pair = [list(classes).index(c) for c in AMBIGUOUS]
    total = np.zeros((2, 3), int)
    for run in runs:
        frame = run.predictions
        for i, label in enumerate(pair):
            predicted = frame.loc[frame["label"] == label, "predicted"]
            counts = [(predicted == other).sum() for other in pair]
            total[i] += [*counts, len(predicted) - sum(counts)]
    return pd.DataFrame(total, index=list(AMBIGUOUS), columns=[*AMBIGUOUS, "another"])


def model_name(model: Hashable) -> str:
    """A backbone's name, or "roi + extra-roi" for a pair."""
    return " + ".join(model) if isinstance(model, tuple) else str(model)


def tidy(table: pd.DataFrame, profile: str) -> pd.DataFrame:
    """A `summary` as one row per measurement: model, metric, value, low, high, spread, seeds, profile."""
    names = [column for column in table.columns if f"{column}_low" in table.columns]
    parts = [
        pd.DataFrame(
            {
                "model": table["model"],
                "metric": name,
                "value": table[name],
                "low": table[f"{name}_low"],
                "high": table[f"{name}_high"],
                "spread": table[f"{name}_spread"],
                "seeds": table["seeds"],
                "profile": profile,
            }
        )
        for name in names
    ]
    return pd.concat(parts, ignore_index=True)
