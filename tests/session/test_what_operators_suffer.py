"""What those suffer who run other engines: connections, memory and speed. One test each, named after it.

The experiments are those that were made with such engines; here each has the outcome that its user hoped for.
"""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel
from engine.core.agent_spec import AgentSpec
from engine.core.inputs import Input
from engine.core.machine import Machine
from engine.core.playback import PlaybackLedger
from engine.core.state import Rules
from engine.errors import SessionClosed, SessionExpired, SlowConsumer, TransportClosed
from engine.local.settings.options import LocalOptions
from engine.mailboxes import MAX_EVENT_BYTES, MICROPHONE_SECONDS, MailboxStatistics
from engine.models.local import LocalModel
from engine.models.scripted import Expect, HangUp, Pause, Say
from engine.wire.client_events import (
    ResponseCreate,
    SessionUpdate,
)
from engine.wire.server_events import (
    ResponseOutputAudioTranscriptDelta,
)
from engine.wire.session import Session
from tests.session.litter import no_litter
from tests.session.sockets import CREATED, both_transports, facing, greet
from tests.support.counting import lines_run
from tests.support.talk import begins, ends, falls_silent, speaks
from tests.transport.peer import Peer

PLAIN: RealtimeAgent[Any] = RealtimeAgent(name="Plain", instructions="Be brief.")
DEAD_SECONDS = 0.2


def whole(response_id: str, token: str | None, item: str, text: str, seconds: float) -> Say:
    return Say(
        [
            begins(response_id, token),
            *speaks(response_id, item, text, seconds),
            *falls_silent(response_id, item, text),
            ends(response_id),
        ]
    )


# --- connections


@pytest.mark.parametrize("announced", [True, False])
async def test_the_session_expires_and_nobody_is_told(announced: bool, autojump_clock: MockClock) -> None:
    """The server says `session_expired` and closes with 1001, or only closes."""
    async with no_litter():
        if announced:
            model: Any = LocalModel(LocalOptions(session_seconds=60))
        else:
            model = ScriptedModel([Expect(SessionUpdate), Pause(60), HangUp(1001, "going away")])
        async with await RealtimeRunner(PLAIN, model=model).run() as session:
            with pytest.raises(SessionExpired if announced else TransportClosed) as told:
                await _read_all(session)
            assert told.value.code == 1001
            with pytest.raises(SessionClosed):
                await session.send_audio(b"\0\0")


@both_transports
async def test_the_session_expires_over_a_socket(transport: str) -> None:
    async def behave(peer: Peer) -> None:
        await peer.accept()
        await peer.say(
            CREATED,
            '{"type":"error","error":{"type":"invalid_request_error","code":"session_expired","message":"x"}}',
        )
        await peer.say_goodbye(1001)
        await peer.hear_goodbye()

    seen: list[str] = []
    async with facing(behave, transport) as session, session:
        with pytest.raises(SessionExpired):
            await _read_all(session, seen)
    assert seen == ["error"]


async def _read_all(session: RealtimeSession[Any], types: list[str] | None = None) -> None:
    async for event in session:
        if types is not None:
            types.append(event.type)


@both_transports
async def test_closing_takes_ten_seconds_when_the_server_is_dead(transport: str) -> None:
    async def behave(peer: Peer) -> None:
        await greet(peer)
        await trio.sleep_forever()

    async with facing(behave, transport, close_timeout=DEAD_SECONDS) as session:
        async with session:
            begun = trio.current_time()
        assert trio.current_time() - begun < DEAD_SECONDS + 1


async def test_audio_piles_up_without_a_signal_when_the_server_does_not_read() -> None:
    async def behave(peer: Peer) -> None:
        await greet(peer)
        await trio.sleep_forever()

    accepted = 0.0
    async with facing(behave, "sansio", ping_interval=None) as session, session:
        with trio.move_on_after(0.5) as patience:
            while True:
                await session.send_audio(b"\0\0" * 24_000)
                accepted += 1
        assert patience.cancelled_caught
        microphone = _mailbox(session, "microphone")
        assert microphone.waiting > microphone.capacity, "the application can see it"
        assert accepted < 2 * MICROPHONE_SECONDS + 90, "beside our own half minute, the system's buffers hold some"


# --- load


async def test_memory_grows_threefold_when_nobody_listens(autojump_clock: MockClock) -> None:
    """300 s of audio wait for the application: once, and no more than once."""
    seconds = 300
    model = ScriptedModel([Expect(ResponseCreate), whole("r1", "req_1", "i1", "a long story", seconds)])
    async with no_litter(), await RealtimeRunner(PLAIN, model=model).run() as session:
        await session.send_message("tell me a story")
        await trio.sleep(1)
        events = _mailbox(session, "events")
        assert events.waiting < seconds * 4 + 20, "an event for each quarter of a second, and a few"
        heard = 0
        async for event in session:
            heard += len(event.data) if event.type == "audio" else 0
            if event.type == "agent_end":
                break
        assert heard == seconds * 48_000


async def test_memory_grows_without_bound_when_nobody_listens(autojump_clock: MockClock) -> None:
    hour = [whole(f"r{n}", None, f"i{n}", "a long story", 60) for n in range(60)]
    async with no_litter(), await RealtimeRunner(PLAIN, model=ScriptedModel(hour)).run() as session:
        await trio.sleep(1)
        with pytest.raises(SlowConsumer, match="iterate over the session"):
            await _read_all(session)
        assert _mailbox(session, "events").most_waiting < MAX_EVENT_BYTES / 48_000 * 4 * 1.2


def _mailbox(session: RealtimeSession[Any], name: str) -> MailboxStatistics:
    [found] = [mailbox for mailbox in session.mailboxes if mailbox.name == name]
    return found


def test_long_conversations_become_slow() -> None:
    """What a piece of transcript costs, after 10 and after 2,000 items."""
    costs = []
    for turns in (10, 2000):
        told = _machine_after(turns)
        costs.append(lines_run(lambda told=told: told(ResponseOutputAudioTranscriptDelta("r", "i", 0, 0, "word "))))
    assert costs[1] <= costs[0] * 1.1


def _machine_after(turns: int) -> Any:
    machine = Machine(Rules(context=None), AgentSpec("A", PLAIN, Session()), PlaybackLedger())

    def tell(event: Input) -> None:
        machine.handle(event, 0)
        machine.take_effects()

    previous = None
    for turn in range(turns):
        for event in speaks("r0", f"i{turn}", "well", 0, previous=previous):
            tell(event)
        previous = f"i{turn}"
    for event in [begins("r"), *speaks("r", "i", "so", 0, previous=previous)]:
        tell(event)
    return tell
