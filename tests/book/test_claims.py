"""Verdicts follow from tables by rules: every word on a made-up record, and what is wrong with a rule."""

import json
import re
from pathlib import Path

import pandas as pd
import pytest
import yaml

from rvernet_book import claims
from rvernet_book.claims import (
    CONTRADICTED,
    DIRECTION,
    INCONCLUSIVE,
    REPRODUCED,
    UNJUDGED,
    UNTESTABLE,
    judge,
    read_claims,
)
from rvernet_core.errors import RecordError

ROOT = Path(__file__).parents[2]
RULE = {
    "quantity": "the gain",
    "page": "01-one",
    "table": "gains",
    "rows": {"metric": "gain"},
    "direction": "above",
    "test": "holm",
    "need": "all",
    "negligible": 0.02,
    "seeds": 3,
    "against": "no gain",
}


def claim(tmp_path, **changes):
    """The one claim of a list whose rule has these changes."""
    entry = {
        "id": "c",
        "says": "It gains.",
        "source": "abstract",
        "rule": RULE | changes,
        "reading": "Little.",
    }
    path = tmp_path / "claims.yml"
    path.write_text(yaml.safe_dump([entry]))
    return read_claims(path)[0]


def record(tmp_path, rows, name="gains", executed="2026-12-01T10:00:00+00:00", seeds=3, page="01-one"):
    """Executed pages with one table of gains: rows of (model, value, low, high, p, smallest)."""
    folder = tmp_path / "experiments"
    (folder / "files").mkdir(parents=True, exist_ok=True)
    metadata = {"papermill": {"start_time": executed}}
    (folder / f"{page}.ipynb").write_text(json.dumps({"metadata": metadata}))
    facts = {"provenance": {"profile": "full"}}
    (folder / "files" / f"{page}.page.json").write_text(json.dumps(facts))
    tidy = []
    for model, value, low, high, p, smallest in rows:
        tidy.append(dict(model=model, metric="gain", value=value, low=low, high=high, seeds=seeds))
        tidy += [
            dict(model=model, metric=m, value=v, seeds=seeds) for m, v in (("p", p), ("smallest", smallest))
        ]
    pd.DataFrame(tidy).to_csv(folder / "files" / f"{name}.csv", index=False)
    return folder


UP = ("a", 0.10, 0.05, 0.15, 0.001, 0.06)
UP_OPEN = ("b", 0.03, -0.02, 0.08, 0.4, 0.07)
DOWN = ("c", -0.10, -0.15, -0.05, 0.001, 0.06)
DOWN_OPEN = ("d", -0.03, -0.08, 0.02, 0.4, 0.07)
NOTHING = ("e", 0.001, -0.005, 0.007, 0.9, 0.009)  # would have found two points


@pytest.mark.parametrize(
    ("need", "rows", "verdict"),
    [
        ("all", [UP], REPRODUCED),
        ("all", [UP, UP_OPEN], DIRECTION),
        ("all", [UP, DOWN_OPEN], INCONCLUSIVE),
        ("all", [UP, DOWN], CONTRADICTED),
        ("all", [NOTHING, NOTHING], CONTRADICTED),
        ("all", [UP, NOTHING], DIRECTION),
        ("most", [UP, UP, DOWN], REPRODUCED),
        ("most", [UP, UP_OPEN, DOWN_OPEN], DIRECTION),
        ("most", [UP, DOWN_OPEN, DOWN_OPEN], INCONCLUSIVE),
        ("most", [UP, DOWN, NOTHING], CONTRADICTED),
        ("any", [UP, DOWN], REPRODUCED),
        ("any", [UP_OPEN, UP_OPEN, DOWN_OPEN], DIRECTION),
        ("any", [UP_OPEN, DOWN_OPEN], INCONCLUSIVE),
        ("any", [DOWN, NOTHING], CONTRADICTED),
    ],
)
def test_the_verdict_follows_from_the_rows(tmp_path, need, rows, verdict):
    judged = judge(claim(tmp_path, need=need), record(tmp_path, rows))
    assert judged.verdict == verdict
    assert (judged.profile, judged.executed[:10]) == ("full", "2026-12-01")
    assert len(judged.rows) == len(rows)


