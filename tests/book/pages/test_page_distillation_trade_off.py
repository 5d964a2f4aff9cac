"""Page 7, shown from made-up frames: what is drawn, worded and glued agrees with the data."""

import itertools

import pandas as pd
import pytest
import stand_in

from rvernet_book.page import Page
from rvernet_book.pages import distillation_trade_off as show
from rvernet_core.experiments.distillation_trade_off import JUDGED, KNOWLEDGE, Distilled, Verdict, slope_rows
from rvernet_core.uncertainty import Estimate

DISTILLED = Distilled({}, {}, {}, ("ketchup", "chili paste"), 80)
UP, DOWN, FLAT = (Estimate(v, v - 0.05, v + 0.05, 0.01, 2, 0.025) for v in (0.3, -0.2, 0.0))
QUANTITIES = ("agreement", KNOWLEDGE, *show.STRENGTHS)


@pytest.fixture
def page(tmp_path):
    return Page("07-distillation-trade-off", stand_in.study("demo"), tmp_path)


@pytest.fixture
def measures():
    """The single teacher and RveRNet's, and one kind of students that gains agreement and loses accuracy."""
    rows = [
        ("teacher", model, quantity, 0.8, 0.75, 0.85)
        for model, quantity in itertools.product(("single", "rvernet"), show.STRENGTHS)
    ]
    for strength, quantity in itertools.product((0.0, 1.0), QUANTITIES):
        value = 0.2 + 0.5 * strength if quantity == KNOWLEDGE else 0.9 - 0.1 * strength
        rows.append(("hard single", strength, quantity, value, value - 0.05, value + 0.05))
    return pd.DataFrame(rows, columns=["students", "strength", "quantity", "value", "low", "high"])


@pytest.fixture
def students(measures):
    """One row per strength, as `student_scores` gives it."""
    rows = measures[measures["students"] == "hard single"]
    wide = rows.pivot(index=["students", "strength"], columns="quantity", values=["value", "low", "high"])
    wide.columns = [name if part == "value" else f"{name}_{part}" for part, name in wide.columns]
    return wide.reset_index()


def test_teachers_are_shown_with_their_errors_and_glued(page, measures):
    scores = pd.DataFrame({"teacher of": ["single", "rvernet"], "test errors": [40.4, 20.0]})
    for name in show.STRENGTHS:
        scores = scores.assign(
            **{name: [0.8, 0.9], f"{name}_low": [0.75, 0.85], f"{name}_high": [0.85, 0.95]}
        )
    bundle = show.teacher_table(page, DISTILLED, scores, measures)
    assert "[0.850, 0.950]" in bundle._repr_html_()
    assert "The pair is ketchup and chili paste" in bundle._repr_html_()
    assert page.numbers == {
        "noise-photos": "80",
        "teacher-accuracy": "0.800",
        "teacher-errors": "40",
        "pair-teacher-accuracy": "0.900",
    }
    assert set(pd.read_csv(bundle.paths["csv"])["students"]) == {"teacher"}


def test_the_teachers_lead_is_glued_with_its_sign(page):
    show.glue_lead(page, DOWN)
    assert page.numbers == {
        "teacher-lead": "-0.200 [-0.250, -0.150]",
        "teacher-stands": "it is behind and has little to add to the labels",
    }


@pytest.mark.parametrize(
    ("lead", "words"),
    [(UP, "it is ahead and has something to add"), (FLAT, "it is not shown to be ahead and")],
)
def test_what_a_teacher_can_add_follows_from_its_lead(page, lead, words):
    show.glue_lead(page, lead)
    assert page.numbers["teacher-stands"].startswith(words)


def test_the_table_shows_three_quantities_of_students_and_its_file_all(page, students, measures):
    bundle = show.student_table(page, students, measures)
    text = bundle._repr_html_()
    assert "[0.650, 0.750]" in text
    assert "macro-F1" not in text
    data = pd.read_csv(bundle.paths["csv"])
    assert set(data["quantity"]) == set(QUANTITIES)
    assert set(data["students"]) == {"hard single"}


