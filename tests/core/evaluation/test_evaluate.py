"""A run evaluated again: no condition changes nothing, the others change what they say and no more."""

import numpy as np
import pandas as pd
import pytest
import torch
from damage import damage

from rvernet_core import features, training
from rvernet_core.config import CLEAN, Condition, DataSpec, ModelSpec, Noise, PlatesSpec, RunSpec, TrainSpec
from rvernet_core.errors import ConfigError, TrainingError
from rvernet_core.evaluation import comparisons
from rvernet_core.evaluation import evaluate as module
from rvernet_core.evaluation.evaluate import evaluate, evaluated
from rvernet_core.evaluation.perturbed import perturbed_test_set
from rvernet_core.models.backbones import input_size
from rvernet_core.runs import RunStore

DATA = DataSpec(train_scenes=10, test_scenes=14, plates=PlatesSpec(size=96, sauce_rate=1.0))
SIDE = input_size("micro")
QUICK = TrainSpec(epochs=1, batch_size=16)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def run(store):
    return store.load_or_train(RunSpec(DATA, ModelSpec(roi="mlp-mixer", extra_roi="mlp-mixer"), QUICK))


def test_no_condition_is_the_run_itself(run, store):
    (clean,) = evaluate([run], [CLEAN], store)[CLEAN]
    assert (clean.predicted == run.predictions.predicted).all()
    assert (clean.table["key"] == run.predictions.table["key"]).all()
    same = comparisons.difference([clean], [run.predictions], "accuracy", store.data(DATA).classes)
    assert same.value == same.spread == 0
    assert same.low == -same.high, "one more photo might have told them apart"


def test_an_evaluation_names_its_run_and_its_condition(run, store):
    condition = Condition(context="none")
    (answers,) = evaluate([run], [condition], store)[condition]
    assert (answers.run, answers.spec, answers.condition) == (run.folder.name, run.spec, condition)
    assert answers.name.startswith(f"{run.folder.name}~")
    assert answers.manifest["seconds"] == run.manifest["seconds"]


def test_an_evaluation_is_computed_once(run, store, monkeypatch):
    condition = Condition(context="none", photos=5)
    (first,) = evaluate([run], [condition], store)[condition]
    monkeypatch.setattr(module, "_evaluate", lambda *a: pytest.fail("computed again"))
    (again,) = evaluate([run], [condition], store)[condition]
    pd.testing.assert_frame_equal(first.table, again.table)


def test_fault_66_a_damaged_evaluation_is_computed_again(run, store, caplog):
    condition = Condition(context="none", photos=4)
    (first,) = evaluate([run], [condition], store)[condition]
    path = max(store.cache.glob("evaluations/*/predictions.csv"), key=lambda path: path.stat().st_mtime_ns)
    damage(path)
    (again,) = evaluate([run], [condition], store)[condition]
    pd.testing.assert_frame_equal(first.table, again.table)
    assert "(predictions.csv has another hash" in caplog.messages[0]


def test_fault_66_other_weights_of_one_name_are_not_evaluated_by_the_first(run, store, monkeypatch):
    """On a GPU a damaged run that is trained again has other last digits."""
    condition = Condition(context="none", photos=3)
    evaluate([run], [condition], store)
    other = RunStore(store.cache).load_or_train(run.spec)
    other.manifest["checkpoint_sha256"] = "f" * 64
    real, computed = module._evaluate, []
    monkeypatch.setattr(module, "_evaluate", lambda *a: computed.append(real(*a)))
    evaluate([other], [condition], store)
    assert len(computed) == 1


def test_fault_48_an_evaluation_that_is_not_finite_is_never_kept(run, store, monkeypatch):
    condition = Condition(context="none", photos=2)
    before = sorted(store.cache.glob("evaluations/*"))
    monkeypatch.setattr(module, "branch_features", lambda *a: features.branch_features(*a) * float("inf"))
    with pytest.raises(TrainingError, match="infinite or NaN logits"):
        evaluate([run], [condition], store)
    assert sorted(store.cache.glob("evaluations/*")) == before


