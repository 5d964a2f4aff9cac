"""The command line: what it prints, and errors that end in one line and status 2."""

import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import papermill
import pytest
import released_code
from PIL import Image
from small_record import checkout, executed_pages

from rvernet_book import __main__ as written
from rvernet_book import cli, parameters
from rvernet_book.options import overrides, values
from rvernet_core.data.names import RELEASED
from rvernet_core.experiments.profiles import PROFILES


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("RVERNET_CACHE", str(tmp_path / "cache"))


def refused(arguments, capsys, status=2):
    """The one line on standard error with which the command line refuses `arguments`."""
    with pytest.raises(SystemExit) as stop:
        cli.main(list(map(str, arguments)))
    assert stop.value.code == status
    line = capsys.readouterr().err
    assert line.startswith("rvernet")
    assert line.count("\n") == 1
    assert "Traceback" not in line
    return line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "command"),
        (["reproduec"], "reproduce"),
        (["data", "--profile", "ful"], "did you mean 'full'? Expected one of smoke, demo, full, paper"),
        (["run", "single-vti", "--profile", "smoke"], "job is 'single-vti'"),
        (["predict", "p.png", "m.png", "--profile", "smoke", "--model", "vti"], "did you mean 'vit'"),
        (
            ["predict", "p.png", "m.png", "--profile", "smoke", "--top", "0"],
            "'0' is not a number of at least 1",
        ),
        (["predict", "nowhere.jpg", "m.png", "--profile", "smoke"], "nowhere.jpg does not exist"),
        (["predict", "p.png", "m.png", "--model", "vit", "--checkpoint", "a.pth"], "not allowed with"),
        (
            ["predict", "p.png", "m.png", "--classes", "a.txt"],
            "--classes names the classes of a --checkpoint",
        ),
        (["mask", "nowhere.jpg"], "nowhere.jpg does not exist"),
        (["mask", "nowhere.jpg", "--sam", "vit_h"], "nowhere.jpg does not exist"),
        (["mask", "nowhere.jpg", "--box", "1", "2", "3"], "--box: expected 4 arguments"),
        (["jobs", "--profile", "smoke", "--device", "abacus"], "device is 'abacus'"),
        (["jobs", "--profile", "smoke", "--device", "cuda:99"], "device 'cuda:99' is not usable here"),
        (["jobs", "--epochs", "many"], "--epochs: invalid int value: 'many'"),
        (["jobs", "--seeds"], "--seeds: expected at least one argument"),
        (["jobs", "--profil", "smoke"], "did you mean --profile?"),
        (["jobs", "--seed", "1"], "unknown --seed 1; did you mean --seeds?"),
        (["doctor", "--profile", "smoke"], "unknown --profile smoke"),
        (["data", "--profile", "smoke", "--masks", "drawn"], "masks is 'drawn'"),
        (["data", "--profile", "smoke", "--dataset", "folder"], "needs a root"),
        (
            ["notebook", "02-of-the-shelf", "--out", "x.ipynb", "--profile", "smoke"],
            "did you mean '02-off-the",
        ),
        (["notebook", "02-off-the-shelf", "--profile", "smoke"], "required: --out"),
        (["book", "--profile", "ful"], "smoke, demo, full, paper"),
        (["book", "--profile", "smoke", "--from-record"], "not allowed with argument --profile"),
        (["verify", "--profile", "ful"], "smoke, demo, full, paper"),
        (["reproduce", "--profile", "smoke", "--cores", "0"], "--cores: '0' is not a number of at least 1"),
        (["reproduce", "--profile", "smoke", "--cores", "-1"], "--cores: '-1' is not"),
        (["reproduce", "--profile", "smoke", "--cores", "abc"], "--cores: 'abc' is not"),
        (
            ["reproduce", "--profile", "smoke", "--target", "runs", "--record"],
            "--record publishes a whole book",
        ),
        (
            ["reproduce", "--profile", "smoke", "--record", "--epochs", "1", "--device", "cpu"],
            "--record publishes a profile as it is; leave epochs out",
        ),
        (
            ["reproduce", "--profile", "smoke", "--runs", "record"],
            "the record is of the full profile, not of smoke",
        ),
        (["jobs", "--parameters", "nowhere.yml"], "nowhere.yml cannot be read"),
        (["jobs", "--parameters", ""], "cannot be read"),
        (["jobs", "--parameters", "/"], "cannot be read"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_fault_67_an_error_is_one_line_that_names_what_was_wrong(arguments, message, capsys):
    assert message in refused(arguments, capsys)


def test_predict_asks_a_released_checkpoint(tmp_path, capsys):
    Image.new("RGB", (40, 30), (200, 90, 30)).save(tmp_path / "photo.jpg")
    Image.new("L", (40, 30), 1).save(tmp_path / "mask.png")
    files = ["predict", tmp_path / "photo.jpg", tmp_path / "mask.png", "--checkpoint", tmp_path / "net.pth"]
    net = released_code.rvernet(released_code.deit(), released_code.mobilenetv2(), classes=105)
    net.save(tmp_path / "net.pth")
    cli.main([*map(str, files), "--top", "105"])
    lines = [line.rsplit(maxsplit=1) for line in capsys.readouterr().out.splitlines()]
    assert {name.strip() for name, _ in lines} == set(RELEASED)
    values = [float(value) for _, value in lines]
    assert values == sorted(values, reverse=True)
    (tmp_path / "classes.txt").write_text("rice\negg\n")
    assert "names 2 classes; expected the 105" in refused(
        [*files, "--classes", tmp_path / "classes.txt"], capsys
    )
    (tmp_path / "net.pth").write_text("<html></html>")
    assert "net.pth is a web page, not a checkpoint" in refused(files, capsys)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("profile: [smoke", "is not YAML"),
        ("- smoke\n- demo\n", "holds a list; expected a mapping"),
        ("profil: smoke", "unknown parameter 'profil'; did you mean 'profile'?"),
        ("_profile: smoke", "unknown parameter '_profile'"),
        ("1: smoke", "unknown parameter 1"),
        ("epochs: three", "parameter epochs is 'three'"),
        ("seeds: {a: 1}", "parameter seeds is {'a': 1}"),
        ("masks: smam", "did you mean 'sam'"),
        ("\0", "is not YAML"),
    ],
)
def test_fault_67_a_wrong_file_of_parameters_is_one_line(text, message, tmp_path, capsys):
    path = tmp_path / "parameters.yml"
    path.write_text(text)
    assert message in refused(["jobs", "--parameters", path], capsys)


