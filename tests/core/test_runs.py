"""A run's identity, its folder and what lies in it, on a tiny rendered data set."""

import dataclasses
import errno
import functools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from damage import HARMS, damage, read_only

from rvernet_core import files, run_specs, runs, training
from rvernet_core.config import DataSpec, ModelSpec, PlatesSpec, RunSpec, TrainSpec, to_dict
from rvernet_core.data.samples import MaskedSource, build_split
from rvernet_core.errors import ConfigError, DataError, MemoryShortageError, RecordError, TrainingError
from rvernet_core.models.backbones import input_size
from rvernet_core.runs import RunStore

SIDE = input_size("micro")
DATA = DataSpec(train_scenes=14, test_scenes=10, plates=PlatesSpec(size=64))
SPEC = RunSpec(DATA, ModelSpec(roi="mobilenetv2"), TrainSpec(epochs=1, lr=1e-3), seed=0)


def distilled_from(teacher, kind="hard", strength=0.5):
    """The spec of a DeiT-distilled that learns from `teacher`."""
    train = dataclasses.replace(teacher.train, distillation=kind, strength=strength)
    return dataclasses.replace(teacher, model=ModelSpec(roi="deit-distilled"), train=train, teacher=teacher)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A store whose cache holds the rendered scenes and one finished run."""
    store = RunStore(tmp_path_factory.mktemp("cache"))
    store.load_or_train(SPEC)
    return store


# --- without a data set -----------------------------------------------------------------------------


@pytest.mark.parametrize("model", [ModelSpec("mobilenetv2", "vit"), ModelSpec(None, "mobilenetv2")])
def test_training_needs_no_data_set_and_no_cache(model, cutouts, unseen, tmp_path):
    """A plain function: two sets of cut-outs in, one folder out."""
    spec = RunSpec(model=model, train=TrainSpec(epochs=1, batch_size=20), seed=3)
    run = runs.train(spec, cutouts, unseen, tmp_path / "mine")
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert tuple(run.predictions.table["key"]) == unseen.keys
    assert (run.predictions.labels == unseen.labels).all()
    assert run.manifest["data"] == {"train": "fixture", "test": "fixture"}
    assert run.manifest["samples"] == {"train": 60, "test": 60}
    assert runs.read_run(tmp_path / "mine").spec == spec
    assert np.allclose(training.predict(run.model(), unseen), run.logits, atol=1e-4)


# --- what a run holds -------------------------------------------------------------------------------


def test_the_same_spec_is_loaded_and_not_trained_again(store, monkeypatch):
    monkeypatch.setattr(training, "fit", lambda *args, **kwargs: pytest.fail("trained again"))
    assert store.load_or_train(SPEC).metrics["accuracy"] >= 0


def test_a_run_holds_all_that_its_numbers_can_be_recomputed_from(store):
    run, data = store.load_or_train(SPEC), store.data(DATA)
    predictions = run.predictions
    assert list(predictions.table["key"]) == [s.key for s in data.test.samples]
    assert list(predictions.photos) == [s.image_id for s in data.test.samples]
    again = runs.test_metrics(predictions.labels, predictions.predicted, data.classes)
    assert again == pytest.approx(run.metrics)
    manifest = run.manifest
    assert manifest["spec"]["seed"] == 0
    assert manifest["data"]["test"] == data.test.fingerprint
    assert manifest["checkpoint_sha256"] == files.sha256(run.folder / "model.safetensors")
    assert {"commit", "packages", "machine", "seconds", "peak_memory_mib", "protocol"} <= set(manifest)
    assert manifest["precision"] == "float32"
    assert len(manifest["history"]) == 1


def test_the_stored_weights_give_the_stored_predictions(store):
    run = store.load_or_train(SPEC)
    logits = training.predict(run.model(), store.cutouts(DATA, "test", SIDE))
    assert (logits.argmax(1).numpy() == run.predictions.predicted).all()
    assert np.allclose(logits, run.logits, atol=1e-4)


def test_the_stored_logits_are_those_behind_the_stored_confidences(store):
    run, classes = store.load_or_train(SPEC), store.data(DATA).classes
    probabilities = torch.from_numpy(run.logits).softmax(1).numpy()
    table = run.predictions.table
    assert (probabilities.argmax(1) == table["predicted"]).all()
    assert np.allclose(probabilities.max(1), table["confidence"], atol=1e-5)
    assert np.allclose(probabilities[:, classes.index("ketchup")], table["p ketchup"], atol=1e-5)


def test_a_frozen_backbone_is_not_stored_but_comes_back(store):
    frozen = ModelSpec(roi="vit", extra_roi="mobilenetv2", fusion="features", freeze=("roi", "extra_roi"))
    run = store.load_or_train(dataclasses.replace(SPEC, model=frozen, train=TrainSpec(epochs=2, flip=0.0)))
    assert (run.folder / "model.safetensors").stat().st_size < 2_000_000
    logits = training.predict(run.model(), store.cutouts(DATA, "test", SIDE))
    assert (logits.argmax(1).numpy() == run.predictions.predicted).all()


def test_weights_of_another_architecture_are_refused(store):
    run = store.load_or_train(SPEC)
    other = dataclasses.replace(SPEC, model=ModelSpec(roi="vit"))
    with pytest.raises(RecordError, match="do not fit"):
        runs.Run(run.folder, other).model()


def test_a_manifest_names_no_host_and_no_folder(store):
    import getpass
    import socket

    text = json.dumps(store.load_or_train(SPEC).manifest)
    assert str(store.cache) not in text
    for secret in {socket.gethostname(), getpass.getuser()} - {"root", "vm", "localhost"}:
        assert secret not in text


# --- distillation -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def distilled(store):
    """A run that was distilled from the fixture's run."""
    return store.load_or_train(distilled_from(SPEC))


