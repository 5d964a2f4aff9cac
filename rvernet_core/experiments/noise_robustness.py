"""Page 6: what do permutation and translocation cost each architecture, and why (abstract, claim 6)?

Here the fine-tuned models are evaluated again on perturbed test sets; what they know of positions is measured
in `inductive_bias`, and models that are trained with noise in `noise_training`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from rvernet_core.config import Condition, Noise, RunSpec
from rvernet_core.data import noise
from rvernet_core.evaluation import comparisons, robustness
from rvernet_core.evaluation.comparisons import Models
from rvernet_core.evaluation.perturbed import perturbed_test_set
from rvernet_core.evaluation.robustness import subset_like
from rvernet_core.experiments import noise_training
from rvernet_core.experiments.noises import INPUTS, KINDS, PARTS, SHIFTS, photo_counts, shifts, tiles
from rvernet_core.experiments.study import Study, named
from rvernet_core.models.backbones import input_size
from rvernet_core.predictions import Predictions
from rvernet_core.uncertainty import Estimate, Leading, Omnibus

METRICS = ["accuracy", "macro_f1", "pair_f1"]


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """The fine-tuned single models and pairs, and those that are trained with noise."""
    return named("single", study.singles()) | named("pair", study.pairs()) | noise_training.needs(study)


def weights(study: Study) -> dict[str, list[RunSpec]]:
    """Those whose weights are needed, to measure what they know of positions: the single models."""
    return named("single", study.singles())


@dataclass(frozen=True)
class Examples:
    """One sample under every noise, as both modules see it."""

    noises: list[dict[str, Noise | None]]  # per group of noises: name -> noise
    images: list[list[np.ndarray]]  # per group the ROI's line, then the extra-ROI's: uint8 (S, S, 3)


def examples(study: Study) -> Examples:
    """The largest sample of the first photos under permutations, and under shifts and their parts."""
    groups: list[dict[str, Noise | None]] = [
        {"clean": None, **tiles()},
        {**dict(list(shifts().items())[2:]), **dict(list(PARTS.items())[1:])},
    ]
    size = input_size(study.profile.scale)
    areas = {sample.key: sample.area for sample in study.data.test.samples}
    lines = []
    for group in groups:
        for branch in ("roi", "extra_roi"):
            sets = [
                perturbed_test_set(study.store, study.profile.data, Condition(noise=n, photos=3), size)
                for n in group.values()
            ]
            largest = int(np.argmax([areas[key] for key in sets[0].keys]))
            lines.append([cutouts.images(branch, np.array([largest]))[0] for cutouts in sets])
    return Examples(groups, lines)


# --- at the release's settings ------------------------------------------------------------------------


@dataclass(frozen=True)
class Released:
    """The fine-tuned models under both noises at the release's settings, and clean on the same photos."""

    ambiguous: tuple[str, str]
    singles: Models  # clean, on all test photos
    pairs: Models
    clean_singles: Models  # clean, on the photos of the noisy ones
    clean_pairs: Models
    noisy_singles: Mapping[str, Models]  # kind of noise -> models
    noisy_pairs: Mapping[tuple[str, str], Models]  # (kind, input that the noise falls on) -> models


def released(study: Study) -> Released:
    """Every fine-tuned model under both noises; RveRNets with the noise on either input and on both."""
    photos, _ = photo_counts(study)
    singles, pairs = study.predictions(study.singles()), study.predictions(study.pairs())
    noisy_singles = study.evaluate(singles, {k: Condition(noise=n, photos=photos) for k, n in KINDS.items()})
    conditions = {
        (kind, name): Condition(noise=n, on=on, photos=photos)
        for kind, n in KINDS.items()
        for name, on in INPUTS.items()
    }
    noisy_pairs = study.evaluate(pairs, conditions)
    like = next(iter(noisy_singles["permutation"].values()))[0]
    return Released(
        comparisons.ambiguous_pair(singles, study.classes),
        singles,
        pairs,
        subset_like(singles, like),
        subset_like(pairs, like),
        noisy_singles,
        noisy_pairs,
    )


