"""The microphone: when a frame is due, and who waits for what. Virtual time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from engine.actors.audio_in import AudioInPump
from engine.errors import SessionClosed
from engine.mailboxes import Batch, DirectAudio, DirectWrite, InlineEvent, Microphone, Outbound
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend, InputAudioBufferCommit

FRAME, LONGEST, CAPACITY = 100, 1000, 3000
FLUSH_TIMEOUT = 0.125


def microphone(longest: int = LONGEST) -> Microphone:
    return Microphone(CAPACITY, FRAME, longest, FLUSH_TIMEOUT)


async def put(heard: Microphone, entry: bytes | InlineEvent) -> None:
    """Put something while no direct path takes it: a full frame wakes the pump."""
    await heard.room()
    heard.add(entry)
    if heard.frame_ready:
        heard.wake_pump()


async def pumped(heard: Microphone) -> tuple[Sequence[InputAudioBufferAppend | InlineEvent], int | None]:
    """What the pump takes next, and does not find empty."""
    while True:
        with heard.flush_scope():
            await heard.frame()
        if (taken := heard.take())[0]:
            return taken


def lengths(entries: Sequence[InputAudioBufferAppend | InlineEvent]) -> list[int]:
    return [len(entry.audio) for entry in entries if isinstance(entry, InputAudioBufferAppend)]


async def test_pieces_wait_until_they_are_a_frame(autojump_clock: MockClock) -> None:
    heard = microphone()
    async with trio.open_nursery() as nursery:

        async def speak() -> None:
            for _ in range(5):
                await put(heard, bytes(20))
                await trio.sleep(0.02)

        nursery.start_soon(speak)
        entries, since = await pumped(heard)
        assert lengths(entries) == [100]
        assert trio.current_time() == pytest.approx(0.08)
        assert since == 0


async def test_a_rest_waits_little_longer_than_a_frame_lasts(autojump_clock: MockClock) -> None:
    heard = microphone()
    async with trio.open_nursery() as nursery:

        async def speak() -> None:
            await trio.sleep(7)
            await put(heard, bytes(20))
            await trio.sleep(0.02)
            await put(heard, bytes(20))

        nursery.start_soon(speak)
        entries, _ = await pumped(heard)
        assert lengths(entries) == [40]
        assert trio.current_time() == pytest.approx(7 + FLUSH_TIMEOUT)


async def test_a_rest_that_came_while_nobody_waited_is_in_time_as_well(autojump_clock: MockClock) -> None:
    heard = microphone()
    await put(heard, bytes(20))
    await trio.sleep(0.04)
    entries, _ = await pumped(heard)
    assert lengths(entries) == [20]
    assert trio.current_time() == pytest.approx(0.04 + FLUSH_TIMEOUT)


async def test_the_rest_of_a_long_piece_waits_no_longer_than_any_other(autojump_clock: MockClock) -> None:
    heard = microphone()
    await put(heard, bytes(LONGEST + 20))
    first, _ = await pumped(heard)
    rest, _ = await pumped(heard)
    assert (lengths(first), lengths(rest)) == ([LONGEST], [20])
    assert trio.current_time() == pytest.approx(FLUSH_TIMEOUT)


async def test_a_mark_waits_for_nothing_and_keeps_its_place(autojump_clock: MockClock) -> None:
    heard = microphone()
    inline_event = InlineEvent(InputAudioBufferCommit())
    await put(heard, bytes(20))
    await put(heard, inline_event)
    await put(heard, bytes(30))
    entries, _ = await pumped(heard)
    assert entries == [InputAudioBufferAppend(bytes(20)), inline_event, InputAudioBufferAppend(bytes(30))]
    assert trio.current_time() == 0


async def test_a_full_microphone_makes_the_application_wait(autojump_clock: MockClock) -> None:
    heard = microphone()
    await put(heard, bytes(CAPACITY + 1))
    with trio.move_on_after(1) as flush_timeout:
        await put(heard, bytes(20))
    assert flush_timeout.cancelled_caught
    assert heard.statistics().passed == CAPACITY + 1, "nothing was handed over"
    async with trio.open_nursery() as nursery:
        nursery.start_soon(put, heard, bytes(20))
        await wait_all_tasks_blocked()
        await pumped(heard)
    assert heard.statistics().waiting == CAPACITY + 1 - LONGEST + 20


async def test_a_long_piece_lets_others_run_between_its_writes(autojump_clock: MockClock) -> None:
    """However much room there is on the line."""
    heard, out, writes = microphone(), Outbound(), list[Batch]()

    class Taking:
        def send_nowait(self, events: Sequence[ClientEvent]) -> bool:
            return True

    direct_write = DirectWrite(out, writes.append)
    direct_write.open(Taking())
    direct_audio = DirectAudio(heard, out, direct_write, lambda: None)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(AudioInPump(heard, out, direct_audio).run)
        await wait_all_tasks_blocked()
        await heard.room()
        direct_audio.put(bytes(20 * LONGEST))
        seen = [len(writes)]
        while len(writes) < 20:
            await trio.lowlevel.checkpoint()
            seen.append(len(writes))
        nursery.cancel_scope.cancel()
    # One in a round, which may come last in it, and first in the next.
    assert max(later - before for before, later in pairwise(seen)) <= 2


async def test_closing_ends_waiting(autojump_clock: MockClock) -> None:
    heard = microphone()
    await put(heard, bytes(CAPACITY + 1))
    async with trio.open_nursery() as nursery:

        async def speak() -> None:
            with pytest.raises(SessionClosed):
                await put(heard, bytes(20))

        nursery.start_soon(speak)
        await wait_all_tasks_blocked()
        heard.close()


async def test_whoever_waits_for_a_mark_is_told_that_it_will_not_be_written(autojump_clock: MockClock) -> None:
    heard = microphone()
    inline_event = InlineEvent(InputAudioBufferCommit())
    await put(heard, inline_event)
    async with trio.open_nursery() as nursery:

        async def wait() -> None:
            with pytest.raises(SessionClosed):
                await inline_event.wait()

        nursery.start_soon(wait)
        await wait_all_tasks_blocked()
        heard.abandon()


@given(st.lists(st.one_of(st.binary(min_size=1, max_size=400), st.just(None)), max_size=20), st.integers(1, 300))
def test_audio_and_marks_come_out_as_they_went_in(entries: list[bytes | None], longest: int) -> None:
    async def through() -> list[int | None]:
        heard = Microphone(10_000, FRAME, longest, FLUSH_TIMEOUT)
        for entry in entries:
            await put(heard, InlineEvent(InputAudioBufferCommit()) if entry is None else entry)
        said: list[int | None] = []
        while len(said) < len(_flat(entries)):
            taken, _ = await pumped(heard)
            said += _flat(None if isinstance(one, InlineEvent) else one.audio for one in taken)
            assert sum(lengths(taken)) <= longest
        assert heard.statistics().waiting == 0
        return said

    assert trio.run(through, clock=MockClock(autojump_threshold=0)) == _flat(entries)


def _flat(entries: Iterable[bytes | None]) -> list[int | None]:
    """Every byte and every inline event."""
    flat: list[int | None] = []
    for entry in entries:
        flat.extend([None] if entry is None else entry)
    return flat


async def test_no_ctrl_c_comes_between_adding_and_moving_on(autojump_clock: MockClock) -> None:
    """A piece that is in the backlog and not counted would make every later frame wrong."""
    protected: list[bool] = []

    class Watched(Microphone):
        def add(self, entry: bytes | InlineEvent) -> None:
            protected.append(trio.lowlevel.currently_ki_protected())
            super().add(entry)

        def wake_pump(self) -> None:
            protected.append(trio.lowlevel.currently_ki_protected())
            super().wake_pump()

    heard, out = Watched(CAPACITY, FRAME, LONGEST, FLUSH_TIMEOUT), Outbound()
    out.put_uplink([InputAudioBufferAppend(bytes(FRAME))], 0)  # no room for more
    direct_audio = DirectAudio(heard, out, DirectWrite(out, lambda batch: None), lambda: None)
    assert not trio.lowlevel.currently_ki_protected()
    direct_audio.put(bytes(FRAME))
    assert protected == [True, True]
