"""Controls: what answers the test set like a trained model and is no net.

    run = store.load_or_train(control("histogram", DataSpec()))     a run like any other, without weights

| control | what it knows | how it answers |
|---|---|---|
| histogram | the colours of the ROI | support-vector machine on HSV histograms |
| companions | the true list of the photo's other foods | logistic regression |
| majority | nothing | the most frequent class of the training set |
| ideal-look | the law of rendered plates, and how the item looks | Bayes' rule |
| ideal-company | the law, and whose companions are on the plate | Bayes' rule |
| ideal-both | the law, look and company | Bayes' rule |

The first two say what a score is worth: colours need no net, and a list of foods no pictures. The ideal
observers know that an item is one of an ambiguous pair, and by which law it was drawn; so they answer the
items of the pairs and no others, and no model that sees what they see can do better on average.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from rvernet_core.config import DataSpec, ModelSpec, RunSpec, one_of
from rvernet_core.cues import Cue, cues
from rvernet_core.data import FoodData, FoodSplit, RoiSample
from rvernet_core.errors import ConfigError, DataError
from rvernet_plates import AMBIGUOUS_PAIRS

BINS = (12, 8, 8)  # of hue, saturation and value
GRID = {"C": [1.0, 10.0, 100.0], "gamma": [0.5, 1.0]}  # gamma: in units of scikit-learn's "scale"
FOLDS = 3
CHOSEN_ON = 3000  # training samples on which C and gamma are chosen; on all of FoodSeg103 that takes long
_NEVER = -30.0  # logit of a class that is out of the question: e to this is nothing beside any other
_COIN = 1e-6  # by how much a coin moves an even chance


@dataclass(frozen=True)
class Answers:
    """What a control answers.

    indices: (M,) of the test samples that it answers, in order. logits: (M, K) float32; of the histogram
    these are scores of the machine, which rank classes and are no log odds. within_pair: (M,) the answer
    given that an item of an ambiguous pair is one of the pair, else the class of the highest logit; None
    where the two are the same. parameters: how many numbers were learned. chosen: settings, JSON-ready.
    """

    indices: NDArray[np.int64]
    logits: NDArray[np.float32]
    within_pair: NDArray[np.int64] | None = None
    parameters: int = 0
    chosen: dict[str, Any] = field(default_factory=dict)


def control(name: str, data: DataSpec, seed: int = 0) -> RunSpec:
    """The spec of a control's run: no net, and of the training everything at its default."""
    return RunSpec(data, ModelSpec(roi=None, control=name, pretrained=False), seed=seed)


def check(spec: RunSpec) -> None:
    """Raise ConfigError for an unknown control, one that the data cannot have, and what it would ignore."""
    name = one_of(spec.model.control, CONTROLS, "control")
    if spec != control(name, spec.data, spec.seed):
        raise ConfigError(
            f"the control {name!r} has no backbones, no training and no teacher; make its spec with "
            "controls.control(name, data, seed)"
        )
    if name in IDEAL and spec.data.name != "plates":
        raise ConfigError(
            f"{name} knows the law by which plates are drawn; {spec.data.name} has none. Expected data "
            "set plates, or another control"
        )


def is_random(name: str) -> bool:
    """Whether the seed moves a control's answers: an ideal observer tosses a coin where chances are even."""
    return name in IDEAL


def controls_of(data: DataSpec) -> tuple[str, ...]:
    """The controls that a data set can have."""
    return tuple(name for name in CONTROLS if name not in IDEAL or data.name == "plates")


def answer(spec: RunSpec, data: FoodData) -> Answers:
    """Learn from the training split what there is to learn, and answer the test split."""
    return CONTROLS[spec.model.control](spec, data)


# --- from the colours of the ROI ----------------------------------------------------------------------


def colour_histogram(photo: np.ndarray, mask: np.ndarray) -> NDArray[np.float32]:
    """Square roots (B,) of the shares of the ROI's pixels in each bin of HSV; their squares sum to 1.

    photo: uint8 RGB (H, W, 3). mask: bool (H, W); what is outside, such as a black background, counts
    nowhere. Between square roots the Euclidean distance is Hellinger's, which rare colours reach, too
    (https://doi.org/10.1109/CVPR.2012.6248018).
    """
    hsv = cv2.cvtColor(np.ascontiguousarray(photo), cv2.COLOR_RGB2HSV)
    counts = cv2.calcHist([hsv], [0, 1, 2], mask.astype(np.uint8), list(BINS), [0, 180, 0, 256, 0, 256])
    return np.sqrt(counts.ravel() / max(counts.sum(), 1)).astype(np.float32)


def _histogram(spec: RunSpec, data: FoodData) -> Answers:
    """A machine with RBF kernel; C and gamma do best on held-out photos of the training set."""
    from sklearn.model_selection import GridSearchCV, GroupKFold
    from sklearn.svm import SVC

    features, unseen = (_histograms(split) for split in (data.train, data.test))
    labels, photos = data.train.labels, _photos(data.train)
    _require_classes(labels)
    scale = 1 / (features.shape[1] * float(features.var()))
    grid = {"C": GRID["C"], "gamma": [factor * scale for factor in GRID["gamma"]]}
    some = _whole_photos(photos, CHOSEN_ON)
    folds = min(FOLDS, len(set(photos[some])))
    chosen: dict[str, Any] = {"C": 10.0, "gamma": scale}
    if folds > 1 and len(set(labels[some])) > 1:
        search = GridSearchCV(SVC(), grid, cv=GroupKFold(folds), refit=False, error_score=0.0)
        search.fit(features[some], labels[some], groups=photos[some])
        chosen = {name: float(value) for name, value in search.best_params_.items()}
    machine = SVC(**chosen).fit(features, labels)
    learned = machine.support_vectors_.size + machine.dual_coef_.size + machine.intercept_.size
    logits = _among(machine.classes_, machine.decision_function(unseen), len(data.classes))
    return Answers(np.arange(len(data.test)), logits, parameters=learned, chosen=chosen)


