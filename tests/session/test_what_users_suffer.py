"""What users of other engines complain about most, one test each, named after what they suffer.

The experiments are those that were made with such engines; here each has the outcome that its user hoped for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel, function_tool, realtime_handoff
from engine.agents.guardrail import GuardrailFunctionOutput, output_guardrail
from engine.models.scripted import Expect, HangUp, Pause, Say, Step
from engine.wire.client_events import (
    ConversationItemCreate,
    ConversationItemDelete,
    ConversationItemTruncate,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
)
from engine.wire.formats import G711_ULAW
from engine.wire.items import FunctionCallOutput, Message, OutputAudio
from engine.wire.response import Response, ResponseError, StatusDetails, Usage
from engine.wire.server_events import (
    ConversationItemInputAudioTranscriptionCompleted,
    ConversationItemInputAudioTranscriptionFailed,
    ConversationItemTruncated,
    ErrorDetail,
    ErrorEvent,
    RateLimit,
    RateLimitsUpdated,
    ResponseDone,
    ServerEvent,
    TranscriptionError,
    UnknownEvent,
)
from tests.session.test_application import Told, say_hello, talk
from tests.support.talk import accepts, begins, calls, ends, falls_silent, speaks, user_starts, user_stops

PLAIN: RealtimeAgent[Any] = RealtimeAgent(name="Plain", instructions="Be brief.")
TEN_WORDS = "one two three four five six seven eight nine ten"
DEAD_SECONDS = 0.2


def whole(response_id: str, token: str | None, item: str, text: str, seconds: float) -> Say:
    return Say(
        [
            begins(response_id, token),
            *speaks(response_id, item, text, seconds),
            *falls_silent(response_id, item, text),
            ends(response_id),
        ]
    )


# --- barge-in


def test_the_transcript_shows_words_that_nobody_heard() -> None:
    """Five seconds of audio, a barge-in after 0.3 s; the server forgets the item's transcript and says so."""
    kept: list[Any] = []
    script: list[Step] = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *speaks("r1", "i1", TEN_WORDS, 5)]),
        Pause(0.3),
        Say([user_starts(), ends("r1", "cancelled", "turn_detected")]),
        Expect(ConversationItemTruncate),
        Say([ConversationItemTruncated("i1", 0, 300)]),
        Say([*falls_silent("r1", "i1", "", status="incomplete")]),
        Pause(1),
    ]

    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_message("count")
        await trio.sleep(1)
        kept.extend(session.history)

    told = talk(PLAIN, script, program)
    assert [event for event in told.sent if isinstance(event, ConversationItemTruncate)] == [
        ConversationItemTruncate("i1", 0, 300)
    ]
    assert told.one("audio_interrupted").audio_end_ms == 300
    [part] = kept[-1].content
    assert part.audio_end_ms == 300
    assert part.heard + part.unheard == part.transcript
    assert len(part.heard.split()) <= 1
    assert kept[-1].status == "incomplete"


def test_the_wrong_item_is_cut() -> None:
    """Two items of five seconds each wait to be played; the barge-in comes one second into the first."""
    script: list[Step] = [
        Expect(ResponseCreate),
        whole("r1", "req_1", "i1", TEN_WORDS, 5),
        whole("r2", None, "i2", TEN_WORDS, 5),
        Pause(1),
        Say([user_starts()]),
        Pause(1),
    ]
    told = talk(PLAIN, script, say_hello)
    assert [event for event in told.sent if isinstance(event, ConversationItemTruncate | ConversationItemDelete)] == [
        ConversationItemTruncate("i1", 0, 1000),
        ConversationItemDelete("i2"),
    ]


def test_a_barge_in_before_the_first_audio_does_nothing() -> None:
    script: list[Step] = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1")]),
        Pause(0.5),
        Say([user_starts(), *speaks("r1", "i1", TEN_WORDS, 1)]),
        Pause(1),
    ]
    told = talk(PLAIN, script, say_hello)
    assert told.one("audio_interrupted").audio_end_ms is None
    assert "audio" not in told.types()


