"""Outbound: what is written when, and who gets control first. Virtual time."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import trio
from hypothesis import find, given
from hypothesis import strategies as st
from trio.testing import MockClock, wait_all_tasks_blocked

from engine.errors import TransportLost
from engine.mailboxes import Batch, DirectWrite, InlineEvent, Outbound
from engine.mailboxes.outbound import MOST_WIRE
from engine.wire.client_events import (
    ClientEvent,
    ConversationItemCreate,
    InputAudioBufferAppend,
    InputAudioBufferCommit,
    ResponseCancel,
)
from engine.wire.items import InputText, Message

AUDIO = InputAudioBufferAppend(bytes(20))
CONTROL = ResponseCancel()


class AudioFirst(Outbound):
    """Broken on purpose: what was put last is written first, and control is put before audio."""

    def _next(self) -> Batch:
        batch = super()._next()
        return batch._replace(events=batch.events[::-1])


class Forgetful(Outbound):
    """Broken on purpose: of control that waits, only the newest is kept."""

    def put_wire(self, events: Sequence[ClientEvent]) -> None:
        self._wire.clear()
        super().put_wire(events)


class Overtaking(Outbound):
    """Broken on purpose: what the server refused is forgotten for the writer's sake, and later batches pass it."""

    def begin(self) -> Batch | None:
        refused, self.begun = self.begun, None
        batch = super().begin()
        self.begun = self.begun or refused
        return batch


class Line:
    """A server that takes what it is given, or not, as it is drawn."""

    def __init__(self, broken: type[Outbound] = Outbound) -> None:
        self.out = broken()
        self.direct = DirectWrite(self.out, lambda batch: None)
        self.direct.open(self)
        self.takes = False
        self.written: list[ClientEvent] = []
        self.refused: Sequence[ClientEvent] | None = None
        self.put: list[ClientEvent] = []
        self.audio = 0

    def send_nowait(self, events: Sequence[ClientEvent]) -> bool:
        assert self.refused is None, "what was refused is the writer's, and nothing else comes before it"
        if not self.takes:
            self.refused = events
            return False
        self._write(events)
        return True

    def _write(self, events: Sequence[ClientEvent]) -> None:
        kinds = [type(event) for event in events]
        assert kinds == sorted(kinds, key=lambda kind: kind is InputAudioBufferAppend), "control first"
        assert kinds.count(InputAudioBufferAppend) <= 1, "one write of audio at most"
        self.written += events

    async def play(self, moves: list[str]) -> None:
        """Put and take; in the end everything has been written once, and control in its order."""
        for move in [*moves, "take", "take", "take"]:
            self.takes = move.endswith("at once")
            if move.startswith("control"):
                self.put.append(ResponseCancel(response_id=str(len(self.put))))
                self.out.put_wire(self.put[-1:])
                self.direct.flush()
            elif move.startswith("audio"):
                with trio.move_on_after(0):
                    await self.out.room()
                    self.out.put_uplink([AUDIO], 0)
                    self.direct.flush()
                    self.audio += 1
            else:
                with trio.move_on_after(0):
                    batch = await self.out.take()
                    assert self.refused is None or batch.events == self.refused, "it goes on where it stopped"
                    self.refused = None
                    self._write(batch.events)
        assert [event for event in self.written if event is not AUDIO] == self.put
        assert self.written.count(AUDIO) == self.audio


moves = st.lists(st.sampled_from(["control", "audio", "control at once", "audio at once", "take"]), max_size=20)


@given(moves)
def test_9_control_is_never_dropped_and_never_waits_behind_audio(drawn: list[str]) -> None:
    trio.run(Line().play, drawn, clock=MockClock())


@pytest.mark.parametrize("broken", [AudioFirst, Forgetful, Overtaking])
def test_9_broken_ones_would_be_noticed(broken: type[Outbound]) -> None:
    def is_noticed(drawn: list[str]) -> bool:
        try:
            trio.run(Line(broken).play, drawn, clock=MockClock())
        except AssertionError:
            return True
        return False

    find(moves, is_noticed)


