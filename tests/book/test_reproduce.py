"""One build of a profile: alone in its folder, one job a GPU, and the table of what it took."""

import json
import os
import subprocess
import sys
import threading

import pytest

from rvernet_book import reproduce
from rvernet_core import files
from rvernet_core.errors import RecordError

HOLD = """
from pathlib import Path
from rvernet_book import reproduce
with reproduce.alone_in(Path({!r})):
    print("in", flush=True)
    input()
"""


@pytest.fixture
def elsewhere(tmp_path):
    """A process that works in the folder `tmp_path`/smoke."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD.format(str(tmp_path / "smoke"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "in\n"
    yield process
    process.kill()
    process.wait()


def test_fault_65_a_second_build_in_one_folder_is_refused_until_the_first_has_ended(elsewhere, tmp_path):
    refused = pytest.raises(RecordError, match=r"another `rvernet reproduce` is at work in .*smoke")
    with refused, reproduce.alone_in(tmp_path / "smoke"):
        pytest.fail("two builds in one folder")
    with reproduce.alone_in(tmp_path / "demo"):
        pass
    elsewhere.kill()  # also where it could not say that it ends
    elsewhere.wait()
    for _ in range(2):
        with reproduce.alone_in(tmp_path / "smoke"):
            pass


def test_fault_43_what_a_killed_build_left_is_swept_by_the_next(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    owner = f"{files.process_table()},{dead.pid},12345678"
    left = [
        tmp_path / "experiments" / f".01-data.ipynb.{owner}.staging" / "01-data.ipynb",
        tmp_path / "experiments" / "files" / f".scores.csv.{owner}.tmp",
        tmp_path / f".graph.json.{owner}.tmp",
    ]
    for path in left:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("half")
    with reproduce.alone_in(tmp_path):
        assert [p.name for p in tmp_path.rglob(".*") if p.suffix in (".tmp", ".staging")] == []


# --- one job a GPU ----------------------------------------------------------------------------------


@pytest.fixture
def called(monkeypatch, tmp_path):
    """The command and environment with which `build` calls Snakemake, in a checkout of its own."""
    calls = []
    monkeypatch.setattr(reproduce, "ROOT", tmp_path)
    monkeypatch.setattr(reproduce.processes, "run", lambda *call: calls.append(call) or 0)
    monkeypatch.setattr(reproduce.torch.cuda, "device_count", lambda: 2)
    for name in ("CUDA_VISIBLE_DEVICES", reproduce.ELSEWHERE, reproduce.GPUS):
        monkeypatch.delenv(name, raising=False)
    return calls


@pytest.mark.parametrize(
    ("device", "visible", "limit", "shared"),
    [
        ("cpu", "", 0, ""),
        ("cuda", "", 2, "0,1"),
        ("cuda", "GPU-a,GPU-b,GPU-c", 3, "GPU-a,GPU-b,GPU-c"),
        ("cuda:1", "", 1, "1"),
        ("cuda:1", "4,7", 1, "7"),
    ],
)
def test_fault_64_a_build_runs_as_many_jobs_at_once_as_there_are_gpus(
    called, tmp_path, monkeypatch, device, visible, limit, shared
):
    if visible:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert reproduce.build(tmp_path / "_build" / "paper", {"profile": "paper"}, {}, device, 16, "runs")
    ((command, _, environment),) = called
    assert command[command.index("--resources") + 1] == f"gpu={limit}"
    assert f"gpu={min(1, limit)}" in command[command.index("--config") :]
    assert command[command.index("--cores") + 1] == "16"
    assert environment[reproduce.GPUS] == shared


def test_on_a_cluster_its_profile_says_what_jobs_may_use(called, tmp_path, monkeypatch):
    monkeypatch.setenv(reproduce.ELSEWHERE, "profiles/slurm")
    reproduce.build(tmp_path / "_build" / "paper", {"profile": "paper"}, {}, "cuda", 16, "runs")
    ((command, _, environment),) = called
    assert not any("gpu" in word for word in command)
    assert reproduce.GPUS not in environment


def test_fault_64_each_job_has_a_gpu_for_itself_and_a_further_one_waits(tmp_path, monkeypatch):
    monkeypatch.setattr(reproduce, "ROOT", tmp_path)
    monkeypatch.setenv(reproduce.GPUS, "4,7")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4,7")
    taken, third = [], threading.Event()

    def last():
        with reproduce.one_gpu():
            taken.append(os.environ["CUDA_VISIBLE_DEVICES"])
            third.set()

    with reproduce.one_gpu():
        taken.append(os.environ["CUDA_VISIBLE_DEVICES"])
        with reproduce.one_gpu():
            taken.append(os.environ["CUDA_VISIBLE_DEVICES"])
            waiting = threading.Thread(target=last)
            waiting.start()
            assert not third.wait(1)
        assert third.wait(10)
    waiting.join()
    assert taken == ["4", "7", "7"]


def test_a_job_without_a_gpu_goes_on_as_it_is(tmp_path, monkeypatch):
    monkeypatch.setattr(reproduce, "ROOT", tmp_path)
    for gpus in ("", "0"):
        monkeypatch.setenv(reproduce.GPUS, gpus)
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        with reproduce.one_gpu():
            assert "CUDA_VISIBLE_DEVICES" not in os.environ


# --- parameters, graph and table --------------------------------------------------------------------


def test_unchanged_parameters_keep_their_time_and_a_broken_graph_is_written_anew(called, tmp_path):
    output = tmp_path / "_build" / "smoke"
    reproduce.build(output, {"profile": "smoke"}, {"runs": {}}, "cpu", 1, "book")
    os.utime(output / "parameters.yml", (1, 1))
    (output / "graph.json").write_bytes(b"\xff{")
    reproduce.build(output, {"profile": "smoke"}, {"runs": {}}, "cpu", 1, "book")
    assert (output / "parameters.yml").stat().st_mtime == 1
    assert json.loads((output / "graph.json").read_text()) == {"runs": {}}
    reproduce.build(output, {"profile": "smoke", "seeds": [1]}, {}, "cpu", 1, "book")
    assert (output / "parameters.yml").stat().st_mtime > 1
    (output / "parameters.yml").write_bytes(b"\xff")
    reproduce.build(output, {"profile": "smoke"}, {}, "cpu", 1, "book")
    assert (output / "parameters.yml").read_text() == "profile: smoke\n"


def test_the_table_lists_the_steps_in_the_order_in_which_they_ended_and_marks_the_new_ones(tmp_path):
    for at, name in ((200, "book"), (100, "runs/single-vit")):
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text("s\th:m:s\tmax_rss\n12.0413\t0:00:12\t80.1\n")
        os.utime(path, (at, at))
    assert reproduce.making(tmp_path, 2) == {"steps": 2, "seconds": 24.1, "cores": 2}
    assert reproduce.making(tmp_path, 2, 60) == {"steps": 2, "seconds": 84.1, "cores": 2, "earlier": 60}
    head, first, second, total, call = reproduce.timings(tmp_path, 150).splitlines()
    assert head.split() == ["step", "seconds", "executed"]
    assert first.split() == ["runs/single-vit", "12.0", "before"]
    assert second.split() == ["book", "12.0", "now"]
    assert total.split()[-1] == "24.1"
    assert call.startswith("this call")


def test_a_time_that_was_half_written_is_left_out_of_the_table(tmp_path):
    for name, text in (("a", ""), ("b", "s\th:m:s\n"), ("c", "s\th:m:s\n-\t-\n"), ("d", "s\n2.5\n")):
        (tmp_path / f"{name}.tsv").write_text(text)
    steps = [line.split()[0] for line in reproduce.timings(tmp_path, 0).splitlines()]
    assert steps == ["step", "d", "sum", "this"]
