"""Page 7, continued: the trade-off of distillation under noise, where the paper's TL;DR places it.

Does a student pay with DeiT's robustness for the CNN's knowledge? Teachers, students at every strength, and
the student of strength 0, taught by labels alone, are compared on the same photos, clean and under both
noises. Nothing is trained for this, and nothing evaluated that `distillation_trade_off` did not evaluate.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from rvernet_core import uncertainty
from rvernet_core.evaluation import comparisons, distillation
from rvernet_core.evaluation.distillation import Quantity
from rvernet_core.evaluation.robustness import subset_like
from rvernet_core.experiments.distillation_trade_off import (
    KNOWLEDGE,
    Distilled,
    Slopes,
    corrected,
    slope_rows,
)
from rvernet_core.experiments.noises import KINDS
from rvernet_core.experiments.study import Study
from rvernet_core.predictions import Predictions
from rvernet_core.uncertainty import Estimate, Kind

CLEAN = "clean"
LEVELS = (CLEAN, *KINDS)  # the accuracy under each
LOST = {kind: f"lost to {kind}" for kind in KINDS}  # accuracy clean minus accuracy under the noise
SHARED = {kind: f"shared errors under {kind}" for kind in KINDS}
TEACHER = "teacher"
PAID = "paid"

Key = tuple[str, float | str]  # (kind of students, strength), or (TEACHER, single | rvernet)
Tested = Mapping[str, Mapping[Key, list[Predictions]]]  # clean | permutation | translocation -> model -> runs


@dataclass(frozen=True)
class UnderNoise:
    """Teachers and students clean and under both noises, all on the photos of the noisy ones."""

    levels: pd.DataFrame  # tidy: students, strength, quantity, value, low, high, seeds; teachers as well
    slopes: dict[tuple[str, str], Estimate]  # (kind of students, quantity) -> change from strength 0 to 1
    gaps: dict[tuple[str, str], Estimate]  # (single | rvernet, one of LEVELS) -> teacher minus strength 0


def under_noise(study: Study, distilled: Distilled) -> UnderNoise:
    """Levels of all models, slopes over the strength, and the teachers' lead over strength 0."""
    tested = on_the_same_photos(distilled)
    rows = []
    for key in tested[CLEAN]:
        for quantity, (condition, of) in quantities(study, tested, key).items():
            kind: Kind = "difference" if quantity in LOST.values() else "share"
            e = distillation.estimate(tested[condition][key], of, kind)
            rows.append((*key, quantity, e.value, e.low, e.high, e.seeds))
    columns = ["students", "strength", "quantity", "value", "low", "high", "seeds"]
    slopes = {}
    for name, curve in distilled.curves.items():
        for quantity, (condition, of) in quantities(study, tested, (name, min(curve))).items():
            line = {strength: tested[condition][name, strength] for strength in curve}
            slopes[name, quantity] = distillation.slope(line, of)
    gaps = {}
    for model in distilled.teachers:
        if 0.0 not in distilled.curves.get(f"hard {model}", ()):
            continue
        for condition, models in tested.items():
            both = models[TEACHER, model], models[f"hard {model}", 0.0]
            gaps[model, condition] = comparisons.difference(*both, "accuracy", study.classes)
    return UnderNoise(pd.DataFrame(rows, columns=columns), slopes, gaps)


def on_the_same_photos(distilled: Distilled) -> Tested:
    """The answers of every teacher and student, the clean ones too on the photos of the noisy ones alone."""
    like = next(iter(distilled.tested[next(iter(KINDS))].values()))[0]
    clean = subset_like(distilled.tested[CLEAN], like)
    return {CLEAN: clean} | {kind: distilled.tested[kind] for kind in KINDS}


def quantities(study: Study, tested: Tested, key: Key) -> dict[str, tuple[str, Quantity]]:
    """What is measured of a teacher or a student: name -> (condition, quantity).

    The accuracy under each of LEVELS, what each noise takes of it, and how often a student repeats an error
    that its teacher makes under the same noise.
    """
    accuracy = distillation.metric("accuracy", study.classes)
    clean = [run for runs in tested[CLEAN].values() for run in runs]
    measured = {name: (name, accuracy) for name in LEVELS}
    measured |= {LOST[kind]: (kind, distillation.lost(clean, accuracy)) for kind in KINDS}
    students = key[0]
    if students != TEACHER:
        teacher = TEACHER, students.split()[1]
        for kind in KINDS:
            measured[SHARED[kind]] = kind, distillation.agreement(tested[kind][teacher], on_errors=True)
    return measured


def payments(slopes: Slopes, under: UnderNoise) -> dict[tuple[str, str], str]:
    """(kind of students, noise) -> whether knowledge is paid for with robustness to that noise.

    PAID where the agreement on the teacher's clean errors rises with the strength and so does the accuracy
    that the noise takes; the opposite where the one rises and the other falls, or the agreement falls; else
    not decided. To repeat a mistake is no gain, see `distillation.trade_off`; so nothing is said of one. By p
    after Holm's correction over all that is read of a kind of students under noise.
    """
    clean = corrected(slopes)
    noisy = corrected({(name, "student", quantity): e for (name, quantity), e in under.slopes.items()})
    found = {}
    for name in dict.fromkeys(name for name, _ in under.slopes):
        key = name, "student", KNOWLEDGE
        knowledge = distillation.direction(slopes[key], clean[key])
        for kind in KINDS:
            lost = LOST[kind]
            moves = distillation.direction(under.slopes[name, lost], noisy[name, "student", lost])
            robustness = {"rises": "falls", "falls": "rises"}.get(moves, moves)
            verdict = distillation.trade_off(knowledge, [robustness])
            found[name, kind] = PAID if verdict == "cost without gain" else verdict
    return found


def noisy_slopes(under: UnderNoise) -> pd.DataFrame:
    """Tidy: one row per kind of students and quantity, as `distillation_trade_off.slope_rows`."""
    rows = slope_rows({(name, "student", quantity): e for (name, quantity), e in under.slopes.items()})
    return rows.drop(columns="answer of")


def leads(under: UnderNoise, model: str) -> dict[str, tuple[str, Estimate]]:
    """One of LEVELS -> a teacher's lead over strength 0: direction, by corrected p, and size."""
    gaps = {name: e for (of, name), e in under.gaps.items() if of == model}
    p = uncertainty.holm([e.p for e in gaps.values()]).tolist()
    return {name: (distillation.direction(e, q), e) for (name, e), q in zip(gaps.items(), p, strict=True)}