def test_the_row_that_decides_is_shown(tmp_path):
    folder = record(tmp_path, [UP_OPEN, UP, DOWN_OPEN])
    assert judge(claim(tmp_path, need="all"), folder).shown.label == "d"
    assert judge(claim(tmp_path, need="any"), folder).shown.label == "a"
    shown = judge(claim(tmp_path, need="most"), folder).shown
    assert (shown.label, shown.value, shown.low, shown.high, shown.seeds) == ("b", 0.03, -0.02, 0.08, 3)


def test_below_is_above_turned_round(tmp_path):
    assert judge(claim(tmp_path, direction="below"), record(tmp_path, [DOWN])).verdict == REPRODUCED
    assert judge(claim(tmp_path, direction="below"), record(tmp_path, [UP])).verdict == CONTRADICTED


def test_a_claimed_size_must_be_reached_by_the_interval(tmp_path):
    folder = record(tmp_path, [UP])
    assert judge(claim(tmp_path, size=0.15), folder).verdict == REPRODUCED
    assert judge(claim(tmp_path, size=0.16), folder).verdict == DIRECTION


@pytest.mark.parametrize(
    ("need", "rows", "size", "verdict"),
    [
        ("any", [UP_OPEN, DOWN_OPEN], 0.08, INCONCLUSIVE),  # one interval reaches it
        ("any", [UP_OPEN, DOWN_OPEN], 0.09, CONTRADICTED),
        ("any", [UP_OPEN, UP_OPEN, DOWN_OPEN], 0.09, CONTRADICTED),
        ("any", [UP, UP_OPEN], 0.2, DIRECTION),  # a gain is shown, of another size
        ("most", [UP_OPEN, UP_OPEN, DOWN_OPEN], 0.08, DIRECTION),
        ("most", [UP_OPEN, DOWN_OPEN, DOWN_OPEN], 0.08, CONTRADICTED),
        ("all", [UP, UP_OPEN], 0.08, DIRECTION),
        ("all", [UP, UP_OPEN], 0.09, CONTRADICTED),
        ("all", [UP, DOWN_OPEN], 0.0, INCONCLUSIVE),  # no size is claimed
    ],
)
def test_a_claimed_size_outside_too_many_intervals_speaks_against_what_is_not_shown(
    tmp_path, need, rows, size, verdict
):
    rule = claim(tmp_path, need=need, size=size)
    assert judge(rule, record(tmp_path, rows)).verdict == verdict


def test_a_claimed_size_below_is_one_above_turned_round(tmp_path):
    folder = record(tmp_path, [DOWN_OPEN])
    assert judge(claim(tmp_path, direction="below", size=0.08), folder).verdict == DIRECTION
    assert judge(claim(tmp_path, direction="below", size=0.09), folder).verdict == CONTRADICTED


def test_an_unknown_interval_may_reach_any_size(tmp_path):
    nan = float("nan")
    folder = record(tmp_path, [("a", 0.1, nan, nan, 0.3, 0.1)])
    assert judge(claim(tmp_path, size=0.5), folder).verdict == DIRECTION


def test_without_an_interval_a_bound_shows_nothing(tmp_path):
    nan = float("nan")
    found = judge(claim(tmp_path, test="interval"), record(tmp_path, [("a", 0.1, nan, nan, 0.01, 0.1)]))
    assert found.verdict not in (REPRODUCED, CONTRADICTED)


def test_a_bound_is_tested_by_the_interval(tmp_path):
    rule = {"test": "interval", "than": 0.04}
    assert judge(claim(tmp_path, **rule), record(tmp_path, [UP])).verdict == REPRODUCED
    assert judge(claim(tmp_path, **rule | {"than": 0.07}), record(tmp_path, [UP])).verdict == DIRECTION
    assert judge(claim(tmp_path, **rule | {"than": 0.2}), record(tmp_path, [UP])).verdict == CONTRADICTED


