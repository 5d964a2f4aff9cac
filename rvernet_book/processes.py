"""A build and its processes end together, however the build ends.

    rvernet reproduce -> snakemake -> a shell -> rvernet run | notebook -> a kernel

`run` ends all that it started when this process is told to end. Where this process is killed and can do
nothing more, each of them notices by itself (`follow`); a kernel notices the death of what started it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import FrameType

import psutil

from rvernet_core import files

BUILD = "RVERNET_BUILD"  # in the environment of a build's processes: the build's own process table and number
GRACE = 3.0  # seconds that a process has to end by itself before it is killed
_ENDING = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Ended(SystemExit):
    """A signal asked this process to end; its code is 128 and the signal's number."""


@contextlib.contextmanager
def ended_by_signals() -> Iterator[None]:
    """Within the block SIGTERM and SIGHUP end this process as Ctrl-C does: everything is left in order."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _ENDING}
    heeded = [number for number in _ENDING if before[number] is not signal.SIG_IGN]  # nohup ignores one
    for number in heeded:
        signal.signal(number, _end)
    try:
        yield
    finally:
        for number in heeded:
            signal.signal(number, before[number])


def _end(number: int, frame: FrameType | None) -> None:
    raise Ended(128 + number)


def run(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run `command` in `folder` and return its status. All that it started ends when this process has to."""
    build = f"{files.process_table()},{os.getpid()}"
    process = subprocess.Popen(command, cwd=folder, env={**environment, BUILD: build})
    try:
        return process.wait()
    except BaseException:
        with contextlib.suppress(psutil.NoSuchProcess):
            end_tree(psutil.Process(process.pid))
        raise


def end_tree(top: psutil.Process) -> None:
    """End a process and all below it: asked first, killed after GRACE seconds."""
    doomed = [*top.children(recursive=True), top]
    for number in (signal.SIGINT, *_ENDING):  # of an impatient user: the end is under way
        signal.signal(number, signal.SIG_IGN)
    for process in doomed:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(doomed, GRACE)
    for process in alive:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(alive, GRACE)


def follow() -> None:
    """From now on this process ends when the build that it belongs to has ended; see the module.

    It belongs to none if the environment names none, or one on another machine, as on a cluster.
    """
    table, _, number = os.environ.get(BUILD, "").partition(",")
    if table == files.process_table():
        threading.Thread(target=_follow, args=(int(number),), daemon=True).start()


def _follow(build: int) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(build)
        while process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
            time.sleep(0.5)
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(GRACE)
    psutil.Process().kill()
