"""Promise 3: a call starts at most once, ends exactly once, and has exactly one output on the wire; the output of an
out-of-band response's call goes to the response's handle instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from engine.core.effects import ResponseToolCall
from engine.core.inputs import CancelHandle, Input
from engine.events import GuardrailTripped, RealtimeSessionEvent, ToolApprovalRequired, ToolEnd, ToolStart
from engine.history import HistoryItem
from engine.wire.client_events import ClientEvent, ConversationItemCreate, ResponseCancel
from engine.wire.items import FunctionCall, FunctionCallOutput
from engine.wire.server_events import ResponseCreated, ResponseOutputItemDone, ServerEvent
from tests.support.fake_server.server import Server
from tests.support.promises.base import Promise


class OneOutputEach(Promise):
    number = 3

    def __init__(self) -> None:
        self._invoked: Counter[str] = Counter()
        self._outputs: dict[str, str] = {}
        self._started: set[str] = set()
        self._ends: dict[str, ToolEnd] = {}
        self._asked: set[str] = set()
        self._outside: set[str] = set()
        """Out-of-band responses."""
        self._outside_calls: dict[str, str] = {}
        """Complete calls of these, and their responses."""
        self._answered: set[str] = set()
        """Out-of-band responses whose handles were told of their calls."""
        self._reported: dict[str, ResponseToolCall] = {}
        self._cut_outside = False
        """An out-of-band response may have been cut off: not all that it calls is run."""

    def commanded(self, command: Input, at: int) -> None:
        self._cut_outside = self._cut_outside or isinstance(command, CancelHandle)

    def told(self, event: ServerEvent, at: int) -> None:
        match event:
            case ResponseCreated(response=response) if response.conversation_id is None:
                self._outside.add(response.id)
            case ResponseOutputItemDone(item=FunctionCall(call_id=call_id, status="completed")):
                if event.response_id in self._outside:
                    self._outside_calls[call_id] = event.response_id

    def reported(self, response_id: str, calls: Sequence[ResponseToolCall]) -> None:
        if response_id not in self._outside:
            return
        self._answered.add(response_id)
        if unfinished := [call.call_id for call in calls if call.output is None]:
            self.broken(f"the handle of {response_id} was told of its end, but {unfinished} still run")
        known = {call.call_id for call in calls}
        made = {call_id for call_id, maker in self._outside_calls.items() if maker == response_id}
        if not self._cut_outside and known != made:
            self.broken(f"{response_id} called {sorted(made)}, but its handle was told of {sorted(known)}")
        self._reported.update((call.call_id, call) for call in calls)

    def invoked(self, call_id: str) -> None:
        self._invoked[call_id] += 1
        if self._invoked[call_id] > 1:
            self.broken(f"{call_id} was run twice")

    def sent(self, event: ClientEvent, at: int) -> None:
        if isinstance(event, ResponseCancel) and event.response_id in self._outside:
            self._cut_outside = True  # the guardrails object to it
        if isinstance(event, ConversationItemCreate) and isinstance(event.item, FunctionCallOutput):
            call_id = event.item.call_id
            if call_id in self._outside_calls:
                self.broken(f"an output in the conversation for {call_id}, which was called out of band")
            if call_id in self._outputs:
                self.broken(f"a second output for {call_id}")
            self._outputs[call_id] = event.item.output

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        match event:
            case ToolStart(call_id=call_id):
                if call_id in self._started:
                    self.broken(f"tool_start of {call_id} twice")
                if call_id in self._ends:
                    self.broken(f"tool_start of {call_id} after its end")
                self._started.add(call_id)
            case ToolEnd(call_id=call_id):
                if call_id in self._ends:
                    self.broken(f"tool_end of {call_id} twice")
                self._ends[call_id] = event
                if self._outputs.get(call_id, event.output) != event.output:
                    self.broken(f"{call_id} ended with one output and sent another")
                told = self._reported.get(call_id)
                if told is not None and (told.output, told.outcome) != (event.output, event.outcome):
                    self.broken(f"{call_id} ended with one output and its handle was told another")
            case GuardrailTripped(response_id=response_id) if response_id in self._outside:
                self._cut_outside = True
            case ToolApprovalRequired(call_id=call_id):
                if call_id in self._asked or call_id in self._started or call_id in self._ends:
                    self.broken(f"approval of {call_id} was asked for too late or twice")
                self._asked.add(call_id)

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        for call_id in far.finished_calls():
            if call_id not in self._outputs:
                self.broken(f"{call_id} was never answered")
            if call_id not in self._ends:
                self.broken(f"{call_id} has no tool_end")
        if not self._cut_outside and (missing := self._outside_calls.keys() - self._ends.keys()):
            self.broken(f"no tool_end of {sorted(missing)}, which were called out of band")
        failed = {response.response_id for response in far.responses if response.status == "failed"}
        if missing := set(self._outside_calls.values()) - self._answered - failed:
            self.broken(f"the handles of {sorted(missing)} were never told of their calls")
        unknown = [complaint for complaint in far.complaints if "output" in complaint]
        if unknown:
            self.broken(unknown[0])

    def ended(self) -> None:
        if missing := (self._started | self._asked | self._outputs.keys()) - self._ends.keys():
            self.broken(f"no tool_end of {sorted(missing)}")
