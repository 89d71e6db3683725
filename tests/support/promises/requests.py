"""Promise 4: `response.create` never while a response runs or the user speaks; once after parallel calls; a conflict is
retried, not lost."""

from __future__ import annotations

from collections import deque

import attrs

from engine.core.effects import HandleStatus
from engine.core.inputs import CancelHandle, Input, Interrupt, Respond, SendMessage
from engine.core.requests import TOKEN
from engine.core.waits import (
    OVERTAKEN_REQUEST,
    RESPONSE_BEGIN,
    RESPONSE_END,
    RESPONSE_PROGRESS,
    TURN_END,
    UNCLEAR_REFUSAL,
    Wait,
)
from engine.history import HistoryItem
from engine.wire.client_events import (
    ClientEvent,
    ConversationItemCreate,
    InputAudioBufferAppend,
    ResponseCancel,
    ResponseCreate,
)
from engine.wire.items import FunctionCall, FunctionCallOutput, Message
from engine.wire.response import Response, ResponseParams
from engine.wire.server_events import (
    ConversationItemAdded,
    ErrorEvent,
    InputAudioBufferCleared,
    InputAudioBufferCommitted,
    InputAudioBufferSpeechStarted,
    InputAudioBufferSpeechStopped,
    ResponseCreated,
    ResponseDone,
    ResponseOutputAudioDelta,
    ResponseOutputItemDone,
    ServerEvent,
)
from engine.wire.units import NS_PER_S
from tests.support.fake_server.records import Arrived, Began
from tests.support.fake_server.server import CONFLICT, Server
from tests.support.promises.base import Promise


@attrs.define
class _Calls:
    """The calls of one response."""

    began: int
    """At which step the response was asked for, or was said to have begun if it was not."""
    decided: int
    """At which step that may have been decided at the earliest."""
    made: set[str] = attrs.field(factory=set)
    answered: dict[str, int] = attrs.field(factory=dict)
    """At which step the output of each was sent."""
    over: bool = False
    counted: bool = False

    def complete(self) -> bool:
        return self.over and bool(self.made) and self.made == self.answered.keys()


@attrs.define
class _Cut:
    """The last time that something cut off what was wanted."""

    step: int = 0
    at: int = -1
    began: int | None = 0
    """At which step a response was next seen to begin."""

    def now(self, step: int, at: int) -> None:
        self.step, self.at, self.began = step, at, None


def _ns(wait: Wait) -> int:
    return round(wait.seconds * NS_PER_S)


