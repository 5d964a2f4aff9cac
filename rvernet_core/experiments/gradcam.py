"""Page 5: where do the nets look (paper figure 4), and do their maps depend on what was learnt?

All maps are those of the first seed and explain the class that the model itself predicts; the second seed,
where there is one, is a reference of the sanity check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rvernet_core import uncertainty
from rvernet_core.config import RunSpec
from rvernet_core.data.cutout_set import CutoutSet, masks_at
from rvernet_core.evaluation import comparisons, gradcam, saliency
from rvernet_core.evaluation.comparisons import model_name
from rvernet_core.evaluation.saliency import Maps
from rvernet_core.experiments.study import Pair, Study, named
from rvernet_core.models.backbones import input_size
from rvernet_core.predictions import Predictions
from rvernet_core.runs import Run
from rvernet_core.uncertainty import Estimate
from rvernet_plates import COMPANIONS, SAUCES

EXAMPLES = 6  # samples of a figure
SANITY_SAMPLES = 60  # samples of a branch in the sanity check
STAGES = {"classifier": 0.0, "upper half": 0.5, "whole net": 1.0}  # share of each backbone with fresh weights

Model = str | Pair  # a single model's backbone, or the two of an RveRNet
Models = Mapping[Model, Sequence[Predictions]]
Runs = Mapping[Model, Sequence[Run]]


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """The fine-tuned single models and pairs."""
    return named("single", study.singles()) | named("pair", study.pairs())


def weights(study: Study) -> dict[str, list[RunSpec]]:
    """Those whose weights are needed: of the first two seeds."""
    return {name: specs[:2] for name, specs in needs(study).items()}


def models(study: Study) -> dict[Model, list[Predictions]]:
    """The answers of the fine-tuned single models and pairs, all seeds."""
    return study.predictions({**study.singles(), **study.pairs()})


def with_weights(study: Study, models: Models) -> dict[Model, list[Run]]:
    """The first two runs of each model, for their weights: trained where missing, also from the record."""
    return study.runs({model: [p.spec for p in answers[:2]] for model, answers in models.items()})


# --- maps and measures --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Explained:
    """The maps of every branch of every model on the whole test set, and their measures."""

    cutouts: CutoutSet
    masks: np.ndarray  # bool (N, S, S), the ROIs
    maps: Mapping[tuple[Model, str], Maps]  # of each (model, branch), single models first
    measures: pd.DataFrame  # columns of `evaluation.gradcam.measure`, model and branch; a row per map
    road_samples: int  # how many samples ROAD is measured on

    @property
    def singles(self) -> list[str]:
        """The single models that are explained."""
        return [model for model, branch in self.maps if isinstance(model, str)]

    @property
    def pairs(self) -> list[Pair]:
        """The RveRNets that are explained."""
        return [model for model, branch in self.maps if isinstance(model, tuple) and branch == "roi"]

    def of(self, model: Model, branch: str) -> pd.DataFrame:
        """The measures of one branch, indexed by sample."""
        measures = self.measures
        rows = measures["model"].eq(model_name(model)) & measures["branch"].eq(branch)
        return measures[rows].set_index("sample")


def explain(study: Study, runs: Runs) -> Explained:
    """All maps and measures of the first run of each model; ROAD, which is slow, on a random part."""
    test, size = study.data.test, input_size(study.profile.scale)
    cutouts, masks = study.store.cutouts(study.profile.data, "test", size), masks_at(test, size)
    road_on = np.random.default_rng(0).permutation(len(test))[: study.profile.road_samples]
    maps, frames = {}, []
    for name, seeds in runs.items():
        model = seeds[0].model()
        for branch in model.branches:
            own = gradcam.maps(model, branch, cutouts, device=study.store.device)
            frame = gradcam.measure(model, cutouts, own, masks, road_on, study.store.device)
            maps[name, branch] = own
            frames.append(frame.assign(model=model_name(name), branch=branch))
    return Explained(cutouts, masks, maps, pd.concat(frames, ignore_index=True), len(road_on))


def ambiguous_pair(study: Study, models: Models) -> tuple[str, str]:
    """Ketchup and chili paste, or the two classes that the single models confuse most."""
    singles = {name: answers for name, answers in models.items() if isinstance(name, str)}
    return comparisons.ambiguous_pair(singles, study.classes)


@dataclass(frozen=True)
class Examples:
    """What stands for the paper's figure 4."""

    food: str
    samples: list[int]  # indices of the first test samples of `food`, not chosen by their looks
    single: str
    pair: Pair | None  # the RveRNet with two of `single`, if it was trained


