"""What is known of a run before any data is opened: its name, and whether it makes sense."""

import dataclasses

import pytest
import torch

from rvernet_core import run_specs, runs
from rvernet_core.config import ModelSpec, RunSpec, TrainSpec
from rvernet_core.errors import ConfigError
from rvernet_core.models.backbones import build

SPEC = RunSpec(model=ModelSpec(roi="mobilenetv2"))


def test_fault_33_other_shipped_weights_are_another_run(monkeypatch):
    before = run_specs.identity(SPEC)
    monkeypatch.setattr(run_specs, "_weights_hash", lambda name, checkpoint: f"{name}, retrained")
    assert run_specs.identity(SPEC) != before
    fresh = dataclasses.replace(SPEC, model=ModelSpec(roi="mobilenetv2", pretrained=False))
    assert run_specs.identity(fresh) not in {before, run_specs.identity(SPEC)}


def test_fault_33_a_run_starts_from_the_pretraining_that_its_seed_names(monkeypatch):
    specs = [dataclasses.replace(SPEC, seed=seed) for seed in range(3)]
    for spec in specs:
        own = build("mobilenetv2", checkpoint=spec.seed).conv_head.weight
        assert torch.equal(runs.build(spec, 4).backbone.conv_head.weight, own)
    asked = []
    monkeypatch.setattr(
        run_specs, "_weights_hash", lambda name, checkpoint: asked.append(checkpoint) or "hash"
    )
    for spec in specs:
        run_specs.identity(spec)
    assert asked == [0, 1, 2]
    asked.clear()
    train = dataclasses.replace(SPEC.train, distillation="hard", strength=0.5)
    student = RunSpec(SPEC.data, ModelSpec(roi="deit-distilled"), train, seed=2, teacher=SPEC)
    run_specs.identity(student)
    assert set(asked) == {0, 2}  # the teacher's pretraining is its own seed's


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"distillation": "hard", "strength": 0.5}, "without a teacher"),
        ({"strength": 0.5}, "without distillation"),
        ({"schedule": "as-writen"}, "did you mean 'as-written'"),
    ],
)
def test_a_spec_that_contradicts_itself_is_refused_in_words(change, message):
    with pytest.raises(ConfigError, match=message):
        run_specs.check(dataclasses.replace(SPEC, train=TrainSpec(**change)))
