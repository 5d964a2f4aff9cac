"""Page 5, shown: what is drawn, written and glued agrees with the data."""

import numpy as np
import pandas as pd
import pytest
from small_maps import MASKS, PAIR, make_explained, make_maps, make_study

from rvernet_book.page import Page
from rvernet_book.pages import gradcam as show
from rvernet_core.experiments import gradcam
from rvernet_core.experiments.gradcam import MapFacts, Rescued, Sanity, SanityFacts, Verdict
from rvernet_core.uncertainty import Estimate

FACTS = MapFacts(
    roi_area=0.053,
    pairs=3,
    more=2,
    less=0,
    most_inside=("deit", 0.36),
    least_inside=("mlp-mixer", 0.04),
    most_blank=("vit", 0.25),
    most_in_hole=("vit + mobilenetv2", 0.07),
    branches=9,
    road_above=6,
    road_below=1,
)
SANITY_FACTS = SanityFacts(
    branches=3, passed=2, rank=0.03, seed_rank=0.28, stable=[("vit", "roi")], blank=["vit"]
)


@pytest.fixture
def page(tmp_path) -> Page:
    return Page("05-gradcam", make_study(), tmp_path)


def drawn(page, explained, food="chili paste"):
    """The arguments that the three pictures share."""
    return page, explained, gradcam.examples(page.study, explained, food)


# --- pictures -----------------------------------------------------------------------------------------


def test_figure_4_shows_the_roi_the_single_model_and_both_branches(page):
    figure = show.figure_4(*drawn(page, make_explained()))
    assert "rows: ROI, single model, RveRNet,\nROI, RveRNet,\nextra-ROI" in figure.alt
    assert "Row 2: rice 100% inside, rice 100% inside." in figure.alt  # the single model is wrong
    assert "Row 3: chili paste 100% inside, chili paste 100% inside." in figure.alt
    assert "Row 4: chili paste 0% inside, chili paste 0% inside." in figure.alt
    data = pd.read_csv(figure.paths["csv"])
    assert sorted(data["sample"].unique()) == [2, 8]
    assert set(data["model"]) == {"mobilenetv2", "mobilenetv2 + mobilenetv2"}
    assert page.numbers["food-shown"] == "chili paste"


def test_figure_4_without_pairs_shows_the_single_model_alone(page):
    figure = show.figure_4(*drawn(page, make_explained(None)))
    assert "rows: ROI, single model." in figure.alt
    assert set(pd.read_csv(figure.paths["csv"])["model"]) == {"mobilenetv2"}


def test_blank_maps_are_called_blank(page):
    figure = show.single_maps(*drawn(page, make_explained()))
    assert "Row 2: chili paste blank, chili paste blank." in figure.alt
    assert set(pd.read_csv(figure.paths["csv"])["model"]) == {"mobilenetv2", "vit"}


def test_both_maps_of_a_pair_stand_side_by_side_sample_by_sample(page):
    figure = show.pair_maps(*drawn(page, make_explained()))
    row = "chili paste, 100% in, chili paste, 0% in"
    assert f"Row 1: {row}, {row}." in figure.alt
    assert set(pd.read_csv(figure.paths["csv"])["branch"]) == {"roi", "extra_roi"}
    assert show.pair_maps(*drawn(page, make_explained(None))) is None


# --- tables and charts --------------------------------------------------------------------------------


def test_the_tables_of_the_test_set_and_the_published_measures(page, tmp_path):
    explained = make_explained()
    where = gradcam.localisation(explained.measures)
    table = show.localisation_table(page, explained, where)
    assert "over 12 test samples" in table.html.text
    assert f"takes {MASKS.mean():.1%}" in table.html.text
    assert page.numbers == {"road-samples": "3", "test-samples": "12"}
    published = pd.read_csv(tmp_path / "05-gradcam.samples.csv.xz")
    assert list(published) == show.MEASURES
    assert len(published) == len(explained.measures)
    worth = show.faithfulness_table(page, explained, gradcam.faithfulness(explained.measures))
    assert "ROAD on 3 samples" in worth.html.text
    chart = show.localisation_chart(page, explained, where)
    assert "MobileNetV2, ROI 1.000 [1.000, 1.000]" in chart.alt
    assert f"area of the ROI at {MASKS.mean():.3f}" in chart.alt


def test_the_gains_and_the_facts_of_the_test_set(page):
    assert show.gain_table(page, gradcam.roi_gains(make_explained()), FACTS) is not None
    assert page.numbers["roi-verdict"] == (
        "of 3 RveRNets, 2 put more of their energy inside the ROI than the single model, 0 put less, "
        "and 1 cannot be told apart from it"
    )
    expected = {
        **{"most-inside": "DeiT", "most-inside-energy": "36%"},
        **{"least-inside": "MLP-Mixer", "least-inside-energy": "4%"},
        **{"most-blank": "ViT", "most-blank-share": "25%", "roi-area": "5.3%"},
        **{"road-above": "6", "road-below": "1", "road-all": "9"},
        **{"hole-model": "ViT + MobileNetV2", "hole-energy": "7%"},
    }
    assert expected.items() <= page.numbers.items()


def test_without_pairs_there_is_no_table_of_gains_but_all_numbers_of_the_prose(page):
    facts = MapFacts(**{**vars(FACTS), "pairs": 0, "more": 0, "most_in_hole": None})
    assert show.gain_table(page, pd.DataFrame(), facts) is None
    assert (page.numbers["hole-model"], page.numbers["hole-energy"]) == ("No model", "nan%")


