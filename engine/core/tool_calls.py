"""Tool calls: each starts at most once, ends exactly once, and has exactly one output on the wire.

    state     start     approval needed   approve   reject       done         cancel
    (none)    RUNNING   -                 -         -            -            -
    RUNNING   -         WAITING           -         -            DONE         DONE
    WAITING   -         -                 RUNNING   RUNNING      DONE         DONE
    DONE      -         -                 -         -            -            -

A dash is an input that changes nothing. A rejected call goes back to the executor, which ends it. A response that made
calls is answered once, when it has ended and the last of its calls is DONE: while the user speaks that is held. If the
application or a guardrail interrupted meanwhile, the next response sees the outputs that are there by then; only an
output that comes later than that next response asks for one of its own.

Calls of an out-of-band response are answered to its handle alone: nothing is asked for when they are DONE, and the
user's interruptions do not reach them, unless the response itself was cut off. The handle's end waits for them.
"""

from __future__ import annotations

from enum import Enum

import attrs

from engine.core.agent_spec import AgentSpec, ToolSpec
from engine.core.effects import HandleDone, ResponseToolCall
from engine.events import ToolOutcome


class CallState(Enum):
    """How far a call is."""

    RUNNING = "running"
    WAITING = "waiting"
    DONE = "done"


@attrs.define
class ToolCall:
    """One call the model made."""

    call_id: str
    name: str
    arguments: str
    response_id: str
    agent: AgentSpec
    tool: ToolSpec | None
    out_of_band: bool = False
    """It was made by an out-of-band response: the conversation has nothing of it."""
    state: CallState = CallState.RUNNING
    announced: bool = False
    """`tool_start` has been emitted."""
    output: str | None = None
    outcome: ToolOutcome | None = None

    @property
    def declared(self) -> object:
        """The tool as the application wrote it; None if there is none of that name."""
        return self.tool.declared if self.tool else None

    @property
    def cancels_on_interruption(self) -> bool:
        """Whether an interruption stops it."""
        return self.tool is not None and self.tool.on_interruption == "cancel"

    def result(self) -> ResponseToolCall:
        """Return what whoever holds the response's handle is told of it."""
        return ResponseToolCall(self.name, self.call_id, self.arguments, self.output, self.outcome)


@attrs.frozen
class _Standing:
    """What the application said with `always`, of one tool of one agent."""

    agent: object
    declared: object
    approved: bool
    message: str | None

    def is_about(self, call: ToolCall) -> bool:
        return self.agent is call.agent.agent and self.declared is call.declared


@attrs.define
class _Group:
    """The calls of one response, which are answered together."""

    calls: list[ToolCall] = attrs.field(factory=list)
    open: set[str] = attrs.field(factory=set)
    out_of_band: bool = False
    held: HandleDone | None = None
    """The end of the response, which its handle is told once the calls have ended."""
    response_ended: bool = False
    any_output: bool = False
    interrupted: bool = False
    seen_later: bool = False
    """Since the interruption another response has begun, without the outputs that were still missing."""
    missing_then: bool = False
    handed_off: bool = False

    def interrupt(self) -> None:
        self.interrupted, self.seen_later, self.missing_then = True, False, False


