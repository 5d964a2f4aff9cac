"""Kill a function at every step that it takes on the disk."""

import itertools
import os
import signal
import sys

STEPS = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree", "shutil.move", "ctypes.dlsym"}


def killed_at_every_step(action):
    """Yield n after a process that called `action` was killed (SIGKILL) before its n-th step; n = 1, 2, ...

    Ends when `action` takes fewer than n steps; AssertionError if it raises.
    """
    for number in itertools.count(1):
        if (pid := os.fork()) == 0:
            _run(action, number)
        _, status = os.waitpid(pid, 0)
        if os.WIFEXITED(status):
            assert os.WEXITSTATUS(status) == 0, "it raised"
            assert number > 1, "it took no step"
            return
        yield number


def _run(action, number):
    steps = itertools.count(1)

    def hook(event, arguments):
        writes = event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR)
        if (event in STEPS or writes) and next(steps) == number:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    try:
        action()
    except BaseException:
        os._exit(1)
    os._exit(0)
