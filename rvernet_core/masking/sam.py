"""Segment Anything: a photo and a prompt in, masks out.

`load_sam` loads the published vit_b / vit_l / vit_h and the micro net of this project's zoo
(the same classes at a small size). A photo is encoded once and prompted many times:

    masker = load_sam("micro")
    masks, scores = masker.encode(photo).boxes([[10, 12, 60, 70]])

Coordinates are (x, y) in pixels of the photo. A box is (x0, y0, x1, y1) by its edges, so the whole photo is
(0, 0, width, height); a point is a pixel's column and row. Masks are bool (N, height, width), scores are the
net's own estimates of each mask's IoU.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from rvernet_core import downloads, files
from rvernet_core.config import one_of
from rvernet_core.data.cutouts import check_image
from rvernet_core.errors import CheckpointError, ConfigError, PromptError
from rvernet_core.fetch import fetch
from rvernet_core.masking.prompts import check_boxes, check_points
from rvernet_core.models import zoo
from rvernet_core.models.weights import load_torch_checkpoint, load_weights

if TYPE_CHECKING:  # most runs mask nothing, and to import it takes as long as torch
    from segment_anything.modeling import Sam

Masks = tuple[NDArray[np.bool_], NDArray[np.float32]]  # masks (N, H, W), scores (N,)

NAMES = ("micro", "vit_b", "vit_l", "vit_h")

# What SamAutomaticMaskGenerator needs at each size. Upstream's defaults suit vit_b to vit_h; the micro net's
# logits are flatter, so its masks count as stable over a narrower band of thresholds.
_AUTOMATIC = {
    "micro": {
        "points_per_side": 16,
        "pred_iou_thresh": 0.6,
        "stability_score_thresh": 0.8,
        "stability_score_offset": 0.5,
    }
}

_MAX_FLOATS = 2**27  # mask logits of one batch at photo size (512 MB): bounds memory on large photos


# --- loading --------------------------------------------------------------------------------------


def load_sam(
    name: str = "micro",
    checkpoint: Path | str | None = None,
    device: str | torch.device = "cpu",
    *,
    cache: Path | str | None = None,
    verify: bool = True,
) -> Masker:
    """Load Segment Anything and return its Masker.

    `name` is micro, vit_b, vit_l or vit_h. Without `checkpoint`, micro comes from the zoo and the others
    are fetched once into the folder `cache`. A published checkpoint must have the published SHA-256;
    `verify=False` admits your own fine-tuned one. Raises ConfigError for an unknown name or a missing
    `cache`, FetchError where it cannot be fetched, CheckpointError for a file that is missing, broken or
    another net's.
    """
    from rvernet_core.masking import nets

    one_of(name, NAMES, "Segment Anything")
    if name == "micro":
        path = Path(checkpoint) if checkpoint is not None else zoo.weights_path("sam-micro")
        model, state = nets.build_micro(), load_weights(path)
        digest = files.sha256(path)
    else:
        published = downloads.SAM[name]
        if checkpoint is None and cache is None:
            raise ConfigError(f"{name} needs `cache`, a folder to fetch it to, or `checkpoint`, a file")
        path = fetch(published, cache) if checkpoint is None else Path(checkpoint)
        if not path.is_file():
            raise CheckpointError(f"{path} does not exist; expected the checkpoint of {name}")
        digest = files.sha256(path)
        if verify and digest != published.sha256:
            raise CheckpointError(
                f"{path} has SHA-256 {digest}; the published {name} has {published.sha256}. "
                "Fetch it again, or pass verify=False for weights of your own"
            )
        state, model = load_torch_checkpoint(path), nets.build(name)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        raise CheckpointError(f"{path} does not hold the weights of {name}: {str(error)[:300]}") from error
    return Masker(model.to(device), name, f"sam-{name}-{digest[:12]}")


# --- masking --------------------------------------------------------------------------------------


class Masker:
    """A Segment Anything net and the photo that it has encoded; `load_sam` returns it."""

    def __init__(self, model: Sam, name: str, fingerprint: str) -> None:
        from rvernet_core.masking import nets

        self.model = model.eval()
        self.name = name
        self.fingerprint = fingerprint  # names the weights: part of every cache key
        self._predictor = nets.predictor(model)
        self._size: tuple[int, int] | None = None  # (height, width) of the encoded photo

    def encode(self, image: NDArray[np.uint8]) -> Masker:
        """Encode a photo, uint8 RGB (H, W, 3), for the prompts that follow. Returns the masker itself."""
        check_image(image)
        self._predictor.set_image(image)
        self._size = image.shape[:2]
        return self

    def boxes(self, boxes: ArrayLike) -> Masks:
        """One mask per box, all boxes of the photo together.

        `boxes`: (N, 4) x0, y0, x1, y1. Returns masks (N, H, W) and scores (N,). Raises PromptError for a
        box that has no area, is not finite or leaves the photo.
        """
        height, width = self._photo_size()
        boxes = check_boxes(boxes, height, width)
        placed = self._predictor.transform.apply_boxes_torch(self._tensor(boxes), (height, width))
        return self._predict(
            len(boxes), lambda part: {"point_coords": None, "point_labels": None, "boxes": placed[part]}
        )

    def points(
        self, points: ArrayLike, labels: ArrayLike | None = None, multimask: bool | None = None
    ) -> Masks:
        """One mask per point, or per group of points.

        `points`: (N, 2) for N masks of one point each, or (N, P, 2) for N masks of P points each.
        `labels`: (N,) or (N, P), 1 = part of the object (the default), 0 = not part of it.
        A lone point is ambiguous, so the published nets answer it with three candidates (whole, part, part of
        part), of which the best-scored is returned. `multimask` chooses otherwise; None: three candidates,
        but the single-mask output for micro, whose plates hold no parts.
        Returns masks (N, H, W) and scores (N,). Raises PromptError for a point outside the photo.
        """
        height, width = self._photo_size()
        points, labels = check_points(points, labels, height, width)
        coords = self._predictor.transform.apply_coords_torch(self._tensor(points), (height, width))
        flags = torch.as_tensor(labels, dtype=torch.int, device=coords.device)
        return self._predict(
            len(points),
            lambda part: {"point_coords": coords[part], "point_labels": flags[part]},
            candidates=points.shape[1] == 1 and (self.name != "micro" if multimask is None else multimask),
        )

    def automatic(self, image: NDArray[np.uint8], **options: Any) -> Masks:
        """Masks of everything that a grid of points finds, best score first.

        `options` override the settings of segment_anything's SamAutomaticMaskGenerator. The photo is
        encoded once; the photo given to `encode` before stays in place.
        """
        from rvernet_core.masking import nets

        check_image(image)
        settings = {**_AUTOMATIC.get(self.name, {}), **options}
        generator = nets.generator(self.model, settings)
        records = sorted(generator.generate(image), key=lambda r: -r["predicted_iou"])
        masks = np.zeros((len(records), *image.shape[:2]), bool)
        for mask, record in zip(masks, records, strict=True):
            mask[:] = record["segmentation"]
        return masks, np.array([r["predicted_iou"] for r in records], np.float32)

    def _photo_size(self) -> tuple[int, int]:
        if self._size is None:
            raise PromptError("no photo is encoded; call encode(photo) before prompting")
        return self._size

    def _tensor(self, array: NDArray[np.float32]) -> torch.Tensor:
        return torch.as_tensor(array, dtype=torch.float, device=self._predictor.device)

    def _predict(self, count: int, prompts: Any, candidates: bool = False) -> Masks:
        """Run the decoder on prompts[slice], as many at a time as memory allows."""
        height, width = self._photo_size()
        masks, scores = np.empty((count, height, width), bool), np.empty(count, np.float32)
        step = max(1, min(64, _MAX_FLOATS // (height * width * (3 if candidates else 1))))
        for start in range(0, count, step):
            part = slice(start, start + step)
            predicted, quality, _ = self._predictor.predict_torch(
                **prompts(part), multimask_output=candidates
            )
            best = quality.argmax(1)
            rows = torch.arange(len(best), device=best.device)
            masks[part] = predicted[rows, best].cpu().numpy()
            scores[part] = quality[rows, best].float().cpu().numpy()
        return masks, scores
