"""Page 7: what does a student gain from a CNN's knowledge, and what does it lose (abstract, claim 7)?

To repeat a teacher's mistakes shows that knowledge passed over; it is never counted as a gain.

A student is a DeiT-distilled with two heads. Its class head learns from labels with weight 1 - strength,
its distillation head from the teacher with weight strength (https://arxiv.org/abs/2012.12877). At strength 0
and 1 one of the two heads learns nothing; only trained heads answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from rvernet_core import config, uncertainty
from rvernet_core.config import Condition, ModelSpec, RunSpec, TrainSpec
from rvernet_core.evaluation import comparisons, distillation
from rvernet_core.evaluation.distillation import Quantity
from rvernet_core.experiments.noises import KINDS, photo_counts
from rvernet_core.experiments.study import Study
from rvernet_core.predictions import Predictions
from rvernet_core.run_specs import DISTILLATIONS, check
from rvernet_core.uncertainty import Estimate

STUDENT = "deit-distilled"
TEACHER = "mobilenetv2"  # a CNN, as in the abstract's claim
HEADS = ("class head", "distillation head")
JUDGED = ("accuracy", "F1 of the pair", "permutation", "translocation")  # a student's own strengths
KNOWLEDGE = "agreement on errors"

Level = tuple[str, float]  # (kind, strength)
Curve = dict[float, list[Predictions]]  # strength -> one per seed


# --- specs --------------------------------------------------------------------------------------------


def student_of(
    teacher: RunSpec, model: ModelSpec, train: TrainSpec, kind: str, strength: float, temperature: float = 3.0
) -> RunSpec:
    """`model` trained as `train` says, on its teacher's data and with its seed; ConfigError as `check`.

    Without a teacher's weight hard and soft are the same training, so at strength 0 both are one run.
    """
    config.one_of(kind, DISTILLATIONS, "distillation")
    soft = kind == "soft" and strength > 0
    how = {"distillation": "soft", "temperature": temperature} if soft else {"distillation": "hard"}
    spec = RunSpec(
        data=teacher.data,
        model=model,
        train=config.replace(train, strength=strength, **how),
        seed=teacher.seed,
        teacher=teacher,
    )
    check(spec)
    return spec


def teachers(study: Study) -> dict[str, list[RunSpec]]:
    """The fine-tuned single MobileNetV2 and the RveRNet of two, whatever `backbones` says."""
    return {
        "single": study.specs(ModelSpec(roi=TEACHER)),
        "rvernet": study.specs(ModelSpec(roi=TEACHER, extra_roi=TEACHER)),
    }


def students(study: Study) -> dict[str, dict[Level, list[RunSpec]]]:
    """Single DeiT-distilled and RveRNets of two, taught by `teachers`: (hard | soft, strength) -> specs."""
    profile, by_model = study.profile, teachers(study)
    single = {"hard": profile.strengths, "soft": profile.soft_strengths}
    return {
        "single": _levels(study, by_model["single"], ModelSpec(roi=STUDENT), single),
        "rvernet": _levels(
            study,
            by_model["rvernet"],
            ModelSpec(roi=STUDENT, extra_roi=STUDENT),
            {"hard": profile.pair_strengths},
        ),
    }


def _levels(
    study: Study,
    by_seed: Sequence[RunSpec],
    model: ModelSpec,
    strengths: Mapping[str, Sequence[float]],
) -> dict[Level, list[RunSpec]]:
    model, train = study.scaled(model), study.profile.train(model, student=True)
    return {
        (kind, strength): [student_of(teacher, model, train, kind, strength) for teacher in by_seed]
        for kind, levels in strengths.items()
        for strength in levels
    }


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """Teachers and students, with the profile's seeds for ablations."""
    few = study.with_ablation_seeds()
    teacher_specs, student_specs = teachers(few), students(few)
    jobs = {
        f"single-{TEACHER}": teacher_specs["single"],
        f"pair-{TEACHER}+{TEACHER}": teacher_specs["rvernet"],
    }
    for model, prefix in (("single", "student"), ("rvernet", "student-pair")):
        jobs |= {f"{prefix}-{kind}-{s:g}": specs for (kind, s), specs in student_specs[model].items()}
    return jobs


