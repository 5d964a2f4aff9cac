"""Page 3, shown from made-up frames: what is drawn, worded and glued agrees with the data."""

import pandas as pd
import pytest
import stand_in

from rvernet_book.page import Page
from rvernet_book.pages import rvernet as show
from rvernet_core.experiments.rvernet import FrozenFacts, Gain, GainFacts, GridFacts, Otherwise
from rvernet_core.uncertainty import Leading

NAMES = ("vit", "mobilenetv2")
ENDS = (("", 0), ("_low", -0.05), ("_high", 0.05))
LEADING = Leading((("vit", "mobilenetv2"), ("mobilenetv2", "vit")), {})


@pytest.fixture
def page(tmp_path):
    study = stand_in.study("demo")
    study.backbones = NAMES
    return Page("03-rvernet", study, tmp_path)


def grid_scores():
    rows = [(roi, extra) for roi in NAMES for extra in NAMES]
    table = pd.DataFrame(rows, columns=["roi", "extra_roi"])
    return table.assign(
        model=[f"{roi} + {extra}" for roi, extra in rows],
        accuracy=[0.5, 0.6, 0.7, 0.8],
        accuracy_low=0.4,
        accuracy_high=0.9,
        accuracy_spread=[0.01, 0.02, 0.03, 0.04],
        seeds=2,
    )


def fine_tuned():
    """A single model and two RveRNets, the single model in front."""
    return pd.DataFrame(
        {
            "model": ["vit", "vit + mobilenetv2", "mobilenetv2 + vit"],
            "kind": ["single", "RveRNet", "RveRNet"],
            "seeds": 2,
            "parameters": [100, 250, 260],
            "epochs": [4, 2, 2],
            "seconds": [1.0, 2.0, 3.0],
        }
        | {
            f"{metric}{bound}": [0.9 + step, 0.8 + step, 0.7 + step]
            for metric in ("accuracy", "macro_f1")
            for bound, step in (("", 0), ("_low", -0.01), ("_high", 0.01), ("_spread", 0.005))
        }
    )


def gains():
    return pd.DataFrame(
        {
            "model": ["vit + mobilenetv2", "mobilenetv2 + vit"],
            "against": ["vit", "mobilenetv2"],
            "difference": [0.02, 0.05],
            "difference_low": [-0.01, 0.03],
            "difference_high": [0.05, 0.07],
            "p": [0.2, 0.01],
            "smallest": [0.04, 0.03],
        }
    )


def test_the_banner_says_how_the_grid_is_trained(tmp_path):
    """Frozen in the demo, as a whole at paper scale."""
    frozen, tuned = (Page("03-rvernet", stand_in.study(p), tmp_path) for p in ("demo", "paper"))
    assert "frozen" in show.banner(frozen).text
    assert "fine-tuned as a whole" in show.banner(tuned).text


def test_the_grid_is_drawn_with_its_spread_and_described_in_words(page):
    bundle = show.grid_chart(page, grid_scores())
    assert "Highest 0.800 at MobileNetV2 and MobileNetV2, lowest 0.500 at ViT and ViT" in bundle.alt
    drawing = bundle.paths["light"].read_text()
    assert "± 0.030" in drawing
    assert "0.700" in drawing
    data = pd.read_csv(bundle.paths["csv"])
    row = data[(data["model"] == "mobilenetv2 + vit") & (data["metric"] == "accuracy")].iloc[0]
    assert (row["value"], row["spread"], row["profile"]) == (0.7, 0.03, "demo")


def test_the_facts_of_the_grid_are_glued(page):
    show.glue_grid(
        page,
        GridFacts(
            LEADING, 0.8125, Leading(("vit",), {}), Leading(NAMES, {"mobilenetv2": 0.3}), -0.0125, 1, 0, 2
        ),
    )
    assert page.numbers == {
        "grid-best": "ViT + MobileNetV2",
        "grid-best-accuracy": "0.812",
        "grid-leading": "2",
        "grid-cells": "4",
        "grid-leading-extra": "both",
        "grid-leading-roi": "ViT",
        "grid-gain": "-0.013",
        "grid-better": "1",
        "grid-worse": "0",
        "grid-backbones": "2",
    }


