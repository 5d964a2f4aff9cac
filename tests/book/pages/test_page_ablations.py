"""Page 8, shown from made-up frames: what is drawn, worded and glued agrees with the data."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import stand_in

from rvernet_book.page import Page
from rvernet_book.pages import ablations as show
from rvernet_core.experiments.ablations import Models, PartFacts, Turned

PAIR = ("mobilenetv2", "mobilenetv2")
NAME = "mobilenetv2 + mobilenetv2"
MODELS = Models({"vit": []}, {PAIR: []}, ("ketchup", "chili paste"))


@pytest.fixture
def page(tmp_path):
    study = stand_in.study("demo")
    study.data.test.samples = [SimpleNamespace(image_id=i // 2) for i in range(120)]
    return Page("08-ablations", study, tmp_path)


def scored(frame):
    """The frame with every metric, its bounds and its spread, and the facts of a model."""
    for metric in show.METRICS:
        values = np.linspace(0.5, 0.9, len(frame))
        bounds = {f"{metric}_low": values - 0.05, f"{metric}_high": values + 0.05, f"{metric}_spread": 0.01}
        frame = frame.assign(**{metric: values} | bounds)
    return frame.assign(seeds=2, parameters=100, seconds=1.0)


@pytest.fixture
def parts():
    frame = scored(pd.DataFrame({"model": NAME, "variant": ["as it is", "ROI module frozen"]}))
    return frame.assign(
        change=[np.nan, -0.4],
        change_low=[np.nan, -0.45],
        change_high=[np.nan, -0.35],
        p=[np.nan, 0.01],
        smallest=[np.nan, 0.1],
    )


def test_parts_are_shown_with_their_change_and_the_largest_loss_is_glued(page, parts):
    facts = PartFacts(parts.iloc[1], 1, 0, 1)
    text = show.part_table(page, parts, facts)._repr_html_()
    for shown in ("change in accuracy", "F1 of the pair", "[-0.450, -0.350]"):
        assert shown in text
    assert page.numbers == {
        "worst-part": "ROI module frozen (MobileNetV2 + MobileNetV2)",
        "worst-change": "-0.400 [-0.450, -0.350]",
        "frozen-lower": "1",
        "frozen-higher": "0",
        "frozen-all": "1",
    }


def test_the_dots_are_the_accuracies_of_the_variants(page, parts):
    bundle = show.part_chart(page, parts)
    assert "0.500 [0.450, 0.550]" in bundle.alt
    data = pd.read_csv(bundle.paths["csv"])
    assert list(data["variant"]) == ["as it is", "ROI module frozen"]


def test_the_curve_over_widths_says_its_ends(page):
    widths = scored(pd.DataFrame({"model": ["a", "b", "c"], "pair": NAME, "width": [40, 640, 2560]}))
    bundle = show.width_chart(page, widths)
    for said in ("40", "2560", "0.500", "0.900"):
        assert said in bundle.alt
    assert {"pair", "width", "accuracy", "pair_f1_high"} <= set(pd.read_csv(bundle.paths["csv"]))


def test_contexts_are_named_by_what_is_seen(page):
    scores = scored(pd.DataFrame({"context": ["ROI alone", "RveRNet, black"], "model": ["vit", NAME]}))
    text = show.context_table(page, MODELS, scores)._repr_html_()
    assert "what is seen" in text
    assert "RveRNet, black" in text
    assert page.numbers == {"first": "ketchup", "second": "chili paste"}


@pytest.fixture
def swapped():
    return pd.DataFrame(
        {
            "model": NAME,
            "predicted": ["the context's class", "the ROI's own class"],
            "share": [0.814, 0.1],
            "share_low": [0.62, 0.05],
            "share_high": [1.0, 0.15],
        }
    )


def test_whose_class_is_predicted_is_drawn_and_glued(page, swapped):
    bundle = show.swap_chart(page, MODELS, swapped)
    assert "0.814 [0.620, 1.000]" in bundle.alt
    assert "Ketchup with the surroundings of chili paste, and the reverse" in bundle._repr_html_()
    assert page.numbers == {"follow": "81%", "swap-model": "MobileNetV2 + MobileNetV2"}


def test_the_answer_is_how_often_the_context_wins_and_what_changes_cost(page, swapped, parts):
    sentence = show.answer(page, swapped, PartFacts(parts.iloc[1], 1, 0, 4)).text
    assert page.headlines == [sentence]
    assert sentence == (
        "Under the other class's surroundings the prediction of **MobileNetV2 + MobileNetV2** is the "
        "context's class in 81% [62%, 100%] of the cases; "
        "of 4 changes to the pairs 1 are shown to lower the accuracy and 0 to raise it."
    )
    several = pd.concat([swapped, swapped.assign(model="vit + vit")])
    assert (
        "of the cases, in this order; of 4"
        in show.answer(page, several, PartFacts(parts.iloc[1], 1, 0, 4)).text
    )


def turned(count):
    rows = pd.DataFrame(
        {"sample": [f"k{i}" for i in range(count)], "context_source": "k9", "before": "ketchup"}
    ).assign(after="chili paste")
    images = [[np.full((16, 16, 3), 90, np.uint8)] * count for _ in range(3)]
    return Turned(PAIR, rows, images)


def test_turned_answers_are_shown_before_and_after(page):
    bundle = show.turned_photos(page, turned(2))
    assert bundle.alt.count("“ketchup”") == bundle.alt.count("“chili paste”") == 2
    assert "Shown are only samples whose answer turned" in bundle._repr_html_()
    assert list(pd.read_csv(bundle.paths["csv"])["context_source"]) == ["k9", "k9"]
    assert page.numbers == {"turned": "2"}


def test_where_no_answer_turns_no_figure_is_drawn(page):
    assert show.turned_photos(page, turned(0)) is None
    assert page.numbers == {"turned": "0"}


def test_cut_outs_are_drawn_in_their_order_one_model_a_row(page):
    kinds = ["exact", "SAM", "-3 %", "gray"]
    table = pd.DataFrame(itertools.product(kinds, ["vit", NAME]), columns=["cutouts", "model"])
    bundle = show.cutout_chart(page, MODELS, table.assign(accuracy=[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]))
    assert "Highest 0.900 at ViT and exact" in bundle.alt
    assert page.numbers == {"mask-photos": "40"}
    assert list(dict.fromkeys(pd.read_csv(bundle.paths["csv"])["cutouts"])) == kinds


def test_changes_are_glued_as_ranges_over_the_models(page):
    changes = pd.DataFrame(
        itertools.product(["SAM", "gray", "blur"], ["vit", NAME]), columns=["cutouts", "model"]
    ).assign(change=[-0.1, 0.02, -0.3, -0.2, 0.0, 0.1])
    changes = changes.assign(change_low=changes["change"] - 0.05, change_high=changes["change"] + 0.05)
    changes = changes.assign(p=np.where(abs(changes["change"]) > 0.05, 0.01, 0.9), smallest=0.1)
    text = show.change_table(page, changes)._repr_html_()
    assert "[-0.150, -0.050]" in text
    assert page.numbers == {
        "sam-change": "-0.100 to +0.020",
        "gray-change": "-0.300 to -0.200",
        "blur-change": "+0.000 to +0.100",
        "sam-lower": "1",
        "sam-models": "2",
    }
