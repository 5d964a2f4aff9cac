"""The search for each micro net's recipe: what is tried, on which scenes, and what follows from the scores.

`zoo.train_recipe` runs what `left` lists and appends one row for each finished run to `zoo/recipes.csv`.
Everything else is computed from those rows: `choose` the recipes, `verdicts` what the page says of them.

    rows = read(Path("zoo/recipes.csv"))
    choose(rows)    -> (Recipe("mobilenetv2", "single", 1e-3, 16), ...)
"""

from __future__ import annotations

import io
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import t as students_t

from rvernet_core import config
from rvernet_core.config import DataSpec, ModelSpec, RunSpec, TrainSpec, fingerprint
from rvernet_core.errors import ConfigError, DataError
from rvernet_core.experiments import recipes
from rvernet_core.experiments.distillation_trade_off import TEACHER, student_of
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.recipes import Recipe
from rvernet_core.models import backbones
from rvernet_core.models.zoo import CARDS
from rvernet_plates import RENDERER_VERSION

#: Seeds between those of the data sets and of the zoo's corpus.
SCENES = DataSpec(train_scenes=recipes.SCENES, test_scenes=300, seed=5_000_000)
RATES = (4e-4, 1e-3, 2.5e-3)
EPOCHS = (4, 8, 16)  # each trained by itself: the cosine ends with the last epoch
KEPT = (3, 2, 1)  # rates tried for each of EPOCHS: the best of those that were tried for the epochs before
SEEDS = (0, 1, 2)
STRENGTH = 0.5  # of the hard distillation that students are searched with

#: The fewest epochs are chosen from which no longer training of the grid gains as much as this, and another
#: doubling of them should gain less.
BAR = 0.01

TUNED = ("single", "student", "pair")
FROZEN = {"single": "frozen", "pair": "frozen-pair"}  # what a tuned kind is held against
KINDS = (*TUNED, *FROZEN.values())
COLUMNS = ("architecture", "kind", "rate", "epochs", "seed", "score", "seconds", "search")

#: What is not searched: batches, warm-up, the factor of the head's rate, and how frozen nets are trained.
_BASE = PROFILES["full"]


@dataclass(frozen=True)
class Trial:
    """One run of the search."""

    architecture: str
    kind: str  # one of KINDS
    rate: float
    epochs: int
    seed: int


# --- what is tried ----------------------------------------------------------------------------------


def cells() -> list[tuple[str, str]]:
    """Every (kind, architecture) of the search, in the order in which they are run: a teacher comes first."""
    able = {"student": [name for name in backbones.BACKBONES if backbones.has_distillation_token(name)]}
    return [(kind, name) for kind in KINDS for name in able.get(kind, backbones.BACKBONES)]


def trials(rows: pd.DataFrame, kind: str, architecture: str) -> list[Trial]:
    """The trials of a cell, as far as `rows` decide them; of frozen nets the one recipe of the 5 x 5 grid.

    Successive halving (Jamieson and Talwalkar 2016): every rate for the fewest epochs; those that score best
    go on to twice as many. So a cell costs half of what all rates times all epochs do. A rate at which a seed
    diverged goes no further.
    """
    if kind in FROZEN.values():
        return [Trial(architecture, kind, _BASE.grid.lr, _BASE.grid.epochs, seed) for seed in SEEDS]
    table, done = _cell(means(rows), kind, architecture), finished(rows)
    rates, found = list(RATES), []
    for epochs, kept in zip(EPOCHS, KEPT, strict=True):
        stage = [Trial(architecture, kind, rate, epochs, seed) for rate in rates[:kept] for seed in SEEDS]
        found += stage
        if not done.issuperset(stage):
            break
        scores = table[table["epochs"] == epochs].set_index("rate")["score"].dropna()
        rates = list(scores.sort_values(ascending=False, kind="stable").index)
    return found


def left(rows: pd.DataFrame, kind: str, architecture: str, checked: bool = True) -> list[Trial]:
    """What can be run of a cell now; when it is done, more may follow from it.

    checked: last come twice the chosen epochs at the chosen rate, where they were not among the trials.
    """
    done = finished(rows)
    open_trials = [trial for trial in trials(rows, kind, architecture) if trial not in done]
    recipe = best(rows, kind, architecture) if checked and not open_trials else None
    if recipe and kind in TUNED and 2 * recipe.epochs not in EPOCHS:
        open_trials = [Trial(architecture, kind, recipe.lr, 2 * recipe.epochs, seed) for seed in SEEDS]
    return [trial for trial in open_trials if trial not in done]


