"""Responses: who may run, and their way from request to end.

One response of the default conversation at a time; any number outside it. A response reads the conversation
as it stood when it was asked for; where the words of a spoken item in it are not known yet, it waits for them
before it thinks.
"""

from __future__ import annotations

import random
from typing import TypeVar

import attrs

from engine.audio.streams import Encoder
from engine.local.conversation import errors, sentences, steps
from engine.local.conversation import usage as accounting
from engine.local.conversation.effects import (
    GenerateReply,
    ReplyFailed,
    ReplyReady,
    Speak,
    SpeakingFailed,
    SpeechSynthesized,
    Stop,
)
from engine.local.conversation.generation import Generation, ResponseSpec
from engine.local.conversation.items import ItemList
from engine.local.conversation.outbox import Outbox
from engine.local.conversation.output_items import OutputContext
from engine.local.conversation.pacing import Pace
from engine.local.conversation.replies import CallTool, Reply, SayText
from engine.local.conversation.response_specs import ResponseRequest, request_of, spec_of
from engine.local.conversation.session_settings import SessionSettings
from engine.local.conversation.steps import Steps
from engine.local.settings.faults import (
    EarlyCancelRefused,
    FailedResponse,
    IncompleteResponse,
    LateDeltas,
    OverlappingItems,
    RefusedResponse,
    ResponseFault,
    SilentResponse,
    SplitSpeech,
)
from engine.local.settings.options import LocalOptions
from engine.local.settings.quotas import Quotas
from engine.wire.response import ResponseError, ResponseParams
from engine.wire.server_events import RateLimitsUpdated, ResponseOutputAudioDelta

TURN_DETECTED, CLIENT_CANCELLED = "turn_detected", "client_cancelled"

_F = TypeVar("_F", bound=ResponseFault)


@attrs.define
class _Running:
    """A response on its way."""

    number: int
    generation: Generation
    request: ResponseRequest
    thinking: bool = False
    encoder: Encoder | None = None

    @property
    def spec(self) -> ResponseSpec:
        return self.generation.spec


@attrs.frozen
class ResponseEnd:
    """A response of the default conversation ended at `at`, having sent `audio_ms` of audio."""

    at: int
    audio_ms: int


