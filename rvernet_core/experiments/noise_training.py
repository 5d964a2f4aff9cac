"""Page 6, continued: how can architectures be made robust (abstract, claim 6)?

Single models and RveRNets are trained as on the other pages, once with each noise as augmentation
(`data.augmentation`), and tested clean and under both noises. Training with noise may cost accuracy on clean
photos, buy accuracy under the noise that was trained, and carry over to the one that was not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from rvernet_core import config
from rvernet_core.config import Condition, RunSpec, TrainSpec
from rvernet_core.evaluation import comparisons, robustness
from rvernet_core.evaluation.comparisons import Models, model_name
from rvernet_core.evaluation.robustness import subset_like
from rvernet_core.experiments.noises import KINDS, photo_counts
from rvernet_core.experiments.study import Study
from rvernet_core.uncertainty import Estimate, Leading, Omnibus

CLEAN = "clean"
TRAININGS = (CLEAN, *KINDS)  # what a model is trained with; what it is tested with has the same names
#: RveRNets that are trained with noise, where the profile fine-tunes them: two CNNs, two DeiTs, one of each.
PAIRS = (
    ("mobilenetv2", "mobilenetv2"),
    ("deit-distilled", "deit-distilled"),
    ("deit-distilled", "mobilenetv2"),
)
OTHER = dict(zip(KINDS, reversed(KINDS), strict=True))  # the noise that was not trained
VERDICTS = ("profits", "profits at a price", "pays, gain not shown", "undecided")


# --- which models -------------------------------------------------------------------------------------


def specs(study: Study) -> dict[str, dict]:
    """What a model is trained with -> model -> one spec per seed; a single's name, or a pair of them."""
    profile = study.profile
    few = study.with_seeds(profile.noise_training_seeds)
    singles = [name for name in few.backbones if name in profile.noise_training_backbones] or few.backbones
    pairs = [pair for pair in PAIRS if pair in profile.pairs] or profile.pairs[:1]
    every = few.singles() | few.pairs()
    clean = {model: every[model] for model in (*singles, *pairs)}
    return {
        training: {model: [_trained_with(spec, training) for spec in part] for model, part in clean.items()}
        for training in TRAININGS
    }


def _trained_with(spec: RunSpec, training: str) -> RunSpec:
    noise = "" if training == CLEAN else training
    return config.replace(spec, train=config.replace(spec.train, noise=noise))


def needs(study: Study) -> dict[str, list[RunSpec]]:
    """The models that are trained with noise, and those without that they are compared with."""
    return {
        f"{training}-{'+'.join(model) if isinstance(model, tuple) else model}": part
        for training, models in specs(study).items()
        for model, part in models.items()
    }


# --- what they answer ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Trained:
    """Models by what they are trained with, tested clean and under both noises."""

    tested: Mapping[str, Mapping[str, Models]]  # what they are tested with -> trained with -> models
    photos: int  # test photos under noise; clean are all
    share: float  # probability with which a batch is noised

    @property
    def models(self) -> list:
        """Single models by name, then RveRNets by their pair of modules."""
        return list(self.tested[CLEAN][CLEAN])

    def clean_like(self, noise: str, training: str) -> Models:
        """The clean answers on the photos that were tested under `noise`."""
        like = next(iter(self.tested[noise][training].values()))[0]
        return subset_like(self.tested[CLEAN][training], like)


def trained(study: Study) -> Trained:
    """Train what is missing, and test every model clean and under both noises at the release's settings."""
    photos, _ = photo_counts(study)
    conditions = {kind: Condition(noise=noise, photos=photos) for kind, noise in KINDS.items()}
    tested: dict[str, dict[str, Models]] = {name: {} for name in TRAININGS}
    for training, models in specs(study).items():
        tested[CLEAN][training] = answers = study.predictions(models)
        for kind, noisy in study.evaluate(answers, conditions).items():
            tested[kind][training] = noisy
    return Trained(tested, photos, TrainSpec.noise_share)


# --- scores and changes -------------------------------------------------------------------------------


def scores(study: Study, trained: Trained) -> pd.DataFrame:
    """Tidy: accuracy of every model by what it was `trained with` and `tested` with, with 95 % intervals."""
    parts = []
    for training in TRAININGS:
        along = {test: trained.tested[test][training] for test in TRAININGS}
        part = robustness.along(along, "accuracy", study.classes, what="tested")
        part.insert(1, "trained with", training)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def changes(study: Study, trained: Trained) -> pd.DataFrame:
    """Tidy: accuracy of models trained with noise minus that of the same ones trained clean, paired.

    With p after Holm's correction over all rows, and the smallest change found with a power of 80 %.
    """
    keys, found = [], []
    for training in KINDS:
        for model in trained.models:
            for test in TRAININGS:
                keys.append({"model": model_name(model), "trained with": training, "tested": test})
                found.append(_change(study, trained, model, training, test))
    table = comparisons.compared(keys, found, "value")
    return table.rename(columns={"value_low": "low", "value_high": "high"}).assign(
        seeds=[e.seeds for e in found]
    )


