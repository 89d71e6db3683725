"""EventQueue: events on their way to the application, and what it has taken of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import trio

from engine.clock import Clock, now_ns
from engine.core.effects import Discard
from engine.core.inputs import AudioConsumed
from engine.errors import EngineError, SlowConsumer
from engine.events import AgentEnd, Audio, AudioEnd, AudioInterrupted, RealtimeSessionEvent, TranscriptDelta
from engine.mailboxes.statistics import MailboxStatistics
from engine.mailboxes.wakeup import Wakeup
from engine.mailboxes.weights import EVENT_WEIGHTS

MAX_EVENTS = 20_000
"""Limit of what waits, in events."""
MAX_EVENT_BYTES = 32 * 1024 * 1024
"""Limit of the content that waits, in bytes: 11 minutes of PCM at 24 kHz, or that much text or raw events."""
TAKES_PER_CHECKPOINT = 16
"""Events that an application takes in a row before other tasks run. It must also have taken half as many as still wait,
so that it keeps up with a flood of small events."""


class EventQueue:
    """Events for the application, in order. Untaken audio of an interrupted response is removed.

    `put` and `take` are on the hot path: `type(event) is` costs less there than `isinstance`, and no event is derived
    from another; what deltas become is weighed in place, which costs less than a call.
    """

    def __init__(
        self,
        max_events: int = MAX_EVENTS,
        max_bytes: int = MAX_EVENT_BYTES,
        watch: Callable[[RealtimeSessionEvent, int], None] | None = None,
        now: Clock = now_ns,
    ) -> None:
        """Make an empty queue.

        Args:
            max_events: the limit of what waits, in events.
            max_bytes: the limit of the content that waits: audio, text, payloads.
            watch: called with the event and the time in nanoseconds whenever the application takes audio, an
                interruption or the end of a response.
            now: the session's clock.
        """
        self._now = now
        self._max_events, self._max_bytes = max_events, max_bytes
        self._events: deque[RealtimeSessionEvent] = deque()
        self._bytes = 0
        self._put_events = self._most_waiting = self._discarded_bytes = 0
        self.taken: list[AudioConsumed] = []
        """Audio taken since the last `reports()`. Public, so that the router sees without a call that there is none."""
        self._arrival = Wakeup()
        """Set when events have come, and by `close`."""
        self._closed = False
        self._error: EngineError | None = None
        self._since_checkpoint = 0
        """Events taken since other tasks last ran."""
        self._watch = watch

    def put(self, events: Sequence[RealtimeSessionEvent | Discard]) -> None:
        """Add events, and carry out each `Discard` among them on what waits by then.

        Raises:
            SlowConsumer: more waits than a limit allows. The events have been added all the same.
        """
        for event in events:
            if type(event) is Audio:
                self._bytes += len(event.data)
            elif type(event) is TranscriptDelta:
                self._bytes += len(event.delta)
            elif type(event) is Discard:
                self._discard(event.response_id)
                continue
            elif (weight := EVENT_WEIGHTS.get(type(event))) is not None:
                self._bytes += weight(event)
            self._events.append(event)
            self._put_events += 1
        if len(self._events) > self._most_waiting:
            self._most_waiting = len(self._events)
        if len(self._events) > self._max_events or self._bytes > self._max_bytes:
            # Nobody is woken: this ends the session, and then `close` wakes whoever waits.
            raise SlowConsumer(
                f"{len(self._events)} events with {self._bytes} bytes of audio and text wait to be taken "
                f"(the limits are {self._max_events} and {self._max_bytes}): iterate over the session"
            )
        if self._events:
            self._arrival.set()

    def _discard(self, response_id: str) -> None:
        """Remove the waiting `audio` and `audio_end` events of a response. Its other events stay."""
        kept: deque[RealtimeSessionEvent] = deque()
        for event in self._events:
            if isinstance(event, Audio | AudioEnd) and event.response_id == response_id:
                if isinstance(event, Audio):
                    self._bytes -= len(event.data)
                    self._discarded_bytes += len(event.data)
            else:
                kept.append(event)
        self._events = kept

    @trio.lowlevel.enable_ki_protection
    async def take(self) -> RealtimeSessionEvent:
        """Wait for the next event, remove it and return it.

        Always a cancel point; a schedule point only where it waits or other tasks are due (`TAKES_PER_CHECKPOINT`).

        Raises:
            StopAsyncIteration: the queue is closed and empty, and the session ended well.
            EngineError: the queue is closed and empty; this error, given to `close`, ended the session.
        """
        if waiting := len(self._events):
            self._since_checkpoint += 1
            if self._since_checkpoint >= TAKES_PER_CHECKPOINT and self._since_checkpoint >= waiting // 2:
                self._since_checkpoint = 0
                await trio.lowlevel.checkpoint()
            else:
                await trio.lowlevel.checkpoint_if_cancelled()
        while not self._events:  # also after a checkpoint, during which an interruption may have emptied the queue
            if self._closed:
                await trio.lowlevel.checkpoint()
                if self._error is not None:
                    raise self._error
                raise StopAsyncIteration
            self._since_checkpoint = 0
            await self._arrival.wait()
        event = self._events.popleft()
        if type(event) is Audio:
            size = len(event.data)
            self._bytes -= size
            at_ns = self._now()
            self.taken.append(AudioConsumed(event.response_id, event.item_id, event.content_index, size, at_ns))
            if self._watch is not None:
                self._watch(event, at_ns)
        elif type(event) is TranscriptDelta:
            self._bytes -= len(event.delta)
        elif (weight := EVENT_WEIGHTS.get(type(event))) is not None:
            self._bytes -= weight(event)
        elif (type(event) is AudioInterrupted or type(event) is AgentEnd) and self._watch is not None:
            self._watch(event, self._now())
        return event

    def reports(self) -> list[AudioConsumed]:
        """Return what audio has been taken since the last call, and empty the list."""
        taken, self.taken = self.taken, []
        return taken

    def close(self, error: EngineError | None, *, by_application: bool) -> None:
        """End the queue: what waits can still be taken, then `take` raises. Only the first call counts.

        Args:
            error: what ended the session; None if it ended well, whoever closed it.
            by_application: the application ended it, and will play no more audio: audio that waits is dropped.
        """
        if self._closed:
            return
        self._closed, self._error = True, error
        if by_application:
            self._bytes -= sum(len(event.data) for event in self._events if isinstance(event, Audio))
            self._events = deque(event for event in self._events if not isinstance(event, Audio | AudioEnd))
        self._arrival.set()

    def statistics(self) -> MailboxStatistics:
        """Return the counters, in events; `discarded` in bytes of audio."""
        return MailboxStatistics(
            "events", self._max_events, len(self._events), self._most_waiting, self._put_events, self._discarded_bytes
        )