def _histograms(split: FoodSplit) -> NDArray[np.float32]:
    return np.stack([colour_histogram(split.photo(i), split.mask(i)) for i in range(len(split))])


def _whole_photos(photos: np.ndarray, samples: int) -> NDArray[np.int64]:
    """Indices of the samples of photos spread evenly over all, so many that about `samples` are chosen."""
    names = np.unique(photos)
    count = max(1, min(len(names), round(len(names) * samples / len(photos))))
    kept = names[np.linspace(0, len(names) - 1, count).round().astype(int)]
    return np.flatnonzero(np.isin(photos, kept))


# --- from the list of the other foods -----------------------------------------------------------------


def other_foods(split: FoodSplit) -> NDArray[np.float32]:
    """(N, K): 1 where another sample of the same photo is of that class, else 0."""
    shown: dict[str, set[int]] = {}
    for sample in split.samples:
        shown.setdefault(sample.image_id, set()).add(sample.label)
    lists = np.zeros((len(split), len(split.classes)), np.float32)
    for row, sample in zip(lists, split.samples, strict=True):
        row[list(shown[sample.image_id] - {sample.label})] = 1
    return lists


def _companions(spec: RunSpec, data: FoodData) -> Answers:
    """Logistic regression at scikit-learn's settings; beside its answers those within an item's pair."""
    from sklearn.linear_model import LogisticRegression

    _require_classes(data.train.labels)
    model = LogisticRegression(max_iter=1000).fit(other_foods(data.train), data.train.labels)
    logits = _among(model.classes_, model.decision_function(other_foods(data.test)), len(data.classes))
    within = logits.argmax(1)
    for pair in AMBIGUOUS_PAIRS:
        if set(pair) <= set(data.classes):
            indices = [data.classes.index(name) for name in pair]
            items = np.isin(data.test.labels, indices)
            within[items] = np.take(indices, logits[items][:, indices].argmax(1))
    learned = model.coef_.size + model.intercept_.size
    return Answers(np.arange(len(data.test)), logits, within, learned)


# --- from nothing -------------------------------------------------------------------------------------


def _majority(spec: RunSpec, data: FoodData) -> Answers:
    """The classes' shares in the training set (one sample more of each), whatever is shown."""
    counts = np.bincount(data.train.labels, minlength=len(data.classes)) + 1
    logits = np.tile(np.log(counts / counts.sum()).astype(np.float32), (len(data.test), 1))
    return Answers(np.arange(len(data.test)), logits, parameters=len(counts))


# --- from the law -------------------------------------------------------------------------------------


def _ideal(probability: Callable[[Cue], float]) -> Callable[[RunSpec, FoodData], Answers]:
    """The ideal observer that believes `probability` in the pair's first class."""

    def answers(spec: RunSpec, data: FoodData) -> Answers:
        found = cues(spec.data.plates, data.test.samples)
        indices = np.array(sorted(found), np.int64)
        first = np.array([probability(found[i]) for i in indices])
        coins = np.where(np.random.default_rng(spec.seed).random(len(first)) < 0.5, -_COIN, _COIN)
        first = np.where(np.abs(first - 0.5) < _COIN, 0.5 + coins, first)
        logits = np.full((len(first), len(data.classes)), _NEVER, np.float32)
        for side, chance in ((0, first), (1, 1 - first)):
            columns = [data.classes.index(found[i].pair[side]) for i in indices]
            logits[np.arange(len(first)), columns] = np.log(np.maximum(chance, np.exp(_NEVER)))
        return Answers(indices, logits)

    return answers


# --- helpers ------------------------------------------------------------------------------------------


def _among(known: NDArray[Any], scores: np.ndarray, classes: int) -> NDArray[np.float32]:
    """Scores (N, C) of the classes `known` (of two classes: (N,) of the second) as logits (N, K)."""
    if scores.ndim == 1:
        scores = np.stack([-scores, scores], 1) / 2
    logits = np.full((len(scores), classes), min(_NEVER, float(scores.min()) + _NEVER), np.float32)
    logits[:, known] = scores
    return logits


def _photos(split: FoodSplit) -> NDArray[np.str_]:
    samples: Sequence[RoiSample] = split.samples
    return np.array([sample.image_id for sample in samples])


def _require_classes(labels: np.ndarray) -> None:
    if len(set(labels.tolist())) < 2:
        raise DataError("all training samples are of one class; expected samples of at least two")


IDEAL = {
    "ideal-look": _ideal(lambda cue: cue.from_look),
    "ideal-company": _ideal(lambda cue: cue.from_company),
    "ideal-both": _ideal(lambda cue: cue.from_both),
}
CONTROLS: dict[str, Callable[[RunSpec, FoodData], Answers]] = {
    "histogram": _histogram,
    "companions": _companions,
    "majority": _majority,
    **IDEAL,
}
