"""A client of the conversation machine, without a loop: sends events, lets time pass, sees what the wire
would carry.

Every event is encoded as it is served and held against the published types of the `openai` package.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import cache
from typing import Any

import orjson
import pybase64
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from engine.local.conversation.effects import (
    CloseConnection,
    Effect,
    GenerateReply,
    Hear,
    ReplyFailed,
    ReplyReady,
    Send,
    Speak,
    SpeechRecognized,
    SpeechSynthesized,
    Stop,
)
from engine.local.conversation.replies import NoReply, PromptContext, Reply
from engine.local.conversation.session_machine import SessionMachine
from engine.local.dialogue.description import customer_service
from engine.local.dialogue.responder import DialogueResponder
from engine.local.settings.options import LocalOptions
from engine.local.speech.placeholder_synthesizer import tones
from engine.wire.client_decoding import decode_client
from engine.wire.codec import encode_server

Json = dict[str, Any]
MS = 1_000_000
WALL_S = 1_785_214_048


@cache
def published_types() -> TypeAdapter[Any]:
    return TypeAdapter(RealtimeServerEvent)


@cache
def dialogue_responder() -> DialogueResponder:
    return DialogueResponder(customer_service())


class Driver:
    """One conversation with a machine.

    `heard` maps each utterance (in order) to its words; None is "not understood". `reply` stands in for the
    responder.
    """

    def __init__(
        self,
        options: LocalOptions | None = None,
        *,
        model: str = "gpt-realtime",
        transcription: bool = False,
        heard: list[str | None] | None = None,
        reply: Callable[[PromptContext], Reply] | None = None,
    ) -> None:
        self.now = 0
        self.machine = SessionMachine(
            options or LocalOptions(), now=0, wall_s=WALL_S, seed=7, model=model, transcription=transcription
        )
        self.events: list[Json] = []
        self.times: list[int] = []
        self.contexts: list[PromptContext] = []
        self.utterances: list[bytes] = []
        self.stopped: list[str] = []
        self.hung_up: CloseConnection | None = None
        self._heard = list(heard or [])
        self._later = deque[Effect]()
        self._reply = reply or dialogue_responder().reply
        self._do(self.machine.open())

    # ---------------------------------------------------------------------------------------- acting
    def send(self, *events: Json) -> list[Json]:
        """Send client events; the events served at once."""
        before = len(self.events)
        for event in events:
            self._do(self.machine.handle(decode_client(orjson.dumps(event)), self.now))
            self._finish()
        return self.events[before:]

    def pass_ms(self, ms: float) -> list[Json]:
        """Let time pass; the events served meanwhile."""
        return self.until(self.now + round(ms * MS))

    def until(self, when: int) -> list[Json]:
        before = len(self.events)
        while (wake_at := self.machine.wake_at) is not None and wake_at <= when:
            self.now = max(wake_at, self.now)
            self._do(self.machine.advance(self.now))
        self.now = max(when, self.now)
        return self.events[before:]

    def settle(self, limit_ms: float = 60_000) -> list[Json]:
        """Let time pass until no response is running any more."""
        before = len(self.events)
        end = self.now + round(limit_ms * MS)
        while self.running() and (wake_at := self.machine.wake_at) is not None and wake_at <= end:
            self.until(wake_at)
        return self.events[before:]

    def say(self, text: str) -> list[Json]:
        """A typed user message and a request for a response, to its end."""
        before = len(self.events)
        self.send(user_text(text), {"type": "response.create"})
        self.settle()
        return self.events[before:]

    def append(self, pcm: bytes, *, step_ms: int | None = None) -> list[Json]:
        """Append audio: at once, or in steps at real time."""
        before = len(self.events)
        step = len(pcm) if step_ms is None else step_ms * 48
        for at in range(0, len(pcm), max(step, 1)):
            self.send(append(pcm[at : at + step]))
            if step_ms is not None:
                self.pass_ms(step_ms)
        return self.events[before:]

    # ---------------------------------------------------------------------------------------- looking
    def running(self) -> bool:
        kinds = [event["type"] for event in self.events]
        return kinds.count("response.created") > kinds.count("response.done") or bool(self.machine._responding._running)

    def of(self, kind: str) -> list[Json]:
        return [event for event in self.events if event["type"] == kind]

    def errors(self) -> list[Json]:
        return [event["error"] for event in self.of("error")]

    # ---------------------------------------------------------------------------------------- effects
    def _finish(self) -> None:
        """Do all further steps of an input. What was asked for meanwhile is reported after them, as the shell does."""
        while self.machine.busy or self._later:
            if self.machine.busy:
                self._do(self.machine.advance(self.now))
            else:
                self._perform(self._later.popleft())

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            waits = self.machine.busy or self._later
            if waits and isinstance(effect, GenerateReply | Speak | Hear):
                self._later.append(effect)
            else:
                self._perform(effect)

    def _perform(self, effect: Effect) -> None:
        match effect:
            case Send(event):
                payload = orjson.loads(encode_server(event))
                published_types().validate_python(payload)
                self.events.append(payload)
                self.times.append(self.now)
            case GenerateReply(response_id, context):
                self.contexts.append(context)
                self._do(self.machine.report(self._thought(response_id, context), self.now))
            case Speak():
                spoken = SpeechSynthesized(effect.response_id, effect.output_index, tones(effect.text), True)
                self._do(self.machine.report(spoken, self.now))
            case Hear(item_id, pcm):
                self.utterances.append(pcm)
                words = self._heard.pop(0) if self._heard else None
                self._do(self.machine.report(SpeechRecognized(item_id, words), self.now))
            case Stop(response_id):
                self.stopped.append(response_id)
            case CloseConnection():
                self.hung_up = effect

    def _thought(self, response_id: str, context: PromptContext) -> ReplyReady | ReplyFailed:
        try:
            return ReplyReady(response_id, self._reply(context))
        except NoReply as no:
            return ReplyFailed(response_id, no.type, no.code, no.message)


def user_text(text: str, **more: Any) -> Json:
    """A client's text message."""
    item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": text}], **more}
    return {"type": "conversation.item.create", "item": item}


