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


NAN = float("nan")
CROSSING = MisleadFacts(0.31, 0.42, 2, 5, 0.4, 1, 2, 1)


def test_the_answer_names_both_ends_and_counts_who_is_misled_from_where(page, weights):
    text = show.answer(page, weight_facts(weights), CROSSING).text
    assert text == (
        "The RveRNets' weights of company are from 0.90 (**ViT + ViT**) to 2.00 (**DeiT + ViT**) times those "
        "of the look, where 1.00 is best. Weights of company with an interval above zero: 2 of 2 on ketchup "
        "/ chili paste (0.18 to 0.40, best 0.20). Better than the ROI module alone above some strength of "
        "the context, and worse below: 2 of 5 RveRNets (above a strength of 0.31 to 0.42, 1 of them above "
        "the trained 0.40); worse at every strength: 2, better at every one: 1, none of it tested."
    )
    assert page.numbers["covering"] == "1"
    assert page.numbers["above"] == "1"
    assert page.numbers["singles-on-company"] == "0"
    assert page.numbers["company"] in text
    assert page.numbers["misleads"] in text


def test_where_no_lines_cross_no_strength_is_named(page, weights):
    none = MisleadFacts(NAN, NAN, 0, 2, 0.8, 0, 2, 0)
    text = show.answer(page, weight_facts(weights), none).text
    assert "worse below: 0 of 2 RveRNets; worse at every strength: 2" in text
    show.answer(page, weight_facts(weights), MisleadFacts(NAN, NAN, 0, 0, NAN, 0, 0, 0))
    assert page.numbers["misleads"].startswith("No RveRNet was compared")


def test_where_no_model_has_a_ratio_the_answer_says_so(page, weights):
    bare = weights.assign(ratio=weights["ratio"].where(weights["kind"] != "RveRNet"))
    text = show.answer(page, weight_facts(bare), CROSSING)._repr_html_()
    assert "none has a ratio of weights" in text
    assert "2 of 2 on ketchup" in text, "the company has its weight without a ratio, too"
    assert page.numbers["least-model"] == page.numbers["most-ratio"] == "none"


def test_without_an_rvernet_no_weight_of_the_company_is_counted(page, weights):
    show.answer(page, weight_facts(weights[weights["kind"] != "RveRNet"]), CROSSING)
    assert page.numbers["company"] == "of no RveRNet on ketchup / chili paste"


def test_the_chart_of_ratios_without_a_model_draws_the_optimum(page, weights):
    ideal = weights.assign(ratio=weights["ratio"].where(weights["kind"] == "ideal"))
    bundle = show.weight_chart(page, ideal, weight_facts(ideal))
    assert list(pd.read_csv(bundle.paths["csv"])["model"]) == ["ideal observer"]


@pytest.fixture
def exchanged():
    row = {"model": "a + b", "p": 0.01, "smallest difference": 0.14}
    for name, value in (("exchanged", 0.74), ("own", 0.3), ("stays", 0.2), ("difference", 0.44)):
        row |= {name: value, f"{name}_low": value - 0.1, f"{name}_high": value + 0.1}
    other = {name: 0.31 for name in ("exchanged", "own")} | {"model": "c + d", "difference": 0.0, "p": 0.9}
    return pd.DataFrame([row, row | other]).assign(**{"ideal exchanged": 0.89, "ideal own": 0.2})


def test_what_is_named_in_the_exchanged_context_stands_beside_the_own_one(page, exchanged):
    bundle = show.exchange_table(page, exchanged)
    text = bundle._repr_html_()
    for shown in ("named as the other, in its context", "in the own context", "+0.440", "plain confusion"):
        assert shown in text
    assert page.numbers == {
        "exchanged-range": "31% to 74%",
        "own-range": "30% to 31%",
        "difference-range": "+0.0 to +44.0 points",
        "exchanged-ideal": "89%",
        "own-ideal": "20%",
        "followers": "1 of 2",
    }
    assert {"stays", "own", "smallest difference"} <= set(pd.read_csv(bundle.paths["csv"])["metric"])


def test_the_dots_are_the_differences_beside_the_ideal_observers(page, exchanged):
    alt = show.exchange_chart(page, exchanged).alt
    assert "ideal observer at +0.690" in alt
    assert "no difference at +0.000" in alt
    unknown = exchanged.drop(columns=["ideal exchanged", "ideal own"])
    assert "ideal" not in show.exchange_chart(page, unknown).alt
    show.exchange_table(page, unknown)
    assert page.numbers["exchanged-ideal"] == page.numbers["own-ideal"] == "unknown"