def _change(study: Study, trained: Trained, model: str | tuple, training: str, test: str) -> Estimate:
    noisy, clean = (trained.tested[test][how][model] for how in (training, CLEAN))
    return comparisons.difference(noisy, clean, "accuracy", study.classes)


# --- who profits --------------------------------------------------------------------------------------


def profits(study: Study, trained: Trained, changes: pd.DataFrame) -> pd.DataFrame:
    """One row per model and noise it is trained with: what that `costs`, `buys` and `carries over`.

    Each with its interval. `lost before` is what the noise costs the model that is trained clean, on the same
    photos, and `comes back` the share of that loss that training with the noise makes good; NaN where the
    loss is not clear. `verdict` is one of VERDICTS: it profits where what it buys is shown to be above zero,
    and pays where the change on clean photos is shown to be below zero, by the corrected p of `changes`;
    `<what>_shown` is that sign, or 0; `<what>_p` and `<what>_smallest` are those of `changes`.
    """
    signs = comparisons.shown(changes, "value")
    at = changes.assign(shown=signs).set_index(["model", "trained with", "tested"])
    rows = []
    for training in KINDS:
        before = trained.clean_like(training, CLEAN)
        for model in trained.models:
            name = model_name(model)
            row: dict = {"model": name, "trained with": training}
            for column, test in (("costs", CLEAN), ("buys", training), ("carries over", OTHER[training])):
                found = at.loc[(name, training, test)]
                row[column] = found["value"]
                row |= {f"{column}_{end}": found[end] for end in ("low", "high", "p", "smallest")}
                row[f"{column}_shown"] = int(found["shown"])
            noisy = trained.tested[training][CLEAN][model]
            lost = robustness.drop(before[model], noisy, "accuracy", study.classes)
            row["lost before"] = lost.value
            row["comes back"] = row["buys"] / lost.value if lost.low > 0 else float("nan")
            row["verdict"] = verdict(row["buys_shown"] > 0, row["costs_shown"] < 0)
            rows.append(row | {"seeds": lost.seeds})
    return pd.DataFrame(rows)


def verdict(gains: bool, pays: bool) -> str:
    """One of VERDICTS."""
    if gains:
        return "profits at a price" if pays else "profits"
    return "pays, gain not shown" if pays else "undecided"


@dataclass(frozen=True)
class TrainingFacts:
    """What training with one noise costs and buys, over all models, and who profits most."""

    costs: float  # mean change of the accuracy on clean photos
    buys: float  # under the noise that was trained
    carries: float  # under the other one
    counts: dict[str, int]  # verdict -> models
    carried: int  # models that are shown to be better under the other noise
    harmed: int  # models that are shown to be worse under it
    most: tuple[str, float]  # the model that gains most under the noise that was trained
    least: tuple[str, float]
    spread: Estimate  # how much more the one gains than the other; picked as the extremes, so flattered
    gaining: Leading  # the model that gains most, and those not shown to gain less
    test: Omnibus  # whether any model gains more or less than the others, corrected over the noises
    above: int  # models whose gain has an interval of its own above zero, shown or not

    @property
    def shown(self) -> int:
        """Models that are shown to gain under the noise that was trained."""
        return self.counts["profits"] + self.counts["profits at a price"]

    @property
    def depends(self) -> bool:
        """Whether the gain is shown to depend on the architecture, by one test over all models."""
        return self.test.differs


def training_facts(study: Study, trained: Trained, profits: pd.DataFrame) -> dict[str, TrainingFacts]:
    """From the table of `profits`: noise that was trained -> facts."""
    facts = {training: _facts(study, trained, profits, training) for training in KINDS}
    tests = robustness.corrected({training: f.test for training, f in facts.items()})
    return {training: replace(f, test=tests[training]) for training, f in facts.items()}


def _facts(study: Study, trained: Trained, profits: pd.DataFrame, training: str) -> TrainingFacts:
    rows = profits[profits["trained with"] == training].set_index("model")
    by_name = {model_name(model): model for model in trained.models}
    most, least = rows["buys"].idxmax(), rows["buys"].idxmin()
    tested = trained.tested[training]
    gain = {name: (tested[training][by_name[name]], tested[CLEAN][by_name[name]]) for name in (most, least)}
    spread = robustness.drop(*gain[most], "accuracy", study.classes, against=gain[least])
    compared = robustness.compared_losses(tested[training], tested[CLEAN], "accuracy", study.classes)
    gaining, _, test = compared  # what training clean loses against training with the noise is the gain
    counted = rows["verdict"].value_counts()
    return TrainingFacts(
        costs=rows["costs"].mean(),
        buys=rows["buys"].mean(),
        carries=rows["carries over"].mean(),
        counts={name: int(counted.get(name, 0)) for name in VERDICTS},
        carried=int((rows["carries over_shown"] > 0).sum()),
        harmed=int((rows["carries over_shown"] < 0).sum()),
        most=(most, rows.loc[most, "buys"]),
        least=(least, rows.loc[least, "buys"]),
        spread=spread,
        gaining=gaining,
        test=test,
        above=int((rows["buys_low"] > 0).sum()),
    )