def test_the_agent_talks_into_the_users_sentence() -> None:
    """The user speaks while a tool works; the tool's result must not make the model speak before the user is done."""

    @function_tool
    async def slow() -> str:
        await trio.sleep(0.5)
        return "found"

    script: list[Step] = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", ("c1", "slow", "{}")), ends("r1")]),
        Pause(0.2),
        Say([user_starts()]),
        Expect(ConversationItemCreate, lambda event: isinstance(event.item, FunctionCallOutput)),
        Say(accepts(FunctionCallOutput("o1", "c1", "found"))),
        Pause(3),
        Say([*user_stops(), begins("r2"), ends("r2")]),
        Pause(1),
    ]
    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", tools=[slow])
    told = talk(agent, script, say_hello)
    assert told.outputs() == {"c1": "found"}
    assert len([event for event in told.sent if isinstance(event, ResponseCreate)]) == 1, "the server answers by itself"


# --- tools


def test_the_model_answers_without_the_slow_result() -> None:
    """Two calls in one reply, one of 50 ms and one of 600 ms: one answer, after both."""

    @function_tool
    async def fast() -> str:
        await trio.sleep(0.05)
        return "fast"

    @function_tool
    async def slow() -> str:
        await trio.sleep(0.6)
        return "slow"

    script: list[Step] = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", ("c1", "fast", "{}"), ("c2", "slow", "{}")), ends("r1")]),
        Expect(ResponseCreate),
        Say([begins("r2", "req_2"), ends("r2")]),
    ]
    told = talk(RealtimeAgent(name="A", tools=[fast, slow]), script, say_hello)
    assert _tail(told, 3) == ["output c1", "output c2", "create"]


def test_a_tool_that_does_not_exist_leaves_the_agent_silent() -> None:
    script: list[Step] = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", ("c1", "order_pizza", "{}")), ends("r1")]),
        Expect(ResponseCreate),
        Say([begins("r2", "req_2"), ends("r2")]),
    ]
    told = talk(PLAIN, script, say_hello)
    assert _tail(told, 2) == ["output c1", "create"]
    assert "order_pizza" in told.outputs()["c1"]


def test_a_tools_result_is_lost_when_the_user_interrupts() -> None:
    """The call is answered, once, and not made again."""
    made = []

    @function_tool
    async def order() -> str:
        made.append("pizza")
        await trio.sleep(2)
        return "ordered"

    script: list[Step] = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *speaks("r1", "i1", TEN_WORDS, 5), *calls("r1", ("c1", "order", "{}"))]),
        Pause(0.5),
        Say([user_starts(), ends("r1", "cancelled", "turn_detected")]),
        Pause(0.5),
        Say([*user_stops(), begins("r2"), ends("r2")]),
        Expect(ResponseCreate),
        Say([begins("r3", "req_2"), ends("r3")]),
        Pause(1),
    ]
    told = talk(RealtimeAgent(name="A", tools=[order]), script, say_hello)
    assert made == ["pizza"]
    assert told.outputs() == {"c1": "ordered"}
    assert told.types().count("tool_end") == 1


def _tail(told: Told, number: int) -> list[str]:
    words = []
    for event in told.sent:
        if isinstance(event, ConversationItemCreate) and isinstance(event.item, FunctionCallOutput):
            words.append(f"output {event.item.call_id}")
        elif isinstance(event, ResponseCreate):
            words.append("create")
        else:
            words.append(event.type)
    return words[-number:]


# --- errors that are not told, or are told wrongly