def cost_of_noise(study: Study, released: Released, kind: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores clean and noisy and their drops, of single models and of RveRNets (column `noise on`)."""
    how = METRICS, study.classes, released.ambiguous
    single = robustness.costs(released.clean_singles, {"ROI": released.noisy_singles[kind]}, *how)
    noisy = {name: released.noisy_pairs[kind, name] for name in INPUTS}
    return single.drop(columns="noise on"), robustness.costs(released.clean_pairs, noisy, *how)


@dataclass(frozen=True)
class NoiseFacts:
    """What one noise costs."""

    worst: str  # single model that loses most accuracy
    best: str
    most: float
    least: float
    spread: Estimate  # how much more the worst loses than the best; picked as the extremes, so flattered
    losing: Leading  # the single models that may lose most, and those that may lose least
    keeping: Leading
    test: Omnibus  # of whether the losses differ between the single models at all, see `corrected`
    pairs: dict[str, float]  # input that the noise falls on -> mean drop of the RveRNets; NaN without any
    shown: dict[
        str, int
    ]  # single, or that input -> models shown to lose accuracy, corrected over their table
    models: dict[str, int]  # the same -> models
    levels: dict[str, tuple[float, float]]  # single model -> accuracy clean and under the noise

    @property
    def depends(self) -> bool:
        """Whether robustness is shown to depend on the architecture: by one test over all models."""
        return self.test.differs


def noise_facts(
    study: Study, released: Released, kind: str, single: pd.DataFrame, pair: pd.DataFrame
) -> NoiseFacts:
    """From the two tables of `cost_of_noise`."""
    drops = single.set_index("model")["accuracy_drop"]
    clean, noisy = released.clean_singles, released.noisy_singles[kind]
    losing, keeping, test = robustness.compared_losses(clean, noisy, "accuracy", study.classes)
    worst, best = losing.group[0], keeping.group[0]
    spread = robustness.drop(
        clean[worst], noisy[worst], "accuracy", study.classes, against=(clean[best], noisy[best])
    )
    parts = {name: pair[pair["noise on"] == name] for name in INPUTS}
    means = {name: float(part["accuracy_drop"].mean()) for name, part in parts.items()}
    tables = {"single": single, **parts}
    signs = {key: comparisons.shown(t, "accuracy_drop", "accuracy_drop_p") for key, t in tables.items()}
    shown = {key: int((sign > 0).sum()) for key, sign in signs.items()}
    models = {key: len(table) for key, table in tables.items()}
    extremes = worst, best, drops.max(), drops.min(), spread
    ends = single[["model", "accuracy_clean", "accuracy"]].itertuples(index=False)
    levels = {str(name): (float(clean), float(noisy)) for name, clean, noisy in ends}
    return NoiseFacts(*extremes, losing, keeping, test, means, shown, models, levels)


def corrected(facts: Mapping[str, NoiseFacts]) -> dict[str, NoiseFacts]:
    """The same facts of all noises, their tests corrected over them by Holm's method."""
    tests = robustness.corrected({kind: f.test for kind, f in facts.items()})
    return {kind: replace(f, test=tests[kind]) for kind, f in facts.items()}


# --- over severity ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Sweep:
    """Accuracy over severity, on few photos."""

    photos: int
    like: Predictions  # one evaluation on these photos
    singles: Mapping[str, Models]  # name of a noise -> models
    curves: dict[tuple[str, str], pd.DataFrame]  # (kind, single | RveRNet) -> see `robustness.along`

    @property
    def groups(self) -> list[str]:
        """Those of single models and RveRNets that there are."""
        return [g for g in ("single", "RveRNet") if len(self.curves["permutation", g])]


def sweep(study: Study, released: Released) -> Sweep:
    """Every fine-tuned model under ever smaller tiles and ever larger shifts."""
    _, photos = photo_counts(study)
    permutations, translocations = tiles(), dict(list(shifts().items())[1:])
    steps = {"permutation": permutations, "translocation": translocations}
    new = {n: k for n, k in (permutations | translocations).items() if k not in KINDS.values()}
    conditions = {name: Condition(noise=kind, photos=photos) for name, kind in new.items()}
    models = {"single": released.singles, "RveRNet": released.pairs}
    evaluated = {group: study.evaluate(part, conditions) for group, part in models.items()}
    like = next(iter(evaluated["single"][next(iter(new))].values()))[0]
    curves = {}
    for kind, names in steps.items():
        for group, part in models.items():
            as_released = (
                released.noisy_singles[kind] if group == "single" else released.noisy_pairs[kind, "both"]
            )
            along = {"clean": subset_like(part, like)}
            for name in names:  # the release's own settings were evaluated before
                along[name] = evaluated[group][name] if name in new else subset_like(as_released, like)
            curve = robustness.along(along, "accuracy", study.classes, what="noise")
            curve["step"] = curve["noise"].map({name: i for i, name in enumerate(along)})
            share = curve["step"].map(dict(enumerate(SHIFTS.values())))
            curves[kind, group] = curve.assign(group=group, share=share)
    return Sweep(photos, like, evaluated["single"], curves)


def ranks(sweep: Sweep) -> pd.DataFrame:
    """Rank of every single model at every severity of both noises; `text` marks shared ranks with "="."""
    parts = []
    for kind in KINDS:
        part = robustness.ranks(sweep.curves[kind, "single"], "noise").assign(kind=kind)
        shared = part["tied"].map({True: "=", False: ""})
        parts.append(part.assign(text=part["rank"].astype(str) + shared))
    return pd.concat(parts, ignore_index=True)


def crossings(sweep: Sweep) -> pd.DataFrame:
    """Pairs of single models that change their order, clearly on both sides; see `robustness.crossings`."""
    parts = [robustness.crossings(sweep.curves[kind, "single"], "noise").assign(kind=kind) for kind in KINDS]
    return pd.concat(parts, ignore_index=True)


# --- translocation, taken apart -----------------------------------------------------------------------


def surviving_share(study: Study, sweep: Sweep) -> pd.DataFrame:
    """One row per shift: the ROI's pixels that stay in the frame, and the accuracy of the single models.

    The bounds of `ROI kept` are the 10 % and 90 % quantiles over ROIs.
    """
    size, samples = input_size(study.profile.scale), study.data.test.samples
    keys = set(sweep.like.table["key"])
    masks = [study.data.test.mask(i) for i, sample in enumerate(samples) if sample.key in keys]
    curve = sweep.curves["translocation", "single"]
    accuracy = curve.pivot(index="step", columns="model", values="value")[list(study.backbones)]
    rows = []
    for severity, share in SHIFTS.items():
        kept = np.array([noise.surviving_share(mask, size, severity=severity) for mask in masks])
        low, high = np.quantile(kept, [0.1, 0.9])
        row = {"up by": share, "ROI kept": kept.mean(), "ROI kept_low": low, "ROI kept_high": high}
        rows.append(row | {"kept whole": (kept > 0.99).mean()})
    return pd.concat([pd.DataFrame(rows), accuracy.reset_index(drop=True)], axis=1)


def shift_taken_apart(study: Study, released: Released, sweep: Sweep) -> pd.DataFrame:
    """Tidy: accuracy of the single models clean, under the release's shift, and under its parts."""
    evaluated = {"clean": released.singles, "moved on gray": released.noisy_singles["translocation"]}
    along = {name: subset_like(models, sweep.like) for name, models in evaluated.items()}
    conditions = {n: Condition(noise=k, photos=sweep.photos) for n, k in PARTS.items() if n not in evaluated}
    along |= study.evaluate(released.singles, conditions)
    return robustness.along(along, "accuracy", study.classes, what="noise")


@dataclass(frozen=True)
class ShiftFacts:
    """What the parts of the release's shift cost, averaged over the single models."""

    lost: dict[str, float]  # part -> accuracy lost
    rolled_most: str  # model that loses most by the shift alone
    rolled_least: str
    rolled_costs: tuple[float, float]  # their losses; below zero it gains
    canvas_most: str  # model that the gray canvas harms most
    canvas_cost: float  # its loss by the canvas
    apart: dict[str, tuple[float, float]]  # model -> its losses by shift without loss, by loss without shift


def shift_facts(study: Study, apart: pd.DataFrame) -> ShiftFacts:
    """From `shift_taken_apart`."""
    wide = apart.pivot(index="model", columns="noise", values="value").loc[list(study.backbones)]
    rolled, canvas = wide["clean"] - wide["rolled"], wide["moved on black"] - wide["moved on gray"]
    return ShiftFacts(
        lost={name: (wide["clean"] - wide[name]).mean() for name in PARTS},
        rolled_most=rolled.idxmax(),
        rolled_least=rolled.idxmin(),
        rolled_costs=(rolled.max(), rolled.min()),
        canvas_most=canvas.idxmax(),
        canvas_cost=canvas.max(),
        apart={
            str(name): (
                float(rolled[name]),
                float(wide.at[name, "clean"] - wide.at[name, "covered in black"]),
            )
            for name in wide.index
        },
    )


# --- RveRNet against its ROI module -------------------------------------------------------------------


def rvernet_against_single(study: Study, released: Released) -> pd.DataFrame:
    """How much more accuracy each RveRNet loses, with noise on both inputs, than its ROI module alone.

    The verdicts are corrected over all rows.
    """
    keys, found = [], []
    for kind in KINDS:
        for (roi, extra_roi), runs in released.clean_pairs.items():
            noisy = released.noisy_pairs[kind, "both"][roi, extra_roi]
            alone = released.clean_singles[roi], released.noisy_singles[kind][roi]
            found.append(robustness.drop(runs, noisy, "accuracy", study.classes, against=alone))
            keys.append({"model": f"{roi} + {extra_roi}", "against": roi, "noise": kind})
    table = comparisons.compared(keys, found, "loses more by")
    if table.empty:
        return table
    words = {1: "less robust", -1: "more robust", 0: "undecided"}
    return table.assign(verdict=comparisons.shown(table, "loses more by").map(words))
