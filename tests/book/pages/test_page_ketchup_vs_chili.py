"""Page 4, shown from made-up frames: what is drawn, worded and glued agrees with the data."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import stand_in

from rvernet_book.page import Page
from rvernet_book.pages import ketchup_vs_chili as show
from rvernet_core.experiments.ketchup_vs_chili import AgainstPaper, Ambiguous, GridOnPair, Verdict
from rvernet_core.experiments.possible import Chance, OtherLaws, Reached
from rvernet_core.experiments.rvernet import FrozenFacts, Otherwise
from rvernet_core.uncertainty import Leading

CLASSES = ("ketchup", "chili paste")
CEILINGS = {"ceiling, ROI": 0.691, "ceiling, ROI + context": 0.9012}
PAIR = Ambiguous(CLASSES, list(range(10)), (6, 4), 1.0, 0.9, CEILINGS)
DRINKS = Ambiguous(
    ("water", "liquor"), [0, 1], (3, 4), 0.0, 0.9, dict(zip(CEILINGS, (0.5, 0.9), strict=True))
)
OTHER = Ambiguous(("beef", "pork"), [0, 1], (1, 1), None, None, {})


class Split:
    """Twelve photos of noise, the sauces in turn."""

    samples = tuple(SimpleNamespace(class_name=CLASSES[i % 2]) for i in range(12))

    def photo(self, i):
        return np.random.default_rng(i).integers(0, 255, (16, 16, 3)).astype(np.uint8)

    def mask(self, i):
        mask = np.zeros((16, 16), bool)
        mask[4:12, 4:12] = True
        return mask

    def cutouts(self, i):
        photo, mask = self.photo(i), self.mask(i)[..., None]
        return photo * mask, photo * ~mask


@pytest.fixture
def page(tmp_path):
    study = stand_in.study("demo")
    study.data = SimpleNamespace(test=Split())
    return Page("04-ketchup-vs-chili", study, tmp_path)


def scores():
    return pd.DataFrame(
        {
            "model": ["vit + mobilenetv2", "vit"],
            "kind": ["RveRNet", "single"],
            "seeds": 2,
            "parameters": [250, 100],
            "seconds": [2.0, 1.0],
        }
        | {
            f"{metric}{bound}": [0.8 + step, 0.6 + step]
            for metric in ("pair_f1", "pair_accuracy")
            for bound, step in (("", 0), ("_low", -0.05), ("_high", 0.05), ("_spread", 0.01))
        }
    )


def test_the_photos_show_the_first_samples_and_glue_the_law(page):
    bundle = show.sample_photos(page, PAIR)
    data = pd.read_csv(bundle.paths["csv"])
    assert list(data["sample"]) == list(range(show.SHOWN))
    assert "Row 1: ketchup, chili paste" in bundle.alt
    assert page.numbers == {
        "first": "ketchup",
        "first-count": "6",
        "second": "chili paste",
        "second-count": "4",
        "d": "1",
        "rho": "0.9",
    }


def test_other_data_have_no_law(page):
    show.sample_photos(page, OTHER)
    assert (page.numbers["first"], page.numbers["second"]) == ("beef", "pork")
    assert page.numbers["d"] == page.numbers["rho"] == "unknown"


def test_scores_are_shown_with_intervals_and_kept_whole(page):
    bundle = show.score_table(page, PAIR, scores())
    assert "[0.750, 0.850]" in bundle._repr_html_()
    data = pd.read_csv(bundle.paths["csv"])
    assert {"pair_f1", "pair_accuracy", "parameters"} <= set(data["metric"])


def test_the_chart_names_the_classes_and_says_the_ceilings(page):
    bundle = show.score_chart(page, PAIR, scores())
    assert "ViT 0.600 [0.550, 0.650]" in bundle.alt
    assert "Dashed line: ceiling, ROI + context at 0.901." in bundle.alt
    assert "F1 of ketchup and chili paste" in bundle.paths["light"].read_text()


def test_without_ceilings_no_line_is_drawn(page):
    assert "Dashed" not in show.score_chart(page, OTHER, scores()).alt


def gains():
    return pd.DataFrame(
        {
            "model": ["vit + mobilenetv2"],
            "against": ["vit"],
            "gain": [0.2],
            "gain_low": [0.15],
            "gain_high": [0.25],
            "only RveRNet right": [9.5],
            "only single right": [1.0],
            "McNemar p": [0.0123],
            "p": [0.041],
            "smallest": [0.1],
        }
    )


def test_gains_are_shown_with_sign_counts_and_p(page):
    otherwise = [Otherwise(("vit", "mobilenetv2"), (2, 4), (0.001, 0.001))]
    text = show.gain_table(page, gains(), otherwise)._repr_html_()
    assert "ViT + MobileNetV2 (2 against 4 epochs)." in page.numbers["trained-otherwise"]
    for shown in ("<strong>+0.200</strong>", "[+0.150, +0.250]", "0.012", "0.041"):
        assert shown in text


def test_an_answer_without_a_gain_calls_none_one_and_no_model_the_leader(page):
    leading = Leading(("vit",), {}), Leading((("vit", "mobilenetv2"), ("vit", "vit")), {})
    verdict = Verdict("vit", 0.6, "vit + mobilenetv2", (-0.014, -0.046, 0.018), 0, 2, *leading)
    assert show.answer(page, PAIR, verdict).text == (
        "On ketchup against chili paste, none of 2 RveRNets is shown to gain F1: the highest, "
        "**ViT + MobileNetV2**, stands -0.014 [-0.046, +0.018] from the highest single model, ViT."
    )


def test_the_answer_is_the_gain_over_the_best_single_model(page):
    leading = Leading(("vit",), {}), Leading((("vit", "mobilenetv2"), ("vit", "vit")), {})
    verdict = Verdict("vit", 0.6, "vit + mobilenetv2", (0.2, 0.15, 0.25), 1, 2, *leading)
    sentence = show.answer(page, PAIR, verdict).text
    assert page.headlines == [sentence]
    assert sentence == (
        "On ketchup against chili paste, **ViT + MobileNetV2** (not shown to be behind the highest RveRNet: "
        "ViT + MobileNetV2 and ViT + ViT) gains +0.200 [+0.150, +0.250] F1 over the single "
        "model with the highest F1, ViT; 1 of 2 RveRNets are shown to gain."
    )
    assert page.numbers == {
        "best-single": "ViT",
        "best-single-f1": "0.600",
        "best-pair": "ViT + MobileNetV2",
        "best-gain": "+0.200 [+0.150, +0.250]",
        "leading-singles": "ViT",
        "leading-pairs": "ViT + MobileNetV2 and ViT + ViT",
        "relative-gain": "+33%",
        "significant": "1",
        "compared": "2",
        "roi-ceiling": "0.691",
        "roi-context-ceiling": "0.901",
    }


def test_a_gain_over_nothing_is_said_to_be_no_share_of_it(page):
    leading = Leading(("vit",), {}), Leading((("vit", "mobilenetv2"),), {})
    show.answer(page, PAIR, Verdict("vit", 0.0, "vit + mobilenetv2", (0.2, 0.15, 0.25), 1, 2, *leading))
    assert page.numbers["relative-gain"] == "no share, as that is zero,"


def test_without_rvernets_there_is_no_answer_and_no_table_but_the_prose_has_its_numbers(page):
    assert show.answer(page, OTHER, Verdict("vit", 0.6, None, None, 0, 0)) is None
    assert show.gain_table(page, pd.DataFrame(), []) is None
    assert page.headlines == []
    assert {page.numbers[name] for name in ("best-pair", "best-gain", "relative-gain")} == {"none"}
    assert "roi-ceiling" not in page.numbers


# --- what was possible ----------------------------------------------------------------------------------


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
    laws["p of short"] = 0.3
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
    reached = [Reached("vit + deit", "same looks", (0.07, -0.01, 0.15), 0.31)]
    show.law_table(page, laws, OtherLaws([], ["vit + vit (no context)"], [], 1, reached))
    assert page.numbers["laws-verdict"] == (
        "by tests corrected over all questions, gained from company that says nothing: ViT + ViT (no context)"
    )
    told, _, count = page.numbers["laws-reached"].partition(" (0 of 1 ")
    assert told == "ViT + DeiT (same looks) +0.070 [-0.010, +0.150] of +0.310"
    assert count == "gains are shown, after Holm's correction)"


def test_the_grid_is_drawn_and_glued(page):
    modules = [(a, b) for a in ("vit", "deit") for b in ("vit", "deit")]
    table = pd.DataFrame(modules, columns=["roi", "extra_roi"]).assign(
        model=[f"{a} + {b}" for a, b in modules], pair_f1=[0.5, 0.6, 0.7, 0.8]
    )
    f1 = table.pivot(index="roi", columns="extra_roi", values="pair_f1")
    bundle = show.grid_chart(
        page,
        GridOnPair(
            table,
            f1,
            Leading((("deit", "deit"),), {}),
            Leading(("deit",), {}),
            FrozenFacts(3, 2, 1, 0, 0, (0.8, 0.9), (0.7, 0.6)),
        ),
    )
    assert "shown to have a higher F1 on the pair on frozen backbones: 2" in page.numbers.pop("grid-pair-why")
    assert "Highest 0.800 at DeiT and DeiT" in bundle.alt
    assert page.numbers == {
        "grid-pair-best": "DeiT + DeiT",
        "grid-pair-leading": "1",
        "grid-pair-cells": "4",
        "grid-pair-f1": "0.800",
        "grid-pair-extra": "DeiT",
        "grid-pair-how": "with frozen backbones",
    }


@pytest.mark.parametrize("names", [["vit"], ["vit", "vit + mobilenetv2"]])
def test_every_count_of_the_confusions_is_said_and_kept(page, names):
    matrix = pd.DataFrame([[5, 1, 0], [2, 3, 1]], index=list(CLASSES), columns=[*CLASSES, "another"])
    bundle = show.confusion_chart(page, dict.fromkeys(names, matrix))
    assert bundle.alt.count("chili paste taken for ketchup: 2") == len(names)
    data = pd.read_csv(bundle.paths["csv"])
    assert len(data) == 6 * len(names)
    assert data["count"].sum() == 12 * len(names)


def cases(rescued, lost):
    table = pd.DataFrame({"sample": range(rescued + lost), "truth": "ketchup"})
    table["case"] = ["rescued"] * rescued + ["lost"] * lost
    table["vit"] = ["chili paste"] * rescued + ["ketchup"] * lost
    table["vit + deit"] = ["ketchup"] * rescued + ["rice"] * lost
    return table


def test_rescued_and_lost_sauces_are_shown_with_every_models_answer(page):
    bundle = show.case_photos(page, cases(5, 1), ("vit", "deit"))
    assert bundle.alt.count("ViT chili paste, wrong; ViT + DeiT right") == show.CASES
    assert "lost by ViT + DeiT. ketchup: ViT right; ViT + DeiT rice, wrong." in bundle.alt
    assert len(pd.read_csv(bundle.paths["csv"])) == 6  # all of them, not only those shown
    assert page.numbers == {"rescued": "5", "lost": "1"}
    text = bundle._repr_html_()
    assert "Rescued: samples of the pair that most runs of every single model get wrong" in text
    assert "Lost: samples of the pair" in text
    alone = show.case_photos(page, cases(0, 1), ("vit", "deit"))._repr_html_()
    assert "Rescued:" not in alone, "it has none"
    assert "Lost: samples of the pair" in alone


def test_where_context_decides_nothing_no_figure_is_drawn(page):
    assert show.case_photos(page, cases(0, 0), None) is None
    assert page.numbers == {"rescued": "0", "lost": "0"}