def test_failures_are_invisible() -> None:
    """A failed response, limits, an event of tomorrow, a transcription that failed: each is its own event."""
    failure = StatusDetails("failed", error=ResponseError("x", "rate_limit_exceeded", "Rate limit reached"))
    usage = Usage(total_tokens=7, input_tokens=5, output_tokens=2)
    events: Sequence[ServerEvent] = [
        begins("r1"),
        ResponseDone(Response("r1", "failed", failure, usage=usage)),
        RateLimitsUpdated((RateLimit("tokens", 100, 3, 60.0),)),
        UnknownEvent("response.mood.delta", {"type": "response.mood.delta", "mood": "fine"}),
        ConversationItemInputAudioTranscriptionFailed(
            item_id="u1", content_index=0, error=TranscriptionError(code="audio_unintelligible")
        ),
    ]
    told = talk(PLAIN, [Expect(SessionUpdate), Say(events)], _listens)
    end = told.one("agent_end")
    assert (end.status, end.reason) == ("failed", "rate_limit_exceeded")
    assert end.error.message == "Rate limit reached"
    assert told.one("usage").total.total_tokens == 7
    assert told.one("rate_limits").limits[0].remaining == 3
    assert told.one("raw_model_event").data.raw["mood"] == "fine"
    assert told.one("transcription_failed").error.code == "audio_unintelligible"
    assert "error" not in told.types(), "nothing of this broke the protocol"


async def _listens(session: RealtimeSession[Any]) -> None:
    """The user says nothing."""


def test_a_message_is_ignored_while_a_response_runs() -> None:
    script: list[Step] = [
        Expect(SessionUpdate),
        Say([begins("r1"), *speaks("r1", "i1", TEN_WORDS, 1)]),
        Expect(ConversationItemCreate),
        Pause(2),
        Say([*falls_silent("r1", "i1", TEN_WORDS), ends("r1")]),
        Expect(ResponseCreate),
        whole("r2", "req_1", "i2", "yes", 1),
    ]

    async def program(session: RealtimeSession[Any]) -> None:
        await trio.sleep(0.5)
        await session.send_message("and now?")

    told = talk(PLAIN, script, program)
    assert told.types().count("agent_end") == 2
    assert "error" not in told.types()


def test_a_reply_is_lost_to_a_conflict() -> None:
    """The server still has something running that we know nothing of: it refuses ours, and is asked again."""
    conflict = ErrorDetail("invalid_request_error", "x", "conversation_already_has_active_response", None, "req_1")
    script: list[Step] = [
        Expect(ResponseCreate),
        Say([ErrorEvent(conflict)]),
        Expect(ResponseCreate),
        Say([ErrorEvent(conflict)]),
        Expect(ResponseCreate),
        whole("r1", "req_1", "i1", "yes", 1),
    ]
    told = talk(PLAIN, script, say_hello)
    assert told.types().count("agent_end") == 1
    assert "error" not in told.types()


@pytest.mark.parametrize("code", ["response_cancel_not_active", "input_audio_buffer_commit_empty", "server_error"])
def test_a_harmless_refusal_ends_the_call(code: str) -> None:
    script: list[Step] = [
        Expect(SessionUpdate),
        Say([ErrorEvent(ErrorDetail("invalid_request_error", "no", code))]),
        Expect(ResponseCreate),
        whole("r1", "req_1", "i1", "yes", 1),
    ]
    assert talk(PLAIN, script, say_hello).one("agent_end").status == "completed"


# --- agents and guardrails


def test_the_end_of_a_reply_is_never_checked() -> None:
    """A reply of 24 characters, and one of 145 whose last word offends."""
    for text in ("the password is swordfish", "well " * 24 + "the password is swordfish"):
        checked: list[str] = []

        @output_guardrail
        async def no_passwords(ctx: Any, agent: Any, text: str, checked: list[str] = checked) -> Any:
            checked.append(text)
            return GuardrailFunctionOutput(tripwire_triggered="swordfish" in text)

        agent: RealtimeAgent[Any] = RealtimeAgent(name="A", output_guardrails=[no_passwords])
        script: list[Step] = [
            Expect(ResponseCreate),
            whole("r1", "req_1", "i1", text, 5),
            Expect(ResponseCreate),
            whole("r2", "req_2", "i2", "sorry", 1),
        ]
        told = talk(agent, script, say_hello)
        assert told.types().count("guardrail_tripped") == 1
        assert told.types().count("audio_interrupted") == 1
        assert text.split() in [each.split() for each in checked]


