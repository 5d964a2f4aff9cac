"""A build's processes end with it, however it ends."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

from rvernet_book import processes

#: A job with a kernel that stands in a session of its own, as papermill's does, and heeds no request to end.
JOB = """
import subprocess, sys
kernel = '''
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
time.sleep(99)
'''
subprocess.run([sys.executable, "-c", kernel], start_new_session=True)
"""
BUILD = f"""
import os, sys
from rvernet_book import processes
with processes.ended_by_signals():
    sys.exit(processes.run([sys.executable, "-c", {JOB!r}], ".", os.environ))
"""
#: A job that belongs to a build, in a session of its own; it does not see that its parent dies.
FOLLOWER = """
import time
from rvernet_book import processes
with processes.ended_by_signals():
    processes.follow()
    print("up", flush=True)
    time.sleep(99)
"""


def heed_signals():
    """Undo what a shell does to its background processes, tests included: they ignore SIGINT."""
    for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)


def started(code, **environment):
    """A process that executes `code`, once it or one that it started has printed a line."""
    command, env = [sys.executable, "-c", code], os.environ | environment
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=env, preexec_fn=heed_signals)
    assert process.stdout.readline() == "up\n"
    return process


def gone(processes_, seconds=20):
    _, alive = psutil.wait_procs(processes_, seconds)
    for process in alive:
        process.kill()
    return not alive


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_fault_61_a_build_that_is_told_to_end_ends_all_that_it_started(number):
    build = started(
        BUILD.replace(
            "from rvernet_book import processes", "from rvernet_book import processes; processes.GRACE = 0.5"
        )
    )
    below = psutil.Process(build.pid).children(recursive=True)
    assert len(below) == 2
    build.send_signal(number)
    assert gone(below)
    assert build.wait(20) != 0


def test_fault_61_a_job_ends_when_its_build_was_killed():
    build = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(99)"])
    job = started(FOLLOWER, **{processes.BUILD: f"{processes.files.process_table()},{build.pid}"})
    build.kill()  # and not even waited for: a zombie is dead
    assert job.wait(20) == 128 + signal.SIGTERM
    build.wait()


@pytest.mark.parametrize("build", [None, "another-machine,1"])
def test_a_job_of_no_build_here_follows_none(build, monkeypatch):
    monkeypatch.setenv(processes.BUILD, build) if build else monkeypatch.delenv(
        processes.BUILD, raising=False
    )
    monkeypatch.setattr(processes.threading, "Thread", lambda **_: pytest.fail("it follows one"))
    processes.follow()


def test_a_command_that_ends_by_itself_gives_its_status(tmp_path):
    code = f"import os, sys; sys.exit(3 if '{processes.BUILD}' in os.environ else 4)"
    assert processes.run([sys.executable, "-c", code], tmp_path, os.environ) == 3


def test_signals_mean_what_they_meant_before_once_the_block_is_left():
    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as stop, processes.ended_by_signals():
        signal.raise_signal(signal.SIGTERM)
    assert stop.value.code == 143
    assert signal.getsignal(signal.SIGTERM) is before
