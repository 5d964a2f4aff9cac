"""The command line: what it prints, and errors that end in one line and status 1."""

import json
import os
import re
import socket
import subprocess
import sys

import pytest
from PIL import Image

from rvernet_book import cli, parameters
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
        (["jobs", "--profile", "smoke", "--device", "abacus"], "device is 'abacus'"),
        (["data", "--profile", "smoke", "--masks", "drawn"], "masks is 'drawn'"),
        (["notebook", "09-none", "--out", "x.ipynb", "--profile", "smoke"], "02-off-the-shelf"),
        (["book", "--profile", "ful"], "smoke, demo, full, paper"),
        (["verify", "--profile", "ful"], "smoke, demo, full, paper"),
        (["reproduce", "--profile", "smoke", "--cores", "0"], "--cores is 0"),
        (["reproduce", "--profile", "smoke", "--cores", "-1"], "--cores is -1"),
        (["jobs", "--parameters", "nowhere.yml"], "nowhere.yml cannot be read"),
    ],
)
def test_an_error_is_one_line_that_names_what_was_wrong(arguments, message):
    with pytest.raises(SystemExit) as stop:
        cli.main(arguments)
    assert str(stop.value).startswith("rvernet: ")
    assert message in str(stop.value)
    assert "\n" not in str(stop.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile: [smoke", "is not YAML"),
        ("- smoke\n- demo\n", "holds a list; expected a mapping"),
        ("profil: smoke", "unknown parameter 'profil'; did you mean 'profile'?"),
        ("1: smoke", "unknown parameter 1"),
        ("epochs: three", "parameter epochs is 'three'"),
    ],
)
def test_fault_67_a_wrong_file_of_parameters_is_one_line(text, message, tmp_path):
    path = tmp_path / "parameters.yml"
    path.write_text(text)
    with pytest.raises(SystemExit) as stop:
        cli.main(["jobs", "--parameters", str(path)])
    assert message in str(stop.value)
    assert "\n" not in str(stop.value)


def test_fault_67_a_book_without_executed_pages_names_the_command_that_executes_them(tmp_path, monkeypatch):
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="rvernet reproduce --profile smoke --target notebooks"):
        cli.main(["book", "--profile", "smoke"])


def test_help_answers_without_the_packages_that_compute():
    code = (
        "import sys; from rvernet_book import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: print('loaded:', {'torch', 'timm', 'matplotlib', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded: set()\n")
    assert all(f"\n    {action.__name__} " in done.stdout for action in cli.COMMANDS)


def test_every_parameter_of_a_study_is_an_option_with_its_default():
    options = cli._parse(["jobs"])
    for parameter in parameters.of_study():
        assert getattr(options, parameter.name) == parameter.default
    options = cli._parse(["jobs", "--seeds", "0", "1", "--data-root", "photos"])
    assert (options.seeds, options.data_root) == ([0, 1], "photos")
    assert cli._parse(["reproduce"]).runs == "train"
    assert cli._parse(["reproduce", "--from-record"]).runs == "record"


def test_only_what_differs_from_its_default_is_handed_to_a_notebook(tmp_path):
    path = tmp_path / "parameters.yml"
    path.write_text("seeds: [3]\nepochs: 0\n")
    options = cli._parse(["jobs", "--profile", "smoke", "--parameters", str(path)])
    assert cli._overrides(options) == {"profile": "smoke", "seeds": [3]}


def test_the_table_lists_the_steps_in_the_order_in_which_they_ended_and_marks_the_new_ones(tmp_path):
    for at, name in ((200, "book"), (100, "runs/single-vit")):
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("s\th:m:s\tmax_rss\n12.0413\t0:00:12\t80.1\n")
        os.utime(path, (at, at))
    head, first, second, total, call = cli.timings(tmp_path, 150).splitlines()
    assert head.split() == ["step", "seconds", "executed"]
    assert first.split() == ["runs/single-vit", "12.0", "before"]
    assert second.split() == ["book", "12.0", "now"]
    assert total.split()[-1] == "24.1"
    assert call.startswith("this call")


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


def test_fetch_lists_what_the_paper_profile_needs_where_there_is_no_network(tmp_path, monkeypatch):
    def no_name(*args, **kwargs):
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    with pytest.raises(SystemExit) as stopped:
        cli.main(["fetch", "--profile", "paper", "--dataset", "foodseg103-hub", "--backbones", "vit", "deit"])
    lines = str(stopped.value).splitlines()[1:]
    assert len(lines) == 7
    assert all(re.match(rf"https://\S+ \(.* bytes\) to {tmp_path}/cache/", line) for line in lines)


def test_fetch_has_nothing_to_do_for_plates(capsys):
    cli.main(["fetch", "--profile", "demo"])
    assert capsys.readouterr().out == "the demo profile needs nothing from elsewhere\n"


def test_doctor_lists_the_accelerator_the_cache_and_the_zoo(tmp_path, capsys):
    cli.main(["doctor"])
    found = dict(
        line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if "free" not in line
    )
    assert found["cache"] == str(tmp_path / "cache")
    assert {"torch", "accelerator", "Python"} <= set(found)
    assert "sam-micro" in found["zoo"]


def test_every_profile_is_offered(capsys):
    with pytest.raises(SystemExit):
        cli.main(["reproduce", "--help"])
    assert " | ".join(PROFILES) in " ".join(capsys.readouterr().out.split())
