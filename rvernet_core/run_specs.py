"""What is known of a run before any data is opened: whether its spec makes sense, and its name.

check(spec)             raises ConfigError where it contradicts itself
identity(spec)          twelve digits of the spec, the weights it starts from and the protocol
run_name(spec, *prints) the name of its folder, on data with these fingerprints
"""

from __future__ import annotations

import functools

from rvernet_core import PROTOCOL, controls, detector, files, training
from rvernet_core.config import RunSpec, fingerprint, one_of
from rvernet_core.data import augmentation
from rvernet_core.errors import ConfigError
from rvernet_core.models import backbones, precision
from rvernet_core.models.rvernet import FUSIONS
from rvernet_core.models.zoo import weights_path

DISTILLATIONS = ("hard", "soft")
FORMAT = 2  # of a run's folder; part of its name, so that folders of an older format are left alone


def run_name(spec: RunSpec, train: str, test: str) -> str:
    """The name of a run on splits with these two fingerprints."""
    return fingerprint("run", FORMAT, identity(spec), train, test)


def identity(spec: RunSpec) -> str:
    """Twelve hexadecimal digits of the spec, the shipped weights it starts from and the protocol number.

    Known before any data is opened. A distilled model's identity contains its teacher's.
    """
    model = spec.model
    shipped = model.pretrained and model.scale == "micro"  # paper-size weights are named by the spec alone
    names = [name for name in (model.roi, model.extra_roi) if name]
    teacher = [identity(spec.teacher)] if spec.teacher else []
    hashes = [_weights_hash(name, spec.seed) for name in names] if shipped else []
    return fingerprint(spec, hashes, PROTOCOL, *teacher)


def check(spec: RunSpec) -> None:
    """Raise ConfigError for an unknown choice, and where model, noise, teacher and strength do not fit."""
    train_spec, model, teacher = spec.train, spec.model, spec.teacher
    if model.control:
        return controls.check(spec)
    for branch in model.branches:
        backbones.facts(getattr(model, branch))
    backbones.input_size(model.scale)
    one_of(model.fusion, FUSIONS, "fusion")
    one_of(train_spec.precision, precision.PRECISIONS, "precision")
    one_of(train_spec.schedule, training.SCHEDULES, "schedule")
    augmentation.check(train_spec)
    if model.detector:
        detector.check(spec)
    if train_spec.distillation:
        one_of(train_spec.distillation, DISTILLATIONS, "distillation")
    if not train_spec.distillation:
        if teacher or train_spec.strength:
            raise ConfigError(
                "a teacher or a strength without distillation; set train.distillation to hard or soft"
            )
        return
    if not 0 <= train_spec.strength <= 1:
        raise ConfigError(f"distillation strength is {train_spec.strength}; expected a number in [0, 1]")
    if teacher is None:
        raise ConfigError(f"{train_spec.distillation} distillation without a teacher; set RunSpec.teacher")
    names = [getattr(model, branch) for branch in model.branches]
    if not any(map(backbones.has_distillation_token, names)):
        raise ConfigError(f"{' + '.join(names)} has no distillation token; distil into deit-distilled")
    if model.freeze:
        raise ConfigError(f"{' and '.join(model.freeze)} frozen cannot learn from a teacher; set freeze=()")
    if not train_spec.temperature > 0:
        raise ConfigError(f"temperature is {train_spec.temperature}; expected a positive number")
    if teacher.data != spec.data:
        raise ConfigError("teacher and student differ in their data; a teacher knows its own classes only")
    if (teacher.model.branches, teacher.model.scale) != (model.branches, model.scale):
        raise ConfigError("teacher and student must see the same cut-outs, at the same scale")
    check(teacher)


@functools.lru_cache
def _weights_hash(name: str, checkpoint: int) -> str:
    return files.sha256(weights_path(name, checkpoint))