def spec_of(trial: Trial, rows: pd.DataFrame) -> RunSpec:
    """The run of a trial. A student's teacher is trained by the recipe that `rows` have chosen for it.

    Raises ConfigError where the teacher's own search is not finished.
    """
    name, kind = trial.architecture, trial.kind
    both = kind in ("pair", FROZEN["pair"])
    model = ModelSpec(roi=name, extra_roi=name if both else None)
    if kind in FROZEN.values():
        model = config.replace(model, fusion="features", freeze=model.branches)
        return RunSpec(SCENES, model, _BASE.grid, trial.seed)
    train = _at(_BASE.pair if both else _BASE.single, trial.rate, trial.epochs)
    if kind != "student":
        return RunSpec(SCENES, model, train, trial.seed)
    recipe = best(rows, "single", TEACHER)
    if recipe is None:
        raise ConfigError(f"students learn from {TEACHER}, which has no recipe yet; search its singles first")
    taught = _at(_BASE.single, recipe.lr, recipe.epochs)
    teacher = RunSpec(SCENES, ModelSpec(roi=TEACHER), taught, trial.seed)
    return student_of(teacher, model, train, "hard", STRENGTH)


def _at(base: TrainSpec, rate: float, epochs: int) -> TrainSpec:
    return config.replace(base, lr=rate, epochs=epochs)


def search_of(kind: str, architecture: str) -> str:
    """The name of all that a cell's scores rest on: scenes, shipped nets, and what is not searched."""
    names = [architecture, *([TEACHER] if kind == "student" else [])]
    nets = [shipped["sha256"] for name in names for shipped in CARDS[name]["checkpoints"]]
    fixed = [_at(_BASE.single, 0.0, 0), _at(_BASE.pair, 0.0, 0), _BASE.grid]
    return fingerprint("recipes", SCENES, RENDERER_VERSION, *fixed, nets)


# --- the rows ---------------------------------------------------------------------------------------


def read(path: Path) -> pd.DataFrame:
    """The finished runs in `path`, one row each, a run that stands twice once; empty without that file.

    A run that diverged has no score. Raises DataError where the file holds anything else than such rows.
    """
    if not path.is_file():
        return pd.DataFrame({name: pd.Series(dtype=kind) for name, kind in _TYPES.items()})
    try:
        rows = pd.read_csv(path, dtype=_TYPES)
    except ValueError as error:
        raise DataError(f"{path} cannot be read ({error}); restore it with git") from error
    if tuple(rows.columns) != COLUMNS or not set(rows["kind"]) <= set(KINDS):
        raise DataError(
            f"{path} has the columns {', '.join(rows)}; expected {', '.join(COLUMNS)}, kinds {KINDS}"
        )
    return rows.drop_duplicates(list(COLUMNS[:5]), ignore_index=True)


def append(path: Path, trial: Trial, score: float, seconds: float) -> None:
    """Add the row of a finished run to `path`: one line in one write, so that two processes may add rows."""
    row = asdict(trial) | {"score": round(score, 5), "seconds": round(seconds, 1)}
    row["search"] = search_of(trial.kind, trial.architecture)
    line = io.StringIO()
    pd.DataFrame([row])[list(COLUMNS)].to_csv(
        line, index=False, header=not path.is_file(), lineterminator="\n"
    )
    with path.open("a", encoding="utf-8", newline="") as stream:
        stream.write(line.getvalue())


