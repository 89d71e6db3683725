"""Spoken turns: real synthesis calls, real recognition answers. Real time, as fast as the machine is."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import attrs
import pytest
import trio

from engine.local.dialogue.description import customer_service
from engine.local.server import serve
from engine.local.settings.latencies import Latencies
from engine.local.settings.options import LocalOptions
from engine.local.speech.child import available, open_speech
from engine.local.speech.grammar import Grammar
from engine.local.speech.parts import SpeechParts
from engine.local.speech.placeholder_synthesizer import tones
from engine.models.local import LocalModel
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import ConversationItemCreate, ResponseCreate
from engine.wire.items import InputText, Message
from engine.wire.server_events import ResponseDone, ResponseOutputAudioDelta
from engine.wire.struct import UNSET
from tests.local.caller import FIXED, Caller, call
from tests.local.driver import append, order, output, silence, tool, update

pytestmark = pytest.mark.skipif(not available(), reason="the speech extra is not installed")

PATIENCE = 60
AT_ONCE = attrs.evolve(FIXED, latencies=Latencies.none())
CALLER_VOICE = "echo"


@asynccontextmanager
async def speech() -> AsyncIterator[SpeechParts]:
    dialogue = customer_service()
    with trio.fail_after(PATIENCE):
        async with open_speech(Grammar(dialogue.templates, dialogue.slots)) as parts:
            yield parts


async def utter(caller: Caller, parts: SpeechParts, text: str) -> None:
    """Say something to the model, with pauses around it, faster than real time."""
    await caller.send(append(silence(400) + await parts.synthesizer.speak(text, CALLER_VOICE, 1.0) + silence(900)))


def transcript(events: list[dict[str, Any]]) -> str:
    return next(event["transcript"] for event in events if event["type"].endswith("transcription.completed"))


async def test_a_spoken_call_with_a_tool_an_interruption_and_nonsense():
    async with speech() as parts, call(AT_ONCE, speech=parts) as caller:
        audio = {"input": {"transcription": {"model": "gpt-4o-transcribe"}}}
        await caller.send(update(tools=[tool("get_weather", city="string")], audio=audio))

        await utter(caller, parts, "What is the weather in London?")
        served = await caller.until("response.done")
        assert transcript(served) == "what is the weather in london"
        made = served[-1]["response"]["output"][0]
        assert json.loads(made["arguments"]) == {"city": "London"}
        result = output(made["call_id"], '{"conditions": "foggy", "temperature": 12}')
        await caller.send(result, {"type": "response.create"})
        served = await caller.until("response.done")
        assert served[-1]["response"]["output"][0]["content"][0]["transcript"] == (
            "In London it is foggy, with 12 degrees."
        )
        sound = b"".join(
            base64.b64decode(event["delta"]) for event in served if event["type"] == "response.output_audio.delta"
        )
        assert 2.0 < len(sound) / 48_000 < 6.0

        await utter(caller, parts, "The quick brown fox jumps over the lazy dog.")
        served = await caller.until("response.done")
        said = served[-1]["response"]["output"][0]["content"][0]["transcript"]
        assert said.startswith("Sorry, I did not catch that.")


async def test_talking_over_a_story():
    slowly = attrs.evolve(FIXED, latencies=Latencies(speed=1.5))
    async with speech() as parts, call(slowly, speech=parts) as caller:
        await utter(caller, parts, "What is your return policy?")
        await caller.until("response.output_audio.delta")
        await utter(caller, parts, "Thank you.")
        served = await caller.until("response.done")
        assert "input_audio_buffer.speech_started" in order(served)
        response = served[-1]["response"]
        assert response["status_details"] == {"type": "cancelled", "reason": "turn_detected"}
        served = await caller.until("response.done")
        assert "welcome" in served[-1]["response"]["output"][0]["content"][0]["transcript"]


async def test_the_local_model_opens_the_extra_itself():
    model = LocalModel(AT_ONCE, spoken=True)
    assert model.notice is None
    with trio.fail_after(PATIENCE):
        async with model.connect(RealtimeModelConfig()) as connection:
            message = Message(UNSET, "user", (InputText("hello"),))
            await connection.send([ConversationItemCreate(message), ResponseCreate()])
            deltas: list[bytes] = []
            done = False
            while not done:
                for event in await connection.receive():
                    done = done or isinstance(event, ResponseDone)
                    if isinstance(event, ResponseOutputAudioDelta):
                        deltas.append(event.delta)
            assert b"".join(deltas) != tones("Hello, this is customer service. How can I help you today?")


# ---------------------------------------------------------------------------------------- the openai package
def _spoken_turn(port: int, pcm: bytes) -> list[str]:
    """A spoken turn with a tool call, held by the openai package's own client."""
    import asyncio

    from openai import AsyncOpenAI

    async def main() -> list[str]:
        said: list[str] = []
        client = AsyncOpenAI(api_key="any", base_url=f"http://127.0.0.1:{port}/v1")
        async with client, client.realtime.connect(model="gpt-realtime") as connection:
            declared: Any = [tool("get_order_status", order_number="string")]
            listening: Any = {"input": {"transcription": {"model": "gpt-realtime-whisper"}}}
            await connection.session.update(session={"type": "realtime", "tools": declared, "audio": listening})
            for at in range(0, len(pcm), 4800):
                chunk = base64.b64encode(pcm[at : at + 4800]).decode()
                await connection.input_audio_buffer.append(audio=chunk)
            async for event in connection:
                if event.type == "conversation.item.input_audio_transcription.completed":
                    said.append(event.transcript)
                elif event.type == "response.function_call_arguments.done":
                    await connection.conversation.item.create(
                        item={"type": "function_call_output", "call_id": event.call_id, "output": "It is on its way."}
                    )
                elif event.type == "response.output_audio_transcript.done":
                    said.append(event.transcript)
                elif event.type == "response.done":
                    if len(said) == 2:
                        return said
                    await connection.response.create()
        return said

    return asyncio.run(main())


async def test_the_openai_package_holds_a_spoken_turn_with_a_tool_call():
    async with speech() as parts:
        question = await parts.synthesizer.speak("Where is order four eight two one?", CALLER_VOICE, 1.0)
        async with trio.open_nursery() as nursery:
            options = LocalOptions(latencies=Latencies.none())
            served = await nursery.start(partial(serve, options=options, speech=parts))
            assert served.notice is None
            pcm = silence(400) + question + silence(900)
            said = await trio.to_thread.run_sync(_spoken_turn, served.port, pcm)
            nursery.cancel_scope.cancel()
    assert said == ["where is order four eight two one", "It is on its way."]
