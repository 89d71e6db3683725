"""Hypothesis holds conversations with the bare machine: steps in any order, and all promises after each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from engine.core.inputs import (
    CancelHandle,
    DecideCall,
    Interrupt,
    Respond,
    SendMessage,
    SendRaw,
    UpdateAgent,
    UpdateSettings,
)
from engine.errors import TransportLost
from engine.wire.client_events import RawClientEvent
from engine.wire.formats import G711_ULAW, AudioFormat
from engine.wire.items import InputText, Message
from engine.wire.response import ResponseParams
from engine.wire.server_events import MalformedEvent, UnknownEvent
from engine.wire.session import Audio, AudioOutput, Session
from engine.wire.struct import UNSET
from tests.support.fake_server.records import FarResponse, Quirks
from tests.support.promises.agents import HANDOFF
from tests.support.world import Setting, World

MS = 1_000_000
T = TypeVar("T")
LONGEST_JOURNEY_MS = 1000
"""Nothing is under way for longer than this."""

quirks = st.builds(
    Quirks,
    done_before_started=st.booleans(),
    silent_clash=st.booleans(),
    late_done=st.booleans(),
    stray_audio=st.booleans(),
    whole_text=st.sampled_from([False, False, True]),
    rewords=st.sampled_from([False, False, True]),
    never_cancels=st.booleans(),
    reuses_ids=st.booleans(),
    forgets_response_ids=st.booleans(),
    repeats=st.booleans(),
    never_ends=st.sampled_from([False, False, False, True]),
    anonymous=st.sampled_from([False, False, False, True]),
    refuses_metadata=st.sampled_from([False, False, False, True]),
    other_format=st.sampled_from([None, None, G711_ULAW, AudioFormat("audio/pcm", 48000)]),
    denies_detection=st.sampled_from([False, False, True]),
    refuses_changes=st.sampled_from(["", "", "by id", "by place"]),
    sparse=st.sampled_from([False, False, True]),
    adds_late=st.booleans(),
    null_places=st.sampled_from(["none", "none", "some", "all"]),
    repeats_transcripts=st.booleans(),
)
arrangements = st.builds(
    Setting,
    creates=st.booleans(),
    interrupts=st.booleans(),
    vad=st.sampled_from([True, True, False]),
    quirks=quirks,
    instant=st.booleans(),
)
indices = st.integers(0, 3)
tool_names = st.sampled_from(["plain", "stoppable", "guarded", "unknown", HANDOFF + "front", HANDOFF + "back"])


def pick(several: Sequence[T], index: int) -> T:
    """One of what there is."""
    return several[index % len(several)]


class Conversation(RuleBasedStateMachine):
    """The world, step by step."""

    world: World

    @initialize(setting=arrangements)
    def open(self, setting: Setting) -> None:
        self.world = self.make_world(setting)

    def make_world(self, setting: Setting) -> World:
        """A broken machine is put in here."""
        return World(setting)

    # --- the application

    @rule(respond=st.sampled_from([True, True, False]))
    def sends_a_message(self, respond: bool) -> None:
        text = "hello" if respond else "by the way"
        self.world.command(SendMessage(Message(UNSET, "user", (InputText(text),)), respond))

    @rule()
    def asks_for_a_response(self) -> None:
        self.world.command(Respond(self.world.next_handle()))

    @rule()
    def asks_for_a_response_out_of_band(self) -> None:
        params = ResponseParams(conversation="none", output_modalities=("text",))
        self.world.command(Respond(self.world.next_handle(), params))

    @precondition(lambda self: self.world.handles)
    @rule(index=indices)
    def cancels_a_response(self, index: int) -> None:
        self.world.command(CancelHandle(pick(range(1, self.world.handles + 1), index)))

    @rule()
    def interrupts(self) -> None:
        self.world.command(Interrupt())

    @rule(name=st.sampled_from(["front", "back"]))
    def changes_the_agent(self, name: str) -> None:
        self.world.command(UpdateAgent(self.world.agents[name]))

    @rule(speed=st.sampled_from([0.5, 0.75, 1.5]), raw=st.booleans())
    def changes_settings(self, speed: float, raw: bool) -> None:
        if raw:
            session = {"type": "realtime", "audio": {"output": {"speed": speed}}}
            self.world.command(SendRaw(RawClientEvent({"type": "session.update", "session": session})))
        else:
            self.world.command(UpdateSettings(Session(audio=Audio(output=AudioOutput(speed=speed)))))

    @precondition(lambda self: self.world.feed)
    @rule(most=st.sampled_from([1, 2, 5, 1000]))
    def takes_events(self, most: int) -> None:
        self.world.take(most)

    # --- tools and guardrails

    @precondition(lambda self: self.world.tools)
    @rule(index=indices, asks=st.booleans())
    def a_tool_goes_on(self, index: int, asks: bool) -> None:
        call_id = pick(list(self.world.tools), index)
        if asks and self.world.tools[call_id].name == "guarded" and call_id not in self.world.asked:
            self.world.tool_asks(call_id)
        else:
            self.world.tool_ends(call_id)

    @precondition(lambda self: self.world.asking)
    @rule(index=indices, approved=st.booleans(), always=st.booleans())
    def decides(self, index: int, approved: bool, always: bool) -> None:
        self.world.command(DecideCall(pick(list(self.world.asking), index), approved, always))

    @precondition(lambda self: self.world.texts)
    @rule(index=indices, tripped=st.booleans())
    def the_guardrails_judge(self, index: int, tripped: bool) -> None:
        self.world.verdict(pick(list(self.world.texts), index), tripped=tripped)

    # --- the server's model

    @precondition(lambda self: self.world.far.running())
    @rule(index=indices, words=st.integers(0, 6), ms=st.sampled_from([0, 20, 500, 3000]), spoken=st.booleans())
    def the_model_speaks(self, index: int, words: int, ms: int, spoken: bool) -> None:
        response = self._a_response(index)
        messages = [item for item in response.open_items() if item.kind == "message"]
        spoken = spoken and not response.out_of_band
        item = messages[-1] if messages else self.world.far.opens_message(response, spoken=spoken)
        self.world.far.speaks(response, item, words, ms)

    @precondition(lambda self: self.world.far.active)
    @rule(lengths=st.lists(st.sampled_from([20, 500, 3000]), min_size=1, max_size=3), last_is_over=st.booleans())
    def the_model_talks_at_length(self, lengths: list[int], last_is_over: bool) -> None:
        response = self.world.far.active
        assert response is not None
        for at, ms in enumerate(lengths):
            item = self.world.far.opens_message(response)
            self.world.far.speaks(response, item, 2, ms)
            if last_is_over or at < len(lengths) - 1:
                self.world.far.closes(response, item)

    @rule(ms=st.sampled_from([10, 300, 600, 2000]))
    def the_user_listens(self, ms: int) -> None:
        self.world.deliver()
        self.world.take()
        self.world.passes(ms * MS)

    @precondition(lambda self: self.world.far.running())
    @rule(index=indices)
    def the_model_ends_an_item(self, index: int) -> None:
        response = self._a_response(index)
        if items := response.open_items():
            self.world.far.closes(response, pick(items, index))

    @precondition(lambda self: self.world.far.running())
    @rule(index=indices, names=st.lists(tool_names, min_size=1, max_size=3), whole=st.booleans())
    def the_model_calls(self, index: int, names: list[str], whole: bool) -> None:
        response = self._a_response(index)
        for name in names:
            item = self.world.far.opens_call(response, name, '{"a": 1}')
            if whole:
                self.world.far.closes(response, item)

    @precondition(lambda self: self.world.far.running())
    @rule(index=indices, status=st.sampled_from(["completed", "completed", "completed", "failed", "incomplete"]))
    def a_response_ends(self, index: int, status: str) -> None:
        self.world.far.ends(self._a_response(index), status)

    def _a_response(self, index: int) -> FarResponse:
        return pick(self.world.far.running(), index)

    # --- the user, as the server hears them

    @rule()
    def the_user_starts(self) -> None:
        self.world.far.user_starts()

    @precondition(lambda self: self.world.far.speaking)
    @rule()
    def the_user_stops(self) -> None:
        self.world.far.user_stops()

    @precondition(lambda self: self.world.far.speaking)
    @rule(stopped=st.booleans())
    def nothing_comes_of_what_the_user_said(self, stopped: bool) -> None:
        self.world.far.hears_nothing_more(stopped=stopped)

    @rule(what=st.sampled_from(["commit", "clear"]))
    def the_application_ends_a_turn(self, what: Literal["commit", "clear"]) -> None:
        self.world.end_turn(what)

    @rule(index=indices)
    def what_was_said_is_transcribed(self, index: int) -> None:
        items = [item.item_id for item in self.world.far.items.values() if item.item_id.startswith("user_")]
        if items:
            self.world.far.transcribes(pick(items, index), "something")

    @rule()
    def nobody_says_anything(self) -> None:
        self.world.far.falls_silent()

    @rule(raw=st.sampled_from([UnknownEvent("new.event", {"type": "new.event"}), MalformedEvent("no JSON", b"\xff")]))
    def the_server_says_something_odd(self, raw: UnknownEvent | MalformedEvent) -> None:
        copy = type(raw)(*(getattr(raw, name) for name in ("type", "raw"))) if isinstance(raw, UnknownEvent) else raw
        self.world.far.say(copy)

    # --- time and distance

    @rule(most=st.sampled_from([1, 2, 3, 1000]))
    def events_arrive(self, most: int) -> None:
        self.world.deliver_down(most)

    @rule(most=st.sampled_from([1, 1000]))
    def client_events_arrive(self, most: int) -> None:
        self.world.deliver_up(most)

    @precondition(lambda self: self.world.reports)
    @rule(most=st.sampled_from([1, 1000]))
    def reports_arrive(self, most: int) -> None:
        self.world.deliver_reports(most)

    @rule(ms=st.sampled_from([1, 20, 333, 1000, 5000]))
    def time_passes(self, ms: int) -> None:
        if ms >= LONGEST_JOURNEY_MS:
            self.world.deliver()
        self.world.passes(ms * MS)

    # --- what is true at all times

    @invariant()
    def all_promises_are_kept(self) -> None:
        self.world.after()
        self.world.check()

    def teardown(self) -> None:
        if not hasattr(self, "world") or self.world.watch.broken:
            return
        self.world.settle()
        self.world.end(TransportLost("gone"))
