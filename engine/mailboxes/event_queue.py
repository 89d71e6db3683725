"""EventQueue: events on their way to the application, and what it has taken of them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

import trio

from engine.clock import Clock, now_ns
from engine.core.effects import Discard
from engine.core.inputs import AudioConsumed
from engine.errors import EngineError, SlowConsumer
from engine.events import AgentEnd, Audio, AudioEnd, AudioInterrupted, RealtimeSessionEvent
from engine.mailboxes.statistics import MailboxStatistics
from engine.mailboxes.wakeup import Wakeup

MAX_EVENTS = 20_000
MAX_EVENT_AUDIO_BYTES = 32 * 1024 * 1024
TAKES_PER_CHECKPOINT = 16
"""How many events an application gets without letting other tasks run."""


class EventQueue:
    """Events for the application. Audio of an interrupted response is taken out again before anybody sees it."""

    def __init__(
        self,
        max_events: int = MAX_EVENTS,
        max_audio_bytes: int = MAX_EVENT_AUDIO_BYTES,
        watch: Callable[[RealtimeSessionEvent, int], None] | None = None,
        now: Clock = now_ns,
    ) -> None:
        """`watch` is told when audio, an interruption, or the end of a response is taken."""
        self._now = now
        self._max_events, self._max_audio_bytes = max_events, max_audio_bytes
        self._events: deque[RealtimeSessionEvent] = deque()
        self._audio_bytes = 0
        self._passed = self._most = self._discarded = 0
        self.taken: list[AudioConsumed] = []
        """What audio has been taken: `reports` hands it over."""
        self._arrival = Wakeup()
        self._closed = False
        self._error: EngineError | None = None
        self._since_checkpoint = 0
        self._watch = watch

    def put(self, events: Sequence[RealtimeSessionEvent | Discard]) -> None:
        """Add events, or take audio out. Raises SlowConsumer when a limit is passed; what is there stays."""
        for event in events:
            if type(event) is Audio:
                self._audio_bytes += len(event.data)
            elif type(event) is Discard:
                self._discard(event.response_id)
                continue
            self._events.append(event)
            self._passed += 1
        if len(self._events) > self._most:
            self._most = len(self._events)
        if len(self._events) > self._max_events or self._audio_bytes > self._max_audio_bytes:
            raise SlowConsumer(
                f"{len(self._events)} events with {self._audio_bytes} bytes of audio wait to be taken "
                f"(the limits are {self._max_events} and {self._max_audio_bytes}): iterate over the session"
            )
        if self._events:
            self._arrival.set()

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
        """The next event, for `async for`.

        A cancel point always, a schedule point once for what was there.

        Raises:
            StopAsyncIteration: there are no more, and the session ended well; otherwise the error that ended it.
        """
        if waiting := len(self._events):
            self._since_checkpoint += 1
            if self._since_checkpoint >= TAKES_PER_CHECKPOINT and self._since_checkpoint >= waiting // 2:
                self._since_checkpoint = 0
                await trio.lowlevel.checkpoint()
            else:
                await trio.lowlevel.checkpoint_if_cancelled()
        while not self._events:
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
            self._audio_bytes -= size
            at_ns = self._now()
            self.taken.append(AudioConsumed(event.response_id, event.item_id, event.content_index, size, at_ns))
            if self._watch is not None:
                self._watch(event, at_ns)
        elif (type(event) is AudioInterrupted or type(event) is AgentEnd) and self._watch is not None:
            self._watch(event, self._now())
        return event

    def reports(self) -> list[AudioConsumed]:
        """What audio has been taken since the last time this was asked."""
        taken, self.taken = self.taken, []
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
        self._arrival.set()

    def statistics(self) -> MailboxStatistics:
        """Counters."""
        return MailboxStatistics(
            "events", self._max_events, len(self._events), self._most, self._passed, discarded=self._discarded
        )
