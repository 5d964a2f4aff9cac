"""Fetching: one way for every file of `downloads.py`, which leaves a whole and checked file or none.

Over https alone, redirects included; taken up where it was interrupted; never larger than the file can be.
Where there is no network, the error comes within ten seconds and says the address, the size, and the place
for a file fetched by hand. Everything works offline once it is there.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import logging
import os
import queue
import re
import socket
import threading
import time
import uuid
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO
from urllib.parse import urljoin, urlsplit

import requests
from tqdm.auto import tqdm
from urllib3.exceptions import HTTPError

from rvernet_core import files
from rvernet_core.downloads import Download
from rvernet_core.errors import DataError, FetchError

log = logging.getLogger(__name__)

_SCHEMES = ("https://",)
_HOPS = 5  # redirects
_CONNECT = 5  # seconds until the server, or the proxy before it, must have taken the connection
_STALLED = 30  # seconds without a byte
_SLOWEST = (60, 60 * 1024)  # in so many seconds at least so many bytes, or the server is given up
_STALE = 3600  # seconds after which an unfinished file that nobody writes is left over, locks or not
_DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


def cache_folder() -> Path:
    """Where data, weights and runs lie: $RVERNET_CACHE, else `_build/cache` below the working directory."""
    return Path(os.environ.get("RVERNET_CACHE") or Path.cwd() / "_build" / "cache")


def fetch(item: Download, cache: Path | str | None = None, trust_first: bool | None = None) -> Path:
    """The path of `item` below `cache` (None: `cache_folder()`), fetched unless it is there.

    What is there is checked as well, which reads it once. An interrupted download is taken up where it
    stopped, if a published hash can judge the whole. One retry.

    Args:
        trust_first: accept a file of which neither hash nor revision is published, and note its hash for the
            next time; None: as $RVERNET_TRUST_FIRST says (1: yes). A hash written to `<place>.sha256`
            beforehand is compared instead.

    Raises FetchError, and nothing is left, if the address or a redirect is not https, the file is not the one
    that was meant, larger than it can be, or not to be had; it says the address, the size and the place for a
    file fetched by hand. DataError if the disk is too small.
    """
    return fetch_all((item,), cache, trust_first)[0]


def fetch_all(
    items: Iterable[Download], cache: Path | str | None = None, trust_first: bool | None = None
) -> list[Path]:
    """`fetch` for each of `items`; the error names all that are missing, not the first alone."""
    places = {item: Path(cache or cache_folder()).absolute() / item.place for item in items}
    for item, target in places.items():
        try:
            _fetch(item, target, trust_first)
        except _NotFetchedError as error:
            missing = [(i, place) for i, place in places.items() if not place.exists()]
            by_hand = "\n".join(f"{i.url} ({i.size}) to {place}" for i, place in missing)
            raise FetchError(f"{error}. Or fetch it elsewhere and put it by hand:\n{by_hand}") from error
    return list(places.values())


class _NotFetchedError(Exception):
    """The file could not be had; a copy fetched by hand helps."""


class _RefusedError(Exception):
    """What the server sends is not the file that was asked for."""


def _fetch(item: Download, target: Path, trust_first: bool | None) -> None:
    if target.exists():
        if complaint := _complaint(item, target, target):
            raise FetchError(f"{target} {complaint}; delete it, and it will be fetched again")
        return
    if trust_first is None:
        trust_first = os.environ.get("RVERNET_TRUST_FIRST") == "1"
    if not (item.pinned or trust_first or _noted(target)):
        raise _NotFetchedError(
            f"{target.name} has no published SHA-256 and no fixed revision, so it is not fetched unless "
            f"RVERNET_TRUST_FIRST=1 accepts what comes first{item.instead and '; '}{item.instead}"
        )
    files.check_space(target, item.bytes)
    problem = ""
    for attempt in (1, 2):
        try:
            _knock(item.url)
            with _unfinished(target, keep=item.sha256 is not None) as (path, file):
                _receive(item, file)
                if complaint := _complaint(item, path, target):
                    raise _RefusedError(complaint)
                os.replace(path, target)
            return
        except _RefusedError as error:
            problem = str(error)
        except (OSError, HTTPError, ValueError) as error:
            if getattr(error, "errno", None) in _DISK:
                raise DataError(f"cannot write {target} ({_short(error)}): {item.size} needed") from error
            if target.exists():  # another process was faster
                return _fetch(item, target, trust_first)
            problem = f"failed: {_short(error)}"
        log.warning("download of %s %s (attempt %d of 2)", item.url, problem, attempt)
    raise _NotFetchedError(f"the download of {target.name} {problem}")


def _complaint(item: Download, path: Path, target: Path) -> str | None:
    """What is wrong with the file at `path`, as the end of a sentence; None: its hash is right, or noted."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            head = file.read(16)
        digest = files.sha256(path)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    expected = item.sha256 or _noted(target)
    smallest, largest = item.sizes
    if re.match(rb"\s*<(!|html|\?xml)", head, re.IGNORECASE):
        return f"is a web page ({head!r}...), not the file"
    if expected and digest != expected:
        where = "" if item.sha256 else f" as {_note(target)} says"
        return f"has SHA-256 {digest} and {size:,} bytes; expected {expected}{where}, {item.size}"
    if not smallest <= size <= largest:
        return f"has {size:,} bytes; expected {item.size}"
    if target.suffix == ".zip" and not zipfile.is_zipfile(path):
        return "is not a complete zip archive"
    if not expected:
        with contextlib.suppress(DataError):  # in a read-only folder the file is used, though not remembered
            files.write_text(_note(target), f"{digest}  {target.name}\n")
    return None


