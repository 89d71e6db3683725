"""The turns of a call and their times, computed from its events and nothing else.

A turn begins with the caller's voice (or a typed line) and has everything that the agent does until the next one. Its
clock starts where the caller really fell silent: at the last audible sample of what was put on the line, which the
program knows because it put it there. A microphone gives no such truth; then the clock starts at the far end's own
`user_speech_stopped`, and the table says so. Times are signed: an agent that speaks too early gets a negative one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import median

import attrs

from engine.agents.agent import RealtimeAgent
from engine.caller.call_events import (
    CallBegan,
    CallerSpeechBegan,
    CallerSpeechEnded,
    CallerTyped,
    CallEvent,
    PlaybackBegan,
    PlaybackEnded,
)
from engine.clock import NS
from engine.events import (
    AgentStart,
    Audio,
    ToolEnd,
    ToolStart,
    TranscriptDone,
    UserSpeechStarted,
    UserSpeechStopped,
)

GREETING = "(the call begins)"


@attrs.frozen(kw_only=True)
class TurnRow:
    """One turn. Times are in seconds; None: it did not happen."""

    caller: str
    agents: tuple[str, ...]
    """Who answered, in order."""
    tools: tuple[str, ...]
    tools_s: float
    """How long tools ran, together."""
    noticed_s: float | None
    """From the end of the caller's speech to `user_speech_stopped`."""
    first_audio_s: float | None
    """From there to the first `audio` event of the answer."""
    heard_s: float | None
    """From there to the first audible sample of the answer that is played."""
    spoke_s: float
    """How long the answer was played."""
    cut: bool
    """The answer was interrupted."""
    yielded_s: float | None
    """From the first audible sample of the caller, who interrupted, to the agent's silence."""


@attrs.frozen
class Turns:
    """All turns of a call."""

    rows: tuple[TurnRow, ...]
    truth: bool
    """Whether it is known when the caller really stopped speaking."""

    @property
    def asked(self) -> Sequence[TurnRow]:
        """The turns that the caller began."""
        return [row for row in self.rows if row.caller != GREETING]

    @property
    def heard(self) -> Sequence[float]:
        """How long the caller waited for a sound, turn by turn, where one came."""
        return [row.heard_s for row in self.asked if row.heard_s is not None]

    @property
    def summary(self) -> str:
        """One sentence: how many turns were answered, and how fast. A turn without an answer has no time."""
        asked, heard = len(self.asked), self.heard
        if not asked:
            return "The caller said nothing."
        answered = f"{len(heard)} of {asked} turns were answered aloud"
        if not heard:
            return f"{answered}."
        return f"{answered}, after {median(heard):.2f} s (median) and {max(heard):.2f} s (longest)."


@attrs.define
class _Turn:
    began_ns: int
    ended_ns: int | None
    text: str = ""
    said: str | None = None
    agents: list[str] = attrs.field(factory=list)
    tools: list[str] = attrs.field(factory=list)
    tools_ns: int = 0
    noticed_ns: int | None = None
    first_audio_ns: int | None = None
    heard_ns: int | None = None
    played_ms: int = 0
    cut: bool = False
    yielded_ns: int | None = None

    def row(self) -> TurnRow:
        start = self.ended_ns
        return TurnRow(
            caller=self.text or self.said or "",
            agents=tuple(dict.fromkeys(self.agents)),
            tools=tuple(self.tools),
            tools_s=self.tools_ns / NS,
            noticed_s=_since(start, self.noticed_ns),
            first_audio_s=_since(start, self.first_audio_ns),
            heard_s=_since(start, self.heard_ns),
            spoke_s=self.played_ms / 1000,
            cut=self.cut,
            yielded_s=_since(self.began_ns, self.yielded_ns),
        )


def turns(events: Iterable[CallEvent]) -> Turns:
    """The turns in `events`, in order."""
    events = list(events)
    reader = _Reader(truth=not any(isinstance(event, UserSpeechStarted) for event in events) or any(
        isinstance(event, CallerSpeechBegan) for event in events
    ))  # fmt: skip
    for event in events:
        reader.take(event)
    rows = [turn.row() for turn in reader.turns if turn.text != GREETING or turn.agents]
    return Turns(tuple(rows), reader.truth)


class _Reader:
    """Puts each event where it belongs."""

    def __init__(self, *, truth: bool) -> None:
        self.truth = truth
        self.turns: list[_Turn] = []
        self._of_response: dict[str, _Turn] = {}
        self._of_item: dict[str, _Turn] = {}
        self._of_call: dict[str, tuple[_Turn, int]] = {}

    def take(self, event: CallEvent) -> None:
        match event:
            case CallBegan():
                self.turns.append(_Turn(event.at_ns, event.at_ns, GREETING))
            case CallerSpeechBegan():
                self.turns.append(_Turn(event.at_ns, None, said=event.text))
            case CallerSpeechEnded() if self.turns:
                self.turns[-1].ended_ns = event.at_ns
            case CallerTyped():
                self.turns.append(_Turn(event.at_ns, event.at_ns, event.text))
            case UserSpeechStarted() | UserSpeechStopped() | TranscriptDone(role="user"):
                self._user(event)
            case AgentStart() if self.turns:
                self._of_response[event.response_id] = self.turns[-1]
                self.turns[-1].agents.append(_name(event.agent))
            case ToolStart() if self.turns:
                self._of_call[event.call_id] = (self.turns[-1], event.at_ns)
                self.turns[-1].tools.append(event.name)
            case ToolEnd() if event.call_id in self._of_call:
                turn, began_ns = self._of_call[event.call_id]
                turn.tools_ns += event.at_ns - began_ns
            case Audio() | PlaybackBegan() | PlaybackEnded():
                self._sound(event)

    def _user(self, event: UserSpeechStarted | UserSpeechStopped | TranscriptDone) -> None:
        if isinstance(event, UserSpeechStarted):
            if not self.truth:
                self.turns.append(_Turn(event.at_ns, None))
            if self.turns:
                self._of_item[event.item_id] = self.turns[-1]
            return
        if (turn := self._of_item.get(event.item_id)) is None:
            return
        if isinstance(event, TranscriptDone):
            turn.text = " ".join(filter(None, (turn.text, event.transcript)))
        elif self.truth:
            turn.noticed_ns = event.at_ns
        else:
            turn.ended_ns = event.at_ns

    def _sound(self, event: Audio | PlaybackBegan | PlaybackEnded) -> None:
        if (turn := self._of_response.get(event.response_id)) is None:
            return
        match event:
            case Audio():
                turn.first_audio_ns = event.at_ns if turn.first_audio_ns is None else turn.first_audio_ns
            case PlaybackBegan():
                turn.heard_ns = event.at_ns if turn.heard_ns is None else turn.heard_ns
            case PlaybackEnded():
                turn.played_ms += event.played_ms
                if event.interrupted:
                    turn.cut = True
                    if turn is not self.turns[-1]:
                        self.turns[-1].yielded_ns = event.at_ns


def _since(start_ns: int | None, at_ns: int | None) -> float | None:
    return None if start_ns is None or at_ns is None else (at_ns - start_ns) / NS


def _name(agent: object) -> str:
    return agent.name if isinstance(agent, RealtimeAgent) else str(agent)
