"""Where this checkout and its published record lie.

A test that writes replaces the names in the modules that use them.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: The published record: the executed pages; their bundles lie in `files` below.
RECORD = ROOT / "book" / "experiments"
