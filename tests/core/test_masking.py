"""Segment Anything: prompts in, masks out; one encoding per photo; masks kept on disk."""

import numpy as np
import pytest
import torch
from damage import damage
from malicious import malicious_checkpoint

from rvernet_core import downloads
from rvernet_core.data import DataReport, FoodSplit, RoiSample
from rvernet_core.data.samples import MaskedSource
from rvernet_core.errors import CheckpointError, ConfigError, DataError, PromptError
from rvernet_core.masking import (
    Masker,
    box_of,
    interior_point,
    iou,
    kept,
    load_sam,
    nets,
    sam,
    sam_masks,
)
from rvernet_core.masking.nets import build_micro


@pytest.fixture(scope="module")
def masker():
    return load_sam("micro")


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


def photo(height=96, width=160, seed=0):
    """A plain table with a bright disc and a dark square on it."""
    rng = np.random.default_rng(seed)
    image = np.full((height, width, 3), 180, np.uint8)
    rows, columns = np.mgrid[:height, :width]
    image[(rows - height // 2) ** 2 + (columns - width // 4) ** 2 < (height // 4) ** 2] = (210, 40, 30)
    image[height // 3 : 2 * height // 3, width // 2 : 3 * width // 4] = (60, 140, 50)
    return np.clip(image + rng.normal(0, 4, image.shape), 0, 255).astype(np.uint8)


BOXES = np.array([[15, 20, 66, 74], [78, 30, 122, 66], [0, 0, 160, 96]], np.float32)


@pytest.fixture
def encodings(masker, monkeypatch):
    """A list that grows by one with each run of the image encoder."""
    calls = []
    handle = masker.model.image_encoder.register_forward_hook(lambda *_: calls.append(1))
    yield calls
    handle.remove()


# --- the net --------------------------------------------------------------------------------------


def test_micro_is_made_of_the_real_classes(masker):
    from segment_anything.modeling import ImageEncoderViT, MaskDecoder, PromptEncoder, Sam

    model = masker.model
    assert type(model) is Sam
    assert type(model.image_encoder) is ImageEncoderViT
    assert type(model.prompt_encoder) is PromptEncoder
    assert type(model.mask_decoder) is MaskDecoder
    assert 1.0e6 < sum(p.numel() for p in model.parameters()) < 1.2e6
    assert masker.fingerprint.startswith("sam-micro-")


def test_unknown_name_lists_the_known_ones():
    with pytest.raises(ConfigError, match="vit_b, vit_l, vit_h"):
        load_sam("vit_x")


def test_a_net_to_fetch_needs_a_place():
    with pytest.raises(ConfigError, match="vit_h needs `cache`"):
        load_sam("vit_h")


def test_published_checkpoint_needs_the_published_hash(tmp_path):
    path = tmp_path / "sam_vit_b_01ec64.pth"
    torch.save({"a": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match=downloads.SAM["vit_b"].sha256):
        load_sam("vit_b", path)
    with pytest.raises(CheckpointError, match="does not exist"):
        load_sam("vit_b", tmp_path / "missing.pth")


@pytest.mark.parametrize("name", ["micro", "vit_b"])
@pytest.mark.parametrize("verify", [True, False])
def test_fault_30_a_malicious_checkpoint_is_refused(tmp_path, monkeypatch, name, verify):
    monkeypatch.setitem(nets.sam_model_registry, "vit_b", build_micro)
    path = malicious_checkpoint(tmp_path / "evil.pth", tmp_path / "ran", state=build_micro().state_dict())
    with pytest.raises(CheckpointError, match=r"evil\.pth"):
        load_sam(name, path, verify=verify)
    assert not (tmp_path / "ran").exists()


def test_own_weights_of_a_published_size(tmp_path, monkeypatch):
    monkeypatch.setitem(nets.sam_model_registry, "vit_b", build_micro)
    path = tmp_path / "mine.pth"
    torch.save(build_micro().state_dict(), path)
    loaded = load_sam("vit_b", path, verify=False)
    masks, scores = loaded.encode(photo()).boxes(BOXES)
    assert masks.shape == (3, 96, 160)
    assert scores.shape == (3,)
    torch.save({"a": torch.zeros(2)}, path)
    with pytest.raises(CheckpointError, match="does not hold the weights of vit_b"):
        load_sam("vit_b", path, verify=False)


# --- prompts --------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(96, 160), (160, 96), (128, 128), (40, 300), (1, 1), (2, 3000)])
def test_fault_27_masks_have_the_photos_size_whatever_its_shape(masker, size):
    height, width = size
    image = photo(*size)
    masks, scores = masker.encode(image).boxes([[0, 0, width, height]])
    assert masks.shape == (1, *size)
    assert masks.dtype == bool
    assert scores.shape == (1,)
    masks, scores = masker.points([[width // 2, height // 2]])
    assert masks.shape == (1, *size)
    assert np.isfinite(scores).all()


def test_prompts_together_equal_prompts_one_by_one(masker):
    masker.encode(photo())
    masks, scores = masker.boxes(BOXES)
    points = [[40, 48], [100, 48], [5, 5]]
    _, point_scores = masker.points(points)
    for i in range(3):
        one, score = masker.boxes(BOXES[i : i + 1])
        assert np.count_nonzero(one[0] != masks[i]) <= 2  # sums in another order may move a pixel
        np.testing.assert_allclose(score[0], scores[i], atol=1e-4)
        one, score = masker.points(points[i : i + 1])
        np.testing.assert_allclose(score[0], point_scores[i], atol=1e-4)


def test_large_photos_are_prompted_in_parts(masker, monkeypatch):
    masker.encode(photo())
    masks, scores = masker.boxes(BOXES)
    monkeypatch.setattr(sam, "_MAX_FLOATS", 96 * 160)
    parts, part_scores = masker.boxes(BOXES)
    assert np.count_nonzero(parts != masks) <= 6
    np.testing.assert_allclose(part_scores, scores, atol=1e-4)


def test_a_photo_is_encoded_once_for_all_its_prompts(masker, encodings):
    masker.encode(photo())
    masker.boxes(BOXES)
    masker.points([[40, 48], [100, 48]])
    masker.points([[[40, 48], [100, 48]]], [[1, 0]])
    assert len(encodings) == 1


def test_no_prompts_no_masks(masker):
    masker.encode(photo())
    for masks, scores in (masker.boxes(np.zeros((0, 4))), masker.boxes([]), masker.points([])):
        assert masks.shape == (0, 96, 160)
        assert scores.shape == (0,)


def test_a_background_point_takes_its_part_away(masker):
    masker.encode(photo())
    masks, _ = masker.points([[[40, 48], [100, 48]]], [[1, 0]])
    assert not masks[0, 48, 100]


def test_automatic_finds_both_objects_and_keeps_the_encoded_photo(masker, encodings):
    image = photo()
    masker.encode(image)
    before = masker.boxes(BOXES)[0]
    masks, scores = masker.automatic(image[:, ::-1].copy())
    assert len(encodings) == 2
    assert masks.shape[1:] == (96, 160)
    assert masks.dtype == bool
    assert (np.diff(scores) <= 0).all()
    assert (masker.boxes(BOXES)[0] == before).all()


def test_automatic_with_nothing_good_enough_is_empty(masker):
    masks, scores = masker.automatic(photo(), pred_iou_thresh=2.0)
    assert masks.shape == (0, 96, 160)
    assert scores.shape == (0,)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "box",
    [
        [10, 10, 170, 50],
        [-1, 10, 20, 50],
        [10, 10, 20, 97],
        [10, 10, 10, 50],
        [30, 10, 20, 50],
        [10, 10, np.nan, 50],
        [10, 10, np.inf, 50],
        [10, 10, 1e300, 50],
        [60, 40, 30, 20],  # a corner with width and height
    ],
)
def test_fault_39_box_outside_the_photo_or_without_area(masker, box):
    masker.encode(photo())
    with pytest.raises(PromptError, match="160 x 96"):
        masker.boxes([[0, 0, 10, 10], box])


def test_fault_39_a_box_that_is_not_finite_is_told_so(masker):
    with pytest.raises(PromptError, match="expected finite numbers"):
        masker.encode(photo()).boxes([[10, 10, np.nan, 50]])


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("point", [[160, 10], [10, 96], [-1, 5], [np.nan, 5], [5, np.inf], [5, -1e300]])
def test_fault_39_point_outside_the_photo(masker, point):
    masker.encode(photo())
    with pytest.raises(PromptError, match="160 x 96"):
        masker.points([[3, 3], point])


def test_malformed_prompts_are_refused(masker):
    masker.encode(photo())
    for boxes in (
        [1, 2, 3, 4],
        [[1, 2, 3]],
        "box",
        [["a", 1, 2, 3]],
        None,
        [[1, 2, 3, 10**400]],
        [[1], [2, 3]],
    ):
        with pytest.raises(PromptError):
            masker.boxes(boxes)
    for points in ([1, 2], [[1, 2, 3]], np.zeros((1, 0, 2)), "here"):
        with pytest.raises(PromptError):
            masker.points(points)
    for labels in ([2], [1, 1], [np.nan]):
        with pytest.raises(PromptError, match="labels"):
            masker.points([[3, 3]], labels)


def test_prompt_before_photo():
    with pytest.raises(PromptError, match="encode"):
        Masker(build_micro(), "micro", "fresh").boxes(BOXES)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((8, 8), np.uint8),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((8, 8, 3), np.float32),
        np.zeros((3, 8, 8), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        [[1, 2], [3, 4]],
        None,
    ],
)
def test_only_uint8_rgb_photos(masker, image):
    for use in (masker.encode, masker.automatic):
        with pytest.raises(DataError, match="uint8 RGB"):
            use(image)


# --- from masks to prompts ------------------------------------------------------------------------


def test_box_of_and_interior_point():
    mask = np.zeros((20, 30), bool)
    mask[4:9, 10:21] = True
    assert box_of(mask).tolist() == [10, 4, 21, 9]
    x, y = interior_point(mask)
    assert y == 6
    assert 12 <= x <= 18
    one = np.zeros((5, 5), bool)
    one[0, 4] = True
    assert box_of(one).tolist() == [4, 0, 5, 1]
    assert interior_point(one).tolist() == [4, 0]
    for make in (box_of, interior_point):
        with pytest.raises(DataError, match="empty"):
            make(np.zeros((3, 3), bool))


def test_interior_point_lies_inside_any_mask():
    rng = np.random.default_rng(0)
    for _ in range(50):
        mask = rng.random((rng.integers(1, 12), rng.integers(1, 12))) < 0.4
        if mask.any():
            x, y = interior_point(mask).astype(int)
            assert mask[y, x]
            masks = np.broadcast_to(mask, mask.shape)
            assert box_of(masks)[2] <= mask.shape[1]


def test_iou():
    a, b = np.zeros((4, 4), bool), np.zeros((4, 4), bool)
    assert iou(a, b) == 1.0
    a[:2], b[1:3] = True, True
    assert iou(a, b) == pytest.approx(1 / 3)
    with pytest.raises(DataError, match="shape"):
        iou(a, b[:2])


# --- a whole split --------------------------------------------------------------------------------


class Source(MaskedSource):
    """Two photos with a disc and a square on each; `ref` is (class, photo)."""

    fail_at = None

    def photo(self, ref):
        if ref[1] == self.fail_at:
            raise KeyboardInterrupt
        return photo(seed=ref[1])

    def mask(self, ref):
        mask = np.zeros((96, 160), bool)
        rows, columns = np.mgrid[:96, :160]
        if ref[0] == "disc":
            mask |= (rows - 48) ** 2 + (columns - 40) ** 2 < 24**2
        else:
            mask[32:64, 80:120] = True
        return mask

    def photo_key(self, ref):
        return ref[1]


@pytest.fixture
def source():
    return Source()


@pytest.fixture
def split(source):
    """Four samples, class by class: the samples of one photo are not neighbours."""
    classes = ("disc", "square")
    items = [
        (RoiSample(f"{name}/{i}", str(i), label, name, 0.1), source, (name, i))
        for label, name in enumerate(classes)
        for i in range(2)
    ]
    counts = dict.fromkeys(classes, 2)
    return FoodSplit("test", classes, items, "abc", DataReport("test", 2, counts, {}, {}))


@pytest.mark.parametrize("prompt", ["box", "point"])
def test_split_is_masked_once_and_kept(masker, split, tmp_path, encodings, prompt):
    masked = sam_masks(split, masker, prompt, cache=tmp_path)
    assert len(encodings) == 2  # one per photo, not one per sample
    assert masked.samples == split.samples
    assert masked.fingerprint != split.fingerprint
    again = sam_masks(split, masker, prompt, cache=tmp_path)
    assert len(encodings) == 2
    assert again.fingerprint == masked.fingerprint
    assert [p.name for p in tmp_path.glob("sam/*/*.zip")] == ["masks.zip"]
    for i in range(4):
        assert (masked.mask(i) == again.mask(i)).all()
        assert masked.mask(i).any()
        roi, extra_roi = masked.cutouts(i)
        assert (roi + extra_roi == masked.photo(i)).all()
    masker.encode(split.photo(0))
    if prompt == "box":
        direct, _ = masker.boxes([box_of(split.mask(0))])
    else:
        direct, _ = masker.points([interior_point(split.mask(0))])
    assert np.count_nonzero(direct[0] != masked.mask(0)) <= 2


def test_prompts_do_not_share_a_file(masker, split, tmp_path):
    names = {sam_masks(split, masker, prompt, cache=tmp_path).fingerprint for prompt in ("box", "point")}
    assert len(names) == 2
    with pytest.raises(ConfigError, match="box"):
        sam_masks(split, masker, "circle", cache=tmp_path)


def test_interrupted_masking_continues(masker, split, source, tmp_path, encodings, monkeypatch):
    monkeypatch.setattr(kept, "_SAVE_EVERY", -1.0)
    source.fail_at = 1
    with pytest.raises(KeyboardInterrupt):
        sam_masks(split, masker, "box", cache=tmp_path)
    assert len(encodings) == 1
    assert [p.name for p in tmp_path.glob("sam/*.part/*")] == ["000000"]
    source.fail_at = None
    masked = sam_masks(split, masker, "box", cache=tmp_path)
    assert len(encodings) == 2
    assert all(masked.mask(i).any() for i in range(4))
    assert not list(tmp_path.glob("sam/*.part"))


def test_masks_of_any_size_come_back_as_they_were(tmp_path):
    rng = np.random.default_rng(3)
    masks = {i: rng.random(rng.integers(1, 40, 2)) < p for i, p in enumerate((0, 0.02, 0.5, 0.98, 1))}
    kept._write(tmp_path / "m", {i: kept._png(mask) for i, mask in masks.items()})
    stored = kept._MaskFile(tmp_path / "m")
    for i, mask in masks.items():
        assert stored.mask(i).dtype == bool
        assert stored.mask(i).tobytes() == mask.tobytes()
    kept._write(tmp_path / "copy", stored.encoded())
    assert (kept._MaskFile(tmp_path / "copy").mask(3) == masks[3]).all()


@pytest.mark.parametrize("interrupted", [False, True])
def test_fault_66_damaged_masks_are_computed_again(
    masker, split, source, tmp_path, encodings, monkeypatch, caplog, interrupted
):
    first = [sam_masks(split, masker, "box", cache=tmp_path / "whole").mask(i) for i in range(4)]
    if interrupted:
        monkeypatch.setattr(kept, "_SAVE_EVERY", -1.0)
        source.fail_at = 1
        with pytest.raises(KeyboardInterrupt):
            sam_masks(split, masker, "box", cache=tmp_path)
        source.fail_at = None
    else:
        sam_masks(split, masker, "box", cache=tmp_path)
    (path,) = tmp_path.glob("sam/**/masks.zip")
    damage(path)
    encodings.clear()
    again = sam_masks(split, masker, "box", cache=tmp_path)
    assert len(encodings) == 2
    assert all((again.mask(i) == mask).all() for i, mask in enumerate(first))
    assert "(masks.zip has another hash" in caplog.messages[0]


def test_an_empty_mask_falls_back_to_its_prompt(masker, split, tmp_path, monkeypatch):
    def nothing(prompts):
        return np.zeros((len(prompts), 96, 160), bool), np.zeros(len(prompts), np.float32)

    monkeypatch.setattr(masker, "boxes", nothing)
    monkeypatch.setattr(masker, "points", nothing)
    boxed = sam_masks(split, masker, "box", cache=tmp_path)
    assert np.count_nonzero(boxed.mask(2)) == 32 * 40
    pointed = sam_masks(split, masker, "point", cache=tmp_path)
    assert np.count_nonzero(pointed.mask(2)) == 1
