"""Page 10, shown from made-up frames: what is drawn, worded and glued agrees with the data."""

import re
from pathlib import Path

import pandas as pd
import pytest
import stand_in

from rvernet_book import cli
from rvernet_book.page import Page
from rvernet_book.pages import paper_versus_code as show
from rvernet_book.typed_numbers import prose
from rvernet_core.config import RELEASED
from rvernet_core.experiments.paper_versus_code import (
    DIFFERENCES,
    EVERYTHING,
    METRICS,
    STATED_RATE,
    audit_facts,
    differences,
)
from rvernet_core.experiments.study import Study

NOTEBOOK = Path(__file__).parents[3] / "notebooks" / "10-paper-versus-code.ipynb"


@pytest.fixture
def page(tmp_path):
    return Page("10-paper-versus-code", stand_in.study("demo"), tmp_path)


@pytest.fixture
def effects():
    rows = [("flips", 0.01, 0.02), ("pixels", -0.2, 0.05), ("everything", -0.4, 0.05)]
    frame = pd.DataFrame({"difference": [r[0] for r in rows], "text": "T", "code": "C", "model": "vit"})
    frame = frame.assign(follows="own")
    for metric in METRICS:
        frame[metric] = [r[1] for r in rows]
        frame[f"{metric}_low"] = [r[1] - r[2] for r in rows]
        frame[f"{metric}_high"] = [r[1] + r[2] for r in rows]
    return frame.assign(p=[0.5, 0.001, 0.001], smallest=0.05)


def test_what_text_and_code_say_stands_in_one_table_and_the_effects_in_another(page, effects):
    table = show.difference_table(page, differences(Study.of("full", device="cpu")))
    said = table._repr_html_()
    for shown in ("paper and README", "released code", "no normalisation of pixels", "own: normalise yes"):
        assert shown in said
    assert "here" in pd.read_csv(table.paths["csv"])
    bundle = show.effect_table(page, effects)
    text = bundle._repr_html_()
    assert "-0.200" in text
    assert "[-0.250, -0.150]" in text
    assert "released code</th>" not in text
    assert set(pd.read_csv(bundle.paths["csv"])["code"]) == {"C"}


def test_the_effects_say_whose_value_was_there_and_keep_it_out_of_what_verify_compares(page, effects):
    bundle = show.effect_table(page, effects)
    text = bundle._repr_html_()
    assert ">here</th>" in text
    assert text.count(">own</td>") == len(effects)
    assert "follows" not in pd.read_csv(bundle.paths["csv"])


def test_the_chart_draws_every_difference(page, effects):
    bundle = show.effect_chart(page, effects)
    assert list(pd.read_csv(bundle.paths["csv"])["difference"]) == ["flips", "pixels", "everything"]
    assert "-0.200 [-0.250, -0.150]" in bundle.alt


def test_the_answer_counts_and_names_the_largest_that_is_shown(page, effects):
    text = show.answer(page, audit_facts(effects)).text
    assert text == (
        "Changes from paper to released code that were made alone: 2 (2 differences, 1 model). Shown to "
        "lower the accuracy: 1; to raise it: 0. The largest that is shown is **pixels** (ViT: -0.200 "
        "[-0.250, -0.150])."
    )
    assert page.numbers["largest"] == "The largest that is shown is pixels (ViT: -0.200 [-0.250, -0.150])."
    assert page.numbers["everything"] == "ViT -0.400 [-0.450, -0.350]"


def test_a_larger_change_that_is_not_shown_comes_second_or_alone(page, effects):
    rate = effects.iloc[[0]].assign(difference="rate", accuracy=-0.3, p=0.2)
    both = pd.concat([effects, rate], ignore_index=True)
    text = show.answer(page, audit_facts(both)).text
    assert text.index("shown is **pixels**") < text.index(
        "larger, but not shown to be one: **rate** (ViT: -0.300"
    )
    none = audit_facts(both.assign(p=0.2))
    assert none.shown is None
    assert "The largest, not shown to be one, is **rate**" in show.answer(page, none).text


def test_the_two_schedules_at_the_stated_rate_are_set_against_one_another(page):
    row = {"model": "vit", "change": 0.2, "change_low": 0.1, "change_high": 0.3, "p": 0.01, "smallest": 0.1}
    show.glue_rates(page, pd.DataFrame([row, row | {"model": "deit", "change": -0.2, "p": 0.3}]))
    assert page.numbers == {
        "released-over-written": "ViT +0.200 [+0.100, +0.300]; DeiT -0.200 [+0.100, +0.300]",
        "released-better": "ViT",
        "released-worse": "none",
    }
    show.glue_rates(page, pd.DataFrame([row | {"model": "deit", "change": -0.2}]))
    assert (page.numbers["released-better"], page.numbers["released-worse"]) == ("none", "DeiT")
    show.glue_rates(page, pd.DataFrame())
    assert page.numbers["released-over-written"] == show.UNKNOWN


