"""Page 10: what does each difference between the paper's text and the released code do to the results?

The author published code, and that is why this page can exist. Every difference that can be tried is a switch
of the specs (`config.RELEASED`); each is turned alone, then all at once, on the same photos and seeds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from rvernet_core import config, uncertainty
from rvernet_core.config import ModelSpec, RunSpec, TrainSpec
from rvernet_core.evaluation import comparisons
from rvernet_core.experiments.recipes import at_most
from rvernet_core.experiments.study import Modules, Study
from rvernet_core.models.backbones import facts, has_distillation_token
from rvernet_core.predictions import Predictions

METRICS = ("accuracy", "macro_f1", "pair_f1")
#: The peak rate of the text and of the README, for all weights alike.
STATED = {"lr": 4e-3, "head_lr_factor": 1.0}
#: What the text says of a field that a difference turns; of the others it says nothing.
TEXT = {**STATED, "schedule": "as-written", "fresh_head": False, "shared": False, "pairing": "sample"}
#: What the released code does; its peak rate is the text's.
CODE = {**STATED, **config.RELEASED}


@dataclass(frozen=True)
class Difference:
    """One difference between text and code.

    switches: fields of `config.RELEASED` that it turns; none: it changes values alone. stated: whether the
    peak rate is the text's instead of the recipe's.
    """

    name: str
    text: str  # what paper and README say
    code: str  # what the released code does
    switches: tuple[str, ...] = ()
    stated: bool = False


STATED_RATE = ("stated rate, schedule as written", "stated rate, schedule as released")
EVERYTHING = "everything"
DIFFERENCES = (
    Difference(
        STATED_RATE[0],
        "warm-up to 0.004, then cosine decay",
        "does otherwise, see the next line",
        stated=True,
    ),
    Difference(
        STATED_RATE[1],
        "warm-up to 0.004, then cosine decay",
        "steps once per epoch on a curve counted in iterations",
        ("schedule",),
        stated=True,
    ),
    Difference(
        "schedule", "warm-up, then cosine decay", "the same curve at the recipe's rate", ("schedule",)
    ),
    Difference("flips", "horizontal flip", "each branch is flipped by itself", ("flip_together",)),
    Difference("pixels", "not stated", "no normalisation of pixels", ("normalise",)),
    Difference(
        "head of DeiT-distilled", "pretrained", "its pretraining head starts at random", ("fresh_head",)
    ),
    Difference("token of DeiT-distilled", "not stated", "the class token alone answers", ("class_token",)),
    Difference("shared module", "two modules", "one module sees both cut-outs", ("shared",)),
    Difference(
        "pairing",
        "a ROI with its own surroundings",
        "by file name alone; of equal names the last counts",
        ("pairing",),
    ),
    Difference("dropout", "not stated", "0.2 before a CNN's head", ("dropout",)),
    Difference("batch norms", "not stated", "statistics are estimated anew", ("freeze_batch_norm",)),
    Difference(
        "raw features, one rate",
        "the outputs of both modules",
        "as they are, and all weights at one rate",
        ("standardise", "head_lr_factor"),
    ),
    Difference("validation", "not stated", "none: all training photos are fitted", ("val_fraction",)),
    Difference(
        EVERYTHING, "as above", "all of the above at once, and the rest", tuple(config.RELEASED), True
    ),
)
BASE = "as it is here"


def differences(study: Study) -> pd.DataFrame:
    """One row per difference: its name, what `text` says, what `code` does, and what is done `here`.

    Here: in the fine-tuned models of the other pages, whose values they are and the fields of their specs.
    """
    models = (*study.singles().values(), *study.pairs().values())
    specs = [spec for part in models for spec in part]
    rows = [
        {"difference": d.name, "text": d.text, "code": d.code, "here": _here(d, specs)} for d in DIFFERENCES
    ]
    return pd.DataFrame(rows)


#: Whose value a field has: (the text's, the released code's) -> in words. A text that is silent has none.
_WHOSE = {
    (True, False): "as the text",
    (True, True): "as both",
    (False, True): "as the code",
    (False, False): "own",
}


def _here(difference: Difference, specs: Sequence[RunSpec]) -> str:
    """Whose values the specs have in the fields of a difference, and which: `own: normalise yes`."""
    parts = [
        f"{whose}: {', '.join(f'{name} {_span(_values(name, specs))}' for name in names)}"
        for whose, names in _followed(difference, specs).items()
    ]
    return "; ".join(["as above", *parts] if difference.name == EVERYTHING else parts)


def _follows(difference: Difference, specs: Sequence[RunSpec]) -> str:
    """Whose values the specs have in the fields of a difference: `as the text; own`."""
    return "as above" if difference.name == EVERYTHING else "; ".join(_followed(difference, specs))


def _followed(difference: Difference, specs: Sequence[RunSpec]) -> dict[str, list[str]]:
    """Whose value it is -> the fields of a difference that have it in all specs, in the order of `_WHOSE`."""
    found: dict[str, list[str]] = {whose: [] for whose in _WHOSE.values()}
    for name in _fields(difference):
        values = _values(name, specs)
        text, code = (name in said and values == {said[name]} for said in (TEXT, CODE))
        found[_WHOSE[text, code]].append(name)
    return {whose: names for whose, names in found.items() if names}


def _fields(difference: Difference) -> Iterable[str]:
    """The fields of specs that a difference is about; of "everything" those that no other one turns."""
    if difference.name == EVERYTHING:
        turned = {switch for d in DIFFERENCES if d.name != EVERYTHING for switch in d.switches}
        return [switch for switch in difference.switches if switch not in turned]
    rate = ("schedule", *STATED) if difference.stated else ()
    return dict.fromkeys((*rate, *difference.switches))


def _values(name: str, specs: Sequence[RunSpec]) -> set:
    """What a field of data, model or training holds in the specs."""
    parts = (part for spec in specs for part in (spec.data, spec.model, spec.train))
    return {getattr(part, name) for part in parts if hasattr(part, name)}


def _span(values: set) -> str:
    """Some values of a field for a reader: `yes`, `3 to 10`, `name or sample`."""
    if all(isinstance(value, bool) for value in values):
        return " or ".join("yes" if value else "no" for value in sorted(values, reverse=True))
    if all(isinstance(value, int | float) for value in values):
        return " to ".join(f"{value:g}" for value in sorted({min(values), max(values)}))
    return " or ".join(sorted(map(str, values)))


def audited(study: Study) -> dict[str | Modules, tuple[ModelSpec, TrainSpec]]:
    """The models that the audit trains: the single models and pairs that the profile names."""
    profile = study.profile
    singles = [name for name in profile.audited_singles if name in study.backbones]
    models: dict[str | Modules, tuple[ModelSpec, TrainSpec]] = {
        name: (ModelSpec(roi=name), profile.train(ModelSpec(roi=name)))
        for name in singles or study.backbones[:1]
    }
    for roi, extra in profile.ablated[:1]:
        pair = ModelSpec(roi=roi, extra_roi=extra)
        models[roi, extra] = (pair, profile.train(pair))
    return models


def variants(study: Study) -> dict[str, dict[str | Modules, list[RunSpec]]]:
    """`BASE` and every difference -> model -> one spec per seed, where it changes that model's training.

    BASE alone is scored on the test set after every epoch, which changes none of its answers.
    """
    found: dict[str, dict[str | Modules, list[RunSpec]]] = {BASE: {}}
    for model, (spec, train) in audited(study).items():
        base = study.specs(spec, train)
        found[BASE][model] = [_watched(run) for run in base]
        for difference in DIFFERENCES:
            turned = [_turned(run, difference) for run in base]
            if turned != base and _concerns(difference, spec):
                found.setdefault(difference.name, {})[model] = turned
    return found


def _watched(run: RunSpec) -> RunSpec:
    """The run with the test set watched."""
    return config.replace(run, train=config.replace(run.train, watch_test=True))


def _turned(run: RunSpec, difference: Difference) -> RunSpec:
    if difference.stated:
        run = config.replace(run, train=config.replace(run.train, **STATED))
    return config.as_released(run, *difference.switches) if difference.switches else run


def _concerns(difference: Difference, model: ModelSpec) -> bool:
    """Whether the difference can change the training of a model of this kind at all."""
    names = [getattr(model, branch) for branch in model.branches]
    cnn = any(facts(name).family == "cnn" for name in names)
    tokens = any(map(has_distillation_token, names))
    needs = {
        "flip_together": len(names) > 1,
        "pairing": len(names) > 1,
        "shared": len(names) > 1 and len(set(names)) == 1,
        "fresh_head": tokens and model.fusion == "logits",
        "class_token": tokens,
        "dropout": cnn,
        "freeze_batch_norm": cnn,
    }
    return not difference.switches or any(needs.get(switch, True) for switch in difference.switches)


def first_epochs(study: Study) -> pd.DataFrame:
    """One row per audited model: its epochs, and the share of them that is the first.

    On the schedule as released the rate is 0 throughout that one, see `training.learning_rates`.
    """
    epochs = {comparisons.model_name(name): train.epochs for name, (_, train) in audited(study).items()}
    table = pd.DataFrame({"model": list(epochs), "epochs": list(epochs.values())})
    return table.assign(share=1 / table["epochs"])


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """Every variant of every audited model."""
    return {
        f"audit-{_slug(name)}-{'+'.join(model) if isinstance(model, tuple) else model}": specs
        for name, models in variants(as_audited(study)).items()
        for model, specs in models.items()
    }


def as_audited(study: Study) -> Study:
    """The study with its profile's seeds, scenes and epochs for the audit: many trials of few models."""
    profile = study.profile
    changes: dict = {"seeds": profile.audit_seeds or profile.seeds}
    if (scenes := profile.audit_scenes) and profile.data.name == "plates":
        changes["data"] = config.replace(profile.data, train_scenes=scenes)
    if most := profile.audit_epochs:
        changes["recipes"] = at_most(most, profile.recipes)
        for part in ("single", "pair"):
            train = getattr(profile, part)
            changes[part] = config.replace(train, epochs=min(train.epochs, most))
    return dataclasses.replace(study, profile=config.replace(profile, **changes))


