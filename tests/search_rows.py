"""Made-up rows of a search for recipes, whose right choice can be told by hand."""

import pandas as pd

from rvernet_core.experiments import recipe_search
from rvernet_core.experiments.recipe_search import COLUMNS, Trial


def rows_of(scores: dict[Trial, float], search: str = "") -> pd.DataFrame:
    """One row a trial; `search`: of every row, empty: today's."""
    return pd.DataFrame(
        [
            (
                *vars(trial).values(),
                score,
                1.0,
                search or recipe_search.search_of(trial.kind, trial.architecture),
            )
            for trial, score in scores.items()
        ],
        columns=list(COLUMNS),
    )


def grid_of(kind: str, architecture: str, score, spread: float = 0.01) -> dict[Trial, float]:
    """Every trial that a cell comes to, where `score` is of (rate, epochs), and by seed `spread` below, at
    and above it."""
    scores: dict[Trial, float] = {}
    while left := [t for t in recipe_search.trials(rows_of(scores), kind, architecture) if t not in scores]:
        scores |= {trial: score(trial.rate, trial.epochs) + spread * (trial.seed - 1) for trial in left}
    return scores
