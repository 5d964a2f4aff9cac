"""Where a page's files go."""

from rvernet_book import Page
from rvernet_book import page as page_module


def test_a_page_of_the_book_and_a_notebook_run_by_itself_do_not_share_a_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(page_module, "ROOT", tmp_path.resolve())
    book = tmp_path / "_build" / "demo" / "experiments"
    book.mkdir(parents=True)
    for where, folder in ((book, book / "files"), (tmp_path, tmp_path / "_build" / "demo" / "own" / "files")):
        monkeypatch.chdir(where)
        assert Page("02-off-the-shelf", profile="demo").folder == folder.resolve()


def test_a_folder_can_be_named(tmp_path):
    assert Page("02-off-the-shelf", profile="demo", folder=tmp_path).folder == tmp_path
