"""A whole session in virtual time, as data: agents, tools and guardrails, what the application does, what the server
does, how far apart they are, and in which order trio runs the tasks. `play` runs it under the watch of all promises."""

from __future__ import annotations

from typing import Any

import attrs
import trio
from trio.testing import MockClock

from engine import (
    GuardrailFunctionOutput,
    RealtimeAgent,
    RealtimeRunner,
    RealtimeSession,
    function_tool,
    output_guardrail,
    realtime_handoff,
)
from engine.agents.context import RunContext, ToolContext
from engine.agents.guardrail import OutputGuardrail
from engine.agents.tool import FunctionTool
from engine.clock import now_ns
from engine.core.inputs import AudioSent, CancelHandle, Interrupt, Respond, SendMessage, SendRaw, UpdateSettings
from engine.errors import EngineError, ResponseFailed, SessionClosed, ToolCallUnknown, TransportLost
from engine.events import RealtimeSessionEvent, ToolApprovalRequired
from engine.models.interface import ModelCapabilities
from engine.session.messages import user_message
from engine.session.response_handle import ResponseHandle
from engine.settings import session_settings
from engine.wire.client_events import RawClientEvent
from engine.wire.response import ResponseParams
from engine.wire.struct import UNSET
from tests.support.fake_server.model import FarScript, Later, ServerModel
from tests.support.fake_server.records import BYTES_PER_MS, Quirks
from tests.support.fake_server.server import Server
from tests.support.promises.agents import HANDOFF
from tests.support.promises.watch import Watch
from tests.support.schedule import scheduled

Agent = RealtimeAgent[Any]
LONG = 120.0
"""Seconds after which whatever was going on is over."""
MOST_ROUNDS = 30
HANGS = 10_000.0
"""Seconds that no scene takes: a session that waits for ever jumps to this moment, and fails."""
Session = RealtimeSession[Any]

# --- what the application does


@attrs.frozen
class Says:
    """Sends a message; `remark` wants no answer."""

    remark: bool = False


@attrs.frozen
class Asks:
    """Asks for a response, and holds a handle."""

    out_of_band: bool = False


@attrs.frozen
class Cancels:
    """Cancels the response that it asked for last."""


@attrs.frozen
class Interrupts:
    """Interrupts."""


@attrs.frozen
class ChangesAgent:
    """Makes an agent the current one."""

    name: str


@attrs.frozen
class SendsAudio:
    """Sends microphone audio."""

    ms: int
    commit: bool = False


@attrs.frozen
class ClearsAudio:
    """Takes back what was sent."""


@attrs.frozen
class ChangesSettings:
    """Changes how fast the agent speaks; `raw` with a client event of its own."""

    speed: float
    raw: bool = False


Move = Says | Asks | Cancels | Interrupts | ChangesAgent | ChangesSettings | SendsAudio | ClearsAudio


@attrs.frozen
class Scene:
    """Everything that is decided before a session begins."""

    far: FarScript = FarScript()  # noqa: RUF009 - frozen
    quirks: Quirks = Quirks()  # noqa: RUF009 - frozen
    moves: tuple[Later[Move], ...] = ()
    creates: bool = True
    interrupts: bool = True
    tool_ms: int = 50
    """How long the slow tools take; the others are done at once."""
    approves: bool = True
    decides_after_ms: int = 20
    guardrail_ms: int = 0
    forbidden: int = 0
    """Every so-many-th word of the model's is one too much; 0: none is."""
    step: int = 20
    reads_every_ms: int = 0
    """How long the application takes over each event."""
    schedule: tuple[int, ...] | int = ()
    """A plan for the scheduler, or the seed of its generator."""


@attrs.define
class PlayedScene:
    """What came of a scene."""

    watch: Watch
    model: ServerModel
    events: list[RealtimeSessionEvent] = attrs.field(factory=list)
    """What the application has seen."""
    error: EngineError | None = None
    over: bool = False
    """The application has been told that there are no more events."""


