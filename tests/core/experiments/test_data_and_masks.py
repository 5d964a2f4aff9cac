"""Page 1: what is counted, and how Segment Anything's masks are scored, on photos with known masks."""

import numpy as np
import pandas as pd
import pytest
from small_photos import CLASSES, HEIGHT, WIDTH, make_split, make_study

from rvernet_core.experiments import data_and_masks as page

OVERLAP = pd.DataFrame(
    {
        "class": ["rice", "egg", "soup"] * 2,
        "prompt": ["box"] * 3 + ["point"] * 3,
        "iou": [0.4, 0.9, 0.8, 0.7, 0.1, 0.3],
        "sample": ["rice/a", "egg/a", "soup/b"] * 2,
        "photo": ["a", "a", "b"] * 2,
    }
)


class Boxes:
    """A masker that fills each box, and answers a point with its pixel."""

    name, fingerprint = "toy", "toy-1"

    def encode(self, photo):
        assert photo.shape == (HEIGHT, WIDTH, 3)

    def boxes(self, boxes):
        masks = np.zeros((len(boxes), HEIGHT, WIDTH), bool)
        for mask, (x0, y0, x1, y1) in zip(masks, boxes.astype(int), strict=True):
            mask[y0:y1, x0:x1] = True
        return masks, np.ones(len(boxes))

    def points(self, points):
        return self.boxes(np.concatenate([points, points + 1], axis=1))


@pytest.fixture
def masks(tmp_path, monkeypatch):
    """The masks of the toy masker on the first two photos."""

    def load_sam(name, *, device, cache):
        assert (name, device, cache) == ("micro", "cpu", tmp_path)  # a published net is fetched to the cache
        return Boxes()

    monkeypatch.setattr(page, "load_sam", load_sam)
    return page.sam_against_exact(make_study(tmp_path, sam_photos=2))


def test_the_page_needs_no_runs():
    assert page.needs(make_study()) == {}


def test_samples_are_grouped_by_photo_and_crowded_photos_come_first():
    split = make_split()
    assert page.photos(split) == [[0], [1, 2], [3]]
    assert page.crowded(split) == [[1, 2], [0], [3]]
    assert page.crowded(split, 1) == [[1, 2]]


def test_more_than_four_foods_do_not_put_a_photo_further_in_front(monkeypatch):
    monkeypatch.setattr(page, "photos", lambda split: [[0], [1] * 4, [2] * 6, [3] * 5])
    assert page.crowded(make_split(), 3) == [[1] * 4, [2] * 6, [3] * 5]


def test_both_splits_are_counted_with_what_was_left_out():
    table = page.splits(make_study()).set_index("split")
    assert list(table.index) == ["train", "test"]
    assert table.loc["test", ["photos", "samples", "classes", "small"]].tolist() == [3, 4, 2, 1]


def test_a_class_without_test_samples_has_no_area():
    table = page.classes(make_study()).set_index("class")
    assert list(table.index) == list(CLASSES)
    assert table.loc["rice", ["train", "test"]].tolist() == [2, 2]
    assert table.loc["rice", "mean ROI area, test"] == pytest.approx((64 + 100) / 2 / (WIDTH * HEIGHT))
    assert table.loc["soup", "test"] == 0
    assert np.isnan(table.loc["soup", "mean ROI area, test"])


def test_the_facts_count_classes_samples_and_samples_per_photo():
    assert page.facts(make_study()) == {"classes": 3, "train": 4, "test": 4, "per-photo": 4 / 3}


def test_only_the_first_photos_are_masked_and_each_roi_is_scored_for_both_prompts(masks):
    assert [s.key for s in masks.exact.samples] == ["rice/one", "egg/two", "rice/two"]
    scores = masks.overlap.set_index(["prompt", "sample"])["iou"]
    assert list(scores["box"]) == [1, 1, 1]  # the ROIs are rectangles
    assert scores["point"].to_dict() == pytest.approx(
        {"rice/one": 1 / 64, "egg/two": 1 / (16 * 12), "rice/two": 1 / 100}
    )
    assert masks.by_prompt["point"].mask(0).sum() == 1
    assert masks.net == "micro"


def test_the_quality_is_summed_up_by_prompt_with_an_interval():
    table = page.mask_quality(OVERLAP).set_index("prompt")
    assert table.loc["box", "mean IoU"] == pytest.approx(0.7)
    assert table.loc["box", "median IoU"] == pytest.approx(0.8)
    assert table.loc["box", "IoU above 0.5"] == pytest.approx(2 / 3)
    assert table.loc["point", "IoU above 0.5"] == pytest.approx(1 / 3)
    assert (table["ROIs"] == 3).all()
    assert ((table["mean IoU_low"] < table["mean IoU"]) & (table["mean IoU"] < table["mean IoU_high"])).all()
    assert (table["photos"] == 2).all()
    assert (table["smallest"] > 0).all()


def test_rois_of_one_photo_count_as_one():
    rng = np.random.default_rng(0)
    iou = np.repeat(rng.uniform(0.4, 0.9, 50), 4)  # the four ROIs of a photo have the same IoU
    frame = pd.DataFrame({"prompt": "box", "iou": iou, "photo": np.repeat(np.arange(50), 4)})
    together, alone = (page.mask_quality(f).iloc[0] for f in (frame, frame.assign(photo=np.arange(200))))
    width = [row["mean IoU_high"] - row["mean IoU_low"] for row in (together, alone)]
    assert width[0] > 1.9 * width[1]


def test_effort_counts_clicks_of_prompts_and_vertices_of_polygons(masks):
    effort = page.annotation_effort(masks).set_index("way")
    assert effort.loc["Segment Anything, box", "clicks"] == 2
    assert effort.loc["Segment Anything, point", "clicks"] == 1
    polygon = effort.loc["polygon as good as the box's mask"]
    assert (polygon["clicks"], polygon["IoU"]) == (4, 1)  # the ROIs are rectangles
    assert effort.loc["polygon with an IoU of 0.9", "IoU"] >= 0.9
    assert (effort["ROIs"] == 3).all()


def test_foods_are_ordered_by_the_mean_iou_with_a_box():
    means = page.iou_by_food(pd.concat([OVERLAP, OVERLAP.assign(iou=OVERLAP["iou"] / 2)]))
    assert list(means.index) == ["egg", "soup", "rice"]
    assert means.loc["egg", "box"] == pytest.approx(0.675)
    assert means.loc["rice", "point"] == pytest.approx(0.525)


def test_masks_are_shown_from_the_worst_to_the_best_point():
    ious = np.random.default_rng(0).permutation(101) / 100
    count = len(ious)
    overlap = pd.DataFrame({"prompt": ["box"] * count + ["point"] * count, "iou": [*ious[::-1], *ious]})
    samples = page.worst_to_best(page.SamMasks("toy", make_split(), {}, overlap))
    assert [ious[i] for i in samples] == list(page.QUANTILES)


def test_the_nets_input_is_both_branches_of_the_same_samples(cutouts):
    roi, extra_roi = page.nets_input(make_study(cutouts=cutouts), [5, 0])
    assert np.array_equal(roi, cutouts.images("roi", np.array([5, 0])))
    assert np.array_equal(extra_roi, cutouts.images("extra_roi", np.array([5, 0])))
    assert not np.array_equal(roi, extra_roi)