def examples(study: Study, explained: Explained, food: str) -> Examples:
    """Samples of `food`, and the paper's models: MobileNetV2 alone and twice, else what comes first."""
    pair: Pair | None = ("mobilenetv2", "mobilenetv2")
    if pair not in explained.pairs:
        pair = next(iter(explained.pairs), None)
    single = pair[0] if pair else explained.singles[0]
    samples = np.flatnonzero(explained.cutouts.labels == study.classes.index(food))[:EXAMPLES]
    return Examples(food, samples.tolist(), single, pair)


# --- where maps lie, and what they are worth ----------------------------------------------------------


def localisation(measures: pd.DataFrame) -> pd.DataFrame:
    """Where maps lie, one row per branch: energy and hit with intervals, and the share of blank maps.

    energy_other, hit_other: means of both under another sample's map.
    """
    rows = []
    for (model, branch), part in measures.groupby(["model", "branch"], sort=False):
        others = {f"{c}_other": part[f"{c}_other"].mean() for c in ("energy", "hit")}
        rows.append(
            {"model": model, "branch": branch, **_mean(part, "energy"), **_mean(part, "hit"), **others}
            | {"blank": part["blank"].mean()}
        )
    return pd.DataFrame(rows)


def faithfulness(measures: pd.DataFrame) -> pd.DataFrame:
    """What maps are worth, one row per branch: drop in confidence, share raised, and ROAD, with intervals."""
    change = measures["change"]
    frame = measures.assign(drop=(-change).clip(lower=0), raised=change > 0)
    return pd.DataFrame(
        {"model": model, "branch": branch} | _mean(part, "drop") | _mean(part, "raised") | _mean(part, "road")
        for (model, branch), part in frame.groupby(["model", "branch"], sort=False)
    )


def roi_gains(explained: Explained) -> pd.DataFrame:
    """ROI branch of each RveRNet minus the single model of its backbone, paired over samples.

    Columns model, against; energy, hit and both with intervals; of energy also p after Holm's correction over
    the rows, and the smallest difference found with a power of 80 %. `both` is the difference in energy on
    the samples where neither map is blank. Empty where there are no pairs.
    """
    rows, found = [], []
    for pair in explained.pairs:
        ours, single = explained.of(pair, "roi"), explained.of(pair[0], "roi")
        gain = (ours[["energy", "hit"]] - single[["energy", "hit"]]).assign(photo=ours["photo"])
        gain["both"] = gain["energy"].where(~ours["blank"] & ~single["blank"])
        parts = _mean(gain, "energy") | _mean(gain, "hit") | _mean(gain, "both")
        rows.append({"model": model_name(pair), "against": pair[0]} | parts)
        found.append(_estimated(gain, "energy"))
    frame = pd.DataFrame(rows)
    return frame.assign(p=uncertainty.holm([e.p for e in found]), smallest=[e.smallest for e in found])


@dataclass(frozen=True)
class MapFacts:
    """What is seen on the whole test set."""

    roi_area: float  # mean share of the picture inside the ROI
    pairs: int
    more: int  # RveRNets whose ROI branch has more energy inside the ROI than the single model
    less: int
    most_inside: tuple[str, float]  # single model with the most energy inside the ROI, and how much
    least_inside: tuple[str, float]
    most_blank: tuple[str, float]  # single model with the largest share of blank maps
    most_in_hole: tuple[str, float] | None  # RveRNet whose extra-ROI branch has most energy inside the ROI
    branches: int
    road_above: int  # branches whose ROAD has its whole interval above zero
    road_below: int


def map_facts(
    explained: Explained, where: pd.DataFrame, worth: pd.DataFrame, gains: pd.DataFrame
) -> MapFacts:
    """From `localisation`, `faithfulness` and `roi_gains`."""
    singles = where[where["branch"].eq("roi") & where["model"].isin(explained.singles)]
    context = where[where["branch"].eq("extra_roi")]
    energy = singles["energy"]
    signs = comparisons.shown(gains, "energy") if len(gains) else pd.Series(dtype=int)
    return MapFacts(
        roi_area=float(explained.masks.mean()),
        pairs=len(gains),
        more=int((signs > 0).sum()),
        less=int((signs < 0).sum()),
        most_inside=_cell(singles, energy.idxmax(), "energy"),
        least_inside=_cell(singles, energy.idxmin(), "energy"),
        most_blank=_cell(singles, singles["blank"].idxmax(), "blank"),
        most_in_hole=_cell(context, context["energy"].idxmax(), "energy") if len(context) else None,
        branches=len(worth),
        road_above=int((worth["road_low"] > 0).sum()),
        road_below=int((worth["road_high"] < 0).sum()),
    )


