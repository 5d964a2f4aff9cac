"""A run: its identity, its folder, its manifest; loaded where it exists, trained where it does not.

    <cache>/runs/<id>/        spec, manifest, metrics (.json), predictions.csv, logits.npy, model.safetensors
    <cache>/runs/<id>.part/   checkpoints of a run under way, or why it failed

The id is made of the spec, the weights it starts from, the data's fingerprint and the protocol number. A
folder without `.part` is complete: it was renamed into place last, with the hash of every file (`sealed`).
Controls (`controls`) are runs like any other, without weights.

    store = RunStore(cache)
    run = store.load_or_train(RunSpec(model=ModelSpec(roi="deit", extra_roi="mobilenetv2")))
    run.metrics["accuracy"], run.model()
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import json
import platform
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from safetensors.torch import save
from scipy.special import softmax
from torch import Tensor
from tqdm.auto import tqdm

from rvernet_core import PROTOCOL, controls, detector, environment, files, metrics, training
from rvernet_core.config import AMBIGUOUS, DataSpec, RunSpec, from_dict, to_dict
from rvernet_core.data import FoodData, open_data
from rvernet_core.data.cutout_set import CutoutSet, cutout_set, paired_by_name
from rvernet_core.errors import ConfigError, DataError, RecordError, TrainingError
from rvernet_core.masking import load_sam, sam_masks
from rvernet_core.models import backbones, precision
from rvernet_core.models.rvernet import HEADS, Classifier, build_model
from rvernet_core.models.weights import load_weights
from rvernet_core.predictions import (
    FOUND,
    PREDICTIONS,
    SAMPLE,
    WITHIN_PAIR,
    Predictions,
    predictions_table,
    read_table,
    write_table,
)
from rvernet_core.run_specs import check, run_name
from rvernet_core.sealed import is_intact, sealed_folder

WEIGHTS = "model.safetensors"


@dataclass(frozen=True)
class Run:
    """A finished run, read from its folder. RecordError where that was damaged after the run was found."""

    folder: Path
    spec: RunSpec

    @functools.cached_property
    def manifest(self) -> dict:
        """Spec, data, history by epoch, commit, packages, machine, time, memory, checkpoint hash."""
        return json.loads(self._file("manifest.json").read_text("utf-8"))

    @functools.cached_property
    def metrics(self) -> dict[str, float]:
        """Test metrics: accuracy, macro_f1; pair_f1, pair_accuracy where both ambiguous classes exist."""
        return json.loads(self._file("metrics.json").read_text("utf-8"))

    @functools.cached_property
    def predictions(self) -> Predictions:
        """The answers on the test set."""
        table = read_table(self._file(PREDICTIONS))
        return Predictions(self.folder.name, self.spec, table, self.manifest)

    @functools.cached_property
    def logits(self) -> np.ndarray:
        """The logits (N, K) float32 behind the predictions, in their order."""
        return np.load(self._file("logits.npy"))

    def model(self) -> Classifier:
        """The trained model in eval mode on the CPU, rebuilt from the spec and the stored weights.

        Raises ConfigError for a control, RecordError where the weights are not those of the spec.
        """
        if self.spec.model.control:
            raise ConfigError(
                f"{self.folder.name} is the control {self.spec.model.control!r}, which is no net and has no "
                "weights; expected the run of a model. Its answers are in `predictions`"
            )
        model = build(self.spec, self.manifest["classes"], self.folder.absolute().parents[1])
        missing, unexpected = model.load_state_dict(load_weights(self._file(WEIGHTS)), strict=False)
        if unexpected or set(missing) - _frozen_names(model):
            raise RecordError(
                f"{self.folder}: the weights do not fit the spec; remove this folder and run again"
            )
        return model.eval()

    def _file(self, name: str) -> Path:
        if not is_intact(self.folder):
            raise RecordError(f"{self.folder} holds no intact run; ask for it again, and it is made anew")
        return self.folder / name


class RunStore:
    """Where runs are kept, and what they share: opened data, cut-outs, the logits of teachers.

    cache: folder of data, runs and evaluations. device: cpu or cuda. Used from one process at a time or from
    several: each run appears whole, under the name of all that decides it.
    """

    def __init__(self, cache: str | Path, device: str = "cpu") -> None:
        self.cache = Path(cache)
        self.device = device
        self.data = functools.lru_cache(maxsize=8)(self._open)
        self.cutouts = functools.lru_cache(maxsize=8)(self._cutouts)
        self.whole_photos = functools.lru_cache(maxsize=2)(self._whole_photos)
        self._teacher_logits = functools.lru_cache(maxsize=2)(self._ask_teacher)

    def load_or_train(self, spec: RunSpec) -> Run:
        """The run of `spec`: loaded if its folder is intact, else trained (resuming where it stopped).

        A distilled model's teacher is loaded or trained before it. A damaged folder is set aside.

        Raises:
            ConfigError: teacher, model and strength contradict one another.
            TrainingError: this run or its teacher has failed before (it diverged) or fails now.
            MemoryShortageError: a batch does not fit into the device's memory; says which size does.
            DataError: the disk is full or read-only.
        """
        check(spec)
        folder = self.folder(spec)
        if found := _finished(folder, spec):
            return found
        if spec.model.control:
            return run_control(spec, self.data(spec.data), folder)
        size = backbones.input_size(spec.model.scale)
        pictures = self.whole_photos if spec.model.detector else self.cutouts
        train_set, test_set = (pictures(spec.data, split, size) for split in ("train", "test"))
        teacher = self.load_or_train(spec.teacher) if spec.teacher else None
        logits = self._teacher_logits(teacher, size) if teacher else None
        return train(spec, train_set, test_set, folder, logits, self.cache, self.device)

    def load_or_train_all(self, specs: Iterable[RunSpec], desc: str = "runs") -> list[Run]:
        """`load_or_train` for each spec in order, with a progress bar."""
        return [self.load_or_train(spec) for spec in tqdm(list(specs), desc=desc, unit="run", disable=None)]

    def run_id(self, spec: RunSpec) -> str:
        """The run's name; opens its data."""
        data = self.data(spec.data)
        return run_name(spec, data.train.fingerprint, data.test.fingerprint)

    def folder(self, spec: RunSpec) -> Path:
        """Where the run of `spec` lies or will lie."""
        return self.cache / "runs" / self.run_id(spec)

    def _open(self, spec: DataSpec) -> FoodData:
        """The data set, with Segment Anything's masks where the spec says so; remembered."""
        data = open_data(spec, self.cache)
        if spec.masks == "exact":
            return data
        masker = load_sam(spec.sam, device=self.device, cache=self.cache)
        masked = [sam_masks(split, masker, cache=self.cache) for split in (data.train, data.test)]
        return FoodData(data.classes, *masked)

    def _cutouts(self, spec: DataSpec, split: str, size: int) -> CutoutSet:
        """The cut-outs of a split, "train" or "test", at `size` px; remembered."""
        own = cutout_set(getattr(self.data(spec), split), size, self.cache)
        return paired_by_name(own) if spec.pairing == "name" else own

    def _whole_photos(self, spec: DataSpec, split: str, size: int) -> detector.WholePhotos:
        """The whole photos of a split, "train" or "test", at `size` px; remembered."""
        return detector.whole_photos(getattr(self.data(spec), split), size, self.cache)

    def _ask_teacher(self, teacher: Run, size: int) -> Tensor:
        """A teacher's logits on its training images, remembered for the next model that it teaches."""
        train_set = self.cutouts(teacher.spec.data, "train", size)
        with training.reproducible_threads(teacher.spec.model, self.device):
            return training.augmented_logits(teacher.model(), train_set, self.device)