# --- predictions --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Distilled:
    """Teachers and students, clean and under both noises."""

    teachers: dict[str, list[Predictions]]  # single | rvernet -> one per seed
    curves: dict[str, Curve]  # "hard single", "soft single", "hard rvernet" -> students
    tested: dict[str, dict[tuple, list[Predictions]]]  # clean and noises -> (curve or "teacher", ...) -> ...
    ambiguous: tuple[str, str]
    noise_photos: int  # test photos under noise

    def quantities(self, study: Study, model: str) -> dict[str, tuple[str, Quantity]]:
        """What is measured of a student of `model`: name -> (condition, quantity); its strengths, last."""
        teachers = self.teachers[model]
        return {
            "agreement": ("clean", distillation.agreement(teachers)),
            KNOWLEDGE: ("clean", distillation.agreement(teachers, on_errors=True)),
        } | self.strengths(study)

    def strengths(self, study: Study) -> dict[str, tuple[str, Quantity]]:
        """What any model is good at: name -> (condition, quantity)."""
        accuracy = distillation.metric("accuracy", study.classes)
        return {
            "accuracy": ("clean", accuracy),
            "macro-F1": ("clean", distillation.metric("macro_f1", study.classes)),
            "F1 of the pair": ("clean", distillation.metric("pair_f1", study.classes, self.ambiguous)),
            "permutation": ("permutation", accuracy),
            "translocation": ("translocation", accuracy),
        }


def distilled(study: Study) -> Distilled:
    """All teachers and students, and their evaluation under both noises at the release's settings."""
    teacher_models = study.predictions(teachers(study))
    curves: dict[str, Curve] = {}
    for model, specs in students(study).items():
        for (kind, strength), runs in study.predictions(specs).items():
            curves.setdefault(f"{kind} {model}", {})[strength] = runs
    curves = {name: curve for name, curve in curves.items() if len(curve) > 1}
    photos, _ = photo_counts(study)
    noises = {kind: Condition(noise=noise, photos=photos) for kind, noise in KINDS.items()}
    models: dict[tuple, list[Predictions]] = {("teacher", model): p for model, p in teacher_models.items()}
    models |= {(name, s): runs for name, curve in curves.items() for s, runs in curve.items()}
    tested = {"clean": models, **study.evaluate(models, noises)}
    ambiguous = comparisons.ambiguous_pair(teacher_models, study.classes)
    return Distilled(teacher_models, curves, tested, ambiguous, photos)


def measures(study: Study, distilled: Distilled) -> pd.DataFrame:
    """Tidy: one row per teacher or student, strength and quantity, with 95 % intervals."""
    rows = []
    for name, strength in distilled.tested["clean"]:
        quantities = (
            distilled.strengths(study) if name == "teacher" else distilled.quantities(study, name.split()[1])
        )
        for quantity, (condition, of) in quantities.items():
            e = distillation.estimate(distilled.tested[condition][name, strength], of)
            rows.append((name, strength, quantity, e.value, e.low, e.high))
    return pd.DataFrame(rows, columns=["students", "strength", "quantity", "value", "low", "high"])


def teacher_scores(distilled: Distilled, table: pd.DataFrame) -> pd.DataFrame:
    """One row per teacher: its strengths with intervals, and its mean number of test errors over seeds."""
    rows = table[table["students"] == "teacher"]
    wide = comparisons.widened(rows, ["strength"], "quantity").loc[list(distilled.teachers)]
    errors = [
        sum(int((p.labels != p.predicted).sum()) for p in runs) / len(runs)
        for runs in distilled.teachers.values()
    ]
    return wide.rename_axis("teacher of").reset_index().assign(**{"test errors": errors})


def teacher_lead(study: Study, distilled: Distilled) -> Estimate:
    """Accuracy of the single teacher minus that of the single student at the lowest strength."""
    curve = distilled.curves["hard single"]
    return comparisons.difference(distilled.teachers["single"], curve[min(curve)], "accuracy", study.classes)


def student_scores(distilled: Distilled, table: pd.DataFrame) -> pd.DataFrame:
    """One row per kind of student and strength, in the order of `tested`."""
    rows = table[table["students"] != "teacher"]
    order = [key for key in distilled.tested["clean"] if key[0] != "teacher"]
    return comparisons.widened(rows, ["students", "strength"], "quantity").loc[order].reset_index()


# --- the two heads ------------------------------------------------------------------------------------


def head_curves(distilled: Distilled) -> dict[tuple[str, str], Curve]:
    """(curve, head) -> students at the strengths at which that head was trained."""
    trained = {"class head": lambda s: s < 1, "distillation head": lambda s: s > 0}
    return {
        (name, head): {s: runs for s, runs in curve.items() if is_trained(s)}
        for name, curve in distilled.curves.items()
        for head, is_trained in trained.items()
    }


