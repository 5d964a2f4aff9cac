"""Where a page's files go, what it writes at its end, and that it can be executed from its own record."""

import json

import pandas as pd
import pytest
import stand_in

from rvernet_book import page as module
from rvernet_book.page import Page, open_study
from rvernet_core import files
from rvernet_core.errors import ConfigError, RecordError
from rvernet_core.runs import RunStore

SMALL = {"profile": "smoke", "seeds": [0], "backbones": ["mlp-mixer"], "device": "cpu"}


def test_a_page_of_the_book_and_a_notebook_run_by_itself_do_not_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROOT", tmp_path.resolve())
    book = tmp_path / "_build" / "demo" / "experiments"
    book.mkdir(parents=True)
    for where, folder in ((book, book / "files"), (tmp_path, tmp_path / "_build" / "demo" / "own" / "files")):
        monkeypatch.chdir(where)
        assert Page("02-off-the-shelf", stand_in.study("demo")).folder == folder.resolve()


def test_a_folder_can_be_named(tmp_path):
    assert Page("02-off-the-shelf", stand_in.study(), tmp_path).folder == tmp_path


def test_a_page_opens_with_the_parameters_that_its_notebook_declares(tmp_path, monkeypatch):
    monkeypatch.setenv("RVERNET_CACHE", str(tmp_path / "cache"))
    namespace = {"profile": "smoke", "seeds": [4], "__annotations__": {"profile": str, "seeds": list[int]}}
    page = Page.open("02-off-the-shelf", namespace)
    assert (page.name, page.profile, page.seeds) == ("02-off-the-shelf", "smoke", (4,))
    assert page.study.store.cache == tmp_path / "cache"
    with pytest.raises(ConfigError, match="seeds"):
        Page.open("02-off-the-shelf", namespace | {"seeds": "one"})


def test_a_page_of_other_parameters_says_so_and_names_the_command_that_makes_it(tmp_path, monkeypatch):
    monkeypatch.setenv("RVERNET_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(module, "ROOT", tmp_path)
    hints = {"profile": str, "seeds": list[int], "masks": str, "device": str}
    values = {"profile": "smoke", "seeds": [4, 5], "masks": "", "device": "cpu"}
    page = Page.open("02-off-the-shelf", {**values, "__annotations__": hints})
    page.close()
    facts = json.loads((page.folder / "02-off-the-shelf.page.json").read_text())["provenance"]
    assert facts["parameters"] == {"seeds": [4, 5]}
    assert facts["command"].endswith(" -p profile smoke -p seeds 4,5")


def test_the_cache_is_the_checkouts_unless_the_environment_names_another(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.delenv("RVERNET_CACHE", raising=False)
    assert open_study(profile="smoke", device="cpu").store.cache == tmp_path / "_build" / "cache"


def test_figures_and_tables_are_numbered_by_the_page_and_keep_their_number(tmp_path):
    page = Page("03-rvernet", stand_in.study(), tmp_path)
    frame = pd.DataFrame({"model": ["a"], "accuracy": [0.5]})
    for _ in range(2):  # a cell that runs again
        one, two = (page.table(name, frame, caption="Scores.")._repr_html_() for name in ("one", "two"))
        assert "Table 3.1" in one
        assert "Table 3.2" in two
    with pytest.raises(RecordError, match="already a table"):
        page.figure("one", lambda ax: None, frame, alt="", caption="")


def test_a_closed_page_leaves_its_numbers_headlines_and_provenance(tmp_path):
    page = Page("03-rvernet", stand_in.study(), tmp_path)
    page.glue("gain", 0.1234, "{:+.2f}")
    page.headline("Context **helps**.")
    page.attach("samples", pd.DataFrame({"x": [1, 2]}))
    page.table("scores", pd.DataFrame({"model": ["a"], "accuracy": [0.5]}), caption="Scores.")
    box = page.close()._repr_html_()
    facts = json.loads((tmp_path / "03-rvernet.page.json").read_text())
    assert facts["numbers"] == {"gain": "+0.12"}
    assert facts["headlines"] == ["Context **helps**."]
    assert facts["provenance"]["profile"] == "smoke"
    written = {name: files.sha256(tmp_path / name) for name in ("03-rvernet.samples.csv.xz", "scores.csv")}
    assert facts["files"] == written
    assert "03-rvernet.samples.csv.xz" in box
    assert list(pd.read_csv(tmp_path / "03-rvernet.samples.csv.xz")["x"]) == [1, 2]


def test_a_page_is_executed_again_from_the_record_that_it_left(tmp_path, monkeypatch):
    monkeypatch.setenv("RVERNET_CACHE", str(tmp_path / "cache"))
    page = Page("02-off-the-shelf", open_study(**SMALL), tmp_path / "files")
    (trained,) = page.study.predictions(page.study.singles())["mlp-mixer"]
    page.close()
    monkeypatch.setattr(module, "BUNDLES", tmp_path / "files")
    monkeypatch.setattr(RunStore, "load_or_train", lambda *a: pytest.fail("trained"))
    study = open_study(**SMALL, runs="record")
    (recorded,) = study.predictions(study.singles())["mlp-mixer"]
    assert recorded == trained
    assert (recorded.predicted == trained.predicted).all()
    assert (recorded.labels == trained.labels).all()
    facts = json.loads((tmp_path / "files" / "02-off-the-shelf.page.json").read_text())
    assert facts["provenance"]["runs"] == 1
