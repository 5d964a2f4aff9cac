"""The command line: `rvernet data | fetch | mask | run | predict | reproduce | verify | doctor`, and more.

Only here and in the notebooks does anything print. What cannot be done as it was asked ends as one line on
standard error and exit status 2; what was done and did not end well, in exit status 1.
"""

from __future__ import annotations

import argparse
import difflib
import json
import logging
import os
import re
import sys
import time
import typing
from pathlib import Path

from rvernet_book.options import (
    Parser,
    add_profile,
    add_study,
    at_least_one,
    overrides,
    stop,
    study_of,
)
from rvernet_book.places import ROOT
from rvernet_core import files
from rvernet_core.config import one_of
from rvernet_core.errors import ConfigError, RveRNetError

# The packages that compute (torch, matplotlib) are imported by the command that needs them, so that
# `rvernet --help` answers at once.

AGAIN = "the same command continues where it stopped"


def main(arguments: list[str] | None = None) -> None:
    """Entry point of the `rvernet` command."""
    from rvernet_book import processes

    options = _parse(sys.argv[1:] if arguments is None else arguments)
    logging.basicConfig(level=logging.INFO if options.verbose else logging.WARNING, format="%(message)s")
    try:
        with processes.ended_by_signals():
            processes.follow()
            options.action(options)
            sys.stdout.flush()
    except RveRNetError as error:
        stop(f"rvernet: {error}")
    except BrokenPipeError:  # whoever read our output has enough, such as `head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        logging.info("", exc_info=True)
        stop(f"rvernet: {error.strerror or error}: {error.filename or 'no file is named'}")
    except KeyboardInterrupt:
        stop(f"rvernet: interrupted; {AGAIN}", 130)
    except processes.Ended:
        print(f"rvernet: told to end; {AGAIN}", file=sys.stderr)
        raise


# --- the commands: what each does, and in `*_options` what it takes -------------------------------


def data(options: argparse.Namespace) -> None:
    """Render or index the data set and cut out its ROIs; optionally write it in another layout."""
    from rvernet_core.data import export
    from rvernet_core.fetch import fetch_all
    from rvernet_core.models.backbones import input_size

    study = study_of(options)
    if options.fetch:
        fetch_all(study.downloads(), study.store.cache)
    food = study.data
    for split in ("train", "test"):
        study.store.cutouts(study.profile.data, split, input_size(study.profile.scale))
    if options.foodseg103:
        export.write_foodseg103(food, options.foodseg103)
    if options.release:
        export.write_release(food, options.release)
    print(f"{len(food.train):,} training and {len(food.test):,} test ROIs of {len(food.classes)} classes")


def data_options(parser: argparse.ArgumentParser) -> None:
    add_study(parser)
    parser.add_argument("--fetch", action="store_true", help="first fetch the weights too, see rvernet fetch")
    layout = {"type": Path, "metavar": "FOLDER"}
    parser.add_argument("--foodseg103", **layout, help="write it in FoodSeg103's official layout")
    parser.add_argument("--release", **layout, help="write it in the release's roi / extra-roi layout")


def fetch(options: argparse.Namespace) -> None:
    """Fetch what the study needs from elsewhere, for machines without a network or before many jobs start.

    What cannot be had is listed, each file with its address, its size and the place to put it by hand.
    """
    from rvernet_core.fetch import fetch_all

    study = study_of(options)
    paths = fetch_all(study.downloads(), study.store.cache)
    print("\n".join(map(str, paths)) or f"the {study.profile.name} profile needs nothing from elsewhere")


def run(options: argparse.Namespace) -> None:
    """Load or train the runs of one job of the catalogue."""
    from rvernet_book.graph import jobs_of
    from rvernet_book.reproduce import one_gpu

    with one_gpu():
        study = study_of(options)
        jobs = jobs_of(study, _pages())
        specs = jobs[one_of(options.job, jobs, "job")]
        for trained in study.store.load_or_train_all(specs, desc=options.job):
            print(trained.folder)


def run_options(parser: argparse.ArgumentParser) -> None:
    add_study(parser)
    parser.add_argument("job", help="a name that `rvernet jobs` lists")


def keep(options: argparse.Namespace) -> None:
    """Keep the answers of finished jobs in book/so-far, for a record that is made in several sittings.

    Commit the folder: until the record is published, no later build trains these runs for their answers.
    """
    from rvernet_book import so_far

    folder, runs = so_far.keep(study_of(options), _pages(), options.jobs)
    print(f"runs in {folder}: {runs:,}")


def keep_options(parser: argparse.ArgumentParser) -> None:
    add_study(parser)
    parser.add_argument("jobs", nargs="+", metavar="JOB", help="as `rvernet jobs` lists them, with * and ?")


