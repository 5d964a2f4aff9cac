"""The page of the search for recipes: made from its rows alone, also before there are any."""

import math
import re
import xml.etree.ElementTree as ElementTree

import pandas as pd
import pytest
from search_rows import grid_of, rows_of

from rvernet_book import __main__ as written
from rvernet_book import recipe_page
from rvernet_core.experiments import recipe_search
from rvernet_core.experiments.recipe_search import EPOCHS, RATES, SEEDS, Trial

BOOK = written.ROOT / "book"
NOTHING = rows_of({})


def score(rate, epochs):
    return 0.6 + 0.1 * EPOCHS.index(epochs) - (0 if rate == RATES[1] else 0.05)


@pytest.fixture(scope="module")
def rows():
    """Two finished cells and an unfinished one, a check of the doubling, frozen nets of one of them."""
    scores = grid_of("single", "vit", score) | grid_of("pair", "deit", score)
    scores |= dict.fromkeys(recipe_search.trials(NOTHING, "single", "mlp-mixer")[:2], 0.55)
    scores |= {Trial("vit", "single", RATES[1], 2 * EPOCHS[-1], seed): 0.804 for seed in SEEDS}
    scores |= {Trial("deit", "pair", RATES[1], 2 * EPOCHS[-1], seed): 0.83 for seed in SEEDS}
    scores |= dict.fromkeys(recipe_search.trials(NOTHING, "frozen", "vit"), 0.75)
    return rows_of(scores)


def test_before_the_search_the_page_says_so_and_writes_no_picture(tmp_path):
    text = recipe_page.write(tmp_path, NOTHING).read_text()
    assert "has not been run yet" in text
    assert "<img" not in text
    assert [path.name for path in tmp_path.iterdir()] == ["search.md"]


def test_the_design_is_told_from_the_constants_of_the_search(monkeypatch):
    text = recipe_page.design()
    assert f"the same {len(grid_of('pair', 'deit', score))} runs" in text
    assert f"all of them for {EPOCHS[0]} epochs, 2 of them for {EPOCHS[1]} epochs" in text
    monkeypatch.setattr(recipe_page, "EPOCHS", (7, 14, 28))
    assert "all of them for 7 epochs" in recipe_page.design()


def test_both_bars_are_computed_for_what_was_run(rows):
    text = recipe_page.page_text(rows)
    assert (
        "gains less than 0.01 for 1 of 2 recipes for which it was run: more for RveRNet of two DeiT." in text
    )
    assert (
        "at least as high as frozen ones in 1 of 1 cases; in 1 the whole interval is at or above zero" in text
    )
    assert "The chosen rate lies at an end of the range for 0 of 2." in text
    assert "Not finished: single MobileNetV2" in text
    assert "single MLP-Mixer" in text
    assert "single ViT" not in re.search(r"Not finished: ([^.]*)", text).group(1)


def test_a_check_of_the_epochs_that_is_left_is_no_search_that_is_left():
    """The longest of the search was chosen for ViT, and twice as long not run."""
    longest = rows_of(grid_of("single", "vit", lambda rate, epochs: epochs / 100 - 10 * rate))
    text = recipe_page.progress(longest)
    assert "single ViT" not in re.search(r"Not finished: ([^.]*)", text).group(1)
    assert "The check of the doubled epochs is still to be run for: single ViT." in text
    assert "{doc}`experiments/02-off-the-shelf`" in text, "it answers the same question for single nets"
    done = recipe_page.progress(rows_of(grid_of("single", "vit", lambda rate, epochs: -10 * rate)))
    assert "doubled epochs" not in done
    assert "02-off-the-shelf" not in done


def test_a_net_below_its_frozen_features_is_named():
    scores = grid_of("single", "vit", score) | dict.fromkeys(
        recipe_search.trials(NOTHING, "frozen", "vit"), 0.9
    )
    text = recipe_page.sentences(recipe_search.verdicts(rows_of(scores)))
    assert "in 0 of 1 cases: lower for single ViT; in 0 the whole" in text
    assert "for 0 of 0 recipes for which it was run" in text


