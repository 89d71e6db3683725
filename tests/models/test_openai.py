"""OpenAI's model over real sockets, the server played by hand as api.openai.com was seen to behave."""

from __future__ import annotations

import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from engine.errors import (
    AuthenticationError,
    ConnectRefused,
    ModelNotFound,
    SessionExpired,
    SettingsError,
    TransportClosed,
)
from engine.models.interface import ModelCapabilities
from engine.models.openai import OpenAIRealtimeSIPModel, OpenAIRealtimeWebSocketModel
from engine.settings import RealtimeModelConfig
from engine.wire.client_events import InputAudioBufferAppend, RawClientEvent, ResponseCreate
from engine.wire.server_events import ErrorEvent, MalformedEvent, SessionCreated, UnknownEvent
from tests.support.cancel import cancel_at_every_step
from tests.transport.links import listening
from tests.transport.peer import Peer, serving_context, trusting_context

KEY = "sk-very-secret-key-0123456789"

CREATED = '{"type":"session.created","event_id":"event_1","session":{"type":"realtime","model":"m","id":"sess_1"}}'
BAD_KEY = (
    '{"type":"error","event_id":"event_1","error":{"type":"invalid_request_error","code":"invalid_api_key",'
    f'"message":"Incorrect API key provided: {KEY} (sk-ver**...6789).","param":null,"event_id":null}}}}'
)
EXPIRED = (
    '{"type":"error","event_id":"event_9","error":{"type":"invalid_request_error","code":"session_expired",'
    '"message":"Your session hit the maximum duration of 60 minutes.","param":null,"event_id":null}}'
)

Script = Callable[[Peer, Request], Awaitable[None]]

every_transport = pytest.mark.parametrize("transport", ["sansio", "trio-websocket"])


@asynccontextmanager
async def server(script: Script) -> AsyncIterator[str]:
    """A server that accepts and then follows `script`; the URL to find it at."""

    async def serve(stream: trio.SocketStream) -> None:
        peer = Peer(stream, ServerProtocol(max_size=None))
        try:
            await script(peer, await peer.accept())
        except (EOFError, trio.BrokenResourceError):
            return

    async with listening(serve) as port:
        yield f"ws://127.0.0.1:{port}/v1/realtime"


def config(url: str, transport: str = "sansio", **more: object) -> RealtimeModelConfig:
    return RealtimeModelConfig(
        **{"url": url, "api_key": KEY, "transport": transport, "close_timeout": 1.0, **more}  # type: ignore[arg-type]
    )


async def greet_and_hear(peer: Peer, _: Request) -> None:
    await peer.say(CREATED)
    await peer.hear_goodbye()


def everything_shown(error: BaseException) -> str:
    return "".join(traceback.format_exception(error)) + repr(error) + repr(error.__context__) + repr(error.__cause__)


async def refused_by(script: Script, transport: str, **more: object) -> ConnectRefused:
    async with server(script) as url:
        with pytest.raises(ConnectRefused) as told:
            async with OpenAIRealtimeWebSocketModel().connect(config(url, transport, **more)):
                raise AssertionError("connected")
    assert KEY not in everything_shown(told.value)
    return told.value


@every_transport
async def test_a_conversation(transport: str) -> None:
    seen: list[str] = []

    async def script(peer: Peer, request: Request) -> None:
        seen.append(request.path)
        seen.append(request.headers["Authorization"])
        assert "OpenAI-Beta" not in request.headers
        assert "Sec-WebSocket-Protocol" not in request.headers
        await peer.say(CREATED)
        seen.extend([await peer.hear(), await peer.hear(), await peer.hear()])
        await peer.say('{"type":"one"}', '{"type":"two"}', "no json")
        await peer.write(Frame(Opcode.BINARY, b"\x00\xff").serialize(mask=False))
        seen.append(str((await peer.hear_goodbye())[0]))

    async with server(script) as url, OpenAIRealtimeWebSocketModel().connect(config(url, transport)) as connection:
        [created] = await connection.receive()
        assert isinstance(created, SessionCreated)
        await connection.send([InputAudioBufferAppend(b"\x01\x02"), ResponseCreate()])
        await connection.send([RawClientEvent({"type": "mine"})])
        events = []
        while len(events) < 4:
            events += await connection.receive()
        assert [type(event) for event in events] == [UnknownEvent, UnknownEvent, MalformedEvent, MalformedEvent]
    assert seen == [
        "/v1/realtime?model=gpt-realtime-2.1",
        f"Bearer {KEY}",
        '{"type":"input_audio_buffer.append","audio":"AQI="}',
        '{"type":"response.create"}',
        '{"type":"mine"}',
        "1000",
    ]


