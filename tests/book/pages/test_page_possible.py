"""What was possible on page 4, the drinks and other laws, shown from made-up frames."""

import numpy as np
import pandas as pd
import pytest
import stand_in
from pairs_of_page_4 import DRINKS, OTHER, PAIR, scores

from rvernet_book.page import Page
from rvernet_book.pages import possible as show
from rvernet_core.experiments.ketchup_vs_chili import AgainstPaper
from rvernet_core.experiments.possible import Chance, OtherLaws, Reached


@pytest.fixture
def page(tmp_path):
    return Page("04-ketchup-vs-chili", stand_in.study("demo"), tmp_path)


def on_items(shift=0.0):
    """Two nets and an ideal observer."""
    table = pd.concat([scores(), scores().iloc[1:].assign(model="ideal-look", kind="control")])
    return table.assign(pair_accuracy=table["pair_accuracy"] + shift).reset_index(drop=True)


def test_the_controls_of_both_pairs_stand_in_one_line_a_model(page):
    bundle = show.control_table(page, [PAIR, DRINKS], [on_items(), on_items(-0.1)])
    shown = bundle._repr_html_()
    assert "water / liquor: accuracy" in shown
    assert shown.count("ideal, from the look") == 1
    data = pd.read_csv(bundle.paths["csv"]).set_index(["pair", "model", "metric"])
    assert data.loc[("ketchup / chili paste", "vit", "pair_accuracy"), "value"] == pytest.approx(0.6)
    assert data.loc[("water / liquor", "vit", "pair_accuracy"), "value"] == pytest.approx(0.5)


def test_one_pair_of_other_data_has_its_controls_too(page):
    assert "beef / pork: F1" in show.control_table(page, [OTHER], [on_items()])._repr_html_()


def bounds():
    interval = {"gain": [np.nan, 0.2], "gain_low": [np.nan, 0.15], "gain_high": [np.nan, 0.25]}
    return pd.DataFrame(
        {
            "pair": "ketchup / chili paste",
            "model": ["vit", "vit + mobilenetv2"],
            "kind": ["single", "RveRNet"],
            "possible pair_accuracy": [0.75, 0.875],
            "possible pair_f1": [0.76, 0.885],
            "possible gain": [np.nan, 0.125],
        }
        | {
            f"{name}{end}": [value + step, value + 0.1 + step]
            for name, value in (("pair_accuracy", 0.7), ("pair_f1", 0.71), ("short", -0.05))
            for end, step in (("", 0), ("_low", -0.02), ("_high", 0.02))
        }
        | interval
    )


def test_every_net_is_shown_beside_what_was_possible(page):
    bundle = show.possible_table(page, bounds(), None)
    shown = bundle._repr_html_()
    for text in ("accuracy minus possible", "0.875", "-0.050", "[-0.070, -0.030]", "+0.125"):
        assert text in shown
    assert "nan" not in shown
    assert page.numbers.pop("against-paper").startswith("There is no RveRNet here")
    assert page.numbers == {
        "reached-single": "0.700",
        "possible-single": "0.750",
        "reached-gain": "+0.200 [+0.150, +0.250], of ViT + MobileNetV2",
        "possible-gain": "+0.125",
    }
    assert page.headlines == [
        "On the items of the pair alone an ideal observer gains +0.125 F1 from the company; the gains of the "
        "RveRNets over their own ROI module alone are +0.200 to +0.200."
    ]


def test_without_rvernets_what_an_ideal_observer_gains_is_no_answer(page):
    show.possible_table(page, bounds().iloc[:1].drop(columns=[c for c in bounds() if "gain" in c]), None)
    assert page.headlines == []
    assert page.numbers["reached-gain"] == "unknown"


def test_without_a_law_the_prose_says_that_the_possible_is_unknown(page):
    gain = (0.2, 0.15, 0.25)
    found = AgainstPaper("vit + vit", gain, 0.4, gain, *[float("nan")] * 3)
    assert show.possible_table(page, pd.DataFrame(), found) is None
    assert "Why the two differ cannot be said" in page.numbers.pop("against-paper")
    assert set(page.numbers.values()) == {"unknown"}


@pytest.mark.parametrize(
    ("room", "single", "pair", "larger"), [(0.16, 0.05, 0.01, "the data"), (0.12, 0.09, 0.01, "the nets")]
)
def test_the_gain_stands_beside_the_papers_tenth_with_what_makes_them_differ(room, single, pair, larger):
    gain, on_items = (0.2, 0.15, 0.25), (0.2, 0.1, 0.3)
    text = show.against_paper(AgainstPaper("vit + vit", gain, 0.4, on_items, room, single, pair))
    assert text.startswith(
        "The gain of ViT + ViT over the single model with the highest F1 is +0.200 [+0.150, +0.250] F1, "
        "shown to be above the paper's tenth, if points are meant; it is"
    )
    assert "over the single model of its own ROI module, it is +0.200 [+0.100, +0.300]" in text
    assert "it is +40% as a share of that of the single model" in text
    assert f"the data account for {room - 0.1:+.3f}" in text
    assert f"the nets account for {single - pair:+.3f}" in text
    assert f"The larger part is that of {larger}." in text
    nothing = AgainstPaper("vit + vit", gain, None, on_items, room, single, pair)
    assert "it is no share of that of the single model, which is zero" in show.against_paper(nothing)


