"""Page 6, why: what do the single models know of positions, and does that explain what noise costs them?

The usual explanation is inductive bias: position embeddings, token mixing, or neighbours wherever they lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from rvernet_core.config import Condition
from rvernet_core.data import noise
from rvernet_core.evaluation import comparisons, position, robustness
from rvernet_core.evaluation.perturbed import perturbed_test_set
from rvernet_core.evaluation.robustness import subset_like
from rvernet_core.experiments.noise_robustness import Released, Sweep
from rvernet_core.experiments.noises import patches, tile_name
from rvernet_core.experiments.study import Study
from rvernet_core.models.backbones import facts, input_size

AS_RELEASED, OWN = "as released", "own patches"  # tiles, see `own_against_half`


@dataclass(frozen=True)
class Positions:
    """What the single models know of positions: see `evaluation.position`."""

    images: int  # test ROIs that are measured
    blindness: pd.DataFrame  # one row per model, seed and state of the position information
    summary: pd.DataFrame  # indexed by (model, positions): mean over seeds, largest change of a logit
    patch: int  # px of the input: the smallest patch of the nets
    rolled: pd.DataFrame  # one row per model and step: change with range over seeds


def positions(study: Study, sweep: Sweep) -> Positions:
    """Shuffle own patches with and without position information, and roll the image around."""
    size = input_size(study.profile.scale)
    data = perturbed_test_set(study.store, study.profile.data, Condition(photos=sweep.photos), size)
    images = data.images("roi", np.arange(min(100, len(data))))
    runs, device = study.runs(study.singles()), study.store.device
    blindness = position.blindness(runs, images, data.labels[:100], device)
    patch = int(blindness["patch"].min())
    steps = [step for step in (patch // 2, patch, 2 * patch, 4 * patch) if step < size]
    rolled = position.rolled_over_seeds(position.rolled_features(runs, images, steps, device))
    return Positions(len(images), blindness, position.blindness_over_seeds(blindness), patch, rolled)


@dataclass(frozen=True)
class BlindnessFacts:
    """Whether nets without position information are blind to a shuffle of their own patches."""

    change: float  # largest change of any logit under own patches; NaN where no net has such information
    same: float  # smallest share of answers that stay under own patches
    half: float  # largest share that stay under half patches
    holds: bool


def blindness_facts(measured: Positions) -> BlindnessFacts:
    """Blind: the largest change is below one hundredth of the smallest change under half patches."""
    removed = measured.summary[measured.summary.index.get_level_values("positions") == position.REMOVED]
    change, half = removed["change_whole"].max(), removed["change_half"].min()
    holds = bool(len(removed)) and change < 0.01 * half
    return BlindnessFacts(change, removed["same_whole"].min(), removed["same_half"].max(), holds)


def own_against_half(study: Study, released: Released, sweep: Sweep, measured: Positions) -> pd.DataFrame:
    """Accuracy of the single models under `whole` tiles and under `half` of them: two rows per model.

    tiles: AS_RELEASED, 1/14 of the input's side and cut from the photo; or OWN, the net's own patches (of a
    CNN: squares as wide as its total stride), cut from the input. `side` is a whole tile's in pixels of the
    input, `difference` the accuracy under whole tiles minus that under half ones.
    """
    size = input_size(study.profile.scale)
    tile = noise.scaled(noise.RELEASE_PATCH, size)
    own_side = measured.blindness.groupby("model")["patch"].first()
    clean = subset_like(released.singles, sweep.like)
    whole = subset_like(released.noisy_singles["permutation"], sweep.like)
    half = sweep.singles[tile_name(noise.RELEASE_PATCH / 2)]
    keys, found = [], []
    for name, runs in released.singles.items():
        side = int(own_side[name])
        permutations = {"whole": patches(side, size), "half": patches(side // 2, size)}
        conditions = {part: Condition(noise=n, photos=sweep.photos) for part, n in permutations.items()}
        own = study.evaluate({name: runs}, conditions)
        models = {AS_RELEASED: (whole[name], half[name]), OWN: (own["whole"][name], own["half"][name])}
        for tiles, (first, second) in models.items():
            parts = {"clean": clean[name], "whole": first, "half": second}
            curve = robustness.along({p: {name: r} for p, r in parts.items()}, "accuracy", study.classes)
            key = {"model": name, "tiles": tiles, "side": side if tiles == OWN else tile}
            keys.append(key | dict(zip(parts, curve["value"], strict=True)))
            found.append(comparisons.difference(first, second, "accuracy", study.classes))
    return comparisons.compared(keys, found, "difference")


@dataclass(frozen=True)
class RollFacts:
    """How far pooled features move under a roll."""

    step: int  # px: twice the patch
    least: tuple[str, float]  # model and its change
    most: tuple[str, float]
    cnn: float  # least change of a CNN; NaN where there is none
    transformer: float  # least change of a transformer
    verdict: str  # holds | does not hold | cannot be tested: the CNN moves less than any transformer
    off_grid: float  # mean change of the transformers at half a patch
    on_grid: float  # at a whole one


def roll_facts(study: Study, measured: Positions) -> RollFacts:
    """From the rolled features."""
    rolled, step = measured.rolled, 2 * measured.patch
    after = rolled[rolled["step"] == step].set_index("model")["change"]
    families = {
        family: [name for name in study.backbones if facts(name).family == family]
        for family in ("cnn", "transformer")
    }
    cnn, transformer = (after[families[family]].min() for family in families)
    verdict = (
        "holds" if cnn < transformer else "does not hold" if all(families.values()) else "cannot be tested"
    )
    means = rolled[rolled["model"].isin(families["transformer"])].groupby("step")["change"].mean()
    return RollFacts(
        step,
        (after.idxmin(), after.min()),
        (after.idxmax(), after.max()),
        cnn,
        transformer,
        verdict,
        means.get(measured.patch // 2, float("nan")),
        means.get(measured.patch, float("nan")),
    )
