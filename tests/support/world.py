"""A machine and everything around it, without an event loop: the server, the application, tools and guardrails.

Every step is one method call, and nothing happens by itself, so that a test (or Hypothesis) decides the order of
everything: when what is under way arrives in either direction, when tools report, when the application takes events,
how time passes. All promises are watched; `check` raises the first objection.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Literal

import attrs

from engine.core.agent_spec import AgentSpec, ToolSpec
from engine.core.effects import (
    AnswerApproval,
    CancelCall,
    CheckText,
    CheckWork,
    Discard,
    HandleCreated,
    StartCall,
    ToolWork,
)
from engine.core.inputs import (
    ApprovalNeeded,
    AudioConsumed,
    AudioSent,
    Command,
    Connected,
    DecideCall,
    Disconnected,
    GuardrailVerdict,
    Input,
    Report,
    TimePassed,
    ToolDone,
    ToolRunning,
)
from engine.core.machine import Machine
from engine.core.playback import PlaybackLedger
from engine.core.state import Rules
from engine.errors import EngineError
from engine.events import Audio, AudioEnd, GuardrailResult, RealtimeSessionEvent
from engine.history import HistoryItem
from engine.wire.client_events import (
    ClientEvent,
    InputAudioBufferAppend,
    InputAudioBufferClear,
    InputAudioBufferCommit,
)
from engine.wire.formats import PCM16
from engine.wire.server_events import ServerEvent
from engine.wire.session import Audio as AudioSettings
from engine.wire.session import AudioInput, AudioOutput, ServerVad, Session
from tests.support.fake_server.aliases import Aliases
from tests.support.fake_server.records import BYTES_PER_MS, Quirks
from tests.support.fake_server.server import Server
from tests.support.promises.agents import HANDOFF
from tests.support.promises.watch import Watch

STEP = 20
"""The debounce length of the guardrails, in characters: a few words."""
TRIPPED = (GuardrailResult(guardrail=None, name="no"),)
MOST_ROUNDS = 500


@attrs.frozen
class Setting:
    """How a world is arranged."""

    creates: bool = True
    """The server responds to the user's speech by itself."""
    interrupts: bool = True
    """The user's voice interrupts."""
    vad: bool = True
    """The server hears when the user speaks; otherwise the application says so."""
    quirks: Quirks = Quirks()  # noqa: RUF009 - frozen
    instant: bool = False
    """Whatever is sent arrives at once, both ways."""


def agent(name: str, setting: Setting) -> AgentSpec:
    """An agent whose instructions are its name, with one tool of each kind and a way to every other agent."""
    vad = ServerVad(create_response=setting.creates, interrupt_response=setting.interrupts) if setting.vad else None
    tools = {
        "plain": ToolSpec("plain", "function", None),
        "stoppable": ToolSpec("stoppable", "function", None, "cancel"),
        "guarded": ToolSpec("guarded", "function", None),
    }
    for other in ("front", "back"):
        tools[HANDOFF + other] = ToolSpec(HANDOFF + other, "handoff", None)
    audio = AudioSettings(AudioInput(turn_detection=vad), AudioOutput(format=PCM16, speed=1.0))
    return AgentSpec(name, name, Session(instructions=name, audio=audio), tools)


