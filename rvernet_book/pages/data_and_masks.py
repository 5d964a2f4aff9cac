"""Page 1, shown: photos, masks and cut-outs."""

from __future__ import annotations

from typing import Any

import pandas as pd

from rvernet_book import alt, charts, html, style
from rvernet_book.bundle import Bundle
from rvernet_book.page import Page
from rvernet_book.photo_grid import grid_size, overlay, photo_grid
from rvernet_book.tables import interval
from rvernet_core.experiments import data_and_masks
from rvernet_core.experiments.data_and_masks import SamMasks

PER_ROW = 6  # photos in a line


def banner(page: Page) -> html.Html:
    """Which data set, and whose masks."""
    data = page.study.profile.data
    return page.banner(f"Data set: {data.name}. Masks for training and testing: {data.masks}.")


def masked_photos(page: Page, groups: list[list[int]]) -> Bundle:
    """Test photos with several foods, each with its masks below; `groups` are the samples of each photo."""
    test = page.study.data.test
    photos = [test.photo(group[0]) for group in groups]
    masked = [overlay(p, [test.mask(i) for i in group]) for p, group in zip(photos, groups, strict=True)]
    foods = [", ".join(test.samples[i].class_name for i in group) for group in groups]
    lines = [row[k : k + PER_ROW] for k in range(0, len(photos), PER_ROW) for row in (photos, masked)]
    return page.figure(
        "photos",
        lambda ax: photo_grid(ax, lines),
        pd.DataFrame({"photo": [test.samples[g[0]].image_id for g in groups], "foods": foods}),
        alt=alt.of_photos([foods], what="test photos with several foods, each with its masks below"),
        caption="Test photos, and below each the exact masks of its foods.",
        size=grid_size(len(lines), PER_ROW),
        quality=80,
    )


def split_table(page: Page, splits: pd.DataFrame) -> Bundle:
    """The two splits."""
    least = page.study.profile.data.min_area
    return page.table(
        "splits",
        splits,
        caption=f"The two splits. An ROI smaller than {least:.2%} of its photo is left out and counted as small.",
        labels={"full_frame": "ROI fills the photo"},
    )


def class_table(page: Page, classes: pd.DataFrame) -> Bundle:
    """Samples and ROI area of each class."""
    return page.table(
        "classes",
        classes,
        caption="Samples per class, and the mean share of the photo that the ROI takes.",
        formats={"mean ROI area, test": "{:.1%}"},
    )


def glue_facts(page: Page, facts: dict[str, float]) -> None:
    """The sizes of the data set, for the prose."""
    formats = {"classes": "{}", "train": "{:,}", "test": "{:,}", "per-photo": "{:.1f}"}
    for name, value in facts.items():
        page.glue(name, value, formats[name])


def quality_table(page: Page, masks: SamMasks, quality: pd.DataFrame) -> Bundle:
    """Mean IoU by prompt; the IoU of every ROI is attached to the page."""
    page.attach("sam-iou", masks.overlap.round(4))
    return page.table(
        "sam-iou",
        quality,
        caption=f"Masks by Segment Anything ({masks.net}) against the exact masks of test photos it has never "
        "seen, with 95 % intervals over photos; the smallest change of the mean that these photos show with a power "
        "of 80 %.",
        intervals=["mean IoU"],
        formats={"IoU above 0.5": "{:.1%}"},
        best={"mean IoU": "max"},
    )


def effort_table(page: Page, effort: pd.DataFrame) -> Bundle:
    """Clicks for an ROI: prompts against polygons."""
    clicks = effort.set_index("way")["clicks"]
    prompts = clicks[clicks.index.str.startswith("Segment Anything")]
    page.glue("clicks-box", prompts.max(), "{:.0f}")
    page.glue("clicks-polygon", clicks["polygon as good as the box's mask"], "{:.1f}")
    return page.table(
        "annotation-effort",
        effort,
        caption="Clicks that an ROI takes, and the IoU of what comes of them with the exact mask; 95 % intervals over "
        "photos.",
        intervals=["clicks", "IoU"],
        formats={"clicks": "{:.1f}"},
    )