def test_the_table_of_gains_shows_their_sign_and_marks_the_best(page):
    table = pd.DataFrame(
        {
            "model": NAMES,
            "ROI alone": [0.5, 0.75],
            "accuracy as extra-ROI module, mean": [0.6, 0.7],
            "mean gain as ROI module": [0.05, -0.01],
            "mean gain as ROI module_low": [0.02, -0.04],
            "mean gain as ROI module_high": [0.08, 0.02],
            "p": [0.004, 0.5],
            "smallest": [0.04, 0.04],
        }
    )
    text = show.gain_table(page, table)._repr_html_()
    assert "<strong>+0.050</strong>" in text
    assert "-0.010" in text
    assert "[+0.020, +0.080]" in text
    assert "p, Holm" in text
    assert "<strong>0.750</strong>" in text


def test_scores_are_shown_with_intervals_and_kept_whole(page):
    bundle = show.score_table(page, fine_tuned())
    text = bundle._repr_html_()
    assert "top-1 accuracy" in text
    assert "[0.890, 0.910]" in text
    data = pd.read_csv(bundle.paths["csv"])
    assert set(data["metric"]) == {"accuracy", "macro_f1", "parameters", "seconds"}
    assert "<th>epochs</th>" in text
    assert set(data.loc[data["kind"] == "RveRNet", "epochs"]) == {2}
    assert set(data["kind"]) == {"single", "RveRNet"}


def test_the_chart_of_scores_says_every_dot(page):
    bundle = show.score_chart(page, fine_tuned())
    assert "ViT + MobileNetV2 0.800 [0.790, 0.810]" in bundle.alt
    assert len(pd.read_csv(bundle.paths["csv"])) == 3


def test_the_answer_names_the_rvernets_that_lead_not_the_best_model(page):
    gain = Gain((0.02, -0.01, 0.05), 0.2, 0)
    facts = GainFacts(LEADING, "mobilenetv2 + vit", 0.05, 1, 0, 3, gain)
    sentence = show.answer(page, fine_tuned(), facts).text
    assert sentence == (
        "Over all classes, of the fine-tuned RveRNets **ViT + MobileNetV2** and **MobileNetV2 + ViT** lead: "
        "ViT + MobileNetV2 with the highest accuracy, 0.800 [0.790, 0.810], +0.020 [-0.010, +0.050] from "
        "its ROI module alone (not shown to be a gain or a loss, p = 0.2). Of 3 RveRNets, shown to gain over "
        "their ROI module alone: 1; to lose: 0."
    )
    assert page.headlines == [sentence]
    assert page.numbers == {
        "pairs-ahead": "1",
        "pairs-behind": "0",
        "pairs-all": "3",
        "pair-best": "MobileNetV2 + ViT",
        "pair-gain": "+0.050",
    }


@pytest.mark.parametrize(
    ("group", "shown", "words"),
    [
        (LEADING.group[:1], 1, "**ViT + MobileNetV2** is best: accuracy 0.800 ["),
        (
            LEADING.group,
            -1,
            "none of the 2 fine-tuned RveRNets is shown to be behind the highest: ViT + MobileNetV2",
        ),
    ],
)
def test_the_answer_knows_one_that_leads_from_all_of_them(page, group, shown, words):
    facts = GainFacts(
        Leading(group, {}), "vit + mobilenetv2", 0.05, 1, 0, 2, Gain((0.1, 0.0, 0.2), 0.01, shown)
    )
    sentence = show.answer(page, fine_tuned(), facts).text
    assert words in sentence
    assert show.GAINS[shown] in sentence


def test_without_rvernets_there_is_no_answer_and_no_table_but_the_prose_has_its_numbers(page):
    nothing = GainFacts(None, None, float("nan"), 0, 0, 0)
    assert show.answer(page, fine_tuned().iloc[:1], nothing) is None
    assert show.difference_table(page, pd.DataFrame(), []) is None
    assert page.headlines == []
    assert (page.numbers["pairs-all"], page.numbers["pair-best"]) == ("0", "none")


