"""Downloads from a server on the loopback interface, with every fault that a network has."""

import contextlib
import dataclasses
import hashlib
import http.server
import io
import os
import resource
import socket
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from rvernet_core import downloads, fetch
from rvernet_core.config import DataSpec, ModelSpec
from rvernet_core.data import foodseg103, hub, open_data
from rvernet_core.downloads import Download
from rvernet_core.errors import CheckpointError, DataError, FetchError
from rvernet_core.masking import nets, sam
from rvernet_core.models import backbones
from rvernet_core.models.rvernet import build_model

CONTENT = bytes(range(256)) * 400
DIGEST = hashlib.sha256(CONTENT).hexdigest()
EVERY = [*downloads.SAM.values(), *downloads.TIMM.values(), *downloads.FOODSEG103_HUB, downloads.FOODSEG103]


class Server:
    """Gives the `answers` (kind, body) one after the other, the last one again and again.

    Kinds: whole, ranges (knows Range), cut (half), slow, down (503), endless (no length, 30 MB), boast (a
    terabyte, it says), drip (a byte a while), and an address to be redirected to (with a body: 30 MB).
    """

    def __init__(self):
        self.answers, self.ranges, self.sent = [("whole", CONTENT)], [], 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                asked = self.headers.get("Range")
                outer.ranges.append(asked)
                kind, body = outer.answers[0] if len(outer.answers) == 1 else outer.answers.pop(0)
                start = int(asked[6:-1]) if asked and kind == "ranges" else 0
                self.send_response(
                    503 if kind == "down" else 302 if "://" in kind else 416 if start >= len(body) > 0 else
                    206 if start else 200
                )  # fmt: skip
                if "://" in kind:
                    self.send_header("Location", kind)
                if start:
                    self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
                endless = kind in ("endless", "boast") or ("://" in kind and body)
                if kind == "boast":
                    self.send_header("Content-Length", str(10**12))
                elif not endless and kind != "drip":
                    self.send_header("Content-Length", str(len(body) - start))
                self.end_headers()
                with contextlib.suppress(OSError):
                    for _ in range(300 if endless else 0):
                        self.wfile.write(body)
                        outer.sent += len(body)
                    self.send(kind, body[start:])

            def send(self, kind, body):
                pause = {"slow": 0.05, "drip": 0.2}.get(kind, 0)
                step = {"slow": 1024, "drip": 1}.get(kind, len(body) + 1)
                end = len(body) // 2 if kind == "cut" else len(body)
                for k in range(0, end, step):
                    self.wfile.write(body[k : min(k + step, end)])
                    time.sleep(pause)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def item(self, place="weights.pth", **facts):
        """A download from this server: CONTENT, of known hash and size unless `facts` say otherwise."""
        return Download(
            **{"url": f"{self.url}/file", "place": place, "bytes": len(CONTENT), "sha256": DIGEST} | facts
        )


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch, "_SCHEMES", ("http://",))  # a server of our own has no certificate
    server = Server()
    yield server
    server.server.shutdown()
    server.server.server_close()


@pytest.fixture
def offline(monkeypatch):
    """No name can be looked up."""

    def no_name(*args, **kwargs):
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


def left(folder):
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


def test_a_file_is_fetched_once(server, tmp_path):
    item = server.item("deep/er/weights.pth")
    for _ in range(2):
        assert fetch.fetch(item, tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None]
    assert left(tmp_path / "deep/er") == ["weights.pth"]


def test_the_cache_is_where_the_environment_says(server, tmp_path, monkeypatch):
    monkeypatch.setenv("RVERNET_CACHE", str(tmp_path))
    assert fetch.fetch(server.item()) == tmp_path / "weights.pth"
    monkeypatch.delenv("RVERNET_CACHE")
    assert fetch.cache_folder() == Path.cwd() / "_build" / "cache"


# --- interrupted ----------------------------------------------------------------------------------