def test_a_branch_is_computed_once_for_all_conditions_under_which_it_sees_the_same(run, store, monkeypatch):
    branches, noisy = [], Noise("permutation", patch=28)

    def counted(model, branch, *rest):
        branches.append(branch)
        return features.branch_features(model, branch, *rest)

    monkeypatch.setattr(module, "branch_features", counted)
    conditions = [Condition(noise=noisy, on=on) for on in (("roi",), ("extra_roi",), ("roi", "extra_roi"))]
    evaluations = evaluate([run], conditions, store)
    assert sorted(branches) == ["extra_roi", "extra_roi", "roi", "roi"]
    for condition, (answers,) in evaluations.items():
        direct = training.predict(run.model(), perturbed_test_set(store, DATA, condition, SIDE)).softmax(1)
        assert np.abs(answers.table["confidence"] - direct.max(1).values.numpy()).max() < 1e-4


def test_a_distilled_run_is_evaluated_by_the_heads_that_answer(store):
    teacher = RunSpec(DATA, ModelSpec(roi="mobilenetv2"), QUICK)
    train = TrainSpec(epochs=1, batch_size=16, distillation="hard", strength=1.0)
    run = store.load_or_train(RunSpec(DATA, ModelSpec(roi="deit-distilled"), train, teacher=teacher))
    condition = Condition(noise=Noise())
    (answers,) = evaluate([run], [condition], store)[condition]
    _, distillation_logits = training.predict(run.model(), perturbed_test_set(store, DATA, condition, SIDE))
    assert (answers.predicted == distillation_logits.argmax(1).numpy()).all()


def test_an_evaluation_names_whose_context_it_showed(run, store):
    condition = Condition(context="other")
    (answers,) = evaluate([run], [condition], store)[condition]
    expected = perturbed_test_set(store, DATA, condition, SIDE).context_sources
    assert tuple(answers.table["context_source"]) == expected


def test_fault_66_other_weights_of_segment_anything_are_another_evaluation(run, store, monkeypatch):
    by_sam, exact = Condition(masks="sam", photos=1), Condition(masks="exact", photos=1)
    evaluate([run], [by_sam, exact], store)
    kept = set((store.cache / "evaluations").iterdir())
    monkeypatch.setitem(module.CARDS, "sam-micro", {**module.CARDS["sam-micro"], "sha256": "another"})
    evaluate([run], [by_sam, exact], store)
    assert len(set((store.cache / "evaluations").iterdir()) - kept) == 1


def test_what_was_evaluated_is_found_without_knowing_the_conditions(run, store, monkeypatch):
    conditions = [Condition(masks="sam", photos=2), Condition(noise=Noise("translocation"), on=("roi",))]
    expected = {condition: answers for condition, (answers,) in evaluate([run], conditions, store).items()}
    found = {answers.condition: answers for answers in evaluated(run, store)}
    for condition in conditions:
        assert found[condition] == expected[condition]
        assert found[condition].table.equals(expected[condition].table)
    monkeypatch.setitem(module.CARDS, "sam-micro", {**module.CARDS["sam-micro"], "sha256": "another"})
    assert conditions[0] not in {answers.condition for answers in evaluated(run, store)}


def test_a_micro_net_is_evaluated_on_one_thread(run, store, monkeypatch):
    threads = []
    monkeypatch.setattr(
        module,
        "branch_features",
        lambda *a: threads.append(torch.get_num_threads()) or features.branch_features(*a),
    )
    torch.set_num_threads(2)
    try:
        evaluate([run], [Condition(context="same")], store)
    finally:
        torch.set_num_threads(1)
    assert set(threads) == {1}


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        (Condition(context="mine"), "context"),
        (Condition(fill="red"), "fill"),
        (Condition(masks="drawn"), "masks"),
        (Condition(on=("background",)), "background"),
        (Condition(noise=Noise("rotation")), "rotation"),
        (Condition(context="other", photos=3), "all test photos"),
    ],
)
def test_conditions_that_mean_nothing_are_refused(condition, named, run, store):
    with pytest.raises(ConfigError, match=named):
        evaluate([run], [condition], store)
