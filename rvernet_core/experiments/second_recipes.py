"""A comparison again, each net by the second recipe of its search: does an order hang on the recipe?

Pages 2 and 3 ask it. Which recipe is a net's second says `recipe_search.best`, and which models are trained
by it `Study.under_second_recipe`.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from rvernet_core.evaluation import comparisons
from rvernet_core.experiments.study import Study

FIRST = "by first recipes"  # column: the difference of the table that is repeated


@dataclass(frozen=True)
class Again:
    """A table of comparisons by the second recipes, and what differs from the one by the first."""

    table: pd.DataFrame  # as the first one, with the columns FIRST and `seeds`; empty: it was not repeated
    asked: bool  # whether there is a first table that could have been repeated
    ahead: list[str]  # models against which a lead is shown, after Holm's correction over the table
    behind: list[str]
    turned: list[str]  # models against which the mean difference has another sign than by the first recipes
    leads_gone: list[str]  # models against which a lead is shown by the first recipes and not by the second
    lags_gone: list[str]  # models that it is shown to be behind by the first recipes and not by the second


def again(study: Study, first: pd.DataFrame, second: pd.DataFrame) -> Again:
    """From the same table of `comparisons.compared`, column `difference`, by first and by second recipes.

    The first column names the models compared with.
    """
    if first.empty or second.empty:
        return Again(pd.DataFrame(), not first.empty, [], [], [], [], [])
    key = first.columns[0]
    same = first.set_index(key).loc[list(second[key])].reset_index()  # the rows of `second`, in its order
    before, shown = same["difference"].to_numpy(), comparisons.shown(same, "difference").to_numpy()
    signs, names = comparisons.shown(second, "difference"), second[key]
    table = second.assign(**{FIRST: before}, seeds=len(study.under_second_recipe().profile.seeds))

    def among(rows: pd.Series) -> list[str]:
        return [str(name) for name in names[rows]]

    return Again(
        table,
        True,
        ahead=among(signs > 0),
        behind=among(signs < 0),
        turned=among(second["difference"] * before < 0),
        leads_gone=among((shown > 0) & (signs <= 0)),
        lags_gone=among((shown < 0) & (signs >= 0)),
    )
