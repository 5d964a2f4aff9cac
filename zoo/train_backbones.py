"""Pretrain the micro backbones on rendered things that no experiment uses. One command:

    python -m zoo.train_backbones --search

The task stands in for ImageNet: name the thing in a picture. Every architecture gets the same pictures, the
same number of them, the same loss and optimiser, and the same search of its peak rate. Three checkpoints an
architecture, from three seeds: a run starts from the one that its own seed names.

    python -m zoo.train_backbones vit deit --seeds 1    some of them, at the rate that was found before
    python -m zoo.train_backbones --plates              afterwards: what the shipped nets are worth on plates

Goes on where it was stopped. Processes may share the work by name, the teacher of DeiT-distilled first.
"""

from __future__ import annotations

import argparse
import contextlib
import csv
import dataclasses
import fcntl
import io
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import cv2
import torch
from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.config import one_of
from rvernet_core.errors import ConfigError, TrainingError
from rvernet_core.fetch import cache_folder
from rvernet_core.models import backbones, zoo
from rvernet_core.runs import RunStore
from zoo.cards import write_card, write_pretraining
from zoo.plates_scores import plates_scores
from zoo.pretrain import STRENGTH, TEACHER, Job, Pictures, precision, pretrain
from zoo.things import thing_corpus

#: Pictures and the first of their seeds. The search measures on pictures that are not in the final test.
TRAIN, TEST, CHOICE = (100_000, 0), (3_000, 10_000_000), (2_000, 20_000_000)
RATES = (1e-3, 2e-3, 4e-3)  # peak rates of the search
SEARCH_PICTURES = 30_000  # fewer do not tell the rates of a transformer apart
RECORD = Path(__file__).with_name("pretraining.csv")  # the search and what came of it; beside it, as a page

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Zoo:
    """The pictures of the whole zoo, and where its parts lie."""

    train: Pictures
    test: Pictures
    choice: Pictures
    parts: Path
    pictures: int  # seen by each net
    device: str = "cpu"

    def job(self, name: str, seed: int, rate: float, search: bool = False) -> Job:
        """The pretraining of `name` from `seed` at this peak rate, in full or, for the search, short."""
        return Job(
            name,
            seed,
            min(SEARCH_PICTURES, self.pictures) if search else self.pictures,
            rate,
            self.train.fingerprint,
            (self.choice if search else self.test).fingerprint,
            self.device,
            precision(name, self.device),
            self.teacher(seed).identity if backbones.has_distillation_token(name) else "",
        )

    def teacher(self, seed: int) -> Job:
        """The finished pretraining that teaches DeiT-distilled of this seed."""
        return self.job(TEACHER, seed, self.best_rate(TEACHER))

    def run(self, job: Job, test: Pictures) -> dict:
        """The facts of `job`, measured on `test`."""
        teacher = self.teacher(job.seed).folder(self.parts) if job.teacher else None
        return pretrain(job, self.train, test, self.parts, teacher)

    def search(self, name: str) -> list[dict]:
        """Top-1 accuracy after a short training at every rate; 0 where one diverges."""
        found = []
        for rate in tqdm(RATES, desc=f"peak rate of {name}", disable=None):
            job = self.job(name, 0, rate, search=True)
            try:
                found.append(self.run(job, self.choice))
            except TrainingError as error:
                log.warning("%s", error)
                found.append({**dataclasses.asdict(job), "top1": 0.0})
        return [{"part": "search", **facts} for facts in found]

    def best_rate(self, name: str) -> float:
        """The peak rate with the best accuracy in the recorded search; ConfigError without one."""
        rows = [row for row in read_record() if row["part"] == "search" and row["name"] == name]
        if not rows:
            command = f"python -m zoo.train_backbones {name} --search"
            raise ConfigError(f"no peak rate of {name} is known; first: {command}")
        return float(max(rows, key=lambda row: float(row["top1"]))["rate"])


def open_zoo(cache: Path, parts: Path, pictures: int, device: str = "cpu") -> Zoo:
    """All pictures, rendered where they are not in `cache`."""
    size = backbones.input_size("micro")
    train, test, choice = (
        Pictures(*thing_corpus(count, first, cache, size)) for count, first in (TRAIN, TEST, CHOICE)
    )
    return Zoo(train, test, choice, parts, pictures, device)


# --- the record -----------------------------------------------------------------------------------

COLUMNS = (
    *("part", "name", "seed", "rate", "pictures", "top1", "test_pictures", "minutes", "pictures_per_second"),
    *("precision", "device"),
)


def read_record() -> list[dict[str, str]]:
    """The rows of pretraining.csv; none where it does not exist yet."""
    if not RECORD.is_file():
        return []
    return list(csv.DictReader(io.StringIO(RECORD.read_text("utf-8"))))