def kill_in_the_middle(server, folder):
    """Fetch in another process and kill it when a part of the file is there; returns that part's size."""
    server.answers = [("slow", CONTENT)]
    script = (
        "from rvernet_core import fetch, downloads\nfetch._SCHEMES = ('http://',)\n"
        f"fetch.fetch(downloads.{server.item()!r}, {str(folder)!r})"
    )
    child = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    deadline = time.time() + 30
    while not any(p.stat().st_size for p in folder.glob(".weights.pth.*.part")) and time.time() < deadline:
        time.sleep(0.02)
    child.kill()
    child.wait()
    server.ranges.clear()
    (part,) = folder.glob(".weights.pth.*.part")
    return part.stat().st_size


def test_fault_01_killed_in_the_middle_of_a_download(server, tmp_path):
    kill_in_the_middle(server, tmp_path)
    assert not (tmp_path / "weights.pth").exists()
    server.answers = [("whole", CONTENT)]
    assert fetch.fetch(server.item(), tmp_path).read_bytes() == CONTENT
    assert left(tmp_path) == ["weights.pth"]


def test_fault_68_a_killed_download_goes_on_where_it_stopped(server, tmp_path):
    size = kill_in_the_middle(server, tmp_path)
    server.answers = [("ranges", CONTENT)]
    assert fetch.fetch(server.item(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={size}-"]
    assert left(tmp_path) == ["weights.pth"]


def test_fault_68_a_broken_connection_is_taken_up(server, tmp_path):
    server.answers = [("cut", CONTENT), ("ranges", CONTENT)]
    assert fetch.fetch(server.item(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={len(CONTENT) // 2}-"]


def test_fault_68_a_file_that_changed_meanwhile_is_not_glued_to_its_beginning(server, tmp_path):
    (tmp_path / ".weights.pth.0.part").write_bytes(b"another" * 100)
    server.answers = [("ranges", CONTENT)]
    assert fetch.fetch(server.item(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["bytes=700-", None]


def test_fault_68_a_server_that_sends_the_whole_again_is_read_from_its_beginning(server, tmp_path):
    (tmp_path / ".weights.pth.0.part").write_bytes(CONTENT[:1000])
    assert fetch.fetch(server.item(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == ["bytes=1000-"]


def test_fault_68_without_a_hash_nothing_is_taken_up(server, tmp_path):
    (tmp_path / ".weights.pth.0.part").write_bytes(CONTENT[:1000])
    server.answers = [("cut", CONTENT), ("ranges", CONTENT)]
    path = fetch.fetch(server.item(sha256=None), tmp_path, trust_first=True)
    assert path.read_bytes() == CONTENT
    assert server.ranges == [None, None]
    assert left(tmp_path) == ["weights.pth", "weights.pth.sha256"]


def test_fault_68_a_part_that_is_whole_already(server, tmp_path):
    (tmp_path / ".weights.pth.0.part").write_bytes(CONTENT)
    server.answers = [("ranges", CONTENT)]
    assert fetch.fetch(server.item(), tmp_path).read_bytes() == CONTENT
    assert len(server.ranges) == 1


def test_fault_68_a_part_whose_writer_lives_is_left_alone(server, tmp_path):
    part = tmp_path / ".weights.pth.0.part"
    part.write_bytes(CONTENT[:1000])
    with open(part, "r+b") as writer:
        assert fetch._lock(writer)
        fetch.fetch(server.item(), tmp_path)
    assert server.ranges == [None]
    assert left(tmp_path) == [".weights.pth.0.part", "weights.pth"]


def test_fault_11_where_locks_do_nothing_only_an_old_part_is_taken(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "_lock", lambda file: True)
    part = tmp_path / ".weights.pth.0.part"
    part.write_bytes(CONTENT[:1000])
    fetch.fetch(server.item(), tmp_path)
    assert left(tmp_path) == [".weights.pth.0.part", "weights.pth"]
    (tmp_path / "weights.pth").unlink()
    os.utime(part, (0, 0))
    server.answers = [("ranges", CONTENT)]
    assert fetch.fetch(server.item(), tmp_path).read_bytes() == CONTENT
    assert server.ranges == [None, "bytes=1000-"]
    assert left(tmp_path) == ["weights.pth"]


def test_fault_10_downloads_of_one_file_at_once(server, tmp_path):
    server.answers = [("slow", CONTENT[:20000])]
    item = server.item(bytes=20000, sha256=hashlib.sha256(CONTENT[:20000]).hexdigest())
    results = []
    threads = [threading.Thread(target=lambda: results.append(fetch.fetch(item, tmp_path))) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert (tmp_path / "weights.pth").read_bytes() == CONTENT[:20000]
    assert left(tmp_path) == ["weights.pth"]


@pytest.mark.parametrize(("published", "largest"), [(1000, "1,000"), (0, "5,000")])
def test_fault_68_a_server_that_never_stops_sending_is_cut_off(
    server, tmp_path, monkeypatch, published, largest
):
    monkeypatch.setattr(downloads, "MAX_BYTES", 5000)
    server.answers = [("endless", CONTENT)]
    with pytest.raises(FetchError, match=rf"cut off\. .*\n.* \(.*{largest} bytes"):
        fetch.fetch(server.item(bytes=published), tmp_path)
    assert server.sent < 200 * len(CONTENT)  # in two attempts
    assert left(tmp_path) == []


def test_fault_68_a_length_beyond_the_published_one_is_refused_unread(server, tmp_path):
    server.answers = [("boast", CONTENT)]
    with pytest.raises(FetchError, match="1,000,000,000,000 bytes or more; expected 20,480,000 bytes"):
        fetch.fetch(server.item(bytes=200 * len(CONTENT)), tmp_path)
    assert server.sent < 300 * len(CONTENT)  # in two attempts, what fits between two ends of a connection
    assert left(tmp_path) == []


def test_fault_68_a_server_that_sends_next_to_nothing_is_given_up(server, tmp_path, monkeypatch):
    monkeypatch.setattr(fetch, "_SLOWEST", (0.3, 1024))
    server.answers = [("drip", CONTENT[:20])]
    with pytest.raises(FetchError, match=r"only \d+ bytes in 0 seconds"):
        fetch.fetch(server.item(), tmp_path)
    assert not (tmp_path / "weights.pth").exists()


def test_fault_68_a_server_that_says_nothing_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(fetch, "_SCHEMES", ("http://",))
    monkeypatch.setattr(fetch, "_STALLED", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        item = Download(f"http://127.0.0.1:{mute.getsockname()[1]}/", "weights.pth", sha256=DIGEST)
        closing = threading.Timer(3, mute.close)  # who waits longer than told sees another error
        closing.daemon = True
        closing.start()
        with pytest.raises(FetchError, match="timed out"):
            fetch.fetch(item, tmp_path)
    assert left(tmp_path) == []


# --- not the file that was meant ------------------------------------------------------------------


def test_fault_02_a_wrong_hash_names_both_and_leaves_nothing(server, tmp_path):
    server.answers = [("whole", CONTENT[:-1] + b"x")]
    with pytest.raises(FetchError) as caught:
        fetch.fetch(server.item(), tmp_path)
    assert DIGEST in str(caught.value)
    assert hashlib.sha256(CONTENT[:-1] + b"x").hexdigest() in str(caught.value)
    assert len(server.ranges) == 2
    assert left(tmp_path) == []


@pytest.mark.parametrize("first", [("whole", b"wrong"), ("cut", CONTENT), ("down", b"busy")])
def test_fault_02_one_retry_is_enough_for_a_passing_fault(server, tmp_path, first):
    server.answers = [first, ("ranges", CONTENT)]
    assert fetch.fetch(server.item(), tmp_path).read_bytes() == CONTENT
    assert left(tmp_path) == ["weights.pth"]


@pytest.mark.parametrize("name", ["FoodSeg103.zip", "photo.jpg", "sam.pth"])
def test_fault_03_a_web_page_is_refused(server, tmp_path, name):
    page = b"\n<!DOCTYPE html><html>Please log in</html>"
    server.answers = [("whole", page)]
    with pytest.raises(FetchError, match="is a web page"):
        fetch.fetch(server.item(name, sha256=None, bytes=0), tmp_path, trust_first=True)
    assert left(tmp_path) == []


def test_fault_03_what_is_much_smaller_or_larger_than_published_is_refused(server, tmp_path):
    item = server.item(sha256=None, bytes=100_000, rounded=True)
    for body in (b'{"error": "not found"}', CONTENT * 2):
        server.answers = [("whole", body)]
        with pytest.raises(FetchError, match="expected about 100,000 bytes"):
            fetch.fetch(item, tmp_path, trust_first=True)
        assert left(tmp_path) == []
    server.answers = [("whole", CONTENT)]
    assert fetch.fetch(item, tmp_path, trust_first=True).read_bytes() == CONTENT


def test_fault_04_space_is_checked_where_the_size_is_known(server, tmp_path):
    with pytest.raises(DataError, match=r"needs .* of disk space"):
        fetch.fetch(server.item(bytes=10**18), tmp_path)
    assert server.ranges == []


def test_fault_04_a_disk_that_fills_up(server, tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
    try:
        with pytest.raises(DataError, match=r"weights\.pth .*File too large.*102,400 bytes needed"):
            fetch.fetch(server.item(), tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert left(tmp_path) == []


def test_fault_37_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(FetchError, match="RVERNET_CACHE"):
        fetch.fetch(server.item("cache/weights.pth"), tmp_path)


# --- https and known files alone ------------------------------------------------------------------


def test_fault_59_an_address_without_https_is_refused(tmp_path):
    with pytest.raises(FetchError, match=r"http://127\.0\.0\.1:9/weights is not https"):
        fetch.fetch(Download("http://127.0.0.1:9/weights", "weights.pth", sha256=DIGEST), tmp_path)
    assert left(tmp_path) == []


@pytest.mark.parametrize("place", ["ftp://127.0.0.1/file", "file:///etc/passwd", "HTTPS://127.0.0.1/file"])
def test_fault_59_a_redirect_to_another_scheme_is_refused(server, tmp_path, place):
    """The server of this test speaks http in https's place, so that https is another scheme here."""
    server.answers = [(place, b"")]
    with pytest.raises(FetchError, match=rf"{server.url}/file leads to {place}, which is not https"):
        fetch.fetch(server.item(), tmp_path)
    assert left(tmp_path) == []


def test_fault_59_redirects_come_to_an_end(server, tmp_path):
    server.answers = [(f"{server.url}/again", b"")]
    with pytest.raises(FetchError, match="more than 5 redirects"):
        fetch.fetch(server.item(), tmp_path)
    assert len(server.ranges) == 2 * 6  # two attempts
    server.answers = [(f"{server.url}/elsewhere", b""), ("whole", CONTENT)]
    assert fetch.fetch(server.item(), tmp_path).read_bytes() == CONTENT


def test_fault_68_a_redirect_whose_page_never_ends_is_followed_unread(server, tmp_path):
    server.answers = [(f"{server.url}/elsewhere", CONTENT), ("whole", CONTENT)]
    assert fetch.fetch(server.item(), tmp_path).read_bytes() == CONTENT
    assert server.sent < 100 * len(CONTENT)


def test_fault_59_a_file_of_which_nothing_is_known_is_refused(server, tmp_path, monkeypatch):
    item = server.item(sha256=None, instead="take another")
    with pytest.raises(
        FetchError, match=r"no published SHA-256.*RVERNET_TRUST_FIRST=1.*take another"
    ) as caught:
        fetch.fetch(item, tmp_path)
    assert f"{item.url} (102,400 bytes) to {tmp_path / 'weights.pth'}" in str(caught.value)
    assert server.ranges == []
    monkeypatch.setenv("RVERNET_TRUST_FIRST", "1")
    assert fetch.fetch(item, tmp_path).read_bytes() == CONTENT


def test_fault_59_a_hash_given_beforehand_is_compared(server, tmp_path):
    note = tmp_path / "weights.pth.sha256"
    note.write_text(f"{DIGEST.upper()}  weights.pth\n")
    assert fetch.fetch(server.item(sha256=None), tmp_path).read_bytes() == CONTENT
    (tmp_path / "weights.pth").unlink()
    note.write_text("0" * 64)
    with pytest.raises(FetchError, match=rf"{DIGEST}.*expected {'0' * 64} as .*sha256 says"):
        fetch.fetch(server.item(sha256=None), tmp_path)
    for text in ("", "abc", "ä" * 64):
        note.write_text(text)
        with pytest.raises(FetchError, match=r"weights\.pth\.sha256"):
            fetch.fetch(server.item(sha256=None), tmp_path)


def test_fault_69_the_first_copy_is_compared_ever_after(server, tmp_path):
    item = server.item(sha256=None, url=f"{server.url}/resolve/{'0' * 40}/file")
    path = fetch.fetch(item, tmp_path)
    assert (tmp_path / "weights.pth.sha256").read_text() == f"{DIGEST}  weights.pth\n"
    path.write_bytes(b"y" * len(CONTENT))
    with pytest.raises(FetchError, match=rf"expected {DIGEST} as .*sha256 says"):
        fetch.fetch(item, tmp_path)
    path.unlink()
    server.answers = [("whole", b"y" * len(CONTENT))]
    with pytest.raises(FetchError, match=rf"expected {DIGEST} as .*sha256 says"):
        fetch.fetch(item, tmp_path)


@pytest.mark.parametrize("item", EVERY, ids=lambda item: Path(item.place).name)
def test_fault_69_every_file_has_a_hash_or_a_fixed_revision(item):
    assert item.url.startswith("https://")
    assert item.pinned is (item is not downloads.FOODSEG103)  # its authors publish nothing: refused
    assert item.sha256 is None or len(item.sha256) == 64
    assert item.bytes or item is downloads.FOODSEG103


def test_every_file_has_a_place_of_its_own():
    assert len({item.place for item in EVERY}) == len({item.url for item in EVERY}) == len(EVERY) == 13


def test_the_published_facts():
    assert {name: item.bytes for name, item in downloads.SAM.items()} == {
        "vit_h": 2_564_550_879, "vit_l": 1_249_524_607, "vit_b": 375_042_383
    }  # fmt: skip
    assert {entry.timm_tag for entry in backbones.ZOO.values()} == set(downloads.TIMM)
    assert f"{sum(item.bytes for item in downloads.FOODSEG103_HUB):,}" in downloads.FOODSEG103.instead


# --- without a network ----------------------------------------------------------------------------


def doors(cache):
    """(what is called, what it needs) for everything that this project can download."""
    for name, entry in backbones.ZOO.items():
        spec = ModelSpec(roi=name, scale="paper")
        yield (lambda spec=spec: build_model(spec, 4, cache=cache)), [downloads.TIMM[entry.timm_tag]]
    for name, item in downloads.SAM.items():
        yield (lambda name=name: sam.load_sam(name, cache=cache)), [item]
    yield (lambda: open_data(DataSpec(name="foodseg103"), cache)), [downloads.FOODSEG103]
    yield (lambda: open_data(DataSpec(name="foodseg103-hub"), cache)), list(downloads.FOODSEG103_HUB)


def test_fault_51_without_a_network_every_download_says_address_size_and_place(offline, tmp_path):
    start = time.monotonic()
    for door, items in doors(tmp_path):
        with pytest.raises(FetchError) as caught:
            door()
        for item in items:
            assert f"\n{item.url} ({item.size}) to {tmp_path / item.place}" in str(caught.value)
    assert time.monotonic() - start < 30  # for eleven of them
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("hanging", ["getaddrinfo", "create_connection"])
def test_fault_13_a_network_that_swallows_everything_costs_less_than_ten_seconds(
    tmp_path, monkeypatch, hanging
):
    def swallow(*args, **kwargs):  # a resolver has time-outs of its own, which nobody can shorten
        time.sleep(1.5)
        raise TimeoutError

    assert fetch._CONNECT <= 5  # the rest is for importing torch
    monkeypatch.setattr(fetch, "_CONNECT", 0.2)
    monkeypatch.setattr(socket, hanging, swallow)
    start = time.monotonic()
    with pytest.raises(FetchError, match=r"out of reach \(no answer in 0\.2 seconds\)"):
        fetch.fetch(downloads.SAM["vit_b"], tmp_path)
    assert time.monotonic() - start < 1


def test_fault_13_a_proxy_that_does_not_answer_is_named(tmp_path, monkeypatch):
    for name in ("https_proxy", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(FetchError, match=r"^127\.0\.0\.1 is out of reach"):
        fetch.fetch(downloads.SAM["vit_b"], tmp_path)


def by_hand(item, cache, content):
    """Put `content` to the place of `item`; returns `item` with the hash of that content."""
    path = cache / item.place
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return dataclasses.replace(
        item, sha256=item.sha256 and hashlib.sha256(content).hexdigest(), bytes=len(content), rounded=False
    )


def test_fault_12_timm_weights_put_by_hand(offline, tmp_path, monkeypatch):
    net = backbones.build("mobilenetv2", "paper", pretrained=False)
    state = {name: (tensor + 1).contiguous() for name, tensor in net.state_dict().items()}
    save_file(state, tmp_path / "net")
    tag = backbones.facts("mobilenetv2").timm_tag
    item = by_hand(downloads.TIMM[tag], tmp_path, (tmp_path / "net").read_bytes())
    monkeypatch.setitem(downloads.TIMM, tag, item)
    model = build_model(ModelSpec(roi="mobilenetv2", scale="paper"), 4, cache=tmp_path)
    assert torch.equal(model.backbone.bn1.running_mean, torch.ones(32))
    monkeypatch.setitem(downloads.TIMM, backbones.facts("vit").timm_tag, item)
    with pytest.raises(CheckpointError, match="does not hold the weights of vit_base"):
        backbones.build("vit", "paper", cache=tmp_path)


def test_fault_12_segment_anything_put_by_hand(offline, tmp_path, monkeypatch):
    content = io.BytesIO()
    torch.save(nets.build_micro().state_dict(), content)
    monkeypatch.setitem(nets.sam_model_registry, "vit_b", nets.build_micro)
    monkeypatch.setitem(downloads.SAM, "vit_b", by_hand(downloads.SAM["vit_b"], tmp_path, content.getvalue()))
    assert sam.load_sam("vit_b", cache=tmp_path).name == "vit_b"


def archive_bytes(name="FoodSeg103/Images/img_dir/train/1.jpg"):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"data")
    return file.getvalue()


def test_fault_12_the_archive_put_by_hand_is_unpacked_once(offline, tmp_path):
    by_hand(downloads.FOODSEG103, tmp_path, archive_bytes())
    home = foodseg103.fetch_foodseg103(tmp_path)
    assert (home / "FoodSeg103/Images/img_dir/train/1.jpg").read_bytes() == b"data"
    (tmp_path / downloads.FOODSEG103.place).unlink()
    assert foodseg103.fetch_foodseg103(tmp_path) == home


def test_fault_03_a_truncated_archive_is_no_archive(server, tmp_path, monkeypatch):
    monkeypatch.setattr(
        downloads, "FOODSEG103", server.item("downloads/FoodSeg103.zip", sha256=None, bytes=0)
    )
    monkeypatch.setenv("RVERNET_TRUST_FIRST", "1")
    server.answers = [("whole", archive_bytes()[:-30])]
    with pytest.raises(FetchError, match="not a complete zip"):
        foodseg103.fetch_foodseg103(tmp_path)
    assert left(tmp_path / "downloads") == []


def test_fault_12_the_mirror_put_by_hand(offline, tmp_path, monkeypatch):
    items = tuple(by_hand(item, tmp_path, item.place.encode()) for item in downloads.FOODSEG103_HUB)
    monkeypatch.setattr(downloads, "FOODSEG103_HUB", items)
    folder = hub.fetch_mirror(tmp_path)
    assert len(list(folder.glob("*.parquet"))) == 4
    (folder / "train-00001-of-00003.parquet").unlink()
    with pytest.raises(FetchError) as caught:
        hub.fetch_mirror(tmp_path)
    assert items[1].url in str(caught.value)
    assert items[0].url not in str(caught.value)


def test_a_file_put_by_hand_is_checked(offline, tmp_path):
    item = Download("https://example.org/w", "weights.pth", len(CONTENT), DIGEST)
    by_hand(item, tmp_path, CONTENT)
    assert fetch.fetch(item, tmp_path) == tmp_path / "weights.pth"
    by_hand(item, tmp_path, b"something else")
    with pytest.raises(FetchError, match="delete it"):
        fetch.fetch(item, tmp_path)
    assert (tmp_path / "weights.pth").exists()  # never removed: it may be somebody's only copy
    (tmp_path / "weights.pth").unlink()
    (tmp_path / "weights.pth").mkdir()
    with pytest.raises(FetchError, match="cannot be read"):
        fetch.fetch(item, tmp_path)
