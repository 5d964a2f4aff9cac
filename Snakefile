# The graph of one profile: data -> runs -> notebooks -> book.
#
# `rvernet reproduce` writes parameters.yml and graph.json into the profile's output folder and calls this
# on one machine. `SNAKEMAKE_PROFILE=profiles/slurm rvernet reproduce --profile paper` starts the same jobs on a
# cluster; see profiles/slurm/config.yaml.
# Data, weights and predictions are in the cache, each under a name derived from what decides it; a step only
# touches an empty file when it is done, and Snakemake measures its time into benchmarks/.

import hashlib
import json
from pathlib import Path

import yaml

from rvernet_book import processes

processes.follow()

OUTPUT = config["output"]
PARAMETERS = f"{OUTPUT}/parameters.yml"
try:
    GRAPH = dict(json.loads(Path(OUTPUT, "graph.json").read_text()))
    NOTEBOOKS = sorted(GRAPH["pages"])
    GIVEN = yaml.safe_load(Path(PARAMETERS).read_text())
    PROFILE = GIVEN["profile"]
except (OSError, ValueError, KeyError, TypeError, yaml.YAMLError) as error:
    raise WorkflowError(f"{OUTPUT} lacks a whole graph.json and parameters.yml ({error}); `rvernet reproduce` writes them")
# A GPU gets one job at a time. `rvernet reproduce` says here whether jobs on this machine use one.
GPU = int(config.get("gpu", GRAPH["gpu"]))
BOOK = [str(p) for p in sorted(Path("book").rglob("*")) if p.is_file() and "experiments" not in p.parts]


def core() -> str:
    """A notebook shows what the core's code, weights and cards say of the runs: another core, another page."""
    folders = [Path(name) for name in ("rvernet_core", "rvernet_plates", "rvernet_book")]
    kinds = ("*.py", "*.safetensors", "*.json")
    texts = [p.read_bytes() for folder in folders for kind in kinds for p in sorted(folder.rglob(kind))]
    return hashlib.sha256(b"".join(texts)).hexdigest()[:12]


wildcard_constraints:
    job=r"[^/]+",


localrules:
    runs,
    notebooks,


rule book:
    input:
        expand(f"{OUTPUT}/experiments/{{name}}.ipynb", name=NOTEBOOKS),
        BOOK,
        "_config.yml",
        "_toc.yml",
    output:
        touch(f"{OUTPUT}/done/book"),
    log:
        f"{OUTPUT}/logs/book.log",
    benchmark:
        f"{OUTPUT}/benchmarks/book.tsv"
    message:
        "building the book"
    shell:
        "rvernet book --profile {PROFILE} > {log} 2>&1"


rule notebooks:
    input:
        expand(f"{OUTPUT}/experiments/{{name}}.ipynb", name=NOTEBOOKS),


rule runs:
    input:
        expand(f"{OUTPUT}/done/runs/{{job}}", job=GRAPH["runs"]),


rule data:
    output:
        touch(f"{OUTPUT}/done/data"),
    params:
        protocol=GRAPH["data"],
    log:
        f"{OUTPUT}/logs/data.log",
    benchmark:
        f"{OUTPUT}/benchmarks/data.tsv"
    threads: 8
    resources:
        gpu=GPU if GIVEN.get("masks") == "sam" else 0,
    message:
        "data: fetching weights, rendering or reading photos, then cutting out every ROI"
    shell:
        "rvernet data --fetch --parameters {PARAMETERS} 2>&1 | tee {log}"


rule run:
    input:
        rules.data.output,
        lambda wildcards: expand(f"{OUTPUT}/done/runs/{{job}}", job=GRAPH["after"].get(wildcards.job, [])),
    output:
        touch(f"{OUTPUT}/done/runs/{{job}}"),
    params:
        specs=lambda wildcards: GRAPH["runs"][wildcards.job],
    log:
        f"{OUTPUT}/logs/{{job}}.log",
    benchmark:
        f"{OUTPUT}/benchmarks/runs/{{job}}.tsv"
    threads: GRAPH["threads"]
    resources:
        gpu=GPU,
    # before any page, so that no core rests at the end while the last of them is trained
    priority: 10**6
    message:
        "run {wildcards.job}"
    shell:
        "rvernet run {wildcards.job} --parameters {PARAMETERS} > {log} 2>&1"


for page in NOTEBOOKS:

    rule:
        name:
            f"notebook_{page}"
        input:
            source=f"notebooks/{page}.ipynb",
            parameters=PARAMETERS,
            data=rules.data.output,
            runs=expand(f"{OUTPUT}/done/runs/{{job}}", job=GRAPH["pages"][page]),
        output:
            f"{OUTPUT}/experiments/{page}.ipynb",
        params:
            core=core(),
            page=page,
        log:
            f"{OUTPUT}/logs/{page}.log",
        benchmark:
            f"{OUTPUT}/benchmarks/notebooks/{page}.tsv"
        threads: GRAPH["threads"]
        resources:
            gpu=GPU,
        # the pages that take longest begin first, so that no core rests while the last of them runs
        priority: GRAPH.get("priority", {}).get(page, 0)
        message:
            f"notebook {page}"
        shell:
            "rvernet notebook {params.page} --parameters {PARAMETERS} --out {output} > {log} 2>&1"
