"""The server on a real port: who is let in, and what other people's clients make of it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
import trio
from trio_websocket import open_websocket_url

from engine.errors import ConnectRefused, TransportClosed
from engine.local.server import Served, serve
from engine.local.settings.options import LocalOptions
from engine.transport.sansio import connect_sansio
from tests.local.caller import Caller
from tests.local.driver import Json, tool, update, user_text

PATIENCE = 20


@asynccontextmanager
async def serving(options: LocalOptions | None = None) -> AsyncIterator[Served]:
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            yield await nursery.start(partial(serve, options=options))
            nursery.cancel_scope.cancel()


async def _only_event(url: str, headers: dict[str, str] | None = None) -> tuple[Json, int | None, str]:
    """The one event that a refused client sees, and the close that follows."""
    async with connect_sansio(url, headers or {}) as transport:
        caller = Caller(transport)
        event = await caller.next()
        with pytest.raises(TransportClosed) as ended:
            await caller.next()
        return event["error"], ended.value.code, ended.value.reason


async def _first_event(url: str, headers: dict[str, str] | None = None) -> Json:
    async with connect_sansio(url, headers or {}) as transport:
        return await Caller(transport).next()


async def test_a_turn_over_a_socket():
    async with serving() as served, connect_sansio(served.url + "?model=gpt-realtime-2.1", {}) as transport:
        caller = Caller(transport)
        created = await caller.next()
        assert created["session"]["model"] == "gpt-realtime-2.1"
        assert created["session"]["audio"]["output"]["voice"] == "marin"
        await caller.send(user_text("hello"), {"type": "response.create"})
        done = (await caller.until("response.done"))[-1]
        assert done["response"]["status"] == "completed"


async def test_by_default_any_key_and_any_model_will_do():
    async with serving() as served:
        assert served.notice
        for url in (served.url, f"{served.url}?model=whatever", served.url.replace("/v1", "/openai/v1")):
            assert (await _first_event(url))["type"] == "session.created"
        beta = {"OpenAI-Beta": "realtime=v1"}
        assert (await _first_event(served.url, beta))["type"] == "session.created"


async def test_a_transcription_session_by_its_intent():
    async with serving() as served:
        created = await _first_event(f"{served.url}?intent=transcription")
        assert created["session"]["type"] == "transcription"


async def test_other_paths_are_not_found():
    async with serving() as served:
        with pytest.raises(ConnectRefused) as refused:
            await _first_event(served.url.replace("realtime", "chat"))
        assert refused.value.status == 404


async def test_keys_are_checked_if_configured():
    async with serving(LocalOptions(api_keys=frozenset({"sk-right"}))) as served:
        error, code, reason = await _only_event(served.url)
        assert (error["code"], code, reason) == (None, 3000, "invalid_request_error")
        wrong = {"Authorization": "Bearer sk-wrong-000000"}
        error, code, reason = await _only_event(served.url, wrong)
        assert (error["code"], code, reason) == ("invalid_api_key", 3000, "invalid_request_error.invalid_api_key")
        assert "sk-wrong-000000" not in error["message"]
        for right in ({"Authorization": "Bearer sk-right"}, {"api-key": "sk-right"}):
            assert (await _first_event(served.url, right))["type"] == "session.created"
        offered = ["realtime", "openai-insecure-api-key.sk-right"]
        async with open_websocket_url(served.url, subprotocols=offered) as socket:
            assert socket.subprotocol == "realtime"
            assert json.loads(await socket.get_message())["type"] == "session.created"


async def test_models_and_the_beta_are_checked_if_configured():
    options = LocalOptions(models=frozenset({"gpt-realtime"}), refuse_beta=True)
    async with serving(options) as served:
        for query, code in (("", "missing_model"), ("?model=gpt-5", "invalid_model")):
            error, closed, reason = await _only_event(served.url + query)
            assert (error["code"], closed, reason) == (code, 4000, f"invalid_request_error.{code}")
        beta = {"OpenAI-Beta": "realtime=v1"}
        error, closed, _ = await _only_event(f"{served.url}?model=gpt-realtime", beta)
        assert (error["code"], closed) == ("beta_api_shape_disabled", 4000)
        assert (await _first_event(f"{served.url}?model=gpt-realtime"))["type"] == "session.created"


async def test_there_are_no_calls_to_attach_to():
    async with serving() as served:
        _, closed, _ = await _only_event(f"{served.url}?call_id=rtc_1")
        assert closed == 4000


async def test_a_binary_frame_is_refused_and_the_session_goes_on():
    async with serving() as served, open_websocket_url(served.url) as socket:
        await socket.get_message()
        await socket.send_message(b"\x00\x01")
        assert json.loads(await socket.get_message())["error"]["code"] == "invalid_event"
        await socket.send_message(json.dumps({"type": "input_audio_buffer.clear"}))
        assert json.loads(await socket.get_message())["type"] == "input_audio_buffer.cleared"


async def test_a_client_may_say_fifteen_mebibytes_at_once():
    async with serving() as served, open_websocket_url(served.url) as socket:
        await socket.get_message()
        await socket.send_message(json.dumps(update(audio={"input": {"turn_detection": None}})))
        await socket.get_message()
        zeros = "AAAA" * (5 * 2**20)
        await socket.send_message(json.dumps({"type": "input_audio_buffer.append", "audio": zeros}))
        await socket.send_message(json.dumps({"type": "input_audio_buffer.clear"}))
        assert json.loads(await socket.get_message())["type"] == "input_audio_buffer.cleared"


async def test_the_server_pings():
    """A raw client sees the ping, and is hung up on when it never answers."""
    async with serving(LocalOptions(ping_seconds=0.02)) as served:
        stream = await trio.open_tcp_stream("127.0.0.1", served.port)
        async with stream:
            await stream.send_all(
                b"GET /v1/realtime HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
            )
            received = b""
            while b"keepalive ping timeout" not in received:
                received += await stream.receive_some()
            assert b"\x89\x04" in received, "a ping of four bytes"


async def test_many_conversations_at_once():
    async def one(url: str) -> None:
        async with connect_sansio(url, {}) as transport:
            caller = Caller(transport)
            await caller.send(user_text("hello"), {"type": "response.create"})
            await caller.until("response.done")
            answers.append(caller.events[-1]["response"]["output"][0]["content"][0]["transcript"])

    answers: list[str] = []
    async with serving() as served, trio.open_nursery() as nursery:
        for _ in range(10):
            nursery.start_soon(one, served.url)
    assert len(answers) == 10


# ---------------------------------------------------------------------------------------- the openai package
def _openai_turn(port: int) -> list[str]:
    """A typed turn with a tool call, held by the openai package's own client."""
    import asyncio

    from openai import AsyncOpenAI

    async def main() -> list[str]:
        said: list[str] = []
        client = AsyncOpenAI(api_key="any", base_url=f"http://127.0.0.1:{port}/v1")
        async with client, client.realtime.connect(model="gpt-realtime") as connection:
            declared: Any = [tool("get_weather", city="string")]
            await connection.session.update(session={"type": "realtime", "tools": declared})
            question: Any = user_text("What is the weather in Tokyo?")["item"]
            await connection.conversation.item.create(item=question)
            await connection.response.create()
            async for event in connection:
                if event.type == "response.function_call_arguments.done":
                    said.append(event.arguments)
                    await connection.conversation.item.create(
                        item={"type": "function_call_output", "call_id": event.call_id, "output": "Sunny."}
                    )
                elif event.type == "response.output_audio_transcript.done":
                    said.append(event.transcript)
                elif event.type == "response.done":
                    if len(said) == 2:
                        return said
                    await connection.response.create()
        return said

    return asyncio.run(main())


async def test_the_openai_package_holds_a_turn_with_a_tool_call():
    async with serving() as served:
        said = await trio.to_thread.run_sync(_openai_turn, served.port)
    assert said == ['{"city": "Tokyo"}', "Sunny."]
