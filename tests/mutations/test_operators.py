"""The mutations themselves: the same each time, each a module that compiles, and the list of the equivalent is true."""

from __future__ import annotations

import ast

from tests.mutations.__main__ import unknown_equivalents
from tests.mutations.operators import KINDS, ROOT, all_mutations, drawn


def test_the_same_seed_draws_the_same() -> None:
    assert drawn(50, 3) == drawn(50, 3)
    assert drawn(50, 3) != drawn(50, 4)


def test_every_operator_is_drawn() -> None:
    assert {mutation.kind for mutation in drawn(200, 1)} == set(KINDS)


def test_each_has_a_name_of_its_own() -> None:
    every = all_mutations()
    assert len({mutation.key for mutation in every}) == len(every)


def test_what_is_drawn_is_another_module_that_can_be_compiled() -> None:
    for mutation in drawn(100, 1):
        source = (ROOT / mutation.file).read_bytes()
        text = mutation.text(source)
        ast.parse(text)
        assert text != source


def test_what_is_listed_as_equivalent_is_a_mutation_of_this_tree() -> None:
    assert unknown_equivalents() == set()
