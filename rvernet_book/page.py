"""One notebook's page: numbers its figures and tables, glues its numbers, ends with its provenance."""

from __future__ import annotations

import os
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from rvernet_book import html, parameters, provenance, so_far
from rvernet_book.bundle import Bundle, figure_bundle, link
from rvernet_book.items import back_link
from rvernet_book.places import RECORD, ROOT
from rvernet_book.record import read_record, recorded_profile, write_packed, write_predictions
from rvernet_book.tables import table_bundle
from rvernet_core import files, uncertainty
from rvernet_core.errors import ConfigError, RecordError
from rvernet_core.experiments.profiles import profile_named
from rvernet_core.experiments.study import Study

BUNDLES = RECORD / "files"  # of the published record


def open_study(**overrides: Any) -> Study:
    """`Study.of` for this checkout: its cache unless $RVERNET_CACHE says otherwise, and its record.

    While a record is on its way, what is kept of it counts, too; see `so_far`.
    """
    profile = profile_named(overrides.get("profile", "demo")).name
    recorded = so_far.read(profile)
    if overrides.get("runs") == "record":
        recorded = read_record(BUNDLES)
        if (published := recorded_profile(BUNDLES)) != profile:
            raise ConfigError(
                f"the record is of the {published} profile, not of {profile}; pass that one, or runs train"
            )
    cache = os.environ.get("RVERNET_CACHE") or ROOT / "_build" / "cache"
    return Study.of(**{"cache": cache, **overrides}, recorded=recorded)


if (shell := parameters.kernel()) is not None:
    shell.user_ns.pop("globals", None)  # else a parameter called so breaks the call in which it is refused