def chance(above, together):
    table = pd.DataFrame(
        {
            "model": ["all single models", "vit"],
            "pair_accuracy": [0.5, 0.5],
            "pair_accuracy_low": [0.45, 0.45],
            "pair_accuracy_high": [0.55, 0.55],
            "pair_accuracy_spread": [0.0, 0.0],
            "seeds": [4, 2],
            "p": [0.9, 0.8],
            "verdict": [together, "at chance"],
        }
    )
    return Chance(table, (0.5, 0.45, 0.55), above)


@pytest.mark.parametrize(
    ("above", "together", "verdict"),
    [
        ([], "at chance", "none; together they are not shown to differ from it"),
        ([], "below chance", "none; together they are below it"),
        (["vit"], "above chance", "ViT; together they are above it"),
    ],
)
def test_the_drinks_have_a_table_and_a_chart_and_a_computed_verdict(page, above, together, verdict):
    shown = show.drinks(page, [DRINKS], chance(above, together), [on_items(-0.1)])
    assert page.numbers.pop("drinks-verdict") == f"shown to be above chance by itself: {verdict}"
    assert {name: page.numbers[name] for name in ("drinks", "drinks-count", "drinks-d", "drinks-rho")} == {
        "drinks": "water / liquor",
        "drinks-count": "3 and 4",
        "drinks-d": "0",
        "drinks-rho": "0.9",
    }
    assert page.headlines == [f"On water and liquor, which look the same, {page.numbers['drinks-pairs']}."]
    html = shown._repr_html_()
    assert 'id="drinks"' in html
    assert 'id="drinks-chart"' in html
    assert "Dashed line: chance at 0.500." in html
    assert (page.folder / "drinks.csv").is_file()
    assert len(pd.read_csv(page.folder / "drinks-chart.csv")) == 3


def test_what_rvernets_reach_on_the_drinks_stands_beside_what_was_possible():
    table = on_items()
    nets = table[table["kind"] == "RveRNet"]
    low = nets.assign(model="vit + vit", pair_accuracy=0.52, pair_accuracy_low=0.47)
    ideal = nets.assign(model="ideal-both", kind="control", pair_accuracy=0.89)
    text = show.drinks_reached(DRINKS, pd.concat([table, low, ideal]))
    assert text == (
        "RveRNets have an accuracy of 0.520 to 0.800, where 0.890 was possible from ROI and company; "
        "with their whole interval above chance: 1 of 2"
    )
    assert "where 0.900 was possible" in show.drinks_reached(DRINKS, table), (
        "on average, without an ideal observer"
    )
    assert "no RveRNet was trained" in show.drinks_reached(DRINKS, table[table["kind"] != "RveRNet"])


def test_other_data_have_no_drinks_and_no_other_laws_but_the_prose_has_its_words(page):
    assert show.drinks(page, [], None, []) is None
    assert show.law_table(page, pd.DataFrame(), OtherLaws([], [], [], 0)) is None
    assert page.numbers["drinks-verdict"] == "none"
    assert page.numbers["laws-compared"] == "0"
    assert page.numbers["laws-reached"] == "there is no such law here"
    assert page.headlines == []
    assert not list(page.folder.iterdir())


def test_other_laws_are_shown_with_what_was_possible_and_a_computed_verdict(page):
    laws = bounds().drop(
        columns=[c for c in bounds() if "f1" in c or c in ("pair", "possible pair_accuracy")]
    )
    laws = laws.assign(seeds=3, **{"p of short": 0.3})
    laws = laws.assign(law=["as on this page", "no context"], d=1.5, rho=[0.8, 0.5], possible=0.75)
    bundle = show.law_table(page, laws, OtherLaws([], [], [], 1))
    assert "no context" in bundle._repr_html_()
    data = pd.read_csv(bundle.paths["csv"])
    assert set(data["metric"]) == {
        "pair_accuracy",
        "short",
        "gain",
        "possible",
        "possible gain",
        "p of short",
    }
    assert list(data["rho"].unique()) == [0.8, 0.5]
    assert page.numbers["laws-verdict"] == "none is shown to gain what it should not"
    reached = [Reached("vit + deit", "same looks", (0.07, -0.01, 0.15), 0.31, shown=False)]
    show.law_table(page, laws, OtherLaws([], ["vit + vit (no context)"], [], 1, reached))
    assert page.numbers["laws-verdict"] == (
        "by tests corrected over all questions, gained from company that says nothing: ViT + ViT (no context)"
    )
    told, _, count = page.numbers["laws-reached"].partition(" (0 of 1 ")
    assert told == "ViT + DeiT (same looks) +0.070 [-0.010, +0.150] of +0.310"
    assert count == "gains are shown, after Holm's correction)"
