"""Outbound: what is written when, and who gets control first. Virtual time."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from engine.errors import TransportLost
from engine.mailboxes import Mark, Outbound
from engine.wire.client_events import InputAudioBufferAppend, InputAudioBufferCommit, ResponseCancel

AUDIO = InputAudioBufferAppend(bytes(20))


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
