"""Page 5's rescued and lost sauces, on made-up maps whose energy is known."""

import numpy as np
import pytest
from small_maps import (
    CLASSES,
    COMPANIONS,
    CUTOUTS,
    MASKS,
    PAIR,
    SAUCES,
    make_answers,
    make_maps,
    make_sauces,
    make_study,
)

from rvernet_core.experiments import sauce_maps

PAIR_NAME = "mobilenetv2 + mobilenetv2"


def explained(monkeypatch, dataset="plates", seeds=(0,)):
    """`explain` on the made-up plates, with maps that have all energy on the companion."""

    def maps(model, branch, cutouts, samples, device):
        assert (branch, cutouts) == ("extra_roi", CUTOUTS)
        return make_maps(COMPANIONS, branch)[samples]

    def masks_at(test, size, indices):
        return MASKS[indices]

    monkeypatch.setattr(sauce_maps.gradcam, "maps", maps)
    monkeypatch.setattr(sauce_maps, "masks_at", masks_at)
    monkeypatch.setattr(sauce_maps, "input_size", lambda scale: 8)
    answers = make_answers(seeds=seeds)
    run = type("Run", (), {"model": lambda self: None})
    runs = {PAIR[0]: [run()] * len(seeds), PAIR: [run() for _ in seeds]}
    return sauce_maps.explain(make_study(dataset), runs, answers, ("ketchup", "chili paste"))


def test_the_regions_of_a_sauce_cover_its_photo_without_overlap(monkeypatch):
    sauces = explained(monkeypatch)
    assert sauces.samples.tolist() == SAUCES.tolist()
    assert (sum(mask.astype(int) for mask in sauces.regions.values()) == 1).all()
    assert (sauces.regions["companions"] == MASKS[::3]).all()
    assert (sauces.regions["neutral foods"] == MASKS[1::3]).all()
    assert (sauces.regions["cut-out sauce"] == MASKS[2::3]).all()


def test_the_border_that_makes_a_photo_square_is_no_plate(monkeypatch):
    monkeypatch.setattr(sauce_maps, "masks_at", lambda test, size, indices: MASKS[indices])
    lying = np.full((len(SAUCES), 2), [8, 6])  # wide photos, a row of border above and below
    regions = sauce_maps._regions(make_study(), SAUCES, ("ketchup", "chili paste"), lying, 8)
    border = np.zeros((8, 8), bool)
    border[[0, 7]] = True
    foods = regions["companions"] | regions["neutral foods"] | regions["cut-out sauce"]
    assert (regions["gray border"] == border & ~foods).all()
    assert not (regions["plate and table"] & border).any()


def test_every_seed_of_every_pair_is_explained_on_all_sauces(monkeypatch):
    sauces = explained(monkeypatch, seeds=(0, 1, 2))
    assert len(sauces.maps[PAIR]) == 3
    assert sauces.energy.groupby("seed").size().tolist() == [20, 20, 20]
    assert sauces.energy.equals(make_sauces(seeds=(0, 1, 2)).energy)


def test_other_data_have_no_regions_and_nothing_is_explained(monkeypatch):
    sauces = explained(monkeypatch, "foodseg103")
    assert not sauces.maps
    assert sauces.energy.empty


def test_the_energy_of_each_region_and_which_sauces_are_rescued():
    energy = make_sauces().energy
    shares = energy.groupby("region")["energy"].mean()
    assert shares["companions"] == 1
    assert shares.drop("companions").tolist() == [0, 0, 0, 0]
    assert energy.groupby("sample")["energy"].sum().tolist() == [1, 1, 1, 1]
    assert energy.loc[energy["region"] == "companions", "above_area"].tolist() == [0.75] * 4
    assert (energy["above_other"] == 0).all()  # the maps of all sauces are alike
    assert energy.loc[energy["case"] == "rescued", "sample"].unique().tolist() == [2, 8]
    spread = sauce_maps.by_region(energy).set_index("region")
    assert spread.loc["neutral foods", "above_area"] == -0.25