def read_run(folder: Path) -> Run:
    """The run stored in `folder`. Raises RecordError where it is missing or damaged."""
    spec = json.loads(Run(folder, RunSpec())._file("spec.json").read_text("utf-8"))
    return Run(folder, from_dict(RunSpec, spec))


def build(spec: RunSpec, classes: int, cache: Path | None = None) -> Classifier:
    """The untrained model of a run: distilled, with two heads, where its training says so.

    Its micro backbones start from the pretraining that the run's seed names, so that the spread over seeds
    covers pretraining, too.
    """
    if spec.model.detector:
        return detector.build_detector(spec.model, classes, cache, checkpoint=spec.seed)
    strength = spec.train.strength if spec.train.distillation else None
    return build_model(spec.model, classes, strength, cache, checkpoint=spec.seed)


def train(
    spec: RunSpec,
    train_set: CutoutSet,
    test_set: CutoutSet,
    folder: Path,
    teacher_logits: Tensor | None = None,
    cache: Path | None = None,
    device: str = "cpu",
) -> Run:
    """Train the model of `spec` on `train_set`, predict `test_set`, and leave the run in `folder`, whole.

    Args:
        folder: its name is the run's; checkpoints lie in `<folder>.part` until the run is complete.
        teacher_logits: (2, N, K) on `train_set`, see `training.augmented_logits`; None without a teacher.
        cache: where features of frozen backbones are shared between runs, and pretrained weights fetched to;
            None: features nowhere, weights see `fetch.cache_folder`.

    Raises RecordError if `folder` holds the run of another spec, others as `RunStore.load_or_train`.
    """
    if found := _finished(folder, spec):
        return found
    part = _part(folder)
    failure = part / "failure"
    if is_intact(failure):
        reason = (failure / "reason.txt").read_text("utf-8")
        raise TrainingError(f"this run has failed before: {reason}. Remove {part} to try it again")
    files.make_folder(part)  # a read-only place is told before any work
    start = time.perf_counter()
    with training.reproducible_threads(spec.model, device) as threads:
        try:
            training.seed_everything(spec.seed)
            model = build(spec, len(train_set.classes), cache)
            files.check_space(folder, _bytes_of_training(model))
            watch = functools.partial(_scored, test_set, device, cache) if spec.train.watch_test else None
            history = training.fit(
                model, train_set, spec.train, spec.seed, part, cache, device, teacher_logits, watch
            )
            heads = training.predict(model, test_set, device, cache)
        except TrainingError as error:
            with sealed_folder(failure) as staging:
                (staging / "reason.txt").write_text(str(error), "utf-8")
            raise
    logits, further = model.answer(heads), {}
    if isinstance(test_set, detector.WholePhotos):
        logits, found = detector.answers(logits, test_set)
        further[FOUND] = found.astype(int)
    table = predictions_table(test_set.samples(), test_set.classes, logits.softmax(1).numpy())
    table = table.assign(**further)
    if model.heads == 2:
        table = table.assign(
            **{f"{head} head": own.argmax(1).numpy() for head, own in zip(HEADS, heads, strict=True)}
        )

    frozen = _frozen_names(model)
    state = {k: v.cpu().contiguous().clone() for k, v in model.state_dict().items() if k not in frozen}
    weights = save(state)
    facts = {
        "data": {"train": train_set.data, "test": test_set.data},
        "samples": {"train": len(train_set), "test": len(test_set)},
        "classes": len(test_set.classes),
        "history": history,
        "parameters": sum(p.numel() for p in model.parameters()),
        "checkpoint_sha256": hashlib.sha256(weights).hexdigest(),
    }
    manifest = _manifest(folder, spec, facts, start, device, threads)
    scores = test_metrics(table["label"].to_numpy(), table["predicted"].to_numpy(), test_set.classes)
    _keep(folder, spec, table, logits.numpy(), scores, manifest, weights)
    files.remove(part)
    return Run(folder, spec)