class World:
    """One conversation in slow motion."""

    def __init__(self, setting: Setting = Setting(), machine: Callable[..., Machine] = Machine) -> None:
        self.setting = setting
        self.agents = {name: agent(name, setting) for name in ("front", "back")}
        self.far = Server(setting.quirks)
        self.aliases = Aliases(setting.quirks)
        self.watch = Watch(self.far, barge_in=setting.interrupts, machine_only=True, step=STEP, name_of=str)
        rules = Rules(context=None, debounce_length=STEP, server_interrupts=not setting.quirks.never_cancels)
        self.machine = machine(rules, self.agents["front"], PlaybackLedger())
        self.now = 0
        self.up: deque[ClientEvent] = deque()
        self.down: deque[ServerEvent] = deque()
        self.feed: deque[RealtimeSessionEvent] = deque()
        self.tools: dict[str, StartCall] = {}
        self.asking: dict[str, StartCall] = {}
        self.asked: set[str] = set()
        """Calls that have been approved or not, or will be."""
        self.reports: deque[Report] = deque()
        self.texts: dict[str, str] = {}
        self.handles = 0
        self.audio_sent_ns: int | None = None
        self._created: dict[int, str] = {}
        self._taken: list[AudioConsumed] = []
        self.handle(Connected(self.agents["front"]))
        self.deliver()

    def check(self) -> None:
        """Raise the first objection, if there is one."""
        self.watch.history(self.history())
        self.watch.check()

    def history(self) -> list[HistoryItem]:
        """The conversation as the application sees it, by the server's true ids."""
        return [self.aliases.shown(item) for item in self.machine.history]

    # --- the machine

    def handle(self, given: Input) -> None:
        """Give the machine an input, as the router does, and carry out what it leads to."""
        for taken in self._taken:
            self.machine.handle(taken, taken.at_ns)
        self._taken = []
        self.watch.commanded(given, self.now)
        self.machine.handle(given, self.now)
        effects = self.machine.take_effects()
        for handle in effects.handles:
            if isinstance(handle, HandleCreated):
                self._created[handle.handle_id] = self.aliases.true(handle.response_id)
            else:
                self.watch.reported(self._created.get(handle.handle_id), self.aliases.called(handle.calls))
                self.watch.answered(handle.handle_id, handle.status)
        for event in effects.events:
            self._feed(event)
        for event_sent in effects.wire:
            sent = self.aliases.sent(event_sent, effects.told)
            self.watch.sent(sent, self.now)
            self.up.append(sent)
        for work in effects.tools:
            self._work(work)
        for check in effects.checks:
            self._check(check)
        wake_at = self.machine.wake_at()
        assert wake_at is None or wake_at > self.now, "a router would wake up again and again"

    def _feed(self, event: RealtimeSessionEvent | Discard) -> None:
        if isinstance(event, Discard):
            kept = (each for each in self.feed if not _is_audio_of(each, event.response_id))
            self.feed = deque(kept)
        else:
            self.feed.append(event)

    def _work(self, work: ToolWork) -> None:
        match work:
            case StartCall(call_id=call_id):
                self.watch.invoked(self.aliases.true(call_id))
                self.tools[call_id] = work
            case CancelCall(call_id=call_id):
                self.tools.pop(call_id, None)
                self.asking.pop(call_id, None)
            case AnswerApproval(call_id=call_id) if call_id in self.asking:
                call = self.asking.pop(call_id)
                if work.approved:
                    self.tools[call_id] = call
                    self.reports.append(ToolRunning(call_id))
                else:
                    self.reports.append(ToolDone(call_id, "rejected", "no"))

    def _check(self, work: CheckWork) -> None:
        if isinstance(work, CheckText):
            self.watch.checked(work.text)
            self.texts[work.response_id] = work.text

    # --- what is under way

    def deliver_down(self, most: int = 1_000_000) -> None:
        """So many events of the server arrive."""
        self.down.extend(self.far.out)
        self.far.out.clear()
        for _ in range(min(most, len(self.down))):
            event = self.down.popleft()
            self.watch.told(event, self.now)
            for heard in self.aliases.heard(event):
                self.handle(heard)

    def deliver_up(self, most: int = 1_000_000) -> None:
        """So many client events arrive."""
        for _ in range(min(most, len(self.up))):
            self.far.take(self.up.popleft())

    def deliver_reports(self, most: int = 1_000_000) -> None:
        """So many reports of the actors arrive."""
        for _ in range(min(most, len(self.reports))):
            self.handle(self.reports.popleft())

    def deliver(self) -> None:
        """Whatever is under way arrives, and what that leads to."""
        while self.up or self.down or self.far.out or self.reports:
            self.deliver_up()
            self.deliver_down()
            self.deliver_reports()

    def after(self) -> None:
        """What every step ends with."""
        if self.setting.instant:
            self.deliver()

    # --- the application

    def command(self, command: Command) -> None:
        """The application asks for something."""
        self.handle(command)

    def end_turn(self, what: Literal["commit", "clear"]) -> None:
        """The application has sent audio, and says that it is a turn, or none at all."""
        self.handle(AudioSent(what))
        end = InputAudioBufferCommit() if what == "commit" else InputAudioBufferClear()
        self.audio_sent_ns = self.now
        for event in (InputAudioBufferAppend(bytes(100 * BYTES_PER_MS)), end):
            self.watch.sent(event, self.now)
            self.up.append(event)

    def take(self, most: int = 1_000_000) -> None:
        """The application takes so many events."""
        for _ in range(min(most, len(self.feed))):
            event = self.feed.popleft()
            if isinstance(event, Audio):
                size = len(event.data)
                self._taken.append(AudioConsumed(event.response_id, event.item_id, event.content_index, size, self.now))
            self.watch.seen(self.aliases.seen(event), self.now)

    def next_handle(self) -> int:
        """A number for a response that the application asks for."""
        self.handles += 1
        return self.handles

    # --- tools and guardrails

    def tool_asks(self, call_id: str) -> None:
        """A call must be approved first."""
        self.asking[call_id] = self.tools.pop(call_id)
        self.asked.add(call_id)
        self.reports.append(ApprovalNeeded(call_id))

    def tool_ends(self, call_id: str) -> None:
        """A call begins to run and comes to its end; a handoff leads to its agent."""
        call = self.tools.pop(call_id)
        next_agent = self.agents.get(call.name.removeprefix(HANDOFF))
        self.reports.append(ToolRunning(call_id))
        self.reports.append(ToolDone(call_id, "result", f"{call_id} is done", next_agent))

    def verdict(self, response_id: str, *, tripped: bool) -> None:
        """The guardrails have read a text."""
        text = self.texts.pop(response_id)
        if tripped:
            self.watch.objected(self.now)
        self.handle(GuardrailVerdict(response_id, text, TRIPPED if tripped else ()))

    # --- time and the end

    def passes(self, ns: int) -> None:
        """Time passes; the machine is woken when it asked to be."""
        until = self.now + ns
        while (wake_at := self.machine.wake_at()) is not None and wake_at <= until:
            self.now = wake_at
            self.handle(TimePassed(self.audio_sent_ns))
        self.now = until

    def settle(self) -> None:
        """Everybody finishes what they have begun, until nothing happens any more. Then every promise is judged."""
        for _ in range(MOST_ROUNDS):
            self.deliver()
            self.check()
            if not self._goes_on():
                break
        else:
            raise AssertionError(f"the conversation does not come to rest within {MOST_ROUNDS} rounds")
        self.watch.settled(self.history())
        self.check()

    def _goes_on(self) -> bool:
        if self.feed:
            self.take()
        elif self.far.speaking is not None:
            self.far.user_stops()
        elif running := self.far.running():
            self.far.ends(running[0], "completed")
        elif self.asking:
            self.command(DecideCall(next(iter(self.asking)), approved=True))
        elif self.tools:
            self.tool_ends(next(iter(self.tools)))
        elif self.texts:
            self.verdict(next(iter(self.texts)), tripped=False)
        elif (wake_at := self.machine.wake_at()) is not None:
            self.passes(wake_at - self.now)
        else:
            return bool(self.up or self.down or self.far.out or self.reports)
        return True

    def end(self, error: EngineError | None = None) -> None:
        """The session ends, and the application takes what is left."""
        self.handle(Disconnected(error))
        self.feed = deque(event for event in self.feed if not isinstance(event, Audio | AudioEnd))
        self.take()
        self.watch.ended()
        self.check()


def _is_audio_of(event: RealtimeSessionEvent, response_id: str) -> bool:
    return isinstance(event, Audio | AudioEnd) and event.response_id == response_id