async def test_the_settings_name_the_model_and_headers_replace_the_key() -> None:
    seen: list[Request] = []

    async def script(peer: Peer, request: Request) -> None:
        seen.append(request)
        await greet_and_hear(peer, request)

    async with server(script) as url:
        asked = config(url, initial_model_settings={"model": "their model"}, headers={"api-key": "azure", "X": "1"})
        async with OpenAIRealtimeWebSocketModel().connect(asked):
            pass
    [request] = seen
    assert request.path == "/v1/realtime?model=their%20model"
    assert request.headers["api-key"] == "azure"
    assert "Authorization" not in request.headers


async def test_tls_with_a_context_of_ones_own() -> None:
    async def serve(stream: trio.SocketStream) -> None:
        peer = Peer(trio.SSLStream(stream, serving_context(), server_side=True), ServerProtocol())
        await greet_and_hear(peer, await peer.accept())

    async with listening(serve) as port:
        model = OpenAIRealtimeWebSocketModel(ssl_context=trusting_context())
        async with model.connect(config(f"wss://localhost:{port}/v1/realtime")) as connection:
            assert len(await connection.receive()) == 1


@every_transport
async def test_a_bad_key_is_an_authentication_error_and_stays_hidden(transport: str) -> None:
    async def script(peer: Peer, _: Request) -> None:
        peer.protocol.send_text(BAD_KEY.encode())
        await peer.say_goodbye(3000, "invalid_request_error.invalid_api_key")
        await peer.hear_goodbye()

    refusal = await refused_by(script, transport)
    assert type(refusal) is AuthenticationError
    assert "Incorrect API key provided: [key] ([key])" in str(refusal)


@every_transport
async def test_a_close_that_comes_a_moment_later_is_still_the_answer(transport: str) -> None:
    async def script(peer: Peer, _: Request) -> None:
        await peer.say('{"type":"error","error":{"type":"invalid_request_error","code":"invalid_model","message":"x"}}')
        await trio.sleep(0.05)
        await peer.say_goodbye(4000, "invalid_request_error.invalid_model")
        await peer.hear_goodbye()

    assert type(await refused_by(script, transport)) is ModelNotFound


@every_transport
async def test_a_server_that_says_nothing_is_refused_in_time(transport: str) -> None:
    async def script(peer: Peer, _: Request) -> None:
        await peer.hear_goodbye()

    with trio.fail_after(2):
        refusal = await refused_by(script, transport, connect_timeout=0.1)
    assert "no session within 0.1 s" in str(refusal)


@every_transport
@pytest.mark.parametrize(
    ("status", "body", "refusal"),
    [
        ("401 Unauthorized", f"bad key {KEY}", AuthenticationError),
        ("404 Not Found", "DeploymentNotFound", ModelNotFound),
        ("400 Bad Request", "model_not_found", ModelNotFound),
        ("500 Oops", f"Authorization: Bearer {KEY}", ConnectRefused),
    ],
)
async def test_an_http_answer(transport: str, status: str, body: str, refusal: type[ConnectRefused]) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    async with listening(serve) as port:
        with pytest.raises(ConnectRefused) as told:
            async with OpenAIRealtimeWebSocketModel().connect(config(f"ws://127.0.0.1:{port}/", transport)):
                raise AssertionError("connected")
    assert type(told.value) is refusal
    assert told.value.status == int(status[:3])
    assert KEY not in everything_shown(told.value)


