"""Page 4, shown from made-up frames: what is drawn, worded and glued agrees with the data."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import stand_in
from pairs_of_page_4 import CLASSES, OTHER, PAIR, scores

from rvernet_book.page import Page
from rvernet_book.pages import ketchup_vs_chili as show
from rvernet_core.experiments.ketchup_vs_chili import GridOnPair, Verdict
from rvernet_core.experiments.rvernet import FrozenFacts, Otherwise
from rvernet_core.uncertainty import Leading


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