# --- the sanity check ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sanity:
    """Maps of trained nets against maps of the same nets without what they have learnt."""

    scores: pd.DataFrame  # model, branch, against; rank correlation with its interval (rank)
    maps: Mapping[str, Mapping[str, Maps]]  # single model -> "trained" or what it is compared with -> maps


def sanity_check(explained: Explained, runs: Runs, device: str = "cpu") -> Sanity:
    """Rank correlation of each branch's maps with those of nets with fresh weights from the output downwards.

    On SANITY_SAMPLES samples whose map is not blank, for the same class. References: the second run, where
    there is one, and another sample's map. A branch whose maps are all blank is left out.
    """
    cutouts, rows, pictured = explained.cutouts, [], {}
    for name, seeds in runs.items():
        trained, spec = seeds[0].model(), seeds[0].spec.model
        nets = {
            stage: gradcam.randomised(trained, spec, len(cutouts.classes), share)
            for stage, share in STAGES.items()
        }
        if len(seeds) > 1:
            nets["another seed"] = seeds[1].model()
        for branch in trained.branches:
            own = explained.maps[name, branch]
            samples = np.random.default_rng(1).permutation(np.flatnonzero(~own.blank))[:SANITY_SAMPLES]
            if not len(samples):
                continue
            own = own[samples]
            others = {
                key: gradcam.maps(net, branch, cutouts, samples, own.targets, device=device)
                for key, net in nets.items()
            }
            others["another sample"] = own.shuffled()
            if isinstance(name, str):
                pictured[name] = {"trained": own, **others}
            photos = np.asarray(cutouts.image_ids)[samples]
            for key, other in others.items():
                ranks = pd.DataFrame({"photo": photos, "rank": saliency.rank_correlation(own, other)})
                row = {"model": model_name(name), "branch": branch, "against": key}
                rows.append(row | _mean(ranks, "rank"))
    columns = ["model", "branch", "against", "rank", "rank_low", "rank_high"]
    return Sanity(pd.DataFrame(rows, columns=columns), pictured)


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
        blank=[model for model, _ in blank.index],
    )


# --- where the extra-ROI branch looks -----------------------------------------------------------------


@dataclass(frozen=True)
class Regions:
    """What surrounds the samples of the ambiguous pair on rendered plates, where every food is known."""

    samples: np.ndarray  # (n,) indices of the test samples of the pair
    masks: Mapping[str, np.ndarray]  # region -> bool (n, S, S); empty where no companions are known


def regions(study: Study, explained: Explained, sauces: tuple[str, str]) -> Regions:
    """Companions, neutral foods, the cut-out itself and the rest; none on data that is not rendered."""
    samples = np.flatnonzero(np.isin(explained.cutouts.labels, [study.classes.index(s) for s in sauces]))
    if study.profile.data.name != "plates":
        return Regions(samples, {})
    test, masks = study.data.test, explained.masks
    same_photo = {i: group for group in test.photo_groups() for i in group}
    companions = {food for sauce in SAUCES for food in COMPANIONS[sauce]}
    names = np.array([sample.class_name for sample in test.samples])
    of_companions = np.isin(names, sorted(companions))
    members = {
        "companions": of_companions & ~np.isin(names, sauces),
        "neutral foods": ~of_companions & ~np.isin(names, sauces),
    }
    parts = {
        region: np.stack([masks[[j for j in same_photo[int(i)] if member[j]]].any(axis=0) for i in samples])
        for region, member in members.items()
    }
    parts["cut-out sauce"] = masks[samples]
    parts["plate and table"] = ~np.logical_or.reduce(list(parts.values()))
    return Regions(samples, parts)


def region_energy(explained: Explained, regions: Regions) -> pd.DataFrame:
    """Energy of each RveRNet's extra-ROI branch in each region: one row per model, region and sample.

    Columns model, region, sample, rescued (the single model of the ROI backbone is wrong, RveRNet right),
    photo, area, energy, other (energy under another sample's map), above_area and above_other (energy minus
    either). Empty without regions or pairs.
    """
    columns = ["model", "region", "sample", "rescued", "photo", "area", "energy", "other"]
    samples, frames = regions.samples, [pd.DataFrame(columns=columns)]
    truth = explained.cutouts.labels[samples]
    for pair in explained.pairs:
        maps = explained.maps[pair, "extra_roi"][samples]
        others = maps.shuffled()
        right = explained.maps[pair, "roi"].targets[samples] == truth
        single_right = explained.maps[pair[0], "roi"].targets[samples] == truth
        frames += [
            pd.DataFrame(
                {
                    "model": model_name(pair),
                    "region": region,
                    "sample": samples,
                    "rescued": right & ~single_right,
                    "photo": np.asarray(explained.cutouts.image_ids)[samples],
                    "area": masks.mean((1, 2)),
                    "energy": saliency.energy_inside(maps, masks),
                    "other": saliency.energy_inside(others, masks),
                }
            )
            for region, masks in regions.masks.items()
        ]
    frame = pd.concat(frames[1:] or frames, ignore_index=True)
    return frame.assign(
        above_area=frame["energy"] - frame["area"], above_other=frame["energy"] - frame["other"]
    )


