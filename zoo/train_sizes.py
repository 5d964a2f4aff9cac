"""How many pixels pay: the same nets on the same pictures at several sizes. One command:

    python -m zoo.train_sizes

Every net is pretrained for as many pictures at every size, from the same weights' seed and with the recipe of
the whole zoo, and measured on the same test pictures. Patches stay 8 px wide, so tokens grow with the size.
The tables go to book/sizes.md, a part of the page on the method; `models.backbones` follows them.
"""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import cv2
import numpy as np
import torch
from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.fetch import cache_folder
from rvernet_core.models import backbones
from zoo.cards import table
from zoo.pretrain import Job, Pictures, precision, pretrain
from zoo.train_backbones import Zoo, open_zoo

SIZES = (64, 80, 96, 112)
NAMES = ("mobilenetv2", "vit", "mlp-mixer")  # one of each family
PICTURES = 30_000  # each seen once
PAGE = Path(__file__).parents[1] / "book" / "sizes.md"


def resized(pictures: Pictures, size: int, count: int) -> Pictures:
    """The first `count` pictures, averaged over areas to `size` px a side; unchanged at their own size."""
    images = pictures.images[:count]
    if size != pictures.size:
        images = np.stack([cv2.resize(image, (size, size), interpolation=cv2.INTER_AREA) for image in images])
    return Pictures(images, pictures.labels[:count])


def measure(zoo: Zoo, sizes: list[int]) -> list[dict]:
    """The facts of every net at every size, pretrained where they are not in the zoo's parts yet."""
    found = []
    for size in sizes:
        train, test = resized(zoo.train, size, zoo.pictures), resized(zoo.choice, size, len(zoo.choice))
        for name in tqdm(NAMES, desc=f"{size} px", disable=None):
            rate = zoo.best_rate(name)
            prints = train.fingerprint, test.fingerprint
            job = Job(name, 0, zoo.pictures, rate, *prints, zoo.device, precision(name, zoo.device))
            found.append({"size": size, **pretrain(job, train, test, zoo.parts)})
    return found


def write_page(found: list[dict], path: Path) -> None:
    """Two tables, accuracy and speed: a row for each net, a column for each size."""
    sizes = sorted({row["size"] for row in found})
    cells = {(row["name"], row["size"]): row for row in found}

    def rows(column: str, form: str) -> list[list[str]]:
        names = [name for name in NAMES if any(row["name"] == name for row in found)]
        lines = [[format(cells[name, size][column], form) for size in sizes] for name in names]
        return [[backbones.facts(name).label, *line] for name, line in zip(names, lines, strict=True)]

    pictures, tested = found[0]["pictures"], found[0]["test_pictures"]
    head = ["", *(f"{size} px" for size in sizes)]
    lines = [
        *("<!-- Written by `python -m zoo.train_sizes`. Not edited by hand. -->", ""),
        *(f"Top-1 on {tested:,} things after pretraining on {pictures:,}, one seed:", ""),
        *(*table(head, rows("top1", ".3f")), ""),
        "Pictures a second in training, one process, beside what else the machine did:",
        *("", *table(head, rows("pictures_per_second", ".0f"))),
    ]
    files.write_text(path, "\n".join(lines) + "\n")


def main(arguments: list[str] | None = None) -> None:
    """Pretrain at every size, measure, and write the page."""
    parser = argparse.ArgumentParser(prog="python -m zoo.train_sizes", description="How many pixels pay.")
    parser.add_argument("--sizes", nargs="+", type=int, default=list(SIZES), help="multiples of 8")
    parser.add_argument("--pictures", type=int, default=PICTURES, help="seen by each net")
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--cache", type=Path, default=cache_folder())
    parser.add_argument("--parts", type=Path, default=Path("_build/zoo/sizes"), help="finished pretrainings")
    parser.add_argument("--out", type=Path, default=PAGE)
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    whole = open_zoo(options.cache, options.parts, options.pictures, options.device)
    write_page(measure(whole, options.sizes), options.out)


if __name__ == "__main__":
    main()
