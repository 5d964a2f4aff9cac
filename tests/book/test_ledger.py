"""The ledger's page, its summary, and when each rule was committed."""

import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from small_record import checkout, executed_pages
from test_claims import RULE, UP, UP_OPEN, record

from rvernet_book import ledger, published
from rvernet_book.ledger import BLOCK, LEDGER, SUMMARY
from rvernet_core.errors import RecordError

ROOT = Path(__file__).parents[2]
ENTRIES = [
    {"id": "gains", "says": "It gains.", "source": "abstract", "rule": RULE, "reading": "Little."},
    {
        "id": "scores",
        "says": "Scores.",
        "source": "title",
        "not testable": "No photos.",
        "reading": "Nothing.",
    },
]


def dated(book, date="2026-11-01T10:00:00+00:00"):
    """Write that every rule of `book` was committed then."""
    rules = ledger.fingerprints((book / "claims.yml").read_text())
    facts = {name: {"rule": rule, "committed": date} for name, rule in rules.items()}
    (book / ledger.DATES).write_text(json.dumps(facts))


@pytest.fixture
def book(tmp_path, monkeypatch):
    """A book with two claims and one table; nothing is stale."""
    record(tmp_path / "book", [UP])
    (tmp_path / "book" / "claims.yml").write_text(yaml.safe_dump(ENTRIES))
    dated(tmp_path / "book")
    (tmp_path / "README.md").write_text(f"# T\n{BLOCK.begin}\n{BLOCK.end}\n")
    monkeypatch.setattr(ledger, "ROOT", tmp_path)
    monkeypatch.setattr(ledger.site, "stale", lambda experiments: {})
    return tmp_path / "book"


def git(root, *arguments):
    identity = ("-c", "user.name=T", "-c", "user.email=t@example.org")
    subprocess.run(["git", *identity, *arguments], cwd=root, check=True, capture_output=True)


def committed(book, date):
    git(book.parent, "init", "-q") if not (book.parent / ".git").exists() else None
    git(book.parent, "add", "book/claims.yml")
    subprocess.run(
        ["git", "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-qm", "Rules"],
        cwd=book.parent,
        check=True,
        env={"GIT_COMMITTER_DATE": date, "GIT_AUTHOR_DATE": date, "PATH": "/usr/bin:/bin"},
    )


# --- the page -----------------------------------------------------------------------------------------


def test_the_rule_stands_before_its_result(book):
    text = ledger.ledger(ledger.entries(book))
    order = [
        "(claim-gains)=",
        "## It gains.",
        "**The rule** (committed 2026-11-01)",
        "**What would count against it.** no gain",
    ]
    order += ["✔ **reproduced**", "a: 0.100 [0.050, 0.150]", "2026-12-01", "**What carries over.** Little."]
    places = [text.index(part) for part in order]
    assert places == sorted(places)
    assert (
        "The gain is above 0 in every row of table [gains](experiments/01-one.ipynb) with metric: gain"
        in text
    )
    assert "at least 3 seeds" in text
    assert "**Not testable here.** No photos." in text


def test_a_rule_that_is_not_committed_judges_nothing(book):
    (book / ledger.DATES).unlink()
    text = ledger.ledger(ledger.entries(book))
    assert "**The rule** (not committed yet)" in text
    assert "… **not yet judged** (the rule, as it is now, is not committed)" in text
    assert "0.100 [0.050, 0.150]" not in text
    assert "**Not testable here.** No photos." in text


def test_verdicts_of_two_records_stand_side_by_side(book, tmp_path):
    other = record(tmp_path / "demo", [UP_OPEN])
    (other / "files" / "01-one.page.json").write_text(json.dumps({"provenance": {"profile": "demo"}}))
    lines = ledger.ledger(ledger.entries(book, {"demo": other})).splitlines()
    rows = [line for line in lines if line.startswith(("| full", "| demo"))]
    assert [("reproduced" in row, "direction only" in row) for row in rows] == [(True, False), (False, True)]


