"""Page 5's rescued and lost sauces, shown: what is drawn, written and glued agrees with the data."""

import pandas as pd
import pytest
from small_maps import PAIR, make_sauces, make_study

from rvernet_book.page import Page
from rvernet_book.pages import sauce_maps as show
from rvernet_core.experiments import sauce_maps
from rvernet_core.experiments.sauce_maps import Look, Shown, Verdict

LOOK = Look(7, (0.18, 0.17, 0.2), 0.1, 1, -1, 0.12)


@pytest.fixture
def page(tmp_path) -> Page:
    return Page("05-gradcam", make_study(), tmp_path)


def test_the_energy_on_companions_and_in_all_regions(page, tmp_path):
    energy = make_sauces(lost=(5,)).energy
    table = show.companion_table(page, energy, sauce_maps.on_companions(energy))
    text = table._repr_html_()
    assert text.count("MobileNetV2 + MobileNetV2") == 3
    assert ">lost<" in text
    assert page.numbers["companions-note"].startswith("Neutral foods serve as a check")
    published = pd.read_csv(tmp_path / "05-gradcam.sauces.csv.xz")
    assert len(published) == len(energy)
    assert set(published["case"].dropna()) == {"rescued", "lost"}
    chart = show.region_chart(page, sauce_maps.by_region(energy))
    assert "companions +0.750 [+0.750, +0.750]" in chart.alt
    assert "neutral foods -0.250" in chart.alt


def test_rescued_and_lost_sauces_are_shown_with_the_answers_of_both_models(page):
    sauces = make_sauces(wrong=(2, 8), lost=(5,))
    figure = show.pictures(page, sauces, sauce_maps.shown(sauces))
    rescued = "chili paste: MobileNetV2 rice, wrong; MobileNetV2 + MobileNetV2 right; on companions 100%"
    assert f"rescued by MobileNetV2 + MobileNetV2. {rescued}. {rescued}." in figure.alt
    lost = "ketchup: MobileNetV2 right; MobileNetV2 + MobileNetV2 rice, wrong; on companions 100%"
    assert f"lost by MobileNetV2 + MobileNetV2. {lost}." in figure.alt
    data = pd.read_csv(figure.paths["csv"])
    assert set(data["region"]) == set(sauces.regions)
    assert set(data["sample"]) == {2, 5, 8}


def test_nothing_is_shown_of_data_without_companions(page):
    empty = pd.DataFrame()
    assert show.companion_table(page, empty, empty) is None
    assert show.region_chart(page, empty) is None
    assert show.pictures(page, make_sauces(None), Shown(None, {"rescued": [], "lost": []})) is None
    assert show.answer(page, empty, None) is None
    assert page.numbers == {
        "companions-note": "This data set has no known companions, so this part is left out.",
        "companions-verdict": "Where the extra-ROI branch looks cannot be answered here",
        "companions-all": "Of all sauces nothing is known here",
    }
    assert page.headlines == []


def test_nothing_rescued_and_nothing_lost_is_an_answer_of_its_own(page):
    assert show.answer(page, pd.DataFrame({"energy": [0.5]}), None) is None
    assert page.numbers["companions-verdict"].startswith("No sauce was rescued and none was lost")


@pytest.mark.parametrize(
    ("area", "other", "text"),
    [
        (
            1,
            -1,
            "more than their share of the picture (10%) and less than what the maps of other sauces put",
        ),
        (
            -1,
            1,
            "less than their share of the picture (10%) and more than what the maps of other sauces put",
        ),
        (0, 1, "not shown to differ from their share of the picture (10%) and more than"),
        (1, 0, "and not shown to differ from what the maps of other sauces put there (smallest difference"),
        (
            0,
            0,
            "(10%) nor from what the maps of other sauces put there (smallest difference found with a power",
        ),
        (0, 0, "80 %: 12%)."),
    ],
)
def test_the_answer_says_more_or_less_only_where_an_interval_excludes_zero(area, other, text, page):
    look = Look(7, (0.18, 0.17, 0.2), 0.1, area, other, 0.12)
    verdict = Verdict(" + ".join(PAIR), {"rescued": look}, [], ["vit + vit"], 3)
    headline = show.answer(page, pd.DataFrame({"energy": [0.5]}), verdict)
    assert text in headline.text
    assert "18% [17%, 20%] of its energy on the companions" in headline.text
    assert page.numbers["companions-all"].endswith("than the maps of other sauces do: none; less: ViT + ViT")
    assert page.numbers["companions-verdict"] + "." == headline.text.replace("**", "")


def test_the_answer_counts_the_rescued_and_the_lost_and_tells_where_either_looks(page):
    lost = Look(3, (0.3, 0.2, 0.4), 0.1, 1, 0, 0.1)
    verdict = Verdict(" + ".join(PAIR), {"rescued": LOOK, "lost": lost}, [], [], 1)
    text = show.answer(page, pd.DataFrame({"energy": [0.5]}), verdict).text
    assert text.startswith(
        "Counted over 1 seed, **MobileNetV2 + MobileNetV2** rescues 7 sauces and loses 3. "
    )
    assert "When it rescues one, its extra-ROI branch puts 18% [17%, 20%]" in text
    assert "When it loses one, its extra-ROI branch puts 30% [20%, 40%]" in text
    alone = show.answer(
        page, pd.DataFrame({"energy": [0.5]}), Verdict("vit + vit", {"lost": lost}, [], [], 1)
    ).text
    assert "rescues 0 sauces and loses 3" in alone
    assert "When it rescues" not in alone


def test_a_single_rescued_sauce_has_no_interval_and_the_answer_says_so(page):
    look = Look(1, (0.09, float("nan"), float("nan")), 0.06, 0, 0, float("nan"))
    verdict = Verdict("vit + vit", {"rescued": look}, [], [], 1)
    text = show.answer(page, pd.DataFrame({"energy": [0.5]}), verdict).text
    assert "rescues 1 sauce and loses 0" in text
    assert "nan" not in text
    assert "9% of its energy on the companions, which cover 6% of the picture; these are too few" in text
