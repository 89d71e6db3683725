"""Servers that wait for the client's first word: the settings are sent after a while, and the wait has an end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import attrs
import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from engine import ModelCapabilities, RealtimeAgent, RealtimeModelConfig, RealtimeRunner, RealtimeSession
from engine.errors import AuthenticationError, ConnectRefused, EngineError, ModelNotFound, TransportLost
from engine.models.openai import OpenAIRealtimeWebSocketModel
from engine.transport.interface import Transport
from engine.transport.memory import MemoryTransport, memory_pair
from engine.wire.client_events import SessionUpdate
from engine.wire.codec import decode_client
from engine.wire.server_events import ErrorDetail, ErrorEvent, SessionUpdated
from engine.wire.session import Session
from tests.session.sockets import CREATED, Heard, both_transports, facing, listen, listen_on, reply, text_of
from tests.session.test_opening import both_ways
from tests.transport.peer import Peer

GREETING, CONNECT = 1.0, 4.0
UPDATED = text_of(SessionUpdated(Session(model="gpt-realtime")))
BAD_KEY = text_of(
    ErrorEvent(ErrorDetail("invalid_request_error", "Incorrect API key: sk-proj-1234.", "invalid_api_key"))
)
NO_MODEL = text_of(ErrorEvent(ErrorDetail("invalid_request_error", "no such model", "model_not_found")))
FULL = text_of(ErrorEvent(ErrorDetail("session_limit_reached", "All session slots are in use")))

Way = Callable[[RealtimeSession[Any]], Awaitable[None]]
Play = Callable[["Far"], Awaitable[None]]


@attrs.define
class Far:
    """The server's end of a connection in memory."""

    transport: MemoryTransport
    connected_at: float = attrs.field(factory=trio.current_time)
    settings_at: float | None = None
    updates: int = 0

    async def hears_settings(self) -> None:
        while self.settings_at is None:
            await self.hear()

    async def hear(self) -> None:
        for message in await self.transport.receive():
            if isinstance(decode_client(message), SessionUpdate):
                self.updates += 1
                if self.settings_at is None:
                    self.settings_at = trio.current_time() - self.connected_at

    async def listens(self) -> None:
        while True:
            await self.hear()

    async def says(self, *texts: str) -> None:
        await self.transport.send([text.encode() for text in texts])


class InMemory(OpenAIRealtimeWebSocketModel):
    """The real model over a transport in memory, whose other end plays a part."""

    def __init__(self, play: Play, *, capabilities: ModelCapabilities | None = None) -> None:
        super().__init__(capabilities=capabilities)
        self.play = play
        self.far: Far | None = None

    def _transport(
        self, url: str, headers: Mapping[str, str], config: RealtimeModelConfig, deadline: float
    ) -> AbstractAsyncContextManager[Transport]:
        return self._joined()

    @asynccontextmanager
    async def _joined(self) -> AsyncIterator[Transport]:
        near, transport = memory_pair()
        self.far = Far(transport)
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._play, self.far)
            failure: Exception | None = None
            try:
                yield near
            except Exception as error:
                failure = error
            await near.aclose()
            nursery.cancel_scope.cancel()
        if failure is not None:
            raise failure

    async def _play(self, far: Far) -> None:
        try:
            await self.play(far)
        except* TransportLost:
            pass


@attrs.frozen
class Opened:
    far: Far
    opened_at: float
    refused: EngineError | None
    heard: Heard | None


def opened(play: Play, *, model: InMemory | None = None, **config: float) -> Opened:
    """Open a session with a server that plays, and listen until its end, in virtual time."""

    async def main() -> Opened:
        used = model or InMemory(play)
        times = {"connect_timeout": CONNECT, "greeting_timeout": GREETING, **config}
        session = await RealtimeRunner(RealtimeAgent(name="A"), model=used).run(
            model_config={"url": "ws://localhost/", "api_key": "none", **times}
        )
        began = trio.current_time()
        refused, heard = None, None
        try:
            async with session:
                at = trio.current_time() - began
                with trio.move_on_after(30):
                    heard = await listen_on(session)
        except EngineError as error:
            refused, at = error, trio.current_time() - began
        assert used.far is not None
        return Opened(used.far, at, refused, heard)

    return trio.run(main, clock=MockClock(autojump_threshold=0))


# --- who speaks first, and when

moments = st.one_of(
    st.floats(0, 3.9, allow_subnormal=False), st.sampled_from([0.0, 0.9 * GREETING, 1.1 * GREETING, 3.9])
).filter(lambda moment: abs(moment - GREETING) > 0.001)


@given(at=moments, greets=st.sampled_from([CREATED, '{"type":"hello"}', '{"type":"session.created"}', "no json"]))
@settings(deadline=None)
def test_a_server_that_greets_at_any_time(at: float, greets: str) -> None:
    async def play(far: Far) -> None:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(far.listens)
            await trio.sleep(at)
            await far.says(greets)

    result = opened(play)
    assert result.refused is None
    assert result.opened_at == pytest.approx(at), "the session is open once the server has said its first word"
    assert result.far.settings_at == pytest.approx(min(at, GREETING)), "and told its settings then, or after a while"
    assert result.far.updates == 1, "but once only"


