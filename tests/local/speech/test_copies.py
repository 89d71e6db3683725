"""Work in a copy of the process: its result comes back, its traces do not, and its failure is told."""

from __future__ import annotations

import os

import pytest

from engine.local.speech.copies import in_a_copy

needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


def test_the_result_is_that_of_the_function() -> None:
    many = bytes(range(256)) * 4096
    assert in_a_copy(lambda: many)() == many
    assert in_a_copy(lambda: b"")() == b""


@needs_fork
def test_two_copies_run_at_the_same_time() -> None:
    reading, writing = os.pipe()
    first = in_a_copy(lambda: os.read(reading, 1))
    second = in_a_copy(lambda: str(os.write(writing, b"x")).encode())
    assert (first(), second()) == (b"x", b"1")
    os.close(reading)
    os.close(writing)


@needs_fork
def test_what_a_copy_does_leaves_no_trace() -> None:
    seen: list[int] = []

    def make() -> bytes:
        seen.append(1)
        return bytes(seen)

    assert in_a_copy(make)() == b"\x01"
    assert seen == []


@needs_fork
def test_a_copy_that_fails_is_an_error_where_its_result_is_asked_for() -> None:
    with pytest.raises(RuntimeError, match="status 1"):
        in_a_copy(lambda: bytes(-1))()