def run_control(spec: RunSpec, data: FoodData, folder: Path) -> Run:
    """Ask the control of `spec`, and leave its run in `folder`, whole: without weights and history."""
    start = time.perf_counter()
    answers = controls.answer(spec, data)
    samples = [data.test.samples[i] for i in answers.indices]
    columns = {name: [getattr(s, name) for s in samples] for name in SAMPLE}
    chances = softmax(answers.logits.astype(np.float64), axis=1)
    table = predictions_table(columns, data.classes, chances.astype(np.float32))
    table["predicted"] = answers.logits.argmax(1)  # before rounding
    if answers.within_pair is not None:
        table[WITHIN_PAIR] = answers.within_pair
    facts = {
        "data": {"train": data.train.fingerprint, "test": data.test.fingerprint},
        "samples": {"train": len(data.train), "test": len(samples)},
        "classes": len(data.classes),
        "history": [],
        "parameters": answers.parameters,
        "checkpoint_sha256": None,
        "chosen": answers.chosen,
    }
    manifest = _manifest(folder, spec, facts, start, "cpu", 1)
    scores = test_metrics(table["label"].to_numpy(), table["predicted"].to_numpy(), data.classes)
    _keep(folder, spec, table, answers.logits, scores, manifest)
    return Run(folder, spec)


