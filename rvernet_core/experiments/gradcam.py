"""Page 5: where do the nets look (paper figure 4), and what are their maps worth?

Every map explains the class that the model itself predicts. Measured are the profile's seeds of maps, on the
photos of its evaluations; a picture shows the first seed. The RveRNet that is shown, and whose rescues are
judged (`sauce_maps`), is that of the paper's figure 4, two MobileNetV2; where it was not trained, the first
of the profile's pairs. So no score and no map has a part in the choice. `map_sanity` asks whether maps depend
on what was learnt.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rvernet_core import uncertainty
from rvernet_core.config import RunSpec
from rvernet_core.data.cutout_set import CutoutSet, masks_at
from rvernet_core.evaluation import comparisons, gradcam
from rvernet_core.evaluation.comparisons import model_name
from rvernet_core.evaluation.saliency import Maps
from rvernet_core.experiments.study import Modules, Study, named
from rvernet_core.models.backbones import input_size
from rvernet_core.predictions import Predictions
from rvernet_core.runs import Run
from rvernet_core.uncertainty import Estimate

EXAMPLES = 6  # samples of a figure
PAPERS = ("mobilenetv2", "mobilenetv2")  # the RveRNet of the paper's figure 4

Model = str | Modules  # a single model's backbone, or the two of an RveRNet
Models = Mapping[Model, Sequence[Predictions]]
Runs = Mapping[Model, Sequence[Run]]


def with_map_seeds(study: Study) -> Study:
    """The same study with the profile's seeds of maps."""
    return study.with_seeds(study.profile.map_seeds)


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """The fine-tuned single models and pairs, of the seeds of maps."""
    few = with_map_seeds(study)
    return named("single", few.singles()) | named("pair", few.pairs())


def weights(study: Study) -> dict[str, list[RunSpec]]:
    """Those whose weights are needed: all of them."""
    return needs(study)


def models(study: Study) -> dict[Model, list[Predictions]]:
    """The answers of the fine-tuned single models and pairs."""
    return study.predictions({**study.singles(), **study.pairs()})


def with_weights(study: Study, models: Models) -> dict[Model, list[Run]]:
    """The run of each seed of each model, for its weights: trained where missing, also from the record."""
    return study.runs({model: [p.spec for p in answers] for model, answers in models.items()})


def chosen(pairs: Sequence[Modules]) -> Modules | None:
    """The RveRNet that is shown and judged: the paper's, else the first; None of none."""
    return PAPERS if PAPERS in pairs else next(iter(pairs), None)


# --- maps and measures --------------------------------------------------------------------------------


@dataclass(frozen=True)
class Explained:
    """The maps of every branch of every model, one set a seed, and their measures."""

    cutouts: CutoutSet
    samples: np.ndarray  # (n,) indices of the test samples that are explained, ascending
    masks: np.ndarray  # bool (n, S, S), their ROIs
    maps: Mapping[tuple[Model, str], Sequence[Maps]]  # of each (model, branch), single models first
    measures: pd.DataFrame  # of `evaluation.gradcam.measure`, with model, branch, seed, unit; a row per map
    road_samples: int  # how many samples of each seed ROAD is measured on

    @property
    def singles(self) -> list[str]:
        """The single models that are explained."""
        return [model for model, branch in self.maps if isinstance(model, str)]

    @property
    def pairs(self) -> list[Modules]:
        """The RveRNets that are explained."""
        return [model for model, branch in self.maps if isinstance(model, tuple) and branch == "roi"]

    @property
    def photos(self) -> int:
        """How many photos the explained samples come from."""
        return len({self.cutouts.image_ids[i] for i in self.samples})

    def of(self, model: Model, branch: str) -> pd.DataFrame:
        """The measures of one branch, all seeds, indexed by seed and sample."""
        measures = self.measures
        rows = measures["model"].eq(model_name(model)) & measures["branch"].eq(branch)
        return measures[rows].set_index(["seed", "sample"])

    def shown(self, model: Model, branch: str, samples: Sequence[int]) -> pd.DataFrame:
        """The measures of the first seed's maps of some samples, indexed by sample."""
        measures = self.of(model, branch)
        return measures.loc[measures.index[0][0]].loc[list(samples)]

    def drawn(self, model: Model, branch: str, samples: Sequence[int]) -> Maps:
        """The first seed's maps of some samples."""
        return self.maps[model, branch][0][np.searchsorted(self.samples, samples)]


