"""Page 8, shown from made-up frames: what is drawn, worded and glued agrees with the data."""

import itertools
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import stand_in

from rvernet_book.page import Page
from rvernet_book.pages import ablations as show
from rvernet_core.experiments.ablations import CONTEXTS, Models, PartFacts, Turned

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
        "worst-part": "the largest fall is that of ROI module frozen (MobileNetV2 + MobileNetV2): "
        "-0.400 [-0.450, -0.350]",
        "frozen-lower": "1",
        "frozen-higher": "0",
        "frozen-all": "1",
    }


def test_where_nothing_falls_no_fall_is_named(page, parts):
    risen = parts.assign(**{f"change{end}": -parts[f"change{end}"] for end in ("", "_low", "_high")})
    show.part_table(page, risen, PartFacts(risen.iloc[1], 0, 1, 1))
    assert page.numbers["worst-part"].startswith("no accuracy falls; the least change is that of ROI module")


def test_the_dots_are_the_accuracies_of_the_variants(page, parts):
    bundle = show.part_chart(page, parts)
    assert "0.500 [0.450, 0.550]" in bundle.alt
    data = pd.read_csv(bundle.paths["csv"])
    assert list(data["variant"]) == ["as it is", "ROI module frozen"]


def changed(frame, changes):
    """The frame with changes of accuracy, shown where they are larger than a tenth."""
    change = pd.Series(changes, frame.index)
    p = np.where(change.isna(), np.nan, np.where(abs(change) > 0.1, 0.01, 0.9))
    bounds = {"change_low": change - 0.05, "change_high": change + 0.05}
    return frame.assign(change=change, **bounds, p=p, smallest=0.1)


def test_the_curve_over_widths_says_its_ends_and_what_is_shown_against_the_papers_width(page):
    widths = scored(pd.DataFrame({"model": ["a", "b", "c"], "pair": NAME, "width": [40, 640, 2560]}))
    bundle = show.width_chart(page, changed(widths, [-0.2, np.nan, 0.02]))
    for said in ("40", "2560", "0.500", "0.900"):
        assert said in bundle.alt
    columns = {"pair", "width", "accuracy", "pair_f1_high", "change", "p"}
    assert columns <= set(pd.read_csv(bundle.paths["csv"]))
    assert page.numbers == {
        "width-changes": "MobileNetV2 + MobileNetV2 -0.200 [-0.250, -0.150] with 40, "
        "+0.020 [-0.030, +0.070] with 2560",
        "width-lower": "1 of 2",
        "width-higher": "0 of 2",
    }


@pytest.fixture
def contexts():
    rows = ["ROI alone", *(f"RveRNet, {name}" for name in CONTEXTS)]
    frame = scored(pd.DataFrame({"context": rows, "model": ["vit", *[NAME] * len(CONTEXTS)]}))
    return changed(frame, [np.nan, np.nan, -0.3, 0.01, -0.2])


def test_contexts_are_named_by_what_is_seen_and_changes_are_against_the_own_one(page, contexts):
    text = show.context_table(page, MODELS, contexts)._repr_html_()
    for shown in ("what is seen", "RveRNet, black", "change in accuracy", "-0.300"):
        assert shown in text
    assert page.numbers == {
        "first": "ketchup",
        "second": "chili paste",
        "black-change": "MobileNetV2 + MobileNetV2 -0.300 [-0.350, -0.250]",
        "black-lower": "1 of 1",
        "same-change": "MobileNetV2 + MobileNetV2 +0.010 [-0.040, +0.060]",
        "same-lower": "0 of 1",
        "other-change": "MobileNetV2 + MobileNetV2 -0.200 [-0.250, -0.150]",
        "other-lower": "1 of 1",
    }


@pytest.fixture
def swapped():
    row = {"model": NAME, "p": 0.01, "smallest": 0.1}
    for name, value in (("exchanged", 0.814), ("own", 0.3), ("stays", 0.1), ("difference", 0.514)):
        row |= {name: value, f"{name}_low": value - 0.1, f"{name}_high": value + 0.1}
    return pd.DataFrame([row])


def test_the_other_class_is_drawn_under_its_own_and_under_the_exchanged_surroundings(page, swapped):
    bundle = show.swap_chart(page, MODELS, swapped)
    assert "0.814 [0.714, 0.914]" in bundle.alt
    assert "0.300 [0.200, 0.400]" in bundle.alt
    text = bundle._repr_html_()
    assert "Ketchup with the surroundings of chili paste, and the reverse" in text
    assert "named by mistake in the own context, too" in text
    data = pd.read_csv(bundle.paths["csv"]).set_index("named")["share"]
    assert dict(data) == {what: swapped[name].iloc[0] for name, what in show.NAMED.items()}


def test_the_answer_sets_the_exchanged_context_against_the_own_one(page, swapped, parts, contexts):
    sentence = show.answer(page, MODELS, swapped, PartFacts(parts.iloc[1], 1, 0, 4), contexts).text
    assert page.headlines == [sentence]
    assert sentence == (
        "Of 4 changes to the pairs 1 are shown to lower the accuracy and 0 to raise it; with another context "
        "than the own at the test it is shown to fall in 2 of 3 comparisons. Ketchup and chili paste are "
        "named as each other in the other's surroundings and, by mistake, in their own: "
        "**MobileNetV2 + MobileNetV2** 81% and 30% (+51 [+41, +61] points); shown to follow the exchanged "
        "surroundings: 1 of 1 pairs."
    )
    assert page.numbers["followers"] == "1 of 1"
    assert page.numbers["follow"] == "MobileNetV2 + MobileNetV2 81% and 30% (+51 [+41, +61] points)"


@pytest.mark.parametrize(("difference", "p"), [(0.514, 0.2), (-0.514, 0.01)])
def test_a_confusion_that_the_context_does_not_raise_is_no_following(
    page, swapped, parts, contexts, difference, p
):
    confused = swapped.assign(difference=difference, p=p)
    sentence = show.answer(page, MODELS, confused, PartFacts(parts.iloc[1], 1, 0, 4), contexts).text
    assert sentence.endswith("shown to follow the exchanged surroundings: 0 of 1 pairs.")


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


def test_where_no_answer_turns_no_figure_is_drawn(page):
    assert show.turned_photos(page, turned(0)) is None


def test_cut_outs_are_drawn_in_their_order_one_model_a_row(page):
    kinds = ["exact", "SAM", "-3 %", "gray"]
    table = pd.DataFrame(itertools.product(kinds, ["vit", NAME]), columns=["cutouts", "model"])
    bundle = show.cutout_chart(page, MODELS, table.assign(accuracy=[0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2]))
    assert "Highest 0.900 at ViT and exact" in bundle.alt
    assert page.numbers == {"mask-photos": "40", "grown": "-3 % -0.400 to -0.400"}
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
        "sam-cut": "-0.100 to +0.020",
        "sam-cut-lower": "1 of 2",
        "gray-cut": "-0.300 to -0.200",
        "gray-cut-lower": "2 of 2",
        "blur-cut": "+0.000 to +0.100",
        "blur-cut-lower": "0 of 2",
    }
