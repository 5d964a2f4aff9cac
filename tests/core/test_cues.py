"""The cues of the ambiguous items are those of the scenes that were rendered."""

from types import SimpleNamespace

import numpy as np
import pytest

from rvernet_core.cues import cues, optimal_weights
from rvernet_plates import AMBIGUOUS_PAIRS, PlatesSpec, plan_scene, render_scene

SPEC = PlatesSpec(size=64)


def samples(seeds):
    """A sample for each class of each scene."""
    return [
        SimpleNamespace(image_id=f"{seed:010d}", class_name=item.name)
        for seed in seeds
        for item in plan_scene(SPEC, seed).items
    ]


def test_every_ambiguous_item_and_no_other_has_the_cues_of_its_scene():
    shown = samples(range(12))
    found = cues(SPEC, shown)
    ambiguous = {name for pair in AMBIGUOUS_PAIRS for name in pair}
    assert set(found) == {i for i, s in enumerate(shown) if s.class_name in ambiguous}
    for i, cue in found.items():
        scene = render_scene(SPEC, int(shown[i].image_id))
        (item,) = [item for item in scene.items if item.name == shown[i].class_name]
        assert cue.look == item.latent
        assert cue.company == (1 if item.company == cue.pair[0] else -1)


def test_the_log_odds_of_look_and_company_add_up():
    for cue in cues(SPEC, samples(range(30))).values():
        odds = [np.log(p / (1 - p)) for p in (cue.from_look, cue.from_company, cue.from_both)]
        assert odds[0] + odds[1] == pytest.approx(odds[2])
        d, strength = optimal_weights(SPEC, cue.pair)
        assert odds[2] == pytest.approx(d * cue.look + strength * cue.company)


def test_a_sample_of_another_law_is_refused():
    shown = [s for s in samples(range(30)) if s.class_name == "ketchup"][:1]
    shown[0].class_name = "chili paste"
    with pytest.raises(ValueError, match="shows no chili paste"):
        cues(SPEC, shown)


def test_context_that_never_misleads_has_infinite_weight():
    assert optimal_weights(PlatesSpec(context_strength=1.0), AMBIGUOUS_PAIRS[0])[1] == np.inf
    assert optimal_weights(PlatesSpec(context_strength=0.5), AMBIGUOUS_PAIRS[0])[1] == 0