def head_quantities(study: Study, distilled: Distilled, model: str, head: str) -> dict[str, Quantity]:
    """What is measured of a head that answers alone."""
    return {
        KNOWLEDGE: distillation.agreement(distilled.teachers[model], on_errors=True, column=head),
        "accuracy": distillation.metric("accuracy", study.classes, column=head),
        "F1 of the pair": distillation.metric("pair_f1", study.classes, distilled.ambiguous, column=head),
    }


def head_scores(study: Study, distilled: Distilled) -> pd.DataFrame:
    """One row per kind of student, head and strength: the head answering alone."""
    rows = []
    for (name, head), curve in head_curves(distilled).items():
        quantities = head_quantities(study, distilled, name.split()[1], head)
        for strength, runs in curve.items():
            row: dict = {"students": name, "head": head, "strength": strength}
            for quantity, of in quantities.items():
                e = distillation.estimate(runs, of)
                row |= e.columns(quantity)
            rows.append(row)
    return pd.DataFrame(rows)


# --- slopes and verdict -------------------------------------------------------------------------------

Slopes = dict[tuple[str, str, str], Estimate]  # (curve, student or head, quantity) -> change from 0 to 1


def slopes_over_strength(study: Study, distilled: Distilled) -> Slopes:
    """The slope of every quantity, of the student's answer and of each head alone."""
    changes: Slopes = {}
    heads = head_curves(distilled)
    for name, curve in distilled.curves.items():
        model = name.split()[1]
        for quantity, (condition, of) in distilled.quantities(study, model).items():
            line = {s: distilled.tested[condition][name, s] for s in curve}
            changes[name, "student", quantity] = distillation.slope(line, of)
        for head in HEADS:
            if len(heads[name, head]) > 1:
                quantities = head_quantities(study, distilled, model, head)
                for quantity in (KNOWLEDGE, "accuracy"):
                    changes[name, head, quantity] = distillation.slope(
                        heads[name, head], quantities[quantity]
                    )
    return changes


def corrected(changes: Slopes) -> dict[tuple[str, str, str], float]:
    """p of every slope after Holm's correction over all that is read of one answer of a kind of students."""
    families: dict[tuple[str, str], list[tuple[str, str, str]]] = {}
    for key in changes:
        families.setdefault(key[:2], []).append(key)
    p_values = {}
    for keys in families.values():
        adjusted = uncertainty.holm([changes[key].p for key in keys])
        p_values |= dict(zip(keys, adjusted.tolist(), strict=True))
    return p_values


def slope_rows(changes: Slopes) -> pd.DataFrame:
    """Tidy: one row per slope, with its corrected p and the smallest one found with a power of 80 %."""
    p = corrected(changes)
    rows = [(*key, e.value, e.low, e.high, p[key], e.smallest) for key, e in changes.items()]
    names = ["students", "answer of", "quantity", "value", "low", "high", "p", "smallest"]
    return pd.DataFrame(rows, columns=names)


@dataclass(frozen=True)
class Verdict:
    """Whether the trade-off shows."""

    by_curve: dict[str, str]  # kind of students -> see `distillation.trade_off`
    moved: dict[str, dict[str, tuple[str, Estimate]]]  # kind of students -> what is judged -> how, and slope
    agreement: list[str]  # how the agreement on all images moves, per kind: rises | falls | ...
    heads: list[str]  # verdict of each head that answers alone


def verdict(changes: Slopes) -> Verdict:
    """By the rule of `distillation.trade_off`: agreement on the teacher's errors shows what passed over."""
    p = corrected(changes)
    words = {key: distillation.direction(e, p[key]) for key, e in changes.items()}
    names = list(dict.fromkeys(name for name, _, _ in changes))
    moved, by_curve = {}, {}
    for name in names:
        judged = {quantity: (name, "student", quantity) for quantity in (KNOWLEDGE, *JUDGED)}
        by_curve[name] = distillation.trade_off(
            words[judged[KNOWLEDGE]], [words[judged[quantity]] for quantity in JUDGED]
        )
        labels = {KNOWLEDGE: "agreement on the teacher's errors"}
        moved[name] = {labels.get(q, q): (words[key], changes[key]) for q, key in judged.items()}
    heads = [
        distillation.trade_off(words[name, who, KNOWLEDGE], [words[name, who, "accuracy"]])
        for name, who, quantity in changes
        if who in HEADS and quantity == KNOWLEDGE
    ]
    agreement = [words[name, "student", "agreement"] for name in names]
    return Verdict(by_curve, moved, agreement, heads)
