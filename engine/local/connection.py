"""One connection: a loop around the conversation machine, a task that reads, and tasks that generate replies,
synthesize and recognize speech.

The loop owns the machine. Everything reaches it through one inbox: batches of client events from the reader,
reports from the workers; where nothing comes, it wakes when the machine says so. Every worker of a response
runs in a cancel scope that `Stop` cancels. A client that does not read holds up the loop, the loop holds up
the reader, and the reader the client: nothing is buffered without bound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from functools import partial

import trio

from engine.errors import SpeechFailed, TransportLost
from engine.local.conversation.effects import (
    CloseConnection,
    Effect,
    GenerateReply,
    Hear,
    ReplyFailed,
    ReplyReady,
    Report,
    Send,
    Speak,
    SpeakingFailed,
    SpeechRecognized,
    SpeechSynthesized,
    Stop,
)
from engine.local.conversation.replies import NoReply, Responder
from engine.local.conversation.sentences import spoken_parts
from engine.local.conversation.session_machine import SessionMachine
from engine.local.intake import read_client
from engine.local.settings.quotas import Quotas
from engine.local.speech.parts import SpeechParts
from engine.local.wire_faults import FaultyWire
from engine.serving.allowance import Allowance
from engine.serving.boundary import INTERNAL_ERROR, LAST_WORD, LOGGER, is_cancelled
from engine.serving.overtime import WorkMeter
from engine.serving.turns import Turns
from engine.transport.interface import Transport
from engine.wire.client_decoding import ClientError
from engine.wire.client_events import ClientEvent
from engine.wire.formats import PCM16
from engine.wire.server_events import KnownServerEvent
from engine.wire.units import NS_PER_S

MOST_EVENTS_AT_ONCE = 256
MOST_CHARACTERS_AT_ONCE = 2**18
"""What is parsed of a client's messages in one step, but for a single one that is longer."""
INBOX_CAPACITY = 16
"""Batches and reports; a full inbox makes the reader and the workers wait."""
MOST_HEARD_AT_ONCE = 16
"""Utterances waiting to be recognised; those beyond are not understood."""
_QUIET = PCM16.bytes_of(300) * b"\0"
"""Silence put around an utterance: cut as tight as a turn may be, three of 24 sentences were not recognised;
none with this."""
GOODBYE_SECONDS = 2.0
"""How long a closing handshake may take."""

_Batch = Sequence[ClientEvent | ClientError]
_Message = _Batch | Report | Exception


def now_ns() -> int:
    """Trio's time in nanoseconds."""
    return round(trio.current_time() * NS_PER_S)