def explain(study: Study, runs: Runs) -> Explained:
    """Maps and measures of every run, on the photos of the profile's evaluations; ROAD on a random part."""
    test, size = study.data.test, input_size(study.profile.scale)
    cutouts = study.store.cutouts(study.profile.data, "test", size)
    photos = list(dict.fromkeys(cutouts.image_ids))
    first = set(photos[: study.profile.evaluation_photos or None])
    samples = np.flatnonzero([photo in first for photo in cutouts.image_ids])
    masks = masks_at(test, size, samples.tolist())
    road_on = np.random.default_rng(0).permutation(samples)[: study.profile.road_samples]
    maps: dict[tuple[Model, str], list[Maps]] = {}
    frames = []
    for name, seeds in runs.items():
        units = comparisons.units_of_specs([run.spec for run in seeds])
        for run, unit in zip(seeds, units, strict=True):
            model = run.model()
            for branch in model.branches:
                own = gradcam.maps(model, branch, cutouts, samples, device=study.store.device)
                frame = gradcam.measure(model, cutouts, own, masks, road_on, study.store.device)
                maps.setdefault((name, branch), []).append(without_features(own))
                frames.append(
                    frame.assign(model=model_name(name), branch=branch, seed=run.spec.seed, unit=unit)
                )
    return Explained(cutouts, samples, masks, maps, pd.concat(frames, ignore_index=True), len(road_on))


def without_features(maps: Maps) -> Maps:
    """The maps without what only their measures need, which is far larger than they are."""
    return dataclasses.replace(maps, other_features={})


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
    pair: Modules | None  # the RveRNet with two of `single`, if it was trained


def examples(study: Study, explained: Explained, food: str) -> Examples:
    """The first explained samples of `food`, and the paper's models, see `chosen`.

    Where none of `food` is explained, the food of most explained samples stands for it.
    """
    pair = chosen(explained.pairs)
    single = pair[0] if pair else explained.singles[0]
    labels = explained.cutouts.labels[explained.samples]
    shown = study.classes.index(food)
    if shown not in labels:
        shown = int(np.bincount(labels).argmax())
    samples = explained.samples[labels == shown][:EXAMPLES]
    return Examples(study.classes[shown], samples.tolist(), single, pair)


# --- where maps lie, and what they are worth ----------------------------------------------------------


def localisation(measures: pd.DataFrame) -> pd.DataFrame:
    """Where maps lie, one row per branch: energy and hit with intervals, and the share of blank maps.

    energy_other, hit_other: means of both under another sample's map.
    """
    rows = []
    for (model, branch), part in measures.groupby(["model", "branch"], sort=False):
        others = {f"{c}_other": part[f"{c}_other"].mean() for c in ("energy", "hit")}
        rows.append(
            {"model": model, "branch": branch, **mean_of(part, "energy"), **mean_of(part, "hit"), **others}
            | {"blank": part["blank"].mean()}
        )
    return pd.DataFrame(rows)


def faithfulness(measures: pd.DataFrame) -> pd.DataFrame:
    """What maps are worth, one row per branch: drop in confidence, share raised, and ROAD, with intervals."""
    change = measures["change"]
    frame = measures.assign(drop=(-change).clip(lower=0), raised=change > 0)
    return pd.DataFrame(
        {"model": model, "branch": branch}
        | mean_of(part, "drop")
        | mean_of(part, "raised")
        | mean_of(part, "road")
        for (model, branch), part in frame.groupby(["model", "branch"], sort=False)
    )


def roi_gains(explained: Explained) -> pd.DataFrame:
    """ROI branch of each RveRNet minus the single model of its backbone, paired over seeds and samples.

    Columns model, against; energy, hit and both with intervals; of energy also p after Holm's correction over
    the rows, and the smallest difference found with a power of 80 %. `both` is the difference in energy on
    the samples where neither map is blank. Empty where there are no pairs.
    """
    rows, found = [], []
    for pair in explained.pairs:
        ours, single = explained.of(pair, "roi"), explained.of(pair[0], "roi")
        gain = (ours[["energy", "hit"]] - single[["energy", "hit"]]).assign(
            photo=ours["photo"], unit=ours["unit"]
        )
        gain["both"] = gain["energy"].where(~ours["blank"] & ~single["blank"])
        gain = gain.reset_index()
        parts = mean_of(gain, "energy") | mean_of(gain, "hit") | mean_of(gain, "both")
        rows.append({"model": model_name(pair), "against": pair[0]} | parts)
        found.append(estimated(gain, "energy"))
    frame = pd.DataFrame(rows)
    return frame.assign(p=uncertainty.holm([e.p for e in found]), smallest=[e.smallest for e in found])


