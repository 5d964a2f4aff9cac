"""A run's identity, its folder and what lies in it, on a tiny rendered data set."""

import dataclasses
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from rvernet_core import files, runs, training
from rvernet_core.config import DataSpec, ModelSpec, PlatesSpec, RunSpec, TrainSpec
from rvernet_core.distillation import student_of
from rvernet_core.errors import ConfigError, RecordError, TrainingError

DATA = DataSpec(train_scenes=14, test_scenes=10, plates=PlatesSpec(size=64))
SPEC = RunSpec(DATA, ModelSpec(roi="mobilenetv2"), TrainSpec(epochs=1, lr=1e-3), seed=0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A cache that holds the rendered scenes and one finished run."""
    folder = tmp_path_factory.mktemp("cache")
    runs.load_or_train(SPEC, folder)
    return folder


def test_the_same_spec_is_loaded_and_not_trained_again(cache, monkeypatch):
    monkeypatch.setattr(training, "fit", lambda *args, **kwargs: pytest.fail("trained again"))
    assert runs.load_or_train(SPEC, cache).metrics["accuracy"] >= 0


def test_a_run_holds_all_that_its_numbers_can_be_recomputed_from(cache):
    run = runs.load_or_train(SPEC, cache)
    data = runs.data_of(DATA, cache)
    predictions = run.predictions
    assert list(predictions["key"]) == [s.key for s in data.test.samples]
    again = runs.test_metrics(
        predictions["label"].to_numpy(), predictions["predicted"].to_numpy(), data.classes
    )
    assert again == pytest.approx(run.metrics)
    manifest = run.manifest
    assert manifest["spec"]["seed"] == 0
    assert manifest["data"]["test"] == data.test.fingerprint
    assert manifest["checkpoint_sha256"] == files.sha256(run.folder / "model.safetensors")
    assert {"commit", "packages", "machine", "seconds", "peak_memory_mib", "protocol"} <= set(manifest)
    assert len(run.history) == 1


def test_the_stored_weights_give_the_stored_predictions(cache):
    run = runs.load_or_train(SPEC, cache)
    test = runs.pairs_of(DATA, "test", 64, cache)
    chances = training.predict(run.model(len(test.classes)), test)
    assert (chances.argmax(1) == run.predictions["predicted"]).all()
    assert np.allclose(chances.max(1), run.predictions["confidence"], atol=1e-4)


def test_fault_33_every_change_of_the_spec_is_another_run(cache):
    data = runs.data_of(DATA, cache)
    variants = [
        dataclasses.replace(SPEC, seed=1),
        dataclasses.replace(SPEC, model=ModelSpec(roi="vit")),
        dataclasses.replace(SPEC, train=TrainSpec(epochs=2, lr=1e-3)),
    ]
    names = {runs.run_id(spec, data) for spec in [SPEC, *variants]}
    assert len(names) == 4


def test_a_frozen_backbone_is_not_stored_but_comes_back(cache):
    frozen = ModelSpec(roi="vit", extra_roi="mobilenetv2", fusion="features", freeze=("roi", "extra_roi"))
    spec = dataclasses.replace(SPEC, model=frozen, train=TrainSpec(epochs=2, flip=0.0))
    run = runs.load_or_train(spec, cache)
    assert (run.folder / "model.safetensors").stat().st_size < 2_000_000
    test = runs.pairs_of(DATA, "test", 64, cache)
    chances = training.predict(run.model(len(test.classes)), test)
    assert (chances.argmax(1) == run.predictions["predicted"]).all()


def test_fault_34_a_failed_run_is_marked_and_never_counted(cache):
    spec = dataclasses.replace(SPEC, train=TrainSpec(epochs=3, lr=1e12))
    with pytest.raises(TrainingError, match="loss became"):
        runs.load_or_train(spec, cache)
    folder = runs.run_folder(spec, runs.data_of(DATA, cache), cache)
    assert not folder.exists()
    with pytest.raises(TrainingError, match=r"failed before.*Remove .*\.part"):
        runs.load_or_train(spec, cache)


def test_fault_10_two_at_once_end_with_one_whole_run(cache):
    spec = dataclasses.replace(SPEC, seed=5)
    with ThreadPoolExecutor(2) as pool:
        one, two = pool.map(lambda _: runs.load_or_train(spec, cache), range(2))
    assert one.folder == two.folder
    assert one.metrics == two.metrics
    assert not list(cache.glob("runs/.*"))


@pytest.fixture(scope="module")
def student(cache):
    """A student of the fixture's run."""
    deit, quick = ModelSpec(roi="deit-distilled"), TrainSpec(epochs=1, lr=1e-3)
    return runs.load_or_train(student_of(SPEC, deit, quick, "hard", 0.5), cache)


def test_a_student_names_its_teacher_and_keeps_what_each_voice_says(cache, student):
    teacher = runs.load_or_train(SPEC, cache)
    assert student.manifest["teacher"] == teacher.folder.name
    assert runs.read_run(student.folder).spec == student.spec
    test = runs.pairs_of(DATA, "test", 64, cache)
    model = student.model(len(test.classes))
    one, other = training.heard(model, test).argmax(2).numpy()
    assert (student.predictions["class voice"] == one).all()
    assert (student.predictions["distillation voice"] == other).all()
    assert (student.predictions["predicted"] == training.predict(model, test).argmax(1)).all()
    assert (one != other).any()


def test_a_missing_teacher_is_trained_first_and_a_contradiction_stops_before_that(cache):
    teacher = dataclasses.replace(SPEC, seed=21)
    spec = student_of(teacher, ModelSpec(roi="deit-distilled"), TrainSpec(epochs=1, lr=1e-3), "soft", 1.0)
    data = runs.data_of(DATA, cache)
    broken = dataclasses.replace(spec, train=TrainSpec(distillation="soft", strength=2.0))
    with pytest.raises(ConfigError, match="strength"):
        runs.load_or_train(broken, cache)
    assert not runs.run_folder(teacher, data, cache).exists()
    runs.load_or_train(spec, cache)
    assert runs.run_folder(teacher, data, cache).exists()


def test_weights_of_another_architecture_are_refused(cache, tmp_path):
    run = runs.load_or_train(SPEC, cache)
    other = dataclasses.replace(SPEC, model=ModelSpec(roi="vit"))
    with pytest.raises(RecordError, match="do not fit"):
        runs.Run(run.folder, other).model(24)


def test_a_manifest_names_no_host_and_no_folder(cache):
    import getpass
    import socket

    text = json.dumps(runs.load_or_train(SPEC, cache).manifest)
    assert str(cache) not in text
    for secret in {socket.gethostname(), getpass.getuser()} - {"root", "vm", "localhost"}:
        assert secret not in text


@pytest.mark.slow
def test_fault_32_a_killed_process_resumes_to_the_same_numbers(cache):
    """SIGKILL in the middle of training, in a real process."""
    spec = dataclasses.replace(SPEC, seed=9, train=TrainSpec(epochs=60, lr=1e-3))
    folder = runs.run_folder(spec, runs.data_of(DATA, cache), cache)
    code = (
        "import json, sys, torch\nfrom pathlib import Path\nfrom rvernet_core import config, runs, training\n"
        "training.CHECKPOINT_SECONDS = 0.0\n"
        "runs.load_or_train(config.from_dict(config.RunSpec, json.loads(sys.argv[1])), Path(sys.argv[2]))\n"
    )
    from rvernet_core.config import to_dict

    process = subprocess.Popen([sys.executable, "-c", code, json.dumps(to_dict(spec)), str(cache)])
    checkpoint = folder.with_name(folder.name + ".part") / "checkpoint.pt"
    deadline = time.monotonic() + 120
    while not checkpoint.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.kill()
    process.wait()
    assert checkpoint.exists(), "killed before its first checkpoint, or finished"
    assert not folder.exists()
    resumed = runs.load_or_train(spec, cache)
    torch.manual_seed(123)
    whole = runs.load_or_train(spec, cache.parent / "uninterrupted")
    assert resumed.metrics == whole.metrics
    assert resumed.manifest["checkpoint_sha256"] == whole.manifest["checkpoint_sha256"]
