"""Page 6 on made-up predictions: what is evaluated again, what noise costs, what nets know of positions."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from small_sets import make_cutouts, make_predictions

from rvernet_core.config import CLEAN, Condition, ModelSpec, Noise
from rvernet_core.evaluation.perturbed import perturbed
from rvernet_core.experiments import noise_robustness as page
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.study import Study
from rvernet_core.models.rvernet import build_model
from rvernet_core.uncertainty import Estimate, Leading, Omnibus

CLASSES = ("rice", "egg", "ketchup", "chili paste")
LABELS = np.tile(np.arange(4), 50)  # of 100 photos, two samples each
VIT_MIXER = ("vit", "mlp-mixer")
#: Samples in twenty that each model gets wrong: clean, and under each noise.
WRONG = {
    "vit": {"": 2, "permutation": 4, "translocation": 12},
    "mlp-mixer": {"": 2, "permutation": 12, "translocation": 4},
    VIT_MIXER: {"": 2, "permutation": 8, "translocation": 12},
}


def answers(model, kind="", condition=CLEAN):
    """Predictions of a model at two seeds; noise on the extra-ROI alone costs nothing."""
    wrong = WRONG[model]["" if condition.on == ("extra_roi",) else kind]
    predicted = np.where(np.arange(200) % 20 < wrong, (LABELS + 1) % 4, LABELS)
    keys = {f"k{i}" for i in range(2 * (condition.photos or 100))}
    return [make_predictions(predicted, LABELS, seed, condition=condition).on(keys) for seed in (0, 1)]


class MadeUp:
    """A study whose models err as WRONG says; `evaluated` keeps the conditions that were asked for."""

    profile = replace(PROFILES["demo"], evaluation_photos=80)
    backbones, classes = ("vit", "mlp-mixer"), CLASSES
    store = SimpleNamespace(device="cpu")

    def __init__(self, pairs=(VIT_MIXER,)):
        samples = [SimpleNamespace(key=f"k{i}", image_id=f"p{i // 2}") for i in range(200)]
        self.data = SimpleNamespace(test=SimpleNamespace(samples=samples, mask=self.mask))
        self._pairs = pairs
        self.evaluated = []

    def mask(self, i):
        """Even samples fill the photo, odd ones lie in its uppermost rows."""
        mask = np.zeros((64, 64), bool)
        mask[: 64 if i % 2 == 0 else 8] = True
        return mask

    def singles(self):
        return dict.fromkeys(self.backbones)

    def pairs(self):
        return dict.fromkeys(self._pairs)

    def predictions(self, models):
        return {model: answers(model) for model in models}

    def evaluate(self, models, conditions):
        self.evaluated += conditions.values()
        return {
            name: {model: answers(model, c.noise.kind, c) for model in models}
            for name, c in conditions.items()
        }


@pytest.fixture
def study():
    return MadeUp()


@pytest.fixture(scope="module")
def released():
    return page.released(MadeUp())


@pytest.fixture(scope="module")
def sweep(released):
    return page.sweep(MadeUp(), released)


# --- what is evaluated --------------------------------------------------------------------------------


def test_the_page_needs_the_single_models_and_the_pairs():
    study = Study.of("smoke", device="cpu", backbones=["vit", "mobilenetv2"])
    assert list(page.needs(study)) == ["single-vit", "single-mobilenetv2", "pair-mobilenetv2+mobilenetv2"]


def test_curves_are_measured_on_fewer_photos_than_tables(study):
    assert page.photo_counts(study) == (80, 75)
    study.profile = replace(study.profile, evaluation_photos=0)
    assert page.photo_counts(study) == (100, 75)


@pytest.mark.parametrize(("profile", "sides"), [("demo", [32, 28, 16, 14, 8, 4]), ("paper", [32, 16, 8, 4])])
def test_tiles_are_those_of_the_release_of_the_nets_own_patch_and_of_half_of_it(profile, sides):
    tiles = page.tiles(SimpleNamespace(profile=PROFILES[profile]))
    assert list(tiles) == [f"tiles of {side} px" for side in sides]
    assert [tile.patch for tile in tiles.values()] == sides
    assert tiles["tiles of 16 px"] == page.KINDS["permutation"]


def test_shifts_grow_from_nothing_over_the_releases_to_half_the_image():
    shifts = page.shifts()
    assert list(shifts) == ["up by 0%", "up by 9%", "up by 19%", "up by 28%", "up by 38%", "up by 50%"]
    assert shifts["up by 38%"] == page.KINDS["translocation"]


def test_examples_show_the_largest_sample_of_the_first_photos(study, monkeypatch):
    cutouts = make_cutouts(0)
    samples = [SimpleNamespace(key=key, area=0.1 + (i == 3)) for i, key in enumerate(cutouts.keys)]
    study.data = SimpleNamespace(test=SimpleNamespace(samples=samples))
    monkeypatch.setattr(page, "perturbed_test_set", lambda store, data, c, size: perturbed(cutouts, c))
    examples = page.examples(study)
    assert [len(line) for line in examples.images] == [len(g) for g in examples.noises for _ in range(2)]
    roi, extra_roi = (examples.images[line][0] for line in (0, 1))  # the clean ones
    np.testing.assert_array_equal(roi, cutouts.images("roi", np.array([3]))[0])
    np.testing.assert_array_equal(extra_roi, cutouts.images("extra_roi", np.array([3]))[0])
    assert (examples.images[0][1] != roi).any()


def test_single_models_see_noise_on_their_one_input_and_rvernets_on_either_and_on_both(study):
    released = page.released(study)
    assert list(released.noisy_singles) == ["permutation", "translocation"]
    assert list(released.noisy_pairs) == [(k, name) for k in page.KINDS for name in page.INPUTS]
    assert {condition.photos for condition in study.evaluated} == {80}
    assert released.ambiguous == ("ketchup", "chili paste")
    clean, noisy = released.clean_pairs[VIT_MIXER][0], released.noisy_pairs["permutation", "both"]
    assert list(clean.table["key"]) == list(noisy[VIT_MIXER][0].table["key"])
    assert len(released.pairs[VIT_MIXER][0].table) == 200


# --- costs --------------------------------------------------------------------------------------------


def test_costs_and_facts_of_a_noise_are_the_drops_that_were_made_up(study, released):
    single, pair = page.cost_of_noise(study, released, "permutation")
    drops = single.set_index("model")["accuracy_drop"]
    assert dict(drops) == pytest.approx({"vit": 0.1, "mlp-mixer": 0.5})
    assert list(pair["noise on"]) == ["ROI", "extra-ROI", "both"]
    assert list(pair["accuracy_drop"]) == pytest.approx([0.3, 0, 0.3])
    facts = page.noise_facts(study, released, "permutation", single, pair)
    assert (facts.worst, facts.best) == ("mlp-mixer", "vit")
    assert (facts.most, facts.least, facts.spread.value) == pytest.approx((0.5, 0.1, 0.4))
    assert facts.pairs == pytest.approx({"ROI": 0.3, "extra-ROI": 0, "both": 0.3})
    assert (facts.losing.best, facts.keeping.best) == ("mlp-mixer", "vit")
    assert facts.depends


def test_robustness_depends_on_the_architecture_only_where_one_test_over_all_shows_it():
    leading, shown = Leading(("vit",), {}), Omnibus(9.0, (4, 8), 0.01, 5)
    spread = Estimate(0.1, 0.01, 0.2, 0, 2)  # of the extremes, picked afterwards: it decides nothing
    facts = page.NoiseFacts("vit", "deit", 0.2, 0.1, spread, leading, leading, shown, {})
    assert facts.depends
    assert not replace(facts, test=replace(shown, p=0.06)).depends


def test_without_pairs_the_means_of_rvernets_are_not_numbers():
    study = MadeUp(pairs=())
    released = page.released(study)
    single, pair = page.cost_of_noise(study, released, "translocation")
    facts = page.noise_facts(study, released, "translocation", single, pair)
    assert (facts.worst, len(pair)) == ("vit", 0)
    assert np.isnan(list(facts.pairs.values())).all()
    assert page.sweep(study, released).groups == ["single"]
    assert page.rvernet_against_single(study, released).empty


def test_an_rvernet_is_compared_with_its_roi_module(study, released):
    against = page.rvernet_against_single(study, released).set_index("noise")
    assert list(against["against"]) == ["vit", "vit"]
    assert list(against["loses more by"]) == pytest.approx([0.2, 0])
    assert list(against["verdict"]) == ["less robust", "undecided"]


# --- over severity ------------------------------------------------------------------------------------


def test_the_releases_settings_are_not_evaluated_again(study, released):
    sweep = page.sweep(study, released)
    noises = [condition.noise for condition in study.evaluated]
    assert not set(noises) & set(page.KINDS.values())
    assert len(noises) == 2 * (5 + 4), "singles and pairs; five tiles and four shifts beside the release's"
    assert {condition.photos for condition in study.evaluated} == {sweep.photos} == {75}


def test_curves_begin_clean_and_follow_severity(sweep):
    curve = sweep.curves["permutation", "single"]
    assert list(dict.fromkeys(curve["noise"]))[:2] == ["clean", "tiles of 32 px"]
    assert list(dict.fromkeys(curve["step"])) == list(range(7))
    shift = sweep.curves["translocation", "RveRNet"]
    assert list(shift["share"]) == list(page.SHIFTS.values())
    scores = dict(zip(shift["noise"], shift["value"], strict=True))
    hits = answers(VIT_MIXER, "translocation")[0].on(sweep.like.table["key"])
    assert scores["up by 38%"] == pytest.approx((hits.predicted == hits.labels).mean())
    assert scores["clean"] == pytest.approx(0.9, abs=0.02)


def test_ranks_mark_ties_and_crossings_are_clear_on_both_sides(sweep):
    ranks = page.ranks(sweep)
    clean = ranks[(ranks["noise"] == "clean") & (ranks["kind"] == "permutation")]
    assert list(clean["text"]) == ["1=", "1="]
    noisy = ranks[ranks["noise"] == "tiles of 4 px"]
    assert dict(zip(noisy["model"], noisy["text"], strict=True)) == {"vit": "1", "mlp-mixer": "2"}
    assert page.crossings(sweep).empty, "each model is ahead under one of the noises throughout"
    curve = sweep.curves["permutation", "single"]
    turned = curve.assign(value=1 - curve["value"], low=1 - curve["high"], high=1 - curve["low"])
    first, rest = curve[curve["step"] <= 1], turned[turned["step"] > 1]
    curves = {**sweep.curves, ("permutation", "single"): pd.concat([first, rest])}
    (crossing,) = page.crossings(replace(sweep, curves=curves)).to_dict("records")
    assert (crossing["first"], crossing["second"], crossing["kind"]) == ("vit", "mlp-mixer", "permutation")


# --- translocation, taken apart -----------------------------------------------------------------------


def test_the_surviving_share_is_that_of_the_samples_of_the_curves(study, sweep):
    shares = page.surviving_share(study, sweep)
    assert list(shares["up by"]) == list(page.SHIFTS.values())
    assert list(shares.loc[0, ["ROI kept", "kept whole", "vit"]]) == pytest.approx([1, 1, 0.9], abs=0.02)
    half = shares.iloc[-1]
    assert half["ROI kept_low"] == 0, "what lies in the uppermost rows is lost"
    assert 0 < half["ROI kept"] < half["ROI kept_high"] < 0.5
    assert half["kept whole"] == 0


def test_the_parts_of_the_shift_are_evaluated_beside_the_release(study, released, sweep):
    apart = page.shift_taken_apart(study, released, sweep)
    assert list(dict.fromkeys(apart["noise"])) == ["clean", *page.PARTS]
    assert Noise("translocation") not in [condition.noise for condition in study.evaluated]
    assert len(study.evaluated) == 3


def test_the_facts_of_the_shift_are_averages_and_extremes_over_models(study):
    scores = {
        "clean": (0.9, 0.8),
        "moved on gray": (0.3, 0.5),
        "moved on black": (0.5, 0.6),
        "rolled": (0.8, 0.6),
        "covered in black": (0.6, 0.7),
    }
    rows = [(m, n, v) for n, values in scores.items() for m, v in zip(study.backbones, values, strict=True)]
    facts = page.shift_facts(study, pd.DataFrame(rows, columns=["model", "noise", "value"]))
    assert facts.lost == pytest.approx(
        {"moved on gray": 0.45, "moved on black": 0.3, "rolled": 0.15, "covered in black": 0.2}
    )
    assert (facts.rolled_most, facts.rolled_least) == ("mlp-mixer", "vit")
    assert facts.canvas_most == "vit"
    assert facts.canvas_cost == pytest.approx(0.2)


# --- inductive bias -----------------------------------------------------------------------------------


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
    assert measured.patch == 8, "28 px of 224 are 8 px of 64"
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


def test_own_patches_are_compared_with_half_patches_in_accuracy(study, released, sweep):
    halves = page.own_against_half(study, released, sweep)
    assert list(halves.columns[:4]) == ["model", "clean", "tiles of 28 px", "tiles of 14 px"]
    assert list(halves["difference"]) == [0, 0], "made-up nets err alike under all tiles"
    worse = {"vit": answers("mlp-mixer", "permutation"), "mlp-mixer": answers("vit")}
    worse = page.subset_like(worse, sweep.like)
    changed = replace(sweep, singles={**sweep.singles, "tiles of 14 px": worse})
    vit, mixer = page.own_against_half(study, released, changed)["difference"]
    assert vit == pytest.approx(0.4, abs=0.03)
    assert mixer == pytest.approx(-0.5, abs=0.03)
