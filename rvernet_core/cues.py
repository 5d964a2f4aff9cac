"""What the law of the rendered plates says of each ambiguous item: its look, its company, and the best guess.

cues(spec.plates, samples)  ->  index of a sample -> Cue
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rvernet_plates import PlatesSpec, plan_scene, posterior
from rvernet_plates.laws import Pair, law, pair_of


class Named(Protocol):
    """What is asked of a sample; RoiSample has it."""

    @property
    def image_id(self) -> str: ...
    @property
    def class_name(self) -> str: ...


@dataclass(frozen=True)
class Cue:
    """One item of an ambiguous pair under its law.

    look: its latent t, in standard deviations, high for the pair's first class. company: +1 where the
    companions on the plate are those of the first class, else -1. The posteriors are probabilities of the
    first class, from the look alone, from the company alone and from both.
    """

    pair: Pair
    look: float
    company: int
    from_look: float
    from_company: float
    from_both: float


def cues(spec: PlatesSpec, samples: Sequence[Named]) -> dict[int, Cue]:
    """Index -> cue of every sample of an ambiguous class. `samples` are those of rendered plates."""
    return {
        i: _cue(spec, int(sample.image_id), sample.class_name)
        for i, sample in enumerate(samples)
        if pair_of(sample.class_name)
    }


@functools.lru_cache(maxsize=2**16)
def _cue(spec: PlatesSpec, seed: int, name: str) -> Cue:
    pair = pair_of(name)
    item = plan_scene(spec, seed).of(pair) if pair else None
    if pair is None or item is None or item.name != name or item.latent is None:
        raise ValueError(f"scene {seed} of this law shows no {name}")
    believed = posterior(spec, item)
    company = 1 if item.company == pair[0] else -1
    return Cue(pair, item.latent, company, believed.look, believed.company, believed.both)


def optimal_weights(spec: PlatesSpec, pair: Pair) -> tuple[float, float]:
    """(d, L): the log odds that one unit of the look, and agreeing company, add to the first class.

    L = log(rho / (1 - rho)), infinite for a context that never or always misleads.
    """
    rules = law(spec, pair)
    with np.errstate(divide="ignore"):
        return rules.d, float(np.log(rules.rho) - np.log1p(-rules.rho))
