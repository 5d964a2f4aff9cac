"""The whole companion in the smoke profile, as a user runs it, in a copy of the checkout."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
#: What every Python of the build loads first: nothing beyond this machine is reached, and who tried is noted.
OFFLINE = """
import os, sys

def hook(event, arguments):
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if str(host) not in ("None", "", "localhost", "::1") and not str(host).startswith("127."):
        with open(os.environ["TRIED"], "a") as file:
            print(host, sys.argv, file=file)
        raise OSError("no network")

sys.addaudithook(hook)
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A clean copy of the checkout, without anything built, and the environment to run it in."""
    folder = tmp_path_factory.mktemp("checkout")
    shutil.copytree(
        ROOT,
        folder,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns(".git", ".venv", "_build", "__pycache__", ".snakemake", "*.egg-info"),
    )
    offline = tmp_path_factory.mktemp("offline")
    (offline / "sitecustomize.py").write_text(OFFLINE)
    (offline / "tried.txt").touch()
    env = {**os.environ, "TRIED": str(offline / "tried.txt"), "PYTHONPATH": f"{folder}{os.pathsep}{offline}"}
    env["PATH"] = f"{BIN}{os.pathsep}{os.environ['PATH']}"
    env.pop("HF_HUB_OFFLINE", None)  # of these tests
    env.pop("RVERNET_CACHE", None)
    return folder, env


def call(copy, *arguments):
    folder, env = copy
    return subprocess.run(arguments, cwd=folder, env=env, capture_output=True, text=True, timeout=1500)


@pytest.fixture(scope="module")
def built(copy):
    """The smoke profile, reproduced once."""
    record = sorted(p.read_bytes() for p in (copy[0] / "book" / "experiments").rglob("*") if p.is_file())
    done = call(copy, "rvernet", "reproduce", "--profile", "smoke")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    after = sorted(p.read_bytes() for p in (copy[0] / "book" / "experiments").rglob("*") if p.is_file())
    assert record == after, "a rerun touched the committed record"
    return copy[0] / "_build" / "smoke", done.stdout


@pytest.mark.slow
def test_it_ends_with_a_table_of_steps_and_the_address_of_the_book(built):
    home, printed = built
    page = home / "book" / "_build" / "html" / "index.html"
    assert printed.strip().splitlines()[-1].split()[-1] == page.as_uri()
    assert page.exists()
    for step in ("data", "notebooks/04-ketchup-vs-chili", "book"):
        assert f"\n{step} " in printed


@pytest.mark.slow
def test_fault_12_the_whole_book_is_built_without_a_network(built, copy):
    _, env = copy
    assert Path(env["TRIED"]).read_text() == ""
    done = call(copy, sys.executable, "-c", "import urllib.request as r; r.urlopen('http://192.0.2.1')")
    assert "no network" in done.stderr, "the build could have reached one"


@pytest.mark.slow
def test_every_notebook_has_its_page_its_figures_and_its_numbers(built):
    home, _ = built
    for source in sorted((ROOT / "notebooks").glob("*.ipynb")):
        facts = json.loads((home / "experiments" / "files" / f"{source.stem}.page.json").read_text())
        assert facts["provenance"]["profile"] == "smoke"
        for figure in facts["items"]["Figure"]:
            assert (home / "experiments" / "files" / f"{figure}.light.svg").exists()
        for table in facts["items"]["Table"]:
            assert (home / "experiments" / "files" / f"{table}.csv").exists()
        html = (home / "book/_build/html/book/experiments" / f"{source.stem}.html").read_text()
        assert "glue:text" not in html
        assert "Traceback" not in html


@pytest.mark.slow
def test_the_second_call_makes_nothing_again(built, copy):
    home, _ = built
    times = {p: p.stat().st_mtime_ns for p in home.rglob("*.ipynb")}
    done = call(copy, "rvernet", "reproduce", "--profile", "smoke")
    assert done.returncode == 0
    assert {p: p.stat().st_mtime_ns for p in home.rglob("*.ipynb")} == times


@pytest.mark.slow
def test_one_notebook_runs_by_itself_under_papermill_and_leaves_the_book_alone(built, copy, tmp_path):
    home, _ = built
    before = {p: p.read_bytes() for p in (home / "experiments").rglob("*") if p.is_file()}
    out = tmp_path / "out.ipynb"
    wishes = ("-p", "profile", "smoke", "-p", "backbones", "vit,deit")
    done = call(copy, "papermill", "notebooks/02-off-the-shelf.ipynb", str(out), *wishes)
    assert done.returncode == 0, done.stderr[-2000:]
    assert out.exists()
    assert (home / "own" / "files" / "off-the-shelf.csv").exists()
    assert {p: p.read_bytes() for p in (home / "experiments").rglob("*") if p.is_file()} == before


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "message"),
    [(("-p", "profil", "smoke"), "did you mean 'profile'"), (("-p", "epochs", "three"), "epochs")],
)
def test_fault_36_papermill_stops_at_a_wrong_parameter_before_any_work(copy, tmp_path, wrong, message):
    refused(copy, tmp_path, wrong, message)


@pytest.mark.slow
def test_fault_49_papermill_stops_at_a_mistyped_choice_before_any_work(copy, tmp_path):
    refused(copy, tmp_path, ("-p", "masks", "smam"), "did you mean 'sam'")


@pytest.mark.slow
@pytest.mark.parametrize("name", ["_profile", "exit", "globals", "Page"])
def test_fault_50_papermill_stops_at_a_parameter_that_hides_a_name_before_any_work(copy, tmp_path, name):
    refused(copy, tmp_path, ("-p", name, "smoke"), f"unknown parameter '{name}'")


def refused(copy, tmp_path, wrong, message):
    """papermill's plain command stops with `message` at the first cell that can tell."""
    out = tmp_path / "out.ipynb"
    done = call(copy, "papermill", "notebooks/02-off-the-shelf.ipynb", str(out), *wrong)
    assert done.returncode != 0
    assert message in done.stderr
    cells = [c for c in json.loads(out.read_text())["cells"] if c["cell_type"] == "code"]
    executed = [c for c in cells if c["execution_count"] is not None]
    assert "Page.open(" in "".join(executed[-1]["source"]), "work was done before the check"
