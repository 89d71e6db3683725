"""The recorder at its edges: what a delta costs, how much is remembered, what the server leaves out."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.effects import Effects
from engine.core.inputs import SendMessage, ToolDone
from engine.events import (
    AgentEnd,
    AgentStart,
    Audio,
    AudioEnd,
    AudioInterrupted,
    RealtimeSessionEvent,
    TranscriptDelta,
    UserSpeechStarted,
)
from engine.latency.instants import Instant
from engine.latency.log import LogHeader, LogWriter
from engine.latency.turns import TurnRecord
from engine.recorder import Recorder
from engine.recorder.state import KEPT_NAMES, KEPT_TURNS
from engine.wire.client_events import ConversationItemCreate, ResponseCreate
from engine.wire.formats import PCM16
from engine.wire.items import InputText, Message
from engine.wire.response import Response, ResponseParams
from engine.wire.server_events import (
    OutputAudioBufferStarted,
    OutputAudioBufferStopped,
    ResponseCreated,
    ResponseOutputAudioDelta,
)
from engine.wire.struct import UNSET
from engine.wire.units import NS_PER_S
from tests.core.driving import Driven
from tests.support.talk import begins, calls, ends

MS = 1_000_000
PIECE = b"\0\x10" * 480


@attrs.define
class Watched:
    """A recorder, and what it tells."""

    over: list[TurnRecord] = attrs.field(factory=list)
    due: list[int] = attrs.field(factory=list)
    recorder: Recorder = attrs.field(init=False)
    now: int = 0

    def __attrs_post_init__(self) -> None:
        self.recorder = Recorder(
            LogHeader(session="s"),
            PCM16,
            PCM16,
            on_turn=lambda turn, _: self.over.append(turn),
            on_due=self.due.append,
        )

    def step(self, *events: RealtimeSessionEvent, batch: tuple[Any, ...] = ()) -> None:
        self.recorder.stepped(batch, Effects(events=list(events)), self.now)

    def begins(self, response: str) -> None:
        self.step(AgentStart(context=None, at_ns=self.now, agent=None, response_id=response))

    def ends(self, response: str) -> None:
        self.step(AgentEnd(context=None, at_ns=self.now, agent=None, response_id=response, status="completed"))

    def audio(self, response: str = "r", item: str = "i") -> Audio:
        return Audio(context=None, at_ns=self.now, response_id=response, item_id=item, content_index=0, data=PIECE)

    def word(self, response: str = "r", item: str = "i") -> TranscriptDelta:
        return TranscriptDelta(
            context=None, at_ns=self.now, role="assistant", item_id=item, response_id=response, delta="word "
        )


def calls_of(function: Callable[[], None]) -> int:
    """How many functions are called, in Python and in C."""
    count = 0

    def seen(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(seen)
    try:
        function()
    finally:
        sys.setprofile(None)
    return count - 1  # switching the profile off


def test_a_delta_that_is_no_instant_costs_a_few_lookups() -> None:
    watched = Watched()
    watched.begins("r")
    watched.step(watched.word(), watched.audio())
    watched.recorder.taken(watched.audio(), watched.now)
    delta = ResponseOutputAudioDelta("r", "i", 0, 0, PIECE)
    effects, audio = Effects(events=[watched.word(), watched.audio()]), watched.audio()

    def one() -> None:
        watched.recorder.stepped((delta,), effects, watched.now)
        watched.recorder.taken(audio, watched.now)

    one()
    # `stepped`: three types looked up, two handlers, the item, the piece's size and time. `taken`: a figure added,
    # the item, the speaker.
    assert calls_of(one) <= 26


def test_no_more_is_remembered_than_is_useful() -> None:
    watched = Watched()
    for number in range(KEPT_NAMES + 50):
        response, item = f"r{number}", f"i{number}"
        watched.begins(response)
        watched.step(watched.audio(response, item))
        watched.recorder.taken(watched.audio(response, item), watched.now)
        watched.step(AudioEnd(context=None, at_ns=watched.now, response_id=response, item_id=item, content_index=0))
        watched.ends(response)
        watched.now += 1000 * MS
    watched.recorder.wake(watched.now)
    assert len(watched.recorder.turns) == KEPT_TURNS
    assert len(watched.over) == KEPT_NAMES + 50
    state = watched.recorder._state
    assert max(len(state.items), len(state.begun), len(state.call_of)) <= KEPT_NAMES


def test_a_call_is_followed_by_its_name_where_its_id_is_used_again() -> None:
    watched, machine = Watched(), Driven().machine

    def step(*batch: Any) -> None:
        watched.now += 10 * MS
        for each in batch:
            machine.handle(each, watched.now)
        effects = machine.take_effects()
        watched.recorder.stepped(batch, effects, watched.now)
        watched.now += 10 * MS
        watched.recorder.written(effects.wire, watched.now)

    for _ in range(2):
        step(begins("r"), *calls("r", ("call_0", "tool", "{}")), ends("r"))
    step(ToolDone("call_0~2", "result", "second"))
    step(ToolDone("call_0", "result", "first"))
    assert not watched.recorder._state.by_names
    tools = {tool.call_id: tool for turn in watched.recorder.turns for tool in turn.tools}
    assert {name: (tool.called, tool.output_sent) for name, tool in tools.items()} == {
        "call_0": (10 * MS, 80 * MS),
        "call_0~2": (30 * MS, 60 * MS),
    }


def test_a_message_that_wants_no_answer_is_no_turn() -> None:
    watched = Watched()
    for respond in (False, True):
        message = Message("m", "user", (InputText("hi"),))
        watched.step(batch=(SendMessage(message, respond),))
        watched.recorder.written([ConversationItemCreate(message)], watched.now)
    assert [turn.opened_by for turn in watched.recorder.turns] == ["text"]


def test_a_response_beside_the_conversation_is_no_turn() -> None:
    watched = Watched()
    watched.recorder.written(
        [ResponseCreate(ResponseParams(conversation="none", metadata=UNSET), event_id="req_1")], watched.now
    )
    created = ResponseCreated(Response("side", metadata={"engine_request": "req_1"}))
    start = AgentStart(context=None, at_ns=0, agent=None, response_id="side")
    watched.step(start, batch=(created,))
    assert list(watched.recorder.turns) == []


def test_a_server_that_plays_audio_itself_reports_it() -> None:
    watched = Watched()
    watched.begins("r")
    watched.now = 100 * MS
    watched.step(batch=(OutputAudioBufferStarted("r"),))
    watched.now = 900 * MS
    watched.ends("r")
    watched.step(batch=(OutputAudioBufferStopped("r"),))
    watched.recorder.end("closed", watched.now)
    (turn,) = watched.over
    assert (turn.playout_source, turn.playout_start, turn.playout_stop) == ("reported", 100 * MS, 900 * MS)
    assert (turn.answered, turn.complete) == (True, True)


def test_an_interruption_that_the_application_never_takes_ends_with_the_audio() -> None:
    watched = Watched()
    watched.begins("r")
    watched.step(*[watched.audio() for _ in range(10)])
    for _ in range(5):
        watched.recorder.taken(watched.audio(), watched.now)
    watched.now = 50 * MS
    watched.step(
        UserSpeechStarted(context=None, at_ns=watched.now, item_id="u", audio_start_ms=0),
        AudioInterrupted(context=None, at_ns=watched.now, response_id="r", item_id="i", audio_end_ms=50),
    )
    watched.ends("r")
    assert watched.recorder.due == 100 * MS
    watched.now = 5000 * MS
    watched.recorder.wake(watched.now)
    answered, _ = watched.recorder.turns
    assert answered.interruption is not None
    assert (answered.interruption.cause, answered.interruption.taken) == ("user", None)
    assert (answered.playout_stop, answered.played_ms) == (100 * MS, 100)


def test_after_the_end_nothing_is_told() -> None:
    watched = Watched()
    watched.recorder.end("closed", 5)
    watched.recorder.end("closed again", 6)
    watched.begins("r")
    watched.recorder.taken(watched.audio(), 7)
    watched.recorder.played("i", 20, 7)
    watched.recorder.mark("user.speech.start.truth", 7, {}, 7)
    watched.recorder.written([], 8)
    assert (list(watched.recorder.turns), watched.recorder.due) == ([], None)


def test_what_a_mark_leads_to_is_not_forgotten() -> None:
    """A mark puts a turn to rest: somebody is told when to look again, although nothing else happens."""
    watched = Watched()
    watched.begins("r")
    for _ in range(30):  # what is computed ends long after what is measured
        watched.step(watched.audio())
        watched.recorder.taken(watched.audio(), watched.now)
    watched.step(AudioEnd(context=None, at_ns=watched.now, response_id="r", item_id="i", content_index=0))
    watched.ends("r")
    watched.now += 5 * MS
    watched.due.clear()
    for kind in ("playout.start", "playout.stop"):
        fields = {"response": "r", "item": "i", "source": "measured"}
        watched.recorder.mark(kind, watched.now, fields, watched.now)
    assert watched.due
    assert watched.recorder.due == watched.due[-1]
    watched.recorder.wake(watched.due[-1])
    watched.recorder.wake(watched.due[-1] + 200 * MS)
    assert len(watched.over) == 1


def test_a_log_that_cannot_be_written_any_more_is_warned_of_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    header = LogHeader(session="s")
    writer = LogWriter(tmp_path / "s.jsonl", header)
    writer._file.close()
    writer._file = open("/dev/full", "wb", buffering=0)  # noqa: SIM115 - the writer closes it
    recorder = Recorder(header, PCM16, PCM16, writer=writer)
    for at in (2, 4, 6):
        begun = AgentStart(context=None, at_ns=at, agent=None, response_id="r")
        recorder.stepped((), Effects(events=[begun]), at * NS_PER_S)
    recorder.end("closed", 8 * NS_PER_S)
    warned = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warned == ["latency log not written any more: No space left on device (session s)"]


@given(st.integers(0, 40), st.lists(st.integers(1, 60), max_size=8), st.data())
def test_the_first_audible_sample_is_told_once_wherever_it_is_cut(
    quiet: int, sizes: list[int], data: st.DataObject
) -> None:
    """Also where its first byte was taken before the second had come: then nobody could know yet."""
    told: list[Instant] = []
    watched = Watched()
    watched.recorder._state._take = lambda instant, at_ns: told.append(instant)  # type: ignore[method-assign]
    sound, waiting, at = b"\0\0" * quiet + b"\0\x40" * 20, list[Audio](), 0
    watched.begins("r")
    for size in (*sizes, len(sound)):
        if piece := sound[at : at + size]:
            waiting.append(attrs.evolve(watched.audio(), data=piece))
            watched.step(waiting[-1])
        at += size
        for _ in range(data.draw(st.integers(0, len(waiting)))):
            watched.recorder.taken(waiting.pop(0), watched.now)
    for audio in waiting:
        watched.recorder.taken(audio, watched.now)
    assert [instant.fields["ms"] for instant in told if instant.kind == "audio.first_audible"] == [quiet / 24]
