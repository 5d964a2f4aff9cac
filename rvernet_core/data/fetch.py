"""Downloads and archives, each complete and checked before anything else may see it.

What is fetched: FoodSeg103's official archive, its mirror on the hub, and the published Segment
Anything checkpoints. Nothing is ever fetched twice, and everything works offline once it is there.
All failures raise FetchError, which says where a file fetched by hand belongs.
"""

from __future__ import annotations

import logging
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from rvernet_core import files
from rvernet_core.data.archives import extract
from rvernet_core.errors import DataError, FetchError

log = logging.getLogger(__name__)

FOODSEG103_URL = "https://research.larc.smu.edu.sg/downloads/datarepo/FoodSeg103.zip"
FOODSEG103_PASSWORD = "LARCdataset9947"  # published by the data set's authors for everyone
HUB_MIRROR = "EduardoPacheco/FoodSeg103"
HUB_BYTES = 1_250_000_000  # about

_TIMEOUT = 30  # seconds without an answer


@dataclass(frozen=True)
class Checkpoint:
    """A published weights file."""

    url: str
    bytes: int | None
    sha256: str


_SAM = "https://dl.fbaipublicfiles.com/segment_anything/"
SAM_CHECKPOINTS = {
    "vit_h": Checkpoint(
        _SAM + "sam_vit_h_4b8939.pth",
        2_564_550_879,
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
    ),
    "vit_l": Checkpoint(
        _SAM + "sam_vit_l_0b3195.pth",
        1_249_524_607,
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
    ),
    "vit_b": Checkpoint(
        _SAM + "sam_vit_b_01ec64.pth",
        375_042_383,
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
    ),
}


def sam_checkpoint(name: str, cache: Path | str) -> Path:
    """Path of the published Segment Anything checkpoint `vit_h`, `vit_l` or `vit_b`, fetched once."""
    if name not in SAM_CHECKPOINTS:
        raise FetchError(f"no published checkpoint {name!r}; choose one of {', '.join(SAM_CHECKPOINTS)}")
    published = SAM_CHECKPOINTS[name]
    target = Path(cache) / "checkpoints" / published.url.rsplit("/", 1)[1]
    return retrieve(published.url, target, sha256=published.sha256, size=published.bytes)


def fetch_foodseg103(
    cache: Path, url: str = FOODSEG103_URL, password: str | None = FOODSEG103_PASSWORD
) -> Path:
    """Folder that the official archive unpacks to, fetched and unpacked once into the cache.

    The server is often down: put the archive to `<cache>/downloads/FoodSeg103.zip` by hand, or use
    the hub mirror (data set `foodseg103-hub`), which needs no password. Unpacking takes a few
    minutes; the archive may be deleted afterwards.
    """
    folder = Path(cache) / "foodseg103"
    if not folder.is_dir():
        archive = retrieve(url, Path(cache) / "downloads" / url.rsplit("/", 1)[1], check=_complete_zip)
        extract(archive, folder, password)
    return folder


def fetch_hub_mirror(cache: Path, repo: str = HUB_MIRROR, endpoint: str | None = None) -> Path:
    """Folder of the hub mirror's parquet files and `id2label.json`; a started download is resumed."""
    import huggingface_hub

    def snapshot(**options: Any) -> Path:
        return Path(
            huggingface_hub.snapshot_download(
                repo,
                repo_type="dataset",
                cache_dir=Path(cache) / "hub",
                allow_patterns=["*.parquet", "id2label.json"],
                endpoint=endpoint,
                **options,
            )
        )

    try:
        folder = snapshot(local_files_only=True)
        if complete_parts(folder):
            return folder
    except Exception as error:  # the hub's client has many names for "not here yet"
        log.debug("not in the cache: %s", error)
    try:
        files.check_space(Path(cache) / "hub", 2 * HUB_BYTES)  # and once more unpacked
        folder = snapshot()
    except DataError:
        raise
    except Exception as error:
        raise FetchError(
            f"cannot fetch the data set {repo} (about {HUB_BYTES / 1e9:.2f} GB): {_short(error)}. "
            "Fetch its parquet files on a machine with a network, and give their folder as `root`"
        ) from error
    if not complete_parts(folder):
        raise FetchError(f"{folder} lacks some parquet parts of {repo}; run again to go on with it")
    return folder


def complete_parts(folder: Path) -> bool:
    """True if every parquet part `...-00000-of-00003...` that the names below `folder` count is there."""
    parts: dict[tuple[str, int], set[int]] = {}
    for path in folder.rglob("*.parquet"):
        match = re.match(r"(.*?)-(\d+)-of-(\d+)", path.name)
        if match:
            parts.setdefault((match[1], int(match[3])), set()).add(int(match[2]))
    return bool(parts) and all(numbers == set(range(count)) for (_, count), numbers in parts.items())


# --- one file ---------------------------------------------------------------------------------------


def retrieve(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    size: int | None = None,
    check: Callable[[Path], str | None] | None = None,
) -> Path:
    """`target`, downloaded from `url` unless it is there already.

    The bytes go to a temporary file, are checked against `sha256` and `check` (which gives a complaint
    or None), and are renamed into place last; one retry. A file that is there is checked too, so one
    that was put there by hand is as good.
    """
    target = Path(target)
    if target.exists():
        if complaint := _complaint(target, sha256, size, check):
            raise FetchError(f"{target} {complaint}; delete it, and it will be fetched again")
        return target
    if size:
        files.check_space(target, size)
    complaint = None
    for attempt in (1, 2):
        try:
            with files.atomic_file(target) as part:
                _download(url, part, target.name)
                complaint = _complaint(part, sha256, size, check)
                if complaint:
                    raise _RefusedError
            return target
        except _RefusedError:
            pass
        except DataError as error:
            raise FetchError(str(error)) from error
        except OSError as error:  # requests' errors are OSErrors, and so is a full disk
            complaint = f"failed: {_short(error)}"
        log.warning("download of %s %s (attempt %d of 2)", url, complaint, attempt)
    raise FetchError(
        f"download of {url} {complaint}. Without a network, fetch it elsewhere "
        f"({f'{size:,} bytes' if size else 'its size is not published'}) and put it to {target}"
    )


class _RefusedError(Exception):
    """The downloaded file is not the one that was asked for."""


def _download(url: str, path: Path, title: str) -> None:
    import pooch

    with tqdm(desc=title, total=1, unit="B", unit_scale=True, disable=None) as bar:  # pooch sets the total
        options: dict[str, Any] = {"progressbar": bar, "timeout": _TIMEOUT, "chunk_size": 2**16}
        pooch.HTTPDownloader(**options)(url, str(path), None)


def _complaint(
    path: Path, sha256: str | None, size: int | None, check: Callable[[Path], str | None] | None
) -> str | None:
    """What is wrong with the file, as the end of a sentence, or None."""
    with open(path, "rb") as file:
        head = file.read(16)
    if re.match(rb"\s*<(!|html|\?xml)", head, re.IGNORECASE):
        return f"is a web page ({head!r}...), not the file"
    if sha256 and (digest := files.sha256(path)) != sha256:
        length = path.stat().st_size
        sizes = f" ({length:,} bytes instead of {size:,})" if size and size != length else ""
        return f"has SHA-256 {digest}{sizes}; expected {sha256}"
    return check(path) if check else None


def _complete_zip(path: Path) -> str | None:
    return None if zipfile.is_zipfile(path) else "is not a complete zip archive"


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."
