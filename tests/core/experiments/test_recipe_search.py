"""The search for recipes: equal budgets, scenes of its own, and a choice that can be told by hand."""

import math
from collections import Counter
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from search_rows import grid_of, rows_of

from rvernet_core import run_specs
from rvernet_core.config import DataSpec
from rvernet_core.data.plates import TEST_SEEDS, TRAIN_SEEDS
from rvernet_core.errors import ConfigError, DataError
from rvernet_core.experiments import recipe_search, recipes
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.recipe_search import EPOCHS, FROZEN, KEPT, RATES, SCENES, SEEDS, Trial
from rvernet_core.experiments.recipes import Recipe
from rvernet_core.models.backbones import BACKBONES

NOTHING = rows_of({})
LOW, MIDDLE, HIGH = RATES


def rises(gains):
    """A score that is best at the middle rate and gains so much with each number of epochs."""
    by_epochs = dict(zip(EPOCHS, np.cumsum(gains), strict=True))
    return lambda rate, epochs: 0.5 + by_epochs[epochs] - (0 if rate == MIDDLE else 0.05)


# --- what is tried ----------------------------------------------------------------------------------


def test_every_net_gets_the_same_number_of_runs_and_no_number_of_epochs_twice():
    sizes = Counter((kind, len(grid_of(kind, name, lambda *_: 0.5))) for kind, name in recipe_search.cells())
    whole = sum(KEPT) * len(SEEDS)
    assert sizes == {
        ("single", whole): len(BACKBONES),
        ("pair", whole): len(BACKBONES),
        ("student", whole): 1,
        ("frozen", len(SEEDS)): len(BACKBONES),
        ("frozen-pair", len(SEEDS)): len(BACKBONES),
    }
    assert len(SEEDS) >= 3
    assert all(2 * shorter == longer for shorter, longer in pairwise(EPOCHS))
    assert (KEPT[0], len(KEPT)) == (len(RATES), len(EPOCHS))


def test_the_rates_that_score_best_go_on_to_more_epochs():
    scores = {LOW: (0.5, 0.8), MIDDLE: (0.6, 0.7), HIGH: (0.4, 0.9)}
    found = grid_of("single", "vit", lambda rate, epochs: scores[rate][epochs > EPOCHS[0]])
    tried = {epochs: {t.rate for t in found if t.epochs == epochs} for epochs in EPOCHS}
    assert tried == {EPOCHS[0]: set(RATES), EPOCHS[1]: {LOW, MIDDLE}, EPOCHS[2]: {LOW}}


def test_a_rate_at_which_one_seed_diverged_goes_no_further():
    found = grid_of("single", "vit", lambda rate, _: 0.5 if rate == HIGH else math.nan)
    assert {(t.rate, t.epochs) for t in found} == {
        *((r, EPOCHS[0]) for r in RATES),
        *((HIGH, e) for e in EPOCHS),
    }


def test_a_teacher_is_searched_before_its_students():
    cells = recipe_search.cells()
    assert cells.index(("single", "mobilenetv2")) < cells.index(("student", "deit-distilled"))


def seeds_of(data: DataSpec) -> list[range]:
    first = TRAIN_SEEDS + data.seed, TEST_SEEDS + data.seed
    return [range(s, s + n) for s, n in zip(first, (data.train_scenes, data.test_scenes), strict=True)]


def others() -> dict[str, range]:
    """The scenes of every profile, of the zoo's pretraining and of what the zoo is measured on."""
    from zoo import train_backbones, train_sam

    found = {name: profile.data for name, profile in PROFILES.items() if profile.data.name == "plates"}
    found |= {f"zoo {k}": v for k, v in vars(train_backbones).items() if isinstance(v, DataSpec)}
    ranges = {f"{name} {i}": part for name, data in found.items() for i, part in enumerate(seeds_of(data))}
    unseen = train_sam.UNSEEN_SEED
    return ranges | {"the zoo's unseen scenes": range(unseen, unseen + 10_000)}


def test_the_scenes_of_the_search_are_seen_nowhere_else():
    ours = seeds_of(SCENES)
    assert not set(ours[0]) & set(ours[1])
    compared = others()
    assert len(compared) > 2 * 3
    for name, theirs in compared.items():
        assert all(own.stop <= theirs.start or theirs.stop <= own.start for own in ours), name