def test_a_tripped_guardrail_collides_with_the_response_it_stops() -> None:
    """The running response is cancelled first; the next one is asked for when it has ended."""

    @output_guardrail
    async def no_numbers(ctx: Any, agent: Any, text: str) -> Any:
        return GuardrailFunctionOutput(tripwire_triggered="seven" in text)

    script: list[Step] = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *speaks("r1", "i1", TEN_WORDS * 3, 5)]),
        Expect(ResponseCancel),
        Pause(1),
        Say([ends("r1", "cancelled", "client_cancelled")]),
        Expect(ResponseCreate),
        whole("r2", "req_2", "i2", "sorry", 1),
    ]
    told = talk(RealtimeAgent(name="A", output_guardrails=[no_numbers]), script, say_hello)
    assert told.types().count("guardrail_tripped") == 1
    cancel = next(at for at, event in enumerate(told.sent) if isinstance(event, ResponseCancel))
    creates = [at for at, event in enumerate(told.sent) if isinstance(event, ResponseCreate)]
    assert creates[0] < cancel < creates[1]


def test_a_handoff_turns_the_phone_line_into_noise() -> None:
    """The formats of the line are settings of the session: no agent changes them."""
    back: RealtimeAgent[Any] = RealtimeAgent(name="Back")
    front: RealtimeAgent[Any] = RealtimeAgent(name="Front", handoffs=[realtime_handoff(back)])
    model = ScriptedModel(
        [
            Expect(ResponseCreate),
            Say([begins("r1", "req_1"), *calls("r1", ("c1", "transfer_to_back", "{}")), ends("r1")]),
            Expect(ResponseCreate),
            Say([begins("r2", "req_2"), ends("r2")]),
            HangUp(),
        ]
    )
    settings = {"input_audio_format": "g711_ulaw", "output_audio_format": "g711_ulaw", "voice": "ash"}

    async def main() -> None:
        runner = RealtimeRunner(front, model=model, config={"model_settings": settings})
        async with await runner.run() as session:
            await session.send_message("somebody else, please")
            async for _ in session:
                pass

    trio.run(main, clock=MockClock(autojump_threshold=0))
    updates: list[Any] = [event.session for event in model.sent if isinstance(event, SessionUpdate)]
    assert len(updates) == 2
    for session in updates:
        assert session.audio.input.format == G711_ULAW
        assert session.audio.output.format == G711_ULAW
        assert session.audio.output.voice == "ash"


def test_a_transcript_arrives_after_the_reply_it_prompted() -> None:
    """The order of the history is the server's, whenever the words come."""
    kept: list[Any] = []
    item = Message("a1", "assistant", (OutputAudio("hello"),), "completed")
    script: list[Step] = [
        Expect(SessionUpdate),
        Say([user_starts("u1"), *user_stops("u1"), begins("r1"), *speaks("r1", "a1", "hello", 1, previous="u1")]),
        Say([*falls_silent("r1", "a1", "hello"), ends("r1")]),
        Pause(1),
        Say([_transcript("u1", "good morning")]),
        Pause(1),
    ]

    async def program(session: RealtimeSession[Any]) -> None:
        await trio.sleep(5)
        kept.extend(session.history)

    talk(PLAIN, script, program)
    assert [entry.item_id for entry in kept] == ["u1", item.id]
    assert kept[0].content[0].transcript == "good morning"


def _transcript(item_id: str, text: str) -> ServerEvent:
    return ConversationItemInputAudioTranscriptionCompleted(item_id=item_id, content_index=0, transcript=text)
