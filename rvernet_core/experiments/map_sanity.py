"""Page 5: do maps depend on what was learnt? They are compared with maps of nets that have forgotten it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rvernet_core.evaluation import gradcam, saliency
from rvernet_core.evaluation.comparisons import model_name, units_of_specs
from rvernet_core.evaluation.saliency import Maps
from rvernet_core.experiments.gradcam import Explained, Runs, mean_of

SAMPLES = 30  # of each branch and seed
STAGES = {"classifier": 0.0, "upper half": 0.5, "whole net": 1.0}  # share of each backbone with fresh weights


@dataclass(frozen=True)
class Sanity:
    """Maps of trained nets against maps of the same nets without what they have learnt."""

    scores: pd.DataFrame  # model, branch, against; rank correlation with its interval (rank)
    maps: Mapping[str, Mapping[str, Maps]]  # of the first seed: single model -> "trained" or what it is
    #                                         compared with -> maps


def sanity_check(explained: Explained, runs: Runs, device: str = "cpu") -> Sanity:
    """Rank correlation of each branch's maps with those of nets with fresh weights from the output downwards.

    For every seed, on SAMPLES samples whose map is not blank, for the same class. References: the next seed,
    where there are several, and another sample's map. A branch whose maps are all blank is left out.
    """
    cutouts, frames, pictured = explained.cutouts, [], {}
    for name, seeds in runs.items():
        units = units_of_specs([run.spec for run in seeds])
        trained = [run.model() for run in seeds]
        for k, (model, run) in enumerate(zip(trained, seeds, strict=True)):
            nets = {
                stage: gradcam.randomised(model, run.spec.model, len(cutouts.classes), share, run.spec.seed)
                for stage, share in STAGES.items()
            }
            if len(seeds) > 1:
                nets["another seed"] = trained[(k + 1) % len(seeds)]
            for branch in model.branches:
                own = explained.maps[name, branch][k]
                positions = np.random.default_rng(1).permutation(np.flatnonzero(~own.blank))[:SAMPLES]
                if not len(positions):
                    continue
                own = own[positions]
                others = {
                    key: gradcam.maps(net, branch, cutouts, own.indices, own.targets, device=device)
                    for key, net in nets.items()
                }
                others["another sample"] = own.shuffled()
                if isinstance(name, str) and name not in pictured:
                    pictured[name] = {"trained": own, **others}
                facts = {"model": model_name(name), "branch": branch, "seed": run.spec.seed, "unit": units[k]}
                facts |= {"sample": own.indices, "photo": np.asarray(cutouts.image_ids)[own.indices]}
                frames += [
                    pd.DataFrame({**facts, "against": key, "rank": saliency.rank_correlation(own, other)})
                    for key, other in others.items()
                ]
    columns = ["model", "branch", "against"]
    ranks = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=[*columns, "rank"])
    rows = [
        dict(zip(columns, key, strict=True)) | mean_of(part, "rank")
        for key, part in ranks.groupby(columns, sort=False)
    ]
    return Sanity(pd.DataFrame(rows, columns=[*columns, "rank", "rank_low", "rank_high"]), pictured)


@dataclass(frozen=True)
class SanityFacts:
    """Which branches pass the check, and whether two trainings agree."""

    branches: int
    passed: int  # branches whose interval lies below one half when all weights are fresh
    rank: float  # mean rank correlation when all weights are fresh
    seed_rank: float  # mean rank correlation of two seeds; NaN with one seed
    stable: list[tuple[str, str]]  # (model, branch) where two seeds agree more than trained and fresh nets
    blank: list[str]  # models whose maps are blank when all weights are fresh


def sanity_facts(scores: pd.DataFrame) -> SanityFacts:
    """From the scores of `sanity_check`."""
    by_branch = scores.set_index(["model", "branch"])
    fresh = by_branch[by_branch["against"] == "whole net"]
    seeds = by_branch[by_branch["against"] == "another seed"].reindex(fresh.index)
    stable = seeds["rank_low"] > fresh["rank_high"]
    blank = fresh[(fresh["rank_low"] == 0) & (fresh["rank_high"] == 0)]
    return SanityFacts(
        branches=len(fresh),
        passed=int((fresh["rank_high"] < 0.5).sum()),
        rank=float(fresh["rank"].mean()),
        seed_rank=float(seeds["rank"].mean()),
        stable=list(stable.index[stable]),
        blank=list(dict.fromkeys(model for model, _ in blank.index)),
    )
