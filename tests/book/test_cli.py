"""The command line: what it prints, and errors that end in one line and status 1."""

import json

import pytest
from PIL import Image

from rvernet_book import cli
from rvernet_core.experiments.profiles import PROFILES


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RVERNET_CACHE", str(tmp_path / "cache"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["data", "--profile", "ful"], "smoke, demo, full, paper"),
        (["run", "no-such-job", "--profile", "smoke"], "no-such-job"),
        (["predict", "p.png", "m.png", "--profile", "smoke", "--model", "resnet"], "mobilenetv2+mobilenetv2"),
        (["mask", "nowhere.jpg"], "nowhere.jpg does not exist"),
        (["mask", "nowhere.jpg", "--sam", "vit_h"], "nowhere.jpg does not exist"),
        (["predict", "nowhere.jpg", "m.png", "--profile", "smoke"], "nowhere.jpg does not exist"),
    ],
)
def test_an_error_is_one_line_that_names_what_was_wrong(arguments, message):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert str(stop.value).startswith("rvernet: ")
    assert message in str(stop.value)
    assert "\n" not in str(stop.value)


def test_the_graph_lists_every_job_and_every_page(capsys):
    cli.main(["jobs", "--profile", "smoke"])
    graph = json.loads(capsys.readouterr().out)
    assert set(graph["pages"]) == {path.stem for path in (cli.ROOT / "notebooks").glob("*.ipynb")}
    assert all(set(jobs) <= set(graph["runs"]) for jobs in graph["pages"].values())


def test_a_photo_is_masked_into_a_folder(tmp_path, capsys):
    Image.new("RGB", (64, 48), (200, 40, 30)).save(tmp_path / "plain.png")
    cli.main(["mask", str(tmp_path / "plain.png"), "--box", *["8", "8", "40", "30"], "--out", str(tmp_path)])
    assert "3 files" in capsys.readouterr().out
    assert (tmp_path / "plain-1.mask.png").exists()


def test_doctor_tells_the_accelerator_the_cache_and_the_zoo(tmp_path, capsys):
    cli.main(["doctor"])
    told = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if "free" not in line)
    assert told["cache"] == str(tmp_path / "cache")
    assert {"torch", "accelerator", "Python"} <= set(told)
    assert "sam-micro" in told["zoo"]


def test_every_profile_is_offered(capsys):
    with pytest.raises(SystemExit):
        cli.main(["reproduce", "--help"])
    assert " | ".join(PROFILES) in " ".join(capsys.readouterr().out.split())
