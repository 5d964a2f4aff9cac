"""Page 1, shown: what is drawn, written and glued agrees with the data."""

import numpy as np
import pandas as pd
import pytest
from small_photos import make_study

from rvernet_book.page import Page
from rvernet_book.pages import data_and_masks as show
from rvernet_book.photo_grid import overlay, photo_grid
from rvernet_core.experiments import data_and_masks
from rvernet_core.experiments.data_and_masks import SamMasks
from rvernet_core.models.backbones import input_size

QUALITY = pd.DataFrame(
    {
        "prompt": ["box", "point"],
        "mean IoU": [0.8, 0.5],
        "mean IoU_low": [0.7, 0.4],
        "mean IoU_high": [0.9, 0.6],
        "median IoU": [0.85, 0.45],
        "IoU above 0.5": [0.95, 0.5],
        "ROIs": [3, 3],
    }
)
MEANS = pd.DataFrame(
    {"box": [0.9, 0.3], "point": [0.6, 0.2]}, index=pd.Index(["egg", "rice"], name="class")
).rename_axis(columns="prompt")


@pytest.fixture
def page(tmp_path, cutouts):
    return Page("01-data-and-masks", make_study(cutouts=cutouts), tmp_path)


@pytest.fixture
def drawn(monkeypatch):
    """The arguments of each call of `photo_grid`: (rows, options), once for each variant."""
    calls = []
    monkeypatch.setattr(
        show, "photo_grid", lambda ax, rows, **o: calls.append((rows, o)) or photo_grid(ax, rows, **o)
    )
    return calls


def same(images, expected):
    """Whether two lists hold equal arrays in one order."""
    return all(map(np.array_equal, images, expected)) and len(images) == len(expected)


@pytest.fixture
def masks(page):
    """Exact masks from a box, shifted ones from a point, with made-up IoU."""
    exact = page.study.data.test
    overlap = pd.DataFrame(
        {
            "class": [s.class_name for s in exact.samples] * 2,
            "prompt": ["box"] * 4 + ["point"] * 4,
            "iou": [1.0] * 4 + [0.71234, 0.1, 0.6, 0.2],
            "sample": [s.key for s in exact.samples] * 2,
        }
    )
    shifted = exact.with_masks(lambda i: np.roll(exact.mask(i), 1, axis=1), "shifted")
    return SamMasks("toy", exact, {"box": exact, "point": shifted}, overlap)


def test_the_banner_names_the_data_and_whose_masks(page):
    assert "Data set: plates. Masks for training and testing: exact." in repr(show.banner(page))


def test_every_photo_is_drawn_with_its_foods(page, drawn):
    bundle = show.masked_photos(page, data_and_masks.crowded(page.study.data.test))
    data = pd.read_csv(bundle.paths["csv"])
    assert list(data["photo"]) == ["two", "one", "three"]
    assert data["foods"][0] == "egg, rice"
    assert "Row 1: egg, rice, rice, egg." in bundle.alt
    (photos, tinted), _ = drawn[0]
    test = page.study.data.test
    assert same(photos, [test.photo(1), test.photo(0), test.photo(3)])
    assert same(tinted[:1], [overlay(test.photo(1), [test.mask(1), test.mask(2)])])
    assert len(tinted) == 3


def test_photos_are_drawn_in_lines_of_six_each_above_its_masks(page, drawn):
    show.masked_photos(page, [[0]] * 8)
    assert [len(row) for row in drawn[0][0]] == [6, 6, 2, 2]


def test_the_split_and_class_tables_say_what_was_left_out(page):
    splits = show.split_table(page, data_and_masks.splits(page.study))
    assert "smaller than 0.10% of its photo" in repr(splits)
    assert "ROI fills the photo" in splits._repr_html_()
    classes = show.class_table(page, data_and_masks.classes(page.study))
    assert "10.7%" in classes._repr_html_()  # (64 + 100) / 2 of 768 pixels
    assert "nan" not in classes._repr_html_()