def jobs(options: argparse.Namespace) -> None:
    """Print the graph's jobs as JSON: the runs of each, and a fingerprint of what decides their result."""
    print(json.dumps(_graph(study_of(options)), indent=1))


def mask(options: argparse.Namespace) -> None:
    """Mask a photo with Segment Anything and write each mask with its two cut-outs."""
    from rvernet_core.data.photos import photo_size
    from rvernet_core.evaluation.own_photo import mask_photo
    from rvernet_core.experiments.study import pick_device
    from rvernet_core.masking import load_sam
    from rvernet_core.masking.prompts import check_boxes, check_points

    width, height = photo_size(options.photo)  # what cannot be masked stops here, before a net is fetched
    check_boxes(options.box, height, width)
    check_points(options.point, None, height, width)
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
    """Classify a photo's ROI with a model of the profile, trained if need be, or of a released checkpoint."""
    from rvernet_core.data.release import class_names
    from rvernet_core.evaluation.own_photo import cut_photo, probabilities
    from rvernet_core.models.released import load_released

    study = study_of(options)
    if options.classes and not options.checkpoint:
        raise ConfigError("--classes names the classes of a --checkpoint; pass both, or neither")
    models = study.singles() | {f"{roi}+{extra}": specs for (roi, extra), specs in study.pairs().items()}
    if not options.checkpoint:
        one_of(options.model, models, "model")
    cutouts = cut_photo(options.photo, options.mask)  # unreadable files stop here, before any training
    if options.checkpoint:
        model = load_released(options.checkpoint)
        classes = class_names(model.classes, options.classes)
    else:
        model = study.store.load_or_train(models[options.model][0]).model()
        classes = study.classes
    answer = probabilities(model, classes, cutouts, study.store.device)
    print(answer.head(options.top).map("{:.3f}".format).to_string())


def predict_options(parser: argparse.ArgumentParser) -> None:
    add_study(parser)
    parser.add_argument("photo", type=Path)
    parser.add_argument("mask", type=Path, help="PNG of the photo's size; all but 0 is the ROI")
    model = parser.add_mutually_exclusive_group()
    model.add_argument("--model", default="mobilenetv2+mobilenetv2", help="BACKBONE or ROI+EXTRA_ROI")
    model.add_argument("--checkpoint", type=Path, help="a .pth file that the released code wrote, instead")
    parser.add_argument(
        "--classes", type=Path, help="names of its classes, one a line; default: the release's"
    )
    parser.add_argument("--top", type=at_least_one, default=5, help="how many classes to show")


def notebook(options: argparse.Namespace) -> None:
    """Execute one notebook with a study's parameters."""
    from rvernet_book import notebooks
    from rvernet_book.reproduce import one_gpu

    source = notebooks.source_of(ROOT / "notebooks", options.name)
    study_of(options)  # wrong parameters stop here, before a kernel is started
    with one_gpu():
        notebooks.execute(source, Path(options.out), overrides(options))


def notebook_options(parser: argparse.ArgumentParser) -> None:
    add_study(parser)
    parser.add_argument("name", help="such as 02-off-the-shelf")
    parser.add_argument("--out", required=True, help="where the executed notebook goes")


def book(options: argparse.Namespace) -> None:
    """Build the book of a profile from its executed notebooks, or that of the published record."""
    from rvernet_book import published, site

    published.finish()
    if options.from_record:
        page = site.build(published.RECORD, ROOT / "_build" / "html")
    else:
        output = _output_folder(options.profile)
        page = site.build(output / "experiments", output / "book" / "_build" / "html")
    print(page.as_uri())


