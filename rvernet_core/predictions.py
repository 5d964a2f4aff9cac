"""What a trained model answered on a test set, and where the answers come from."""

from __future__ import annotations

import functools
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from rvernet_core.config import CLEAN, Condition, RunSpec, fingerprint
from rvernet_plates import AMBIGUOUS_PAIRS

PREDICTIONS = "predictions.csv"  # in the folder of a run or of an evaluation
#: Columns that name a test sample; every other column of a table of predictions is an answer.
SAMPLE = ("key", "image_id", "label")
#: Column of what a control answers where it is told that an item of an ambiguous pair is one of the pair.
WITHIN_PAIR = "within pair"
#: Column of a detector: 1 where it finds the food by itself, see `detector.answers`.
FOUND = "found"
TEXT: dict[Hashable, Any] = {
    "key": str,
    "image_id": str,
    "context_source": str,
}  # columns that a CSV reader must not parse


@dataclass(frozen=True)
class Predictions:
    """The answers of one run, trained or read from the record, on the test set under one condition.

    `table` has one row per test sample: key, image_id, label, predicted; where they were stored also
    confidence and `p <class>` of the ambiguous classes. A distilled model adds `class head` and
    `distillation head`, the class that each head answers by itself; a foreign context adds
    `context_source`, the key of the sample whose surroundings were shown; the control "companions" adds
    `within pair`, a detector `found`. An ideal observer answers the items of the ambiguous pairs alone.
    """

    run: str  # name of the run: the fingerprint of all that decides it
    spec: RunSpec
    table: pd.DataFrame = field(repr=False, compare=False)
    manifest: dict[str, Any] = field(repr=False, compare=False)
    condition: Condition = CLEAN

    @property
    def name(self) -> str:
        """The run's name; under a condition also the condition's, after a tilde."""
        return name_of(self.run, self.condition)

    @functools.cached_property
    def labels(self) -> NDArray[np.int64]:
        """True class indices (N,)."""
        return self.table["label"].to_numpy()

    @functools.cached_property
    def predicted(self) -> NDArray[np.int64]:
        """Predicted class indices (N,)."""
        return self.table["predicted"].to_numpy()

    @functools.cached_property
    def photos(self) -> NDArray[np.object_]:
        """Names (N,) of the photos; samples of one name were cut from one photo."""
        return self.table["image_id"].to_numpy()

    def among(self, labels: Collection[int]) -> Predictions:
        """The same answers on the samples of these classes alone, within the pair where that was asked."""
        table = self.table[self.table["label"].isin(list(labels))].reset_index(drop=True)
        if WITHIN_PAIR in table:
            table = table.assign(predicted=table[WITHIN_PAIR])
        return replace(self, table=table)

    def on(self, keys: Collection[str]) -> Predictions:
        """The same answers on the samples with these keys alone, in their order."""
        table = self.table[self.table["key"].isin(list(keys))].reset_index(drop=True)
        return replace(self, table=table)


def read_table(path: Path) -> pd.DataFrame:
    """The table of a stored CSV; keys and names of photos stay text."""
    return pd.read_csv(path, dtype=TEXT)  # type: ignore[arg-type]  # pandas' stubs know no dtype by column


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table of predictions, probabilities with five digits."""
    table.to_csv(path, index=False, float_format="%.5f", lineterminator="\n")


def name_of(run: str, condition: Condition = CLEAN) -> str:
    """The name under which the predictions of a run under a condition are kept."""
    return run if condition == CLEAN else f"{run}~{fingerprint(condition)}"


def predictions_table(
    samples: dict[str, Any], classes: tuple[str, ...], probabilities: NDArray[np.float32]
) -> pd.DataFrame:
    """The table of `Predictions` from class probabilities (N, K); `samples` holds the columns of SAMPLE."""
    table = samples | {"predicted": probabilities.argmax(1), "confidence": probabilities.max(1)}
    for pair in AMBIGUOUS_PAIRS:
        if set(pair) <= set(classes):
            table |= {f"p {name}": probabilities[:, classes.index(name)] for name in pair}
    return pd.DataFrame(table)