@given(after=st.floats(0, 2.9), says=st.lists(st.sampled_from([CREATED, UPDATED]), min_size=1, max_size=3))
@settings(deadline=None)
def test_a_server_that_waits_for_the_first_word(after: float, says: list[str]) -> None:
    async def play(far: Far) -> None:
        await far.hears_settings()
        await trio.sleep(after)
        await far.says(*says, *reply())
        await far.listens()

    result = opened(play)
    assert result.refused is None
    assert result.far.settings_at == pytest.approx(GREETING)
    assert result.opened_at == pytest.approx(GREETING + after)
    assert result.heard is None or result.heard.replied()


def test_the_while_is_a_setting() -> None:
    async def play(far: Far) -> None:
        await far.hears_settings()
        await far.says(UPDATED)
        await far.listens()

    result = opened(play, greeting_timeout=0.25)
    assert (result.far.settings_at, result.opened_at) == (pytest.approx(0.25), pytest.approx(0.25))


def test_no_while_where_the_server_is_known_to_wait() -> None:
    async def play(far: Far) -> None:
        await far.hears_settings()
        await trio.sleep(3)
        await far.says(UPDATED)
        await far.listens()

    model = InMemory(play, capabilities=ModelCapabilities(announces_session=False))
    result = opened(play, model=model)
    assert result.refused is None
    assert (result.far.settings_at, result.opened_at) == (0, 0)


# --- servers that say nothing, or no


@given(greeting=st.floats(0.01, 8), connect=st.floats(0.02, 8), listens=st.booleans())
@settings(deadline=None)
def test_a_server_that_never_speaks(greeting: float, connect: float, listens: bool) -> None:
    async def play(far: Far) -> None:
        if listens:
            await far.listens()
        await trio.sleep_forever()

    result = opened(play, greeting_timeout=greeting, connect_timeout=connect)
    assert type(result.refused) is ConnectRefused
    assert "announces_session" in str(result.refused)
    assert result.opened_at == pytest.approx(connect)


@given(
    after=st.floats(0, 2),
    gap=st.floats(0, 0.9),
    code=st.sampled_from([1000, 1008, 1011, 3000, 4000, None]),
    said=st.sampled_from([BAD_KEY, NO_MODEL, FULL, '{"type":"error","error":"invalid api key"}', None]),
)
@settings(deadline=None)
def test_a_server_that_refuses_late(after: float, gap: float, code: int | None, said: str | None) -> None:
    async def play(far: Far) -> None:
        await far.hears_settings()
        await trio.sleep(after)
        if said is not None:
            await far.says(said)
            await trio.sleep(gap)
        if code is None:
            far.transport.vanish()
        else:
            await far.transport.aclose(code)

    result = opened(play)
    key = code == 3000 or said not in (None, NO_MODEL, FULL)
    expected = AuthenticationError if key else ModelNotFound if said == NO_MODEL else ConnectRefused
    assert type(result.refused) is expected
    assert "sk-proj" not in str(result.refused)


def test_an_error_that_nothing_follows_opens_the_session() -> None:
    async def play(far: Far) -> None:
        await far.hears_settings()
        await far.says(FULL)
        await trio.sleep(2)
        await far.says(UPDATED, *reply())
        await far.transport.aclose(1000)

    result = opened(play)
    assert result.refused is None
    assert result.heard is not None
    assert result.heard.replied()
    assert "error" in result.heard.types()


# --- over real sockets


@both_transports
async def test_a_real_server_that_waits(transport: str) -> None:
    async def behave(peer: Peer) -> None:
        await peer.accept()
        while "session.update" not in await peer.hear():
            pass
        await peer.say(UPDATED, *reply())
        await peer.say_goodbye()
        await peer.hear_goodbye()

    async with facing(behave, transport, greeting_timeout=0.05) as session:
        assert (await listen(session)).replied()


@both_ways
@both_transports
@pytest.mark.parametrize(
    ("said", "code", "error"),
    [(BAD_KEY, 3000, AuthenticationError), (BAD_KEY, 1011, AuthenticationError), (FULL, 1013, ConnectRefused)],
)
async def test_a_real_server_that_refuses_late(
    said: str, code: int, error: type[EngineError], transport: str, way: Way
) -> None:
    async def behave(peer: Peer) -> None:
        await peer.accept()
        while "session.update" not in await peer.hear():
            pass
        await peer.say(said)
        await peer.say_goodbye(code)
        await peer.hear_goodbye()

    async with facing(behave, transport, greeting_timeout=0.05) as session:
        with pytest.raises(EngineError) as told:
            await way(session)
    assert type(told.value) is error


@both_ways
@both_transports
async def test_a_real_server_that_never_speaks_or_reads(transport: str, way: Way) -> None:
    """The settings are larger than what the network takes by itself."""

    async def behave(peer: Peer) -> None:
        await peer.accept()
        await trio.sleep_forever()

    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", instructions="word " * 4_000_000)
    async with facing(behave, transport, agent=agent, greeting_timeout=0.05, connect_timeout=0.5) as session:
        with pytest.raises(ConnectRefused, match="announces_session"):
            await way(session)
