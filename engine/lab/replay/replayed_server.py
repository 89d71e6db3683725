"""The server of a replay: it says what it said, when it said it, once what it answered has been sent."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from hashlib import sha256
from itertools import groupby

import attrs
import trio

from engine.clock import now_ns
from engine.lab.replay.inputs import APPEND
from engine.lab.replay.recorded_call import RecordedCall, RecordedLine
from engine.models.interface import ModelConnection, RealtimeModel
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import ClientEvent, InputAudioBufferAppend
from engine.wire.codec import decode_server
from engine.wire.server_events import ServerEvent
from engine.wire.units import NS_PER_MS, NS_PER_S

PATIENCE_SECONDS = 10.0
"""How long the server waits for something that was sent in the recording, in virtual time."""
STEP_NS = 10 * NS_PER_MS
"""Between two batches of a recording without times."""


def control_of(call: RecordedCall) -> tuple[RecordedLine, ...]:
    """What was sent, but for audio."""
    return tuple(line for line in call.of("sent") if line.type != APPEND)


@attrs.frozen
class _Batch:
    lines: tuple[RecordedLine, ...]
    after_sent: int
    """How many events, but for audio, had been sent before."""
    after_any: int
    """How many events had been sent before, audio too."""


class RecordedServer(RealtimeModel):
    """A model that says what it said. For one connection."""

    def __init__(self, call: RecordedCall) -> None:
        super().__init__()
        self.sent: list[ClientEvent] = []
        """But for audio."""
        self.heard = sha256()
        """Of all audio."""
        self.missing: str | None = None
        self.delivered = 0
        """How many events it has said."""
        self.began_ns = 0
        self.lag_ns = 0
        """By how much the program is later than it was."""
        self.news = trio.lowlevel.ParkingLot()
        self._control = control_of(call)
        self._batches = deque(_batches(call.lines))
        self._excused = 0
        """Events that were waited for in vain."""

    @property
    def finished(self) -> bool:
        """Everything has been said."""
        return not self._batches

    def connect(self, config: RealtimeModelConfig) -> AbstractAsyncContextManager[ModelConnection]:
        """See `RealtimeModel.connect`."""
        return self._connect()

    @asynccontextmanager
    async def _connect(self) -> AsyncIterator[ModelConnection]:
        self.began_ns = now_ns()
        yield self

    async def receive(self) -> Sequence[ServerEvent]:
        """See `ModelConnection.receive`."""
        if not self._batches:
            await trio.sleep_forever()
        batch = self._batches[0]
        await self._wait_for_sent(batch)
        await self.wait_until(batch.lines[0].t)
        self._batches.popleft()
        self.delivered += len(batch.lines)
        self.news.unpark_all()
        return [decode_server(line.message) for line in batch.lines]

    async def send(self, events: Sequence[ClientEvent]) -> None:
        """See `ModelConnection.send`."""
        await trio.lowlevel.checkpoint()
        for event in events:
            if isinstance(event, InputAudioBufferAppend):
                self.heard.update(event.audio)
            else:
                self.sent.append(event)
        self.news.unpark_all()

    async def aclose(self) -> None:
        """See `ModelConnection.aclose`."""
        await trio.lowlevel.checkpoint()

    async def wait_until(self, t: int | None) -> None:
        """Wait for a moment of the recording, as much later as the program is."""
        if t is None:
            await trio.sleep(STEP_NS / NS_PER_S)
            return
        late = now_ns() - (self.began_ns + t + self.lag_ns)
        self.lag_ns += max(late, 0)
        if late < 0:
            await trio.sleep(-late / NS_PER_S)
        else:
            await trio.lowlevel.checkpoint()

    async def _wait_for_sent(self, batch: _Batch) -> None:
        while len(self.sent) + self._excused < batch.after_sent:
            with trio.move_on_after(PATIENCE_SECONDS) as patience:
                await self.news.park()
            if patience.cancelled_caught:
                waited_for = self._control[len(self.sent) + self._excused]
                self.missing = self.missing or f"{waited_for.type} (line {waited_for.number}) was not sent"
                self._excused += 1


def _batches(lines: Sequence[RecordedLine]) -> list[_Batch]:
    """What arrived together: at one moment, or, without times, between two things that were sent."""
    found: list[_Batch] = []
    control = total = 0
    for (direction, _), run in groupby(lines, key=lambda line: (line.direction, line.t)):
        members = tuple(run)
        if direction == "received":
            found.append(_Batch(members, control, total))
        else:
            total += len(members)
            control += sum(line.type != APPEND for line in members)
    return found