def test_what_the_stated_rate_does_is_glued_and_its_lack_is_said(page, effects):
    show.answer(page, audit_facts(effects))
    assert page.numbers["as-written"] == page.numbers["as-released"] == show.UNKNOWN
    written, released = (effects.iloc[[i]].assign(difference=name) for i, name in enumerate(STATED_RATE))
    pair = written.assign(model="vit + vit", accuracy=0.0)
    rows = pd.concat([effects, written, pair, released], ignore_index=True)
    show.answer(page, audit_facts(rows))
    assert page.numbers["as-written"] == "ViT +0.010 [-0.010, +0.030]; ViT + ViT +0.000 [-0.010, +0.030]"
    assert page.numbers["as-released"] == "ViT -0.200 [-0.250, -0.150]"
    show.answer(page, audit_facts(effects[effects["difference"] != EVERYTHING]))
    assert page.numbers["everything"] == show.UNKNOWN


def test_the_share_of_the_first_epoch_is_glued_for_each_model(page):
    epochs = pd.DataFrame({"model": ["vit", "vit + vit"], "epochs": [1, 5], "share": [1.0, 0.2]})
    show.glue_first_epochs(page, epochs)
    assert page.numbers["first-epoch"] == "ViT 100% (1 of 1 epoch); ViT + ViT 20% (1 of 5 epochs)"


def test_what_the_prose_names_is_glued(page, effects):
    show.glue_first_epochs(page, pd.DataFrame({"model": ["vit"], "epochs": [2], "share": [0.5]}))
    show.answer(page, audit_facts(effects))
    named = set(re.findall(r"\{glue:text\}`([^`]+)`", prose(NOTEBOOK)))
    show.glue_rates(page, pd.DataFrame())
    assert named - set(page.numbers) == {"answer", "flattery", "f1-gap"}, "of other tables, see below"
    assert set(page.numbers) <= named


def test_the_page_says_why_a_switch_has_no_line_of_its_own():
    turned = {s for d in DIFFERENCES if d.name != EVERYTHING for s in d.switches}
    (left_out,) = (part for part in prose(NOTEBOOK).split("\n\n") if part.startswith("Some differences"))
    assert set(re.findall(r"`(\w+)`", left_out)) == set(RELEASED) - turned
    for other in ("DeiT loaded through the ViT class", "nothing is seeded"):
        assert other in left_out


def test_the_errors_of_the_release_have_their_places():
    _, found = prose(NOTEBOOK).split("## What was found by running the release")
    assert re.search(r"`[0-9a-f]{7}`", found), "places are those of a commit"
    for place in (
        r"`train_RveRNet.py(:|`[^-]*line )19\b",
        r"`RveRNets/test_cfgs/test_config.yaml(:3`|`[^-]*line 3\b)",
        r"`RveRNets/models.py`, `get_feature_dim`",
        r"`wandb.log`",
    ):
        assert re.search(place, found), place


def test_the_commands_of_the_page_are_understood():
    text = prose(NOTEBOOK)
    (command,) = re.findall(r"`rvernet (predict [^`]+)`", text)
    options = cli._parse(command.split())
    assert (options.action, options.checkpoint) == (cli.predict, Path("FILE.pth"))
    (flags,) = re.findall(r"`(--dataset [^`]+)`", text)
    options = cli._parse(["notebook", NOTEBOOK.stem, "--out", "own.ipynb", *flags.split()])
    assert (options.dataset, options.data_root) == ("release", "FOLDER")


def test_the_other_tables_glue_what_the_prose_says(page):
    chosen = pd.DataFrame(
        {"model": ["vit", "deit"], "last epoch": 0.5, "best epoch": 0.6, "flattery": [0.1, 0.2]}
    )
    chosen = chosen.assign(flattery_low=0.0, flattery_high=0.3, epochs=4)
    show.choice_table(page, chosen)
    assert page.numbers["flattery"] == "At most by +0.200 (DeiT)"
    show.choice_table(page, chosen.assign(flattery=0.0))
    assert page.numbers["flattery"].startswith("Not at all")
    f1 = pd.DataFrame(
        {"model": ["vit", "deit"], "micro_f1": 0.8, "macro_f1": 0.7, "difference": [-0.1, -0.05]}
    )
    show.f1_table(page, f1)
    assert page.numbers["f1-gap"] == "-0.100 to -0.050"