@pytest.mark.parametrize(
    ("p", "smallest", "verdict"),
    [(0.01, 0.5, REPRODUCED), (0.2, 0.5, INCONCLUSIVE), (0.2, 0.01, CONTRADICTED)],
)
def test_whether_any_differs_is_decided_by_p_and_by_what_would_have_been_found(
    tmp_path, p, smallest, verdict
):
    folder = record(tmp_path, [("noise", 3.0, None, None, p, smallest)])
    assert judge(claim(tmp_path, direction="differs"), folder).verdict == verdict


def test_a_count_needs_no_test(tmp_path):
    folder = record(tmp_path, [UP, DOWN])
    rule = {"test": "count", "seeds": 1}
    judged = judge(claim(tmp_path, **rule, rows={"model": ["a", "c"], "metric": "gain"}), folder)
    assert (judged.verdict, judged.shown.value) == (REPRODUCED, 2)
    assert judge(claim(tmp_path, **rule, rows={"model": "z"}), folder).verdict == CONTRADICTED


def test_p_may_be_a_column_of_a_table_that_is_tidy_already(tmp_path):
    folder = record(tmp_path, [UP])
    frame = pd.DataFrame(
        [dict(model="a", quantity="gain", value=0.1, low=0.05, high=0.15, p=0.3, smallest=0.1, seeds=3)]
    )
    frame.to_csv(folder / "files" / "gains.csv", index=False)
    rule = claim(tmp_path, rows={"quantity": "gain"})
    assert judge(rule, folder).verdict == DIRECTION
    frame.assign(p=0.01).to_csv(folder / "files" / "gains.csv", index=False)
    assert judge(rule, folder).verdict == REPRODUCED


def test_without_its_further_conditions_a_claim_is_not_reproduced(tmp_path):
    also = {k: v for k, v in RULE.items() if k != "against"} | {
        "quantity": "the same under another recipe",
        "table": "recipes",
    }
    both = claim(tmp_path, also=[also])
    folder = record(tmp_path, [UP])
    assert judge(both, folder).reason == "page 01-one has no table recipes"
    assert judge(both, record(tmp_path, [DOWN])).verdict == CONTRADICTED, "whatever other recipes would say"
    record(tmp_path, [UP])
    record(tmp_path, [UP_OPEN], "recipes")
    judged = judge(both, folder)
    assert (judged.verdict, judged.reason) == (DIRECTION, "not shown: the same under another recipe")
    record(tmp_path, [UP], "recipes")
    assert judge(both, folder).verdict == REPRODUCED


@pytest.mark.parametrize(
    ("rule", "options", "reason"),
    [
        ({"page": "09-none"}, {}, "page 09-none was not executed"),
        ({}, {"stale": {"01-one": "its code has changed"}}, "page 01-one is stale: its code has changed"),
        ({"table": "none"}, {}, "page 01-one has no table none"),
        ({}, {"written": "2026-12-01T12:00:00+02:00"}, ""),
        ({}, {"written": "2026-12-01T10:00:01+00:00"}, "page 01-one is older than the rule"),
        ({"rows": {"metric": "other"}}, {}, "table gains has no such row"),
        ({"seeds": 5}, {}, "fewer than 5 seeds"),
    ],
)
def test_what_cannot_be_judged_yet_says_why(tmp_path, rule, options, reason):
    judged = judge(claim(tmp_path, **rule), record(tmp_path, [UP]), **options)
    assert (judged.verdict, judged.reason) == (UNJUDGED if reason else REPRODUCED, reason)


def test_a_table_without_p_is_not_judged_by_p(tmp_path):
    folder = record(tmp_path, [UP])
    frame = pd.read_csv(folder / "files" / "gains.csv")
    frame[frame["metric"] == "gain"].to_csv(folder / "files" / "gains.csv", index=False)
    assert judge(claim(tmp_path), folder).reason == "table gains has no p"
    assert judge(claim(tmp_path, test="interval"), folder).verdict == REPRODUCED


