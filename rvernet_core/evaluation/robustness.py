"""What noise costs: scores beside their drops, curves over severity, ranks and where they cross."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Mapping, Sequence

import pandas as pd

from rvernet_core import uncertainty
from rvernet_core.config import AMBIGUOUS
from rvernet_core.errors import RecordError
from rvernet_core.evaluation.comparisons import (
    Models,
    Pair,
    measured,
    model_name,
    truth_of,
    units_of,
)
from rvernet_core.predictions import Predictions
from rvernet_core.uncertainty import Estimate, Leading, Measured, Omnibus

Runs = Sequence[Predictions]  # of one model, one per seed


def subset_like(models: Models, like: Predictions) -> dict:
    """`models`, on the test samples of `like` alone."""
    keys = frozenset(like.table["key"])
    return {name: [predictions.on(keys) for predictions in runs] for name, runs in models.items()}


# --- drops ----------------------------------------------------------------------------------------


def lost(clean: Runs, noisy: Runs, name: str, classes: Sequence[str], pair: Pair = AMBIGUOUS) -> Measured:
    """metric(clean) - metric(noisy) of every seed, on the same samples.

    Raises RecordError for other samples, or other numbers of runs.
    """
    if len(clean) != len(noisy):
        raise RecordError(
            f"predictions of {len(clean)}, {len(noisy)} runs; expected one clean and one noisy of every seed"
        )
    truth_of([*clean, *noisy])
    return measured(clean, name, classes, pair) - measured(noisy, name, classes, pair)


def drop(
    clean: Runs,
    noisy: Runs,
    name: str,
    classes: Sequence[str],
    pair: Pair = AMBIGUOUS,
    against: tuple[Runs, Runs] | None = None,
) -> Estimate:
    """`lost` with its 95 % interval, seed by seed on the same samples.

    against: clean and noisy predictions of another model with the same seeds; the estimate is then of how
    much more `clean` loses than that model does: below 0, it is the more robust one.
    """
    own = lost(clean, noisy, name, classes, pair)
    if against:
        truth_of([*clean, *against[0]])
        own = own - lost(*against, name, classes, pair)
    return uncertainty.estimate(own, units_of(clean))


def compared_losses(
    clean: Models, noisy: Models, name: str, classes: Sequence[str]
) -> tuple[Leading, Leading, Omnibus]:
    """Which models lose most of a metric, which lose least, and whether any differs from the others."""
    losses = {model: lost(clean[model], runs, name, classes) for model, runs in noisy.items()}
    units = units_of(next(iter(noisy.values())))
    most = uncertainty.leading_group(losses, units)
    least = uncertainty.leading_group(losses, units, lowest=True)
    return most, least, uncertainty.omnibus(list(losses.values()), units)


def corrected(tests: Mapping[str, Omnibus]) -> dict[str, Omnibus]:
    """The same tests, with p after Holm's correction over all of them."""
    p_values = uncertainty.holm([test.p for test in tests.values()])
    return {
        name: dataclasses.replace(test, p=float(p))
        for (name, test), p in zip(tests.items(), p_values, strict=True)
    }


def costs(
    clean: Models,
    noisy: Mapping[str, Models],
    names: Sequence[str],
    classes: Sequence[str],
    pair: Pair = AMBIGUOUS,
) -> pd.DataFrame:
    """One row per key of `noisy`, column `noise on`, and model: what the noise costs in each metric.

    `<metric>_clean`, `<metric>` under noise and `<metric>_drop`, the last two with `..._low` and `..._high`
    (95 %). Of the drop also `..._p` after Holm's correction over all drops of the table, and `..._smallest`,
    the smallest one found with a power of 80 % without it.
    """
    rows, found = [], []
    for on, models in noisy.items():
        for model, runs in models.items():
            row: dict = {"model": model_name(model), "noise on": on}
            for name in names:
                e = _estimate(runs, name, classes, pair)
                d = drop(clean[model], runs, name, classes, pair)
                row |= {f"{name}_clean": e.value + d.value, **e.columns(name), **d.columns(f"{name}_drop")}
                row |= {f"{name}_drop_p": d.p, f"{name}_drop_smallest": d.smallest}
                found.append(d.p)
            rows.append(row)
    ends = (
        "_clean",
        "",
        "_low",
        "_high",
        *(f"_drop{end}" for end in ("", "_low", "_high", "_p", "_smallest")),
    )
    columns = ["model", "noise on", *[f"{name}{end}" for name in names for end in ends]]
    table = pd.DataFrame(rows, columns=columns)
    p_values = [f"{name}_drop_p" for name in names]
    table[p_values] = uncertainty.holm(found).reshape(len(rows), len(names))
    return table


# --- over severity --------------------------------------------------------------------------------


def along(
    evaluations: Mapping, name: str, classes: Sequence[str], pair: Pair = AMBIGUOUS, what: str = "condition"
) -> pd.DataFrame:
    """Tidy: value, low, high and seeds by model and condition, the key of `evaluations`, in column `what`."""
    rows = []
    for at, models in evaluations.items():
        for model, runs in models.items():
            e = _estimate(runs, name, classes, pair)
            rows.append((at, model_name(model), e.value, e.low, e.high, e.seeds))
    return pd.DataFrame(rows, columns=[what, "model", "value", "low", "high", "seeds"])


def ranks(curve: pd.DataFrame, what: str) -> pd.DataFrame:
    """`along`'s rows with `rank` (1 is best) and `tied`.

    Down the order, a model whose value lies within the interval of the one before it shares its rank. A
    description, not a test: neighbours' intervals are not of their difference.
    """
    parts = []
    for _, part in curve.groupby(what, sort=False):
        part = part.sort_values("value", ascending=False, kind="stable").reset_index(drop=True)
        clear = part["value"] < part["low"].shift(1)
        new = clear | (part.index == 0)
        part["rank"] = pd.Series(part.index + 1).where(new).ffill().astype(int)
        part["tied"] = part["rank"].map(part["rank"].value_counts()) > 1
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def crossings(curve: pd.DataFrame, what: str) -> pd.DataFrame:
    """Models whose order is reversed: two intervals lie apart at two conditions, in opposite order.

    One row per pair: first (the one ahead in the beginning), second, ahead_at (the last condition before
    the reversal at which it is clearly ahead), behind_at (the next one at which it is clearly behind).
    """
    order = list(dict.fromkeys(curve[what]))
    table = {
        column: curve.pivot(index=what, columns="model", values=column).loc[order]
        for column in ("low", "high")
    }
    names, rows = list(dict.fromkeys(curve["model"])), []
    for i, one in enumerate(names):
        for other in names[i + 1 :]:
            ahead = table["low"][one] > table["high"][other]
            behind = table["high"][one] < table["low"][other]
            sign = [(at, int(a) - int(b)) for at, a, b in zip(order, ahead, behind, strict=True) if a or b]
            for (at, before), (then, after) in itertools.pairwise(sign):
                if before != after:
                    first, second = (one, other) if before > 0 else (other, one)
                    rows.append({"first": first, "second": second, "ahead_at": at, "behind_at": then})
                    break
    return pd.DataFrame(rows, columns=["first", "second", "ahead_at", "behind_at"])


# --- helpers --------------------------------------------------------------------------------------


def _estimate(runs: Runs, name: str, classes: Sequence[str], pair: Pair) -> Estimate:
    return uncertainty.estimate(measured(runs, name, classes, pair), units_of(runs))
