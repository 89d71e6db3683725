"""Events that make no sense, over real sockets: each is shown to the application, and the next reply comes whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import orjson
import pytest

from engine.mailboxes import MAX_EVENTS
from engine.wire.items import Message, OutputAudio
from engine.wire.server_events import (
    ConversationItemAdded,
    ConversationItemDeleted,
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionDelta,
    ErrorDetail,
    ErrorEvent,
    InputAudioBufferSpeechStopped,
    ResponseOutputAudioDelta,
    ResponseOutputAudioDone,
    ResponseOutputAudioTranscriptDelta,
)
from tests.session.sockets import Heard, both_transports, facing, greet, listen, reply, text_of, texts_of
from tests.support.talk import begins, ends, falls_silent, speaks, user_starts, user_stops
from tests.transport.peer import Peer

NOISE = b"\2\0" * 10


def of_type(name: str, **fields: object) -> str:
    return orjson.dumps({"type": name, "event_id": "event_1", **fields}).decode()


@attrs.frozen
class Bad:
    """What the server says, and how the application hears of it."""

    says: list[str | bytes] | Callable[[], list[str | bytes]]
    errors: int = 0
    raw: int = 0
    """Events that are shown as they came."""
    responses: int = 0
    """Beside the reply."""


BAD: dict[str, Bad] = {
    "garbage": Bad(["{{{", "\x00\x01", "hello"], errors=3, raw=3),
    "an empty message": Bad([""], errors=1, raw=1),
    "half an event": Bad(['{"type":"response.output_audio.delta","event_id":'], errors=1, raw=1),
    "JSON that is no object": Bad(["null", "[]", "5", '"x"', "true"], errors=5, raw=5),
    "no type": Bad(["{}", '{"type":5}', '{"type":null}'], errors=3, raw=3),
    "an empty type": Bad(['{"type":""}'], raw=1),
    "nothing is that deep": Bad(["[" * 100_000 + "]" * 100_000], errors=1, raw=1),
    "no such number": Bad(['{"type":"x","n":NaN}'], errors=1, raw=1),
    "half a pair of surrogates": Bad(['{"type":"x","text":"\\ud800"}'], errors=1, raw=1),
    "a binary message": Bad([b"\x00\x01\x02"], errors=1, raw=1),
    "an unknown event": Bad([of_type("server.tea_time", kettle={"boils": True})], raw=1),
    "20 MB": Bad(lambda: [of_type("server.heap", heap="x" * 20_000_000)], raw=1),
    "10,000 tiny events": Bad(['{"type":"ping"}'] * 10_000, raw=10_000),
    "1,000 errors": Bad(
        [text_of(ErrorEvent(ErrorDetail("server_error", "oops", None)))] * 1000,
        errors=1000,
    ),
    "an error without anything": Bad([of_type("error")], errors=1, raw=1),
    "an error about nobody": Bad(
        [text_of(ErrorEvent(ErrorDetail("invalid_request_error", "no", "invalid_value", "x", "event_unknown")))],
        errors=1,
    ),
    "known events without their fields": Bad(
        [
            of_type("response.created"),
            of_type("response.created", response=None),
            of_type("response.created", response={"id": 5}),
            of_type("response.done", response=[]),
            of_type("response.output_audio.delta"),
            of_type("response.output_audio.delta", response_id="r", item_id="i", delta="***"),
            of_type("response.output_audio.delta", response_id="r", item_id="i", delta=None),
            of_type("conversation.item.added", item={"type": "message"}),
            of_type("conversation.item.deleted"),
            of_type("input_audio_buffer.speech_started", item_id=5),
            of_type("conversation.item.input_audio_transcription.completed", transcript=["a"]),
        ],
        errors=10,
        raw=10,
    ),
    "speech whose item is not named": Bad(
        [of_type(f"input_audio_buffer.{what}") for what in ("speech_started", "speech_stopped", "committed")]
    ),
    "a response that ends before it begins": Bad(texts_of([ends("r0"), begins("r0"), ends("r0")]), responses=1),
    "a response that never ends": Bad(texts_of([begins("r0")]), responses=1),
    "a response whose end is malformed": Bad(
        [text_of(begins("r0")), of_type("response.done", response={"id": "r0", "status": 5, "output": 5})],
        errors=1, raw=1, responses=1,
    ),
    "everything twice, but for what grows": Bad(
        [
            text
            for event in [begins("r0"), *speaks("r0", "i0", "two", 0), *falls_silent("r0", "i0", "two"), ends("r0")]
            for text in [text_of(event)] * (1 if isinstance(event, ResponseOutputAudioTranscriptDelta) else 2)
        ],
        responses=1,
    ),
    "audio for an item that nobody announced": Bad(
        texts_of([begins("r0"), ResponseOutputAudioDelta("r0", "i9", 7, 3, NOISE), ends("r0")]),
        responses=1,
    ),
    "audio for a response that nobody announced": Bad(
        texts_of([ResponseOutputAudioDelta("r0", "i9", 7, 3, NOISE), ends("r0")]),
        responses=1,
    ),
    "deltas after the end": Bad(
        texts_of(
            [
                begins("r0"),
                *speaks("r0", "i0", "no", 0.1),
                ends("r0", "cancelled", "turn_detected"),
                ResponseOutputAudioDelta("r0", "i0", 0, 0, NOISE),
                ResponseOutputAudioTranscriptDelta("r0", "i0", 0, 0, "late"),
                ResponseOutputAudioDone("r0", "i0", 0, 0),
            ]
        ),
        responses=1,
    ),
    "items in odd places": Bad(
        texts_of(
            [
                ConversationItemAdded(item=Message("a", "assistant", (OutputAudio("a"),)), previous_item_id="a"),
                ConversationItemAdded(item=Message("b", "assistant", (OutputAudio("b"),)), previous_item_id="nowhere"),
                ConversationItemAdded(item=Message("a", "user", ()), previous_item_id="b"),
                ConversationItemDeleted("c"),
                ConversationItemDeleted("a"),
                ConversationItemDeleted("a"),
            ]
        )
    ),
    "a user who stops before starting": Bad(
        texts_of(
            [
                InputAudioBufferSpeechStopped(900, "u1"),
                *user_stops("u1"),
                InputAudioBufferSpeechStopped(900, "u1"),
                user_starts("u1"),
                user_starts("u1"),
                *user_stops("u1"),
            ]
        )
    ),
}  # fmt: skip


async def after(says: list[str | bytes], transport: str) -> tuple[Heard, list[Any]]:
    """Everything that is heard of a server that says this, then replies, and then leaves."""

    async def behave(peer: Peer) -> None:
        await greet(peer)
        for message in says:
            if isinstance(message, bytes):
                peer.protocol.send_binary(message)
            else:
                peer.protocol.send_text(message.encode())
        await peer.flush()
        await peer.say(*reply())
        await peer.say_goodbye()
        await peer.hear_goodbye()

    async with facing(behave, transport) as session:
        heard = await listen(session)
        return heard, list(session.history)


@both_transports
@pytest.mark.parametrize("name", BAD)
async def test_the_reply_after_it_comes_whole(name: str, transport: str) -> None:
    bad = BAD[name]
    heard, _ = await after(bad.says() if callable(bad.says) else bad.says, transport)
    assert heard.ending is None
    assert heard.replied()
    assert len(heard.of("error")) == bad.errors
    assert len(heard.of("raw_model_event")) == bad.raw
    began = [event.response_id for event in heard.of("agent_start")]
    ended = [event.response_id for event in heard.of("agent_end")]
    assert sorted(began) == sorted(ended)
    assert len(began) == 1 + bad.responses


async def test_a_flood_does_not_drown_an_application_that_reads() -> None:
    """More small events than the queue may hold, as fast as a socket carries them: over the faster transport."""
    heard, _ = await after(['{"type":"ping"}'] * 2 * MAX_EVENTS, "sansio")
    assert heard.ending is None
    assert heard.replied()
    assert len(heard.of("raw_model_event")) == 2 * MAX_EVENTS


@both_transports
async def test_an_audio_delta_of_20_mb_comes_whole(transport: str) -> None:
    audio = bytes(range(256)) * 4 * 15_000
    heard, _ = await after(
        [*texts_of([begins("r0"), ResponseOutputAudioDelta("r0", "i0", 0, 0, audio), ends("r0")])], transport
    )
    assert heard.ending is None
    assert heard.audio("r0") == audio
    assert heard.replied()


@both_transports
async def test_what_came_late_is_not_played(transport: str) -> None:
    heard, _ = await after(BAD["deltas after the end"].says, transport)  # type: ignore[arg-type]
    assert NOISE not in heard.audio("r0")
    assert "late" not in [event.delta for event in heard.of("transcript_delta")]


@both_transports
async def test_words_that_come_before_their_item_are_in_the_history(transport: str) -> None:
    says = texts_of(
        [
            ConversationItemInputAudioTranscriptionDelta("user_1", 0, "good "),
            ConversationItemInputAudioTranscriptionCompleted(
                item_id="user_1", content_index=0, transcript="good morning"
            ),
            *user_stops("user_1"),
        ]
    )
    heard, history = await after([*says], transport)
    [said] = [event for event in heard.of("transcript_done") if event.role == "user"]
    assert said.transcript == "good morning"
    assert history[0].content[0].transcript == "good morning"


@both_transports
async def test_words_that_come_long_after_their_reply_are_in_the_history(transport: str) -> None:
    says = [
        *texts_of(user_stops("user_1")),
        *reply("r0", "good morning to you too"),
        *texts_of(
            [
                ConversationItemInputAudioTranscriptionCompleted(
                    item_id="user_1", content_index=0, transcript="good morning"
                )
            ]
        ),
    ]
    heard, history = await after([*says], transport)
    assert heard.replied("r0")
    assert history[0].content[0].transcript == "good morning"
