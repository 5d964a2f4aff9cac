"""Page 9, shown from made-up frames: what is drawn, worded and glued agrees with the data."""

from types import SimpleNamespace

import pandas as pd
import pytest
import stand_in

from rvernet_book.page import Page
from rvernet_book.pages import how_context_is_used as show
from rvernet_core.experiments.how_context_is_used import MisleadFacts, smallest_found, weight_facts


@pytest.fixture
def page(tmp_path):
    return Page("09-how-context-is-used", stand_in.study("demo"), tmp_path)


@pytest.fixture
def weights():
    rows = [("vit", "single", 0.0), ("vit + vit", "RveRNet", 0.9), ("deit + vit", "RveRNet", 2.0)]
    rows.append(("ideal observer", "ideal", 1.0))
    frame = pd.DataFrame(rows, columns=["model", "kind", "ratio"]).assign(classes="ketchup / chili paste")
    for cue, values in (("look", 0.2), ("company", frame["ratio"] / 5), ("ratio", frame["ratio"])):
        frame[cue] = values
        frame[f"{cue}_low"], frame[f"{cue}_high"] = frame[cue] - 0.15, frame[cue] + 0.15
    return frame


def test_weights_are_shown_with_their_optimum(page, weights):
    assert "0.900" in show.weight_table(page, weights)._repr_html_()
    bundle = show.weight_chart(page, weights, weight_facts(weights))
    drawn = list(pd.read_csv(bundle.paths["csv"])["model"])
    assert drawn == ["vit", "vit + vit", "ideal observer", "deit + vit"]


def test_the_answer_names_both_ends_and_where_context_misleads(page, weights):
    text = show.answer(page, weight_facts(weights), MisleadFacts(0.31, 0.42, 2, 2))._repr_html_()
    assert "0.90" in text
    assert "2.00" in text
    assert "above a context strength of 0.31 to 0.42" in text
    assert page.numbers["covering"] == "1"
    assert page.numbers["above"] == "1"
    assert page.numbers["singles-on-company"] == "0"
    nan = float("nan")
    other = show.answer(page, weight_facts(weights), MisleadFacts(nan, nan, 0, 2))._repr_html_()
    assert "no strength of the context was found" in other
    assert page.numbers["crossing-low"] == page.numbers["crossing-high"] == "none"


def test_where_no_model_has_a_ratio_the_answer_says_so(page, weights):
    bare = weights[weights["kind"] == "ideal"]
    bundle = show.weight_chart(page, bare, weight_facts(bare))
    assert list(pd.read_csv(bundle.paths["csv"])["model"]) == ["ideal observer"]
    text = show.answer(page, weight_facts(bare), MisleadFacts(0.3, 0.4, 1, 1))._repr_html_()
    assert "none has a ratio of weights" in text
    assert page.numbers["least-model"] == page.numbers["most-ratio"] == "none"


def test_the_other_tables_and_sweeps(page):
    sauces = SimpleNamespace(pair=("ketchup", "chili paste"), law=SimpleNamespace(d=1.5, rho=0.8))
    sweep = pd.DataFrame({"model": ["vit", "vit"], "rho": [0.0, 1.0], "accuracy": [0.4, 0.8]})
    sweep = sweep.assign(
        accuracy_low=sweep["accuracy"] - 0.1, accuracy_high=sweep["accuracy"] + 0.1, items=50.0
    )
    bundle = show.rho_chart(page, SimpleNamespace(sauces=sauces), sweep)
    assert "0.800" in bundle.alt
    exchanged = pd.DataFrame({"model": ["a + b"], "follows": [0.74], "ideal observer": [0.89]})
    show.exchange_table(page, exchanged.assign(follows_low=0.7, follows_high=0.8))
    assert (page.numbers["follow-range"], page.numbers["follow-ideal"]) == ("74% to 74%", "89%")
    bounded = exchanged.assign(follows_low=0.7, follows_high=0.8)
    assert "ideal observer" in show.exchange_chart(page, bounded).alt
    assert "ideal" not in show.exchange_chart(page, bounded.drop(columns="ideal observer")).alt


def test_beliefs_are_shown_and_the_nearest_and_farthest_glued(page):
    rows = [
        ("ketchup / chili paste", "vit", "single", 0.1),
        ("ketchup / chili paste", "vit + vit", "RveRNet", 0.2),
    ]
    table = pd.DataFrame(rows, columns=["classes", "model", "kind", "distance"])
    for name, value in (("distance", table["distance"]), ("excess", table["distance"] - 0.12)):
        table = table.assign(**{name: value, f"{name}_low": value - 0.05, f"{name}_high": value + 0.05})
    text = show.belief_table(page, table)._repr_html_()
    assert "<strong>0.100</strong>" in text
    assert "+0.080" in text
    assert page.numbers == {
        "nearest-believer": "ViT",
        "nearest-distance": "0.100 [0.050, 0.150]",
        "farthest-believer": "ViT + ViT",
        "farthest-distance": "0.200 [0.150, 0.250]",
        "believers": "2",
        "over-confident": "1",
    }


def test_without_kept_probabilities_the_prose_says_unknown(page):
    assert show.belief_table(page, pd.DataFrame()) is None
    assert page.numbers["nearest-believer"] == "unknown"
    assert page.numbers["believers"] == "0"


def test_where_no_law_is_known_the_page_says_so_and_every_number_is_glued(page):
    empty, facts = pd.DataFrame(), weight_facts(pd.DataFrame())
    context = SimpleNamespace(pairs=())
    shown = [show.weight_table(page, empty), show.weight_chart(page, empty, facts)]
    shown += [show.rho_chart(page, context, empty), show.d_chart(page, context, empty)]
    shown.append(show.crossing_table(page, empty))
    assert shown == [None] * 5
    nan = float("nan")
    text = show.answer(page, facts, MisleadFacts(nan, nan, 0, 0))._repr_html_()
    assert "is not known" in text
    assert page.numbers["optimum"] == "unknown"
    exchanged = pd.DataFrame({"model": ["a + b"], "follows": [0.7], "follows_low": 0.6, "follows_high": 0.8})
    show.exchange_table(page, exchanged)
    assert page.numbers["follow-ideal"] == "unknown"


def test_one_rvernet_with_a_ratio_is_no_range(page, weights):
    last = weights[weights["kind"] == "RveRNet"].index[1:]
    text = show.answer(page, weight_facts(weights.drop(last)), MisleadFacts(0.31, 0.42, 2, 2))._repr_html_()
    assert "RveRNet weighs company against look" in text
    assert text.count("ViT + ViT") == 1


def test_what_the_page_could_have_found_stands_in_one_table_and_in_the_files_of_the_others(page):
    exchanged = pd.DataFrame({"model": ["a + b"], "follows": [0.7], "follows_low": 0.6, "follows_high": 0.8})
    exchanged["smallest follows"] = 0.14
    bundle = show.exchange_table(page, exchanged)
    assert "smallest" not in bundle._repr_html_()
    assert "smallest follows" in set(pd.read_csv(bundle.paths["csv"])["metric"])
    shown = show.smallest_table(page, smallest_found(exchanged))
    assert "share that follows the context" in shown._repr_html_()
    assert set(pd.read_csv(shown.paths["csv"])["value"]) == {1, 0.14}
    assert show.smallest_table(page, smallest_found(exchanged.drop(columns="smallest follows"))) is None
