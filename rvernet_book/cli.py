"""The command line: `rvernet data | mask | run | predict | reproduce | verify | zoo | doctor`, and more.

Only here and in the notebooks does anything print. An error of this project ends as one line on
standard error and exit status 1.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import time
from pathlib import Path

import yaml

from rvernet_book import steps
from rvernet_core import files
from rvernet_core.errors import ConfigError, RveRNetError
from rvernet_core.experiments.profiles import PROFILES

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the `rvernet` command."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(message)s")
    try:
        options.action(options)
    except RveRNetError as error:
        sys.exit(f"rvernet: {error}")
    except KeyboardInterrupt:
        sys.exit("\nrvernet: interrupted; the same command goes on where it was")


# --- the commands ---------------------------------------------------------------------------------


def data(options: argparse.Namespace) -> None:
    """Render or index the data set and cut out its ROIs; optionally write it in another layout."""
    from rvernet_core import runs
    from rvernet_core.models import backbones

    study, begun = _study(options), time.perf_counter()
    spec = study.profile.data
    found = study.data
    for split in ("train", "test"):
        runs.pairs_of(spec, split, backbones.input_size(study.profile.scale), study.cache)
    if options.foodseg103 or options.release:
        from rvernet_core.data import export
    if options.foodseg103:
        export.write_foodseg103(found, options.foodseg103)
    if options.release:
        export.write_release(found, options.release)
    print(f"{len(found.train):,} training and {len(found.test):,} test ROIs of {len(found.classes)} classes")
    _done(options, begun, {"train": found.train.fingerprint, "test": found.test.fingerprint})


def run(options: argparse.Namespace) -> None:
    """Make the runs of one job of the catalogue."""
    from rvernet_book.graph import catalogue
    from rvernet_core import runs

    study, begun = _study(options), time.perf_counter()
    jobs = catalogue(study)
    if options.job not in jobs:
        raise ConfigError(
            f"unknown job {options.job!r}; `rvernet jobs` lists the {len(jobs)} of this profile"
        )
    made = runs.load_or_train_all(jobs[options.job], study.cache, study.device, desc=options.job)
    _done(options, begun, {r.folder.name: r.manifest["checkpoint_sha256"] for r in made})


def mask(options: argparse.Namespace) -> None:
    """Mask a photo with Segment Anything and write each mask with its two cut-outs."""
    from rvernet_core.data.photos import photo_size
    from rvernet_core.evaluation.photo import mask_photo
    from rvernet_core.masking.sam import load_sam

    photo_size(options.photo)  # a photo that cannot be read stops here, before a large net is fetched
    masker = load_sam(options.sam, options.checkpoint, options.device)
    made = mask_photo(options.photo, options.out, masker, options.box, options.point)
    print(made.to_string(index=False, float_format="{:.3f}".format))
    print(f"{3 * len(made)} files in {options.out}")


def predict(options: argparse.Namespace) -> None:
    """Say what a model of the profile takes a photo's ROI for; trains the model if it was not trained yet."""
    from rvernet_core.evaluation.photo import chances, cut_photo

    study = _study(options)
    models = study.singles() | {f"{roi}+{extra}": specs for (roi, extra), specs in study.pairs().items()}
    if options.model not in models:
        raise ConfigError(f"no model {options.model!r} in this profile; expected any of {', '.join(models)}")
    cutouts = cut_photo(options.photo, options.mask)  # unreadable files stop here, before any training
    (made,) = study.run(models[options.model][:1])
    shares = chances(made, study.data.classes, cutouts, study.device)
    print(shares.head(options.top).to_string(float_format="{:.3f}".format))


def jobs(options: argparse.Namespace) -> None:
    """Print the graph's jobs as JSON: what each makes, and a fingerprint of what decides its result."""
    print(json.dumps(_graph(_study(options)), indent=1))


def notebook(options: argparse.Namespace) -> None:
    """Execute one notebook with a study's parameters."""
    from rvernet_book import notebooks

    begun = time.perf_counter()
    parameters = {key: value for key, value in _all_wishes(options).items() if value}
    notebooks.execute(ROOT / "notebooks" / f"{options.name}.ipynb", Path(options.out), parameters)
    _done(options, begun, {})