def test_the_other_tables_and_sweeps(page):
    sauces = SimpleNamespace(pair=("ketchup", "chili paste"), law=SimpleNamespace(d=1.5, rho=0.8))
    sweep = pd.DataFrame({"model": ["vit", "vit"], "rho": [0.0, 1.0], "accuracy": [0.4, 0.8]})
    sweep = sweep.assign(
        accuracy_low=sweep["accuracy"] - 0.1, accuracy_high=sweep["accuracy"] + 0.1, items=50.0
    )
    bundle = show.rho_chart(page, SimpleNamespace(sauces=sauces), sweep)
    assert "0.800" in bundle.alt


def test_what_looks_change_is_glued_by_kind_of_model(page):
    sauces = SimpleNamespace(pair=("ketchup", "chili paste"), law=SimpleNamespace(d=1.5, rho=0.8))
    models = ["vit", "deit", "vit + deit", "ideal observer"]
    rows = [(m, d, 0.5 + 0.1 * d + 0.02 * i) for d in (0.0, 2.5) for i, m in enumerate(models)]
    table = pd.DataFrame(rows, columns=["model", "d", "accuracy"])
    table = table.assign(accuracy_low=table["accuracy"], accuracy_high=table["accuracy"], items=50.0)
    show.d_chart(page, SimpleNamespace(sauces=sauces), table)
    assert page.numbers == {
        "nearest-looks": "at 0 single models 0.50 to 0.52, RveRNets 0.54 to 0.54, ideal observer 0.56",
        "farthest-looks": "at 2.5 single models 0.75 to 0.77, RveRNets 0.79 to 0.79, ideal observer 0.81",
    }


def test_beliefs_are_shown_and_each_kinds_nearest_and_farthest_glued(page):
    rows = [
        ("ketchup / chili paste", "vit", "single", 0.1),
        ("ketchup / chili paste", "vit + vit", "RveRNet", 0.2),
        ("ketchup / chili paste", "deit", "single", 0.3),
    ]
    table = pd.DataFrame(rows, columns=["classes", "model", "kind", "distance"])
    for name, value in (("distance", table["distance"]), ("excess", table["distance"] - 0.12)):
        table = table.assign(**{name: value, f"{name}_low": value - 0.05, f"{name}_high": value + 0.05})
    text = show.belief_table(page, table)._repr_html_()
    assert "Bold" not in text, "the kinds have different posteriors, and the pairs different items"
    assert "+0.080" in text
    assert page.numbers == {
        "single-distances": "0.100 [0.050, 0.150] (ViT) to 0.300 [0.250, 0.350] (DeiT)",
        "rvernet-distances": "0.200 [0.150, 0.250] (ViT + ViT)",
        "believers": "3",
        "over-confident": "2",
    }


def test_without_kept_probabilities_the_prose_says_unknown(page):
    assert show.belief_table(page, pd.DataFrame()) is None
    assert page.numbers["single-distances"] == page.numbers["rvernet-distances"] == "unknown"
    assert page.numbers["believers"] == "0"


def test_where_no_law_is_known_the_page_says_so_and_every_number_is_glued(page):
    empty, facts = pd.DataFrame(), weight_facts(pd.DataFrame())
    context = SimpleNamespace(pairs=())
    shown = [show.weight_table(page, empty), show.weight_chart(page, empty, facts)]
    shown += [show.rho_chart(page, context, empty), show.d_chart(page, context, empty)]
    shown.append(show.crossing_table(page, empty))
    assert shown == [None] * 5
    text = show.answer(page, facts, MisleadFacts(NAN, NAN, 0, 0, NAN, 0, 0, 0))._repr_html_()
    assert "is not known" in text
    assert {page.numbers[name] for name in ("optimum", "company", "nearest-looks")} == {"unknown"}


def test_one_rvernet_with_a_ratio_is_no_range(page, weights):
    last = weights[weights["kind"] == "RveRNet"].index[1:]
    text = show.answer(page, weight_facts(weights.drop(last)), CROSSING)._repr_html_()
    assert "The RveRNet's weight of company is 0.90" in text
    assert text.count("ViT + ViT") == 1


def test_what_the_page_could_have_found_stands_in_one_table_and_in_the_files_of_the_others(page, exchanged):
    bundle = show.exchange_table(page, exchanged)
    assert "smallest" not in bundle._repr_html_()
    assert "smallest difference" in set(pd.read_csv(bundle.paths["csv"])["metric"])
    shown = show.smallest_table(page, smallest_found(exchanged))
    assert "share that follows the context" in shown._repr_html_()
    assert set(pd.read_csv(shown.paths["csv"])["value"]) == {2, 0.14}
    assert show.smallest_table(page, smallest_found(exchanged.drop(columns="smallest difference"))) is None
