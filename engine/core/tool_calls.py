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
"""

from __future__ import annotations

from enum import Enum

import attrs

from engine.core.agent_spec import AgentSpec, ToolSpec


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
    state: CallState = CallState.RUNNING
    announced: bool = False
    """`tool_start` has been emitted."""

    @property
    def declared(self) -> object:
        """The tool as the application wrote it; None if there is none of that name."""
        return self.tool.declared if self.tool else None

    @property
    def cancels_on_interruption(self) -> bool:
        """Whether an interruption stops it."""
        return self.tool is not None and self.tool.on_interruption == "cancel"


@attrs.define
class _Group:
    """The calls of one response, which are answered together."""

    open: set[str] = attrs.field(factory=set)
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
        self._always: dict[str, tuple[bool, str | None]] = {}

    def start(self, call: ToolCall) -> bool:
        """A call is complete. Returns whether it is new: a second call of the same id is never run."""
        if call.call_id in self._seen:
            return False
        self._seen[call.call_id] = None
        self._calls[call.call_id] = call
        self._groups.setdefault(call.response_id, _Group()).open.add(call.call_id)
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

    def standing_answer(self, name: str) -> tuple[bool, str | None] | None:
        """What the application said with `always` for this tool, if it did."""
        return self._always.get(name)

    def decide(self, call_id: str, *, approved: bool, always: bool, message: str | None) -> ToolCall | None:
        """The application's answer. Returns the call if it was waiting."""
        call = self._calls.get(call_id)
        if call is None or call.state is not CallState.WAITING:
            return None
        if always:
            self._always[call.name] = (approved, message)
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
            group.interrupt()

    def stopped_by_interruption(self) -> list[ToolCall]:
        """Return the calls whose tools an interruption stops."""
        return [call for call in self._calls.values() if call.cancels_on_interruption]

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
        if not group.any_output:
            return False
        return not group.interrupted or (group.seen_later and group.missing_then)

    def open(self) -> list[ToolCall]:
        """Every call that is not DONE, in the order they were made."""
        return list(self._calls.values())