def _note(target: Path) -> Path:
    return target.with_name(target.name + ".sha256")


def _noted(target: Path) -> str | None:
    """The hash noted beside `target`, if there is one."""
    try:
        first = _note(target).read_text("ascii").split(maxsplit=1)[:1]
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise FetchError(f"{_note(target)} cannot be read ({error}); remove it") from error
    if not (first and re.fullmatch(r"[0-9a-fA-F]{64}", first[0])):
        raise FetchError(f"{_note(target)} begins with {first}; expected a SHA-256, 64 hexadecimal digits")
    return first[0].lower()


# --- one transfer ---------------------------------------------------------------------------------


def _knock(url: str) -> None:
    """Raise _NotFetchedError unless the server, or the proxy before it, takes a connection in time.

    The time bounds the look-up of the name too, which a socket's time-out does not.
    """
    _require_https(url)
    proxy = requests.utils.select_proxy(url, requests.utils.get_environ_proxies(url))
    parts = urlsplit(requests.utils.prepend_scheme_if_needed(proxy, "http") if proxy else url)
    port = parts.port or (80 if parts.scheme == "http" else 443)
    answer: queue.SimpleQueue[OSError | None] = queue.SimpleQueue()

    def connect() -> None:
        try:
            socket.create_connection((parts.hostname or "", port), _CONNECT).close()
            answer.put(None)
        except OSError as error:
            answer.put(error)

    threading.Thread(target=connect, daemon=True).start()
    try:
        error = answer.get(timeout=_CONNECT)
    except queue.Empty:
        error = TimeoutError(f"no answer in {_CONNECT} seconds")
    if error:
        raise _NotFetchedError(f"{parts.hostname} is out of reach ({_short(error)})") from error


def _require_https(url: str, asked: str = "") -> None:
    if not url.lower().startswith(_SCHEMES):
        leads = f"{asked} leads to {url}, which" if asked else url
        raise FetchError(f"{leads} is not https; nothing is fetched over a connection that anybody can alter")


