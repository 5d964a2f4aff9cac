"""Specs of students: which run teaches which, how strongly, and whose head answers afterwards.

A student is a DeiT-distilled whose two heads are read apart. Its class voice learns from labels with weight
1 - strength, its distillation voice from the teacher with weight strength (https://arxiv.org/abs/2012.12877).
At strength 0 and 1 one of the two voices learns nothing; only trained voices answer.
"""

from __future__ import annotations

from rvernet_core import config
from rvernet_core.config import ModelSpec, RunSpec, TrainSpec
from rvernet_core.errors import ConfigError

KINDS = ("hard", "soft")
STUDENT = "deit-distilled"
TEACHER = "mobilenetv2"  # a CNN, as in the abstract's claim


def voices_at(strength: float) -> str:
    """Who answers at this strength: class | both | distillation. ConfigError outside [0, 1]."""
    if not 0 <= strength <= 1:
        raise ConfigError(f"distillation strength is {strength}; expected a number in [0, 1]")
    return {0.0: "class", 1.0: "distillation"}.get(float(strength), "both")


def student_of(
    teacher: RunSpec, model: ModelSpec, train: TrainSpec, kind: str, strength: float, temperature: float = 3.0
) -> RunSpec:
    """`model` trained as `train` says, on its teacher's data and with its seed; ConfigError as `check`.

    Without a teacher's weight hard and soft are the same training, so at strength 0 both are one run.
    """
    if kind not in KINDS:
        raise ConfigError(f"unknown distillation {kind!r}; expected one of {', '.join(KINDS)}")
    soft = kind == "soft" and strength > 0
    lesson = {"distillation": "soft", "temperature": temperature} if soft else {"distillation": "hard"}
    spec = RunSpec(
        data=teacher.data,
        model=config.replace(model, voices=voices_at(strength)),
        train=config.replace(train, strength=strength, **lesson),
        seed=teacher.seed,
        teacher=teacher,
    )
    check(spec)
    return spec


def check(spec: RunSpec) -> None:
    """Raise ConfigError where teacher, distillation, strength and voices contradict one another."""
    train, model, teacher = spec.train, spec.model, spec.teacher
    nets = [name for name in (model.roi, model.extra_roi) if name]
    if train.distillation not in ("", *KINDS):
        raise ConfigError(f"unknown distillation {train.distillation!r}; expected one of {', '.join(KINDS)}")
    if not train.distillation:
        if teacher or train.strength or model.voices:
            raise ConfigError(
                "a teacher, a strength or voices without distillation; set train.distillation to hard or soft"
            )
        return
    if teacher is None:
        raise ConfigError(f"{train.distillation} distillation without a teacher; set RunSpec.teacher")
    if STUDENT not in nets:
        raise ConfigError(f"{' + '.join(nets)} has no distillation token; a student is made of {STUDENT}")
    if model.freeze:
        raise ConfigError(
            f"a student with frozen {' and '.join(model.freeze)} cannot be taught; set freeze=()"
        )
    trained = voices_at(train.strength)
    if model.voices != trained:
        raise ConfigError(
            f"voices is {model.voices!r}; what is trained at strength {train.strength:g} is {trained!r}"
        )
    if not train.temperature > 0:
        raise ConfigError(f"temperature is {train.temperature}; expected a positive number")
    if teacher.data != spec.data:
        raise ConfigError(
            "teacher and student differ in their data; a teacher answers on its own classes only"
        )
    sight = [(bool(m.extra_roi), m.sees, m.scale) for m in (teacher.model, model)]
    if sight[0] != sight[1]:
        raise ConfigError(
            "teacher and student must see the same cut-outs: both pairs or both single, one scale"
        )
    check(teacher)