def _slug(name: str) -> str:
    return name.replace(",", "").replace(" ", "-").lower()


# --- what came of it ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Audit:
    """Every variant's answers: BASE or a difference's name -> model -> one Predictions per seed."""

    runs: Mapping[str, Mapping[str | Modules, Sequence[Predictions]]]
    ambiguous: tuple[str, str]

    @property
    def base(self) -> Mapping[str | Modules, Sequence[Predictions]]:
        """The audited models as they are here."""
        return self.runs[BASE]


def audit(study: Study) -> Audit:
    """Train or read every variant."""
    runs = {name: study.predictions(models) for name, models in variants(study).items()}
    singles = {name: part for name, part in runs[BASE].items() if isinstance(name, str)}
    return Audit(runs, comparisons.ambiguous_pair(singles, study.classes))


def effects(study: Study, audit: Audit) -> pd.DataFrame:
    """One row per model and difference: text, code, whose values the model `follows` here, and the change of
    each metric, by seed and photo.

    Of accuracy also p after Holm's correction over all rows, and the smallest change found with a power of
    80 %.
    """
    keys, moves = [], {metric: [] for metric in METRICS}
    base = {model: study.specs(*of) for model, of in audited(study).items()}
    for model in audit.base:
        for difference in DIFFERENCES:
            runs = audit.runs.get(difference.name, {}).get(model)
            if runs is None:
                continue
            row = {"difference": difference.name, "text": difference.text, "code": difference.code}
            row |= {"follows": _follows(difference, base[model]), "model": comparisons.model_name(model)}
            for metric in METRICS:
                e = comparisons.difference(runs, audit.base[model], metric, study.classes, audit.ambiguous)
                moves[metric].append(e)
            keys.append(row)
    table = pd.DataFrame(keys)
    for metric, found in moves.items():
        own = comparisons.compared([{}] * len(keys), found, metric)
        table = table.join(own if metric == "accuracy" else own.drop(columns=["p", "smallest"]))
    return table


