"""Refusals that come in the middle of a session, as gateways relay them: the session ends with their type."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from hypothesis import given, settings
from hypothesis import strategies as st
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner
from engine.errors import AuthenticationError, ConnectRefused, EngineError, ModelNotFound, SessionClosed, TransportLost
from engine.lab.scenario.distributions import Draws
from engine.lab.scenario.scenario import Network
from engine.lab.simulate.delayed import DelayedModel
from engine.models.interface import RealtimeModel
from engine.models.scripted import Expect, HangUp, Pause, Say, ScriptedModel
from engine.wire.client_events import SessionUpdate
from engine.wire.server_events import ErrorDetail, ErrorEvent, MalformedEvent, ServerEvent, SessionCreated, UnknownEvent
from engine.wire.session import Session
from tests.session.sockets import both_transports, facing, greet, listen, listen_on, text_of
from tests.support.talk import begins, speaks
from tests.transport.peer import Peer

BY_CODE = ErrorEvent(ErrorDetail("invalid_request_error", "The upstream said no.", "invalid_api_key"))
BY_TYPE = ErrorEvent(ErrorDetail("authentication_error", "no"))
BY_WORDS = ErrorEvent(ErrorDetail("server_error", "Incorrect API key provided: sk-proj-1234."))
BARE = MalformedEvent("error: no error", '{"type":"error","message":"invalid api key sk-proj-1234"}', type="error")
NO_MODEL = ErrorEvent(ErrorDetail("invalid_request_error", "no such thing", "model_not_found"))
OTHER = ErrorEvent(ErrorDetail("server_error", "The server had an error."))
PING = UnknownEvent("ping", {"type": "ping"})
CREATED = SessionCreated(Session(model="m"))

about_keys = st.sampled_from([BY_CODE, BY_TYPE, BY_WORDS, BARE])
ways = st.sampled_from([1000, 1001, 1008, 1011, 3000, 4000, None])
filler = st.lists(st.sampled_from([PING, CREATED]), max_size=2)


def ended(*after_settings: Any, model: type[RealtimeModel] | None = None) -> tuple[EngineError | None, list[str], Any]:
    """How a session with a scripted server ends, what it says until then, and a response that was asked for."""
    script = [Say([CREATED]), Expect(SessionUpdate), *after_settings]

    async def main() -> tuple[EngineError | None, list[str], Any]:
        scripted: RealtimeModel = ScriptedModel(script)
        if model is DelayedModel:
            scripted = DelayedModel(scripted, Network(delay_ms=40), Draws(1, 0))
        session = await RealtimeRunner(RealtimeAgent(name="A"), model=scripted).run()
        async with session:
            handle = await session.respond()
            heard = await listen_on(session)
            with pytest.raises(SessionClosed) as told:
                await session.interrupt()
            assert told.value.__cause__ is heard.ending
            return heard.ending, heard.types(), handle

    return trio.run(main, clock=MockClock(autojump_threshold=0))


@given(said=about_keys, before=filler, after=filler, gap=st.floats(0, 4.9), code=ways)
@settings(deadline=None)
def test_a_key_that_is_refused_in_the_middle(
    said: ServerEvent, before: list[ServerEvent], after: list[ServerEvent], gap: float, code: int | None
) -> None:
    ending, types, handle = ended(Say([*before, said, *after]), Pause(gap), HangUp(code, "bye"))
    assert type(ending) is AuthenticationError
    assert isinstance(ending.__cause__, TransportLost)
    assert ending.__cause__.code == code
    assert "sk-proj" not in str(ending)
    assert "error" in types, "the server's own words are an event all the same"
    assert handle.status == "failed"


@given(said=st.sampled_from([OTHER, None]), reason=st.sampled_from(["", "x", "invalid_request_error"]))
@settings(deadline=None)
def test_the_close_code_alone(said: ServerEvent | None, reason: str) -> None:
    steps = [Say([said])] if said else []
    assert type(ended(*steps, HangUp(3000, reason))[0]) is AuthenticationError
    assert type(ended(*steps, HangUp(4004, reason))[0]) is ModelNotFound


@given(gap=st.floats(0, 4.9), code=st.sampled_from([1008, 1011, 4000, 4004]))
@settings(deadline=None)
def test_a_model_that_is_refused_in_the_middle(gap: float, code: int) -> None:
    assert type(ended(Say([NO_MODEL]), Pause(gap), HangUp(code))[0]) is ModelNotFound


@given(
    said=st.sampled_from([BY_CODE, BY_WORDS, NO_MODEL]), gap=st.floats(5.1, 3600), code=st.sampled_from([1001, 1011])
)
@settings(deadline=None)
def test_an_end_long_after_is_another_matter(said: ServerEvent, gap: float, code: int) -> None:
    ending, _, _ = ended(Say([said]), Pause(gap), HangUp(code, "going away"))
    assert isinstance(ending, TransportLost)


@given(said=about_keys, gap=st.floats(0, 1), code=st.sampled_from([1001, 1011]))
@settings(deadline=None)
def test_an_error_that_comes_after_hides_nothing(said: ServerEvent, gap: float, code: int) -> None:
    ending, _, _ = ended(Say([said, OTHER]), Pause(gap), Say([OTHER]), HangUp(code, "overloaded"))
    assert type(ending) is AuthenticationError


def test_an_error_that_no_close_follows_ends_nothing() -> None:
    ending, types, _ = ended(Say([BY_CODE]), Pause(60), HangUp(1000))
    assert ending is None
    assert "error" in types


def test_through_a_network_that_delays() -> None:
    ending, _, _ = ended(Say([BY_CODE]), HangUp(3000), model=DelayedModel)
    assert type(ending) is AuthenticationError


@both_transports
@pytest.mark.parametrize(
    ("errors", "code", "expected"),
    [
        ([OTHER, BY_WORDS], 3000, AuthenticationError),
        ([BY_CODE, BY_CODE], 1011, AuthenticationError),
        ([BY_TYPE], 1008, AuthenticationError),
        ([], 3000, AuthenticationError),
        ([NO_MODEL], 4004, ModelNotFound),
    ],
)
async def test_over_a_socket_in_the_middle_of_a_sentence(
    errors: list[ErrorEvent], code: int, expected: type[ConnectRefused], transport: str
) -> None:
    async def behave(peer: Peer) -> None:
        await greet(peer)
        while "session.update" not in await peer.hear():
            pass
        await peer.say(*map(text_of, [begins("r0"), *speaks("r0", "i0", "half a", 0.5), *errors]))
        await peer.say_goodbye(code)
        await peer.hear_goodbye()

    async with facing(behave, transport) as session:
        heard = await listen(session)
    assert type(heard.ending) is expected
    [end] = heard.of("agent_end")
    assert (end.status, end.reason) == ("cancelled", "connection_lost")
