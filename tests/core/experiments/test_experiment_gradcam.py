"""Page 5 on made-up maps whose measures are known, and its two steps that need nets on micro nets."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from small_maps import CLASSES, MASKS, PAIR, SAUCES, make_explained, make_maps, make_study

from rvernet_core.config import ModelSpec
from rvernet_core.evaluation import gradcam as maps_of_model
from rvernet_core.experiments import gradcam
from rvernet_core.experiments.gradcam import Explained
from rvernet_core.experiments.study import Study
from rvernet_core.models.rvernet import build_model

PAIR_NAME = "mobilenetv2 + mobilenetv2"
AREA = MASKS.mean()


def test_the_page_needs_single_models_and_pairs_of_all_seeds():
    jobs = gradcam.needs(Study.of("smoke", device="cpu"))
    assert {"single-vit", "pair-mobilenetv2+mobilenetv2"} <= set(jobs)
    assert not any(name.startswith("grid") for name in jobs)
    assert all([spec.seed for spec in specs] == [0, 1] for specs in jobs.values())


def test_weights_are_asked_of_two_seeds_even_where_all_predictions_are_recorded():
    answers = {"vit": [SimpleNamespace(spec=f"vit {seed}") for seed in range(5)]}
    study = SimpleNamespace(runs=lambda specs: specs)
    assert gradcam.with_weights(study, answers) == {"vit": ["vit 0", "vit 1"]}


# --- maps and measures --------------------------------------------------------------------------------


def test_the_examples_are_the_first_of_their_food_on_the_papers_models_or_what_comes_first():
    shown = gradcam.examples(make_study(), make_explained(), "chili paste")
    assert (shown.samples, shown.single, shown.pair) == ([2, 8], "mobilenetv2", PAIR)
    other = gradcam.examples(make_study(), make_explained(("vit", "mobilenetv2")), "egg")
    assert (other.samples, other.single, other.pair) == ([3, 9], "vit", ("vit", "mobilenetv2"))
    alone = gradcam.examples(make_study(), make_explained(None), "egg")
    assert (alone.single, alone.pair) == ("mobilenetv2", None)


def test_where_maps_lie():
    where = gradcam.localisation(make_explained().measures).set_index(["model", "branch"])
    assert where.loc[("mobilenetv2", "roi"), ["energy", "energy_low", "energy_high"]].tolist() == [1, 1, 1]
    assert where.loc[("vit", "roi"), "energy"] == pytest.approx(AREA)  # blank: evenly spread
    assert where["blank"].tolist() == [0, 1, 0, 0]
    assert where["energy_other"].tolist() == [0.25] * 4
    assert list(where.index)[2:] == [(PAIR_NAME, "roi"), (PAIR_NAME, "extra_roi")]


def test_what_maps_are_worth():
    measures = make_explained(None).measures
    worth = gradcam.faithfulness(measures)
    assert worth["drop"].tolist() == pytest.approx([0.2, 0.2])  # a rise is no negative drop
    assert worth["raised"].tolist() == pytest.approx([0.5, 0.5])
    assert worth["road"].tolist() == pytest.approx([0.2, 0.2])  # over the samples that have it
    assert "drop" not in measures
    unknown = gradcam.faithfulness(measures.assign(road=np.nan))
    assert unknown[["road", "road_low", "road_high"]].isna().all(axis=None)


def test_the_roi_branch_is_compared_with_the_single_model_of_its_backbone():
    same = gradcam.roi_gains(make_explained()).iloc[0]
    assert (same["model"], same["against"], same["energy"], same["both"]) == (PAIR_NAME, "mobilenetv2", 0, 0)
    blank = gradcam.roi_gains(make_explained(("vit", "mobilenetv2"))).iloc[0]
    assert blank["energy"] == pytest.approx(1 - AREA)
    assert np.isnan(blank["both"])  # every map of the single model is blank
    assert gradcam.roi_gains(make_explained(None)).empty


def test_the_facts_name_the_extremes_and_count_verdicts():
    explained = make_explained(("vit", "mobilenetv2"))
    where, worth = gradcam.localisation(explained.measures), gradcam.faithfulness(explained.measures)
    facts = gradcam.map_facts(explained, where, worth, gradcam.roi_gains(explained))
    assert facts.most_inside == ("mobilenetv2", 1)
    assert facts.least_inside == ("vit", pytest.approx(AREA))
    assert facts.most_blank == ("vit", 1)
    assert (facts.pairs, facts.more, facts.less) == (1, 1, 0)
    assert facts.most_in_hole == ("vit + mobilenetv2", pytest.approx(1 / 3))
    assert (facts.branches, facts.road_above, facts.road_below) == (4, 4, 0)


def test_the_facts_without_pairs():
    explained = make_explained(None)
    where, worth = gradcam.localisation(explained.measures), gradcam.faithfulness(explained.measures)
    facts = gradcam.map_facts(explained, where, worth, gradcam.roi_gains(explained))
    assert (facts.pairs, facts.more, facts.less, facts.most_in_hole) == (0, 0, 0, None)


# --- the sanity check ---------------------------------------------------------------------------------


def explained_by(maps, cutouts) -> Explained:
    """Maps of a single MobileNetV2, for the sanity check."""
    masks = np.ones((len(maps), *cutouts.images("roi", np.array([0])).shape[1:3]), bool)
    return Explained(cutouts, masks, {("mobilenetv2", "roi"): maps}, pd.DataFrame(), 0)


def micro_run(spec: ModelSpec):
    """A run of a net as it is after pretraining, on four classes."""
    torch.manual_seed(0)
    model = build_model(spec, 4).eval()
    return SimpleNamespace(model=lambda: model, spec=SimpleNamespace(model=spec))


def test_maps_and_measures_of_every_branch_of_every_model(cutouts, monkeypatch):
    study = make_study()
    study.store.cutouts = lambda data, split, size: cutouts
    study.data.test = cutouts  # all that is asked of it is how long it is
    monkeypatch.setattr(gradcam, "masks_at", lambda test, size: np.ones((60, size, size), bool))
    runs = {
        "mobilenetv2": [micro_run(ModelSpec(roi="mobilenetv2"))],
        PAIR: [micro_run(ModelSpec(roi="mobilenetv2", extra_roi="mobilenetv2"))],
    }
    explained = gradcam.explain(study, runs)
    assert list(explained.maps) == [("mobilenetv2", "roi"), (PAIR, "roi"), (PAIR, "extra_roi")]
    assert (explained.singles, explained.pairs) == (["mobilenetv2"], [PAIR])
    assert len(explained.measures) == 3 * 60
    of_branch = explained.of(PAIR, "extra_roi")
    assert of_branch["target"].tolist() == explained.maps[PAIR, "extra_roi"].targets.tolist()
    assert of_branch["road"].notna().sum() == explained.road_samples == 3
    measured = explained.measures.groupby(["model", "branch"])["road"].apply(lambda r: tuple(r.notna()))
    assert measured.nunique() == 1  # ROAD is measured on the same samples everywhere


def test_the_sanity_check_compares_with_fresh_weights_another_seed_and_another_sample(cutouts, monkeypatch):
    monkeypatch.setattr(gradcam, "SANITY_SAMPLES", 10)
    run = micro_run(ModelSpec(roi="mobilenetv2"))
    maps = maps_of_model.maps(run.model(), "roi", cutouts)
    explained = explained_by(maps, cutouts)
    sanity = gradcam.sanity_check(explained, {"mobilenetv2": [run, run]})
    ranks = sanity.scores.set_index("against")["rank"]
    assert list(ranks.index) == [*gradcam.STAGES, "another seed", "another sample"]
    assert ranks["another seed"] == pytest.approx(1)  # here the same net
    assert ranks["whole net"] < 0.5
    assert list(sanity.maps["mobilenetv2"]) == ["trained", *ranks.index]
    assert len(sanity.maps["mobilenetv2"]["trained"]) == 10
    one_seed = gradcam.sanity_check(explained, {"mobilenetv2": [run]})
    assert "another seed" not in set(one_seed.scores["against"])


def test_a_branch_whose_maps_are_all_blank_is_left_out_of_the_sanity_check(cutouts):
    run = micro_run(ModelSpec(roi="mobilenetv2"))
    maps = maps_of_model.maps(run.model(), "roi", cutouts, np.arange(4))
    blank = dataclasses.replace(maps, grid=np.zeros_like(maps.grid))
    sanity = gradcam.sanity_check(explained_by(blank, cutouts), {"mobilenetv2": [run]})
    assert sanity.scores.empty
    assert not sanity.maps
    assert gradcam.sanity_facts(sanity.scores).branches == 0


def test_a_branch_passes_where_the_whole_interval_lies_below_one_half():
    rows = [
        ("a", "whole net", 0.2, 0.1, 0.3),
        ("a", "another seed", 0.6, 0.4, 0.7),  # above all of the fresh net's interval: stable
        ("b", "whole net", 0.4, 0.3, 0.5),
        ("b", "another seed", 0.4, 0.3, 0.6),
        ("c", "whole net", 0.0, 0.0, 0.0),  # blank maps
        ("c", "another seed", 0.2, -0.1, 0.4),
        ("c", "classifier", 0.9, 0.8, 1.0),
    ]
    scores = pd.DataFrame(rows, columns=["model", "against", "rank", "rank_low", "rank_high"])
    facts = gradcam.sanity_facts(scores.assign(branch="roi"))
    assert (facts.branches, facts.passed) == (3, 2)
    assert facts.rank == pytest.approx(0.2)
    assert facts.seed_rank == pytest.approx(0.4)
    assert facts.stable == [("a", "roi")]
    assert facts.blank == ["c"]
    one_seed = scores[scores["against"] != "another seed"].assign(branch="roi")
    assert np.isnan(gradcam.sanity_facts(one_seed).seed_rank)
    assert gradcam.sanity_facts(one_seed).stable == []


# --- where the extra-ROI branch looks -----------------------------------------------------------------


def region_energy(explained, dataset="plates"):
    regions = gradcam.regions(make_study(dataset), explained, ("ketchup", "chili paste"))
    return regions, gradcam.region_energy(explained, regions)


def test_the_regions_of_a_sauce_cover_its_photo_without_overlap():
    regions, _ = region_energy(make_explained())
    assert regions.samples.tolist() == SAUCES.tolist()
    assert (sum(mask.astype(int) for mask in regions.masks.values()) == 1).all()
    assert (regions.masks["companions"] == MASKS[::3]).all()
    assert (regions.masks["neutral foods"] == MASKS[1::3]).all()
    assert (regions.masks["cut-out sauce"] == MASKS[2::3]).all()


def test_the_energy_of_each_region_and_which_sauces_are_rescued():
    _, energy = region_energy(make_explained())
    shares = energy.groupby("region")["energy"].mean()
    assert shares["companions"] == 1
    assert shares.drop("companions").tolist() == [0, 0, 0]
    assert energy.groupby("sample")["energy"].sum().tolist() == [1, 1, 1, 1]
    assert energy.loc[energy["region"] == "companions", "above_area"].tolist() == [0.75] * 4
    assert (energy["above_other"] == 0).all()  # the maps of all sauces are alike
    assert energy.loc[energy["rescued"], "sample"].unique().tolist() == [2, 8]
    spread = gradcam.by_region(energy).set_index("region")
    assert spread.loc["neutral foods", "above_area"] == -0.25


def test_the_verdict_is_of_the_model_that_rescues_most():
    explained = make_explained()
    _, energy = region_energy(explained)
    companions = gradcam.on_companions(energy)
    assert companions["sauces"].tolist() == ["rescued", "all"]
    assert companions["count"].tolist() == [2, 4]
    verdict = gradcam.verdict(companions)
    assert (verdict.model, verdict.count, verdict.energy.value) == (PAIR_NAME, 2, 1)
    assert (verdict.area, verdict.energy_all) == (0.25, 1)
    assert (verdict.above_area, verdict.above_other) == (1, 0)
    assert gradcam.rescued(explained, energy) == gradcam.Rescued(PAIR, [2, 8])
    less = gradcam.verdict(companions.assign(above_other_low=-0.3, above_other_high=-0.1))
    assert less.above_other == -1


@pytest.mark.parametrize(("pair", "dataset"), [(None, "plates"), (PAIR, "foodseg103")])
def test_without_pairs_or_known_companions_there_is_no_verdict(pair, dataset):
    explained = make_explained(pair)
    _, energy = region_energy(explained, dataset)
    assert energy.empty
    assert gradcam.on_companions(energy).empty
    assert gradcam.by_region(energy).empty
    assert gradcam.rescued(explained, energy) == gradcam.Rescued(None, [])
    assert gradcam.verdict(gradcam.on_companions(energy)) is None


def test_nothing_is_rescued_where_the_single_model_is_right():
    explained = make_explained()
    right = {**explained.maps, ("mobilenetv2", "roi"): make_maps(MASKS)}
    explained = dataclasses.replace(explained, maps=right)
    _, energy = region_energy(explained)
    assert len(energy)
    assert gradcam.rescued(explained, energy).model is None
    assert gradcam.verdict(gradcam.on_companions(energy)) is None


def test_the_pair_that_is_shown_is_the_one_that_the_single_models_confuse():
    predictions = SimpleNamespace(
        table=pd.DataFrame({"key": list("abcd")}), labels=np.array([0, 0, 1, 2]), photos=np.arange(4)
    )
    predictions.predicted = np.array([0, 1, 0, 2])
    study = SimpleNamespace(classes=CLASSES[:3])
    models = {"vit": [predictions], PAIR: ["is not asked"]}
    assert set(gradcam.ambiguous_pair(study, models)) == {"rice", "egg"}