def released_against_written(study: Study, audit: Audit) -> pd.DataFrame:
    """One row per model: accuracy at the stated rate, on the schedule as released minus on it as written.

    Column `change`, see `comparisons.compared`; empty where the two were not trained.
    """
    written, released = (audit.runs.get(name, {}) for name in STATED_RATE)
    models = [model for model in written if model in released]
    found = [
        comparisons.difference(released[model], written[model], "accuracy", study.classes) for model in models
    ]
    return comparisons.compared([{"model": comparisons.model_name(m)} for m in models], found, "change")


def scores(study: Study, audit: Audit) -> pd.DataFrame:
    """The audited models as they are here: what every effect is measured against."""
    return comparisons.summary(audit.base, list(METRICS), study.classes, audit.ambiguous)


def chosen_on_test(study: Study, audit: Audit) -> pd.DataFrame:
    """One row per model: accuracy after the last epoch, of the best on the test set, and their difference.

    The interval is over seeds, those of one pretrained checkpoint counted as one. The difference is never
    below zero: choosing on the test set can only flatter, and this is by how much.
    """
    histories = study.histories(variants(study)[BASE])
    rows = []
    for model, by_seed in histories.items():
        curves = [[row["test accuracy"] for row in history] for history in by_seed]
        last, best = (np.array([choose(curve) for curve in curves]) for choose in (lambda c: c[-1], max))
        units = np.array(comparisons.units_of(audit.base[model]))
        gain = uncertainty.estimate(uncertainty.measure_mean(best - last, units))
        rows.append(
            {
                "model": comparisons.model_name(model),
                "last epoch": last.mean(),
                "best epoch": best.mean(),
                **gain.columns("flattery"),
                "epochs": len(curves[0]),
            }
        )
    return pd.DataFrame(rows)


