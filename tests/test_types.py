"""Type hints hold: pyright's standard mode finds nothing in the four packages."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]


@pytest.mark.slow
def test_pyright_finds_no_error():
    command = [str(Path(sys.executable).with_name("basedpyright")), "--outputjson", "--project", str(ROOT)]
    command += ["--pythonpath", sys.executable]
    report = json.loads(subprocess.run(command, capture_output=True, text=True, check=False).stdout)
    assert report["summary"]["filesAnalyzed"] > 50
    errors = [d for d in report["generalDiagnostics"] if d["severity"] == "error"]
    lines = [f"{d['file']}:{d['range']['start']['line'] + 1}: {d['message']}" for d in errors]
    assert not lines, "\n".join(lines)
