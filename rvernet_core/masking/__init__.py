"""Segment Anything: prompts, masks of a photo, and masks of a whole split that are kept."""

from rvernet_core.masking.kept import sam_masks
from rvernet_core.masking.prompts import box_of, interior_point, iou
from rvernet_core.masking.sam import Masker, load_sam

__all__ = ["Masker", "box_of", "interior_point", "iou", "load_sam", "sam_masks"]
