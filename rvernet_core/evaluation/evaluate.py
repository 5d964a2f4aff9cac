"""A finished run, tested again under another condition: noise, other masks, another context.

    clean, shuffled = Condition(), Condition(noise=Noise("permutation"))
    trials = try_all(runs, [clean, shuffled], cache)[shuffled]      # one Trial per run

Nothing is trained. A trial holds one prediction per test sample, as its run does, and is kept under
<cache>/trials/<run>-<condition>.csv.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import torch
from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.config import fingerprint
from rvernet_core.evaluation.perturbed import Altered, Condition, altered, check
from rvernet_core.features import parts, read_branch
from rvernet_core.models import backbones
from rvernet_core.models.rvernet import BRANCHES
from rvernet_core.runs import Run, predictions_frame
from rvernet_core.training import Model

VERSION = 1  # raised when the same condition comes to mean other pixels


@dataclass(frozen=True)
class Trial:
    """The predictions of one run under one condition; stands wherever a Run's predictions are asked for."""

    run: Run
    condition: Condition
    path: Path

    @property
    def spec(self):
        """The run's spec."""
        return self.run.spec

    @property
    def folder(self) -> Path:
        """The run's folder."""
        return self.run.folder

    @property
    def manifest(self) -> dict:
        """The run's manifest."""
        return self.run.manifest

    @functools.cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per test sample, as of a Run; `donor` names the sample whose context was seen instead."""
        return pd.read_csv(self.path, dtype={"key": str, "image_id": str, "donor": str})


def try_all(
    runs: Sequence[Run],
    conditions: Sequence[Condition],
    cache: Path,
    device: str = "cpu",
    desc: str = "trials",
) -> dict[Condition, list[Trial]]:
    """One trial per condition and run, loaded where it was made before. Shows a progress bar."""
    for condition in conditions:
        check(condition)
    made: dict[Condition, list[Trial]] = {condition: [] for condition in conditions}
    with tqdm(total=len(runs) * len(made), desc=desc, unit="trial", disable=None) as bar:
        for run in runs:
            known: dict = {}  # what the branches read, for conditions that change only the other one
            model, size = None, backbones.input_size(run.spec.model.scale)
            for condition in made:
                path = Path(cache) / "trials" / f"{run.folder.name}-{fingerprint(condition, VERSION)}.csv"
                if not path.exists():
                    pairs = altered(run.spec.data, condition, size, Path(cache))
                    model = model or run.model(len(pairs.classes))
                    _try(run, model, pairs, path, device, known)
                made[condition].append(Trial(run, condition, path))
                bar.update()
    return made


def _seen(condition: Condition, branch: str) -> tuple[str, Condition]:
    """The condition as one branch meets it: equal where it sees the same pixels."""
    met = condition.noise if branch in condition.on else None
    context = condition.context if branch == "extra_roi" else "own"
    return branch, dataclasses.replace(condition, noise=met, on=BRANCHES, context=context)


def _try(run: Run, model: Model, pairs: Altered, path: Path, device: str, known: dict) -> None:
    threads = torch.get_num_threads()
    if run.spec.model.scale == "micro" and device == "cpu":
        torch.set_num_threads(1)  # as in training: the last digits must not depend on the cores
    try:
        keys = [_seen(pairs.condition, part[0]) for part in parts(model.to(device).eval())]
        missing = [(key, part) for key, part in zip(keys, parts(model), strict=True) if key not in known]
        known.update({key: read_branch(part, pairs, device) for key, part in missing})
        with torch.inference_mode():
            chances = model.integrate(*[known[key] for key in keys]).softmax(1).cpu().numpy()
    finally:
        torch.set_num_threads(threads)
    frame = predictions_frame(pairs, chances)
    if pairs.condition.context in ("same", "other"):
        frame["donor"] = [pairs.pairs.keys[i] for i in pairs.donors]
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write_text(path, frame.to_csv(index=False, float_format="%.5f"))
