"""Take out the handling of each fault and see whether its test notices.

    python tests/mutate.py              all faults of tests/mutations/*.toml, two at a time
    python tests/mutate.py 41 48        these faults
    python tests/mutate.py --jobs 4

Not part of `make test`: it runs each fault's tests once per mutation, some minutes in all. A mutation is
a table

    [[mutation]]
    fault = 41                          the number of the tests `test_fault_41_*`
    what = "..."                        what is taken out
    file = "rvernet_core/files.py"
    old = '''...'''                     occurs exactly once in the file
    new = '''...'''

applied to a copy of the checkout, never to the checkout itself. Exit status 1 if a mutation survives: then a
test passes without the handling that it is named after. `tests/test_mutations.py` keeps the tables in step
with the code.
"""

from __future__ import annotations

import argparse
import os
import queue
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
TABLES = ROOT / "tests" / "mutations"
LIMIT = 600  # seconds for the tests of one fault; a mutation that makes them hang is noticed


@dataclass(frozen=True)
class Mutation:
    """One piece of handling, and the file without it."""

    fault: int
    what: str
    file: str
    old: str
    new: str

    def applied(self, text: str) -> str:
        """`text` without the handling; ValueError unless `old` occurs in it exactly once."""
        if text.count(self.old) != 1:
            raise ValueError(f"{self.file}: `old` of {self.what!r} occurs {text.count(self.old)} times")
        return text.replace(self.old, self.new)


def read_mutations() -> list[Mutation]:
    """All tables of tests/mutations, by the number of their fault."""
    rows = [
        row for path in sorted(TABLES.glob("*.toml")) for row in tomllib.loads(path.read_text())["mutation"]
    ]
    return sorted((Mutation(**row) for row in rows), key=lambda m: m.fault)


def fault_tests() -> dict[int, list[str]]:
    """fault -> the test files that hold tests of its number, relative to the checkout."""
    found: dict[int, list[str]] = {}
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for number in sorted(set(re.findall(r"def test_fault_(\d+)_", path.read_text("utf-8")))):
            found.setdefault(int(number), []).append(str(path.relative_to(ROOT)))
    return found


def copy_checkout(folder: Path) -> Path:
    """What git tracks or would track, copied into `folder`."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, check=True, capture_output=True, text=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    subprocess.run(["git", "init", "-q", str(folder)], check=True)  # tests that ask git find a checkout
    return folder


def passes(checkout: Path, fault: int, tests: list[str]) -> bool:
    """Whether the fault's tests pass in `checkout`."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "-k",
        f"test_fault_{fault:02}_",
        *tests,
    ]
    environment = os.environ | {
        "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": "1",
    }  # fmt: skip
    try:
        done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, timeout=LIMIT)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> int:
    parser = argparse.ArgumentParser(
        description="Take out each fault's handling; see whether its test notices."
    )
    parser.add_argument("faults", nargs="*", type=int, help="numbers of faults; default: all")
    parser.add_argument("--jobs", type=int, default=2, help="copies of the checkout that work side by side")
    arguments = parser.parse_args()
    mutations = [m for m in read_mutations() if not arguments.faults or m.fault in arguments.faults]
    tests = fault_tests()

    with tempfile.TemporaryDirectory() as folder:
        copies: queue.Queue[Path] = queue.Queue()
        for number in range(arguments.jobs):
            copies.put(copy_checkout(Path(folder, str(number))))

        def sound(fault: int) -> bool:
            copy = copies.get()
            try:
                return passes(copy, fault, tests[fault])
            finally:
                copies.put(copy)

        def survives(mutation: Mutation) -> bool:
            copy = copies.get()
            path = copy / mutation.file
            text = path.read_text("utf-8")
            try:
                path.write_text(mutation.applied(text), "utf-8")
                return passes(copy, mutation.fault, tests[mutation.fault])
            finally:
                path.write_text(text, "utf-8")
                copies.put(copy)

        with ThreadPoolExecutor(arguments.jobs) as pool:
            faults = sorted({m.fault for m in mutations})
            broken = {f for f, good in zip(faults, pool.map(sound, faults), strict=True) if not good}
            for fault in sorted(broken):
                print(f"{fault:>3}  BROKEN    its tests fail on the untouched code", flush=True)
            tried = [m for m in mutations if m.fault not in broken]
            survivors = 0
            for mutation, alive in zip(tried, pool.map(survives, tried), strict=True):
                survivors += alive
                print(
                    f"{mutation.fault:>3}  {'SURVIVED' if alive else 'noticed '}  {mutation.what}", flush=True
                )
    print(
        f"{len(tried)} mutations of {len(faults)} faults: {survivors} survived, {len(broken)} faults broken"
    )
    return int(bool(survivors or broken))


if __name__ == "__main__":
    sys.exit(main())