class WhoMaySpeak(Promise):
    number = 4

    def __init__(self, far: Server, *, barge_in: bool, strict: bool) -> None:
        """
        Args:
            far: knows which responses it began by itself.
            barge_in: the user's voice interrupts.
            strict: what is sent was decided after everything that was told before (the bare machine). Otherwise
                only what was told at an earlier moment counts against it.
        """
        self._far = far
        self._barge_in = barge_in
        self._strict = strict
        self._steps = 0
        self._in_flight: str | None = None
        self._asked = 0
        """How many requests were sent and not refused."""
        self._asked_at: dict[str, int] = {}
        self._decided: dict[str, int] = {}
        """At which step each request may have been decided at the earliest: its way to the server is not observed."""
        self._given_up: set[str] = set()
        self._lost_from: int | None = None
        """When the request on its way may be thought lost."""
        self._spoken_over = False
        """The user has begun to speak since the request on its way was sent."""
        self._spoken_at = -1
        self._wishes = 0
        self._out_of_band = 0
        self._beside: dict[str, int] = {}
        """Out-of-band requests on their way, by token, and when each may be thought lost."""
        self._marked: set[str] = set()
        """Those of them whose metadata has the token."""
        self._running: dict[str, int] = {}
        self._cancelled: dict[str, int] = {}
        """When each response that runs was first cancelled."""
        self._may_be_unheard = False
        """There was audio since the user last began to speak."""
        self._speaking_since: int | None = None
        self._audio_sent = 0
        self._calls: dict[str, _Calls] = {}
        self._handles: dict[int, int] = {}
        self._answers: dict[int, HandleStatus] = {}
        self._dropped = _Cut()
        """The user interrupted: what was wanted before is not wanted any more."""
        self._excused = _Cut()
        """Something happened after which what was wanted before may have been dropped."""
        self._wanted_since: dict[str, int] = {}
        """At which step something came up that a response has to see: the making of a call, a message."""
        self._unread: set[str] = set()
        """What was sent and the server has not confirmed."""
        self._messages: deque[int | None] = deque()
        """Of each message that is not sent yet, at which step it came up; None if it needs no answer."""

    # --- what may be wanted

    def commanded(self, command: Input, at: int) -> None:
        self._steps += 1
        match command:
            case SendMessage(respond=respond):
                self._wishes += respond
                self._messages.append(self._steps if respond else None)
            case Respond(handle_id=handle_id, params=params):
                self._handles[handle_id] = self._steps
                if isinstance(params, ResponseParams) and params.conversation == "none":
                    self._out_of_band += 1
                else:
                    self._wishes += 1
            case Interrupt():
                self._dropped.now(self._steps, at)
                self._excused.now(self._steps, at)
            case CancelHandle():
                self._excused.now(self._steps, at)

    def objected(self, at: int) -> None:
        self._steps += 1
        self._wishes += 1
        self._excused.now(self._steps, at)

    def told(self, event: ServerEvent, at: int) -> None:
        self._steps += 1
        match event:
            case ResponseOutputAudioDelta():
                self._may_be_unheard = True
            case ResponseCreated(response=response):
                token = self._token(response)
                if response.conversation_id is None:
                    self._beside.pop(token or self._first_beside(), None)
                if token == self._in_flight or token in self._given_up:
                    self._in_flight = None  # the attempt that was made again has its answer: nobody waits for the other
                    self._wishes += self._spoken_over  # it is cancelled, and held
                if response.conversation_id is not None and token == "":
                    self._speaking_since = None
                if response.conversation_id is not None:
                    self._wishes += bool(self._unread)  # it has begun without them
                    for over in self._cancelled:
                        self._running.pop(over, None)  # else another one would not have begun
                    self._running[response.id] = at
                    since = self._asked_at.get(token, self._steps)
                    decided = self._decided.get(token, self._steps)
                    for cut, after in ((self._dropped, since), (self._excused, decided)):
                        if cut.began is None and after > cut.step:
                            cut.began = self._steps
                    self._calls[response.id] = _Calls(since, decided)
            case ConversationItemAdded(item=FunctionCallOutput(call_id=read) | Message(id=str(read))):
                self._unread.discard(read)
            case ResponseOutputItemDone(item=FunctionCall(call_id=call_id)) if event.response_id in self._calls:
                if event.item.status == "completed":
                    self._calls[event.response_id].made.add(call_id)
                    self._wanted_since[call_id] = self._calls[event.response_id].decided
            case ResponseDone(response=response):
                if self._running.pop(response.id, None) is not None and self._in_flight is not None:
                    self._may_be_lost(at, OVERTAKEN_REQUEST)
                if response.id in self._calls:
                    self._calls[response.id].over = True
                    self._count_complete_calls(at)
            case InputAudioBufferSpeechStarted():
                self._speaking_since = at
                if self._barge_in:
                    self._wishes += bool(self._running) or self._may_be_unheard  # a reply that nobody has heard
                    self._may_be_unheard = False
                    self._spoken_over, self._spoken_at = True, at
                    for response_id in self._running:
                        self._cancelled.setdefault(response_id, at)
            case InputAudioBufferSpeechStopped() | InputAudioBufferCommitted():
                self._speaking_since = None
                if self._running:
                    self._wishes += 1  # the server may fail to respond by itself
            case InputAudioBufferCleared():
                self._speaking_since = None
            case ErrorEvent(error=detail) if detail.code == CONFLICT:
                if detail.event_id is None:
                    self._wishes += 1
                    self._may_be_lost(at, OVERTAKEN_REQUEST)
                else:
                    self._asked -= detail.event_id == self._in_flight
                    self._in_flight = None
            case ErrorEvent(error=detail) if detail.event_id is not None and detail.event_id == self._in_flight:
                self._in_flight = None
            case ErrorEvent(error=detail) if detail.event_id is None:
                self._may_be_lost(at, UNCLEAR_REFUSAL)
                for token, lost_from in self._beside.items():
                    self._beside[token] = min(lost_from, at + _ns(UNCLEAR_REFUSAL))

    def _token(self, response: Response) -> str:
        """The token of the request that a response answers; empty for the server's own."""
        token = (response.metadata or {}).get(TOKEN, "")
        if token or response.conversation_id is None or self._in_flight is None:
            return token
        asked = any(each.response_id == response.id and not each.own for each in self._far.responses)
        return self._in_flight if asked else ""

    def _first_beside(self) -> str:
        """The out-of-band request that a response without a token answers: one without metadata, if there is one."""
        return next((token for token in self._beside if token not in self._marked), next(iter(self._beside), ""))

    def _may_be_lost(self, at: int, wait: Wait) -> None:
        """Something happened after which the request on its way is waited for so long and no longer."""
        due = at + _ns(wait)
        self._lost_from = due if self._lost_from is None else min(self._lost_from, due)

    def _count_complete_calls(self, at: int) -> None:
        for calls in self._calls.values():
            if calls.complete() and not calls.counted:
                calls.counted = True
                cut = self._dropped
                seen = cut.began is None or max(calls.answered.values()) < cut.began
                perhaps_before = not self._strict and cut.at == at
                if calls.began > cut.step or not seen or perhaps_before:
                    self._wishes += 1

    # --- what is sent

    def sent(self, event: ClientEvent, at: int) -> None:
        self._steps += 1
        match event:
            case ConversationItemCreate(item=FunctionCallOutput(call_id=call_id)):
                self._unread.add(call_id)
                for calls in self._calls.values():
                    if call_id in calls.made:
                        calls.answered[call_id] = self._steps
                if self._excused.began is not None:  # whatever that response read, it was not this
                    self._wanted_since[call_id] = self._steps
                self._count_complete_calls(at)
            case ConversationItemCreate(item=Message(id=str(item_id), role="user")):
                self._unread.add(item_id)
                since = self._messages.popleft()
                if since is not None:
                    self._wanted_since[item_id] = since
            case ResponseCreate(event_id=str(token), response=ResponseParams(conversation="none")):
                lost = next((known for known, lost_from in self._beside.items() if at >= lost_from), None)
                if lost is not None:
                    del self._beside[lost]
                else:
                    self._out_of_band -= 1
                self._beside[token] = at + _ns(RESPONSE_BEGIN)
                if TOKEN in (event.response.metadata or {}):
                    self._marked.add(token)
                if self._out_of_band < 0:
                    self.broken("an out-of-band response was asked for twice, or by nobody")
            case ResponseCreate(event_id=str(token)):
                self._create(token, at)
            case ResponseCancel(response_id=str(response_id)):
                self._cancelled.setdefault(response_id, at)
            case InputAudioBufferAppend():
                if at >= max(self._speaking_since or 0, self._audio_sent) + _ns(TURN_END):
                    self._speaking_since = None  # the turn has counted as ended since
                self._audio_sent = at

    def _create(self, token: str, at: int) -> None:
        if self._in_flight is not None and self._lost_from is not None and at >= self._lost_from:
            self._given_up.add(self._in_flight)
            self._in_flight = None
            self._asked -= 1
        if self._in_flight is not None:
            self.broken(f"{token} was sent while {self._in_flight} was on its way")
        for response_id, since in self._running.items():
            bound = self._cancelled.get(response_id, since + _ns(RESPONSE_PROGRESS)) + _ns(RESPONSE_END)
            if (self._strict or since < at) and at < bound:
                self.broken(f"{token} was sent while {response_id} ran")
        since = self._speaking_since
        spoke = since is not None and (self._strict or since < at)
        if since is not None and spoke and at < max(since, self._audio_sent) + _ns(TURN_END):
            self.broken(f"{token} was sent while the user was speaking")
        self._in_flight, self._spoken_over = token, not self._strict and self._spoken_at == at
        self._lost_from = None
        self._may_be_lost(at, RESPONSE_BEGIN)
        self._asked_at[token] = self._steps
        at_once = not self._strict and self._excused.at == at
        self._decided[token] = self._excused.step if at_once else self._steps
        self._asked += 1
        if self._asked > self._wishes:
            self.broken(f"{self._asked} responses were asked for, with reasons for {self._wishes}")

    # --- what becomes of it

    def answered(self, handle_id: int, status: HandleStatus) -> None:
        if handle_id in self._answers:
            self.broken(f"handle {handle_id} was settled twice")
        self._answers[handle_id] = status

    def settled(self, far: Server, history: list[HistoryItem]) -> None:
        for handle_id, since in self._handles.items():
            status = self._answers.get(handle_id)
            if status is None:
                self.broken(f"handle {handle_id} was never settled")
            if status == "superseded" and self._excused.step < since:
                self.broken(f"handle {handle_id} was superseded although nobody interrupted")
        began = [at for at, fact in enumerate(far.facts) if isinstance(fact, Began)]
        unseen = far.facts[began[-1] if began else 0 :]
        for fact in unseen:
            if isinstance(fact, Arrived) and self._excused.step < self._wanted_since.get(fact.what, 0):
                self.broken(f"no response has begun since {fact.what} arrived, and nobody interrupted")
