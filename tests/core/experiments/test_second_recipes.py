"""A comparison again by second recipes: made-up models whose order turns, and a few real ones."""

import numpy as np
import pandas as pd
import pytest
from made_up_study import EVERY, LABELS, MadeUp
from small_sets import make_predictions

from rvernet_core.config import DataSpec, PlatesSpec, replace
from rvernet_core.experiments import off_the_shelf, rvernet, second_recipes
from rvernet_core.experiments.recipes import Recipe
from rvernet_core.experiments.study import Study

NETS = ("deit", "vit", "deit-distilled")
FIRST, SECOND = 5e-4, 2e-4
#: Samples in twenty that a net gets wrong at a rate: DeiT falls behind ViT at the second.
WRONG = {
    ("deit", FIRST): 1,
    ("vit", FIRST): 6,
    ("deit-distilled", FIRST): 8,
    ("deit", SECOND): 6,
    ("vit", SECOND): 1,
    ("deit-distilled", SECOND): 8,
}


def answers(spec, condition=None):
    wrong = min(WRONG[name, spec.train.lr] for name in (spec.model.roi, spec.model.extra_roi) if name)
    predicted = np.where(wrong > EVERY % 20, (LABELS + 1) % 4, LABELS)
    return make_predictions(predicted, LABELS, spec.seed, spec=spec)


def recipes_at(rate, rank):
    return tuple(Recipe(name, kind, rate, 1, rank) for name in NETS for kind in ("single", "pair"))


@pytest.fixture
def study():
    base = Study.of("full", backbones=NETS, device="cpu")
    profile = replace(
        base.profile,
        recipes=recipes_at(FIRST, 1),
        second_recipes=recipes_at(SECOND, 2),
        pairs=(rvernet.DISTILLED, ("vit", "vit"), ("deit", "deit")),
    )
    return MadeUp(profile, base.backbones, base.store, answers=answers)


def of_page_2(study):
    first, second = study.singles(), study.under_second_recipe().singles()
    return (off_the_shelf.differences(study, study.predictions(models)) for models in (first, second))


def of_page_3(study):
    first, second = study.pairs(), study.under_second_recipe().pairs()
    return (rvernet.distilled_against_others(study, study.predictions(models)) for models in (first, second))


def test_an_order_that_turns_with_the_recipe_is_seen(study):
    again = second_recipes.again(study, *of_page_2(study))
    rows = again.table.set_index("model")
    assert list(rows["difference"]) == pytest.approx([-0.25, 0.1])
    assert list(rows[second_recipes.FIRST]) == pytest.approx([0.25, 0.35])
    assert (again.behind, again.ahead, again.turned) == (["vit"], ["deit-distilled"], ["vit"])
    assert (again.leads_gone, again.lags_gone) == (["vit"], []), "the lead over DeiT-distilled is shown twice"
    assert set(rows["seeds"]) == {len(study.profile.ablation_seeds)}
    assert (rows["p"] < 0.05).all()


def test_pairs_are_compared_again_by_the_second_recipes_of_pairs(study):
    again = second_recipes.again(study, *of_page_3(study))
    rows = again.table.set_index("against")
    assert list(rows["difference"]) == pytest.approx([-0.35, -0.1])
    assert (again.ahead, again.behind, again.turned) == ([], ["vit + vit", "deit + deit"], [])


def test_without_second_recipes_or_a_second_model_nothing_is_repeated(study):
    nothing = MadeUp(replace(study.profile, second_recipes=()), study.backbones, study.store, answers=answers)
    for first, second in (of_page_2(nothing), of_page_3(nothing)):
        again = second_recipes.again(nothing, first, second)
        assert (again.asked, len(again.table)) == (True, 0)
        assert again.ahead == again.behind == again.turned == []
    assert not second_recipes.again(study, pd.DataFrame(), pd.DataFrame()).asked


def test_real_nets_are_trained_by_their_second_recipes(tmp_path):
    base = Study.of("smoke", seeds=[0], backbones=["deit", "mlp-mixer"], device="cpu", cache=tmp_path)
    profile = replace(
        base.profile,
        data=DataSpec(train_scenes=6, test_scenes=6, plates=PlatesSpec(size=64)),
        second_recipes=(Recipe("deit", "single", 3e-4, 2, 2), Recipe("mlp-mixer", "single", 4e-4, 1, 2)),
    )
    study = Study(profile, base.backbones, base.store)
    again = second_recipes.again(study, *of_page_2(study))
    assert list(again.table["model"]) == ["mlp-mixer"]
    trained = {(p.spec.model.roi, p.spec.train.lr, p.spec.train.epochs) for p in study.used}
    usual = profile.single.lr, profile.single.epochs
    assert trained == {("deit", *usual), ("mlp-mixer", *usual), ("deit", 3e-4, 2), ("mlp-mixer", 4e-4, 1)}
    assert all(
        spec in {s for part in off_the_shelf.needs(study).values() for s in part}
        for spec in (p.spec for p in study.used)
    )
