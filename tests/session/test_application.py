"""What an application can do with a session, against a scripted server in virtual time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import attrs
import pytest
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel, function_tool, image, realtime_handoff
from engine.agents.hooks import RealtimeAgentHooks
from engine.errors import (
    AudioError,
    MessageError,
    ResponseFailed,
    SessionClosed,
    SessionNotOpen,
    SettingsError,
    ToolCallUnknown,
)
from engine.events import RealtimeSessionEvent
from engine.models.scripted import Expect, HangUp, Pause, Say, Step
from engine.wire.client_events import (
    ConversationItemCreate,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
    ResponseCancel,
    ResponseCreate,
    SessionUpdate,
)
from engine.wire.items import FunctionCallOutput
from engine.wire.response import ResponseParams
from engine.wire.server_events import ErrorDetail, ErrorEvent, SessionUpdated
from engine.wire.session import Audio, AudioInput, Session
from tests.support.talk import begins, calls, ends, falls_silent, speaks, user_starts, user_stops

Program = Callable[[RealtimeSession[Any]], Awaitable[None]]
MANUAL = SessionUpdated(Session(audio=Audio(input=AudioInput(turn_detection=None))))


@attrs.frozen
class Told:
    """What came of a conversation."""

    events: list[RealtimeSessionEvent]
    sent: list[Any]

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    def one(self, kind: str) -> Any:
        found = [event for event in self.events if event.type == kind]
        assert len(found) == 1, self.types()
        return found[0]

    def outputs(self) -> dict[str, str]:
        items = [event.item for event in self.sent if isinstance(event, ConversationItemCreate)]
        return {item.call_id: item.output for item in items if isinstance(item, FunctionCallOutput)}


def talk(agent: RealtimeAgent[Any], script: Sequence[Step], program: Program, *, context: object = None) -> Told:
    """Run `program` beside a reader of all events, until the script hangs up."""
    model = ScriptedModel([*script, Pause(60), HangUp()])
    events: list[RealtimeSessionEvent] = []

    async def read(session: RealtimeSession[Any]) -> None:
        async for event in session:
            events.append(event)

    async def main() -> None:
        session = await RealtimeRunner(agent, model=model).run(context=context)
        async with session, trio.open_nursery() as nursery:
            nursery.start_soon(read, session)
            await program(session)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    return Told(events, model.sent)


async def say_hello(session: RealtimeSession[Any]) -> None:
    await session.send_message("hello")


PLAIN: RealtimeAgent[Any] = RealtimeAgent(name="Plain", instructions="Be brief.")


# --- push to talk


def test_push_to_talk_keeps_audio_commit_and_request_in_order() -> None:
    script = [
        Expect(SessionUpdate),
        Say([MANUAL]),
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *speaks("r1", "a", "yes", 1), *falls_silent("r1", "a", "yes"), ends("r1")]),
    ]
    outcomes = []

    async def program(session: RealtimeSession[Any]) -> None:
        for _ in range(5):
            await session.send_audio(b"\0\0" * 480)
        await session.commit_audio()
        handle = await session.respond(instructions="In one word.", metadata={"why": "test"})
        assert await handle.created() == "r1"
        outcomes.append(await handle.done())

    told = talk(PLAIN, script, program)
    kinds = [type(event) for event in told.sent[1:]]
    assert kinds[-2:] == [InputAudioBufferCommit, ResponseCreate]
    assert sum(len(e.audio) for e in told.sent if isinstance(e, InputAudioBufferAppend)) == 5 * 960
    assert outcomes[0].status == "completed"
    assert outcomes[0].text.strip() == "yes"
    create = told.sent[-1]
    assert create.response.instructions == "In one word."
    assert create.response.metadata["why"] == "test"


def test_clear_audio_reaches_the_wire_after_the_audio() -> None:
    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_audio(b"\0\0" * 480)
        await session.clear_audio()

    told = talk(PLAIN, [Expect(SessionUpdate)], program)
    assert [type(event) for event in told.sent[-2:]] == [InputAudioBufferAppend, InputAudioBufferClear]


def test_send_audio_with_commit() -> None:
    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_audio(b"\0\0" * 10, commit=True)
        await session.send_audio(b"", commit=True)

    told = talk(PLAIN, [Expect(SessionUpdate)], program)
    assert [type(event) for event in told.sent[1:]] == [
        InputAudioBufferAppend,
        InputAudioBufferCommit,
        InputAudioBufferCommit,
    ]


# --- handles


def test_a_refused_request_fails_its_handle() -> None:
    refusal = ErrorEvent(ErrorDetail("invalid_request_error", "no such voice", "invalid_value", None, "req_1"))
    script = [Expect(ResponseCreate), Say([refusal])]

    async def program(session: RealtimeSession[Any]) -> None:
        handle = await session.respond()
        with pytest.raises(ResponseFailed, match="no such voice"):
            await handle.done()
        assert handle.status == "failed"

    told = talk(PLAIN, script, program)
    assert told.one("error").code == "invalid_value"


def test_a_request_that_is_interrupted_before_it_is_sent_is_superseded() -> None:
    script = [Expect(SessionUpdate), Say([user_starts()]), Pause(1)]

    async def program(session: RealtimeSession[Any]) -> None:
        await trio.sleep(0.5)
        handle = await session.respond()
        await session.interrupt()
        assert (await handle.done()).status == "superseded"
        assert await handle.created() is None

    told = talk(PLAIN, script, program)
    assert not [event for event in told.sent if isinstance(event, ResponseCreate)]


def test_cancelling_a_handle_stops_its_response() -> None:
    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *speaks("r1", "a", "a long story", 5)]),
        Expect(ResponseCancel),
        Say([ends("r1", "cancelled", "client_cancelled")]),
    ]

    async def program(session: RealtimeSession[Any]) -> None:
        handle = await session.respond()
        await handle.created()
        await trio.sleep(1)
        await handle.cancel()
        assert (await handle.done()).status == "cancelled"

    told = talk(PLAIN, script, program)
    assert told.one("audio_interrupted").audio_end_ms == 1000
    assert told.one("agent_end").reason == "client_cancelled"


def test_out_of_band_responses_run_beside_the_conversation() -> None:
    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *speaks("r1", "a", "story", 1)]),
        Expect(ResponseCreate, lambda event: event.response.conversation == "none"),
        Say([begins("r2", "req_2"), ends("r2"), ends("r1")]),
    ]

    async def program(session: RealtimeSession[Any]) -> None:
        await session.respond()
        await trio.sleep(0.1)
        await session.respond(out_of_band=True, params=ResponseParams(output_modalities=("text",)))

    told = talk(PLAIN, script, program)
    assert len([event for event in told.sent if isinstance(event, ResponseCreate)]) == 2


# --- tools


@function_tool
def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


@function_tool
async def explode() -> str:
    """Fail."""
    raise ValueError("out of cheese")


@function_tool(timeout=2)
async def hang() -> str:
    """Never return."""
    await trio.sleep_forever()
    return ""


@function_tool
def opaque() -> object:
    """Return something that has no JSON form."""
    return object()


@function_tool(needs_approval=True)
def pay(amount: int) -> str:
    """Pay."""
    return f"paid {amount}"


TOOLS: RealtimeAgent[Any] = RealtimeAgent(name="Tools", tools=[add, explode, hang, opaque, pay])


def tool_script(*wanted: tuple[str, str, str]) -> list[Step]:
    return [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", *wanted), ends("r1")]),
        Expect(ResponseCreate),
        Say([begins("r2", "req_2"), *speaks("r2", "a", "done", 0.1), *falls_silent("r2", "a", "done"), ends("r2")]),
    ]


@pytest.mark.parametrize(
    ("name", "arguments", "outcome", "words"),
    [
        ("add", '{"a": 2, "b": 3}', "result", "5"),
        ("add", '{"a": "two", "b": 3}', "error", "a"),
        ("add", "{}", "error", "a"),
        ("explode", "{}", "error", "out of cheese"),
        ("hang", "{}", "timeout", "2 seconds"),
        ("opaque", "{}", "error", "JSON"),
        ("nothing_like_it", "{}", "error", "no tool named 'nothing_like_it'"),
    ],
)
def test_every_way_a_tool_can_end_gives_the_model_words(name: str, arguments: str, outcome: str, words: str) -> None:
    told = talk(TOOLS, tool_script(("c1", name, arguments)), say_hello)
    end = told.one("tool_end")
    assert end.outcome == outcome
    assert words in end.output
    assert told.outputs() == {"c1": end.output}
    assert len([event for event in told.sent if isinstance(event, ResponseCreate)]) == 2


def test_parallel_calls_are_answered_once_after_the_last_output() -> None:
    slow = function_tool(_slow)
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Two", tools=[add, slow])
    told = talk(agent, tool_script(("c1", "add", '{"a":1,"b":1}'), ("c2", "_slow", "{}")), say_hello)
    tail = [type(event) for event in told.sent[-3:]]
    assert tail == [ConversationItemCreate, ConversationItemCreate, ResponseCreate]
    assert set(told.outputs()) == {"c1", "c2"}


async def _slow() -> str:
    await trio.sleep(3)
    return "slow"


def test_approval() -> None:
    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", ("c1", "pay", '{"amount":3}')), ends("r1")]),
        Expect(ResponseCreate),
        Say([begins("r2", "req_2"), *calls("r2", ("c2", "pay", '{"amount":4}')), ends("r2")]),
        Expect(ResponseCreate),
        Say([begins("r3", "req_3"), ends("r3")]),
    ]

    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_message("pay")
        await trio.sleep(1)
        with pytest.raises(ToolCallUnknown, match="c9"):
            await session.approve_tool_call("c9")
        await session.approve_tool_call("c1", always=True)

    told = talk(TOOLS, script, program)
    assert told.one("tool_approval_required").call_id == "c1"
    assert told.outputs() == {"c1": "paid 3", "c2": "paid 4"}


def test_rejection_has_words_for_the_model() -> None:
    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_message("pay")
        await trio.sleep(1)
        await session.reject_tool_call("c1", rejection_message="Not without a manager.")

    told = talk(TOOLS, tool_script(("c1", "pay", '{"amount":3}')), program)
    assert told.one("tool_end").outcome == "rejected"
    assert told.outputs() == {"c1": "Not without a manager."}
    assert "tool_start" not in told.types()


@function_tool(on_interruption="cancel")
async def lookup() -> str:
    """Look something up, slowly."""
    await trio.sleep(30)
    return "found"


def test_a_tool_that_declares_it_is_stopped_by_a_barge_in() -> None:
    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", ("c1", "lookup", "{}"), ("c2", "_slow", "{}")), ends("r1")]),
        Pause(1),
        Say([user_starts()]),
        Pause(1),
        Say(user_stops()),
        Say([begins("r2"), *speaks("r2", "a", "sorry", 0.1), *falls_silent("r2", "a", "sorry"), ends("r2")]),
        Expect(ResponseCreate),
        Say([begins("r3", "req_2"), ends("r3")]),
    ]
    agent: RealtimeAgent[Any] = RealtimeAgent(name="Slow", tools=[lookup, function_tool(_slow)])
    told = talk(agent, script, say_hello)
    ends_of = {event.call_id: event for event in told.events if event.type == "tool_end"}
    assert ends_of["c1"].outcome == "cancelled"
    assert ends_of["c2"].outcome == "result"
    assert told.outputs()["c2"] == "slow"


# --- agents


class Diary(RealtimeAgentHooks[Any]):
    def __init__(self) -> None:
        self.lines: list[str] = []

    async def on_start(self, ctx: Any, agent: RealtimeAgent[Any]) -> None:
        self.lines.append(f"start {agent.name}")

    async def on_end(self, ctx: Any, agent: RealtimeAgent[Any], output: str) -> None:
        self.lines.append(f"end {agent.name} {output.strip()}")

    async def on_handoff(self, ctx: Any, agent: RealtimeAgent[Any], source: RealtimeAgent[Any]) -> None:
        self.lines.append(f"handoff {source.name}->{agent.name}")

    async def on_tool_start(self, ctx: Any, agent: RealtimeAgent[Any], tool: Any) -> None:
        self.lines.append(f"tool {tool.name} {ctx.context}")

    async def on_tool_end(self, ctx: Any, agent: RealtimeAgent[Any], tool: Any, result: object) -> None:
        self.lines.append(f"tool {tool.name} = {result}")


def test_a_handoff_changes_settings_before_the_output_and_hooks_are_called() -> None:
    diary = Diary()
    billing: RealtimeAgent[Any] = RealtimeAgent(name="Billing", instructions="Bills.", tools=[add], hooks=diary)
    front: RealtimeAgent[Any] = RealtimeAgent(name="Front", handoffs=[realtime_handoff(billing)], hooks=diary)
    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", ("c1", "transfer_to_billing", "{}")), ends("r1")]),
        Expect(ResponseCreate),
        Say([begins("r2", "req_2"), *calls("r2", ("c2", "add", '{"a":1,"b":2}')), ends("r2")]),
        Expect(ResponseCreate),
        Say([begins("r3", "req_3"), *speaks("r3", "a", "three", 0.1), *falls_silent("r3", "a", "three"), ends("r3")]),
    ]
    told = talk(front, script, say_hello, context="ctx")
    handoff = told.one("handoff")
    assert (handoff.from_agent.name, handoff.to_agent.name) == ("Front", "Billing")
    updates = [at for at, event in enumerate(told.sent) if isinstance(event, SessionUpdate)]
    output = next(
        at for at, e in enumerate(told.sent)
        if isinstance(e, ConversationItemCreate) and isinstance(e.item, FunctionCallOutput)
    )  # fmt: skip
    create = [at for at, event in enumerate(told.sent) if isinstance(event, ResponseCreate)][1]
    assert updates[1] < output < create
    assert told.sent[updates[1]].session.instructions == "Bills."
    assert [event.agent.name for event in told.events if event.type == "agent_start"] == ["Front", "Billing", "Billing"]
    turns = [line for line in diary.lines if not line.startswith("tool")]
    assert turns == [
        "start Front", "end Front ", "handoff Front->Billing",
        "start Billing", "end Billing ", "start Billing", "end Billing three",
    ]  # fmt: skip
    assert [line for line in diary.lines if line.startswith("tool")] == ["tool add ctx", "tool add = 3"]


def test_update_agent() -> None:
    other: RealtimeAgent[Any] = RealtimeAgent(name="Other", instructions="Other.")

    async def program(session: RealtimeSession[Any]) -> None:
        await session.update_agent(other)
        await trio.sleep(1)
        assert session.agent is other
        with pytest.raises(SettingsError):
            await session.update_agent("other")  # type: ignore[arg-type]

    told = talk(PLAIN, [Expect(SessionUpdate)], program)
    assert told.sent[-1].session.instructions == "Other."


# --- bad input


def test_bad_input_is_refused_at_the_call() -> None:
    async def program(session: RealtimeSession[Any]) -> None:
        with pytest.raises(AudioError, match="3 bytes"):
            await session.send_audio(b"abc")
        with pytest.raises(AudioError, match="empty"):
            await session.send_audio(b"")
        for bad in (
            "",
            "  ",
            [],
            {"type": "input_video"},
            5,
            [{"type": "input_text"}],
            {"type": "message", "role": "x", "content": "a"},
        ):
            with pytest.raises(MessageError):
                await session.send_message(bad)  # type: ignore[arg-type]
        with pytest.raises(MessageError, match="neither"):
            image(b"GIF89a")
        with pytest.raises(MessageError, match="JSON"):
            await session.send_message("half a pair: \ud800")
        with pytest.raises(MessageError, match="JSON"):
            await session.send_event({"type": "session.update", "session": object()})

    told = talk(PLAIN, [Expect(SessionUpdate)], program)
    assert [type(event) for event in told.sent] == [SessionUpdate]


async def test_use_before_and_after(autojump_clock: MockClock) -> None:
    session = await RealtimeRunner(PLAIN, model=ScriptedModel()).run()
    with pytest.raises(SessionNotOpen):
        await session.send_audio(b"\0\0")
    with pytest.raises(SessionNotOpen):
        await session.__anext__()
    with pytest.raises(SessionNotOpen):
        _ = session.history
    await session.close()
    async with session:
        assert session.agent is PLAIN
    for use in (session.send_audio(b"\0\0"), session.send_message("x"), session.interrupt(), session.commit_audio()):
        with pytest.raises(SessionClosed):
            await use
    assert [event async for event in session] == []
    with pytest.raises(SessionClosed):
        await session.__aenter__()
    await session.close()


async def test_enter_and_close_without_a_block(autojump_clock: MockClock) -> None:
    session = await RealtimeRunner(PLAIN, model=ScriptedModel([Expect(SessionUpdate)])).run()
    assert await session.enter() is session
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_read_all, session)
        await trio.testing.wait_all_tasks_blocked()
        await session.close()


async def _read_all(session: RealtimeSession[Any]) -> None:
    async for _ in session:
        pass
