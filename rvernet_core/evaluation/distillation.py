"""What a student has learned from its teacher, and how that changes with the strength of distillation.

A quantity takes a run's predictions and returns a function of a `metrics.Count`, which says how many test
samples fall into which cell. So everything here has the interval of `uncertainty`, over seeds and photos.

    change = slope({0.0: [Predictions, ...], 1.0: [...]}, agreement(teachers, on_errors=True))
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rvernet_core import metrics, uncertainty
from rvernet_core.config import AMBIGUOUS
from rvernet_core.errors import RecordError
from rvernet_core.evaluation.comparisons import Pair, about, metric_named, truth_of, units_of
from rvernet_core.metrics import Count
from rvernet_core.predictions import Predictions
from rvernet_core.uncertainty import Estimate, Kind, Measured


@dataclass(frozen=True, eq=False)
class Counted:
    """What is measured of one run: a function of a Count, one number per draw."""

    score: Callable[[Count], np.ndarray]
    about: np.ndarray  # (N,) bool, the test samples that it is about

    def __call__(self, count: Count) -> np.ndarray:
        return self.score(count)


#: The direction of a change that is not shown, whatever its own interval says.
UNSHOWN = "is not shown to move"

Quantity = Callable[[Predictions], Counted]


def metric(name: str, classes: Sequence[str], pair: Pair = AMBIGUOUS, column: str = "predicted") -> Quantity:
    """A metric of `comparisons.metric_named`, of the predictions in `column` (such as `class head`)."""
    of = metric_named(name, classes, pair)

    def quantity(run: Predictions) -> Counted:
        labels, answers = run.labels, run.table[column].to_numpy()

        def score(count: Count) -> np.ndarray:
            return of(metrics.confusions(count, labels, answers, len(classes)))

        return Counted(score, about(name, labels, classes, pair))

    return quantity


def agreement(
    teachers: Sequence[Predictions], on_errors: bool = False, column: str = "predicted"
) -> Quantity:
    """Share of the test samples on which a student answers as the teacher of its own seed does, in [0, 1].

    `on_errors` counts only samples that this teacher gets wrong: there a student cannot agree by being right
    as well. 0 where there is no such sample. Raises RecordError where a seed has no teacher.
    """
    of_seed = {teacher.spec.seed: teacher for teacher in teachers}

    def quantity(run: Predictions) -> Counted:
        if run.spec.seed not in of_seed:
            raise RecordError(f"no teacher of seed {run.spec.seed}; there are: {sorted(of_seed)}")
        truth_of([run, of_seed[run.spec.seed]])  # the same samples
        teacher = of_seed[run.spec.seed].table
        cells = (run.table[column] == teacher["predicted"]).to_numpy(int)  # 0 differs, 1 same
        counts = (teacher["predicted"] != teacher["label"]).to_numpy() | (not on_errors)
        cells = np.where(counts, cells, 2)  # 2 does not count

        def share(count: Count) -> np.ndarray:
            differs, same, _ = count(cells, 3).T
            return same / np.maximum(differs + same, 1e-12)

        return Counted(share, counts)

    return quantity


def lost(clean: Sequence[Predictions], of: Quantity) -> Quantity:
    """How much of the quantity `of` a run has lost under noise, against its own answers in `clean`.

    A difference, no share. Raises RecordError where a noisy run has no clean answers, or they are on other
    samples.
    """
    by_run = {run.run: run for run in clean}

    def quantity(noisy: Predictions) -> Counted:
        if noisy.run not in by_run:
            raise RecordError(f"no clean answers of the run {noisy.run}; there are: {sorted(by_run)}")
        truth_of([noisy, by_run[noisy.run]])  # the same samples
        before, after = of(by_run[noisy.run]), of(noisy)
        return Counted(lambda count: before(count) - after(count), before.about | after.about)

    return quantity


def measured(runs: Sequence[Predictions], quantity: Quantity, kind: Kind = "share") -> Measured:
    """`quantity` of every run of a model, one per seed, on all photos and without each of them."""
    _, photos = truth_of(runs)
    of = [quantity(run) for run in runs]
    concerned = np.logical_or.reduce([part.about for part in of])
    return uncertainty.measure(lambda i, count: of[i](count), len(runs), photos, kind, concerned)


def estimate(runs: Sequence[Predictions], quantity: Quantity, kind: Kind = "share") -> Estimate:
    """Mean of `quantity` over the runs of a model, one per seed, with its 95 % interval."""
    return uncertainty.estimate(measured(runs, quantity, kind), units_of(runs))


def slope(curve: Mapping[float, Sequence[Predictions]], quantity: Quantity) -> Estimate:
    """Change of `quantity` per unit of strength: the least-squares line, with its 95 % interval.

    curve: strength -> one run per seed, the same seeds in the same order. Seed by seed and photo by photo, so
    what the strengths have in common cancels. Raises RecordError for fewer than two strengths or other seeds.
    """
    strengths = np.array(list(curve), float)
    seeds = {tuple(run.spec.seed for run in runs) for runs in curve.values()}
    if len(strengths) < 2 or len(seeds) > 1:
        raise RecordError("a slope needs at least two strengths, each with the same seeds")
    truth_of([run for runs in curve.values() for run in runs])
    centred = strengths - strengths.mean()
    parts = [measured(runs, quantity) for runs in curve.values()]
    line = uncertainty.combined(list(centred / (centred**2).sum()), parts)
    return uncertainty.estimate(line, units_of(next(iter(curve.values()))))


def direction(change: Estimate, p: float | None = None) -> str:
    """rises | falls, where p (after correction; None: the change's own) is below 5 %; else UNSHOWN."""
    if not (change.p if p is None else p) < 1 - uncertainty.LEVEL:
        return UNSHOWN
    return "rises" if change.value > 0 else "falls"


def trade_off(agreement: str, strengths: Collection[str]) -> str:
    """shown | cost without gain | the opposite shown | not decided, from the `direction` of each quantity.

    `agreement` on the teacher's errors says only that knowledge passed over: to repeat a mistake is no gain.
    A gain is a rise in what the student can do, a cost a fall. Shown: the agreement rises, and there are
    both. Cost without gain: the agreement rises, and strengths only fall. The opposite: the agreement falls,
    or it rises and strengths only rise. Anything else is not decided.
    """
    moves = set(strengths) & {"rises", "falls"}
    if agreement == "falls":
        return "the opposite shown"
    if agreement != "rises" or not moves:
        return "not decided"
    if len(moves) == 2:
        return "shown"
    return "cost without gain" if "falls" in moves else "the opposite shown"