@contextlib.contextmanager
def _unfinished(target: Path, keep: bool) -> Iterator[tuple[Path, IO[bytes]]]:
    """Yield the path and the open file of this process's own unfinished copy of `target`, beside it.

    With `keep` it begins with what a killed process left, and stays for the next call after an error, unless
    it was refused. A file is locked while its writer lives, also by a process in another container.
    """
    path = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file: IO[bytes] = open(path, "x+b")  # noqa: SIM115 - closed below
    except OSError as error:
        raise FetchError(
            f"cannot write {target} ({error.strerror}); make {target.parent} writable, "
            "or set RVERNET_CACHE to a folder that is"
        ) from error
    try:
        _lock(file)
        with open(path, "rb") as second:
            locks_work = not _lock(second)  # on some network disks everybody gets every lock
        for leftover in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
            if leftover != path and (locks_work or _age(leftover) > _STALE):
                file = _take_over(leftover, path, file)
        if not keep:
            file.truncate(0)
        yield path, file
    except BaseException as error:
        useless = isinstance(error, _RefusedError) or getattr(error, "errno", None) in _DISK
        if useless or not keep or not os.fstat(file.fileno()).st_size:
            path.unlink(missing_ok=True)
        raise
    finally:
        file.close()


def _lock(file: IO[bytes]) -> bool:
    """Whether `file` is locked now; not if another has locked it, or where there are no locks."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _take_over(leftover: Path, path: Path, file: IO[bytes]) -> IO[bytes]:
    """Move `leftover` to `path` unless its writer lives; returns the file that is open at `path` then."""
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        old = stack.enter_context(open(leftover, "r+b"))
        if _lock(old):
            os.replace(leftover, path)
            stack.pop_all()
            file.close()
            return old
    return file


def _age(path: Path) -> float:
    """Seconds since `path` was last written; 0 if it is gone."""
    try:
        return time.time() - path.stat().st_mtime
    except OSError:
        return 0


def _receive(item: Download, file: IO[bytes]) -> None:
    """Append to `file` what it lacks of `item`; from its beginning where the server sends the whole again."""
    done, largest = file.seek(0, os.SEEK_END), item.sizes[1]
    with _answer(item.url, done) as response:
        if done and response.status_code == requests.codes.requested_range_not_satisfiable:
            return  # nothing is lacking, or it is another file: the hash tells
        response.raise_for_status()
        if not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
            done = file.seek(0)
            file.truncate()
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        since, before = time.monotonic(), done
        title = Path(item.place).name
        with tqdm(desc=title, initial=done, total=total, unit="B", unit_scale=True, disable=None) as bar:
            while max(done, total or 0) <= largest and (chunk := response.raw.read1(2**16)):
                file.write(chunk)
                done += len(chunk)
                bar.update(len(chunk))
                if (seconds := time.monotonic() - since) > _SLOWEST[0]:
                    if done - before < _SLOWEST[1]:
                        raise TimeoutError(f"only {done - before:,} bytes in {seconds:.0f} seconds")
                    since, before = time.monotonic(), done
    if (size := max(done, total or 0)) > largest:
        raise _RefusedError(f"has {size:,} bytes or more; expected {item.size}, so it was cut off")
    file.flush()
    os.fsync(file.fileno())


class _Session(requests.Session):
    """Leaves redirects to `_answer`; requests reads the body of each to its end, and it may have none."""

    def get_redirect_target(self, resp: requests.Response) -> None:
        return None


@contextlib.contextmanager
def _answer(url: str, start: int) -> Iterator[requests.Response]:
    """The response, not yet read, to a request for the bytes from `start` on; each redirect must be https."""
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={start}-"} if start else {})
    asked = url
    with _Session() as session:
        for _ in range(1 + _HOPS):
            _require_https(url, asked)
            with session.get(url, headers=headers, stream=True, timeout=(_CONNECT, _STALLED)) as response:
                if not response.is_redirect:
                    yield response
                    return
                url = urljoin(url, response.headers["Location"])
    raise requests.TooManyRedirects(f"more than {_HOPS} redirects")


def _short(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 200 else text[:197] + "..."
