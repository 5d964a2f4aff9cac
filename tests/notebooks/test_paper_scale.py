"""The paper profile's own path: FoodSeg103's layout, the paper's nets at 224 px, the notebooks' own cells.

The nets are random, for their weights cannot be had offline; everything else is what a user runs.
"""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from rvernet_book import page as page_module
from rvernet_core import runs
from rvernet_core.config import DataSpec, PlatesSpec, replace
from rvernet_core.data import open_data
from rvernet_core.data.export import write_foodseg103
from rvernet_core.experiments import detector_baseline
from rvernet_core.experiments.profiles import PROFILES
from rvernet_core.experiments.study import Study
from rvernet_core.models.backbones import BACKBONES

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def paper(tmp_path_factory):
    """(root of a small data set in the official layout, a cache)."""
    folder = tmp_path_factory.mktemp("paper")
    spec = DataSpec(train_scenes=3, test_scenes=2, plates=PlatesSpec(size=96, sauce_rate=1.0))
    plates = open_data(spec, folder / "plates")
    root = write_foodseg103(plates, folder / "FoodSeg103")
    return root, folder / "cache"


@pytest.fixture(autouse=True)
def small(monkeypatch):
    """The paper profile, for one epoch of random nets on a CPU."""
    step = dict(epochs=1, batch_size=8, precision="float32", val_fraction=0.25)
    base = PROFILES["paper"]
    once = replace(
        base,
        **{part: replace(getattr(base, part), **step) for part in ("single", "pair", "grid")},
        seeds=(0,),
        pretrained=False,
        sam="micro",
        sam_photos=2,
        evaluation_photos=1,
        road_samples=2,
        strengths=(0.0, 1.0),
        soft_strengths=(),
        pair_strengths=(),
    )
    monkeypatch.setitem(PROFILES, "paper", once)


def study_of(paper, name):
    """The paper's scale with one of its nets, on the small data set of the fixture `paper`."""
    root, cache = paper
    return Study.of(
        "paper", dataset="foodseg103", data_root=str(root), backbones=[name], device="cpu", cache=cache
    )


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKBONES)
def test_each_of_the_papers_nets_takes_a_step(name, paper):
    study = study_of(paper, name)
    (spec,) = study.singles()[name]
    train = study.store.cutouts(spec.data, "train", 224)
    torch.manual_seed(0)
    model = runs.build(spec, len(study.classes))
    before = {k: v.clone() for k, v in model.state_dict().items()}
    logits = model(train.batch("roi", np.arange(4), None, "cpu"))
    assert logits.shape == (4, len(study.classes))
    loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(train.labels[:4]))
    loss.backward()
    torch.optim.SGD(model.parameters(), 0.1).step()
    assert any((before[k] != v).any() for k, v in model.state_dict().items())


@pytest.mark.slow
@pytest.mark.parametrize("name", BACKBONES)
def test_each_of_the_papers_nets_names_the_cells_of_whole_photos(name, paper):
    study = study_of(paper, name)
    (spec,) = detector_baseline.specs(study)[name]
    train = study.store.whole_photos(spec.data, "train", 224)
    logits = runs.build(spec, len(study.classes))(train.batch("roi", np.arange(2), None, "cpu"))
    assert logits.shape == (2, len(study.classes) + 1, 7, 7)
    weights = torch.from_numpy(train.class_weights)
    targets = torch.from_numpy(train.targets(np.arange(2)))
    loss = torch.nn.functional.cross_entropy(logits, targets, weights)
    assert torch.isfinite(loss)


def cells(name):
    notebook = json.loads((ROOT / "notebooks" / f"{name}.ipynb").read_text())
    return ["".join(c["source"]) for c in notebook["cells"] if c["cell_type"] == "code"]


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb")))
def test_every_notebook_runs_at_the_papers_scale(name, paper, tmp_path, monkeypatch):
    """With the one of the paper's nets that is quick on a CPU."""
    root, cache = paper
    monkeypatch.setenv("RVERNET_CACHE", str(cache))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(page_module, "ROOT", tmp_path)
    overrides = {"profile": "paper", "dataset": "foodseg103", "data_root": str(root), "device": "cpu"}
    overrides["backbones"] = ["mobilenetv2"]
    space: dict = {"__name__": "__main__", "display": lambda *shown: None}
    first, *rest = cells(name)
    exec(first, space)
    space.update(overrides)
    for cell in rest:
        exec(cell, space)
    facts = json.loads((tmp_path / "_build/paper/own/files" / f"{name}.page.json").read_text())
    assert facts["provenance"]["profile"] == "paper"
    assert facts["items"]["Figure"]
