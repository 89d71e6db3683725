"""The reception: limits, late and crowded handshakes, faults before and after the upgrade."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

import attrs
import pytest
import trio

from engine.serving.guests import Guests
from engine.serving.limits import ServingLimits
from engine.serving.reception import Converse, Guest, Reception

PATIENCE = 20
HEADERS = (
    b"Host: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)
REQUEST = b"GET / HTTP/1.1\r\n" + HEADERS + b"\r\n"


async def echo(guest: Guest) -> None:
    """Say each message back."""
    connection = await guest.request.accept()
    while True:
        await connection.send_message(await connection.get_message())


@attrs.define
class Place:
    reception: Reception
    port: int

    async def dial(self, data: bytes = b"") -> trio.SocketStream:
        stream = await trio.open_tcp_stream("127.0.0.1", self.port)
        await stream.send_all(data)
        return stream

    async def answer(self, data: bytes) -> bytes:
        """All that the server says to this, up to the end."""
        stream = await self.dial(data)
        async with stream:
            return await rest(stream)


async def rest(stream: trio.SocketStream) -> bytes:
    said = b""
    while received := await stream.receive_some(2**16):
        said += received
    return said


async def until(stream: trio.SocketStream, wanted: bytes) -> bytes:
    said = b""
    while wanted not in said:
        received = await stream.receive_some(2**16)
        assert received, said
        said += received
    return said


@asynccontextmanager
async def place(converse: Converse = echo, **limits: float) -> AsyncIterator[Place]:
    made = Reception(converse, guests=Guests(), limits=ServingLimits(**limits))  # type: ignore[arg-type]
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    with trio.fail_after(PATIENCE):
        async with trio.open_nursery() as nursery:
            await nursery.start(made.serve, listeners)
            yield Place(made, listeners[0].socket.getsockname()[1])
            nursery.cancel_scope.cancel()


def masked(opcode: int, payload: bytes) -> bytes:
    return bytes((opcode, 0x80 | len(payload))) + bytes(4) + payload


async def holds(stream: trio.SocketStream) -> None:
    """A caller who must notice nothing: what it says comes back."""
    await stream.send_all(masked(0x81, b"still here?"))
    await until(stream, b"still here?")


@pytest.mark.parametrize(
    ("status", "request_"),
    [
        (b"400", b"GARBAGE\r\n\r\n"),
        (b"400", b"\x16\x03\x01\x02\x00" + bytes(90)),
        (b"400", b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"),
        (b"400", REQUEST.replace(b"localhost", b"\xff")),
        (b"403", REQUEST.replace(b"localhost", b"a" * 70 + b".org")),
        (b"400", REQUEST[:-2] + b"Sec-WebSocket-Protocol: \xff\r\n\r\n"),
        (b"400", REQUEST[:-2] + b"Sec-WebSocket-Extensions: \xff\r\n\r\n"),
        (b"403", REQUEST.replace(b"localhost", b"evil.org")),
        (b"403", REQUEST[:-2] + b"Origin: https://evil.org\r\n\r\n"),
        (b"403", REQUEST[:-2] + b"Origin: http://localhost\r\nOrigin: null\r\n\r\n"),
    ],
)
async def test_requests_that_are_refused(status, request_, caplog):
    async with place() as here, await here.dial(REQUEST) as caller:
        await until(caller, b"\r\n\r\n")
        assert (await here.answer(request_)).startswith(b"HTTP/1.1 " + status)
        await holds(caller)
    assert caplog.records == [], "a request is no fault"


async def test_half_open_handshakes_are_dropped():
    async with place(handshake_seconds=0.05) as here:
        for part in (b"", b"GET / HT", REQUEST[:-2]):
            assert (await here.answer(part)).startswith(b"HTTP/1.1 408")


async def test_the_oldest_of_too_many_handshakes_makes_room():
    async with place(handshakes=2) as here:
        oldest, second = await here.dial(b"GET"), await here.dial(b"GET")
        while len(here.reception._handshakes) < 2:
            await trio.lowlevel.checkpoint()
        async with oldest, second, await here.dial(REQUEST) as caller:
            await until(caller, b"101")
            assert (await rest(oldest)).startswith(b"HTTP/1.1 503")
            await second.send_all(REQUEST[3:])
            await until(second, b"101")
            await holds(caller)


async def test_one_session_too_many():
    async with place(sessions=1) as here:
        async with await here.dial(REQUEST) as caller:
            await until(caller, b"101")
            assert (await here.answer(REQUEST)).startswith(b"HTTP/1.1 503")
            await holds(caller)
        while here.reception.sessions:
            await trio.lowlevel.checkpoint()
        async with await here.dial(REQUEST) as caller:
            await until(caller, b"101")


async def test_when_descriptors_run_short_new_connections_are_refused():
    async with place() as here, await here.dial(REQUEST) as caller:
        await until(caller, b"101")
        enough = here.reception._most_descriptors
        here.reception._most_descriptors = caller.socket.fileno() + 25
        assert (await here.answer(REQUEST)).startswith(b"HTTP/1.1 503")
        here.reception._most_descriptors = caller.socket.fileno()
        with suppress(trio.BrokenResourceError):
            assert await here.answer(REQUEST) == b"", "there is none left to say it with"
        await holds(caller)
        here.reception._most_descriptors = enough
        async with await here.dial(REQUEST) as another:
            await until(another, b"101")


def failing(error: Callable[[], BaseException], *, accepted: bool) -> Converse:
    async def converse(guest: Guest) -> None:
        if guest.target == "/fail":
            if accepted:
                await guest.request.accept()
            raise error()
        await echo(guest)

    return converse


@pytest.mark.parametrize("error", [ValueError, MemoryError, RecursionError, lambda: ExceptionGroup("x", [KeyError()])])
@pytest.mark.parametrize("accepted", [True, False])
async def test_a_fault_ends_its_connection_and_nothing_else(error, accepted, caplog):
    async with place(failing(error, accepted=accepted)) as here, await here.dial(REQUEST) as caller:
        await until(caller, b"101")
        said = await here.answer(REQUEST.replace(b"GET / ", b"GET /fail "))
        if accepted:
            assert said.endswith(b"\x88\x10\x03\xf3internal error"), "a close frame with 1011"
        else:
            assert said.startswith(b"HTTP/1.1 500")
        await holds(caller)
    assert [record.name for record in caplog.records] == ["engine.serving"]


async def test_frames_behind_the_request_wait_for_its_answer():
    async with place() as here, await here.dial(REQUEST + masked(0x81, b"early") + masked(0x81, b"bird")) as caller:
        said = await until(caller, b"bird")
        assert said.index(b"101") < said.index(b"early") < said.index(b"bird")


async def test_a_message_beyond_the_limit_is_closed_with_1009():
    async with place(message_bytes=100) as here, await here.dial(REQUEST) as caller:
        await until(caller, b"\r\n\r\n")
        await caller.send_all(masked(0x01, b"x" * 90) + masked(0x80, b"x" * 90))
        await until(caller, b"\x03\xf1")


async def test_a_message_of_too_many_fragments_is_closed_with_1009():
    async with place() as here, await here.dial(REQUEST) as other, await here.dial(REQUEST) as caller:
        await until(other, b"\r\n\r\n")
        await until(caller, b"\r\n\r\n")
        await caller.send_all(masked(0x01, b"") + masked(0x00, b"") * 1200)
        assert b"\x03\xf1" in await rest(caller)
        await holds(other)
