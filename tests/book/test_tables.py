"""Tables as one row per measurement."""

import numpy as np
import pandas as pd

from rvernet_book.tables import tidy

WIDE = pd.DataFrame(
    {
        "model": ["vit", "deit"],
        "strength": [0.0, 1.0],
        "accuracy": [0.8, 0.9],
        "accuracy_low": [0.7, 0.8],
        "accuracy_high": [0.9, 1.0],
        "parameters": [10, 20],
    }
)


def test_every_number_has_a_row_with_its_interval_seeds_and_profile():
    rows = tidy(WIDE, profile="demo", seeds=3, keys=["strength"])
    assert list(rows) == ["model", "strength", "metric", "value", "low", "high", "seeds", "profile"]
    assert len(rows) == 4
    row = rows[(rows["model"] == "deit") & (rows["metric"] == "accuracy")].iloc[0]
    assert tuple(row[["strength", "value", "low", "high", "seeds"]]) == (1.0, 0.9, 0.8, 1.0, 3)
    assert rows.loc[rows["metric"] == "parameters", "low"].isna().all()
    assert set(rows["profile"]) == {"demo"}


def test_what_is_tidy_stays_and_keeps_its_own_seeds():
    once = tidy(WIDE.assign(seeds=[2, 5]), profile="demo", seeds=3)
    assert once[once["metric"] == "accuracy"]["seeds"].tolist() == [2, 5]
    pd.testing.assert_frame_equal(tidy(once, profile="demo", seeds=9), once)


def test_nothing_is_lost_and_the_frame_stays_as_it_was():
    before = WIDE.copy()
    rows = tidy(WIDE, profile="demo", seeds=1)
    pd.testing.assert_frame_equal(WIDE, before)
    numbers = WIDE.select_dtypes(np.number).to_numpy().ravel()
    assert set(rows[["value", "low", "high"]].to_numpy().ravel()) >= set(numbers)
