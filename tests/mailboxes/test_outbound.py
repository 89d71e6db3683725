"""Outbound: what is written when, and who gets control first. Virtual time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
from hypothesis import find, given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from engine.errors import TransportLost
from engine.mailboxes import Mark, Outbound
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend, InputAudioBufferCommit, ResponseCancel

AUDIO = InputAudioBufferAppend(bytes(20))
CONTROL = ResponseCancel()


class AudioFirst(Outbound):
    """Broken on purpose: what was put last is written first, and control is put before audio."""

    async def take(self) -> tuple[list[ClientEvent], list[Mark]]:
        events, marks = await super().take()
        return events[::-1], marks


class Forgetful(Outbound):
    """Broken on purpose: of control that waits, only the newest is kept."""

    def put_wire(self, events: Sequence[ClientEvent]) -> None:
        self._wire.clear()
        super().put_wire(events)


async def write(out: Outbound, moves: list[str]) -> None:
    """Put and take, and see that all control is in the next write, before any audio."""
    waiting = 0
    for move in moves:
        if move == "control":
            out.put_wire([CONTROL])
            waiting += 1
        elif move == "audio":
            with trio.move_on_after(0):
                await out.room()
                out.put_uplink([AUDIO], 0)
        else:
            with trio.move_on_after(0):
                events, _ = await out.take()
                assert events[:waiting] == [CONTROL] * waiting
                assert events[waiting:] in ([], [AUDIO]), "one write of audio at most"
                waiting = 0


moves = st.lists(st.sampled_from(["control", "audio", "take"]), max_size=20)


@given(moves)
def test_9_control_is_never_dropped_and_never_waits_behind_audio(drawn: list[str]) -> None:
    trio.run(write, Outbound(), drawn, clock=MockClock())


@pytest.mark.parametrize("broken", [AudioFirst, Forgetful])
def test_9_broken_ones_would_be_noticed(broken: type[Outbound]) -> None:
    def is_noticed(drawn: list[str]) -> bool:
        try:
            trio.run(write, broken(), drawn, clock=MockClock())
        except AssertionError:
            return True
        return False

    find(moves, is_noticed)


async def test_control_comes_first_and_never_behind_more_than_one_write(autojump_clock: MockClock) -> None:
    out = Outbound()
    async with trio.open_nursery() as nursery:

        async def pump() -> None:
            for since in range(3):
                await out.room()
                out.put_uplink([AUDIO], since)

        nursery.start_soon(pump)
        await wait_all_tasks_blocked()
        assert await out.take() == ([AUDIO], [])
        await wait_all_tasks_blocked()
        out.put_wire([ResponseCancel()])
        assert await out.take() == ([ResponseCancel(), AUDIO], [])
        assert out.brought_at == 1
        await wait_all_tasks_blocked()
        assert await out.take() == ([AUDIO], [])


async def test_marks_keep_their_place_and_are_named(autojump_clock: MockClock) -> None:
    out = Outbound()
    mark = Mark(InputAudioBufferCommit())
    out.put_uplink([AUDIO, mark, AUDIO], 0)
    assert await out.take() == ([AUDIO, mark.event, AUDIO], [mark])


async def test_closing_writes_control_and_no_audio(autojump_clock: MockClock) -> None:
    out = Outbound()
    out.put_uplink([AUDIO], 0)
    out.put_wire([ResponseCancel()])
    out.close()
    assert await out.take() == ([ResponseCancel()], [])
    assert await out.take() == ([], [])


def test_a_far_end_that_does_not_read_loses_the_connection() -> None:
    out = Outbound(wire_capacity=2)
    out.put_wire([ResponseCancel(), ResponseCancel()])
    with pytest.raises(TransportLost, match="has stopped reading"):
        out.put_wire([ResponseCancel()])
