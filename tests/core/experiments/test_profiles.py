"""The profiles: what each of them promises."""

import pytest

from rvernet_core import config
from rvernet_core.errors import ConfigError
from rvernet_core.experiments import profiles
from rvernet_core.experiments.profiles import PROFILES, Profile, profile_named
from rvernet_core.models.backbones import BACKBONES


@pytest.mark.parametrize("profile", PROFILES.values(), ids=PROFILES.keys())
def test_every_profile_can_be_written_down_and_keeps_its_promises(profile):
    assert config.from_dict(Profile, config.to_dict(profile)) == profile
    tiny = profile.name == "smoke"  # shows that everything runs, not its results
    assert len(profile.seeds) >= (2 if tiny else 3)
    equal = [pair for pair in profile.pairs if pair[0] == pair[1]]
    mixed = [pair for pair in profile.pairs if pair[0] != pair[1]]
    assert len(equal) >= (1 if tiny else 2)
    assert len(mixed) >= 1
    assert {name for pair in profile.pairs for name in pair} <= set(BACKBONES)


def test_the_paper_profile_is_the_papers_protocol():
    paper = PROFILES["paper"]
    assert (paper.single.lr, paper.single.batch_size, paper.single.epochs, paper.single.flip) == (
        4e-3,
        50,
        30,
        0.5,
    )
    assert paper.sam == "vit_h"


def test_an_unknown_profile_names_the_four():
    with pytest.raises(ConfigError, match="smoke, demo, full, paper"):
        profile_named("ful")


def test_a_published_profile_is_stale_when_a_number_of_it_changes_and_not_for_its_wording(monkeypatch):
    before = profiles.settings("demo")
    same = config.replace(PROFILES["demo"], purpose="another wording", models_per_job=7)
    monkeypatch.setitem(profiles.PROFILES, "demo", same)
    assert profiles.settings("demo") == before
    monkeypatch.setitem(profiles.PROFILES, "demo", config.replace(same, evaluation_photos=81))
    assert profiles.settings("demo") != before