class LocalConnection:
    """Holds one session over an open transport.

    Args:
        transport: where the client is. Closed when `run` returns.
        machine: made for `now_ns()` of this moment.
        responder: decides what to say.
        speech: hears and speaks.
        wire: writes events, with or without faults.
        turns: of the long work of all connections of a host.
        quotas: how much the client may ask for.
        meter: of the work that is done for the client.
    """

    def __init__(
        self,
        transport: Transport,
        machine: SessionMachine,
        *,
        responder: Responder,
        speech: SpeechParts,
        wire: FaultyWire,
        turns: Turns,
        quotas: Quotas,
        meter: WorkMeter,
    ) -> None:
        self._transport = transport
        self._machine = machine
        self._responder = responder
        self._speech = speech
        self._wire = wire
        self._report_to, self._inbox = trio.open_memory_channel[_Message](INBOX_CAPACITY)
        self._work: dict[str, list[trio.CancelScope]] = {}
        self._hearing = 0
        self._turns = turns
        self._quotas = quotas
        self._meter = meter

    async def run(self) -> None:
        """Serve until the client leaves, the connection breaks, or the session ends. Never raises for any of
        these.

        Raises:
            Exception: a fault of the machine, the responder or speech. The transport is closed with 1011; whoever
                serves several clients contains it (`engine.serving.boundary`).
        """
        faulty = True
        try:
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._work_on, partial(self._read, nursery.cancel_scope))
                await self._converse(nursery)
                nursery.cancel_scope.cancel(reason="the session ended")
            faulty = False
        finally:
            with trio.move_on_after(GOODBYE_SECONDS, shield=True):
                if faulty and not is_cancelled():
                    await self._transport.aclose(INTERNAL_ERROR, LAST_WORD)
                else:
                    await self._transport.aclose()

    # ------------------------------------------------------------------------------------------ the loop
    async def _converse(self, nursery: trio.Nursery) -> None:
        going = await self._carry_out(self._machine.open(), nursery)
        while going:
            wake_at = self._machine.wake_at
            if wake_at is None:
                return
            message: _Message | None = None
            with trio.move_on_at(wake_at / NS_PER_S):
                message = await self._inbox.receive()
            for effects in self._measured(self._take(message, wake_at)):
                going = going and await self._carry_out(effects, nursery)
                while going and self._machine.busy:
                    going = await self._carry_out(await self._turns.take(self._step), nursery)
                    await self._meter.settle()
                await self._meter.settle()

    def _step(self) -> list[Effect]:
        with self._meter.at_work():
            return self._machine.advance(now_ns())

    def _measured(self, steps: Iterator[list[Effect]]) -> Iterator[list[Effect]]:
        while True:
            with self._meter.at_work():
                effects = next(steps, None)
            if effects is None:
                return
            yield effects

    def _take(self, message: _Message | None, wake_at: int) -> Iterator[list[Effect]]:
        """Yield the effects of each input, and those of events together that need no further step."""
        now = now_ns()
        if isinstance(message, Exception):
            raise message
        if message is None:
            yield self._machine.advance(max(now, wake_at))
        elif not isinstance(message, Sequence):
            yield self._machine.report(message, now)
        else:
            effects: list[Effect] = []
            for event in message:
                effects.extend(self._machine.handle(event, now))
                if self._machine.busy:
                    yield effects
                    effects, now = [], now_ns()
            yield effects

    async def _carry_out(self, effects: list[Effect], nursery: trio.Nursery) -> bool:
        """Do what the machine wants done. False: the connection is over."""
        events: list[KnownServerEvent] = []
        speaking: list[Speak] = []
        waiting = deque(effects)
        while waiting:
            effect = waiting.popleft()
            match effect:
                case Send(event):
                    events.append(event)
                case Stop(response_id):
                    speaking = [each for each in speaking if each.response_id != response_id]
                    for scope in self._work.pop(response_id, ()):
                        scope.cancel(reason="the response ended")
                case GenerateReply():
                    nursery.start_soon(self._work_on, partial(self._think, effect, self._scope(effect.response_id)))
                case Speak():
                    speaking.append(effect)
                case Hear() if self._hearing < MOST_HEARD_AT_ONCE:
                    self._hearing += 1
                    nursery.start_soon(self._work_on, partial(self._hear, effect))
                case Hear(item_id):
                    waiting.extend(self._machine.report(SpeechRecognized(item_id, None), now_ns()))
                case CloseConnection(code, reason):
                    await self._send(events)
                    with trio.move_on_after(GOODBYE_SECONDS):
                        await self._transport.aclose(code, reason)
                    return False
        for response_id in dict.fromkeys(each.response_id for each in speaking):
            own = [each for each in speaking if each.response_id == response_id]
            nursery.start_soon(self._work_on, partial(self._speak, own, self._scope(response_id)))
        return await self._send(events)

    async def _send(self, events: list[KnownServerEvent]) -> bool:
        with self._meter.at_work():
            outgoing = self._wire.write(events)
        try:
            if outgoing.messages:
                await self._transport.send(outgoing.messages)
        except TransportLost:
            return False
        return not outgoing.breaks

    # ------------------------------------------------------------------------------------------ the tasks
    async def _read(self, session: trio.CancelScope) -> None:
        """Client events into the inbox, until the client is gone."""
        allowance = Allowance(self._quotas.events_at_once, self._quotas.events_per_second)
        try:
            while True:
                messages = await self._transport.receive()
                for batch in self._batches(messages):
                    await allowance.spend(len(batch))
                    with self._meter.at_work():
                        events = [read_client(each, self._quotas) for each in batch]
                    await self._report_to.send(events)
                    await self._meter.settle()
        except TransportLost:
            session.cancel(reason="the client left")

    def _batches(self, messages: list[str | bytes]) -> Iterator[list[str | bytes]]:
        """Cut what came at once into batches that are read in one step: many small messages, or one large one."""
        batch: list[str | bytes] = []
        size = 0
        for message in messages:
            if batch and (len(batch) == MOST_EVENTS_AT_ONCE or size + len(message) > MOST_CHARACTERS_AT_ONCE):
                yield batch
                batch, size = [], 0
            batch.append(message)
            size += len(message)
        yield batch

    async def _work_on(self, work: Callable[[], Awaitable[None]]) -> None:
        """Do a piece of work. Its fault goes to the loop, which is never in the middle of a frame when it takes it."""
        try:
            await work()
        except Exception as fault:
            await self._report_to.send(fault)

    async def _think(self, work: GenerateReply, scope: trio.CancelScope) -> None:
        with scope:
            report: Report
            try:
                report = ReplyReady(work.response_id, await self._responder(work.context))
            except NoReply as no:
                report = ReplyFailed(work.response_id, no.type, no.code, no.message)
            except trio.Cancelled as cancelled:
                _check_own(cancelled)
                raise
            await self._report_to.send(report)

    async def _speak(self, work: list[Speak], scope: trio.CancelScope) -> None:
        """One output item after the other, a sentence at a time."""
        with scope:
            for each in work:
                parts = list(spoken_parts(each.text, self._quotas.spoken_characters)) or [""]
                for number, part in enumerate(parts, start=1):
                    try:
                        pcm = await self._speech.synthesizer.speak(part, each.voice, each.speed) if part else b""
                    except SpeechFailed as failure:
                        LOGGER.warning("a reply could not be spoken: %s", failure)
                        await self._report_to.send(SpeakingFailed(each.response_id, f"The voice failed: {failure}"))
                        return
                    except trio.Cancelled as cancelled:
                        _check_own(cancelled)
                        raise
                    last = number == len(parts)
                    await self._report_to.send(SpeechSynthesized(each.response_id, each.output_index, pcm, last))

    async def _hear(self, work: Hear) -> None:
        text: str | None = None
        try:
            if len(work.pcm) <= self._quotas.utterance_seconds * PCM16.bytes_per_second:
                text = await self._speech.recognizer.hear(_QUIET + work.pcm + _QUIET)
        except SpeechFailed as failure:
            LOGGER.warning("an utterance could not be heard: %s", failure)
        except trio.Cancelled as cancelled:
            _check_own(cancelled)
            raise
        self._hearing -= 1
        await self._report_to.send(SpeechRecognized(work.item_id, text))

    def _scope(self, response_id: str) -> trio.CancelScope:
        scope = trio.CancelScope()
        self._work.setdefault(response_id, []).append(scope)
        return scope


def _check_own(cancelled: trio.Cancelled) -> None:
    """Make somebody else's cancellation an error: this connection's nursery would take it for its own, and end unseen.

    Raises:
        RuntimeError: nothing around the running task is cancelled.
    """
    if not is_cancelled():
        raise RuntimeError(
            "a cancellation that was not this conversation's came out of its responder or speech"
        ) from cancelled
