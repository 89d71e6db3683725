"""The shell around the machine: tasks, time, cancellation, the end of a connection. Over memory, in virtual
time."""

from __future__ import annotations

import attrs
import orjson
import pytest
import trio
import trio.testing

from engine.errors import TransportClosed, TransportLost
from engine.local.conversation.replies import NoReply
from engine.local.settings.faults import Faults
from engine.local.settings.latencies import Latencies
from engine.local.settings.options import LocalOptions
from engine.local.speech.parts import SpeechParts, without_speech
from engine.local.speech.placeholder_synthesizer import tones
from engine.models.local import LocalModel
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import ConversationItemCreate, ResponseCreate
from engine.wire.codec import decode_server
from engine.wire.items import InputText, Message
from engine.wire.server_events import MalformedEvent, ResponseDone, ServerEvent
from engine.wire.struct import UNSET
from tests.local.caller import FIXED, Caller, call
from tests.local.driver import append, order, output, silence, speech, tool, update, user_text


class Recognizer:
    """Understands everything as the next of its words, after some time."""

    def __init__(self, *words: str, seconds: float = 0.0) -> None:
        self._words = list(words)
        self._seconds = seconds

    async def hear(self, pcm: bytes) -> str | None:
        await trio.sleep(self._seconds)
        return self._words.pop(0) if self._words else None


def hearing(*words: str, seconds: float = 0.0) -> SpeechParts:
    return attrs.evolve(without_speech(), recognizer=Recognizer(*words, seconds=seconds))


async def test_a_text_turn_with_a_call(autojump_clock):
    async with call() as caller:
        await caller.send(
            update(tools=[tool("get_weather", city="string")]),
            user_text("What's the weather in Reykjavik?"),
            {"type": "response.create"},
        )
        served = await caller.until("response.done")
        made = served[-1]["response"]["output"][0]
        assert orjson.loads(made["arguments"]) == {"city": "Reykjavik"}
        result = output(made["call_id"], '{"conditions": "windy", "temperature": 4}')
        await caller.send(result, {"type": "response.create"})
        served = await caller.until("response.done")
        assert served[-1]["response"]["output"][0]["content"][0]["transcript"] == (
            "In Reykjavik it is windy, with 4 degrees."
        )
        sound = sum(len(event["delta"]) for event in served if event["type"] == "response.output_audio.delta")
        assert sound * 3 // 4 == pytest.approx(len(tones("In Reykjavik it is windy, with 4 degrees.")), abs=2)


async def test_audio_comes_faster_than_real_time_at_the_set_factor(autojump_clock):
    for factor in (1.0, 6.0):
        options = attrs.evolve(FIXED, latencies=Latencies(speed=factor))
        async with call(options) as caller:
            await caller.send(user_text("tell me a story"), {"type": "response.create"})
            await caller.until("response.output_audio.delta")
            started = trio.current_time()
            served = await caller.until("response.done")
            taken = trio.current_time() - started
            tokens = served[-1]["response"]["usage"]["output_token_details"]["audio_tokens"]
            assert taken == pytest.approx(tokens / 20 / factor, rel=0.03)


async def test_the_reply_waits_for_the_words_but_its_announcement_does_not(autojump_clock):
    async with call(speech=hearing("hello", seconds=2.0)) as caller:
        await caller.play(silence(500) + speech(800) + silence(300))
        await caller.until("response.created")
        announced = trio.current_time()
        await caller.until("response.output_item.added")
        assert trio.current_time() - announced == pytest.approx(2.0, abs=0.1)


async def test_more_utterances_than_anybody_can_hear(autojump_clock):
    async with call(speech=hearing(*["hello"] * 40, seconds=5.0)) as caller:
        wanted = {"transcription": {"model": "whisper-1"}, "turn_detection": None}
        await caller.send(update(audio={"input": wanted}))
        for _ in range(20):
            await caller.send(append(silence(100)), {"type": "input_audio_buffer.commit"})
        done = "conversation.item.input_audio_transcription.completed"
        served = [(await caller.until(done))[-1]["transcript"] for _ in range(20)]
        assert served == [""] * 4 + ["hello"] * 16