def book_options(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    add_profile(which)
    which.add_argument("--from-record", action="store_true", help="the published record, into _build/html")


def reproduce(options: argparse.Namespace) -> None:
    """Everything of a profile: data, runs, notebooks, book. Resumes; what is up to date is skipped."""
    from rvernet_book import published, so_far
    from rvernet_book import reproduce as one
    from rvernet_book.parameters import given
    from rvernet_book.summary import MAKING

    if options.record and options.target != "book":
        raise ConfigError(f"--record publishes a whole book; leave --target {options.target} out")
    if options.record and (other := sorted(given(overrides(options)))):
        raise ConfigError(f"--record publishes a profile as it is; leave {', '.join(other)} out")
    study = study_of(options)  # wrong parameters stop here, before any work
    output, started = _output_folder(study.profile.name), time.time()
    cores = options.cores or os.cpu_count() or 1
    published.finish()
    with one.alone_in(output):
        done = one.build(output, overrides(options), _graph(study), study.store.device, cores, options.target)
        if not done:
            logs = (output / "logs").relative_to(ROOT)
            stop(f"rvernet: a step failed; its log is in {logs}/; {AGAIN}", 1)
        places = {
            "runs": study.store.cache / "runs",
            "notebooks": output / "experiments",
            "tables and figures": output / "experiments" / "files",
            "book": (output / "book" / "_build" / "html" / "index.html").as_uri(),
        }
        if options.record:
            made = one.making(output / "benchmarks", cores, so_far.seconds(study.profile.name))
            files.write_json(output / "experiments" / MAKING, made)
            places["record"] = published.publish(output / "experiments")
            so_far.forget()
    print(f"\n{one.timings(output / 'benchmarks', started)}\n")
    print("\n".join(f"{name:20} {place}" for name, place in places.items()))


def reproduce_options(parser: argparse.ArgumentParser) -> None:
    add_study(parser)
    parser.add_argument("--cores", type=at_least_one, help="default: all")
    parser.add_argument(
        "--from-record", dest="runs", action="store_const", const="record", help="short for --runs record"
    )
    parser.add_argument("--record", action="store_true", help="then replace the committed record")
    targets = ("book", "notebooks", "runs")
    parser.add_argument("--target", default="book", choices=targets, help="how far to go (default: book)")


def verify(options: argparse.Namespace) -> None:
    """Check that the record is as it was published, and certify how a profile's executed pages agree with it.

    Exit status 1 where a number, an answer or, between different designs, a sign or an order differs.
    """
    from rvernet_book import certificate, published, site
    from rvernet_book import verify as comparison

    output = _output_folder(options.profile)
    published.finish()
    if damage := published.damage(ROOT / "book", ROOT / "README.md"):
        print("\n".join(damage))
        stop(f"rvernet: the record is not as it was published, see above; {published.REMEDY}", 1)
    print(f"the record is as it was published: {len(published.hashes_of(published.RECORD))} files")
    for page, reason in site.stale(published.RECORD).items():
        print(f"{page:28} is stale: {reason}")
    published.check_executed(output / "experiments")
    fresh, record = output / "experiments" / "files", published.RECORD / "files"
    found = comparison.compare(fresh, record)
    print(comparison.summary(found))
    facts = certificate.certificate(found, fresh, record, options.watts)
    for path in certificate.write(facts, output):
        print(path)
    if options.keep:
        print(certificate.keep(facts, ROOT / "book" / "verifications"))
        print(certificate.write_page(ROOT / "book"))
    print(f"the fresh run and the record: {found.verdict}")
    if found.verdict == "differs":
        sys.exit(1)


def verify_options(parser: argparse.ArgumentParser) -> None:
    from rvernet_book.certificate import WATTS

    add_profile(parser)
    parser.add_argument("--keep", action="store_true", help="also keep it in book/verifications")
    parser.add_argument(
        "--watts",
        type=float,
        default=WATTS,
        help=f"of one busy core, to estimate energy (default: {WATTS:g})",
    )


def doctor(options: argparse.Namespace) -> None:
    """List what is here and what is missing: Python, packages, accelerator, disk, cache, weights."""
    from rvernet_book.doctor import findings

    for name, value in findings().items():
        print(f"{name:22} {value}")


# --- helpers --------------------------------------------------------------------------------------


def _graph(study) -> dict:
    from rvernet_book.graph import graph
    from rvernet_book.page import BUNDLES

    return graph(study, _pages(), BUNDLES)


def _pages() -> list[str]:
    return sorted(path.stem for path in (ROOT / "notebooks").glob("*.ipynb"))


def _output_folder(profile: str) -> Path:
    """Where the executed notebooks and the book of a profile go; ConfigError for an unknown profile."""
    from rvernet_core.experiments.profiles import profile_named

    return ROOT / "_build" / profile_named(profile).name


COMMANDS = {
    data: data_options,
    fetch: add_study,
    run: run_options,
    keep: keep_options,
    jobs: add_study,
    mask: mask_options,
    predict: predict_options,
    notebook: notebook_options,
    book: book_options,
    reproduce: reproduce_options,
    verify: verify_options,
    doctor: None,
}


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(prog="rvernet", description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("-v", "--verbose", action="store_true", help="log what is being done")
    commands = parser.add_subparsers(required=True, metavar="command")
    parsers = {}
    for action, add_options in COMMANDS.items():
        name, text = action.__name__, action.__doc__ or ""
        parsers[name] = command = commands.add_parser(name, help=text.split("\n")[0], description=text)
        command.set_defaults(action=action)
        if add_options and name in arguments:  # only of the command in use: to know them takes torch
            add_options(command)
    options, unknown = parser.parse_known_args(arguments)
    if unknown:
        command = parsers[options.action.__name__]
        flags = re.findall(r"--[\w-]+", command.format_usage())
        near = difflib.get_close_matches(unknown[0].partition("=")[0], flags, n=1)
        command.error(f"unknown {' '.join(unknown)}" + (f"; did you mean {near[0]}?" if near else ""))
    return options


if __name__ == "__main__":
    main()