def on_companions(energy: pd.DataFrame) -> pd.DataFrame:
    """`region_energy` on the companions: per model a row for the rescued sauces and one for all."""
    companions = energy[energy["region"] == "companions"]
    rows = []
    for model, part in companions.groupby("model", sort=False):
        for which, sauces in (("rescued", part[part["rescued"]]), ("all", part)):
            row = {"model": model, "sauces": which, "count": len(sauces), **_mean(sauces, "energy")}
            row |= {"area": sauces["area"].mean()}
            rows.append(row | _mean(sauces, "above_area") | _mean(sauces, "above_other"))
    return pd.DataFrame(rows)


def by_region(energy: pd.DataFrame) -> pd.DataFrame:
    """Energy minus area, with its interval, of each model and region over all samples of the pair."""
    return pd.DataFrame(
        {"model": model, "region": region, **_mean(part, "above_area")}
        for (model, region), part in energy.groupby(["model", "region"], sort=False)
    )


@dataclass(frozen=True)
class Rescued:
    """Sauces that the RveRNet with most rescues gets right and its single model wrong."""

    model: Pair | None  # None where nothing is rescued
    samples: list[int]  # the first EXAMPLES of them


def rescued(explained: Explained, energy: pd.DataFrame) -> Rescued:
    """Examples for a figure, from `region_energy`."""
    saved = energy[energy["region"].eq("companions") & energy["rescued"].astype(bool)]
    if saved.empty:
        return Rescued(None, [])
    best = saved.groupby("model", sort=False).size().idxmax()
    model = next(pair for pair in explained.pairs if model_name(pair) == best)
    return Rescued(model, saved.loc[saved["model"] == best, "sample"].tolist()[:EXAMPLES])


@dataclass(frozen=True)
class Verdict:
    """How much of its energy an extra-ROI branch has on the companions when RveRNet rescues a sauce."""

    model: str  # the RveRNet with most rescues
    count: int
    energy: Estimate
    energy_all: float  # over all sauces
    area: float  # the companions' share of the picture
    above_area: int  # sign of energy minus area where the interval excludes zero, else 0
    above_other: int  # the same for energy minus that of another sauce's map


def verdict(companions: pd.DataFrame) -> Verdict | None:
    """From `on_companions`; None where no sauce is rescued."""
    if companions.empty:
        return None
    saved = companions[companions["sauces"].eq("rescued") & (companions["count"] > 0)]
    if saved.empty:
        return None
    top = saved.loc[saved["count"].idxmax()]
    everything = companions[companions["sauces"].eq("all")].set_index("model")
    above = [
        int(top[f"{column}_low"] > 0) - int(top[f"{column}_high"] < 0)
        for column in ("above_area", "above_other")
    ]
    return Verdict(
        model=str(top["model"]),
        count=int(top["count"]),
        energy=Estimate(top["energy"], top["energy_low"], top["energy_high"], 0.0, 0),
        energy_all=float(everything.loc[top["model"], "energy"]),
        area=float(top["area"]),
        above_area=above[0],
        above_other=above[1],
    )


def _mean(frame: pd.DataFrame, column: str) -> dict[str, float]:
    """The mean of a column and its 95 % interval over photos, under three names; NaN without any value."""
    rows = frame.dropna(subset=[column])
    if rows.empty:
        return dict.fromkeys((column, f"{column}_low", f"{column}_high"), float("nan"))
    e = _estimated(rows, column)
    return {column: e.value, f"{column}_low": e.low, f"{column}_high": e.high}


def _estimated(rows: pd.DataFrame, column: str) -> Estimate:
    measured = uncertainty.measure_mean(rows[column].to_numpy(float), rows["photo"].to_numpy())
    return uncertainty.estimate(measured)


def _cell(frame: pd.DataFrame, row: int, column: str) -> tuple[str, float]:
    return str(frame.loc[row, "model"]), float(frame.loc[row, column])
