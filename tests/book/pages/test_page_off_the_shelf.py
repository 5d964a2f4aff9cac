"""Page 2, shown: tables, alt texts and glued numbers agree with the frames; what is empty is not shown."""

import numpy as np
import pandas as pd
import pytest
from small_photos import make_study

from rvernet_book.answer_grid import answer_grid
from rvernet_book.page import Page
from rvernet_book.pages import off_the_shelf as show
from rvernet_core.experiments.off_the_shelf import AHEAD_OF_COLOURS, Bar, Lead, Verdict
from rvernet_core.uncertainty import Estimate, Leading, Omnibus

SCORES = pd.DataFrame(
    {
        "model": ["deit", "mobilenetv2"],
        "accuracy": [0.91, 0.82],
        "accuracy_low": [0.88, 0.79],
        "accuracy_high": [0.94, 0.85],
        "accuracy_spread": [0.01, 0.02],
        "macro_f1": [0.9, 0.8],
        "macro_f1_low": [0.87, 0.77],
        "macro_f1_high": [0.93, 0.83],
        "macro_f1_spread": [0.01, 0.02],
        "seeds": [2, 2],
        "parameters": [1234, 5678],
        "seconds": [3.6, 2.4],
    }
)
DIFFERENCES = pd.DataFrame(
    {
        "model": ["mobilenetv2"],
        "difference": [0.09],
        "difference_low": [0.05],
        "difference_high": [0.13],
        "p": [0.0123],
        "smallest": [0.05],
        "McNemar p, per seed": ["0.01, 0.02"],
    }
)
CASES = pd.DataFrame(
    {
        "sample": [1, 3, 0],
        "truth": ["egg", "egg", "rice"],
        "wrong prediction": ["rice", "soup", "egg"],
        "right": ["transformer", "transformer", "cnn"],
        "mobilenetv2": ["rice", "soup", "rice"],
        "deit": ["egg", "egg", "egg"],
    }
)


@pytest.fixture
def page(tmp_path):
    return Page("02-off-the-shelf", make_study(), tmp_path)


def test_the_score_table_shows_the_best_in_bold_and_keeps_the_spread_in_its_data(page):
    bundle = show.score_table(page, SCORES)
    shown = bundle._repr_html_()
    assert "<strong>0.910</strong>" in shown
    assert "<strong>0.820</strong>" not in shown
    assert "top-1 accuracy" in shown
    assert "spread" not in shown
    data = pd.read_csv(bundle.paths["csv"]).set_index(["model", "metric"])
    assert data.loc[("mobilenetv2", "accuracy"), ["value", "low", "high", "spread", "seeds"]].tolist() == [
        0.82,
        0.79,
        0.85,
        0.02,
        2,
    ]


def test_the_accuracy_chart_says_every_interval_that_it_draws(page):
    bundle = show.accuracy_chart(page, SCORES)
    assert "DeiT 0.910 [0.880, 0.940]; MobileNetV2 0.820 [0.790, 0.850]" in bundle.alt
    assert list(pd.read_csv(bundle.paths["csv"])["accuracy"]) == [0.91, 0.82]


def test_the_pretraining_table_names_the_test_in_its_caption(page):
    table = pd.DataFrame({"model": ["deit"], "data": ["plates"], "minutes": [12.4], "test": ["200 scenes"]})
    bundle = show.pretraining_table(page, table)
    assert "top-1 accuracy on 200 scenes; means" in repr(bundle)
    probed = show.pretraining_table(page, table.assign(**{"linear probe": 0.4}))
    assert "top-1 accuracy on 200 scenes and accuracy on plates; means" in repr(probed)
    assert "<td>12</td>" in bundle._repr_html_()
    assert "200 scenes" not in bundle.paths["csv"].read_text()


def test_how_long_pretraining_took_is_read_from_the_cards(page):
    table = pd.DataFrame(
        {"model": ["deit", "vit"], "data": "plates", "minutes": [57.6, 8.2], "test": "scenes"}
    )
    show.pretraining_table(page, table)
    assert "is 8 to 58 minutes of rendered things a net" in page.numbers["pretraining-here"]
    show.pretraining_table(page, table.iloc[:0])
    assert page.numbers["pretraining-here"] == "the nets' own pretraining is that of the paper"


