"""A run tried again: the clean condition changes nothing, the others change what they say and no more."""

import numpy as np
import pytest

from rvernet_core import features, runs, training
from rvernet_core.config import DataSpec, ModelSpec, PlatesSpec, RunSpec, TrainSpec
from rvernet_core.errors import ConfigError
from rvernet_core.evaluation import comparisons as results
from rvernet_core.evaluation import evaluate as trials
from rvernet_core.evaluation.evaluate import try_all
from rvernet_core.evaluation.perturbed import Condition, Noise, altered

DATA = DataSpec(train_scenes=10, test_scenes=14, plates=PlatesSpec(size=96, sauce_rate=1.0))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def run(cache):
    model = ModelSpec(roi="mlp-mixer", extra_roi="mlp-mixer")
    return runs.load_or_train(RunSpec(DATA, model, TrainSpec(epochs=1, batch_size=16)), cache)


def test_the_clean_condition_is_the_run_itself(run, cache):
    (trial,) = try_all([run], [Condition()], cache)[Condition()]
    assert (trial.predictions["predicted"] == run.predictions["predicted"]).all()
    assert (trial.predictions["key"] == run.predictions["key"]).all()
    same = results.difference([trial], [run], "accuracy", runs.data_of(DATA, cache).classes)
    assert same.value == same.low == same.high == 0


def test_a_trial_is_made_once(run, cache, monkeypatch):
    condition = Condition(context="none")
    (first,) = try_all([run], [condition], cache)[condition]
    monkeypatch.setattr(trials, "_try", lambda *a: pytest.fail("made again"))
    (again,) = try_all([run], [condition], cache)[condition]
    assert again.path == first.path


def test_a_branch_is_read_once_for_all_conditions_that_show_it_the_same(run, cache, monkeypatch):
    read, noisy = [], Noise("permutation", patch=28)
    monkeypatch.setattr(
        trials, "read_branch", lambda part, *a: read.append(part[0]) or features.read_branch(part, *a)
    )
    conditions = [Condition(noise=noisy, on=on) for on in (("roi",), ("extra_roi",), ("roi", "extra_roi"))]
    made = try_all([run], conditions, cache)
    assert sorted(read) == ["extra_roi", "extra_roi", "roi", "roi"]
    for condition, (trial,) in made.items():
        pairs = altered(DATA, condition, 64, cache)
        direct = training.predict(run.model(len(pairs.classes)), pairs)
        assert np.abs(trial.predictions["confidence"] - direct.max(1)).max() < 1e-4


def test_a_trial_names_whose_context_it_showed(run, cache):
    condition = Condition(context="other")
    (trial,) = try_all([run], [condition], cache)[condition]
    assert list(trial.predictions["donor"]) == [
        trial.predictions["key"][i] for i in altered(DATA, condition, 64, cache).donors
    ]


@pytest.mark.parametrize(
    ("condition", "told"),
    [
        (Condition(context="mine"), "context"),
        (Condition(fill="red"), "fill"),
        (Condition(masks="drawn"), "masks"),
        (Condition(on=("background",)), "background"),
        (Condition(noise=Noise("rotation")), "rotation"),
    ],
)
def test_conditions_that_mean_nothing_are_refused(condition, told, run, cache):
    with pytest.raises(ConfigError, match=told):
        try_all([run], [condition], cache)