def book(options: argparse.Namespace) -> None:
    """Build the book of a profile from its executed notebooks."""
    from rvernet_book import site

    begun, home = time.perf_counter(), ROOT / "_build" / options.profile
    print(site.build(home, home / "experiments").as_uri())
    _done(options, begun, {})


def reproduce(options: argparse.Namespace) -> None:
    """Everything of a profile: data, runs, notebooks, book. Resumes; what is up to date is not made again."""
    study = _study(options)  # wrong parameters stop here, before any work
    home = ROOT / "_build" / study.profile.name
    parameters = {key: value for key, value in _wishes(options).items() if value}
    text = yaml.safe_dump({"profile": study.profile.name, **parameters}, sort_keys=True)
    if not (home / "parameters.yml").exists() or (home / "parameters.yml").read_text() != text:
        files.write_text(home / "parameters.yml", text)  # an unchanged file keeps its time
    files.write_json(home / "graph.json", _graph(study))
    cores = options.cores or os.cpu_count() or 1
    command = [sys.executable, "-m", "snakemake"]
    command += ["--snakefile", str(ROOT / "Snakefile"), "--directory", str(ROOT)]
    command += ["--cores", str(cores), "--nolock", "--rerun-incomplete", "--quiet", "host", "reason"]
    command += ["--config", f"home={home.relative_to(ROOT)}", "--", options.target]
    begun = time.time()
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    status = subprocess.run(command, cwd=ROOT, check=False, env={**os.environ, "PATH": path}).returncode
    if status:
        logs = (home / "logs").relative_to(ROOT)
        sys.exit(f"rvernet: a step failed; its log is in {logs}/. The same command goes on where it was")
    print(f"\n{steps.table(home, begun)}\n\n{_results(home, study.cache)}")
    if options.record:
        from rvernet_book import site

        print(f"{'record':20} {site.publish(home / 'experiments')}")


def verify(options: argparse.Namespace) -> None:
    """Compare the executed pages of a profile with the committed record, number by number."""
    from rvernet_book import site
    from rvernet_book import verify as compare

    fresh = ROOT / "_build" / options.profile / "experiments" / "files"
    print(compare.summary(compare.compare(fresh, site.RECORD / "files")))
    for page, reason in site.stale(site.RECORD).items():
        print(f"{page:28} is stale: {reason}")


def zoo(options: argparse.Namespace) -> None:
    """Retrain the shipped nets, backbones first, then the micro Segment Anything."""
    from zoo import train_backbones, train_sam

    train_backbones.main(["--threads", str(options.threads)])
    train_sam.main(["--threads", str(options.threads)])


def doctor(options: argparse.Namespace) -> None:
    """Say what is here and what is missing: Python, packages, accelerator, disk, cache, weights."""
    from rvernet_book.doctor import findings

    for name, value in findings().items():
        print(f"{name:22} {value}")


# --- helpers --------------------------------------------------------------------------------------


def _study(options: argparse.Namespace):
    from rvernet_core.experiments.study import Study

    return Study.of(**_all_wishes(options))


def _graph(study) -> dict:
    from rvernet_book.graph import graph

    return graph(study, {path.stem: path.read_text() for path in (ROOT / "notebooks").glob("*.ipynb")})


def _all_wishes(options: argparse.Namespace) -> dict:
    read = yaml.safe_load(Path(options.parameters).read_text()) if options.parameters else {}
    return {**_wishes(options), **read}


def _wishes(options: argparse.Namespace) -> dict:
    names = "profile dataset data_root extra_classes masks seeds epochs backbones device"
    return {name: getattr(options, name) for name in names.split()}


def _done(options: argparse.Namespace, begun: float, made: dict) -> None:
    """Leave the small file that tells the graph this step is done, and what came of it."""
    if options.done:
        steps.write_step(Path(options.done), begun, made)


