"""Conversations as instants, with what is true of them: for tests of what is computed from instants."""

from __future__ import annotations

from collections.abc import Sequence

import attrs
from hypothesis import strategies as st

from engine.latency.instants import Instant, Value
from engine.latency.log import LogHeader, SessionLog, in_order

MS = 1_000_000
HEADER = LogHeader(session="s0001", clock="virtual")


def at(ms: float, kind: str, /, **fields: Value) -> Instant:
    """An instant at so many milliseconds."""
    return Instant(round(ms * MS), kind, fields)


def log_of(instants: Sequence[Instant]) -> SessionLog:
    """A log in memory."""
    return SessionLog(HEADER, in_order(instants))


@attrs.define
class Telling:
    """Tells a conversation: each method is something that happens, `passes` lets time pass."""

    now: float = 0.0
    instants: list[Instant] = attrs.field(factory=list)
    count: int = 0

    def passes(self, ms: float) -> None:
        """Time."""
        self.now += ms

    def tell(self, kind: str, /, **fields: Value) -> None:
        """Something happens now. (No two things happen at the same time: a nanosecond passes.)"""
        self.now += 1e-6
        self.instants.append(at(self.now, kind, **fields))

    def name(self, prefix: str) -> str:
        """A name that nothing else has."""
        self.count += 1
        return f"{prefix}{self.count}"

    def user_speaks(self, *, truth: bool, heard: bool, ms: float = 1500, **truths: Value) -> None:
        """The user says something; with `truth`, the line knows; with `heard`, the server hears."""
        item = self.name("user_")
        number = self.count
        if truth:
            self.tell("user.speech.start.truth", turn=number, text=f"words {number}", **truths)
        self.passes(200)
        if heard:
            self.tell("user.audio.sent", edge="first", item=item, bytes=960, position_ms=self.now)
            self.tell("server.speech_started", item=item, ms=round(self.now))
        self.passes(ms)
        if truth:
            self.tell("user.speech.end.truth", turn=number)
        self.passes(500)
        if heard:
            self.tell("user.audio.sent", edge="last", item=item, bytes=960, position_ms=self.now)
            self.tell("server.speech_stopped", item=item, ms=round(self.now))
            self.tell("user.committed", item=item)

    def agent_answers(self, *, source: str = "computed", calls: int = 0, audio: bool = True, cut: bool = False) -> None:
        """The agent answers: after so many calls, with a voice or in text."""
        response = self.name("response_")
        self.passes(20)
        self.tell("response.created", response=response, agent="Clerk")
        self.passes(100)
        names = [self.name("call_") for _ in range(calls)]
        for call in names:
            self.tell("tool.called", call=call, name="look_up", response=response)
            self.tell("tool.started", call=call)
        if calls:
            self.tell("response.done", response=response, status="completed", usage={"total_tokens": 5})
            self.passes(300)
            for call in names:
                self.tell("tool.ended", call=call, outcome="result")
                self.tell("tool.output_sent", call=call)
            self.tell("response.requested", token=(token := self.name("req_")))
            response = self.name("response_")
            self.passes(20)
            self.tell("response.created", response=response, agent="Clerk", token=token)
            self.passes(100)
        item = self.name("answer_")
        self.tell("response.first_token", response=response, item=item)
        if audio:
            self.tell("audio.first_received", response=response, item=item)
            self.tell("audio.first_taken", response=response, item=item)
            self.tell("audio.first_audible", response=response, item=item, ms=40)
            self.tell("playout.start", response=response, item=item, source=source)
            self.passes(40)
            self.tell("playout.audible", response=response, item=item, source=source)
            self.tell("audio.received", response=response, item=item, bytes=9600, deltas=5, jitter_ms=1.5)
        if cut:
            self.passes(300)
            self.tell("interrupt", response=response, item=item, heard_ms=340, cause="application")
            self.tell("cancel.sent", response=response)
            self.tell("interrupt.taken", response=response)
        if audio:
            self.passes(0 if cut else 2000)
            self.tell("playout.stop", response=response, item=item, source=source, ms=340 if cut else 2040)
        status = "cancelled" if cut else "completed"
        self.tell("response.done", response=response, status=status, usage={"total_tokens": 5})

    def user_types(self) -> None:
        """A typed message."""
        self.tell("user.text.sent", item=self.name("typed_"), respond=True)
        self.tell("response.requested", token=self.name("req_"))


@st.composite
def tellings(draw: st.DrawFn) -> list[Instant]:
    """A conversation of whatever turns, each answered or not."""
    telling = Telling()
    for _ in range(draw(st.integers(0, 6))):
        match draw(st.sampled_from(["speech", "text", "silence", "agent", "backchannel"])):
            case "speech":
                truth = draw(st.booleans())
                telling.user_speaks(truth=truth, heard=not truth or draw(st.booleans()), ms=draw(st.integers(50, 3000)))
            case "text":
                telling.user_types()
            case "silence":
                telling.tell("server.silence", item=telling.name("user_"))
            case "backchannel":
                telling.user_speaks(truth=True, heard=draw(st.booleans()), ms=150, purpose="backchannel")
            case _:
                pass
        if draw(st.booleans()):
            telling.agent_answers(
                source=draw(st.sampled_from(["computed", "reported", "measured"])),
                calls=draw(st.integers(0, 2)),
                audio=draw(st.booleans()),
                cut=draw(st.booleans()),
            )
        telling.passes(draw(st.integers(1, 5000)))
    if draw(st.booleans()):
        telling.tell("session.end", reason="closed")
    return telling.instants
