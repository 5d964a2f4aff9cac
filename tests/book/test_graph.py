"""The graph makes every run that the pages need, once, each after its teacher, and no page waits for more."""

import dataclasses
import json
from types import SimpleNamespace

import pytest
import torch

from rvernet_book import graph as module
from rvernet_book import site
from rvernet_book.graph import graph, jobs_of
from rvernet_book.page import BUNDLES, ROOT
from rvernet_book.record import read_predictions
from rvernet_core.config import ModelSpec, RunSpec, TrainSpec
from rvernet_core.experiments import page_module
from rvernet_core.experiments.study import Study

PAGES = sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))
PROFILES = ("smoke", "demo", "full", "paper")


# --- the pages of the book --------------------------------------------------------------------------


def needs(study, page):
    """The runs that a page needs."""
    return [spec for specs in page_module(page).needs(study).values() for spec in specs]


@pytest.mark.parametrize("profile", PROFILES)
def test_the_jobs_make_every_run_that_the_pages_need_and_each_once(profile):
    study = Study.of(profile, device="cpu")
    runs = [spec for specs in jobs_of(study, PAGES).values() for spec in specs]
    assert set(runs) == {spec for page in PAGES for spec in needs(study, page)}
    assert len(runs) == len(set(runs))
    assert runs


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("backbones", [[], ["vit"]], ids=["all", "vit"])
def test_every_distilled_model_waits_for_the_job_that_trains_its_teacher(profile, backbones):
    study = Study.of(profile, backbones=backbones, device="cpu")
    jobs, whole = jobs_of(study, PAGES), graph(study, PAGES)
    assert set(whole["runs"]) == set(jobs)
    assert any(spec.teacher for specs in jobs.values() for spec in specs)
    for name, specs in jobs.items():
        trained = {spec for job in whole["after"].get(name, ()) for spec in jobs[job]}
        for spec in specs:  # a teacher is trained by a job before, or earlier in the same one
            assert spec.teacher is None or spec.teacher in trained
            trained.add(spec)


@pytest.mark.parametrize("profile", PROFILES)
def test_fault_64_the_graph_is_the_same_with_and_without_a_gpu_where_it_is_written(profile, monkeypatch):
    found = []
    for usable in (False, True):
        monkeypatch.setattr(torch.cuda, "is_available", lambda usable=usable: usable)
        found.append(graph(Study.of(profile), PAGES, BUNDLES))
    assert found[0] == found[1]
    assert found[0]["gpu"] == (profile == "paper")


@pytest.mark.parametrize("page", PAGES)
def test_a_page_waits_for_the_jobs_that_make_its_runs_and_for_no_others(page):
    study = Study.of("demo", device="cpu")
    own = set(needs(study, page))
    jobs = {name for name, specs in jobs_of(study, PAGES).items() if own & set(specs)}
    assert set(graph(study, PAGES)["pages"][page]) == jobs


@pytest.mark.parametrize("page", PAGES)
def test_of_a_page_whose_runs_are_all_recorded_only_the_weights_that_it_needs_are_made(page, monkeypatch):
    study = dataclasses.replace(Study.of("full", device="cpu"), recorded={"something": None})
    monkeypatch.setattr(Study, "knows", lambda *_: True)
    made = {spec for specs in module.needs_of(study, page).values() for spec in specs}
    needed = getattr(page_module(page), "weights", lambda _: {})(study)
    assert made == {spec for specs in needed.values() for spec in specs}


@pytest.mark.parametrize("page", PAGES)
def test_the_record_holds_no_run_for_which_its_page_did_not_wait(page):
    if page in site.stale(site.RECORD):
        pytest.skip("the page is announced as stale: its runs are those of an older companion")
    own = needs(Study.of("full", device="cpu"), page)
    if not (BUNDLES / f"{page}.runs.json").exists():  # a page about the data alone
        assert not own
        return
    assert {predictions.spec for predictions in read_predictions(page, BUNDLES).values()} <= set(own)


# --- made-up pages ----------------------------------------------------------------------------------

TEACHER = RunSpec(model=ModelSpec(roi="mobilenetv2"))
DISTILLED = RunSpec(
    model=ModelSpec(roi="deit-distilled"),
    train=TrainSpec(distillation="hard", strength=0.5),
    teacher=TEACHER,
)
HEAD = RunSpec(model=ModelSpec("vit", "deit", freeze=("roi", "extra_roi")), train=TrainSpec(flip=0.0))
SEEDS = [dataclasses.replace(TEACHER, seed=seed) for seed in range(3)]


