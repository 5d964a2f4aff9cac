"""The library from a built wheel, outside the checkout: masks a photo, builds RveRNet, trains on a folder."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: What a researcher would do, with nothing but the installed package.
SCRIPT = """
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image

import rvernet_core
from rvernet_core.config import DataSpec, ModelSpec, RunSpec, TrainSpec
from rvernet_core.masking import load_sam
from rvernet_core.models.rvernet import build_model
from rvernet_core.runs import RunStore
from rvernet_plates import PlatesSpec, render_scene

assert Path(rvernet_core.__file__).is_relative_to(sys.argv[1]), rvernet_core.__file__
scenes = [render_scene(PlatesSpec(size=64), seed) for seed in range(6)]

masks, scores = load_sam("micro").encode(scenes[0].image).boxes([[5, 5, 40, 40]])
assert masks.shape == (1, *scenes[0].instances.shape) and masks.any()

model = build_model(ModelSpec(roi="deit", extra_roi="mobilenetv2"), classes=7).eval()
images = torch.rand(2, 3, model.input_size, model.input_size)
assert model(images, images).shape == (2, 7)

for number, scene in enumerate(scenes):
    split = Path("own", "test" if number > 3 else "train")
    for kind in ("images", "masks"):
        (split / kind).mkdir(parents=True, exist_ok=True)
    Image.fromarray(scene.image).save(split / "images" / f"{number}.png")
    Image.fromarray(np.minimum(scene.instances, 2)).save(split / "masks" / f"{number}.png")
Path("own/classes.txt").write_text("first food\\nother foods\\n")

data = DataSpec(name="folder", root="own")
pair = ModelSpec(roi="mobilenetv2", extra_roi="mobilenetv2")
run = RunStore("cache").load_or_train(RunSpec(data, pair, TrainSpec(epochs=1, batch_size=4)))
assert 0 <= run.metrics["accuracy"] <= 1 and run.model() is not None
"""


@pytest.mark.slow
def test_the_wheel_holds_all_that_the_library_needs(tmp_path):
    source = tmp_path / "source"  # a build leaves files beside the sources
    ignore = shutil.ignore_patterns("__pycache__")
    for name in ("rvernet_plates", "rvernet_core", "rvernet_book"):
        shutil.copytree(ROOT / name, source / name, ignore=ignore)
    for name in ("pyproject.toml", "requirements.in", "README.md", "LICENSE"):
        shutil.copy2(ROOT / name, source)
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*build, "--wheel-dir", str(tmp_path), str(source)], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    site = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        archive.extractall(site)
    assert any(name.endswith("zoo/sam-micro.safetensors") for name in names)
    assert not [name for name in names if name.split("/")[0] in ("tests", "zoo", "book", "notebooks")]
    work = tmp_path / "work"
    work.mkdir()
    environment = {**os.environ, "PYTHONPATH": str(site), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, str(site)]
    done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
