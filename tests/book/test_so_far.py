"""What is kept of a record on its way is not trained again; it is read for its own profile alone."""

import dataclasses

import pytest

from rvernet_book import cli, so_far
from rvernet_book.page import Page, open_study
from rvernet_core.config import Condition, Noise
from rvernet_core.errors import ConfigError, RecordError
from rvernet_core.runs import RunStore

SMALL = {"profile": "smoke", "seeds": [0], "backbones": ["mlp-mixer"], "device": "cpu"}
PAGES = ["02-off-the-shelf"]
SHIFTED = {"shifted": Condition(noise=Noise("translocation"), photos=5)}


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Its folder; nothing is published, kept or trained yet."""
    monkeypatch.setenv("RVERNET_CACHE", str(tmp_path / "cache"))
    for name, path in (("FOLDER", "book/so-far"), ("RECORD", "book/experiments"), ("ROOT", "")):
        monkeypatch.setattr(so_far, name, tmp_path / path)
    return tmp_path


@pytest.fixture
def no_training(monkeypatch):
    """`no_training()`: from now on a run that is trained or loaded fails the test."""

    def forbid():
        monkeypatch.setattr(RunStore, "load_or_train", lambda *a: pytest.fail("a run was loaded or trained"))

    return forbid


def test_a_kept_run_is_not_trained_again_on_another_machine(checkout, monkeypatch, no_training):
    study = open_study(**SMALL)
    (trained,) = study.predictions(study.singles())["mlp-mixer"]
    folder, runs = so_far.keep(study, PAGES, ["*"])
    assert (folder, runs) == (checkout / "book" / "so-far", 1)
    monkeypatch.setenv("RVERNET_CACHE", str(checkout / "another cache"))
    no_training()
    another = open_study(**SMALL)
    (read,) = another.predictions(another.singles())["mlp-mixer"]
    assert read == trained
    assert (read.predicted == trained.predicted).all()
    assert another.knows(trained.spec)
    assert not another.knows(dataclasses.replace(trained.spec, seed=1))
    assert so_far.seconds("smoke") == trained.manifest["seconds"]


def test_the_command_says_how_many_runs_are_kept(checkout, capsys):
    study = open_study(**SMALL)
    study.predictions(study.singles())
    options = ["--profile", "smoke", "--seeds", "0", "--backbones", "mlp-mixer", "--device", "cpu"]
    cli.main(["keep", "*", *options])
    assert capsys.readouterr().out == f"runs in {checkout / 'book' / 'so-far'}: 1\n"


def test_what_is_kept_grows_and_is_read_for_its_profile_alone(checkout):
    study = open_study(**SMALL)
    study.predictions(study.singles())
    so_far.keep(study, PAGES, ["*"])
    study = open_study(**SMALL | {"seeds": [1]})
    study.predictions(study.singles())
    assert so_far.keep(study, PAGES, ["*"])[1] == 2
    assert {p.spec.seed for p in so_far.read("smoke").values()} == {0, 1}
    assert so_far.read("demo") == {}
    assert not open_study(profile="demo", device="cpu").recorded
    so_far.forget()
    assert so_far.read("smoke") == {}
    assert so_far.seconds("smoke") == 0


def test_evaluations_are_kept_with_their_run(checkout, no_training):
    study = open_study(**SMALL)
    expected = study.evaluate(study.predictions(study.singles()), SHIFTED)
    so_far.keep(study, PAGES, ["*"])
    no_training()
    another = open_study(**SMALL)
    assert another.evaluate(another.predictions(another.singles()), SHIFTED) == expected


def test_a_published_run_that_is_still_the_same_is_kept_without_the_cache(checkout, monkeypatch):
    study = open_study(**SMALL)
    shown = Page("02-off-the-shelf", study, checkout / "book" / "experiments" / "files")
    study.predictions(study.singles())
    shown.close()
    monkeypatch.setenv("RVERNET_CACHE", str(checkout / "another cache"))
    assert so_far.keep(open_study(**SMALL), PAGES, ["*"])[1] == 1


def test_a_run_of_another_protocol_is_not_known(checkout, monkeypatch):
    study = open_study(**SMALL)
    (trained,) = study.predictions(study.singles())["mlp-mixer"]
    so_far.keep(study, PAGES, ["*"])
    monkeypatch.setattr("rvernet_core.run_specs.PROTOCOL", 10**6)
    assert not open_study(**SMALL).knows(trained.spec)


def test_a_job_that_is_none_and_jobs_without_a_run_are_told(checkout):
    study = open_study(**SMALL)
    with pytest.raises(ConfigError, match="no job is called 'singel-vit'; `rvernet jobs` lists them"):
        so_far.keep(study, PAGES, ["*", "singel-vit"])
    with pytest.raises(ConfigError, match="none of the 1 jobs has a finished run"):
        so_far.keep(study, PAGES, ["*"])
    assert not (checkout / "book").exists()


def test_a_folder_that_was_edited_is_told_before_anything_is_trained(checkout):
    study = open_study(**SMALL)
    study.predictions(study.singles())
    folder, _ = so_far.keep(study, PAGES, ["*"])
    paths = sorted(folder.iterdir())
    assert len(paths) == 4
    for path in paths:
        whole = path.read_bytes()
        for change in (path.unlink, lambda path=path: path.write_bytes(b"smoke ")):
            change()
            with pytest.raises(RecordError, match="git checkout book/so-far"):
                open_study(**SMALL)
            path.write_bytes(whole)
    assert open_study(**SMALL).recorded