def record(rows: Iterable[dict], parts: Path) -> None:
    """Put rows into pretraining.csv, in place of older ones of the same training, and write the page anew.

    A new search of an architecture replaces its older one whole: scores after other budgets are not compared.
    """
    rows = list(rows)
    searched = {row["name"] for row in rows if row["part"] == "search"}
    with _alone(parts):
        kept = (row for row in read_record() if row["part"] != "search" or row["name"] not in searched)
        table = {_key(row): row for row in kept}
        table |= {_key(row): {c: str(row.get(c, "")) for c in COLUMNS} for row in rows}
        order = sorted(table, key=_place)
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(table[key] for key in order)
        files.write_text(RECORD, text.getvalue())
        write_pretraining(RECORD.with_suffix(".md"), [table[key] for key in order])


def _key(row: dict) -> tuple[str, str, int, float]:
    search = row["part"] == "search"
    return row["part"], row["name"], int(row["seed"]), float(row["rate"]) if search else 0.0


def _place(key: tuple[str, str, int, float]) -> tuple:
    part, name, *rest = key
    return (part != "search", backbones.BACKBONES.index(name), *rest)


def ship(job: Job, facts: dict, parts: Path, out: Path) -> None:
    """Put a finished job's weights into the zoo, and its numbers into its architecture's card."""
    with _alone(parts):
        name, path = job.name, out / f"{job.name}-{job.seed}.safetensors"
        files.write_bytes(path, (job.folder(parts) / "weights.safetensors").read_bytes())
        net, size = backbones.build(name, pretrained=False), backbones.input_size("micro")
        common = {
            "what": f"timm's {type(net).__name__} at {size} px, pretrained to name the thing in a picture.",
            "data": f"{facts['train_pictures']:,} rendered pictures of {backbones.MICRO_LABELS} categories, "
            f"{job.pictures:,} seen",
            "command": f"python -m zoo.train_backbones {name} --pictures {job.pictures}",
            "peak_rate": job.rate,
            "precision": job.precision,
            "device": "one CPU thread" if job.device == "cpu" else job.device,
            "teacher": f"{TEACHER} of the same seed, hard labels, strength {STRENGTH}"
            if job.teacher
            else None,
            "parameters": facts["parameters"],
            "test": f"{facts['test_pictures']:,} pictures of other seeds",
        }
        card = zoo.read_cards(out).get(name, {})
        if any(card.get(key) != value for key, value in common.items()):
            card = {}  # another pretraining's: its checkpoints are not of this one
        entries = {entry["seed"]: entry for entry in card.get("checkpoints", [])}
        sha256 = files.sha256(path)
        if entries.get(job.seed, {}).get("sha256") != sha256:
            entries[job.seed] = {
                **{"seed": job.seed, "top1": facts["top1"], "minutes": facts["minutes"]},
                **{"date": date.today().isoformat(), "bytes": path.stat().st_size, "sha256": sha256},
            }
        write_card(out, name, {**card, **common, "checkpoints": [entries[seed] for seed in sorted(entries)]})


@contextlib.contextmanager
def _alone(parts: Path) -> Iterator[None]:
    """A lock that processes sharing `parts` hold while they change the record or a card."""
    files.make_folder(parts)
    with (parts / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


# --- the command ----------------------------------------------------------------------------------


def main(arguments: list[str] | None = None) -> None:
    """Render, search, train, measure; write weights, cards and the record."""
    parser = argparse.ArgumentParser(
        prog="python -m zoo.train_backbones",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", help="backbones; default: all, the teacher first")
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2], help="none: the search alone")
    parser.add_argument("--pictures", type=int, default=200_000, help="seen by each net")
    parser.add_argument("--search", action="store_true", help="search each net's peak rate first")
    parser.add_argument("--plates", action="store_true", help="measure the shipped nets on plates instead")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument(
        "--parts", type=Path, default=Path("_build/zoo/backbones"), help="finished pretrainings"
    )
    parser.add_argument("--out", type=Path, default=zoo.WEIGHTS, help="where weights and cards go")
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    names = [one_of(name, backbones.ZOO, "backbone") for name in options.names or backbones.BACKBONES]
    names.sort(key=lambda name: name != TEACHER)
    if options.plates:
        store = RunStore(options.cache, options.device)
        for name in tqdm(names, desc="nets on plates", disable=None):
            card = zoo.read_cards(options.out)[name]
            write_card(options.out, name, plates_scores(name, card, options.seeds, store))
        return
    whole = open_zoo(options.cache, options.parts, options.pictures, options.device)
    for name in names:
        if options.search:
            record(whole.search(name), options.parts)
        for seed in options.seeds:
            job = whole.job(name, seed, whole.best_rate(name))
            facts = whole.run(job, whole.test)
            record([{"part": "pretraining", **facts}], options.parts)
            ship(job, facts, options.parts, options.out)
            log.info(
                "%s, seed %d: top-1 %.3f after %.1f minutes", name, seed, facts["top1"], facts["minutes"]
            )


if __name__ == "__main__":
    main()
