"""A run: its identity, its folder, its manifest; loaded where it exists, trained where it does not.

    <cache>/runs/<id>/        spec, manifest, metrics (.json), history, predictions (.csv), model.safetensors
    <cache>/runs/<id>.part/   checkpoints of a run under way, or failed.json

The id is made of the spec, the data's fingerprint and the protocol number. A folder without `.part`
is complete: it was renamed into place last.
"""

from __future__ import annotations

import functools
import json
import platform
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from safetensors.torch import save_file
from tqdm.auto import tqdm

from rvernet_core import PROTOCOL, distillation, environment, files, metrics, training
from rvernet_core.config import AMBIGUOUS, DataSpec, RunSpec, fingerprint, from_dict, to_dict
from rvernet_core.data import FoodData, open_data
from rvernet_core.data.cutout_set import Pairs, prepare
from rvernet_core.errors import ConfigError, RecordError, TrainingError
from rvernet_core.masking.sam import load_sam, sam_masks
from rvernet_core.models import backbones, students
from rvernet_core.models.rvernet import Baseline, RveRNet
from rvernet_core.models.weights import load_weights
from rvernet_core.recipe import recipe


@dataclass(frozen=True)
class Run:
    """A finished run, read from its folder."""

    folder: Path
    spec: RunSpec

    @functools.cached_property
    def manifest(self) -> dict:
        """Spec, data fingerprint, commit, packages, machine, wall time, peak memory, checkpoint hash."""
        return json.loads((self.folder / "manifest.json").read_text())

    @functools.cached_property
    def metrics(self) -> dict[str, float]:
        """Test metrics: accuracy, macro_f1; pair_f1, pair_accuracy where both ambiguous classes exist."""
        return json.loads((self.folder / "metrics.json").read_text())

    @functools.cached_property
    def predictions(self) -> pd.DataFrame:
        """One row per test sample: key, image_id, label, predicted, confidence, p of the ambiguous pair.

        Of a student also `class voice` and `distillation voice`, the class that each head says by itself;
        `predicted` is that of the mean logits of the voices that were trained.
        """
        return pd.read_csv(self.folder / "predictions.csv", dtype={"key": str, "image_id": str})

    @functools.cached_property
    def history(self) -> pd.DataFrame:
        """One row per epoch: loss, accuracy, val_accuracy."""
        return pd.read_csv(self.folder / "history.csv")

    def model(self, classes: int) -> RveRNet | Baseline:
        """The trained model in eval mode on the CPU, rebuilt from the spec and the stored weights."""
        model = students.build(self.spec.model, classes)
        missing, unexpected = model.load_state_dict(
            load_weights(self.folder / "model.safetensors"), strict=False
        )
        if unexpected or set(missing) - _frozen_names(model):
            raise RecordError(
                f"{self.folder}: the weights do not fit the spec; remove this folder and run again"
            )
        return model.eval()


def load_or_train(spec: RunSpec, cache: Path, device: str = "cpu") -> Run:
    """The run of `spec`: loaded if its folder exists, else trained (resuming where it stopped).

    A student's teacher is loaded or trained before it.

    Raises:
        ConfigError: teacher, student and strength contradict one another.
        TrainingError: this run or its teacher has failed before (its loss was not finite) or fails now.
    """
    distillation.check(spec)
    data = data_of(spec.data, Path(cache))
    folder = run_folder(spec, data, Path(cache))
    if not (folder / "manifest.json").exists():
        teacher = load_or_train(spec.teacher, cache, device) if spec.teacher else None
        _train(spec, data, folder, Path(cache), device, teacher)
    return Run(folder, spec)


def load_or_train_all(
    specs: Iterable[RunSpec], cache: Path, device: str = "cpu", desc: str = "runs"
) -> list[Run]:
    """`load_or_train` for each spec in order, with a progress bar."""
    return [
        load_or_train(spec, cache, device) for spec in tqdm(list(specs), desc=desc, unit="run", disable=None)
    ]


def read_run(folder: Path) -> Run:
    """The run stored in `folder`, for instance one of the committed record."""
    return Run(folder, from_dict(RunSpec, json.loads((folder / "spec.json").read_text())))


def run_id(spec: RunSpec, data: FoodData) -> str:
    """The run's name: its spec, the weights it starts from, the data's content and the protocol number."""
    return fingerprint(recipe(spec), data.train.fingerprint, data.test.fingerprint)


def run_folder(spec: RunSpec, data: FoodData, cache: Path) -> Path:
    """Where the run of `spec` lies or will lie."""
    return cache / "runs" / run_id(spec, data)


@functools.lru_cache(maxsize=8)
def data_of(spec: DataSpec, cache: Path) -> FoodData:
    """`open_data`, remembered, for many runs share one data set; with SAM's masks where the spec says so."""
    data = open_data(spec, cache)
    if spec.masks == "exact":
        return data
    if spec.masks != "sam":
        raise ConfigError(f"masks is {spec.masks!r}; expected exact or sam")
    masker = load_sam(spec.sam)
    return FoodData(data.classes, *[sam_masks(s, masker, cache=cache) for s in (data.train, data.test)])


@functools.lru_cache(maxsize=8)
def pairs_of(spec: DataSpec, split: str, size: int, cache: Path) -> Pairs:
    """The prepared cut-outs of a split ("train" or "test") at `size` px, remembered."""
    return prepare(getattr(data_of(spec, cache), split), size, cache)