@pytest.fixture
def book(monkeypatch):
    """`book(page=needs, ...)` replaces the pages' modules."""

    def replace(**pages):
        modules = {name: SimpleNamespace(needs=lambda _, own=own: own) for name, own in pages.items()}
        monkeypatch.setattr(module, "page_module", modules.__getitem__)
        return list(pages)

    return replace


@pytest.fixture
def one_by_one():
    """A study in which a process trains one model."""
    study = Study.of("demo", device="cpu")
    return dataclasses.replace(study, profile=dataclasses.replace(study.profile, models_per_job=1))


def test_two_pages_may_need_one_model_with_other_seeds(book, one_by_one):
    """Neither page's seeds are lost, and no run is in two jobs."""
    pages = book(one={"single": SEEDS[:1]}, two={"single": SEEDS[:2]}, three={"again": SEEDS})
    assert jobs_of(one_by_one, pages) == {"single": SEEDS[:2], "again": SEEDS[2:]}
    assert graph(one_by_one, pages)["pages"] == {
        "one": ["single"],
        "two": ["single"],
        "three": ["single", "again"],
    }


def test_a_job_comes_after_those_of_its_teachers(book, one_by_one):
    pages = book(one={"teacher": [TEACHER]}, two={"distilled": [DISTILLED]})
    whole = graph(one_by_one, pages)
    assert whole["after"] == {"distilled": ["teacher"]}
    assert whole["pages"]["two"] == ["distilled"]


def test_of_runs_whose_answers_are_recorded_only_those_are_made_whose_weights_a_page_needs(
    book, one_by_one, monkeypatch
):
    monkeypatch.setattr(Study, "knows", lambda _, spec: spec in SEEDS[:2])
    study = dataclasses.replace(one_by_one, recorded={"something": None})
    pages = book(one={"single": SEEDS}, two={"other": [DISTILLED]})
    weights = {"one": lambda _: {"any name": SEEDS[1:2]}}
    modules = {name: module.page_module(name) for name in pages}
    for name, own in weights.items():
        modules[name].weights = own
    monkeypatch.setattr(module, "page_module", modules.__getitem__)
    assert jobs_of(study, pages) == {"single": SEEDS[1:], "other": [DISTILLED], "teachers": [TEACHER]}
    assert graph(study, pages)["after"] == {"other": ["teachers"]}
    assert jobs_of(one_by_one, pages) == {"single": SEEDS, "other": [DISTILLED]}


def test_heads_on_frozen_features_are_trained_by_one_process(book, one_by_one):
    wider = dataclasses.replace(HEAD, model=dataclasses.replace(HEAD.model, head_width=40))
    augmented = dataclasses.replace(HEAD, train=TrainSpec(flip=0.5))
    pages = book(one={"grid": [HEAD], "single": SEEDS[:1], "width": [wider], "augmented": [augmented]})
    assert jobs_of(one_by_one, pages) == {
        "single": SEEDS[:1],
        "augmented": [augmented],
        "frozen-features": [HEAD, wider],
    }


def test_one_process_trains_as_many_models_as_the_profile_says(book, one_by_one):
    pages = book(one={name: [spec] for name, spec in zip("abc", SEEDS, strict=True)})
    study = dataclasses.replace(one_by_one, profile=dataclasses.replace(one_by_one.profile, models_per_job=2))
    assert jobs_of(study, pages) == {"a-and-1-more": SEEDS[:2], "c": SEEDS[2:]}


def test_at_paper_scale_every_run_is_a_job(book):
    pages = book(one={"single": SEEDS, "grid": [HEAD]})
    jobs = jobs_of(Study.of("paper", device="cpu"), pages)
    assert jobs == {f"single-s{seed}": [SEEDS[seed]] for seed in range(3)} | {"grid-s0": [HEAD]}


def test_a_change_of_a_run_changes_its_job_alone(book, one_by_one):
    before, after = (
        graph(one_by_one, book(one={"a": SEEDS[:1], "b": [spec]}))["runs"] for spec in (SEEDS[1], SEEDS[2])
    )
    assert before["a"] == after["a"]
    assert before["b"] != after["b"]


def test_pages_that_took_long_in_the_record_come_first(book, one_by_one, tmp_path):
    pages = book(one={}, two={})
    (tmp_path / "one.page.json").write_text(json.dumps({"provenance": {"seconds": 12.4}}))
    whole = graph(one_by_one, pages, tmp_path)
    assert whole["priority"] == {"one": 12}
    assert whole["pages"] == {"one": [], "two": []}
    assert graph(one_by_one, pages)["priority"] == {}