def test_a_distilled_run_names_its_teacher_and_keeps_what_each_head_answers(store, distilled):
    assert distilled.manifest["spec"]["teacher"] == to_dict(SPEC)
    assert runs.read_run(distilled.folder).spec == distilled.spec
    model = distilled.model()
    heads = training.predict(model, store.cutouts(DATA, "test", SIDE))
    class_head, distillation_head = (head.argmax(1).numpy() for head in heads)
    table = distilled.predictions.table
    assert (table["class head"] == class_head).all()
    assert (table["distillation head"] == distillation_head).all()
    assert (table["predicted"] == model.answer(heads).argmax(1).numpy()).all()
    assert (class_head != distillation_head).any()


def test_a_missing_teacher_is_trained_first_and_a_contradiction_stops_before_that(store):
    teacher = dataclasses.replace(SPEC, seed=21)
    with pytest.raises(ConfigError, match="strength"):
        store.load_or_train(distilled_from(teacher, "soft", 2.0))
    assert not store.folder(teacher).exists()
    store.load_or_train(distilled_from(teacher, "soft", 1.0))
    assert store.folder(teacher).exists()


def test_a_teacher_too_answers_on_one_thread(store, monkeypatch):
    """Otherwise the last digits of its logits would depend on the number of cores."""
    threads = []
    monkeypatch.setattr(training, "augmented_logits", lambda *_: threads.append(torch.get_num_threads()))
    monkeypatch.setattr(runs, "train", lambda *_: None)
    torch.set_num_threads(2)
    try:
        RunStore(store.cache).load_or_train(distilled_from(SPEC, "soft", 0.25))
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(1)
    assert threads == [1]


# --- identity and failures --------------------------------------------------------------------------


def test_a_watched_run_keeps_the_test_scores_of_every_epoch_and_the_same_answers(store):
    watched = dataclasses.replace(SPEC, train=dataclasses.replace(SPEC.train, watch_test=True))
    run = store.load_or_train(watched)
    assert (run.logits == store.load_or_train(SPEC).logits).all()
    last = run.manifest["history"][-1]
    assert {name: last[f"test {name}"] for name in run.metrics} == run.metrics


def test_pairing_by_name_is_another_run_on_the_same_photos(store):
    named = dataclasses.replace(DATA, pairing="name")
    own, paired = (store.cutouts(spec, "test", 64) for spec in (DATA, named))
    assert own.data == paired.data
    assert own.fingerprint != paired.fingerprint
    with pytest.raises(ConfigError, match=r"pairing is 'nam'; did you mean 'name'\?"):
        store.data(dataclasses.replace(DATA, pairing="nam"))


