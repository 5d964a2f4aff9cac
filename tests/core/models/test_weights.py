"""Weights files: half precision in and out, and foreign files read without running their code."""

import os
import shutil
import zipfile

import numpy as np
import pytest
import torch
from damage import damage
from malicious import malicious_checkpoint
from safetensors import safe_open

from rvernet_core.errors import CheckpointError
from rvernet_core.models import backbones, zoo
from rvernet_core.models.weights import load_torch_checkpoint, load_weights, save_weights


def state():
    generator = torch.Generator().manual_seed(0)
    return {
        "layer.weight": torch.randn(5, 3, generator=generator),
        "layer.bias": torch.randn(5, generator=generator).double(),
        "count": torch.tensor(7),
    }


# --- safetensors ----------------------------------------------------------------------------------


def test_round_trip_in_half_precision(tmp_path):
    path = tmp_path / "deeper" / "net.safetensors"
    save_weights(path, state(), {"made by": "a test"})
    loaded = load_weights(path)
    assert set(loaded) == set(state())
    assert loaded["layer.weight"].dtype == loaded["layer.bias"].dtype == torch.float32
    assert loaded["count"] == 7
    assert loaded["count"].dtype == torch.int64
    torch.testing.assert_close(loaded["layer.weight"], state()["layer.weight"].half().float(), rtol=0, atol=0)
    with safe_open(str(path), framework="pt") as file:
        assert file.metadata() == {"made by": "a test"}
    save_weights(tmp_path / "again.safetensors", loaded, {"made by": "a test"})
    assert (tmp_path / "again.safetensors").read_bytes() == path.read_bytes()


def test_shared_and_sliced_tensors_are_written_apart(tmp_path):
    whole = torch.arange(6.0).view(2, 3)
    save_weights(tmp_path / "w.safetensors", {"a": whole, "b": whole, "c": whole.t()})
    loaded = load_weights(tmp_path / "w.safetensors")
    assert (loaded["a"] == loaded["b"]).all()
    assert (loaded["c"] == whole.t()).all()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_values_that_half_precision_cannot_hold(tmp_path, value):
    path = tmp_path / "w.safetensors"
    save_weights(path, {"a": torch.ones(2)})
    with pytest.raises(CheckpointError, match="'a'"):
        save_weights(path, {"a": torch.tensor([1.0, value])})
    assert (load_weights(path)["a"] == 1).all()  # the old file is intact
    assert os.listdir(tmp_path) == [path.name]


def test_fault_31_truncated_safetensors(tmp_path):
    path = tmp_path / "net.safetensors"
    save_weights(path, state())
    whole = path.read_bytes()
    for kept in (len(whole) - 4, 100, 9, 4):
        path.write_bytes(whole[:kept])
        with pytest.raises(CheckpointError, match=r"net\.safetensors is truncated"):
            load_weights(path)
    path.write_bytes(b"")
    with pytest.raises(CheckpointError, match="empty"):
        load_weights(path)


# --- PyTorch files --------------------------------------------------------------------------------


@pytest.mark.parametrize("zipped", [True, False])
def test_plain_checkpoint_is_read(tmp_path, zipped):
    path = tmp_path / "net.pth"
    torch.save({"model": state(), "epoch": 3, "names": ["a"]}, path, _use_new_zipfile_serialization=zipped)
    loaded = load_torch_checkpoint(path)
    assert loaded["epoch"] == 3
    torch.testing.assert_close(loaded["model"]["layer.weight"], state()["layer.weight"])


