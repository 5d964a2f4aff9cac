"""One place to touch: a toy backbone, data set and page, added where CONTRIBUTING says and nowhere else."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]

#: Adds the three, then runs the cells of the page on single models in the smoke profile.
SCRIPT = """
import json, sys, types
from pathlib import Path

import numpy as np
import torch
from timm.models.efficientnet import EfficientNet
from timm.models._efficientnet_builder import decode_arch_def

from rvernet_core import data, files
from rvernet_core.data.samples import Candidate, MaskedSource, build_split
from rvernet_core.models import backbones, zoo
from rvernet_core.models.weights import save_weights

work, root = Path(sys.argv[1]), Path(sys.argv[2])

# a backbone: one entry, and its weights
def toy_net(size):
    return EfficientNet(decode_arch_def([["ds_r1_k3_s2_c8"]]), 5, num_features=16, stem_size=8)

backbones.ZOO["toy-net"] = backbones.Backbone(
    name="toy-net", label="Toy net", colour=("#123456", "#abcdef"), marker="v", family="cnn",
    timm_tag="none", micro=toy_net, mean_std=backbones.HALF, prefix_tokens=None,
    cam_layer=lambda net: net.conv_head,
)
(work / "weights").mkdir()
for path in zoo.WEIGHTS.iterdir():
    (work / "weights" / path.name).symlink_to(path)
zoo.WEIGHTS = work / "weights"
weights = zoo.WEIGHTS / "toy-net-0.safetensors"
save_weights(weights, toy_net(112).state_dict())
entry = zoo.CARDS["vit"]["checkpoints"][0] | {"seed": 0, "sha256": files.sha256(weights)}
zoo.CARDS["toy-net"] = zoo.CARDS["vit"] | {"checkpoints": [entry]}

# a data set: one reader, and one row
CLASSES = ("red", "green", "ketchup", "chili paste")

class ToySource(MaskedSource):
    def photo(self, ref):
        photo = np.random.default_rng(ref).integers(0, 90, (40, 50, 3)).astype(np.uint8)
        photo[10:30, 10:30, ref % 3] = 200
        return photo

    def mask(self, ref):
        mask = np.zeros((40, 50), bool)
        mask[10:30, 10:30] = True
        return mask

    def photo_key(self, ref):
        return ref

def read_toy(root, spec, cache):
    def split(name, first, count):
        refs = range(first, first + count)
        candidates = [Candidate(f"{ref:03d}", CLASSES[ref % 4], 0.2, ref) for ref in refs]
        return build_split(name, CLASSES, candidates, ToySource(), content=["toy", first, count],
                           min_area=spec.min_area, photos=count)
    return {"train": split("train", 0, 24), "test": split("test", 100, 16)}

data.READERS["toy"] = data.Reader(read_toy)

# a page: its module
page_module = types.ModuleType("rvernet_core.experiments.toy_page")
page_module.needs = lambda study: {"single-toy": study.singles()["toy-net"]}
sys.modules[page_module.__name__] = page_module

from rvernet_book import page as book
from rvernet_book.graph import graph
from rvernet_core.experiments.study import Study

book.ROOT = work
overrides = {"profile": "smoke", "dataset": "toy", "backbones": ["toy-net", "mobilenetv2"], "device": "cpu"}
study = Study.of(**overrides, cache=work / "cache")
assert list(graph(study, ["09-toy-page"])["pages"]["09-toy-page"])

namespace = {"__name__": "__main__", "display": lambda *shown: None}
notebook = json.loads((root / "notebooks" / "02-off-the-shelf.ipynb").read_text())
first, *rest = ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]
exec(first, namespace)
namespace.update(overrides)
for cell in rest:
    exec(cell, namespace)
"""


@pytest.mark.slow
def test_a_toy_backbone_data_set_and_page_need_one_place_each(tmp_path):
    environment = {**os.environ, "RVERNET_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-c", SCRIPT, str(tmp_path), str(ROOT)]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    facts = json.loads((tmp_path / "_build/smoke/own/files/02-off-the-shelf.page.json").read_text())
    assert facts["provenance"]["runs"] == 4 + 3 + 1  # two seeds of two nets; controls; a detector-like net
    table = (tmp_path / "_build/smoke/own/files/off-the-shelf.csv").read_text()
    assert "toy-net" in table
