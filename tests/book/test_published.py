"""The published record: an edit of any file is named, and it is replaced as a whole or not at all."""

import json
import shutil
from types import SimpleNamespace

import nbformat
import pytest
from killed import killed_at_every_step
from small_record import checkout, executed_pages

from rvernet_book import published, site
from rvernet_core import files
from rvernet_core.errors import ConfigError, RecordError

COMMITTED, ROOT = published.RECORD, published.ROOT


@pytest.fixture
def root(tmp_path, monkeypatch):
    return checkout(tmp_path / "checkout", monkeypatch)


def damage(root):
    return published.damage(root / "book", root / "README.md")


def edit(path, old="0.5", new="0.6"):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


# --- is it as it was published? ---------------------------------------------------------------------


def test_a_record_as_it_was_published_has_no_damage_and_no_pages_have_none(root, tmp_path):
    assert damage(root) == []
    published.check(root / "book", root / "README.md")
    assert published.damage(tmp_path / "empty") == []


@pytest.mark.parametrize(
    "name",
    ["01-one.ipynb", "files/scores.csv", "files/01-one.page.json", "files/dots.light.svg"],
)
def test_fault_56_an_edited_file_of_the_record_is_named(root, name):
    if name.endswith(".svg"):
        edit(root / "book" / "experiments" / name, "<svg>", "<svg >")
    else:
        edit(root / "book" / "experiments" / name)
    assert f"{name} was changed" in damage(root)
    with pytest.raises(
        RecordError, match=rf"{name} was changed.*`git checkout book README.md` brings it back"
    ):
        published.check(root / "book", root / "README.md")


def test_fault_56_a_file_that_was_removed_or_added_is_named(root):
    (root / "book" / "experiments" / "files" / "scores.csv").rename(root / "book" / "experiments" / "new.csv")
    assert damage(root)[:2] == ["files/scores.csv is missing", "new.csv is no file of it"]


@pytest.mark.parametrize("content", [None, "", "[1]", "{"])
def test_fault_56_a_record_without_its_hashes_is_damaged(root, content):
    path = root / "book" / "experiments" / published.SEAL
    path.unlink() if content is None else path.write_text(content)
    assert damage(root)[0].startswith("sha256.json, the hashes of all files, cannot be read")


@pytest.mark.parametrize("name", ["book/summary.md", "book/coverage.md", "README.md"])
def test_fault_56_a_text_that_was_written_from_the_record_and_edited_is_named(root, name):
    edit(root / name, "T" if "coverage" in name else "0.5", "0.6")
    (line,) = damage(root)
    assert line.startswith(f"{(root / name).name} says something else (`python -m rvernet_book ")


@pytest.mark.parametrize(
    ("name", "old", "line"),
    [
        ("01-one.page.json", '"best": "0.5"', "best is '0.6', and '0.5' in 01-one.ipynb"),
        ("01-one.page.json", "It is **0.5**", "answer is 'It is 0.6.', and 'It is 0.5.' in 01-one.ipynb"),
        ("scores.csv", "0.5", "files/scores.csv is not the file that 01-one.ipynb wrote"),
        ("dots.dark.svg", "0.5", "dots.dark.svg is not the drawing in 01-one.ipynb"),
    ],
)
def test_fault_56_new_hashes_do_not_hide_what_the_executed_page_contradicts(root, name, old, line):
    edit(root / "book" / "experiments" / "files" / name, old, old.replace("0.5", "0.6"))
    published.seal(root / "book" / "experiments")
    assert any(line in found for found in damage(root))


def test_fault_56_a_page_that_cannot_be_read_any_more_is_one_line(root):
    path = root / "book" / "experiments" / "files" / "01-one.page.json"
    path.write_text("{")
    published.seal(root / "book" / "experiments")
    assert [line.split(":")[0] for line in damage(root)] == ["experiments cannot be read"]


def test_fault_56_a_damaged_record_is_not_built(root, monkeypatch):
    monkeypatch.setattr(site, "_jupyter_book", lambda *a: pytest.fail("it was built"))
    edit(root / "book" / "experiments" / "files" / "scores.csv")
    with pytest.raises(RecordError, match=r"files/scores\.csv was changed"):
        site.build(published.RECORD, root / "html")


def test_fault_56_jupyter_book_itself_does_not_build_a_damaged_record(root, monkeypatch):
    monkeypatch.syspath_prepend(published.__file__.replace("rvernet_book/published.py", "book/_ext"))
    import record_files
    from sphinx.errors import ExtensionError

    record_files.check_record(SimpleNamespace(srcdir=root))
    edit(root / "book" / "experiments" / "files" / "scores.csv")
    with pytest.raises(ExtensionError, match=r"files/scores\.csv was changed"):
        record_files.check_record(SimpleNamespace(srcdir=root))