def iou_chart(page: Page, means: pd.DataFrame) -> Bundle:
    """Mean IoU by food and prompt."""
    rows = means.reset_index().melt("class", var_name="prompt", value_name="iou")
    columns: dict[str, Any] = {"label": "class", "value": "iou", "series": "prompt"}
    return page.figure(
        "sam-iou-by-food",
        lambda ax: charts.dots(ax, rows, **columns, xlabel="mean IoU with the exact mask"),
        rows,
        alt=alt.of_dots(rows, what="mean IoU of Segment Anything's masks by food and prompt", **columns),
        caption="Mean IoU by food and prompt.",
        size=(7.4, 0.3 * len(means) + 0.9),
    )


def answer(page: Page, quality: pd.DataFrame, means: pd.DataFrame) -> html.Html:
    """How near the masks come, and on which foods."""
    intervals = {
        row["prompt"]: interval(row["mean IoU"], row["mean IoU_low"], row["mean IoU_high"])
        for row in quality.to_dict("records")
    }
    for prompt, text in intervals.items():
        page.glue(f"iou-{prompt}", text)
    page.glue("hardest", style.label(str(means["box"].idxmin())))
    page.glue("hardest-iou", means["box"].min(), "{:.2f}")
    page.glue("easiest", style.label(str(means["box"].idxmax())))
    sam = page.study.profile.sam
    return page.headline(
        f"Segment Anything ({sam}) finds the food in a box with a mean IoU of {intervals['box']}."
    )


def mask_photos(page: Page, masks: SamMasks, samples: list[int]) -> Bundle:
    """Exact masks, and Segment Anything's from a box and from a point, outlined on the photos."""
    exact, by_prompt = masks.exact, masks.by_prompt
    overlap = masks.overlap.set_index(["prompt", "sample"])["iou"]
    keys = [exact.samples[i].key for i in samples]
    photos = [[exact.photo(i) for i in samples]] * (1 + len(by_prompt))
    outlines = [[split.mask(i) for i in samples] for split in (exact, *by_prompt.values())]
    titles = [
        [exact.samples[i].class_name for i in samples],
        *[[f"IoU {overlap[prompt, key]:.2f}" for key in keys] for prompt in by_prompt],
    ]
    return page.figure(
        "sam-masks",
        lambda ax: photo_grid(
            ax, photos, outlines=outlines, titles=titles, row_labels=["exact", "SAM, box", "SAM, point"]
        ),
        masks.overlap.loc[masks.overlap["sample"].isin(keys)],
        alt=alt.of_photos(
            titles,
            what="exact masks and Segment Anything's masks with a box and with a point, from the worst to the best",
        ),
        caption="From the worst mask (left) to the best (right), ranked by the IoU with one point: exact mask, "
        "with a box, with a point.",
        size=grid_size(len(photos), len(samples), title_lines=1, labels=0.9),
        quality=80,
    )


def cutout_photos(page: Page, samples: list[int]) -> Bundle:
    """Photos, and their two cut-outs as the nets get them."""
    test = page.study.data.test
    roi, extra_roi = data_and_masks.nets_input(page.study, samples)
    names = [test.samples[i].class_name for i in samples]
    lines = [[test.photo(i) for i in samples], list(roi), list(extra_roi)]
    titles = [[""] * len(samples), [""] * len(samples), names]
    return page.figure(
        "cut-outs",
        lambda ax: photo_grid(
            ax, lines, titles=titles, row_labels=["photo", "ROI", "extra-ROI"], title_lines=0
        ),
        pd.DataFrame({"sample": [test.samples[i].key for i in samples], "class": names}),
        alt=alt.of_photos([names], what="photo, ROI cut-out and extra-ROI cut-out"),
        caption=f"Photos, and the complementary cut-outs at the nets' input size of {roi.shape[1]} px.",
        size=grid_size(3, len(samples), labels=0.8),
        quality=80,
    )
