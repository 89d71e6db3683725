"""A responder behind a chat-completions endpoint: a real HTTP server on loopback, with canned answers."""

from __future__ import annotations

import json
from functools import partial
from typing import Any

import pytest
import trio

from engine.errors import SettingsError
from engine.local.chat_responder import chat_responder, reply_of, request_of
from engine.local.conversation.replies import Answered, Called, CallTool, HistoryLine, NoReply, PromptContext, SayText
from engine.wire.session import FunctionToolDefinition, ToolChoiceFunction

httpx = pytest.importorskip("httpx", reason="httpx is not installed")

WEATHER = FunctionToolDefinition("get_weather", "The weather.", {"type": "object", "properties": {}})
CONTEXT = PromptContext(
    "Be brief.",
    (WEATHER,),
    "auto",
    (
        HistoryLine("user", "hello"),
        HistoryLine("assistant", None, spoken=True),
        Called("call_1", "get_weather", "{}"),
        Answered("call_1", "sunny"),
    ),
)


def answer(**message: Any) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", **message}}]}).encode()


async def serve_once(
    status: str, body: bytes, seen: list[dict[str, Any]], *, task_status: trio.TaskStatus[int]
) -> None:
    """An HTTP server that remembers one request and gives one answer."""

    async def handle(stream: trio.SocketStream) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            request += await stream.receive_some()
        head, _, received = request.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(received) < length:
            received += await stream.receive_some()
        seen.append({"head": head.decode(), "body": json.loads(received)})
        await stream.send_all(b"HTTP/1.1 %s\r\nContent-Length: %d\r\n\r\n" % (status.encode(), len(body)) + body)
        await stream.aclose()

    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    task_status.started(listeners[0].socket.getsockname()[1])
    await trio.serve_listeners(handle, listeners)


async def test_a_question_and_its_answer():
    seen: list[dict[str, Any]] = []
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve_once, "200 OK", answer(content="It is sunny."), seen))
        responder = chat_responder(f"http://127.0.0.1:{port}/v1", "tiny", api_key="secret")
        assert await responder(CONTEXT) == (SayText("It is sunny."),)
        nursery.cancel_scope.cancel()
    assert seen[0]["head"].startswith("POST /v1/chat/completions")
    assert "Bearer secret" in seen[0]["head"]
    roles = [message["role"] for message in seen[0]["body"]["messages"]]
    assert roles == ["system", "user", "assistant", "assistant", "tool"]


async def test_an_endpoint_that_refuses_or_is_not_there():
    async with trio.open_nursery() as nursery:
        port = await nursery.start(partial(serve_once, "429 Too Many", b"slow down", []))
        with pytest.raises(NoReply, match="429: slow down"):
            await chat_responder(f"http://127.0.0.1:{port}/v1", "tiny")(CONTEXT)
        nursery.cancel_scope.cancel()
    with pytest.raises(NoReply, match="could not be reached"):
        await chat_responder(f"http://127.0.0.1:{port}/v1", "tiny", timeout_seconds=2)(CONTEXT)


def test_calls_come_after_the_words():
    call = {"id": "x", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}
    reply = reply_of(answer(content="Let me see.", tool_calls=[call]))
    assert reply == (SayText("Let me see."), CallTool("get_weather", '{"city": "Oslo"}'))
    assert reply_of(answer(content=None)) == ()


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"choices": []}', b'{"choices": [{"message": 1}]}'])
def test_what_is_not_an_answer(body: bytes):
    with pytest.raises(NoReply):
        reply_of(body)


def test_a_forced_tool_is_forced_there_too():
    context = PromptContext("", (WEATHER,), ToolChoiceFunction("get_weather"), (), audio=False, parallel_calls=False)
    payload = request_of(context, "tiny")
    assert payload["tool_choice"] == {"type": "function", "function": {"name": "get_weather"}}
    assert payload["parallel_tool_calls"] is False
    assert payload["messages"] == [{"role": "system", "content": ""}]


def test_a_url_that_is_none():
    with pytest.raises(SettingsError, match="http"):
        chat_responder("localhost:1234", "tiny")
