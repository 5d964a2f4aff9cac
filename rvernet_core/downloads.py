"""Every file that this project fetches: its address, its size, its hash, its place. `fetch.py` fetches them.

A file is known by its published SHA-256 or, where none is published, by a revision of its repository that
cannot change. A file that is put to its place by hand is as good.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_BYTES = 4 * 2**30  # of a file whose size is not published


@dataclass(frozen=True)
class Download:
    """A published file.

    url: its address. place: where it belongs below the cache folder.
    bytes: its size, 0 where it is not published; `rounded` where it is published in megabytes only.
    sha256: as published, else None; then a 40-digit revision in the address pins the file, and the hash of
    the first copy is noted in `<place>.sha256`, in the format of `sha256sum`, and compared ever after.
    instead: what else there is, for the error that refuses a file of which nothing is known.
    """

    url: str
    place: str
    bytes: int = 0
    sha256: str | None = None
    rounded: bool = False
    instead: str = ""

    @property
    def size(self) -> str:
        """The size in words."""
        if not self.bytes:
            return f"its size is not published, at most {MAX_BYTES:,} bytes are taken"
        return f"{'about ' * self.rounded}{self.bytes:,} bytes"

    @property
    def pinned(self) -> bool:
        """Whether the address or the hash says which bytes are meant, today and later."""
        return bool(self.sha256 or re.search(r"/resolve/[0-9a-f]{40}/", self.url))

    @property
    def sizes(self) -> tuple[int, int]:
        """The smallest and the largest number of bytes that this file can have."""
        if not self.bytes:
            return 1, MAX_BYTES
        slack = self.bytes // 10 if self.rounded else 0
        return self.bytes - slack, self.bytes + slack


def _sam(file: str, size: int, sha256: str) -> Download:
    return Download(
        f"https://dl.fbaipublicfiles.com/segment_anything/{file}", f"checkpoints/{file}", size, sha256
    )


def _timm(tag: str, revision: str, size: int, sha256: str | None, rounded: bool = False) -> Download:
    url = f"https://huggingface.co/timm/{tag}/resolve/{revision}/model.safetensors"
    return Download(url, f"checkpoints/{tag}.safetensors", size, sha256, rounded)


def _hub(file: str, size: int, sha256: str) -> Download:
    revision = "34e1208e14bc3595d544fc8c3f3c6673253fd9ef"
    url = f"https://huggingface.co/datasets/EduardoPacheco/FoodSeg103/resolve/{revision}/data/{file}"
    return Download(url, f"downloads/FoodSeg103-hub/{file}", size, sha256)


#: Segment Anything's published checkpoints.
SAM = {
    "vit_h": _sam(
        "sam_vit_h_4b8939.pth",
        2_564_550_879,
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
    ),
    "vit_l": _sam(
        "sam_vit_l_0b3195.pth",
        1_249_524_607,
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
    ),
    "vit_b": _sam(
        "sam_vit_b_01ec64.pth",
        375_042_383,
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
    ),
}

#: timm's ImageNet weights by tag. MobileNetV2's hash is on the hub's page of the file; those of ViT and the
#: two DeiTs are stated by public projects that pin the same files; the Mixer's was not found. Three sizes are
#: known as the hub rounds them.
TIMM = {
    "mobilenetv2_100.ra_in1k": _timm(
        "mobilenetv2_100.ra_in1k",
        "f3ff81ba89de0bc46b546568ebeab2edef6b9d49",
        14_200_000,
        "55ea4fb3a96010b933710ebf44fc965b070d5cd054d3f35e44f2d1320b4a714e",
        rounded=True,
    ),
    "vit_base_patch16_224.augreg_in1k": _timm(
        "vit_base_patch16_224.augreg_in1k",
        "458542882691a06a8b667c6fb5fe5c9573093a81",
        346_000_000,
        "678a1ce471be7da9822fe2508497a5bcf6da4c6802053151b232ba88a42c21a2",
        rounded=True,
    ),
    "deit_base_patch16_224.fb_in1k": _timm(
        "deit_base_patch16_224.fb_in1k",
        "b78cc5532a69df6bcad9c3a8d76653fd20b31ac6",
        346_284_714,
        "cd2da27b74ed7f68b599f16c77af3e1e80f01c75f9ad96029d22ce747a247e8e",
    ),
    "deit_base_distilled_patch16_224.fb_in1k": _timm(
        "deit_base_distilled_patch16_224.fb_in1k",
        "main",  # the hash pins it
        349_367_122,
        "ccc9d1bbeede1fc8609a7a7482773a35057e9f38035b9b804bced9126c5a70dc",
    ),
    "mixer_b16_224.goog_in21k_ft_in1k": _timm(
        "mixer_b16_224.goog_in21k_ft_in1k",
        "0006300d604941f96f16cb7d229137363e1b2ac6",
        240_000_000,
        None,
        rounded=True,
    ),
}

#: FoodSeg103 on the hub: the same photos and masks as parquet files. Two public projects state these hashes.
FOODSEG103_HUB = (
    _hub(
        "train-00000-of-00003.parquet",
        351_240_914,
        "7288a62861c06f1c0f677674fd9564aae277a727a146bf31688cf86befa452b7",
    ),
    _hub(
        "train-00001-of-00003.parquet",
        356_813_558,
        "814ef4e25036a9073a4017e8d05bad80b213df74cc9cd60e972136b5ae2e0ab9",
    ),
    _hub(
        "train-00002-of-00003.parquet",
        431_463_278,
        "7b16b566c273e049a10d651caf6d28951f6cdf730fba6596e832b451230d6ac1",
    ),
    _hub(
        "validation-00000-of-00001.parquet",
        115_186_173,
        "73d4d49abc2ef135dfccbce86f395d8e39215cf656d2954b516a88572f24b0e6",
    ),
)

#: FoodSeg103's official archive. Its authors publish neither its hash nor its size.
FOODSEG103 = Download(
    "https://research.larc.smu.edu.sg/downloads/datarepo/FoodSeg103.zip",
    "downloads/FoodSeg103.zip",
    instead="the data set foodseg103-hub has the same photos, 1,254,703,923 bytes, all with known hashes",
)

#: The files of each data set that can be fetched.
DATA = {"foodseg103": (FOODSEG103,), "foodseg103-hub": FOODSEG103_HUB}