def play(scene: Scene, *, settle: bool = True) -> PlayedScene:
    """Run a scene to its end, and raise the first objection of the watch.

    Args:
        scene: what is to happen.
        settle: let everything come to rest before the session is closed, and judge what is true then; otherwise it is
            closed right after the application's last move.
    """
    far = Server(scene.quirks)
    watch = Watch(far, barge_in=scene.interrupts, machine_only=False, step=scene.step, name_of=lambda agent: agent.name)
    capabilities = ModelCapabilities(interrupts_on_speech=not scene.quirks.never_cancels)
    with scheduled(scene.schedule):
        played = trio.run(_Stage(scene, far, watch, capabilities).run, settle, clock=MockClock(autojump_threshold=0))
    watch.check()
    return played


class _Stage:
    """One performance."""

    def __init__(self, scene: Scene, far: Server, watch: Watch, capabilities: ModelCapabilities) -> None:
        self._scene = scene
        self._far = far
        self._watch = watch
        self._model = ServerModel(
            far,
            scene.far,
            capabilities=capabilities,
            on_sent=lambda event: watch.sent(event, now_ns()),
            on_delivered=watch.delivered,
        )
        self._model.add_listener(lambda event: watch.told(event, now_ns()))
        self._agents = _agents(scene, watch)
        self._handles: list[ResponseHandle] = []

    async def run(self, settle: bool) -> PlayedScene:
        with trio.fail_after(HANGS):
            return await self._perform(settle)

    async def _perform(self, settle: bool) -> PlayedScene:
        vad = {"create_response": self._scene.creates, "interrupt_response": self._scene.interrupts}
        config = {
            "model_settings": {"turn_detection": {"type": "server_vad", **vad}, "speed": 1.0},
            "output_guardrails": [_guardrail(self._scene, self._watch)],
            "guardrails_settings": {"debounce_text_length": self._scene.step},
        }
        session = await RealtimeRunner(self._agents["front"], model=self._model, config=config).run()
        played = PlayedScene(self._watch, self._model)
        async with trio.open_nursery() as outside, session:
            outside.start_soon(self._read, session, outside, played)
            await self._act(session, outside)
            if settle:
                await self._settle(session, played)
        self._watch.ended()
        return played

    async def _settle(self, session: Session, played: PlayedScene) -> None:
        """Wait until nothing happens any more."""
        await self._model.script_over.wait()
        for _ in range(MOST_ROUNDS):
            self._model.everybody_is_silent()
            before = self._model.traces()
            await trio.sleep(LONG)
            if played.over:
                return
            if self._model.traces() == before:
                self._watch.settled(list(session.history))
                return
        raise AssertionError("the conversation does not come to rest")

    # --- the application

    async def _read(self, session: Session, nursery: trio.Nursery, played: PlayedScene) -> None:
        try:
            async for event in session:
                self._watch.seen(event, now_ns())
                played.events.append(event)
                if isinstance(event, ToolApprovalRequired):
                    nursery.start_soon(self._decide, session, event.call_id)
                if self._scene.reads_every_ms:
                    await trio.sleep(self._scene.reads_every_ms / 1000)
        except TransportLost as lost:
            played.error = lost
        played.over = True

    async def _decide(self, session: Session, call_id: str) -> None:
        await trio.sleep(self._scene.decides_after_ms / 1000)
        try:
            if self._scene.approves:
                await session.approve_tool_call(call_id)
            else:
                await session.reject_tool_call(call_id, rejection_message="no")
        except (SessionClosed, ToolCallUnknown):
            return

    async def _act(self, session: Session, nursery: trio.Nursery) -> None:
        try:
            for later in self._scene.moves:
                await trio.sleep(later.after_ms / 1000)
                await self._make(session, later.what, nursery)
        except SessionClosed:
            return

    async def _make(self, session: Session, move: Move, nursery: trio.Nursery) -> None:
        match move:
            case Says(remark=remark):
                text = "by the way" if remark else "hello"
                self._watch.commanded(SendMessage(user_message(text), respond=not remark), now_ns())
                await session.send_message(text, respond=not remark)
            case Asks(out_of_band=out_of_band):
                number = len(self._handles) + 1
                params = ResponseParams(conversation="none", output_modalities=("text",)) if out_of_band else UNSET
                self._watch.commanded(Respond(number, params), now_ns())
                handle = await session.respond(params=params or None)
                self._handles.append(handle)
                nursery.start_soon(self._await_handle, number, handle)
            case Cancels() if self._handles:
                self._watch.commanded(CancelHandle(len(self._handles)), now_ns())
                await self._handles[-1].cancel()
            case Interrupts():
                self._watch.commanded(Interrupt(), now_ns())
                await session.interrupt()
            case ChangesAgent(name=name):
                await session.update_agent(self._agents[name])
            case ChangesSettings(speed=speed, raw=True):
                event = {"type": "session.update", "session": {"audio": {"output": {"speed": speed}}}}
                self._watch.commanded(SendRaw(RawClientEvent(event)), now_ns())
                await session.send_event(event)
            case ChangesSettings(speed=speed):
                self._watch.commanded(UpdateSettings(session_settings({"speed": speed})), now_ns())
                await session.update_settings(speed=speed)
            case SendsAudio(ms=ms, commit=commit):
                if commit:
                    self._watch.commanded(AudioSent("commit"), now_ns())
                await session.send_audio(bytes(ms * BYTES_PER_MS), commit=commit)
            case ClearsAudio():
                self._watch.commanded(AudioSent("clear"), now_ns())
                await session.clear_audio()

    async def _await_handle(self, number: int, handle: ResponseHandle) -> None:
        try:
            outcome = await handle.done()
        except (ResponseFailed, TransportLost):
            self._watch.answered(number, "failed")
        else:
            self._watch.reported(outcome.response_id, outcome.calls)
            self._watch.answered(number, outcome.status)


