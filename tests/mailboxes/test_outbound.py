"""Outbound and its microphone: what is written when, and what waits for what. Virtual time."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from engine.errors import SessionClosed, TransportLost
from engine.mailboxes import Mark, Microphone, Outbound
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend, InputAudioBufferCommit, ResponseCancel

FRAME, LONGEST, CAPACITY = 100, 1000, 3000
PATIENCE = 0.1


def outbound() -> Outbound:
    return Outbound(Microphone(CAPACITY, FRAME, LONGEST), PATIENCE)


def lengths(events: list[ClientEvent]) -> list[int]:
    return [len(event.audio) for event in events if isinstance(event, InputAudioBufferAppend)]


async def test_pieces_wait_until_they_are_a_frame(autojump_clock: MockClock) -> None:
    out = outbound()
    async with trio.open_nursery() as nursery:

        async def speak() -> None:
            for _ in range(5):
                await out.put_audio(bytes(20))
                await trio.sleep(0.02)

        nursery.start_soon(speak)
        events, _ = await out.take()
        assert lengths(events) == [100]
        assert trio.current_time() == pytest.approx(0.08)


async def test_a_rest_waits_no_longer_than_a_frame_lasts(autojump_clock: MockClock) -> None:
    out = outbound()
    async with trio.open_nursery() as nursery:

        async def speak() -> None:
            await trio.sleep(7)
            await out.put_audio(bytes(20))
            await trio.sleep(0.02)
            await out.put_audio(bytes(20))

        nursery.start_soon(speak)
        events, _ = await out.take()
        assert lengths(events) == [40]
        assert trio.current_time() == pytest.approx(7.1)


async def test_a_rest_that_came_while_nobody_waited_is_in_time_as_well(autojump_clock: MockClock) -> None:
    out = outbound()
    await out.put_audio(bytes(20))
    await trio.sleep(0.04)
    events, _ = await out.take()
    assert lengths(events) == [20]
    assert trio.current_time() == pytest.approx(0.1)


async def test_a_mark_waits_for_nothing_and_keeps_its_place(autojump_clock: MockClock) -> None:
    out = outbound()
    mark = Mark(InputAudioBufferCommit())
    await out.put_audio(bytes(20))
    await out.put_audio(mark)
    await out.put_audio(bytes(30))
    events, marks = await out.take()
    assert events == [InputAudioBufferAppend(bytes(20)), mark.event, InputAudioBufferAppend(bytes(30))]
    assert marks == [mark]
    assert trio.current_time() == 0


async def test_control_comes_first_and_never_behind_more_than_one_write(autojump_clock: MockClock) -> None:
    out = outbound()
    await out.put_audio(bytes(2500))
    first, _ = await out.take()
    out.put_wire([ResponseCancel()])
    second, _ = await out.take()
    third, _ = await out.take()
    assert lengths(first) == [LONGEST]
    assert isinstance(second[0], ResponseCancel)
    assert lengths(second) == [LONGEST]
    assert lengths(third) == [500]


async def test_a_full_microphone_makes_the_application_wait(autojump_clock: MockClock) -> None:
    out = outbound()
    await out.put_audio(bytes(CAPACITY + 1))
    with trio.move_on_after(1) as patience:
        await out.put_audio(bytes(20))
    assert patience.cancelled_caught
    assert out.statistics()[1].passed == CAPACITY + 1, "nothing was handed over"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(out.put_audio, bytes(20))
        await wait_all_tasks_blocked()
        await out.take()
    assert out.statistics()[1].waiting == CAPACITY + 1 - LONGEST + 20


async def test_closing_writes_control_and_ends_waiting(autojump_clock: MockClock) -> None:
    out = outbound()
    await out.put_audio(bytes(CAPACITY + 1))
    async with trio.open_nursery() as nursery:

        async def speak() -> None:
            with pytest.raises(SessionClosed):
                await out.put_audio(bytes(20))

        nursery.start_soon(speak)
        await wait_all_tasks_blocked()
        out.put_wire([ResponseCancel()])
        out.close()
    assert await out.take() == ([ResponseCancel()], [])
    assert await out.take() == ([], [])


async def test_whoever_waits_for_a_mark_is_told_that_it_will_not_be_written(autojump_clock: MockClock) -> None:
    out = outbound()
    mark = Mark(InputAudioBufferCommit())
    await out.put_audio(mark)
    async with trio.open_nursery() as nursery:

        async def wait() -> None:
            with pytest.raises(SessionClosed):
                await mark.wait()

        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        out.abandon()


def test_a_far_end_that_does_not_read_loses_the_connection() -> None:
    out = Outbound(Microphone(CAPACITY, FRAME, LONGEST), PATIENCE, wire_capacity=2)
    out.put_wire([ResponseCancel(), ResponseCancel()])
    with pytest.raises(TransportLost, match="has stopped reading"):
        out.put_wire([ResponseCancel()])


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=400), st.just(None)), max_size=20), st.integers(1, 300))
def test_audio_and_marks_come_out_as_they_went_in(entries: list[bytes | None], longest: int) -> None:
    microphone = Microphone(CAPACITY, FRAME, longest)
    for entry in entries:
        microphone.add(Mark(InputAudioBufferCommit()) if entry is None else entry)
    said: list[int | None] = []
    while taken := microphone.take():
        said += _flat(None if isinstance(one, Mark) else one.audio for one in taken)
        assert sum(len(one.audio) for one in taken if isinstance(one, InputAudioBufferAppend)) <= longest
    assert said == _flat(entries)
    assert microphone.statistics().waiting == 0
    assert not microphone.due


def _flat(entries: Iterable[bytes | None]) -> list[int | None]:
    """Every byte and every mark."""
    flat: list[int | None] = []
    for entry in entries:
        flat.extend([None] if entry is None else entry)
    return flat
