"""Page 8: what is each part of RveRNet good for?

Freezing is a switch of the release; the other questions are ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rvernet_core import config
from rvernet_core.config import CLEAN, Condition, ModelSpec, RunSpec
from rvernet_core.evaluation import comparisons
from rvernet_core.evaluation.perturbed import perturbed_test_set
from rvernet_core.experiments.study import Modules, Study, named
from rvernet_core.models.backbones import input_size
from rvernet_core.predictions import Predictions

METRICS = ["accuracy", "macro_f1", "pair_f1"]
WIDTHS = (40, 160, 640, 2560)  # units of the integration module
WIDTH = 640  # the paper's
CHANGES: dict[str, dict] = {  # what is changed in the ablated pairs
    "ROI module frozen": {"freeze": ("roi",)},
    "extra-ROI module frozen": {"freeze": ("extra_roi",)},
    "both modules frozen": {"freeze": ("roi", "extra_roi")},
    "pooled features": {"fusion": "features"},
}
OWN_CONTEXT, OTHER_CONTEXT = "its own", "another class"
CONTEXTS = {
    OWN_CONTEXT: CLEAN,
    "black": Condition(context="none"),
    "same class, another photo": Condition(context="same"),
    OTHER_CONTEXT: Condition(context="other"),
}
IN_CONTEXT = "RveRNet, "  # before the name of a context: what is seen
GROWN = (-0.03, -0.015, 0.015, 0.03, 0.06)  # shares of the photo's longer side
FILLS = ("gray", "blur")
EXACT = "exact"  # the cut-outs that others are compared with

Pairs = Mapping[Modules, Sequence[Predictions]]
Singles = Mapping[str, Sequence[Predictions]]


# --- runs ---------------------------------------------------------------------------------------------


def ablated(study: Study) -> dict[str, dict[Modules, list[RunSpec]]]:
    """The ablated pairs with one thing changed each: what was changed -> pair -> one spec per seed."""
    return {
        name: {
            (roi, extra): study.specs(ModelSpec(roi=roi, extra_roi=extra, **change))
            for roi, extra in study.profile.ablated
        }
        for name, change in CHANGES.items()
    }


def widths(study: Study) -> dict[tuple[Modules, int], list[RunSpec]]:
    """The ablated pairs with integration modules of several widths, trained as the grid is."""
    return {
        (pair, width): study.specs(
            config.replace(study.grid_model(*pair), head_width=width), study.profile.grid
        )
        for pair in study.profile.ablated
        for width in WIDTHS
    }


def context_only(study: Study) -> dict[str, list[RunSpec]]:
    """Baselines that see the extra-ROI cut-out alone, for the ROI modules of the ablated pairs."""
    names = dict.fromkeys(roi for roi, _ in study.profile.ablated)
    return {name: study.specs(ModelSpec(roi=None, extra_roi=name)) for name in names}


def whole(study: Study) -> dict[Modules, list[RunSpec]]:
    """The ablated pairs as they are."""
    return {pair: specs for pair, specs in study.pairs().items() if pair in study.profile.ablated}


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """All of the above and the single models, with the profile's seeds for ablations."""
    few = study.with_ablation_seeds()
    jobs = named("single", few.singles()) | named("pair", whole(few)) | named("context", context_only(few))
    for change, pairs in ablated(few).items():
        jobs |= named(f"ablation-{change.lower().replace(' ', '-')}", pairs)
    return jobs | {f"width-{'+'.join(pair)}-{width}": specs for (pair, width), specs in widths(few).items()}


@dataclass(frozen=True)
class Models:
    """The models that are taken apart or compared."""

    singles: Singles
    pairs: Pairs  # the ablated pairs as they are
    ambiguous: tuple[str, str]


def models(study: Study) -> Models:
    """The single models and the ablated pairs as they are."""
    singles, pairs = study.predictions(study.singles()), study.predictions(whole(study))
    return Models(singles, pairs, comparisons.ambiguous_pair(singles, study.classes))


# --- parts --------------------------------------------------------------------------------------------