# --- agents


def _agents(scene: Scene, watch: Watch) -> dict[str, Agent]:
    """Two agents whose instructions are their names, with a tool of each kind and a way to each other."""
    tools = _tools(scene, watch)
    agents: dict[str, Agent] = {
        name: RealtimeAgent(name=name, instructions=name, tools=tools) for name in ("front", "back")
    }
    for agent in agents.values():
        agent.handoffs.extend(
            realtime_handoff(other, tool_name_override=HANDOFF + name) for name, other in agents.items()
        )
    return agents


def _tools(scene: Scene, watch: Watch) -> list[FunctionTool]:
    async def quick(ctx: ToolContext[Any]) -> str:
        """At once."""
        watch.invoked(ctx.call_id)
        return f"{ctx.call_id} is done"

    async def slow(ctx: ToolContext[Any]) -> str:
        """After a while."""
        watch.invoked(ctx.call_id)
        await trio.sleep(scene.tool_ms / 1000)
        return f"{ctx.call_id} is done"

    async def broken(ctx: ToolContext[Any]) -> str:
        """Never."""
        watch.invoked(ctx.call_id)
        raise ValueError("out of order")

    return [
        function_tool(quick, name_override="plain"),
        function_tool(slow, name_override="slow"),
        function_tool(slow, name_override="stoppable", on_interruption="cancel"),
        function_tool(slow, name_override="guarded", needs_approval=True),
        function_tool(slow, name_override="hasty", timeout=max(1, scene.tool_ms) / 2000),
        function_tool(broken, name_override="broken"),
    ]


TOOLS = ("plain", "slow", "stoppable", "guarded", "hasty", "broken", "unknown", HANDOFF + "front", HANDOFF + "back")
"""Names that the model may call, one of which does not exist."""


def _guardrail(scene: Scene, watch: Watch) -> OutputGuardrail:
    async def words(ctx: RunContext[Any], agent: Agent, text: str) -> GuardrailFunctionOutput:
        watch.checked(text)
        await trio.sleep(scene.guardrail_ms / 1000)
        numbers = [int(word.removeprefix("word")) for word in text.split()]
        tripped = bool(scene.forbidden) and any(number % scene.forbidden == 0 for number in numbers)
        if tripped:
            watch.objected(now_ns())
        return GuardrailFunctionOutput(tripwire_triggered=tripped)

    return output_guardrail(words)
