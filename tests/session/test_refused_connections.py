"""Servers that turn a session away, by every way there is: opening it raises a typed error, and leaves nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import attrs
import pytest
import trio

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession
from engine.errors import AuthenticationError, ConnectRefused, EngineError, ModelNotFound, SettingsError
from engine.local.server import serve
from engine.local.settings.options import LocalOptions
from engine.wire.server_events import ErrorDetail, ErrorEvent
from tests.session.litter import no_litter
from tests.session.sockets import PATIENCE, both_transports, facing, greet, listen, reply, text_of
from tests.session.test_opening import both_ways
from tests.transport.peer import Peer

Way = Callable[[RealtimeSession[Any]], Awaitable[None]]


def answers(status: str) -> Callable[[Peer], Awaitable[None]]:
    async def behave(peer: Peer) -> None:
        await peer.request()
        await peer.write(f"HTTP/1.1 {status}\r\nContent-Length: 4\r\n\r\nNo.\n".encode())
        await peer.stream.send_eof()
        async for _ in peer.stream:
            pass

    return behave


def turns_away(code: int, error: ErrorDetail | None = None, reason: str = "") -> Callable[[Peer], Awaitable[None]]:
    """As OpenAI does: the handshake succeeds, and then the door is shut."""

    async def behave(peer: Peer) -> None:
        await peer.accept()
        if error is not None:
            await peer.say(text_of(ErrorEvent(error)))
        await peer.say_goodbye(code, reason)
        await peer.hear_goodbye()

    return behave


async def never_answers(peer: Peer) -> None:
    await peer.request()
    await trio.sleep_forever()


async def never_greets(peer: Peer) -> None:
    await peer.accept()
    await trio.sleep_forever()


async def dies(peer: Peer) -> None:
    await peer.request()
    peer.vanish()


async def dies_after_the_handshake(peer: Peer) -> None:
    await peer.accept()
    peer.vanish()


async def speaks_something_else(peer: Peer) -> None:
    await peer.write(b"220 mail.example.org ESMTP\r\n")
    async for _ in peer.stream:
        pass


BAD_KEY = ErrorDetail("invalid_request_error", "Incorrect API key provided: sk-no***one.", "invalid_api_key")
NO_KEY = ErrorDetail("invalid_request_error", "Missing bearer or basic authentication in header")
BAD_MODEL = ErrorDetail("invalid_request_error", 'Model "x" is not supported in realtime mode.', "invalid_model")
FULL = ErrorDetail("session_limit_reached", "All session slots are in use")


@attrs.frozen
class Refusal:
    behave: Callable[[Peer], Awaitable[None]]
    error: type[ConnectRefused]
    words: str


REFUSALS: dict[str, Refusal] = {
    "401": Refusal(answers("401 Unauthorized"), AuthenticationError, "check the key"),
    "403": Refusal(answers("403 Forbidden"), AuthenticationError, "check the key"),
    "404": Refusal(answers("404 Not Found"), ModelNotFound, "check the URL"),
    "429": Refusal(answers("429 Too Many Requests"), ConnectRefused, "try later"),
    "500": Refusal(answers("500 Internal Server Error"), ConnectRefused, "try later"),
    "200": Refusal(answers("200 OK"), ConnectRefused, "instead of opening a WebSocket"),
    "a bad key": Refusal(
        turns_away(3000, BAD_KEY, "invalid_request_error.invalid_api_key"), AuthenticationError, "Check the key"
    ),
    "no key": Refusal(turns_away(3000, NO_KEY, "invalid_request_error"), AuthenticationError, "Missing bearer"),
    "a bad model": Refusal(
        turns_away(4000, BAD_MODEL, "invalid_request_error.invalid_model"), ModelNotFound, "Check the model's name"
    ),
    "no room": Refusal(turns_away(1008, FULL), ConnectRefused, "All session slots are in use"),
    "a goodbye for a greeting": Refusal(turns_away(1000), ConnectRefused, "no reason was given"),
    "a fault for a greeting": Refusal(turns_away(1011, None, "out of memory"), ConnectRefused, "out of memory"),
    "no handshake": Refusal(never_answers, ConnectRefused, "within"),
    "no greeting": Refusal(never_greets, ConnectRefused, "no session"),
    "death": Refusal(dies, ConnectRefused, ""),
    "death after the handshake": Refusal(dies_after_the_handshake, ConnectRefused, ""),
    "another protocol": Refusal(speaks_something_else, ConnectRefused, ""),
}


@both_ways
@both_transports
@pytest.mark.parametrize("name", REFUSALS)
async def test_turned_away(name: str, transport: str, way: Way) -> None:
    refusal = REFUSALS[name]
    async with facing(refusal.behave, transport, connect_timeout=0.3, api_key="sk-nobodys-0001") as session:
        with pytest.raises(EngineError) as told:
            await way(session)
    assert type(told.value) is refusal.error, told.value
    assert refusal.words in str(told.value)
    assert "sk-no" not in str(told.value)


@both_ways
@both_transports
async def test_nobody_there(transport: str, way: Way) -> None:
    async with facing(never_answers, transport) as there:
        url = there._model_config.url
    session = await RealtimeRunner(RealtimeAgent(name="A")).run(model_config={"url": url, "transport": transport})
    async with no_litter():
        with pytest.raises(ConnectRefused, match="cannot be reached"):
            await way(session)


@both_ways
@both_transports
@pytest.mark.parametrize(
    "how",
    [{"api_key": "sk-1\n2"}, {"headers": {"X-Thing": "two\nlines"}}, {"url": "ws://127.0.0.1:0x50/"}],
    ids=["key", "header", "url"],
)
async def test_what_cannot_be_dialled(how: dict[str, Any], transport: str, way: Way) -> None:
    config = {"url": "ws://127.0.0.1:1/v1/realtime", "transport": transport, "api_key": "sk-1", **how}
    async with no_litter():
        session = await RealtimeRunner(RealtimeAgent(name="A")).run(model_config=config)
        with pytest.raises(SettingsError):
            await way(session)


@both_ways
@both_transports
async def test_a_key_that_cannot_be_got(transport: str, way: Way) -> None:
    async def key() -> str:
        raise LookupError("the vault is shut")

    async with facing(greet, transport, api_key=key) as session:
        with pytest.raises(EngineError, match="the vault is shut"):
            await way(session)


# --- what is no refusal


@both_transports
@pytest.mark.parametrize(
    "greeting",
    ["hello", '{"type":"ping"}', '{"type":"session.created"}', text_of(ErrorEvent(FULL))],
    ids=["garbage", "unknown event", "malformed", "an error that nothing follows"],
)
async def test_an_odd_greeting_is_a_greeting(greeting: str, transport: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.models.greeting._CLOSE_FOLLOWS", 0.01)

    async def behave(peer: Peer) -> None:
        await peer.accept()
        await peer.say(greeting)
        while "session.update" not in await peer.hear():
            pass
        await peer.say(*reply())
        await peer.say_goodbye()
        await peer.hear_goodbye()

    async with facing(behave, transport) as session:
        heard = await listen(session)
    assert heard.replied()
    assert heard.types()[0] in ("raw_model_event", "error"), "the greeting itself is not hidden"


# --- the same, by the server that ships


@both_transports
@pytest.mark.parametrize(
    ("key", "model", "error"),
    [
        ("sk-wrong", "gpt-realtime", AuthenticationError),
        (None, "gpt-realtime", AuthenticationError),
        ("sk-right", "gpt-unreal", ModelNotFound),
        ("sk-right", "gpt-realtime", None),
    ],
)
async def test_the_local_server_checks_keys_and_models(
    key: str | None, model: str, error: type[EngineError] | None, transport: str
) -> None:
    options = LocalOptions(api_keys=frozenset({"sk-right"}), models=frozenset({"gpt-realtime"}))
    with trio.fail_after(PATIENCE):
        async with no_litter(), trio.open_nursery() as nursery:
            served = await nursery.start(partial(serve, options=options))
            settings = {"model": model}
            config = {"url": served.url, "api_key": key, "transport": transport, "initial_model_settings": settings}
            session = await RealtimeRunner(RealtimeAgent(name="A")).run(model_config=config)
            if error is None:
                async with session:
                    await session.interrupt()
            else:
                with pytest.raises(error):
                    await session.enter()
            nursery.cancel_scope.cancel()