@dataclass(frozen=True)
class MapFacts:
    """What is seen of the explained samples."""

    roi_area: float  # mean share of the picture inside the ROI
    singles: int
    pairs: int
    more: int  # RveRNets whose ROI branch has more energy inside the ROI than the single model
    less: int
    most_inside: tuple[str, float]  # single model with the most energy inside the ROI, and how much
    least_inside: tuple[str, float]
    as_even: list[str]  # single models whose interval of the energy holds `roi_area`, what even energy has
    most_blank: tuple[str, str, float]  # model and branch with the largest share of blank maps, and the share
    most_in_hole: tuple[str, float] | None  # RveRNet whose extra-ROI branch has most energy inside the ROI
    least_in_hole: tuple[str, float] | None
    branches: int
    road_above: int  # branches whose ROAD has its whole interval above zero
    road_below: int


def map_facts(
    explained: Explained, where: pd.DataFrame, worth: pd.DataFrame, gains: pd.DataFrame
) -> MapFacts:
    """From `localisation`, `faithfulness` and `roi_gains`."""
    singles = where[where["branch"].eq("roi") & where["model"].isin(explained.singles)]
    context = where[where["branch"].eq("extra_roi")]
    energy, area = singles["energy"], float(explained.masks.mean())
    even = (singles["energy_low"] <= area) & (area <= singles["energy_high"])
    blank = where.loc[where["blank"].idxmax()]
    signs = comparisons.shown(gains, "energy") if len(gains) else pd.Series(dtype=int)
    return MapFacts(
        roi_area=area,
        singles=len(singles),
        pairs=len(gains),
        more=int((signs > 0).sum()),
        less=int((signs < 0).sum()),
        most_inside=_cell(singles, energy.idxmax(), "energy"),
        least_inside=_cell(singles, energy.idxmin(), "energy"),
        as_even=list(singles.loc[even, "model"]),
        most_blank=(str(blank["model"]), str(blank["branch"]), float(blank["blank"])),
        most_in_hole=_cell(context, context["energy"].idxmax(), "energy") if len(context) else None,
        least_in_hole=_cell(context, context["energy"].idxmin(), "energy") if len(context) else None,
        branches=len(worth),
        road_above=int((worth["road_low"] > 0).sum()),
        road_below=int((worth["road_high"] < 0).sum()),
    )


# --- means over seeds and photos ----------------------------------------------------------------------


def mean_of(rows: pd.DataFrame, column: str) -> dict[str, float]:
    """The mean of a column and its 95 % interval over seeds and photos, under three names; see `estimated`.

    NaN without any value.
    """
    known = rows.dropna(subset=[column])
    if known.empty:
        return dict.fromkeys((column, f"{column}_low", f"{column}_high"), float("nan"))
    return estimated(known, column).columns(column)


def estimated(rows: pd.DataFrame, column: str) -> Estimate:
    """The mean of a column over seeds and photos: one row per sample of a seed.

    rows: with seed, unit (what the seed started from, see `comparisons.units_of`), sample and photo. A sample
    that is missing, or NaN, does not count for that seed.
    """
    table = rows.pivot(index="seed", columns="sample", values=column).astype(float)
    table = table.dropna(how="all").dropna(how="all", axis="columns")
    photos = rows.groupby("sample")["photo"].first()[table.columns]
    units = rows.groupby("seed")["unit"].first()[table.index].tolist()
    measured = uncertainty.measure_mean(table.to_numpy(), photos.to_numpy())
    return uncertainty.estimate(measured, units if len(set(units)) > 1 else None)


def _cell(frame: pd.DataFrame, row: int, column: str) -> tuple[str, float]:
    return str(frame.loc[row, "model"]), float(frame.loc[row, column])
