"""Search the rate and the epochs of every micro net and kind of model, on scenes that no experiment uses.

    python -m zoo.train_recipe [--only KIND|ARCHITECTURE ...] [--limit-minutes M] [--device cpu|cuda]
    python -m zoo.train_recipe --choose

Every finished run is one row of recipes.csv beside this file; a run that has its row is not run again, so
the search can be made in slices, and by several processes that are given different kinds or architectures.
`rvernet_core/experiments/recipe_search.py` tells what is tried: the same number of runs for every net.
`--choose` writes the recipes that follow, the first and the second of each net, into the core, where the
profiles read them; none until every net has its first. It trains nothing.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import math
import time
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.config import one_of
from rvernet_core.errors import ConfigError, RveRNetError, TrainingError
from rvernet_core.experiments import recipe_search, recipes
from rvernet_core.experiments.recipe_search import Trial
from rvernet_core.fetch import cache_folder
from rvernet_core.models.backbones import BACKBONES
from rvernet_core.runs import RunStore

ROWS = Path(__file__).with_name("recipes.csv")
log = logging.getLogger(__name__)


def main(arguments: list[str] | None = None) -> None:
    """Run what is left of the search, or choose from what was run."""
    parser = argparse.ArgumentParser(
        prog="python -m zoo.train_recipe",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="kinds, architectures, or both")
    parser.add_argument(
        "--limit-minutes", type=float, default=math.inf, metavar="M", help="start no run later"
    )
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument(
        "--choose", action="store_true", help="write the recipes that the finished runs choose"
    )
    parser.add_argument("--rows", type=Path, default=ROWS, help="default: recipes.csv beside this file")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    try:
        rows, cells = recipe_search.read(options.rows), wanted(options.only)
        refuse_foreign(rows, options.rows)
        if options.choose:
            found = recipe_search.adopted(rows)
            log.info("%d recipes in %s", len(found), recipes.write(found))
        else:
            until = time.monotonic() + 60 * options.limit_minutes
            search(options.rows, cells, RunStore(options.cache, options.device), until)
    except RveRNetError as error:
        parser.exit(2, f"{parser.prog}: {error}\n")


def wanted(names: Sequence[str]) -> list[tuple[str, str]]:
    """The cells (kind, architecture) that the names leave; those of one sort add up, the two sorts multiply.

    Raises ConfigError for a name that is neither a kind nor an architecture.
    """
    for name in names:
        one_of(name, (*recipe_search.KINDS, *BACKBONES), "name")
    kinds = [name for name in names if name in recipe_search.KINDS] or recipe_search.KINDS
    architectures = [name for name in names if name in BACKBONES] or BACKBONES
    cells = [cell for cell in recipe_search.cells() if cell[0] in kinds and cell[1] in architectures]
    if not cells:
        raise ConfigError(f"{' '.join(names)} leaves nothing of the search; students are of two tokens")
    return cells


def refuse_foreign(rows: pd.DataFrame, path: Path) -> None:
    """Raise ConfigError where rows are of nets, scenes or training that have changed since: none is mixed."""
    foreign = recipe_search.foreign(rows)
    if len(foreign):
        cells = sorted({f"{row.kind} {row.architecture}" for row in foreign.itertuples()})
        raise ConfigError(
            f"{path}: {len(foreign)} of its {len(rows)} rows are of other nets, scenes or training "
            f"than today's ({', '.join(cells)}); remove these to search again"
        )


def search(path: Path, cells: Sequence[tuple[str, str]], store: RunStore, until: float = math.inf) -> None:
    """Run what is left of `cells`, one row of `path` each; no run starts after `until`, monotonic seconds.

    The checks of the doubled epochs come when every cell has its recipe.
    """
    for checked, (kind, architecture) in itertools.product((False, True), cells):
        # what is tried next follows from what was found
        while trials := recipe_search.left(recipe_search.read(path), kind, architecture, checked):
            for trial in tqdm(trials, desc=f"{kind} {architecture}", unit="run", disable=None):
                if time.monotonic() > until:
                    log.info("time is up; the same command goes on from here")
                    return
                run(trial, path, store)
    log.info("nothing is left of %s", ", ".join(" ".join(cell) for cell in cells))


def run(trial: Trial, path: Path, store: RunStore) -> None:
    """Train the run of `trial`, append its row to `path`, and leave nothing of it in the cache."""
    spec = recipe_search.spec_of(trial, recipe_search.read(path))
    start = time.monotonic()
    try:
        finished = store.load_or_train(spec)
    except TrainingError as error:
        log.info("%s: %s", trial, error)
        recipe_search.append(path, trial, math.nan, time.monotonic() - start)
        return
    score, seconds = finished.metrics["accuracy"], finished.manifest["seconds"]
    recipe_search.append(path, trial, score, seconds)
    log.info("%s: %.3f in %.0f s", trial, score, seconds)
    files.remove(finished.folder)


if __name__ == "__main__":
    main()
