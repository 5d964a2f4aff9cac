"""One photo through the whole idea: masks and cut-outs as files, and how a run classifies them."""

from dataclasses import replace

import numpy as np
import pytest
import released_code
import torch
from PIL import Image

from rvernet_core.config import DataSpec, ModelSpec, PlatesSpec, RunSpec, TrainSpec
from rvernet_core.data import photos as images
from rvernet_core.data.names import class_name_of
from rvernet_core.data.release import class_names
from rvernet_core.errors import DataError, PromptError
from rvernet_core.evaluation import own_photo as photo
from rvernet_core.masking import load_sam
from rvernet_core.masking.prompts import box_of, iou
from rvernet_core.models.released import load_released
from rvernet_core.runs import RunStore

DATA = DataSpec(train_scenes=14, test_scenes=10, plates=PlatesSpec(size=64))


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return RunStore(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="module")
def sample(store, tmp_path_factory):
    """A square test photo of 64 px as a PNG, with its largest ROI: (photo's path, mask's path, index)."""
    split, folder = store.data(DATA).test, tmp_path_factory.mktemp("photo")
    square = [i for i in range(len(split)) if split.photo(i).shape == (64, 64, 3)]
    i = max(square, key=lambda i: split.samples[i].area)
    Image.fromarray(split.photo(i)).save(folder / "plate.png")
    Image.fromarray(split.mask(i).astype(np.uint8) * 255).save(folder / "mask.png")
    return folder / "plate.png", folder / "mask.png", i


@pytest.fixture(scope="module")
def masker():
    return load_sam("micro")


def test_a_box_gives_a_mask_and_two_cutouts_that_rebuild_the_photo(sample, masker, tmp_path):
    path, mask, _ = sample
    exact = images.read_mask(mask) > 0
    table = photo.mask_photo(path, tmp_path, masker, boxes=[box_of(exact)])
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        f"plate-1.{part}.png" for part in ("extra-roi", "mask", "roi")
    ]
    segmented = images.read_mask(tmp_path / "plate-1.mask.png") > 0
    assert iou(segmented, exact) > 0.7
    assert table.loc[0, "area"] == pytest.approx(segmented.mean())
    cutouts = [images.read_photo(tmp_path / f"plate-1.{part}.png") for part in ("roi", "extra-roi")]
    assert (sum(c.astype(int) for c in cutouts) == images.read_photo(path)).all()


def test_boxes_and_points_give_one_mask_each_and_without_prompts_all_is_segmented(sample, masker, tmp_path):
    path, mask, _ = sample
    box = box_of(images.read_mask(mask) > 0)
    prompted = photo.mask_photo(path, tmp_path / "a", masker, boxes=[box, box], points=[[30, 30]])
    assert list(prompted["prompt"]) == ["box", "box", "point"]
    automatic = photo.mask_photo(path, tmp_path / "b", masker)
    assert len(list((tmp_path / "b").glob("*.mask.png"))) == len(automatic) >= 1
    assert set(automatic["prompt"]) == {"automatic"}


@pytest.mark.parametrize(
    "prompts",
    [
        {"boxes": [[0, 0, 65, 10]]},
        {"boxes": [[0, 0, 9, 9]], "points": [[64, 3]]},
        {"boxes": [[30, 30, 20, 20]]},
        {"points": [[float("nan"), 3]]},
        {"boxes": None},
    ],
)
def test_fault_39_a_wrong_prompt_is_told_before_the_photo_is_encoded_and_leaves_no_files(
    sample, masker, tmp_path, monkeypatch, prompts
):
    monkeypatch.setattr(masker, "encode", None)
    with pytest.raises(PromptError, match=r"64 x 64|expected \(N, 4\)"):
        photo.mask_photo(sample[0], tmp_path, masker, **prompts)
    assert not list(tmp_path.iterdir())


