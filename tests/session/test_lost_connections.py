"""Servers that leave in the middle of a sentence, by every way out of a connection, and those that fall silent.

What came before is delivered, everything that began gets its end, and whoever waits is told the same reason.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import attrs
import pytest
import trio
from websockets.frames import Frame, Opcode

from engine import RealtimeAgent, RealtimeSession, function_tool
from engine.errors import (
    AuthenticationError,
    EngineError,
    SessionClosed,
    SessionExpired,
    TransportClosed,
    TransportLost,
)
from engine.mailboxes import INBOX_BATCHES
from engine.wire.server_events import ErrorDetail, ErrorEvent
from tests.session.sockets import Heard, both_transports, facing, greet, listen_on, reply, text_of, texts_of
from tests.support.talk import begins, calls, speaks
from tests.transport.peer import Peer

HALF = texts_of([begins("r0", "req_1"), *speaks("r0", "i0", "half a", 0.5)])
EXPIRED = text_of(ErrorEvent(ErrorDetail("invalid_request_error", "maximum duration", "session_expired")))


def says_goodbye(code: int, reason: str = "") -> Callable[[Peer], Awaitable[None]]:
    async def leave(peer: Peer) -> None:
        await peer.say_goodbye(code, reason)
        await peer.hear_goodbye()

    return leave


async def says_goodbye_without_a_code(peer: Peer) -> None:
    peer.protocol.send_close()
    await peer.flush()
    await peer.hear_goodbye()


async def expires(peer: Peer) -> None:
    await peer.say(EXPIRED)
    await says_goodbye(1001)(peer)


async def vanishes(peer: Peer) -> None:
    peer.vanish()


async def hangs_up(peer: Peer) -> None:
    await peer.stream.send_eof()
    async for _ in peer.stream:
        pass


async def breaks_off_in_a_frame(peer: Peer) -> None:
    whole = Frame(Opcode.TEXT, reply()[0].encode()).serialize(mask=False)
    await peer.write(whole[:-5])
    await hangs_up(peer)


async def forgets_how_to_write_frames(peer: Peer) -> None:
    await peer.write(b"\xff\xff\xff\xff Welcome to example.org")
    async for _ in peer.stream:
        pass


async def says_no_utf8(peer: Peer) -> None:
    await peer.write(Frame(Opcode.TEXT, b"\xff\xfe").serialize(mask=False))
    async for _ in peer.stream:
        pass


@attrs.frozen
class Way:
    leave: Callable[[Peer], Awaitable[None]]
    error: type[EngineError] | None
    code: int | None


WAYS: dict[str, Way] = {
    "1000": Way(says_goodbye(1000), None, None),
    "1001": Way(says_goodbye(1001, "going away"), TransportClosed, 1001),
    "1008": Way(says_goodbye(1008, "policy"), TransportClosed, 1008),
    "1011": Way(says_goodbye(1011, "keepalive ping timeout"), TransportClosed, 1011),
    "3000": Way(says_goodbye(3000, "invalid_request_error"), AuthenticationError, None),
    "4000": Way(says_goodbye(4000, "invalid_request_error.x"), TransportClosed, 4000),
    "4999": Way(says_goodbye(4999), TransportClosed, 4999),
    "no code": Way(says_goodbye_without_a_code, TransportClosed, 1005),
    "session expired": Way(expires, SessionExpired, 1001),
    "reset": Way(vanishes, TransportLost, None),
    "end of file": Way(hangs_up, TransportLost, None),
    "half a frame": Way(breaks_off_in_a_frame, TransportLost, None),
    "no frames": Way(forgets_how_to_write_frames, TransportClosed, 1002),
    "no UTF-8": Way(says_no_utf8, TransportClosed, 1007),
}


def interrupted_by(heard: Heard) -> None:
    """Half a response was heard, and it has an end."""
    assert heard.audio("r0") == b"\1\0" * 12_000
    [end] = heard.of("agent_end")
    assert (end.status, end.reason) == ("cancelled", "connection_lost")
    assert "audio_end" not in heard.types(), "the audio did not end: it broke off"


@both_transports
@pytest.mark.parametrize("name", WAYS)
async def test_leaving_in_the_middle_of_a_sentence(name: str, transport: str) -> None:
    way = WAYS[name]

    async def behave(peer: Peer) -> None:
        await greet(peer)
        while "response.create" not in await peer.hear():
            pass
        await peer.say(*HALF)
        await way.leave(peer)

    async with facing(behave, transport) as session, session:
        handle = await session.respond()
        heard = await listen_on(session)
        interrupted_by(heard)
        assert type(heard.ending) is (way.error or type(None))
        assert getattr(heard.ending, "code", None) == way.code
        assert handle.status == "cancelled"
        with pytest.raises(way.error or TransportClosed):
            await handle.done()
        with pytest.raises(SessionClosed) as told:
            await session.send_audio(b"\0\0")
        assert told.value.__cause__ is heard.ending
        again = await listen_on(session)
        assert (again.events, again.ending) == ([], heard.ending)


@both_transports
async def test_a_request_that_is_not_answered_before_the_end(transport: str) -> None:
    async def behave(peer: Peer) -> None:
        await greet(peer)
        while "response.create" not in await peer.hear():
            pass
        await says_goodbye(1011, "out of memory")(peer)

    async with facing(behave, transport) as session, session:
        handle = await session.respond()
        waiting = await session.respond(instructions="later")
        for each in (handle, waiting):
            with pytest.raises(TransportClosed, match="out of memory"):
                await each.done()
            assert await each.created() is None


@both_transports
async def test_tools_end_with_the_connection(transport: str) -> None:
    ended = []

    @function_tool
    async def hang() -> str:
        try:
            await trio.sleep_forever()
        finally:
            ended.append(True)
        return ""

    async def behave(peer: Peer) -> None:
        await greet(peer)
        await peer.say(*texts_of([begins("r0"), *calls("r0", ("c1", "hang", "{}"))]))
        await started.wait()
        peer.vanish()

    started = trio.Event()
    types = []
    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", tools=[hang])
    async with facing(behave, transport, agent=agent) as session, session:
        with pytest.raises(TransportLost):
            await _read(session, types, started)
    assert ended
    assert types.count("tool_start") == types.count("tool_end") == 1
    assert types.count("agent_start") == types.count("agent_end") == 1


async def _read(session: RealtimeSession[Any], types: list[str], started: trio.Event) -> None:
    async for event in session:
        types.append(event.type)
        if event.type == "tool_start":
            started.set()


# --- silence


async def falls_silent(peer: Peer) -> None:
    await greet(peer)
    await peer.say(*HALF)
    await trio.sleep_forever()


async def test_silence_is_noticed_by_a_ping() -> None:
    async with facing(falls_silent, "sansio", ping_interval=0.02, ping_timeout=0.02) as session, session:
        heard = await listen_on(session)
    interrupted_by(heard)
    assert isinstance(heard.ending, TransportLost)
    assert "no sign of life" in str(heard.ending)


@both_transports
async def test_closing_while_the_server_is_silent(transport: str) -> None:
    """It does not even answer the goodbye."""
    async with facing(falls_silent, transport, close_timeout=0.05) as session:
        async with session:
            events = []
            async for event in session:
                events.append(event)
                if len(Heard(events, None).audio("r0")) == 24_000:
                    break
            begun = trio.current_time()
        rest = await listen_on(session)
        assert trio.current_time() - begun < 1.5
    interrupted_by_user = [event for event in rest.events if event.type == "agent_end"]
    assert [event.reason for event in interrupted_by_user] == ["session_closed"]


@both_transports
async def test_closing_while_the_server_does_not_read(transport: str) -> None:
    """Its buffers and ours are full of audio: `send_audio` waits, and closing ends the wait."""
    outcome = []

    async def speak(session: RealtimeSession[Any]) -> None:
        try:
            while True:
                await session.send_audio(b"\0\0" * 240_000)
        except SessionClosed:
            outcome.append("closed")

    async with facing(falls_silent, transport, close_timeout=0.05) as session:
        async with session, trio.open_nursery() as nursery:
            nursery.start_soon(speak, session)
            while not _backlog_is_full(session):
                await trio.lowlevel.checkpoint()
            with trio.fail_after(0.5):
                await session.interrupt()  # other calls do not stand behind the audio
            begun = trio.current_time()
            await session.close()
        assert trio.current_time() - begun < 1.5
    assert outcome == ["closed"]


def _backlog_is_full(session: RealtimeSession[Any]) -> bool:
    [microphone] = [mailbox for mailbox in session.mailboxes if mailbox.name == "microphone"]
    return microphone.waiting > microphone.capacity


async def test_a_server_that_does_not_read_is_given_up() -> None:
    """What it was not sent is not silently piled up: the session ends with a reason."""
    async with facing(falls_silent, "sansio", ping_interval=0.05, ping_timeout=0.05) as session, session:
        with pytest.raises(SessionClosed) as told:
            await _speak_for_ever(session)
        assert isinstance(told.value.__cause__, TransportLost) or told.value.__cause__ is None
        heard = await listen_on(session)
    assert isinstance(heard.ending, TransportLost)


async def _speak_for_ever(session: RealtimeSession[Any]) -> None:
    while True:
        await session.send_audio(b"\0\0" * 240_000)


async def test_control_for_a_server_that_does_not_read_waits_until_its_silence_is_a_loss() -> None:
    async with facing(falls_silent, "sansio", ping_interval=0.05, ping_timeout=0.05) as session, session:
        with pytest.raises(SessionClosed):
            await _write_for_ever(session)
        heard = await listen_on(session)
    assert isinstance(heard.ending, TransportLost)
    assert "no sign of life" in str(heard.ending)


@both_transports
async def test_control_for_a_server_that_does_not_read_waits_without_piling_up(transport: str) -> None:
    async with facing(falls_silent, transport, close_timeout=0.05) as session, session:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(_write_for_ever, session)
            while not _wire_is_full(session):
                await trio.lowlevel.checkpoint()
            with trio.fail_after(0.5):
                await session.interrupt()  # what stops the agent does not stand behind it
            nursery.cancel_scope.cancel()
        [wire] = [mailbox for mailbox in session.mailboxes if mailbox.name == "wire"]
        assert wire.most_waiting <= wire.capacity + INBOX_BATCHES


def _wire_is_full(session: RealtimeSession[Any]) -> bool:
    [wire] = [mailbox for mailbox in session.mailboxes if mailbox.name == "wire"]
    return wire.waiting >= wire.capacity


async def _write_for_ever(session: RealtimeSession[Any]) -> None:
    while True:
        await session.send_message("x" * 5_000, respond=False)


@both_transports
async def test_a_message_beyond_the_limit_that_was_set(transport: str) -> None:
    async def behave(peer: Peer) -> None:
        await greet(peer)
        await peer.say(*HALF, '{"type":"heap","heap":"' + "x" * 200_000 + '"}')
        await peer.hear_goodbye()

    async with facing(behave, transport, max_message_size=100_000) as session, session:
        heard = await listen_on(session)
    interrupted_by(heard)
    assert isinstance(heard.ending, TransportLost)
    assert heard.ending.code == 1009
