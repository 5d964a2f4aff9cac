"""Page 10, shown from made-up frames: what is drawn, worded and glued agrees with the data."""

import dataclasses

import pandas as pd
import pytest
import stand_in

from rvernet_book.page import Page
from rvernet_book.pages import paper_versus_code as show
from rvernet_core.experiments.paper_versus_code import METRICS, audit_facts, differences


@pytest.fixture
def page(tmp_path):
    return Page("10-paper-versus-code", stand_in.study("demo"), tmp_path)


@pytest.fixture
def effects():
    rows = [("flips", 0.01, 0.02), ("pixels", -0.2, 0.05), ("everything", -0.4, 0.05)]
    frame = pd.DataFrame({"difference": [r[0] for r in rows], "text": "T", "code": "C", "model": "vit"})
    for metric in METRICS:
        frame[metric] = [r[1] for r in rows]
        frame[f"{metric}_low"] = [r[1] - r[2] for r in rows]
        frame[f"{metric}_high"] = [r[1] + r[2] for r in rows]
    return frame.assign(p=[0.5, 0.001, 0.001], smallest=0.05)


def test_what_text_and_code_say_stands_in_one_table_and_the_effects_in_another(page, effects):
    said = show.difference_table(page, differences())._repr_html_()
    for shown in ("paper and README", "released code", "no normalisation of pixels"):
        assert shown in said
    bundle = show.effect_table(page, effects)
    text = bundle._repr_html_()
    assert "-0.200" in text
    assert "[-0.250, -0.150]" in text
    assert "released code</th>" not in text
    assert set(pd.read_csv(bundle.paths["csv"])["code"]) == {"C"}


def test_the_chart_draws_every_difference(page, effects):
    bundle = show.effect_chart(page, effects)
    assert list(pd.read_csv(bundle.paths["csv"])["difference"]) == ["flips", "pixels", "everything"]
    assert "-0.200 [-0.250, -0.150]" in bundle.alt


def test_the_answer_counts_and_names_the_largest(page, effects):
    text = show.answer(page, audit_facts(effects))._repr_html_()
    assert "made alone: 2 (" in text
    assert "Shown to lower the accuracy: 1; to raise it: 0." in text
    assert page.numbers["largest-change"].endswith(", shown")
    open_ = dataclasses.replace(audit_facts(effects), largest_shown=False, differences=1, models=1)
    assert "(1 difference, 1 model)" in show.answer(page, open_)._repr_html_()
    assert page.numbers["largest-change"].endswith(", not shown to be one")
    assert page.numbers["largest"] == "pixels (ViT)"
    assert page.numbers["everything"] == "ViT -0.400 [-0.450, -0.350]"


def test_the_other_tables_glue_what_the_prose_says(page):
    chosen = pd.DataFrame(
        {"model": ["vit", "deit"], "last epoch": 0.5, "best epoch": 0.6, "flattery": [0.1, 0.2]}
    )
    chosen = chosen.assign(flattery_low=0.0, flattery_high=0.3, epochs=4)
    show.choice_table(page, chosen)
    assert page.numbers["flattery"] == "+0.200 (DeiT)"
    f1 = pd.DataFrame(
        {"model": ["vit", "deit"], "micro_f1": 0.8, "macro_f1": 0.7, "difference": [-0.1, -0.05]}
    )
    show.f1_table(page, f1)
    assert page.numbers["f1-gap"] == "-0.100 to -0.050"
