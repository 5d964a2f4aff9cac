"""Page 5: where does the extra-ROI branch look when RveRNet rescues a sauce, and where when it loses one?

A sauce is rescued where the single model of the ROI backbone gets it wrong and RveRNet right, and lost where
it is the other way round, seed by seed. All test samples of the ambiguous pair are explained. Which RveRNet
is judged follows a rule that needs no map, see `gradcam`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rvernet_core.data.cutout_set import masks_at
from rvernet_core.data.cutouts import photo_inside
from rvernet_core.evaluation import gradcam, saliency
from rvernet_core.evaluation.comparisons import model_name, units_of_specs
from rvernet_core.evaluation.saliency import Maps
from rvernet_core.experiments.gradcam import Models, Runs, chosen, estimated, mean_of, without_features
from rvernet_core.experiments.study import Modules, Study
from rvernet_core.models.backbones import input_size
from rvernet_plates import COMPANIONS, SAUCES

RESCUED, LOST = "rescued", "lost"
CASES = (RESCUED, LOST)
SHOWN = 3  # sauces of either kind in the figure


@dataclass(frozen=True)
class Sauces:
    """The extra-ROI branches on the ambiguous pair, on rendered plates, where every food is known."""

    samples: np.ndarray  # (n,) indices of the test samples of the pair
    regions: Mapping[str, np.ndarray]  # region -> bool (n, S, S); empty where no companions are known
    maps: Mapping[Modules, Sequence[Maps]]  # of the extra-ROI branch, one set a seed
    energy: pd.DataFrame  # see `region_energy`


def explain(study: Study, runs: Runs, models: Models, sauces: tuple[str, str]) -> Sauces:
    """Maps of every RveRNet's extra-ROI branch on all sauces of the test set, and where their energy lies."""
    size = input_size(study.profile.scale)
    cutouts = study.store.cutouts(study.profile.data, "test", size)
    samples = np.flatnonzero(np.isin(cutouts.labels, [study.classes.index(name) for name in sauces]))
    pairs = {key: seeds for key, seeds in runs.items() if isinstance(key, tuple)}
    known = study.profile.data.name == "plates" and bool(pairs)
    regions = _regions(study, samples, sauces, cutouts.fitted[samples], size) if known else {}
    maps = {
        pair: [
            without_features(
                gradcam.maps(run.model(), "extra_roi", cutouts, samples, device=study.store.device)
            )
            for run in seeds
        ]
        for pair, seeds in (pairs if known else {}).items()
    }
    photos = np.asarray(cutouts.image_ids)[samples]
    return Sauces(samples, regions, maps, region_energy(samples, photos, regions, maps, models))


def _regions(
    study: Study, samples: np.ndarray, sauces: tuple[str, str], fitted: np.ndarray, size: int
) -> dict[str, np.ndarray]:
    """Companions, neutral foods, the cut-out itself, the rest of the photo, its border; each bool (n, S, S).

    fitted: (n, 2), width and height of each photo in its letterbox.
    """
    test = study.data.test
    same_photo = {i: group for group in test.photo_groups() for i in group}
    around = sorted({j for i in samples for j in same_photo[int(i)]})
    masks = dict(zip(around, masks_at(test, size, around), strict=True))
    companions = {food for sauce in SAUCES for food in COMPANIONS[sauce]}
    names = np.array([sample.class_name for sample in test.samples])
    of_companions = np.isin(names, sorted(companions))
    members = {
        "companions": of_companions & ~np.isin(names, sauces),
        "neutral foods": ~of_companions & ~np.isin(names, sauces),
    }
    nothing = np.zeros((size, size), bool)
    parts = {
        region: np.stack(
            [
                np.logical_or.reduce([nothing, *(masks[j] for j in same_photo[int(i)] if member[j])])
                for i in samples
            ]
        )
        for region, member in members.items()
    }
    parts["cut-out sauce"] = np.stack([masks[int(i)] for i in samples])
    inside = np.zeros((len(samples), size, size), bool)
    for frame, shown in zip(inside, fitted, strict=True):
        photo_inside(frame, shown)[:] = True
    foods = np.logical_or.reduce(list(parts.values()))
    return parts | {"plate and table": inside & ~foods, "gray border": ~inside & ~foods}


