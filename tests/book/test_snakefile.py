"""The graph of steps, with a stub in place of `rvernet`: order, priority, times, and a second call."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from rvernet_book import reproduce

ROOT = Path(__file__).parents[2]
STUB = """#!/bin/sh
echo "$@" >> calls.txt
while [ $# -gt 0 ]; do [ "$1" = --out ] && echo page > "$2"; shift; done
[ -z "$SLOW" ] || sleep 0.5
echo end >> calls.txt
"""
GRAPH = {
    "data": "d",
    "runs": {"single-vit": "a", "student": "b"},
    "after": {"student": ["single-vit"]},
    "pages": {"01-short": [], "02-long": []},
    "priority": {"02-long": 90, "01-short": 5},
    "gpu": 0,
    "threads": 1,
}


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A checkout with two notebooks, a graph and the stub, its steps executed once."""
    folder = checkout_of(tmp_path_factory.mktemp("checkout"), GRAPH)
    snakemake(folder, "book")
    snakemake(folder, "runs")
    return folder


def checkout_of(folder, graph):
    """A checkout with two notebooks, `graph` and the stub."""
    shutil.copy(ROOT / "Snakefile", folder)
    for name in ("notebooks/01-short.ipynb", "notebooks/02-long.ipynb", "book/intro.md", "bin/rvernet"):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(STUB)
    for name in ("_config.yml", "_toc.yml"):
        (folder / name).touch()
    (folder / "bin" / "rvernet").chmod(0o755)
    output = folder / "_build" / "smoke"
    output.mkdir(parents=True)
    (output / "parameters.yml").write_text("profile: smoke\n")
    (output / "graph.json").write_text(json.dumps(graph))
    return folder


def snakemake(folder, target, *options, config=(), cores=1, **environment):
    """The commands that the steps called, in the order in which they began."""
    return [
        line
        for line in log(folder, target, *options, config=config, cores=cores, **environment)
        if "--" in line
    ]


def log(folder, target, *options, config=(), cores=1, **environment):
    """What the steps wrote: their commands as they begin, `end` as they end."""
    (folder / "calls.txt").write_text("")
    command = [
        sys.executable,
        "-m",
        "snakemake",
        "--cores",
        str(cores),
        "--nolock",
        "--quiet",
        "progress",
        *options,
    ]
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*command, "--config", "output=_build/smoke", *config, "--", target],
        cwd=folder,
        env={**os.environ, "PATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    calls = (folder / "calls.txt").read_text().splitlines()
    (folder / f"{target}.txt").write_text("\n".join(line for line in calls if "--" in line))
    return calls


def test_data_first_long_pages_before_short_ones_and_the_book_last(checkout):
    calls = [line.split(" --")[0] for line in (checkout / "book.txt").read_text().splitlines()]
    assert calls == ["data", "notebook 02-long", "notebook 01-short", "book"]


def test_a_teacher_is_trained_before_its_student(checkout):
    calls = [line.split(" --")[0] for line in (checkout / "runs.txt").read_text().splitlines()]
    assert calls == ["run single-vit", "run student"]


def test_every_step_is_timed_and_stands_in_the_table(checkout):
    table = reproduce.timings(checkout / "_build" / "smoke" / "benchmarks", 0)
    names = {line.split()[0] for line in table.splitlines()}
    assert {"data", "runs/single-vit", "runs/student", "notebooks/02-long", "book"} <= names


def test_a_second_call_executes_nothing_and_a_changed_notebook_only_its_page(checkout):
    assert snakemake(checkout, "book") == []
    (checkout / "notebooks" / "01-short.ipynb").write_text("changed")
    calls = [line.split(" --")[0] for line in snakemake(checkout, "book")]
    assert calls == ["notebook 01-short", "book"]


@pytest.mark.parametrize(("gpus", "at_once"), [(0, 4), (1, 1), (2, 2)])
def test_fault_64_a_gpu_gets_one_training_job_at_a_time_however_many_cores(tmp_path, gpus, at_once):
    folder = checkout_of(tmp_path, {**GRAPH, "runs": dict.fromkeys("abcd", "x"), "after": {}, "gpu": 1})
    limits, config = ["--resources", f"gpu={gpus}"], [f"gpu={min(1, gpus)}"]
    running = most = 0
    for line in log(folder, "runs", *limits, config=config, cores=16, SLOW="1"):
        running += -1 if line == "end" else 1
        most = max(most, running)
    assert most == at_once


@pytest.mark.parametrize("text", [None, "{", "[]"])
def test_fault_67_a_broken_graph_is_named_with_what_writes_it(tmp_path, text):
    folder = checkout_of(tmp_path, GRAPH)
    graph = folder / "_build" / "smoke" / "graph.json"
    graph.unlink() if text is None else graph.write_text(text)
    with pytest.raises(AssertionError, match=r"_build/smoke lacks a whole graph.json.*`rvernet reproduce`"):
        snakemake(folder, "runs")


def test_a_clusters_profile_speaks_of_rules_that_there_are():
    settings = yaml.safe_load((ROOT / "profiles" / "slurm" / "config.yaml").read_text())
    rules = re.findall(r"^rule (\w+):", (ROOT / "Snakefile").read_text(), flags=re.M)
    assert set(settings["set-resources"]) <= set(rules)