def test_the_controls_stand_beside_the_best_nets_lead(page):
    ahead = {"ahead": [0.3, 0.6], "ahead_low": [0.25, 0.55], "ahead_high": [0.35, 0.65]}
    controls = SCORES.assign(model=["histogram", "majority"], **ahead)
    bundle = show.control_table(page, controls)
    shown = bundle._repr_html_()
    assert "colour histogram" in shown
    assert '+0.300 <span class="rvn-interval">[+0.250, +0.350]' in shown
    data = pd.read_csv(bundle.paths["csv"]).set_index(["model", "metric"])
    assert data.loc[("majority", "ahead"), ["value", "low", "high"]].tolist() == [0.6, 0.55, 0.65]


@pytest.mark.parametrize(
    ("above", "below", "undecided", "found"),
    [
        (["deit", "vit"], [], [], "both are shown to be above it"),
        (["deit"], ["vit"], [], "DeiT is shown to be above it, and ViT is shown to be below it"),
        ([], [], ["deit", "vit", "mlp-mixer"], "none is shown to be above or below it"),
        (
            ["deit"],
            ["mlp-mixer"],
            ["vit", "deit-distilled"],
            "DeiT is shown to be above it, MLP-Mixer is shown to be below it, and ViT and DeiT-distilled are "
            "not shown to be either",
        ),
    ],
)
def test_who_is_above_the_colours_and_who_below_is_computed(page, above, below, undecided, found):
    sentence = show.against_colours(page, Bar("deit", (0.3, 0.25, 0.35), above, below, undecided)).text
    assert sentence == (
        "The accuracy of DeiT, the highest net, minus that of the colours is +0.300 [+0.250, +0.350]. "
        f"Of the nets, {found}."
    )
    assert page.numbers == {
        "histogram-gap": "+0.300 [+0.250, +0.350]",
        "histogram-target": f"{AHEAD_OF_COLOURS:g}",
        "histogram-bar": f"more than {AHEAD_OF_COLOURS:g}",
        "above-histogram": found,
    }


@pytest.mark.parametrize(
    ("gap", "words"),
    [
        ((0.3, 0.21, 0.39), "more than"),
        ((0.22, 0.15, 0.29), "not shown to be more or less than"),
        ((0.1, 0.05, 0.15), "less than"),
    ],
)
def test_the_gap_is_held_against_what_the_plates_are_made_for(page, gap, words):
    show.against_colours(page, Bar("deit", gap, ["deit"], [], []))
    assert page.numbers["histogram-bar"] == f"{words} {AHEAD_OF_COLOURS:g}"


def test_differences_have_a_sign(page):
    bundle = show.difference_table(page, DIFFERENCES)
    assert "+0.090" in bundle._repr_html_()
    assert "[+0.050, +0.130]" in bundle._repr_html_()
    assert "<td>0.012</td>" in bundle._repr_html_()
    assert "p, Holm" in bundle._repr_html_()


def test_without_cards_or_a_second_model_nothing_is_shown(page, tmp_path):
    assert show.pretraining_table(page, pd.DataFrame()) is None
    assert show.difference_table(page, pd.DataFrame()) is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("group", "leading", "sentence"),
    [
        (
            ("deit",),
            "DeiT",
            "On the ROI alone, **DeiT** is best of the 4 nets: accuracy 0.910 [0.880, 0.940].",
        ),
        (
            ("deit", "vit"),
            "DeiT and ViT",
            "On the ROI alone, **DeiT** and **ViT** lead the 4 nets: DeiT with the highest accuracy, "
            "0.910 [0.880, 0.940].",
        ),
        (
            ("deit", "vit", "mobilenetv2", "mlp-mixer"),
            "all 4",
            "On the ROI alone, none of the 4 nets is shown to be behind the highest: DeiT with the highest "
            "accuracy, 0.910 [0.880, 0.940].",
        ),
    ],
)
def test_the_answer_is_the_best_model_or_those_that_lead(page, group, leading, sentence):
    accuracy = Estimate(0.91, 0.88, 0.94, 0.01, 2)
    others = dict.fromkeys(("vit", "mobilenetv2", "mlp-mixer"), 0.1)
    lead = Lead(Leading(group, others), Omnibus(4.0, (4, 8), 0.04, 5))
    show.answer(page, Verdict(lead, accuracy, ["vit", "mobilenetv2"], []))
    assert page.numbers == {
        "leading": leading,
        "highest": "DeiT",
        "best-accuracy": "0.910 [0.880, 0.940]",
        "differ": "differ",
        "omnibus": "F = 4.00, p = 0.04",
        "deit-ahead": "ViT and MobileNetV2",
        "deit-behind": "none",
    }
    assert page.headlines == [sentence]


