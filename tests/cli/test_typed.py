"""Typed lines from pipes, files and terminals."""

from __future__ import annotations

import os
import pty
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio

from engine.caller.call_events import CallerTyped
from engine.cli.typed import TypedCaller, TypedLines
from engine.events import AudioInterrupted, ToolEnd
from tests.cli.support import hold


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


async def test_lines_of_a_pipe(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    lines = TypedLines(reader)
    os.write(writer, b"one\n\n  \ntwo\nthr")
    assert [await anext(lines), await anext(lines)] == ["one", "two"]
    os.write(writer, "ée".encode())
    os.close(writer)
    assert [line async for line in lines] == ["thrée"]
    assert [line async for line in lines] == []


async def test_a_line_that_never_comes_can_be_cancelled(pipe: tuple[int, int]) -> None:
    with trio.move_on_after(0.01) as scope:
        await anext(TypedLines(pipe[0]))
    assert scope.cancelled_caught


async def test_lines_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "lines").write_bytes(b"one\r\ntwo\xff\nlast")
    with (tmp_path / "lines").open() as file:
        assert [line async for line in TypedLines(file.fileno())] == ["one", "two\N{REPLACEMENT CHARACTER}", "last"]


async def test_there_are_no_lines_in_nothing() -> None:
    nothing = os.open(os.devnull, os.O_RDONLY)
    assert [line async for line in TypedLines(nothing)] == []
    os.close(nothing)


async def test_lines_of_a_terminal() -> None:
    ours, theirs = pty.openpty()
    try:
        os.write(ours, b"hello\n\x04")
        assert [line async for line in TypedLines(theirs)] == ["hello"]
    finally:
        os.close(ours)
        os.close(theirs)


async def test_lines_of_a_pipe_wait_for_their_turn(
    tmp_path: Path, pipe: tuple[int, int], autojump_clock: object
) -> None:
    os.write(pipe[1], b"Where is order 4712?\nI was charged twice.\n")
    os.close(pipe[1])
    held = await hold(tmp_path, caller=TypedCaller(TypedLines(pipe[0]), interactive=False))
    assert [event.name for event in held.of(ToolEnd)] == ["get_order_status", "transfer_to_billing", "refund_order"]
    assert held.of(AudioInterrupted) == []


async def test_somebody_at_a_terminal_may_interrupt(
    tmp_path: Path, pipe: tuple[int, int], autojump_clock: object
) -> None:
    async def type_something() -> None:
        await trio.sleep(1)
        os.write(pipe[1], b"Where is order 4712?\n")
        await trio.sleep(10)
        os.close(pipe[1])

    async with trio.open_nursery() as nursery:
        nursery.start_soon(type_something)
        held = await hold(tmp_path, caller=TypedCaller(TypedLines(pipe[0]), interactive=True))
    assert len(held.of(AudioInterrupted)) == 1
    assert len(held.of(CallerTyped)) == 1
    assert [event.name for event in held.of(ToolEnd)] == ["get_order_status"]
