"""The command line: `rvernet data | fetch | mask | run | predict | reproduce | verify | doctor`, and more.

Only here and in the notebooks does anything print. An error of this project ends as one line on
standard error and exit status 1.
"""

from __future__ import annotations

import argparse
import csv
import json
import logging
import os
import subprocess
import sys
import time
import typing
from pathlib import Path

import yaml

from rvernet_core import files
from rvernet_core.errors import ConfigError, RveRNetError

# The packages that compute (torch, matplotlib) are imported by the command that needs them, so that
# `rvernet --help` answers at once.

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the `rvernet` command."""
    options = _parse(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(message)s")
    try:
        options.action(options)
    except RveRNetError as error:
        sys.exit(f"rvernet: {error}")
    except KeyboardInterrupt:
        sys.exit("\nrvernet: interrupted; the same command continues where it stopped")


# --- the commands: what each does, and in `*_options` what it takes -------------------------------


def data(options: argparse.Namespace) -> None:
    """Render or index the data set and cut out its ROIs; optionally write it in another layout."""
    from rvernet_core.data import export
    from rvernet_core.models.backbones import input_size

    study = _study(options)
    food = study.data
    for split in ("train", "test"):
        study.store.cutouts(study.profile.data, split, input_size(study.profile.scale))
    if options.foodseg103:
        export.write_foodseg103(food, options.foodseg103)
    if options.release:
        export.write_release(food, options.release)
    print(f"{len(food.train):,} training and {len(food.test):,} test ROIs of {len(food.classes)} classes")


def data_options(parser: argparse.ArgumentParser) -> None:
    _add_study(parser)
    layout = {"type": Path, "metavar": "FOLDER"}
    parser.add_argument("--foodseg103", **layout, help="write it in FoodSeg103's official layout")
    parser.add_argument("--release", **layout, help="write it in the release's roi / extra-roi layout")


def fetch(options: argparse.Namespace) -> None:
    """Fetch what the study needs from elsewhere, for machines without a network or before many jobs start.

    What cannot be had is listed, each file with its address, its size and the place to put it by hand.
    """
    from rvernet_core.fetch import fetch_all

    study = _study(options)
    paths = fetch_all(study.downloads(), study.store.cache)
    print("\n".join(map(str, paths)) or f"the {study.profile.name} profile needs nothing from elsewhere")


def run(options: argparse.Namespace) -> None:
    """Load or train the runs of one job of the catalogue."""
    from rvernet_book.graph import jobs_of

    study = _study(options)
    jobs = jobs_of(study, _pages())
    if options.job not in jobs:
        raise ConfigError(
            f"unknown job {options.job!r}; `rvernet jobs` lists the {len(jobs)} of this profile"
        )
    for trained in study.store.load_or_train_all(jobs[options.job], desc=options.job):
        print(trained.folder)


def run_options(parser: argparse.ArgumentParser) -> None:
    _add_study(parser)
    parser.add_argument("job", help="a name that `rvernet jobs` lists")


def jobs(options: argparse.Namespace) -> None:
    """Print the graph's jobs as JSON: the runs of each, and a fingerprint of what decides their result."""
    print(json.dumps(_graph(_study(options)), indent=1))


def mask(options: argparse.Namespace) -> None:
    """Mask a photo with Segment Anything and write each mask with its two cut-outs."""
    from rvernet_core.data.photos import photo_size
    from rvernet_core.evaluation.own_photo import mask_photo
    from rvernet_core.experiments.study import pick_device
    from rvernet_core.masking import load_sam

    photo_size(options.photo)  # a photo that cannot be read stops here, before a large net is fetched
    cache = os.environ.get("RVERNET_CACHE") or ROOT / "_build" / "cache"
    masker = load_sam(options.sam, options.checkpoint, pick_device(options.device), cache=cache)
    masks = mask_photo(options.photo, options.out, masker, options.box, options.point)
    print(masks.to_string(index=False, float_format="{:.3f}".format))
    print(f"{3 * len(masks)} files in {options.out}")


def mask_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("photo", type=Path)
    several: dict[str, typing.Any] = {"type": float, "action": "append", "default": []}
    parser.add_argument("--box", nargs=4, metavar=("X0", "Y0", "X1", "Y1"), **several)
    parser.add_argument("--point", nargs=2, metavar=("X", "Y"), **several)
    parser.add_argument("--sam", default="micro", help="micro (rendered plates only) | vit_b | vit_l | vit_h")
    parser.add_argument("--checkpoint", type=Path, help="its file; default: fetched once")
    parser.add_argument("--device", default="cpu", help="auto | cpu | cuda")
    parser.add_argument("--out", type=Path, default=Path("."), metavar="FOLDER")


