"""Weights of the cues are recovered, and other laws are what rendering them would give."""

import numpy as np
import pytest

from rvernet_core.errors import RecordError
from rvernet_core.evaluation import cue_weights as module
from rvernet_core.evaluation.cue_weights import Items
from rvernet_core.uncertainty import estimate


def drawn(count=4000, d=1.5, rho=0.8, seed=0):
    """Items of the law, one in each photo."""
    rng = np.random.default_rng(seed)
    first = rng.random(count) < 0.5
    look = rng.normal(size=count) + np.where(first, 0.5, -0.5) * d
    agrees = rng.random(count) < rho
    company = np.where(first == agrees, 1.0, -1.0)
    odds = d * look + np.log(rho / (1 - rho)) * company
    return Items(np.arange(count), first, look, company, 1 / (1 + np.exp(-odds)), np.arange(count))


def answers(items, look, company, seeds=3, noise=0.0):
    """Of a model that adds the cues with these weights: class 7 for the first, 9 for the second."""
    rng = np.random.default_rng(1)
    odds = look * items.look + company * items.company
    return [np.where(odds + noise * rng.normal(size=len(odds)) > 0, 7, 9) for _ in range(seeds)]


def test_an_answer_outside_the_pair_says_nothing_of_the_two():
    said = module.says_first([np.array([7, 9, 3])], (7, 9))
    assert said.tolist() == [[1.0, 0.0, 0.5]]


@pytest.mark.parametrize(("look", "company"), [(1.0, 0.0), (0.0, 1.0), (1.0, 1.0)])
def test_only_cues_that_are_used_have_weight(look, company):
    items = drawn()
    said = module.says_first(answers(items, look, company, noise=0.5), (7, 9))
    for used, found in zip((look, company), module.regressed(items, said), strict=False):
        e = estimate(found)
        assert (e.low > 0.5) == bool(used)
        assert used or abs(e.value) < 0.2


def test_an_observer_that_answers_as_often_as_it_believes_has_the_weights_of_the_law():
    items = drawn(20_000)
    rng = np.random.default_rng(2)
    said = (rng.random((3, len(items.best))) < items.best).astype(float)
    look, company, ratio = (estimate(part).value for part in module.regressed(items, said))
    assert (look, company) == pytest.approx((1.5, np.log(4)), rel=0.05)
    assert ratio == pytest.approx(np.log(4) / 1.5, rel=0.05)


def test_noise_shrinks_both_weights_and_not_their_ratio():
    items = drawn(20_000)
    ratios, looks = [], []
    for noise in (0.5, 3.0):
        said = module.says_first(answers(items, 1.5, np.log(4), noise=noise), (7, 9))
        of_look, _, ratio = map(estimate, module.regressed(items, said))
        looks.append(of_look.value)
        ratios.append(ratio.value)
    assert looks[1] < 0.5 * looks[0]
    assert ratios[1] == pytest.approx(ratios[0], rel=0.06)


def test_leaving_out_a_photo_is_nearly_the_regression_without_it():
    items = drawn(400)
    photos = items.look.argsort() // 4
    items = Items(items.index, items.first, items.look, items.company, items.best, photos)
    said = module.says_first(answers(items, 1, 1, noise=1.0), (7, 9))
    whole, _, _ = module.regressed(items, said)
    keep = photos != 50
    some = Items(
        *(a[keep] for a in (items.index, items.first, items.look, items.company, items.best, photos))
    )
    expected, _, _ = module.regressed(some, said[:, keep])
    moved = expected.exact - whole.exact
    assert whole.without[50] - whole.exact == pytest.approx(moved, abs=0.1 * np.abs(moved).max())


def test_answers_that_never_or_always_change_have_finite_weights():
    items = drawn(100)
    for said in (np.ones((2, 100)), items.first[None].astype(float), np.full((1, 100), 0.5)):
        assert all(np.isfinite(part.exact[:1]).all() for part in module.regressed(items, said)[:2])


def test_reweighted_items_are_those_of_the_other_law():
    items, other = drawn(60_000), drawn(60_000, rho=0.3, seed=5)
    right = ((items.best > 0.5) == items.first).astype(float)[None]
    odds = 1.5 * other.look + np.log(4) * other.company  # the same observer, under the other law
    expected = ((odds > 0) == other.first).mean()
    weight = module.weight_at_rho(items, 0.3, 0.8)
    assert module.weighted_share(right, weight, items.photos).exact[0] == pytest.approx(expected, abs=0.01)
    closer = drawn(60_000, d=1.0, seed=6)
    odds = 1.5 * closer.look + np.log(4) * closer.company
    weight = module.weight_at_d(items, 1.0, 1.5)
    found = module.weighted_share(right, weight, items.photos).exact[0]
    assert found == pytest.approx(((odds > 0) == closer.first).mean(), abs=0.015)


def test_the_law_itself_weighs_all_items_alike():
    items = drawn(100)
    for weight in (module.weight_at_rho(items, 0.8, 0.8), module.weight_at_d(items, 1.5, 1.5)):
        assert weight == pytest.approx(np.ones(100))
        assert module.effective(weight) == pytest.approx(100)
    assert module.effective(module.weight_at_d(items, 3.0, 1.5)) < 80


def test_photos_without_weight_are_not_counted():
    right, weight = np.ones((2, 4)), np.array([1.0, 0, 1, 0])
    assert module.weighted_share(right, weight, np.arange(4)).photos == 2


def test_nothing_to_weigh_is_told():
    items = drawn(10)
    with pytest.raises(RecordError, match="no item has any weight"):
        module.weighted_share(np.ones((1, 10)), np.zeros(10), items.photos)
    with pytest.raises(RecordError, match="shows no water and no liquor"):
        Items.of({}, ("water", "liquor"), [], [])
