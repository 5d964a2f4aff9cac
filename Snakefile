# The graph of one profile: data -> runs -> notebooks -> book.
#
# `rvernet reproduce` writes parameters.yml and graph.json into the profile's home and calls this on one
# machine. The same file runs elsewhere with a Snakemake executor plugin, for instance
# `snakemake --executor slurm --jobs 20 --config home=_build/paper`.
# Every step writes one small JSON file (how long it took, the hashes of what it made); the data and
# the weights themselves lie in the cache, each under a name made of what decides it.

import hashlib
import json
from pathlib import Path

import yaml

HOME = config["home"]
PARAMETERS = f"{HOME}/parameters.yml"
GRAPH = json.loads(Path(HOME, "graph.json").read_text())
PROFILE = yaml.safe_load(Path(PARAMETERS).read_text())["profile"]
NOTEBOOKS = sorted(GRAPH["pages"])
#: Pages that test every model again and take minutes, the longest last. They begin first, so that no core
#: rests while the last of them is made.
LONG = ["07-distillation-trade-off", "05-gradcam", "08-ablations", "06-noise-robustness"]
PAGES = [str(p) for p in sorted(Path("book").rglob("*")) if p.is_file() and "experiments" not in p.parts]


def core() -> str:
    """A notebook shows what the core's code and weights make of the runs: another core, another page."""
    folders = [Path(name) for name in ("rvernet_core", "rvernet_plates", "rvernet_book")]
    kinds = ("*.py", "*.safetensors")
    texts = [p.read_bytes() for folder in folders for kind in kinds for p in sorted(folder.rglob(kind))]
    return hashlib.sha256(b"".join(texts)).hexdigest()[:12]


wildcard_constraints:
    job=r"[^/]+",


localrules:
    runs,
    notebooks,


rule book:
    input:
        expand(f"{HOME}/experiments/{{name}}.ipynb", name=NOTEBOOKS),
        PAGES,
        "_config.yml",
        "_toc.yml",
    output:
        f"{HOME}/steps/book.json",
    log:
        f"{HOME}/logs/book.log",
    message:
        "building the book"
    shell:
        "rvernet book --profile {PROFILE} --done {output} > {log} 2>&1"


rule notebooks:
    input:
        expand(f"{HOME}/experiments/{{name}}.ipynb", name=NOTEBOOKS),


rule runs:
    input:
        expand(f"{HOME}/steps/runs/{{job}}.json", job=GRAPH["runs"]),


rule data:
    output:
        f"{HOME}/steps/data.json",
    params:
        protocol=GRAPH["data"],
    log:
        f"{HOME}/logs/data.log",
    threads: workflow.cores
    message:
        "data: rendering or reading, then cutting out every ROI"
    shell:
        "rvernet data --parameters {PARAMETERS} --done {output} 2>&1 | tee {log}"


rule run:
    input:
        rules.data.output,
        lambda wildcards: expand(f"{HOME}/steps/runs/{{job}}.json", job=GRAPH["after"].get(wildcards.job, [])),
    output:
        f"{HOME}/steps/runs/{{job}}.json",
    params:
        specs=lambda wildcards: GRAPH["runs"][wildcards.job],
    log:
        f"{HOME}/logs/{{job}}.log",
    message:
        "run {wildcards.job}"
    shell:
        "rvernet run {wildcards.job} --parameters {PARAMETERS} --done {output} > {log} 2>&1"


for page in NOTEBOOKS:

    rule:
        name:
            f"notebook_{page}"
        input:
            source=f"notebooks/{page}.ipynb",
            parameters=PARAMETERS,
            data=rules.data.output,
            runs=expand(f"{HOME}/steps/runs/{{job}}.json", job=GRAPH["pages"][page]),
        output:
            f"{HOME}/experiments/{page}.ipynb",
        params:
            core=core(),
            page=page,
        log:
            f"{HOME}/logs/{page}.log",
        priority: LONG.index(page) + 1 if page in LONG else 0
        message:
            f"notebook {page}"
        shell:
            "rvernet notebook {params.page} --parameters {PARAMETERS} --out {output} "
            "--done {HOME}/steps/notebooks/{params.page}.json > {log} 2>&1"