def test_fault_65_pages_that_were_executed_with_different_parameters_are_no_book(root, tmp_path):
    pages, other = (
        executed_pages(tmp_path / "new", "0.7"),
        executed_pages(tmp_path / "other", "0.7", seeds=[1]),
    )
    shutil.copy(other / "02-two.ipynb", pages)
    reason = "02-two.ipynb was executed with profile=full, seeds=.1., 01-one.ipynb with profile=full"
    for action in (lambda: published.publish(pages), lambda: site.build(pages, tmp_path / "html")):
        with pytest.raises(RecordError, match=reason):
            action()
    assert damage(root) == []


def test_fault_65_pages_of_other_parameters_or_edited_ones_are_executed_anew(tmp_path):
    """Snakemake takes what is newer than its sources for up to date."""
    pages = executed_pages(tmp_path / "pages", "0.7")
    published.forget(pages, {"profile": "full"})
    assert len(list(pages.glob("*.ipynb"))) == 2
    shutil.copy(executed_pages(tmp_path / "other", "0.7", seeds=[1]) / "02-two.ipynb", pages)
    (pages / "02-two.failed.ipynb").write_text("{")
    published.forget(pages, {"profile": "full"})
    assert sorted(p.name for p in pages.glob("*.ipynb")) == ["01-one.ipynb", "02-two.failed.ipynb"]
    edit(pages / "files" / "scores.csv", "0.7", "0.8")
    published.forget(pages, {"profile": "full"})
    assert [p.name for p in pages.glob("*.ipynb")] == ["02-two.failed.ipynb"]
    (pages / "03-three.ipynb").write_text("{")
    published.forget(pages, {"profile": "full"})
    assert not (pages / "03-three.ipynb").exists()


# --- its replacement --------------------------------------------------------------------------------


def shown(root):
    """The number that every file of the record shows; None if there is none, or they differ."""
    contents = [
        p.read_text() for p in (root / "book" / "experiments").rglob("*.*") if p.name != published.SEAL
    ]
    numbers = {number for number in ("0.5", "0.7") if any(number in text for text in contents)}
    whole = len(contents) == 7 and len(numbers) == 1 and all(next(iter(numbers)) in text for text in contents)
    return numbers.pop() if whole else None


def leftovers(root):
    return [p.name for folder in (root, root / "book") for p in folder.iterdir() if p.name.startswith(".")]


def test_publishing_replaces_the_record_and_every_text_that_is_written_from_it(root, tmp_path):
    pages = executed_pages(tmp_path / "new", "0.7")
    (pages / "02-two.failed.ipynb").write_text("no page")
    (pages / ".ipynb_checkpoints").mkdir()
    assert published.publish(pages) == published.RECORD
    assert (shown(root), damage(root), leftovers(root)) == ("0.7", [], [])
    assert "**0.7**" in (root / "README.md").read_text()


def test_the_first_record_is_published_where_there_is_none(root, tmp_path):
    shutil.rmtree(published.RECORD)
    published.publish(executed_pages(tmp_path / "new", "0.7"))
    assert (shown(root), damage(root)) == ("0.7", [])


def test_fault_42_the_record_is_old_or_new_whenever_its_publication_is_killed(tmp_path, monkeypatch):
    """And the next call of whatever command completes or drops it: the texts fit, nothing is left behind."""
    pages, seen = executed_pages(tmp_path / "new", "0.7"), []
    root = checkout(tmp_path / "checkout", monkeypatch)
    for number in killed_at_every_step(lambda: published.publish(pages)):
        seen.append(shown(root))
        assert seen[-1], f"killed before step {number}: neither the old nor the new record"
        published.finish()
        assert shown(root) == "0.7" or seen[-1] == "0.5"
        assert (damage(root), leftovers(root)) == ([], []), f"killed before step {number}"
        checkout(root, monkeypatch)
    assert seen.index("0.7") > 10, "it is staged before it replaces anything"
    assert seen == sorted(seen), "never back to the old one"


