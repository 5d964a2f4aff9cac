"""Page 2, shown: the table of classifiers and detector-like nets, its words, and the map of cells."""

import numpy as np
import pandas as pd
import pytest
from small_photos import make_study

from rvernet_book.claims import judge, read_claims
from rvernet_book.page import Page
from rvernet_book.pages import detector_baseline as show
from rvernet_book.photo_grid import TINTS
from rvernet_core.experiments.detector_baseline import Shown


def comparison(*rows):
    """The table of rows (model, classifier, detector, p)."""
    frame = pd.DataFrame(rows, columns=["model", "classifier", "detector", "p"])
    difference = frame["classifier"] - frame["detector"]
    return pd.DataFrame(
        {
            "model": frame["model"],
            "classifier": frame["classifier"],
            "detector": frame["detector"],
            "difference": difference,
            "difference_low": difference - 0.02,
            "difference_high": difference + 0.02,
            "p": frame["p"],
            "smallest": 0.03,
            "found": [0.31, 0.4][: len(frame)],
            "classifier_seconds": 12.3,
            "detector_seconds": 11.8,
            "seeds": 3,
        }
    )


@pytest.fixture
def page(tmp_path):
    return Page("02-off-the-shelf", make_study(), tmp_path)


def test_the_table_shows_differences_with_a_sign_and_says_what_they_are_over(page):
    bundle = show.comparison_table(page, comparison(("deit", 0.8, 0.7, 0.001), ("vit", 0.7, 0.72, 0.4)))
    shown = bundle._repr_html_()
    assert '+0.100 <span class="rvn-interval">[+0.080, +0.120]' in shown
    assert "<td>31%</td>" in shown
    assert "over 3 seeds and photos" in shown, "though the page has fewer seeds"
    assert page.numbers["classifier-ahead"] == "DeiT"
    assert page.numbers["classifier-behind"] == "none"
    assert page.numbers["classifier-undecided"] == "ViT"
    assert page.numbers["found-alone"] == "31% to 40%"


@pytest.mark.parametrize(
    ("detector", "p", "verdict"),
    [(0.7, 0.001, "reproduced"), (0.9, 0.001, "contradicted"), (0.79, 0.3, "direction only")],
)
def test_the_rule_of_the_ledger_can_read_it(page, tmp_path, detector, p, verdict):
    home = tmp_path / "record"
    page.folder = home / "files"
    show.comparison_table(page, comparison(("deit", 0.8, detector, p)))
    (home / "02-off-the-shelf.ipynb").write_text('{"metadata": {}}')
    (home / "files" / "02-off-the-shelf.page.json").write_text('{"provenance": {"profile": "full"}}')
    (claim,) = [claim for claim in read_claims() if claim.id == "simpler-to-train"]
    found = judge(claim, home)
    assert found.verdict == verdict, found.reason
    assert [row.label for row in found.rows] == ["deit"]


@pytest.mark.parametrize(
    ("signs", "words"),
    [
        ((1, 1), "No, by accuracy after the same training: every classifier is ahead"),
        ((-1, -1), "It is simpler, by accuracy after the same training: every detector-like net is ahead"),
        ((0, 0), "No difference is shown, by accuracy"),
        ((1, 0), "That differs from backbone to backbone"),
    ],
)
def test_whether_a_detector_is_as_simple_to_train_is_answered(signs, words):
    table = comparison(("deit", 0.8, 0.7, 0.001), ("vit", 0.7, 0.72, 0.4)).assign(
        detector_seconds=[9.0, 30.0]
    )
    answer = show.as_simple(table, pd.Series(signs))
    assert answer.startswith(words)
    assert answer.endswith("A run takes 12 seconds for a classifier and 9 to 30 for a detector-like net")


def test_without_whole_photos_the_page_says_so_and_glues_all_the_same(page, tmp_path):
    assert "no whole photos" in show.comparison_table(page, pd.DataFrame()).text
    assert show.cell_maps(page, "", []) is None
    assert set(page.numbers) == {
        "classifier-ahead",
        "classifier-behind",
        "classifier-undecided",
        "as-simple",
        "found-alone",
    }
    assert page.numbers["as-simple"] == "Nothing was measured of that"
    assert page.numbers["found-alone"] == "not measured"
    assert not list(tmp_path.iterdir())


def photo(named):
    """A gray photo of 28 px with an egg in its upper left quarter; `named` are its cells."""
    masks = np.zeros((1, 28, 28), bool)
    masks[0, :14, :14] = True
    cells = np.full((7, 7), "", dtype="<U8")
    cells[:3, :3] = "egg"
    return Shown("one", np.full((28, 28, 3), 120, np.uint8), ("egg",), masks, (True,), named, cells)


def test_cells_are_coloured_as_the_outline_of_the_food_that_they_are_given():
    named = np.full((7, 7), "", dtype="<U8")
    named[0, 0], named[0, 1] = "egg", "soup"
    coloured = show._coloured(photo(named)).astype(int)
    tint = np.array([int(TINTS[0][c : c + 2], 16) for c in (1, 3, 5)])
    egg, soup, background = coloured[1, 1], coloured[1, 5], coloured[1, 9]
    assert np.abs(egg - (120 + tint) / 2).max() <= 1
    assert np.abs(soup - (120 + 255) / 2).max() <= 1
    assert (background < 120).all()
    assert (coloured[:4, :4] == egg).all()


def test_the_map_says_in_words_and_keeps_in_its_data_what_it_draws(page):
    named = np.full((7, 7), "", dtype="<U8")
    named[0, 0] = "egg"
    bundle = show.cell_maps(page, "deit", [photo(named)])
    assert "Row 1: egg. Row 2: 1 of 1 found." in bundle.alt
    assert "detector-like DeiT" in bundle.alt
    data = pd.read_csv(bundle.paths["csv"], keep_default_na=False)
    assert len(data) == 49
    assert data.loc[0].to_dict() == {"photo": "one", "row": 0, "column": 0, "shows": "egg", "given": "egg"}
    assert (data["shows"] == "egg").sum() == 9
    assert (data["given"] == "egg").sum() == 1
