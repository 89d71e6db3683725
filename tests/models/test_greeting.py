"""The first events of a connection, under virtual time."""

from __future__ import annotations

import json

import pytest
import trio
from trio.testing import MockClock

from engine.errors import AuthenticationError, ConnectRefused, ModelNotFound
from engine.models.greeting import greeting
from engine.transport.memory import memory_pair
from engine.wire.server_events import ErrorEvent, UnknownEvent


def error(code: str | None, message: str, kind: str = "invalid_request_error") -> bytes:
    detail = {"type": kind, "code": code, "message": message, "param": None, "event_id": None}
    return json.dumps({"type": "error", "event_id": "event_1", "error": detail}).encode()


HELLO = b'{"type":"hello"}'


@pytest.mark.parametrize(
    ("said", "code", "reason", "refusal"),
    [
        (error("invalid_api_key", "Incorrect API key"), 3000, "invalid_request_error.invalid_api_key", "auth"),
        (error(None, "Missing bearer or basic authentication in header"), 3000, "invalid_request_error", "auth"),
        (error(None, "Missing bearer or basic authentication in header"), 1011, "", "auth"),
        (error(None, "Ephemeral token expired"), 1000, "", "auth"),
        (error("x", "no", kind="authentication_error"), 4000, "", "auth"),
        (error("invalid_model", "not supported"), 4000, "invalid_request_error.invalid_model", "model"),
        (error("missing_model", "You must provide"), 4000, "invalid_request_error.missing_model", "model"),
        (error("beta_api_shape_disabled", "no longer"), 4000, "invalid_request_error.beta_api_shape_disabled", "other"),
        (error("insufficient_quota", "pay"), 4000, "insufficient_quota", "other"),
        (None, 4004, "", "model"),
        (None, 4000, "invalid_request_error.model_not_found", "model"),
        (None, 3000, "invalid_request_error.invalid_api_key", "auth"),
        (None, 1000, "", "other"),
    ],
)
async def test_being_turned_away_has_a_type(said: bytes | None, code: int, reason: str, refusal: str) -> None:
    near, far = memory_pair()
    if said is not None:
        await far.send([said])
    await far.aclose(code, reason)
    with pytest.raises(ConnectRefused) as told:
        await greeting(near)
    assert type(told.value) is {"auth": AuthenticationError, "model": ModelNotFound, "other": ConnectRefused}[refusal]
    assert str(code) in str(told.value)
    if said is not None:
        assert json.loads(said)["error"]["message"] in str(told.value)


async def test_a_connection_that_breaks_before_a_word_was_refused() -> None:
    near, far = memory_pair()
    far.vanish()
    with pytest.raises(ConnectRefused, match="broke"):
        await greeting(near)


async def test_an_error_that_no_close_follows_is_only_an_event(autojump_clock: MockClock) -> None:
    near, far = memory_pair()
    await far.send([error("x", "not fatal")])
    events = await greeting(near)
    assert [type(event) for event in events] == [ErrorEvent]


async def test_an_error_before_the_first_event_is_only_an_event(autojump_clock: MockClock) -> None:
    near, far = memory_pair()
    await far.send([error("x", "not fatal")])
    async with trio.open_nursery() as nursery:

        async def later() -> None:
            await trio.sleep(0.5)
            await far.send([HELLO, HELLO])

        nursery.start_soon(later)
        events = await greeting(near)
    assert [type(event) for event in events] == [ErrorEvent, UnknownEvent, UnknownEvent]


async def test_whatever_comes_first_is_handed_on_at_once(autojump_clock: MockClock) -> None:
    begun = trio.current_time()
    near, far = memory_pair()
    await far.send([HELLO, error("x", "not fatal")])
    assert len(await greeting(near)) == 2
    assert trio.current_time() == begun
