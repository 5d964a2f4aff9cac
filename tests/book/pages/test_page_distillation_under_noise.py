"""Page 7, shown: teachers and students under noise, from made-up frames."""

import itertools

import pandas as pd
import pytest
import stand_in

from rvernet_book.page import Page
from rvernet_book.pages import distillation_under_noise as show
from rvernet_core.experiments.distillation_under_noise import LEVELS, LOST, SHARED, UnderNoise, noisy_slopes
from rvernet_core.uncertainty import Estimate

UP, DOWN, FLAT = (Estimate(v, v - 0.05, v + 0.05, 0.01, 2) for v in (0.3, -0.2, 0.0))


@pytest.fixture
def page(tmp_path):
    return Page("07-distillation-trade-off", stand_in.study("demo"), tmp_path)


@pytest.fixture
def under():
    own = [*LEVELS, *LOST.values()]
    rows = [("teacher", model, q, 0.7) for model, q in itertools.product(("single", "rvernet"), own)]
    rows += [
        ("hard single", strength, q, 0.9 - 0.4 * strength)
        for strength, q in itertools.product((0.0, 1.0), [*own, *SHARED.values()])
    ]
    levels = pd.DataFrame(rows, columns=["students", "strength", "quantity", "value"])
    levels = levels.assign(low=levels["value"] - 0.05, high=levels["value"] + 0.05, seeds=2)
    slopes = {("hard single", q): FLAT for q in (*LEVELS, *SHARED.values())}
    slopes |= {("hard single", LOST["permutation"]): UP, ("hard single", LOST["translocation"]): DOWN}
    gaps = dict(zip([("single", name) for name in LEVELS], (FLAT, DOWN, UP), strict=True))
    return UnderNoise(levels, slopes, gaps)


def test_teachers_stand_above_their_students_and_have_no_strength(page, under):
    bundle = show.level_table(page, under)
    rows = bundle._repr_html_().split("<tr>")[2:]
    cells = [[part.split(">")[-1].strip() for part in row.split("</td>")[:2]] for row in rows]
    assert cells == [
        ["teacher, single", ""],
        ["teacher, RveRNet", ""],
        ["single, hard", "0"],
        ["single, hard", "1"],
    ]
    assert "0.500 <" in rows[3]
    assert "[0.450, 0.550]" in rows[3]
    data = pd.read_csv(bundle.paths["csv"])
    assert len(data) == len(under.levels)
    assert set(SHARED.values()) < set(data["quantity"]), "the file holds what the figure shows, too"


def test_the_chart_has_three_panels_for_each_noise_and_names_the_teachers(page, under):
    bundle = show.level_chart(page, under)
    drawn = bundle.paths["light"].read_text()
    for kind in ("permutation", "translocation"):
        for title in (f"accuracy under {kind}", f"accuracy lost to {kind}", f"errors shared under {kind}"):
            assert title in drawn
            assert title in bundle.alt
    assert bundle.alt.count("single, hard from 0.900 at 0 to 0.500 at 1") == 6
    assert bundle.alt.count("Dashed: teacher, single 0.700; teacher, RveRNet 0.700.") == 4
    assert bundle.paths["dark"].exists()


PAYMENTS = {("hard single", "permutation"): "paid", ("hard single", "translocation"): "the opposite shown"}


def test_the_answer_counts_what_is_paid_and_says_what_the_teacher_has_to_give(page, under):
    sentence = show.answer(page, under, PAYMENTS).text
    assert page.headlines == [sentence]
    assert sentence == (
        "Under noise, students that are shown to repeat more of the teacher's errors are shown to lose "
        "robustness in **1 of 2** cases; against the student taught by labels alone the single teacher is "
        "not shown to be apart clean; behind under permutation; ahead under translocation."
    )
    assert page.numbers == {
        "gives-single": "the single teacher is not shown to be apart clean (+0.000 [-0.050, +0.050]); "
        "behind under permutation (-0.200 [-0.250, -0.150]); "
        "ahead under translocation (+0.300 [+0.250, +0.350])",
        "gives-rvernet": "no RveRNet student is taught by labels alone here",
        "permutation-accuracy-slope": "single, hard +0.000 [-0.050, +0.050]",
        "permutation-lost-slope": "single, hard +0.300 [+0.250, +0.350]",
        "permutation-shared-slope": "single, hard +0.000 [-0.050, +0.050]",
        "permutation-payment": "single, hard: paid",
        "translocation-accuracy-slope": "single, hard +0.000 [-0.050, +0.050]",
        "translocation-lost-slope": "single, hard -0.200 [-0.250, -0.150]",
        "translocation-shared-slope": "single, hard +0.000 [-0.050, +0.050]",
        "translocation-payment": "single, hard: the opposite shown",
        "payments": "2",
        "paid": "1",
    }


def test_places_at_which_a_teacher_stands_alike_are_named_together(page, under):
    gaps = dict(zip([("single", name) for name in LEVELS], (UP, FLAT, FLAT), strict=True))
    sentence = show.answer(page, UnderNoise(under.levels, under.slopes, gaps), PAYMENTS).text
    assert sentence.endswith(
        "is ahead clean; not shown to be apart under permutation and under translocation."
    )


def test_without_a_student_by_itself_no_teacher_is_compared(page, under):
    none = UnderNoise(under.levels, under.slopes, {})
    assert show.answer(page, none, PAYMENTS).text.endswith("the single teacher is not compared here.")


def test_slopes_are_shown_with_sign_and_p(page, under):
    bundle = show.slope_table(page, noisy_slopes(under))
    text = bundle._repr_html_()
    assert "+0.300" in text
    assert "[+0.250, +0.350]" in text
    assert "p, Holm" in text
    assert set(pd.read_csv(bundle.paths["csv"])["quantity"]) == {*LEVELS, *LOST.values(), *SHARED.values()}
