"""Promise 3: a call starts at most once, ends exactly once, and has exactly one output on the wire."""

from __future__ import annotations

from collections import Counter

from engine.events import RealtimeSessionEvent, ToolApprovalRequired, ToolEnd, ToolStart
from engine.history import HistoryItem
from engine.wire.client_events import ClientEvent, ConversationItemCreate
from engine.wire.items import FunctionCallOutput
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

    def invoked(self, call_id: str) -> None:
        self._invoked[call_id] += 1
        if self._invoked[call_id] > 1:
            self.broken(f"{call_id} was run twice")

    def sent(self, event: ClientEvent, at: int) -> None:
        if isinstance(event, ConversationItemCreate) and isinstance(event.item, FunctionCallOutput):
            call_id = event.item.call_id
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
        unknown = [complaint for complaint in far.complaints if "output" in complaint]
        if unknown:
            self.broken(unknown[0])

    def ended(self) -> None:
        if missing := (self._started | self._asked | self._outputs.keys()) - self._ends.keys():
            self.broken(f"no tool_end of {sorted(missing)}")