def test_fault_33_every_change_of_the_spec_is_another_run(store):
    variants = [
        dataclasses.replace(SPEC, seed=1),
        dataclasses.replace(SPEC, model=ModelSpec(roi="vit")),
        dataclasses.replace(SPEC, model=ModelSpec(roi=None, extra_roi="mobilenetv2")),
        dataclasses.replace(SPEC, train=TrainSpec(epochs=2, lr=1e-3)),
        distilled_from(SPEC),
        distilled_from(dataclasses.replace(SPEC, train=TrainSpec(epochs=9))),
    ]
    assert len({store.run_id(spec) for spec in [SPEC, *variants]}) == 7
    assert len({run_specs.identity(spec) for spec in [SPEC, *variants]}) == 7


def test_fault_33_other_data_of_the_same_spec_is_another_run(store):
    """Such as a folder whose photos were replaced."""
    names = {run_specs.run_name(SPEC, *fingerprints) for fingerprints in [("a", "b"), ("c", "b"), ("a", "c")]}
    assert len(names) == 3
    replaced, data = RunStore(store.cache), store.data(DATA)
    for part in ("train", "test"):
        other = dataclasses.replace(data, **{part: getattr(data, part).subset([0, 1, 2])})
        replaced.data = lambda spec, other=other: other
        assert replaced.run_id(SPEC) != store.run_id(SPEC)


def test_fault_33_a_split_is_named_by_its_pictures():
    """Equal names and areas, other pixels: `content` stands for them."""
    names = {
        build_split("train", ["egg"], [], MaskedSource(), content=content, min_area=0, photos=0).fingerprint
        for content in ("these", "those")
    }
    assert len(names) == 2


def test_fault_33_a_folder_is_not_taken_for_the_run_of_another_spec(cutouts, unseen, tmp_path):
    spec = RunSpec(model=ModelSpec("mlp-mixer"), train=TrainSpec(epochs=1, batch_size=20))
    first = runs.train(spec, cutouts, unseen, tmp_path / "mine")
    assert runs.train(spec, cutouts, unseen, tmp_path / "mine").manifest == first.manifest
    with pytest.raises(RecordError, match="mine holds the run of another spec"):
        runs.train(dataclasses.replace(spec, seed=1), cutouts, unseen, tmp_path / "mine")


def test_fault_34_a_failed_run_is_marked_and_never_counted(store):
    spec = dataclasses.replace(SPEC, train=TrainSpec(epochs=3, lr=1e12))
    with pytest.raises(TrainingError, match=r"the loss became|the weights .* became"):
        store.load_or_train(spec)
    assert not store.folder(spec).exists()
    with pytest.raises(TrainingError, match=r"failed before: the .* became.*Remove .*\.part"):
        store.load_or_train(spec)


def test_fault_48_a_model_that_answers_with_nan_is_marked_failed(store, monkeypatch):
    """Every loss and every weight was finite; the test set is not."""
    spec = dataclasses.replace(SPEC, seed=31)
    real = training._forward

    def overflowing(model, cutouts, *rest, **how):
        forward, is_test = (
            real(model, cutouts, *rest, **how),
            cutouts.data == store.data(DATA).test.fingerprint,
        )
        return lambda *batch: forward(*batch) * (float("inf") if is_test else 1)

    monkeypatch.setattr(training, "_forward", overflowing)
    with pytest.raises(TrainingError, match="infinite or NaN logits"):
        store.load_or_train(spec)
    assert not store.folder(spec).exists()
    monkeypatch.undo()
    with pytest.raises(TrainingError, match="failed before: the model answers"):
        store.load_or_train(spec)


def test_fault_64_a_run_that_did_not_fit_into_memory_is_not_marked_failed(store, monkeypatch):
    def full(*_):
        raise MemoryShortageError("cuda is out of memory")

    spec = dataclasses.replace(SPEC, seed=32)
    with monkeypatch.context() as patch:
        patch.setattr(training, "fit", full)
        with pytest.raises(MemoryShortageError):
            store.load_or_train(spec)
    assert store.load_or_train(spec).metrics


# --- damage, full and read-only disks ---------------------------------------------------------------


