"""One photo through the whole idea: masks and cut-outs as files, and what a run says of them."""

import numpy as np
import pytest
from PIL import Image

from rvernet_core import runs
from rvernet_core.config import DataSpec, ModelSpec, PlatesSpec, RunSpec, TrainSpec
from rvernet_core.data import photos as images
from rvernet_core.errors import DataError, PromptError
from rvernet_core.evaluation import photo
from rvernet_core.masking.prompts import box_of, iou
from rvernet_core.masking.sam import load_sam

DATA = DataSpec(train_scenes=14, test_scenes=10, plates=PlatesSpec(size=64))


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def sample(cache, tmp_path_factory):
    """A rendered test photo as a PNG, with one ROI of it: (photo's path, mask's path, index)."""
    split, folder = runs.data_of(DATA, cache).test, tmp_path_factory.mktemp("photo")
    i = int(np.argmax([sample.area for sample in split.samples]))
    Image.fromarray(split.photo(i)).save(folder / "plate.png")
    Image.fromarray(split.mask(i).astype(np.uint8) * 255).save(folder / "mask.png")
    return folder / "plate.png", folder / "mask.png", i


@pytest.fixture(scope="module")
def masker():
    return load_sam("micro")


def test_a_box_gives_a_mask_and_two_cutouts_that_rebuild_the_photo(sample, masker, tmp_path):
    path, mask, _ = sample
    exact = images.read_mask(mask) > 0
    made = photo.mask_photo(path, tmp_path, masker, boxes=[box_of(exact)])
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"plate-1.{part}.png" for part in ("extra-roi", "mask", "roi")
    ]
    found = images.read_mask(tmp_path / "plate-1.mask.png") > 0
    assert iou(found, exact) > 0.7
    assert made.loc[0, "area"] == pytest.approx(found.mean())
    cutouts = [images.read_photo(tmp_path / f"plate-1.{part}.png") for part in ("roi", "extra-roi")]
    assert (sum(c.astype(int) for c in cutouts) == images.read_photo(path)).all()


def test_boxes_and_points_give_one_mask_each_and_no_prompt_gives_all_that_is_found(sample, masker, tmp_path):
    path, mask, _ = sample
    box = box_of(images.read_mask(mask) > 0)
    prompted = photo.mask_photo(path, tmp_path / "a", masker, boxes=[box, box], points=[[30, 30]])
    assert list(prompted["prompt"]) == ["box", "box", "point"]
    found = photo.mask_photo(path, tmp_path / "b", masker)
    assert len(list((tmp_path / "b").glob("*.mask.png"))) == len(found) >= 1
    assert set(found["prompt"]) == {"automatic"}


def test_fault_39_a_prompt_outside_the_photo_leaves_no_files(sample, masker, tmp_path):
    with pytest.raises(PromptError, match="64 x 64"):
        photo.mask_photo(sample[0], tmp_path, masker, boxes=[[0, 0, 65, 10]])
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("model", [ModelSpec(roi="mobilenetv2"), ModelSpec("mobilenetv2", "mobilenetv2")])
def test_a_run_says_of_a_photo_what_it_said_of_the_same_test_sample(cache, sample, model):
    run = runs.load_or_train(RunSpec(DATA, model, TrainSpec(epochs=1, lr=1e-3), seed=0), cache)
    path, mask, i = sample
    classes = runs.data_of(DATA, cache).classes
    shares = photo.chances(run, classes, photo.cut_photo(path, mask))
    assert shares.sum() == pytest.approx(1, abs=1e-5)
    assert shares.is_monotonic_decreasing
    row = run.predictions.iloc[i]
    assert shares.index[0] == classes[row["predicted"]]
    assert shares.iloc[0] == pytest.approx(row["confidence"], abs=1e-3)


def test_fault_22_and_25_a_mask_of_another_size_and_an_empty_one_are_refused(sample, tmp_path):
    for size, message in (((32, 64), "one size"), ((64, 64), "is empty")):
        Image.new("L", size).save(tmp_path / "mask.png")
        with pytest.raises(DataError, match=message):
            photo.cut_photo(sample[0], tmp_path / "mask.png")
