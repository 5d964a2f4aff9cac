"""Page 5, shown: what is drawn, written and glued agrees with the data."""

import pandas as pd
import pytest
from small_maps import MASKS, make_explained, make_study

from rvernet_book.page import Page
from rvernet_book.pages import gradcam as show
from rvernet_core.experiments import gradcam
from rvernet_core.experiments.gradcam import MapFacts

FACTS = MapFacts(
    roi_area=0.053,
    singles=4,
    pairs=3,
    more=2,
    less=0,
    most_inside=("deit", 0.36),
    least_inside=("mlp-mixer", 0.04),
    as_even=["mlp-mixer", "vit"],
    most_blank=("vit + vit", "roi", 0.031),
    most_in_hole=("vit + mobilenetv2", 0.07),
    least_in_hole=("vit + vit", 0.03),
    branches=9,
    road_above=6,
    road_below=1,
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
    assert "rows: ROI, single model, RveRNet, ROI, RveRNet, extra-ROI" in figure.alt
    assert "Row 2: rice 100% inside, rice 100% inside." in figure.alt  # the single model is wrong
    assert "Row 3: chili paste 100% inside, chili paste 100% inside." in figure.alt
    assert "Row 4: chili paste 0% inside, chili paste 0% inside." in figure.alt
    data = pd.read_csv(figure.paths["csv"])
    assert sorted(data["sample"].unique()) == [2, 8]
    assert set(data["model"]) == {"mobilenetv2", "mobilenetv2 + mobilenetv2"}
    assert page.numbers["food-shown"] == "chili paste"


def test_a_picture_and_its_data_are_of_the_first_seed(page):
    figure = show.figure_4(*drawn(page, make_explained(seeds=(2, 0))))
    assert set(pd.read_csv(figure.paths["csv"])["seed"]) == {2}
    assert "first seed" in figure.html.text


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
    assert "over photos alone (there is one seed): 12 test samples of 4 photos" in table.html.text
    assert f"takes {MASKS.mean():.1%}" in table.html.text
    assert page.numbers == {"road-samples": "3", "test-samples": "12", "test-photos": "4"}
    published = pd.read_csv(tmp_path / "05-gradcam.samples.csv.xz")
    assert list(published) == show.MEASURES
    assert len(published) == len(explained.measures)
    worth = show.faithfulness_table(page, explained, gradcam.faithfulness(explained.measures))
    assert "ROAD on 3 samples of each seed" in worth.html.text
    chart = show.localisation_chart(page, explained, where)
    assert "MobileNetV2, ROI 1.000 [1.000, 1.000]" in chart.alt
    assert f"area of the ROI at {MASKS.mean():.3f}" in chart.alt


def test_the_gains_and_the_facts_of_the_test_set(page):
    assert show.gain_table(page, gradcam.roi_gains(make_explained()), FACTS) is not None
    assert page.numbers["roi-verdict"] == (
        "of 3 RveRNets 2 are shown to put more of the ROI branch's energy inside the ROI than the "
        "single model and 0 less; 1 are not told apart from it"
    )
    expected = {
        **{"most-inside": "DeiT", "most-inside-energy": "36%"},
        **{"least-inside": "MLP-Mixer", "least-inside-energy": "4%"},
        **{"most-blank": "ViT + ViT (ROI)", "most-blank-share": "3.1%", "roi-area": "5.3%"},
        "as-even": "MLP-Mixer and ViT",
        **{"road-above": "6", "road-below": "1", "road-all": "9"},
        **{"hole-most": "7% (ViT + MobileNetV2)", "hole-least": "3% (ViT + ViT)"},
    }
    assert expected.items() <= page.numbers.items()


def test_without_pairs_there_is_no_table_of_gains_but_all_numbers_of_the_prose(page):
    changes = {"pairs": 0, "more": 0, "most_in_hole": None, "least_in_hole": None, "as_even": []}
    assert show.gain_table(page, pd.DataFrame(), MapFacts(**{**vars(FACTS), **changes})) is None
    assert page.numbers["hole-most"] == page.numbers["hole-least"] == "unknown (no RveRNet)"
    assert page.numbers["as-even"] == "none"


def test_a_share_whose_interval_leaves_0_to_1_has_a_note(page):
    explained = make_explained()
    where = gradcam.localisation(explained.measures)
    assert "may leave 0 to 1" not in show.localisation_table(page, explained, where).html.text
    below = where.assign(hit_low=[-0.01, *where["hit_low"][1:]])
    assert "may leave 0 to 1" in show.localisation_table(page, explained, below).html.text