def test_the_chart_says_the_ends_of_every_curve_and_of_the_path(page, students, measures):
    bundle = show.trade_off_chart(page, DISTILLED, students, measures)
    assert "agreement on the teacher's errors" in bundle.alt
    assert bundle.alt.count("0.200") >= 2  # of the curve and of the path
    assert "F1 of ketchup and chili paste" in bundle.paths["light"].read_text()
    assert len(pd.read_csv(bundle.paths["csv"])) == 2 * len(QUANTITIES)


def test_each_head_is_shown_where_it_was_trained(page):
    heads = pd.DataFrame({"students": "hard single", "head": list(show.HEADS), "strength": [0.0, 1.0]})
    for name, value in ((KNOWLEDGE, 0.1), ("accuracy", 0.9), ("F1 of the pair", 0.8)):
        heads = heads.assign(**{name: value, f"{name}_low": value - 0.1, f"{name}_high": value + 0.1})
    text = show.head_table(page, heads)._repr_html_()
    for shown in ("class head", "distillation head", "[0.800, 1.000]"):
        assert shown in text


SLOPES = {("hard single", "student", quantity): DOWN for quantity in QUANTITIES} | {
    ("hard single", "student", KNOWLEDGE): UP,
    ("hard single", "class head", KNOWLEDGE): FLAT,
    ("hard single", "class head", "accuracy"): DOWN,
}


def rows(slopes):
    return slope_rows(slopes)


def test_slopes_stand_side_by_side_in_the_order_in_which_they_were_fitted(page):
    bundle = show.slope_table(page, rows(SLOPES))
    text = bundle._repr_html_()
    assert "+0.300" in text
    assert "[-0.250, -0.150]" in text
    assert "distillation head" not in text, "no head without a slope gets a column"
    assert text.index("macro-F1") < text.index("translocation")
    assert len(pd.read_csv(bundle.paths["csv"])) == len(SLOPES)


def test_the_answer_words_every_kind_of_students_and_the_heads(page):
    moved = {
        "agreement on the teacher's errors": ("rises", UP),
        "accuracy": ("falls", DOWN),
        "permutation": ("is not shown to move", FLAT),
    }
    verdict = Verdict(
        {"hard single": "cost without gain"}, {"hard single": moved}, ["rises"], ["not decided"]
    )
    sentence = show.answer(page, SLOPES, verdict).text
    assert page.headlines == [sentence]
    assert sentence == (
        "The trade-off between the CNN teacher's knowledge and DeiT's own strength, at this scale: single, "
        "hard: **cost without gain**. A head that answers alone is shown to repeat more of its teacher's "
        "errors and to lose accuracy in 0 of 1 cases."
    )
    assert page.numbers == {
        "verdict-hard-single": "cost without gain: "
        "agreement on the teacher's errors rises (+0.300 [+0.250, +0.350]); "
        "accuracy falls (-0.200 [-0.250, -0.150]); "
        "permutation is not shown to move (+0.000 [-0.050, +0.050])",
        "verdict-soft-single": "not run in this profile",
        "verdict-hard-rvernet": "not run in this profile",
        "agreement-rises": "1",
        "agreement-falls": "0",
        "curves": "1",
        "judged": str(len(JUDGED) + 1),
        "fitted": str(len(QUANTITIES)),
        "class-agreement": "single, hard +0.000 [-0.050, +0.050]",
        "class-accuracy": "single, hard -0.200 [-0.250, -0.150]",
        "distillation-agreement": "too few strengths in this profile",
        "distillation-accuracy": "too few strengths in this profile",
        "alone": "in 0 of 1 cases",
    }


def test_without_fitted_heads_the_answer_says_so(page):
    slopes = {key: e for key, e in SLOPES.items() if key[1] == "student"}
    sentence = show.answer(page, slopes, Verdict({"hard rvernet": "shown"}, {}, ["falls"], [])).text
    assert "RveRNet, hard: **shown**" in sentence
    assert sentence.endswith("to lose accuracy in none that could be fitted.")
    assert page.numbers["agreement-falls"] == "1"