def test_each_kind_is_the_model_that_it_says():
    rows = rows_of(grid_of("single", "mobilenetv2", rises([0, 0.1, 0.0])))
    for kind, name in recipe_search.cells():
        trial = recipe_search.trials(NOTHING, kind, name)[-1]
        spec = recipe_search.spec_of(trial, rows)
        run_specs.check(spec)
        assert (spec.data, spec.seed, spec.model.roi) == (SCENES, trial.seed, name)
        assert (spec.train.lr, spec.train.epochs) == (trial.rate, trial.epochs)
        assert spec.model.branches == (("roi", "extra_roi") if "pair" in kind else ("roi",))
        assert spec.model.freeze == (spec.model.branches if "frozen" in kind else ())
        assert (spec.teacher is not None) == (kind == "student")
        if spec.teacher is not None:
            assert spec.teacher.model.roi == "mobilenetv2"
            assert (spec.teacher.train.lr, spec.teacher.train.epochs) == (MIDDLE, EPOCHS[1])
            assert spec.teacher.seed == spec.seed


def test_all_but_rate_and_epochs_is_as_the_profile_trains():
    full = PROFILES["full"]
    for kind, base in (("single", full.single), ("pair", full.pair)):
        (trial, *_) = recipe_search.trials(NOTHING, kind, "vit")
        spec = recipe_search.spec_of(trial, NOTHING)
        recipe = Recipe("vit", kind, trial.rate, trial.epochs)
        assert spec.train == recipes.tuned(base, [recipe], spec.model)


def test_a_student_waits_for_its_teachers_recipe():
    with pytest.raises(ConfigError, match="mobilenetv2, which has no recipe yet; search its singles first"):
        recipe_search.spec_of(Trial("deit-distilled", "student", MIDDLE, EPOCHS[0], 0), NOTHING)


def test_what_was_run_is_not_left_and_the_check_of_the_doubled_epochs_comes_last():
    scores = grid_of("single", "vit", rises([0, 0.1, 0.1]))  # still rising: the longest is chosen
    trials = list(scores)
    assert recipe_search.left(NOTHING, "single", "vit") == trials[: len(RATES) * len(SEEDS)]
    assert recipe_search.left(rows_of({t: scores[t] for t in trials[:-2]}), "single", "vit") == trials[-2:]
    check = [Trial("vit", "single", MIDDLE, 2 * EPOCHS[-1], seed) for seed in SEEDS]
    assert recipe_search.left(rows_of(scores), "single", "vit") == check
    assert recipe_search.left(rows_of(scores | dict.fromkeys(check, 0.7)), "single", "vit") == []


def test_no_check_is_run_where_the_trials_hold_it_nor_for_frozen_nets():
    scores = grid_of("single", "vit", rises([0, 0.1, 0.0]))
    assert recipe_search.left(rows_of(scores), "single", "vit") == []
    assert recipe_search.left(rows_of(grid_of("frozen", "vit", lambda *_: 0.5)), "frozen", "vit") == []


# --- the rows ---------------------------------------------------------------------------------------


def test_rows_come_back_as_they_were_written_and_a_diverged_run_without_a_score(tmp_path):
    path = tmp_path / "recipes.csv"
    assert recipe_search.read(path).empty
    trials = recipe_search.trials(NOTHING, "pair", "deit")[:3]
    for trial, score in zip(trials, (0.71234, math.nan, 0.5), strict=True):
        recipe_search.append(path, trial, score, 12.3)
    rows = recipe_search.read(path)
    assert list(rows["score"].fillna(-1)) == [0.71234, -1, 0.5]
    assert recipe_search.finished(rows) == set(trials)
    assert len(path.read_text().splitlines()) == 4
    recipe_search.append(path, trials[0], 0.9, 1.0)  # another process ran it, too
    assert list(recipe_search.read(path)["score"].fillna(-1)) == [0.71234, -1, 0.5]


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "architecture,kind\nvit,single\n"])
def test_a_file_of_something_else_is_refused(text, tmp_path):
    path = tmp_path / "recipes.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=r"recipes\.csv"):
        recipe_search.read(path)


def test_a_file_with_a_broken_number_is_refused(tmp_path):
    path = tmp_path / "recipes.csv"
    recipe_search.append(path, recipe_search.trials(NOTHING, "pair", "deit")[0], 0.5, 1.0)
    path.write_text(path.read_text().replace("0.5", "half"))
    with pytest.raises(DataError, match="cannot be read"):
        recipe_search.read(path)


