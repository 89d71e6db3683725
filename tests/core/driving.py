"""A machine driven by hand: inputs at given milliseconds in, everything it wants done collected by kind."""

from __future__ import annotations

from typing import Any, TypeVar

from engine.core.agent_spec import AgentSpec, ToolSpec
from engine.core.effects import Discard
from engine.core.inputs import AudioConsumed, Connected, Input
from engine.core.machine import Machine
from engine.core.playback import PlaybackLedger
from engine.core.state import Rules
from engine.events import Audio, RealtimeSessionEvent
from engine.wire.client_events import ClientEvent
from engine.wire.server_events import SessionUpdated
from engine.wire.session import Session, format_of

MS = 1_000_000
E = TypeVar("E")
W = TypeVar("W")

TOOL = ToolSpec("tool", "function", "the tool")
STOPPABLE = ToolSpec("stoppable", "function", "the stoppable one", "cancel")
AGENT = AgentSpec("front", "front", Session(instructions="front"), {"tool": TOOL, "stoppable": STOPPABLE})
OTHER = AgentSpec("back", "back", Session(instructions="back"))


class Driven:
    """The machine, and all effects so far."""

    def __init__(
        self,
        agent: AgentSpec = AGENT,
        *,
        reported: bool = False,
        opened: bool = True,
        confirmed: bool = True,
        **rules: Any,
    ) -> None:
        """
        Args:
            agent: who speaks first.
            reported: the application reports playback.
            opened: the connection stands, and the agent's settings are sent.
            confirmed: the server has confirmed them.
            rules: see `Rules`.
        """
        ledger = PlaybackLedger(format_of(agent.session.audio_output), reported=reported)
        self.machine = Machine(Rules(context="ctx", **rules), agent, ledger)
        self.now = 0
        self.events: list[RealtimeSessionEvent | Discard] = []
        self.wire: list[ClientEvent] = []
        self.tools: list[Any] = []
        self.checks: list[Any] = []
        self.handles: list[Any] = []
        self.heard: list[Any] = []
        self.told: list[Any] = []
        self.formats: list[Any] = []
        if opened:
            self.tell(Connected(agent), *([SessionUpdated(agent.session)] if confirmed else []))
            self.forget()

    def tell(self, *given: Input, at_ms: int | None = None) -> Driven:
        """Give inputs, all at one time."""
        if at_ms is not None:
            self.now = at_ms * MS
        for one in given:
            self.machine.handle(one, self.now)
        effects = self.machine.take_effects()
        for name in type(effects).__struct_fields__:
            getattr(self, name).extend(getattr(effects, name))
        return self

    def take_audio(self, at_ms: int | None = None) -> None:
        """The application takes all audio that there has been."""
        taken = [event for event in self.events if isinstance(event, Audio)]
        self.events = [event for event in self.events if not isinstance(event, Audio)]
        if at_ms is not None:
            self.now = at_ms * MS
        for event in taken:
            self.tell(AudioConsumed(event.response_id, event.item_id, event.content_index, len(event.data), self.now))

    def forget(self) -> Driven:
        """What has happened so far does not matter."""
        for name in ("events", "wire", "tools", "checks", "handles", "formats"):
            getattr(self, name).clear()
        return self

    def seen(self, kind: type[E]) -> list[E]:
        """The application's events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def sent(self, kind: type[W]) -> list[W]:
        """The client events of a kind."""
        return [event for event in self.wire if isinstance(event, kind)]

    def types(self) -> list[str]:
        """What the application has seen, by name; `discard` where audio was taken back."""
        return ["discard" if isinstance(event, Discard) else event.type for event in self.events]