@pytest.mark.parametrize("harm", HARMS)
def test_fault_66_a_damaged_run_is_set_aside_and_made_again(store, harm, caplog):
    spec = dataclasses.replace(SPEC, seed=40)
    first = store.load_or_train(spec)
    weights, predictions = first.manifest["checkpoint_sha256"], first.predictions.table
    damage(first.folder / runs.WEIGHTS, harm)
    again = RunStore(store.cache).load_or_train(spec)
    assert again.manifest["checkpoint_sha256"] == weights == files.sha256(again.folder / runs.WEIGHTS)
    assert again.predictions.table.equals(predictions)
    (warning,) = caplog.messages
    assert warning.startswith(str(first.folder))
    assert "model.safetensors" in warning


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("manifest.json", lambda run: run.manifest),
        ("metrics.json", lambda run: run.metrics),
        ("predictions.csv", lambda run: run.predictions),
        ("logits.npy", lambda run: run.logits),
        ("model.safetensors", lambda run: run.model()),
        ("spec.json", lambda run: runs.read_run(run.folder)),
    ],
)
def test_fault_66_no_file_of_a_damaged_run_is_read(store, tmp_path, name, read):
    """Neither later in the process that found the run whole, nor by another."""
    folder = shutil.copytree(store.folder(SPEC), tmp_path / "run")
    run = runs.read_run(folder)
    damage(folder / name)
    with pytest.raises(RecordError, match=r"run holds no intact run; ask for it again"):
        read(run)
    assert (tmp_path / "run.damaged").is_dir()


@pytest.mark.parametrize("moment", ["before it is trained", "while it is stored"])
def test_fault_41_a_full_disk_leaves_no_half_run(store, monkeypatch, moment):
    spec = dataclasses.replace(SPEC, seed=41)
    if moment == "before it is trained":
        monkeypatch.setattr(files.shutil, "disk_usage", lambda _: SimpleNamespace(free=33 * 2**20))
        monkeypatch.setattr(training, "fit", lambda *_: pytest.fail("trained without space for the run"))
        expected = r"needs [\d.]+ MiB of disk space, but .* has 33\.0 MiB free"
    else:

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        monkeypatch.setattr(runs.Path, "write_bytes", full)
        expected = r"the disk is full \([\d.]+ MiB needed"
    with pytest.raises(DataError, match=expected):
        store.load_or_train(spec)
    assert not store.folder(spec).exists()
    assert not list(store.cache.glob("runs/.*"))


def test_fault_37_a_read_only_cache_gives_its_runs_and_refuses_others(cutouts, unseen, monkeypatch):
    spec = RunSpec(model=ModelSpec("mlp-mixer"), train=TrainSpec(epochs=1, batch_size=20))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name, "kept")
        runs.train(spec, cutouts, unseen, folder)
        folder.with_name("kept.part").mkdir()  # a process was killed before it could remove it
        monkeypatch.setattr(training, "fit", lambda *_: pytest.fail("trained what cannot be stored"))
        with read_only(Path(name)):
            assert runs.train(spec, cutouts, unseen, folder).metrics
            with pytest.raises(DataError, match=r"cannot write .*Permission denied.*RVERNET_CACHE"):
                runs.train(spec, cutouts, unseen, Path(name, "new"))


# --- two at once, and killed ones -------------------------------------------------------------------


def test_fault_43_what_a_run_killed_at_its_end_left_is_swept(store):
    """Killed between the renaming of its folder and the removal of its checkpoints."""
    part = store.folder(SPEC).with_name(f"{store.folder(SPEC).name}.part")
    (part / "checkpoint-00001").mkdir(parents=True)
    store.load_or_train(SPEC)
    assert not part.exists()


def test_fault_10_two_at_once_end_with_one_whole_run(store):
    spec = dataclasses.replace(SPEC, seed=5)
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: RunStore(store.cache).load_or_train(spec), range(2))
    assert one.folder == two.folder
    assert one.metrics == two.metrics
    assert not list(store.cache.glob("runs/.*"))


