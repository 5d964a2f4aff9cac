"""Page 2, the check of the recipes: would twice the epochs, on the scenes of this profile, change the scores?

The search has its own check, on its own fewer scenes (`recipe_search.verdicts`). More scenes are learned by
heart later, so a profile that has more of them may gain where the search did not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from rvernet_core.evaluation import comparisons
from rvernet_core.experiments.recipe_search import BAR
from rvernet_core.experiments.study import Study
from rvernet_core.predictions import Predictions

Singles = Mapping[str, Sequence[Predictions]]  # backbone -> one per seed


@dataclass(frozen=True)
class Doubled:
    """What twice the epochs change in accuracy, and which gains lie on which side of the search's BAR."""

    table: pd.DataFrame  # see `doubled`; empty: the profile spares this check
    more: list[str]  # models whose whole interval of the gain is above BAR
    less: list[str]  # ... is below it
    order: tuple[list[str], list[str]]  # the models by mean accuracy, best first: as trained, and doubled


def doubled(study: Study, singles: Singles, longer: Singles) -> Doubled:
    """Both trainings of every model, paired over their common seeds and over photos.

    Table: columns of `comparisons.compared` (model, `gain`), the epochs as trained, accuracy after them and
    after twice as many, and seeds.
    """
    if not longer:
        return Doubled(pd.DataFrame(), [], [], ([], []))
    seeds = {run.spec.seed for runs in longer.values() for run in runs}
    usual = {name: [run for run in singles[name] if run.spec.seed in seeds] for name in longer}
    before, after = (
        comparisons.summary(models, ["accuracy"], study.classes).set_index("model")["accuracy"]
        for models in (usual, longer)
    )
    keys = [
        {
            "model": name,
            "epochs": usual[name][0].spec.train.epochs,
            "accuracy": before[name],
            "twice the epochs": after[name],
        }
        for name in longer
    ]
    found = [comparisons.difference(longer[name], usual[name], "accuracy", study.classes) for name in longer]
    return Doubled(
        comparisons.compared(keys, found, "gain").assign(seeds=len(seeds)),
        more=[name for name, e in zip(longer, found, strict=True) if e.low > BAR],
        less=[name for name, e in zip(longer, found, strict=True) if e.high < BAR],
        order=(_ranked(before), _ranked(after)),
    )


def _ranked(scores: pd.Series) -> list[str]:
    return [str(name) for name in scores.sort_values(ascending=False, kind="stable").index]
