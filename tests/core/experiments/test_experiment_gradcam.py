"""Page 5's maps and measures: on made-up maps whose measures are known, and one step on micro nets."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
from small_maps import CLASSES, MASKS, PAIR, make_explained, make_study

from rvernet_core import uncertainty
from rvernet_core.config import ModelSpec, RunSpec, replace
from rvernet_core.experiments import gradcam
from rvernet_core.experiments.study import Study
from rvernet_core.models.rvernet import build_model

PAIR_NAME = "mobilenetv2 + mobilenetv2"
AREA = MASKS.mean()


def test_the_page_needs_single_models_and_pairs_of_all_seeds():
    jobs = gradcam.needs(Study.of("smoke", device="cpu"))
    assert {"single-vit", "pair-mobilenetv2+mobilenetv2"} <= set(jobs)
    assert not any(name.startswith("grid") for name in jobs)
    assert all([spec.seed for spec in specs] == [0, 1] for specs in jobs.values())


def test_maps_are_made_of_the_profiles_seeds_of_maps_and_all_of_them_need_weights():
    study = Study.of("full", device="cpu")
    assert gradcam.with_map_seeds(study).profile.seeds == study.profile.map_seeds == (0, 1, 2)
    assert all([spec.seed for spec in specs] == [0, 1, 2] for specs in gradcam.needs(study).values())
    assert gradcam.weights(study) == gradcam.needs(study)
    own = Study.of("full", seeds=[5, 6], device="cpu")
    assert gradcam.with_map_seeds(own).profile.seeds == (5, 6)


def test_weights_are_asked_of_every_seed_even_where_all_predictions_are_recorded():
    answers = {"vit": [SimpleNamespace(spec=f"vit {seed}") for seed in range(3)]}
    study = SimpleNamespace(runs=lambda specs: specs)
    assert gradcam.with_weights(study, answers) == {"vit": ["vit 0", "vit 1", "vit 2"]}


def test_the_rvernet_that_is_judged_is_the_papers_or_the_first_whatever_its_scores():
    assert gradcam.chosen([("vit", "vit"), gradcam.PAPERS]) == gradcam.PAPERS
    assert gradcam.chosen([("vit", "vit"), ("deit", "deit")]) == ("vit", "vit")
    assert gradcam.chosen([]) is None


# --- maps and measures --------------------------------------------------------------------------------


def test_the_examples_are_the_first_of_their_food_on_the_papers_models_or_what_comes_first():
    shown = gradcam.examples(make_study(), make_explained(), "chili paste")
    assert (shown.samples, shown.single, shown.pair) == ([2, 8], "mobilenetv2", PAIR)
    other = gradcam.examples(make_study(), make_explained(("vit", "mobilenetv2")), "egg")
    assert (other.samples, other.single, other.pair) == ([3, 9], "vit", ("vit", "mobilenetv2"))
    alone = gradcam.examples(make_study(), make_explained(None), "egg")
    assert (alone.single, alone.pair) == ("mobilenetv2", None)


def test_of_a_food_that_is_not_explained_the_most_explained_one_is_shown():
    explained = make_explained()
    left = explained.samples[[study_class(explained, i) != "chili paste" for i in explained.samples]]
    shown = gradcam.examples(make_study(), dataclasses.replace(explained, samples=left), "chili paste")
    assert shown.food != "chili paste"
    assert {study_class(explained, i) for i in shown.samples} == {shown.food}


def study_class(explained, sample):
    return make_study().classes[explained.cutouts.labels[sample]]


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


def test_more_seeds_that_agree_narrow_what_photos_leave_open_and_do_not_move_it():
    one, two = (make_explained(seeds=seeds).measures for seeds in ((0,), (0, 1)))
    assert gradcam.faithfulness(two)["drop"].tolist() == gradcam.faithfulness(one)["drop"].tolist()
    varied = two.assign(energy=two["energy"] - 0.1 * two["seed"])
    where = gradcam.localisation(varied).set_index(["model", "branch"]).loc[("mobilenetv2", "roi")]
    assert where["energy"] == pytest.approx(0.95)
    assert where["energy_low"] < 0.9, "two seeds that differ leave much open"


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
    assert facts.most_blank == ("vit", "roi", 1)
    assert (facts.as_even, facts.singles) == (["vit"], 2), "blank maps count as evenly spread"
    assert (facts.pairs, facts.more, facts.less) == (1, 1, 0)
    assert facts.most_in_hole == ("vit + mobilenetv2", pytest.approx(1 / 3)) == facts.least_in_hole
    assert (facts.branches, facts.road_above, facts.road_below) == (4, 4, 0)


def test_the_facts_without_pairs():
    explained = make_explained(None)
    where, worth = gradcam.localisation(explained.measures), gradcam.faithfulness(explained.measures)
    facts = gradcam.map_facts(explained, where, worth, gradcam.roi_gains(explained))
    assert (facts.pairs, facts.more, facts.less) == (0, 0, 0)
    assert facts.most_in_hole is facts.least_in_hole is None


def micro_run(spec: ModelSpec, seed: int):
    """A run of a net as it is after pretraining, on four classes."""
    torch.manual_seed(seed)
    model = build_model(spec, 4).eval()
    return SimpleNamespace(model=lambda: model, spec=RunSpec(model=spec, seed=seed))


def test_maps_and_measures_of_every_branch_of_every_model_and_seed(cutouts, monkeypatch):
    study = make_study()
    study.profile = replace(study.profile, evaluation_photos=10)
    study.store.cutouts = lambda data, split, size: cutouts
    study.data.test = cutouts
    monkeypatch.setattr(gradcam, "masks_at", lambda test, size, i: np.ones((len(i), size, size), bool))
    runs = {
        "mobilenetv2": [micro_run(ModelSpec(roi="mobilenetv2"), seed) for seed in (0, 4)],
        PAIR: [micro_run(ModelSpec(roi="mobilenetv2", extra_roi="mobilenetv2"), seed) for seed in (0, 4)],
    }
    explained = gradcam.explain(study, runs)
    assert list(explained.maps) == [("mobilenetv2", "roi"), (PAIR, "roi"), (PAIR, "extra_roi")]
    assert (explained.singles, explained.pairs) == (["mobilenetv2"], [PAIR])
    assert explained.samples.tolist() == list(range(20))  # of the first ten photos
    assert explained.photos == 10
    assert len(explained.measures) == 3 * 2 * 20
    of_branch = explained.of(PAIR, "extra_roi")
    assert list(of_branch.index.unique("seed")) == [0, 4]
    for k, seed in enumerate((0, 4)):
        own = explained.maps[PAIR, "extra_roi"][k]
        assert of_branch.loc[seed, "target"].tolist() == own.targets.tolist()
        assert not own.other_features
    assert of_branch["road"].notna().sum() == 2 * explained.road_samples == 6
    measured = explained.measures.groupby(["model", "branch"])["road"].apply(lambda r: tuple(r.notna()))
    assert measured.nunique() == 1  # ROAD is measured on the same samples everywhere
    few = [3, 17]
    first = explained.maps["mobilenetv2", "roi"][0][np.array(few)]
    assert (explained.drawn("mobilenetv2", "roi", few).grid == first.grid).all()
    assert explained.shown("mobilenetv2", "roi", few)["target"].tolist() == first.targets.tolist()


# --- means over seeds and photos ----------------------------------------------------------------------


def rows_of(values, photos, units):
    """Long rows of values (S, N), one column a sample; NaN: a sample that does not count."""
    frames = [
        pd.DataFrame({"seed": s, "unit": u, "sample": range(len(row)), "photo": photos, "value": row})
        for s, (row, u) in enumerate(zip(values, units, strict=True))
    ]
    return pd.concat(frames, ignore_index=True)


def test_a_mean_is_over_seeds_and_photos_by_the_books_one_interval():
    values, photos = np.random.default_rng(0).random((3, 8)), np.arange(8) // 2
    rows = rows_of(values, photos, (0, 1, 2)).sample(frac=1, random_state=0)
    expected = uncertainty.estimate(uncertainty.measure_mean(values, photos))
    assert gradcam.estimated(rows, "value") == expected
    assert gradcam.mean_of(rows, "value")["value_low"] == expected.low
    shared = uncertainty.estimate(uncertainty.measure_mean(values, photos), [0, 1, 0])
    assert gradcam.estimated(rows_of(values, photos, (0, 1, 0)), "value") == shared


def test_a_mean_is_over_the_samples_that_count_and_leaves_out_a_seed_without_any():
    rows = rows_of([[1.0, np.nan, 4.0], [np.nan] * 3, [3.0, 5.0, np.nan]], list("abc"), (0, 1, 2))
    assert gradcam.mean_of(rows, "value")["value"] == pytest.approx((2.5 + 4) / 2)
    assert np.isnan(list(gradcam.mean_of(rows.assign(value=np.nan), "value").values())).all()


def test_the_pair_that_is_shown_is_the_one_that_the_single_models_confuse():
    predictions = SimpleNamespace(
        table=pd.DataFrame({"key": list("abcd")}), labels=np.array([0, 0, 1, 2]), photos=np.arange(4)
    )
    predictions.predicted = np.array([0, 1, 0, 2])
    study = SimpleNamespace(classes=CLASSES[:3])
    models = {"vit": [predictions], PAIR: ["is not asked"]}
    assert set(gradcam.ambiguous_pair(study, models)) == {"rice", "egg"}