def test_fault_67_an_option_and_a_file_that_contradict_each_other_are_refused(tmp_path, capsys):
    """Also where the option asks for what is the default anyway."""
    path = tmp_path / "parameters.yml"
    path.write_text("profile: smoke")
    line = refused(["jobs", "--parameters", path, "--profile", "demo"], capsys)
    assert f"profile is 'demo', but 'smoke' in {path}" in line
    cli.main(["jobs", "--parameters", str(path), "--profile", "smoke"])


def test_fault_67_a_file_of_parameters_that_is_no_text_is_one_line(tmp_path, capsys):
    path = tmp_path / "parameters.yml"
    path.write_bytes(b"\xff\xfe\x00profile")
    assert "cannot be read" in refused(["jobs", "--parameters", path], capsys)


def test_fault_67_a_book_without_executed_pages_names_the_command_that_executes_them(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(cli, "ROOT", tmp_path)
    line = refused(["book", "--profile", "smoke"], capsys)
    assert "rvernet reproduce --profile smoke --target notebooks" in line


@pytest.mark.parametrize("out", ["file/page.ipynb", ""])
def test_fault_67_a_place_that_cannot_be_written_is_named_before_any_work(out, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(papermill, "execute_notebook", lambda *a, **k: pytest.fail("work was done"))
    (tmp_path / "file").write_text("no folder")
    command = ["notebook", "02-off-the-shelf", "--profile", "smoke", "--out", tmp_path / out]
    assert str(tmp_path / Path(out).parent) in refused(command, capsys)


def test_fault_67_an_error_of_the_system_is_one_line_too(capsys, monkeypatch):
    def fails(options):
        raise PermissionError(13, "Permission denied", "a file")

    fails.__name__ = "doctor"
    monkeypatch.setattr(cli, "COMMANDS", {fails: None})
    assert refused(["doctor"], capsys) == "rvernet: Permission denied: a file\n"


def test_fault_67_a_reader_that_has_enough_ends_the_command_quietly():
    code = "from rvernet_book import cli; cli.main(['jobs', '--profile', 'smoke'])"
    done = subprocess.run(
        f'{sys.executable} -c "{code}" | true', shell=True, capture_output=True, text=True, check=True
    )
    assert done.stderr == ""


def test_verify_without_a_build_says_that_the_record_is_whole_and_what_to_do(tmp_path, monkeypatch, capsys):
    root = checkout(tmp_path / "checkout", monkeypatch)
    monkeypatch.setattr(cli, "ROOT", root)
    with pytest.raises(SystemExit) as stop:
        cli.main(["verify", "--profile", "smoke"])
    said = capsys.readouterr()
    assert stop.value.code == 2
    assert "the record is as it was published: 7 files" in said.out
    assert "run `rvernet reproduce --profile smoke` first" in said.err


def test_fault_56_verify_lists_every_edited_file_and_fails(tmp_path, monkeypatch, capsys):
    root = checkout(tmp_path / "checkout", monkeypatch)
    monkeypatch.setattr(cli, "ROOT", root)
    for name in ("scores.csv", "dots.light.svg"):
        with (root / "book" / "experiments" / "files" / name).open("a") as file:
            file.write(" ")
    with pytest.raises(SystemExit) as stop:
        cli.main(["verify"])
    said = capsys.readouterr()
    assert stop.value.code == 1
    assert {"files/scores.csv was changed", "files/dots.light.svg was changed"} <= set(said.out.splitlines())
    assert "the record is not as it was published" in said.err


def test_verify_certifies_a_fresh_run_and_keeps_it_when_asked(tmp_path, monkeypatch, capsys):
    root = checkout(tmp_path / "checkout", monkeypatch)
    monkeypatch.setattr(cli, "ROOT", root)
    fresh = root / "_build" / "full" / "experiments"
    executed_pages(fresh, "0.5")
    cli.main(["verify", "--profile", "full", "--keep"])
    said = capsys.readouterr().out
    assert "the fresh run and the record: identical" in said
    assert (root / "_build" / "full" / "certificate.html").is_file()
    assert "**identical**" in (root / "book" / "verifications.md").read_text()
    shutil.rmtree(fresh)
    executed_pages(fresh, "0.6")  # another number, without an interval: it is told, and not judged
    cli.main(["verify", "--profile", "full"])
    assert "not judged" in capsys.readouterr().out
    shutil.rmtree(fresh)
    executed_pages(fresh, "0.5")
    (fresh / "files" / "02-two.page.json").unlink()
    (fresh / "02-two.ipynb").unlink()
    with pytest.raises(SystemExit) as stop:
        cli.main(["verify", "--profile", "full"])
    assert stop.value.code == 1
    assert "missing" in capsys.readouterr().out


def test_folders_are_handed_on_as_whole_paths(tmp_path, monkeypatch):
    """A notebook is executed in another folder than the one in which they were typed."""
    monkeypatch.chdir(tmp_path)
    options = cli._parse(["jobs", "--data-root", "photos", "--extra-classes", "ketchup=sauces/k"])
    found = values(options)
    assert (found["data_root"], found["extra_classes"]) == (
        str(tmp_path / "photos"),
        [f"ketchup={tmp_path / 'sauces/k'}"],
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["summary", "nowhere"], "nowhere is not a folder"), (["coverage", "."], "paper-items.yml")],
)
def test_fault_67_what_cannot_be_written_anew_is_one_line(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["rvernet_book", *arguments])
    with pytest.raises(SystemExit) as stop:
        written.main()
    line = capsys.readouterr().err
    assert (stop.value.code, line.count("\n")) == (2, 1)
    assert message in line


