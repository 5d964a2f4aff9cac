"""The catalogue holds what the notebooks ask for, and wrong wishes stop before any work."""

import pytest

from rvernet_book.graph import asked, catalogue, graph
from rvernet_book.record import read_evidence
from rvernet_book.site import RECORD, ROOT
from rvernet_core.config import RunSpec, from_dict
from rvernet_core.errors import ConfigError
from rvernet_core.experiments import study as experiments
from rvernet_core.experiments.study import Study
from rvernet_core.models.backbones import BACKBONES

NOTEBOOKS = ROOT / "notebooks"


@pytest.mark.parametrize("profile", ["smoke", "demo", "full", "paper"])
def test_the_catalogue_makes_every_run_that_the_notebooks_ask_for(profile):
    study = Study.of(profile, device="cpu")
    asked = [study.singles(), study.pairs(), study.grid(), study.grid_singles()]
    few = study.fewer()
    asked += [few.students(), few.student_pairs()]
    asked += [few.context_only(), few.widths(), *few.ablations().values()]
    wanted = {spec for mapping in asked for specs in mapping.values() for spec in specs}
    made = [spec for specs in catalogue(study).values() for spec in specs]
    assert set(made) == wanted
    assert len(made) == len(wanted)


@pytest.mark.parametrize("profile", ["smoke", "demo", "full", "paper"])
def test_every_student_waits_for_the_job_that_makes_its_teacher(profile):
    study = Study.of(profile, backbones=["vit"], device="cpu")
    jobs, made = catalogue(study), graph(study, {})
    assert set(made["runs"]) == set(jobs)
    assert any(spec.teacher for specs in jobs.values() for spec in specs)
    for name, specs in jobs.items():
        known = {spec for job in made["after"].get(name, ()) for spec in jobs[job]}
        for spec in specs:  # a teacher is made by a job before, or earlier in the same one
            assert spec.teacher is None or spec.teacher in known
            known.add(spec)


def test_a_page_waits_for_the_jobs_that_make_its_runs_and_for_no_others():
    study = Study.of("demo", device="cpu")
    jobs = catalogue(study)
    source = "few = Study.of(**params).fewer()\nstudy.run_all(few.singles())"
    named = {
        job for job, specs in jobs.items() if set(specs) & {s for v in study.singles().values() for s in v}
    }
    assert set(graph(study, {"page": source, "words": "no runs"})["pages"]["page"]) == named
    assert 0 < len(named) < len(jobs)
    assert graph(study, {"words": "no runs"})["pages"]["words"] == []


@pytest.mark.parametrize("page", sorted(path.stem for path in NOTEBOOKS.glob("*.ipynb")))
def test_the_record_holds_no_run_for_which_its_page_did_not_wait(page):
    study = Study.of("full", device="cpu")
    awaited = asked(study, (NOTEBOOKS / f"{page}.ipynb").read_text())
    made = {spec for job in awaited for spec in catalogue(study)[job]}
    if not (RECORD / "files" / f"{page}.runs.json").exists():  # a page about the data alone
        assert not awaited
        return
    facts = read_evidence(page, RECORD / "files")[1].values()
    assert {from_dict(RunSpec, fact["manifest"]["spec"]) for fact in facts} <= made


def test_students_are_taught_from_nothing_to_everything_by_the_cnn_with_their_seed():
    study = Study.of("demo", device="cpu")
    for made, singles in [(study.students(), study.singles()["mobilenetv2"]), (study.student_pairs(), None)]:
        assert {0.0, 1.0} <= {strength for kind, strength in made if kind == "hard"}
        for specs in made.values():
            assert [spec.teacher for spec in specs] == (
                singles or study.pairs()["mobilenetv2", "mobilenetv2"]
            )
    assert study.students()["hard", 0.0] == study.students()["soft", 0.0]


def test_the_grid_is_every_combination_and_every_seed():
    study = Study.of("demo", device="cpu")
    assert set(study.grid()) == {(a, b) for a in BACKBONES for b in BACKBONES}
    assert all([s.seed for s in specs] == [0, 1, 2] for specs in study.grid().values())


def test_pages_with_many_kinds_of_runs_use_few_seeds_unless_seeds_are_wished_for():
    assert Study.of("demo", device="cpu").fewer().profile.seeds == (0, 1)
    assert Study.of("paper", device="cpu").fewer().profile.seeds == (0, 1, 2)
    assert Study.of("demo", seeds=[3, 4, 5], device="cpu").fewer().profile.seeds == (3, 4, 5)


def test_wishes_change_the_profile_and_nothing_else():
    study = Study.of("demo", seeds=[4], epochs=7, backbones=["vit", "mobilenetv2"], device="cpu")
    assert study.profile.seeds == (4,)
    assert study.profile.single.epochs == study.profile.pair.epochs == 7
    assert set(study.singles()) == {"vit", "mobilenetv2"}
    assert set(study.pairs()) == {("mobilenetv2", "mobilenetv2")}
    assert study.profile.data == Study.of("demo", device="cpu").profile.data


def test_the_paper_profile_is_the_same_code_with_other_values():
    study = Study.of(
        "paper", data_root="somewhere", extra_classes=["ketchup=k", "chili paste=c"], device="cpu"
    )
    (spec, *_) = study.pairs()["deit-distilled", "mobilenetv2"]
    assert spec.model.scale == "paper"
    assert spec.data.extra_classes == ("ketchup=k", "chili paste=c")
    assert not spec.model.freeze


@pytest.mark.parametrize(
    ("wishes", "message"),
    [
        ({"profile": "ful"}, "smoke, demo, full, paper"),
        ({"profile": "demo", "backbones": ["resnet"]}, "resnet"),
        ({"profile": "demo", "epochs": -1}, "at least 1"),
        ({"profile": "demo", "device": "abacus"}, "abacus"),
        ({"profile": "demo", "seeds": ["one"]}, "seeds"),
    ],
)
def test_fault_36_wrong_wishes_are_named_before_any_work(wishes, message):
    with pytest.raises(ConfigError, match=message):
        Study.of(**{"device": "cpu"} | wishes)


def test_auto_takes_what_is_there():
    assert experiments.pick_device("auto") in {"cpu", "cuda"}


@pytest.mark.parametrize("profile", ["demo", "full"])
def test_there_are_enough_sauces_to_test_on(profile):
    """At least 150 of each: with the paper's 38 and 34 the sampling error alone would be about 0.06."""
    from rvernet_core.data.plates import TEST_SEEDS
    from rvernet_plates import SAUCES, plan_scene

    data = Study.of(profile, device="cpu").profile.data
    sauces = [plan_scene(data.plates, TEST_SEEDS + i).sauce for i in range(data.test_scenes)]
    assert min(sauces.count(sauce) for sauce in SAUCES) >= 150