def test_without_frozen_nets_or_finished_cells_the_page_says_so():
    alone = recipe_page.sentences(recipe_search.verdicts(rows_of(grid_of("single", "vit", score))))
    assert "Frozen nets, which fine-tuned ones are held against, were not run yet" in alone
    few = rows_of(dict.fromkeys(recipe_search.trials(NOTHING, "single", "vit")[:2], 0.5))
    assert "nothing is chosen" in recipe_page.page_text(few)
    assert "0.500 [0.500, 0.500] of 2" in recipe_page.page_text(few)


def test_every_score_stands_in_the_tables_and_the_choice_is_bold(rows):
    table = recipe_page.score_table(rows)
    lines = table.splitlines()
    assert [cell.strip() for cell in lines[0].split("|")[4:-1]] == [
        f"{n} epochs" for n in (*EPOCHS, 2 * EPOCHS[-1])
    ]
    assert len(lines) - 2 == 2 * len(RATES) + 1
    assert {line.count("|") for line in lines} == {lines[0].count("|")}
    assert re.findall(r"\*\*(.+?)\*\*", table) == ["0.800 [0.790, 0.810]"] * 2
    assert re.findall(r"_(.+?)_", table) == ["0.650 [0.640, 0.660]"] * 2, "the second ones are in italics"
    choices = recipe_page.choice_table(recipe_search.verdicts(rows))
    assert choices.count(f"| {RATES[0]:g}, {EPOCHS[1]}, 0.650 |") == 2
    for row in recipe_search.means(rows).itertuples():
        shown = recipe_page.frozen_table(rows) if row.kind.startswith("frozen") else table
        assert f"{row.score:.3f} [{row.low:.3f}, {row.high:.3f}]" in shown


def test_a_run_that_diverged_is_told_and_gives_no_number():
    scores = grid_of("single", "vit", score)
    lost = next(trial for trial in scores if trial.rate == RATES[-1])
    text = recipe_page.page_text(rows_of(scores | {lost: math.nan}))
    assert "1 of them diverged" in text
    assert "| diverged |" in text
    assert "nan" not in text.casefold().replace("nano", "")
    alone = {t: s if t.rate == RATES[1] else math.nan for t, s in scores.items()}
    assert "nan" not in recipe_page.choice_table(recipe_search.verdicts(rows_of(alone)))


def test_the_picture_is_drawn_in_both_variants_with_its_data_and_described(rows, tmp_path):
    (tmp_path / "_static").mkdir()
    text = recipe_page.write(tmp_path, rows).read_text()
    for variant in ("light", "dark"):
        drawing = (tmp_path / "_static" / f"recipe-search.{variant}.svg").read_text()
        ElementTree.fromstring(drawing)
        assert len(drawing) < 250_000
        assert f"{2 * EPOCHS[-1]} epochs" in drawing
        assert f"../_static/recipe-search.{variant}.svg" in text
    (alt,) = set(re.findall(r'<img[^>]* alt="([^"]+)"', text))
    assert f"single ViT: {EPOCHS[-1]} epochs at {RATES[1]:g}, 0.800" in alt
    data = pd.read_csv(tmp_path / "_static" / "recipe-search.csv")
    pd.testing.assert_frame_equal(data, recipe_search.means(rows), check_dtype=False)


def test_the_same_rows_give_the_same_page_and_picture(rows):
    shuffled = rows.sample(frac=1, random_state=0).reset_index(drop=True)
    assert recipe_page.page_text(shuffled) == recipe_page.page_text(rows)
    assert recipe_page.drawings(shuffled) == recipe_page.drawings(rows)


def test_the_command_writes_the_page(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["rvernet_book", "recipes", str(tmp_path)])
    (tmp_path / "_static").mkdir()
    written.main()
    assert (tmp_path / "search.md").read_text() == recipe_page.page_text(recipe_search.read(recipe_page.ROWS))


def test_the_books_page_is_that_of_the_published_rows():
    rows = recipe_search.read(recipe_page.ROWS)
    remedy = "run python -m rvernet_book recipes"
    assert (BOOK / "search.md").read_text() == recipe_page.page_text(rows), remedy
    drawn = sorted(path.name for path in (BOOK / "_static").glob("recipe-search.*"))
    assert drawn == (
        ["recipe-search.csv", "recipe-search.dark.svg", "recipe-search.light.svg"] if len(rows) else []
    )
    if len(rows):
        for variant, drawing in recipe_page.drawings(rows).items():
            assert (BOOK / "_static" / f"recipe-search.{variant}.svg").read_text() == drawing, remedy