@pytest.mark.parametrize("zipped", [True, False])
def test_fault_30_malicious_pickle_is_refused(tmp_path, zipped):
    path = malicious_checkpoint(tmp_path / "evil.pth", tmp_path / "ran", zipped)
    with pytest.raises(CheckpointError, match="refused") as caught:
        load_torch_checkpoint(path)
    assert "evil.pth" in str(caught.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("zipped", [True, False])
def test_fault_30_malicious_pickle_under_another_name_is_refused(tmp_path, zipped, monkeypatch):
    """Also where the environment asks PyTorch to trust every file."""
    monkeypatch.setenv("TORCH_FORCE_NO_WEIGHTS_ONLY_LOAD", "1")
    for name, read in (("evil.safetensors", load_weights), ("evil.txt", load_torch_checkpoint)):
        with pytest.raises(CheckpointError, match=name):
            read(malicious_checkpoint(tmp_path / name, tmp_path / "ran", zipped))
    assert not (tmp_path / "ran").exists()


def test_fault_30_a_whole_module_is_refused(tmp_path):
    path = tmp_path / "module.pth"
    torch.save(torch.nn.Linear(2, 2), path)
    with pytest.raises(CheckpointError, match="refused"):
        load_torch_checkpoint(path)


@pytest.mark.parametrize("zipped", [True, False])
def test_fault_31_truncated_pth(tmp_path, zipped):
    path = tmp_path / "net.pth"
    torch.save({"w": torch.randn(1000)}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    for kept in (0, 1, 10, 100, len(whole) // 2, len(whole) - 5):
        path.write_bytes(whole[:kept])
        with pytest.raises(CheckpointError, match=r"net\.pth"):
            load_torch_checkpoint(path)


def test_fault_31_a_file_of_the_old_format_with_a_damaged_name(tmp_path):
    path = tmp_path / "net.pth"
    tensor = torch.randn(7)
    torch.save({"w": tensor}, path, _use_new_zipfile_serialization=False)
    key = str(tensor.untyped_storage()._cdata).encode()
    path.write_bytes(path.read_bytes().replace(key, b"9" * len(key), 1))
    with pytest.raises(CheckpointError, match=r"net\.pth is not readable"):
        load_torch_checkpoint(path)


def test_web_page_and_pointer_saved_as_a_checkpoint(tmp_path):
    for name, text, expected in (
        ("page.pth", "<!DOCTYPE html><html><body>404</body></html>", "web page"),
        ("page.safetensors", "\n<html><head></head></html>" + " " * 600, "web page"),
        ("pointer.pth", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "LFS"),
    ):
        path = tmp_path / name
        path.write_text(text)
        read = load_weights if name.endswith("safetensors") else load_torch_checkpoint
        with pytest.raises(CheckpointError, match=expected):
            read(path)


def test_other_files_are_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "photos.pth", "w") as archive:
        archive.writestr("a.txt", "hello")
    np.save(tmp_path / "array.npy", np.zeros(3))
    torch.save(torch.zeros(3), tmp_path / "tensor.pth")
    torch.save({3: torch.zeros(3)}, tmp_path / "numbered.pth")
    for name in ("photos.pth", "array.npy", "tensor.pth", "numbered.pth", "missing.pth"):
        with pytest.raises(CheckpointError, match=name):
            load_torch_checkpoint(tmp_path / name)
    save_weights(tmp_path / "net.safetensors", state())
    with pytest.raises(CheckpointError, match="is a safetensors file; expected a PyTorch checkpoint"):
        load_torch_checkpoint(tmp_path / "net.safetensors")
    for name in ("missing.safetensors", ""):
        with pytest.raises(CheckpointError, match="expected a weights file"):
            load_weights(tmp_path / name)


@pytest.mark.parametrize("zipped", [True, False])
def test_fault_35_checkpoint_written_on_a_gpu(tmp_path, zipped, monkeypatch):
    """A file whose tensors are tagged as lying on a GPU is read onto the CPU, with or without one."""
    path = tmp_path / "gpu.pth"
    tag = torch.serialization.location_tag
    monkeypatch.setattr(
        torch.serialization,
        "location_tag",
        lambda storage: "cuda:0" if tag(storage) == "cpu" else tag(storage),
    )
    torch.save(state(), path, _use_new_zipfile_serialization=zipped)
    monkeypatch.undo()
    if not torch.cuda.is_available():
        with pytest.raises(RuntimeError, match="CUDA"):  # the tag is really there
            torch.load(path, weights_only=True)
    loaded = load_torch_checkpoint(path)
    assert loaded["layer.weight"].device.type == "cpu"
    torch.testing.assert_close(loaded["layer.weight"], state()["layer.weight"])


@pytest.mark.parametrize("harm", ["changed", "truncated"])
def test_fault_66_damaged_shipped_weights_are_named_and_never_used(tmp_path, monkeypatch, harm):
    """The hash that counts is the one of the card."""
    shutil.copy(zoo.weights_path("vit"), tmp_path)
    monkeypatch.setattr(zoo, "WEIGHTS", tmp_path)
    backbones.build("vit")
    damage(tmp_path / "vit-0.safetensors", harm)
    with pytest.raises(CheckpointError, match=r"vit-0\.safetensors is damaged or was edited.*with git"):
        backbones.build("vit")


def test_the_shipped_weights_are_small_and_each_is_named_by_its_card():
    shipped = sorted(zoo.WEIGHTS.glob("*.safetensors"))
    assert sum(path.stat().st_size for path in shipped) <= 18e6
    named = {f"{name}-{c['seed']}" for name in backbones.BACKBONES for c in zoo.CARDS[name]["checkpoints"]}
    assert {path.stem for path in shipped} == {"sam-micro", *named}
