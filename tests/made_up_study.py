"""A study of 100 made-up photos whose models answer as a test says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np

from rvernet_core.experiments.study import Study

CLASSES = ("rice", "egg", "ketchup", "chili paste")
LABELS = np.tile(np.arange(4), 50)  # of 100 photos, two samples each
EVERY = np.arange(200)


@dataclass(frozen=True)
class MadeUp(Study):
    """A study whose models answer as `answers(spec, condition)` says; it keeps what it was asked for."""

    answers: Callable = None
    specs_used: list = field(default_factory=list)
    conditions: dict = field(default_factory=dict)
    classes = CLASSES
    data = SimpleNamespace(test=SimpleNamespace(samples=[SimpleNamespace(image_id=i // 2) for i in EVERY]))

    def predictions(self, specs):
        self.specs_used.extend(spec for part in specs.values() for spec in part)
        return {key: [self.answers(spec) for spec in part] for key, part in specs.items()}

    def evaluate(self, models, conditions):
        self.conditions.update(conditions)
        return {
            name: {key: [self.answers(p.spec, condition) for p in part] for key, part in models.items()}
            for name, condition in conditions.items()
        }