def test_a_lost_sauce_is_right_alone_and_wrong_with_its_context_and_nothing_else():
    energy = make_sauces(wrong=(2, 8), lost=(2, 5)).energy
    companions = energy[energy["region"] == "companions"].set_index("sample")
    assert companions["case"].to_dict() == {2: "", 5: "lost", 8: "rescued", 11: ""}
    assert [CLASSES[label] for label in companions.loc[5, ["truth", "single", "pair"]]] == [
        "ketchup",
        "ketchup",
        "rice",
    ]


def test_rescued_and_lost_sauces_stand_beside_all_of_them_counted_over_seeds():
    table = sauce_maps.on_companions(make_sauces(wrong=(2, 8), lost=(5,), seeds=(0, 1)).energy)
    assert table["sauces"].tolist() == ["rescued", "lost", "all"]
    assert table["count"].tolist() == [4, 2, 8]
    assert table["energy"].tolist() == [1, 1, 1]


def test_the_verdict_is_of_the_rvernet_of_the_rule_for_both_kinds():
    table = sauce_maps.on_companions(make_sauces(lost=(5,)).energy)
    verdict = sauce_maps.verdict(table, PAIR)
    assert verdict.model == PAIR_NAME
    rescued, lost = verdict.looks["rescued"], verdict.looks["lost"]
    assert (rescued.count, rescued.energy[0], rescued.area) == (2, 1, 0.25)
    assert (rescued.above_area, rescued.above_other) == (1, 0)
    assert lost.count == 1
    less = sauce_maps.verdict(table.assign(above_other_low=-0.3, above_other_high=-0.1), PAIR)
    assert less.looks["rescued"].above_other == -1
    assert (less.more, less.less, less.compared) == ([], [PAIR_NAME], 1)
    more = sauce_maps.verdict(table.assign(above_other_low=0.1, above_other_high=0.3), PAIR)
    assert (more.more, more.less) == ([PAIR_NAME], [])


def test_the_area_is_a_mean_over_seeds_as_the_energy_is():
    """A seed with few rescues counts as much as one with many."""
    energy = make_sauces(wrong=(2, 8), seeds=(0, 1)).energy
    rescued = (energy["region"] == "companions") & (energy["case"] == "rescued")
    first = energy.index[rescued & (energy["seed"] == 0)]
    energy.loc[first[1:], "case"] = ""
    energy.loc[first[:1], ["area", "above_area"]] = [0.75, 0.25]
    row = sauce_maps.on_companions(energy).set_index("sauces").loc["rescued"]
    assert row["area"] == pytest.approx((0.75 + 0.25) / 2)
    assert row["energy"] - row["area"] == pytest.approx(row["above_area"])


def test_a_kind_that_never_happens_has_no_look():
    assert list(sauce_maps.verdict(sauce_maps.on_companions(make_sauces().energy), PAIR).looks) == ["rescued"]
    neither = make_sauces(wrong=())
    assert sauce_maps.verdict(sauce_maps.on_companions(neither.energy), PAIR) is None
    assert sauce_maps.shown(neither).model is None


def test_the_first_sauces_of_either_kind_and_of_the_first_seed_are_shown():
    sauces = make_sauces(wrong=(2, 8), lost=(5, 11), seeds=(3, 1))
    assert sauce_maps.shown(sauces) == sauce_maps.Shown(PAIR, {"rescued": [2, 8], "lost": [5, 11]})


@pytest.mark.parametrize(("pair", "dataset"), [(None, "plates"), (PAIR, "foodseg103")])
def test_without_pairs_or_known_companions_there_is_no_verdict(pair, dataset):
    sauces = make_sauces(pair, dataset)
    assert sauces.energy.empty
    companions = sauce_maps.on_companions(sauces.energy)
    assert companions.empty
    assert sauce_maps.by_region(sauces.energy).empty
    assert sauce_maps.shown(sauces).model is None
    assert sauce_maps.verdict(companions, pair) is None
    assert np.array_equal(sauces.samples, SAUCES)
