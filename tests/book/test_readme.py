"""What the README and the Makefile promise is there."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
TARGETS = set(re.findall(r"^([a-z ]+):", MAKEFILE, flags=re.M))
TARGETS = {name for group in TARGETS for name in group.split()}


@pytest.mark.parametrize("link", sorted(set(re.findall(r"\]\((?!https?:)([^)#]+)\)", README))))
def test_links_of_the_readme_exist(link):
    assert (ROOT / link).exists()


def test_commands_on_the_pages_are_targets_of_the_makefile():
    pages = [README, *(p.read_text() for p in (ROOT / "book").glob("*.md"))]
    for target in set(re.findall(r"\bmake ([a-z]+)", " ".join(re.findall(r"`+[^`]+`+", "\n".join(pages))))):
        assert target in TARGETS, target


def test_the_readme_fits_a_screen_and_names_the_two_commands():
    shown = re.sub("<details>.*?</details>", "", README, flags=re.S)  # folded away
    assert len(shown.splitlines()) < 75
    assert "make book" in README
    assert "make test" in README
    assert "<!-- result -->" in README
    assert "<!-- /result -->" in README


def test_the_lock_is_exact_and_covers_the_direct_choices():
    def names(path):
        found = (re.match(r"([A-Za-z0-9_.-]+)", line) for line in (ROOT / path).read_text().splitlines())
        return {match.group(1).lower().replace("_", "-") for match in found if match}

    assert names("requirements.in") <= names("requirements.txt")
    for line in (ROOT / "requirements.txt").read_text().splitlines():
        if line and line[0] not in " #":
            assert "==" in line, line
    assert "opencv-python" not in names("requirements.txt")  # it would overwrite the headless one


@pytest.mark.parametrize("path", [".ci/run", "LICENSE", "CITATION.cff", "CHANGELOG.md", "CONTRIBUTING.md"])
def test_the_habits_are_there(path):
    assert (ROOT / path).read_text().strip()