def test_a_kept_demo_stands_beside_the_record_until_rules_or_settings_change(book, tmp_path, monkeypatch):
    (book / "claims.md").write_text(LEDGER)
    assert "| demo |" not in ledger.filled(LEDGER, book)
    demo = record(tmp_path / "_build" / "demo", [UP_OPEN])
    (demo / "files" / "01-one.page.json").write_text(json.dumps({"provenance": {"profile": "demo"}}))
    own = ledger.filled(LEDGER, book)
    ledger.keep_demo(book, demo)
    shutil.rmtree(demo)
    kept = ledger.filled(LEDGER, book)
    assert kept == own
    assert "| demo | ◐ **direction only** |" in kept
    with monkeypatch.context() as changed:
        changed.setattr(ledger, "settings", lambda name: "other")
        assert "**not yet judged** (the demo's settings have changed since)" in ledger.filled(LEDGER, book)
    (book / "claims.yml").write_text(yaml.safe_dump([ENTRIES[0] | {"rule": RULE | {"seeds": 2}}, ENTRIES[1]]))
    assert "| demo |" not in ledger.filled(LEDGER, book), "it was judged by another rule"


def test_a_demo_whose_deciding_row_has_no_interval_is_kept(book, tmp_path):
    """That of an omnibus test: JSON knows no NaN."""
    demo = record(tmp_path / "_build" / "demo", [("a", 0.1, math.nan, math.nan, 0.01, 0.06)])
    (demo / "files" / "01-one.page.json").write_text(json.dumps({"provenance": {"profile": "demo"}}))
    ledger.keep_demo(book, demo)
    judged = ledger.entries(book, {"demo": demo})[0].judgements[-1]
    kept = ledger.kept_demo(book)[ENTRIES[0]["id"]]
    assert math.isnan(kept.shown.low)
    assert math.isnan(kept.shown.high)
    assert repr(kept.shown) == repr(judged.shown)


def test_other_records_are_the_published_one_and_a_demo_of_ones_own(book, tmp_path):
    assert ledger.other_records(book / "experiments") == {}, "the published one is not another"
    demo = record(tmp_path / "_build" / "demo", [UP])
    (demo / "files" / "01-one.page.json").write_text(json.dumps({"provenance": {"profile": "demo"}}))
    assert ledger.other_records(book / "experiments") == {"demo": demo}
    assert ledger.other_records(demo) == {"full": book / "experiments"}


def test_a_stale_page_judges_nothing(book, monkeypatch):
    monkeypatch.setattr(ledger.site, "stale", lambda experiments: {"01-one": "its code has changed"})
    text = ledger.ledger(ledger.entries(book))
    assert "… **not yet judged** (page 01-one is stale: its code has changed)" in text
    assert "reproduced**" not in text


def test_the_summary_has_a_line_for_each_claim_and_counts_the_words(book):
    text = ledger.summary(ledger.entries(book))
    assert "| It gains. | [✔ **reproduced**](#claim-gains) |" in text
    assert text.endswith("*1 reproduced, 1 not testable here.*")


def test_markers_are_filled_and_other_pages_left_alone(book):
    assert "## It gains." in ledger.filled(f"# T\n{LEDGER}\n", book)
    assert "| It gains. |" in ledger.filled(f"# T\n{SUMMARY}\n", book)
    assert ledger.filled("# T\n", book) == "# T\n"
    assert LEDGER in (ROOT / "book" / "claims.md").read_text()
    assert SUMMARY in (ROOT / "book" / "intro.md").read_text()


# --- the README ---------------------------------------------------------------------------------------


def test_the_readme_holds_the_verdicts_and_says_so_when_they_are_edited(book, monkeypatch):
    readme = book.parent / "README.md"
    readme.write_text(ledger.in_readme(book, readme))
    assert "| It gains. | [✔ **reproduced**](book/claims.md) |" in readme.read_text()
    assert ledger.readme_is_true(book, readme)
    text = readme.read_text()
    readme.write_text(text.replace("**reproduced**", "**contradicted**"))
    assert not ledger.readme_is_true(book, readme)
    readme.write_text(text.replace("It gains", "It gains much"))
    assert not ledger.readme_is_true(book, readme)
    readme.write_text(text)
    monkeypatch.setattr(ledger.site, "stale", lambda experiments: {"01-one": "its code has changed"})
    assert ledger.readme_is_true(book, readme), "what it says was true when it was written"
    readme.write_text(ledger.in_readme(book, readme))
    assert "not yet judged" in readme.read_text()
    assert ledger.readme_is_true(book, readme)
    readme.write_text("# T\n")
    with pytest.raises(RecordError, match="has no block"):
        ledger.in_readme(book, readme)


def test_the_readme_of_this_checkout_is_up_to_date():
    assert ledger.readme_is_true(ROOT / "book", ROOT / "README.md")
    text = (ROOT / "README.md").read_text()
    assert text == ledger.in_readme(ROOT / "book", ROOT / "README.md"), "run `python -m rvernet_book claims`"