def test_the_facts_are_glued(page):
    show.glue_facts(page, {"classes": 24, "train": 12345, "test": 4, "per-photo": 4 / 3})
    assert page.numbers == {"classes": "24", "train": "12,345", "test": "4", "per-photo": "1.3"}


def test_the_quality_table_comes_with_the_iou_of_every_roi(page, masks, tmp_path):
    bundle = show.quality_table(page, masks, QUALITY)
    assert "Segment Anything (toy)" in repr(bundle)
    assert "95.0%" in bundle._repr_html_()
    assert "<strong>0.800</strong>" in bundle._repr_html_()
    attached = pd.read_csv(tmp_path / "01-data-and-masks.sam-iou.csv.xz")
    assert len(attached) == 8
    assert attached["iou"][4] == 0.7123


def test_the_effort_is_shown_and_its_clicks_are_glued(page):
    ways = ["Segment Anything, box", "Segment Anything, point", "polygon as good as the box's mask"]
    effort = pd.DataFrame({"way": ways, "clicks": [2.0, 1.0, 14.25], "IoU": 0.9, "ROIs": 4})
    for what in ("clicks", "IoU"):
        effort[f"{what}_low"], effort[f"{what}_high"] = effort[what] - 0.1, effort[what] + 0.1
    assert "14.2" in show.effort_table(page, effort)._repr_html_()
    assert (page.numbers["clicks-box"], page.numbers["clicks-polygon"]) == ("2", "14.2")


def test_the_chart_says_every_mean_that_it_draws(page):
    bundle = show.iou_chart(page, MEANS)
    data = pd.read_csv(bundle.paths["csv"])
    assert len(data) == MEANS.size
    for row in data.to_dict("records"):
        assert f"{row['class']}, {row['prompt']} {row['iou']:.3f}" in bundle.alt


def test_the_answer_is_the_iou_with_a_box(page):
    show.answer(page, QUALITY, MEANS)
    assert page.numbers == {
        "iou-box": "0.800 [0.700, 0.900]",
        "iou-point": "0.500 [0.400, 0.600]",
        "hardest": "rice",
        "hardest-iou": "0.30",
        "easiest": "egg",
    }
    assert page.headlines == [
        "Segment Anything (micro) finds the food in a box with a mean IoU of 0.800 [0.700, 0.900]."
    ]


def test_masks_are_shown_with_their_iou(page, masks, drawn):
    bundle = show.mask_photos(page, masks, [1, 0])
    assert "Row 1: egg, rice. Row 2: IoU 1.00, IoU 1.00. Row 3: IoU 0.10, IoU 0.71." in bundle.alt
    data = pd.read_csv(bundle.paths["csv"])
    assert set(data["sample"]) == {"egg/two", "rice/one"}
    assert len(data) == 4
    outlines = drawn[0][1]["outlines"]
    assert same(outlines[0], [masks.exact.mask(1), masks.exact.mask(0)])
    assert same(outlines[2], [masks.by_prompt["point"].mask(1), masks.by_prompt["point"].mask(0)])
    assert not same(outlines[0], outlines[2])


def test_cutouts_are_shown_at_the_nets_input_size(page, drawn, cutouts):
    bundle = show.cutout_photos(page, [0, 1])
    assert list(pd.read_csv(bundle.paths["csv"])["class"]) == ["rice", "egg"]
    assert "Row 1: rice, egg." in bundle.alt
    assert f"input size of {input_size('micro')} px" in repr(bundle)
    photos, roi, extra_roi = drawn[0][0]
    assert same(photos, [page.study.data.test.photo(i) for i in (0, 1)])
    assert same(roi, list(cutouts.images("roi", np.array([0, 1]))))
    assert same(extra_roi, list(cutouts.images("extra_roi", np.array([0, 1]))))