def _manifest(folder: Path, spec: RunSpec, facts: dict, start: float, device: str, threads: int) -> dict:
    """What a run came from: `facts` of its own, and where and when it was made."""
    return {
        "id": folder.name,
        "spec": to_dict(spec),
        "protocol": PROTOCOL,
        **facts,
        "seconds": round(time.perf_counter() - start, 2),
        "device": device,
        "precision": precision.resolve(spec.train.precision, device),  # of training; all answers are float32
        "commit": environment.commit(),
        "python": platform.python_version(),
        "packages": environment.packages(),
        "machine": environment.machine(device),
        "threads": threads,
        "peak_memory_mib": environment.peak_memory(),
    }


def _keep(
    folder: Path,
    spec: RunSpec,
    table: pd.DataFrame,
    logits: np.ndarray,
    scores: dict[str, float],
    manifest: dict,
    weights: bytes = b"",
) -> None:
    """Write a run's folder, whole; a run without weights has no file of them."""
    with sealed_folder(folder, len(weights) + logits.nbytes + 200 * len(table)) as staging:
        if weights:
            (staging / WEIGHTS).write_bytes(weights)
        write_table(staging / PREDICTIONS, table)
        files.new_array(staging / "logits.npy", np.float32, tuple(logits.shape))[:] = logits
        for name, facts in (("spec", to_dict(spec)), ("metrics", scores), ("manifest", manifest)):
            (staging / f"{name}.json").write_text(files.as_json(facts), "utf-8")


def _scored(test_set: CutoutSet, device: str, cache: Path | None, model: Classifier) -> dict[str, float]:
    """The test metrics of a model under way, each as `test <metric>`."""
    predicted = model.answer(training.predict(model, test_set, device, cache)).argmax(1).numpy()
    scores = test_metrics(test_set.labels, predicted, test_set.classes)
    return {f"test {name}": score for name, score in scores.items()}


def test_metrics(truth: np.ndarray, predicted: np.ndarray, classes: tuple[str, ...]) -> dict[str, float]:
    """The metrics of one run; the two of the ambiguous pair only where both of its classes exist."""
    matrix = metrics.confusion(truth, predicted, len(classes))
    scores = {"accuracy": float(metrics.accuracy(matrix)), "macro_f1": float(metrics.macro_f1(matrix))}
    if set(AMBIGUOUS) <= set(classes):
        pair = [classes.index(name) for name in AMBIGUOUS]
        scores["pair_f1"] = float(metrics.pair_f1(pair)(matrix))
        scores["pair_accuracy"] = float(metrics.pair_accuracy(pair)(matrix))
    return scores


# --- folders --------------------------------------------------------------------------------------


def _part(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.part")


def _finished(folder: Path, spec: RunSpec) -> Run | None:
    """The run in `folder`, if it is intact; RecordError if it is another's."""
    if not is_intact(folder):
        return None
    if (found := read_run(folder)).spec != spec:
        raise RecordError(f"{folder} holds the run of another spec; name another folder, or remove it")
    with contextlib.suppress(DataError):  # a process killed here has left it, or it is read-only
        files.remove(_part(folder))
    return found


def _bytes_of_training(model: Classifier) -> int:
    """Disk space of a run under way: its weights, and three checkpoints with Adam's two moments."""
    weights = sum(tensor.nbytes for tensor in model.state_dict().values())
    return weights + 3 * (weights + 2 * sum(p.nbytes for p in model.parameters() if p.requires_grad))


def _frozen_names(model: Classifier) -> set[str]:
    """State-dict names of tensors that never change and come back with the pretrained weights."""
    frozen = {id(t) for net in model.frozen for t in net.state_dict(keep_vars=True).values()}
    return {name for name, tensor in model.state_dict(keep_vars=True).items() if id(tensor) in frozen}
