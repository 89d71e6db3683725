"""Guardrails, hooks and listeners that raise, hang or answer nonsense: the application hears of it, nobody else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

import pytest
import trio
from trio.testing import MockClock

from engine import RealtimeAgent, RealtimeRunner, RealtimeSession, ScriptedModel, function_tool
from engine.actors import isolation
from engine.agents.guardrail import (
    GuardrailFunctionOutput,
    ToolGuardrailFunctionOutput,
    output_guardrail,
    tool_input_guardrail,
    tool_output_guardrail,
)
from engine.agents.hooks import RealtimeAgentHooks
from engine.models.scripted import Expect, Pause, Say, Step
from engine.wire.client_events import ResponseCancel, ResponseCreate
from tests.properties.broken import swapped
from tests.session.litter import no_litter
from tests.session.someone_elses_end import someone_elses_cancellation
from tests.session.test_application import Told, say_hello, talk, tool_script
from tests.session.test_misbehaving_tools import Unspeakable
from tests.support.talk import begins, calls, ends, falls_silent, speaks

REPLY: list[Step] = [
    Expect(ResponseCreate),
    Say([begins("r1", "req_1"), *speaks("r1", "a", "hello there", 1), *falls_silent("r1", "a", "hello there")]),
    Say([ends("r1")]),
    Pause(1),
]

ERRORS: list[Callable[[], BaseException]] = [
    lambda: ValueError("out of cheese"),
    Unspeakable,
    lambda: SystemExit(2),
    asyncio.CancelledError,
    lambda: BaseExceptionGroup("all at once", [SystemExit(2), ValueError("x")]),
    GeneratorExit,
    someone_elses_cancellation,
    lambda: BaseExceptionGroup("all at once", [someone_elses_cancellation(), ValueError("x")]),
]
NAMES = ["error", "unspeakable", "exit", "asyncio", "group", "generator", "cancelled", "group with cancelled"]
every_error = pytest.mark.parametrize("make", ERRORS, ids=NAMES)
PASS = GuardrailFunctionOutput()
TRIP = GuardrailFunctionOutput(tripwire_triggered=True)


async def silence(session: RealtimeSession[Any]) -> None:
    """The user says nothing."""


def spoken(told: Told) -> int:
    return sum(len(event.data) for event in told.events if event.type == "audio")


def goes_well(told: Told, *, faults: int) -> None:
    """The reply was heard in full, whoever failed beside it."""
    assert spoken(told) == 48_000
    assert told.one("agent_end").status == "completed"
    assert told.types().count("error") == faults, [e.error for e in told.events if e.type == "error"]


# --- output guardrails


@every_error
@pytest.mark.parametrize("threaded", [False, True], ids=["async", "in a thread"])
def test_a_guardrail_that_raises_is_passed_over_and_the_next_one_asked(
    make: Callable[[], BaseException], threaded: bool
) -> None:
    def bad(ctx: Any, agent: Any, text: str) -> GuardrailFunctionOutput:
        raise make()

    async def bad_too(ctx: Any, agent: Any, text: str) -> GuardrailFunctionOutput:
        raise make()

    @output_guardrail
    async def good(ctx: Any, agent: Any, text: str) -> GuardrailFunctionOutput:
        asked.append(text)
        return PASS

    asked: list[str] = []
    guardrails = [output_guardrail(bad if threaded else bad_too), good]
    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", output_guardrails=guardrails)
    told = talk(agent, [*REPLY, Expect(object)] if threaded else REPLY, _until_asked(asked) if threaded else say_hello)
    goes_well(told, faults=1)
    assert asked == ["hello there"]


def test_an_engine_that_takes_every_cancellation_for_its_own_would_be_noticed() -> None:
    with swapped(isolation, "_is_our_end", lambda error, caller: True), pytest.raises(ExceptionGroup):
        test_a_guardrail_that_raises_is_passed_over_and_the_next_one_asked(someone_elses_cancellation, False)


def _until_asked(asked: list[str]) -> Any:
    async def program(session: RealtimeSession[Any]) -> None:
        await session.send_message("hello")
        while not asked:
            await trio.to_thread.run_sync(lambda: None)
        await session.send_event({"type": "input_audio_buffer.clear"})

    return program


@pytest.mark.parametrize("verdict", [None, True, "no", ToolGuardrailFunctionOutput()])
def test_a_guardrail_that_gives_no_verdict(verdict: object) -> None:
    @output_guardrail  # type: ignore[arg-type]
    async def vague(ctx: Any, agent: Any, text: str) -> object:
        return verdict

    told = talk(RealtimeAgent(name="A", output_guardrails=[vague]), REPLY, say_hello)
    goes_well(told, faults=1)
    assert "GuardrailFunctionOutput" in str(told.one("error").error)


def test_a_guardrail_that_hangs_delays_nothing() -> None:
    @output_guardrail
    async def hang(ctx: Any, agent: Any, text: str) -> GuardrailFunctionOutput:
        await trio.sleep_forever()
        return PASS

    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", output_guardrails=[hang])
    goes_well(talk(agent, REPLY, say_hello), faults=0)


async def test_closing_while_guardrails_hang() -> None:
    released = threading.Event()

    @output_guardrail
    def block(ctx: Any, agent: Any, text: str) -> GuardrailFunctionOutput:
        begun.append(text)
        released.wait()
        return PASS

    begun: list[str] = []
    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", output_guardrails=[block])
    config = {"guardrails_settings": {"debounce_text_length": 1}}
    try:
        with trio.fail_after(4):
            async with await RealtimeRunner(agent, model=ScriptedModel(REPLY), config=config).run() as session:
                await session.send_message("hello")
                async for event in session:
                    if event.type == "agent_end":
                        break
                while not begun:
                    await trio.to_thread.run_sync(lambda: None)
                begun_closing = trio.current_time()
            assert trio.current_time() - begun_closing < 2
    finally:
        released.set()


def test_a_verdict_that_comes_after_the_reply_still_interrupts() -> None:
    """The reply has ended, its audio is still being played: what was not heard is cut."""

    @output_guardrail
    async def slow(ctx: Any, agent: Any, text: str) -> GuardrailFunctionOutput:
        await trio.sleep(0.5)
        return TRIP

    script = [*REPLY, Expect(ResponseCreate), Say([begins("r2", "req_2"), ends("r2")])]
    told = talk(RealtimeAgent(name="A", output_guardrails=[slow]), script, say_hello)
    assert told.types().count("guardrail_tripped") == 1
    assert told.one("audio_interrupted").audio_end_ms == 500
    assert not [event for event in told.sent if isinstance(event, ResponseCancel)], "there is nothing to cancel"


def test_a_guardrail_that_trips_on_everything_does_not_argue_for_ever() -> None:
    @output_guardrail
    async def never(ctx: Any, agent: Any, text: str) -> GuardrailFunctionOutput:
        return TRIP

    script: list[Step] = []
    for n in range(1, 10):
        rid = f"r{n}"
        script += [
            Expect(ResponseCreate),
            Say([begins(rid, f"req_{n}"), *speaks(rid, f"i{n}", "no", 1), *falls_silent(rid, f"i{n}", "no")]),
            Say([ends(rid)]),
        ]
    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", output_guardrails=[never])
    model = ScriptedModel(script)
    tripped = []

    async def main() -> None:
        async with await RealtimeRunner(agent, model=model).run() as session:
            await session.send_message("hello")
            with trio.move_on_after(60):
                async for event in session:
                    if event.type == "guardrail_tripped":
                        tripped.append(event)

    trio.run(main, clock=MockClock(autojump_threshold=0))
    assert 2 <= len(tripped) <= 5


# --- guardrails of tools


@every_error
def test_a_guardrail_of_a_tool_that_raises_is_an_error_of_the_tool(make: Callable[[], BaseException]) -> None:
    @tool_input_guardrail
    async def bad(data: Any) -> ToolGuardrailFunctionOutput:
        raise make()

    @tool_output_guardrail
    def bad_too(data: Any) -> ToolGuardrailFunctionOutput:
        raise make()

    for options in ({"tool_input_guardrails": [bad]}, {"tool_output_guardrails": [bad_too]}):
        tool = function_tool(_add, **options)  # type: ignore[call-overload]
        agent: RealtimeAgent[Any] = RealtimeAgent(name="A", tools=[tool])
        told = talk(agent, tool_script(("c1", "_add", '{"a": 1, "b": 2}')), say_hello)
        assert told.one("tool_end").outcome == "error"
        assert "3" not in told.outputs()["c1"], "what was not checked is not shown"
        assert told.types().count("error") == 1


async def _add(a: int, b: int) -> int:
    return a + b


@every_error
def test_an_approval_function_that_raises_is_an_error_of_the_tool(make: Callable[[], BaseException]) -> None:
    def unsure(ctx: Any, args: Any, call_id: str) -> bool:
        raise make()

    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", tools=[function_tool(_add, needs_approval=unsure)])
    told = talk(agent, tool_script(("c1", "_add", '{"a": 1, "b": 2}')), say_hello)
    assert told.one("tool_end").outcome == "error"
    assert "tool_start" not in told.types()


# --- hooks

HOOKS = ["on_start", "on_end", "on_handoff", "on_tool_start", "on_tool_end"]


def hooks_with(name: str, method: Callable[..., Any]) -> RealtimeAgentHooks[Any]:
    kind = type("Hooks", (RealtimeAgentHooks,), {name: method})
    hooks: RealtimeAgentHooks[Any] = kind()
    return hooks


def everything(hooks: RealtimeAgentHooks[Any]) -> Told:
    """A conversation in which every hook is called: a tool, a handoff, a reply."""
    back: RealtimeAgent[Any] = RealtimeAgent(name="Back", hooks=hooks)
    front: RealtimeAgent[Any] = RealtimeAgent(name="Front", tools=[function_tool(_add)], handoffs=[back], hooks=hooks)
    wanted = ("c1", "_add", '{"a": 1, "b": 2}'), ("c2", "transfer_to_back", "{}")
    script = [
        Expect(ResponseCreate),
        Say([begins("r1", "req_1"), *calls("r1", *wanted), ends("r1")]),
        Expect(ResponseCreate),
        Say([begins("r2", "req_2"), *speaks("r2", "a", "yes", 1), *falls_silent("r2", "a", "yes"), ends("r2")]),
        Pause(1),
    ]
    return talk(front, script, say_hello)


@every_error
@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_raises(hook: str, make: Callable[[], BaseException]) -> None:
    async def bad(self: Any, *about: Any) -> None:
        raise make()

    told = everything(hooks_with(hook, bad))
    assert told.outputs() == {"c1": "3", "c2": '{"assistant":"Back"}'}
    assert spoken(told) == 48_000
    assert told.types().count("error") == (2 if hook in ("on_start", "on_end") else 1)


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_hangs(hook: str) -> None:
    async def hang(self: Any, *about: Any) -> None:
        await trio.sleep_forever()

    told = everything(hooks_with(hook, hang))
    assert told.outputs() == {"c1": "3", "c2": '{"assistant":"Back"}'}
    assert spoken(told) == 48_000
    assert "error" not in told.types()


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hook_that_is_not_async(hook: str) -> None:
    def plain(self: Any, *about: Any) -> None:
        called.append(about)

    def bad(self: Any, *about: Any) -> None:
        raise ValueError("out of cheese")

    called: list[Any] = []
    assert "error" not in everything(hooks_with(hook, plain)).types()
    assert len(called) == (2 if hook in ("on_start", "on_end") else 1)
    assert "error" in everything(hooks_with(hook, bad)).types()


def test_more_hooks_than_a_slow_one_lets_through_are_left_out_loudly() -> None:
    async def hang(self: Any, *about: Any) -> None:
        await trio.sleep_forever()

    script: list[Step] = []
    for n in range(200):
        script.append(Say([begins(f"r{n}"), ends(f"r{n}")]))
    agent: RealtimeAgent[Any] = RealtimeAgent(name="A", hooks=hooks_with("on_start", hang))
    told = talk(agent, script, silence)
    assert told.types().count("agent_end") == 200
    assert told.types().count("error") == 400 - 256 - 1


# --- listeners


@every_error
async def test_a_listener_that_raises(make: Callable[[], BaseException], autojump_clock: MockClock) -> None:
    def bad(event: Any) -> None:
        raise make()

    def good(event: Any) -> None:
        heard.append(event.type)

    heard: list[str] = []
    model = ScriptedModel(REPLY)
    model.add_listener(bad)
    model.add_listener(good)
    audio = errors = 0
    async with no_litter(), await RealtimeRunner(RealtimeAgent(name="A"), model=model).run() as session:
        await session.send_message("hello")
        async for event in session:
            audio += event.type == "audio"
            errors += event.type == "error"
            if event.type == "agent_end":
                break
    assert audio == 4
    assert errors == len(heard)
