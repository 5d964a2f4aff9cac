"""What every reader yields: samples of one ROI each, in splits that load images one at a time."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from rvernet_core.config import fingerprint
from rvernet_core.data.cutouts import cut
from rvernet_core.data.names import check_names
from rvernet_core.errors import ConfigError, DataError

if TYPE_CHECKING:  # imported where it is needed, because it takes its time
    import pandas as pd

log = logging.getLogger(__name__)

_SHOWN = 10  # files that are left out, in the log


@dataclass(frozen=True)
class RoiSample:
    """One ROI: all pixels of one class in one photo."""

    key: str  # "<class>/<image id>", unique in its split
    image_id: str
    label: int  # 0 .. number of classes - 1
    class_name: str
    area: float  # share of the photo's pixels inside the ROI, in (0, 1]


@dataclass(frozen=True)
class DataReport:
    """What a split holds and what was left out of it, and why. Counts per class name every class."""

    split: str
    photos: int  # that could be read
    samples: dict[str, int]
    small: dict[str, int]  # ROIs below the minimum area, left out
    full_frame: dict[str, int]  # samples whose ROI is the whole photo: their extra-ROI is black
    broken: tuple[tuple[str, str], ...] = ()  # (file, reason), left out

    def table(self) -> pd.DataFrame:
        """One row per class: samples, small, full_frame; the last row sums them."""
        import pandas as pd

        frame = pd.DataFrame({"samples": self.samples, "small": self.small, "full_frame": self.full_frame})
        frame.index.name = "class"
        frame.loc["all"] = frame.sum()
        return frame

    def totals(self) -> dict[str, int]:
        """The split in six numbers, ready for JSON."""
        return {
            "photos": self.photos,
            "samples": sum(self.samples.values()),
            "classes": sum(1 for count in self.samples.values() if count),
            "small": sum(self.small.values()),
            "full_frame": sum(self.full_frame.values()),
            "broken": len(self.broken),
        }


class Source(Protocol):
    """Where a split's images come from; `ref` is whatever the reader stored with the sample."""

    def photo(self, ref: Any) -> np.ndarray: ...

    def mask(self, ref: Any) -> np.ndarray: ...

    def cutouts(self, ref: Any) -> tuple[np.ndarray, np.ndarray]: ...

    def photo_key(self, ref: Any) -> Hashable:
        """Equal for the samples that show one photo."""
        ...


class MaskedSource(Source):
    """A source whose cut-outs are cut from the photo by the mask."""

    def cutouts(self, ref: Any) -> tuple[np.ndarray, np.ndarray]:
        return cut(self.photo(ref), self.mask(ref))


@dataclass(frozen=True)
class Candidate:
    """An ROI in the data, before the area threshold."""

    image_id: str
    class_name: str
    area: float
    ref: Any


