"""Processes that render beside each other: how many, and how each of them begins and ends."""

from __future__ import annotations

import os
import threading
from multiprocessing import parent_process

import cv2


def start_worker() -> None:
    """One thread for each worker, which ends when its parent does, even if that was killed."""
    cv2.setNumThreads(1)

    parent = parent_process()

    def leave_with_parent() -> None:
        if parent is not None:
            parent.join()
        os._exit(1)

    threading.Thread(target=leave_with_parent, daemon=True).start()


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
