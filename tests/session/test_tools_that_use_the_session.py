"""A tool that talks to the session it runs in: nothing waits for itself. (Closing it: test_closing.py.)"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel, function_tool
from engine.errors import SessionClosed, ToolCallUnknown
from engine.models.scripted import Expect, HangUp, Pause, Say, Step
from engine.wire.client_events import (
    ConversationItemCreate,
    InputAudioBufferCommit,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
)
from engine.wire.items import FunctionCallOutput, Message
from engine.wire.response import ResponseParams
from tests.session.litter import no_litter
from tests.session.test_application import Told, talk
from tests.support.talk import begins, calls, ends, falls_silent, speaks

Use = Callable[[RealtimeSession[Any]], Awaitable[object]]


def reply(response_id: str, token: str, text: str = "well") -> list[Step]:
    item = f"item_{response_id}"
    return [
        Expect(ResponseCreate),
        Say([begins(response_id, token), *speaks(response_id, item, text, 0.5)]),
        Say([*falls_silent(response_id, item, text), ends(response_id)]),
    ]


CALLING: list[Step] = [
    Expect(ResponseCreate),
    Say([begins("r1", "req_1"), *calls("r1", ("c1", "use", "{}")), ends("r1")]),
]


def talk_using(use: Use, *script: Step, **options: Any) -> Told:
    """A conversation in which the model calls a tool that does `use` with its session."""

    @function_tool(name_override="use", **options)
    async def tool() -> str:
        return str(await use(sessions[0]))

    async def program(session: RealtimeSession[Any]) -> None:
        sessions.append(session)
        await session.send_message("hello")

    sessions: list[RealtimeSession[Any]] = []
    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", tools=[tool])
    return talk(agent, [*CALLING, *script], program)


def test_it_sends_a_message() -> None:
    told = talk_using(
        lambda session: session.send_message("By the way: it is raining."),
        *reply("r2", "req_2"),
    )
    said = [event.item for event in told.sent if isinstance(event, ConversationItemCreate)]
    assert [type(item) for item in said] == [Message, Message, FunctionCallOutput]
    assert told.one("tool_end").outcome == "result"
    assert len([event for event in told.sent if isinstance(event, ResponseCreate)]) >= 2


def test_it_asks_for_a_response_and_waits_for_its_end() -> None:
    async def use(session: RealtimeSession[Any]) -> str:
        handle = await session.respond(instructions="Say that this takes a while.")
        assert await handle.created() == "r2"
        return (await handle.done()).text

    told = talk_using(use, *reply("r2", "req_2", "a moment please"), *reply("r3", "req_3", "here it is"))
    assert told.outputs() == {"c1": "a moment please"}
    assert told.types().count("agent_end") == 3


def test_it_asks_for_a_response_out_of_band() -> None:
    async def use(session: RealtimeSession[Any]) -> str:
        handle = await session.respond(out_of_band=True, params=ResponseParams(output_modalities=("text",)))
        return (await handle.done()).status

    told = talk_using(use, *reply("r2", "req_2"), *reply("r3", "req_3"))
    assert told.outputs() == {"c1": "completed"}


@pytest.mark.parametrize("policy", ["finish", "cancel"])
def test_it_interrupts(policy: str) -> None:
    async def use(session: RealtimeSession[Any]) -> str:
        await session.interrupt()
        await trio.sleep(1)
        return "quiet now"

    told = talk_using(use, Pause(5), on_interruption=policy)
    end = told.one("tool_end")
    assert end.outcome == ("result" if policy == "finish" else "cancelled")
    assert not [event for event in told.sent if isinstance(event, ResponseCancel)], "there was nothing to cancel"


def test_it_interrupts_the_reply_that_called_it() -> None:
    script: list[Step] = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *speaks("r1", "a", "let me see", 5), *calls("r1", ("c1", "use", "{}"))]),
        Expect(ResponseCancel),
        Say([ends("r1", "cancelled", "client_cancelled")]),
        Pause(1),
    ]
    sessions: list[RealtimeSession[Any]] = []

    @function_tool(name_override="use")
    async def tool() -> str:
        await sessions[0].interrupt()
        return "quiet now"

    async def program(session: RealtimeSession[Any]) -> None:
        sessions.append(session)
        await session.send_message("hello")

    told = talk(RealtimeAgent(name="A", tools=[tool]), script, program)
    assert told.one("tool_end").outcome == "result"
    assert told.one("agent_end").status == "cancelled"
    assert told.types().count("audio_interrupted") == 1


def test_it_speaks_for_the_user() -> None:
    async def use(session: RealtimeSession[Any]) -> str:
        await session.send_audio(b"\0\0" * 24_000 * 60)
        await session.commit_audio()
        return "said"

    told = talk_using(use, Expect(InputAudioBufferCommit), *reply("r2", "req_2"))
    assert told.outputs() == {"c1": "said"}


def test_it_changes_the_agent() -> None:
    other: RealtimeAgent[Any] = RealtimeAgent(name="Other", instructions="Other.")
    told = talk_using(lambda session: session.update_agent(other), *reply("r2", "req_2"))
    assert told.one("handoff").to_agent is other
    kinds = [type(event) for event in told.sent]
    assert kinds[-3:] == [SessionUpdate, ConversationItemCreate, ResponseCreate]
    assert [event.agent.name for event in told.events if event.type == "agent_start"] == ["A", "Other"]


def test_it_approves_itself() -> None:
    async def use(session: RealtimeSession[Any]) -> str:
        with pytest.raises(ToolCallUnknown):
            await session.approve_tool_call("c1")
        return "nobody asked"

    assert talk_using(use, *reply("r2", "req_2")).outputs() == {"c1": "nobody asked"}


def test_it_opens_the_session_again() -> None:
    async def use(session: RealtimeSession[Any]) -> str:
        for opening in (session.enter(), session.__aenter__()):
            with pytest.raises(SessionClosed):
                await opening
        return "it is open"

    assert talk_using(use, *reply("r2", "req_2")).outputs() == {"c1": "it is open"}


async def test_it_reads_events_itself(autojump_clock: MockClock) -> None:
    """Events go to whoever takes them: none is given twice, and none is lost."""

    @function_tool(name_override="use")
    async def tool() -> str:
        while not taken or taken[-1].type != "tool_start":
            taken.append(await session.__anext__())
        return "so many"

    taken: list[Any] = []
    model = ScriptedModel([*CALLING, *reply("r2", "req_2"), HangUp()])
    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", tools=[tool])
    async with no_litter(), await RealtimeRunner(agent, model=model).run() as session:
        await session.send_message("hello")
        await trio.sleep(1)
        rest = [event async for event in session]
    types = [event.type for event in [*taken, *rest]]
    assert types.count("agent_start") == types.count("agent_end") == 2
    assert types.count("tool_start") == types.count("tool_end") == 1
    assert rest