def test_an_unknown_column_is_an_error_of_the_rule(tmp_path):
    with pytest.raises(RecordError, match=r"table gains has no column 'modell'; it has model, metric"):
        judge(claim(tmp_path, rows={"modell": "a"}), record(tmp_path, [UP]))


def test_what_is_not_testable_says_why(tmp_path):
    path = tmp_path / "claims.yml"
    entry = {"id": "c", "says": "S", "source": "title", "not testable": "no photos", "reading": "None."}
    path.write_text(yaml.safe_dump([entry]))
    judged = judge(read_claims(path)[0], tmp_path)
    assert (judged.verdict, judged.reason, judged.shown) == (UNTESTABLE, "no photos", None)


# --- the rules ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tabel": "x"}, "unknown field 'tabel'; expected against, also, direction"),
        ({"need": "some"}, "need is 'some'; expected one of all, most, any"),
        ({"test": "t"}, "test is 't'; expected one of holm, interval, count"),
        ({"size": -0.1}, "size is -0.1; expected a number, not below zero"),
        ({"seeds": True}, "seeds is True; expected a number"),
        ({"rows": "all"}, "rows is 'all'; expected column: value"),
        ({"direction": "differs", "test": "interval"}, "'differs' is decided by p alone"),
        ({"also": [{"page": "p"}]}, "also 1: lacks direction, need, quantity, rows, table, test"),
    ],
)
def test_a_wrong_rule_is_refused_with_what_was_expected(tmp_path, changes, message):
    with pytest.raises(RecordError, match=re.escape(message)):
        claim(tmp_path, **changes)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([], "holds list; expected a list of claims"),
        (
            [{"id": "c", "says": "S", "source": "title", "reading": "R"}],
            "expected either a rule, or 'not testable'",
        ),
        (
            [{"id": "c", "says": "S", "source": "blog", "reading": "R", "not testable": "x"}],
            "source is 'blog'",
        ),
        (
            [{"id": "c", "says": "S", "source": "title", "reading": "R", "not testable": "x"}] * 2,
            "repeated ids: c",
        ),
        (["c"], "'c'; expected the fields"),
    ],
)
def test_a_wrong_entry_is_refused(tmp_path, entries, message):
    path = tmp_path / "claims.yml"
    path.write_text(yaml.safe_dump(entries))
    with pytest.raises(RecordError, match=re.escape(message)):
        read_claims(path)


def test_the_claims_cover_the_papers_seven_and_its_captions():
    found = read_claims()
    assert len(found) >= 15
    assert {claim.source for claim in found} == set(claims.SOURCES)
    assert {claim.where for claim in found} >= {
        "figure 1 (b)",
        "figure 3 (a)",
        "figure 3 (b)",
        "figure 4",
        "figure 5",
    }
    pages = {path.stem for path in (ROOT / "notebooks").glob("*.ipynb")}
    for claim in found:
        for condition in (claim.rule, *claim.also):
            assert condition is None or condition.page in pages
        assert claim.against
        assert claim.reading


def test_superiority_needs_corrected_significance_over_seeds_and_other_recipes():
    by_id = {claim.id: claim for claim in read_claims()}
    for name in ("deit-best", "distilled-best"):
        claim = by_id[name]
        assert (claim.rule.test, claim.rule.need, claim.rule.seeds) == ("holm", "all", 3)
        assert any("recipe" in condition.quantity for condition in claim.also)


def test_copying_mistakes_is_no_gain_in_any_rule():
    """Agreement with a teacher's errors stands only beside a gain in what the student can do."""
    for claim in read_claims():
        conditions = [c for c in (claim.rule, *claim.also) if c]
        copies = [c for c in conditions if "agreement on errors" in str(c.rows)]
        gains = [c for c in conditions if "as a gain" in c.quantity]
        assert not copies or gains