async def test_a_key_that_takes_too_long() -> None:
    with pytest.raises(ConnectRefused, match="function that returns the API key"):
        async with OpenAIRealtimeWebSocketModel().connect(
            config("ws://127.0.0.1:1/", api_key=trio.sleep_forever, connect_timeout=0.02)
        ):
            raise AssertionError("connected")


@every_transport
async def test_a_session_that_grew_too_old_says_so(transport: str) -> None:
    async def script(peer: Peer, _: Request) -> None:
        await peer.say(CREATED, EXPIRED)
        await peer.say_goodbye(1001, "Your session hit the maximum duration of 60 minutes.")
        await peer.hear_goodbye()

    async with server(script) as url, OpenAIRealtimeWebSocketModel().connect(config(url, transport)) as connection:
        events = list(await connection.receive())
        if len(events) == 1:
            events += await connection.receive()
        assert isinstance(events[1], ErrorEvent)
        with pytest.raises(SessionExpired) as told:
            await connection.receive()
        assert told.value.code == 1001
        with pytest.raises(SessionExpired):
            await connection.send([ResponseCreate()])


async def test_another_close_keeps_its_meaning() -> None:
    async def script(peer: Peer, _: Request) -> None:
        await peer.say(CREATED)
        await peer.say_goodbye(1001, "going away")
        await peer.hear_goodbye()

    async with server(script) as url, OpenAIRealtimeWebSocketModel().connect(config(url)) as connection:
        await connection.receive()
        with pytest.raises(TransportClosed) as told:
            await connection.receive()
        assert type(told.value) is TransportClosed


@pytest.mark.parametrize("model", [OpenAIRealtimeWebSocketModel(), OpenAIRealtimeSIPModel()])
async def test_a_call_says_nothing_first_and_is_not_waited_for(model: OpenAIRealtimeWebSocketModel) -> None:
    seen: list[str] = []

    async def script(peer: Peer, request: Request) -> None:
        seen.extend([request.path, await peer.hear()])
        await peer.say('{"type":"answer"}')
        await peer.hear_goodbye()

    async with server(script) as url, model.connect(config(url, call_id="rtc_1")) as connection:
        await connection.send([ResponseCreate()])
        assert isinstance((await connection.receive())[0], UnknownEvent)
    assert seen == ["/v1/realtime?call_id=rtc_1", '{"type":"response.create"}']


def test_a_phone_model_needs_a_call_and_plays_its_audio_itself() -> None:
    model = OpenAIRealtimeSIPModel()
    assert model.capabilities == ModelCapabilities(plays_audio_itself=True, announces_session=False)
    with pytest.raises(SettingsError, match="call_id"):
        model.connect(config("ws://127.0.0.1:1/"))


async def test_a_server_that_never_announces_is_not_waited_for() -> None:
    async def script(peer: Peer, _: Request) -> None:
        await peer.hear_goodbye()

    model = OpenAIRealtimeWebSocketModel(capabilities=ModelCapabilities(announces_session=False))
    async with server(script) as url, model.connect(config(url)):
        pass


async def test_an_error_of_the_body_leaves_as_it_is() -> None:
    async with server(greet_and_hear) as url:
        with pytest.raises(ValueError, match="mine"):
            async with OpenAIRealtimeWebSocketModel().connect(config(url)):
                raise ValueError("mine")


@every_transport
def test_wherever_it_is_cut_nothing_is_left(transport: str) -> None:
    async def program() -> None:
        async with (
            server(greet_and_hear) as url,
            OpenAIRealtimeWebSocketModel().connect(config(url, transport)) as connection,
        ):
            await connection.receive()
            await connection.send([ResponseCreate()])
            await connection.aclose()

    assert cancel_at_every_step(program) > 20