# --- the sanity check ---------------------------------------------------------------------------------


def made_up_sanity() -> Sanity:
    against = [*gradcam.STAGES, "another seed", "another sample"]
    ranks = [0.9, 0.3, -0.1, 0.5, 0.2]
    scores = pd.DataFrame({"model": "vit", "branch": "roi", "against": against, "rank": ranks})
    scores = scores.assign(rank_low=scores["rank"] - 0.1, rank_high=scores["rank"] + 0.1)
    maps = make_maps(np.random.default_rng(0).random((12, 8, 8)))
    return Sanity(scores, {"vit": dict.fromkeys(["trained", *against], maps[np.array([4, 7])])})


def test_the_sanity_check_is_shown_with_its_columns_in_order(page):
    sanity = made_up_sanity()
    table = show.sanity_table(page, sanity.scores, SANITY_FACTS)
    head = table.html._repr_html_()
    columns = [head.index(f">{name}<") for name in sanity.scores["against"]]
    assert columns == sorted(columns)
    assert "-0.10" in head
    figure = show.sanity_maps(page, sanity)
    assert "Row 1: ViT. Row 2: rank +0.90. Row 3: rank +0.30. Row 4: rank -0.10." in figure.alt


def test_the_facts_of_the_sanity_check(page):
    show.sanity_table(page, made_up_sanity().scores, SANITY_FACTS)
    assert (page.numbers["sanity-passed"], page.numbers["sanity-all"]) == ("2", "3")
    assert (page.numbers["sanity-random"], page.numbers["sanity-blank"]) == ("+0.03", "ViT")
    text = page.numbers["sanity-seed-verdict"]
    assert text.startswith("Two trained seeds share +0.28 on average, and for 1 of 3 branches")
    assert "(ViT (ROI)). For the rest this cannot be shown" in text


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"seed_rank": float("nan"), "stable": []}, "With one seed it cannot be said"),
        ({"stable": []}, "(none). For the rest"),
    ],
)
def test_one_seed_or_no_agreement_is_said(changes, text, page):
    show.sanity_table(page, made_up_sanity().scores, SanityFacts(**{**vars(SANITY_FACTS), **changes}))
    assert text in page.numbers["sanity-seed-verdict"]


def test_a_sanity_check_without_any_map_shows_nothing(page):
    empty = Sanity(made_up_sanity().scores[:0], {})
    facts = SanityFacts(0, 0, float("nan"), float("nan"), [], [])
    assert show.sanity_table(page, empty.scores, facts) is None
    assert show.sanity_maps(page, empty) is None
    assert page.numbers["sanity-blank"] == "no net"


# --- where the extra-ROI branch looks -----------------------------------------------------------------


def test_the_energy_on_companions_and_the_rescued_sauces(page, tmp_path):
    explained = make_explained()
    regions = gradcam.regions(page.study, explained, ("ketchup", "chili paste"))
    energy = gradcam.region_energy(explained, regions)
    assert show.companion_table(page, energy, gradcam.on_companions(energy)) is not None
    assert page.numbers["companions-note"].startswith("Neutral foods serve as a check")
    assert len(pd.read_csv(tmp_path / "05-gradcam.sauces.csv.xz")) == len(energy)
    chart = show.region_chart(page, gradcam.by_region(energy))
    assert "companions +0.750 [+0.750, +0.750]" in chart.alt
    assert "neutral foods -0.250" in chart.alt
    figure = show.rescued_maps(page, explained, regions, energy, gradcam.rescued(explained, energy))
    assert "Row 1: chili paste, chili paste. Row 2: 100% on companions, 100% on companions." in figure.alt
    assert set(pd.read_csv(figure.paths["csv"])["region"]) == set(regions.masks)


def test_nothing_is_shown_of_data_without_companions(page):
    empty = pd.DataFrame()
    assert show.companion_table(page, empty, empty) is None
    assert show.region_chart(page, empty) is None
    assert show.rescued_maps(page, make_explained(), None, empty, Rescued(None, [])) is None
    assert show.answer(page, empty, None) is None
    assert page.numbers == {
        "companions-note": "This data set has no known companions, so this part is left out.",
        "companions-verdict": "Where the extra-ROI branch looks cannot be answered here",
    }
    assert page.headlines == []


def test_nothing_rescued_is_an_answer_of_its_own(page):
    assert show.answer(page, pd.DataFrame({"energy": [0.5]}), None) is None
    assert page.numbers["companions-verdict"] == "No sauce was rescued, so there is nothing to explain"


@pytest.mark.parametrize(
    ("area", "other", "text"),
    [
        (1, -1, "more than their share of the picture (10%), and less than the maps of other sauces do"),
        (-1, 1, "less than their share of the picture (10%), and more than the maps of other sauces do"),
        (0, 1, "no more and no less, as far as can be told, than their share"),
    ],
)
def test_the_answer_says_more_or_less_only_where_an_interval_excludes_zero(area, other, text, page):
    verdict = Verdict(" + ".join(PAIR), 7, Estimate(0.18, 0.17, 0.2, 0, 1), 0.21, 0.1, area, other)
    headline = show.answer(page, pd.DataFrame({"energy": [0.5]}), verdict)
    assert text in headline.text
    assert "**MobileNetV2 + MobileNetV2** rescues a sauce (7 times)" in headline.text
    assert "18% [17%, 20%] of its energy on the companions" in headline.text
    assert page.numbers["rescued-all"] == "21%"
    assert page.numbers["companions-verdict"] + "." == headline.text.replace("**", "")
