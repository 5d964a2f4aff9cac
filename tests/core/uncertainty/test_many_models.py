"""Corrections, the omnibus test and who leads, by hand and by simulation."""

import numpy as np
import pytest
from made_up_scores import accuracy, draws

from rvernet_core import uncertainty
from rvernet_core.errors import RecordError
from rvernet_core.uncertainty import Measured, estimate, holm, omnibus


def test_holm_steps_down_and_keeps_the_order():
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.5, 0.6]) == pytest.approx([1, 1])
    assert np.isnan(holm([np.nan, 0.02])[0])
    assert holm([np.nan, 0.02])[1] == pytest.approx(0.02)
    assert len(holm([])) == 0


def test_holm_keeps_the_chance_of_any_false_finding():
    p = np.random.default_rng(0).random((4000, 8))
    assert np.mean([holm(row).min() < 0.05 for row in p]) == pytest.approx(0.05, abs=0.012)


def made_up(rng, effects, seeds, of_seed, of_photo, photos=120):
    """Measured accuracies of models with these effects on a probit scale; one sample a photo."""
    level = 1 + np.asarray(effects)[:, None] + rng.standard_normal((len(effects), seeds)) * of_seed
    hard = of_photo * rng.standard_normal(photos)
    right = level[..., None] + hard + rng.standard_normal((len(effects), seeds, photos)) > 0
    left = (right.sum(-1, keepdims=True) - right) / (photos - 1)
    return [Measured(right[m].mean(-1), left[m].T, photos, "share") for m in range(len(effects))]


@pytest.mark.parametrize("seeds", [1, 3, 5])
@pytest.mark.parametrize(("of_seed", "of_photo"), [(0.3, 0.3), (0.02, 1.5)])
def test_the_omnibus_test_holds_its_level(seeds, of_seed, of_photo):
    """For one seed only where seeds do not matter: over photos alone it says nothing of other seeds."""
    rng = np.random.default_rng(0)
    if seeds == 1 and of_seed > 0.1:
        of_seed = 0.0
    false = np.mean([omnibus(made_up(rng, [0] * 5, seeds, of_seed, of_photo)).differs for _ in range(300)])
    assert false <= 0.08


def test_the_omnibus_test_holds_its_level_where_seeds_share_checkpoints():
    """Five seeds of three checkpoints: as if they were independent it would find what is not there."""
    rng, units, photos = np.random.default_rng(0), [0, 1, 2, 0, 1], 120
    false = {"seeds": 0, "units": 0}
    for _ in range(300):
        level = 1 + 0.3 * rng.standard_normal((5, 3))[:, units] + 0.03 * rng.standard_normal((5, 5))
        right = level[..., None] + 0.3 * rng.standard_normal(photos) + rng.standard_normal((5, 5, photos)) > 0
        left = (right.sum(-1, keepdims=True) - right) / (photos - 1)
        models = [Measured(right[m].mean(-1), left[m].T, photos, "share") for m in range(5)]
        false["seeds"] += omnibus(models).differs
        false["units"] += omnibus(models, units).differs
    assert false["units"] / 300 <= 0.08
    assert false["seeds"] / 300 > 0.12, "as if they were independent"


def test_the_omnibus_test_finds_models_that_differ():
    rng = np.random.default_rng(0)
    found = [omnibus(made_up(rng, [-0.4, 0, 0, 0.4], 3, 0.1, 0.7)) for _ in range(40)]
    assert np.mean([test.differs for test in found]) > 0.7
    assert {test.models for test in found} == {4}


def test_one_model_and_equal_models_do_not_differ():
    same = accuracy(draws(0.7, 0.8))
    for models in ([same], [same, same, same]):
        assert omnibus(models).p == 1
        assert not omnibus(models).differs


def test_a_single_photo_does_not_tell_models_apart():
    one = np.zeros(4, int)
    found = omnibus([accuracy([right], one) for right in ([1, 1, 0, 1], [0, 0, 0, 1])])
    assert np.isnan(found.p)
    assert not found.differs


def test_two_models_are_compared_as_their_difference_is():
    first, second = accuracy(draws(0.7, 0.7, 0.72)), accuracy(draws(0.5, 0.52, 0.5, seed=1))
    assert omnibus([first, second]).p == pytest.approx(estimate(first - second).p, rel=0.5)


def test_one_model_leads_only_where_it_is_ahead_of_every_other():
    level = {"a": 0.9, "b": 0.88, "c": 0.5}
    models = {name: accuracy(draws(*[v] * 3, seed=i)) for i, (name, v) in enumerate(level.items())}
    leading = uncertainty.leading_group(models)
    assert leading.group == ("a", "b")
    assert leading.best is None
    assert leading.p["c"] < 0.05 < leading.p["b"]
    assert uncertainty.leading_group(models, lowest=True).best == "c"
    assert uncertainty.leading_group({"a": models["a"]}).best == "a"
    with pytest.raises(RecordError, match="no models"):
        uncertainty.leading_group({})