def test_fault_42_where_two_names_cannot_be_exchanged_a_killed_publication_is_completed(
    tmp_path, monkeypatch
):
    """Then there is a moment without a record; it does not last beyond the next call."""
    pages, seen, finish = executed_pages(tmp_path / "new", "0.7"), [], published.finish

    def staged():
        root = checkout(tmp_path / "checkout", monkeypatch)
        monkeypatch.setattr(published, "finish", lambda: None)
        published.publish(pages)
        return root

    monkeypatch.setattr(files, "_exchange", lambda one, other: False)
    root = staged()
    for _ in killed_at_every_step(finish):
        seen.append(shown(root))
        finish()
        assert (shown(root), damage(root), leftovers(root)) == ("0.7", [], [])
        root = staged()
    assert seen.count(None) in (1, 2)


def test_fault_42_the_site_is_old_or_new_whenever_its_build_is_killed(root, tmp_path, monkeypatch):
    def stand_in(source, output):
        assert json.loads((source / "book" / "experiments" / published.SEAL).read_text())
        (output / "_build" / "html").mkdir(parents=True)
        for name in ("index.html", "page.html"):
            (output / "_build" / "html" / name).write_text("new")
        return 0

    monkeypatch.setattr(site, "_jupyter_book", stand_in)
    html, seen = tmp_path / "site" / "html", []
    for _ in killed_at_every_step(lambda: site.build(published.RECORD, html)):
        seen.append([p.read_text() for p in sorted(html.glob("*"))] if html.is_dir() else "none")
        shutil.rmtree(html.parent, ignore_errors=True)
        html.mkdir(parents=True)
        for name in ("index.html", "page.html"):
            (html / name).write_text("old")
    assert [seen[0], seen[1], seen[-1]] == ["none", ["old"] * 2, ["new"] * 2]
    assert all(state in (["old"] * 2, ["new"] * 2) for state in seen[1:])
    site.build(published.RECORD, html)
    assert [p.name for p in html.parent.iterdir()] == ["html"], "what the killed ones left is swept"


def test_a_book_that_does_not_build_leaves_the_old_one(root, tmp_path, monkeypatch):
    monkeypatch.setattr(site, "_jupyter_book", lambda *a: 2)
    html = tmp_path / "html"
    html.mkdir()
    (html / "index.html").write_text("old")
    with pytest.raises(RecordError, match="did not build"):
        site.build(executed_pages(tmp_path / "new", "0.7"), html)
    assert [p.name for p in tmp_path.iterdir() if "html" in p.name] == ["html"]
    assert (html / "index.html").read_text() == "old"


def test_a_missing_page_is_named_with_the_command_that_executes_it(root, tmp_path):
    pages = executed_pages(tmp_path / "smoke" / "experiments", "0.7")
    (pages / "02-two.ipynb").unlink()
    with pytest.raises(ConfigError, match=r"02-two.ipynb; run `rvernet reproduce --profile smoke"):
        site.build(pages, tmp_path / "html")
    (published.RECORD / "02-two.ipynb").unlink()
    with pytest.raises(ConfigError, match=r"02-two.ipynb; run `make record`"):
        site.build(published.RECORD, tmp_path / "html")


# --- pages that are newer than the record -----------------------------------------------------------


def test_a_new_notebook_announces_itself_in_the_record_until_it_is_executed(root):
    source = root / "notebooks" / "03-three.ipynb"
    cell = nbformat.v4.new_markdown_cell("# Three\n\n**Question.** Why?\n\n**Answer.** {glue:text}`answer`")
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), source)
    executed = [(published.RECORD / f"{name}.ipynb").read_bytes() for name in ("01-one", "02-two")]
    assert published.announce(published.RECORD, root / "notebooks") == ["03-three"]
    page = published.RECORD / "03-three.ipynb"
    text = nbformat.read(page, as_version=4).cells[0].source
    assert "**Question.** Why?" in text
    assert "glue" not in text
    assert published.damage(root / "book", root / "README.md") == []
    assert site.stale(published.RECORD)["03-three"] == "it was never executed"
    assert [(published.RECORD / f"{name}.ipynb").read_bytes() for name in ("01-one", "02-two")] == executed
    page.write_text(page.read_text().replace("Why?", "When?"))
    assert published.damage(root / "book") == ["03-three.ipynb was changed"]
    edit(published.RECORD / "files" / "scores.csv")
    with pytest.raises(RecordError, match=r"scores\.csv was changed"):
        published.announce(published.RECORD, root / "notebooks")


def test_every_notebook_newer_than_the_committed_record_is_announced_in_it():
    for source in sorted((ROOT / "notebooks").glob("*.ipynb")):
        page = COMMITTED / source.name
        if published.is_announced(page):
            assert page.read_text() == published.announcement(source), "`python -m rvernet_book announce`"
