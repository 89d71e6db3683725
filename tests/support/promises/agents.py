"""Promise 5: a handoff changes settings before the output that triggers the next response; a call is answered by the
agent that was current when it was made."""

from __future__ import annotations

from collections.abc import Callable

from engine.events import AgentStart, Handoff, RealtimeSessionEvent, ToolEnd, ToolStart
from engine.wire.client_events import ClientEvent, ConversationItemCreate, SessionUpdate
from engine.wire.items import FunctionCall, FunctionCallOutput
from engine.wire.server_events import ResponseOutputItemDone, ServerEvent
from engine.wire.session import Session
from tests.support.fake_server.server import Server
from tests.support.promises.base import Promise

HANDOFF = "transfer_to_"
"""How the names of handoffs begin; the rest is the agent's name in lower case."""


class SettingsFirst(Promise):
    number = 5

    def __init__(self, far: Server, name_of: Callable[[object], str]) -> None:
        """
        Args:
            far: knows with whose instructions each response was really begun.
            name_of: an agent's name, which is also its instructions.
        """
        self._far = far
        self._name_of = name_of
        self._settings = ""
        self._handoffs: dict[str, str] = {}
        self._made_by: dict[str, str] = {}
        self._outputs: dict[str, str] = {}
        """The settings last sent when an output went out."""

    def told(self, event: ServerEvent, at: int) -> None:
        if isinstance(event, ResponseOutputItemDone) and isinstance(event.item, FunctionCall):
            call = event.item
            self._made_by[call.call_id] = self._really(event.response_id)
            if call.name.startswith(HANDOFF):
                self._handoffs[call.call_id] = call.name.removeprefix(HANDOFF)

    def sent(self, event: ClientEvent, at: int) -> None:
        match event:
            case SessionUpdate(session=Session(instructions=str(instructions))):
                self._settings = instructions
            case ConversationItemCreate(item=FunctionCallOutput(call_id=call_id)):
                self._outputs[call_id] = self._settings

    def seen(self, event: RealtimeSessionEvent, at: int) -> None:
        match event:
            case AgentStart(response_id=response_id):
                really, told = self._really(response_id), self._name_of(event.agent)
                if really not in ("", told):  # "": begun before anybody said how
                    self.broken(f"{response_id} is {really}'s, but {told} was said to begin")
            case ToolStart(call_id=call_id) | ToolEnd(call_id=call_id):
                answered_by = self._name_of(event.agent)
                if self._made_by.get(call_id, answered_by) != answered_by:
                    self.broken(f"{call_id} was made by {self._made_by[call_id]} and answered by {answered_by}")
                if isinstance(event, ToolEnd) and event.outcome == "result" and call_id in self._handoffs:
                    self._handed_off(call_id)
            case Handoff():
                if event.from_agent == event.to_agent:
                    return

    def _handed_off(self, call_id: str) -> None:
        if call_id in self._far.finished_calls(out_of_band=True):
            self.broken(f"the handoff {call_id} took place, which was called out of band")
        wanted = self._handoffs[call_id]
        if self._outputs.get(call_id, wanted).lower() != wanted:
            self.broken(f"the output of the handoff {call_id} went out before {wanted}'s settings")

    def _really(self, response_id: str) -> str:
        return next((each.agent for each in self._far.responses if each.response_id == response_id), "")
