"""Specs of students: what fits together, what does not, and that older runs keep their names."""

import dataclasses

import pytest

from rvernet_core import distillation
from rvernet_core.config import DataSpec, ModelSpec, RunSpec, TrainSpec, fingerprint
from rvernet_core.distillation import student_of
from rvernet_core.errors import ConfigError
from rvernet_core.recipe import recipe

CNN = RunSpec(model=ModelSpec(roi="mobilenetv2"), seed=3)
DEIT = ModelSpec(roi="deit-distilled")
STUDENT = student_of(CNN, DEIT, TrainSpec(), "hard", 0.5)


def test_a_student_has_its_teachers_data_and_seed():
    assert (STUDENT.data, STUDENT.seed, STUDENT.teacher) == (CNN.data, 3, CNN)
    assert STUDENT.train.distillation == "hard"
    assert STUDENT.train.strength == 0.5


@pytest.mark.parametrize(
    ("strength", "who"), [(0, "class"), (0.01, "both"), (0.99, "both"), (1, "distillation")]
)
def test_only_trained_voices_answer(strength, who):
    assert student_of(CNN, DEIT, TrainSpec(), "soft", strength).model.voices == who


def test_without_any_teaching_hard_and_soft_are_one_run():
    hard, soft = (student_of(CNN, DEIT, TrainSpec(), kind, 0.0, 5.0) for kind in distillation.KINDS)
    assert hard == soft
    assert student_of(CNN, DEIT, TrainSpec(), "soft", 0.1) != student_of(CNN, DEIT, TrainSpec(), "hard", 0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"teacher": None}, "without a teacher"),
        ({"model": ModelSpec(roi="deit", voices="both")}, "no distillation token"),
        ({"model": ModelSpec(roi="deit-distilled", voices="both", freeze=("roi",))}, "frozen roi"),
        ({"model": ModelSpec(roi="deit-distilled")}, "voices is ''"),
        ({"train": TrainSpec(distillation="hard", strength=1.5)}, r"expected a number in \[0, 1\]"),
        ({"train": TrainSpec(distillation="hard", strength=1.0)}, "'distillation'"),
        ({"train": TrainSpec(distillation="warm", strength=0.5)}, "hard, soft"),
        ({"train": TrainSpec(distillation="soft", strength=0.5, temperature=0.0)}, "temperature"),
        ({"train": TrainSpec(strength=0.5)}, "without distillation"),
        ({"data": DataSpec(seed=1)}, "differ in their data"),
        ({"model": ModelSpec(roi="deit-distilled", extra_roi="vit", voices="both")}, "same cut-outs"),
    ],
)
def test_what_contradicts_itself_is_refused(change, message):
    with pytest.raises(ConfigError, match=message):
        distillation.check(dataclasses.replace(STUDENT, **change))


def test_an_ordinary_run_needs_nothing_of_this():
    distillation.check(RunSpec())


def test_a_change_of_the_teacher_is_another_recipe(monkeypatch):
    other = student_of(dataclasses.replace(CNN, train=TrainSpec(epochs=9)), DEIT, TrainSpec(), "hard", 0.5)
    assert recipe(other) != recipe(STUDENT)


def test_runs_without_a_teacher_keep_their_names():
    """Pinned before there were students: a published run must be found again."""
    data = DataSpec(train_scenes=512, test_scenes=600)
    fine = TrainSpec(epochs=3, batch_size=32, lr=1e-3, head_lr_factor=10.0)
    grid = ModelSpec(roi="vit", extra_roi="deit", fusion="features", freeze=("roi", "extra_roi"))
    named = [
        RunSpec(data, ModelSpec(roi="deit"), fine, 0),
        RunSpec(data, ModelSpec(roi="deit-distilled", extra_roi="mobilenetv2"), fine, 1),
        RunSpec(data, grid, TrainSpec(epochs=20, lr=2e-3, flip=0.0), 2),
    ]
    assert [fingerprint(spec) for spec in named] == ["ab12054b89a7", "6a2df3066aea", "000f211df758"]
