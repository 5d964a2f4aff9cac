"""One build of a profile: alone in its folder, one training job a GPU, and a table of what it took."""

from __future__ import annotations

import contextlib
import csv
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import filelock
import torch
import yaml

from rvernet_book import processes, published
from rvernet_book.places import ROOT
from rvernet_core import files
from rvernet_core.errors import RecordError

GPUS = (
    "RVERNET_GPUS"  # in the environment of a build's processes: the GPUs that they share, as CUDA names them
)
ELSEWHERE = (
    "SNAKEMAKE_PROFILE"  # a Snakemake profile: its executor starts the jobs, and it says what they may use
)


@contextlib.contextmanager
def alone_in(output: Path) -> Iterator[None]:
    """Within the block no other build works in `output`, and what killed ones left there is removed.

    Raises RecordError if another build is at work there.
    """
    try:
        held = filelock.FileLock(files.make_folder(output) / ".build.lock").acquire(timeout=0)
    except filelock.Timeout as error:
        raise RecordError(
            f"another `rvernet reproduce` is at work in {output}; wait until it has ended, "
            "or use a copy of the checkout"
        ) from error
    with held:
        for folder in (output, output / "experiments", output / "experiments" / "files"):
            files.sweep(folder)
        yield


def build(output: Path, parameters: dict, graph: dict, device: str, cores: int, target: str) -> bool:
    """Bring `target` (runs, notebooks or book) up to date in `output`; whether every step ended well.

    parameters: of `Study.of`, for every job. graph: as `rvernet_book.graph.graph` makes it. device: on which
    the study computes here.
    """
    text = yaml.safe_dump(parameters, sort_keys=True)
    stored = output / "parameters.yml"
    if not stored.exists() or stored.read_bytes() != text.encode():
        files.write_text(stored, text)  # an unchanged file keeps its time
    files.write_json(output / "graph.json", graph)
    published.forget(output / "experiments", parameters)  # executed by hand, or edited: Snakemake cannot tell
    config, limits = [f"output={output.relative_to(ROOT)}"], []
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path}
    if ELSEWHERE not in os.environ:
        gpus = usable_gpus(device)
        config.append(f"gpu={min(1, len(gpus))}")
        limits = ["--resources", f"gpu={len(gpus)}"]
        environment[GPUS] = ",".join(gpus)
    command = [sys.executable, "-m", "snakemake"]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(ROOT)]
    command += ["--cores", str(cores), "--nolock", "--rerun-incomplete", "--quiet", "host", "reason"]
    command += [*limits, "--config", *config, "--", target]
    return processes.run(command, ROOT, environment) == 0


def usable_gpus(device: str) -> list[str]:
    """The GPUs that jobs on `device` may share, as CUDA_VISIBLE_DEVICES names them; none on the CPU."""
    if device == "cpu":
        return []
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "")
    names = visible.split(",") if visible else [str(i) for i in range(torch.cuda.device_count())]
    _, _, chosen = device.partition(":")
    return [names[int(chosen)]] if chosen else names


@contextlib.contextmanager
def one_gpu() -> Iterator[None]:
    """Within the block this process, with the kernel it starts, has one of the build's GPUs for itself.

    Other builds of this checkout wait for it too. Enter it before CUDA is used. A job of no build, or of one
    that uses no GPU here, goes on as it is.
    """
    names = [name for name in os.environ.get(GPUS, "").split(",") if name]
    with contextlib.ExitStack() as held:
        while names:
            for name in names:
                with contextlib.suppress(filelock.Timeout):
                    lock = filelock.FileLock(files.make_folder(ROOT / "_build") / f".gpu-{name}.lock")
                    held.enter_context(lock.acquire(timeout=0))
                    if len(names) > 1:
                        os.environ["CUDA_VISIBLE_DEVICES"] = name
                    names = []
                    break
            else:
                time.sleep(0.5)
        yield


def measured_steps(folder: Path) -> list[tuple[float, str, float]]:
    """(when it ended, name, seconds) of every step that Snakemake timed in `folder`, the first one first."""
    found = []
    for path in folder.rglob("*.tsv"):
        measured = next(csv.DictReader(path.read_text().splitlines(), delimiter="\t"), {})
        with contextlib.suppress(KeyError, ValueError):  # of a step that was killed while it was written
            name = path.relative_to(folder).with_suffix("").as_posix()
            found.append((path.stat().st_mtime, name, float(measured["s"])))
    return sorted(found)


def making(folder: Path, cores: int, earlier: float = 0.0) -> dict[str, float]:
    """What it took to make a book, from the times in `folder`: its steps, their seconds in sum, and cores.

    A step that was stopped and went on later counts with the seconds after that.
    earlier: seconds of runs that were kept from earlier sittings; they are in the sum, too.
    """
    steps = measured_steps(folder)
    seconds = earlier + sum(seconds for *_, seconds in steps)
    made = {"steps": len(steps), "seconds": round(seconds, 1), "cores": cores}
    return made | ({"earlier": round(earlier, 1)} if earlier else {})


def timings(folder: Path, started: float) -> str:
    """The steps that Snakemake timed in `folder`, in the order in which they ended, with their seconds.

    "now" marks those that ended after `started` (seconds since the epoch), in this call.
    """
    rows = [
        (name, seconds, "now" if ended >= started else "before")
        for ended, name, seconds in measured_steps(folder)
    ]
    rows.append(("sum of all steps", sum(seconds for _, seconds, _ in rows), ""))
    rows.append(("this call", time.time() - started, ""))
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{'step':{width}} {'seconds':>8}  executed"]
    lines += [f"{name:{width}} {seconds:8.1f}  {when}".rstrip() for name, seconds, when in rows]
    return "\n".join(lines)
