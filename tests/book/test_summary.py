"""The summary of results: what it counts."""

import json

from rvernet_book.summary import MAKING, summary


def test_a_run_behind_several_pages_is_counted_once(tmp_path):
    files = tmp_path / "files"
    files.mkdir()
    provenance = {"profile": "full", "seeds": [0, 1], "machine": "a machine", "commit": "abc", "seconds": 90}
    for page in ("02-one", "03-two"):
        facts = {"page": page, "headlines": [f"Result of {page}."], "provenance": provenance}
        (files / f"{page}.page.json").write_text(json.dumps(facts))
    one = {"common": {"seconds": 3600.0}, "each": {"a": {}, "b": {}}, "trials": {}}
    two = {"common": {}, "each": {"b": {"seconds": 3600.0}, "c": {"seconds": 600.0}}, "trials": {}}
    (files / "02-one.runs.json").write_text(json.dumps(one))
    (files / "03-two.runs.json").write_text(json.dumps(two))
    text = summary(tmp_path)
    assert "Result of 02-one. ([details](experiments/02-one.ipynb))" in text
    assert "3 runs, 2 h 10 min of training in all; the last execution of the pages took 3 min 0 s" in text


def test_it_says_what_it_took_to_make_the_record_where_that_is_known(tmp_path):
    (tmp_path / "files").mkdir()
    provenance = {"profile": "full", "seeds": [0], "machine": "m", "commit": "abc", "seconds": 1}
    facts = {"page": "01-one", "headlines": ["Result."], "provenance": provenance}
    (tmp_path / "files" / "01-one.page.json").write_text(json.dumps(facts))
    assert "steps" not in summary(tmp_path)
    (tmp_path / MAKING).write_text(json.dumps({"steps": 110, "seconds": 14400.0, "cores": 2}))
    assert "All 110 steps of making it took 4 h 0 min in sum, 2 h 0 min of 2 cores." in summary(tmp_path)
    made = {"steps": 110, "seconds": 14400.0, "cores": 2, "earlier": 3600.0}
    (tmp_path / MAKING).write_text(json.dumps(made))
    assert "2 h 0 min of 2 cores; 1 h 0 min of the sum in earlier sittings." in summary(tmp_path)


def test_all_profiles_machines_and_commits_behind_it_are_named(tmp_path):
    (tmp_path / "files").mkdir()
    for page, profile, commit in (
        ("01-one", "full", "abc"),
        ("02-two", "demo", ""),
        ("03-three", "full", "abd"),
    ):
        provenance = {"profile": profile, "seeds": [0], "machine": "m", "commit": commit, "seconds": 1}
        facts = {"page": page, "headlines": ["Result."][: page != "03-three"], "provenance": provenance}
        (tmp_path / "files" / f"{page}.page.json").write_text(json.dumps(facts))
    text = summary(tmp_path)
    assert "`demo` and `full` profiles, 1 seed, m; commits abc, abd, unknown." in text