def foreign(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows whose scores are of other nets, other scenes or other training than today's."""
    today = {cell: search_of(*cell) for cell in cells()}
    ours = [today.get(cell) for cell in zip(rows["kind"], rows["architecture"], strict=True)]
    return rows[rows["search"].to_numpy() != np.asarray(ours, dtype=object)]


def finished(rows: pd.DataFrame) -> set[Trial]:
    """The trials that `rows` hold."""
    return {Trial(*values) for values in rows[list(COLUMNS[:5])].itertuples(index=False, name=None)}


_TYPES = dict.fromkeys(COLUMNS, "string") | {"architecture": "str", "kind": "str", "search": "str"}
_TYPES |= {"rate": "float64", "epochs": "int64", "seed": "int64", "score": "float64", "seconds": "float64"}


# --- what follows from them -------------------------------------------------------------------------


def means(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per (kind, architecture, epochs, rate): mean `score` over seeds, `low`est, `high`est, `seeds`.

    Cells are in the order of the search. The mean has no value where one of the runs diverged.
    """
    by = ["kind", "architecture", "epochs", "rate"]
    groups = rows.groupby(by)["score"]
    table = groups.agg(
        score=lambda s: s.mean(skipna=False), low="min", high="max", seeds="size"
    ).reset_index()
    order = {cell: number for number, cell in enumerate(cells())}
    numbers = [order[cell] for cell in zip(table["kind"], table["architecture"], strict=True)]
    return table.iloc[np.argsort(numbers, kind="stable")].reset_index(drop=True)


def best(rows: pd.DataFrame, kind: str, architecture: str, rank: int = 1) -> Recipe | None:
    """The chosen recipe of a cell; None until its trials are finished, or where all of them diverged.

    The first: for each number of epochs the rate with the best mean over seeds; of these the fewest epochs
    from which no longer training gains BAR or more. The second (rank 2): of the other rates the one with
    the highest mean; of its numbers of epochs the fewest by the same rule.
    """
    wanted = trials(rows, kind, architecture)
    if not finished(rows).issuperset(wanted):
        return None
    table = _cell(means(rows), kind, architecture)
    table = table[table["epochs"].isin({t.epochs for t in wanted}) & table["score"].notna()]
    if table.empty:
        return None
    row = _fewest_epochs(table)
    if rank == 2:
        table = table[table["rate"] != row["rate"]]
        if table.empty:
            return None
        row = _fewest_epochs(table[table["rate"] == table.loc[table["score"].idxmax(), "rate"]])
    return Recipe(architecture, kind, float(row["rate"]), int(row["epochs"]), rank)


def _fewest_epochs(table: pd.DataFrame) -> pd.Series:
    """Of rows of `means` the one that `best` takes."""
    by_epochs = table.loc[table.groupby("epochs")["score"].idxmax()].sort_values("epochs")
    return by_epochs[by_epochs["score"] > by_epochs["score"].max() - BAR].iloc[0]


def choose(rows: pd.DataFrame, rank: int = 1) -> tuple[Recipe, ...]:
    """The recipes of a rank of all cells whose trials are finished; frozen nets have none to choose."""
    found = [best(rows, kind, name, rank) for kind, name in cells() if kind in TUNED]
    return tuple(recipe for recipe in found if recipe)


def adopted(rows: pd.DataFrame) -> tuple[Recipe, ...]:
    """The recipes of both ranks that profiles take; none until every net has its first one.

    Nets that are trained by recipes beside nets that still wait for theirs would compare the recipes.
    """
    first = choose(rows)
    whole = len(first) == sum(kind in TUNED for kind, _ in cells())
    return (*first, *choose(rows, 2)) if whole else ()


def verdicts(rows: pd.DataFrame) -> pd.DataFrame:
    """One row per chosen recipe, and how it stands.

    score, low, high: mean over seeds, and the lowest and highest. edge: whether the rate is the lowest or
    highest that was tried. gain: what twice the epochs add, at the best of the rates tried with them; no
    value where they were not run. over_frozen, over_frozen_low, over_frozen_high: score less that of frozen
    nets, mean of the differences by seed with its 95 % interval (Student's t); no value where there is none.
    second_rate, second_epochs, second_score: the second recipe; no values where no other rate has a score.
    """
    table, found = means(rows), []
    seconds = {(recipe.kind, recipe.architecture): recipe for recipe in choose(rows, 2)}
    for recipe in choose(rows):
        cell = _cell(table, recipe.kind, recipe.architecture)
        (own,) = cell[(cell["rate"] == recipe.lr) & (cell["epochs"] == recipe.epochs)].to_dict("records")
        longer = cell[(cell["epochs"] == 2 * recipe.epochs) & (cell["seeds"] == len(SEEDS))]["score"]
        found.append(
            own
            | {"edge": recipe.lr in (min(RATES), max(RATES)), "gain": longer.max() - own["score"]}
            | _over_frozen(rows, recipe)
            | _second(cell, seconds.get((recipe.kind, recipe.architecture)))
        )
    return pd.DataFrame(found)


def _second(cell: pd.DataFrame, recipe: Recipe | None) -> dict[str, float]:
    names = ("second_rate", "second_epochs", "second_score")
    if recipe is None:
        return dict.fromkeys(names, float("nan"))
    own = cell[(cell["rate"] == recipe.lr) & (cell["epochs"] == recipe.epochs)]
    return dict(zip(names, (recipe.lr, recipe.epochs, own["score"].iloc[0]), strict=True))


def _over_frozen(rows: pd.DataFrame, recipe: Recipe) -> dict[str, float]:
    name = "over_frozen"
    nothing = dict.fromkeys([name, f"{name}_low", f"{name}_high"], float("nan"))
    mine = rows[(rows["rate"] == recipe.lr) & (rows["epochs"] == recipe.epochs)]
    ours = _cell(mine, recipe.kind, recipe.architecture).set_index("seed")["score"]
    kind = FROZEN.get(recipe.kind, FROZEN["single"])  # a student is one net, too
    frozen = _cell(rows, kind, recipe.architecture).set_index("seed")["score"]
    differences = (ours - frozen).dropna().to_numpy()
    if len(differences) < len(SEEDS):
        return nothing
    centre = float(differences.mean())
    error = differences.std(ddof=1) / np.sqrt(len(differences))
    half = float(students_t.ppf(0.975, len(differences) - 1) * error)
    return {name: centre, f"{name}_low": centre - half, f"{name}_high": centre + half}


def _cell(table: pd.DataFrame, kind: str, architecture: str) -> pd.DataFrame:
    return table[(table["kind"] == kind) & (table["architecture"] == architecture)]
