"""Page 3 on made-up predictions: the grid, what context adds to it, and what a model costs."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from small_sets import make_predictions

from rvernet_core.config import ModelSpec, RunSpec, TrainSpec, replace
from rvernet_core.experiments import rvernet
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.study import Study
from rvernet_core.models import backbones

CLASSES = ("rice", "egg", "ketchup", "chili paste")
TRUTH = np.tile(np.arange(4), 10)
STUDY = SimpleNamespace(classes=CLASSES, backbones=("vit", "deit"), profile=PROFILES["smoke"])
#: Right answers of 40 per pair of modules: context helps vit, and deit is the better extra-ROI module.
RIGHT = {("deit", "deit"): 36, ("deit", "vit"): 28, ("vit", "deit"): 32, ("vit", "vit"): 24}
ALONE = {"vit": 20, "deit": 36}


def answers(right, seed=0, **options):
    """Predictions whose first `right` samples of 40 are right."""
    predicted = np.where(np.arange(40) < right, TRUTH, (TRUTH + 1) % 4)
    return make_predictions(predicted, TRUTH, seed, **options)


def models(right):
    return {name: [answers(count, seed) for seed in (0, 1)] for name, count in right.items()}


@pytest.fixture
def accuracy():
    return rvernet.as_grid(STUDY, rvernet.grid_scores(STUDY, models(RIGHT)), "accuracy")


def test_the_grid_has_roi_modules_as_rows_in_the_order_of_the_study(accuracy):
    assert list(accuracy.index) == list(accuracy.columns) == ["vit", "deit"]
    assert accuracy.loc["vit", "deit"] == pytest.approx(0.8)
    assert accuracy.loc["deit", "vit"] == pytest.approx(0.7)


def test_a_gain_is_the_mean_of_a_row_minus_the_backbone_alone():
    gains = rvernet.grid_gains(STUDY, models(RIGHT), models(ALONE)).set_index("model")
    assert gains.loc["vit", "ROI alone"] == pytest.approx(0.5)
    assert gains.loc["vit", "mean gain as ROI module"] == pytest.approx(0.7 - 0.5)
    assert gains.loc["deit", "mean gain as ROI module"] == pytest.approx(0.8 - 0.9)
    assert gains.loc["deit", "accuracy as extra-ROI module, mean"] == pytest.approx(0.85)


def test_the_facts_of_the_grid(accuracy):
    gains = rvernet.grid_gains(STUDY, models(RIGHT), models(ALONE))
    facts = rvernet.grid_facts(STUDY, models(RIGHT), accuracy, gains)
    assert (facts.best.group[0], facts.accuracy) == (("deit", "deit"), pytest.approx(0.9))
    assert facts.best.best is None, "20 photos do not show that it is ahead of the next"
    assert facts.best_roi.group[0] == facts.best_extra_roi.group[0] == "deit"
    assert facts.gain == pytest.approx((0.2 - 0.1) / 2)
    assert (facts.better, facts.worse, facts.backbones) == (0, 0, 2), "nor any gain"
    sure = rvernet.grid_facts(STUDY, models(RIGHT), accuracy, gains.assign(p=0.01))
    assert (sure.better, sure.worse) == (1, 1)


def test_the_leading_modules_are_those_of_the_best_row_and_column_not_of_the_best_cell():
    right = {("vit", "vit"): 36, ("vit", "deit"): 4, ("deit", "vit"): 24, ("deit", "deit"): 28}
    pairs, roi, extra_roi = rvernet.leading_modules(STUDY, models(right), "accuracy")
    assert pairs.group[0] == ("vit", "vit")
    assert (roi.group[0], extra_roi.group[0]) == ("deit", "vit")


def test_single_models_and_rvernets_stand_in_one_table_best_first():
    scores = rvernet.fine_tuned_scores(STUDY, models(ALONE), models({("vit", "deit"): 32}))
    assert list(scores["model"]) == ["deit", "vit + deit", "vit"]
    assert list(scores["kind"]) == ["single", "RveRNet", "single"]
    assert scores["accuracy"].to_numpy() == pytest.approx([0.9, 0.8, 0.5])


def for_epochs(epochs, lr=1e-3):
    """One run of a model that is trained so long and at this rate."""
    return [answers(20, spec=replace(RunSpec(), train=TrainSpec(epochs=epochs, lr=lr)))]


def test_the_epochs_of_every_model_stand_beside_its_score():
    singles, pairs = {"vit": for_epochs(4), "deit": for_epochs(3)}, {("vit", "deit"): for_epochs(2)}
    scores = rvernet.fine_tuned_scores(STUDY, singles, pairs).set_index("model")
    assert scores["epochs"].to_dict() == {"vit": 4, "deit": 3, "vit + deit": 2}


def test_pairs_that_are_trained_otherwise_than_their_roi_module_are_told():
    singles = {"vit": for_epochs(4), "deit": for_epochs(2)}
    pairs = {
        ("vit", "deit"): for_epochs(2),
        ("deit", "vit"): for_epochs(2),
        ("deit", "deit"): for_epochs(2, lr=4e-4),
    }
    assert rvernet.trained_otherwise(singles, pairs) == [
        rvernet.Otherwise(("vit", "deit"), (2, 4), (1e-3, 1e-3)),
        rvernet.Otherwise(("deit", "deit"), (2, 2), (4e-4, 1e-3)),
    ]


def test_each_pair_is_compared_with_its_own_roi_module():
    pairs = models({("vit", "deit"): 32, ("deit", "vit"): 36})
    gain = rvernet.gain_of_context(STUDY, models(ALONE), pairs).set_index("model")
    assert gain.loc["vit + deit", "against"] == "vit"
    assert gain.loc["vit + deit", "difference"] == pytest.approx(0.3)
    assert gain.loc["vit + deit", "difference_low"] > 0
    assert gain.loc["deit + vit", "difference"] == 0
    assert gain.loc["deit + vit", "p"] == pytest.approx(1)
    facts = rvernet.gain_facts(STUDY, pairs, gain.reset_index())
    assert facts.leading.group[0] == ("deit", "vit")
    assert (facts.best, facts.ahead, facts.behind, facts.compared) == ("vit + deit", 1, 0, 2)
    assert facts.gain == pytest.approx(0.3)
    assert (facts.of_highest.difference[0], facts.of_highest.shown) == (0, 0), (
        "the highest is not what gains most"
    )
    lost = gain.reset_index().assign(difference=-0.2, p=0.01)
    facts = rvernet.gain_facts(STUDY, pairs, lost)
    assert (facts.ahead, facts.behind, facts.of_highest.shown, facts.of_highest.p) == (0, 2, -1, 0.01)


def test_without_pairs_nothing_is_gained():
    gain = rvernet.gain_of_context(STUDY, models(ALONE), {})
    facts = rvernet.gain_facts(STUDY, {}, gain)
    assert (facts.best, facts.ahead, facts.behind, facts.compared) == (None, 0, 0, 0)
    assert np.isnan(facts.gain)
    assert len(rvernet.fine_tuned_scores(STUDY, models(ALONE), {})) == 2


def test_costs_need_no_weights_and_average_the_training_time_of_the_runs(monkeypatch):
    monkeypatch.setattr(backbones, "load_weights", lambda path: pytest.fail("read weights"))
    spec = RunSpec(model=ModelSpec(roi="mlp-mixer"))
    pair = replace(spec, model=ModelSpec(roi="mlp-mixer", extra_roi="mlp-mixer"))
    runs = [answers(20, seed, spec=spec) for seed in (0, 1)]
    for run, seconds, memory in zip(runs, (2.0, 4.0), (100.0, 300.0), strict=True):
        run.manifest.update(seconds=seconds, peak_memory_mib=memory)
    other = answers(20, spec=pair)
    other.manifest["peak_memory_mib"] = 50.0
    costs = rvernet.costs(STUDY, {"mlp-mixer": runs}, {("mlp-mixer", "mlp-mixer"): [other]})
    costs = costs.set_index("model")
    alone, both = costs.loc["mlp-mixer"], costs.loc["mlp-mixer + mlp-mixer"]
    assert (alone["training seconds"], alone["peak memory, MiB"]) == (3, 300)
    assert 1.8 < both["gmacs"] / alone["gmacs"] < 2.2
    assert both["parameters"] > 1.9 * alone["parameters"]
    assert alone["milliseconds"] > 0


def test_the_page_needs_every_model_that_it_asks_for():
    study = Study.of("smoke", backbones=["vit", "mobilenetv2"], device="cpu")
    needed = {spec for specs in rvernet.needs(study).values() for spec in specs}
    for family in (study.singles(), study.pairs(), study.grid(), study.grid_singles()):
        assert {spec for specs in family.values() for spec in specs} <= needed


def test_two_distilled_deits_are_compared_with_every_other_pair():
    pairs = models({rvernet.DISTILLED: 36, ("vit", "deit"): 20, ("deit", "vit"): 36})
    against = rvernet.distilled_against_others(STUDY, pairs).set_index("against")
    assert list(against.index) == ["vit + deit", "deit + vit"]
    assert list(against["difference"]) == pytest.approx([0.4, 0])
    assert against.loc["vit + deit", "p"] < 0.05
    del pairs[rvernet.DISTILLED]
    assert rvernet.distilled_against_others(STUDY, pairs).empty


def trained(fitted):
    """A study that knows how far each model fits its training samples, in order, both seeds alike."""
    history = {key: [[{"accuracy": 0.1}, {"accuracy": value}]] * 2 for key, value in fitted.items()}
    calls = iter(history.values())
    return SimpleNamespace(
        classes=CLASSES,
        profile=PROFILES["smoke"],
        histories=lambda specs: {key: next(calls) for key in specs},
    )


def test_frozen_and_fine_tuned_models_are_compared_one_by_one_with_their_training_scores():
    one, two = ("vit", "deit"), "vit"
    study = trained({"frozen one": 0.6, "frozen two": 0.7, "tuned one": 0.9, "tuned two": 0.5})
    frozen = models({("vit", "vit"): 40, one: 32, two: 36})
    table = rvernet.frozen_against_fine_tuned(study, frozen, models({one: 20, two: 36})).set_index("model")
    assert list(table.index) == ["vit + deit", "vit"]
    assert list(table["frozen"]) == pytest.approx([0.8, 0.9])
    assert list(table["difference"]) == pytest.approx([-0.3, 0])
    assert list(table["frozen training"]) == [0.6, 0.7]
    assert list(table["fine-tuned training"]) == [0.9, 0.5]
    facts = rvernet.frozen_facts(table.reset_index())
    assert (facts.compared, facts.frozen_ahead, facts.tuned_ahead) == (2, 1, 0)
    assert (facts.overfitted, facts.undertrained) == (1, 0)
    assert facts.training == pytest.approx((0.65, 0.7))


def test_who_is_ahead_and_fits_less_is_told_from_who_overfits():
    row = {"frozen": 0.8, "fine-tuned": 0.7, "frozen training": 0.9}
    rows = [
        {**row, "difference": -0.1, "p": 0.01, "fine-tuned training": 0.8},
        {**row, "difference": -0.1, "p": 0.01, "fine-tuned training": 0.95},
        {**row, "difference": 0.1, "p": 0.01, "fine-tuned training": 0.95},
        {**row, "difference": -0.1, "p": 0.5, "fine-tuned training": 0.95},
    ]
    facts = rvernet.frozen_facts(pd.DataFrame(rows))
    assert (facts.frozen_ahead, facts.overfitted, facts.undertrained) == (2, 1, 1)
    assert (facts.tuned_ahead, facts.fitted_further, facts.frozen_overfitted) == (1, 1, 0)
    closer = rows[2] | {"fine-tuned training": 0.85}
    assert rvernet.frozen_facts(pd.DataFrame([*rows, closer])).frozen_overfitted == 1


def test_a_grid_that_is_fine_tuned_is_not_compared_with_itself():
    study = SimpleNamespace(classes=CLASSES, profile=PROFILES["paper"])
    table = rvernet.frozen_against_fine_tuned(study, models(RIGHT), models(RIGHT))
    assert table.empty
    assert rvernet.frozen_facts(table) is None