async def test_barge_in_stops_what_is_being_thought(autojump_clock):
    cancelled = trio.Event()

    async def ponder(_):
        try:
            await trio.sleep(60)
        except trio.Cancelled:
            cancelled.set()
            raise
        return ()

    async with call(responder=ponder) as caller:
        await caller.play(silence(500) + speech(800) + silence(400))
        await caller.until("response.created")
        await caller.play(speech(200))
        served = await caller.until("response.done")
        assert order(served) == ["input_audio_buffer.speech_started", "response.done"]
        await cancelled.wait()
        assert trio.current_time() < 10


async def test_a_brain_without_a_reply_fails_the_response(autojump_clock):
    async def clueless(_):
        raise NoReply("out of ideas", code="rate_limit_exceeded", type_="rate_limit_exceeded")

    async with call(responder=clueless) as caller:
        await caller.send({"type": "response.create"})
        served = await caller.until("response.done")
        assert order(served) == ["response.created", "response.done"]
        assert served[-1]["response"]["status_details"] == {
            "type": "failed",
            "error": {"type": "rate_limit_exceeded", "code": "rate_limit_exceeded", "message": "out of ideas"},
        }


async def test_speech_that_was_not_understood_is_answered_so(autojump_clock):
    async with call() as caller:
        await caller.send(update(audio={"input": {"transcription": {"model": "whisper-1"}}}))
        await caller.play(silence(500) + speech(800) + silence(400))
        served = await caller.until("response.done")
        assert served[-1]["response"]["output"][0]["content"][0]["transcript"] == "Sorry, I did not catch that."
        completed = [event for event in served if event["type"].endswith("transcription.completed")]
        assert completed[0]["transcript"] == ""


async def test_expiry_closes_with_1001(autojump_clock):
    async with call(attrs.evolve(FIXED, session_seconds=90)) as caller:
        await caller.until("error")
        assert trio.current_time() == pytest.approx(90)
        with pytest.raises(TransportClosed) as ended:
            await caller.next()
        assert ended.value.code == 1001


async def test_a_dropped_connection(autojump_clock):
    async with call(attrs.evolve(FIXED, faults=Faults(drop_after=3))) as caller:
        await caller.send(user_text("hello"), {"type": "response.create"})
        with pytest.raises(TransportLost):
            await caller.until("response.done")
        assert len(caller.events) == 3


async def test_a_server_that_says_nothing_any_more(autojump_clock):
    async with call(attrs.evolve(FIXED, faults=Faults(mute_after=1))) as caller:
        await caller.send(user_text("hello"), {"type": "response.create"})
        with trio.move_on_after(600):
            await caller.next()
        assert len(caller.events) == 1


async def test_junk_between_the_events(autojump_clock):
    faults = Faults(unknown_event_every=4, null_error_codes=True, huge_event_bytes=2_000_000)
    async with call(attrs.evolve(FIXED, faults=faults)) as caller:
        await caller.send({"type": "response.cancel"}, user_text("hello"), {"type": "response.create"})
        served = await caller.until("response.done")
        assert served[0]["type"] == "server.heap"
        assert len(served[0]["heap"]) == 2_000_000
        assert sum(event["type"] == "server.tea_time" for event in served) > 3
        assert [event["error"]["code"] for event in served if event["type"] == "error"] == [None]


async def test_malformed_events(autojump_clock):
    async with call(attrs.evolve(FIXED, faults=Faults(malformed_event_every=5))) as caller:
        await caller.send(user_text("hello"), {"type": "response.create"})
        seen: list[ServerEvent] = []
        while not any(isinstance(event, ResponseDone) for event in seen):
            seen.extend(decode_server(message) for message in await caller.transport.receive())
        assert len({event.raw for event in seen if isinstance(event, MalformedEvent)}) == 4