class Page:
    """The page of one notebook.

    name: the notebook's name, such as `03-rvernet`; its number leads the numbers of figures and tables.
    study: whose models the page shows; its profile is stamped on everything.
    folder: where the files go; by default `_build/<profile>/experiments/files` of the checkout for a page of
    the book, which is executed in that folder, and `_build/<profile>/own/files` for a notebook that is run
    by itself, so that it never mixes with the book. Links are relative to the working directory.
    At the end `close` writes `<name>.page.json`: the facts, every number that was glued, and the hash of
    every file that was written.
    """

    def __init__(self, name: str, study: Study, folder: str | Path | None = None) -> None:
        self.name = name
        self.study = study
        self.profile = study.profile.name
        self.seeds = study.profile.seeds
        self.beliefs = False  # whether the probabilities of clean runs are published, too
        self.given: dict[str, Any] = {}  # parameters other than the profile's own
        output = ROOT / "_build" / self.profile
        alone = Path.cwd() != (output / "experiments").resolve()
        default = output / ("own" if alone else "experiments") / "files"
        self.folder = Path(folder) if folder is not None else default
        self.numbers: dict[str, str] = {}
        self.headlines: list[str] = []
        self._items: dict[str, list[str]] = {"Figure": [], "Table": []}
        self._attached: list[Path] = []
        self._written: set[Path] = set()
        self._start = time.monotonic()

    @classmethod
    def open(
        cls,
        name: str,
        namespace: dict[str, Any],
        *,
        ablation_seeds: bool = False,
        of: Callable[[Study], Study] | None = None,
        beliefs: bool = False,
    ) -> Page:
        """The page of a notebook whose parameters cell has run; `namespace` is its `globals()`.

        ablation_seeds: use the profile's fewer seeds.
        of: makes the page's study of the profile's, with other seeds for example.
        beliefs: publish the probabilities of clean runs, too.
        Raises ConfigError for a misspelt or mistyped parameter, before any work.
        """
        values = parameters.declared(namespace)
        study = open_study(**values)
        page = cls(name, of(study) if of else study.with_ablation_seeds() if ablation_seeds else study)
        page.beliefs, page.given = beliefs, parameters.given(values)
        return page

    @property
    def over(self) -> str:
        """What the page's intervals are over: photos alone where there is one seed."""
        return uncertainty.over(len(self.seeds))

    def banner(self, note: str = "") -> html.Html:
        """One line for the top of the page: the profile, the seeds, and what else readers must know."""
        seeds = f"{len(self.seeds)} seed{'s' if len(self.seeds) != 1 else ''}"
        stamps = "".join(
            f'<span class="rvn-stamp">{text}</span>' for text in (f"{self.profile} profile", seeds)
        )
        return html.Html(f"<p>{stamps}{html.inline(note)}</p>", f"{self.profile} profile, {seeds}. {note}")

    def figure(
        self,
        name: str,
        draw: Callable[[Any], None],
        data: pd.DataFrame,
        *,
        alt: str,
        caption: str,
        **options: Any,
    ) -> Bundle:
        """A numbered `figure_bundle`; its number is glued as `figure-<name>`."""
        bundle = figure_bundle(
            name,
            draw,
            data,
            alt=alt,
            caption=caption,
            folder=self.folder,
            profile=self.profile,
            number=self._number("Figure", name),
            see=back_link(self.name, name),
            **options,
        )
        self._written.update(bundle.paths.values())
        return bundle

    def table(self, name: str, frame: pd.DataFrame, *, caption: str, **options: Any) -> Bundle:
        """A numbered `table_bundle`; its number is glued as `table-<name>`."""
        bundle = table_bundle(
            name,
            frame,
            caption=caption,
            folder=self.folder,
            profile=self.profile,
            seeds=len(self.seeds),
            number=self._number("Table", name),
            see=back_link(self.name, name),
            **options,
        )
        self._written.update(bundle.paths.values())
        return bundle

    def glue(self, name: str, value: Any, fmt: str = "{}") -> None:
        """Glue `fmt.format(value)` under `name`, for {glue:text}`name` in prose."""
        self.numbers[name] = fmt.format(value)
        _glue(name, self.numbers[name])

    def headline(self, sentence: str) -> html.Html:
        """The page's answer, a sentence of Markdown: shown here and on the book's first page.

        `close` glues the plain text of all headlines as `answer`, once, for the head of the page.
        """
        if sentence not in self.headlines:
            self.headlines.append(sentence)
        return html.Html(f"<p>{html.inline(sentence)}</p>", sentence)

    def attach(self, name: str, frame: pd.DataFrame) -> None:
        """Keep a table that is too long to show as `<page>.<name>.csv.xz`, linked at the end of the page."""
        self._attached.append(write_packed(frame, self.folder / f"{self.name}.{name}.csv.xz"))

    def close(self) -> html.Html:
        """Write `<name>.page.json`, the predictions and manifests behind it; return the provenance box."""
        if self.headlines:
            _glue("answer", html.plain(" ".join(self.headlines)))
        data, used = self.study.data, self.study.used
        facts = provenance.collect(
            profile=self.profile,
            seeds=self.seeds,
            command=" ".join([f"papermill notebooks/{self.name}.ipynb {self.name}.ipynb", *self._passed()]),
            data={"train": data.train.fingerprint, "test": data.test.fingerprint},
            device=self.study.store.device,
            seconds=time.monotonic() - self._start,
            runs={predictions.run: predictions.manifest["seconds"] for predictions in used},
            given=self.given,
        )
        published = [*write_predictions(self.name, used, self.folder, self.beliefs), *self._attached]
        written = sorted({*self._written, *published})
        files.write_json(
            self.folder / f"{self.name}.page.json",
            {
                "page": self.name,
                "headlines": self.headlines,
                "numbers": self.numbers,
                "items": self._items,
                "files": {path.name: files.sha256(path) for path in written},
                "provenance": facts,
            },
        )
        return provenance.box(facts, [(path.name, link(path)) for path in published])

    def _passed(self) -> list[str]:
        """The page's parameters as papermill's options; a list as text with commas."""
        texts = {
            name: ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
            for name, value in self.given.items()
        }
        return [f"-p {name} {shlex.quote(text)}" for name, text in {"profile": self.profile, **texts}.items()]

    def _number(self, kind: str, name: str) -> str:
        """`Figure 3.1`: a name keeps its number when its cell runs again."""
        other = "Table" if kind == "Figure" else "Figure"
        if name in self._items[other]:
            raise RecordError(
                f"{name!r} is already a {other.lower()} of this page; give the {kind.lower()} another name"
            )
        if name not in self._items[kind]:
            self._items[kind].append(name)
        page = self.name.split("-")[0].lstrip("0") or "0"
        number = f"{kind} {page}.{self._items[kind].index(name) + 1}"
        _glue(f"{kind.lower()}-{name}", number)
        return number


def _glue(name: str, text: str) -> None:
    """Put the text into the notebook's outputs, where the book finds it; nothing outside a notebook."""
    if parameters.kernel() is not None:
        from myst_nb import glue

        glue(name, text, display=False)