def test_rows_of_other_nets_or_scenes_are_told_from_todays(monkeypatch):
    rows = rows_of(grid_of("single", "vit", lambda *_: 0.5) | grid_of("single", "deit", lambda *_: 0.5))
    assert recipe_search.foreign(rows).empty
    with monkeypatch.context() as patch:
        retrained = {"checkpoints": [{"sha256": "other"}]}
        patch.setattr(recipe_search, "CARDS", {**recipe_search.CARDS, "vit": retrained})
        assert set(recipe_search.foreign(rows)["architecture"]) == {"vit"}
    with monkeypatch.context() as patch:
        measured = {**recipe_search.CARDS["vit"], "plates_test": "what it is worth on plates"}
        patch.setattr(recipe_search, "CARDS", {**recipe_search.CARDS, "vit": measured})
        assert recipe_search.foreign(rows).empty, "the nets are the same"
    monkeypatch.setattr(recipe_search, "SCENES", DataSpec(train_scenes=2, test_scenes=2, seed=7))
    assert len(recipe_search.foreign(rows)) == len(rows)


def test_the_name_of_a_search_rests_on_the_net_and_on_a_students_teacher(monkeypatch):
    cell = "student", "deit-distilled"
    before = recipe_search.search_of(*cell)
    assert before != recipe_search.search_of("single", "deit-distilled")
    retrained = {"checkpoints": [{"sha256": "other"}]}
    monkeypatch.setattr(recipe_search, "CARDS", {**recipe_search.CARDS, "mobilenetv2": retrained})
    assert recipe_search.search_of(*cell) != before


# --- what follows -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gains", "epochs"),
    [
        ([0, 0.1, 0.1], EPOCHS[2]),  # still rising
        ([0, 0.1, 0.009], EPOCHS[1]),  # the last doubling gains too little
        ([0, 0.1, 0.011], EPOCHS[2]),  # and here it is not
        ([0, -0.1, -0.1], EPOCHS[0]),
        ([0, 0.006, 0.006], EPOCHS[1]),  # two small steps that are one large one together
    ],
)
def test_the_fewest_epochs_are_chosen_that_no_longer_training_surpasses(gains, epochs):
    rows = rows_of(grid_of("single", "vit", rises(gains)))
    assert recipe_search.choose(rows) == (Recipe("vit", "single", MIDDLE, epochs),)


def test_each_number_of_epochs_has_a_best_rate_of_its_own():
    def score(rate, epochs):
        return {LOW: (0.5, 0.8, 0.9), MIDDLE: (0.4, 0.4, 0.4), HIGH: (0.6, 0.5, 0.5)}[rate][
            EPOCHS.index(epochs)
        ]

    assert recipe_search.choose(rows_of(grid_of("pair", "vit", score))) == (
        Recipe("vit", "pair", LOW, EPOCHS[2]),
    )


def test_nothing_is_chosen_before_a_cell_is_finished_nor_from_runs_that_diverged():
    scores = grid_of("single", "vit", rises([0, 0.1, 0.1]))
    assert recipe_search.choose(rows_of(dict(list(scores.items())[:-1]))) == ()
    one_diverged = {
        t: math.nan if (t.rate, t.epochs, t.seed) == (MIDDLE, EPOCHS[2], 1) else s for t, s in scores.items()
    }
    assert recipe_search.choose(rows_of(one_diverged)) == (Recipe("vit", "single", MIDDLE, EPOCHS[1]),)
    assert recipe_search.choose(rows_of(dict.fromkeys(scores, math.nan))) == ()


@pytest.mark.parametrize(
    ("low", "high", "second"),
    [
        ((0.5, 0.6), (0.4, 0.0), (LOW, 1)),
        ((0.5, 0.509), (0.4, 0.0), (LOW, 0)),  # of that rate the last doubling gains too little
        ((0.5, 0.4), (0.55, 0.5), (HIGH, 0)),  # the rate with the best mean, at its own best epochs
        ((math.nan,) * 2, (0.2, 0.3), (HIGH, 1)),  # what diverged is no candidate
    ],
)
def test_the_second_recipe_is_the_best_of_another_rate_by_the_same_rule(low, high, second):
    scores = {LOW: low, MIDDLE: (0.6, 0.7, 0.701), HIGH: high}
    rows = rows_of(grid_of("pair", "vit", lambda rate, epochs: scores[rate][EPOCHS.index(epochs)]))
    rate, epochs = second
    assert recipe_search.choose(rows) == (Recipe("vit", "pair", MIDDLE, EPOCHS[1]),)
    assert recipe_search.choose(rows, rank=2) == (Recipe("vit", "pair", rate, EPOCHS[epochs], rank=2),)
    (told,) = recipe_search.verdicts(rows).to_dict("records")
    assert (told["second_rate"], told["second_epochs"]) == (rate, EPOCHS[epochs])
    assert told["second_score"] == pytest.approx(scores[rate][epochs])


