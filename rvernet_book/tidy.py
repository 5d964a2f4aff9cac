"""A table as one row per measurement: the form in which its CSV is kept."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from pandas.api import types

BOUNDS = ("low", "high", "spread")


def tidy(frame: pd.DataFrame, *, profile: str, seeds: int, keys: Sequence[str] = ()) -> pd.DataFrame:
    """`frame` with one row per measurement: its keys, metric, value, low, high, spread, seeds, profile.

    Columns of text and those in `keys` say what was measured. Every other column is a metric, with its 95 %
    interval in `<column>_low` and `<column>_high` and its spread over seeds in `<column>_spread`, where there
    are such. A frame with a column `value` is tidy already. A column `seeds` wins over `seeds`.
    """
    if "value" not in frame:
        frame = _melted(frame, keys)
    counted = frame.get("seeds", seeds)
    return frame.drop(columns=["seeds", "profile"], errors="ignore").assign(seeds=counted, profile=profile)


def _melted(frame: pd.DataFrame, keys: Sequence[str]) -> pd.DataFrame:
    names = {*keys, "seeds", "profile"}
    names |= {c for c in frame if not types.is_numeric_dtype(frame[c])}
    ends = {f"{metric}_{bound}" for metric in frame for bound in BOUNDS} - names
    metrics = [c for c in frame if c not in names | ends]
    known = [bound for bound in BOUNDS if any(f"{metric}_{bound}" in frame for metric in metrics)]
    parts = []
    for metric in metrics:
        part = frame[[c for c in frame if c in names]].assign(metric=metric, value=frame[metric])
        for bound in known:
            part[bound] = frame.get(f"{metric}_{bound}", float("nan"))
        parts.append(part)
    return pd.concat(parts, ignore_index=True) if parts else frame
