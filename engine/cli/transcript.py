"""The transcript of a call: what was said and done, in order, each entry growing until it is settled.

Everything that shows a call reads this: the screen draws the entries that still grow and prints those that are
settled, the text file is all of them. Entries stand in the order in which they began.
"""

from __future__ import annotations

from typing import Literal

import attrs

from engine.agents.agent import RealtimeAgent
from engine.caller.call_events import (
    CallBegan,
    CallEnded,
    CallerSpeechBegan,
    CallerTyped,
    CallEvent,
    CallNote,
    PlaybackBegan,
    PlaybackEnded,
)
from engine.caller.output_format import OutputFormat
from engine.events import (
    AgentEnd,
    AgentStart,
    Audio,
    AudioEnd,
    AudioInterrupted,
    Error,
    GuardrailTripped,
    Handoff,
    HistoryUpdated,
    ToolApprovalRequired,
    ToolEnd,
    ToolOutcome,
    ToolStart,
    TranscriptDelta,
    TranscriptDone,
    TranscriptionFailed,
    UserSpeechStarted,
)
from engine.history import AssistantAudio, AssistantMessage, HistoryItem

NoteKind = Literal["note", "guardrail", "error"]


@attrs.define(kw_only=True)
class TranscriptEntry:
    """One line of the transcript. `settled`: it changes no more."""

    at_ns: int
    settled: bool = False


@attrs.define(kw_only=True)
class CallerSaid(TranscriptEntry):
    """Something the caller said or typed, as the server understood it."""

    said: str | None = None
    """What was really said, if that is known."""
    item_id: str | None = None
    heard: str = ""
    problem: str | None = None
    """Why there are no words."""
    typed: bool = False


@attrs.define(kw_only=True)
class AgentSaid(TranscriptEntry):
    """Something the agent said."""

    agent: str
    item_id: str
    response_id: str
    text: str = ""
    complete: bool = False
    """All of the text has come."""
    received_ms: float = 0.0
    audio_complete: bool = False
    audible: bool = False
    """It is being played."""
    stopped: bool = False
    """Its playback was cut."""
    heard_text: str | None = None
    """After an interruption: the part of the text that had been heard."""


@attrs.define(kw_only=True)
class CutShort(TranscriptEntry):
    """The agent was interrupted."""

    agent: str
    item_id: str
    heard_ms: int
    received_ms: int
    heard: str
    unheard: str


@attrs.define(kw_only=True)
class ToolCalled(TranscriptEntry):
    """A tool or a handoff was called."""

    agent: str
    name: str
    call_id: str
    arguments: str
    output: str | None = None
    outcome: ToolOutcome | None = None
    took_ns: int = 0


@attrs.define(kw_only=True)
class HandedOver(TranscriptEntry):
    """Another agent took over."""

    from_agent: str
    to_agent: str


@attrs.define(kw_only=True)
class Noted(TranscriptEntry):
    """Something else that a reader should know."""

    kind: NoteKind
    text: str