def f1_definitions(study: Study, audit: Audit) -> pd.DataFrame:
    """One row per model: micro-averaged F1, which is accuracy, and macro-averaged F1, of the same answers.

    The release logs the one in training and the other in validation.
    """
    table = comparisons.summary(audit.base, ["accuracy", "macro_f1"], study.classes)
    rows = table[["model", "accuracy", "macro_f1"]].rename(columns={"accuracy": "micro_f1"})
    return rows.assign(difference=rows["macro_f1"] - rows["micro_f1"])


@dataclass(frozen=True)
class AuditFacts:
    """What the audit found."""

    tried: int  # changes: a difference in one model
    differences: int
    models: int
    lower: int  # that are shown to lower accuracy, by the corrected p
    higher: int
    largest: pd.Series  # the row of `effects` that moves accuracy most
    largest_shown: bool
    shown: pd.Series | None  # the row that moves accuracy most among those shown to; None where none is
    as_written: pd.DataFrame  # its rows of the stated rate, schedule as written; none where it is so here
    as_released: pd.DataFrame  # and as released
    everything: pd.DataFrame  # its rows of "everything"


def audit_facts(effects: pd.DataFrame) -> AuditFacts:
    """From `effects`."""
    of = {name: effects[effects["difference"] == name] for name in (*STATED_RATE, EVERYTHING)}
    single = effects[effects["difference"] != EVERYTHING]
    signs = comparisons.shown(single, "accuracy")
    moved = single["accuracy"].abs()
    largest, sure = moved.idxmax(), moved[signs != 0]
    return AuditFacts(
        tried=len(single),
        differences=single["difference"].nunique(),
        models=single["model"].nunique(),
        lower=int((signs < 0).sum()),
        higher=int((signs > 0).sum()),
        largest=single.loc[largest],
        largest_shown=bool(signs[largest]),
        shown=None if sure.empty else single.loc[sure.idxmax()],
        as_written=of[STATED_RATE[0]],
        as_released=of[STATED_RATE[1]],
        everything=of[EVERYTHING],
    )
