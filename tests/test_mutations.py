"""The tables of `mutate.py` stay in step with the code: every piece of handling is where its table says."""

import ast

import pytest
from mutate import ROOT, fault_tests, read_mutations

MUTATIONS = read_mutations()


@pytest.mark.parametrize("mutation", MUTATIONS, ids=lambda m: f"{m.fault}-{m.what}")
def test_a_mutation_applies_and_changes_the_code(mutation):
    text = (ROOT / mutation.file).read_text("utf-8")
    changed = mutation.applied(text)
    if mutation.file.endswith(".py"):
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(text))
    else:
        assert changed != text


def test_every_mutated_fault_has_tests():
    assert {m.fault for m in MUTATIONS} <= set(fault_tests())
