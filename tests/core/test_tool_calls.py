"""Tool calls: every state with every input, and when the model is asked to go on."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.agent_spec import AgentSpec, ToolSpec
from engine.core.tool_calls import CallState, ToolCall, ToolCalls
from engine.wire.session import Session

AGENT = AgentSpec("a", "a", Session())
INPUTS = ("start", "approval_needed", "approve", "reject", "done", "interrupted")
STOPPABLE = ToolSpec("t", "function", "declared", "cancel")
LASTING = ToolSpec("t", "function", "declared")
NAMESAKE = ToolSpec("t", "function", "another")
OTHER = AgentSpec("a", "another of that name", Session())


def call(call_id: str = "c", response_id: str = "r", tool: ToolSpec | None = LASTING) -> ToolCall:
    return ToolCall(call_id, "t", "{}", response_id, AGENT, tool)


def in_state(state: CallState | None) -> ToolCalls:
    calls = ToolCalls()
    if state is not None:
        calls.start(call())
    if state is CallState.WAITING:
        calls.approval_needed("c")
    if state is CallState.DONE:
        calls.done("c")
    return calls


def put_in(calls: ToolCalls, what: str) -> bool:
    """Give an input; whether it changed anything."""
    match what:
        case "start":
            return calls.start(call())
        case "approval_needed":
            return calls.approval_needed("c") is not None
        case "approve" | "reject":
            return calls.decide("c", approved=what == "approve", always=False, message=None) is not None
        case "done":
            return calls.done("c") is not None
        case _:
            return bool(calls.stopped_by_interruption())


R, W, D = CallState.RUNNING, CallState.WAITING, CallState.DONE
NEXT = {
    (None, "start"): R,
    (R, "approval_needed"): W,
    (W, "approve"): R,
    (W, "reject"): R,  # the executor reports the end of a call that was rejected
    (R, "done"): D,
    (W, "done"): D,
}


def state_of(calls: ToolCalls) -> CallState | None:
    known = calls.get("c")
    if known is not None:
        return known.state
    return None if ToolCalls.start(calls, call()) else D


@pytest.mark.parametrize("state", [None, *CallState])
@pytest.mark.parametrize("what", INPUTS)
def test_every_pair(state: CallState | None, what: str) -> None:
    calls = in_state(state)
    changed = put_in(calls, what)
    expected = NEXT.get((state, what))  # type: ignore[arg-type]
    assert changed is (expected is not None)
    assert state_of(calls) is (state if expected is None else expected)


@pytest.mark.parametrize("tool", [None, LASTING, STOPPABLE])
def test_only_tools_that_declare_it_are_stopped(tool: ToolSpec | None) -> None:
    calls = ToolCalls()
    made = call(tool=tool)
    calls.start(made)
    assert calls.stopped_by_interruption() == ([made] if tool is STOPPABLE else [])
    assert made.declared == (tool.declared if tool else None)
    assert calls.open() == [made]


@pytest.mark.parametrize("approved", [True, False])
def test_a_standing_answer_holds_for_the_tool_of_the_agent(approved: bool) -> None:
    calls = in_state(W)
    assert calls.standing_answer(call()) is None
    calls.decide("c", approved=approved, always=True, message="because")
    assert calls.standing_answer(call("later")) == (approved, "because")
    assert calls.standing_answer(call(tool=NAMESAKE)) is None
    assert calls.standing_answer(call(tool=None)) is None
    assert calls.standing_answer(attrs.evolve(call(), agent=OTHER)) is None


def test_the_last_standing_answer_counts() -> None:
    calls = ToolCalls()
    for call_id in ("yes", "no"):
        calls.start(call(call_id))
        calls.approval_needed(call_id)
    for call_id in ("yes", "no"):
        calls.decide(call_id, approved=call_id == "yes", always=True, message=None)
    assert calls.standing_answer(call()) == (False, None)


def test_one_handoff_for_a_response() -> None:
    calls = ToolCalls()
    assert calls.claim_handoff("r")
    assert not calls.claim_handoff("r")
    assert calls.claim_handoff("s")


def test_a_response_waits_for_its_own_calls() -> None:
    calls = in_state(R)
    assert calls.waiting_for("r")
    assert not calls.waiting_for("s")
    calls.done("c")
    assert not calls.waiting_for("r")


def test_a_response_without_calls_is_not_answered() -> None:
    calls = ToolCalls()
    calls.response_ended("r")
    assert not calls.answer_due("r")


@given(st.permutations(["end", "c0", "c1", "c2"]))
def test_parallel_calls_are_answered_once_at_the_last_of_it_all(order: list[str]) -> None:
    calls = ToolCalls()
    for name in ("c0", "c1", "c2"):
        calls.start(call(name))
    due = []
    for what in order:
        if what == "end":
            calls.response_ended("r")
        else:
            calls.done(what)
        due.append(calls.answer_due("r"))
    assert due == [False, False, False, True]
    assert not calls.answer_due("r")


INTERRUPTED = {
    "i d e": False,  # nobody has spoken since: the reply waits for the user
    "d i e": False,
    "i d b e": False,  # the next response has read the output
    "i b d e": True,  # it came later than the next response
    "i b i d e": False,  # interrupted again
    "i b i b d e": True,
    "b i d e": False,
    "b d e": True,  # no interruption at all
}


@pytest.mark.parametrize(("story", "due"), INTERRUPTED.items())
@pytest.mark.parametrize("by_response", [False, True])
def test_an_interrupted_response_is_answered_only_if_a_later_one_missed_an_output(
    story: str, due: bool, by_response: bool
) -> None:
    calls = in_state(R)
    for step in story.split():
        match step:
            case "i" if by_response:
                calls.response_interrupted("r")
            case "i":
                calls.interrupted()
            case "b":
                calls.response_began()
            case "d":
                calls.done("c")
            case "e":
                calls.response_ended("r")
    assert calls.answer_due("r") is due


def test_a_call_that_is_seen_after_its_response_was_cut_off_is_not_answered_by_itself() -> None:
    calls = ToolCalls()
    calls.response_interrupted("r")
    calls.start(call())
    calls.response_ended("r")
    calls.done("c")
    assert not calls.answer_due("r")


def test_what_is_over_is_forgotten() -> None:
    calls = ToolCalls()
    for at in range(100):
        calls.start(call(f"c{at}", f"r{at}"))
        calls.response_ended(f"r{at}")
        calls.done(f"c{at}")
        calls.answer_due(f"r{at}")
    assert not calls._groups
    assert not calls._calls