def test_a_write_that_fails_is_left_to_the_writer() -> None:
    class Failing:
        def send_nowait(self, events: Sequence[ClientEvent]) -> bool:
            raise OSError("no memory")

    async def main() -> Batch:
        out = Outbound()
        direct = DirectWrite(out, lambda batch: None)
        direct.open(Failing())
        out.put_wire([CONTROL])
        with pytest.raises(OSError, match="no memory"):
            direct.flush()
        return await out.take()

    assert trio.run(main) == Batch([CONTROL])


async def test_without_a_link_the_writer_is_woken(autojump_clock: MockClock) -> None:
    out = Outbound()
    direct = DirectWrite(out, lambda batch: None)
    batches: list[Batch] = []

    async def write() -> None:
        batches.append(await out.take())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(write)
        await wait_all_tasks_blocked()
        out.put_wire([CONTROL])
        direct.flush()
    assert batches == [Batch([CONTROL])]


async def test_without_writes_at_once_control_overtakes_audio_until_the_writer_comes(
    autojump_clock: MockClock,
) -> None:
    out = Outbound()
    out.put_uplink([AUDIO], 0)
    out.put_wire([CONTROL])
    assert (await out.take()).events == [CONTROL, AUDIO]


async def test_control_comes_first_and_never_behind_more_than_one_write(autojump_clock: MockClock) -> None:
    out = Outbound()
    async with trio.open_nursery() as nursery:

        async def pump() -> None:
            for since in range(3):
                await out.room()
                out.put_uplink([AUDIO], since)
                out.wake_writer()

        nursery.start_soon(pump)
        await wait_all_tasks_blocked()
        assert await out.take() == Batch([AUDIO], [], 0)
        await wait_all_tasks_blocked()
        out.put_wire([ResponseCancel()])
        assert await out.take() == Batch([ResponseCancel(), AUDIO], [], 1)
        await wait_all_tasks_blocked()
        assert await out.take() == Batch([AUDIO], [], 2)


async def test_marks_keep_their_place_and_are_named(autojump_clock: MockClock) -> None:
    out = Outbound()
    inline_event = InlineEvent(InputAudioBufferCommit())
    out.put_uplink([AUDIO, inline_event, AUDIO], 0)
    assert await out.take() == Batch([AUDIO, inline_event.event, AUDIO], [inline_event], 0)


async def test_closing_writes_control_and_no_audio(autojump_clock: MockClock) -> None:
    out = Outbound()
    out.put_wire([ResponseCancel()])
    assert (await out.take()).events == [ResponseCancel()]
    out.put_uplink([AUDIO], 0)
    out.put_wire([ResponseCancel()])
    out.close()
    assert await out.take() == Batch([ResponseCancel()])
    assert not (await out.take()).events


def test_a_server_that_talks_and_does_not_read_loses_the_connection() -> None:
    out = Outbound(wire_capacity=2)
    out.put_wire([ResponseCancel()] * 2 * MOST_WIRE)
    with pytest.raises(TransportLost, match="has stopped reading"):
        out.put_wire([ResponseCancel()])


def test_content_counts_by_its_size() -> None:
    out = Outbound(wire_bytes=100)
    message = ConversationItemCreate(Message(None, "user", (InputText("x" * 60), InputText("y" * 60))))
    assert out.has_wire_room
    out.put_wire([message])
    assert not out.has_wire_room
    with pytest.raises(TransportLost, match="has stopped reading"):
        out.put_wire([message] * MOST_WIRE)


async def test_whoever_waits_for_room_for_control_is_woken_by_the_writer_and_by_the_end() -> None:
    for end in ("take", "close", "abandon"):
        out = Outbound(wire_capacity=1)
        out.put_wire([ResponseCancel()])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(out.wire_room)
            await wait_all_tasks_blocked()
            if end == "take":
                await out.take()
            else:
                getattr(out, end)()
