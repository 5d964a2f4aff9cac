"""Page 6, why, shown from made-up frames: tables, the figure and the glued numbers agree with the data."""

import numpy as np
import pandas as pd
import pytest
import stand_in

from rvernet_book.page import Page
from rvernet_book.pages import inductive_bias as show
from rvernet_core.experiments.inductive_bias import AS_RELEASED, OWN, BlindnessFacts, Positions, RollFacts
from rvernet_core.models.backbones import input_size

MODELS = ("vit", "mlp-mixer")


@pytest.fixture
def page(tmp_path):
    return Page("06-noise-robustness", stand_in.study("demo"), tmp_path)


def written(bundle):
    return pd.read_csv(bundle.paths["csv"])


@pytest.fixture
def measured():
    rows = [("vit", 0, "kept", 8), ("vit", 0, "removed", 8), ("mlp-mixer", 0, "kept", 8)]
    blindness = pd.DataFrame(rows, columns=["model", "seed", "positions", "patch"])
    blindness = blindness.assign(
        accuracy=0.5, same_whole=0.25, change_whole=1e-5, same_half=0.125, change_half=2.0
    )
    summary = blindness.drop(columns="seed").set_index(["model", "positions"])
    rolled = pd.DataFrame(
        [(m, step, 0.1 * step) for m in MODELS for step in (4, 8, 16)], columns=["model", "step", "change"]
    )
    rolled = rolled.assign(
        low=rolled["change"] - 0.1, high=rolled["change"] + 0.1, patch=8, aligned=rolled["step"] >= 8
    )
    return Positions(60, blindness, summary, 8, rolled)


def test_the_table_of_positions_has_a_line_per_model_and_state_and_a_row_per_seed_in_its_file(page, measured):
    bundle = show.position_table(page, measured, BlindnessFacts(1e-5, 0.999, 0.125, True))
    text = bundle._repr_html_()
    assert text.count("removed") == 1
    assert "position information" in text
    assert "60 test ROIs" in text
    assert "1.0e-05" in text
    assert set(written(bundle)["seed"]) == {0}
    assert page.numbers == {
        "gone-change": "1e-05",
        "gone-same": "at least 99 %",
        "gone-half": "13 %",
        "blindness": "holds",
    }


@pytest.mark.parametrize(
    ("change", "bound"),
    [(1.1e-5, "2e-05"), (1e-5, "1e-05"), (9.2e-5, "1e-04"), (0.5, "5e-01"), (0.0, "0"), (np.nan, "none")],
)
def test_a_bound_on_the_logits_is_never_rounded_down(page, measured, change, bound):
    show.position_table(page, measured, BlindnessFacts(change, 1.0, 0.4801, True))
    assert page.numbers["gone-change"] == bound
    assert (page.numbers["gone-same"], page.numbers["gone-half"]) == ("all", "49 %")


def test_the_answer_says_which_parts_of_the_explanation_hold(page):
    blind = BlindnessFacts(1e-5, 1.0, 0.4, True)
    rolls = RollFacts(16, ("vit", 0.4), ("mlp-mixer", 1.6), 0.5, 0.4, "does not hold", 0.3, 0.2)
    text = show.answer(page, blind, rolls).text
    assert page.headlines == [text]
    assert "inductive bias, this **holds**" in text
    assert "any transformer **does not hold** (0.50 against 0.40)." in text
    unknown = RollFacts(16, ("vit", 0.4), ("mlp-mixer", 1.6), np.nan, 0.4, "cannot be tested", 0.3, 0.2)
    other = show.answer(page, BlindnessFacts(0.5, 0.5, 0.5, False), unknown).text
    assert "this **does not hold**" in other
    assert "any transformer **cannot be tested**." in other


def test_blindness_that_does_not_hold_is_said(page, measured):
    show.position_table(page, measured, BlindnessFacts(0.5, 0.5, 0.5, False))
    assert page.numbers["blindness"] == "does not hold"


def test_own_patches_stand_beside_the_releases_tiles_and_both_extremes_are_glued_with_their_difference(page):
    keys = [(model, tiles) for model in MODELS for tiles in (AS_RELEASED, OWN)]
    halves = pd.DataFrame(keys, columns=["model", "tiles"])
    halves = halves.assign(side=8, clean=0.9, whole=0.8, half=0.5, difference=[0.2, 0.3, 0.25, 0.1])
    halves = halves.assign(
        difference_low=halves["difference"] - 0.1,
        difference_high=halves["difference"] + 0.1,
        p=0.01,
        smallest=0.05,
    )
    bundle = show.halves_table(page, halves)
    text = bundle._repr_html_()
    assert bundle.name == "own-against-half"
    assert "+0.300" in text
    assert (text.count(f">{AS_RELEASED}<"), text.count(f">{OWN}<")) == (2, 2)
    assert "1/14 of the input" in text
    assert f"px of {input_size('micro')}" in text
    assert set(written(bundle)["tiles"]) == {AS_RELEASED, OWN}
    assert page.numbers == {
        "halves-most": "ViT (+0.300)",
        "halves-least": "MLP-Mixer (+0.100)",
        "halves-released-most": "MLP-Mixer (+0.250)",
        "halves-released-least": "ViT (+0.200)",
    }


def test_the_chart_of_rolled_features_says_where_each_line_ends(page, measured):
    facts = RollFacts(16, ("vit", 0.4), ("mlp-mixer", 1.6), np.nan, 0.4, "cannot be tested", 0.3, 0.2)
    bundle = show.rolled_chart(page, measured, facts)
    assert "ViT from 0.40 at 4 to 1.60 at 16" in bundle.alt
    assert len(written(bundle)) == 6
    assert page.numbers["roll-least"] == "ViT"
    assert page.numbers["roll-most-change"] == "1.60"
    assert page.numbers["cnn-change"] == "nan"
    assert page.numbers["cnn-story"] == "cannot be tested"
