"""The noises of pages 6 and 7: at the release's settings, over severity, and the shift taken apart.

Lengths are stated in pixels of an image of 224 px, as in the release, and scale with the input. The nets that
have patches have 14 x 14 of them at either scale, so a patch is as large as a tile of the release. But the
release cuts its tiles before the letterbox: they are the patches on square photos, and on others only where
the letterbox's border is a whole number of tiles wide. `patches` cuts tiles as a net cuts its patches.
"""

from __future__ import annotations

from rvernet_core.config import Noise
from rvernet_core.data import noise
from rvernet_core.experiments.study import Study

KINDS = {kind: Noise(kind) for kind in noise.KINDS}  # as released
INPUTS = {"ROI": ("roi",), "extra-ROI": ("extra_roi",), "both": ("roi", "extra_roi")}  # where noise falls
HALF = noise.RELEASE_SIZE / 2 / noise.RELEASE_DY  # the severity at which half the image is gone above
SHIFTS = {s: s * noise.RELEASE_DY / noise.RELEASE_SIZE for s in (0, 0.25, 0.5, 0.75, 1, HALF)}  # -> share
SIDES = tuple(noise.RELEASE_PATCH * share for share in (2, 1, 1 / 2, 1 / 4))  # of tiles, px of 224
PARTS = {  # the release's shift, taken apart
    "moved on gray": Noise("translocation"),
    "moved on black": Noise("translocation", canvas=0),
    "rolled": Noise("translocation", how="rolled"),
    "covered in black": Noise("translocation", how="covered", canvas=0),
}


def photo_counts(study: Study) -> tuple[int, int]:
    """Test photos behind the tables, and behind the curves, which need many more evaluations."""
    photos = len({sample.image_id for sample in study.data.test.samples})
    many = min(photos, study.profile.evaluation_photos or photos)
    return many, min(many, max(75, many // 8))


def tile_name(side: float) -> str:
    """How the permutation with tiles of this side, in px of 224, is called."""
    return f"tiles of {side:g} px"


def tiles() -> dict[str, Noise]:
    """Permutations with ever smaller tiles: twice the release's side, the release's, a half and a quarter."""
    return {tile_name(side): Noise("permutation", patch=round(side)) for side in SIDES}


def patches(side: int, size: int) -> Noise:
    """The permutation whose tiles are the patches, of `side` px, of a net with an input of `size` px."""
    return Noise("permutation", patch=round(side * noise.RELEASE_SIZE / size), grid="input")


def shifts() -> dict[str, Noise]:
    """Translocations from nothing to half the image."""
    return {f"up by {share:.0%}": Noise("translocation", severity) for severity, share in SHIFTS.items()}
