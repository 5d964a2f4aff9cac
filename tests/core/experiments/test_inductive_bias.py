"""Page 6, why, on made-up predictions: what nets know of positions, and what that explains."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from noisy_study import MadeUp, answers
from small_sets import make_cutouts

from rvernet_core.config import Condition, ModelSpec
from rvernet_core.evaluation.perturbed import perturbed
from rvernet_core.evaluation.robustness import subset_like
from rvernet_core.experiments import inductive_bias as page
from rvernet_core.experiments import noise_robustness
from rvernet_core.models.rvernet import build_model


@pytest.fixture
def study():
    return MadeUp()


@pytest.fixture(scope="module")
def released():
    return noise_robustness.released(MadeUp())


@pytest.fixture(scope="module")
def sweep(released):
    return noise_robustness.sweep(MadeUp(), released)


def test_positions_are_measured_on_nets_with_and_without_such_information(study, sweep, monkeypatch):
    cutouts, few = make_cutouts(0), Condition(photos=4)
    monkeypatch.setattr(page, "perturbed_test_set", lambda store, data, c, size: perturbed(cutouts, few))
    runs = {}
    for name in ("vit", "mobilenetv2"):
        torch.manual_seed(0)
        model = build_model(ModelSpec(roi=name), 4).eval()
        runs[name] = [SimpleNamespace(spec=SimpleNamespace(seed=s), model=lambda m=model: m) for s in (0, 1)]
    study.runs = lambda models: runs
    measured = page.positions(study, sweep)
    assert measured.images == 8
    assert list(measured.summary.index) == [("vit", "kept"), ("vit", "removed"), ("mobilenetv2", "kept")]
    assert len(measured.blindness) == 6
    assert measured.patch == 8, "the smallest of the nets' patches"
    assert list(measured.rolled["step"]) == [4, 8, 16, 32] * 2
    assert page.blindness_facts(measured).holds
    facts = page.roll_facts(study, measured)
    assert facts.step == 16


def measures(summary=(), rolled=()):
    """`Positions` from rows of the summary and of the rolled features."""
    columns = ["model", "positions", "same_whole", "change_whole", "same_half", "change_half"]
    frame = pd.DataFrame(summary, columns=columns).set_index(["model", "positions"])
    return page.Positions(
        60, pd.DataFrame(), frame, 8, pd.DataFrame(rolled, columns=["model", "step", "change"])
    )


def test_a_net_is_blind_where_own_patches_change_far_less_than_half_patches():
    kept, blind = ("vit", "kept", 0.5, 3.0, 0.4, 4.0), ("vit", "removed", 1.0, 1e-5, 0.6, 2.0)
    facts = page.blindness_facts(measures([kept, blind]))
    assert facts == page.BlindnessFacts(1e-5, 1.0, 0.6, True)
    sees = ("deit", "removed", 0.9, 0.1, 0.7, 5.0)
    assert page.blindness_facts(measures([kept, blind, sees])) == page.BlindnessFacts(0.1, 0.9, 0.7, False)


def test_blindness_does_not_hold_where_no_net_has_position_information():
    facts = page.blindness_facts(measures([("mobilenetv2", "kept", 0.5, 3.0, 0.4, 4.0)]))
    assert not facts.holds
    assert np.isnan([facts.change, facts.same, facts.half]).all()


@pytest.mark.parametrize(
    ("backbones", "verdict"),
    [
        (("mobilenetv2", "vit"), "does not hold"),
        (("mobilenetv2", "deit"), "holds"),
        (("vit", "deit"), "cannot be tested"),
    ],
)
def test_the_cnn_is_expected_to_move_less_than_any_transformer(backbones, verdict):
    moves = {"mobilenetv2": 0.5, "vit": 0.4, "deit": 0.7}
    rolled = [(name, step, moves[name] * step / 16) for name in backbones for step in (4, 8, 16)]
    facts = page.roll_facts(SimpleNamespace(backbones=backbones), measures(rolled=rolled))
    assert facts.verdict == verdict
    assert facts.step == 16
    assert facts.least == min(((n, moves[n]) for n in backbones), key=lambda item: item[1])
    transformers = [moves[name] for name in backbones if name != "mobilenetv2"]
    assert facts.transformer == min(transformers)
    mean = np.mean(transformers)
    assert (facts.off_grid, facts.on_grid) == pytest.approx((mean / 4, mean / 2))


def with_patches(**sides):
    """`Positions` of nets with patches of these sides, at two seeds each."""
    blindness = pd.DataFrame([(m, s, side) for m, side in sides.items() for s in (0, 1)])
    return replace(measures(), blindness=blindness.set_axis(["model", "seed", "patch"], axis=1))


OWN_PATCHES = with_patches(**{"vit": 8, "mlp-mixer": 16})


def test_each_nets_own_patches_and_half_of_them_are_evaluated_on_its_grid(study, released, sweep):
    halves = page.own_against_half(study, released, sweep, OWN_PATCHES)
    assert list(halves.columns[:6]) == ["model", "tiles", "side", "clean", "whole", "half"]
    rows = list(halves[["model", "tiles", "side"]].itertuples(index=False, name=None))
    assert rows == [
        ("vit", page.AS_RELEASED, 8),
        ("vit", page.OWN, 8),
        ("mlp-mixer", page.AS_RELEASED, 8),
        ("mlp-mixer", page.OWN, 16),
    ]
    assert [(c.noise.patch, c.noise.grid) for c in study.evaluated] == [
        (16, "input"),
        (8, "input"),
        (32, "input"),
        (16, "input"),
    ], "in px of 224; what the release cuts was evaluated before"
    assert {c.photos for c in study.evaluated} == {sweep.photos}
    assert list(halves["difference"]) == [0] * 4, "made-up nets err alike under all tiles"
    assert list(halves["clean"]) == pytest.approx([0.9] * 4, abs=0.01)


def test_own_patches_are_compared_with_half_patches_in_accuracy_beside_the_releases_tiles(
    study, released, sweep
):
    worse = {"vit": answers("mlp-mixer", "permutation"), "mlp-mixer": answers("vit")}
    changed = replace(sweep, singles={**sweep.singles, "tiles of 8 px": subset_like(worse, sweep.like)})
    halves = page.own_against_half(study, released, changed, OWN_PATCHES).set_index(["model", "tiles"])
    assert halves.loc[("vit", page.AS_RELEASED), "difference"] == pytest.approx(0.4, abs=0.03)
    assert halves.loc[("mlp-mixer", page.AS_RELEASED), "difference"] == pytest.approx(-0.5, abs=0.03)
    assert list(halves.xs(page.OWN, level="tiles")["difference"]) == [0, 0]

    def half_own_patches_err(models, conditions):
        (name,) = models
        return {
            part: {
                name: subset_like(
                    worse if part == "half" else {name: answers(name, "permutation")}, sweep.like
                )[name]
            }
            for part in conditions
        }

    study.evaluate = half_own_patches_err
    halves = page.own_against_half(study, released, sweep, OWN_PATCHES).set_index(["model", "tiles"])
    vit, mixer = halves.xs(page.OWN, level="tiles").loc[["vit", "mlp-mixer"], "difference"]
    assert (vit, mixer) == pytest.approx((0.4, -0.5), abs=0.03)
    assert list(halves.xs(page.AS_RELEASED, level="tiles")["difference"]) == [0, 0]
