"""Names that would be one folder, and the files that list names."""

import codecs
import os

import pytest

from rvernet_core.data.names import check_names, in_order, read_lines, read_text
from rvernet_core.errors import DataError

NAMES = ["mapo tofu", "crème brûlée", "비빔밥"]


@pytest.mark.parametrize(
    ("one", "other"), [("Rice", "rice"), ("STRASSE", "straße"), ("Frühstück", "Fru\u0308hstu\u0308ck")]
)
def test_fault_52_names_that_differ_by_case_or_form_alone_are_refused(one, other):
    check_names([one, "egg", one.replace("R", "P")])
    with pytest.raises(DataError, match=f"{one}.*{other}.*rename one"):
        check_names(["egg", one, other])


@pytest.mark.parametrize("name", ["a\nb", "a\tb", "\0", "caf\udce9", "\x1b[31m", "", " "])
def test_fault_29_a_name_that_is_no_line_of_text_is_refused(name):
    """It would not come back from classes.txt, or from a table of predictions."""
    with pytest.raises(DataError, match="no line of printable text") as caught:
        check_names(["egg", name])
    str(caught.value).encode()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_fault_57_lines_in_every_encoding_that_is_certain(tmp_path, encoding, end):
    path = tmp_path / "classes.txt"
    path.write_bytes(end.join(NAMES).encode(encoding))
    assert read_lines(path) == NAMES
    for mark, name in ((codecs.BOM_UTF16_BE, "utf-16-be"), (codecs.BOM_UTF32_BE, "utf-32-be")):
        path.write_bytes(mark + end.join(NAMES).encode(name))
        assert read_lines(path) == NAMES


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("crème".encode("latin-1"), "UTF-8"),
        ("crème".encode("utf-16-le"), "UTF-8"),
        (codecs.BOM_UTF16_LE + b"abc", "UTF-16-LE"),
        (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "UTF-16-LE|UTF-8"),
        (b"rice\x1b[31m", "UTF-8"),
    ],
)
def test_fault_57_other_encodings_and_what_is_no_text_are_named(tmp_path, content, encoding):
    path = tmp_path / "classes.txt"
    path.write_bytes(content)
    with pytest.raises(DataError, match=rf"classes\.txt is (not|no text in) ({encoding}).*save it as UTF-8"):
        read_text(path)


def test_fault_57_what_is_no_small_file_is_refused(tmp_path):
    path = tmp_path / "classes.txt"
    os.mkfifo(path)  # and not waited for
    with pytest.raises(DataError, match=r"classes\.txt is no text file"):
        read_text(path)
    path.unlink()
    path.write_bytes(b"a\n" * 2**20)
    with pytest.raises(DataError, match=r"classes\.txt is no text file of at most 1,048,576 bytes"):
        read_text(path)
    with pytest.raises(DataError, match=r"missing\.txt"):
        read_text(tmp_path / "missing.txt")


def test_names_in_the_order_of_their_ids(tmp_path):
    assert in_order({2: "b", 0: "background", 1: "a"}, tmp_path) == ("a", "b")
    for names, message in (
        ({1: "a", 3: "b"}, "ids are"),
        ({}, "ids are"),
        ({1: "a", 2: "a"}, "'a'"),
        ({1: ""}, "''"),
    ):
        with pytest.raises(DataError, match=message):
            in_order(names, tmp_path)
