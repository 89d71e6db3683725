"""Parts of the local model that fail: the response, or the conversation, and never another one."""

from __future__ import annotations

from functools import partial

import attrs
import pytest
import trio

from engine.cli.serve import _keys
from engine.cli.serve_options import SERVE_KEY, ServeOptions
from engine.errors import SpeechFailed, TransportClosed
from engine.local.server import serve
from engine.local.speech.parts import SpeechParts, without_speech
from engine.transport.sansio import connect_sansio
from tests.hostile.beside import PATIENCE, QUICK
from tests.local.caller import Caller, call
from tests.local.driver import silence, speech, tool, update, user_text


class Broken:
    """Hears and speaks nothing."""

    async def hear(self, pcm: bytes) -> str | None:
        raise SpeechFailed("it broke down")

    async def speak(self, text: str, voice: str, speed: float) -> bytes:
        raise SpeechFailed("it broke down")


class Voice:
    """Remembers how much it is given at once."""

    def __init__(self) -> None:
        self.texts: list[str] = []

    async def speak(self, text: str, voice: str, speed: float) -> bytes:
        self.texts.append(text)
        await trio.lowlevel.checkpoint()
        return bytes(4800)


def broken() -> SpeechParts:
    return attrs.evolve(without_speech(), recognizer=Broken(), synthesizer=Broken())


async def test_a_voice_that_fails_fails_its_response(autojump_clock):
    async with call(speech=broken()) as caller:
        for _ in range(2):
            await caller.send(user_text("hello"), {"type": "response.create"})
            done = (await caller.until("response.done"))[-1]["response"]
            assert (done["status"], done["status_details"]["error"]["code"]) == ("failed", "speech_failed")


async def test_what_cannot_be_heard_is_not_understood(autojump_clock):
    async with call(speech=attrs.evolve(broken(), synthesizer=without_speech().synthesizer)) as caller:
        await caller.play(silence(500) + speech(800) + silence(400))
        done = (await caller.until("response.done"))[-1]["response"]
        assert done["output"][0]["content"][0]["transcript"] == "Sorry, I did not catch that."


async def test_the_voice_is_given_no_more_than_it_says(autojump_clock):
    voice = Voice()
    async with call(speech=attrs.evolve(without_speech(), synthesizer=voice)) as caller:
        await caller.send(update(instructions=f'say exactly "{"7" * 5000}"'), {"type": "response.create"})
        done = (await caller.until("response.done"))[-1]["response"]
        assert done["status"] == "completed"
    assert max(map(len, voice.texts)) <= 300
    assert "".join(voice.texts) == "7" * 5000


async def test_a_schema_that_is_none_is_refused_where_it_is_declared(autojump_clock):
    wrong = {**tool("get_weather"), "parameters": {"type": "object", "properties": {}, "required": [["city"]]}}
    async with call() as caller:
        await caller.send(update(tools=[wrong]))
        error = (await caller.until("error"))[-1]["error"]
        assert (error["code"], error["param"]) == ("invalid_function_parameters", "session.tools[0].parameters")


async def _foreign_cancellation() -> None:
    with trio.CancelScope() as scope:
        scope.cancel()
        try:
            await trio.sleep_forever()
        except trio.Cancelled as cancelled:
            caught = cancelled
            raise
    raise caught


@pytest.mark.parametrize("kind", ["error", "memory", "recursion", "group", "cancelled"])
async def test_a_responder_that_fails_ends_its_conversation(kind, caplog):
    async def respond(context):
        if context.instructions != "fail":
            return ()
        match kind:  # each of them raises
            case "error":
                raise ZeroDivisionError
            case "memory":
                raise MemoryError
            case "recursion":
                raise RecursionError
            case "group":
                raise ExceptionGroup("several", [ValueError("x")])
            case _:
                await _foreign_cancellation()
        return ()

    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            served = await nursery.start(partial(serve, options=QUICK, responder=respond))
            async with connect_sansio(served.url, {}) as good, connect_sansio(served.url, {}) as bad:
                hostile, caller = Caller(bad), Caller(good)
                await hostile.send(update(instructions="fail"), {"type": "response.create"})
                with pytest.raises(TransportClosed) as ended:
                    await hostile.drain()
                assert (ended.value.code, ended.value.reason) == (1011, "internal error")
                await caller.send({"type": "response.create"})
                await caller.until("response.done")
            nursery.cancel_scope.cancel()
    assert [record.name for record in caplog.records] == ["engine.serving"]


def test_a_key_of_the_server_comes_from_the_environment_too(monkeypatch):
    monkeypatch.delenv(SERVE_KEY, raising=False)
    assert _keys(ServeOptions()) is None
    monkeypatch.setenv(SERVE_KEY, "secret")
    assert _keys(ServeOptions()) == {"secret"}
    assert _keys(ServeOptions(api_keys=frozenset({"other"}))) == {"secret", "other"}