def test_fault_38_prompts_and_masks_are_in_pixels_of_a_huge_photo_though_it_is_read_smaller(
    sample, masker, tmp_path, monkeypatch
):
    path, mask, _ = sample
    huge = tmp_path / "huge.jpg"
    with Image.open(path) as plate:
        plate.resize((128, 128), Image.Resampling.BICUBIC).save(huge, quality=95)
    exact = (images.read_mask(mask) > 0).repeat(2, 0).repeat(2, 1)
    box = box_of(exact)
    monkeypatch.setattr(images, "MAX_BYTES", 64 * 64 * 8)
    corners = [[0, 0, 128, 128], box]
    table = photo.mask_photo(
        huge, tmp_path, masker, boxes=corners, points=[[127, 127], (box[:2] + box[2:]) / 2]
    )
    assert len(table) == 4
    assert images.read_photo(tmp_path / "huge-2.roi.png").shape == (64, 64, 3)
    monkeypatch.undo()
    segmented = images.read_mask(tmp_path / "huge-2.mask.png") > 0
    assert segmented.shape == (128, 128)
    assert iou(segmented, exact) > 0.6
    assert photo.cut_photo(huge, tmp_path / "huge-2.mask.png")["roi"].shape == (128, 128, 3)


TEACHER = RunSpec(DATA, ModelSpec(roi="mobilenetv2"), TrainSpec(epochs=1, lr=1e-3))
SPECS = [
    TEACHER,
    replace(TEACHER, model=ModelSpec("mobilenetv2", "mobilenetv2")),
    replace(TEACHER, model=ModelSpec(None, "mobilenetv2")),
    replace(
        TEACHER,
        model=ModelSpec(roi="deit-distilled"),
        train=TrainSpec(epochs=1, lr=1e-3, distillation="hard", strength=0.5),
        teacher=TEACHER,
    ),
]


@pytest.mark.parametrize("spec", SPECS, ids=["single", "pair", "context", "distilled"])
def test_a_photo_is_classified_as_the_same_test_sample_was(store, sample, spec):
    run = store.load_or_train(spec)
    path, mask, i = sample
    classes = store.data(DATA).classes
    answer = photo.probabilities(run.model(), classes, photo.cut_photo(path, mask))
    assert answer.sum() == pytest.approx(1, abs=1e-5)
    assert answer.is_monotonic_decreasing
    row = run.predictions.table.iloc[i]
    assert answer.index[0] == classes[row["predicted"]]
    assert answer.iloc[0] == pytest.approx(row["confidence"], abs=1e-3)


def test_a_released_checkpoint_classifies_a_photo_as_the_released_code_does(sample, tmp_path):
    """Cut out, letterboxed to the size it was trained with, in [0, 1]; names in the release's order."""
    path, mask, _ = sample
    theirs = released_code.rvernet(released_code.deit(), released_code.mobilenetv2(), classes=105)
    model = load_released(theirs.save(tmp_path / "net.pth"))
    cutouts = photo.cut_photo(path, mask)
    answer = photo.probabilities(model, class_names(model.classes), cutouts)
    pictures = [torch.from_numpy(cutouts[b]).permute(2, 0, 1)[None] / 255 for b in ("roi", "extra_roi")]
    with torch.inference_mode():
        log_probabilities = theirs.answer(*pictures)[0]
    top = int(log_probabilities.argmax())
    assert class_name_of(list(released_code.LABELS)[top]) == answer.index[0]
    assert answer.iloc[0] == pytest.approx(float(log_probabilities[top].exp()), abs=1e-5)


def test_fault_22_a_mask_of_another_size_is_refused(sample, tmp_path):
    Image.new("L", (32, 64), 1).save(tmp_path / "mask.png")
    with pytest.raises(DataError, match="one size"):
        photo.cut_photo(sample[0], tmp_path / "mask.png")


def test_fault_25_an_empty_mask_is_refused_and_any_value_but_0_is_inside(sample, tmp_path):
    Image.new("L", (64, 64)).save(tmp_path / "mask.tif")
    with pytest.raises(DataError, match="is empty"):
        photo.cut_photo(sample[0], tmp_path / "mask.tif")
    Image.fromarray(np.full((64, 64), -1, np.int32)).save(tmp_path / "mask.tif")  # 2^32 - 1 in other readers
    assert photo.cut_photo(sample[0], tmp_path / "mask.tif")["extra_roi"].max() == 0