def append(pcm: bytes) -> Json:
    """A client's audio."""
    return {"type": "input_audio_buffer.append", "audio": pybase64.b64encode(pcm).decode()}


def update(**session: Any) -> Json:
    """A client's change of settings."""
    return {"type": "session.update", "session": {"type": "realtime", **session}}


def tool(name: str, **properties: str) -> Json:
    """A tool whose parameters, all required, are given with their types."""
    return {
        "type": "function",
        "name": name,
        "description": f"Call {name}.",
        "parameters": {
            "type": "object",
            "properties": {key: {"type": kind} for key, kind in properties.items()},
            "required": list(properties),
        },
    }


def output(call_id: str, text: str) -> Json:
    """The client's answer to a call."""
    item = {"type": "function_call_output", "call_id": call_id, "output": text}
    return {"type": "conversation.item.create", "item": item}


def silence(ms: int) -> bytes:
    """Digital silence."""
    return bytes(48 * ms)


def speech(ms: int) -> bytes:
    """Something as loud as speech, 24 kHz."""
    sound = tones("a" * 12)
    repeated = sound * (ms * 48 // len(sound) + 1)
    return _without_gaps(repeated)[: ms * 48]


def _without_gaps(sound: bytes) -> bytes:
    """The pauses of the tones would be pauses of the speaker."""
    zeros = bytes(96)
    return b"".join(sound[at : at + 96] for at in range(0, len(sound), 96) if sound[at : at + 96] != zeros) * 2


def order(events: list[Json]) -> list[str]:
    """The types of events; the interleaved streams of audio and transcript counted once, where the first
    begins."""
    short: list[str] = []
    for event in events:
        kind = event["type"]
        if not (kind.endswith(".delta") and kind in short):
            short.append(kind)
    return short
