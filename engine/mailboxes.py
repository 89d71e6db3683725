"""Every queue between the tasks of a session: its name, its capacity, what happens when it is full, its counters.

    name        from          to           capacity             when full
    inbox       everybody     router       64 batches           the sender waits (the socket is read no further)
    wire        router        connection   1,024 events         the far end does not read: TransportLost ends it
    microphone  application   audio pump   30 s of audio        `send_audio` waits
    uplink      audio pump    connection   1 s of audio         the pump waits; always behind `wire`, never before it
    feed        router        application  20,000 events,       nobody reads: SlowConsumer ends the session
                                           32 MiB of audio
    tools       router        executor     256 batches          SessionFailed ends the session (it never waits)
    checks      router        debouncer    256 batches          the same
    hooks       executor      its hooks    256 hooks            one is left out, with an `error` event

The router never waits for anybody, so the graph of waiting senders has no cycle. Control never stands behind audio:
`wire` overtakes `uplink` at the connection, and an interruption takes queued audio out of `feed`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

import attrs
import trio

from engine.clock import now_ns
from engine.core.effects import Discard
from engine.core.inputs import Taken
from engine.errors import EngineError, SessionClosed, SlowConsumer, TransportLost
from engine.events import Audio, AudioEnd, RealtimeSessionEvent
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend

T = TypeVar("T")

INBOX_BATCHES = 64
WIRE_EVENTS = 1024
MICROPHONE_SECONDS = 30
UPLINK_SECONDS = 1
FEED_EVENTS = 20_000
FEED_AUDIO_BYTES = 32 * 1024 * 1024
WORK_BATCHES = 256
TAKES_PER_CHECKPOINT = 16
"""How many events an application gets without letting other tasks run; if more wait, half of those that wait. One read
from the socket may bring thousands of small events: an application that takes what there is must not fall behind."""


@attrs.frozen
class MailboxStatistics:
    """One mailbox at one moment. Units are those of its capacity in the table above."""

    name: str
    capacity: int
    waiting: int
    most_waiting: int
    passed: int
    """How many went through it so far (batches, events, or bytes of audio)."""
    discarded: int = 0
    """Bytes of audio taken out by interruptions."""


class Mailbox(Generic[T]):
    """A channel of batches from any number of writers to one reader."""

    def __init__(self, name: str, capacity: int) -> None:
        self.name = name
        self._send, self._receive = trio.open_memory_channel[Sequence[T]](capacity)
        self._passed = 0

    async def put(self, batch: Sequence[T]) -> None:
        """Hand over a batch; waits while the mailbox is full. Raises SessionClosed once it has no reader."""
        try:
            await self._send.send(batch)
        except (trio.BrokenResourceError, trio.ClosedResourceError):
            raise SessionClosed("the session is closed") from None
        self._passed += 1

    def put_nowait(self, batch: Sequence[T]) -> None:
        """Hand over a batch to a reader that never waits. Raises trio.WouldBlock if that is not so."""
        self._send.send_nowait(batch)
        self._passed += 1

    async def take(self) -> Sequence[T]:
        """The oldest batch."""
        return await self._receive.receive()

    def take_nowait(self) -> Sequence[T] | None:
        """The oldest batch, if there is one."""
        try:
            return self._receive.receive_nowait()
        except trio.WouldBlock:
            return None

    def close(self) -> None:
        """No reader any more: what waits is dropped and writers are told."""
        self._receive.close()

    def statistics(self) -> MailboxStatistics:
        """Counters."""
        channel = self._send.statistics()
        return MailboxStatistics(
            self.name, int(channel.max_buffer_size), channel.current_buffer_used, channel.peak_buffer_used, self._passed
        )


class Mark:
    """A client event that keeps its place among the audio, and tells when it has been written."""

    def __init__(self, event: ClientEvent) -> None:
        self.event = event
        self.settled = trio.Event()
        self.written = False

    async def wait(self) -> None:
        """Until it is on the wire. Raises SessionClosed if it never will be."""
        await self.settled.wait()
        if not self.written:
            raise SessionClosed("the session closed before the audio was written")


class Microphone:
    """What the application wants the far end to hear, in order."""

    def __init__(self, capacity: int) -> None:
        """`capacity` is in bytes of audio."""
        self.capacity = capacity
        self._backlog: deque[bytes | Mark] = deque()
        self._marks: list[Mark] = []
        """Those that are not on the wire yet, wherever on the way there they are."""
        self._waiting = self._most = self._passed = 0
        self._readers = trio.lowlevel.ParkingLot()
        self._writers = trio.lowlevel.ParkingLot()
        self._closed = False

    async def put(self, entry: bytes | Mark) -> None:
        """Hand over audio or a mark; waits while more than `capacity` bytes wait already. Raises SessionClosed.

        If it is cancelled, nothing was handed over.
        """
        await trio.lowlevel.checkpoint_if_cancelled()
        while self._waiting > self.capacity and not self._closed:
            await self._writers.park()
        if self._closed:
            raise SessionClosed("the session is closed: audio can no longer be sent")
        self._backlog.append(entry)
        if isinstance(entry, bytes):
            self._passed += len(entry)
            self._waiting += len(entry)
            self._most = max(self._most, self._waiting)
        else:
            self._marks = [mark for mark in self._marks if not mark.written]
            self._marks.append(entry)
        self._readers.unpark()

    async def take(self) -> list[bytes | Mark]:
        """Everything that waits, at least one entry."""
        while not self._backlog:
            await self._readers.park()
        entries = list(self._backlog)
        self._backlog.clear()
        self._waiting = 0
        self._writers.unpark_all()
        return entries

    def close(self) -> None:
        """Nobody reads any more, and nothing is written: whoever waits for a mark is told."""
        self._closed = True
        for mark in self._marks:
            mark.settled.set()
        self._marks.clear()
        self._backlog.clear()
        self._writers.unpark_all()

    def statistics(self) -> MailboxStatistics:
        """Counters."""
        return MailboxStatistics("microphone", self.capacity, self._waiting, self._most, self._passed)


class Outbound:
    """`wire` and `uplink`: two urgencies, one reader, who gets control first."""

    def __init__(self, uplink_capacity: int, wire_capacity: int = WIRE_EVENTS) -> None:
        """`uplink_capacity` is in bytes of audio, `wire_capacity` in events."""
        self._wire: deque[ClientEvent] = deque()
        self._uplink: deque[InputAudioBufferAppend | Mark] = deque()
        self._wire_capacity, self._uplink_capacity = wire_capacity, uplink_capacity
        self._wire_passed = self._wire_most = 0
        self._uplink_waiting = self._uplink_passed = self._uplink_most = 0
        self._reader = trio.lowlevel.ParkingLot()
        self._writers = trio.lowlevel.ParkingLot()
        self._closed = False

    def put_wire(self, events: Sequence[ClientEvent]) -> None:
        """Control: never waits. Raises TransportLost when the far end has stopped reading."""
        if not events:  # most batches ask nothing of the far end: do not wake the writer for them
            return
        if len(self._wire) + len(events) > self._wire_capacity:
            raise TransportLost(f"the far end has stopped reading: {len(self._wire)} events wait to be sent")
        self._wire.extend(events)
        self._wire_passed += len(events)
        self._wire_most = max(self._wire_most, len(self._wire))
        self._reader.unpark()

    async def put_uplink(self, entry: InputAudioBufferAppend | Mark) -> None:
        """Audio: waits while more than the capacity waits already."""
        while self._uplink_waiting > self._uplink_capacity:
            await self._writers.park()
        if isinstance(entry, InputAudioBufferAppend):
            self._uplink_waiting += len(entry.audio)
            self._uplink_passed += len(entry.audio)
            self._uplink_most = max(self._uplink_most, self._uplink_waiting)
        self._uplink.append(entry)
        self._reader.unpark()

    async def take(self) -> tuple[list[ClientEvent], list[Mark]]:
        """Everything that waits, control first, and the marks to settle once it is written. Empty after `close`."""
        while not self._wire and not self._uplink and not self._closed:
            await self._reader.park()
        events: list[ClientEvent] = list(self._wire)
        marks: list[Mark] = []
        for entry in self._uplink:
            if isinstance(entry, Mark):
                marks.append(entry)
                events.append(entry.event)
            else:
                events.append(entry)
        self._wire.clear()
        self._uplink.clear()
        self._uplink_waiting = 0
        self._writers.unpark_all()
        return events, marks

    def close(self) -> None:
        """Write what is there, and no more."""
        self._closed = True
        self._reader.unpark()

    def abandon(self) -> None:
        """Nothing will be written any more."""
        self._uplink.clear()
        self._wire.clear()
        self._writers.unpark_all()

    def statistics(self) -> tuple[MailboxStatistics, MailboxStatistics]:
        """Counters of `wire` and `uplink`."""
        wire = MailboxStatistics("wire", self._wire_capacity, len(self._wire), self._wire_most, self._wire_passed)
        uplink = MailboxStatistics(
            "uplink", self._uplink_capacity, self._uplink_waiting, self._uplink_most, self._uplink_passed
        )
        return wire, uplink


class Feed:
    """Events for the application. Audio of an interrupted response is taken out again before anybody sees it."""

    def __init__(self, max_events: int = FEED_EVENTS, max_audio_bytes: int = FEED_AUDIO_BYTES) -> None:
        self._max_events, self._max_audio_bytes = max_events, max_audio_bytes
        self._events: deque[RealtimeSessionEvent] = deque()
        self._audio_bytes = 0
        self._passed = self._most = self._discarded = 0
        self._taken: list[Taken] = []
        self._readers = trio.lowlevel.ParkingLot()
        self._closed = False
        self._error: EngineError | None = None
        self._since_checkpoint = 0

    def put(self, events: Sequence[RealtimeSessionEvent | Discard]) -> None:
        """Add events, or take audio out. Raises SlowConsumer when a limit is passed; what is there stays."""
        for event in events:
            if isinstance(event, Discard):
                self._discard(event.response_id)
                continue
            if type(event) is Audio:
                self._audio_bytes += len(event.data)
            self._events.append(event)
            self._passed += 1
        self._most = max(self._most, len(self._events))
        if len(self._events) > self._max_events or self._audio_bytes > self._max_audio_bytes:
            raise SlowConsumer(
                f"{len(self._events)} events with {self._audio_bytes} bytes of audio wait to be taken "
                f"(the limits are {self._max_events} and {self._max_audio_bytes}): iterate over the session"
            )
        if self._events:
            self._readers.unpark_all()

    def _discard(self, response_id: str) -> None:
        kept: deque[RealtimeSessionEvent] = deque()
        for event in self._events:
            if isinstance(event, Audio | AudioEnd) and event.response_id == response_id:
                if isinstance(event, Audio):
                    self._audio_bytes -= len(event.data)
                    self._discarded += len(event.data)
            else:
                kept.append(event)
        self._events = kept

    async def take(self) -> RealtimeSessionEvent:
        """The next event. Raises trio.EndOfChannel after the last one, or the error that ended the session."""
        self._since_checkpoint += 1
        if self._since_checkpoint >= max(TAKES_PER_CHECKPOINT, len(self._events) // 2) and self._events:
            self._since_checkpoint = 0
            await trio.lowlevel.checkpoint()
        else:
            await trio.lowlevel.checkpoint_if_cancelled()
        while not self._events:
            if self._closed:
                if self._error is not None:
                    raise self._error
                raise trio.EndOfChannel
            self._since_checkpoint = 0
            await self._readers.park()
        event = self._events.popleft()
        if type(event) is Audio:
            size = len(event.data)
            self._audio_bytes -= size
            at_ns = now_ns()
            self._taken.append(Taken(event.response_id, event.item_id, event.content_index, size, at_ns))
        return event

    def reports(self) -> list[Taken]:
        """What audio has been taken since the last time this was asked."""
        taken, self._taken = self._taken, []
        return taken

    def close(self, error: EngineError | None, *, wanted: bool) -> None:
        """No more events. What is there is still given out; but if the application `wanted` the end, it will play no
        more audio, so that is dropped."""
        if self._closed:
            return
        self._closed, self._error = True, error
        if wanted:
            self._events = deque(event for event in self._events if not isinstance(event, Audio | AudioEnd))
            self._audio_bytes = 0
        self._readers.unpark_all()

    def statistics(self) -> MailboxStatistics:
        """Counters."""
        return MailboxStatistics(
            "feed", self._max_events, len(self._events), self._most, self._passed, discarded=self._discarded
        )