def test_intervals_of_one_seed_say_that_they_are_over_photos_alone(page):
    assert "over seeds and photos" in repr(show.accuracy_chart(page, SCORES))
    page.seeds = (0,)
    assert "over photos alone (there is one seed)" in repr(show.accuracy_chart(page, SCORES))


def test_the_learning_curves_say_where_they_begin_and_end(page):
    curves = pd.DataFrame(
        {
            "model": ["deit", "deit"],
            "epoch": [1, 2],
            "mean": [0.3, 0.55],
            "min": [0.2, 0.5],
            "max": [0.4, 0.6],
        }
    )
    bundle = show.learning_curves(page, curves)
    assert "DeiT from 0.300 at 1 to 0.550 at 2" in bundle.alt
    assert pd.read_csv(bundle.paths["csv"]).equals(curves)


def test_disagreements_show_the_cutout_and_the_answer_of_every_model(page, monkeypatch):
    drawn = []
    monkeypatch.setattr(
        show, "answer_grid", lambda ax, groups: drawn.append(groups) or answer_grid(ax, groups)
    )
    bundle = show.disagreement_photos(page, CASES)
    assert page.numbers == {"transformers-right": "2", "cnn-right": "1"}
    assert (
        "transformers right, CNN wrong. egg: MobileNetV2 rice, wrong; DeiT right. "
        "egg: MobileNetV2 soup, wrong; DeiT right. "
        "CNN right, transformers wrong. rice: MobileNetV2 right; DeiT egg, wrong."
    ) in bundle.alt
    assert pd.read_csv(bundle.paths["csv"]).equals(CASES)
    roi = [page.study.data.test.cutouts(i)[0] for i in CASES["sample"]]
    shown = [image for group in drawn[0] for image in group.photos["ROI"]]
    assert all(map(np.array_equal, shown, roi))
    assert "DeiT" in bundle.paths["light"].read_text()


def test_where_no_family_disagrees_the_counts_are_zero_and_nothing_is_shown(page):
    assert show.disagreement_photos(page, CASES.iloc[:0]) is None
    assert page.numbers == {"transformers-right": "0", "cnn-right": "0"}


def test_the_hardest_classes_are_shown_and_all_are_kept_in_the_order_of_the_labels(page):
    names = pd.Index(["soup", "rice", "egg"], name="class")
    f1 = pd.DataFrame({"deit": [0.3, 0.7, 0.9], "vit": [0.5, 0.5, 0.9]}, index=names)
    bundle = show.hard_class_table(page, f1)
    assert page.numbers == {
        "hardest": "soup and rice",
        "hardest-f1": "0.50",
        "hardest-range": "soup from 0.30 (DeiT) to 0.50 (ViT); rice from 0.50 (ViT) to 0.70 (DeiT)",
    }
    data = pd.read_csv(bundle.paths["csv"])
    assert list(data["class"][:3]) == ["rice", "egg", "soup"]
    assert len(data) == f1.size


def test_a_class_that_every_model_finds_as_hard_has_no_range(page):
    names = pd.Index(["soup", "rice", "egg"], name="class")
    show.hard_class_table(page, pd.DataFrame({"deit": [0.0, 0.5, 0.9], "vit": [0.0, 0.5, 0.9]}, index=names))
    assert page.numbers["hardest-range"] == "soup 0.00 of every model; rice 0.50 of every model"


def test_at_most_eight_classes_are_shown(page):
    names = [f"food {i}" for i in range(10)]
    page.study.classes = tuple(names)
    f1 = pd.DataFrame({"deit": [i / 10 for i in range(10)]}, index=pd.Index(names, name="class"))
    bundle = show.hard_class_table(page, f1)
    assert "food 7" in bundle._repr_html_()
    assert "food 8" not in bundle._repr_html_()
    assert "food 9" in bundle.paths["csv"].read_text()