async def test_binary_and_broken_messages_are_answered_and_survived(autojump_clock):
    async with call() as caller:
        await caller.transport.send([b"{"])
        await caller.until("error", lambda event: event["error"]["code"] == "invalid_json")
        await caller.send({"type": "response.create"})
        await caller.until("response.done")


async def test_a_client_that_does_not_read_holds_up_only_itself(autojump_clock):
    async with call() as caller:
        with trio.move_on_after(30):
            while True:
                await caller.send({"type": "input_audio_buffer.clear"})
        await caller.until("input_audio_buffer.cleared")


async def test_leaving_in_the_middle_of_a_response_ends_everything(autojump_clock):
    async with call() as caller:
        await caller.send(user_text("tell me a story"), {"type": "response.create"})
        await caller.until("response.output_audio.delta")
    assert trio.current_time() < 2


async def test_being_cancelled_ends_within_the_goodbye(autojump_clock):
    with trio.move_on_after(1):
        async with call() as caller:
            await caller.send(user_text("tell me a story"), {"type": "response.create"})
            await caller.drain()
    assert trio.current_time() <= 3


async def test_the_local_model_speaks_wire_events(autojump_clock):
    model = LocalModel(FIXED)
    assert model.notice
    async with model.connect(RealtimeModelConfig()) as connection:
        message = Message(UNSET, "user", (InputText("hello"),))
        await connection.send([ConversationItemCreate(message), ResponseCreate()])
        events = list(await connection.receive())
        while not any(isinstance(event, ResponseDone) for event in events):
            events.extend(await connection.receive())
        assert events[0].type == "session.created"
        await connection.aclose()
        with pytest.raises(TransportClosed):
            await connection.receive()


async def test_an_error_in_a_session_leaves_the_local_model_as_itself(autojump_clock):
    with pytest.raises(ZeroDivisionError):
        async with LocalModel(FIXED).connect(RealtimeModelConfig()):
            raise ZeroDivisionError


# ---------------------------------------------------------------------------------------- a whole call
async def _ten_minutes(caller: Caller) -> None:
    """Twenty spoken turns: tools, stories, interruptions."""
    await caller.send(
        update(tools=[tool("get_weather", city="string")], audio={"input": {"transcription": {"model": "whisper-1"}}})
    )
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_answer_calls, caller)
        for turn in range(20):
            await caller.play(silence(200) + speech(1500) + silence(28_300 if turn % 3 else 1000), step_ms=100)
            await caller.play(b"" if turn % 3 else speech(600) + silence(26_700), step_ms=100)
        nursery.cancel_scope.cancel()


async def _answer_calls(caller: Caller) -> None:
    while True:
        done = (await caller.until("response.done"))[-1]
        for item in done["response"]["output"]:
            if item["type"] == "function_call":
                await caller.send(output(item["call_id"], '{"conditions": "fair", "temperature": 20}'))
                await caller.send({"type": "response.create"})


def _run_ten_minutes(options: LocalOptions) -> tuple[list[str | bytes], float]:
    words = ["tell me a story", "wait", "what is the weather in paris", "thank you"] * 7
    seen: list[str | bytes] = []

    async def main() -> float:
        async with call(options, speech=hearing(*words)) as caller:
            await _ten_minutes(caller)
            seen.extend(caller.raw)
        return trio.current_time()

    return seen, trio.run(main, clock=trio.testing.MockClock(autojump_threshold=0))


def test_ten_minutes_are_the_same_bytes_each_time():
    options = attrs.evolve(FIXED, latencies=Latencies.realistic())
    first, seconds = _run_ten_minutes(options)
    again, _ = _run_ten_minutes(options)
    assert seconds > 550
    assert first == again
    transcripts = [event for event in map(orjson.loads, first) if event["type"].endswith("transcription.completed")]
    assert len(transcripts) == 27
    cancelled = [event for event in map(orjson.loads, first) if b'"turn_detected"' in orjson.dumps(event)]
    assert len(cancelled) >= 5
