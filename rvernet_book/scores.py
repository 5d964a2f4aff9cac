"""What the tables of models' scores share: which columns are shown, and what is said of the drinks."""

from __future__ import annotations

import pandas as pd

LABELS = {"accuracy": "top-1 accuracy", "macro_f1": "macro-F1"}
_MEASURED = ("accuracy", "macro_f1", "drinks")


def measured(scores: pd.DataFrame) -> list[str]:
    """The columns that have intervals."""
    return [name for name in _MEASURED if name in scores]


def shown(scores: pd.DataFrame, *left_out: str) -> pd.DataFrame:
    """The frame without spreads, seeds and the columns `left_out`, which stay in the table's data."""
    spreads = [name for name in scores if name.endswith("_spread")]
    return scores.drop(columns=[*spreads, "seeds", *left_out])


def drinks_note(scores: pd.DataFrame) -> str:
    """A sentence on the control that the two drinks are; nothing where the data have none."""
    if "drinks" not in scores:
        return ""
    return " Drinks, a control: accuracy on water and liquor, which look the same: half at most from the ROI."
