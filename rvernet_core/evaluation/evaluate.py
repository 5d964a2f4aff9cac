"""Trained runs evaluated again under other conditions: noise, other masks, another context.

    noisy = Condition(noise=Noise("permutation"))
    evaluate(runs, [CLEAN, noisy], store)[noisy]      # one Predictions per run

Nothing is trained. Each evaluation holds one answer per test sample and is kept, with its condition, under
<cache>/evaluations, under a name made of the run, its weights and the condition; see `evaluated`.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path

import torch
from tqdm.auto import tqdm

from rvernet_core import downloads, files, training
from rvernet_core.config import BRANCHES, Condition, fingerprint, from_dict
from rvernet_core.data.cutout_set import CutoutSet
from rvernet_core.errors import ConfigError
from rvernet_core.evaluation.perturbed import check, perturbed_test_set
from rvernet_core.features import branch_features
from rvernet_core.models import backbones
from rvernet_core.models.rvernet import Classifier
from rvernet_core.models.zoo import CARDS
from rvernet_core.predictions import PREDICTIONS, Predictions, predictions_table, read_table, write_table
from rvernet_core.runs import Run, RunStore
from rvernet_core.sealed import is_intact, sealed_folder

CONDITION = "condition.json"
VERSION = 1  # raised when the same condition comes to mean other pixels


def evaluate(
    runs: Sequence[Run], conditions: Sequence[Condition], store: RunStore, desc: str = "evaluations"
) -> dict[Condition, list[Predictions]]:
    """The answers of each run under each condition, loaded where they were computed before.

    Shows a progress bar. Raises ConfigError for a condition that means nothing, before any work.
    """
    for condition in conditions:
        check(condition)
    if conditions and (whole := [run.folder.name for run in runs if run.spec.model.detector]):
        raise ConfigError(f"{whole[0]} is a detector of whole photos; conditions are of cut-outs alone")
    results: dict[Condition, list[Predictions]] = {condition: [] for condition in conditions}
    with tqdm(total=len(runs) * len(results), desc=desc, unit="evaluation", disable=None) as bar:
        for run in runs:
            features: dict = {}  # of branches, for conditions that change only the other branch
            model: Classifier | None = None
            for condition in results:
                folder = _folder(run, condition, store)
                if not is_intact(folder):
                    size = backbones.input_size(run.spec.model.scale)
                    cutouts = perturbed_test_set(store, run.spec.data, condition, size)
                    model = model or run.model().to(store.device)
                    _evaluate(run, model, cutouts, condition, folder, store.device, features)
                table = read_table(folder / PREDICTIONS)
                results[condition].append(
                    Predictions(run.folder.name, run.spec, table, run.manifest, condition)
                )
                bar.update()
    return results


def evaluated(run: Run, store: RunStore) -> list[Predictions]:
    """The answers of `run` under every condition under which it was evaluated in this cache."""
    found = []
    for folder in sorted((store.cache / "evaluations").glob(f"{run.folder.name}-*")):
        if is_intact(folder) and (folder / CONDITION).is_file():  # versions before kept no condition
            condition = from_dict(Condition, json.loads((folder / CONDITION).read_text("utf-8")))
            if folder == _folder(run, condition, store):
                table = read_table(folder / PREDICTIONS)
                found.append(Predictions(run.folder.name, run.spec, table, run.manifest, condition))
    return found


def _folder(run: Run, condition: Condition, store: RunStore) -> Path:
    weights = [run.manifest["checkpoint_sha256"], *_mask_weights(condition)]
    return store.cache / "evaluations" / f"{run.folder.name}-{fingerprint(*weights, condition, VERSION)}"


def _mask_weights(condition: Condition) -> list[str]:
    """The weights of the Segment Anything net whose masks the condition takes; none where it takes none."""
    if condition.masks != "sam":
        return []
    published = {name: item.sha256 for name, item in downloads.SAM.items()}
    return [str({"micro": CARDS["sam-micro"]["sha256"], **published}[condition.sam])]


def _evaluate(
    run: Run,
    model: Classifier,
    cutouts: CutoutSet,
    condition: Condition,
    folder: Path,
    device: str,
    features: dict[tuple[str, Condition], torch.Tensor],
) -> None:
    """Write the answers of one run; `features` is filled for the next condition of the same run."""
    with training.reproducible_threads(run.spec.model, device):
        keys = [_as_seen_by(branch, condition) for branch in model.eval().branches]
        for branch, key in zip(model.branches, keys, strict=True):
            if key not in features:
                features[key] = branch_features(model, branch, cutouts, device)
        with torch.inference_mode():
            logits = model.answer(model.classify(*[features[key] for key in keys]))
            training.require_finite(logits)
            probabilities = logits.softmax(1).cpu().numpy()
    table = predictions_table(cutouts.samples(), cutouts.classes, probabilities)
    if cutouts.context_sources is not None:
        table["context_source"] = cutouts.context_sources
    with sealed_folder(folder) as staging:
        write_table(staging / PREDICTIONS, table)
        (staging / CONDITION).write_text(files.as_json(dataclasses.asdict(condition)), "utf-8")


def _as_seen_by(branch: str, condition: Condition) -> tuple[str, Condition]:
    """The condition as one branch meets it: equal where it sees the same pixels."""
    noise = condition.noise if branch in condition.on else None
    context = condition.context if branch == "extra_roi" else "own"
    return branch, dataclasses.replace(condition, noise=noise, on=BRANCHES, context=context)