class Responding:
    """All responses of a session."""

    def __init__(
        self,
        outbox: Outbox,
        conversation: ItemList,
        settings: SessionSettings,
        options: LocalOptions,
        rng: random.Random,
    ) -> None:
        self._outbox = outbox
        self._conversation = conversation
        self._conversation_id = outbox.ids.conversation()
        self._settings = settings
        self._options = options
        self._rng = rng
        self._running: dict[str, _Running] = {}
        self._active: _Running | None = None
        self._count = 0
        self._read_before = 0
        self._spoken = False
        self._ended: list[ResponseEnd] = []

    # ------------------------------------------------------------------------------------------ reading
    @property
    def spoken(self) -> bool:
        """Whether the conversation holds assistant audio: its voice is fixed then."""
        return self._spoken or (self._active is not None and self._active.generation.audio_ms > 0)

    @property
    def active(self) -> bool:
        """Whether a response of the default conversation runs."""
        return self._active is not None

    @property
    def due(self) -> int | None:
        """When something is to be sent next."""
        times = (running.generation.due for running in self._running.values())
        return min((time for time in times if time is not None), default=None)

    def take_ended(self) -> list[ResponseEnd]:
        """The responses of the default conversation that ended since the last call."""
        ended, self._ended = self._ended, []
        return ended

    # ------------------------------------------------------------------------------------------ requests
    def create(self, asked: ResponseParams, now: int) -> None:
        """Start a response.

        Raises:
            Rejected: it cannot be; nothing was changed.
        """
        in_conversation = asked.conversation != "none"
        request = request_of(asked, self._settings, self._conversation, self._options.history_items)
        if in_conversation and self._active is not None:
            raise errors.active_response(self._active.spec.id)
        most = self._options.quotas.responses
        if len(self._running) >= most:
            raise errors.too_many_responses(most)
        if in_conversation:
            self._conversation.check_room()
        number = self._count + 1
        cut = self._fault(IncompleteResponse, number)
        spec = spec_of(
            asked,
            request,
            self._settings,
            response_id=self._outbox.ids.response(),
            conversation_id=self._conversation_id if in_conversation else None,
            voice_locked=in_conversation and self.spoken,
            cut=None if cut is None else (cut.after_tokens, cut.reason),
        )
        self._count = number
        if self._fault(RefusedResponse, number) is not None:
            raise errors.active_response(spec.id)
        running = _Running(number, self._generation(spec, number, now), request)
        self._running[spec.id] = running
        if in_conversation:
            self._active = running
        self._think(running)

    def cancel(self, response_id: str | None, now: int) -> None:
        """Stop the running response of the conversation, or the one with this id.

        Raises:
            Rejected: there is none.
        """
        running = self._active if response_id is None else self._running.get(response_id)
        if running is None or self._too_early(running):
            raise errors.no_active_response()
        self._cancel(running, CLIENT_CANCELLED, now)

    def interrupt(self, now: int) -> None:
        """The user speaks: stop the running response of the conversation, if there is one."""
        if self._active is not None:
            self._cancel(self._active, TURN_DETECTED, now)

    # ------------------------------------------------------------------------------------------ reports
    def heard(self) -> None:
        """The words of some item became known."""
        for running in self._running.values():
            self._think(running)

    def thought(self, report: ReplyReady, now: int) -> None:
        """A reply is known."""
        running = self._running.get(report.response_id)
        if running is None:
            return
        reply, whole = _bounded(report.reply, self._options.quotas)
        if self._fault(SplitSpeech, running.number) is not None:
            reply = sentences.by_sentence(reply)
        running.generation.reply(reply, now, whole=whole)
        spec = running.spec
        voice = spec.voice if isinstance(spec.voice, str) else self._settings.traits.voice
        for index, part in enumerate(reply):
            if spec.speaks and isinstance(part, SayText):
                self._outbox.do(Speak(spec.id, index, part.text, voice, spec.speed))

    def failed(self, report: ReplyFailed, now: int) -> None:
        """There is no reply."""
        running = self._running.get(report.response_id)
        if running is not None:
            running.generation.fail(ResponseError(report.type, report.code, report.message), now)

    def broke_off(self, report: SpeakingFailed, now: int) -> None:
        """The rest of a response cannot be spoken."""
        running = self._running.get(report.response_id)
        if running is not None:
            running.generation.break_off(ResponseError("server_error", "speech_failed", report.message))
            self._end(running, now)

    def spoke(self, report: SpeechSynthesized, now: int) -> Steps:
        """More sound of an output item, encoded in steps. Items are spoken one after the other."""
        running = self._running.get(report.response_id)
        if running is None:
            return
        left = len(report.pcm)
        for number, piece in enumerate(steps.leaving(report.pcm, running.spec.audio_format)):
            if number:
                now = yield
                if self._running.get(report.response_id) is not running:
                    return
            left -= len(piece)
            last = report.last and left == 0
            if running.encoder is None:
                running.encoder = Encoder(running.spec.audio_format)
            encoded = running.encoder.encode(piece, last=last)
            if last:
                running.encoder = None
            running.generation.spoken(report.output_index, encoded, now, last=last)

    def advance(self, now: int) -> None:
        """Send everything that is due."""
        for running in list(self._running.values()):
            running.generation.advance(now)
            if running.generation.done:
                self._end(running, now)

    # ------------------------------------------------------------------------------------------ inside
    def _generation(self, spec: ResponseSpec, number: int, now: int) -> Generation:
        latencies = self._options.latencies
        created_at = now + latencies.created.draw(self._rng)
        context = OutputContext(
            spec.id,
            self._outbox,
            self._conversation if spec.conversation_id is not None else None,
            self._options.null_previous_when_done,
        )
        return Generation(
            spec,
            context,
            Pace(latencies.token.draw(self._rng), latencies.speed, self._options.audio_delta_ms),
            created_at=created_at,
            first_output_at=created_at + latencies.first_output.draw(self._rng),
            overlapping=spec.reasons or self._fault(OverlappingItems, number) is not None,
            read_before=self._read_before,
        )

    def _think(self, running: _Running) -> None:
        if running.thinking or running.request.hearing:
            return
        running.thinking = True
        spec = running.spec
        failed = self._fault(FailedResponse, running.number)
        if failed is not None:
            running.generation.fail(ResponseError(failed.type, failed.code, failed.message), 0)
        elif self._fault(SilentResponse, running.number) is None:
            self._outbox.do(GenerateReply(spec.id, running.request.context(speaks=spec.speaks)))

    def _cancel(self, running: _Running, reason: str, now: int) -> None:
        generation = running.generation
        generation.cancel(reason)
        late, item = self._fault(LateDeltas, running.number), generation.speaking_item
        if late is not None and item is not None:
            silence = bytes(running.spec.audio_format.bytes_of(self._options.audio_delta_ms[-1]))
            for _ in range(late.count):
                event_id = self._outbox.ids.event()
                self._outbox.send(
                    ResponseOutputAudioDelta(running.spec.id, item.id, item.index, 0, silence, event_id=event_id)
                )
        self._end(running, now)

    def _end(self, running: _Running, now: int) -> None:
        generation = running.generation
        del self._running[running.spec.id]
        self._outbox.do(Stop(running.spec.id))
        usage = generation.usage
        if usage is not None and generation.produced:
            self._read_before = usage.input_tokens
            limits = accounting.rate_limits(usage.total_tokens)
            self._outbox.send(RateLimitsUpdated(limits, event_id=self._outbox.ids.event()))
        if running is self._active:
            self._active = None
            self._spoken = self._spoken or generation.audio_ms > 0
            self._ended.append(ResponseEnd(now, generation.audio_ms))

    def _too_early(self, running: _Running) -> bool:
        unknown = not running.generation.created
        return unknown and self._fault(EarlyCancelRefused, running.number) is not None

    def _fault(self, kind: type[_F], number: int) -> _F | None:
        for fault in self._options.faults.of_responses:
            if isinstance(fault, kind) and (fault.responses is None or number in fault.responses):
                return fault
        return None


def _bounded(reply: Reply, quotas: Quotas) -> tuple[Reply, bool]:
    """Return as much of a reply as a response may hold, and whether that is all of it."""
    left = quotas.reply_characters
    parts: list[SayText | CallTool] = []
    for part in reply[: quotas.reply_parts]:
        length = len(part.text) if isinstance(part, SayText) else len(part.name) + len(part.arguments)
        if length > left:
            if isinstance(part, SayText) and left:
                parts.append(SayText(part.text[:left]))
            return tuple(parts), False
        left -= length
        parts.append(part)
    return tuple(parts), len(parts) == len(reply)
