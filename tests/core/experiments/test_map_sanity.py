"""Page 5's sanity check of maps, on micro nets and on made-up scores."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from rvernet_core.config import ModelSpec, RunSpec
from rvernet_core.evaluation import gradcam as maps_of_model
from rvernet_core.experiments import map_sanity
from rvernet_core.experiments.gradcam import Explained
from rvernet_core.models.rvernet import build_model


def explained_by(maps, cutouts) -> Explained:
    """Maps of a single MobileNetV2, for the sanity check."""
    masks = np.ones((len(maps), *cutouts.images("roi", np.array([0])).shape[1:3]), bool)
    of_seeds = {("mobilenetv2", "roi"): [maps, maps]}
    return Explained(cutouts, np.arange(len(maps)), masks, of_seeds, pd.DataFrame(), 0)


def micro_run(spec: ModelSpec, seed=0):
    """A run of a net as it is after pretraining, on four classes."""
    torch.manual_seed(0)
    model = build_model(spec, 4).eval()
    return SimpleNamespace(model=lambda: model, spec=RunSpec(model=spec, seed=seed))


def test_the_sanity_check_compares_with_fresh_weights_another_seed_and_another_sample(cutouts, monkeypatch):
    monkeypatch.setattr(map_sanity, "SAMPLES", 10)
    run = micro_run(ModelSpec(roi="mobilenetv2"))
    maps = maps_of_model.maps(run.model(), "roi", cutouts)
    explained = explained_by(maps, cutouts)
    again = micro_run(ModelSpec(roi="mobilenetv2"), seed=1)
    sanity = map_sanity.sanity_check(explained, {"mobilenetv2": [run, again]})
    ranks = sanity.scores.set_index("against")["rank"]
    assert list(ranks.index) == [*map_sanity.STAGES, "another seed", "another sample"]
    assert ranks["another seed"] == pytest.approx(1)  # here the same net
    assert ranks["whole net"] < 0.5
    assert list(sanity.maps["mobilenetv2"]) == ["trained", *ranks.index]
    assert len(sanity.maps["mobilenetv2"]["trained"]) == 10
    one_seed = map_sanity.sanity_check(explained, {"mobilenetv2": [run]})
    assert "another seed" not in set(one_seed.scores["against"])


def test_a_branch_whose_maps_are_all_blank_is_left_out_of_the_sanity_check(cutouts):
    run = micro_run(ModelSpec(roi="mobilenetv2"))
    maps = maps_of_model.maps(run.model(), "roi", cutouts, np.arange(4))
    blank = dataclasses.replace(maps, grid=np.zeros_like(maps.grid))
    sanity = map_sanity.sanity_check(explained_by(blank, cutouts), {"mobilenetv2": [run]})
    assert sanity.scores.empty
    assert not sanity.maps
    assert map_sanity.sanity_facts(sanity.scores).branches == 0


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
    facts = map_sanity.sanity_facts(scores.assign(branch="roi"))
    assert (facts.branches, facts.passed) == (3, 2)
    assert facts.rank == pytest.approx(0.2)
    assert facts.seed_rank == pytest.approx(0.4)
    assert facts.stable == [("a", "roi")]
    assert facts.blank == ["c"]
    one_seed = scores[scores["against"] != "another seed"].assign(branch="roi")
    assert np.isnan(map_sanity.sanity_facts(one_seed).seed_rank)
    assert map_sanity.sanity_facts(one_seed).stable == []
