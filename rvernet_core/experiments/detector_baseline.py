"""Page 2, continued: is a classifier of cut-outs simpler to train than a detector (abstract, claim 1)?

Beside single models stand nets of the same backbone that see the whole photo and name its cells, see
`rvernet_core.detector`: trained as the classifiers are, and asked for the same foods.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from rvernet_core import config
from rvernet_core.config import RunSpec
from rvernet_core.data.cutout_set import masks_at
from rvernet_core.detector import WITHOUT_PHOTOS
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments.study import Study, named
from rvernet_core.models.backbones import input_size
from rvernet_core.predictions import FOUND, Predictions

Singles = Mapping[str, Sequence[Predictions]]  # backbone -> one per seed


def specs(study: Study) -> dict[str, list[RunSpec]]:
    """The detector-like nets: backbone -> one spec per seed. None where the data have no whole photos.

    All that decides a classifier's training decides theirs, its recipe included.
    """
    profile = study.profile
    if profile.data.name in WITHOUT_PHOTOS:
        return {}
    few = study.with_seeds(profile.detector_seeds)
    names = [name for name in study.backbones if name in profile.detectors] or study.backbones[:1]
    return {name: [_as_detector(spec) for spec in few.singles()[name]] for name in names}


def _as_detector(spec: RunSpec) -> RunSpec:
    return config.replace(spec, model=config.replace(spec.model, fusion="features", detector=True))


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """The detector-like nets."""
    return named("detector", specs(study))


def weights(study: Study) -> dict[str, list[RunSpec]]:
    """The one whose map is shown: the first seed of the first backbone."""
    return {name: part[:1] for name, part in list(needs(study).items())[:1]}


def against(study: Study, singles: Singles, detectors: Singles) -> pd.DataFrame:
    """Accuracy of each classifier minus that of its detector-like net, paired over seeds and photos.

    One row per backbone: accuracies of both, columns of `comparisons.compared`, the share of foods that the
    detector-like net finds by itself (`detector.answers`), seconds a run of both, and seeds. Empty without
    detector-like nets.
    """
    keys, found, beside = [], [], []
    for name, nets in detectors.items():
        of_seed = {run.spec.seed: run for run in singles[name]}
        classifiers = [of_seed[net.spec.seed] for net in nets]
        found.append(comparisons.difference(classifiers, nets, "accuracy", study.classes))
        both = {"classifier": classifiers, "detector": nets}
        keys.append({"model": name} | {kind: _accuracy(runs) for kind, runs in both.items()})
        seconds = {
            f"{kind}_seconds": float(np.mean([run.manifest["seconds"] for run in runs]))
            for kind, runs in both.items()
        }
        alone = float(np.mean([run.table[FOUND].mean() for run in nets]))
        beside.append({"found": alone, **seconds, "seeds": len(nets)})
    table = comparisons.compared(keys, found, "difference")
    return table.join(pd.DataFrame(beside))


def _accuracy(runs: Sequence[Predictions]) -> float:
    return float(np.mean([(run.predicted == run.labels).mean() for run in runs]))


@dataclass(frozen=True)
class Shown:
    """A test photo, and what a detector-like net says about its cells."""

    image_id: str
    photo: np.ndarray  # uint8 (S, S, 3), as the net sees it
    foods: tuple[str, ...]  # those in the photo
    masks: np.ndarray  # bool (foods, S, S)
    found: tuple[bool, ...]  # which of the foods the net finds by itself
    named: np.ndarray  # str (7, 7): the class of each cell; empty for background
    cells: np.ndarray  # str (7, 7): the class that it was to be given


def shown(study: Study, count: int = 4) -> tuple[str, list[Shown]]:
    """The backbone whose net is shown, and its answers on the `count` test photos with the most foods.

    Its weights are loaded, or trained for. Without detector-like nets nothing is shown.
    """
    nets = specs(study)
    if not nets:
        return "", []
    name = next(iter(nets))
    (run,) = study.runs({name: nets[name][:1]})[name]
    size, test = input_size(study.profile.scale), study.data.test
    photos = study.store.whole_photos(run.spec.data, "test", size)
    groups = sorted(test.photo_groups(), key=len, reverse=True)[:count]
    model, found = run.model(), run.predictions.table[FOUND].to_numpy()
    with torch.inference_mode():
        first = np.array([group[0] for group in groups])
        cell_logits = model(photos.batch("roi", first, None, "cpu"))
    names = np.array([*study.classes, ""])
    pictures, targets = photos.images("roi", first), photos.targets(first)
    return name, [
        Shown(
            test.samples[group[0]].image_id,
            pictures[k],
            tuple(test.samples[i].class_name for i in group),
            masks_at(test, size, group),
            tuple(bool(found[i]) for i in group),
            names[cell_logits[k].argmax(0).numpy()],
            names[targets[k]],
        )
        for k, group in enumerate(groups)
    ]
