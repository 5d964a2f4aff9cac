"""The shared columns of tables of scores."""

import pandas as pd

from rvernet_book import scores

WITHOUT = pd.DataFrame(
    {"model": ["vit"], "accuracy": 0.5, "accuracy_spread": 0.1, "macro_f1": 0.4, "seeds": 3}
)


def test_drinks_are_shown_and_explained_where_there_are_any():
    assert scores.measured(WITHOUT) == ["accuracy", "macro_f1"]
    assert scores.drinks_note(WITHOUT) == ""
    with_drinks = WITHOUT.assign(drinks=0.5)
    assert scores.measured(with_drinks) == ["accuracy", "macro_f1", "drinks"]
    assert "water and liquor" in scores.drinks_note(with_drinks)


def test_spreads_and_seeds_stay_in_the_data():
    assert list(scores.shown(WITHOUT)) == ["model", "accuracy", "macro_f1"]
    assert list(scores.shown(WITHOUT, "model")) == ["accuracy", "macro_f1"]
