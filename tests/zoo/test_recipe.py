"""The search for recipes as a command: in slices, resumable, and never mixed with another search."""

import math
import time
from types import SimpleNamespace

import pytest
from search_rows import rows_of

from rvernet_core.config import DataSpec, PlatesSpec
from rvernet_core.errors import ConfigError, TrainingError
from rvernet_core.experiments import recipe_search, recipes
from rvernet_core.experiments.recipe_search import Trial
from rvernet_core.models.backbones import BACKBONES
from rvernet_core.runs import RunStore
from zoo import train_recipe

CELLS = [("single", "vit")]
NOTHING = rows_of({})


class Store:
    """A store whose runs are done at once; those at the highest rate diverge."""

    def __init__(self, folder):
        self.folder, self.trained = folder, []

    def load_or_train(self, spec):
        self.trained.append((spec.train.lr, spec.train.epochs, spec.seed))
        if spec.train.lr == max(recipe_search.RATES):
            raise TrainingError("the loss became nan")
        folder = self.folder / str(len(self.trained))
        folder.mkdir()
        score = 0.5 + 0.01 * spec.train.epochs
        return SimpleNamespace(metrics={"accuracy": score}, manifest={"seconds": 2.0}, folder=folder)


@pytest.fixture
def store(tmp_path):
    (tmp_path / "runs").mkdir()
    return Store(tmp_path / "runs")


def test_a_search_that_was_stopped_goes_on_and_ends_with_the_check_of_the_epochs(
    store, tmp_path, monkeypatch
):
    path = tmp_path / "recipes.csv"
    clock = iter([0.0] * 5 + [100.0] * 100)
    with monkeypatch.context() as patch:
        patch.setattr(train_recipe, "time", SimpleNamespace(monotonic=lambda: next(clock)))
        train_recipe.search(path, CELLS, store, until=50.0)
    assert 0 < len(recipe_search.read(path)) < len(recipe_search.trials(NOTHING, *CELLS[0]))
    train_recipe.search(path, CELLS, store)
    rows = recipe_search.read(path)
    (recipe,) = recipe_search.choose(rows)
    check = [Trial("vit", "single", recipe.lr, 2 * recipe.epochs, s) for s in recipe_search.SEEDS]
    assert recipe_search.finished(rows) == {*recipe_search.trials(rows, *CELLS[0]), *check}
    assert len(store.trained) == len(set(store.trained)) == len(rows), "no run was made twice"
    train_recipe.search(path, CELLS, store)
    assert len(store.trained) == len(rows)
    assert rows["score"].isna().sum() == len(recipe_search.SEEDS), "what diverged goes no further"
    assert not list(store.folder.iterdir()), "weights of the search are not kept"


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([], recipe_search.cells()),
        (["single", "vit"], [("single", "vit")]),
        (["vit"], [(kind, "vit") for kind in recipe_search.KINDS if kind != "student"]),
        (["student"], [("student", "deit-distilled")]),
        (["pair", "frozen", "deit"], [("pair", "deit"), ("frozen", "deit")]),
    ],
)
def test_only_names_kinds_and_architectures(names, expected):
    assert train_recipe.wanted(names) == expected


@pytest.mark.parametrize(
    ("names", "message"),
    [(["vti"], "did you mean 'vit'"), (["student", "vit"], "leaves nothing of the search")],
)
def test_a_name_that_leaves_nothing_is_refused(names, message):
    with pytest.raises(ConfigError, match=message):
        train_recipe.wanted(names)


def test_rows_of_another_search_stop_the_command_in_one_line(tmp_path, monkeypatch, capsys):
    path = tmp_path / "recipes.csv"
    with monkeypatch.context() as patch:
        patch.setattr(recipe_search, "SCENES", DataSpec(train_scenes=3, test_scenes=3))
        recipe_search.append(path, recipe_search.trials(NOTHING, *CELLS[0])[0], 0.5, 1.0)
    with pytest.raises(SystemExit) as stop:
        train_recipe.main(["--rows", str(path), "--cache", str(tmp_path)])
    assert stop.value.code == 2
    assert (
        "1 of its 1 rows are of other nets, scenes or training than today's (single vit)"
        in capsys.readouterr().err
    )


def test_choose_writes_what_follows_from_the_rows(store, tmp_path, monkeypatch):
    path, written = tmp_path / "recipes.csv", tmp_path / "recipes.json"
    train_recipe.search(path, CELLS, store)
    monkeypatch.setattr(recipes, "write", lambda found, real=recipes.write: real(found, written))
    train_recipe.main(["--rows", str(path), "--choose"])
    assert recipes.chosen(written) == (), "other nets still wait for theirs"
    monkeypatch.setattr(recipe_search, "cells", lambda: CELLS)
    train_recipe.main(["--rows", str(path), "--choose"])
    for rank in (1, 2):
        (recipe,) = recipes.chosen(written, rank)
        assert (recipe,) == recipe_search.choose(recipe_search.read(path), rank)


def test_real_nets_run_through_the_kinds(tmp_path, monkeypatch):
    """One epoch on a few scenes: the command as it is; the student learns from the searched teacher."""
    small = DataSpec(
        train_scenes=6, test_scenes=3, seed=recipe_search.SCENES.seed, plates=PlatesSpec(size=64)
    )
    for name, value in (
        ("SCENES", small),
        ("RATES", (1e-3,)),
        ("EPOCHS", (1,)),
        ("KEPT", (1,)),
        ("SEEDS", (0,)),
    ):
        monkeypatch.setattr(recipe_search, name, value)
    path, start = tmp_path / "recipes.csv", time.monotonic()
    recipe_search.append(path, Trial("mobilenetv2", "single", 1e-3, 1, 0), 0.5, 1.0)
    command = ["--rows", str(path), "--cache", str(tmp_path), "--only", "deit-distilled"]
    train_recipe.main([*command, "single", "student", "frozen-pair"])
    rows = recipe_search.read(path)
    own = rows[rows["architecture"] == "deit-distilled"]
    assert dict(own["kind"].value_counts()) == {"single": 2, "student": 2, "frozen-pair": 1}
    assert own["score"].between(0, 1).all()
    assert own["seconds"].between(0, time.monotonic() - start).all()
    teacher = recipe_search.spec_of(Trial("deit-distilled", "student", 1e-3, 1, 0), rows).teacher
    kept = [folder for folder in (tmp_path / "runs").iterdir() if folder.suffix != ".part"]
    assert kept == [RunStore(tmp_path).folder(teacher)], "the teacher alone, for its next student"


# --- the search that is published -------------------------------------------------------------------


def test_the_published_rows_are_of_todays_nets_and_the_recipes_follow_from_them():
    rows = recipe_search.read(train_recipe.ROWS)
    assert recipe_search.foreign(rows).empty, "search again: python -m zoo.train_recipe"
    found = (*recipes.chosen(), *recipes.chosen(rank=2))
    assert found == recipe_search.adopted(rows), "run python -m zoo.train_recipe --choose"
    assert not math.isinf(rows["seconds"].max() if len(rows) else 0)
    assert set(rows["architecture"]) <= set(BACKBONES)
