"""Downloads from a server on the loopback interface, with every fault that a network has."""

import hashlib
import http.server
import io
import os
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path

import pytest

from rvernet_core.data import fetch
from rvernet_core.errors import DataError, FetchError

CONTENT = bytes(range(256)) * 400
DIGEST = hashlib.sha256(CONTENT).hexdigest()


class Server:
    """Serves whatever `answers` says, one after the other; the last one again and again."""

    def __init__(self):
        self.answers, self.requests = [("whole", CONTENT)], []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append(self.path)
                kind, body = outer.answers[0] if len(outer.answers) == 1 else outer.answers.pop(0)
                self.send_response(503 if kind == "down" else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                if kind == "slow":
                    for k in range(0, len(body), 1024):
                        self.wfile.write(body[k : k + 1024])
                        time.sleep(0.05)
                self.wfile.write(body[: len(body) // 2] if kind == "cut" else body)

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    server = Server()
    yield server
    server.server.shutdown()
    server.server.server_close()


def left(folder):
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


def test_a_file_is_fetched_once(server, tmp_path):
    target = tmp_path / "deep/er/weights.pth"
    for _ in range(2):
        got = fetch.retrieve(server.url + "/weights.pth", target, sha256=DIGEST, size=len(CONTENT))
        assert got.read_bytes() == CONTENT
    assert server.requests == ["/weights.pth"]
    assert left(target.parent) == ["weights.pth"]


def test_fault_01_killed_in_the_middle_of_a_download(server, tmp_path):
    server.answers = [("slow", CONTENT), ("whole", CONTENT)]
    target = tmp_path / "weights.pth"
    script = f"from rvernet_core.data import fetch; fetch.retrieve({server.url!r}, {str(target)!r})"
    child = subprocess.Popen([sys.executable, "-c", script], stderr=subprocess.DEVNULL)
    deadline = time.time() + 30
    while not any(p.stat().st_size for p in tmp_path.glob(".weights.pth.*.tmp")) and time.time() < deadline:
        time.sleep(0.02)
    child.kill()
    child.wait()
    (unfinished,) = tmp_path.glob(".weights.pth.*.tmp")
    assert not target.exists()
    os.utime(unfinished, (0, 0))  # an hour later
    assert fetch.retrieve(server.url, target, sha256=DIGEST).read_bytes() == CONTENT
    assert left(tmp_path) == ["weights.pth"]


def test_fault_02_a_wrong_hash_names_both_and_leaves_nothing(server, tmp_path):
    server.answers = [("whole", CONTENT[:-1] + b"x")]
    with pytest.raises(FetchError) as caught:
        fetch.retrieve(server.url, tmp_path / "weights.pth", sha256=DIGEST)
    assert DIGEST in str(caught.value)
    assert hashlib.sha256(CONTENT[:-1] + b"x").hexdigest() in str(caught.value)
    assert len(server.requests) == 2
    assert left(tmp_path) == []


@pytest.mark.parametrize("first", [("whole", b"wrong"), ("cut", CONTENT), ("down", b"busy")])
def test_fault_02_one_retry_is_enough_for_a_passing_fault(server, tmp_path, first):
    server.answers = [first, ("whole", CONTENT)]
    assert fetch.retrieve(server.url, tmp_path / "weights.pth", sha256=DIGEST).read_bytes() == CONTENT
    assert left(tmp_path) == ["weights.pth"]


@pytest.mark.parametrize("name", ["FoodSeg103.zip", "photo.jpg", "sam.pth"])
def test_fault_03_a_web_page_is_refused(server, tmp_path, name):
    server.answers = [("whole", b"\n<!DOCTYPE html><html>Please log in</html>")]
    with pytest.raises(FetchError, match="is a web page"):
        fetch.retrieve(server.url, tmp_path / name)
    assert left(tmp_path) == []


def test_fault_04_space_is_checked_where_the_size_is_known(server, tmp_path):
    with pytest.raises(DataError, match=r"needs .* of disk space"):
        fetch.retrieve(server.url, tmp_path / "weights.pth", size=10**18)
    assert server.requests == []


def test_fault_10_two_downloads_of_one_file(server, tmp_path):
    server.answers = [("slow", CONTENT[:20000])]
    target, results = tmp_path / "weights.pth", []
    threads = [
        threading.Thread(target=lambda: results.append(fetch.retrieve(server.url, target))) for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 3
    assert target.read_bytes() == CONTENT[:20000]
    assert left(tmp_path) == ["weights.pth"]


def test_fault_13_offline_and_nothing_cached(tmp_path):
    target = tmp_path / "weights.pth"
    with pytest.raises(FetchError) as caught:
        fetch.retrieve("http://127.0.0.1:9/weights.pth", target, size=1234567)
    for part in ("http://127.0.0.1:9/weights.pth", "1,234,567 bytes", str(target)):
        assert part in str(caught.value)
    assert left(tmp_path) == []


def test_a_file_put_by_hand_is_checked(tmp_path):
    target = tmp_path / "weights.pth"
    target.write_bytes(CONTENT)
    assert fetch.retrieve("http://127.0.0.1:9/", target, sha256=DIGEST) == target
    target.write_bytes(b"something else")
    with pytest.raises(FetchError, match="delete it"):
        fetch.retrieve("http://127.0.0.1:9/", target, sha256=DIGEST)
    assert target.exists()  # never removed: it may be somebody's only copy


def test_fault_37_a_folder_that_cannot_be_written(server, tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    with pytest.raises(FetchError, match="RVERNET_CACHE"):
        fetch.retrieve(server.url, tmp_path / "cache/weights.pth")


# --- Segment Anything -------------------------------------------------------------------------------


def test_sam_checkpoints(server, tmp_path, monkeypatch):
    known = fetch.Checkpoint(server.url + "/sam_small.pth", len(CONTENT), DIGEST)
    monkeypatch.setitem(fetch.SAM_CHECKPOINTS, "vit_b", known)
    assert fetch.sam_checkpoint("vit_b", tmp_path) == tmp_path / "checkpoints/sam_small.pth"
    with pytest.raises(FetchError, match="vit_h, vit_l, vit_b"):
        fetch.sam_checkpoint("vit_x", tmp_path)


def test_the_published_facts():
    assert {name: c.bytes for name, c in fetch.SAM_CHECKPOINTS.items()} == {
        "vit_h": 2_564_550_879, "vit_l": 1_249_524_607, "vit_b": 375_042_383
    }  # fmt: skip
    assert all(len(c.sha256) == 64 for c in fetch.SAM_CHECKPOINTS.values())


# --- FoodSeg103 -------------------------------------------------------------------------------------


def archive_bytes(names=("FoodSeg103/Images/img_dir/train/1.jpg",)):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, b"data")
    return file.getvalue()


def test_fault_12_the_archive_is_fetched_and_unpacked_once(server, tmp_path):
    server.answers = [("whole", archive_bytes())]
    home = fetch.fetch_foodseg103(tmp_path, server.url + "/FoodSeg103.zip")
    assert (home / "FoodSeg103/Images/img_dir/train/1.jpg").read_bytes() == b"data"
    (tmp_path / "downloads/FoodSeg103.zip").unlink()
    assert fetch.fetch_foodseg103(tmp_path, "http://127.0.0.1:9/FoodSeg103.zip") == home


def test_the_archive_put_by_hand(tmp_path):
    (tmp_path / "downloads").mkdir()
    (tmp_path / "downloads/FoodSeg103.zip").write_bytes(archive_bytes())
    assert fetch.fetch_foodseg103(tmp_path, "http://127.0.0.1:9/FoodSeg103.zip").is_dir()


def test_a_truncated_archive_is_no_archive(server, tmp_path):
    server.answers = [("whole", archive_bytes()[:-30])]
    with pytest.raises(FetchError, match="not a complete zip"):
        fetch.fetch_foodseg103(tmp_path, server.url + "/FoodSeg103.zip")
    assert left(tmp_path / "downloads") == []


# --- the hub ----------------------------------------------------------------------------------------


def fake_hub(folder, online=True):
    def snapshot_download(repo, *, local_files_only=False, **how):
        if not local_files_only and not online:
            raise ConnectionError("no route to host")
        if local_files_only and not folder.is_dir():
            raise FileNotFoundError("not cached")
        for i in range(2):
            path = folder / f"data/train-0000{i}-of-00002.parquet"
            if local_files_only:
                break
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        return str(folder)

    return snapshot_download


def test_fault_12_the_mirror_offline_with_everything_cached(tmp_path, monkeypatch):
    folder = tmp_path / "snapshot"
    monkeypatch.setattr("huggingface_hub.snapshot_download", fake_hub(folder))
    assert fetch.fetch_hub_mirror(tmp_path) == folder
    monkeypatch.setattr("huggingface_hub.snapshot_download", fake_hub(folder, online=False))
    assert fetch.fetch_hub_mirror(tmp_path) == folder


def test_fault_13_the_mirror_offline_with_nothing_or_half_of_it_cached(tmp_path, monkeypatch):
    folder = tmp_path / "snapshot"
    monkeypatch.setattr("huggingface_hub.snapshot_download", fake_hub(folder, online=False))
    with pytest.raises(FetchError, match=r"EduardoPacheco/FoodSeg103 \(about 1.25 GB\).*`root`"):
        fetch.fetch_hub_mirror(tmp_path)
    (folder / "data").mkdir(parents=True)
    (folder / "data/train-00000-of-00002.parquet").touch()
    with pytest.raises(FetchError, match="no route"):
        fetch.fetch_hub_mirror(tmp_path)


def test_fault_13_the_real_hub_client_offline(tmp_path):
    """Through huggingface_hub itself, at an address where nobody answers."""
    with pytest.raises(FetchError, match="cannot fetch the data set"):
        fetch.fetch_hub_mirror(tmp_path, endpoint="http://127.0.0.1:9")


def test_complete_parts(tmp_path):
    for name in ("train-00000-of-00002-ab.parquet", "validation-00000-of-00001-cd.parquet"):
        (tmp_path / name).touch()
    assert not fetch.complete_parts(tmp_path)
    (tmp_path / "train-00001-of-00002-ef.parquet").touch()
    assert fetch.complete_parts(tmp_path)
    assert not fetch.complete_parts(Path(tmp_path / "none"))
