"""When text goes to the guardrails."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.debounce import Debounce
from tests.support.counting import lines_run

deltas = st.lists(st.text("ab ", max_size=12), max_size=30)


@given(st.integers(1, 20), deltas)
def test_all_text_is_checked_in_steps_and_once_at_the_end(step: int, said: list[str]) -> None:
    debounce = Debounce(step)
    checks = [due for delta in said if (due := debounce.grow("a", 0, delta)) is not None]
    last = debounce.end()
    whole = "".join(said)
    assert debounce.text() == whole
    lengths = [0, *map(len, checks)]
    assert all(whole.startswith(text) for text in checks)
    assert all(after - before >= step for before, after in pairwise(lengths))
    if last is None:
        assert len(whole) == lengths[-1]
    else:
        assert last == whole
        assert 0 < len(whole) - lengths[-1] < step
    assert debounce.end() is None


@given(st.integers(1, 20), deltas)
def test_nothing_is_due_before_the_step_is_reached(step: int, said: list[str]) -> None:
    debounce = Debounce(step)
    unchecked = 0
    for delta in said:
        unchecked += len(delta)
        due = debounce.grow("a", 0, delta)
        assert (due is not None) is (unchecked >= step)
        unchecked = 0 if due is not None else unchecked


def test_silence_is_not_checked() -> None:
    assert Debounce(1).end() is None


@pytest.mark.parametrize("words", [10, 1000])
def test_a_word_costs_the_same_in_a_long_speech(words: int) -> None:
    debounce = Debounce(1_000_000)
    for _ in range(words):
        debounce.grow("a", 0, "word ")
    assert lines_run(lambda: debounce.grow("a", 0, "word ")) < 10