def region_energy(
    samples: np.ndarray,
    photos: np.ndarray,
    regions: Mapping[str, np.ndarray],
    maps: Mapping[Modules, Sequence[Maps]],
    models: Models,
) -> pd.DataFrame:
    """Energy of each RveRNet's extra-ROI branch in each region: a row per model, seed, region and sample.

    Columns model, seed, unit, region, sample, photo, truth, single, pair (class indices: what it is, and what
    the single model of the ROI backbone and RveRNet call it), case (rescued | lost | ""), area, energy, other
    (energy under another sample's map), above_area and above_other (energy minus either).
    """
    columns = ["model", "seed", "unit", "region", "sample", "photo", "truth", "single", "pair", "case"]
    columns += ["area", "energy", "other", "above_area", "above_other"]
    frames = []
    for pair, of_seeds in maps.items():
        units = units_of_specs([answers.spec for answers in models[pair]])
        for own, ours, single, unit in zip(of_seeds, models[pair], models[pair[0]], units, strict=True):
            truth, others = ours.labels[samples], own.shuffled()
            answers = {"truth": truth, "single": single.predicted[samples], "pair": ours.predicted[samples]}
            right, alone = answers["pair"] == truth, answers["single"] == truth
            case = np.select([right & ~alone, ~right & alone], CASES, "")
            facts = {"model": model_name(pair), "seed": ours.spec.seed, "unit": unit, "sample": samples}
            facts |= {"photo": photos, **answers, "case": case}
            for region, masks in regions.items():
                energy, area = saliency.energy_inside(own, masks), masks.mean((1, 2))
                other = saliency.energy_inside(others, masks)
                measured = {"area": area, "energy": energy, "other": other}
                measured |= {"above_area": energy - area, "above_other": energy - other}
                frames.append(pd.DataFrame({**facts, "region": region, **measured}))
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def on_companions(energy: pd.DataFrame) -> pd.DataFrame:
    """`region_energy` on the companions: per model a row for the rescued sauces, the lost ones and all.

    `count` is that of all seeds together; `smallest` is the smallest `above_other` that 80 % of
    repetitions had found.
    """
    companions = energy[energy["region"] == "companions"]
    rows = []
    for model, part in companions.groupby("model", sort=False):
        for which in (*CASES, "all"):
            sauces = part if which == "all" else part[part["case"] == which]
            row = {"model": model, "sauces": which, "count": len(sauces), **mean_of(sauces, "energy")}
            row |= {"area": mean_of(sauces, "area")["area"]}  # over seeds, as the energy
            row |= mean_of(sauces, "above_area") | mean_of(sauces, "above_other")
            known = sauces.dropna(subset=["above_other"])
            row["smallest"] = float("nan") if known.empty else estimated(known, "above_other").smallest
            rows.append(row)
    return pd.DataFrame(rows)


def by_region(energy: pd.DataFrame) -> pd.DataFrame:
    """Energy minus area, with its interval, of each model and region over all samples of the pair."""
    return pd.DataFrame(
        {"model": model, "region": region, **mean_of(part, "above_area")}
        for (model, region), part in energy.groupby(["model", "region"], sort=False)
    )


@dataclass(frozen=True)
class Shown:
    """Sauces of the first seed for a figure: the first SHOWN that were rescued, and that were lost."""

    model: Modules | None  # the RveRNet of the rule; None where nothing is rescued or lost
    samples: Mapping[str, list[int]]  # rescued | lost -> indices of test samples


def shown(sauces: Sauces) -> Shown:
    """Examples of the RveRNet that the rule names."""
    pair = chosen(list(sauces.maps))
    rows = sauces.energy[sauces.energy["region"] == "companions"]
    rows = rows[rows["model"] == model_name(pair or ())]
    first = rows[rows["seed"] == rows["seed"].min()]
    samples = {case: first.loc[first["case"] == case, "sample"].tolist()[:SHOWN] for case in CASES}
    return Shown(pair if any(samples.values()) else None, samples)


@dataclass(frozen=True)
class Look:
    """How much of its energy an extra-ROI branch has on the companions."""

    count: int  # sauces, of all seeds together
    energy: tuple[float, float, float]  # with the ends of its 95 % interval
    area: float  # the companions' share of the picture
    above_area: int  # sign of energy minus area where the interval excludes zero, else 0
    above_other: int  # the same for energy minus that of another sauce's map
    smallest: float  # energy minus that of another sauce's map that 80 % of repetitions had found


@dataclass(frozen=True)
class Verdict:
    """Of the RveRNet that the rule names, where it rescues a sauce and where it loses one."""

    model: str
    looks: Mapping[str, Look]  # rescued | lost -> where it looks; without a kind that never happens
    more: list[str]  # RveRNets that put more on the companions of all sauces than maps of others do
    less: list[str]  # ... less; both by the interval, uncorrected
    compared: int  # RveRNets


def verdict(companions: pd.DataFrame, pair: Modules | None) -> Verdict | None:
    """From `on_companions`; None where nothing is rescued or lost."""
    if companions.empty or pair is None:
        return None
    rows = companions[companions["model"] == model_name(pair)].set_index("sauces")
    looks = {}
    for case in CASES:
        row = rows.loc[case]
        if row["count"]:
            above, other = (
                int(row[f"{column}_low"] > 0) - int(row[f"{column}_high"] < 0)
                for column in ("above_area", "above_other")
            )
            energy = row["energy"], row["energy_low"], row["energy_high"]
            looks[case] = Look(
                int(row["count"]), energy, float(row["area"]), above, other, float(row["smallest"])
            )
    if not looks:
        return None
    every = companions[companions["sauces"] == "all"]
    return Verdict(
        model_name(pair),
        looks,
        more=list(every.loc[every["above_other_low"] > 0, "model"]),
        less=list(every.loc[every["above_other_high"] < 0, "model"]),
        compared=len(every),
    )
