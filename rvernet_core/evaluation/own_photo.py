"""One photo of your own: Segment Anything masks it, the mask cuts it, a trained run classifies the ROI.

sam = load_sam("vit_h", cache="_build/cache")
mask_photo("lunch.jpg", "out", sam, boxes=[(10, 12, 60, 70)])         ->  out/lunch-1.mask.png ...
cutouts = cut_photo("lunch.jpg", "out/lunch-1.mask.png")
probabilities(run.model(), classes, cutouts)                          ->  ketchup 0.81, rice 0.07, ...
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import ArrayLike
from PIL import Image

from rvernet_core import files
from rvernet_core.config import BRANCHES
from rvernet_core.data import photos as images
from rvernet_core.data.cutout_set import to_batch
from rvernet_core.data.cutouts import cut, letterbox
from rvernet_core.errors import DataError
from rvernet_core.masking import Masker
from rvernet_core.masking.prompts import check_boxes, check_points
from rvernet_core.models.rvernet import Classifier


def mask_photo(
    photo: str | Path, folder: str | Path, masker: Masker, boxes: ArrayLike = (), points: ArrayLike = ()
) -> pd.DataFrame:
    """Mask `photo` and write <stem>-<k>.mask.png, .roi.png and .extra-roi.png for each mask into `folder`.

    Args:
        boxes: (N, 4) x0, y0, x1, y1 in pixels of the upright photo; one mask each.
        points: (N, 2) x, y; one mask each. Without boxes and points: masks of everything in the photo.

    Returns:
        One row per mask: k, prompt, score (the net's own estimate of its IoU), area (share of the photo).

    Raises:
        DataError: the photo cannot be read, or nothing was found in it.
        PromptError: a prompt outside the photo or without area.
    """
    photo = Path(photo)
    width, height = images.photo_size(photo)
    boxes, (points, _) = check_boxes(boxes, height, width), check_points(points, None, height, width)
    picture = images.read_photo(photo)
    read = np.array(picture.shape[1::-1])
    if tuple(read) != (width, height):  # a huge photo is read at a part of its size
        share = read / (width, height)
        boxes = np.minimum(boxes * np.tile(share, 2), np.tile(read, 2))
        points = np.minimum(points * share, read - 1)
    masks: list[tuple[str, np.ndarray, float]] = []
    if not (len(boxes) or len(points)):
        masks += [("automatic", mask, score) for mask, score in zip(*masker.automatic(picture), strict=True)]
    else:
        masker.encode(picture)
        for prompt, places, segment in (("box", boxes, masker.boxes), ("point", points, masker.points)):
            if len(places):
                masks += [(prompt, mask, score) for mask, score in zip(*segment(places), strict=True)]
    if not masks:
        raise DataError(f"nothing was found in {photo}; point at something with a box or a point")
    rows = []
    for k, (prompt, mask, score) in enumerate(masks, start=1):
        roi, extra_roi = cut(picture, mask)
        stored = Image.fromarray(mask.astype(np.uint8) * 255).resize(
            (width, height), Image.Resampling.NEAREST
        )
        for part, image in (
            ("mask", stored),
            ("roi", Image.fromarray(roi)),
            ("extra-roi", Image.fromarray(extra_roi)),
        ):
            buffer = io.BytesIO()
            image.save(buffer, "PNG")
            files.write_bytes(Path(folder) / f"{photo.stem}-{k}.{part}.png", buffer.getvalue())
        rows.append({"k": k, "prompt": prompt, "score": float(score), "area": float(mask.mean())})
    return pd.DataFrame(rows)


def cut_photo(photo: str | Path, mask: str | Path) -> dict[str, np.ndarray]:
    """Both cut-outs of a photo, "roi" and "extra_roi": uint8 (H, W, 3).

    mask: a PNG of the photo's size; every value but 0 is part of the ROI.
    Raises DataError for unreadable files, a mask of another size and an empty mask.
    """
    picture, inside = images.read_photo(photo), images.read_mask_of(photo, mask) != 0
    if not inside.any():
        raise DataError(f"{mask} is empty; expected values other than 0 inside the ROI")
    return dict(zip(BRANCHES, cut(picture, inside), strict=True))


@torch.inference_mode()
def probabilities(
    model: Classifier, classes: Sequence[str], cutouts: Mapping[str, np.ndarray], device: str = "cpu"
) -> pd.Series:
    """The probability in [0, 1] of each class for the `cutouts` of one photo, highest first.

    model: in eval mode, such as `run.model()` or `load_released(path)`.
    """
    model, size = model.to(device), model.input_size
    batches = [to_batch(letterbox(cutouts[branch], size)[None], None, device) for branch in model.branches]
    logits = model.answer(model(*batches))
    return pd.Series(logits.softmax(1)[0].cpu().numpy(), classes).sort_values(ascending=False)
