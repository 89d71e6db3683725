"""What only one vendor knows goes through a session: extra keys of settings and requests, and rates of PCM."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from engine import ModelCapabilities, RealtimeAgent, RealtimeRunner, function_tool
from engine.errors import MessageError, SettingsError
from engine.models.local import LocalModel
from engine.models.scripted import Expect, HangUp, Say, ScriptedModel
from engine.wire.client_events import InputAudioBufferAppend, ResponseCreate, SessionUpdate
from engine.wire.codec import encode_client
from engine.wire.formats import AudioFormat
from engine.wire.response import ResponseAudio, ResponseAudioOutput, ResponseParams
from engine.wire.server_events import SessionCreated
from engine.wire.session import Session
from tests.session.sockets import listen_on
from tests.support.talk import begins, ends, falls_silent, speaks

CREATED = SessionCreated(Session(model="m"))
RUN = {"audio": {"input": {"foo": 1}}, "resumption": {"enabled": True}}


@function_tool
def look() -> str:
    """Look."""
    return "seen"


FIRST: RealtimeAgent[Any] = RealtimeAgent(name="First", instructions="one", tools=[look])
SECOND: RealtimeAgent[Any] = RealtimeAgent(name="Second", instructions="two", voice="ash")


def sent(model: ScriptedModel, kind: type) -> list[dict[str, Any]]:
    return [orjson.loads(encode_client(event)) for event in model.sent if isinstance(event, kind)]


async def test_extra_keys_are_sent_and_survive_another_agent(autojump_clock: MockClock) -> None:
    spoken = [begins("r"), *speaks("r", "i", "hi", 0.1), *falls_silent("r", "i", "hi"), ends("r")]
    model = ScriptedModel([Say([CREATED]), Expect(SessionUpdate), Say(spoken), Expect(SessionUpdate), HangUp(1000)])
    voiced = {**RUN, "audio": {**RUN["audio"], "output": {"voice": {"kind": "clone"}}}, "tools": [{"type": "search"}]}
    runner = RealtimeRunner(FIRST, model=model, config={"model_settings": {"extra": voiced}})
    initial = {"extra": {"audio": {"input": {"bar": 2}}}}
    session = await runner.run(model_config={"initial_model_settings": initial})
    async with session:
        async for event in session:
            if event.type == "agent_end":
                await session.update_agent(SECOND)
    first, second = [update["session"] for update in sent(model, SessionUpdate)]
    for update in (first, second):
        assert update["resumption"] == {"enabled": True}
        assert {"foo": 1, "bar": 2}.items() <= update["audio"]["input"].items()
        assert update["audio"]["input"]["format"] == {"type": "audio/pcm", "rate": 24000}
        assert update["tools"][-1] == {"type": "search"}
        assert "extra" not in update
    assert [tool["type"] for tool in first["tools"]] == ["function", "search"]
    assert first["audio"]["output"]["voice"] == {"kind": "clone"}
    assert "voice" not in second["audio"]["output"], "a voice cannot change once it has spoken"


async def test_extra_keys_of_a_request(autojump_clock: MockClock) -> None:
    model = ScriptedModel([Say([CREATED]), Expect(ResponseCreate), HangUp(1000)])
    async with await RealtimeRunner(FIRST, model=model).run() as session:
        params = ResponseParams(extra={"seed": 7, "reasoning": {"budget": 3}})
        await session.respond(params=params, instructions="be brief", metadata={"mine": "1"})
        await listen_on(session)
    [request] = sent(model, ResponseCreate)
    assert request["response"]["seed"] == 7
    assert request["response"]["reasoning"] == {"budget": 3}
    assert request["response"]["instructions"] == "be brief"
    assert request["response"]["metadata"]["mine"] == "1"


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        (ResponseParams(extra={"instructions": "y"}), SettingsError, "params.extra.instructions disagrees with"),
        (ResponseParams(extra={"conversation": "none"}), SettingsError, "give it as params.conversation"),
        (ResponseParams(extra={"metadata": {"a": "b"}}), SettingsError, "give it as params.metadata"),
        (ResponseParams(extra={"input": []}), SettingsError, "give it as params.input"),
        (ResponseParams(extra=[1]), MessageError, "extra is a mapping"),  # type: ignore[arg-type]
        (ResponseParams(extra={"x": {1}}), MessageError, "JSON"),
        (
            ResponseParams(audio=ResponseAudio(ResponseAudioOutput(AudioFormat("audio/pcm", 8000)))),
            SettingsError,
            r"params\.audio\.output\.format\.rate: .*pcm_rates",
        ),
    ],
)
async def test_requests_that_are_refused(
    params: ResponseParams, error: type[Exception], words: str, autojump_clock: MockClock
) -> None:
    model = ScriptedModel([Say([CREATED])])
    async with await RealtimeRunner(FIRST, model=model).run() as session:
        with pytest.raises(error, match=words):
            await session.respond(params=params, instructions="x")
    assert sent(model, ResponseCreate) == []


# --- rates

rates = st.sampled_from([8000, 11025, 16000, 22050, 24000, 44100, 48000])


@given(server=st.frozensets(rates), side=st.sampled_from(["input", "output"]), rate=rates, early=st.booleans())
@settings(deadline=None)
def test_a_rate_that_the_server_does_not_take_is_refused(
    server: frozenset[int], side: str, rate: int, early: bool
) -> None:
    given_settings = {f"{side}_audio_format": {"type": "audio/pcm", "rate": rate}}

    async def main() -> None:
        model = ScriptedModel(
            [Say([CREATED]), HangUp(1000)], capabilities=ModelCapabilities(pcm_rates=server | {24000})
        )
        config = {"model_settings": given_settings} if early else {}
        runner = RealtimeRunner(FIRST, model=model, config=config)
        session = await runner.run(model_config={} if early else {"initial_model_settings": given_settings})
        if rate in server | {24000}:
            async with session:
                await listen_on(session)
            [update] = sent(model, SessionUpdate)
            assert update["session"]["audio"][side]["format"] == {"type": "audio/pcm", "rate": rate}
        else:
            with pytest.raises(SettingsError, match=rf"audio\.{side}\.format\.rate.*resample.*pcm_rates=\{{{rate}\}}"):
                await session.enter()
            assert model.sent == []

    trio.run(main, clock=MockClock(autojump_threshold=0))


@given(rate=st.sampled_from([8000, 16000, 48000]), frame_ms=st.sampled_from([10, 20, 100]))
@settings(deadline=None)
def test_milliseconds_are_counted_at_the_rate(rate: int, frame_ms: int) -> None:
    async def main() -> None:
        model = ScriptedModel([Say([CREATED])], capabilities=ModelCapabilities(pcm_rates=[rate]))
        audio_format = {"type": "audio/pcm", "rate": rate}
        config = {
            "model_settings": {"input_audio_format": audio_format, "output_audio_format": audio_format},
            "audio_frame_ms": frame_ms,
        }
        async with await RealtimeRunner(FIRST, model=model, config=config).run() as session:
            assert session.input_format == session.output_format == AudioFormat("audio/pcm", rate)
            await session.send_audio(bytes(2 * rate))
            await session.commit_audio()
        appended = [event.audio for event in model.sent if isinstance(event, InputAudioBufferAppend)]
        assert sum(map(len, appended)) == 2 * rate
        assert all(len(each) % session.input_format.bytes_of(frame_ms) == 0 for each in appended)

    trio.run(main, clock=MockClock(autojump_threshold=0))


async def test_the_local_model_takes_what_the_service_takes(autojump_clock: MockClock) -> None:
    config = {"model_settings": {"input_audio_format": {"type": "audio/pcm", "rate": 16000}}}
    session = await RealtimeRunner(FIRST, model=LocalModel(), config=config).run()
    with pytest.raises(SettingsError, match="24000"):
        await session.enter()


def test_rates_may_be_any_collection_of_them() -> None:
    assert ModelCapabilities(pcm_rates=[8000, 16000]) == ModelCapabilities(pcm_rates={16000, 8000})
    assert ModelCapabilities().pcm_rates == {24000}