class FoodSplit:
    """Samples of one split. Images are read on request; only names and numbers stay in memory."""

    def __init__(
        self,
        name: str,
        classes: Sequence[str],
        items: Iterable[tuple[RoiSample, Source, Any]],
        fingerprint: str,
        report: DataReport,
    ) -> None:
        items = tuple(items)
        self.name = name
        self.classes = tuple(classes)
        self.samples = tuple(sample for sample, _, _ in items)
        self._places = tuple((source, ref) for _, source, ref in items)
        self.fingerprint = fingerprint
        self.report = report

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        return (
            f"FoodSplit({self.name!r}, {len(self)} samples, {len(self.classes)} classes, {self.fingerprint})"
        )

    def photo(self, i: int) -> np.ndarray:
        """The photo of sample `i`, uint8 RGB (H, W, 3)."""
        source, ref = self._places[i]
        return source.photo(ref)

    def mask(self, i: int) -> np.ndarray:
        """The ROI of sample `i`, bool (H, W) on the photo's pixels."""
        source, ref = self._places[i]
        return source.mask(ref)

    def cutouts(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """(roi, extra_roi) of sample `i`, uint8 RGB (H, W, 3) each."""
        source, ref = self._places[i]
        return source.cutouts(ref)

    def photo_groups(self) -> list[list[int]]:
        """Indices of the samples that show one photo, photo by photo in the order of the samples."""
        groups: dict[Hashable, list[int]] = {}
        for i, (source, ref) in enumerate(self._places):
            groups.setdefault((id(source), source.photo_key(ref)), []).append(i)
        return list(groups.values())

    @property
    def labels(self) -> np.ndarray:
        """All labels, int64 (N,)."""
        return np.array([sample.label for sample in self.samples], dtype=np.int64)

    def subset(self, indices: Sequence[int], name: str | None = None) -> FoodSplit:
        """The samples at `indices`, in that order, with counts of their own (nothing is 'left out')."""
        indices = [int(i) for i in indices]
        chosen = [self.samples[i] for i in indices]
        name = name or self.name
        none = dict.fromkeys(self.classes, 0)
        report = DataReport(
            split=name,
            photos=len({sample.image_id for sample in chosen}),
            samples=none | Counter(sample.class_name for sample in chosen),
            small=none,
            full_frame=none | Counter(sample.class_name for sample in chosen if sample.area == 1),
        )
        items = [(self.samples[i], *self._places[i]) for i in indices]
        mark = fingerprint(self.fingerprint, "subset", _digest(sample.key for sample in chosen))
        return FoodSplit(name, self.classes, items, mark, report)

    def with_masks(self, read_mask: Callable[[int], np.ndarray], tag: str) -> FoodSplit:
        """The same samples under other masks: `read_mask(i)` gives bool (H, W); `tag` names their origin."""
        source = _Remasked(self, read_mask)
        items = [(sample, source, i) for i, sample in enumerate(self.samples)]
        return FoodSplit(
            self.name, self.classes, items, fingerprint(self.fingerprint, "masks", tag), self.report
        )


class _Remasked(MaskedSource):
    def __init__(self, split: FoodSplit, read_mask: Callable[[int], np.ndarray]) -> None:
        self._split = split
        self._read_mask = read_mask

    def photo(self, ref: int) -> np.ndarray:
        return self._split.photo(ref)

    def mask(self, ref: int) -> np.ndarray:
        return self._read_mask(ref)

    def photo_key(self, ref: int) -> Hashable:
        source, inner = self._split._places[ref]
        return id(source), source.photo_key(inner)


@dataclass(frozen=True)
class FoodData:
    """A data set: its classes in label order and its two splits."""

    classes: tuple[str, ...]
    train: FoodSplit
    test: FoodSplit

    @property
    def fingerprint(self) -> str:
        """Names the content of both splits."""
        return fingerprint(self.train.fingerprint, self.test.fingerprint)


# --- building splits --------------------------------------------------------------------------------


def build_split(
    name: str,
    classes: Sequence[str],
    candidates: Iterable[Candidate],
    source: Source,
    *,
    content: Any,
    min_area: float,
    photos: int,
    broken: Sequence[tuple[str, str]] = (),
) -> FoodSplit:
    """Choose the candidates that become samples, count the others, and name the result.

    `content` is JSON-ready and stands for the images in the fingerprint: with every
    sample's key and pixel share it decides it, while paths and times of change do not.
    """
    check_names(classes)
    label = {class_name: i for i, class_name in enumerate(classes)}
    counts = {what: dict.fromkeys(classes, 0) for what in ("samples", "small", "full")}
    items, keys = [], set()
    for candidate in candidates:
        if candidate.area < min_area or candidate.area <= 0:
            counts["small"][candidate.class_name] += 1
            continue
        key = f"{candidate.class_name}/{candidate.image_id}"
        if key in keys:
            raise DataError(f"{name}: sample {key!r} exists twice; photos need distinct names within a class")
        keys.add(key)
        sample = RoiSample(
            key, candidate.image_id, label[candidate.class_name], candidate.class_name, candidate.area
        )
        counts["samples"][sample.class_name] += 1
        counts["full"][sample.class_name] += sample.area == 1
        items.append((sample, source, candidate.ref))
    report = DataReport(name, photos, counts["samples"], counts["small"], counts["full"], tuple(broken))
    if broken:
        shown = "\n  ".join(reason for _, reason in broken[:_SHOWN])
        more = f"\n  ... all of them are in the report of the {name} split" * (len(broken) > _SHOWN)
        log.warning("%s: %d files left out\n  %s%s", name, len(broken), shown, more)
    chosen = _digest(f"{sample.key} {sample.area:.9f}" for sample, _, _ in items)
    return FoodSplit(name, classes, items, fingerprint(name, list(classes), content, chosen), report)


def join(parts: Sequence[FoodSplit]) -> FoodSplit:
    """One split of several that share no class; labels count on from part to part."""
    if len(parts) == 1:
        return parts[0]
    classes = tuple(name for part in parts for name in part.classes)
    twice = [name for name, count in Counter(classes).items() if count > 1]
    if twice:
        raise ConfigError(f"class {twice[0]!r} is in the data set already; give the extra class another name")
    items, start = [], 0
    for part in parts:
        for sample, place in zip(part.samples, part._places, strict=True):
            moved = RoiSample(
                sample.key, sample.image_id, sample.label + start, sample.class_name, sample.area
            )
            items.append((moved, *place))
        start += len(part.classes)
    reports = [part.report for part in parts]
    report = DataReport(
        split=parts[0].name,
        photos=sum(r.photos for r in reports),
        samples={k: v for r in reports for k, v in r.samples.items()},
        small={k: v for r in reports for k, v in r.small.items()},
        full_frame={k: v for r in reports for k, v in r.full_frame.items()},
        broken=tuple(b for r in reports for b in r.broken),
    )
    mark = fingerprint("join", *[part.fingerprint for part in parts])
    return FoodSplit(parts[0].name, classes, items, mark, report)


def _digest(lines: Iterable[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
