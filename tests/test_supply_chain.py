"""What this project takes from others: known by hash or commit, over https, with the least rights."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PYTHON = sorted(
    path
    for folder in ("rvernet_core", "rvernet_plates", "rvernet_book", "zoo", "book/_ext")
    for path in (ROOT / folder).rglob("*.py")
)
#: What is fetched, or says what is. Notebooks and pages hold links for readers, which nothing fetches.
FETCHING = [
    *PYTHON,
    *WORKFLOWS,
    ROOT / "Makefile",
    ROOT / "Snakefile",
    ROOT / "pyproject.toml",
    ROOT / "requirements.in",
    ROOT / "requirements.txt",
    ROOT / ".pre-commit-config.yaml",
    ROOT / ".ci/run",
]


def requirements():
    """{"name==version": its hashes} of the lock."""
    text = (ROOT / "requirements.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
    return {line.split()[0]: re.findall(r"--hash=(\S+)", line) for line in lines}


def test_fault_59_every_requirement_is_exact_and_has_hashes():
    locked = requirements()
    assert len(locked) > 100
    for name, hashes in locked.items():
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.+!]+", name), name
        assert hashes, name
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in hashes), name


def test_fault_59_the_lock_names_no_registry():
    text = (ROOT / "requirements.txt").read_text()
    assert not re.search(r"://|--index-url|--extra-index-url|--find-links|--trusted-host", text)


def test_fault_59_what_builds_this_package_is_locked_too():
    wanted = re.search(r"requires = \[(.*)\]", (ROOT / "pyproject.toml").read_text()).group(1)
    names = {re.match(r"[\w-]+", part.strip('" ')).group() for part in wanted.split(",")}
    assert names <= {name.split("==")[0] for name in requirements()}


def test_fault_59_pip_takes_nothing_without_a_hash():
    """Whatever the Makefile installs is locked; the package itself comes from here, and nothing with it."""
    calls = re.findall(r"\$\(PIP\) install (.*)", (ROOT / "Makefile").read_text())
    assert len(calls) == 3
    for call in calls:
        own = "--no-deps --no-build-isolation -e ." in call
        locked = "--no-deps --require-hashes" in call
        assert own or locked, call
        assert own or "--no-build-isolation" in call or "--only-binary :all:" in call, call
    others = [ROOT / ".ci/run", ROOT / "Snakefile", *WORKFLOWS]
    assert not [path for path in others if re.search(r"pip3? install|curl |wget ", path.read_text())]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_fault_59_actions_are_pinned_by_commit(path):
    used = re.findall(r"uses: *(\S+)(.*)", path.read_text())
    assert used
    for action, comment in used:
        assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}", action), action
        assert re.fullmatch(r" # v\d+\.\d+\.\d+", comment), f"{action} needs its version in a comment"


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_fault_59_workflows_have_the_least_rights(path):
    workflow = yaml.safe_load(path.read_text())
    assert workflow["permissions"] == {}
    for name, job in workflow["jobs"].items():
        rights = job["permissions"]
        publishes = any("deploy-pages" in step.get("uses", "") for step in job["steps"])
        assert rights == ({"pages": "write", "id-token": "write"} if publishes else {"contents": "read"}), (
            name
        )
        for step in job["steps"]:
            if "checkout" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] is False
    assert "pull_request_target" not in path.read_text()


def test_fault_59_the_hooks_of_pre_commit_fetch_nothing():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    for repository in config["repos"]:
        assert repository["repo"] == "local"
        assert {hook["language"] for hook in repository["hooks"]} == {"system"}


def test_fault_59_nothing_is_fetched_over_plain_http():
    """The names of XML's dialects, and servers on this machine, are no fetching."""
    plain = r"http://(?!127\.0\.0\.1|localhost|www\.w3\.org/)[\w.-]+"
    found = {path.name: re.findall(plain, path.read_text("utf-8")) for path in FETCHING}
    assert not {name: addresses for name, addresses in found.items() if addresses}


def test_fault_30_nothing_is_unpickled_without_a_guard():
    """`torch.load` with weights_only=True, `np.load` without pickles, and no other unpickler at all."""
    unsafe = re.compile(
        r"(pickle|dill|joblib|cloudpickle|marshal|shelve)\.\w+|pd\.read_pickle|yaml\.(unsafe_|full_)?load|eval|exec"
        r"|torch\.(jit\.load|hub\.\w+)|(urllib\.)?request\.urlopen"
    )
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call):
                called, where = ast.unparse(node.func), f"{path}:{node.lineno}"
                options = {keyword.arg: ast.unparse(keyword.value) for keyword in node.keywords}
                assert not unsafe.fullmatch(called), where
                assert called != "torch.load" or options.get("weights_only") == "True", where
                assert options.get("allow_pickle", "False") == "False", where