def test_differences_are_shown_with_sign_and_interval(page):
    text = show.difference_table(page, gains(), [])._repr_html_()
    assert "<strong>+0.050</strong>" in text
    assert "[-0.010, +0.050]" in text
    assert page.numbers["trained-otherwise"].startswith(
        "Every pair is trained for as many epochs and at the same"
    )


def test_pairs_that_are_trained_otherwise_are_named_with_what_differs():
    found = [
        Otherwise(("vit", "vit"), (2, 4), (0.0004, 0.001)),
        Otherwise(("deit", "deit"), (2, 4), (0.001, 0.001)),
        Otherwise(("mlp-mixer", "vit"), (2, 2), (0.001, 0.0025)),
        Otherwise(("deit", "vit"), (2, 4), (0.001, 0.001)),
    ]
    assert show.trained_otherwise(found).startswith(
        "Not trained as their ROI module alone: ViT + ViT (2 against 4 epochs, a rate of 0.0004 against "
        "0.001); DeiT + DeiT and DeiT + ViT (2 against 4 epochs); MLP-Mixer + ViT (a rate of 0.001 against "
        "0.0025). What these gain"
    )


def test_costs_are_shown_in_their_units(page):
    costs = pd.DataFrame(
        {
            "model": ["vit"],
            "parameters": [1234567],
            "gmacs": [0.01234],
            "milliseconds": [0.567],
            "training seconds": [12.4],
            "peak memory, MiB": [1234.0],
        }
    )
    text = show.cost_table(page, costs)._repr_html_()
    for shown in ("GMAC a sample", "1,234,567", "0.0123", "0.57", ">12<", "1,234<"):
        assert shown in text


def test_two_distilled_deits_against_the_others_are_counted_by_what_is_shown(page):
    against = gains().drop(columns="model").assign(against=["vit + vit", "deit + deit"])
    text = show.distilled_table(page, against)._repr_html_()
    assert "+0.050" in text
    assert page.numbers == {"distilled-ahead": "1", "distilled-behind": "0", "distilled-compared": "2"}
    assert show.distilled_table(page, pd.DataFrame()) is None
    assert page.numbers["distilled-compared"] == "0"


def test_frozen_and_fine_tuned_pairs_stand_in_one_table_with_the_reason(page):
    interval = {f"{kind}{end}": 0.8 + step for kind in ("frozen", "fine-tuned") for end, step in ENDS}
    table = gains().drop(columns="against").assign(**interval)
    table = table.assign(**{"frozen training": 0.85, "fine-tuned training": 0.951})
    facts = FrozenFacts(3, 1, 1, 1, 1, (0.85, 0.951), (0.82, 0.81))
    text = show.frozen_table(page, table, facts)._repr_html_()
    for said in ("fine-tuned, on training samples", "0.951", "+0.050", "[0.750, 0.850]"):
        assert said in text
    why = page.numbers["frozen-why"]
    assert "shown to have a higher accuracy on frozen backbones: 1; when they are fine-tuned: 1" in why
    assert "0.850 of all training samples right and have a test accuracy of 0.820" in why
    assert "more closely in 1 of 1 cases, which is overfitting, and less closely in 0" in why
    overfitted = show.frozen_why(FrozenFacts(5, 0, 0, 3, 1, (0.9, 0.8), (0.5, 0.6)), "accuracy")
    assert "samples more closely in 1 of 3 cases: there the fresh layers" in overfitted
    assert (
        "In 2 of 3 it is ahead though the frozen one fits the training samples as closely or more"
        in overfitted
    )
    assert "overfit" not in show.frozen_why(FrozenFacts(5, 0, 0, 3, 3, (0.9, 0.8), (0.5, 0.6)), "accuracy")
    undecided = show.frozen_why(FrozenFacts(1, 0, 0, 0, 0, (0.8, 0.8), (0.8, 0.8)), "F1")
    assert "Where" not in undecided


def test_a_grid_that_is_fine_tuned_has_no_such_table(page):
    assert show.frozen_table(page, pd.DataFrame(), None) is None
    assert page.numbers["frozen-why"].startswith("Here the grid is fine-tuned as a whole, too")