def parts(study: Study, models: Models) -> pd.DataFrame:
    """One row per ablated pair and variant: scores, and the change of accuracy against the pair as it is.

    p and smallest are those of the change, see `comparisons.compared`: corrected over all variants and pairs.
    """
    tables = [_scores(study, models, models.pairs).assign(variant="as it is")]
    keys, found = [], []
    for name, specs in ablated(study).items():
        runs = study.predictions(specs)
        tables.append(_scores(study, models, runs).assign(variant=name))
        for pair, part in runs.items():
            keys.append({"model": comparisons.model_name(pair), "variant": name})
            found.append(comparisons.difference(part, models.pairs[pair], "accuracy", study.classes))
    changes = comparisons.compared(keys, found, "change")
    table = pd.concat(tables, ignore_index=True).merge(changes, on=["model", "variant"], how="left")
    return table.sort_values("model", kind="stable", ignore_index=True)


@dataclass(frozen=True)
class PartFacts:
    """What is seen of the parts."""

    worst: pd.Series  # the row with the largest loss
    lower: int  # changes that are shown to lower accuracy, after Holm's correction
    higher: int
    changes: int


def part_facts(table: pd.DataFrame) -> PartFacts:
    """From `parts`."""
    rows = table.dropna(subset=["change"])
    worst = rows.loc[rows["change"].idxmin()]
    signs = comparisons.shown(rows, "change")
    return PartFacts(worst, int((signs < 0).sum()), int((signs > 0).sum()), len(rows))


def by_width(study: Study, models: Models) -> pd.DataFrame:
    """One row per ablated pair and width of the integration module (columns pair, width).

    With the `change` of accuracy against the paper's width; p and smallest are those of the change, see
    `comparisons.compared`.
    """
    runs = study.predictions(widths(study))
    names = {(comparisons.model_name(pair), width): part for (pair, width), part in runs.items()}
    table = _scores(study, models, {f"{pair}, {width}": part for (pair, width), part in names.items()})
    table["pair"], table["width"] = zip(*names, strict=True)
    keys = [{"pair": pair, "width": width} for pair, width in names if width != WIDTH]
    found = [
        comparisons.difference(names[pair, width], names[pair, WIDTH], "accuracy", study.classes)
        for pair, width in names
        if width != WIDTH
    ]
    return table.merge(comparisons.compared(keys, found, "change"), on=["pair", "width"], how="left")


# --- context ------------------------------------------------------------------------------------------


def under_contexts(study: Study, models: Models) -> dict[str, dict[Modules, list[Predictions]]]:
    """The ablated pairs with their own, no or a foreign context at the test."""
    return study.evaluate(models.pairs, CONTEXTS)


def context_scores(
    study: Study, models: Models, evaluated: Mapping[str, Mapping[Modules, Sequence[Predictions]]]
) -> pd.DataFrame:
    """Scores of single models on either cut-out, and of the pairs in every context (column context).

    With the `change` of a pair's accuracy against its own context, empty in other rows; p and smallest are
    those of the change, see `comparisons.compared`.
    """
    rois = {roi for roi, _ in models.pairs}
    kinds = {
        "ROI alone": {name: runs for name, runs in models.singles.items() if name in rois},
        "context alone": study.predictions(context_only(study)),
        **{f"{IN_CONTEXT}{name}": runs for name, runs in evaluated.items()},
    }
    rows = [_scores(study, models, runs).assign(context=name) for name, runs in kinds.items()]
    table, changes = pd.concat(rows, ignore_index=True), _context_changes(study, evaluated)
    return table if changes.empty else table.merge(changes, on=["context", "model"], how="left")


def _context_changes(
    study: Study, evaluated: Mapping[str, Mapping[Modules, Sequence[Predictions]]]
) -> pd.DataFrame:
    """Change of accuracy in each other context against the pair's own, see `comparisons.compared`."""
    keys, found = [], []
    for name, runs in evaluated.items():
        if name == OWN_CONTEXT:
            continue
        for pair, part in runs.items():
            keys.append({"context": f"{IN_CONTEXT}{name}", "model": comparisons.model_name(pair)})
            own = evaluated[OWN_CONTEXT][pair]
            found.append(comparisons.difference(part, own, "accuracy", study.classes))
    return comparisons.compared(keys, found, "change")