def predict(options: argparse.Namespace) -> None:
    """Classify a photo's ROI with a model of the profile; trains the model if it was not trained yet."""
    from rvernet_core.evaluation.own_photo import cut_photo, probabilities

    study = _study(options)
    models = study.singles() | {f"{roi}+{extra}": specs for (roi, extra), specs in study.pairs().items()}
    if options.model not in models:
        raise ConfigError(f"no model {options.model!r} in this profile; expected any of {', '.join(models)}")
    cutouts = cut_photo(options.photo, options.mask)  # unreadable files stop here, before any training
    trained = study.store.load_or_train(models[options.model][0])
    answer = probabilities(trained, study.classes, cutouts, study.store.device)
    print(answer.head(options.top).map("{:.3f}".format).to_string())


def predict_options(parser: argparse.ArgumentParser) -> None:
    _add_study(parser)
    parser.add_argument("photo", type=Path)
    parser.add_argument("mask", type=Path, help="PNG of the photo's size; all but 0 is the ROI")
    parser.add_argument("--model", default="mobilenetv2+mobilenetv2", help="BACKBONE or ROI+EXTRA_ROI")
    parser.add_argument("--top", type=int, default=5, help="how many classes to show")


def notebook(options: argparse.Namespace) -> None:
    """Execute one notebook with a study's parameters."""
    from rvernet_book import notebooks

    source = notebooks.source_of(ROOT / "notebooks", options.name)
    notebooks.execute(source, Path(options.out), _overrides(options))


def notebook_options(parser: argparse.ArgumentParser) -> None:
    _add_study(parser)
    parser.add_argument("name", help="such as 02-off-the-shelf")
    parser.add_argument("--out", required=True, help="where the executed notebook goes")


def book(options: argparse.Namespace) -> None:
    """Build the book of a profile from its executed notebooks."""
    from rvernet_book import site

    output = _output_folder(options.profile)
    print(site.build(output, output / "experiments").as_uri())


def reproduce(options: argparse.Namespace) -> None:
    """Everything of a profile: data, runs, notebooks, book. Resumes; what is up to date is skipped."""
    cores = (os.cpu_count() or 1) if options.cores is None else options.cores
    if cores < 1:
        raise ConfigError(f"--cores is {cores}; expected at least 1, or leave it out to use all")
    study = _study(options)  # wrong parameters stop here, before any work
    output = _output_folder(study.profile.name)
    text = yaml.safe_dump(_overrides(options), sort_keys=True)
    stored = output / "parameters.yml"
    if not stored.exists() or stored.read_text() != text:
        files.write_text(stored, text)  # an unchanged file keeps its time
    files.write_json(output / "graph.json", _graph(study))
    command = [sys.executable, "-m", "snakemake"]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(ROOT)]
    command += ["--cores", str(cores), "--nolock", "--rerun-incomplete", "--quiet", "host", "reason"]
    command += ["--config", f"output={output.relative_to(ROOT)}", "--", options.target]
    started = time.time()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    status = subprocess.run(command, cwd=ROOT, check=False, env={**os.environ, "PATH": path}).returncode
    if status:
        logs = (output / "logs").relative_to(ROOT)
        sys.exit(
            f"rvernet: a step failed; its log is in {logs}/. The same command continues where it stopped"
        )
    places = {
        "runs": study.store.cache / "runs",
        "notebooks": output / "experiments",
        "tables and figures": output / "experiments" / "files",
        "book": (output / "book" / "_build" / "html" / "index.html").as_uri(),
    }
    print(f"\n{timings(output / 'benchmarks', started)}\n")
    print("\n".join(f"{name:20} {place}" for name, place in places.items()))
    if options.record:
        from rvernet_book import site

        print(f"{'record':20} {site.publish(output / 'experiments')}")


def reproduce_options(parser: argparse.ArgumentParser) -> None:
    _add_study(parser)
    parser.add_argument("--cores", type=int, help="default: all")
    parser.add_argument(
        "--from-record", dest="runs", action="store_const", const="record", help="short for --runs record"
    )
    parser.add_argument("--record", action="store_true", help="then replace the committed record")
    targets = ("book", "notebooks", "runs")
    parser.add_argument("--target", default="book", choices=targets, help="how far to go (default: book)")