def test_a_number_that_was_changed_by_hand_stops_the_build_before_it_can_change_a_verdict(
    tmp_path, monkeypatch
):
    root = checkout(tmp_path / "c", monkeypatch)
    entry = ENTRIES[0] | {
        "rule": RULE | {"table": "scores", "test": "count", "rows": {"value": 0.5}, "seeds": 1}
    }
    (root / "book" / "claims.yml").write_text(yaml.safe_dump([entry]))
    dated(root / "book")
    readme = root / "README.md"
    readme.write_text(readme.read_text() + f"\n{BLOCK.begin}\n{BLOCK.end}\n")
    readme.write_text(ledger.in_readme(root / "book", readme))
    assert "reproduced" in readme.read_text()
    published.check(root / "book", readme)
    path = root / "book" / "experiments" / "files" / "scores.csv"
    path.write_text(path.read_text().replace("0.5", "0.7"))
    found = published.damage(root / "book", readme)
    assert any("files/scores.csv was changed" in line for line in found)
    assert any("README.md has other verdicts" in line for line in found)
    with pytest.raises(RecordError, match="not as it was published"):
        published.check(root / "book")


def test_a_new_record_writes_its_verdicts_into_the_readme(tmp_path, monkeypatch):
    root = checkout(tmp_path / "c", monkeypatch)
    entry = ENTRIES[0] | {
        "rule": RULE | {"table": "scores", "test": "count", "rows": {"value": 0.7}, "seeds": 1}
    }
    (root / "book" / "claims.yml").write_text(yaml.safe_dump([entry]))
    dated(root / "book")
    readme = root / "README.md"
    readme.write_text(readme.read_text() + f"\n{BLOCK.begin}\n{BLOCK.end}\n")
    readme.write_text(ledger.in_readme(root / "book", readme))
    assert "contradicted" in readme.read_text()
    published.publish(executed_pages(tmp_path / "new", "0.7"))
    assert "reproduced" in readme.read_text()


# --- when the rules were written ----------------------------------------------------------------------


@pytest.mark.skipif(shutil.which("git") is None, reason="needs git")
def test_a_rule_is_as_old_as_its_last_change_and_what_carries_over_may_be_edited(book):
    committed(book, "2026-11-01T10:00:00+00:00")
    ledger.write_ledger(book)
    assert ledger.read_dates(book)["gains"].startswith("2026-11-01T10:00:00")
    changed = [ENTRIES[0] | {"reading": "Nothing at all."}, ENTRIES[1]]
    (book / "claims.yml").write_text(yaml.safe_dump(changed))
    committed(book, "2026-11-02T10:00:00+00:00")
    ledger.write_ledger(book)
    assert ledger.read_dates(book)["gains"].startswith("2026-11-01"), "its rule is the same"
    changed[0] = changed[0] | {"rule": RULE | {"seeds": 2}}
    (book / "claims.yml").write_text(yaml.safe_dump(changed))
    assert "gains" not in ledger.read_dates(book), "a changed rule has the date of none"
    assert ledger.dates_from_git(book.parent)["gains"]["committed"] == "", "it is not committed yet"
    committed(book, "2026-12-02T10:00:00+00:00")
    ledger.write_ledger(book)
    assert ledger.read_dates(book)["gains"].startswith("2026-12-02")
    text = ledger.ledger(ledger.entries(book))
    assert "**The rule** (committed 2026-12-02)" in text
    assert "page 01-one is older than the rule" in text, "it was executed the day before"


def test_without_git_there_are_no_dates_and_it_says_so(tmp_path):
    (tmp_path / "book").mkdir()
    (tmp_path / "book" / "claims.yml").write_text(yaml.safe_dump(ENTRIES))
    with pytest.raises(RecordError, match="git log failed"):
        ledger.dates_from_git(tmp_path)


def test_the_dates_of_this_checkout_are_those_of_its_history():
    stored = json.loads((ROOT / "book" / ledger.DATES).read_text())
    try:
        found = ledger.dates_from_git(ROOT)
    except RecordError:
        pytest.skip("no history here")
    if not all(facts["committed"] for facts in found.values()):
        pytest.skip("the history here does not reach back, or a rule is not committed yet")
    assert stored == found, "run `python -m rvernet_book claims`"


def test_a_hash_is_of_the_rule_alone():
    text = yaml.safe_dump(ENTRIES)
    edited = re.sub("Little", "Much", text)
    assert ledger.fingerprints(text) == ledger.fingerprints(edited)
    assert ledger.fingerprints(text) != ledger.fingerprints(text.replace("no gain", "a loss"))