def test_without_another_rate_that_did_not_diverge_there_is_no_second_recipe():
    rows = rows_of(grid_of("single", "vit", lambda rate, epochs: 0.7 if rate == MIDDLE else math.nan))
    assert len(recipe_search.choose(rows)) == 1
    assert recipe_search.choose(rows, rank=2) == ()
    assert math.isnan(recipe_search.verdicts(rows)["second_rate"].item())
    assert recipe_search.choose(NOTHING, rank=2) == ()


def test_the_check_is_no_candidate():
    scores = grid_of("single", "vit", rises([0, 0.1, 0.1]))
    check = {Trial("vit", "single", MIDDLE, 2 * EPOCHS[-1], seed): 0.99 for seed in SEEDS}
    assert recipe_search.choose(rows_of(scores | check)) == (Recipe("vit", "single", MIDDLE, EPOCHS[-1]),)


def test_verdicts_tell_the_gain_of_a_doubling_and_the_distance_to_frozen_nets():
    scores = grid_of("single", "vit", rises([0, 0.1, 0.1]))
    (alone,) = recipe_search.verdicts(rows_of(scores)).to_dict("records")
    assert (alone["rate"], alone["epochs"], alone["edge"]) == (MIDDLE, EPOCHS[2], False)
    assert alone["score"] == pytest.approx(0.7)
    assert (alone["low"], alone["high"]) == (pytest.approx(0.69), pytest.approx(0.71))
    assert all(math.isnan(alone[k]) for k in ("gain", "over_frozen", "over_frozen_low", "over_frozen_high"))

    check = {Trial("vit", "single", MIDDLE, 2 * EPOCHS[-1], seed): 0.72 for seed in SEEDS}
    frozen = dict(zip(recipe_search.trials(NOTHING, "frozen", "vit"), (0.66, 0.68, 0.67), strict=True))
    (whole,) = recipe_search.verdicts(rows_of(scores | check | frozen)).to_dict("records")
    assert whole["gain"] == pytest.approx(0.02)
    assert whole["over_frozen"] == pytest.approx(0.03)  # of .03, .02, .04 by seed: deviation .01
    half = 4.303 * 0.01 / math.sqrt(3)
    assert whole["over_frozen_low"] == pytest.approx(0.03 - half, abs=1e-5)
    assert whole["over_frozen_high"] == pytest.approx(0.03 + half, abs=1e-5)


def test_a_doubling_within_the_trials_counts_at_its_own_best_rate():
    scores = {LOW: (0.4, 0.79, 0.802), MIDDLE: (0.5, 0.8, 0.802), HIGH: (0.1, 0.1, 0.1)}

    def score(rate, epochs):
        return scores[rate][EPOCHS.index(epochs)]

    (row,) = recipe_search.verdicts(rows_of(grid_of("single", "vit", score))).to_dict("records")
    assert (row["rate"], row["epochs"]) == (MIDDLE, EPOCHS[1])
    assert row["gain"] == pytest.approx(0.002)


def test_a_rate_at_the_edge_of_the_grid_is_told():
    rows = rows_of(grid_of("single", "vit", lambda rate, epochs: 0.5 + (rate == HIGH) * 0.1))
    assert list(recipe_search.verdicts(rows)["edge"]) == [True]


def test_pairs_are_held_against_frozen_pairs_and_students_against_one_frozen_net():
    grids = [("pair", "deit-distilled"), ("student", "deit-distilled")]
    scores: dict = {}
    for cell in grids:
        scores |= grid_of(*cell, rises([0, 0.0, 0.0]))
    for kind, value in ((FROZEN["pair"], 0.4), (FROZEN["single"], 0.3)):
        scores |= dict.fromkeys(recipe_search.trials(NOTHING, kind, "deit-distilled"), value)
    found = recipe_search.verdicts(rows_of(scores)).set_index("kind")["over_frozen"]
    assert found["pair"] == pytest.approx(0.1)
    assert found["student"] == pytest.approx(0.2)


def test_means_are_in_the_order_of_the_search():
    scores = grid_of("pair", "mobilenetv2", lambda *_: 0.5) | grid_of("single", "vit", lambda *_: 0.6)
    table = recipe_search.means(rows_of(scores))
    assert list(table["kind"].drop_duplicates()) == ["single", "pair"]
    assert len(table) == 2 * sum(KEPT)
    assert (table["seeds"] == len(SEEDS)).all()
    assert isinstance(table, pd.DataFrame)
