"""Connections that are not made: each failure has its type, names its cause, and says what to do. No key appears."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
import trio
from websockets.frames import Frame, Opcode
from websockets.server import ServerProtocol

from engine.errors import AuthenticationError, ConnectRefused, SettingsError, TransportClosed
from tests.transport.links import CLIENTS, Connect, listening
from tests.transport.peer import Peer, serving_context, trusting_context

every_client = pytest.mark.parametrize("connect", CLIENTS.values(), ids=CLIENTS.keys())

SECRET = "sk-secret"


def answering(raw: bytes) -> Callable[[trio.SocketStream], Awaitable[None]]:
    """A server that reads the handshake and says `raw`."""

    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(raw)
        await stream.send_eof()
        async for _ in stream:
            pass

    return serve


def refusing(status: str, body: str = "") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nContent-Type: text/plain\r\n\r\n{body}".encode()


async def refusal_of(connect: Connect, url: str, **options: object) -> ConnectRefused:
    options.setdefault("headers", {"Authorization": f"Bearer {SECRET}"})
    with pytest.raises(ConnectRefused) as told:
        async with connect(f"{url}/v1/realtime?key={SECRET}", **options):
            raise AssertionError("connected")
    assert SECRET not in str(told.value)
    return told.value


@every_client
@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        ("401 Unauthorized", AuthenticationError, ["401 Unauthorized", "check the key", "no such thing"]),
        ("403 Forbidden", AuthenticationError, ["403 Forbidden", "its rights"]),
        ("404 Not Found", ConnectRefused, ["404 Not Found", "path", "model"]),
        ("429 Too Many Requests", ConnectRefused, ["429", "try later"]),
        ("500 Oops", ConnectRefused, ["500 Internal Server Error", "try later"]),
        ("302 Found", ConnectRefused, ["302 Found", "check the URL"]),
        ("200 OK", ConnectRefused, ["200 OK", "instead of opening a WebSocket"]),
        ("599 Unheard Of", ConnectRefused, ["599"]),
    ],
)
async def test_an_http_answer(connect: Connect, status: str, error: type[ConnectRefused], words: list[str]) -> None:
    async with listening(answering(refusing(status, "no such   thing"))) as port:
        refusal = await refusal_of(connect, f"ws://127.0.0.1:{port}")
    assert type(refusal) is error
    assert refusal.status == int(status.split()[0])
    for word in [*words, f"127.0.0.1:{port}"]:
        assert word in str(refusal)


@every_client
async def test_a_long_body_is_shown_in_part(connect: Connect) -> None:
    async with listening(answering(refusing("500 Oops", "<html>" * 10_000))) as port:
        assert len(str(await refusal_of(connect, f"ws://127.0.0.1:{port}"))) < 600


@every_client
@pytest.mark.parametrize("raw", [b"220 mail.example.org ESMTP\r\n", b"\x00\x01\x02", b"", b"HTTP/1.1 101 Yes\r\n\r\n"])
async def test_an_answer_that_is_no_websocket(connect: Connect, raw: bytes) -> None:
    async with listening(answering(raw)) as port:
        refusal = await refusal_of(connect, f"ws://127.0.0.1:{port}", connect_timeout=0.2)
    assert refusal.status is None
    assert "check the URL" in str(refusal)


@every_client
async def test_no_answer(connect: Connect) -> None:
    async def silent(stream: trio.SocketStream) -> None:
        async for _ in stream:
            pass

    async with listening(silent) as port:
        with trio.fail_after(2):
            refusal = await refusal_of(connect, f"ws://127.0.0.1:{port}", connect_timeout=0.05)
    assert "within 0.05 s" in str(refusal)


@every_client
async def test_nobody_there(connect: Connect) -> None:
    async with listening(answering(b"")) as port:
        pass
    refusal = await refusal_of(connect, f"ws://127.0.0.1:{port}")
    assert "cannot be reached (Connection refused)" in str(refusal)


@every_client
async def test_no_such_host(connect: Connect) -> None:
    # A label that is too long for the DNS is known to be wrong without asking anybody.
    refusal = await refusal_of(connect, f"ws://{'x' * 70}.invalid")
    assert "cannot be found" in str(refusal)


@asynccontextmanager
async def serving_tls() -> AsyncIterator[int]:
    async def serve(stream: trio.SocketStream) -> None:
        secured = trio.SSLStream(stream, serving_context(), server_side=True)
        try:
            await Peer(secured, ServerProtocol()).accept()
        except trio.BrokenResourceError:
            return

    async with listening(serve) as port:
        yield port


@every_client
async def test_a_certificate_that_nobody_vouches_for(connect: Connect) -> None:
    async with serving_tls() as port:
        refusal = await refusal_of(connect, f"wss://127.0.0.1:{port}")
    assert "not trusted" in str(refusal)
    assert "ssl_context" in str(refusal)


@every_client
async def test_a_certificate_for_somebody_else(connect: Connect) -> None:
    async with serving_tls() as port:
        refusal = await refusal_of(connect, f"wss://127.1:{port}", ssl_context=trusting_context())
    assert "not trusted" in str(refusal)


@every_client
async def test_tls_where_there_is_none(connect: Connect) -> None:
    async with listening(answering(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as port:
        refusal = await refusal_of(connect, f"wss://127.0.0.1:{port}", ssl_context=trusting_context())
    assert "TLS" in str(refusal)


@every_client
@pytest.mark.parametrize("url", ["http://host/", "ws:///path", "ws://host:70000/", "host", "ws://me:sk-secret@host/"])
async def test_a_url_that_cannot_be_dialled(connect: Connect, url: str) -> None:
    with pytest.raises(SettingsError, match="url") as told:
        async with connect(url):
            raise AssertionError("connected")
    assert SECRET not in str(told.value)


@every_client
@pytest.mark.parametrize(("name", "value"), [("Key", f"{SECRET}\n"), ("Key", f"{SECRET}é"), ("a b", "x"), ("", "x")])
async def test_a_header_that_cannot_be_sent(connect: Connect, name: str, value: str) -> None:
    with pytest.raises(SettingsError, match="headers") as told:
        async with connect("ws://127.0.0.1:1/", {name: value}):
            raise AssertionError("connected")
    assert SECRET not in str(told.value)


@every_client
async def test_headers_and_path_arrive_as_given(connect: Connect) -> None:
    seen = {}

    async def serve(stream: trio.SocketStream) -> None:
        peer = Peer(stream, ServerProtocol())
        request = await peer.accept()
        seen.update(request.headers.raw_items())
        seen["path"] = request.path
        await peer.hear_goodbye()

    async with (
        listening(serve) as port,
        connect(f"ws://127.0.0.1:{port}/v1/realtime?model=a%20b&x=1", {"Authorization": "Bearer k", "X-Thing": "1"}),
    ):
        pass
    assert seen["path"] == "/v1/realtime?model=a%20b&x=1"
    assert seen["Authorization"] == "Bearer k"
    assert seen["X-Thing"] == "1"
    assert "Sec-WebSocket-Extensions" not in seen
    assert "Sec-WebSocket-Protocol" not in seen


@every_client
async def test_what_comes_with_the_handshake_is_the_first_batch(connect: Connect) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        peer = Peer(stream, ServerProtocol())
        request = await peer.request()
        peer.protocol.send_response(peer.protocol.accept(request))
        peer.protocol.send_text(b"first")
        peer.protocol.send_close(4000, "and last")
        await peer.flush()
        await peer.hear_goodbye()

    async with listening(serve) as port, connect(f"ws://127.0.0.1:{port}/") as transport:
        assert await transport.receive() == ["first"]
        with pytest.raises(TransportClosed) as told:
            await transport.receive()
        assert told.value.code == 4000


@every_client
async def test_an_error_of_the_body_leaves_as_it_is(connect: Connect) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        peer = Peer(stream, ServerProtocol())
        await peer.accept()
        await peer.hear_goodbye()

    cause = RuntimeError("the cause")
    async with listening(serve) as port:
        with pytest.raises(ValueError, match="mine") as told:
            async with connect(f"ws://127.0.0.1:{port}/"):
                raise ValueError("mine") from cause
    assert told.value.__cause__ is cause


@every_client
@pytest.mark.parametrize("level", ["DEBUG"])
async def test_no_log_holds_a_key_or_a_message(connect: Connect, level: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(level)

    async def serve(stream: trio.SocketStream) -> None:
        peer = Peer(stream, ServerProtocol())
        await peer.accept()
        caplog.clear()
        await peer.write(Frame(Opcode.TEXT, SECRET.encode()).serialize(mask=False))
        await peer.hear_goodbye()

    caplog.clear()
    async with (
        listening(serve) as port,
        connect(f"ws://127.0.0.1:{port}/", {"Authorization": f"Bearer {SECRET}"}) as transport,
    ):
        assert await transport.receive() == [SECRET]
        theirs = [record for record in caplog.records if not record.name.startswith("websockets.server")]
        assert not any(SECRET in record.getMessage() for record in theirs)


@every_client
@pytest.mark.parametrize("body", ["", "no such thing"])
async def test_a_refusal_whose_length_nobody_tells_is_one_all_the_same(connect: Connect, body: str) -> None:
    """The server keeps the connection open, as one behind a proxy does."""

    async def serve(stream: trio.SocketStream) -> None:
        await stream.receive_some()
        await stream.send_all(f"HTTP/1.1 401 Unauthorized\r\n\r\n{body}".encode())
        await trio.sleep_forever()

    with trio.fail_after(5):
        async with listening(serve) as port:
            told = await refusal_of(connect, f"ws://127.0.0.1:{port}", connect_timeout=4.0)
    assert type(told) is AuthenticationError
    assert told.status == 401
    assert body in str(told)


@every_client
@pytest.mark.parametrize(
    ("raw", "code"),
    [(b"\x83\x00", 1002), (b"\xc1\x00", 1002), (b"\x81\x02\xff\xff", 1007), (b"\x81\x7e\x00\xff" + b"x" * 255, 1009)],
)
async def test_a_close_for_what_the_server_broke_is_this_sides(connect: Connect, raw: bytes, code: int) -> None:
    async def serve(stream: trio.SocketStream) -> None:
        peer = Peer(stream, ServerProtocol())
        await peer.accept()
        await peer.write(raw)
        async for _ in stream:
            pass

    options: dict[str, object] = {"max_message_size": 200, "close_timeout": 0.1}
    with trio.fail_after(5):
        async with listening(serve) as port, connect(f"ws://127.0.0.1:{port}/", **options) as transport:
            with pytest.raises(TransportClosed) as ended:
                await transport.receive()
    assert ended.value.code == code
    assert "closed the connection" not in str(ended.value)
    assert "broke the WebSocket protocol" in str(ended.value)