@pytest.mark.parametrize(
    ("part", "wrong", "nearest"),
    [
        ("model", {"roi": "vti"}, "vit"),
        ("model", {"extra_roi": "diet"}, "deit"),
        ("model", {"fusion": "logit"}, "logits"),
        ("model", {"scale": "papper"}, "paper"),
        ("train", {"schedule": "as-writen"}, "as-written"),
        ("train", {"precision": "float23"}, "float32"),
        ("train", {"distillation": "sofft"}, "soft"),
        ("train", {"noise": "translocatoin"}, "translocation"),
    ],
)
def test_fault_49_a_mistyped_choice_in_a_spec_stops_before_any_data_is_opened(
    store, part, wrong, nearest, monkeypatch
):
    monkeypatch.setattr(store, "data", lambda spec: pytest.fail("data were opened"))
    spec = dataclasses.replace(SPEC, **{part: dataclasses.replace(getattr(SPEC, part), **wrong)})
    with pytest.raises(ConfigError, match=f"did you mean '{nearest}'"):
        store.load_or_train(spec)


def test_unknown_masks_are_refused(store):
    with pytest.raises(ConfigError, match="masks is 'drawn'; expected one of exact, sam"):
        store.data(dataclasses.replace(DATA, masks="drawn"))


def twelve_of(cutouts):
    """The first twelve samples."""
    some = {name: getattr(cutouts, name)[:12] for name in ("labels", "keys", "image_ids", "fitted")}
    return dataclasses.replace(cutouts, **some)


def killed_at(step, work):
    """Do `work` in a process that is killed at this step: before or after one of its renames or removals.

    True if it was killed; False if it ended well before so many steps.
    """
    child = os.fork()
    if not child:
        left = iter(range(step, -1, -1))

        def stepping(real):
            def one(*args, **options):
                if next(left) == 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                real(*args, **options)
                if next(left) == 0:
                    os.kill(os.getpid(), signal.SIGKILL)

            return one

        for module, name in ((os, "rename"), (os, "replace"), (files, "_discard")):
            setattr(module, name, stepping(getattr(module, name)))
        try:
            work()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.mark.slow
def test_fault_32_killed_at_any_step_a_run_resumes_to_the_same_numbers(
    cutouts, unseen, tmp_path, monkeypatch
):
    """Between the files of a checkpoint, between renaming and removing, while an older one is removed."""
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", 0.0)
    spec = RunSpec(model=ModelSpec("mlp-mixer"), train=TrainSpec(epochs=3))
    step, train = 0, functools.partial(runs.train, spec, twelve_of(cutouts), twelve_of(unseen))
    whole = train(tmp_path / "whole")
    while killed_at(step, functools.partial(train, tmp_path / str(step) / "run")):
        resumed = train(tmp_path / str(step) / "run")
        assert resumed.manifest["checkpoint_sha256"] == whole.manifest["checkpoint_sha256"]
        assert resumed.manifest["history"] == whole.manifest["history"]
        assert (resumed.logits == whole.logits).all()
        assert [path.name for path in (tmp_path / str(step)).iterdir()] == ["run"]
        step += 1
    assert step >= 12


@pytest.mark.slow
def test_fault_32_a_killed_process_resumes_to_the_same_numbers(store):
    """SIGKILL in the middle of training, in a real process."""
    spec = dataclasses.replace(SPEC, seed=9, train=TrainSpec(epochs=24, lr=1e-3))
    folder = store.folder(spec)
    code = (
        "import json, sys\nfrom rvernet_core import config, run_specs, runs, training\n"
        "training.CHECKPOINT_SECONDS = 0.0\n"
        "spec = config.from_dict(config.RunSpec, json.loads(sys.argv[1]))\n"
        "runs.RunStore(sys.argv[2]).load_or_train(spec)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", code, json.dumps(to_dict(spec)), str(store.cache)])
    part = folder.with_name(folder.name + ".part")
    deadline = time.monotonic() + 120
    while not list(part.glob("checkpoint-*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert list(part.glob("checkpoint-*")), "killed before its first checkpoint, or finished"
    assert not folder.exists()
    resumed = store.load_or_train(spec)
    torch.manual_seed(123)
    whole = RunStore(store.cache.parent / "uninterrupted").load_or_train(spec)
    assert resumed.metrics == whole.metrics
    assert resumed.manifest["checkpoint_sha256"] == whole.manifest["checkpoint_sha256"]