def swapped(study: Study, models: Models, evaluated: Mapping[str, Pairs]) -> pd.DataFrame:
    """One row per pair: how often it names the other sauce in that one's context, and in the own one.

    evaluated: see `under_contexts`. Columns: see `comparisons.following`.
    """
    indices = [study.classes.index(name) for name in models.ambiguous]
    return comparisons.following(evaluated[OTHER_CONTEXT], evaluated[OWN_CONTEXT], indices)


@dataclass(frozen=True)
class Turned:
    """Samples whose answer turns with the context, of the first pair and seed."""

    pair: Modules
    rows: pd.DataFrame  # sample, context_source, before and after (class names)
    images: list[list[np.ndarray]]  # ROI, own context, exchanged context: uint8 (S, S, 3)


def turned_by_context(study: Study, models: Models, evaluated: Mapping[str, Pairs], count: int = 6) -> Turned:
    """Sauces that are right in their own context and taken for the other sauce in the other's."""
    pair = next(iter(models.pairs))
    before, after = (evaluated[name][pair][0].table for name in (OWN_CONTEXT, OTHER_CONTEXT))
    indices = [study.classes.index(name) for name in models.ambiguous]
    right = after["label"].isin(indices) & (before["predicted"] == after["label"])
    other = (after["predicted"] != after["label"]) & after["predicted"].isin(indices)
    chosen = after.index[right & other][:count].to_numpy()
    rows = pd.DataFrame(
        {
            "sample": after["key"][chosen],
            "context_source": after["context_source"][chosen],
            "before": [study.classes[k] for k in before["predicted"][chosen]],
            "after": [study.classes[k] for k in after["predicted"][chosen]],
        }
    )
    size = input_size(study.profile.scale)
    own, foreign = (
        perturbed_test_set(study.store, study.profile.data, CONTEXTS[name], size)
        for name in (OWN_CONTEXT, OTHER_CONTEXT)
    )
    images = [own.images("roi", chosen), own.images("extra_roi", chosen), foreign.images("extra_roi", chosen)]
    return Turned(pair, rows, [list(line) for line in images])


# --- masks --------------------------------------------------------------------------------------------


def mask_photos(study: Study) -> int:
    """Test photos behind the comparison of cut-outs."""
    photos = len({sample.image_id for sample in study.data.test.samples})
    return min(study.profile.evaluation_photos or 300, photos)


def other_cutouts(study: Study, models: Models) -> dict[str, dict]:
    """Single models and ablated pairs on other cut-outs of the same photos: how they are cut -> models."""
    photos = mask_photos(study)
    conditions = {
        EXACT: Condition(masks="exact", photos=photos),
        "SAM": Condition(masks="sam", sam=study.profile.sam, photos=photos),
        **{f"{100 * share:+g} %": Condition(grow=share, photos=photos) for share in GROWN},
        **{fill: Condition(fill=fill, photos=photos) for fill in FILLS},
    }
    return study.evaluate({**models.singles, **models.pairs}, conditions)


def cutout_accuracy(study: Study, evaluated: Mapping[str, Mapping]) -> pd.DataFrame:
    """One row per model and kind of cut-outs (column cutouts)."""
    rows = [
        comparisons.summary(runs, ["accuracy"], study.classes).assign(cutouts=name)
        for name, runs in evaluated.items()
    ]
    return pd.concat(rows, ignore_index=True)


def cutout_changes(study: Study, evaluated: Mapping[str, Mapping]) -> pd.DataFrame:
    """Change in accuracy with SAM's masks and with other fillings, against exact masks and black.

    p is corrected over all rows, see `comparisons.compared`.
    """
    exact, keys, found = evaluated[EXACT], [], []
    for name in ("SAM", *FILLS):
        for model, runs in evaluated[name].items():
            keys.append({"cutouts": name, "model": comparisons.model_name(model)})
            found.append(comparisons.difference(runs, exact[model], "accuracy", study.classes))
    return comparisons.compared(keys, found, "change")


def _scores(study: Study, models: Models, runs: Mapping) -> pd.DataFrame:
    return comparisons.summary(runs, METRICS, study.classes, models.ambiguous)
