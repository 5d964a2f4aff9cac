"""A block of a text: what stands between two markers."""

import pytest

from rvernet_book.blocks import Block
from rvernet_core.errors import RecordError

CLAIMS = Block("claims")


@pytest.fixture
def readme(tmp_path):
    path = tmp_path / "README.md"
    path.write_text(f"above\n{CLAIMS.begin}\nold\n{CLAIMS.end}\nbelow\n{Block('result').begin}\n")
    return path


def test_a_block_is_replaced_and_all_else_stays(readme):
    text = CLAIMS.replaced(readme, r"new \1 $")
    assert text == readme.read_text().replace("old", r"new \1 $")
    readme.write_text(text)
    assert CLAIMS.of(readme).strip() == r"new \1 $"
    assert CLAIMS.replaced(readme, r"new \1 $") == text, "written twice it is the same"


@pytest.mark.parametrize("name", ["result", "nothing"])
def test_a_block_that_does_not_begin_or_end_is_an_error_that_says_what_to_add(readme, name):
    with pytest.raises(RecordError, match=rf"README.md has no block <!-- {name} -->.*add both lines"):
        Block(name).replaced(readme, "new")