class ToolCalls:
    """Every call of the session that is not DONE, and what is remembered of those that are."""

    def __init__(self) -> None:
        self._calls: dict[str, ToolCall] = {}
        self._groups: dict[str, _Group] = {}
        self._seen: dict[str, None] = {}
        self._always: list[_Standing] = []

    def start(self, call: ToolCall) -> bool:
        """A call is complete. Returns whether it is new: a second call of the same id is never run."""
        if call.call_id in self._seen:
            return False
        self._seen[call.call_id] = None
        self._calls[call.call_id] = call
        group = self._groups.setdefault(call.response_id, _Group(out_of_band=call.out_of_band))
        group.out_of_band = call.out_of_band
        group.calls.append(call)
        group.open.add(call.call_id)
        return True

    def get(self, call_id: str) -> ToolCall | None:
        """A call that is not DONE."""
        return self._calls.get(call_id)

    def approval_needed(self, call_id: str) -> ToolCall | None:
        """The call's tool must not run unasked. Returns it if it is to wait."""
        call = self._calls.get(call_id)
        if call is None or call.state is not CallState.RUNNING:
            return None
        call.state = CallState.WAITING
        return call

    def standing_answer(self, call: ToolCall) -> tuple[bool, str | None] | None:
        """Return what the application said with `always` of this call's tool, as this agent's, if it did."""
        said = next((standing for standing in self._always if standing.is_about(call)), None)
        return (said.approved, said.message) if said is not None else None

    def decide(self, call_id: str, *, approved: bool, always: bool, message: str | None) -> ToolCall | None:
        """The application's answer. Returns the call if it was waiting."""
        call = self._calls.get(call_id)
        if call is None or call.state is not CallState.WAITING:
            return None
        if always:
            self._always = [standing for standing in self._always if not standing.is_about(call)]
            self._always.append(_Standing(call.agent.agent, call.declared, approved, message))
        call.state = CallState.RUNNING
        return call

    def done(self, call_id: str) -> ToolCall | None:
        """A call has its output. Returns it the first time."""
        call = self._calls.pop(call_id, None)
        if call is None:
            return None
        call.state = CallState.DONE
        group = self._groups[call.response_id]
        group.open.discard(call_id)
        group.any_output = True
        return call

    def waiting_for(self, response_id: str) -> bool:
        """Whether a response has calls that are not DONE: its outputs are answered together, after the last one."""
        group = self._groups.get(response_id)
        return group is not None and bool(group.open)

    def made_by(self, response_id: str) -> tuple[ResponseToolCall, ...]:
        """Return the calls of a response that is not answered yet, in the order they were made."""
        group = self._groups.get(response_id)
        return tuple(call.result() for call in group.calls) if group is not None else ()

    def hold(self, response_id: str, end: HandleDone) -> None:
        """Keep what a handle is to be told until the calls of its response have ended."""
        self._groups[response_id].held = end

    def held_for(self, handle_id: int) -> str | None:
        """Return the response whose calls a handle waits for, if it has ended and they have not."""
        for response_id, group in self._groups.items():
            if group.held is not None and group.held.handle_id == handle_id:
                return response_id
        return None

    def handle_due(self, response_id: str) -> HandleDone | None:
        """Return what the handle of a response is now told, if that was held. Returned at most once."""
        group = self._groups.get(response_id)
        if group is None or group.open or group.held is None:
            return None
        end, group.held = attrs.evolve(group.held, calls=self.made_by(response_id)), None
        return end

    def claim_handoff(self, response_id: str) -> bool:
        """Whether a handoff out of this response is the first."""
        group = self._groups.setdefault(response_id, _Group())
        first, group.handed_off = not group.handed_off, True
        return first

    def response_ended(self, response_id: str) -> None:
        """No more calls will come from this response."""
        if group := self._groups.get(response_id):
            group.response_ended = True

    def response_began(self) -> None:
        """Another response begins; it sees the outputs that are there, and no others."""
        for group in self._groups.values():
            if group.interrupted and not group.seen_later:
                group.seen_later = True
                group.missing_then = bool(group.open)

    def interrupted(self) -> None:
        """Give up the replies to all calls: the application interrupts."""
        for group in self._groups.values():
            if not group.out_of_band:
                group.interrupt()

    def stopped_by_interruption(self) -> list[ToolCall]:
        """Return the calls whose tools an interruption stops; those of an out-of-band response only if it was cut off
        itself."""
        return [call for call in self._calls.values() if call.cancels_on_interruption and self._is_reached(call)]

    def _is_reached(self, call: ToolCall) -> bool:
        group = self._groups[call.response_id]
        return group.interrupted or not group.out_of_band

    def response_stopped(self, response_id: str) -> list[ToolCall]:
        """Return the calls of an out-of-band response that are stopped with it: those whose tools declare it, and those
        that wait to be approved, which have not begun."""
        return [
            call
            for call in self._calls.values()
            if call.response_id == response_id and (call.cancels_on_interruption or call.state is CallState.WAITING)
        ]

    def response_interrupted(self, response_id: str) -> None:
        """A response that has not ended is cut off: what it has called, or will be seen to have called, is not answered
        by itself."""
        self._groups.setdefault(response_id, _Group()).interrupt()

    def answer_due(self, response_id: str) -> bool:
        """Whether the model should now be asked to go on with this response's outputs. True at most once."""
        group = self._groups.get(response_id)
        if group is None or group.open or not group.response_ended:
            return False
        del self._groups[response_id]
        if group.out_of_band or not group.any_output:
            return False
        return not group.interrupted or (group.seen_later and group.missing_then)

    def open(self) -> list[ToolCall]:
        """Every call that is not DONE, in the order they were made."""
        return list(self._calls.values())
