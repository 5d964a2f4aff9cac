"""Page 5's sanity check, shown: what is drawn, written and glued agrees with the data."""

import numpy as np
import pandas as pd
import pytest
from small_maps import make_maps, make_study

from rvernet_book.page import Page
from rvernet_book.pages import map_sanity as show
from rvernet_core.experiments.map_sanity import STAGES, Sanity, SanityFacts

SANITY_FACTS = SanityFacts(
    branches=3, passed=2, rank=0.03, seed_rank=0.28, stable=[("vit", "roi")], blank=["vit"]
)


@pytest.fixture
def page(tmp_path) -> Page:
    return Page("05-gradcam", make_study(), tmp_path)


def made_up_sanity() -> Sanity:
    against = [*STAGES, "another seed", "another sample"]
    ranks = [0.9, 0.3, -0.1, 0.5, 0.2]
    scores = pd.DataFrame({"model": "vit", "branch": "roi", "against": against, "rank": ranks})
    scores = scores.assign(rank_low=scores["rank"] - 0.1, rank_high=scores["rank"] + 0.1)
    maps = make_maps(np.random.default_rng(0).random((12, 8, 8)))
    return Sanity(scores, {"vit": dict.fromkeys(["trained", *against], maps[np.array([4, 7])])})


def test_the_sanity_check_is_shown_with_its_columns_in_order(page):
    sanity = made_up_sanity()
    table = show.table(page, sanity.scores, SANITY_FACTS)
    head = table.html._repr_html_()
    columns = [head.index(f">{name}<") for name in sanity.scores["against"]]
    assert columns == sorted(columns)
    assert "-0.10" in head
    figure = show.pictures(page, sanity)
    assert "Row 1: ViT. Row 2: rank +0.90. Row 3: rank +0.30. Row 4: rank -0.10." in figure.alt


def test_the_facts_of_the_sanity_check(page):
    show.table(page, made_up_sanity().scores, SANITY_FACTS)
    assert (page.numbers["sanity-passed"], page.numbers["sanity-all"]) == ("2", "3")
    assert (page.numbers["sanity-random"], page.numbers["sanity-blank"]) == ("+0.03", "ViT")
    text = page.numbers["sanity-seed-verdict"]
    assert text.startswith("The maps of two trained seeds have a rank correlation of +0.28 on average")
    assert "for 1 of 3 branches" in text
    assert "(ViT (ROI)). For the rest this cannot be shown" in text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"seed_rank": float("nan"), "stable": []}, "With one seed it cannot be said"),
        ({"stable": []}, "(none). For the rest"),
    ],
)
def test_one_seed_or_no_agreement_is_said(changes, text, page):
    show.table(page, made_up_sanity().scores, SanityFacts(**{**vars(SANITY_FACTS), **changes}))
    assert text in page.numbers["sanity-seed-verdict"]


def test_a_sanity_check_without_any_map_shows_nothing(page):
    empty = Sanity(made_up_sanity().scores[:0], {})
    facts = SanityFacts(0, 0, float("nan"), float("nan"), [], [])
    assert show.table(page, empty.scores, facts) is None
    assert show.pictures(page, empty) is None
    assert page.numbers["sanity-blank"] == "no net"