def _results(home: Path, cache: Path) -> str:
    shown = {
        "runs": cache / "runs",
        "notebooks": home / "experiments",
        "tables and figures": home / "experiments" / "files",
        "book": (home / "book" / "_build" / "html" / "index.html").as_uri(),
    }
    return "\n".join(f"{name:20} {place}" for name, place in shown.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="rvernet", description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("-v", "--verbose", action="store_true", help="say what is being done")
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(action) -> argparse.ArgumentParser:
        sub = commands.add_parser(
            action.__name__, help=action.__doc__.split("\n")[0], description=action.__doc__
        )
        sub.set_defaults(action=action)
        return sub

    def study_options(sub: argparse.ArgumentParser) -> None:
        sub.add_argument("--profile", default="demo", help=" | ".join(PROFILES))
        sub.add_argument(
            "--dataset", default="", help="plates | foodseg103 | foodseg103-hub | release | folder"
        )
        sub.add_argument("--data-root", default="", help="folder of the data set")
        sub.add_argument(
            "--extra-classes", nargs="*", default=[], metavar="NAME=FOLDER", help="further classes"
        )
        sub.add_argument("--masks", default="", choices=("exact", "sam"), help="whose masks cut the photos")
        sub.add_argument("--seeds", nargs="*", type=int, default=[])
        sub.add_argument("--epochs", type=int, default=0)
        sub.add_argument("--backbones", nargs="*", default=[], metavar="NAME")
        sub.add_argument("--device", default="auto")
        sub.add_argument("--parameters", help="YAML file with any of these; it wins")
        sub.add_argument("--done", help=argparse.SUPPRESS)

    sub = command(data)
    study_options(sub)
    sub.add_argument(
        "--foodseg103", type=Path, metavar="FOLDER", help="write it in FoodSeg103's official layout"
    )
    sub.add_argument(
        "--release", type=Path, metavar="FOLDER", help="write it in the release's roi / extra-roi layout"
    )
    sub = command(run)
    study_options(sub)
    sub.add_argument("job", help="a name that `rvernet jobs` lists")
    study_options(command(jobs))
    sub = command(mask)
    sub.add_argument("photo", type=Path)
    sub.add_argument(
        "--box", nargs=4, type=float, action="append", default=[], metavar=("X0", "Y0", "X1", "Y1")
    )
    sub.add_argument("--point", nargs=2, type=float, action="append", default=[], metavar=("X", "Y"))
    sub.add_argument("--sam", default="micro", help="micro (knows rendered plates) | vit_b | vit_l | vit_h")
    sub.add_argument("--checkpoint", type=Path, help="its file; default: fetched once")
    sub.add_argument("--device", default="cpu")
    sub.add_argument("--out", type=Path, default=Path("."), metavar="FOLDER")
    sub = command(predict)
    study_options(sub)
    sub.add_argument("photo", type=Path)
    sub.add_argument("mask", type=Path, help="PNG of the photo's size; all but 0 is the ROI")
    sub.add_argument("--model", default="mobilenetv2+mobilenetv2", help="BACKBONE or ROI+EXTRA_ROI")
    sub.add_argument("--top", type=int, default=5, help="how many classes to show")
    sub = command(notebook)
    study_options(sub)
    sub.add_argument("name", help="such as 02-off-the-shelf")
    sub.add_argument("--out", required=True, help="where the executed notebook goes")
    sub = command(book)
    sub.add_argument("--profile", default="demo", help=" | ".join(PROFILES))
    sub.add_argument("--done", help=argparse.SUPPRESS)
    command(verify).add_argument("--profile", default="demo", help=" | ".join(PROFILES))
    sub = command(reproduce)
    study_options(sub)
    sub.add_argument("--cores", type=int, help="default: all")
    sub.add_argument("--record", action="store_true", help="then replace the committed record")
    sub.add_argument("--target", default="book", help="book (default) | notebooks | runs")
    command(zoo).add_argument("--threads", type=int, default=1)
    command(doctor)
    return parser


if __name__ == "__main__":
    main()