@functools.lru_cache(maxsize=8)
def _lessons(teacher: Path, size: int, cache: Path, device: str) -> torch.Tensor:
    """What the run in folder `teacher` says of its training images, remembered for its next student."""
    run = read_run(teacher)
    train = pairs_of(run.spec.data, "train", size, cache)
    return training.lessons(run.model(len(train.classes)), train, device)


def test_metrics(truth: np.ndarray, predicted: np.ndarray, classes: tuple[str, ...]) -> dict[str, float]:
    """The metrics of one run; the two of the ambiguous pair only where both of its classes exist."""
    matrix = metrics.confusion(truth, predicted, len(classes))
    result = {"accuracy": metrics.accuracy(matrix), "macro_f1": metrics.macro_f1(matrix)}
    if set(AMBIGUOUS) <= set(classes):
        pair = [classes.index(name) for name in AMBIGUOUS]
        result["pair_f1"] = metrics.pair_f1(pair)(matrix)
        result["pair_accuracy"] = metrics.pair_accuracy(pair)(matrix)
    return result


def _train(
    spec: RunSpec, data: FoodData, folder: Path, cache: Path, device: str, teacher: Run | None
) -> None:
    part = folder.with_name(folder.name + ".part")
    if (part / "failed.json").exists():
        reason = json.loads((part / "failed.json").read_text())["reason"]
        raise TrainingError(f"this run has failed before: {reason}. Remove {part} to try it again")
    part.mkdir(parents=True, exist_ok=True)
    start = time.perf_counter()
    threads = torch.get_num_threads()
    if spec.model.scale == "micro" and device == "cpu":
        torch.set_num_threads(1)  # or the order of sums, and so the last digits, would depend on the cores
    used = torch.get_num_threads()
    try:
        size = backbones.input_size(spec.model.scale)
        train, test = (pairs_of(spec.data, split, size, cache) for split in ("train", "test"))
        told = _lessons(teacher.folder, size, cache, device) if teacher else None
        training.seed_everything(spec.seed)
        model = students.build(spec.model, len(data.classes))
        history = training.fit(model, train, spec.train, spec.seed, part, cache, device, told)
        voices = training.heard(model, test, device) if spec.model.voices else None
        if voices is None:
            chances = training.predict(model, test, device, cache)
        else:  # heard once, for what each of them says and for the answer
            chances = model.answer(tuple(voices)).softmax(1).numpy()
    except TrainingError as error:
        files.write_json(part / "failed.json", {"reason": str(error), "spec": to_dict(spec)})
        raise
    finally:
        torch.set_num_threads(threads)

    with files.atomic_folder(folder) as staging:
        frozen = _frozen_names(model)
        state = {k: v.cpu().contiguous().clone() for k, v in model.state_dict().items() if k not in frozen}
        save_file(state, staging / "model.safetensors")
        said = () if voices is None else zip(students.VOICES, voices.argmax(2).numpy(), strict=True)
        predictions = predictions_frame(test, chances).assign(**{f"{who} voice": what for who, what in said})
        predictions.to_csv(staging / "predictions.csv", index=False, float_format="%.5f")
        pd.DataFrame(history).to_csv(staging / "history.csv", index=False)
        files.write_json(staging / "spec.json", to_dict(spec))
        files.write_json(staging / "metrics.json", test_metrics(test.labels, chances.argmax(1), data.classes))
        manifest = {
            "id": folder.name,
            "spec": to_dict(spec),
            "protocol": PROTOCOL,
            **({"teacher": teacher.folder.name} if teacher else {}),
            "data": {"train": data.train.fingerprint, "test": data.test.fingerprint},
            "samples": {"train": len(train), "test": len(test)},
            "parameters": sum(p.numel() for p in model.parameters()),
            "checkpoint_sha256": files.sha256(staging / "model.safetensors"),
            "seconds": round(time.perf_counter() - start, 2),
            "device": device,
            "commit": environment.commit(),
            "python": platform.python_version(),
            "packages": environment.packages(),
            "machine": environment.machine(device),
            "threads": used,
            "peak_memory_mib": environment.peak_memory(),
        }
        files.write_json(staging / "manifest.json", manifest)
    shutil.rmtree(part, ignore_errors=True)


def predictions_frame(test: Pairs, chances: np.ndarray) -> pd.DataFrame:
    """What a prediction file holds, from class probabilities (N, K) of `test`; see `Run.predictions`."""
    frame = {
        "key": test.keys,
        "image_id": test.image_ids,
        "label": test.labels,
        "predicted": chances.argmax(1),
        "confidence": chances.max(1),
    }
    if set(AMBIGUOUS) <= set(test.classes):
        frame |= {f"p {name}": chances[:, test.classes.index(name)] for name in AMBIGUOUS}
    return pd.DataFrame(frame)


def _frozen_names(model: RveRNet | Baseline) -> set[str]:
    """State-dict names of tensors that never change and come back with the pretrained weights."""
    frozen = {id(t) for net in model.frozen for t in net.state_dict(keep_vars=True).values()}
    return {name for name, tensor in model.state_dict(keep_vars=True).items() if id(tensor) in frozen}