def test_help_answers_without_the_packages_that_compute():
    code = (
        "import sys; from rvernet_book import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: print('loaded:', {'torch', 'timm', 'matplotlib', 'pandas'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.endswith("loaded: set()\n")
    assert all(f"\n    {action.__name__} " in done.stdout for action in cli.COMMANDS)


def test_every_parameter_of_a_study_is_an_option_with_its_default():
    found = values(cli._parse(["jobs"]))
    assert found == {parameter.name: parameter.default for parameter in parameters.of_study()}
    options = cli._parse(["jobs", "--seeds", "0", "1", "--data-root", "photos"])
    assert (options.seeds, options.data_root) == ([0, 1], "photos")
    assert values(cli._parse(["reproduce"]))["runs"] == "train"
    assert cli._parse(["reproduce", "--from-record"]).runs == "record"


def test_only_what_differs_from_its_default_is_handed_to_a_notebook(tmp_path):
    path = tmp_path / "parameters.yml"
    path.write_text("seeds: [3]\nepochs: 0\n")
    options = cli._parse(["jobs", "--profile", "smoke", "--parameters", str(path)])
    assert overrides(options) == {"profile": "smoke", "seeds": [3]}


def test_the_graph_lists_every_job_and_every_page(capsys):
    cli.main(["jobs", "--profile", "smoke"])
    graph = json.loads(capsys.readouterr().out)
    assert set(graph["pages"]) == {path.stem for path in (cli.ROOT / "notebooks").glob("*.ipynb")}
    assert all(set(jobs) <= set(graph["runs"]) for jobs in graph["pages"].values())


def test_a_photo_is_masked_into_a_folder(tmp_path, capsys):
    Image.new("RGB", (64, 48), (200, 40, 30)).save(tmp_path / "plain.png")
    cli.main(["mask", str(tmp_path / "plain.png"), "--box", *["8", "8", "40", "30"], "--out", str(tmp_path)])
    assert "3 files" in capsys.readouterr().out
    assert (tmp_path / "plain-1.mask.png").exists()


@pytest.mark.parametrize("prompt", ["--box 50 40 20 20", "--box -1 0 9 9", "--box nan 0 9 9", "--point 64 3"])
def test_fault_39_a_wrong_prompt_stops_before_a_large_net_is_fetched(tmp_path, capsys, prompt):
    Image.new("RGB", (64, 48), (200, 40, 30)).save(tmp_path / "plain.png")
    with pytest.raises(SystemExit):
        cli.main(
            ["mask", str(tmp_path / "plain.png"), *prompt.split(), "--sam", "vit_h", "--out", str(tmp_path)]
        )
    assert "the photo is 64 x 48 pixels" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["plain.png"]


@pytest.mark.parametrize("command", [["fetch"], ["data", "--fetch"]])
def test_fault_51_fetch_lists_what_the_paper_profile_needs(tmp_path, monkeypatch, capsys, command):
    def no_name(*args, **kwargs):
        raise socket.gaierror("no network")

    monkeypatch.setattr(socket, "getaddrinfo", no_name)
    study = ["--profile", "paper", "--backbones", "vit", "deit"]
    with pytest.raises(SystemExit):
        cli.main(command + study)
    lines = capsys.readouterr().err.splitlines()[1:]
    assert len(lines) == 7
    assert all(re.match(rf"https://\S+ \(.* bytes\) to {tmp_path}/cache/", line) for line in lines)


def test_fetch_has_nothing_to_do_for_plates(capsys):
    cli.main(["fetch", "--profile", "demo"])
    assert capsys.readouterr().out == "the demo profile needs nothing from elsewhere\n"


def test_doctor_lists_the_accelerator_the_cache_and_the_zoo(tmp_path, capsys):
    cli.main(["doctor"])
    found = dict(
        line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if "free" not in line
    )
    assert found["cache"] == str(tmp_path / "cache")
    assert found["record"].startswith("as it was published")
    assert {"torch", "accelerator", "Python"} <= set(found)
    assert "sam-micro" in found["zoo"]


def test_every_profile_is_offered(capsys):
    with pytest.raises(SystemExit):
        cli.main(["reproduce", "--help"])
    assert " | ".join(PROFILES) in " ".join(capsys.readouterr().out.split())
