"""How sure a number is: one interval for everything, and the tests that go with it.

A score is measured on every seed and every photo. Seeds are drawn from all trainings that might have been
run, photos from all that might have been taken, so a number must hold over both. Here seeds are what readers
are in studies of diagnostic imaging, and photos are their cases: the model is that of Obuchowski and Rockette
(https://doi.org/10.1080/03610919508813243) as Hillis uses it (https://doi.org/10.1002/sim.2532), with another
distribution, see `tail`. The spread over photos comes from leaving out one photo at a time, with all its
samples; so nothing is random. `rvernet_core.evaluation.simulated` measures what the intervals cover. The
training set is the same for all seeds: what another one would have taught is not in any interval.

    deit, vit = measure(score_of_deit, 3, photos), measure(score_of_vit, 3, photos)
    estimate(deit)         ->  0.873 [0.861, 0.884]
    estimate(deit - vit)   ->  0.012 [-0.003, 0.027]     the same seeds and photos, so what they share cancels
    omnibus([deit, vit])   ->  p = 0.1
"""

from rvernet_core.uncertainty.behrens_fisher import LEVEL, POWER, Freedom, critical, detectable_errors, tail
from rvernet_core.uncertainty.intervals import Estimate, Variance, bounds, estimate, over, variance_of_mean
from rvernet_core.uncertainty.many_models import Leading, Omnibus, holm, leading_group, mixed_df, omnibus
from rvernet_core.uncertainty.measured import (
    Kind,
    Measured,
    Score,
    combined,
    measure,
    measure_mean,
    per_unit,
    photo_covariance,
)

__all__ = [
    "LEVEL",
    "POWER",
    "Estimate",
    "Freedom",
    "Kind",
    "Leading",
    "Measured",
    "Omnibus",
    "Score",
    "Variance",
    "bounds",
    "combined",
    "critical",
    "detectable_errors",
    "estimate",
    "holm",
    "leading_group",
    "measure",
    "measure_mean",
    "mixed_df",
    "omnibus",
    "over",
    "per_unit",
    "photo_covariance",
    "tail",
    "variance_of_mean",
]