class Transcript:
    """Turns events into entries."""

    def __init__(self) -> None:
        self.entries: list[TranscriptEntry] = []
        self.began_ns = 0
        self._output_format = OutputFormat()
        self._agents: dict[str, str] = {}
        self._said: dict[str, AgentSaid] = {}
        self._heard: dict[str, CallerSaid] = {}
        self._calls: dict[str, ToolCalled] = {}

    def on_event(self, event: CallEvent) -> None:
        """Something happened."""
        self._output_format.on_event(event)
        match event:
            case CallBegan():
                self.began_ns = event.at_ns
            case CallerSpeechBegan() | CallerTyped() | UserSpeechStarted():
                self._caller_begins(event)
            case TranscriptDelta() | TranscriptDone():
                self._words(event)
            case TranscriptionFailed():
                if entry := self._heard.get(event.item_id):
                    entry.problem, entry.settled = event.error.message or "not transcribed", True
            case AgentStart() | AgentEnd() | AudioInterrupted():
                self._response(event)
            case Audio() | AudioEnd() | PlaybackBegan() | PlaybackEnded():
                self._sound(event)
            case HistoryUpdated():
                self._cut(event.item, event.at_ns)
            case ToolStart() | ToolEnd():
                self._tool(event)
            case Handoff():
                names = _name(event.from_agent), _name(event.to_agent)
                self._add(HandedOver(at_ns=event.at_ns, from_agent=names[0], to_agent=names[1], settled=True))
            case GuardrailTripped() | ToolApprovalRequired() | Error() | CallNote():
                self._note(event)
            case CallEnded():
                self._settle_all()

    def _add(self, entry: TranscriptEntry) -> None:
        self.entries.append(entry)

    # --- the caller

    def _caller_begins(self, event: CallerSpeechBegan | CallerTyped | UserSpeechStarted) -> None:
        if isinstance(event, UserSpeechStarted):
            last = next((each for each in reversed(self.entries) if isinstance(each, CallerSaid)), None)
            if last is None or last.item_id is not None or last.typed or last.settled:
                last = CallerSaid(at_ns=event.at_ns)
                self._add(last)
            last.item_id = event.item_id
            self._heard[event.item_id] = last
            return
        for entry in self.entries:
            if isinstance(entry, CallerSaid) and not entry.settled:
                entry.settled = True
        if isinstance(event, CallerTyped):
            self._add(CallerSaid(at_ns=event.at_ns, said=event.text, heard=event.text, typed=True, settled=True))
        else:
            self._add(CallerSaid(at_ns=event.at_ns, said=event.text))

    # --- words

    def _words(self, event: TranscriptDelta | TranscriptDone) -> None:
        if event.role == "user":
            if heard := self._heard.get(event.item_id):
                if isinstance(event, TranscriptDelta):
                    heard.heard += event.delta
                else:
                    heard.heard, heard.settled = event.transcript, True
            return
        entry = self._agent_says(event.item_id, event.response_id or "", event.at_ns)
        if isinstance(event, TranscriptDelta):
            entry.text += event.delta
        else:
            entry.text, entry.complete = event.transcript, True

    def _agent_says(self, item_id: str, response_id: str, at_ns: int) -> AgentSaid:
        if (entry := self._said.get(item_id)) is None:
            name = self._agents.get(response_id, "agent")
            entry = self._said[item_id] = AgentSaid(at_ns=at_ns, agent=name, item_id=item_id, response_id=response_id)
            self._add(entry)
        return entry

    # --- the agent

    def _response(self, event: AgentStart | AgentEnd | AudioInterrupted) -> None:
        if isinstance(event, AgentStart):
            self._agents[event.response_id] = _name(event.agent)
            for entry in self._said.values():
                entry.settled = entry.settled or entry.stopped
            return
        for entry in self._said.values():
            if entry.response_id == event.response_id and not entry.received_ms:
                entry.complete = entry.settled = True
        if isinstance(event, AgentEnd) and event.status in ("failed", "incomplete"):
            why = (event.error.message if event.error else None) or event.reason or "no reason given"
            kind: NoteKind = "error" if event.status == "failed" else "note"
            self._add(Noted(at_ns=event.at_ns, kind=kind, text=f"the response is {event.status}: {why}", settled=True))

    def _sound(self, event: Audio | AudioEnd | PlaybackBegan | PlaybackEnded) -> None:
        if isinstance(event, Audio):
            entry = self._agent_says(event.item_id, event.response_id, event.at_ns)
            entry.received_ms += 1000 * len(event.data) / self._output_format.current.bytes_per_second
            return
        if (found := self._said.get(event.item_id)) is None:
            return
        if isinstance(event, AudioEnd):
            found.audio_complete = True
        elif isinstance(event, PlaybackBegan):
            found.audible = True
        else:
            found.audible, found.stopped = False, event.interrupted
            if not event.interrupted:
                found.settled = True
                self._settle_caller_before(found)

    def _cut(self, item: HistoryItem, at_ns: int) -> None:
        if not isinstance(item, AssistantMessage) or (entry := self._said.get(item.item_id)) is None:
            return
        for part in item.content:
            if not isinstance(part, AssistantAudio) or part.audio_end_ms is None or entry.heard_text is not None:
                continue
            entry.heard_text = part.heard or ""
            entry.text, entry.complete, entry.settled = part.transcript or entry.text, True, True
            self._add(
                CutShort(
                    at_ns=at_ns,
                    agent=entry.agent,
                    item_id=entry.item_id,
                    heard_ms=part.audio_end_ms,
                    received_ms=round(entry.received_ms),
                    heard=part.heard or "",
                    unheard=part.unheard or "",
                    settled=True,
                )
            )

    # --- everything else

    def _tool(self, event: ToolStart | ToolEnd) -> None:
        if (entry := self._calls.get(event.call_id)) is None:
            entry = self._calls[event.call_id] = ToolCalled(
                at_ns=event.at_ns,
                agent=_name(event.agent),
                name=event.name,
                call_id=event.call_id,
                arguments=event.arguments,
            )
            self._add(entry)
        if isinstance(event, ToolEnd):
            entry.output, entry.outcome, entry.settled = event.output, event.outcome, True
            entry.took_ns = event.at_ns - entry.at_ns

    def _note(self, event: GuardrailTripped | ToolApprovalRequired | Error | CallNote) -> None:
        kind: NoteKind = "note"
        match event:
            case GuardrailTripped():
                names = ", ".join(result.name for result in event.guardrail_results)
                kind, text = "guardrail", f"{names} stopped the agent"
            case ToolApprovalRequired():
                text = f"{event.name}({event.arguments}) needs approval"
            case Error():
                kind, text = "error", str(event.error)
            case CallNote():
                text = event.text
        self._add(Noted(at_ns=event.at_ns, kind=kind, text=text, settled=True))

    def _settle_caller_before(self, spoken: AgentSaid) -> None:
        """An answer that has been heard to its end leaves no hope for the words of the question."""
        for entry in self.entries:
            if entry is spoken:
                return
            if isinstance(entry, CallerSaid):
                entry.settled = True

    def _settle_all(self) -> None:
        for entry in self.entries:
            entry.settled = True
            if isinstance(entry, AgentSaid):
                entry.complete = True


def _name(agent: object) -> str:
    return agent.name if isinstance(agent, RealtimeAgent) else str(agent)