def verify(options: argparse.Namespace) -> None:
    """Compare the executed pages of a profile with the committed record, number by number."""
    from rvernet_book import site
    from rvernet_book import verify as compare

    fresh = _output_folder(options.profile) / "experiments" / "files"
    print(compare.summary(compare.compare(fresh, site.RECORD / "files")))
    for page, reason in site.stale(site.RECORD).items():
        print(f"{page:28} is stale: {reason}")


def doctor(options: argparse.Namespace) -> None:
    """List what is here and what is missing: Python, packages, accelerator, disk, cache, weights."""
    from rvernet_book.doctor import findings

    for name, value in findings().items():
        print(f"{name:22} {value}")


# --- helpers --------------------------------------------------------------------------------------


def timings(folder: Path, started: float) -> str:
    """The steps that Snakemake timed in `folder`, in the order in which they ended, with their seconds.

    "now" marks those that ended after `started` (seconds since the epoch), in this call.
    """
    rows = []
    for path in sorted(folder.rglob("*.tsv"), key=lambda path: path.stat().st_mtime):
        (measured,) = csv.DictReader(path.read_text().splitlines(), delimiter="\t")
        name = path.relative_to(folder).with_suffix("").as_posix()
        rows.append((name, float(measured["s"]), "now" if path.stat().st_mtime >= started else "before"))
    rows.append(("sum of all steps", sum(seconds for _, seconds, _ in rows), ""))
    rows.append(("this call", time.time() - started, ""))
    width = max(len(name) for name, _, _ in rows)
    lines = [f"{'step':{width}} {'seconds':>8}  executed"]
    lines += [f"{name:{width}} {seconds:8.1f}  {when}".rstrip() for name, seconds, when in rows]
    return "\n".join(lines)


def _study(options: argparse.Namespace):
    from rvernet_book.page import open_study

    return open_study(**_values(options))


def _graph(study) -> dict:
    from rvernet_book.graph import graph
    from rvernet_book.page import RECORD

    return graph(study, _pages(), RECORD)


def _pages() -> list[str]:
    return sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def _values(options: argparse.Namespace) -> dict:
    """Every parameter of a study: from the --parameters file, else from its option, else its default."""
    from rvernet_book import parameters

    values = {parameter.name: getattr(options, parameter.name) for parameter in parameters.of_study()}
    return values | (parameters.read_yaml(options.parameters) if options.parameters else {})


def _overrides(options: argparse.Namespace) -> dict:
    """The profile, and every parameter that is not at its default."""
    from rvernet_book import parameters

    values = _values(options)
    defaults = {parameter.name: parameter.default for parameter in parameters.of_study()}
    return {name: v for name, v in values.items() if name == "profile" or v != defaults[name]}


def _output_folder(profile: str) -> Path:
    """Where the executed notebooks and the book of a profile go; ConfigError for an unknown profile."""
    from rvernet_core.experiments.profiles import profile_named

    return ROOT / "_build" / profile_named(profile).name


def _add_profile(parser: argparse.ArgumentParser) -> None:
    from rvernet_core.experiments.profiles import PROFILES

    parser.add_argument("--profile", default="demo", help=" | ".join(PROFILES))


def _add_study(parser: argparse.ArgumentParser) -> None:
    """An option for every parameter of `Study.of`, and a YAML file with any of them."""
    from rvernet_book import parameters

    for parameter in parameters.of_study():
        flag, help_text = "--" + parameter.name.replace("_", "-"), parameter.help.replace("%", "%%")
        if items := typing.get_args(parameter.hint):
            parser.add_argument(flag, nargs="*", type=items[0], default=parameter.default, help=help_text)
        else:
            parser.add_argument(flag, type=parameter.hint, default=parameter.default, help=help_text)
    parser.add_argument("--parameters", metavar="FILE", help="YAML file with any of these; it wins")


COMMANDS = {
    data: data_options,
    fetch: _add_study,
    run: run_options,
    jobs: _add_study,
    mask: mask_options,
    predict: predict_options,
    notebook: notebook_options,
    book: _add_profile,
    reproduce: reproduce_options,
    verify: _add_profile,
    doctor: None,
}


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="rvernet", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="log what is being done")
    commands = parser.add_subparsers(required=True, metavar="command")
    for action, add_options in COMMANDS.items():
        text = action.__doc__ or ""
        command = commands.add_parser(action.__name__, help=text.split("\n")[0], description=text)
        command.set_defaults(action=action)
        if (
            add_options and action.__name__ in arguments
        ):  # only of the command in use: to know them takes torch
            add_options(command)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
