"""Comparisons by second recipes, shown: the table, the sentence, and what the claims' rules make of them."""

import json

import pandas as pd
import pytest
import stand_in

from rvernet_book import claims
from rvernet_book.page import Page
from rvernet_book.pages import off_the_shelf, rvernet
from rvernet_book.pages import second_recipes as show
from rvernet_core.experiments.second_recipes import FIRST, Again

NOTHING = Again(pd.DataFrame(), True, [], [], [], [], [])
CLAIMS = {claim.id: claim for claim in claims.read_claims()}
#: claim -> page, column that names the others, what shows the first table
PAGES = {
    "deit-best": ("02-off-the-shelf", "model", off_the_shelf.difference_table),
    "distilled-best": ("03-rvernet", "against", rvernet.distilled_table),
}


def compared(key, *values):
    """A table of comparisons with these differences; below 0.02 none is shown."""
    rows = [
        {key: name, "difference": v, "difference_low": v - 0.01, "difference_high": v + 0.01}
        | {"p": 0.001 if abs(v) > 0.02 else 0.5, "smallest": 0.015}
        for name, v in zip(("vit", "mobilenetv2"), values, strict=False)
    ]
    return pd.DataFrame(rows)


def again(key, *values):
    table = compared(key, *values)
    return Again(table.assign(**{FIRST: 0.05}, seeds=3), True, [], [], [], [], [])


@pytest.fixture
def page(tmp_path):
    return Page("02-off-the-shelf", stand_in.study("full"), tmp_path)


def test_the_table_has_the_difference_by_first_recipes_beside_and_its_own_number_of_seeds(page):
    bundle = show.difference_table(page, "deit-under-recipes", "DeiT", again("model", 0.04, -0.03))
    text = bundle._repr_html_()
    assert "+0.040" in text
    assert "+0.050" in text
    assert "p, Holm" in text
    assert "paired over 3 seeds and photos" in text
    assert "<th>seeds</th>" not in text
    data = pd.read_csv(bundle.paths["csv"])
    assert set(data["seeds"]) == {3} != {len(page.seeds)}
    assert {"difference", "p", "smallest", FIRST} == set(data["metric"])


def test_the_sentence_names_who_is_ahead_and_where_the_sign_turns():
    table = again("model", 0.04, -0.03).table
    found = Again(table, True, ["vit"], ["mobilenetv2"], ["vit", "mobilenetv2"], [], [])
    assert show.sentence("full", "DeiT", found) == (
        "By the second recipes DeiT is shown to be ahead of ViT and behind MobileNetV2. "
        "The mean difference has another sign than by the first recipes against both."
    )
    nobody = show.sentence("full", "it", Again(table, True, [], [], [], [], []))
    assert nobody.count("none of the others") == 3


def test_the_sentence_says_what_the_first_recipes_show_and_the_second_do_not():
    table = again("model", 0.04, -0.03).table
    text = show.sentence("full", "DeiT", Again(table, True, [], [], [], ["vit"], []))
    assert text.endswith(
        " Shown by the first recipes and not by the second, over 3 seeds and photos: a lead over ViT."
    )
    text = show.sentence("full", "DeiT", Again(table, True, [], [], [], ["vit"], ["mobilenetv2"]))
    assert text.endswith(": a lead over ViT, and that it is behind MobileNetV2.")


def test_where_nothing_was_repeated_one_sentence_says_so_and_no_file_is_written(page, tmp_path):
    assert show.difference_table(page, "deit-under-recipes", "DeiT", NOTHING) is None
    assert "is not repeated here: the full profile has no second recipe" in page.numbers["second-recipes"]
    assert not list(tmp_path.iterdir())
    show.difference_table(
        page, "deit-under-recipes", "DeiT", Again(pd.DataFrame(), False, [], [], [], [], [])
    )
    assert page.numbers["second-recipes"] == "There is nothing to compare."


@pytest.mark.parametrize("claim", PAGES)
@pytest.mark.parametrize(
    ("second", "verdict"),
    [
        ((0.04, 0.05), claims.REPRODUCED),
        ((0.04, 0.01), claims.DIRECTION),
        ((0.04, -0.05), claims.DIRECTION),
        ((), claims.UNJUDGED),
    ],
)
def test_a_claim_is_reproduced_only_where_it_holds_by_second_recipes_too(tmp_path, claim, second, verdict):
    name, key, show_first = PAGES[claim]
    folder = tmp_path / "files"
    page = Page(name, stand_in.study("full"), folder)
    page.seeds = (0, 1, 2, 3, 4)
    show_first(page, compared(key, 0.05, 0.05))
    (condition,) = CLAIMS[claim].also
    show.difference_table(page, condition.table, "it", again(key, *second) if second else NOTHING)
    (folder / f"{name}.page.json").write_text(json.dumps({"provenance": {"profile": "full"}}))
    (tmp_path / f"{name}.ipynb").write_text(json.dumps({"metadata": {}}))
    judged = claims.judge(CLAIMS[claim], tmp_path)
    assert judged.verdict == verdict
    if not second:
        assert judged.reason == f"page {name} has no table {condition.table}"
