"""Somebody who walks through a conversation with the bare machine: the world of the promises, drawn from a seed.

Everything that goes into the machine and comes out of it is kept as text. In every second walk the server garbles what
it says: events come twice, late, not at all or about something else.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from engine.core.agent_spec import AgentSpec
from engine.core.effects import Effects
from engine.core.inputs import (
    Input,
)
from engine.core.machine import Machine
from engine.core.playback import PlaybackLedger
from engine.core.state import Rules
from engine.wire.client_events import (
    ClientEvent,
)
from engine.wire.formats import G711_ULAW, AudioFormat
from engine.wire.server_events import (
    MalformedEvent,
    ResponseCreated,
    ServerEvent,
    SessionUpdated,
    UnknownEvent,
)
from engine.wire.struct import UNSET, evolve
from tests.core.stateful import Conversation
from tests.support.fake_server.aliases import Aliases
from tests.support.fake_server.records import Quirks
from tests.support.promises.base import PromiseBroken
from tests.support.world import Setting, World

MS = 1_000_000


def _quirks(rng: random.Random) -> Quirks:
    def some(one_in: int = 4) -> bool:
        return rng.randrange(one_in) == 0

    return Quirks(
        done_before_started=some(),
        silent_clash=some(),
        late_done=some(),
        stray_audio=some(),
        whole_text=some(),
        rewords=some(),
        never_cancels=some(),
        reuses_ids=some(),
        forgets_response_ids=some(),
        repeats=some(),
        never_ends=some(8),
        anonymous=some(8),
        refuses_metadata=some(8),
        other_format=rng.choice([None, None, None, G711_ULAW, AudioFormat("audio/pcm", 48000)]),
        denies_detection=some(6),
        refuses_changes=rng.choice(["", "", "", "by id", "by place"]),
        sparse=some(6),
        adds_late=some(),
        null_places=rng.choice(["none", "none", "some", "all"]),
        repeats_transcripts=some(),
    )


def _setting(rng: random.Random) -> Setting:
    creates, interrupts, vad = (rng.randrange(4) > 0 for _ in range(3))
    return Setting(creates, interrupts, vad, _quirks(rng), instant=rng.randrange(2) == 0)


class _Watched(Machine):
    """The machine, with everything that went into it and came out of it."""

    def __init__(self, rules: Rules, agent: AgentSpec, ledger: PlaybackLedger) -> None:
        super().__init__(rules, agent, ledger)
        self.lines: list[str] = []

    def handle(self, given: Input, now: int) -> Effects:
        self.lines.append(f"  {now // MS} < {shown(given)}")
        return super().handle(given, now)

    def take_effects(self) -> Effects:
        effects = super().take_effects()
        for kind in type(effects).__struct_fields__:
            self.lines += [f"      {kind}: {shown(effect)}" for effect in getattr(effects, kind)]
        return effects


def _with_declarations(agent: AgentSpec) -> AgentSpec:
    """Return an agent whose tools were declared somewhere, each by itself."""
    return attrs.evolve(agent, tools={name: attrs.evolve(tool, declared=name) for name, tool in agent.tools.items()})


class _Nobody:
    """Nobody watches: promises are judged by other tests."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_args, **_named: None


class _Ids(Aliases):
    """The ids of a server, which may be lost where it garbles what it says."""

    def __init__(self, quirks: Quirks, tells_beginnings: bool) -> None:
        super().__init__(quirks)
        self._tells_beginnings = tells_beginnings

    def heard(self, event: ServerEvent) -> list[ServerEvent]:
        if isinstance(event, ResponseCreated) and not self._tells_beginnings:
            super().heard(event)
            return []
        return [event] if isinstance(event, MalformedEvent | UnknownEvent) else super().heard(event)

    def sent(self, event: ClientEvent, told: Any) -> ClientEvent:
        try:
            return super().sent(event, told)
        except PromiseBroken:
            return event


class Walker(Conversation):
    """The conversation of the promises' tests, with a server that may garble."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.rng = random.Random(seed)
        self.garbles = seed % 2 == 1
        self.tells_beginnings = seed % 10 not in (4, 5)
        self.open(_setting(self.rng))

    def make_world(self, setting: Setting) -> World:
        rng = self.rng
        changes: dict[str, Any] = {
            "raw_events": rng.randrange(6) == 0,
            "server_truncates": rng.randrange(6) > 0,
            "server_plays": rng.randrange(8) == 0,
            "max_tool_rounds": rng.choice([12, 2, None]),
        }
        reported = rng.randrange(4) == 0

        def machine(rules: Rules, agent: AgentSpec, _: PlaybackLedger) -> Machine:
            return _Watched(
                attrs.evolve(rules, **changes), _with_declarations(agent), PlaybackLedger(reported=reported)
            )

        world = World(setting, machine)
        world.agents = {name: _with_declarations(agent) for name, agent in world.agents.items()}
        world.watch = _Nobody()  # type: ignore[assignment]
        world.aliases = _Ids(setting.quirks, self.tells_beginnings)
        if self.garbles:
            world.far.out = _Garbled(self.rng)
        return world

    @property
    def lines(self) -> list[str]:
        machine = self.world.machine
        assert isinstance(machine, _Watched)
        return machine.lines


class _Garbled(deque[ServerEvent]):
    """What a server says, some of it twice, late, about something else or not at all."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__()
        self._rng = rng
        self._late: list[ServerEvent] = []

    def extend(self, events: Iterable[ServerEvent]) -> None:
        for event in events:
            plain = isinstance(event, SessionUpdated | MalformedEvent | UnknownEvent)
            garbled = self._rng.randrange(8) == 0 and not plain
            super().extend(self._garbled(event) if garbled else [event])
            if self._late and self._rng.randrange(4) == 0:
                super().append(self._late.pop())

    def _garbled(self, event: ServerEvent) -> Sequence[ServerEvent]:
        match self._rng.randrange(7):
            case 0:
                return [event, event]
            case 1:
                self._late.append(event)
                return []
            case 2:
                return []
            case 3:
                name = event.type
                response_id = getattr(event, "response_id", "") or getattr(getattr(event, "response", None), "id", "")
                return [MalformedEvent("garbled", b"{", type=name, response_id=response_id)]
            case way:
                field = ("response_id", "item_id", "call_id")[way - 4]
                others = ("", "resp_1", "item_2", "msg_1", "another")
                if not hasattr(event, field):
                    return [event, event]
                return [evolve(event, **{field: self._rng.choice(others)})]  # type: ignore[type-var]


def shown(value: Any) -> str:
    """Write a value in the same way whatever the versions: without fields at rest, and audio as its length."""
    match value:
        case bytes():
            return f"{len(value)} bytes"
        case str() | int() | float() | None:
            return repr(value)
        case BaseException():
            return f"{type(value).__name__}({value})"
        case Mapping():
            return "{" + ", ".join(f"{key}: {shown(one)}" for key, one in value.items()) + "}"
        case set() | frozenset():
            return "{" + ", ".join(sorted(map(shown, value))) + "}"
        case AgentSpec():
            return value.name
        case Sequence():
            return "[" + ", ".join(map(shown, value)) + "]"
    names = getattr(value, "__struct_fields__", None) or [field.name for field in getattr(value, "__attrs_attrs__", ())]
    told = {name: getattr(value, name) for name in names if name not in ("context", "at_ns", "history")}
    fields = ", ".join(f"{name}={shown(one)}" for name, one in told.items() if one not in (None, UNSET, "", 0))
    return f"{type(value).__name__}({fields})"
